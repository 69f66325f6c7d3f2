"""How well a rule is confirmed: how many people, independent of one another, say that they met it. Never a gate."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.catalogue.models import Rule
from rulebook.flags.models import Flag
from rulebook.numbers import whole


@dataclass(frozen=True)
class Confirmed:
    """`people` counts everybody who signed a flag once, a team whose people came by its link once, and all anonymous
    flags together once: nobody can tell whether they are of one person."""

    people: int = 0
    anonymous: bool = False  # they are one of `people`

    @property
    def badge(self) -> str:
        """ "Confirmed by 3"; blank where nobody has flagged it."""
        if not self.people:
            return ""
        return _("Confirmed by %(count)s") % {"count": whole(self.people)}

    @property
    def sentence(self) -> str:
        if not self.people:
            return _("No agent has flagged it yet.")
        said = ngettext("%(count)s person has met it.", "%(count)s people have met it, independent of one another.",
                        self.people) % {"count": whole(self.people)}  # fmt: skip
        return " ".join([said, _("All anonymous flags together count as one.")]) if self.anonymous else said


def confirmed_by(rule: Rule) -> Confirmed:
    """For one rule: one query."""
    return confirmed([rule.pk]).get(rule.pk, Confirmed())


def confirmed(rule_ids: Iterable[int]) -> dict[int, Confirmed]:
    """{rule id: how well it is confirmed} of those that have a flag; one query for any number of rules."""
    unsigned = Q(anonymous=False, author=None)
    rows = (
        Flag.objects.filter(rule__in=list(rule_ids))
        .order_by()
        .values_list("rule")
        .annotate(
            authors=Count("author", distinct=True),
            teams=Count("team", distinct=True, filter=unsigned),
            gone=Count("pk", filter=unsigned & Q(team=None)),
            nameless=Count("pk", filter=Q(anonymous=True)),
        )
    )
    return {
        rule: Confirmed(authors + teams + bool(gone) + bool(nameless), bool(nameless))
        for rule, authors, teams, gone, nameless in rows
    }
