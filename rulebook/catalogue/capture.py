"""The sheet of paper: one line, Enter, next. Then each rule is sorted: keep, simplify, drop or ask, one key each."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from rulebook.access.kept import ask_to_sign_in
from rulebook.access.rights import CHANGE
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.catalogue.sheet import MOST_LINES, lines_of, take_back, to_sort, twice_of, wordless_of, write_lines
from rulebook.catalogue.similar import alike
from rulebook.errors import RulebookError
from rulebook.journal.services import Acting
from rulebook.numbers import whole

ADD = "catalogue.add_rule"
NOT_FOUND = (Rule.Status.REMOVED, Rule.Status.PROPOSED)  # gone, or not there yet
MOST_HOUSES = 20  # "most houses pass twenty on the first sheet of paper"
MOST_SHOWN = 100  # rules of one sitting, the newest
MOST_LIKE = 2  # near-duplicates shown of each
MOST_UNDONE = 50
MOST_NUMBERS = 10  # of lines, named in one sentence
MOST_DROPS = 200
ONLY_THE_SHEET = "X-Sheet"  # sent by `capture.js`, which puts the list where the last one was
SITTING, TOLD, SORTED = "sheet_of_paper", "sheet_told", "sheet_sorted"  # in the session
# What a rule can be sorted as, the key that does it, and what it says. The stack of four is the order on the screen.
INTENTS = {
    Rule.Intent.KEEP: ("k", gettext_lazy("Keep"), gettext_lazy("It helps, or it must be.")),
    Rule.Intent.SIMPLIFY: ("s", gettext_lazy("Simplify"), gettext_lazy("Right, and too much of it.")),
    Rule.Intent.DROP: ("d", gettext_lazy("Drop"), gettext_lazy("We can do without it.")),
    Rule.Intent.ASK: ("a", gettext_lazy("Ask"), gettext_lazy("Somebody else knows why it is there.")),
}

View = Callable[[HttpRequest], HttpResponse]


def only_who_may(permission: str) -> Callable[[View], View]:
    """For people who signed in and have the right. Others are led to the door, or told that it is not theirs."""

    def decorate(view: View) -> View:
        @wraps(view)
        def page(request: HttpRequest) -> HttpResponse:
            if not request.user.is_authenticated:
                return ask_to_sign_in(request)
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request)

        return page

    return decorate


@dataclass
class Sitting:
    """What was written down in this browser since it signed in. `last` of them came with the newest sending.

    What each of them was like is looked up once, when it is written, and shown until it is settled or scrolled away.
    """

    written: list[int] = field(default_factory=list)  # numbers of rules, the newest first
    last: int = 0
    like: dict[str, list[int]] = field(default_factory=dict)  # number of a rule, as text -> of others much like it

    @classmethod
    def of(cls, request: HttpRequest) -> "Sitting":
        return cls(*request.session.get(SITTING, ([], 0, {})))

    def keep(self, request: HttpRequest) -> None:
        shown = self.written[:MOST_SHOWN]
        like = {str(pk): self.like[str(pk)] for pk in shown if self.like.get(str(pk))}
        request.session[SITTING] = (shown, min(self.last, MOST_SHOWN), like)

    def add(self, rules: list[Rule]) -> None:
        self.written[:0] = [rule.pk for rule in reversed(rules)]
        self.last = len(rules) or self.last
        for rule in rules:
            self.like[str(rule.pk)] = [likely.pk for likely in alike(rule, most=MOST_LIKE)]

    def without(self, pk: int) -> None:
        if pk in self.written:
            self.last -= self.written.index(pk) < self.last
            self.written.remove(pk)


@dataclass
class Told:
    """What a page says about what was just sent; `draft` goes back into the field."""

    said: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    draft: str = ""


@dataclass(frozen=True)
class Line:
    """One rule of the list on the page, and rules that say much the same."""

    rule: Rule
    like: list[Rule]


@never_cache
@only_who_may(ADD)
@require_http_methods(["GET", "HEAD", "POST"])
def sheet(request: HttpRequest) -> HttpResponse:
    """The field, what was written down in this sitting, and how many rules the house has by now."""
    sitting = Sitting.of(request)
    if request.method != "POST":
        return _sheet_page(request, sitting, Told(*request.session.pop(TOLD, ())))
    done = {"undo": _undo_last, "same": _the_same}.get(request.POST.get("do", ""), _write)
    told = done(request, sitting)
    sitting.keep(request)
    if not told.errors and ONLY_THE_SHEET not in request.headers:
        request.session[TOLD] = (told.said, [], told.draft)
        kind = request.POST.get("kind")  # a switch that was set stays so
        query = f"?{urlencode({'kind': kind})}" if kind == Rule.Kind.WRITTEN else ""
        return HttpResponseRedirect(reverse("capture") + query)  # so that a reload does not send it again
    return _sheet_page(request, sitting, told, status=422 if told.errors else 200)


def _write(request: HttpRequest, sitting: Sitting) -> Told:
    sent = request.POST.get("lines", "")
    lines, wordless = lines_of(sent), wordless_of(sent)
    if not lines and not wordless:
        return Told(errors=[_("Write a rule in one line. A few words are enough.")])
    if len(lines) > MOST_LINES:
        said = _("These are %(count)s lines, and %(most)s are taken at once. Send them in parts, or import a file.")
        return Told(errors=[said % {"count": whole(len(lines)), "most": MOST_LINES}], draft=sent)
    kind = Rule.Kind.WRITTEN if request.POST.get("kind") == Rule.Kind.WRITTEN else Rule.Kind.UNWRITTEN
    made = write_lines(lines=lines, kind=kind, by=_acting(request))
    sitting.add(made.written)
    told = Told(draft="\n".join([*(line for line, _why in made.refused), *wordless.values()]))
    told.errors = list(dict.fromkeys(why for _line, why in made.refused))
    if wordless:
        told.errors.append(_no_words(list(wordless)))
    if made.hidden:
        told.said.append(made.hidden)
    if twice := twice_of(sent):
        text = ngettext("%(count)s line stood twice.", "%(count)s lines stood twice.", twice)
        told.said.append(text % {"count": whole(twice)})
    for known in made.known:
        told.said.append(_("“%(title)s” stands already, as %(code)s.") % {"title": known.title, "code": known.code})
    if len(made.written) > 1:
        count = len(made.written)
        told.said.insert(0, ngettext("%(count)s rule added.", "%(count)s rules added.", count) % {"count": count})
    return told


def _no_words(numbers: list[int]) -> str:
    """Lines without a word were most likely meant to be something: they are not dropped in silence."""
    shown = ", ".join(whole(number) for number in numbers[:MOST_NUMBERS])
    words = {"lines": shown if len(numbers) <= MOST_NUMBERS else f"{shown}, …"}
    said = ngettext(
        "Line %(lines)s has a sign and no word. It stands in the field.",
        "Lines %(lines)s have signs and no words. They stand in the field.",
        len(numbers),
    )
    return said % words


def _undo_last(request: HttpRequest, sitting: Sitting) -> Told:
    """Take back all that came with the newest sending; its words go back into the field."""
    told = Told()
    lines: list[str] = []
    for rule in _rules(sitting.written[: max(sitting.last, 1)]):
        if _taken_back(request, sitting, rule, told):
            lines.insert(0, rule.title)
    sitting.last = min(1, len(sitting.written))
    told.draft = "\n".join(lines)
    if lines:
        gone = ngettext("Taken back. It stands in the field again.", "Taken back. They stand in the field again.",
                        len(lines))  # fmt: skip
        told.said.append(gone)
    return told


def _the_same(request: HttpRequest, sitting: Sitting) -> Told:
    """The new rule says what an older one does: drop the new one, which must be of this sitting."""
    told = Told()
    sent = request.POST.get("rule", "")
    pk = int(sent) if sent.isascii() and sent.isdigit() and len(sent) <= 15 else 0
    for rule in _rules([pk] if pk in sitting.written else []):
        if _taken_back(request, sitting, rule, told):
            told.said.append(_("“%(title)s” is taken back: it stood there already.") % {"title": rule.title})
    return told


def _taken_back(request: HttpRequest, sitting: Sitting, rule: Rule, told: Told) -> bool:
    try:
        take_back(rule=rule, by=_acting(request))
    except RulebookError as reason:
        told.errors.append(str(reason))
        return False
    sitting.without(rule.pk)
    return True


def _sheet_page(request: HttpRequest, sitting: Sitting, told: Told, status: int = 200) -> HttpResponse:
    rules = _rules(sitting.written)
    others = Rule.objects.in_bulk({pk for rule in rules for pk in sitting.like.get(str(rule.pk), ())})
    context = {
        "told": told,
        "count": counted(Rule.objects.exclude(status__in=NOT_FOUND).count()),
        "list": [
            Line(rule, [others[pk] for pk in sitting.like.get(str(rule.pk), ()) if pk in others]) for rule in rules
        ],
        "last": min(sitting.last, len(rules)),
        "kind": request.POST.get("kind") or request.GET.get("kind"),
        "written": Rule.Kind.WRITTEN.value,
        "may_sort": bool(rules) or Rule.objects.filter(intent="").exclude(status__in=NOT_FOUND).exists(),
    }
    name = "catalogue/capture_sheet.html" if ONLY_THE_SHEET in request.headers else "catalogue/capture.html"
    return render(request, name, context, status=status)


def counted(count: int) -> str:
    """How far the sheet is, in a sentence that invites to go on."""
    if count >= MOST_HOUSES:
        return _("%(count)s written down.") % {"count": whole(count)}
    return _("%(count)s written down; most houses pass %(most)s.") % {"count": count, "most": MOST_HOUSES}


# ---------------------------------------------------------------------------------------------- sorting


@never_cache
@only_who_may(CHANGE)
@require_http_methods(["GET", "HEAD", "POST"])
def sort(request: HttpRequest) -> HttpResponse:
    """One rule a screen, those of the person's own departments; at the end what was sorted as drop."""
    if request.method == "POST":
        return _undo_sorting(request) if request.POST.get("do") == "undo" else _sort_one(request)
    return _sort_page(request)


