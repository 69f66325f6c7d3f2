"""The addresses of reviews outside the admin: where a letter leads."""

from django.urls import path

from rulebook.review import views

urlpatterns = [path("<int:number>/", views.review, name="review")]
