"""The case import: counted row by row, the same whenever it runs again, and never half-told."""

import csv
import io
import stat
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from rulebook.cases import importing
from rulebook.cases.models import Case, DirtyMonth, ImportRun, Source
from rulebook.cases.services import set_policy
from rulebook.journal.models import Event
from tests import make
from tests.cases.importer import do_import, everything, links, refused, state, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_key_ring")]


def horizon(name="shop"):
    return Source.objects.get(name=name).horizon


def dirty():
    return {(mark.subject, mark.subject_id, f"{mark.month:%Y-%m}") for mark in DirtyMonth.objects.all()}


# Counts


def test_a_second_run_of_the_same_file_changes_nothing(file):
    cases = file(
        "external_id opened_at customer topic excluded",
        (1, "2026-01-05", "anna", "returns", ""),
        (2, "2026-01-06", "anna", "returns", ""),
        (3, "2026-01-06", "bo", "returns", "spam"),
        (4, "never", "bo", "returns", ""),
    )
    first = do_import(cases)
    assert (first.read, first.created, first.excluded, first.rejected) == (4, 2, 1, 1)
    before = state()
    second = do_import(cases)
    assert (second.created, second.updated, second.unchanged, second.excluded, second.rejected) == (0, 0, 2, 1, 1)
    assert state() == before


def test_repeated_ids_whose_rows_differ_change_nothing_on_a_second_run_over_several_files(file):
    one = file("external_id opened_at topic", (1, "2026-01-05", "a"), (2, "2026-01-05", "a"), (1, "2026-01-06", "b"))
    two = file("external_id opened_at topic", (2, "2026-01-07", "c"), (3, "2026-01-07", "c"))
    first = do_import(one, two)
    assert (first.read, first.created, first.replaced) == (5, 3, 2)
    assert {(case.external_id, case.topic.path) for case in Case.objects.all()} == {("1", "b"), ("2", "c"), ("3", "c")}
    second = do_import(one, two)
    assert (second.created, second.updated, second.unchanged, second.replaced) == (0, 0, 3, 2)


def test_of_equal_ids_the_last_good_row_wins(file):
    cases = file(
        "external_id opened_at topic",
        (1, "2026-01-05", "first"), (1, "2026-01-05", "last good"), (1, "31-02-2026", "bad"),
        (2, "nonsense", "bad"), (2, "2026-01-05", "good"),
        (3, "nonsense", "bad"), (3, "nonsense", "bad too"),
    )  # fmt: skip
    done = do_import(cases)
    assert (done.created, done.replaced, done.rejected) == (2, 1, 4)
    assert {case.external_id: case.topic.path for case in Case.objects.all()} == {"1": "last good", "2": "good"}
    again = do_import(cases)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)


def test_a_repeated_row_that_lacks_a_column_leaves_what_the_earlier_one_said(file):
    one = file("external_id opened_at topic rules", (1, "2026-01-05", "returns", "R1"))
    two = file("external_id opened_at channel", (1, "2026-01-06", "chat"))
    together = do_import(one, two)
    assert (together.created, together.replaced) == (1, 1)
    case = Case.objects.get()
    assert (case.topic.path, case.channel, str(case.opened_day)) == ("returns", "chat", "2026-01-06")
    assert waiting() == {("1", "R1", "applied")}
    do_import(one, source="other")
    do_import(two, source="other")
    apart = Case.objects.get(source__name="other")
    assert (apart.topic, apart.channel, apart.opened_day) == (case.topic, case.channel, case.opened_day)
    assert bytes(apart.row_hash) == bytes(case.row_hash)


def test_ids_that_differ_in_case_only_are_two_cases_with_a_warning(file):
    done = do_import(file("external_id opened_at", ("ab1", "2026-01-05"), ("AB1", "2026-01-05"), ("x", "2026-01-05")))
    assert done.created == 3 and done.warnings == 1
    assert any("differ only in capital and small letters" in line for line in done.warned)


def test_cases_are_the_same_by_source_and_id(file):
    cases = file("external_id opened_at", (1, "2026-01-05"))
    assert do_import(cases, source="phone").created == do_import(cases, source="mail").created == 1
    assert Case.objects.count() == 2


