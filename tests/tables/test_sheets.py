"""Excel workbooks: what the cells show is what arrives, and a bad workbook is a sentence."""

# Times in cells have no zone; that is what is tested here.
# ruff: noqa: DTZ001

import zipfile
from datetime import date, datetime, time, timedelta

import pytest
from openpyxl import Workbook

from rulebook.errors import CannotStart
from rulebook.tables import sheets
from rulebook.tables.reading import open_table


def saved(folder, *rows, name="cases.xlsx"):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(folder / name)
    return folder / name


def read(path):
    rejected = []
    table = open_table(path)
    return table, list(table.rows(rejected.append)), rejected


def test_a_workbook_is_read_by_sheet_row(tmp_path):
    table, rows, rejected = read(saved(tmp_path, [" id ", "topic"], [1, "a"], [], [2, None], [None, "b"]))
    assert (table.kind, table.columns, table.notes, rejected) == ("xlsx", ("id", "topic"), [], [])
    assert rows == [(2, ["1", "a"]), (4, ["2", ""]), (5, ["", "b"])]
    assert list(table.rows(rejected.append)) == rows
    assert table.position()[0] == table.position()[1] == (tmp_path / "cases.xlsx").stat().st_size


def test_cells_arrive_as_they_are_meant(tmp_path):
    path = saved(
        tmp_path,
        list("abcdefgh"),
        [
            123.0,
            75.5,
            True,
            False,
            date(2025, 3, 4),
            datetime(2025, 3, 4, 10, 11, 12),
            time(9, 30),
            timedelta(hours=25),
        ],
    )
    assert read(path)[1][0][1] == [
        "123",
        "75.5",
        "true",
        "false",
        "2025-03-04",
        "2025-03-04T10:11:12",
        "09:30:00",
        "25:00:00",
    ]


def test_midnight_is_a_day_unless_hours_are_shown(tmp_path):
    book = Workbook()
    book.active.append(["day", "instant"])
    book.active.append([datetime(2025, 3, 4), datetime(2025, 3, 4)])
    book.active["A2"].number_format = "dd-mm-yyyy"
    book.active["B2"].number_format = "dd-mm-yyyy hh:mm"
    book.save(tmp_path / "cases.xlsx")
    assert read(tmp_path / "cases.xlsx")[1] == [(2, ["2025-03-04", "2025-03-04T00:00:00"])]


def test_the_first_sheet_with_a_header_is_read_and_others_are_noted(tmp_path):
    book = Workbook()
    second = book.create_sheet("second")
    second.append([None])
    second.append([None, "id"])
    second.append(["x", 1])
    book.save(tmp_path / "cases.xlsx")
    table, rows, _ = read(tmp_path / "cases.xlsx")
    assert table.columns == ("", "id")
    assert rows == [(3, ["x", "1"])]
    assert any("2 sheets" in note for note in table.notes)


def test_cells_beyond_the_header_reject_the_row(tmp_path):
    _, rows, rejected = read(saved(tmp_path, ["a", "b"], [1, 2, "secret"], [3, 4, "  "], [5]))
    assert rows == [(3, ["3", "4"]), (4, ["5", ""])]
    assert [(bad.line, bad.row) for bad in rejected] == [(2, "1\t2\tsecret")]
    assert rejected[0].reason.startswith("3 cells where the header has 2")


def test_excel_errors_are_blank_and_noted(tmp_path):
    table, rows, _ = read(saved(tmp_path, ["a", "b"], ["#N/A", 1]))
    assert rows == [(2, ["", "1"])]
    assert table.notes == ["cases.xlsx has cells with an Excel error such as #N/A; they were read as blank."]


def test_too_many_rows_are_refused_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_ROWS", 3)
    path = saved(tmp_path, ["a"], [1], [2], [3])
    assert len(read(path)[1]) == 3
    path = saved(tmp_path, ["a"], [1], [2], [3], [4])
    with pytest.raises(CannotStart, match=r"more than 3 rows. Save it as CSV"):
        read(path)


def test_an_empty_workbook_is_called_empty(tmp_path):
    with pytest.raises(CannotStart, match=r"cases.xlsx is empty"):
        open_table(saved(tmp_path))


def test_a_header_alone_has_no_rows(tmp_path):
    assert read(saved(tmp_path, ["a", "b"]))[1] == []


def repacked(path, change):
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
def test_a_damaged_part_is_a_sentence(tmp_path, part):
    path = saved(tmp_path, ["a"], ["b"])
    repacked(path, lambda parts: parts.update({part: parts[part][: len(parts[part]) // 2]}))
    with pytest.raises(CannotStart, match=r"cases.xlsx is damaged .* save it as CSV"):
        read(path)


def test_a_missing_part_is_a_sentence(tmp_path):
    path = saved(tmp_path, ["a"], ["b"])
    repacked(path, lambda parts: parts.pop("xl/worksheets/sheet1.xml"))
    with pytest.raises(CannotStart, match=r"cases\.xlsx"):
        read(path)


def test_a_workbook_cut_off_is_a_sentence(tmp_path):
    path = saved(tmp_path, ["a"], ["b"])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CannotStart, match="damaged zip or Excel workbook"):
        open_table(path)


def test_a_workbook_that_unpacks_without_end_is_refused(tmp_path):
    path = saved(tmp_path, ["a"], ["b"])
    repacked(path, lambda parts: parts.update({"xl/media/image1.bmp": bytes(65 << 20)}))
    with pytest.raises(CannotStart, match="unpacks to far more"):
        open_table(path)


def test_another_kind_of_workbook_is_told_apart(tmp_path):
    path = tmp_path / "cases.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.xml", "<x/>")
    with pytest.raises(CannotStart, match=r"Save it as \.xlsx or CSV"):
        open_table(path)


def test_a_workbook_is_known_by_its_content(tmp_path):
    assert open_table(saved(tmp_path, ["a"], [1], name="cases.xlsx").rename(tmp_path / "cases.csv")).kind == "xlsx"
