"""From the cells of a row to a case: what is read, what is blanked with a warning, and what makes no case at all."""

import hmac
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from rulebook.cases.parsing import Context, RowRejected, merged, parser
from rulebook.cases.presets import choose
from rulebook.cases.pseudonyms import pseudonymiser
from rulebook.cases.storing import STORED

KEY = b"k" * 32
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Reader:
    """A table of these columns, row by row: `read` gives what would be stored, by name, and keeps the warnings."""

    def __init__(self, *columns, preset="auto", agents=False, effect="applied", zone="Europe/Copenhagen"):
        self.columns = columns
        self.warnings = []
        context = Context(
            zone=ZoneInfo(zone),
            customer_key=pseudonymiser([KEY], "customer", "shop"),
            agent_key=pseudonymiser([KEY], "agent", "shop") if agents else None,
            key_id=1,
            now=NOW,
            effect=effect,
        )
        layout = choose("t.csv", columns, preset, {})
        self.parse = parser(
            layout, context, lambda line, field, told: self.warnings.append((line, field, told)), "t.csv"
        )

    def row(self, *cells, line=2):
        return self.parse(line, list(cells))

    def read(self, *cells, line=2):
        row = self.row(*cells, line=line)
        return dict(zip(STORED, row.values, strict=True)) | {"rules": row.rules}


def with_column(name, cell, opened="2026-01-05 10:00"):
    """What is stored of one cell of an otherwise plain row, and the warnings."""
    reader = Reader("external_id", "opened_at", name)
    return reader.read("C-1", opened, cell, line=7), reader.warnings


def refused(*cells, columns=("external_id", "opened_at")):
    with pytest.raises(RowRejected) as caught:
        Reader(*columns).row(*cells)
    return caught.value.field, caught.value.reason


def test_every_field_of_a_row_is_read():
    reader = Reader(
        "external_id", "opened_at", "closed_at", "channel", "topic", "customer", "agent", "team", "handoffs", "reopens",
        "replies", "handle_seconds", "declared", "survey", "direction", "excluded", "rules", "text", agents=True,
    )  # fmt: skip
    got = reader.read(
        " C-1 ", "2026-01-05 10:00", "2026-01-06T11:30:00+00:00", " chat ", "returns / refund", " anna ", "bo",
        "Team 1", "1", "2", "1.234", "75,5", "ja", "no", "inbound", "", "R1; r-alias|R2", "never kept",
    )  # fmt: skip
    assert got == {
        "external_id": "C-1", "opened_at": "2026-01-05 09:00:00", "opened_day": "2026-01-05", "day_only": False,
        "closed_at": "2026-01-06 11:30:00", "closed_day": "2026-01-06", "closed_day_only": False, "channel": "chat",
        "topic_id": "returns/refund", "team_id": "Team 1",
        "customer_key": hmac.digest(KEY, b"customer|shop|anna", "sha256"),
        "agent_key": hmac.digest(KEY, b"agent|shop|bo", "sha256"), "key_id": 1, "handoffs": 1, "reopens": 2,
        "replies": 1234, "handle_seconds": 76, "declared": True, "survey": False, "excluded": "",
        "rules": ("R1", "r-alias", "R2"),
    }  # fmt: skip
    assert reader.warnings == []


def test_blank_cells_are_unknown_and_no_warning():
    columns = (
        "closed_at", "channel", "topic", "customer", "agent", "team", "handoffs", "reopens", "replies",
        "handle_seconds", "declared", "survey", "direction", "excluded", "rules",
    )  # fmt: skip
    reader = Reader("external_id", "opened_at", *columns, agents=True)
    for blank in ("", "  ", "\t", "\u00a0"):
        got = reader.read("C-1", "2026-01-05", *[blank] * len(columns))
        assert {got[name] for name in ("channel", "topic_id", "team_id", "excluded")} == {""}
        unknown = ("closed_at", "closed_day", "customer_key", "agent_key", "key_id", "handoffs", "reopens", "replies",
                   "handle_seconds", "declared", "survey")  # fmt: skip
        assert {got[name] for name in unknown} == {None}
        assert got["rules"] == ()
    assert reader.warnings == []


