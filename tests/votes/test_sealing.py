"""While a ballot is open, nobody finds a vote of it: not who may do everything, on no page, in no file.

The votes hold tell-tale reasons, and stand so that no other number on any page is their sum, mean or count.
"""

import html
import json
import re
from io import StringIO

import pytest
from django.contrib import admin as django_admin
from django.core.management import call_command
from django.db import connection, transaction
from django.urls import get_resolver, reverse

from rulebook.catalogue.models import Rule
from rulebook.insight.voices import refresh_voices
from rulebook.votes.ballots import close_ballot, next_round, reveal
from rulebook.votes.models import Ballot, Cast, StandingVote
from rulebook.votes.queries import front_line_heard, verdict_of, verdicts
from rulebook.votes.tallies import publish_tallies
from tests import make
from tests.votes.test_tallies import TODAY

pytestmark = pytest.mark.django_db
TELLTALE = "Zanzibar"
MEANWHILE = "Timbuktu"  # what standing votes of too few say
EXPORTS = (
    ["export_rules", "rules.csv"],
    ["rules", "--at", "2026-03-02", "--format", "json"],
    ["ledger", "--format", "json"],
    ["figures", "--format", "json"],
    ["fcr", "--format", "json"],
)


@pytest.fixture
def sealed(admin):
    """An open ballot with 137 votes, each with a tell-tale reason, and standing votes of four people."""
    make.case(make.source())
    rule = make.rule("Refunds only by mail", text="By mail.")
    ballot = make.ballot(rule, title="What hurts?", questions="impact_ease", by=admin)
    for number in range(137):
        value = -2 if number < 109 else 2
        make.cast(ballot, value, ease=1, reason=f"{TELLTALE} of one.", quotable=True, wants=["put_right"])
    for _ in range(4):
        make.vote(rule, -2, reason=f"{MEANWHILE}.", quotable=True)
    publish_tallies(today=TODAY)
    refresh_voices(TODAY)
    return ballot


NUMBERS = {"object_id", "number", "pk", "link", "id", "content_type_id", "item"}


def addresses(ballot):
    """Every address that the product has, with the numbers of the ballot, its rule and its wording in its place."""
    item = ballot.items.get()
    words = {"kind": "csv", "app_label": "votes"}
    found = set()
    for name, parameters in named(get_resolver().url_patterns):
        for own in {ballot.pk, item.version.rule_id, item.version_id}:
            given = {each: own if each in NUMBERS else words.get(each, "x") for each in parameters}
            found.add(reverse(name, kwargs=given))
    return sorted(found)


def named(patterns, space=""):
    """(name, its parameters)"""
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from named(pattern.url_patterns, inner)
        elif pattern.name:
            expression = getattr(pattern.pattern, "regex", None)
            yield f"{space}{pattern.name}", list(pattern.pattern.converters or expression.groupindex)


# How many voted, how many of them -2, their sum and their mean. As figures of a day or a time none of them stands.
FIGURES = (r"\b137\b", r"\b109\b", r"\b162\b", r"[−-]1\.[12]\b")


def telltales(body):
    return [word for word in (TELLTALE, MEANWHILE) if word in body] + [one for one in FIGURES if re.search(one, body)]


def seen(body):
    """What stands between tags, without styles and scripts: widths of icons are no tallies."""
    body = re.sub(r"(?s)<(style|script|svg)\b.*?</\1>", " ", body)
    return re.sub(r"<[^>]+>", " ", body)


def read(response):
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode("utf-8", "replace")


def test_no_address_tells_of_an_open_ballot_to_who_may_do_everything(client, admin, sealed):
    client.force_login(admin)
    wanted = [address for address in addresses(sealed) if "logout" not in address]
    visited, found = {}, {}

    def visit(address):
        """What the page leads to on itself: its filters, pages and files."""
        with transaction.atomic():
            response = client.get(address)
            body = read(response)
            transaction.set_rollback(True)
        visited[address] = response.status_code
        if told := telltales(seen(body) if "html" in response.get("Content-Type", "") else body):
            found[address] = told
        links = {html.unescape(link) for link in re.findall(r'href="(\?[^"#]+)', body)}
        return {f"{address}{link}" for link in links if "_facets" not in link and not re.search(r"[?&]o=", link)}

    further = [further for address in wanted for further in visit(address)]
    for address in further:
        visit(address)
    assert found == {}
    assert sum(status == 200 for status in visited.values()) > 60
    assert not [address for address, status in visited.items() if status >= 500]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_file_tells_of_it(client, admin, sealed, kind):
    client.force_login(admin)
    body = read(client.get(reverse("admin:catalogue_rule_export", kwargs={"kind": kind})))
    assert TELLTALE not in body and MEANWHILE not in body


@pytest.mark.parametrize("words", EXPORTS, ids=" ".join)
def test_no_command_tells_of_it(sealed, words, tmp_path):
    out = StringIO()
    words = [str(tmp_path / word) if word.endswith(".csv") else word for word in words]
    call_command(*words, stdout=out, stderr=out)
    told = out.getvalue() + "".join(path.read_text() for path in tmp_path.glob("*.csv"))
    assert not telltales(told)


def test_no_query_of_the_product_tells_of_it(sealed):
    rule = Rule.objects.get()
    assert verdicts() == {} and verdict_of(rule.versions.get().pk) is None
    assert not front_line_heard(rule).sentence.startswith("Agents voted")
    rule.refresh_from_db()
    assert rule.figures.vote is None if hasattr(rule, "figures") else True


def test_the_admin_knows_neither_votes_nor_the_sets_of_tallies():
    labels = {model._meta.label for model in django_admin.site._registry}
    assert not labels & {"votes.Cast", "votes.StandingVote", "votes.TalliedVote", "votes.Hands", "votes.Tally"}


def test_the_journal_and_djangos_log_know_nothing_of_it(sealed):
    with connection.cursor() as cursor:
        for table in ("journal_event", "journal_note", "django_admin_log", "journal_actor"):
            cursor.execute(f"SELECT * FROM {table}")
            rows = json.dumps(cursor.fetchall(), default=str)
            assert TELLTALE not in rows and "ballot" not in rows and "voter" not in rows


def test_a_second_round_is_as_sealed_as_the_first(client, admin):
    client.force_login(admin)
    ballot = make.ballot(make.rule(), rounds=2)
    for _ in range(5):
        make.cast(ballot, 1, reason="Heard.", quotable=True)
    reveal(ballot=ballot, by=None)
    next_round(ballot=ballot, by=None)
    for number in range(137):
        make.cast(ballot, -2 if number < 109 else 2, reason=f"{TELLTALE} of one.", quotable=True)
    for name in ("admin:votes_ballot_change", "vote_result", "admin:catalogue_rule_page"):
        number = ballot.items.get().version.rule_id if "rule" in name else ballot.pk
        body = seen(read(client.get(reverse(name, args=[number]))))
        assert not telltales(body), name
    assert "Heard." in read(client.get(reverse("admin:votes_ballot_change", args=[ballot.pk])))


def test_the_same_votes_are_found_once_it_is_closed(client, admin, sealed):
    """Else the crawler would find nothing because there is nothing to be found."""
    client.force_login(admin)
    close_ballot(ballot=sealed, by=admin)
    body = seen(read(client.get(reverse("admin:votes_ballot_change", args=[sealed.pk]))))
    assert {TELLTALE, *FIGURES} - set(telltales(body)) == {r"\b162\b"}  # a sum is shown nowhere
    assert MEANWHILE not in body
    assert Ballot.objects.get().state == "closed" and Cast.objects.count() == 137 and StandingVote.objects.count() == 4
