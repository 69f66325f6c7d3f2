"""No raw id of a customer or an agent stays anywhere but in the private report that somebody asked for."""

import base64
import csv
import gzip
import hashlib
import hmac
import json
import random
import stat
from datetime import datetime, timedelta

import pytest
from openpyxl import Workbook

from tests.journeys.installation import SERVER, Installation

pytestmark = pytest.mark.process

# Each is long enough that its letters stand in no file by chance.
MAIL, PHONE, DANISH, AGENT = (
    "Kirsten.Bjerregaard@example.dk",
    "+45 31 41 59 26 53",
    "Åse Ærøskøbing-Øllgaard",
    "agent.Hjalmar.7731",
)
SECRETS = (
    MAIL,
    PHONE,
    DANISH,
    AGENT,
    "cust-900017-zq",
    "Bjørn-i-afvist-række",
    "ida@forkert-kolonne.dk",
    "brevtekst-fra-Solvej",
)
HEADER = ["external_id", "opened_at", "customer", "agent", "topic", "handle_seconds", "declared", "closed_at", "text"]
ROWS = [
    ["P1", "2026-01-05 10:00", MAIL, AGENT, "returns", "60", "yes", "", f"brevtekst-fra-Solvej {MAIL}"],
    ["P2", "2026-01-06 10:00", MAIL, AGENT, "returns", "60", "", "", PHONE],
    ["P3", "2026-01-06 10:00", PHONE, DANISH, "bills", "ida@forkert-kolonne.dk", "", "", ""],
    ["P4", "2026-01-07", DANISH, MAIL, "bills", "", "ida@forkert-kolonne.dk", "ida@forkert-kolonne.dk", ""],
    ["P5", "2026-01-07", "cust-900017-zq", "", "bills", "", "", "", ""],
    ["P6", "Bjørn-i-afvist-række", DANISH, AGENT, "", "", "", "", ""],
    ["", "2026-01-07", "Bjørn-i-afvist-række", AGENT, "", "", "", "", ""],
]


