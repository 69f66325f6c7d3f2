"""CSV and its relatives: every good row arrives with its line number, every bad one is reported."""

import csv
import io
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rulebook.errors import CannotStart
from rulebook.tables import delimited
from rulebook.tables.reading import Rejected, Table, open_table

SLOW_DISK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def opened(folder: Path, content: str | bytes, name: str = "cases.csv") -> Table:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_table(path)


def read(table: Table) -> tuple[list[tuple[int, list[str | None]]], list[Rejected]]:
    rejected: list[Rejected] = []
    return list(table.rows(rejected.append)), rejected


def good(table: Table) -> list[tuple[int, list[str | None]]]:
    rows, rejected = read(table)
    assert rejected == []
    return rows


def test_rows_come_with_their_line_and_may_be_read_again(tmp_path):
    table = opened(tmp_path, "id, topic \n1,a\n2,b\n")
    assert (table.name, table.kind, table.columns) == ("cases.csv", "csv", ("id", "topic"))
    assert good(table) == good(table) == [(2, ["1", "a"]), (3, ["2", "b"])]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_the_most_frequent_one_outside_quotes(tmp_path, separator):
    table = opened(tmp_path, f'id{separator}"a,,;;\t\t||b"{separator}c\n1{separator}2{separator}3\n')
    assert good(table) == [(2, ["1", "2", "3"])]


def test_a_tsv_is_split_at_tabs_whatever_its_header_holds(tmp_path):
    assert opened(tmp_path, "a,b,c\td\n", "cases.tsv").columns == ("a,b,c", "d")


def test_the_separator_line_of_excel_is_obeyed_and_is_no_header(tmp_path):
    table = opened(tmp_path, "\nsep=;\na;b\n1;2\n")
    assert table.columns == ("a", "b")
    assert good(table) == [(4, ["1", "2"])]


def test_all_line_ends_may_be_mixed_and_the_last_may_be_missing(tmp_path):
    assert good(opened(tmp_path, b"a,b\r\n1,2\r3,4\n\n5,6\r\n7,8")) == [
        (2, ["1", "2"]),
        (3, ["3", "4"]),
        (5, ["5", "6"]),
        (6, ["7", "8"]),
    ]


def test_a_line_number_is_right_after_a_cell_over_several_lines(tmp_path):
    assert good(opened(tmp_path, '\na,b\n"x\ny\r\nz",1\n2,3\n')) == [(3, ["x\ny\r\nz", "1"]), (6, ["2", "3"])]


def test_blank_lines_and_lines_of_separators_are_no_rows(tmp_path):
    table = opened(tmp_path, "a,b\n\n  \n1,2\n,\n , ,\n3,4\n")
    assert [line for line, _ in good(table)] == [4, 7]
    assert table.notes == ["cases.csv has rows without any value; they were skipped."]


def test_blank_columns_at_the_end_are_harmless(tmp_path):
    table = opened(tmp_path, "a,b,\n1,2\n3,4,\n5,6,,,\n7,8,x\n")
    assert table.columns == ("a", "b", "")
    assert [cells for _, cells in good(table)] == [["1", "2", ""], ["3", "4", ""], ["5", "6", ""], ["7", "8", "x"]]
    assert table.notes == ["cases.csv has column 3 without a name. Name what is needed in the header."]


def test_a_name_that_occurs_twice_is_known(tmp_path):
    assert opened(tmp_path, "a,b,a,,\n").duplicated == {"a"}


def test_a_row_of_another_width_is_rejected_and_reading_goes_on(tmp_path):
    rows, rejected = read(opened(tmp_path, "a,b,c\n1,2,3\n4,5\nsecret\n6,7,8,9\n10,11,12\n"))
    assert [line for line, _ in rows] == [2, 6]
    assert [(bad.line, bad.row) for bad in rejected] == [(3, "4,5"), (4, "secret"), (5, "6,7,8,9")]
    assert rejected[0].reason == ("2 fields where the header has 3: a separator or a quote is missing or too many.")
    assert rejected[1].reason.startswith("1 field where")
    assert "secret" not in rejected[1].reason


def test_nul_bytes_arrive_in_the_value(tmp_path):
    assert good(opened(tmp_path, b"a,b\n1\x00,2\n")) == [(2, ["1\x00", "2"])]


def test_a_cell_of_ten_megabytes_is_read(tmp_path):
    cell = "some words of a long mail\n" * 400_000
    rows = good(opened(tmp_path, f'a,b\n1,"{cell}"\n2,3\n'))
    assert rows[0][1] == ["1", cell]
    assert rows[1] == (400_003, ["2", "3"])


def test_a_quote_never_closed_costs_one_line(tmp_path):
    rows, rejected = read(opened(tmp_path, 'a,b\n1,2\n3,"4\n5,6\n7,"8\n9"\n'))
    assert [line for line, _ in rows] == [2, 4, 5]
    assert [(bad.line, bad.row) for bad in rejected] == [(3, '3,"4')]
    assert rejected[0].reason.startswith("A quote is opened here and never closed")


