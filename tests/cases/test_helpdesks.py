"""Exports of real help desks from file to case: the vendors' own samples, and a file of ours where there is none."""

import csv
import json

import pytest

from rulebook.cases.models import Case
from rulebook.cases.presets import choose
from tests.cases.importer import do_import, table

pytestmark = pytest.mark.django_db


def stored(*fields):
    return sorted(Case.objects.values_list(*fields))


@pytest.mark.world
@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("zendesk-fivetran/ticket_data.csv", {"created": 8, "excluded": 2}),
        ("servicenow-fivetran/incident_data.csv", {"created": 1}),
        ("servicenow-fivetran/task_data.csv", {"created": 1}),
        ("intercom-fivetran/conversation_history_data.csv", {"created": 2, "replaced": 7}),
        ("freshdesk-python/all_tickets.json", {"created": 1}),
        ("freshdesk-python/ticket_1.json", {"created": 1}),
        ("freshdesk-chatwoot/ticket_with_conversations.json", {"created": 1}),
        ("django-helpdesk/demo.json", {"created": 3}),
    ],
)
def test_a_sample_becomes_cases_and_a_second_run_changes_nothing(world, file, counts):
    path = world(f"helpdesk-samples/{file}")
    done = do_import(path)
    assert {name: count for name, count in done.counts.items() if count and name not in ("read", "warnings")} == counts
    again = do_import(path)
    assert (again.created, again.updated, again.rejected) == (0, 0, 0)
    assert again.unchanged == counts["created"]


@pytest.mark.world
def test_intercom_counts_the_latest_state_of_a_conversation_whatever_the_order(world, tmp_path):
    with world("helpdesk-samples/intercom-fivetran/conversation_history_data.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    type_of = header.index("source_type")
    latest = {}
    for number, row in enumerate(rows):
        row[type_of] = f"state{number}"  # a field that tells which row was stored
        known = latest.get(row[0], row)
        latest[row[0]] = max(known, row, key=lambda row: row[header.index("updated_at")])
    expected = sorted((row[0], row[type_of]) for row in latest.values())
    assert [row[0] for row in rows] != sorted({row[0] for row in rows})
    for name, order in (("as_it_is", rows), ("backwards", rows[::-1])):
        path = tmp_path / f"{name}.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *order])
        done = do_import(path, source=name)
        assert (done.created, done.replaced) == (2, 7)
        assert sorted(Case.objects.filter(source__name=name).values_list("external_id", "channel")) == expected


INTERCOM = "id updated_at created_at state source_type source_author_id source_author_type source_delivered_as"


def test_intercom_leaves_out_what_the_house_began_and_takes_no_bot_for_a_customer(tmp_path):
    opened = "2026-01-05 10:00:00"
    file = table(
        tmp_path / "conversation_history.csv",
        INTERCOM,
        ["1", opened, opened, "open", "email", "77", "user", "customer_initiated"],
        ["2", opened, opened, "open", "email", "9", "admin", "admin_initiated"],
        ["3", opened, opened, "open", "email", "9", "admin", "automated"],
        ["4", opened, opened, "open", "conversation", "9", "bot", "operator_initiated"],
        ["5", opened, opened, "open", "conversation", "78", "lead", "operator_initiated"],
    )
    done = do_import(file)
    assert (done.created, done.excluded) == (3, 2)
    assert stored("external_id", "excluded") == [("1", ""), ("2", "outbound"), ("3", "outbound"), ("4", ""), ("5", "")]
    assert set(Case.objects.filter(customer_key=None).values_list("external_id", flat=True)) == {"2", "3", "4"}


def test_a_state_without_a_moment_is_older_than_any_and_equal_ones_go_by_the_file(tmp_path):
    opened = "2026-01-05 10:00:00"
    rows = [
        ["1", "2026-01-07 10:00:00", opened, "open", "latest", "7", "user", ""],
        ["1", "2026-01-06 10:00:00.5", opened, "open", "older", "7", "user", ""],
        ["1", "", opened, "open", "blank", "7", "user", ""],
        ["2", "2026-01-06 10:00:00.5", opened, "open", "later by a half", "7", "user", ""],
        ["2", "2026-01-06 10:00:00", opened, "open", "earlier", "7", "user", ""],
        ["3", "2026-01-06 10:00:00", opened, "open", "first", "7", "user", ""],
        ["3", "2026-01-06 10:00:00", opened, "open", "second", "7", "user", ""],
        ["4", "2026-01-06 10:00:00", opened, "open", "good", "7", "user", ""],
        ["4", "2026-01-08 10:00:00", "yesterday", "open", "rejected", "7", "user", ""],
    ]
    done = do_import(table(tmp_path / "c.csv", INTERCOM, *rows))
    assert (done.created, done.replaced, done.rejected) == (4, 4, 1)
    assert stored("external_id", "channel") == [
        ("1", "latest"), ("2", "later by a half"), ("3", "second"), ("4", "good"),
    ]  # fmt: skip


FRESHDESK = {
    "id": 1, "created_at": "2026-01-05T10:00:00Z", "requester_id": 77, "responder_id": 9, "source": 3, "status": 5,
    "spam": False, "deleted": False, "group_id": 4, "stats": {"resolved_at": "2026-01-06T10:00:00Z"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"spam": True}, "spam"),
        ({"deleted": True}, "spam"),
        ({"source": 10}, "outbound"),
        ({"source": 1}, ""),
        ({"source": "Outbound Email"}, "outbound"),
    ],
)
def test_freshdesk_leaves_out_spam_what_was_thrown_away_and_mails_of_ours(tmp_path, change, reason):
    path = tmp_path / "tickets.json"
    path.write_text(json.dumps([{**FRESHDESK, **change}]))
    do_import(path)
    assert Case.objects.get().excluded == reason


