"""The words of the catalogue, cases and journal as the pages of a rule say them."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rulebook.catalogue.models import Rule
from rulebook.catalogue.words import FIELDS
from rulebook.numbers import whole

KINDS = {
    Rule.Kind.WRITTEN.value: gettext_lazy("Written"),
    Rule.Kind.UNWRITTEN.value: gettext_lazy("Unwritten"),
}
AUTHORITIES = {
    Rule.Authority.LAW.value: gettext_lazy("Law"),
    Rule.Authority.CONTRACT.value: gettext_lazy("Contract"),
    Rule.Authority.POLICY.value: gettext_lazy("House policy"),
    Rule.Authority.PRACTICE.value: gettext_lazy("One department's practice"),
    Rule.Authority.SYSTEM.value: gettext_lazy("A tool forces it"),
    Rule.Authority.HABIT.value: gettext_lazy("Habit"),
    Rule.Authority.UNKNOWN.value: gettext_lazy("Authority unknown"),
}
CLAIMED = {
    Rule.Authority.LAW.value: gettext_lazy("Law (claimed)"),
    Rule.Authority.CONTRACT.value: gettext_lazy("Contract (claimed)"),
}
INTENTS = {
    Rule.Intent.KEEP.value: gettext_lazy("Keep"),
    Rule.Intent.SIMPLIFY.value: gettext_lazy("Simplify"),
    Rule.Intent.DROP.value: gettext_lazy("Drop"),
    Rule.Intent.ASK.value: gettext_lazy("Ask"),
}


def authority(rule: Rule) -> str:
    """Where the rule gets its force, as a tag: "Law (claimed)" until a second person has confirmed it."""
    return str(CLAIMED[rule.authority] if rule.claimed else AUTHORITIES[rule.authority])


def tags(rule: Rule, version: int, confirmed: str = "") -> list[str]:
    """Three at most. A rule that is not in force says so in place of whether it is written.

    Of an unwritten one that somebody flagged, how well it is confirmed tells more than which version it is.
    """
    in_force = rule.status == Rule.Status.IN_FORCE
    first = KINDS[rule.kind] if in_force else rule.get_status_display().capitalize()
    last = confirmed if rule.kind == Rule.Kind.UNWRITTEN else ""
    return [str(first), authority(rule), last or _("Version %(number)s") % {"number": version}]


def listed(names: list[str]) -> str:
    """
    >>> listed(["text", "title", "topics"])
    'text, title and topics'
    """
    if len(names) < 2:
        return "".join(names)
    return _("%(first)s and %(last)s") % {"first": ", ".join(names[:-1]), "last": names[-1]}


def field_names(names: list[str]) -> str:
    """Fields in words, in the order in which the form shows them; a name that is not known stands as it is."""
    order = list(FIELDS)
    known = sorted(names, key=lambda name: (order.index(name) if name in FIELDS else len(order), name))
    return listed([str(FIELDS.get(name, name)) for name in known])


def contacts(count: int) -> str:
    return ngettext("%(count)s contact", "%(count)s contacts", count) % {"count": whole(count)}
