"""Every state, verb and role: who may not, who comes at the wrong time, and who goes through."""

import re
from collections import Counter
from pathlib import Path

import pytest
from django.utils import timezone

import rulebook
from rulebook.catalogue.models import Rule
from rulebook.errors import NotAllowed, WrongState
from rulebook.notices.models import Notice
from rulebook.review.models import OPEN, Review, State
from rulebook.review.services import transition
from rulebook.review.situation import WITH_RULE, situations
from rulebook.review.states import CLOCK, DECIDE, MARK, OWN, TABLE, first_refusal, row, steps
from tests import make
from tests.review.edges import TODAY, ready

pytestmark = pytest.mark.django_db
ROLES = ("agent", "manager", "owner", "operator", "outsider", "admin", "clock")
# Who holds the right that a row asks for. The owner answers for the rule, and the manager marked it.
HOLDERS = {
    MARK: {"manager", "clock"},
    DECIDE: {"manager", "admin", "clock"},
    OWN: {"owner", "admin", "clock"},
    CLOCK: {"clock"},
}


@pytest.fixture
def cast(agent, manager, owner, operator, outsider, admin):
    return {
        "agent": agent, "manager": manager, "owner": owner, "operator": operator, "outsider": outsider, "admin": admin,
        "clock": None,
    }  # fmt: skip


def expected(state, transition_row, role):
    if state not in transition_row.sources:
        return "wrong state"
    if role not in HOLDERS[transition_row.permission] and not (role == "admin" and transition_row.permission == MARK):
        return "not allowed"
    if transition_row.verb == "withdraw" and role == "admin":
        return "not allowed"  # the proposer alone
    return "goes through"


def outcome_of(review, verb, by):
    try:
        moved = transition(review=review, verb=verb, by=by)
    except NotAllowed:
        return "not allowed"
    except WrongState as told:
        return "wrong state" if review.state not in row(verb).sources else f"refused: {told}"
    wanted = row(verb).to or review.outcome
    assert moved.state == Review.objects.get(pk=review.pk).state == wanted
    return "goes through"


@pytest.mark.parametrize("state", State)
def test_every_verb_of_every_role_is_refused_or_goes_through_as_the_table_says(state, cast, travel):
    travel(TODAY)
    found = Counter()
    for transition_row in TABLE:
        review = None
        for role in ROLES:
            review = review or ready(state, transition_row.verb, cast)
            got = outcome_of(review, transition_row.verb, cast[role])
            assert got == expected(state, transition_row, role), (state, transition_row.verb, role)
            found[got] += 1
            review = None if got == "goes through" else review  # a refusal changes nothing
    total = len(State) * len(TABLE) * len(ROLES)
    assert total == 14 * 19 * 7 == 1862, f"{total} combinations of state, verb and role; here {dict(found)}"
    assert sum(found.values()) == len(TABLE) * len(ROLES)


def test_the_same_rights_show_the_same_buttons(cast, travel):
    travel(TODAY)
    for state in OPEN:
        review = Review.objects.select_related(*WITH_RULE).get(pk=ready(state, "", cast).pk)
        (at,) = situations([review])
        for role, person in cast.items():
            for step in steps(at.asked_by(person)):
                assert person is not None and state in step.transition.sources
                may = expected(state, step.transition, role) == "goes through"
                assert may or step.why_not, (state, role, step.transition.verb)


def test_a_manager_of_another_department_sees_closed_buttons_and_is_refused(cast, travel):
    travel(TODAY)
    finance, sales = make.department("Finance"), make.department("Sales")
    review = ready(State.MARKED, "remove", cast)
    Rule.objects.update(department=finance, owner=None)
    stranger = make.person(role="manager", team=make.team(department=sales))
    at = situations([Review.objects.select_related(*WITH_RULE).get(pk=review.pk)])[0].asked_by(stranger)
    told = {step.transition.verb: step.why_not for step in steps(at)}
    sentence = "This rule belongs to Finance. Ask a manager there."
    assert {told[verb] for verb in ("remove", "keep", "escalate", "start_trial")} == {sentence}
    with pytest.raises(NotAllowed, match="belongs to Finance"):
        transition(review=review, verb="remove", by=stranger)


def test_no_row_leads_on_from_an_outcome_but_the_undo_and_every_row_has_its_own_verb():
    assert len({transition.verb for transition in TABLE}) == len(TABLE)
    assert {row_.verb for row_ in TABLE if set(row_.sources) - set(OPEN)} == {"undo"}


def test_an_open_button_goes_through_and_a_closed_one_gives_its_sentence(cast, travel):
    """`first_refusal` is the answer: "" where the step goes through, else the very words of the refusal."""
    travel(TODAY)
    for missing in ("", "play", "purpose", "answer", "limit", "new_title", "addressee"):
        for verb in ("remove", "simplify", "delegate", "declare_myth", "write_down", "keep", "escalate"):
            Review.objects.all().delete()
            Notice.objects.all().delete()
            review = ready(State.ASSESSING, verb, cast)
            Review.objects.update(**({missing: ""} if missing else {}))
            fresh = Review.objects.select_related(*WITH_RULE).get(pk=review.pk)
            said = first_refusal(
                row(verb), situations([fresh], today=timezone.localdate())[0].asked_by(cast["manager"])
            )
            try:
                transition(review=review, verb=verb, by=cast["manager"])
                assert said == ""
            except WrongState as told:
                assert str(told) == said != ""


def test_one_line_of_the_house_writes_the_state_of_a_review():
    writes = re.compile(r"review\.state = |Review\.objects.*update\([^)]*\bstate=[^)]")
    house = Path(rulebook.__file__).parent
    found = [path.name for path in house.rglob("*.py") for line in path.read_text().splitlines() if writes.search(line)]
    assert found == ["services.py"]