def test_text_after_a_closing_quote_costs_one_line(tmp_path):
    rows, rejected = read(opened(tmp_path, 'a,b\n1,"2"x\n3,4\n'))
    assert rows == [(3, ["3", "4"])]
    assert rejected[0].line == 2
    assert rejected[0].reason.startswith("Something follows a closing quote")


def test_two_stray_quotes_do_not_swallow_the_rows_between_them(tmp_path):
    rows, rejected = read(opened(tmp_path, 'a,b\n1,"2\n3,4\n5,6\n7,8",\n9,10\n'))
    assert [line for line, _ in rows] == [3, 4, 5, 6]
    assert [bad.line for bad in rejected] == [2]


def test_a_quote_open_in_the_header_is_said_at_once(tmp_path):
    with pytest.raises(CannotStart, match=r"header of cases.csv holds a quote"):
        opened(tmp_path, 'a,"b\n1,2\n')


@pytest.mark.parametrize("line", ['{n},"x', '{n},x,"', '{n}","b', '"{n},"",x'])
def test_a_file_of_stray_quotes_is_read_in_seconds(tmp_path, line):
    body = "\n".join(line.format(n=number) for number in range(20_000))
    began = time.perf_counter()
    rows, rejected = read(opened(tmp_path, f"a,b\n{body}\n"))
    assert time.perf_counter() - began < 8
    assert len(rows) + len(rejected) >= 1


def test_a_record_may_not_span_more_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "LONGEST_RECORD", 1 << 20)
    filler = "".join(f"{number},x\n" for number in range(300_000))
    rows, rejected = read(opened(tmp_path, f'a,b\n1,"2\n{filler}'))
    assert len(rows) == 300_000
    assert [bad.line for bad in rejected] == [2]


def test_a_line_longer_than_the_limit_is_rejected_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "LONGEST_RECORD", 1 << 20)
    rows, rejected = read(opened(tmp_path, "a,b\n1,2\n" + "x" * (3 << 20) + "\n3,4\n5,6\n"))
    assert rows == [(2, ["1", "2"]), (4, ["3", "4"]), (5, ["5", "6"])]
    assert [(bad.line, len(bad.row)) for bad in rejected] == [(3, 2_000)]
    assert "longer than" in rejected[0].reason


def test_a_header_alone_is_a_table_without_rows(tmp_path):
    assert good(opened(tmp_path, "a,b")) == []


def test_the_position_ends_at_the_size(tmp_path):
    table = opened(tmp_path, "a,b\n" + "1,2\n" * 200_000)
    rows = table.rows(lambda rejected: None)
    next(rows)
    part, size = table.position()
    assert 0 < part < size
    assert sum(1 for _ in rows) == 199_999
    assert table.position() == (size, size)


def test_a_file_that_changed_since_it_was_opened_is_refused(tmp_path):
    table = opened(tmp_path, "a,b\n1,2\n")
    (tmp_path / "cases.csv").write_text("b,a\n1,2\n")
    with pytest.raises(CannotStart, match="changed while it was read"):
        read(table)


def test_a_reader_holds_little_memory(tmp_path):
    table = opened(tmp_path, "a,b\n" + "1234567890,abcdefghij\n" * 500_000)
    tracemalloc.start()
    assert sum(1 for _ in table.rows(lambda rejected: None)) == 500_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


CELLS = st.text(alphabet=st.sampled_from("ab,;\"\n\r\t '|æ\x00"), max_size=6) | st.text(max_size=5)


@SLOW_DISK
@given(rows=st.lists(st.tuples(CELLS, CELLS, st.just("end")), max_size=8))
def test_what_the_csv_module_writes_is_read_back_exactly(tmp_path, rows):
    text = io.StringIO()
    csv.writer(text).writerows([("first", "second", "third"), *rows])
    assert [tuple(cells) for _, cells in good(opened(tmp_path, text.getvalue()))] == rows


@SLOW_DISK
@given(
    at=st.integers(0, 11),
    column=st.integers(0, 2),
    quoted=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    cell=st.sampled_from(["x", "two words", "with, comma"]),
)
def test_one_stray_quote_costs_one_row_at_most(tmp_path, at, column, quoted, cell):
    """One stray quote at the start of a cell, in a table whose cells hold no line ends.

    The csv module goes on until a quote closes the record or breaks it. Both are seen here: a broken record, and one
    closed with another number of cells while its lines are rows by themselves. So every other row arrives.
    """
    text = io.StringIO()
    csv.writer(text, quoting=quoted).writerows([("a", "b", "c"), *((str(n), cell, "z") for n in range(12))])
    lines = text.getvalue().splitlines(keepends=True)
    parts = next(csv.reader([lines[at + 1]]))
    parts[column] = '"' + parts[column]
    lines[at + 1] = ",".join(parts) + "\r\n"
    rows, rejected = read(opened(tmp_path, "".join(lines)))
    arrived = {line for line, _ in rows}
    assert set(range(2, 14)) - arrived <= {at + 2}
    assert {bad.line for bad in rejected} == {at + 2}
