"""The rules and what they are about."""

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    name = "rulebook.catalogue"
    label = "catalogue"
    verbose_name = "Rules"
