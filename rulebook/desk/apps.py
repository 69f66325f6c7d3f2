"""The last app to migrate: by then every model has its permissions, and the roles can be made to hold them."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DeskConfig(AppConfig):
    name = "rulebook.desk"
    label = "desk"
    verbose_name = "Desk"

    def ready(self) -> None:
        post_migrate.connect(sync_roles, sender=self)


def sync_roles(**kwargs: Any) -> None:
    from rulebook.access import roles  # models may be imported only once all apps are loaded

    roles.sync_roles()
