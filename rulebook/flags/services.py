"""What can be done with flags: send one, add to it, and say which case it was about. Triage has its own module."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.models import Person, Team
from rulebook.access.scrubbing import scrub
from rulebook.cases.linking_flags import link_flagged, source_of, unlink_flagged
from rulebook.cases.queries import only_living_source
from rulebook.catalogue.cleaning import clean_line, clean_name, clean_text
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused
from rulebook.errors import NotAllowed, WrongState
from rulebook.flags.holding import TURN, change_held, hold
from rulebook.flags.models import Flag, HeldFlag
from rulebook.flags.receipts import receipt_code, receipt_digest
from rulebook.journal.services import business_verb, record, take_turn
from rulebook.journal.words import teach
from rulebook.numbers import whole

LONGEST = 5_000  # characters of a text; of a line:
LONGEST_LINE = {"customer_heard": 300, "rule_words": 300, "channel": 100, "case_reference": 255}
MOST_MINUTES = 600
FREE_TEXT = ("stopped", "customer_heard", "rule_words", "channel", "instead", "decision")
ADDED = ("case_reference", "source", "solved", "minutes", "instead", "decision", "quotable")

teach("flag", {column.name: column.verbose_name for column in Flag._meta.fields if column.name in ADDED})


@dataclass(frozen=True)
class Telling:
    """What stopped an agent: the first screen of the form. Only `stopped` has to be there."""

    stopped: str
    customer_heard: str = ""
    rule: Rule | None = None
    rule_words: str = ""
    channel: str = ""


@dataclass(frozen=True)
class More:
    """What can be added to a flag, for an hour after it was sent. An anonymous one never takes a case."""

    case_reference: str = ""
    solved: bool | None = None
    minutes: int | None = None
    instead: str = ""
    decision: str = ""
    quotable: bool = False


Words = TypeVar("Words", Telling, More)


@dataclass(frozen=True)
class Sent:
    """What became of it. `once` names the flag to whoever sent it; `hidden` are the kinds of what was not stored."""

    once: str
    receipt: str = ""  # of an anonymous flag alone: the code with which its answer is read
    hidden: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Added:
    hidden: list[str] = field(default_factory=list)
    case_known: bool | None = None  # None: no case was named, or no rule yet


@business_verb
def send_flag(*, form: str, telling: Telling, anonymous: bool, by: Person | None, team: Team | None) -> Sent:
    """Store what an agent says. The same form with the same words is one flag, however often it is sent.

    `form` is the random number of the form. Another text in the same form, after a step back, is another flag. Who
    sends it (`by`, or the `team` of a link) is stored and written down in the journal, unless it is anonymous: then
    neither is looked at, no event is written, and it waits for the others of its day. Raises FieldRefused.
    """
    told, hidden = _scrubbed(_clean_telling(telling))
    once = _digest(form, told, anonymous)
    take_turn(TURN if anonymous else f"flag {once}")
    if anonymous:
        code = receipt_code(once)
        if not _is_known(once):
            fields = {**vars(told), "once": once, "receipt": receipt_digest(code)}
            hold(HeldFlag(held_on=timezone.localdate(), **fields))
        return Sent(once, code, hidden)
    if not _is_known(once):
        now = timezone.now()
        removed = told.rule is not None and told.rule.status == Rule.Status.REMOVED
        flag = Flag.objects.create(
            once=once, author=by, team=None if by else team, flagged_at=now, flagged_on=timezone.localdate(now),
            source=only_living_source(), rule_was_removed=removed, **vars(told),
        )  # fmt: skip
        record("flagged", "flag", str(flag.pk), after=told.rule.code if told.rule else "", by=by)
    return Sent(once, hidden=hidden)


@business_verb
def add_to_flag(*, once: str, more: More, by: Person | None, team: Team | None = None, receipt: str = "") -> Added:
    """Store what somebody adds to the flag that `send_flag` called `once`. What was added before is replaced.

    Only whoever sent it may: the same person, the same `team` by its link, and of an anonymous one whoever has its
    `receipt` code. Raises NotAllowed, FieldRefused, and WrongState where the flag has gone out to its readers meanwhile
    or is no longer there.
    """
    more, hidden = _scrubbed(_clean_more(more))
    fields = dict(vars(more))
    case = str(fields.pop("case_reference"))
    take_turn(TURN)
    if held := HeldFlag.objects.filter(once=once).first():
        _refuse_others(held.receipt == receipt_digest(receipt))
        change_held(once, **fields)
        return Added(hidden)
    flag = (
        Flag.objects.select_for_update(of=("self",)).select_related("rule").filter(once=once, anonymous=False).first()
    )
    if flag is None:
        raise WrongState(_("Nothing can be added to this flag any more. Write a new one; it may be short."))
    author, from_team = (by.pk if by else None), (team.pk if team and not by else None)
    _refuse_others((author or from_team) is not None and (flag.author_id, flag.team_id) == (author, from_team))
    case_before = flag.case_reference
    fields |= {"case_reference": case, "source": source_of(case)}
    changed = [name for name, value in fields.items() if getattr(flag, name) != value]
    if changed:
        for name, value in fields.items():
            setattr(flag, name, value)
        flag.save(update_fields=list(fields))
        record("added_to", "flag", str(flag.pk), after=",".join(sorted(changed)), by=by)
    return Added(hidden, link_flagged_case(flag=flag, case_before=case_before))


@business_verb
def link_flagged_case(*, flag: Flag, rule_before: Rule | None = None, case_before: str = "") -> bool | None:
    """Let the case of a signed flag say that the flag's rule blocked it; whether the case is here already.

    None where the flag names no case or no rule. Also called when another rule or case has taken the place of one
    (`rule_before`, `case_before`): what no flag says any more is then taken back.
    """
    was = (case_before or flag.case_reference, rule_before or flag.rule)
    now = (flag.case_reference, flag.rule)
    if was != now and was[0] and was[1]:
        others = Flag.objects.filter(case_reference=was[0], rule=was[1]).exclude(pk=flag.pk)
        if not others.exists():
            unlink_flagged(external_id=was[0], rule=was[1])
    if not flag.case_reference or flag.rule is None:
        return None
    return link_flagged(external_id=flag.case_reference, rule=flag.rule)


def _refuse_others(sent_it: bool) -> None:
    if not sent_it:
        raise NotAllowed(_("Somebody else sent this flag. Your text is safe here. Write a flag of your own."))


def _clean_telling(telling: Telling) -> Telling:
    """In the form in which it is stored. Raises FieldRefused for what is missing or too long."""
    stopped = clean_text(telling.stopped)
    if not stopped:
        raise FieldRefused("stopped", _("Write what stopped you. One word is enough."))
    return Telling(
        stopped=_not_too_long("stopped", stopped),
        customer_heard=_not_too_long("customer_heard", clean_line(telling.customer_heard)),
        rule=telling.rule,
        rule_words="" if telling.rule else _not_too_long("rule_words", clean_line(telling.rule_words)),
        channel=_not_too_long("channel", clean_name(telling.channel)),
    )


def _clean_more(more: More) -> More:
    if more.minutes is not None and not 0 <= more.minutes <= MOST_MINUTES:
        raise FieldRefused("minutes", _("Write the minutes as a number from 0 to 600."))
    return replace(
        more,
        case_reference=_not_too_long("case_reference", clean_name(more.case_reference)),
        instead=_not_too_long("instead", clean_text(more.instead)),
        decision=_not_too_long("decision", clean_text(more.decision)),
    )


def _not_too_long(field: str, text: str) -> str:
    longest = LONGEST_LINE.get(field, LONGEST)
    if len(text) > longest:
        told = _("This is %(length)s characters long, and %(longest)s can be stored. Shorten it.")
        raise FieldRefused(field, told % {"length": whole(len(text)), "longest": whole(longest)})
    return text


def _scrubbed(said: Words) -> tuple[Words, list[str]]:
    """The same without what points at one person, and the kinds of what that was."""
    texts = {name: scrub(str(getattr(said, name))) for name in FREE_TEXT if hasattr(said, name)}
    kinds = dict.fromkeys(kind for scrubbed in texts.values() for kind in scrubbed.hidden)
    # What stands in the place of a short mail address may be longer than that was.
    stored: dict[str, Any] = {name: scrubbed.text[: LONGEST_LINE.get(name)] for name, scrubbed in texts.items()}
    return replace(said, **stored), list(kinds)


def _digest(form: str, told: Telling, anonymous: bool) -> str:
    """Names the flag, and tells nothing of it: `form` is random, and kept only on the page of whoever filled it in."""
    words = [form, told.stopped, told.customer_heard, told.rule_words, told.channel]
    parts = [*words, told.rule.code if told.rule else "", "anonymous" if anonymous else "signed"]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _is_known(once: str) -> bool:
    return HeldFlag.objects.filter(once=once).exists() or Flag.objects.filter(once=once).exists()
