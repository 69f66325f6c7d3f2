"""A house that ran the previous issue's last commit upgrades, and finds everything where it was.

`tests/upgrade` holds that commit's databases of a small world, and the world's files. The present code makes a fresh
database from the same files: both must say the same, to a person and to the next import.
"""

import gzip
import json
import shutil
import sqlite3
from contextlib import closing

import pytest
from django.core.management import get_commands
from django.utils import timezone

from tests.cases.importer import Done, plain
from tests.journeys.installation import SERVER, Installation, beside, on_server
from tests.upgrade import world

pytestmark = pytest.mark.process

# Django writes these itself after every migration, by what the present code holds.
DJANGOS_OWN = {"django_migrations", "django_content_type", "auth_permission", "auth_group_permissions"}
# What the migrations of this issue take away or change on purpose: {(table, column): the reason}; the whole table as
# (table, ""). Emptied when the databases are made anew.
CHANGED: dict[tuple[str, str], str] = {}
NEW_EVENTS = 0  # how many events the migrations of this issue add, on purpose

ASKED = [
    ["fcr"],
    *(["fcr", "--by", by] for by in ("rule", "topic", "channel", "team", "month")),
    *(["fcr", "--method", method] for method in ("declared", "survey", "single_touch", "closed_fast")),
    ["fcr", "--window", "30", "--key", "customer", "--since", "2025-02-01"],
    ["ledger"],
    ["ledger", "--source", "desk", "--until", "2025-06-30"],
    ["figures"],
    ["rules"],
    ["rules", "--at", "2025-05-31"],
    ["source", "desk"],
    ["source", "counter"],
]


class Upgraded(Installation):
    """The database of the previous issue's last commit, brought back as it was dumped, and then migrated."""

    def __init__(self, folder, **variables):
        super().__init__(folder, **variables)
        dump = gzip.decompress((world.FOLDER / f"{'postgresql' if SERVER else 'sqlite'}.sql.gz").read_bytes()).decode()
        if SERVER:
            import psycopg

            on_server(f"DROP DATABASE {self.name} WITH (FORCE)")
            on_server(f"CREATE DATABASE {self.name} TEMPLATE template0")
            with closing(psycopg.connect(beside(self.name), autocommit=True)) as connection:
                connection.execute(dump)
        else:
            self.path.unlink()
            self.path.touch(mode=0o600)
            with closing(sqlite3.connect(self.path)) as connection:
                connection.executescript(dump)
        self.old_columns = self.columns()
        self.old = self.contents(self.old_columns)
        migrated = self.run("migrate", "-v0")
        assert migrated.returncode == 0, migrated.stderr
        self.new_columns = self.columns()
        self.kept = {
            table: [name for name in names if name in self.new_columns.get(table, ())]
            for table, names in self.old_columns.items()
        }
        self.new = self.contents({table: names for table, names in self.kept.items() if names})

    def columns(self):
        """{table: its columns}."""
        if SERVER:
            rows = self.ask(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema='public'"
            )
        else:
            rows = self.ask(
                "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c "
                "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'"
            )
        found = {}
        for table, column in sorted(rows):
            found.setdefault(table, []).append(column)
        return found

    def contents(self, columns):
        """{table: its rows as {column: value}, in no order that means anything}."""
        return {
            table: sorted(
                (
                    dict(zip(names, map(plain, row), strict=True))
                    for row in self.ask("SELECT {} FROM {}".format(", ".join(f'"{name}"' for name in names), table))
                ),
                key=repr,
            )
            for table, names in columns.items()
        }


def told(house):
    """{command: the JSON it printed}: all that a person can ask for, once the work that is due is done."""
    work = "work" if "work" in get_commands() else "refresh_figures"
    export = house.folder / "rules.json"
    commands = [
        *([[work]] if work in get_commands() else []),
        *([*words, "--format", "json"] for words in ASKED if words[0] in get_commands()),
        ["export_rules", str(export)],
    ]
    done = house.run_all(commands)
    assert [(one.args, one.stderr) for one in done if one.returncode] == []
    # Figures that an older version stored may differ from those of today in their last digits: in what order it added.
    read = json.JSONDecoder(parse_float=lambda text: round(float(text), 9)).decode
    answers = {" ".join(one.args): read(one.stdout.strip()) for one in done if "json" in one.args}
    return {**answers, "export_rules": json.loads(export.read_text(encoding="utf-8"))}


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    """(upgraded, fresh), on the same day: a claimed law lapses some time after its claim, however old a dump is."""
    ring = shutil.copyfile(world.KEY_RING, tmp_path_factory.mktemp("ring") / "key_ring.json")
    ring.chmod(0o600)
    variables = {"RULEBOOK_KEY_RING": ring, "RULEBOOK_AGENT_KEYS": 1}
    upgraded = Upgraded(tmp_path_factory.mktemp("upgraded"), **variables)
    fresh = Installation(tmp_path_factory.mktemp("fresh"), **variables)
    assert [(one.args, one.stderr) for one in fresh.run_all(world.commands()) if one.returncode] == []
    for house in (upgraded, fresh):
        house.tell(f"UPDATE catalogue_rule SET claimed_on = '{timezone.localdate()}' WHERE claimed_on IS NOT NULL")
    return upgraded, fresh


def test_migrations_keep_every_row_and_every_value_and_write_no_event(houses):
    upgraded, _ = houses
    assert len(upgraded.old["cases_case"]) > 500 and len(upgraded.old["journal_event"]) > 30
    there = {(table, name) for table, names in upgraded.old_columns.items() for name in ("", *names)}
    still = {(table, name) for table, names in upgraded.new_columns.items() for name in ("", *names)}
    assert there - still <= set(CHANGED)
    for table in sorted(set(upgraded.old) - DJANGOS_OWN - {table for table, name in CHANGED if not name}):
        names = [name for name in upgraded.kept[table] if (table, name) not in CHANGED]
        before, after = (
            sorted(([row[name] for name in names] for row in rows[table]), key=repr)
            for rows in (upgraded.old, upgraded.new)
        )
        if table == "journal_event":
            numbers = sorted(row["number"] for row in upgraded.new[table])
            assert numbers == list(range(1, len(before) + NEW_EVENTS + 1))
            after = [row for row in after if row in before]
        if table != "journal_journalhead" or not NEW_EVENTS:
            assert after == before, table
    (done,) = upgraded.run_all([["check", "--database", "default"]])
    assert (done.returncode, done.stderr) == (0, ""), "the journal's triggers came with it"


def test_an_upgraded_house_and_a_fresh_one_tell_the_same_and_the_next_import_changes_nothing(houses):
    upgraded, fresh = houses
    here, there = told(upgraded), told(fresh)
    assert here.keys() == there.keys()
    for words in here:
        assert here[words] == there[words], words
    state = upgraded.state()
    assert state == fresh.state()

    rules, *cases = upgraded.run_all([world.commands()[2], world.commands()[1], world.commands()[3]])
    assert rules.returncode == 0 and "3 unchanged" in rules.stdout, rules.stdout + rules.stderr
    for one in cases:
        assert one.returncode == 0, one.stderr
        done = Done(one.stdout)
        assert done.read == done.unchanged + done.excluded > 100
        assert not done.links or (done.links["added"], done.links["corrected"]) == (0, 0)
    assert upgraded.state() == state
