"""What happened to one rule, in the order of days: from its journal, and from when its wordings apply."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.catalogue.services import MEANING
from rulebook.desk.pages.words import AUTHORITIES, field_names
from rulebook.journal import words
from rulebook.journal.models import Actor, Event

NEWEST_EVENTS = 40
MOST = 6  # what fits beside each other at a glance; all of them stand in the journal
OF_CONTACTS = ("linked", "unlinked")  # happens to contacts, every day; the journal's own page lists it


@dataclass(frozen=True)
class Entry:
    """One thing on the line. No day: since before anybody wrote it down. `ahead`: it has not happened yet."""

    day: date | None
    what: str
    who: str = ""
    ahead: bool = False


def timeline(rule: Rule, versions: Sequence[RuleVersion], today: date, *, names: bool) -> tuple[list[Entry], bool]:
    """How it began and the newest entries, oldest first, and whether others were left out. `names` shows who did it.

    Two queries: the newest events of the rule, by the index that serves it, and their actors.
    """
    events = list(_events(rule).exclude(verb__in=OF_CONTACTS)[:NEWEST_EVENTS])
    actors = Actor.objects.filter(number__in={event.actor for event in events}) if names and events else ()
    who = {actor.number: str(actor) for actor in actors}
    told = [Entry(_day(event), _said(event), who.get(event.actor, "")) for event in _saved_together(events[::-1])]
    entries = [*_starts(versions, events, today), *told]
    if rule.review_by and rule.status == Rule.Status.IN_FORCE:
        entries.append(Entry(rule.review_by, _("To be looked at again"), ahead=rule.review_by > today))
    entries.sort(key=lambda entry: entry.day or date.min)
    if len(entries) > MOST:
        return [entries[0], *entries[1 - MOST :]], True
    return entries, len(events) == NEWEST_EVENTS


def newest_event(rule: Rule) -> Event | None:
    """The last that the journal says of a rule."""
    return _events(rule).first()


def changed_since(rule: Rule, before: Event | None) -> list[str]:
    """The fields that were changed after an event, in the order in which the journal names them."""
    later = _events(rule).filter(verb="changed", number__gt=before.number if before else 0)
    return [name for after in later.values_list("after", flat=True) for name in after.split(",") if name]


def _events(rule: Rule) -> QuerySet[Event]:
    return Event.objects.filter(object_type="rule", object_code=rule.code).order_by("-number")


def _saved_together(events: Sequence[Event]) -> list[Event]:
    """Changes that one person saved one after another on one day, as one; what they are made of is not stored."""
    found: list[Event] = []
    for event in events:
        last = found[-1] if found else None
        if last and last.verb == event.verb == "changed" and (last.actor, _day(last)) == (event.actor, _day(event)):
            last.after = ",".join(dict.fromkeys([*last.after.split(","), *event.after.split(",")]))
        else:
            found.append(event)
    return found


def _starts(versions: Sequence[RuleVersion], events: Sequence[Event], today: date) -> list[Entry]:
    """From when each wording applies, where no event of the same day says it already."""
    changed = {_day(event) for event in events if event.verb == "changed" and {*event.after.split(",")} & {*MEANING}}
    written = {_day(event) for event in events if event.verb in {"written_down", "let_in"}}
    entries = []
    for version in versions:
        begun, ahead = version.applies_from, bool(version.applies_from and version.applies_from > today)
        if begun and begun == version.applies_to:
            continue  # it never applied: a proposal that was not let in, or words that another took the place of
        if version.number == 1:
            if begun is not None and begun not in written:
                entries.append(Entry(begun, _("First applied"), ahead=ahead))
        elif begun not in changed or ahead:
            numbered = {"number": version.number}
            what = _("Version %(number)s will apply") if ahead else _("Version %(number)s applied")
            entries.append(Entry(begun, what % numbered, ahead=ahead))
    return entries


def _day(event: Event) -> date:
    return timezone.localtime(event.at).date()


def _said(event: Event) -> str:
    """The event in words, with what it changed where that tells something."""
    say = SAID.get(event.verb)
    return say(event) if say else words.verb(event.verb)


def _changed(event: Event) -> str:
    names = [name for name in event.after.split(",") if name]
    if {*names} & {*MEANING}:
        return _("Reworded: %(fields)s") % {"fields": field_names(names)}
    return _("Changed: %(fields)s") % {"fields": field_names(names)}


def _lapsed(event: Event) -> str:
    return _("Nobody confirmed the %(claim)s: now a policy") % {"claim": _kind(event.before)}


def _confirmed(event: Event) -> str:
    return _("Confirmed: %(claim)s") % {"claim": _kind(event.after)}


def _kind(authority: str) -> str:
    return str(AUTHORITIES.get(authority, authority)).lower()


def _merged(event: Event) -> str:
    return _("Merged into %(code)s") % {"code": event.after}


def _took_in(event: Event) -> str:
    return _("Took in %(code)s, which said the same") % {"code": event.after}


SAID: dict[str, Callable[[Event], str]] = {
    "changed": _changed,
    "claim_lapsed": _lapsed,
    "authority_confirmed": _confirmed,
    "merged": _merged,
    "took_in": _took_in,
}