def test_a_changed_row_is_an_update_and_a_blank_cell_clears(file):
    do_import(file("external_id opened_at channel topic customer replies", (1, "2026-01-05", "chat", "a", "anna", 2)))
    done = do_import(file("external_id opened_at channel topic customer replies", (1, "2026-01-05", "", "", "", "")))
    assert done.updated == 1
    case = Case.objects.get()
    assert (case.channel, case.topic, case.customer_key, case.key_id, case.replies) == ("", None, None, None, None)
    assert case.outcome == "unknown"


def test_an_absent_column_changes_nothing(file):
    make.rule(code="R1")
    full = "external_id opened_at closed_at channel topic customer team handoffs declared excluded rules"
    do_import(file(full, (1, "2026-01-05", "2026-01-06", "chat", "a / b", "anna", "team", 2, "yes", "", "R1")))
    before = state()
    done = do_import(file("external_id opened_at", (1, "2026-01-05")))
    assert (done.updated, done.unchanged) == (0, 1)
    assert state() == before
    do_import(file("external_id opened_at channel", (1, "2026-01-05", "mail")))
    case = Case.objects.get()
    assert (case.channel, case.topic.path, case.handoffs, case.declared) == ("mail", "a/b", 2, True)
    assert links() == {("1", "R1", "applied")}


def test_an_absent_key_changes_nothing_and_null_clears(tmp_path):
    make.rule(code="R1")
    path = tmp_path / "cases.json"
    path.write_text('[{"id": 1, "opened_at": "2026-01-05", "topic": "a", "channel": "chat", "rules": "R1"}]')
    do_import(path, map=["external_id=id"])
    path.write_text(
        '[{"id": 1, "opened_at": "2026-01-05", "channel": null}, {"id": 2, "opened_at": "2026-01-05", "topic": "b", '
        '"channel": "", "rules": ["R1"]}]'
    )
    done = do_import(path, map=["external_id=id"])
    assert (done.created, done.updated) == (1, 1)
    case = Case.objects.get(external_id="1")
    assert (case.topic.path, case.channel) == ("a", "")
    assert links() == {("1", "R1", "applied"), ("2", "R1", "applied")}
    assert do_import(path, map=["external_id=id"]).unchanged == 2


# Which table, which source


def test_columns_are_named_by_hand(file):
    done = do_import(
        file("case_id opened_on who kind", (1, "2026-01-05", "anna", "returns")),
        map=["external_id=case_id", "opened_at=opened_on", "customer=who", "topic=kind"],
    )
    assert done.created == 1
    assert "customer from 'who'" in done.err
    assert Case.objects.get().topic.path == "returns"


@pytest.mark.parametrize(
    ("name", "preset", "excluded"),
    [
        ("helpdesk-samples/zendesk-fivetran/ticket_data.csv", "zendesk", True),
        ("helpdesk-samples/servicenow-fivetran/incident_data.csv", "servicenow", False),
        ("helpdesk-samples/servicenow-fivetran/task_data.csv", "servicenow", False),
    ],
)
@pytest.mark.world
def test_ticket_files_of_the_presets_are_recognised(world, name, preset, excluded):
    done = do_import(world(name))
    assert f"Read as {preset}:" in done.err
    assert done.created > 0 and done.rejected == 0 and bool(done.excluded) is excluded
    assert do_import(world(name), preset=preset).unchanged == done.created


TICKET_FILES = {
    "ticket_data.csv", "incident_data.csv", "task_data.csv", "task_data_snowflake.csv", "conversation_history_data.csv",
    "all_tickets.json", "ticket_1.json", "ticket_1_updated.json", "ticket_with_conversations.json", "demo.json",
}  # fmt: skip


@pytest.mark.world
def test_other_tables_of_a_help_desk_are_not_lists_of_cases(world):
    folder = world("helpdesk-samples")
    tried = 0
    for path in sorted([*folder.glob("*/*.csv"), *folder.glob("*/*.json")]):
        if path.name in TICKET_FILES:
            continue
        text, code = refused(path)
        assert "is not a list of cases" in text and path.name in text and code == 1, text
        tried += 1
    assert tried > 50 and not Case.objects.exists()


