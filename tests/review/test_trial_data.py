"""Which contacts a trial is judged by, and what they are summed to."""

from datetime import UTC, date, datetime

import pytest

from rulebook.cases.models import Source
from rulebook.cases.policies import primary
from rulebook.review.trial_data import CONTROL, IN_TRIAL, Scope, judged_until, scopes_of, summed
from tests import make

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 15)

pytestmark = pytest.mark.django_db


@pytest.fixture
def source():
    """Judged when asked, because an import is not settled yet; complete until a week after the last day."""
    return make.source("phones", horizon=datetime(2026, 3, 24, tzinfo=UTC), changes=1)


def contact(source: Source, day: int, customer: bytes | None = None, **fields):
    return make.case(source, opened_at=datetime(2026, 3, day, 9, tzinfo=UTC), customer_key=customer, **fields)


def scope(source: Source, **fields) -> Scope:
    return Scope(sources=(source.pk,), policy=primary(source), **fields)


def test_contacts_of_one_customer_are_one_issue_and_their_minutes_add_up(source):
    contact(source, 2, b"anna", handle_seconds=300)
    contact(source, 4, b"anna", handle_seconds=600)  # solved at the second contact
    contact(source, 3, b"bo", handle_seconds=120)
    contact(source, 3, b"bo", excluded="spam", handle_seconds=9999)
    group = summed(scope(source), FIRST, LAST)[IN_TRIAL]
    assert (group.misses.cases, group.misses.keys, group.misses.y) == (3, 2, 1)
    assert (group.minutes.y, group.minutes.x) == (17, 2)  # 5 + 10 and 2 minutes, two problems solved
    assert group.minutes.ratio == 8.5


def test_what_is_not_judged_or_of_nobody_known_or_of_other_days_is_left_out(source):
    contact(source, 2, b"anna")
    contact(source, 1, b"bo")
    contact(source, 16, b"cy")
    contact(source, 2, None)  # nobody knows whether it came back
    assert summed(scope(source), FIRST, LAST)[IN_TRIAL].misses.cases == 1
    assert summed(scope(source), FIRST, date(2026, 3, 31))[IN_TRIAL].misses.cases == 2
    contact(source, 20, b"di")  # its window is not over
    assert summed(scope(source), FIRST, date(2026, 3, 31))[IN_TRIAL].misses.cases == 2
    assert judged_until(scope(source)) == date(2026, 3, 16)


def test_topics_take_in_those_below_and_channels_are_those_of_the_rule(source):
    below, beside = make.topic("returns/refund"), make.topic("returns-desk")
    rule = make.rule("Refunds need two signatures", topics=["returns"], channels=["phone"])
    for topic in (below, beside, None):
        for channel in ("phone", "mail"):
            contact(source, 2, f"{topic}{channel}".encode(), topic=topic, channel=channel)
    [found] = scopes_of(rule)
    assert (found.topics, found.channels) == (("returns",), ("phone",))
    assert summed(found, FIRST, LAST)[IN_TRIAL].misses.cases == 1


def test_a_rule_about_everything_is_measured_on_everything(source):
    contact(source, 2, b"anna", topic=make.topic("delivery"))
    contact(source, 2, b"bo")
    [found] = scopes_of(make.rule("Three minutes a call"))
    assert summed(found, FIRST, LAST)[IN_TRIAL].misses.cases == 2


def test_contacts_of_other_teams_are_the_control_and_those_of_no_team_are_nowhere(source):
    mine, others = make.team("Mine"), make.team("Others")
    for number, team in enumerate((mine, others, others, None)):
        contact(source, 2, b"c%d" % number, team=team)
    groups = summed(scope(source, teams=(mine.pk,)), FIRST, LAST)
    assert (groups[IN_TRIAL].misses.cases, groups[CONTROL].misses.cases) == (1, 2)


def test_a_repeat_through_another_source_of_the_space_is_seen_and_not_counted(source):
    mail = make.source("mail", space=source.space, horizon=source.horizon, changes=1)
    contact(source, 2, b"anna")
    contact(mail, 3, b"anna")
    misses = summed(scope(source), FIRST, LAST)[IN_TRIAL].misses
    assert (misses.cases, misses.y) == (1, 1)


def test_methods_are_never_pooled(source):
    make.source("declared", method="declared")
    make.source("old", method="survey", retired=True)
    assert len(scopes_of(make.rule())) == 2
