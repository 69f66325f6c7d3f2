"""The queue of flags: one at a time, with what is like it beside it, and five things to do, one key each.

Everything here works as a plain form; `flags.js` adds the keys. The services decide: who may, who was first, and what
is missing.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from rulebook.access.calendar import house_calendar
from rulebook.access.models import Person
from rulebook.access.scrubbing import scrub, told
from rulebook.catalogue.models import Rule
from rulebook.catalogue.queries import rule_ids_by_name
from rulebook.catalogue.services import FieldRefused
from rulebook.desk.flag_queue import PAGE, answered_of, flags_like, found_in, line, note_waiting, queue_of, rules_for
from rulebook.desk.pages.flag_times import time_lines, window
from rulebook.errors import NotAllowed, RulebookError
from rulebook.flags import replies, triage
from rulebook.flags.answering import ANSWER, may_answer, may_make_rules, refuse_others_flags, to_see
from rulebook.flags.models import REPLY, Flag
from rulebook.flags.replies import Default
from rulebook.flags.sentences import in_words
from rulebook.journal.pages import ReadOnlyAdmin, acting

PEOPLE = (*REPLY, "rule__department__head", "team", "author", "answered_by", "source")
MOST_PAGES = 1_000  # a page far down walks over all before it
LONGEST_TEXT = 10_000  # characters of a field that are taken in; the services say what is too long
FIELD_OF = {"title": "headline"}  # the line is the title of a rule that is made of a flag


@dataclass(frozen=True)
class Verb:
    """One of the five: its key, what its button says, and what the agent reads where nothing else is written."""

    code: str
    key: str
    label: str
    reads: str


def verbs(flag: Flag, anyway: bool) -> list[Verb]:
    """The five, with the sentence of each for this flag."""
    no_rule = replies.in_words(Default.NOT_ASKED, flag.rule.title) if flag.rule else replies.in_words(Default.NO_RULE)
    make = _("Make the rule anyway") if anyway else _("Make a rule of it")
    return [
        Verb("link", "L", _("Link to the chosen rule"), replies.in_words(Default.LINKED, "…")),
        Verb("make", "M", make, replies.in_words(Default.MADE, "…")),
        Verb("merge", "G", _("Merge with the chosen flag"), replies.in_words(Default.MERGED)),
        Verb("answer", "A", _("Answer"), ""),
        Verb("no_rule", "N", _("That is not a rule"), no_rule),
    ]


@dataclass
class Typed:
    """What somebody chose and wrote: kept on the page where it is refused. `errors` by field, "" for all of it."""

    headline: str = ""
    answer: str = ""
    rule: int = 0
    rule_code: str = ""
    into: int = 0
    undecided: bool = False
    anyway: str = ""  # the title that is to be made a rule although one says much the same
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, request: HttpRequest) -> "Typed":
        given = request.POST
        return cls(
            headline=given.get("headline", "")[:LONGEST_TEXT].strip(),
            answer=given.get("answer", "")[:LONGEST_TEXT].strip(),
            rule=_number(given.get("rule", "")),
            rule_code=given.get("rule_code", "")[:200].strip(),
            into=_number(given.get("into", "")),
            undecided="undecided" in given,
            anyway=given.get("anyway", "")[:LONGEST_TEXT].strip(),
        )


class FlagPages(ReadOnlyAdmin):
    """Flags come in by their own form and are answered here; nothing is edited as a row."""

    list_title = gettext_lazy("Flags")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:number>/decide/", wrap(require_POST(self.decide)), name="flags_flag_decide"),
            path("<int:number>/back/", wrap(require_POST(self.put_back)), name="flags_flag_put_back"),
            *super().get_urls(),
        ]

    # Pages

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The queue with its oldest flag open; ?show=answered the others, ?rule= those on one rule, ?q= by words."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = {name: request.GET.get(name, "").strip()[:200] for name in ("show", "rule", "q")}
        if any(asked.values()):
            return self._list(request, asked)
        oldest = queue_of(_person(request)).select_related(None).values_list("pk", flat=True).first()
        return self._one(request, self._flag(request, oldest) if oldest is not None else None, Typed())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        flag = self._flag(request, _number(object_id))
        if flag is None:
            return cast(HttpResponse, self._get_obj_does_not_exist_redirect(request, self.opts, object_id))
        return self._one(request, flag, Typed())

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """In the journal, which holds none of the words."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = urlencode({"object_type": "flag", "object_code": object_id})
        return HttpResponseRedirect(f"{reverse('admin:journal_event_changelist')}?{query}")

    def _flag(self, request: HttpRequest, number: int) -> Flag | None:
        """None where there is no such flag. Raises PermissionDenied where it is for others to see."""
        flag = to_see(_person(request)).select_related(*PEOPLE).filter(pk=number).first()
        if flag is None and Flag.objects.filter(pk=number).exists():
            raise PermissionDenied
        return flag

    def _one(self, request: HttpRequest, flag: Flag | None, typed: Typed, status: int = 200) -> HttpResponse:
        """One flag and those that wait beside it; without a flag, that nothing waits."""
        person, today = _person(request), timezone.localdate()
        calendar, queue = house_calendar(), queue_of(person)
        count = queue.count()
        note_waiting(person, count)
        waiting = [line(each, today, calendar) for each in queue[:PAGE]]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Flags"),
            "content_title": _("Flags"),
            "flag": flag,
            "count": count,
            "more": max(0, count - PAGE),
            "waiting": waiting,
            "times": time_lines(today),
            "window": window(),
            "back": self._undoable(request),
        }
        if flag is not None:
            context |= self._about(person, flag, typed)
            context["age"] = line(flag, today, calendar)
            context["next"] = self._after(flag, [each.flag for each in waiting])
        return TemplateResponse(request, "desk/flags/queue.html", context, status=status)

    def _about(self, person: Person, flag: Flag, typed: Typed) -> dict[str, Any]:
        """What is known of a flag, and what may be done with it by whom."""
        about: dict[str, Any] = {
            "heard": in_words(flag.customer_heard),
            "seen": _state(flag),
            "typed": typed,
            "open": flag.outcome == Flag.Outcome.OPEN,
            "may_answer": may_answer(person, flag),
        }
        if not about["may_answer"]:
            about["why_not"] = _why_not(person, flag)
        elif about["open"]:
            rules, like = rules_for(flag, typed.rule), flags_like(flag, person)
            typed.headline = typed.headline or flag.headline or (flag.rule.title if flag.rule else flag.rule_words)
            offered = [
                verb
                for verb in verbs(flag, bool(typed.anyway) and typed.anyway == typed.headline)
                if verb.code != "make" or may_make_rules(person)
            ]
            chosen = bool(typed.rule_code) or any(rule.chosen for rule in rules)
            likeliest = "link" if chosen else "make" if may_make_rules(person) else "answer"
            about |= {"rules": rules, "like": like, "verbs": offered, "likeliest": likeliest, "chosen": chosen}
        return about

    def _list(self, request: HttpRequest, asked: dict[str, str]) -> HttpResponse:
        """Flags by what is asked of them, a page of lines at a time. No case is read for it."""
        person, today = _person(request), timezone.localdate()
        found = answered_of(person) if asked["show"] == "answered" else to_see(person).select_related("rule")
        if asked["show"] != "answered":
            found = found.order_by("-flagged_on", "pk")
        rule = Rule.objects.filter(pk=_number(asked["rule"])).first() if asked["rule"] else None
        if asked["rule"]:
            found = found.filter(rule=rule) if rule else found.none()
        found = found_in(found, asked["q"])
        page = min(max(1, _number(request.GET.get("page", ""))), MOST_PAGES)
        start = (page - 1) * PAGE
        flags = list(found[start : start + PAGE + 1])
        calendar = house_calendar()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Flags"),
            "content_title": _("Flags"),
            "asked": asked,
            "rule": rule,
            "lines": [line(flag, today, calendar) for flag in flags[:PAGE]],
            "page": page,
            "earlier": _page_of(asked, page - 1) if page > 1 else "",
            "later": _page_of(asked, page + 1) if len(flags) > PAGE else "",
        }
        return TemplateResponse(request, "desk/flags/list.html", context)

    # What is done with a flag

    def decide(self, request: HttpRequest, number: int) -> HttpResponse:
        """One of the five; what was written stays on the page where it is refused."""
        if not request.user.has_perm(ANSWER):
            raise PermissionDenied
        flag = self._flag(request, number)
        if flag is None:
            return cast(HttpResponse, self._get_obj_does_not_exist_redirect(request, self.opts, str(number)))
        typed = Typed.of(request)
        following = self._following(_person(request), flag)
        try:
            if request.POST.get("seen", "") != _state(flag):
                raise triage.AlreadyDecided(triage.what_became_of(flag))
            stored = _do(request, flag, typed)
        except RulebookError as refusal:
            status = 403 if isinstance(refusal, NotAllowed) else 422 if isinstance(refusal, FieldRefused) else 409
            name = getattr(refusal, "field", "")
            typed.errors[FIELD_OF.get(name, name)] = str(refusal)
            if isinstance(refusal, triage.LikelyTwice):
                typed.rule, typed.rule_code, typed.anyway = refusal.rules[0].pk, "", typed.headline
            return self._one(request, self._flag(request, number), typed, status)
        messages.success(request, _said(stored))
        if hidden := told({*scrub(typed.headline).hidden, *scrub(typed.answer).hidden}):
            messages.info(request, hidden)
        address = reverse("admin:flags_flag_changelist")
        if following is not None:
            address = reverse("admin:flags_flag_change", args=[following])
        return HttpResponseRedirect(f"{address}?done={flag.pk}")

    def put_back(self, request: HttpRequest, number: int) -> HttpResponse:
        """Undo: the flag waits again."""
        if not request.user.has_perm(ANSWER):
            raise PermissionDenied
        flag = self._flag(request, number)
        if flag is None:
            return cast(HttpResponse, self._get_obj_does_not_exist_redirect(request, self.opts, str(number)))
        try:
            triage.put_back(flag=flag, by=acting(request))
        except RulebookError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("It is back in the queue. Its answer stays until you write another."))
        return HttpResponseRedirect(reverse("admin:flags_flag_change", args=[flag.pk]))

    def _undoable(self, request: HttpRequest) -> Flag | None:
        """The flag that was decided just before, to be put back by one button."""
        done = _number(request.GET.get("done", ""))
        return to_see(_person(request)).exclude(outcome="").filter(pk=done).first() if done else None

    def _after(self, flag: Flag, waiting: list[Flag]) -> Flag | None:
        """The next of those that are listed, the first again after the last."""
        others = [other for other in waiting if other.pk != flag.pk]
        place = (flag.flagged_on, flag.pk)
        return next((o for o in others if (o.flagged_on, o.pk) > place), others[0] if others else None)

    def _following(self, person: Person, flag: Flag) -> int | None:
        """The next in the queue after this one; None where it was the last, and the queue begins anew."""
        later = Q(flagged_on__gt=flag.flagged_on) | Q(flagged_on=flag.flagged_on, pk__gt=flag.pk)
        return queue_of(person).select_related(None).filter(later).values_list("pk", flat=True).first()


