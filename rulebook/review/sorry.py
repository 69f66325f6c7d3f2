"""Say sorry: the contacts that a removed rule blocked of late, for the help desk, so that somebody calls back.

Read when asked for, and stored nowhere. The references are the help desk's own numbers; who the customers are only the
help desk knows.
"""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from rulebook.access.rights import refuse_without
from rulebook.cases.models import Case, CaseRule, Effect
from rulebook.errors import WrongState
from rulebook.journal.services import Acting
from rulebook.review.models import GONE, Review

SINCE_DAYS = 90  # before the day on which the rule ended
HEADER = ("source", "external_id", "opened_on", "topic", "channel")
VIEW = "cases.view_case"


def cases_to_call(review: Review, *, by: Acting | None) -> Iterator[tuple[str, ...]]:
    """A row for each contact, as `HEADER` names its cells, the newest first. Streamed: there may be many thousands.

    The rows are not made safe for spreadsheets: whoever writes a file does so. Raises NotAllowed without the right to
    see contacts, and WrongState for a rule that has not ended; both at once, not with the first row.
    """
    refuse_without(by, VIEW)
    if not has_ended(review):
        raise WrongState(_("The rule has not ended, so there is nothing to say sorry for yet."))
    return _rows(review)


def count_to_call(review: Review) -> int:
    """How many contacts `cases_to_call` gives; 0 for a rule that has not ended. One query."""
    return _cases(review).count() if has_ended(review) else 0


def has_ended(review: Review) -> bool:
    return review.state in GONE and review.in_force_on is not None


def _rows(review: Review) -> Iterator[tuple[str, ...]]:
    rows = _cases(review).order_by("-opened_day", "-pk").values_list(
        "source__name", "external_id", "opened_day", "topic__path", "channel"
    )  # fmt: skip
    for source, reference, opened, topic, channel in rows.iterator(chunk_size=2000):
        yield source, reference, opened.isoformat(), topic or "", channel


def _cases(review: Review) -> QuerySet[Case]:
    ended = review.in_force_on
    if ended is None:
        return Case.objects.none()
    blocked = CaseRule.objects.filter(rule=review.rule_id, effect=Effect.BLOCKED)
    within = (ended - timedelta(days=SINCE_DAYS), ended)
    return Case.objects.filter(pk__in=blocked.values("case"), excluded="", opened_day__range=within)
