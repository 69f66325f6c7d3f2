"""Presets: a help desk's ticket file is recognised by its columns, any other table is refused with one sentence."""

import pytest

from rulebook.cases.presets import FIELDS, PRESETS, choose, plain
from rulebook.errors import CannotStart, WrongUsage
from rulebook.tables.objects import flatten
from rulebook.tables.reading import open_table

ZENDESK_API = {
    "id": 35436, "url": "https://example.zendesk.com/api/v2/tickets/35436.json", "external_id": "ahg35h3jh",
    "created_at": "2026-01-05T08:00:00Z", "updated_at": "2026-01-05T09:00:00Z", "type": "incident", "subject": "Help",
    "description": "The printer smokes", "priority": "high", "status": "solved", "requester_id": 20978392,
    "submitter_id": 76872, "assignee_id": 235323, "group_id": 98738, "tags": ["enterprise", "closed_by_merge"],
    "via": {"channel": "voice", "source": {"from": {}, "to": {}, "rel": "outbound"}},
    "metric_set": {"reopens": 1, "replies": 2, "solved_at": "2026-01-05T09:00:00Z"},
}  # fmt: skip
SERVICENOW_CSV = [
    "number", "opened_at", "short_description", "caller_id", "priority", "state", "category", "contact_type",
    "assignment_group", "assigned_to", "sys_updated_on", "reassignment_count", "reopen_count", "resolved_at",
    "closed_at", "close_code",
]  # fmt: skip


def names(layout, columns):
    return {field: columns[index] for field, index in layout.columns.items()}


def refusal(*args):
    with pytest.raises((CannotStart, WrongUsage)) as caught:
        choose(*args)
    text = str(caught.value)
    assert "\n" not in text and text[-1] in ".?"
    return text


def test_generic_takes_the_canonical_names_whatever_their_case_blanks_and_hyphens():
    columns = ["External ID", "OPENED-AT", "topic", "Handle seconds", "notes"]
    layout = choose("t.csv", columns, "generic", {})
    assert names(layout, columns) == {
        "external_id": "External ID", "opened_at": "OPENED-AT", "topic": "topic", "handle_seconds": "Handle seconds",
    }  # fmt: skip
    assert layout.unused == ("notes",)


def test_generic_never_excludes_by_a_status_or_a_tag():
    layout = choose("t.csv", ["external_id", "opened_at", "status", "tags", "close_code", "excluded"], "auto", {})
    assert layout.exclusions == ()
    assert layout.excluded_by(["1", "2026-01-05", "deleted", "closed_by_merge", "duplicate", ""]) == ""
    assert layout.columns["excluded"] == 5


def test_a_zendesk_api_export_is_recognised_and_its_own_number_is_the_id():
    flat = flatten(ZENDESK_API)
    layout = choose("tickets.json", list(flat), "auto", {})
    assert layout.preset == "zendesk"
    got = names(layout, list(flat))
    assert got["external_id"] == "id" and got["customer"] == "requester_id" and got["channel"] == "via_channel"
    assert got["closed_at"] == "metric_set_solved_at" and got["replies"] == "metric_set_replies"
    assert "topic" not in got and "survey" not in got


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tags": [], "via": {"channel": "email", "source": {"rel": None}}}, ""),
        ({"tags": ["not_closed_by_merge"], "via": {"channel": "email"}}, ""),
        ({"tags": ["vip", "closed_by_merge"], "via": {"channel": "email"}}, "merged"),
        ({"tags": [], "via": {"channel": "email"}, "status": "deleted"}, "spam"),
        ({"tags": [], "via": {"channel": "voice", "source": {"from": {}, "to": {}, "rel": "outbound"}}}, "outbound"),
        ({"tags": [], "via": {"channel": "voice", "source": {"from": {}, "to": {}, "rel": "inbound"}}}, ""),
    ],
)
def test_zendesk_leaves_out_what_zendesk_says_is_no_contact_of_a_customer(change, reason):
    columns = list(flatten(ZENDESK_API))
    flat = flatten({**ZENDESK_API, **change})
    assert choose("t.json", columns, "auto", {}).excluded_by([flat.get(column) for column in columns]) == reason


def test_tags_of_a_csv_export_are_looked_at_one_by_one():
    columns = ["Id", "Requester id", "Created at", "Status", "Via", "Ticket type", "Tags", "Solved at", "Group"]
    layout = choose("export.csv", columns, "auto", {})
    assert layout.preset == "zendesk"
    cells = ["1", "7", "2026-01-05", "closed", "Mail", "", "vip closed_by_merge", "", ""]
    assert layout.excluded_by(cells) == "merged"


