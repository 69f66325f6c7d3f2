"""The figures: sums by month, what each rule costs, and the ledger."""

from django.apps import AppConfig


class InsightConfig(AppConfig):
    name = "rulebook.insight"
    label = "insight"
    verbose_name = "Figures"
