"""Small worlds: drawn by hypothesis around the edges that matter, and put into the database as they are."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from hypothesis import strategies as st

from rulebook.access.models import Team
from rulebook.cases import models
from rulebook.catalogue.models import Rule, Topic
from tests.cases import oracle

ZONES = ("Europe/Copenhagen", "America/New_York", "UTC", "Pacific/Auckland")
WINDOWS = (1, 7, 30)
METHODS = ("no_repeat", "declared", "survey", "single_touch", "closed_fast")
KEYS = (("customer", "topic"), ("customer",))
TOPICS = ("", "returns", "returns/refund")
RULES = ("R-1", "R-2", "R-3")
TEAMS = ("", "Day", "Night", "Weekend")
# Bytes, not letters: "B" comes before "a", and "é" after both.
NAMES = ("a", "B", "é")
IDS = ("1", "10", "2", "B", "a", "é")
# Local midnights before the clocks change in Copenhagen and New York, spring and autumn, and a day when nothing does.
ANCHORS = (
    datetime(2026, 3, 28, 23, tzinfo=UTC),
    datetime(2026, 3, 8, 5, tzinfo=UTC),
    datetime(2026, 10, 24, 22, tzinfo=UTC),
    datetime(2026, 11, 1, 4, tzinfo=UTC),
    datetime(2026, 6, 30, 22, tzinfo=UTC),
)
NUDGES = tuple(
    timedelta(seconds=sign * seconds, microseconds=sign * micro)
    for seconds, micro in ((0, 0), (0, 1), (1, 0), (3_600, 0), (43_200, 0), (86_400, 0))
    for sign in (1, -1)
)


def sources(anchor, window):
    horizon = moments(anchor, window, steps=4)
    names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)
    return names.flatmap(
        lambda chosen: st.tuples(
            *(
                st.builds(
                    oracle.Source,
                    st.just(name),
                    zone=st.sampled_from(ZONES),
                    space=st.sampled_from(["shop", "shop", "shop", "bank"]),
                    horizon=st.one_of(horizon, horizon, horizon, st.none()),
                    retired=st.sampled_from([False, False, False, True]),
                )
                for name in chosen
            )
        )
    )


def moments(anchor, window, steps=3):
    """Instants at whole windows from the anchor, and just beside them."""
    return st.builds(
        lambda step, nudge: anchor + timedelta(days=window) * step + nudge,
        st.integers(0, steps),
        st.sampled_from(NUDGES),
    )


def days(anchor, window):
    return st.builds(
        lambda step, nudge: anchor.date() + timedelta(days=window * step + nudge),
        st.integers(0, 3),
        st.sampled_from([0, 1, -1]),
    )


def cases(names, anchor, window):
    opened = st.one_of(moments(anchor, window), moments(anchor, window), days(anchor, window))
    blank = st.none()
    return st.builds(
        oracle.Case,
        source=st.sampled_from(names),
        id=st.sampled_from(IDS),
        opened=opened,
        closed=st.one_of(blank, opened),
        customer=st.sampled_from(["ann", "ann", "ann", "bob", ""]),
        topic=st.sampled_from(TOPICS),
        channel=st.sampled_from(["", "mail", "phone"]),
        team=st.sampled_from(TEAMS),
        handoffs=st.sampled_from([None, 0, 0, 1]),
        reopens=st.sampled_from([None, 0, 0, 1]),
        replies=st.sampled_from([None, 0, 1, 2]),
        seconds=st.sampled_from([None, 0, 60, 100, 3_600]),
        declared=st.sampled_from([None, True, False]),
        survey=st.sampled_from([None, True, False]),
        excluded=st.sampled_from(["", "", "", "", "", "spam"]),
    )


@st.composite
def worlds(draw, most=12):
    anchor, window = draw(st.sampled_from(ANCHORS)), draw(st.sampled_from(WINDOWS))
    places = draw(sources(anchor, window))
    names = [source.name for source in places]
    rows = draw(
        st.lists(cases(names, anchor, window), min_size=1, max_size=most, unique_by=lambda case: (case.source, case.id))
    )
    links = draw(links_of(rows))
    headcounts = tuple((team, draw(st.sampled_from([0, 2, 4, 5, 9]))) for team in TEAMS if team)
    return oracle.World(places, tuple(rows), tuple(links), headcounts)


def links_of(rows):
    link = st.builds(
        lambda case, rule, effect, origin: oracle.Link(case.source, case.id, rule, effect, origin),
        st.sampled_from(rows),
        st.sampled_from(RULES),
        st.sampled_from(["blocked", "blocked", "applied"]),
        st.sampled_from(["source", "flag", "matcher"]),
    )
    return st.lists(link, max_size=len(rows) * 2, unique=True)


policies = st.builds(oracle.Policy, st.sampled_from(METHODS), st.sampled_from(WINDOWS), st.sampled_from(KEYS))
repeat_policies = st.builds(oracle.Policy, st.just("no_repeat"), st.sampled_from(WINDOWS), st.sampled_from(KEYS))


@st.composite
def periods(draw, world):
    """(since, until): open, or with an edge on a day of the world."""
    opened = [case.opened for case in world.cases]
    day = st.sampled_from([value if oracle.bare(value) else value.date() for value in opened])
    return draw(st.one_of(st.none(), day)), draw(st.one_of(st.none(), day))


class Rollback(Exception):
    """Leaves an example's rows behind."""


