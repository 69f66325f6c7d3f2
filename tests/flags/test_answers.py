"""You said, we did: what everybody reads of flags, and who is written to while nobody answers."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from rulebook.access.models import ClosedPeriod, Letter
from rulebook.flags.answering import headline_times, remind
from rulebook.flags.models import Flag
from rulebook.flags.triage import answer_flag, link_flag, merge_flags
from tests import make

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)


@pytest.fixture
def here(client, agent):
    """The answers as an agent sees them."""
    client.force_login(agent)

    def page(**asked):
        response = client.get(reverse("answers"), asked)
        assert response.status_code == 200
        return response.content.decode()

    return page


def answered(headline, manager, *, answer="We did it.", **fields):
    flag = make.flag(**fields)
    answer_flag(flag=flag, headline=headline, answer=answer, by=manager)
    return flag


# The page


def test_it_shows_the_managers_words_newest_first_and_counts(here, manager):
    answered("The first line", manager)
    answered("The second line", manager, answer="You decide <b>now</b>.")
    make.flag("Nobody has answered this.")
    said = here()
    assert said.index("The second line") < said.index("The first line")
    assert "You decide &lt;b&gt;now&lt;/b&gt;." in said
    assert "2 flags answered, 1 waits." in said and "Nobody has answered this." not in said


def test_an_agents_own_words_stand_there_only_with_the_agents_tick(here, manager):
    answered("One", manager, stopped="My words, kept.")
    answered("Two", manager, stopped="My words, quoted.", quotable=True, author=make.person(first_name="Kim"))
    said = here()
    assert "My words, quoted." in said and "My words, kept." not in said
    assert "Kim" not in said and "manager" not in said.partition("<main")[2].partition("</main>")[0]


def test_flags_that_were_merged_stand_there_once_with_their_number(here, manager):
    target = make.flag()
    for _ in range(2):
        merge_flags(flag=make.flag(), into=target, by=manager)
    assert "Several of you" not in here()
    answer_flag(flag=target, headline="Refunds wait", answer="You decide now.", by=manager)
    said = here()
    assert said.count("You decide now.") == 1 and "2 more said the same" in said


def test_agents_find_what_waits_of_their_own_and_nobody_elses(here, agent, manager):
    make.flag("Mine, and it waits.", author=agent)
    make.flag("Of somebody else.", author=manager)
    assert "Mine, and it waits." in here() and "Of somebody else." not in here()
    answered("Somebody else’s", manager)
    assert 'class="tag">Yours' not in here()
    target = make.flag()
    merge_flags(flag=make.flag("Merged, and it waits.", author=agent), into=target, by=manager)
    assert "Merged, and it waits." in here()
    answer_flag(flag=target, headline="H", answer="A", by=manager)
    assert "Merged, and it waits." not in here() and here().count('class="tag">Yours') == 1
    answered("Answered", manager, author=agent)
    assert here().count('class="tag">Yours') == 2


def test_it_comes_in_pages_and_an_empty_house_says_so(here, manager):
    assert "No flag has been answered yet." in here()
    for number in range(21):
        answered(f"Line {number:02d}.", manager)
    assert "Line 00." not in here() and "Line 00." in here(page=2) and "Line 20." not in here(page=2)
    assert "There are no more answers." in here(page=99)
    for wrong in ("0", "-1", "x", "9" * 30):
        assert "Line 20." in here(page=wrong)


def test_a_teams_link_opens_it_and_nobody_else(client, manager):
    answered("Refunds wait", manager)
    _link, token = make.team_link(make.team(headcount=8))
    assert "Refunds wait" in make.came_by(token).get(reverse("answers")).content.decode()
    assert client.get(reverse("answers")).status_code == 302
    assert client.post(reverse("answers")).status_code in {302, 403, 405}


def test_it_costs_the_same_queries_for_any_number_of_flags(client, agent, manager, django_assert_num_queries):
    client.force_login(agent)
    for _round in range(2):
        for _ in range(8):
            answered("Line", manager, rule=make.rule())
            make.flag(author=agent)
        # session, person; answers, what was merged into them, own that wait, how many there are; rights, for the
        # links at the foot
        with django_assert_num_queries(8):
            client.get(reverse("answers"))


# How long they wait


def days_ago(today, days, **fields):
    flagged = today - timedelta(days=days)
    return make.flag(flagged_on=flagged, **fields)


def at(day):
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def test_times_are_of_working_days_to_a_reply_and_open_days_to_a_decision():
    for day, decided in ((MONDAY, MONDAY), (MONDAY, MONDAY + timedelta(7)), (MONDAY, None)):
        replied = at(day + timedelta(days=4))  # the Friday
        make.flag(flagged_on=MONDAY, replied_at=replied, decided_at=at(decided) if decided else None,
                  outcome="answered" if decided else "")  # fmt: skip
    for _ in range(2):
        make.flag(flagged_on=MONDAY)
    reply, decision = headline_times(MONDAY + timedelta(days=14))
    assert (reply.flags, reply.median, reply.waiting, reply.oldest, reply.late) == (5, 4, 2, 10, 2)
    assert (decision.median, decision.waiting, decision.oldest, decision.late) == (None, 3, 14, 0)
    ClosedPeriod.objects.create(name="Spring", first=MONDAY + timedelta(1), last=MONDAY + timedelta(8))
    reply, decision = headline_times(MONDAY + timedelta(days=14))
    assert (reply.median, reply.oldest, decision.oldest) == (0, 4, 6)


def test_an_anonymous_flag_waits_from_the_day_it_is_let_out():
    make.flag(flagged_on=MONDAY, anonymous=True, flagged_at=None)
    assert headline_times(MONDAY + timedelta(days=2))[0].oldest == 1


def test_old_flags_leave_the_median_and_stay_the_oldest_while_they_wait():
    today = MONDAY + timedelta(days=200)
    make.flag(flagged_on=MONDAY)
    make.flag(flagged_on=MONDAY, replied_at=at(MONDAY), decided_at=at(MONDAY), outcome="answered")
    for _ in range(5):
        make.flag(flagged_on=today - timedelta(1), replied_at=at(today), decided_at=at(today), outcome="answered")
    reply, decision = headline_times(today)
    assert (reply.flags, reply.waiting, decision.flags, decision.oldest) == (5, 1, 5, 200)


# Letters


def late_flag(rule=None, days=8, **fields):
    return make.flag(rule=rule, flagged_on=MONDAY, **fields), MONDAY + timedelta(days=days)


@pytest.fixture
def finance():
    return make.department("Finance", head=make.person("head"), deputy=make.person("deputy"))


def letters():
    return [(letter.to.username, letter.about.endswith("still")) for letter in Letter.objects.order_by("pk")]


def test_after_five_working_days_the_owner_is_written_to_and_five_later_the_deputy(finance):
    owner = make.person("owner of it")
    flag, monday_after = late_flag(make.rule("Two signatures", department=finance, owner=owner), days=7)
    assert remind(today=monday_after) == 0  # the fifth working day is not over
    assert remind(today=monday_after + timedelta(1)) == 1
    assert remind(today=monday_after + timedelta(1)) == 0
    assert remind(today=monday_after + timedelta(7)) == 0
    assert remind(today=monday_after + timedelta(8)) == 1
    assert remind(today=monday_after + timedelta(30)) == 0
    assert letters() == [("owner of it", False), ("deputy", True)]
    first, second = Letter.objects.order_by("pk")
    assert "Two signatures" in first.body and "6 working days" in first.body
    assert reverse("admin:flags_flag_change", args=[flag.pk]) in first.body
    assert first.subject != second.subject and flag.stopped not in first.body + second.body


@pytest.mark.parametrize(
    ("posts", "expected"),
    [
        ({"head": "head", "deputy": "deputy"}, [("head", False), ("deputy", True)]),
        ({"deputy": "deputy"}, [("deputy", False)]),
        ({"head": "both", "deputy": "both"}, [("both", False)]),
        ({}, []),
    ],
)
def test_without_an_owner_the_head_answers_and_nobody_is_written_to_twice(posts, expected):
    people = {name: make.person(name) for name in set(posts.values())}
    department = make.department(**{post: people[name] for post, name in posts.items()})
    late_flag(make.rule(department=department))
    for days in (8, 15, 22):
        remind(today=MONDAY + timedelta(days=days))
    assert letters() == expected


def test_a_flag_without_a_rule_belongs_to_the_department_of_its_team(finance):
    team = make.team(department=finance)
    late_flag(team=team)
    late_flag(author=make.person(team=team))
    late_flag(anonymous=True, flagged_at=None)
    late_flag()
    assert remind(today=MONDAY + timedelta(days=8)) == 2
    assert letters() == [("head", False), ("head", False)]


def test_a_first_reply_stops_the_letters_and_closed_days_put_them_off(finance, manager):
    rule = make.rule(department=finance)
    flag, today = late_flag(rule)
    ClosedPeriod.objects.create(name="Spring", first=MONDAY + timedelta(1), last=MONDAY + timedelta(3))
    assert remind(today=today) == 0
    answer_flag(flag=flag, headline="H", answer="We look into it.", by=manager, decided=False)
    assert remind(today=today + timedelta(30)) == 0


def test_what_was_answered_today_has_waited_no_day(manager):
    flag = make.flag(flagged_on=timezone.localdate())
    link_flag(flag=flag, rule=make.rule(), by=manager)
    assert Flag.objects.get().replied_at is not None
    assert headline_times(timezone.localdate())[0].longest == 0
