"""The environment: a first run makes its keys, production wants them given, and every wrong value is one sentence."""

import base64
import json
import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rulebook import checks, environment

ROOT = Path(__file__).resolve().parent.parent
SECRET = "a-made-up-secret-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz"


def run(*args, **variables):
    """A command of ours in a process of its own that sees only the variables given."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("RULEBOOK_", "DJANGO_"))}
    env |= {name: str(value) for name, value in variables.items()}
    return subprocess.run([sys.executable, *args], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def check(*options, **variables):
    return run("manage.py", "check", *options, **variables)


def sound(folder):
    """The variables of a production run with nothing wrong, its files below `folder`."""
    ring = folder / "elsewhere" / "key_ring.json"
    ring.parent.mkdir()
    ring.write_text(json.dumps({"current": 1, "keys": {"1": base64.b64encode(b"k" * 32).decode()}}))
    ring.chmod(0o600)
    return {
        "RULEBOOK_PRODUCTION": "1",
        "RULEBOOK_SECRET_KEY": SECRET,
        "RULEBOOK_KEY_RING": ring,
        "RULEBOOK_ALLOWED_HOSTS": "rulebook.example.org",
        "RULEBOOK_DATA_DIR": folder / "data",
    }


@pytest.fixture
def production(tmp_path):
    return sound(tmp_path)


def test_a_first_local_run_makes_the_secret_key_beside_the_database_for_its_owner_only(tmp_path):
    place = tmp_path / "new" / "place"
    done = check(RULEBOOK_DATABASE_URL=f"sqlite:///{place}/rules.sqlite3", RULEBOOK_DATA_DIR=tmp_path / "other")
    assert (done.returncode, done.stderr) == (0, "")
    key = place / "secret_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert len(key.read_text()) >= 50
    before = key.read_text()
    check(RULEBOOK_DATABASE_URL=f"sqlite:///{place}/rules.sqlite3")
    assert key.read_text() == before
    assert not (tmp_path / "other").exists()


def test_the_key_ring_is_made_once_for_its_owner_only_and_can_be_read_back(tmp_path):
    path = tmp_path / "key_ring.json"
    text = environment.make_key_ring(path)
    assert environment.make_key_ring(path) == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    current, keys = environment.read_key_ring(text)
    assert current == 1 and len(keys[1]) == 32
    assert [left.name for left in tmp_path.iterdir()] == ["key_ring.json"]


def test_keys_are_made_where_the_file_system_knows_no_hard_links(tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    text = environment.make_key_ring(tmp_path / "key_ring.json")
    assert environment.read_key_ring(text)[0] == 1
    assert stat.S_IMODE((tmp_path / "key_ring.json").stat().st_mode) == 0o600


def test_production_settings_pass_the_deployment_check(production):
    done = check("--deploy", "--fail-level", "WARNING", **production)
    assert done.returncode == 0, done.stderr
    assert not (production["RULEBOOK_DATA_DIR"] / "secret_key").exists()


def test_production_without_keys_refuses_with_a_sentence_in_commands_and_under_a_web_server(tmp_path):
    variables = {"RULEBOOK_PRODUCTION": "1", "RULEBOOK_DATA_DIR": tmp_path / "data"}
    for args in (("manage.py", "migrate"), ("-c", "import rulebook.wsgi")):
        done = run(*args, **variables)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        for expected in ("rulebook.E001", "RULEBOOK_SECRET_KEY is not set", "rulebook.E002", "There is no key ring"):
            assert expected in done.stderr
    assert {path.name for path in (tmp_path / "data").iterdir()} <= {"rulebook.sqlite3", "uploads"}  # no key


def test_the_web_server_starts_on_sound_settings(production):
    assert run("-c", "import rulebook.wsgi", **production).stderr == ""


LETTERS = {"RULEBOOK_MAIL_FROM": "rulebook@example.org", "RULEBOOK_PUBLIC_URL": "https://rules.example.org"}
# id -> what brings it about. Each row runs alone, so a wrong value is shown to cause this message and no crash.
WRONG = {
    "rulebook.E001": {"RULEBOOK_SECRET_KEY": ""},
    "rulebook.E002": {"RULEBOOK_KEY_RING": "{tmp}/absent.json"},
    "rulebook.W003": {"RULEBOOK_KEY_RING": "{tmp}/open_ring.json"},
    "rulebook.E004": {"RULEBOOK_KEY_RING": "{tmp}/broken_ring.json"},
    "rulebook.E005": {"RULEBOOK_DATABASE_URL": "mysql://localhost/rules"},
    "rulebook.E006": {"RULEBOOK_DATABASE_URL": "sqlite:///{tmp}/data"},
    "rulebook.E007": {"RULEBOOK_ALLOWED_HOSTS": ""},
    "rulebook.E008": {"RULEBOOK_TIME_ZONE": "Europe/Atlantis"},
    "rulebook.E009": {"RULEBOOK_LOG_LEVEL": "LOUD"},
    "rulebook.E010": {"RULEBOOK_AGENT_KEYS": "perhaps"},
    "rulebook.W011": {"RULEBOOK_SECRET": "x"},
    "rulebook.E012": {"RULEBOOK_DEBUG": "1"},
    "rulebook.E013": {"RULEBOOK_DATA_DIR": "{tmp}/a_file"},
    "rulebook.E015": {"RULEBOOK_DATABASE_URL": "sqlite:///{tmp}/a_file/rules.sqlite3"},
    "rulebook.W016": {"RULEBOOK_DATABASE_URL": "sqlite:///{tmp}/open.sqlite3"},
    "rulebook.E017": {"RULEBOOK_WORKER": "sometimes"},
    "rulebook.E018": {"RULEBOOK_MAIL_URL": "http://mail.example.org", **LETTERS},
    "rulebook.E019": {"RULEBOOK_MAIL_URL": "smtp://mail.example.org", **LETTERS, "RULEBOOK_MAIL_FROM": "Rulebook"},
    "rulebook.E020": {"RULEBOOK_PUBLIC_URL": "rules.example.org"},
    "rulebook.E022": {"RULEBOOK_FOUR_EYES": "sometimes"},
    "rulebook.W021": {"RULEBOOK_MAIL_URL": "smtp://mail.example.org", **LETTERS, "RULEBOOK_PUBLIC_URL": ""},
}
# E014 (database too old) needs an old database and is tested on the function.


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What `check` says to every row, asked two at a time: starting a process is all that takes time here."""
    tmp = tmp_path_factory.mktemp("wrong")
    production = sound(tmp)
    (tmp / "data").mkdir()
    (tmp / "a_file").write_text("")
    (tmp / "open_ring.json").write_text(production["RULEBOOK_KEY_RING"].read_text())
    (tmp / "open_ring.json").chmod(0o644)
    (tmp / "open.sqlite3").touch(mode=0o644)
    (tmp / "open.sqlite3").chmod(0o644)
    (tmp / "broken_ring.json").write_text("{")
    (tmp / "broken_ring.json").chmod(0o600)

    def ask(row):
        wrong = {name: value.format(tmp=tmp) for name, value in row.items()}
        return check("--fail-level", "WARNING", **{**production, **wrong})

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(WRONG, pool.map(ask, WRONG.values()), strict=True))


