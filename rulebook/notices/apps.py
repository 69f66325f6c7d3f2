"""What the front line is told before a rule changes, and who has read it."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "rulebook.notices"
    label = "notices"
    verbose_name = "Notices"
