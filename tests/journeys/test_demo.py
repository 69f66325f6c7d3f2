"""The demo, from an empty database to a priced rulebook: the figures are exactly those that were planted."""

import io
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from rulebook.access.models import Department, Person, Team, TeamLink
from rulebook.cases.fcr import Period, fcr
from rulebook.cases.models import Case, CaseRule, ImportRun, PendingLink, Source
from rulebook.cases.policies import primary
from rulebook.catalogue.claims import claims_due
from rulebook.catalogue.models import Proposal, Rule, WordingLock
from rulebook.desk import demo as desk_demo
from rulebook.desk import demo_voices
from rulebook.desk.management.commands import demo as command
from rulebook.desk.sample import said, world
from rulebook.errors import CannotStart
from rulebook.flags.answering import headline_times
from rulebook.flags.models import Flag, HeldFlag
from rulebook.insight.ledger import ledger
from rulebook.insight.models import RuleFigures
from rulebook.insight.prices import printed, printed_parts
from rulebook.insight.queries import listed_rules
from rulebook.journal.models import Event
from rulebook.notices.models import Notice, Receipt
from rulebook.review.models import Review, Trial
from rulebook.review.plans import still_as_registered
from rulebook.votes.models import Ballot, Cast, StandingVote, Tally
from tests import make
from tests.cases.running import run

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")

pytestmark = [pytest.mark.django_db, pytest.mark.process]


def demo():
    out, err = io.StringIO(), io.StringIO()
    began = time.monotonic()
    call_command("demo", "--no-serve", stdout=out, stderr=err)
    return out.getvalue(), time.monotonic() - began


