"""How a review stands, as one sentence: beside its rule, and to whoever comes too late."""

from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.numbers import day, long_day
from rulebook.review.models import Review, State


def how_it_stands(review: Review) -> str:
    """Who decided what and when; of an open one, since when it has been marked."""
    words = {"day": day(review.marked_on), "state": review.get_state_display(), "who": review.decided_by or ""}
    if review.state == State.DECIDED and review.effective_on:
        words |= {"outcome": review.get_outcome_display(), "on": long_day(review.effective_on)}
        if review.decided_by and review.decided_on == timezone.localdate():
            return _("Decided a moment ago: %(outcome)s from %(on)s, by %(who)s.") % words
        return _("Decided: %(outcome)s from %(on)s.") % words
    if review.state == State.MARKED:
        return _("It was marked for removal on %(day)s.") % words
    if review.state == State.LAPSING and review.lapses_on:
        words["on"] = long_day(review.lapses_on)
        return _("Its review-by date has come. It lapses on %(on)s unless somebody shows why it stays.") % words
    if review.is_open:
        return _("It was marked for removal on %(day)s, and is %(state)s.") % words
    if review.decided_by and review.decided_on == timezone.localdate():
        return _("Decided a moment ago: %(state)s, by %(who)s.") % words
    if review.decided_on:
        return _("This review is over: %(state)s, decided on %(day)s.") % {**words, "day": day(review.decided_on)}
    return _("This review is over: %(state)s.") % words