def test_a_day_alone_stands_at_its_local_midnight():
    got = Reader("external_id", "opened_at").read("C-1", "31-12-2025")
    assert (got["opened_at"], got["opened_day"], got["day_only"]) == ("2025-12-30 23:00:00", "2025-12-31", True)


def test_the_day_is_that_of_the_sources_time_zone_and_not_of_the_offset():
    got = Reader("external_id", "opened_at").read("C-1", "2026-01-05T23:30:00Z")
    assert (got["opened_at"], got["opened_day"]) == ("2026-01-05 23:30:00", "2026-01-06")


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("31-12-2025 14:05", "2025-12-31 13:05:00"),
        ("31.12.2025 kl. 14.05", "2025-12-31 13:05:00"),
        ("1/2/2026 08:00", "2026-02-01 07:00:00"),
        ("2026-06-01T14:00:00+02:00", "2026-06-01 12:00:00"),
        ("20260105T101500Z", "2026-01-05 10:15:00"),
    ],
)
def test_danish_and_iso_dates_are_read_alike(written, stored):
    assert Reader("external_id", "opened_at").read("C-1", written)["opened_at"] == stored


@pytest.mark.parametrize(
    ("opened", "words"),
    [
        ("", "blank"),
        ("31-02-2026", "no such day"),
        ("2026-02-30 10:00", "no such day"),
        ("12/31/2025", "month seems to stand before the day"),
        ("05-01-26", "two digits"),
        ("1880-01-01", "1970"),
        ("yesterday", "no date"),
        ("2026-06-02 14:00:01", "future"),
        ("2026-06-03", "future"),
    ],
)
def test_a_missing_impossible_or_future_opening_rejects_the_row(opened, words):
    field, reason = refused("C-1", opened)
    assert field == "opened_at" and words in reason
    assert not opened or opened not in reason


def test_a_day_ahead_of_now_is_let_pass_because_clocks_differ():
    assert Reader("external_id", "opened_at").read("C-1", "2026-06-02 13:59")["opened_day"] == "2026-06-02"


@pytest.mark.parametrize(
    ("external_id", "words"), [("", "no id"), ("  ", "no id"), ("x" * 256, "255"), ("a\0b", "NUL")]
)
def test_a_missing_or_impossible_id_rejects_the_row(external_id, words):
    field, reason = refused(external_id, "2026-01-05")
    assert field == "external_id" and words in reason


def test_ids_are_stripped_and_normalised_and_keep_their_case():
    reader = Reader("external_id", "opened_at")
    assert reader.read(" Cafe\u0301 ", "2026-01-05")["external_id"] == "Caf\u00e9"
    assert reader.read("a1", "2026-01-05")["external_id"] != reader.read("A1", "2026-01-05")["external_id"]


@pytest.mark.parametrize(
    ("column", "cell", "blank"),
    [
        ("closed_at", "2026-01-05 09:59", None),
        ("closed_at", "2026-01-04", None),
        ("closed_at", "2027-01-01", None),
        ("closed_at", "soon", None),
        ("handle_seconds", "-5", None),
        ("handle_seconds", "ages", None),
        ("handle_seconds", "9999999999", None),
        ("handoffs", "-1", None),
        ("handoffs", "1,5", None),
        ("reopens", "many", None),
        ("replies", "99999999999", None),
        ("declared", "maybe", None),
        ("survey", "5 stars", None),
        ("channel", "x" * 101, ""),
        ("channel", "cha\0t", ""),
        ("topic", "x" * 201, ""),
        ("team", "x" * 201, ""),
    ],
)
def test_a_bad_optional_value_is_blanked_and_warned_of_with_line_and_column(column, cell, blank):
    got, warnings = with_column(column, cell)
    stored = {"topic": "topic_id", "team": "team_id"}.get(column, column)
    assert got[stored] == blank
    ((line, field, told),) = warnings
    assert (line, field) == (7, column)
    assert cell not in told and told.endswith(".")
    if column == "closed_at":
        assert got["closed_day"] is None and got["closed_day_only"] is False


