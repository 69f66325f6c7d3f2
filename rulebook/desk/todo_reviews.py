"""What reviews ask of a person on the start page. Zombies and lapsing rules lead."""

from collections.abc import Iterator

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.cases.sentences import days
from rulebook.catalogue.models import Rule
from rulebook.desk.todo import Asker, Todo, asks, short
from rulebook.numbers import day, long_day, whole
from rulebook.review.afterwards import DAYS, to_look_at
from rulebook.review.models import GONE, Review, State
from rulebook.review.queries import waiting_for_yes
from rulebook.review.states import DECIDE
from rulebook.review.sunset import dates_to_agree_to
from rulebook.review.zombies import met_by_team, still_met


def _theirs(asker: Asker) -> QuerySet[Rule]:
    """Rules that a person may decide about, in force or not."""
    return asker.own(Rule.objects.all())


@asks
def met_again(asker: Asker) -> Iterator[Todo]:
    """Removed rules that agents still meet, with the team that meets the first of them most."""
    if not asker.may(DECIDE):
        return
    found = still_met(timezone.localdate()).filter(rule__in=_theirs(asker))
    first = found.first()
    if first is None:
        return
    count, teams = found.count(), met_by_team(first)
    words = {"title": short(first.rule.title), "count": whole(count), "times": whole(first.zombies)}
    detail = ngettext("Met once since it ended.", "Met %(times)s times since it ended.", first.zombies) % words
    if teams and teams[0].named:
        detail += " " + _("Most in: %(team)s.") % {"team": teams[0].team}
    yield Todo(
        title=ngettext("“%(title)s” was removed, and agents still meet it",
                       "%(count)s removed rules are still met, first “%(title)s”", count) % words,
        detail=detail,
        url=_page(first),
        action=_("Look at it"),
        weight=97,
        icon="replay",
    )  # fmt: skip


@asks
def lapsing(asker: Asker) -> Iterator[Todo]:
    """For who answers for the rules, too: an owner may say what they are for."""
    if not asker.may("review.view_review"):
        return
    found = Review.objects.filter(state=State.LAPSING, rule__in=_theirs(asker))
    first = found.select_related("rule").order_by("lapses_on", "pk").first()
    if first is None or first.lapses_on is None:
        return
    count = found.count()
    words = {"title": short(first.rule.title), "count": whole(count), "day": long_day(first.lapses_on)}
    yield Todo(
        title=ngettext("“%(title)s” lapses on %(day)s", "%(count)s rules lapse, the first on %(day)s", count) % words,
        detail=_("Nothing to do, unless somebody shows why it stays."),
        url=_page(first) if count == 1 else _board(),
        action=_("Look at it") if count == 1 else _("Look at them"),
        weight=96,
        icon="hourglass_bottom",
    )


@asks
def your_yes(asker: Asker) -> Iterator[Todo]:
    """Rules that a person answers for, and others wish to see gone."""
    waiting = waiting_for_yes(asker.person)
    first = waiting.first()
    if first is None or not asker.may("review.view_review"):
        return
    count = waiting.count()
    words = {"title": short(first.rule.title), "count": whole(count)}
    yield Todo(
        title=ngettext("“%(title)s” waits for your yes or your objection",
                       "%(count)s rules wait for your yes or your objection", count) % words,
        detail=_("Marked for removal on %(day)s.") % {"day": day(first.marked_on)},
        url=reverse("admin:review_review_asked"),
        action=_("Look at it") if count == 1 else _("Look at them"),
        weight=88,
        icon="inbox",
    )  # fmt: skip


@asks
def unanswered_escalations(asker: Asker) -> Iterator[Todo]:
    if not asker.may(DECIDE):
        return
    waiting = Review.objects.filter(state=State.ESCALATED, answered_on=None, rule__in=_theirs(asker))
    first = waiting.select_related("rule").order_by("answer_due", "pk").first()
    if first is None or first.answer_due is None:
        return
    count, late = waiting.count(), (timezone.localdate() - first.answer_due).days
    words = {"title": short(first.rule.title), "count": whole(count), "who": first.addressee}
    yield Todo(
        title=ngettext("“%(title)s” waits for an answer by %(who)s",
                       "%(count)s escalated rules wait for an answer", count) % words,
        detail=_("It is due on %(day)s.") % {"day": long_day(first.answer_due)} if late <= 0
        else _("It was due on %(day)s,") % {"day": long_day(first.answer_due)},
        overdue="" if late <= 0 else _("%(days)s too long") % {"days": days(late)},
        url=_page(first),
        action=_("Look at it"),
        weight=58 if late <= 0 else 85,
        icon="outbox",
    )  # fmt: skip


@asks
def waiting_for_a_tool(asker: Asker) -> Iterator[Todo]:
    if not asker.may(DECIDE):
        return
    found = Review.objects.filter(
        state=State.DECIDED, tool_changed_on=None, rule__authority=Rule.Authority.SYSTEM, rule__in=_theirs(asker)
    )
    first = found.select_related("rule").order_by("decided_on", "pk").first()
    if first is None:
        return
    count = found.count()
    words = {"title": short(first.rule.title), "count": whole(count)}
    yield Todo(
        title=ngettext("“%(title)s” is decided, and a tool still forces it",
                       "%(count)s rules are decided, and a tool still forces them", count) % words,
        detail=_("Tick “the tool is changed” when it is. The front line then hears of it."),
        url=_page(first),
        action=_("Look at it"),
        weight=75,
        icon="build",
    )  # fmt: skip


@asks
def look_again(asker: Asker) -> Iterator[Todo]:
    """What a removal or a change without a trial has brought, once its 90 days are over."""
    if not asker.may(DECIDE):
        return
    found = to_look_at(timezone.localdate()).filter(rule__in=_theirs(asker))
    first = found.first()
    if first is None or first.in_force_on is None:
        return
    count, old = found.count(), (timezone.localdate() - first.in_force_on).days
    words = {"title": short(first.rule.title), "count": whole(count), "days": days(old)}
    again = (
        _("Look again: “%(title)s”, removed %(days)s ago")
        if first.state in GONE
        else _("Look again: “%(title)s”, changed %(days)s ago")
    )
    yield Todo(
        title=again % words if count == 1
        else _("Look again at %(count)s decisions, the first of %(days)s ago: “%(title)s”") % words,
        detail=_("How its contacts went in the %(days)s days since stands on its page.") % {"days": DAYS},
        url=_page(first),
        action=_("Look at it"),
        weight=57,
        icon="event_repeat",
    )  # fmt: skip


@asks
def later_dates(asker: Asker) -> Iterator[Todo]:
    """Somebody else asks for a later review-by date; anybody who may change rules can be the second person."""
    if not asker.may("catalogue.change_rule") or not asker.may(DECIDE):
        return
    wish = dates_to_agree_to(asker.person).first()
    if wish is None:
        return
    title = short(wish.rule.title)
    asked = _("%(who)s asks for no review-by date any more: “%(title)s”") % {"who": wish.asked_by, "title": title}
    if wish.to is not None:
        words = {"who": wish.asked_by, "title": title, "day": day(wish.to)}
        asked = _("%(who)s asks to look at “%(title)s” later: %(day)s") % words
    yield Todo(
        title=asked,
        detail=_("It stands once you agree. Until then the earlier date does."),
        url=reverse("admin:catalogue_rule_page", args=[wish.rule.pk]),
        action=_("Look at it"),
        weight=55,
        icon="event",
    )


def _page(review: Review) -> str:
    return reverse("admin:review_review_change", args=[review.pk])


def _board() -> str:
    return reverse("admin:review_review_changelist")