@pytest.mark.process
@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_value_is_reported_with_its_id_and_a_remedy(message, answers):
    done = answers[message]
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert set(re.findall(r"rulebook\.[EW]\d+", done.stderr)) == {message}
    assert "HINT" in done.stderr or message in {"rulebook.E005", "rulebook.E018"}  # their sentence holds the remedy
    assert SECRET not in done.stderr


def test_the_database_file_is_for_its_owner_only_even_in_a_folder_that_others_may_read(tmp_path):
    tmp_path.chmod(0o755)
    assert run("manage.py", "migrate", "-v0", RULEBOOK_DATA_DIR=tmp_path).returncode == 0
    files = list(tmp_path.glob("rulebook.sqlite3*"))
    assert files and {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_every_id_of_the_checks_has_a_row_in_the_table_above():
    written = set(re.findall(r'"(rulebook\.[EW]\d+)"', (ROOT / "rulebook" / "checks.py").read_text()))
    assert written == {*WRONG, "rulebook.E014"}


def test_a_local_run_that_cannot_write_anywhere_says_so(tmp_path):
    (tmp_path / "a_file").write_text("")
    done = check(RULEBOOK_DATABASE_URL=f"sqlite:///{tmp_path}/a_file/rules.sqlite3")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "rulebook.E015" in done.stderr


def test_a_local_run_warns_of_a_secret_key_that_others_may_read(tmp_path):
    (tmp_path / "secret_key").write_text(SECRET)
    (tmp_path / "secret_key").chmod(0o644)
    done = check(RULEBOOK_DATA_DIR=tmp_path)
    assert done.returncode == 0 and "rulebook.W003" in done.stderr


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[]", "cannot be read"),
        ('{"current": 2, "keys": {"1": "' + base64.b64encode(b"k" * 32).decode() + '"}}', "not among its keys"),
        ('{"current": 1, "keys": {"1": "' + base64.b64encode(b"k" * 31).decode() + '"}}', "shorter than 32 bytes"),
        ('{"current": 1, "keys": {"1": "not base64"}}', "cannot be read"),
    ],
)
def test_a_key_ring_that_cannot_be_used_is_described_without_its_keys(text, sentence, tmp_path):
    path = tmp_path / "key_ring.json"
    path.write_text(text)
    problem = environment.key_ring_problem(path)
    assert sentence in problem and problem.endswith(".")
    assert base64.b64encode(b"k" * 31).decode()[:20] not in problem
    assert "may not read" in environment.key_ring_problem(tmp_path)