def _sort_one(request: HttpRequest) -> HttpResponse:
    sent, intent = request.POST.get("rule", ""), request.POST.get("intent", "")
    pk = int(sent) if sent.isascii() and sent.isdigit() and len(sent) <= 15 else 0
    rule = Rule.objects.filter(pk=pk).first()
    if rule is None:
        return _sort_page(request, _("This rule is gone. Here is the next one."), status=409)
    if intent not in INTENTS:
        return _sort_page(request, _("Choose one of the four."), status=422, show=pk)
    before = rule.intent
    try:
        change_rule(rule=rule, fields={"intent": intent}, by=_acting(request))
    except RulebookError as reason:
        return _sort_page(request, str(reason), status=409)
    request.session[SORTED] = [*request.session.get(SORTED, []), [pk, before]][-MOST_UNDONE:]
    return HttpResponseRedirect(f"{reverse('capture_sort')}?{urlencode({'after': pk})}")


def _undo_sorting(request: HttpRequest) -> HttpResponse:
    """Give the rule that was sorted last what it had before, and show it again."""
    done = list(request.session.get(SORTED, []))
    if not done:
        return HttpResponseRedirect(reverse("capture_sort"))
    pk, before = done.pop()
    request.session[SORTED] = done
    rule = Rule.objects.filter(pk=pk).first()
    if rule is not None:
        try:
            change_rule(rule=rule, fields={"intent": before}, by=_acting(request))
        except RulebookError as reason:
            return _sort_page(request, str(reason), status=409)
    return HttpResponseRedirect(f"{reverse('capture_sort')}?{urlencode({'rule': pk})}")


