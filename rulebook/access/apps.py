"""People, departments and teams."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "rulebook.access"
    label = "access"
    verbose_name = "People"
