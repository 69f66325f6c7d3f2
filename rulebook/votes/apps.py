"""How much rules hurt or help customers, by those who apply them."""

from django.apps import AppConfig


class VotesConfig(AppConfig):
    name = "rulebook.votes"
    label = "votes"
    verbose_name = "Votes"