def estimated_cases():
    """How many cases the database's own planner believes there are."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'cases_case'")
        else:
            cursor.execute(
                "SELECT MAX(CAST(substr(stat, 1, instr(stat, ' ')) AS INTEGER)) FROM sqlite_stat1 "
                "WHERE tbl = 'cases_case'"
            )
        return int(cursor.fetchone()[0])


def counts():
    tables = (
        Rule, Case, CaseRule, PendingLink, ImportRun, Person, Event, Flag, HeldFlag, StandingVote, Tally, Ballot, Cast,
        Proposal, TeamLink, Review, Trial, Notice, Receipt,
    )  # fmt: skip
    return {model.__name__: model.objects.count() for model in tables}


def cut_off(*given, **named):
    raise KeyboardInterrupt


def test_a_demo_that_was_killed_mends_itself_prices_every_rule_as_planted_and_changes_nothing_afterwards(
    monkeypatch, client
):
    elsewhere = make.team("A team that the demo does not know", headcount=None)
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(desk_demo, "import_cases", cut_off)
        desk_demo.load(lambda text: None)
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(demo_voices, "publish_tallies", cut_off)
        desk_demo.load(lambda text: None)
    assert Case.objects.exists() and not Flag.objects.exists() and not TeamLink.objects.exists()
    theirs = {*world.TEAMS.values(), world.EVENING}
    assert set(Team.objects.filter(headcount__gte=5).values_list("name", flat=True)) == theirs
    newcomer = Person.objects.get(username="agent")
    newcomer.set_password("a password of my own")
    newcomer.save()
    Department.objects.filter(name=desk_demo.OWNED).update(head=newcomer)

    out, _ = demo()
    answer = world.truth()
    source = Source.objects.get()

    (group,) = fcr([source], primary(source), Period(), None)["groups"]
    assert group["cases"] == answer.resolved + answer.not_resolved + answer.pending + answer.unknown
    for name in ("resolved", "not_resolved", "pending", "early_repeats", "unknown", "excluded"):
        assert group[name] == getattr(answer, name), name
    assert group["blocked_silent"] == answer.silent_total

    result = ledger([source], primary(source), Period())
    assert (result["resolved"], result["not_resolved"]) == (answer.resolved, answer.not_resolved)
    assert (result["blocked"], result["blocked_silent"]) == (answer.blocked, answer.silent_total)
    assert (result["gross"], result["ceiling"]) == (printed(answer.gross), printed(answer.ceiling))
    dearest = sorted(answer.prices, key=lambda code: (-answer.prices[code], code))
    prices = printed_parts([answer.prices[code] for code in dearest], answer.ceiling)
    assert [(row["rule"], row["price"]) for row in result["rows"] if row["blocked_contacts"]] == list(
        zip(dearest, prices, strict=True)
    )
    assert {row["rule"]: row["blocked_silent"] for row in result["rows"] if row["blocked_silent"]} == answer.silent

    assert estimated_cases() > 10_000, "after a bulk load the planner must know of it"

    for told in (*dearest[:10], "http://127.0.0.1:8000", "agent", "manager", "owner", "admin", "at most"):
        assert told in out, told
    assert dearest[10] not in out
    titles = {row["rule"]: row["title"] for row in result["rows"]}
    blocked = {row["rule"]: row["blocked_contacts"] for row in result["rows"]}
    top = zip(dearest[:5], prices, strict=False)
    for line in (f"| {titles[code]} | ours | {blocked[code]} | {100 * float(price):.2f} |" for code, price in top):
        assert line in README, line
    assert not PendingLink.objects.exists()
    assert not claims_due(timezone.localdate() + timedelta(days=365)), "a law of the demo would lapse"
    assert timezone.localtime(source.horizon).date() >= timezone.localdate() - timedelta(days=1)

    the_front_line_has_spoken(out, client)
    a_rule_is_on_trial()

    elsewhere.refresh_from_db()
    assert elsewhere.headcount is None, "a headcount was invented"
    assert set(Team.objects.exclude(pk=elsewhere.pk).values_list("name", flat=True)) == theirs
    newcomer.refresh_from_db()
    assert newcomer.check_password("a password of my own") and "(the password was changed)" in out
    sign_in = {"username": "agent", "password": "a password of my own"}
    assert client.post("/sign-in/", sign_in, follow=True).redirect_chain[-1] == ("/flag/", 302)
    assert Department.objects.get(name=desk_demo.OWNED).head == newcomer

    make.rule("The newcomer's first own rule", code="MINE")
    before = counts()
    again, seconds = demo()
    assert seconds < 10
    assert counts() == before
    assert again.partition("What the rules")[2] == out.partition("What the rules")[2]


def the_front_line_has_spoken(out, client):
    """Flags of all kinds, votes of which some are published, nothing that is sealed, and a door without a sign-in."""
    today = timezone.localdate()
    flags = list(Flag.objects.all())
    assert len(flags) + HeldFlag.objects.count() == len(said.flags())
    assert {flag.outcome for flag in flags} == set(Flag.Outcome.values)
    assert 5 <= sum(flag.anonymous for flag in flags) < len(flags) and HeldFlag.objects.get().held_on == today
    assert [flag.rule.code for flag in flags if flag.author] and {flag.team for flag in flags if flag.team}
    answered = [flag for flag in flags if flag.outcome]
    assert all(flag.replied_at and flag.headline and flag.answer for flag in answered if flag.outcome != "merged")
    assert not [flag for flag in flags if flag.replied_at and flag.replied_at > timezone.now()]
    replies, decisions = headline_times(today)
    assert (replies.late, decisions.late) == (1, 0) and replies.ninetieth is not None

    published = [line.rule for line in said.votes() if not line.sealed and len(line.impacts) >= 5]
    assert sorted(Tally.objects.values_list("version__rule__code", flat=True)) == sorted(published)
    assert Ballot.objects.get().state == "closed" and not WordingLock.objects.exists()
    assert Proposal.objects.get().outcome == "" and Proposal.objects.get().rule.flags.exists()
    assert not CaseRule.objects.filter(origin="flag").exists(), "the planted prices must stay as they are"

    (address,) = re.findall(r"http://127\.0\.0\.1:8000(/t/\S+/)$", out, re.MULTILINE)
    assert client.get(address).headers["Location"] == "/flag/"
    rows = [rule for rule in listed_rules() if rule.figures.listed == "not_measurable_yet"]
    assert (rows[0].code, rows[0].figures.flags) == ("R-0042", 4)
    assert RuleFigures.objects.get(rule__code="R-0003").voters == 9


def a_rule_is_on_trial():
    """For three weeks, as it was registered, and looked at twice."""
    trial = Trial.objects.get()
    today = timezone.localdate()
    assert trial.review.state == "on_trial" and trial.review.rule.status == Rule.Status.SUSPENDED
    assert trial.begun_on == trial.starts_on == today - timedelta(days=21) and still_as_registered(trial)
    assert [look["on"] for look in trial.looks] == [str(today - timedelta(days=7)), str(today)]
    assert 0 < trial.looks[0]["cases"] < trial.looks[1]["cases"]


@pytest.mark.parametrize("there", ["a person", "a rule", "a source", "one of the demo's own codes"])
def test_the_demo_leaves_a_database_alone_that_holds_anything_of_its_own(there):
    admin = make.person("admin", is_staff=True) if there == "a person" else None
    if there == "a source":
        make.source("desk")
    elif there != "a person":
        make.rule(code="MINE" if there == "a rule" else "R-0001")
    before = counts()
    with pytest.raises(CannotStart, match=r"RULEBOOK_DATA_DIR=\$HOME/rulebook-demo"):
        desk_demo.load(print)
    assert counts() == before and not Team.objects.exists()
    if admin:
        assert Person.objects.get().password == admin.password


def test_in_production_the_demo_refuses_before_it_makes_tables(settings, capsys, monkeypatch):
    settings.PRODUCTION = True
    monkeypatch.setattr(command, "call_command", cut_off)
    ran = run(capsys, monkeypatch, "demo")
    assert (ran.code, ran.out) == (1, "") and "not for production" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        *[("--port", port) for port in ("0", "99999", "65536", "00080000", "-1", "http", "²")],
        *[("--host", host) for host in ("", "everybody", "300.0.0.1", "fe80::1%eth0", "127.0.0.1:8000")],
    ],
)
def test_a_host_or_port_that_cannot_be_served_is_wrong_usage_and_nothing_is_made(words, capsys, monkeypatch):
    monkeypatch.setattr(command, "call_command", cut_off)
    ran = run(capsys, monkeypatch, "demo", *words)
    assert (ran.code, ran.out) == (2, "")
    assert words[0] in ran.err and "Write" in ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("host", "served", "shown", "is_open"),
    [
        ("127.0.0.1", "127.0.0.1:8001", "http://127.0.0.1:8001/", False),
        ("localhost", "127.0.0.1:8001", "http://127.0.0.1:8001/", False),
        ("::1", "[::1]:8001", "http://[::1]:8001/", False),
        ("0.0.0.0", "0.0.0.0:8001", "http://127.0.0.1:8001/", True),
        ("::", "[::]:8001", "http://[::1]:8001/", True),
        ("192.0.2.7", "192.0.2.7:8001", "http://192.0.2.7:8001/", True),
    ],
)
def test_only_a_demo_that_others_can_open_warns_and_then_debug_is_off(
    host, served, shown, is_open, settings, capsys, monkeypatch
):
    settings.DEBUG, settings.ALLOWED_HOSTS = True, ["example.org"]
    called = []

    def serve(name, *words, **options):
        if name == "runserver":
            called.extend([*words, settings.DEBUG, settings.ALLOWED_HOSTS])

    monkeypatch.setattr(command, "call_command", serve)
    monkeypatch.setattr(command.demo, "load", lambda say: None)
    monkeypatch.setattr(command.Command, "_print_ledger", lambda self: None)
    ran = run(capsys, monkeypatch, "demo", "--host", host, "--port", "8001")
    assert shown in ran.out
    assert ("everybody on this network" in ran.err) == is_open
    hosts = ["*"] if is_open else ["example.org", served.removesuffix(":8001")]
    assert called == [served, not is_open, hosts]