@pytest.mark.parametrize(
    ("opened", "closed", "kept"),
    [
        ("2026-01-05 10:00", "2026-01-05 10:00", True),
        ("2026-01-05 10:00", "2026-01-05", True),  # closed that day, at an hour nobody wrote down
        ("2026-01-05", "2026-01-05 00:00", True),
        ("2026-01-05", "2026-01-05", True),
        ("2026-01-05", "2026-01-04", False),
        ("2026-01-05", "2026-01-04 23:59", False),
    ],
)
def test_a_closing_that_is_a_day_only_is_compared_by_day(opened, closed, kept):
    got, warnings = with_column("closed_at", closed, opened)
    assert (got["closed_at"] is not None) is kept
    assert len(warnings) == (not kept)


@pytest.mark.parametrize(
    ("cell", "seconds"), [("75", 75), ("75,4", 75), ("75.6", 76), ("01:15", 75), ("0:01:15", 75), ("0", 0)]
)
def test_durations_take_decimal_commas_and_clock_times(cell, seconds):
    got, warnings = with_column("handle_seconds", cell)
    assert (got["handle_seconds"], warnings) == (seconds, [])


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        *[("excluded", word, word) for word in ("outbound", "abandoned", "spam", "test", "merged")],
        ("excluded", " Spam ", "spam"),
        *[("excluded", word, "") for word in ("", "no", "False", "0", "nej")],
        *[("direction", word, "outbound") for word in ("outbound", "Out", "udgående", "utgaaende", "Ut")],
        *[("direction", word, "") for word in ("", "inbound", "IN", "indgående", "innkommende", "ingående")],
    ],
)
def test_excluded_and_direction_say_what_counts_in_no_figure(column, cell, reason):
    got, warnings = with_column(column, cell)
    assert (got["excluded"], warnings) == (reason, [])


@pytest.mark.parametrize(("column", "cell"), [("excluded", "perhaps"), ("direction", "sideways")])
def test_a_word_that_says_neither_counts_as_usual_and_is_warned_of(column, cell):
    got, warnings = with_column(column, cell)
    assert got["excluded"] == ""
    assert [(line, field) for line, field, _ in warnings] == [(7, column)]


def test_the_reason_stated_wins_over_the_direction():
    got = Reader("external_id", "opened_at", "direction", "excluded").read("C-1", "2026-01-05", "outbound", "spam")
    assert got["excluded"] == "spam"


@pytest.mark.parametrize(
    ("cell", "rules"),
    [("R1", ("R1",)), ("R1;R2", ("R1", "R2")), ("R1, R2|R1 ;; ", ("R1", "R2")), (" ", ()), ("cafe\u0301", ("café",))],
)
def test_a_rules_cell_lists_codes_and_aliases_once_each(cell, rules):
    got, warnings = with_column("rules", cell)
    assert (got["rules"], warnings) == (rules, [])


def test_a_rule_code_that_is_too_long_is_left_out_and_warned_of():
    got, warnings = with_column("rules", f"R1;{'x' * 101}")
    assert got["rules"] == ("R1",)
    assert [(line, field) for line, field, _ in warnings] == [(7, "rules")]


def test_an_absent_column_is_something_else_than_a_blank_cell():
    assert Reader("external_id", "opened_at").read("C-1", "2026-01-05")["rules"] is None
    short = Reader("external_id", "opened_at", "topic").row("C-1", "2026-01-05", "")
    long = Reader("external_id", "opened_at", "topic", "channel").row("C-1", "2026-01-05", "", "")
    assert set(short.absent) - set(long.absent) == {STORED.index("channel")}
    assert STORED.index("topic_id") not in short.absent


def test_an_absent_key_of_a_json_object_is_absent_and_a_null_is_blank():
    reader = Reader("external_id", "opened_at", "topic", "closed_at", "direction", "customer", "rules")
    blank = reader.row("C-1", "2026-01-05", "", "", "", "", "")
    lacks = reader.row("C-1", "2026-01-05", None, None, None, None, None)
    assert (blank.rules, lacks.rules) == ((), None)
    wanted = {"topic_id", "closed_at", "closed_day", "closed_day_only", "customer_key", "key_id", "excluded"}
    assert {STORED[place] for place in set(lacks.absent) - set(blank.absent)} == wanted