def tried(check):
    """Run one example on empty tables and leave them empty."""
    try:
        with transaction.atomic():
            check()
            raise Rollback
    except Rollback:
        pass


# Into the database


def customer_key(case):
    """Thirty-two bytes a customer, the same in every source of a space, far apart so that batches cut between."""
    return {"": None, "ann": b"\x11" * 32, "bob": b"\xee" * 32}.get(case.customer, case.customer.encode().ljust(32))


def store(world):
    """Everything of a world as an import leaves it, outcomes aside; {name: stored source}."""
    stored = {source.name: store_source(source) for source in world.sources}
    for team, people in world.headcounts:
        Team.objects.update_or_create(name=team, defaults={"headcount": people})
    for code in RULES:
        Rule.objects.get_or_create(code=code, defaults={"title": f"Rule {code}", "authority": AUTHORITY[code]})
    store_cases(world, world.cases, stored)
    store_links(world.links, stored)
    return stored


AUTHORITY = {"R-1": "habit", "R-2": "law", "R-3": "policy"}


def store_source(source, **policy):
    return models.Source.objects.create(
        name=source.name,
        time_zone=source.zone,
        space=source.space,
        horizon=source.horizon,
        retired=source.retired,
        **policy,
    )


def store_cases(world, cases, stored):
    """Inserts or replaces; what an import writes for a row: pending, blank for the excluded."""
    for case in cases:
        if case.topic:
            Topic.objects.get_or_create(path=case.topic)
        if case.team:
            Team.objects.get_or_create(name=case.team)
    topics = dict(Topic.objects.values_list("path", "pk"))
    teams = dict(Team.objects.values_list("name", "pk"))
    rows = []
    for case in cases:
        zone = world.source(case.source).zone
        opened_at, opened_day, day_only = told(case.opened, zone)
        closed_at, closed_day, closed_day_only = told(case.closed, zone)
        rows.append(
            models.Case(
                source=stored[case.source],
                external_id=case.id,
                opened_at=opened_at,
                opened_day=opened_day,
                day_only=day_only,
                closed_at=closed_at,
                closed_day=closed_day,
                closed_day_only=closed_day_only,
                channel=case.channel,
                topic_id=topics.get(case.topic),
                team_id=teams.get(case.team),
                customer_key=customer_key(case),
                handoffs=case.handoffs,
                reopens=case.reopens,
                replies=case.replies,
                handle_seconds=case.seconds,
                declared=case.declared,
                survey=case.survey,
                excluded=case.excluded,
                outcome="" if case.excluded else "pending",
                row_hash=b"\0" * 16,
            )
        )
    columns = [f.name for f in models.Case._meta.fields if f.name not in ("id", "source", "external_id")]
    models.Case.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["source", "external_id"], update_fields=columns
    )


def told(value, zone):
    """(instant in UTC, local day, whether only the day is known) as an import stores them."""
    if value is None:
        return None, None, False
    if isinstance(value, datetime):
        return value.astimezone(UTC), value.astimezone(ZoneInfo(zone)).date(), False
    midnight = datetime(value.year, value.month, value.day, tzinfo=ZoneInfo(zone))
    return midnight.astimezone(UTC), date(value.year, value.month, value.day), True


def store_links(links, stored):
    numbers = {
        (source, external_id): pk
        for source, external_id, pk in models.Case.objects.values_list("source__name", "external_id", "pk")
    }
    rules = dict(Rule.objects.values_list("code", "pk"))
    models.CaseRule.objects.bulk_create(
        models.CaseRule(
            case_id=numbers[link.source, link.id], rule_id=rules[link.rule], effect=link.effect, origin=link.origin
        )
        for link in links
    )


def stored_outcomes():
    """{(source, id): outcome} as they stand in the table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.name, c.external_id, c.outcome FROM cases_case c JOIN cases_source s ON s.id = c.source_id"
        )
        return {(source, external_id): outcome for source, external_id, outcome in cursor.fetchall()}


def true_outcomes(world, policy_of):
    """{(source, id): outcome} by the oracle, each source under its own primary policy; blank for the excluded."""
    wanted = {(case.source, case.id): "" for case in world.cases}
    for policy in set(policy_of.values()):
        for case, judged in oracle.judge(world, policy).items():
            if policy_of[case.source] == policy:
                wanted[case.source, case.id] = judged.outcome
    return wanted
