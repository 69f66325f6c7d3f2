"""Two people who decide in the same second: one wins, and the other is told who and what."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections

from rulebook.catalogue.models import Rule
from rulebook.errors import WrongState
from rulebook.journal.models import Event
from rulebook.notices.models import Notice
from rulebook.review.models import Review, State
from rulebook.review.services import agree, mark_rule, object_to, transition
from tests import make
from tests.journeys.installation import Installation

PREPARE = """
from tests import make
make.person("anna", role="manager", first_name="Anna"), make.person("bo", role="manager", first_name="Bo")
agent = make.person("agent", role="agent")
for number in range(20):
    rule = make.rule(code=f"R-{number:02}")
    make.vote(rule, -2, by=agent)
    make.review(rule)
"""
DECIDE = """
import json
from rulebook.access.models import Person
from rulebook.errors import WrongState
from rulebook.review.models import Review
from rulebook.review.services import transition
by, said = Person.objects.get(username="{who}"), []
for review in Review.objects.order_by("rule__code"):
    try:
        transition(review=review, verb="{verb}", by=by, answers={{"play": "Ask.", "nobody_knows": True}})
        said.append("")
    except WrongState as told:
        said.append(str(told))
print(json.dumps(said))
"""


@pytest.mark.process
def test_of_two_processes_that_decide_one_wins_and_the_other_is_told(tmp_path):
    place = Installation(tmp_path / "place")
    assert place.run("shell", "-v0", "-c", PREPARE).returncode == 0
    verbs = {"anna": "remove", "bo": "declare_myth"}
    started = {who: place.start("shell", "-v0", "-c", DECIDE.format(who=who, verb=verb)) for who, verb in verbs.items()}
    said = {}
    for who, process in started.items():
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        said[who] = json.loads(out)
    for anna, bo in zip(said["anna"], said["bo"], strict=True):
        assert sorted([bool(anna), bool(bo)]) == [False, True], "one of them wins"
        assert (anna or bo).startswith("Decided a moment ago: ") and ("by Anna." if bo else "by Bo.") in (anna or bo)
    assert place.ask("SELECT COUNT(*) FROM review_review WHERE state <> 'decided'")[0][0] == 0
    assert place.ask("SELECT COUNT(*) FROM journal_event WHERE after = 'decided'")[0][0] == 20
    assert place.count("notices_notice") == 20


def together(*works):
    """What each of them gave, or the refusal that it raised; they start at once."""
    start = Barrier(len(works))

    def one(work):
        try:
            start.wait()
            return work()
        except WrongState as told:
            return str(told)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="threads share one SQLite database in memory")
@pytest.mark.django_db(transaction=True)
class TestThreadsOnPostgresql:
    def prepared(self):
        return make.rule(), [make.person(role="manager", first_name=name) for name in ("Anna", "Bo")]

    def marked_long_ago(self, rule):
        review = make.review(rule)
        Review.objects.filter(pk=review.pk).update(marked_on="2026-01-01")
        return review

    def test_of_two_who_decide_one_wins_and_the_other_is_told_who_and_what(self):
        for _ in range(5):
            rule, (anna, bo) = self.prepared()
            review = self.marked_long_ago(rule)
            answers = {"play": "Ask.", "nobody_knows": True}
            said = together(
                lambda r=review, a=answers, by=anna: transition(review=r, verb="remove", by=by, answers=a),
                lambda r=review, a=answers, by=bo: transition(review=r, verb="declare_myth", by=by, answers=a),
            )
            (told,) = [one for one in said if isinstance(one, str)]
            (won,) = [one for one in said if not isinstance(one, str)]
            assert told.startswith(f"Decided a moment ago: {won.get_outcome_display()} from")
            assert told.endswith("by Anna." if won.decided_by_id == anna.pk else "by Bo.")
            assert Event.objects.filter(object_type="review", object_code=str(review.pk), after="decided").count() == 1

    def test_of_two_who_mark_one_rule_one_is_told(self):
        for _ in range(5):
            rule, (anna, bo) = self.prepared()
            said = together(*[lambda r=rule, by=by: mark_rule(rule=r, origin="rule", by=by) for by in (anna, bo)])
            (told,) = [one for one in said if isinstance(one, str)]
            assert told.startswith("It was marked for removal on") and Review.objects.filter(rule=rule).count() == 1

    def test_an_objection_beside_the_yes_of_the_deputy_leaves_one_of_the_two(self):
        for _ in range(5):
            rule, _people = self.prepared()
            head, deputy = make.person(role="owner"), make.person(role="owner")
            Rule.objects.filter(pk=rule.pk).update(department=make.department(head=head, deputy=deputy))
            review = self.marked_long_ago(rule)
            decided = transition(review=review, verb="remove", by=None, answers={"play": "Ask.", "nobody_knows": True})
            together(
                lambda r=decided, by=deputy: agree(review=r, by=by),
                lambda r=decided, by=head: object_to(review=r, objection="The bank.", by=by),
            )
            now = Review.objects.get(pk=review.pk)
            notice = Notice.objects.get(about=f"review {review.pk}")
            if now.state == State.DECIDED:
                assert now.owner_agreed_on and not now.objection and notice.state == "published"
            else:
                assert now.state == State.ASSESSING and now.objection and notice.state == "withdrawn"