def test_two_rows_of_one_case_become_what_they_would_store_one_after_the_other():
    reader = Reader("external_id", "opened_at", "topic", "customer", "rules")
    first = reader.row("C-1", "2026-01-05", "returns", "anna", "R1")
    second = reader.row("C-1", "2026-01-06", None, "bo", None)
    both = merged(first, second)
    same = reader.row("C-1", "2026-01-06", "returns", "bo", "R1")
    assert (both.values, both.rules, both.row_hash, both.absent) == (
        same.values,
        same.rules,
        same.row_hash,
        same.absent,
    )
    cleared = merged(first, reader.row("C-1", "2026-01-06", "", "", ""))
    assert cleared.values[STORED.index("topic_id")] == "" and cleared.rules == ()


def test_rows_that_tell_when_they_were_true_go_by_that_and_not_by_the_order_read():
    columns = ("id", "created_at", "state", "source_type", "source_author_id", "updated_at")
    reader = Reader(*columns)
    older = reader.row("C-1", "2026-01-05", "open", "email", "anna", "2026-01-06 10:00", line=9)
    newer = reader.row("C-1", "2026-01-05", "open", "chat", "anna", "2026-01-07 10:00", line=2)
    blank = reader.row("C-1", "2026-01-05", "open", "fax", "anna", "some day", line=4)
    assert blank.as_of == "" < older.as_of < newer.as_of
    for one, two in ((older, newer), (newer, older), (merged(newer, blank), older), (blank, merged(older, newer))):
        assert merged(one, two) == newer
    twin = reader.row("C-1", "2026-01-05", "open", "sms", "anna", "2026-01-07 10:00")
    assert merged(newer, twin) == twin and merged(twin, newer) == newer
    assert Reader("external_id", "opened_at", "updated_at").row("C-1", "2026-01-05", "2026-01-06").as_of == ""


def test_the_hash_tells_rows_apart_by_every_field_and_by_the_effect_of_their_rules():
    columns = ("external_id", "opened_at", "closed_at", "channel", "topic", "customer", "team", "handoffs", "declared")
    reader = Reader(*columns, "excluded", "rules")
    base = ["C-1", "2026-01-05", "2026-01-06", "chat", "a", "anna", "t", "1", "yes", "", "R1;R2"]
    other = ["C-2", "2026-01-05 00:00", "2026-01-06 00:00", "mail", "b", "bo", "u", "0", "no", "spam", "R1"]
    hashes = {reader.row(*base).row_hash}
    for place, cell in enumerate(other):
        hashes.add(reader.row(*base[:place], cell, *base[place + 1 :]).row_hash)
    hashes.add(Reader(*columns, "excluded", "rules", effect="blocked").row(*base).row_hash)
    assert len(hashes) == len(base) + 2
    assert reader.row(*base[:-1], "R2;R1").row_hash == reader.row(*base).row_hash


def test_agents_are_no_key_unless_that_is_turned_on():
    got = Reader("external_id", "opened_at", "agent").read("C-1", "2026-01-05", "bo")
    assert (got["agent_key"], got["key_id"]) == (None, None)


def test_a_pseudonym_is_of_the_stripped_and_normalised_id_and_of_its_space():
    reader = Reader("external_id", "opened_at", "customer")
    keys = {reader.read("C-1", "2026-01-05", name)["customer_key"] for name in ("é", " é ", "e\u0301", "\u00a0é")}
    assert keys == {hmac.digest(KEY, "customer|shop|é".encode(), "sha256")}
    assert pseudonymiser([KEY], "customer", "other")("é") not in keys


def test_with_two_keys_the_pseudonym_is_the_second_over_the_first():
    second = b"n" * 32
    inner = hmac.digest(KEY, b"customer|shop|anna", "sha256")
    assert pseudonymiser([KEY, second], "customer", "shop")("anna") == hmac.digest(second, inner, "sha256")
