"""JSON in the shapes that help desks export."""

import gzip
import json
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rulebook.errors import CannotStart
from rulebook.tables import objects, opening
from rulebook.tables.reading import open_table


def opened(folder, content, name="tickets.json"):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return open_table(path)


def read(table):
    rejected = []
    return list(table.rows(rejected.append)), rejected


def good(table):
    rows, rejected = read(table)
    assert rejected == []
    return rows


RECORDS = [{"id": 1, "topic": "a"}, {"id": 2, "spam": True}]
EXPECTED = [["1", "a", None], ["2", None, "true"]]


@pytest.mark.parametrize(
    ("content", "kind", "lines"),
    [
        (json.dumps(RECORDS), "json", [1, 2]),
        (json.dumps(RECORDS, indent=2), "json", [1, 2]),
        (json.dumps({"count": 2, "next": None, "users": [], "tickets": RECORDS, "more": [1]}), "json", [1, 2]),
        (json.dumps({"tickets": RECORDS}, indent=1), "json", [1, 2]),
        ("\n".join(map(json.dumps, RECORDS)), "ndjson", [1, 2]),
        ("\n\n".join(map(json.dumps, RECORDS)) + "\r\n", "ndjson", [1, 3]),
    ],
)
def test_a_list_a_wrapped_list_and_lines_are_the_same_table(tmp_path, content, kind, lines):
    table = opened(tmp_path, content)
    assert (table.kind, table.columns) == (kind, ("id", "topic", "spam"))
    assert good(table) == good(table) == list(zip(lines, EXPECTED, strict=True))


def test_the_wrapped_list_that_was_read_is_named(tmp_path):
    table = opened(tmp_path, {"tickets": RECORDS})
    assert table.notes == ["The rows of tickets.json are those of its list 'tickets'; the rest was not read."]


def test_a_single_object_is_one_row(tmp_path):
    table = opened(tmp_path, {"id": 1, "tags": ["x", "y"], "via": {"channel": "chat"}})
    assert table.columns == ("id", "tags", "via_channel")
    assert good(table) == [(1, ["1", "x;y", "chat"])]


@pytest.mark.parametrize("size", [1, 70_000])
def test_an_object_with_an_id_is_a_record_and_no_wrapper(tmp_path, size):
    table = opened(tmp_path, {"id": 1, "text": "x" * size, "attachments": [{"name": "a"}]})
    assert table.columns == ("id", "text", "attachments")
    assert opened(tmp_path, {"attachments": [{"name": "a"}], "id": 1}).columns == ("attachments", "id")


TICKET = {"ticket": {"id": 7, "via": {"channel": "chat"}}, "comments": [{"id": 1}, {"id": 2}]}


@pytest.mark.parametrize(
    "content",
    [
        TICKET,
        {"comments": TICKET["comments"], "ticket": TICKET["ticket"]},
        {**TICKET, "comments": [{"id": 1, "text": "x" * 70_000}]},
        [TICKET],
        json.dumps(TICKET) + "\n" + json.dumps(TICKET),
    ],
    ids=["ticket first", "ticket last", "large", "list", "lines"],
)
def test_a_ticket_with_others_beside_it_is_the_row(tmp_path, content):
    table = opened(tmp_path, content)
    assert table.columns == ("id", "via_channel")
    assert {tuple(cells) for _, cells in good(table)} == {("7", "chat")}
    assert table.notes == ["The rows of tickets.json are its objects 'ticket'; what stands beside them was not read."]


def test_a_ticket_named_in_another_record_is_a_value_of_it(tmp_path):
    assert opened(tmp_path, {"id": 1, "ticket": {"id": 7}}).columns == ("id", "ticket_id")
    assert opened(tmp_path, {"ticket": {"title": "x"}, "rows": [{"id": 1}]}).columns == ("id",)
    assert opened(tmp_path, {"ticket": {"id": 7}}).notes == []


def test_lines_of_objects_with_lists_inside_are_lines_all_the_same(tmp_path):
    line = json.dumps({"id": 1, "comments": [{"text": "hello"}]})
    table = opened(tmp_path, f"{line}\n{line}\n")
    assert table.kind == "ndjson"
    assert good(table)[1] == (2, ["1", '[{"text":"hello"}]'])
    assert opened(tmp_path, line, "one.ndjson").columns == ("id", "comments")


def test_values_become_text(tmp_path):
    table = opened(
        tmp_path, '[{"a":null,"b":false,"c":1.5,"d":2.0,"e":NaN,"f":-Infinity,"g":1e999,"h":"\\ud800x","i":{}}]'
    )
    assert good(table)[0][1] == ["", "false", "1.5", "2", "", "", "", "\ufffdx", ""]


def test_objects_that_are_no_objects_are_rejected(tmp_path):
    rows, rejected = read(opened(tmp_path, '[1, {"a": 1}, null, ["secret"], {"a": 2}]'))
    assert [line for line, _ in rows] == [2, 5]
    assert [bad.line for bad in rejected] == [1, 3, 4]
    assert "not a JSON object" in rejected[2].reason
    assert "secret" not in rejected[2].reason


