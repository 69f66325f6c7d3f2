"""The form of a proposal, and what its page says: what the front line answered, and what waits for whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from django import forms
from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rulebook.access.models import Department, Person
from rulebook.access.rights import own_departments, whom_to_ask
from rulebook.access.scrubbing import scrub, told
from rulebook.cases.forms import RuleSelect
from rulebook.catalogue.front_door import DECIDE, decided, may_decide, why_not_let_in, year_after
from rulebook.catalogue.models import Proposal, Rule
from rulebook.catalogue.queries import Quarter, this_quarter
from rulebook.flags.models import Flag
from rulebook.numbers import signed, whole

MOST_SHOWN = 30  # of what the front line says; the list of flags has them all
LONGEST = 5_000  # characters of a text: what a person reads before saying yes
WRITTEN = ("title", "text", "customer_hears", "protects", "without_it")  # what people write in a proposal


def _text(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class ProposalForm(forms.Form):
    """What is asked of whoever wants one more rule: all on one screen, in the order in which one thinks."""

    title = forms.CharField(
        max_length=500,
        label=gettext_lazy("The rule, in one line"),
        error_messages={"required": gettext_lazy("Write what agents must, must not or may do, in one line.")},
    )
    text = forms.CharField(
        required=False,
        max_length=20_000,
        label=gettext_lazy("The whole text"),
        help_text=gettext_lazy("Blank where the line above says it all."),
        widget=_text(3),
    )
    customer_hears = forms.CharField(
        max_length=LONGEST,
        label=gettext_lazy("The sentence the customer will hear"),
        error_messages={"required": gettext_lazy("Write the sentence that the customer will hear.")},
    )
    protects = forms.CharField(
        max_length=LONGEST,
        label=gettext_lazy("Whom it protects"),
        error_messages={"required": gettext_lazy("Write whom the rule protects, and from what.")},
        widget=_text(2),
    )
    without_it = forms.CharField(
        max_length=LONGEST,
        label=gettext_lazy("What would happen without it"),
        error_messages={"required": gettext_lazy("Write what would happen without the rule.")},
        widget=_text(2),
    )
    replaces = forms.ModelChoiceField(
        required=False,
        queryset=Rule.objects.all(),
        label=gettext_lazy("Which rule it replaces"),
        help_text=gettext_lazy("A stricter version of a rule replaces that rule."),
        error_messages={"invalid_choice": gettext_lazy("There is no such rule. Choose one from the list.")},
        widget=RuleSelect(Proposal._meta.get_field("replaces")),
    )
    none = forms.BooleanField(required=False, label=gettext_lazy("None: +1 this quarter"))
    department = forms.ChoiceField(required=False, label=gettext_lazy("Whose rule it is"))
    review_by = forms.DateField(
        required=False,
        label=gettext_lazy("Look at it again by"),
        help_text=gettext_lazy("In 12 months, unless you set another day."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, data: Any = None, *, person: Person, replaces: str = "") -> None:
        own = own_departments(person)
        initial = {
            "replaces": replaces if replaces.isdecimal() and len(replaces) < 19 else "",
            "department": str(*own) if len(own) == 1 else "",
            "review_by": year_after(timezone.localdate()),
        }
        super().__init__(data, initial=initial)
        departments = [(str(pk), name) for pk, name in Department.objects.order_by("name").values_list("pk", "name")]
        chosen = cast(forms.ChoiceField, self.fields["department"])
        chosen.choices = [("", _("That of the rule it replaces, or nobody's")), *departments]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        replaces, none = cleaned.get("replaces"), cleaned.get("none")
        if "replaces" in cleaned and bool(replaces) == bool(none):
            both = _("Choose the rule it replaces, or say that it replaces none: not both.")
            self.add_error(
                "replaces", both if none else _("Choose the rule it replaces, or say that it replaces none.")
            )
        return cleaned

    def given(self) -> dict[str, Any]:
        """What `propose_rule` takes."""
        fields = {name: value for name, value in self.cleaned_data.items() if name not in {"none", "department"}}
        chosen = self.cleaned_data["department"]
        return {**fields, "department": Department.objects.filter(pk=int(chosen)).first() if chosen else None}

    def hidden(self) -> str:
        """What was hidden before it was stored, as a sentence; "" where nothing was."""
        written = (self.data.get(name, "") for name in WRITTEN)
        return told(sorted({kind for text in written for kind in scrub(text).hidden}))


@dataclass(frozen=True)
class Standing:
    """Where a proposal stands, and what the person who looks at it may do.

    `closed` is why it cannot be let in now. `stranger` is whom to ask, for those who decide elsewhere.
    """

    decided: str
    hearing: bool
    closed: str
    may_decide: bool
    may_withdraw: bool
    stranger: str


def standing_of(proposal: Proposal, person: Person) -> Standing:
    done = decided(proposal)
    may = not done and may_decide(proposal, person)
    elsewhere = not done and not may and person.has_perm(DECIDE)
    return Standing(
        decided=done,
        hearing=not done and proposal.heard_until >= timezone.localdate(),
        closed="" if done else why_not_let_in(proposal),
        may_decide=may,
        may_withdraw=not done and proposal.proposed_by_id == person.pk,
        stranger=whom_to_ask(person, proposal.rule.department) if elsewhere else "",
    )


def hurts_of(proposal: Proposal) -> QuerySet[Flag]:
    """What the front line says of a proposed rule, the newest first. Anonymous flags come the day after."""
    return Flag.objects.filter(rule=proposal.rule_id).order_by("-flagged_on", "pk")


def hurts_counted(proposal: Proposal) -> int:
    return hurts_of(proposal).count()


def with_hurts(proposals: QuerySet[Proposal]) -> QuerySet[Proposal]:
    return proposals.annotate(hurts=Count("rule__flags"))


def hurt_words(count: int) -> str:
    if not count:
        return _("Nobody has said that this will hurt.")
    said = ngettext("%(count)s flag says that this will hurt.", "%(count)s flags say that this will hurt.", count)
    return said % {"count": whole(count)}


def quarter_words(today: date) -> str:
    """What came in by the front door this quarter and what was removed, as a sentence."""
    return _balance(this_quarter(today))


def _balance(quarter: Quarter) -> str:
    entered = ngettext("%(count)s rule has entered", "%(count)s rules have entered", quarter.entered)
    removed = ngettext("%(count)s was removed", "%(count)s were removed", quarter.removed)
    return _("This quarter %(entered)s and %(removed)s: %(balance)s.") % {
        "entered": entered % {"count": whole(quarter.entered)},
        "removed": removed % {"count": whole(quarter.removed)},
        "balance": signed(quarter.balance),
    }


def codes_apart(found: Sequence[Any], *but: Rule | None) -> list[Any]:
    """Rules that say much the same, without those that are named on the page already."""
    named = {rule.pk for rule in but if rule is not None}
    return [likely for likely in found if likely.pk not in named]
