"""The project's own app: it brings the system checks and the templates."""

from django.apps import AppConfig

from rulebook import checks

__all__ = ["RulebookConfig", "checks"]


class RulebookConfig(AppConfig):
    name = "rulebook"
    label = "rulebook"
    verbose_name = "Rulebook"
