"""Builders: every keyword has a default, so that a test names only what it is about."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from rulebook.access.models import Department, Person, Team, TeamLink
from rulebook.access.services import make_team_link
from rulebook.access.tokens import digest_of
from rulebook.access.voices import Voice
from rulebook.cases.models import Case, CaseRule, Source
from rulebook.catalogue.models import Rule, Topic
from rulebook.catalogue.services import topic_at, write_down
from rulebook.flags.models import Flag
from rulebook.notices.models import Notice
from rulebook.notices.services import draft_notice, publish_notice
from rulebook.review.models import Review
from rulebook.review.services import mark_rule
from rulebook.votes.ballots import cast_ballot, make_ballot, open_ballot
from rulebook.votes.models import Ballot
from rulebook.votes.services import cast_standing

_numbers = count(1)


def person(username: str = "", *, role: str = "", **fields: Any) -> Person:
    fields.setdefault("is_staff", role not in {"", "agent"})
    made = Person(username=username or f"person{next(_numbers)}", **fields)
    made.set_unusable_password()
    made.save()
    if role:
        made.groups.add(Group.objects.get(name=role))
    return made


def department(name: str = "", **fields: Any) -> Department:
    return Department.objects.create(name=name or f"Department {next(_numbers)}", **fields)


def team(name: str = "", **fields: Any) -> Team:
    return Team.objects.create(name=name or f"Team {next(_numbers)}", **fields)


def team_link(of: Team | None = None, *, by: Any = None) -> tuple[TeamLink, str]:
    """A link of a team, of a new team of twelve where none is named, and its secret."""
    token = make_team_link(team=of or team(headcount=12), by=by)
    return TeamLink.objects.get(digest=digest_of(token)), token


def came_by(token: str) -> Client:
    """A phone that opened a team's link."""
    client = Client()
    assert client.get(f"/t/{token}/").status_code == 302
    return client


def topic(path: str = "returns/refund") -> Topic:
    return topic_at(path=path, by=None)


def rule(title: str = "", *, code: str = "", by: Any = None, **fields: Any) -> Rule:
    return write_down(fields={"title": title or f"Rule {next(_numbers)}", **fields}, by=by, code=code)


def source(name: str = "", **fields: Any) -> Source:
    name = name or f"source{next(_numbers)}"
    return Source.objects.create(**{"name": name, "time_zone": "UTC", "space": name, **fields})


def case(source: Source, external_id: str = "", **fields: Any) -> Case:
    opened = fields.pop("opened_at", datetime(2026, 3, 2, 9, tzinfo=UTC))
    given = {
        "external_id": external_id or f"C-{next(_numbers)}",
        "opened_at": opened,
        "opened_day": date(opened.year, opened.month, opened.day),
        "row_hash": b"0" * 16,
        **fields,
    }
    return Case.objects.create(source=source, **given)


def link(case: Case, rule: Rule, *, effect: str = "blocked", origin: str = "source") -> CaseRule:
    return CaseRule.objects.create(case=case, rule=rule, effect=effect, origin=origin)


def review(of: Rule | None = None, *, origin: str = "rule", by: Any = None, **fields: Any) -> Review:
    """A rule marked for removal, a new one where none is named."""
    return mark_rule(rule=of or rule(), origin=origin, by=by, **fields)


def flag(stopped: str = "I had to wait for a manager.", *, rule: Rule | None = None, **fields: Any) -> Flag:
    """A flag that has reached its readers; signed by nobody where no author or team is named."""
    given = {"flagged_on": date(2026, 3, 2), "once": f"flag {next(_numbers)}", **fields}
    if not given.get("anonymous"):
        given.setdefault("flagged_at", datetime(2026, 3, 2, 9, tzinfo=UTC))
    return Flag.objects.create(stopped=stopped, rule=rule, **given)


def voice(person: Person | None = None, *, team: Team | None = None) -> Voice:
    """Somebody who signed in, else another device of a team's link."""
    if person is not None:
        return Voice(person=person, team=person.team, device="")
    return Voice(person=None, team=team, device=hashlib.sha256(f"device {next(_numbers)}".encode()).hexdigest())


def notice(of: Rule | None = None, *, publish: bool = True, **fields: Any) -> Notice:
    """A notice that a rule ends tomorrow, of a new rule where none is named; told today."""
    version = (of or rule()).versions.latest("number")
    given = {"kind": "removed", "play": "Refund at once.", "about": f"notice {next(_numbers)}", **fields}
    given.setdefault("effective_on", timezone.localdate() + timedelta(days=1))
    made = draft_notice(version=version, by=None, **given)
    return publish_notice(notice=made, by=None) if publish else made


def vote(rule: Rule, impact: int = -1, *, by: Voice | Person | None = None, **fields: Any) -> Voice:
    """A standing vote on the newest wording, by another device where nobody is named; who voted."""
    voter = by if isinstance(by, Voice) else voice(by)
    cast_standing(version=rule.versions.latest("number"), voice=voter, impact=impact, **fields)
    return voter


def ballot(*rules: Rule, is_open: bool = True, by: Any = None, **fields: Any) -> Ballot:
    """A ballot on the newest wordings of the rules, of a new rule where none is named."""
    versions = [one.versions.latest("number") for one in rules or (rule(),)]
    given = {"title": "What hurts most?", "questions": "impact", "rounds": 1, **fields}
    made = make_ballot(versions=versions, by=by, **given)
    if is_open:
        open_ballot(ballot=made, by=by)
        made.refresh_from_db()
    return made


def cast(ballot: Ballot, impact: int = -1, *, by: Voice | Person | None = None, place: int = 1, **fields: Any) -> Voice:
    """A sealed vote in the ballot's present round, by another device where nobody is named; who voted."""
    voter = by if isinstance(by, Voice) else voice(by)
    now = Ballot.objects.get(pk=ballot.pk).round
    cast_ballot(item=ballot.items.get(place=place), round=now, voice=voter, impact=impact, **fields)
    return voter
