"""From "marked for removal" to an outcome that holds."""

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    name = "rulebook.review"
    label = "review"
    verbose_name = "Reviews"
