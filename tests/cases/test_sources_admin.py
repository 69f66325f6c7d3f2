"""Sources in the admin: how they measure, whether they still deliver, and who may change that."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from rulebook.cases import sentences
from rulebook.cases.models import ImportRun, Source
from rulebook.journal.models import Event
from tests import make

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
LIST = "admin:cases_source_changelist"
QUIET = sentences.Pulse(running=False, failed=False, promised=False)


def told(source, now, **pulse):
    return sentences.health(source, sentences.Pulse(**{**vars(QUIET), **pulse}), now)


def run(source, state="finished", **fields):
    given = {"started_at": MONDAY, "heartbeat": MONDAY, "host": "h", **fields}
    return ImportRun.objects.create(source=source, state=state, **given)


def page(source):
    return reverse("admin:cases_source_change", args=[source.pk])


@pytest.mark.parametrize(
    ("later", "text", "overdue"),
    [
        (timedelta(hours=3), "Last case Mon 2 Mar 2026.", False),
        (timedelta(days=1), "Last case Mon 2 Mar 2026; no case for 1 day.", False),
        (timedelta(days=3), "Last case Mon 2 Mar 2026; no case for 3 days.", False),
        (timedelta(days=4), "Last case Mon 2 Mar 2026; no case for 4 days.", True),
    ],
)
def test_a_source_says_since_when_it_is_silent_and_a_weekend_is_no_alarm(later, text, overdue):
    health = told(make.source(horizon=MONDAY), MONDAY + later)
    assert (health.text, health.overdue) == (text, overdue)


def test_days_are_those_of_the_sources_time_zone():
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    health = told(make.source(horizon=late, time_zone="Asia/Tokyo"), late + timedelta(hours=1))
    assert health.text == "Last case Tue 3 Mar 2026."


def test_every_state_of_a_source_has_its_sentence():
    now = MONDAY + timedelta(days=10)
    assert told(make.source(), now).text == "No import has finished yet."
    assert told(make.source(), now, failed=True).overdue
    assert told(make.source(), now, running=True).text == "An import is running."
    retired = told(make.source(horizon=MONDAY, retired=True), now, failed=True)
    assert "retired" in retired.text and not retired.overdue
    promised = told(make.source(horizon=MONDAY), now, promised=True)
    assert promised.text == "Complete to Mon 2 Mar 2026; nothing newer for 10 days."
    broken = told(make.source(horizon=MONDAY), MONDAY, failed=True)
    assert broken.overdue and "Run it again." in broken.text
    assert told(make.source(horizon=MONDAY, changes=2, judged=1), MONDAY).text.endswith("figures are being computed.")


def test_the_list_shows_policy_horizon_and_health_in_words(client, manager):
    made = make.source("phone", horizon=MONDAY, window_days=14, key="customer")
    run(made)
    make.source("chat", method="declared")
    client.force_login(manager)
    text = client.get(reverse(LIST)).content.decode()
    assert "No repeat within 14 days by the same customer" in text and "2 Mar 2026" in text
    assert '<span class="rb-overdue">Last case Mon 2 Mar 2026; no case for' in text
    assert "Declared by the agent or the help desk" in text and "No import has finished yet." in text


def test_the_list_never_reads_cases_and_costs_the_same_for_any_number_of_sources(
    client, manager, django_assert_num_queries
):
    client.force_login(manager)
    make.case(make.source("phone", horizon=MONDAY))

    def look():
        # session, user, the rights of the person and of the role, how many are found and how many there are, the
        # rows with their imports
        with django_assert_num_queries(7) as queries:
            client.get(reverse(LIST))
        assert not [query for query in queries if "cases_case" in query["sql"]]

    client.get(reverse(LIST))  # the frame looks once for what it then remembers
    look()
    for number in range(3):
        run(make.source(f"mail {number}", horizon=MONDAY))
    look()


def form(**given):
    return {"method": "no_repeat", "window_days": "7", "key": "customer,topic", **given}


def test_a_policy_is_set_through_its_service_and_leaves_the_outcomes_to_the_background(client, manager):
    source = make.source("phone")
    case = make.case(source, outcome="resolved")
    client.force_login(manager)
    answer = client.post(page(source), form(method="declared", window_days="14"), follow=True)
    assert "The figures of phone are being computed anew." in answer.content.decode()
    source.refresh_from_db()
    case.refresh_from_db()
    assert (source.method, source.window_days, source.stale) == ("declared", 14, True)
    assert case.outcome == "resolved", "nothing is computed while somebody waits for the page"
    event = Event.objects.latest("number")
    assert (event.verb, event.object_code, event.before) == ("policy_set", "phone", "no_repeat 7 customer,topic")


def test_the_same_again_is_no_event(client, manager):
    source = make.source("phone")
    client.force_login(manager)
    before = Event.objects.count()
    assert client.post(page(source), form()).status_code == 302
    assert Event.objects.count() == before and not Source.objects.get().stale


def test_a_source_is_retired_and_revived(client, operator):
    source = make.source("phone")
    client.force_login(operator)
    client.post(page(source), form(retired="on"))
    assert Source.objects.get().retired
    client.post(page(source), form())
    assert not Source.objects.get().retired
    verbs = list(Event.objects.order_by("number").values_list("verb", flat=True))
    assert verbs[-2:] == ["retired", "revived"]


@pytest.mark.parametrize("bad", [{"window_days": "0"}, {"window_days": "367"}, {"method": "guessed"}, {"key": ""}])
def test_a_policy_that_cannot_be_is_refused_on_the_form(client, manager, bad):
    source = make.source("phone")
    client.force_login(manager)
    answer = client.post(page(source), form(**bad))
    assert answer.status_code == 200 and answer.context["adminform"].form.errors
    assert Source.objects.get().changes == 0


def test_name_time_zone_and_space_are_shown_and_not_changed(client, manager):
    source = make.source("phone", space="all")
    client.force_login(manager)
    client.post(page(source), form(name="x", time_zone="Asia/Tokyo", space="x", horizon="2027-01-01"))
    source.refresh_from_db()
    assert (source.name, source.time_zone, source.space, source.horizon) == ("phone", "UTC", "all", None)


def test_where_the_background_is_off_the_page_says_what_to_run(client, manager, settings):
    settings.WORKER = "off"
    client.force_login(manager)
    answer = client.post(page(make.source("phone")), form(window_days="3"), follow=True)
    assert "python manage.py work" in answer.content.decode()


def test_who_may_not_see_sources_is_turned_away(client, owner):
    client.force_login(owner)
    source = make.source("phone")
    assert client.get(reverse(LIST)).status_code == 403
    assert client.post(page(source), form(window_days="3")).status_code == 403
    assert Source.objects.get().window_days == 7


def test_past_imports_say_their_counts_in_a_sentence(client, operator):
    run(make.source("phone"), rows_read=1203, created=1200, rejected=3)
    client.force_login(operator)
    assert (
        "1,203 rows: 1,200 new, 3 rejected" in client.get(reverse("admin:cases_importrun_changelist")).content.decode()
    )
    assert sentences.weekday(date(2026, 3, 2)) == "Mon 2 Mar 2026"