def _do(request: HttpRequest, flag: Flag, typed: Typed) -> Flag:
    """Call the service of the button that was pressed. Raises RulebookError."""
    words: dict[str, Any] = {"flag": flag, "headline": typed.headline, "answer": typed.answer, "by": acting(request)}
    doing: dict[str, Callable[[], Flag]] = {
        "link": lambda: triage.link_flag(rule=_chosen_rule(typed), **words),
        "make": lambda: triage.make_rule_of(title=typed.headline, anyway=typed.anyway == typed.headline, **words),
        "merge": lambda: triage.merge_flags(into=_chosen_flag(request, typed), **words),
        "answer": lambda: triage.answer_flag(decided=not typed.undecided, **words),
        "no_rule": lambda: triage.not_a_rule(**words),
    }
    verb = request.POST.get("verb", "")
    if verb not in doing:
        raise FieldRefused("", _("Choose what becomes of the flag."))
    return doing[verb]()


def _chosen_rule(typed: Typed) -> Rule:
    """A code that was typed comes before the rule that was chosen for them."""
    number = rule_ids_by_name([typed.rule_code]).get(typed.rule_code, 0) if typed.rule_code else typed.rule
    rule = Rule.objects.select_related("department", "owner").filter(pk=number).first()
    if rule is None and typed.rule_code:
        raise FieldRefused("rule", _("No rule has the code %(code)s.") % {"code": typed.rule_code})
    if rule is None:
        raise FieldRefused("rule", _("Choose the rule that it is about, or make a rule of it."))
    return rule


