"""The doors of the front line: by a team's link, by a sign-in; and what the product promises."""

from django.urls import path

from rulebook.access import views

urlpatterns = [
    path("t/<str:token>/", views.team_door, name="team_door"),
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("promise/", views.promise, name="promise"),
]
