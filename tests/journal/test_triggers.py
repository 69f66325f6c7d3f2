"""Nobody rewrites the journal, and a missing guard is reported."""

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from rulebook.access.services import department_named
from rulebook.journal import triggers

pytestmark = pytest.mark.django_db

STATEMENTS = ["UPDATE journal_event SET verb = 'x'", "DELETE FROM journal_event"]
if connection.vendor == "sqlite":
    STATEMENTS += ["REPLACE INTO journal_event SELECT * FROM journal_event"]
else:
    STATEMENTS += ["TRUNCATE journal_event", "DELETE FROM journal_event WHERE false"]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_database_refuses_to_rewrite_the_journal(statement):
    department_named(name="Finance", by=None)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def missing():
    return [message for message in run_checks(databases=["default"]) if message.id == "journal.E001"]


def test_a_missing_trigger_is_reported_and_migrate_puts_it_back():
    assert missing() == []
    triggers.drop()
    (message,) = missing()
    assert "journal_no_delete" in message.msg and "migrate" in message.hint
    call_command("migrate", verbosity=0)
    assert missing() == []


def test_one_lost_trigger_is_enough_to_be_reported():
    on_table = " ON journal_event" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER journal_no_update{on_table}")
    (message,) = missing()
    assert "journal_no_update" in message.msg and "journal_no_delete" not in message.msg