@pytest.mark.parametrize(("status", "closed"), [(2, False), (3, False), (4, True), (5, True), ("Closed", True)])
def test_a_freshdesk_ticket_is_closed_while_its_status_says_so(tmp_path, status, closed):
    path = tmp_path / "tickets.json"
    path.write_text(json.dumps([{**FRESHDESK, "status": status}]))
    do_import(path)
    case = Case.objects.get()
    assert (case.closed_at is not None) is closed
    assert case.channel == "Phone"


def test_a_freshdesk_csv_export_is_recognised(tmp_path):
    columns = ["Ticket ID", "Subject", "Status", "Source", "Type", "Agent", "Group", "Created time", "Resolved time",
               "Closed time", "Contact ID", "Email"]  # fmt: skip
    layout = choose("tickets.csv", columns, "auto", {})
    assert layout.preset == "freshdesk" and "topic" not in layout.columns
    assert {field: columns[place] for field, place in layout.columns.items()} == {
        "external_id": "Ticket ID", "opened_at": "Created time", "closed_at": "Resolved time", "channel": "Source",
        "customer": "Contact ID", "agent": "Agent", "team": "Group",
    }  # fmt: skip


def test_a_column_named_by_hand_is_read_as_it_stands(tmp_path):
    path = tmp_path / "tickets.json"
    path.write_text(json.dumps([{**FRESHDESK, "status": 2, "queue": "3", "done": "2026-01-07T10:00:00Z"}]))
    do_import(path, map=["channel=queue", "closed_at=done"])
    case = Case.objects.get()
    assert case.channel == "3" and case.closed_at is not None


