"""The README says what is so: every variable, check, command and option stands in it, and none that is not there."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from rulebook import environment

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
    known |= {"--deploy", "--database", "--bind", "--workers"}  # of check and of gunicorn
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) - known == set()


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
