"""What is done from the desk: one change to many rules, and the filters that people keep for themselves."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl, urlencode

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.access.models import Person
from rulebook.catalogue.cleaning import clean_line
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import RuleFields, add_topic, change_rule
from rulebook.desk.filters import PARAMETERS
from rulebook.desk.models import SavedFilter
from rulebook.errors import NotAllowed, RulebookError
from rulebook.journal.services import Acting, business_verb
from rulebook.review.sunset import Moved, move_date

MOST_AT_ONCE = 500  # rules of one bulk change: it is done while somebody waits
MOST_FILTERS = 30  # of one person
LONGEST_QUERY = 2_000
ORDER = re.compile(r"-?[0-9]{1,2}(\.-?[0-9]{1,2})*")


@dataclass
class Outcome:
    """What became of a change to many rules: changed + same + the sum of `refused` are all of them."""

    changed: int = 0
    same: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # {why: how many}

    def __str__(self) -> str:
        said = ngettext("%(count)s rule changed", "%(count)s rules changed", self.changed) % {"count": self.changed}
        for why, count in self.refused.items():
            said += _(", %(count)s not: %(why)s") % {"count": count, "why": why.rstrip(".")}
        if self.same:
            had = ngettext("%(count)s had it already", "%(count)s had it already", self.same) % {"count": self.same}
            said += f"; {had}"
        return f"{said}."


@business_verb
def save_rule(*, rule: Rule, fields: RuleFields, by: Acting | None) -> Moved:
    """Store what was changed in the form of a rule; a later review-by date in it waits for a second person.

    Says what became of the date: Moved.SAME where none was given. All of it or nothing: raises as `change_rule` and
    `move_date` do.
    """
    # The date first: the rest may pass the rule on to a department where this person moves none.
    moved = move_date(rule=rule, to=fields["review_by"], by=by) if "review_by" in fields else Moved.SAME
    rest = cast(RuleFields, {name: value for name, value in fields.items() if name != "review_by"})
    if rest or not fields:
        change_rule(rule=rule, fields=rest, by=by)
    return moved


def change_many(*, rule_ids: Iterable[int], fields: RuleFields, by: Acting | None, topic: str = "") -> Outcome:
    """Change each of the rules as `change_rule` would; `topic` joins those that a rule has.

    Each rule is a change of its own: what one refuses does not undo the others, and the outcome says why.
    """
    outcome = Outcome()
    for rule in Rule.objects.filter(pk__in=list(rule_ids)).select_related("department").order_by("code"):
        try:
            if set(fields) == {"review_by"}:
                moved = save_rule(rule=rule, fields=fields, by=by)
                if moved == Moved.ASKED:
                    outcome.refused[_("a second person has to agree")] += 1
                    continue
                done = moved == Moved.MOVED
            elif topic:
                done = add_topic(rule=rule, path=topic, by=by)
            else:
                done = change_rule(rule=rule, fields=fields, by=by)
        except NotAllowed:
            name = rule.department.name if rule.department else _("no department")
            outcome.refused[_("belongs to %(department)s") % {"department": name}] += 1
        except RulebookError as refusal:
            outcome.refused[str(refusal)] += 1
        else:
            outcome.changed += done
            outcome.same += not done
    return outcome


@business_verb
def save_filter(*, name: str, query: str, by: Person) -> SavedFilter:
    """Keep a search and its filters under a name; the same name again replaces it. For that person alone.

    A personal setting, so the journal is not told. Raises RulebookError when nothing is filtered, or a name is missing.
    """
    name, query = clean_line(" ".join(name.split())), own_parameters(query)
    longest = SavedFilter._meta.get_field("name").max_length or 0
    if not name or len(name) > longest:
        raise RulebookError(_("A filter needs a name of 1 to %(most)s characters.") % {"most": longest})
    if not query:
        raise RulebookError(_("Nothing is filtered, so there is nothing to save. Choose a filter first."))
    others = SavedFilter.objects.filter(person=by).exclude(name=name)
    if others.count() >= MOST_FILTERS:
        raise RulebookError(_("You have %(most)s filters. Forget one first.") % {"most": MOST_FILTERS})
    return SavedFilter.objects.update_or_create(person=by, name=name, defaults={"query": query})[0]


@business_verb
def forget_filter(*, number: int, by: Person) -> None:
    """Take away one of the person's own filters; nothing happens where it is gone already, or another's."""
    SavedFilter.objects.filter(pk=number, person=by).delete()


def own_parameters(query: str) -> str:
    """The part of an address that says which rules the list shows, and in which order; all else is left out.

    >>> own_parameters("?q=refund&status=&p=3&kind=unwritten&agent_key=x")
    'kind=unwritten&q=refund'
    """
    if len(query) > LONGEST_QUERY:
        return ""
    known = {*PARAMETERS, "q"}
    given = parse_qsl(query.removeprefix("?"))
    kept = {name: value for name, value in given if value.strip() and (name in known or _is_order(name, value))}
    return urlencode(sorted(kept.items()))


def _is_order(name: str, value: str) -> bool:
    return name == "o" and ORDER.fullmatch(value) is not None
