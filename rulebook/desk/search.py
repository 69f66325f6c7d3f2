"""What the one search box finds: rules and flags by what they say, cases by the number that the help desk gave them."""

from dataclasses import dataclass, field
from typing import cast

from django.contrib.auth.models import AnonymousUser

from rulebook.access.models import Person
from rulebook.cases.models import Case, Source
from rulebook.catalogue.cleaning import clean_line
from rulebook.catalogue.finding import best_first, rules_matching
from rulebook.catalogue.models import Rule
from rulebook.desk.flag_queue import found_in
from rulebook.flags.answering import to_see
from rulebook.flags.models import Flag
from rulebook.tables.values import clean_key

MOST_RULES = 20
MOST_FLAGS = 10


@dataclass(frozen=True)
class Found:
    """`more` is True when more rules fit than are in `rules`. What a person may not see is not looked for."""

    rules: list[Rule] = field(default_factory=list)
    more: bool = False
    cases: list[Case] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)  # the newest

    def __bool__(self) -> bool:
        return bool(self.rules or self.cases or self.flags)


def find(text: str, person: Person | AnonymousUser) -> Found:
    """The finds for what somebody typed, the best first; none where nothing was typed."""
    text = clean_line(text)
    if not text:
        return Found()
    rules = _rules(text) if person.has_perm("catalogue.view_rule") else []
    cases = _cases(text) if person.has_perm("cases.view_case") else []
    flags = _flags(text, cast(Person, person)) if person.has_perm("flags.view_flag") else []
    return Found(rules[:MOST_RULES], len(rules) > MOST_RULES, cases, flags)


def _rules(text: str) -> list[Rule]:
    """One more than are shown, to know whether there are more."""
    return list(best_first(rules_matching(Rule.objects.all(), text), text)[: MOST_RULES + 1])


def _cases(text: str) -> list[Case]:
    """At most one case a source. The sources are named, so that the unique index of source and id finds it."""
    sources = list(Source.objects.values_list("pk", flat=True))
    found = Case.objects.filter(source_id__in=sources, external_id=clean_key(text))
    return list(found.select_related("source", "topic").order_by("source__name"))


def _flags(text: str, person: Person) -> list[Flag]:
    found = found_in(to_see(person).select_related("rule"), text)
    return list(found.order_by("-flagged_on", "pk")[:MOST_FLAGS])