def traces(secret):
    """The bytes by which somebody who reads files could know an id again."""
    found = set()
    for spelling in {secret, secret.lower(), secret.upper()}:
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"):
            raw = spelling.encode(encoding)
            found |= {raw, raw.hex().encode(), raw.hex().upper().encode(), hashlib.sha256(raw).digest()}
            found |= {hashlib.new(name, raw).hexdigest().encode() for name in ("md5", "sha1", "sha256")}
            for shift in range(3):  # base64 of it inside something longer
                inside = base64.b64encode(bytes(shift) + raw)
                found.add(inside[4 : len(inside) // 4 * 4 - 4])
    return {trace for trace in found if len(trace) >= 8}


TRACES = {secret: traces(secret) for secret in SECRETS}


def found_in(data):
    return {secret for secret, wanted in TRACES.items() if any(trace in data for trace in wanted)}


def everything_kept(place):
    """Every file of the installation and its temporary folder, and what the database tells."""
    kept = {path.name: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()}
    if SERVER:
        names = [name for (name,) in place.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        for name in names:
            rows = place.ask(f'SELECT * FROM "{name}"')
            kept[name] = b"\n".join(
                cell if isinstance(cell, bytes) else str(cell).encode() for row in rows for cell in row
            )
    return kept


def assert_silent(place, *printed):
    for name, data in everything_kept(place).items():
        assert not found_in(data), f"{name} holds {found_in(data)}"
    for text in printed:
        assert not found_in(text.encode()), text


@pytest.fixture
def place(tmp_path):
    temporary = tmp_path / "data" / "tmp"
    temporary.mkdir(parents=True)
    return Installation(tmp_path / "data", TMPDIR=temporary, RULEBOOK_AGENT_KEYS=1, RULEBOOK_LOG_LEVEL="DEBUG")


def as_csv(path, rows, encoding="utf-8"):
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def in_every_form(folder):
    """The same rows in each form that is read."""
    one = as_csv(folder / "one.csv", ROWS)
    (folder / "two.csv.gz").write_bytes(gzip.compress(one.read_bytes()))
    as_csv(folder / "three.csv", ROWS, "utf-16")
    as_csv(folder / "four.csv", ROWS, "latin-1")
    objects = [dict(zip(HEADER, row, strict=True)) for row in ROWS]
    (folder / "five.ndjson").write_text(
        "\n".join(json.dumps(row) for row in objects) + '\n{"customer": "Bjørn-i-afvist-række"'
    )
    (folder / "six.json").write_text(json.dumps(objects, ensure_ascii=False))
    book = Workbook()
    for row in (HEADER, *ROWS):
        book.active.append(row)
    book.save(folder / "seven.xlsx")
    bare = folder / "no-header.csv"
    bare.write_text("\n".join(",".join(row) for row in ROWS))
    return sorted(path for path in folder.iterdir() if path.is_file())


def test_raw_ids_stay_in_no_file_of_the_installation_and_in_nothing_printed(place, tmp_path):
    folder = tmp_path / "brought"
    folder.mkdir()
    files = in_every_form(folder)
    report = tmp_path / "report.csv"
    words = [
        ("import_cases", file, "--source", file.name, "--report", report) for file in files if file.name != "one.csv"
    ]
    words += [
        ("import_cases", folder / "no-header.csv", "--source", "bare", "--map", "external_id=case_id"),
        ("import_cases", folder / "one.csv", "--source", "one", "--report", report),
        ("import_cases", folder / "one.csv", "--source", "one", "--dry-run"),
        ("fcr", "--by", "topic"),
    ]
    done = place.run_all(words)
    expected = [1 if str(command[1]).endswith("no-header.csv") else 0 for command in words]
    assert [result.returncode for result in done] == expected, [result.stderr[-300:] for result in done]
    assert all(result.stderr for result in done if result.returncode)
    assert place.count("cases_case") == 7 * 5
    (place.folder / "jobs.json").unlink()
    assert_silent(place, *(result.stdout + result.stderr for result in done))
    kept = report.read_text()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert kept.count("Bjørn-i-afvist-række") == 2 and DANISH in kept


@pytest.mark.skipif(bool(SERVER), reason="the files of a server are not ours to read: only on SQLite")
def test_raw_ids_stay_in_no_file_while_an_import_runs_or_after_it_was_killed(place, tmp_path):
    pick = random.Random(5)
    start = datetime.fromisoformat("2026-01-01")
    customers = [MAIL, PHONE, DANISH, f"2-{MAIL}"]
    rows = [
        [f"Q{n}", str(start + timedelta(minutes=n)), pick.choice(customers), AGENT, "x", "", "", "", MAIL]
        for n in range(8_000)
    ]
    file = as_csv(tmp_path / "many.csv", rows)
    with (tmp_path / "printed").open("w+") as printed:
        for wanted in (1, 5_000):
            process = place.start("import_cases", file, "--source", "shop", stdout=printed, stderr=printed)
            assert place.wait_until(f"SELECT COUNT(*) >= {wanted} FROM cases_case", process)
            place.pause(process)
            assert (place.folder / "rulebook.sqlite3-wal").stat().st_size > 0
            assert_silent(place)
            process.kill()
            process.wait()
            assert_silent(place)
        printed.seek(0)
        assert_silent(place, printed.read())


def test_with_two_keys_a_customer_is_stored_as_the_second_over_the_first(tmp_path):
    one, two = b"1" * 32, b"2" * 32
    ring = tmp_path / "ring.json"
    keys = {number: base64.b64encode(key).decode() for number, key in (("1", one), ("2", two))}
    ring.write_text(json.dumps({"current": 2, "keys": keys}))
    place = Installation(tmp_path / "data", RULEBOOK_KEY_RING=ring)
    file = as_csv(tmp_path / "cases.csv", [["P1", "2026-01-05", f"  {DANISH} ", AGENT, "", "", "", "", ""]])
    assert place.run("import_cases", file, "--source", "shop", "--space", "kunder").returncode == 0
    ((key, agent, number),) = place.ask("SELECT customer_key, agent_key, key_id FROM cases_case")
    assert bytes(key) == hmac.digest(two, hmac.digest(one, f"customer|kunder|{DANISH}".encode(), "sha256"), "sha256")
    assert (agent, number) == (None, 2)


def test_traces_are_found_where_they_are():
    for secret in SECRETS:
        for data in (
            f"x {secret} y".encode(),
            secret.encode("utf-16"),
            base64.b64encode(f"ab{secret}cd".encode()),
            secret.encode().hex().encode(),
        ):
            assert found_in(data) == {secret}
    assert not found_in(b"nothing of the kind")
