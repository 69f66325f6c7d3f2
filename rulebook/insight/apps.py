"""The figures. In this package live no tables yet: the ledger is computed from the cases."""

from django.apps import AppConfig


class InsightConfig(AppConfig):
    name = "rulebook.insight"
    label = "insight"
    verbose_name = "Figures"