def _chosen_flag(request: HttpRequest, typed: Typed) -> Flag:
    into = to_see(_person(request)).select_related("rule__department").filter(pk=typed.into).first()
    if into is None:
        raise FieldRefused("into", _("Choose the flag that says the same."))
    return into


def _said(flag: Flag) -> str:
    """What was done, and what the agent reads now."""
    done = flag.get_outcome_display() if flag.outcome else _("a first reply; it stays in the queue")
    return _("Stored: %(done)s. The agent reads: “%(answer)s”") % {"done": done, "answer": flag.reply}


def _why_not(person: Person, flag: Flag) -> str:
    try:
        refuse_others_flags(person, flag)
    except NotAllowed as refusal:
        return str(refusal)
    return ""


def _state(flag: Flag) -> str:
    """What a decision was made on: whoever decides on an older one is told so."""
    moments = (flag.replied_at, flag.decided_at)
    said = hashlib.sha256(f"{flag.headline}\0{flag.answer}\0{flag.by_default}".encode()).hexdigest()[:16]
    return " ".join([flag.outcome, str(flag.rule_id or ""), *(at.isoformat() if at else "" for at in moments), said])


def _page_of(asked: dict[str, str], page: int) -> str:
    return "?" + urlencode({**{name: value for name, value in asked.items() if value}, "page": page})


def _number(text: str) -> int:
    """The number of a row; 0, which no row has, for what is none."""
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 19 else 0


def _person(request: HttpRequest) -> Person:
    return cast(Person, request.user)
