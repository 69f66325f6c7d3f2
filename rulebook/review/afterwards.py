"""What changed after a rule was removed, simplified or delegated without a trial, and the look at it 90 days later.

Compared are the contacts that the rule could touch, in the 90 days before it was marked and in up to 90 days since it
took effect. Other things change too, so this proves nothing: a trial would. Contacts are read once a day by `work` and
what was found is stored with the review, because its page must not wait for them.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from rulebook.access.rights import refuse_others_rules, refuse_without
from rulebook.catalogue.models import Rule
from rulebook.errors import WrongState
from rulebook.journal.services import Acting, business_verb, record
from rulebook.numbers import day, long_day
from rulebook.review.looks import RESOLVED, change
from rulebook.review.models import GONE, Review, State, Trial
from rulebook.review.services import hold
from rulebook.review.states import DECIDE
from rulebook.review.telling import how_it_stands
from rulebook.review.trial_data import IN_TRIAL, Group, Scope, compared, judged_until, scopes_of, summed

DAYS = 90  # that are compared on either side, and after which somebody looks again
COUNTED_DAYS = 180  # after the effect: by then the last of the 90 days is judged, or the help desk has gone quiet
LEAST = 20  # contacts on either side, before any percentage is shown
CHANGED = (State.REMOVED, State.LAPSED, State.SIMPLIFIED, State.DELEGATED)
Beat = Callable[[], None]


def changed() -> QuerySet[Review]:
    """Reviews whose outcome still stands and of which no trial told what it would do; of a rule the last one."""
    later = Review.objects.filter(rule=OuterRef("rule"), pk__gt=OuterRef("pk")).exclude(in_force_on=None)
    tried = Trial.objects.filter(review=OuterRef("pk")).exclude(begun_on=None)
    stands = Q(state__in=GONE, rule__status=Rule.Status.REMOVED) | (~Q(state__in=GONE) & ~Q(rule__status="removed"))
    found = Review.objects.filter(stands, ~Exists(later), ~Exists(tried), state__in=CHANGED)
    return found.exclude(in_force_on=None).select_related("rule")


def to_look_at(today: date) -> QuerySet[Review]:
    """Those whose 90 days are over and that nobody has looked at again; the oldest first."""
    over = changed().filter(in_force_on__lte=today - timedelta(days=DAYS), looked_again_on=None)
    return over.order_by("in_force_on", "pk")


def is_compared(review: Review) -> bool:
    """Whether its page shows what changed since. One query where its outcome is one of those that change something."""
    return review.state in CHANGED and changed().filter(pk=review.pk).exists()


def look_from(review: Review) -> date | None:
    """The day from which somebody looks at it again; None while it has not taken effect."""
    return review.in_force_on + timedelta(days=DAYS) if review.in_force_on else None


def why_not_looked_at(review: Review, today: date) -> str:
    """Why nobody looks at it again today; "" where somebody should. For a review that `is_compared`."""
    if review.looked_again_on:
        return _("Looked at again on %(day)s.") % {"day": day(review.looked_again_on)}
    on = look_from(review)
    if on is not None and today < on:
        return _("Look at it again from %(day)s on.") % {"day": long_day(on)}
    return ""


@business_verb
def look_again(*, review: Review, by: Acting) -> Review:
    """Somebody has looked at what changed in 90 days. Once, and what was found then stays.

    Raises WrongState before that day, after somebody else, and where nothing is compared; NotAllowed without the right
    to decide about the rule.
    """
    at = hold(review, by)
    refuse_without(by, DECIDE)
    refuse_others_rules(by, at.rule.department, at.rule.owner_id)
    if not is_compared(at.review):
        raise WrongState(how_it_stands(at.review))
    if why := why_not_looked_at(at.review, at.today):
        raise WrongState(why)
    at.review.looked_again_on = at.today
    at.review.save(update_fields=["looked_again_on"])
    record("looked_again", "review", str(review.pk), by=by)
    return at.review


def changes_due(today: date) -> bool:
    """Whether `count_changes` would count anything. Looks at no contact."""
    return _to_count(today).exists()


def count_changes(*, today: date, tick: Beat = lambda: None) -> int:
    """Count anew what changed; of how many reviews it is another than before. `tick` may raise to stop in between."""
    other = 0
    for review in _to_count(today):
        tick()
        found = what_changed(review)
        if found != review.changes:
            other += 1
            _keep(review=review, found=found)
    return other


def what_changed(review: Review) -> dict[str, Any]:
    """As it is stored: days as ISO dates, shares in parts of 1; `rise` is of contacts resolved, with its 95 % bounds.

    Of several policies the one with most contacts, for methods are not pooled. {} where none can be judged.
    """
    found = [_compared(review, scope) for scope in scopes_of(review.rule)]
    known = [one for one in found if one and one["before"]["cases"] + one["since"]["cases"]]
    return max(known, key=lambda one: (one["since"]["cases"], one["before"]["cases"]), default={})


def _to_count(today: date) -> QuerySet[Review]:
    fresh = changed().filter(in_force_on__gte=today - timedelta(days=COUNTED_DAYS), looked_again_on=None)
    return fresh.order_by("in_force_on", "pk")


def _compared(review: Review, scope: Scope) -> dict[str, Any]:
    judged, since = judged_until(scope), review.in_force_on
    if judged is None or since is None:
        return {}
    until = min(judged, since + timedelta(days=DAYS - 1))
    first, last = review.marked_on - timedelta(days=DAYS), review.marked_on - timedelta(days=1)
    before = summed(scope, first, last)
    now = summed(scope, since, until) if until >= since else {IN_TRIAL: Group()}
    rise = change(compared(RESOLVED, now, before, control=False), share=True)
    return {
        "method": scope.policy.method,
        "window_days": scope.policy.window_days,
        "topics": list(scope.topics),
        "channels": list(scope.channels),
        "before": _side(first, last, before[IN_TRIAL]),
        "since": _side(since, max(since, until), now[IN_TRIAL]),
        "rise": [round(value, 4) for value in (rise.rise, rise.low, rise.high)] if rise else None,
    }


def _side(first: date, last: date, group: Group) -> dict[str, Any]:
    missed = round(group.misses.y)
    return {"first": first.isoformat(), "last": last.isoformat(), "cases": group.misses.cases, "missed": missed}


@business_verb
def _keep(*, review: Review, found: dict[str, Any]) -> None:
    """Its own day alone: an undo that came meanwhile keeps nothing of the effect it took back."""
    Review.objects.filter(pk=review.pk, in_force_on=review.in_force_on, looked_again_on=None).update(changes=found)
