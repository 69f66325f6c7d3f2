"""A notice that is put off puts off what it tells of."""

from datetime import date, timedelta

import pytest

from rulebook.errors import WrongState
from rulebook.notices.models import Notice
from rulebook.notices.services import change_notice
from rulebook.review.models import State
from rulebook.review.services import transition
from tests import make

MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)


@pytest.mark.django_db
def test_the_rule_ends_on_the_day_that_the_front_line_was_told(agent, manager, travel):
    travel(MONDAY)
    rule = make.rule("Refunds need two signatures")
    make.vote(rule, -2, by=agent)
    answers = {"play": "Refund at once.", "nobody_knows": True}
    review = transition(review=make.review(rule, by=manager), verb="remove", by=manager, answers=answers)
    notice = Notice.objects.get()
    put_off = MONDAY + 3 * DAY
    change_notice(notice=notice, headline="", play=notice.play, effective_on=put_off, typo=False, by=manager)
    travel(MONDAY + DAY)
    with pytest.raises(WrongState, match="Thursday 5 March"):
        transition(review=review, verb="take_effect", by=None)
    travel(put_off)
    assert transition(review=review, verb="take_effect", by=None).state == State.REMOVED
