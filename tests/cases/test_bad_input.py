"""What people really bring: each fault is one sentence with file, line, column and remedy, and good rows are kept.

Every item is a file for the real command in a process of its own, on a database of its own.
"""

import gzip
import io
import re
import zipfile
from dataclasses import dataclass

import pytest

from tests.cases.importer import Done
from tests.journeys.installation import Installation

HEADER = "external_id,opened_at,customer,topic,handle_seconds,closed_at\n"
GOOD = "G1,2026-01-05 10:00,anna,returns,60,\nG2,2026-01-06 10:00,bo,bills,,\n"


@dataclass
class Item:
    """A file, how the command must end, what it must say, and the ids that must be stored."""

    content: bytes
    code: int = 0
    says: tuple[str, ...] = ()
    ids: tuple[str, ...] = ("G1", "G2")
    name: str = "cases.csv"
    options: tuple[str, ...] = ()
    rejected: int = 0
    warnings: int = 0


def text(content, encoding="utf-8"):
    return content.encode(encoding)


def zipped(name, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def row(external_id="B1", opened="2026-01-07", customer="cy", topic="x", seconds="", closed=""):
    return ",".join((external_id, opened, customer, topic, seconds, closed)) + "\n"


ASK = "SELECT s.name, c.external_id FROM cases_case c JOIN cases_source s ON s.id = c.source_id"
LATIN = "G3,2026-01-07,cy,børneværelse,,\n"

ITEMS = {
    "a UTF-8 byte-order mark": Item(text("\ufeff" + HEADER + GOOD)),
    "UTF-16 with its mark": Item(text("\ufeff" + HEADER + GOOD, "utf-16-le")),
    "UTF-16 big-endian with its mark": Item(text("\ufeff" + HEADER + GOOD, "utf-16-be")),
    "UTF-16 without a mark": Item(text(HEADER + GOOD, "utf-16-le"), says=("cases.csv was read as UTF-16",), warnings=1),
    "Latin-1": Item(
        text(HEADER + GOOD + LATIN, "latin-1"),
        says=("cases.csv is not UTF-8: line 4", "Save it as UTF-8"),
        ids=("G1", "G2", "G3"),
        warnings=1,
    ),
    "mixed line ends": Item(
        text(HEADER.replace("\n", "\r\n") + GOOD.replace("\n", "\r", 1) + row("G3")), ids=("G1", "G2", "G3")
    ),
    "a NUL byte in an id": Item(
        text(HEADER + GOOD + row("B\0A")), says=("cases.csv, line 4, column external_id: ", "UTF-8"), rejected=1
    ),
    "a NUL byte in a topic": Item(
        text(HEADER + GOOD + row("G3", topic="a\0b")),
        says=("cases.csv, line 4, column topic: ", "UTF-8"),
        ids=("G1", "G2", "G3"),
        warnings=1,
    ),
    "a quote never closed": Item(
        text(HEADER + 'B1,2026-01-07,"cy,x,,\n' + GOOD), says=("cases.csv, line 2: ", "close it"), rejected=1
    ),
    "something after a closing quote": Item(
        text(HEADER + 'B1,2026-01-07,"cy"x,x,,\n' + GOOD), says=("cases.csv, line 2: ", "double the quote"), rejected=1
    ),
    "too many cells": Item(
        text(HEADER + row().replace("\n", ",7,8\n") + GOOD),
        says=("cases.csv, line 2: 8 fields where the header has 6",),
        rejected=1,
    ),
    "a field of 10 MB": Item(
        text(HEADER + row("G3", topic="x" * 10_000_000) + GOOD),
        says=("cases.csv, line 2, column topic: ", "200 characters"),
        ids=("G1", "G2", "G3"),
        warnings=1,
    ),
    "an id of 10 MB": Item(
        text(HEADER + row("x" * 10_000_000) + GOOD),
        says=("cases.csv, line 2, column external_id: ", "255 characters"),
        rejected=1,
    ),
    "a duplicate header that is needed": Item(
        text(HEADER.replace("topic", "opened_at") + GOOD),
        1,
        ("cases.csv, line 1, ", "'opened_at' more than once", "Rename"),
        (),
    ),
    "a duplicate header that is not needed": Item(text(HEADER.replace("\n", ",x,x\n") + GOOD.replace("\n", ",1,2\n"))),
    "a needed column that is missing": Item(
        text(HEADER.replace("opened_at", "begun") + GOOD),
        1,
        ("cases.csv is not a list of cases", "line 1", "--map opened_at="),
        (),
    ),
    "a header that is missing": Item(
        text(GOOD), 1, ("cases.csv is not a list of cases: line 1 looks like a row", "Put a line"), ()
    ),
    "a header with a blank name": Item(
        text(HEADER.replace("\n", ",\n") + GOOD.replace("\n", ",1\n")),
        says=("has column 7 without a name",),
        warnings=1,
    ),
    "an empty file": Item(b"", 1, ("cases.csv is empty", "Export it again"), ()),
    "a file of blank lines": Item(b"\n\n \n", 1, ("cases.csv is empty", "Export it again"), ()),
    "a header alone": Item(text(HEADER), says=("cases.csv has a header and no rows",), ids=(), warnings=1),
    "a zip that is not XLSX": Item(
        zipped("cases.csv", HEADER + GOOD),
        1,
        ("cases.xlsx is a zip but not an Excel workbook", "Unpack it"),
        (),
        "cases.xlsx",
    ),
    "a zip that is cut off": Item(
        zipped("xl/workbook.xml", "<x/>" * 99)[:60], 1, ("cases.xlsx is a damaged zip",), (), "cases.xlsx"
    ),
    "a gzip bomb": Item(
        gzip.compress(text(HEADER + GOOD) + b"0" * 90_000_000, 6),
        1,
        ("cases.csv.gz unpacks to more than 200 times",),
        (),
        "cases.csv.gz",
    ),
    "a gzip that is cut off": Item(
        gzip.compress(text(HEADER + GOOD * 9_000))[:400],
        1,
        ("cases.csv.gz ends in the middle: the gzip is damaged", "Fetch it again"),
        (),
        "cases.csv.gz",
    ),
    "an impossible date": Item(
        text(HEADER + row(opened="31-02-2026") + GOOD),
        says=("cases.csv, line 2, column opened_at: ", "YYYY-MM-DD"),
        rejected=1,
    ),
    "a date with the month first": Item(
        text(HEADER + row(opened="12/31/2025") + GOOD),
        says=("cases.csv, line 2, column opened_at: ", "month"),
        rejected=1,
    ),
    "a month that stands first in a file where other dates would be read the other way round": Item(
        text(HEADER + row(opened="03/04/2026") + row("B2", opened="03/14/2026") + GOOD),
        1,
        ("cases.csv, line 3, column opened_at: ", "YYYY-MM-DD", "Nothing of it was stored"),
        (),
    ),
    "dates with slashes and the day first, with one slip": Item(
        text(
            HEADER + row("G3", opened="03/04/2026") + row("G4", opened="14/03/2026") + row(opened="03/14/2026") + GOOD
        ),
        says=("cases.csv, line 4, column opened_at: ", "month"),
        ids=("G1", "G2", "G3", "G4"),
        rejected=1,
    ),
    "a future date": Item(
        text(HEADER + row(opened="2099-01-01") + GOOD),
        says=("cases.csv, line 2, column opened_at: ", "future"),
        rejected=1,
    ),
    "a missing id": Item(text(HEADER + row("") + GOOD), says=("cases.csv, line 2, column external_id: ",), rejected=1),
    "Danish dates and decimal commas": Item(
        text(
            HEADER.replace(",", ";")
            + 'G1;31-12-2025 14:05;anna;returns;75,5;31.12.2025 kl. 14.30\nG2;1.1.2026;bo;bills;"0,4";\n'
        ),
    ),
    "a negative duration": Item(
        text(HEADER + row("G3", seconds="-5") + GOOD),
        says=("cases.csv, line 2, column handle_seconds: A duration cannot be negative.",),
        ids=("G1", "G2", "G3"),
        warnings=1,
    ),
    "a case closed before it opened": Item(
        text(HEADER + row("G3", closed="2026-01-06") + GOOD),
        says=("cases.csv, line 2, column closed_at: The case closes before it opens.",),
        ids=("G1", "G2", "G3"),
        warnings=1,
    ),
    "unknown rule codes": Item(
        text("external_id,opened_at,codes\nG1,2026-01-05,R1;R2\nG2,2026-01-05,R1\n"),
        says=(
            "cases.csv, lines 2, 3, column codes: 3 links name rules that are not written down yet (R1, R2). They wait",
        ),
        options=("--map", "rules=codes"),
        warnings=3,
    ),
    "the wrong preset": Item(
        text(HEADER + GOOD),
        1,
        ("cases.csv, line 1, is not a ticket list of zendesk", "choose another preset"),
        (),
        options=("--preset", "zendesk"),
    ),
    "a preset that there is not": Item(
        text(HEADER + GOOD), 2, ("invalid choice: 'frontdesk'",), (), options=("--preset", "frontdesk")
    ),
    "a file that is not there": Item(
        text(HEADER + GOOD), 1, ("nowhere.csv does not exist",), (), options=("nowhere.csv",)
    ),
    "broken JSON": Item(
        b'[{"external_id": "G1", "opened_at": "2026-01-05"}, {"external_id": },'
        b' {"external_id": "G2", "opened_at": "2026-01-05"}]',
        says=("cases.json, line 2: This object is not valid JSON",),
        name="cases.json",
        rejected=1,
    ),
    "JSON that is cut off": Item(
        b'[{"external_id": "G1", "opened_at": "2026-01-05"}, {"exter',
        1,
        ("cases.json cannot be read as JSON after object 1",),
        (),
        "cases.json",
    ),
}


@pytest.fixture(scope="module")
def results(request, tmp_path_factory):
    """{item: (installation, process, report)} of the items that were asked for."""
    items = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    names = [item.callspec.params["name"] for item in items]
    return bring(names, tmp_path_factory.mktemp("bad"))


def bring(names, folder):
    place = Installation(folder / "data")
    commands = []
    for number, name in enumerate(names):
        item = ITEMS[name]
        own = folder / str(number)
        own.mkdir()
        (own / item.name).write_bytes(item.content)
        files = [own / item.name, *(own / word for word in item.options if word == "nowhere.csv")]
        options = [word for word in item.options if word != "nowhere.csv"]
        commands.append(("import_cases", *files, *options, "--source", name, "--report", own / "report.csv"))
    found = {}
    for name, done, words in zip(names, place.run_all(commands), commands, strict=True):
        report = words[-1].read_text() if words[-1].exists() else ""
        found[name] = place, done, report
    return found


@pytest.mark.parametrize("name", ITEMS)
def test_bad_input_is_told_in_one_sentence_and_good_rows_are_kept(results, name):
    item = ITEMS[name]
    place, done, report = results[name]
    said = done.stdout + done.stderr
    assert done.returncode == item.code, said
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if item.says and item.says[0] in line]
    assert len(lines) == bool(item.says), said
    assert not item.says or all(words in lines[0] for words in item.says), said
    assert not lines or item.code == 2 or re.search(r"[.?]\)?$", lines[0])
    assert max(map(len, said.splitlines()), default=0) < 1_500
    stored = {external_id for source, external_id in place.ask(ASK) if source == name}
    assert stored == set(item.ids)
    if item.code:
        assert name not in {source for (source,) in place.ask("SELECT name FROM cases_source")}
        return
    counted = Done(done.stdout)
    assert (counted.created, counted.rejected, counted.warnings) == (len(item.ids), item.rejected, item.warnings)
    assert report.count("\n") >= 1 + item.rejected


def test_danish_values_are_read_as_meant(tmp_path):
    place, _, _ = bring(["Danish dates and decimal commas"], tmp_path)["Danish dates and decimal commas"]
    rows = place.ask("SELECT external_id, opened_at, closed_at, handle_seconds FROM cases_case ORDER BY external_id")
    stored = [tuple(None if cell is None else str(cell)[:19] for cell in row) for row in rows]
    assert stored == [
        ("G1", "2025-12-31 13:05:00", "2025-12-31 13:30:00", "76"),
        ("G2", "2025-12-31 23:00:00", None, "0"),
    ]