@pytest.mark.parametrize(
    "url", ["postgresql://host:port/name", "postgresql://[::1/name", "postgresql://h", "sqlite://"]
)
def test_an_address_that_cannot_be_read_falls_back_to_nothing_silently(url, tmp_path):
    assert environment.url_problem(url)
    assert environment.database(url, tmp_path)["NAME"] == str(tmp_path / "rulebook.sqlite3")


@pytest.mark.parametrize(
    "url", ["http://h", "smtp://", "smtp://h:port", "smtp://[::1", "mail.example.org", "smtp://h:0"]
)
def test_an_address_of_a_mail_server_that_cannot_be_used_sends_nothing_and_is_not_quoted(url):
    problem = environment.mail_problem(f"{url}#pass-word")
    assert problem.endswith(".") and "pass-word" not in problem
    assert environment.mail(url) == {} and environment.mail("") == {}


def test_a_password_is_told_to_a_mail_server_over_tls_alone():
    for url in ("smtp://a:b@h", "smtps://a:b@h:2465"):
        found = environment.mail(url)
        assert found["EMAIL_USE_TLS"] != found["EMAIL_USE_SSL"]
    assert environment.mail("smtp://a:b@h")["EMAIL_PORT"] == 587
    assert environment.mail("smtps://a:b@h:2465")["EMAIL_PORT"] == 2465


def test_postgresql_without_its_driver_is_one_sentence(monkeypatch):
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    assert "psycopg is not installed" in environment.url_problem("postgresql://h/name")
    assert environment.url_problem("sqlite:///x.sqlite3") == ""


def test_an_old_sqlite_is_refused(monkeypatch):
    class Old:
        vendor = "sqlite"

    monkeypatch.setattr(checks.sqlite3, "sqlite_version_info", (3, 37, 2))
    monkeypatch.setattr(checks, "connections", {"default": Old()})
    (message,) = checks.database_is_new_enough(databases=["default"])
    assert message.id == "rulebook.E014"
    assert checks.database_is_new_enough() == []


def test_every_variable_that_the_product_reads_is_listed():
    read = set()
    for path in (ROOT / "rulebook").rglob("*.py"):
        read |= set(re.findall(r'"(RULEBOOK_[A-Z_]+)"', path.read_text()))
    assert read == environment.VARIABLES