def test_a_servicenow_export_is_recognised_in_its_three_forms():
    own = names(choose("incident.csv", SERVICENOW_CSV, "auto", {}), SERVICENOW_CSV)
    assert own["external_id"] == "number" and own["customer"] == "caller_id" and own["closed_at"] == "resolved_at"
    assert own["handoffs"] == "reassignment_count" and own["channel"] == "contact_type"
    labels = ["Number", "Opened", "Caller", "Category", "Channel", "Assignment group", "Reopen count"]
    excel = choose("incident.xlsx", labels, "auto", {})
    assert excel.preset == "servicenow" and names(excel, labels)["opened_at"] == "Opened"
    record = {
        "number": {"display_value": "INC1", "value": "INC1"},
        "opened_at": {"display_value": "05-01-2026 09:00:00", "value": "2026-01-05 08:00:00"},
        "caller_id": {"display_value": "Anna Berg", "value": "46c6f9ef", "link": "https://example/46c6f9ef"},
    }
    nested = choose("incident.json", list(flatten(record)), "auto", {})
    assert names(nested, list(flatten(record))) == {
        "external_id": "number_value", "opened_at": "opened_at_value", "customer": "caller_id_value",
    }  # fmt: skip


def test_a_servicenow_duplicate_is_merged_and_nothing_else_is_left_out():
    layout = choose("incident.csv", SERVICENOW_CSV, "auto", {})
    codes = {"Duplicate": "merged", "Not a duplicate": "", "Solved (Permanently)": "", "": "", None: ""}
    for code, reason in codes.items():
        assert layout.excluded_by([*[""] * (len(SERVICENOW_CSV) - 1), code]) == reason


def test_a_full_export_of_change_requests_is_not_taken_for_incidents():
    task = ["number", "opened_at", "sys_class_name", "contact_type", "reassignment_count"]
    assert choose("task.csv", task, "auto", {}).preset == "servicenow"
    text = refusal("change_request.csv", [*task, "backout_plan"], "servicenow", {})
    assert "change_request.csv, line 1" in text and "'backout_plan'" in text
    assert "is not a list of cases" in refusal("change_request.csv", [*task, "backout_plan"], "auto", {})


def test_a_column_named_by_hand_wins_over_the_presets():
    flat = list(flatten(ZENDESK_API))
    layout = choose("tickets.json", flat, "auto", {"topic": "type", "customer": "submitter_id"})
    assert layout.preset == "zendesk"
    assert names(layout, flat)["topic"] == "type" and names(layout, flat)["customer"] == "submitter_id"


def test_a_foreign_table_becomes_cases_when_its_needed_columns_are_named():
    columns = ["case_id", "opened_at", "closed_at", "caller_id", "category", "reopen_count"]
    overrides = {"external_id": "case_id", "customer": "caller_id", "topic": "category"}
    layout = choose("cases.csv", columns, "auto", overrides)
    assert layout.preset == "generic"
    assert names(layout, columns) == {
        "external_id": "case_id", "opened_at": "opened_at", "closed_at": "closed_at", "customer": "caller_id",
        "topic": "category",
    }  # fmt: skip


def test_a_table_of_something_else_is_refused_with_what_is_missing():
    text = refusal("users.csv", ["id", "name", "email"], "auto", {})
    assert text == (
        "users.csv is not a list of cases: in line 1 it has no column for external_id and opened_at. "
        "Name them with --map external_id=COLUMN --map opened_at=COLUMN."
    )
    text = refusal("users.csv", ["external_id", "name"], "generic", {})
    assert "no column for opened_at. Name it with --map opened_at=COLUMN." in text


def test_the_wrong_preset_is_answered_with_what_is_missing_and_the_right_one():
    text = refusal("tickets.json", list(flatten(ZENDESK_API)), "servicenow", {})
    assert "tickets.json, line 1" in text and "external_id ('number_value' or 'number'" in text
    assert "use --preset zendesk" in text
    assert "customer ('requester_id')" in refusal("user.csv", ["id", "created_at", "name"], "zendesk", {})


def test_a_preset_named_by_hand_takes_a_trimmed_export():
    layout = choose("t.csv", ["id", "created_at", "requester_id"], "zendesk", {})
    assert layout.preset == "zendesk" and set(layout.columns) == {"external_id", "opened_at", "customer"}


def test_wrong_overrides_are_answered_with_the_nearest_names():
    columns = ["external_id", "opened_at", "category"]
    assert "The nearest: 'category'." in refusal("t.csv", columns, "auto", {"topic": "categori"})
    assert "It has 'external_id'" in refusal("t.csv", columns, "auto", {"topic": "zzz"})
    assert "Did you mean customer?" in refusal("t.csv", columns, "auto", {"custmer": "category"})
    assert "names no column" in refusal("t.csv", columns, "auto", {"topic": " "})
    assert "There is no preset 'zendes'" in refusal("t.csv", columns, "zendes", {})


def test_a_used_column_that_stands_twice_is_refused_and_an_unused_one_is_not():
    text = refusal("t.csv", ["external_id", "opened_at", "Topic", "topic"], "auto", {})
    assert "t.csv, line 1" in text and "columns 3 and 4" in text and "topic is read from it" in text
    assert choose("t.csv", ["external_id", "opened_at", "note", "note"], "auto", {}).unused == ("note", "note")
    by_hand = choose("t.csv", ["external_id", "opened_at", "Topic", "topic"], "auto", {"topic": "topic"})
    assert by_hand.columns["topic"] == 3
    assert "more than once" in refusal("t.csv", ["external_id", "opened_at", "a", "a"], "auto", {"topic": "a"})


