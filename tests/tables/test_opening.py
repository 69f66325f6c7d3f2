"""What a file is, whatever it is called: encodings, gzip, and the things that are no table."""

import gzip
import zipfile

import pytest

from rulebook.errors import CannotStart
from rulebook.tables import opening
from rulebook.tables.reading import open_table

TEXT = "id,topic\n1,blåbærgrød\n2,smörgås\n"
ROWS = [["1", "blåbærgrød"], ["2", "smörgås"]]


def rows_of(path):
    rejected = []
    table = open_table(path)
    rows = [cells for _, cells in table.rows(rejected.append)]
    assert rejected == []
    return table, rows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_usual_encoding_is_read(tmp_path, encoding, packed):
    path = tmp_path / "cases.csv"
    content = TEXT.encode(encoding)
    path.write_bytes(gzip.compress(content) if packed else content)
    table, rows = rows_of(path)
    assert table.columns == ("id", "topic")
    assert rows == ROWS


def test_a_utf16_mark_of_the_big_end_is_read(tmp_path):
    path = tmp_path / "cases.csv"
    path.write_bytes(b"\xfe\xff" + TEXT.encode("utf-16-be"))
    assert rows_of(path)[1] == ROWS


def test_lines_that_are_not_utf8_are_read_as_windows_and_noted_once(tmp_path):
    path = tmp_path / "cases.csv"
    path.write_bytes("id,topic\n1,ål\n".encode() + "2,pølse\n3,grød\n".encode("cp1252") + "4,æble\n".encode())
    table = open_table(path)
    for _ in range(2):
        assert [cells[1] for _, cells in table.rows(lambda rejected: None)] == ["ål", "pølse", "grød", "æble"]
    assert table.notes == [
        "cases.csv is not UTF-8: line 3 and perhaps others were read as Windows-1252. "
        "Save it as UTF-8 if letters look wrong."
    ]


def test_utf8_is_no_note(tmp_path):
    path = tmp_path / "cases.csv"
    path.write_text(TEXT, encoding="utf-8")
    assert rows_of(path)[0].notes == []


def test_letters_cut_by_a_block_are_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "BLOCK", 7)
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        path = tmp_path / "cases.csv"
        path.write_bytes(TEXT.replace("\n", "\r\n").encode(encoding))
        assert rows_of(path)[1] == ROWS


@pytest.mark.parametrize(
    ("content", "kind"),
    [("a,b\n1,2\n", "csv"), ('[{"a":1}]', "json"), ('{"a":1}\n{"a":2}\n', "ndjson")],
)
def test_a_gzip_is_told_by_what_is_inside(tmp_path, content, kind):
    path = tmp_path / "export.bin"
    path.write_bytes(gzip.compress(content.encode()))
    table, rows = rows_of(path)
    assert table.kind == kind
    assert rows[0][0] == "1"
    assert table.position() == (path.stat().st_size, path.stat().st_size)


@pytest.mark.parametrize("cut", [1 / 3, 0.9])
def test_a_gzip_cut_off_gives_its_rows_and_then_says_so(tmp_path, cut):
    body = "id,topic\n" + "".join(f"{number},{hash(str(number))}\n" for number in range(50_000))
    packed = gzip.compress(body.encode())
    path = tmp_path / "cases.csv.gz"
    path.write_bytes(packed[: int(len(packed) * cut)])
    lines = []
    with pytest.raises(CannotStart, match="ends in the middle: the gzip is damaged after line") as told:
        lines.extend(line for line, _ in open_table(path).rows(lambda rejected: None))
    assert lines == list(range(2, lines[-1] + 1))
    assert len(lines) > 1000
    assert f"after line {lines[-1]}." in str(told.value)


def test_a_gzip_with_a_wrong_checksum_is_refused_at_its_end(tmp_path):
    packed = bytearray(gzip.compress(b"a,b\n1,2\n"))
    packed[-8] ^= 1
    path = tmp_path / "cases.csv.gz"
    path.write_bytes(packed)
    with pytest.raises(CannotStart, match="Fetch it again"):
        list(open_table(path).rows(lambda rejected: None))


def test_a_gzip_that_is_none_is_refused(tmp_path):
    path = tmp_path / "cases.csv.gz"
    path.write_bytes(b"\x1f\x8bnothing of the kind")
    with pytest.raises(CannotStart, match="damaged gzip"):
        open_table(path)


def test_a_gzip_bomb_is_refused(tmp_path):
    path = tmp_path / "cases.csv.gz"
    with gzip.open(path, "wb") as packed:
        packed.write(b"a,b\n")
        for _ in range(70):
            packed.write(b"1,2\n" * (1 << 18))
    table = open_table(path)
    with pytest.raises(CannotStart, match="more than 200 times its size"):
        sum(1 for _ in table.rows(lambda rejected: None))


@pytest.mark.parametrize(
    "content", [b"", b" \n\t\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b",,\n", b"\0\0\0\0", b"[]", b"[ \n]"]
)
@pytest.mark.parametrize("name", ["cases.csv", "cases.json"])
def test_an_empty_file_is_called_empty(tmp_path, content, name):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CannotStart, match=rf"^{name} is empty\."):
        open_table(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"%PDF-1.7 ...", "is a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old .* or a locked Excel workbook"),
        (b"BZh91AY", "bzip2"),
        (gzip.compress(gzip.compress(b"a,b", mtime=0), mtime=0), "packed twice"),
        (b"PK\x03\x04 and no more", "damaged zip"),
    ],
)
def test_what_is_no_table_is_told_with_the_way_out(tmp_path, content, told):
    path = tmp_path / "cases.csv"
    path.write_bytes(content)
    with pytest.raises(CannotStart, match=rf"^cases.csv .*{told}") as raised:
        open_table(path)
    assert len(str(raised.value).split(". ")) == 2


def test_a_zip_of_tables_is_not_taken_for_a_workbook(tmp_path):
    path = tmp_path / "cases.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cases.csv", TEXT)
    with pytest.raises(CannotStart, match="is a zip but not an Excel workbook"):
        open_table(path)


def test_a_folder_and_a_missing_file_are_said_so(tmp_path):
    with pytest.raises(CannotStart, match="is not a file"):
        open_table(tmp_path)
    with pytest.raises(CannotStart, match=r"gone.csv does not exist"):
        open_table(tmp_path / "gone.csv")
