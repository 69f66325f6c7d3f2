"""Several writers at the same moment leave no gap, on both databases."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection, connections

from rulebook.access.models import Department
from rulebook.journal.models import Event, JournalHead
from rulebook.journal.services import business_verb, record

ROOT = Path(__file__).resolve().parents[2]
WRITERS, EACH = 4, 25

WRITE = """
from rulebook.access.models import Department
from rulebook.journal.services import business_verb, record

@business_verb
def write(name):
    Department.objects.create(name=name)
    record("opened", "department", name, by=None)
    record("named", "department", name, by=None)

for number in range({each}):
    write("{writer}-" + str(number))
"""

COUNT = """
from rulebook.journal.models import Event, JournalHead
numbers = list(Event.objects.values_list("number", flat=True))
print(len(numbers), numbers == list(range(1, len(numbers) + 1)), JournalHead.objects.get().last)
"""


@business_verb
def write(name):
    Department.objects.create(name=name)
    record("opened", "department", name, by=None)
    record("named", "department", name, by=None)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="threads share one SQLite database in memory")
@pytest.mark.django_db(transaction=True)
def test_threads_on_postgresql_leave_no_gap():
    before = JournalHead.objects.get().last

    def writer(number):
        try:
            for step in range(EACH):
                write(f"{number}-{step}")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(writer, range(WRITERS)))
    events = list(Event.objects.filter(number__gt=before).values_list("number", "object_code"))
    assert [number for number, _ in events] == list(range(before + 1, before + 1 + 2 * WRITERS * EACH))
    codes = [code for _, code in events]
    assert codes[::2] == codes[1::2], "the two events of one verb stand together"


@pytest.mark.process
def test_processes_on_sqlite_leave_no_gap(tmp_path):
    env = {name: value for name, value in os.environ.items() if not name.startswith("RULEBOOK_")}
    env |= {"RULEBOOK_DATA_DIR": str(tmp_path), "RULEBOOK_LOG_LEVEL": "ERROR"}

    def manage(*args):
        return subprocess.Popen(
            [sys.executable, "manage.py", *args], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    assert manage("migrate", "-v0").wait(timeout=120) == 0
    writers = [manage("shell", "-v0", "-c", WRITE.format(each=EACH, writer=number)) for number in range(WRITERS)]
    for writer in writers:
        output, _ = writer.communicate(timeout=120)
        assert writer.returncode == 0, output.decode()
    output, _ = manage("shell", "-v0", "-c", COUNT).communicate(timeout=60)
    total = 2 * WRITERS * EACH
    assert output.decode().split() == [str(total), "True", str(total)]