def test_a_broken_object_in_a_list_is_rejected_alone_where_its_brackets_close(tmp_path):
    rows, rejected = read(opened(tmp_path, '[{"a": 1}, {"a": 2,}, {"a": [3, {"b": "}"}, x]}, {"a": 4}]'))
    assert [cells for _, cells in rows] == [["1"], ["4"]]
    assert [(bad.line, bad.row) for bad in rejected] == [(2, '{"a": 2,}'), (3, '{"a": [3, {"b": "}"}, x]}')]


@pytest.mark.parametrize(
    "content", ['[{"a": 1}, {"a": "x', '[{"a": 1}, {"a": 2}', '[{"a": 1} {"a": 2}]', '[{"a":1}] x', '[{"a": 1},']
)
def test_a_list_that_breaks_off_is_refused_loudly(tmp_path, content):
    with pytest.raises(CannotStart, match=r"The rest of tickets.json cannot be read as JSON after object [12]\."):
        opened(tmp_path, content)


@pytest.mark.parametrize("content", ['{"tickets": [{"a": 1}]', '{"a": 1', '{"a"}', "{x}"])
def test_an_object_that_breaks_off_is_refused_loudly(tmp_path, content):
    with pytest.raises(CannotStart, match="cannot be read as JSON"):
        opened(tmp_path, content)


def test_a_broken_line_is_rejected_and_the_next_one_read(tmp_path):
    rows, rejected = read(opened(tmp_path, '{"a":1}\n{"a":\nsecret\n[1]\n{"a":1,}\n{"a":2} x\n{"a":3}\n'))
    assert [line for line, _ in rows] == [1, 7]
    assert [(bad.line, bad.row) for bad in rejected][:2] == [(2, '{"a":'), (3, "secret")]
    assert [bad.line for bad in rejected] == [2, 3, 4, 5, 6]
    assert not any("secret" in bad.reason for bad in rejected)


@pytest.mark.parametrize("join", ["[{}]", "{}"])
def test_deep_nesting_is_rejected(tmp_path, join):
    deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    parts = ['{"id":1}', deep, '{"id":3}']
    content = "[" + ",".join(parts) + "]" if join == "[{}]" else "\n".join(parts)
    rows, rejected = read(opened(tmp_path, content))
    assert [line for line, _ in rows] == [1, 3]
    assert [(bad.line, len(bad.row)) for bad in rejected] == [(2, 2_000)]
    assert "nested too deeply" in rejected[0].reason


def test_a_number_of_thousands_of_digits_is_rejected(tmp_path):
    rows, rejected = read(opened(tmp_path, '[{"a":1},{"a":' + "9" * 5000 + "}]"))
    assert len(rows) == len(rejected) == 1


def test_a_dictionary_of_thousands_of_keys_is_no_table(tmp_path):
    with pytest.raises(CannotStart, match="more than 2,000 different keys"):
        opened(tmp_path, {f"T-{number}": {"id": number} for number in range(2_001)})


def test_a_list_without_objects_is_refused(tmp_path):
    with pytest.raises(CannotStart, match="holds no object with keys"):
        opened(tmp_path, '["a", "b"]')
    with pytest.raises(CannotStart, match="is empty"):
        opened(tmp_path, '{"tickets": []}')


def test_an_object_larger_than_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(objects, "LARGEST_OBJECT", 1 << 20)
    with pytest.raises(CannotStart, match="after object 1"):
        opened(tmp_path, [{"a": "x"}, {"a": "y" * (4 << 20)}])


def test_an_object_of_many_megabytes_is_read(tmp_path):
    assert good(opened(tmp_path, [{"a": "x" * 9_000_000}, {"a": "y"}]))[1] == (2, ["y"])


def test_letters_that_are_not_utf8_are_read_as_windows(tmp_path):
    path = tmp_path / "tickets.json"
    path.write_bytes('[{"topic": "grød"}]'.encode("cp1252"))
    table = open_table(path)
    assert good(table) == [(1, ["grød"])]
    assert table.notes[0].startswith("tickets.json is not UTF-8")


@pytest.mark.parametrize("lines", [True, False])
def test_a_gzip_cut_off_is_refused(tmp_path, lines):
    records = [json.dumps({"id": number, "key": hash(str(number))}) for number in range(20_000)]
    packed = gzip.compress(("\n".join(records) if lines else "[" + ",".join(records) + "]").encode())
    (tmp_path / "tickets.json.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(CannotStart, match=r"the gzip is damaged after (line|object) [1-9]"):
        open_table(tmp_path / "tickets.json.gz")


@pytest.mark.parametrize("wrap", ["[{}]", '{{"tickets":[{}]}}'])
def test_memory_stays_flat(tmp_path, wrap):
    body = ",".join(json.dumps({"id": number, "text": "x" * 200}) for number in range(60_000))
    (tmp_path / "tickets.json").write_text(wrap.format(body))
    tracemalloc.start()
    table = open_table(tmp_path / "tickets.json")
    assert sum(1 for _ in table.rows(lambda rejected: None)) == 60_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(), min_size=1, max_size=6),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
    piece=st.integers(1, 40),
)
def test_texts_come_back_exactly_however_the_file_is_cut(tmp_path, texts, indent, ascii_only, piece):
    before, opening.BLOCK = opening.BLOCK, piece
    try:
        table = opened(tmp_path, json.dumps([{"a": text} for text in texts], indent=indent, ensure_ascii=ascii_only))
        assert [cells[0] for _, cells in good(table)] == texts
    finally:
        opening.BLOCK = before
