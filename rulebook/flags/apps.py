"""What agents say got in their way, and what became of it."""

from django.apps import AppConfig


class FlagsConfig(AppConfig):
    name = "rulebook.flags"
    label = "flags"
    verbose_name = "Flags"
