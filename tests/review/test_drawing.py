"""The drawing of the workflow is that of the table, in the README too."""

import re
from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.utils import translation

from rulebook.review.drawing import as_text, mermaid
from rulebook.review.models import OPEN, State
from rulebook.review.states import TABLE, TAKES_EFFECT

README = Path(__file__).resolve().parents[2] / "README.md"


def printed(*words):
    out = StringIO()
    call_command("show_workflow", *words, stdout=out)
    return out.getvalue().strip()


def test_the_readme_shows_what_the_command_prints():
    (shown,) = re.findall(r"^```mermaid\n(.+?)\n```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert shown == printed("--format", "mermaid"), "copy it from manage.py show_workflow --format mermaid"


def test_every_verb_is_drawn_from_every_state_it_leads_on_from():
    arrows = re.findall(r"^    (\w+) --> (\w+): (.+)$", mermaid(), re.MULTILINE)
    drawn = {(source, to, verb) for source, to, verbs in arrows for verb in verbs.split(", ")}
    for row in TABLE:
        for source in row.sources:
            for to in [row.to] if row.to else TAKES_EFFECT:
                assert (source, to, row.verb) in drawn


def test_every_state_can_be_reached_and_every_outcome_is_an_end():
    lines = mermaid().splitlines()
    assert {re.search(r"--> (\w+)", line)[1] for line in lines if re.search(r"--> \w", line)} == set(State)
    assert {re.search(r"(\w+) -->", line)[1] for line in lines if "--> [*]" in line} == set(State) - set(OPEN)


def test_the_text_names_each_verb_once_with_what_has_to_hold_in_whatever_language_the_house_speaks():
    with translation.override("da"):
        told = printed()
    assert told == as_text()
    assert re.findall(r"^(\w+):", told, re.MULTILINE) == [row.verb for row in TABLE]
    assert "take_effect: decided -> what was decided\n    by the clock\n    if it still applies" in told
