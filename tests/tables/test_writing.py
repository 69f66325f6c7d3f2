"""Tables written for others: whole, and harmless in a spreadsheet."""

import json
import os
import stat

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import load_workbook

from rulebook.errors import CannotStart, WrongUsage
from rulebook.tables.reading import open_table
from rulebook.tables.writing import neutralise, restore, write_table

TRICKY = ["=1+1", "'=1", "-5", "+45", "@x", "\tx", "x\ry", "", "plain", "two\nlines", 'q"q', "æ", "#N/A", "1,5"]


@given(st.text(alphabet="'=+-@\t\ra") | st.text())
@example("'=")
@example("=")
def test_restoring_a_neutralised_cell_gives_the_cell(cell):
    safe = neutralise(cell)
    assert restore(safe) == cell
    assert safe[:1] not in tuple("=+-@\t\r")


@pytest.mark.parametrize("ending", ["csv", "tsv", "xlsx", "json"])
def test_a_table_is_read_back_as_it_was_written(tmp_path, ending):
    path = tmp_path / f"out.{ending}"
    assert write_table(path, ("id", "value"), ([str(n), cell] for n, cell in enumerate(TRICKY))) == len(TRICKY)
    table = open_table(path)
    assert table.columns == ("id", "value")
    cells = [row[1] for _, row in table.rows(lambda rejected: None)]
    expected = [cell.replace("\r", "\n") for cell in TRICKY] if ending == "xlsx" else TRICKY
    assert (cells if ending == "json" else [restore(cell) for cell in cells]) == expected
    assert os.listdir(tmp_path) == [path.name]


def test_json_is_written_as_is(tmp_path):
    write_table(tmp_path / "out.json", ["a"], [["=1"], [None], ["æ"]])
    assert json.loads((tmp_path / "out.json").read_bytes()) == [{"a": "=1"}, {"a": None}, {"a": "æ"}]


def test_a_table_without_rows_is_written_too(tmp_path):
    for ending in ("csv", "xlsx"):
        write_table(tmp_path / f"out.{ending}", ["a", "b"], [])
        assert open_table(tmp_path / f"out.{ending}").columns == ("a", "b")
    write_table(tmp_path / "out.json", ["a"], [])
    assert json.loads((tmp_path / "out.json").read_text()) == []


def test_cells_of_a_workbook_are_text_and_what_excel_refuses_is_replaced(tmp_path):
    write_table(tmp_path / "out.xlsx", ["a"], [["0012"], ["\x01"], ["y" * 40_000]])
    sheet = load_workbook(tmp_path / "out.xlsx").active
    assert [(cell.data_type, cell.value[:4]) for cell in sheet["A"][1:]] == [
        ("s", "0012"),
        ("s", "\ufffd"),
        ("s", "yyyy"),
    ]


def test_a_private_table_is_for_its_owner_only(tmp_path):
    path = tmp_path / "rejected.csv"
    path.write_text("before")
    path.chmod(0o644)
    write_table(path, ["a"], [["1"]], private=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_fails_half_way_leaves_the_old_file(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")

    def rows():
        yield ["1"]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_table(path, ["a"], rows())
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.csv"]


def test_an_unknown_ending_and_a_missing_folder_are_said_so(tmp_path):
    with pytest.raises(WrongUsage, match=r"Name it \.csv"):
        write_table(tmp_path / "out.doc", ["a"], [])
    with pytest.raises(CannotStart, match="cannot be written"):
        write_table(tmp_path / "none" / "out.csv", ["a"], [])


def test_half_a_surrogate_pair_does_not_stop_an_export(tmp_path):
    for ending in ("csv", "xlsx", "json"):
        assert write_table(tmp_path / f"out.{ending}", ["a"], [["x\ud800"]]) == 1
