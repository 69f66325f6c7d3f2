"""The journal guards itself: after every migrate its triggers and its one-row head are put in place."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate

from rulebook.journal import triggers


class JournalConfig(AppConfig):
    name = "rulebook.journal"
    label = "journal"
    verbose_name = "Journal"

    def ready(self) -> None:
        post_migrate.connect(triggers.install_after_migrate, sender=self)
        register(triggers.check_triggers, Tags.database)
