"""Each guard one day, one vote or one word before its edge, and on it; and its sentence at the button, as the answer of
the service and on the page."""

import inspect
from html import unescape

import pytest

from rulebook.desk.pages import review_steps
from rulebook.errors import NotAllowed, WrongState
from rulebook.review import guards, queries
from rulebook.review.models import Review
from rulebook.review.services import transition, write_fence
from rulebook.review.situation import WITH_RULE, situations
from rulebook.review.states import TABLE, first_refusal, not_for, row, steps
from tests import make
from tests.review.edges import EDGES, TODAY, ready

pytestmark = pytest.mark.django_db
IDS = [f"{number}-{edge}" for number, edge in enumerate(EDGES)]
OUTSIDE_THE_TABLE = {guards.the_fence_is_somebody_elses}  # asked by `write_fence`, which moves no review: below


@pytest.fixture
def people(agent, manager, owner, admin, travel):
    travel(TODAY)
    colleague = make.person("colleague", role="manager")
    return {"agent": agent, "manager": manager, "owner": owner, "admin": admin, "colleague": colleague, "clock": None}


def at(review, person=None):
    fresh = Review.objects.select_related(*WITH_RULE).get(pk=review.pk)
    return situations([fresh])[0].asked_by(person)


def refusal_of(edge, review, person):
    try:
        transition(review=review, verb=edge.verb, by=person)
    except (WrongState, NotAllowed) as told:
        assert isinstance(told, NotAllowed) == (edge.guard in row(edge.verb).only)
        return str(told)
    return ""


def test_every_guard_has_its_two_sides():
    """A guard that is added to the table, or to the module, and to no pair of edges fails here."""
    of_table = {guard for one in TABLE for guard in (*one.guards, *one.only)}
    functions = {
        found for name, found in inspect.getmembers(guards, inspect.isfunction)
        if found.__module__ == guards.__name__ and not name.startswith("_") and found.__annotations__["return"] is str
    }  # fmt: skip
    assert of_table == functions - OUTSIDE_THE_TABLE == {edge.guard for edge in EDGES}
    for edge in EDGES:
        assert edge.guard in (*row(edge.verb).guards, *row(edge.verb).only) and edge.state in row(edge.verb).sources


@pytest.mark.parametrize("edge", EDGES, ids=IDS)
def test_on_one_side_it_is_refused_by_this_guard_and_on_the_other_it_goes_through(edge, people, settings):
    for name, value in edge.settings.items():
        setattr(settings, name, value)
    person = people[edge.who]
    open_one = ready(edge.state, edge.verb, people)
    edge.opens(open_one, people)
    assert refusal_of(edge, open_one, person) == ""


@pytest.mark.parametrize("edge", EDGES, ids=IDS)
def test_button_service_and_page_say_the_same_sentence(edge, people, settings, client):
    for name, value in edge.settings.items():
        setattr(settings, name, value)
    person, review = people[edge.who], ready(edge.state, edge.verb, people)
    edge.closes(review, people)
    now = at(review, person)
    sentence = edge.guard(now)
    assert sentence.startswith(edge.says) and sentence.endswith(".")
    assert (not_for(row(edge.verb), now) or first_refusal(row(edge.verb), now)) == sentence
    if person is not None and edge.guard is not guards.only_who_answers_for_it:  # who has no part in it sees no button
        (step,) = [step for step in steps(now) if step.transition.verb == edge.verb]
        assert step.why_not == sentence
    assert refusal_of(edge, review, person) == sentence
    assert said_on_page(edge, now, people, client, sentence)


def said_on_page(edge, now, people, client, sentence):
    """Where a person reads it: at the closed button, as the answer to the open one, or on the card of the board."""
    client.force_login(people[edge.who] or people["manager"])
    page = f"/admin/review/review/{now.review.pk}/"
    if edge.who == "clock":
        likely = queries.likeliest(now).verb
        return likely != edge.verb or sentence in unescape(client.get("/admin/review/review/").content.decode())
    if edge.verb == "object":
        told = client.post(queries.address_of(now.review), {"do": "object", "objection": "The bank asks for it."})
    else:
        told = client.post(f"{page}do/", {"do": edge.verb, "seen": now.review.state})
    assert told.status_code == (403 if edge.guard in row(edge.verb).only else 409)
    offer = next((offer for offer in review_steps.offers(now) if offer.verb == edge.verb), None)
    if edge.guard in review_steps.TYPED:  # a field of the page opens it: said beside the button, which is open
        assert offer.needs == sentence
    elif edge.guard not in (*row(edge.verb).only, guards.no_objection_yet):  # after her objection the button is gone
        assert offer is None or offer.closed == sentence
        assert sentence in unescape(client.get(f"{page}change/").content.decode())
    return sentence in unescape(told.content.decode())


def test_the_proposer_does_not_write_the_fence_and_anybody_else_who_decides_does(people):
    review = ready("assessing", "remove", people)
    sentence = guards.the_fence_is_somebody_elses(at(review, people["manager"]))
    with pytest.raises(NotAllowed) as refused:
        write_fence(review=review, comes_from="", counter="Fraud.", purpose="", by=people["manager"])
    assert str(refused.value) == sentence == "You proposed it, so somebody else writes what speaks for it."
    assert guards.the_fence_is_somebody_elses(at(review, people["colleague"])) == ""
    assert write_fence(review=review, comes_from="", counter="Fraud.", purpose="", by=people["colleague"])


def test_what_only_who_answers_for_it_may_is_no_button_of_others(people):
    review = ready("assessing", "object", people)
    assert "object" in {step.transition.verb for step in steps(at(review, people["owner"]))}
    for who in ("agent", "manager", "colleague"):
        assert "object" not in {step.transition.verb for step in steps(at(review, people[who]))}
