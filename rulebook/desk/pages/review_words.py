"""What the page of a review says: what was decided and from when, the evidence then and now, and what has happened."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rulebook.cases.sentences import days as days_in_words
from rulebook.desk.pages.comparing import Comparison, compare
from rulebook.desk.pages.timeline import Entry
from rulebook.journal import words
from rulebook.journal.models import Actor, Event
from rulebook.numbers import day, interval, long_day, points, whole
from rulebook.review import guards
from rulebook.review.evidence import evidence_of
from rulebook.review.models import Review, State
from rulebook.review.situation import Situation
from rulebook.review.telling import how_it_stands
from rulebook.review.trial_showing import TrialShown
from rulebook.votes.counting import HELPS, HURTS

FROM_DAY: Mapping[str, Any] = {
    State.REMOVED.value: gettext_lazy("Removed from %(day)s."),
    State.SIMPLIFIED.value: gettext_lazy("Simplified from %(day)s."),
    State.DELEGATED.value: gettext_lazy("From %(day)s agents decide up to %(limit)s themselves."),
    State.DECLARED_MYTH.value: gettext_lazy("Declared a myth from %(day)s."),
    State.WRITTEN_DOWN.value: gettext_lazy("Written down from %(day)s."),
    State.LAPSED.value: gettext_lazy("Lapses on %(day)s."),
}
BANDS: Mapping[str, Any] = {HURTS: gettext_lazy("it hurts"), HELPS: gettext_lazy("it helps")}
# Of a verb that happens once, the column of the review that says on which day.
DAY_OF: Mapping[str, str] = {
    "marked": "marked_on", "agreed": "owner_agreed_on", "object": "objected_on", "take_effect": "in_force_on",
    "undo": "undone_on", "keep": "decided_on", "escalate": "decided_on", "withdraw": "decided_on",
    "tool_changed": "tool_changed_on", "begin_lapsing": "marked_on", "escalation_answered": "answered_on",
}  # fmt: skip
NEWEST = 60  # events of one review that its page shows


def confirmation(at: Situation) -> str:
    """What was decided, from when, and who hears of it first. Of a review without a decision, how it stands."""
    review = at.review
    if review.state == State.DECIDED and review.effective_on is not None:
        said = str(FROM_DAY[review.outcome]) % {"day": long_day(review.effective_on), "limit": review.limit}
        return " ".join([said, _what_comes_first(at), _undo_words()])
    if review.in_force_on is not None and review.state in FROM_DAY:
        said = str(FROM_DAY[review.state]) % {"day": long_day(review.in_force_on), "limit": review.limit}
        return f"{said} {_undo_words(review.in_force_on)}" if not guards.within_thirty_days(at) else said
    return how_it_stands(review)


def _what_comes_first(at: Situation) -> str:
    if waits := guards.the_owner_had_her_time(at):
        return " ".join([waits, _("The front line hears it after that.")])
    return guards.the_tool_is_changed(at) or _("The front line hears it first.")


def _undo_words(since: date | None = None) -> str:
    if since is not None:
        return _("You can undo it until %(day)s.") % {"day": long_day(since + timedelta(days=guards.UNDO_DAYS))}
    return _("You can undo it for %(days)s days.") % {"days": guards.UNDO_DAYS}


@dataclass(frozen=True)
class Known:
    """One line of the evidence: how it was on the day of the mark, and how it is today."""

    name: str
    then: str
    now: str


def evidence_rows(review: Review) -> list[Known]:
    """Figures, flags and votes side by side. Five queries, for those of today."""
    then, now = review.evidence, evidence_of(review.rule)
    return [
        Known(_("Would not have come back, in 30 days"), _harm(then), _harm(now)),
        Known(_("Price"), _price(then), _price(now)),
        Known(_("Flags so far"), whole(then.get("flags", 0)), whole(now.get("flags", 0))),
        Known(_("Votes"), _votes(then), _votes(now)),
    ]


def _harm(found: Mapping[str, Any]) -> str:
    harm, low, high = (found.get(name) for name in ("harm", "low", "high"))
    if harm is None or low is None or high is None:
        return _("not measurable")
    if harm <= 0:
        return _("no harm seen")
    sure = _("90 %% sure: %(interval)s") % {"interval": interval(round(low), round(high))}
    return f"{whole(round(harm))} ({sure})"


def _price(found: Mapping[str, Any]) -> str:
    price = found.get("price")
    if price is not None and float(price) == 0:
        return _("no contact known that it blocked")
    return _("not known") if price is None else _("at most %(points)s points") % {"points": points(float(price))}


def _votes(found: Mapping[str, Any]) -> str:
    votes = found.get("votes")
    if not votes:
        return _("fewer than five")
    people = ngettext("%(count)s person", "%(count)s people", votes["voters"]) % {"count": whole(votes["voters"])}
    return ": ".join([people, str(BANDS.get(votes["band"], _("mixed")))])


def rewording(at: Situation) -> Comparison | None:
    """The words before beside the new ones, where a new wording was decided; None elsewhere."""
    review = at.review
    if review.outcome not in (State.SIMPLIFIED, State.WRITTEN_DOWN):
        return None
    old = review.rule_before or {"title": at.rule.title, "text": at.rule.text}
    before = _whole(old.get("title", ""), old.get("text", ""))
    return compare(before, _whole(review.new_title or at.rule.title, review.new_text))


def _whole(title: str, text: str) -> str:
    return "\n".join(part for part in (title, text) if part)


def review_timeline(review: Review, trials: Sequence[TrialShown] = (), *, names: bool) -> list[Entry]:
    """What the journal says of a review, the oldest first, and what lies ahead. Two queries."""
    events = list(Event.objects.filter(object_type="review", object_code=str(review.pk)).order_by("-number")[:NEWEST])
    actors = Actor.objects.filter(number__in={event.actor for event in events}) if names and events else ()
    who = {actor.number: str(actor) for actor in actors}
    once = {verb for verb, times in Counter(event.verb for event in events).items() if times == 1}
    days = _days_of(review, trials)
    told = [Entry(_day_of(event, days, once), _what(event), who.get(event.actor, "")) for event in events[::-1]]
    if review.state == State.DECIDED and review.effective_on:
        told.append(Entry(review.effective_on, capfirst(_("in force")), ahead=True))
    return told


def _days_of(review: Review, trials: Sequence[TrialShown]) -> dict[str, date | None]:
    """{verb: the day on which it counts, as the page names it}."""
    found = {verb: getattr(review, column) for verb, column in DAY_OF.items()}
    found[State.DECIDED] = review.decided_on
    if trials:
        found["trial_begun"] = trials[0].trial.begun_on
    return found


def _day_of(event: Event, days: Mapping[str, date | None], once: set[str]) -> date:
    """The day that counts, where it happened once; else the event's."""
    stored = days.get(event.verb if event.verb in days else event.after) if event.verb in once else None
    return stored or timezone.localtime(event.at).date()


def too_long(review: Review, today: date) -> str:
    """By how much the answer to an escalation is late; "" where it is not, or is there."""
    if review.state != State.ESCALATED or review.answered_on or review.answer_due is None:
        return ""
    late = (today - review.answer_due).days
    return _("%(days)s too long") % {"days": days_in_words(late)} if late > 0 else ""


def _what(event: Event) -> str:
    if event.verb == "was_due":
        return _("It was due on %(day)s") % {"day": day(date.fromisoformat(event.after))}
    return words.verb(event.verb)


def notice_words(at: Situation) -> str:
    """Whether the front line has been told, as a sentence; "" where there is nothing to tell."""
    notice = at.notice
    if notice is None or at.review.state not in (State.DECIDED, *FROM_DAY):
        return ""
    if notice.published_on:
        return _("The front line was told on %(day)s.") % {"day": day(notice.published_on)}
    return _("The notice is written. The front line has not been told yet.")
