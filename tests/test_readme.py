"""The README says what is so: every variable, check, command and option stands in it, and none that is not there."""

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands, load_command_class

from rulebook import environment
from rulebook.cases.models import CaseRule
from rulebook.catalogue.models import Rule
from rulebook.catalogue.rows import COLUMNS
from tests import make
from tests.test_house import FOUNDATION, ORDER

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
OURS = sorted(name for name, app in get_commands().items() if app.startswith("rulebook"))


def first_cells(pattern):
    return re.findall(rf"^\| `({pattern})` \|", README, re.MULTILINE)


def test_the_table_of_variables_is_that_of_the_environment():
    rows = first_cells(r"RULEBOOK_\w+")
    assert len(rows) == len(set(rows)) and set(rows) == environment.VARIABLES


def test_the_table_of_checks_is_that_of_the_code():
    sources = [*ROOT.glob("rulebook/*.py"), *ROOT.glob("rulebook/*/*.py")]
    written = {found for path in sources for found in re.findall(r'id="(\w+\.[EW]\d{3})"', path.read_text())}
    assert written == set(first_cells(r"\w+\.[EW]\d{3}"))


def test_every_command_named_is_there_and_every_command_there_is_named():
    named = set(re.findall(r"manage\.py (\w+)", README))
    assert set(OURS) <= named
    assert named <= set(get_commands())


@pytest.mark.parametrize("name", OURS)
def test_every_option_of_our_commands_is_explained(name):
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    django = {"--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color",
              "--force-color", "--skip-checks"}  # fmt: skip
    options = {option for action in parser._actions for option in action.option_strings if option.startswith("--")}
    assert [option for option in sorted(options - django) if option not in README] == []


def test_no_option_is_explained_that_no_command_has():
    parsers = [load_command_class(get_commands()[name], name).create_parser("manage.py", name) for name in OURS]
    known = {option for parser in parsers for action in parser._actions for option in action.option_strings}
    known |= {"--deploy", "--database", "--bind", "--workers", "--access-logfile"}  # of check and of gunicorn
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) - known == set()


def test_debug_is_off_by_default_as_the_readme_says(monkeypatch):
    (row,) = re.findall(r"^\| `RULEBOOK_DEBUG` \|.*", README, re.MULTILINE)
    monkeypatch.delenv("RULEBOOK_DEBUG", raising=False)
    assert "Off by default" in row and environment.flag("RULEBOOK_DEBUG") is False


def test_the_columns_of_rules_are_those_that_an_import_reads():
    cells = re.findall(r"^\| (`.+?`) \|", README.partition("### Rules")[2].partition("### Cases")[0], re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == set(COLUMNS)
    (intents,) = re.findall(r"^\| `intent` \| .+?: (.+) \|", README, re.MULTILINE)
    assert re.findall(r"\w+", intents) == Rule.Intent.values


def test_the_house_is_told_in_its_order_and_the_foundation_is_named():
    told = re.findall(r"^\| `rulebook/(\w+)` \|", README, re.MULTILINE)
    ordered = [name for name in ORDER if name in told]
    assert told == [*ordered, "tables", "templatetags"] and (ordered[0], ordered[-1]) == ("journal", "desk")
    assert {*ordered, "tables", "templatetags"} == {path.parent.name for path in ROOT.glob("rulebook/*/__init__.py")}
    sentence = README.partition("import only from those above them")[2].partition("A test holds")[0]
    assert set(re.findall(r"`(\w+)`", sentence)) == FOUNDATION


@pytest.mark.django_db
def test_an_identical_row_leaves_links_alone_and_a_changed_one_brings_the_whole_set(tmp_path):
    make.rule(code="A")
    make.rule(code="B")
    cases, links = tmp_path / "cases.csv", tmp_path / "links.csv"
    links.write_text("case,rule,effect\n1,B,blocked\n")

    def imported(channel, *more):
        cases.write_text(f"external_id,opened_at,rules,channel\n1,2026-03-01,A,{channel}\n")
        call_command("import_cases", str(cases), "--source", "helpdesk", *more, stdout=StringIO(), stderr=StringIO())
        return set(CaseRule.objects.values_list("rule__code", flat=True))

    assert imported("mail", "--links", str(links)) == {"A", "B"}
    assert imported("mail") == {"A", "B"}
    assert imported("phone") == {"A"}
    assert imported("phone", "--links", str(links)) == {"A", "B"}


@pytest.mark.parametrize(
    ("marker", "words"), [("demo", "requirements.lock manage.py"), ("tests", "requirements-dev.lock")]
)
def test_the_two_first_commands_are_one_line_each_behind_their_markers(marker, words):
    (command,) = re.findall(rf"^<!-- ci: {marker} -->\n```sh\n(.+)\n```$", README, re.MULTILINE)
    assert command.startswith("python3 -m venv .venv && .venv/bin/pip install -r ")
    assert all(word in command for word in words.split())


def test_the_changelog_knows_the_version():
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version and f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_no_index_and_hashes_everything(lock):
    text = (ROOT / lock).read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert not [line for line in lines if "/" in line.partition("--hash")[0] or line.startswith("-")]
    pins = re.findall(r"^[a-z0-9][^\n]*==[^\n]*\\$\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)) > 10
