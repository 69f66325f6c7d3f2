"""What stands on the page of one rule beside its figures: words and who answers for them, on any day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.catalogue.claims import confirm_until, mark, why_not_confirmed_by
from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.catalogue.rows import read_day
from rulebook.catalogue.words import FIELDS
from rulebook.desk.pages.comparing import Comparison, compare
from rulebook.desk.pages.words import INTENTS, authority
from rulebook.journal.services import Acting
from rulebook.numbers import day, whole
from rulebook.tables.values import BadValue


@dataclass(frozen=True)
class AsOf:
    """The day that the page is asked for. `given` is False for today, and where `wrong` says why it is no day."""

    text: str
    day: date
    given: bool = False
    wrong: str = ""


def as_of(text: str, today: date) -> AsOf:
    """What somebody typed into "as of"."""
    text = text.strip()
    try:
        found = read_day(text)
    except BadValue:
        words = {"given": text[:40]}
        return AsOf(text, today, wrong=_("“%(given)s” is no date. Write it as 2026-03-01.") % words)
    return AsOf(text, found, given=True) if found else AsOf("", today)


@dataclass(frozen=True)
class Saying:
    """The version whose words are shown, None where none applied; `note` says what is special about that day."""

    version: RuleVersion | None
    note: str = ""


def said_on(rule: Rule, versions: Sequence[RuleVersion], asked: AsOf) -> Saying:
    """What the rule says today, or said on the day asked for. Without a day its newest words are shown in any case."""
    proposed = rule.status == Rule.Status.PROPOSED
    applying = next((version for version in versions if version.applies(asked.day)), None)
    if asked.given:
        if applying is None or proposed:
            return Saying(None, _("It did not apply that day."))
        return Saying(applying, _("Version %(number)s applied.") % {"number": applying.number})
    newest = versions[-1]
    if applying is newest:
        return Saying(newest, _("Proposed: it does not apply yet.") if proposed else "")
    if applying is None:
        if newest.applies_from and newest.applies_from > asked.day:
            return Saying(newest, _("It applies from %(day)s.") % {"day": day(newest.applies_from)})
        if newest.applies_to and newest.applies_to == newest.applies_from:
            return Saying(newest, _("It never applied."))
        return Saying(newest, _("It no longer applies.") if newest.applies_to else "")
    coming = next(version for version in versions if version.number == applying.number + 1)
    note = _("Other words apply from %(day)s: version %(number)s.")
    return Saying(
        applying, note % {"day": day(coming.applies_from) if coming.applies_from else "", "number": coming.number}
    )


@dataclass(frozen=True)
class Owner:
    """Who answers for a rule; `missing` is the sentence where nobody does."""

    name: str = ""
    post: str = ""
    missing: str = ""


def owner_words(rule: Rule) -> Owner:
    """The owner that was named, else the head of the department."""
    department = rule.department
    if rule.owner:
        return Owner(str(rule.owner), department.name if department else "")
    if department is None:
        return Owner(missing=_("Nobody owns it yet."))
    if department.head:
        return Owner(str(department.head), _("head of %(department)s") % {"department": department.name})
    return Owner(department.name, missing=_("Nobody heads this department yet."))


def facts(rule: Rule) -> list[tuple[str, str]]:
    """What else is written down of the rule, [(what, words)]; blanks are left out. One query."""
    limit, wanted = rule.decision_limit, rule.requirements
    needs = ngettext("%(count)s requirement", "%(count)s requirements", wanted or 0) % {"count": whole(wanted or 0)}
    aliases = rule.names.filter(is_code=False).values_list("name", flat=True)
    found = [
        (_("Protective"), _("Safety, privacy, or money above a set limit.") if rule.protective else ""),
        (_("An agent may decide"), limit),
        (_("It asks for"), "" if wanted is None else needs),
        (_("Clause"), rule.clause),
        (_("Confirmed"), _confirmed(rule)),
        (_("Heard"), rule.heard_where),
        (_("Written in"), rule.source_reference),
        (_("First sorting"), str(INTENTS.get(rule.intent, ""))),
        (_("Look again by"), day(rule.review_by) if rule.review_by else ""),
        (_("Other names"), "; ".join(aliases)),
    ]
    return [(name, value) for name, value in found if value]


def _confirmed(rule: Rule) -> str:
    if rule.ours or rule.confirmed_at is None:
        return ""
    when = day(timezone.localtime(rule.confirmed_at).date())
    if rule.confirmed_by is None:
        return _("on %(day)s") % {"day": when}
    return _("by %(person)s on %(day)s") % {"person": rule.confirmed_by, "day": when}


@dataclass(frozen=True)
class Claim:
    """A law or contract that waits for a second person; `refusal` is why this one cannot confirm it."""

    title: str
    told: str
    refusal: str
    mark: str


def claim_of(rule: Rule, person: Acting) -> Claim | None:
    """None where nothing waits to be confirmed."""
    if not rule.claimed:
        return None
    refusal = why_not_confirmed_by(rule, person)
    until = confirm_until(rule)
    words = {
        "who": rule.claimed_by,
        "when": day(rule.claimed_on) if rule.claimed_on else "",
        "until": day(until) if until else "",
    }
    told = _("Claimed by %(who)s on %(when)s.") if rule.claimed_by else _("Claimed on %(when)s.")
    lapse = _("Unconfirmed after %(until)s, it counts as the house's own policy.")
    told = f"{told % words} {lapse % words}"
    return Claim(authority(rule), told, str(refusal or ""), mark(rule))


@dataclass(frozen=True)
class Row:
    """One field of two versions, side by side."""

    name: str
    words: Comparison

    @property
    def changed(self) -> bool:
        return not self.words.same


def compared(before: RuleVersion, after: RuleVersion) -> list[Row]:
    """What makes up the meaning of a rule, field by field."""
    return [
        Row(str(capfirst(FIELDS[name])), compare(_text(before, name), _text(after, name)))
        for name in ("title", "text", "topics", "channels")
    ]


def _text(version: RuleVersion, name: str) -> str:
    value = getattr(version, name)
    return "; ".join(value) if isinstance(value, list) else str(value)