@pytest.mark.world
def test_the_wrong_preset_is_refused_with_the_right_one(world):
    text, code = refused(world("helpdesk-samples/zendesk-fivetran/ticket_data.csv"), preset="servicenow")
    assert "use --preset zendesk" in text and code == 1


def test_time_zone_and_space_are_fixed_by_the_first_import(file):
    cases = file("external_id opened_at", (1, "2026-01-05 10:00"))
    do_import(cases, timezone="Europe/Oslo", space="shop customers")
    do_import(cases)
    do_import(cases, timezone="Europe/Oslo", space="shop customers")
    for option, value in (("timezone", "UTC"), ("space", "other")):
        text, code = refused(cases, **{option: value})
        assert f"--{option}" in text and "fixed it" in text and code == 1
    assert (Source.objects.get().time_zone, Source.objects.get().space) == ("Europe/Oslo", "shop customers")


def test_wrong_usage_is_told_and_stores_nothing(file):
    cases = file("external_id opened_at", (1, "2026-01-05"))
    for options in (
        {"timezone": "Mars/Olympus"}, {"map": ["customer"]}, {"map": ["custmer=who"]}, {"complete_until": "soon"},
        {"source": "  "}, {"report": cases},
    ):  # fmt: skip
        _, code = refused(cases, **options)
        assert code == 2
    assert not Source.objects.exists() and cases.read_text().startswith("external_id")


# The horizon


