"""The triggers that make the journal append-only, created anew after every migrate.

A later ALTER on SQLite rebuilds the table and silently drops them; hence `post_migrate` and not a migration, and a
system check that reports a missing one.
"""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

# Names and not models: this module is wired up before models may be imported.
TABLE = "journal_event"
HEAD = "journal_journalhead"
REFUSAL = "the journal is append-only"

INSTALL = {
    "sqlite": [
        f"CREATE TRIGGER IF NOT EXISTS journal_no_{verb} BEFORE {verb.upper()} ON {TABLE} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for verb in ("update", "delete")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION journal_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        *(
            f"CREATE OR REPLACE TRIGGER journal_no_{verb} BEFORE {verb.upper()} ON {TABLE} "
            "FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse()"
            for verb in ("update", "delete", "truncate")
        ),
    ],
}
PRESENT = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
    "postgresql": (
        "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND NOT tgisinternal AND tgenabled <> 'D'"
    ),
}
EXPECTED = {
    "sqlite": {"journal_no_update", "journal_no_delete"},
    "postgresql": {"journal_no_update", "journal_no_delete", "journal_no_truncate"},
}


def install(using: str = DEFAULT_DB_ALIAS) -> None:
    """Create the triggers and the head's row where they are missing."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for statement in INSTALL[connection.vendor]:
            cursor.execute(statement)
        cursor.execute(f"INSERT INTO {HEAD} (id, last) VALUES (1, 0) ON CONFLICT DO NOTHING")


def drop(using: str = DEFAULT_DB_ALIAS) -> None:
    """Take the triggers away, as a test's flush needs it. Nothing in the product calls this."""
    connection = connections[using]
    on_table = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for name in sorted(present(connection)):
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table}")


def present(connection: BaseDatabaseWrapper) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(PRESENT[connection.vendor], [TABLE])
        return {name for (name,) in cursor.fetchall() if name.startswith("journal_no_")}


def install_after_migrate(using: str = DEFAULT_DB_ALIAS, plan: Any = None, **kwargs: Any) -> None:
    if TABLE in connections[using].introspection.table_names():
        install(using)


def check_triggers(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """System check: the journal could be rewritten unseen while a trigger is missing."""
    messages: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if TABLE not in connection.introspection.table_names():
            continue  # nothing is migrated yet
        missing = EXPECTED[connection.vendor] - present(connection)
        if missing:
            messages.append(
                Error(
                    f"The journal of database '{alias}' is not protected: {', '.join(sorted(missing))} is missing.",
                    hint="Run `python manage.py migrate`; it puts the triggers back.",
                    id="journal.E001",
                )
            )
    return messages
