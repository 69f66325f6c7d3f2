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
from rulebook.review.models import Review, State
from rulebook.review.states import DECIDE
from rulebook.review.sunset import waiting_dates
from rulebook.review.zombies import is_quiet, met_by_team, zombies

MOST_ZOMBIES = 20  # that are looked through for one that is not quiet


def _theirs(asker: Asker) -> QuerySet[Rule]:
    """Rules that a person may decide about, in force or not."""
    return asker.own(Rule.objects.all())


@asks
def met_again(asker: Asker) -> Iterator[Todo]:
    """Removed rules that agents still meet, with the team that meets the first of them most."""
    if not asker.may(DECIDE):
        return
    today = timezone.localdate()
    found = [
        review for review in zombies().filter(rule__in=_theirs(asker))[:MOST_ZOMBIES] if not is_quiet(review, today)
    ]
    if not found:
        return
    first, count = found[0], len(found)
    teams = met_by_team(first)
    words = {"title": short(first.rule.title), "count": whole(count), "times": whole(first.zombies)}
    detail = ngettext("Met once since it ended.", "Met %(times)s times since it ended.", first.zombies) % words
    if teams:
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
    if not asker.may(DECIDE):
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
def later_dates(asker: Asker) -> Iterator[Todo]:
    """Somebody else asks for a later review-by date; anybody who may change rules can be the second person."""
    if not asker.may("catalogue.change_rule") or not asker.may(DECIDE):
        return
    wish = waiting_dates().exclude(asked_by=asker.person).exclude(asked_by=None).first()
    if wish is None:
        return
    title = short(wish.rule.title)
    asked = _("%(who)s asks for no review-by date any more: “%(title)s”") % {"who": wish.asked_by, "title": title}
    if wish.to is not None:
        words = {"who": wish.asked_by, "title": title, "day": day(wish.to)}
        asked = _("%(who)s asks to look at “%(title)s” later: %(day)s") % words
    yield Todo(
        title=asked,
        detail=_("Set the same date in the list of rules, and it stands."),
        url=reverse("admin:catalogue_rule_changelist") + f"?q={wish.rule.code}",
        action=_("Look at it"),
        weight=55,
        icon="event",
    )


def _page(review: Review) -> str:
    return reverse("admin:review_review_change", args=[review.pk])


def _board() -> str:
    return reverse("admin:review_review_changelist")
