"""The addresses of votes."""

from django.urls import path

from rulebook.votes import views

urlpatterns = [
    path("", views.stack, name="vote"),
    path("mine/", views.mine, name="vote_mine"),
    path("<int:number>/", views.sealed, name="vote_ballot"),
    path("<int:number>/result/", views.result, name="vote_result"),
]