# Made by us after the vendor's list of the Case object's fields: among the samples there is no export of cases.
SALESFORCE = [
    {"Id": "500A1", "CaseNumber": "00001001", "CreatedDate": "2026-01-05T08:00:00.000+0000", "IsClosed": True,
     "ClosedDate": "2026-01-05T09:00:00.000+0000", "Origin": "Phone", "Reason": "Installation", "Type": "Electrical",
     "ContactId": "003A1", "AccountId": "001A1", "OwnerId": "005A1", "Status": "Closed", "IsDeleted": False,
     "MasterRecordId": None, "Description": "never kept"},
    {"Id": "500A2", "CaseNumber": "00001002", "CreatedDate": "2026-01-07T08:00:00.000+0000", "IsClosed": False,
     "ClosedDate": None, "Origin": "Email", "Reason": "Installation", "Type": None, "ContactId": "003A1",
     "AccountId": "001A1", "OwnerId": "005A1", "Status": "New", "IsDeleted": False, "MasterRecordId": None},
    {"Id": "500A3", "CaseNumber": "00001003", "CreatedDate": "2026-01-07T09:00:00.000+0000", "IsClosed": True,
     "ClosedDate": None, "Origin": "Web", "Reason": None, "Type": None, "ContactId": "003A1", "AccountId": "001A1",
     "OwnerId": "005A1", "Status": "Merged", "IsDeleted": True, "MasterRecordId": "500A2"},
    {"Id": "500A4", "CaseNumber": "00001004", "CreatedDate": "2026-01-27T09:00:00.000+0000", "IsClosed": True,
     "ClosedDate": None, "Origin": "Web", "Reason": None, "Type": None, "ContactId": None, "AccountId": "001A1",
     "OwnerId": "005A1", "Status": "Closed", "IsDeleted": True, "MasterRecordId": None},
    {"Id": "500A5", "CaseNumber": "00001005", "CreatedDate": "2026-01-28T09:00:00.000+0000", "IsClosed": False,
     "ClosedDate": None, "Origin": "Web", "Reason": None, "Type": None, "ContactId": None, "AccountId": "001A1",
     "OwnerId": "005A1", "Status": "New", "IsDeleted": False, "MasterRecordId": None},
]  # fmt: skip


@pytest.mark.parametrize("form", ["api", "csv", "warehouse"])
def test_salesforce_cases_are_read_by_the_documented_fields(tmp_path, form):
    path = tmp_path / f"cases.{'json' if form == 'api' else 'csv'}"
    if form == "api":
        records = [{"attributes": {"type": "Case"}, **case} for case in SALESFORCE]
        path.write_text(json.dumps({"totalSize": len(records), "done": True, "records": records}))
    else:
        spelt = {name: "".join(f"_{c.lower()}" if c.isupper() else c for c in name)[1:] for name in SALESFORCE[0]}
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(SALESFORCE[0]))
            writer.writerow(spelt if form == "warehouse" else {name: name for name in spelt})
            writer.writerows(SALESFORCE)
    done = do_import(path, source=form)
    assert "Read as salesforce" in done.err
    assert (done.created, done.excluded, done.rejected) == (3, 2, 0)
    assert stored("external_id", "channel", "topic__path", "excluded", "outcome") == [
        ("00001001", "Phone", "Installation", "", "not_resolved"),
        ("00001002", "Email", "Installation", "", "resolved"),
        ("00001003", "Web", None, "merged", ""),
        ("00001004", "Web", None, "spam", ""),
        ("00001005", "Web", None, "", "unknown"),
    ]


def test_a_report_of_salesforce_is_read_by_its_labels_and_takes_no_name_for_a_customer():
    columns = ["Case Number", "Date/Time Opened", "Date/Time Closed", "Case Origin", "Case Reason", "Contact Name"]
    layout = choose("report.csv", columns, "auto", {})
    assert layout.preset == "salesforce" and layout.missing == ("customer",)
    assert layout.unused == ("Contact Name",)


TICKET = {"title": "t", "queue": 1, "created": "2026-01-05T10:00:00Z", "submitter_email": "a@example.com", "status": 3}


def test_of_a_django_fixture_the_tickets_are_cases_and_all_else_is_told_and_skipped(tmp_path):
    path = tmp_path / "dump.json"
    records = [
        {"model": "helpdesk.queue", "pk": 1, "fields": {"title": "Shop"}},
        {"model": "helpdesk.ticket", "pk": 1, "fields": TICKET},
        {"model": "helpdesk.ticket", "pk": 2, "fields": {**TICKET, "status": 5}},
        {"model": "helpdesk.ticket", "pk": 3, "fields": {**TICKET, "merged_to": 1}},
        {"model": "helpdesk.followup", "pk": 1, "fields": {"ticket": 1, "date": "2026-01-05T10:00:00Z"}},
    ]
    path.write_text(json.dumps(records))
    done = do_import(path)
    assert (done.read, done.created, done.excluded, done.rejected, done.replaced) == (3, 1, 2, 0, 0)
    assert stored("external_id", "excluded") == [("1", ""), ("2", "merged"), ("3", "merged")]
    (note,) = done.warned
    assert "dump.json holds 2 rows that are no cases (their 'model' is not helpdesk.ticket)" in note
