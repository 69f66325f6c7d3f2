"""The sheet of paper: many rules written down at once, a line each, and taken back at once where one was a mistake."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from django.db.models import ForeignObjectRel
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.models import Person
from rulebook.access.rights import own_rules, refuse_others_rules
from rulebook.catalogue.cleaning import LINE_END, clean_line, hidden_of, without_people
from rulebook.catalogue.models import Alias, Rule, RuleChannel, RuleVersion
from rulebook.catalogue.nearness import words_in
from rulebook.catalogue.services import write_down
from rulebook.catalogue.similar import Likely, alike
from rulebook.errors import RulebookError, WrongState
from rulebook.journal.services import Acting, business_verb, record

MOST_LINES = 100  # at once, while somebody waits; a longer list is a file
TAKEN_BACK_WITHIN = timedelta(hours=12)  # a working day's sheet
BULLET = re.compile(r"^\s*(?:[-*•·–—▪◦]+|\(?\d{1,3}[.)])\s+")
OWN_PARTS = (Alias, RuleChannel, RuleVersion)  # what a rule takes with it when it is taken back
UNTOLD = {"votes.standingvote", "flags.heldflag"}  # what nobody may know of yet


@dataclass
class Sheet:
    """What became of some lines: each of them is in one of the three."""

    written: list[Rule] = field(default_factory=list)
    known: list[Likely] = field(default_factory=list)  # rules that say the very same already
    refused: list[tuple[str, str]] = field(default_factory=list)  # line, why
    hidden: str = ""  # what was hidden in the lines that were written, as a sentence


def lines_of(text: str) -> list[str]:
    r"""The rules of a pasted list: no blank lines, no bullets, no numbers before them, none twice.

    >>> lines_of("- No refunds on Fridays\n\n2) Ask for the order number\n- No refunds on Fridays")
    ['No refunds on Fridays', 'Ask for the order number']
    """
    return list(dict.fromkeys(_worded(text)))


def twice_of(text: str) -> int:
    r"""How many lines say what a line above them says.

    >>> twice_of("No cash\n- No cash\nNo refunds")
    1
    """
    lines = _worded(text)
    return len(lines) - len(set(lines))


def wordless_of(text: str) -> dict[int, str]:
    r"""{number: line} of the lines in which a sign stands and no word, such as a lone dash: they are no rules.

    >>> wordless_of("\n§\nNo cash\n - \n---")
    {2: '§', 5: '---'}
    """
    return {number: line for number, line in _numbered(text).items() if line and not re.search(r"\w", line)}


def _worded(text: str) -> list[str]:
    return [line for line in _numbered(text).values() if re.search(r"\w", line)]


def write_lines(*, lines: Iterable[str], kind: str, by: Acting) -> Sheet:
    """Write each line down as a rule found in the house. What one line refuses does not undo the others.

    A line that says word for word what a rule says that is not removed makes none: a second tap writes nothing twice.
    """
    sheet = Sheet()
    # Before the first is written: each writing is a new search. By the words that would be stored.
    standing = {line: _standing(without_people(line)) for line in lines}
    stored: list[str] = []
    for line, known in standing.items():
        if known:
            sheet.known.append(known)
            continue
        try:
            sheet.written.append(write_down(fields={"title": line, "kind": kind}, by=by))
            stored.append(line)
        except RulebookError as reason:
            sheet.refused.append((line, str(reason)))
    sheet.hidden = hidden_of({"title": "\n".join(stored)})
    return sheet


@business_verb
def take_back(*, rule: Rule, by: Acting) -> None:
    """Undo a writing down of today that nothing has come of yet: the rule is gone, the journal says so.

    Raises WrongState where people have worked on it since, or it was written down longer ago than TAKEN_BACK_WITHIN:
    then it is removed by a decision, like any other rule. NotAllowed for a rule of another department.
    """
    rule = Rule.objects.select_for_update(of=("self",)).select_related("department", "owner").get(pk=rule.pk)
    refuse_others_rules(by, rule.department, rule.owner_id)
    if timezone.now() - rule.created_at > TAKEN_BACK_WITHIN or rule.status != Rule.Status.IN_FORCE or _in_use(rule):
        raise WrongState(_("%(code)s is in use by now, so it stays. Sort it as drop instead.") % {"code": rule.code})
    code = rule.code
    rule.delete()
    record("taken_back", "rule", code, by=by)


def to_sort(by: Acting) -> list[tuple[int, str]]:
    """(number, intent) of the rules that this person may sort, in the order in which they were written down."""
    own = own_rules(cast(Person, by))
    rules = Rule.objects.filter(status__in=[Rule.Status.IN_FORCE, Rule.Status.SUSPENDED])
    return list((rules if own is None else rules.filter(own)).order_by("pk").values_list("pk", "intent"))


def _numbered(text: str) -> dict[int, str]:
    """{number: line}, from 1, without the bullets and numbers of a list."""
    return {
        number: clean_line(BULLET.sub("", line)) for number, line in enumerate(LINE_END.sub("\n", text).split("\n"), 1)
    }


def _standing(line: str) -> Likely | None:
    """The rule that says the same in the same words, if there is one."""
    words = words_in(line)
    same = (likely for likely in alike(line, most=3, include_removed=False) if words_in(likely.title) == words)
    return next(same, None)


def _in_use(rule: Rule) -> bool:
    """Whether anything but its own names, its first wording and its figures points at a rule: contacts, flags, ballots,
    or a rule that was merged into it.

    A vote that is not published and a flag that is held keep nothing: a refusal would tell of them. Figures share the
    rule's number; every rule has them as soon as they are computed.
    """
    took_in = Rule.objects.filter(code__in=rule.names.filter(is_code=False).values("name"))
    if rule.versions.count() > 1 or took_in.exists():
        return True
    return any(
        field.related_model._base_manager.filter(**{field.field.name: row}).exists()
        for row in (rule, rule.versions.get())
        for field in row._meta.get_fields(include_hidden=True)
        if isinstance(field, ForeignObjectRel)
        and not field.related_model._meta.auto_created
        and field.related_model not in OWN_PARTS
        and field.related_model._meta.label_lower not in UNTOLD
        and not field.field.primary_key
    )
