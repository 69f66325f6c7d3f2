"""Cases, their sources and their imports."""

from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "rulebook.cases"
    label = "cases"
    verbose_name = "Cases"