def _sort_page(request: HttpRequest, said: str = "", status: int = 200, show: int = 0) -> HttpResponse:
    stack = to_sort(_acting(request))
    waiting = [pk for pk, intent in stack if not intent]
    shown = _next(waiting, show or _number(request, "rule"), _number(request, "after"))
    context: dict[str, Any] = {
        "said": said,
        "of": len(stack),
        "sorted": len(stack) - len(waiting),
        "progress": _("%(sorted)s of %(of)s sorted")
        % {"sorted": whole(len(stack) - len(waiting)), "of": whole(len(stack))},
        "undo": bool(request.session.get(SORTED)),
    }
    if shown:
        rule = Rule.objects.select_related("department").get(pk=shown)
        context |= {
            "rule": rule,
            "intents": [(intent.value, *words) for intent, words in INTENTS.items()],
            "later": len(waiting) > 1,
        }
    else:
        sorted_as = Counter(intent for _pk, intent in stack)
        drops = [pk for pk, intent in stack if intent == Rule.Intent.DROP]
        context |= {
            "counts": [(words[1], sorted_as[intent]) for intent, words in INTENTS.items() if sorted_as[intent]],
            "drops": list(Rule.objects.filter(pk__in=drops[:MOST_DROPS]).order_by("code")),
            "dropped": len(drops),
            "drop_numbers": ",".join(map(str, drops)),
        }
    return render(request, "catalogue/capture_sort.html", context, status=status)


def _next(waiting: list[int], wanted: int, after: int) -> int:
    """The rule that was asked for, else the one after the last, else the first; 0 where all are sorted."""
    if wanted in waiting:
        return wanted
    return next((pk for pk in waiting if pk > after), waiting[0] if waiting else 0)


def _number(request: HttpRequest, name: str) -> int:
    sent = request.GET.get(name, "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) <= 15 else 0


def _rules(pks: list[int]) -> list[Rule]:
    """Those of the rules that are still there, in the order of their numbers as given."""
    found = Rule.objects.in_bulk(pks)
    return [found[pk] for pk in pks if pk in found]


def _acting(request: HttpRequest) -> Acting:
    return cast(Acting, request.user)