def test_a_column_without_a_name_is_never_used():
    layout = choose("t.csv", ["", "external_id", "", "opened_at"], "auto", {})
    assert layout.columns == {"external_id": 1, "opened_at": 3} and layout.unused == ()


def test_the_sentence_says_what_was_mapped_left_out_missed_and_not_used():
    columns = ["id", "created_at", "requester_id", "via_channel", "status", "subject"]
    assert choose("t.csv", columns, "auto", {}).sentence(columns) == (
        "Read as zendesk: external_id from 'id', opened_at from 'created_at', channel from 'via_channel', "
        "customer from 'requester_id', left out of the figures by 'status' (deleted); no column for topic "
        "(name it with --map topic=COLUMN); not used: subject."
    )


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_presets_are_sound_data(preset):
    assert set(preset.columns) <= set(FIELDS)
    conditions = [*preset.where.values(), *([preset.only] if preset.only else [])]
    written = [*preset.foreign, *preset.lists, *(name for signature in preset.signatures for name in signature)]
    written += [name for columns in preset.columns.values() for name in columns]
    written += [*preset.as_of, *(column for column, _ in preset.exclusions), *(column for column, _ in conditions)]
    assert all(name == plain(name) for name in written)
    for _, reasons in preset.exclusions:
        assert set(reasons.values()) <= {"outbound", "abandoned", "spam", "test", "merged"}
        assert all(value == value.lower() for value in reasons)
    for _, values in conditions:
        assert all(value == value.lower() for value in values)
    assert preset.lists <= {column for column, _ in preset.exclusions}
    assert not any(signature & preset.foreign for signature in preset.signatures)
    assert {*preset.where, *preset.words} <= set(preset.columns)


@pytest.mark.world
def test_of_all_sample_tables_only_the_ticket_files_are_recognised(world):
    tables = [path for path in sorted(world("helpdesk-samples").glob("*/*")) if path.suffix in {".csv", ".json"}]
    assert len(tables) > 60
    recognised = {}
    for path in tables:
        try:
            layout = choose(path.name, open_table(path).columns, "auto", {})
        except CannotStart as error:
            assert "is not a list of cases" in str(error) and str(error).endswith(".")
        else:
            recognised[f"{path.parent.name}/{path.name}"] = layout.preset
    assert recognised == {
        "django-helpdesk/demo.json": "django-helpdesk",
        "freshdesk-chatwoot/ticket_with_conversations.json": "freshdesk",
        "freshdesk-python/all_tickets.json": "freshdesk",
        "freshdesk-python/ticket_1.json": "freshdesk",
        "freshdesk-python/ticket_1_updated.json": "freshdesk",
        "intercom-fivetran/conversation_history_data.csv": "intercom",
        "servicenow-fivetran/incident_data.csv": "servicenow",
        "servicenow-fivetran/task_data.csv": "servicenow",
        "servicenow-fivetran/task_data_snowflake.csv": "servicenow",
        "zendesk-fivetran/ticket_data.csv": "zendesk",
    }


@pytest.mark.world
@pytest.mark.parametrize(
    ("preset", "file", "words"),
    [
        ("freshdesk", "freshdesk-python/agents.json", "column 'available_since' belongs to another table"),
        ("freshdesk", "freshdesk-python/contacts.json", "column 'fb_profile_id' belongs to another table"),
        ("freshdesk", "freshdesk-python/conversations.json", "column 'incoming' belongs to another table"),
        ("freshdesk", "freshdesk-python/groups.json", "column 'auto_ticket_assign' belongs to another table"),
        ("intercom", "intercom-fivetran/contact_history_data.csv", "column 'has_hard_bounced' belongs to another"),
        ("intercom", "intercom-fivetran/conversation_part_history_data.csv", "column 'conversation_id' belongs to"),
        ("salesforce", "salesforce-fivetran/sf_task_data.csv", "column 'what_id' belongs to another table"),
        ("salesforce", "salesforce-fivetran/sf_contact_data.csv", "external_id ('casenumber' or 'case_number')"),
        ("django-helpdesk", "freshdesk-python/contacts.json", "customer ('fields_submitter_email' or"),
    ],
)
def test_another_table_of_a_help_desk_is_refused_under_its_name(world, preset, file, words):
    path = world(f"helpdesk-samples/{file}")
    text = refusal(path.name, open_table(path).columns, preset, {})
    assert f"{path.name}, line 1, is not a ticket list of {preset}" in text and words in text


@pytest.mark.world
@pytest.mark.parametrize(
    ("file", "preset"),
    [
        ("freshdesk-python/agents.json", "freshdesk"),
        ("freshdesk-python/contacts.json", "freshdesk"),
        ("intercom-fivetran/contact_history_data.csv", "intercom"),
        ("salesforce-fivetran/sf_task_data.csv", "salesforce"),
    ],
)
def test_another_table_of_a_help_desk_is_known_by_sight(world, file, preset):
    path = world(f"helpdesk-samples/{file}")
    assert f"It seems to be another table of {preset}: export its list of tickets and import that." in refusal(
        path.name, open_table(path).columns, "auto", {}
    )
