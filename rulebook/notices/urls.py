"""The addresses of notices."""

from django.urls import path

from rulebook.notices import views

urlpatterns = [
    path("", views.unread_notices, name="notices"),
    path("today/", views.today_page, name="notices_today"),
    path("earlier/", views.earlier_notices, name="notices_earlier"),
    path("<int:number>/", views.one_notice, name="notice"),
]