def test_a_bare_date_is_the_end_of_that_local_day_and_an_instant_is_itself(file):
    cases = file("external_id opened_at", (1, "2026-01-05 10:00"))
    do_import(cases, timezone="Europe/Copenhagen", complete_until="31-01-2026")
    assert horizon() == datetime(2026, 1, 31, 22, 59, 59, 999_999, tzinfo=UTC)
    do_import(cases, complete_until="2026-02-01T10:00:00+00:00")
    assert horizon() == datetime(2026, 2, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("when", ["2100-12-31", "in two days", "2099-01-01T00:00"])
def test_data_cannot_be_complete_in_the_future(file, when):
    if when == "in two days":
        when = (timezone.now() + timedelta(days=2)).isoformat()
    text, code = refused(file("external_id opened_at", (1, "2026-01-05")), complete_until=when)
    assert "future" in text and code == 2


def test_the_horizon_never_moves_back(file):
    late = file("external_id opened_at", (1, "2026-03-05 10:00"))
    early = file("external_id opened_at", (2, "2026-01-05 10:00"))
    do_import(late, timezone="UTC")
    do_import(early)
    do_import(early, complete_until="2026-02-01")
    assert horizon() == datetime(2026, 3, 5, 10, tzinfo=UTC)
    assert sorted(run.horizon for run in ImportRun.objects.all()) == [
        datetime(2026, 1, 5, 10, tzinfo=UTC),
        datetime(2026, 2, 1, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 5, 10, tzinfo=UTC),
    ]


def test_the_horizon_is_the_latest_stored_case_that_counts(file):
    header = "external_id opened_at excluded"
    cases = file(header, (1, "2026-01-05 10:00", ""), (2, "2026-02-05 10:00", "spam"), (3, "2026-13-05 10:00", ""))
    done = do_import(cases, timezone="UTC")
    assert horizon() == datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert "5 Jan 2026" in done.out


def test_a_run_of_excluded_rows_only_has_no_horizon(file):
    done = do_import(file("external_id opened_at excluded", (1, "2026-02-05 10:00", "spam")))
    assert done.excluded == 1 and horizon() is None
    assert Case.objects.get().outcome == ""
    assert ImportRun.objects.get().state == "finished"


# Dry run, report, journal, marks


def test_a_dry_run_writes_nothing_at_all_and_counts_what_the_run_will(file, tmp_path):
    make.rule(code="R1")
    make.rule(code="R2")
    header = "external_id opened_at customer topic excluded rules"
    do_import(file(header, (1, "2026-01-05", "anna", "a", "", "R1"), (2, "2026-01-05", "bo", "a", "", "")))
    cases = file(
        header,
        (1, "2026-01-06", "anna", "b", "", "R2;R9"), (2, "2026-01-05", "bo", "a", "", ""), (3, "x", "", "", "", ""),
        (4, "2026-01-07", "cy", "new", "", "R1"), (4, "2026-01-07", "cy", "new", "", "R1;R2"),
        (5, "2026-01-07", "", "", "test", ""),
    )  # fmt: skip
    more = file(
        "case rule effect",
        (1, "R1", ""), (1, "R2", "blocked"), (4, "R2", "applied"), (4, "R1", "blocked"), (9, "R1", ""), (2, "R8", ""),
    )  # fmt: skip
    for source in ("shop", "a new one"):
        before = everything()
        dry = do_import(cases, source=source, links=more, dry_run=True, complete_until="2026-01-31")
        assert everything() == before
        assert "nothing was stored" in dry.err
        real = do_import(cases, source=source, links=more, complete_until="2026-01-31")
        assert (dry.counts, dry.links, dry.warned) == (real.counts, real.links, real.warned)
        assert dry.out.splitlines()[-1] == real.out.splitlines()[-1]


def test_the_report_holds_the_rejected_rows_for_its_owner_alone(file, tmp_path):
    report = tmp_path / "report.csv"
    report.write_text("an old one, readable for all")
    report.chmod(0o644)
    cases = file("external_id opened_at customer", ("=1+1", "never", "anna@x.dk"), (2, "2026-01-05", "bo"))
    links = file("case rule effect", ("@x", "R1", "hindered"))
    done = do_import(cases, report=report, links=links)
    assert done.rejected == 1 and "anna@x.dk" not in done.out + done.err
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    with report.open(newline="") as opened:
        header, one, two = csv.reader(opened)
    assert header == ["file", "line", "column", "reason", "row"]
    assert one[:3] == ["cases1.csv", "2", "opened_at"] and "YYYY-MM-DD" in one[3]
    assert one[4] == "'=1+1 | never | anna@x.dk"
    assert two[:3] == ["cases2.csv", "2", "effect"] and two[4].startswith("'@x")


def test_a_run_is_one_event_and_one_row_with_its_counts(file):
    rows = [(number, "2026-01-05") for number in range(2_500)]
    before = Event.objects.count()
    done = do_import(file("external_id opened_at", *rows, ("", "2026-01-05"), (1, "2026-01-06")))
    event = Event.objects.get(number__gt=before)
    run = ImportRun.objects.get()
    assert (event.verb, event.object_type, event.object_code, event.after) == (
        "imported",
        "source",
        "shop",
        f"run {run.pk}",
    )
    assert run.state == "finished" and run.finished_at and run.heartbeat
    stored = {name: getattr(run, name) for name in done.counts if name != "read"}
    assert {"read": run.rows_read, **stored} == done.counts
    assert (run.rows_read, run.created, run.replaced, run.rejected) == (2_502, 2_500, 1, 1)


def test_every_month_that_a_change_touches_is_marked_before_and_after(file):
    one, two = make.rule(code="R1"), make.rule(code="R2")
    header = "external_id opened_at customer topic rules"
    do_import(file(header, (1, "2026-01-05", "anna", "a", "R1"), (2, "2026-02-05", "bo", "", "")))
    case = Case.objects.get(external_id="1")
    was = case.topic_id
    expected = {("topic", was, "2026-01"), ("rule", one.pk, "2026-01"), ("topic", 0, "2026-02")}
    assert dirty() == expected
    DirtyMonth.objects.all().delete()
    do_import(file(header, (2, "2026-02-05", "bo", "", "")))
    assert dirty() == set()
    do_import(file(header, (1, "2026-03-05", "anna", "b", "R2")))
    now = Case.objects.get(external_id="1").topic_id
    assert dirty() == {
        ("topic", was, "2026-01"), ("rule", one.pk, "2026-01"), ("topic", now, "2026-03"), ("rule", two.pk, "2026-03"),
        # The horizon moved on, and the case of February matured with it.
        ("topic", 0, "2026-02"),
    }  # fmt: skip


def test_a_case_that_is_excluded_later_leaves_its_issue(file):
    header = "external_id opened_at customer excluded"
    first = file(header, (1, "2026-01-05", "anna", ""), (2, "2026-01-06", "anna", ""))
    do_import(first, complete_until="2026-03-01")
    assert Case.objects.get(external_id="1").outcome == "not_resolved"
    do_import(file(header, (2, "2026-01-06", "anna", "merged")), complete_until="2026-03-01")
    assert dict(Case.objects.values_list("external_id", "outcome")) == {"1": "resolved", "2": ""}


def test_a_case_whose_customer_becomes_known_is_judged_with_that_customers_other_cases(file):
    header = "external_id opened_at customer"
    do_import(file(header, (1, "2026-01-05", ""), (2, "2026-01-06", "anna")), complete_until="2026-03-01")
    assert dict(Case.objects.values_list("external_id", "outcome")) == {"1": "unknown", "2": "resolved"}
    do_import(file(header, (1, "2026-01-05", "anna")), complete_until="2026-03-01")
    assert dict(Case.objects.values_list("external_id", "outcome")) == {"1": "not_resolved", "2": "resolved"}
    do_import(file(header, (2, "2026-01-06", "")), complete_until="2026-03-01")
    assert dict(Case.objects.values_list("external_id", "outcome")) == {"1": "resolved", "2": "unknown"}


def test_links_that_settle_or_are_corrected_mark_the_months_of_their_topic_and_of_every_rule_of_the_case(file):
    other = make.rule(code="R2")
    cases = file("external_id opened_at rules", (1, "2026-01-05", "R1;R2"))
    do_import(cases)
    DirtyMonth.objects.all().delete()
    rule = make.rule(code="R1")
    do_import(cases)
    marked = {("topic", 0, "2026-01"), ("rule", rule.pk, "2026-01"), ("rule", other.pk, "2026-01")}
    assert dirty() == marked
    DirtyMonth.objects.all().delete()
    do_import(cases, links=file("case rule effect", (1, "R1", "blocked")))
    assert dirty() == marked


def test_a_month_that_is_marked_again_says_so(file):
    do_import(file("external_id opened_at", (1, "2026-01-05")))
    before = DirtyMonth.objects.get().marks
    do_import(file("external_id opened_at", (2, "2026-01-06")))
    assert DirtyMonth.objects.get().marks > before


def test_a_policy_that_changes_while_an_import_runs_judges_every_case(file, monkeypatch):
    header = "external_id opened_at customer declared"
    do_import(file(header, (1, "2026-01-05", "anna", "no")), complete_until="2026-03-01")
    assert Case.objects.get().outcome == "resolved"
    settle = importing.settle_pending_links

    def change_policy(**options):
        set_policy(source=Source.objects.get(), method="declared", window_days=7, key="customer,topic", by=None)
        return settle(**options)

    monkeypatch.setattr(importing, "settle_pending_links", change_policy)
    do_import(file(header, (2, "2026-01-05", "bo", "yes")), complete_until="2026-03-01")
    assert dict(Case.objects.values_list("external_id", "outcome")) == {"1": "not_resolved", "2": "resolved"}
    assert not Source.objects.get().stale


def test_agent_keys_that_are_turned_on_keep_the_number_of_their_key(file, settings):
    settings.AGENT_KEYS = True
    do_import(file("external_id opened_at customer", (1, "2026-01-05", "anna")))
    do_import(file("external_id opened_at agent", (1, "2026-01-05", "")))
    case = Case.objects.get()
    assert case.customer_key and case.key_id == 1


def test_a_deleted_case_is_gone_with_its_links_and_the_others_are_judged_without_it(file):
    rule = make.rule(code="R1")
    header = "external_id opened_at customer topic rules"
    first, second = (1, "2026-01-05", "anna", "bills", ""), (2, "2026-01-07", "anna", "bills", "R1")
    do_import(file(header, first, second), complete_until="2026-03-01")
    assert Case.objects.get(external_id="1").outcome == "not_resolved"
    err = io.StringIO()
    call_command("source", "shop", "--delete-cases", "2", "9", stdout=io.StringIO(), stderr=err)
    assert "Cases deleted: 1. Not found: 1." in err.getvalue()
    assert dict(Case.objects.values_list("external_id", "outcome")) == {"1": "resolved"}
    assert not rule.links.exists()
