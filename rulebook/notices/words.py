"""A notice in words, in the language that is switched on when they are asked for: page, list and letter share them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.notices.models import Notice
from rulebook.numbers import long_day

Kind = Notice.Kind
ENDS = (Kind.REMOVED, Kind.LAPSED, Kind.SUSPENDED)
QUOTES = ('"', "“", "”", "„", "«", "»")


def headline(notice: Notice) -> str:
    """What was written, else a sentence by what changes.

    >>> from rulebook.catalogue.models import RuleVersion
    >>> signatures = RuleVersion(title="Refunds need two signatures.")
    >>> headline(Notice(kind="removed", version=signatures))
    'This rule no longer applies: “Refunds need two signatures”.'
    >>> headline(Notice(kind="delegated", limit="500 kr.", version=signatures))
    'You may now decide this yourself, up to 500 kr.'
    """
    title = notice.version.title.strip().rstrip(".")
    if notice.state == Notice.State.WITHDRAWN:
        return _("Taken back. It stays as it was: “%(rule)s”.") % {"rule": title}
    if notice.headline:
        return notice.headline
    match notice.kind:
        case Kind.DELEGATED if notice.limit:
            return _("You may now decide this yourself, up to %(limit)s.") % {"limit": notice.limit.rstrip(".")}
        case Kind.DELEGATED:
            text = _("You may now decide this yourself: “%(rule)s”.")
        case Kind.SIMPLIFIED:
            text = _("This rule becomes simpler: “%(rule)s”.")
        case Kind.DECLARED_MYTH:
            text = _("No rule of ours says so: “%(rule)s”.")
        case Kind.WRITTEN_DOWN:
            text = _("This rule is now written down: “%(rule)s”.")
        case Kind.SUSPENDED:
            text = _("We try without this rule: “%(rule)s”. You hear from us before it applies again.")
        case Kind.PUT_BACK:
            text = _("This rule applies again: “%(rule)s”.")
        case _other:
            text = _("This rule no longer applies: “%(rule)s”.")
    return text % {"rule": title}


def since(notice: Notice, today: date) -> str:
    """From which day it holds."""
    if notice.effective_on == today:
        return _("From today, %(day)s") % {"day": long_day(today)}
    text = _("From %(day)s") if notice.effective_on > today else _("Since %(day)s")
    return text % {"day": long_day(notice.effective_on)}


def label(notice: Notice, today: date) -> str:
    """What stands before the wording of the rule: which one it is."""
    if notice.state == Notice.State.WITHDRAWN or notice.kind == Kind.PUT_BACK:
        return _("The rule:")
    if notice.kind == Kind.DECLARED_MYTH:
        return _("What we used to say:")
    if today < notice.effective_on:
        return _("Until then:")
    return _("The rule was:") if notice.kind in ENDS else _("The rule now:")


def steps(play: str) -> list[str]:
    """What to do instead, a line a step; numbers and dashes that somebody typed before them are left out.

    >>> steps('1. Refund at once.\\n\\n- Write why.\\n"I can fix that now."')
    ['Refund at once.', 'Write why.']
    """
    return [step for line in play.splitlines() if not _is_said(line) and (step := _without_number(line))]


def sayings(play: str) -> list[str]:
    """What one can say to the customer: the lines that stand wholly in quotation marks.

    >>> sayings('Refund at once.\\n“I can fix that for you now.”')
    ['I can fix that for you now.']
    """
    return [said for line in play.splitlines() if _is_said(line) and (said := line.strip().strip("".join(QUOTES)))]


def _is_said(line: str) -> bool:
    line = line.strip()
    return len(line) > 2 and line.startswith(QUOTES) and line.endswith(QUOTES)


def _without_number(line: str) -> str:
    line = line.strip()
    number, dot, rest = line.partition(" ")
    marked = bool(dot) and (number in {"-", "*", "•", "–"} or (number[:-1].isdecimal() and number[-1] in ".)"))
    return rest.strip() if marked else line


@dataclass(frozen=True)
class Card:
    """A notice as templates show it. Every sentence is made when it is asked for, in the reader's language."""

    notice: Notice
    today: date

    @property
    def headline(self) -> str:
        return headline(self.notice)

    @property
    def since(self) -> str:
        return "" if self.taken_back else since(self.notice, self.today)

    @property
    def label(self) -> str:
        return label(self.notice, self.today)

    @property
    def wording(self) -> str:
        version = self.notice.version
        return version.text or version.title

    @property
    def steps(self) -> list[str]:
        return [] if self.taken_back else steps(self.notice.play)

    @property
    def sayings(self) -> list[str]:
        return [] if self.taken_back else sayings(self.notice.play)

    @property
    def taken_back(self) -> bool:
        return self.notice.state == Notice.State.WITHDRAWN

    @property
    def again(self) -> bool:
        """It was told once more, because the rule was met again."""
        return self.notice.told_again_on is not None and not self.taken_back


def cards(notices: Iterable[Notice]) -> list[Card]:
    today = timezone.localdate()
    return [Card(notice, today) for notice in notices]
