"""Imports as a test asks for them: small files, the real command, and what the database holds afterwards."""

import csv
import io
import re
from dataclasses import dataclass, field

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from rulebook.cases.models import CaseRule, PendingLink

COUNTED = ("created", "updated", "unchanged", "replaced", "excluded", "rejected")
LINKED = ("added", "corrected", "unchanged", "waiting", "rejected")


@dataclass
class Done:
    """What an import printed. The identity of its counts is asserted as it is read."""

    out: str
    err: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    links: dict[str, int] = field(default_factory=dict)

    def __post_init__(self):
        for name, number in re.findall(r"^(links \w+|\w+) +(\d+)$", self.out, re.MULTILINE):
            if name.startswith("links "):
                self.links[name.removeprefix("links ")] = int(number)
            else:
                self.counts[name] = int(number)
        assert self.counts["read"] == sum(self.counts[name] for name in COUNTED), self.out
        if "read" in self.links:
            assert self.links["read"] == sum(self.links[name] for name in LINKED), self.out

    def __getattr__(self, name):
        try:
            return self.__dict__["counts"][name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def warned(self):
        return [line for line in self.err.splitlines() if line.startswith("Warning: ")]


def table(path, header, *rows):
    """A CSV file; the header as words, the rows as cells."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header.split())
        writer.writerows(rows)
    return path


def do_import(*files, source="shop", **options):
    """The command in this process; options as of the command line, with _ for -."""
    words = [str(file) for file in files] + ["--source", source]
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        words += [option] if value is True else [option, *value] if isinstance(value, list) else [option, str(value)]
    out, err = io.StringIO(), io.StringIO()
    call_command("import_cases", *words, stdout=out, stderr=err)
    return Done(out.getvalue(), err.getvalue())


def refused(*args, **options):
    with pytest.raises(CommandError) as caught:
        do_import(*args, **options)
    text = str(caught.value)
    assert "\n" not in text and text[-1] in ".?"
    return text, caught.value.returncode


def links():
    return {
        (link.case.external_id, link.rule.code, link.effect)
        for link in CaseRule.objects.filter(origin="source").select_related("case", "rule")
    }


def waiting():
    return set(PendingLink.objects.values_list("external_id", "rule_name", "effect"))


STATE = {
    "cases": "SELECT s.name, c.external_id, c.opened_at, c.opened_day, c.day_only, c.closed_at, c.closed_day, "
    "c.closed_day_only, c.channel, t.path, m.name, c.customer_key, c.agent_key, c.key_id, c.handoffs, c.reopens, "
    "c.replies, c.handle_seconds, c.declared, c.survey, c.excluded, c.outcome, c.row_hash FROM cases_case c "
    "JOIN cases_source s ON s.id = c.source_id LEFT JOIN catalogue_topic t ON t.id = c.topic_id "
    "LEFT JOIN access_team m ON m.id = c.team_id",
    "links": "SELECT s.name, c.external_id, r.code, l.effect, l.origin FROM cases_caserule l "
    "JOIN cases_case c ON c.id = l.case_id JOIN cases_source s ON s.id = c.source_id "
    "JOIN catalogue_rule r ON r.id = l.rule_id",
    "pending": "SELECT s.name, p.external_id, p.rule_name, p.effect, p.origin FROM cases_pendinglink p "
    "JOIN cases_source s ON s.id = p.source_id",
    "sources": "SELECT name, time_zone, space, method, window_days, key, horizon, judged = changes FROM cases_source",
}


def state():
    """Every case, link, waiting link and horizon, without row ids: what two databases must agree on."""
    return {name: rows(query) for name, query in STATE.items()}


def rows(query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return sorted((tuple(map(plain, row)) for row in cursor.fetchall()), key=repr)


def plain(value):
    return bytes(value).hex() if isinstance(value, (bytes, memoryview)) else value


def everything():
    """Every row of every table, to show that nothing was written at all."""
    with connection.cursor() as cursor:
        names = sorted(connection.introspection.table_names(cursor))
    return {name: rows(f'SELECT * FROM "{name}"') for name in names}
