"""The addresses of flags."""

from django.urls import path

from rulebook.flags import views

urlpatterns = [
    path("", views.flag, name="flag"),
    path("rules/", views.rules, name="flag_rules"),
    path("more/", views.more, name="flag_more"),
    path("receipt/", views.receipt, name="receipt"),
]
