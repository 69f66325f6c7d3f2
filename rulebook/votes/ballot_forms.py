"""What a facilitator fills in: a ballot, and a show of hands. Clean types only: the services decide."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rulebook.catalogue.finding import rules_matching
from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.catalogue.queries import rule_ids_by_name
from rulebook.votes.ballots import MOST_PEOPLE, MOST_RULES
from rulebook.votes.counting import PLACES
from rulebook.votes.forms import EASE, IMPACT
from rulebook.votes.models import Ballot, BallotItem

MOST_TYPED = 20_000  # characters of a list of rules


class BallotForm(forms.Form):
    """A ballot on rules that are named one a line, as people name them."""

    title = forms.CharField(
        label=gettext_lazy("What is it about?"),
        max_length=200,
        error_messages={"required": gettext_lazy("Give it a title. Voters read it first.")},
    )
    rules = forms.CharField(
        label=gettext_lazy("Which rules?"),
        max_length=MOST_TYPED,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy("One a line: its code, another of its names, or words that only this rule has."),
        error_messages={"required": gettext_lazy("Name one rule at least.")},
    )
    questions = forms.ChoiceField(
        label=gettext_lazy("What is asked?"),
        choices=Ballot.Questions.choices,
        initial=Ballot.Questions.BOTH,
        widget=forms.RadioSelect,
    )
    rounds = forms.TypedChoiceField(
        label=gettext_lazy("How often?"),
        choices=[(1, gettext_lazy("One round")), (2, gettext_lazy("Two rounds, with a talk between them"))],
        coerce=int,
        initial=1,
        widget=forms.RadioSelect,
    )

    def clean_rules(self) -> list[RuleVersion]:
        """The newest wordings of the rules, each once."""
        named = [line.strip() for line in self.cleaned_data["rules"].splitlines() if line.strip()]
        if len(named) > MOST_RULES:
            raise forms.ValidationError(_("A ballot is on %(most)s rules at most.") % {"most": MOST_RULES})
        known = rule_ids_by_name([*named, *(line.split()[0] for line in named)])
        found, wrong = [], []
        for line in named:
            number = known.get(line) or known.get(line.split()[0])
            rules = Rule.objects.exclude(status=Rule.Status.REMOVED)
            rules = rules.filter(pk=number) if number else rules_matching(rules, line)
            met = list(rules.order_by("code")[:4])
            if len(met) == 1:
                found.append(met[0].pk)
            else:
                wrong.append(_not_one(line, met))
        if wrong:
            raise forms.ValidationError(wrong)
        newest: dict[int, RuleVersion] = {}
        for version in RuleVersion.objects.filter(rule__in=found).order_by("number"):
            newest[version.rule_id] = version
        return [newest[number] for number in dict.fromkeys(found)]


def _not_one(line: str, met: list[Rule]) -> str:
    line = line[:80]
    if not met:
        return _("No rule in force is found by “%(line)s”.") % {"line": line}
    codes = ", ".join(rule.code for rule in met)
    return _("Several rules are found by “%(line)s”, such as %(codes)s. Write the code of one.") % {
        "line": line,
        "codes": codes,
    }


class HandsForm(forms.Form):
    """How many hands went up for each answer to one question on one rule. All blank: nothing is entered."""

    def __init__(self, data: Any = None, *, item: BallotItem, ease: bool) -> None:
        super().__init__(data, prefix=f"{item.pk}-{'ease' if ease else 'impact'}")
        self.item, self.ease = item, ease
        for number, words in EASE if ease else IMPACT:
            self.fields[f"at{number + 2}"] = forms.IntegerField(
                label=words,
                required=False,
                min_value=0,
                max_value=MOST_PEOPLE,
                widget=forms.NumberInput(attrs={"inputmode": "numeric", "min": 0}),
                error_messages={
                    name: gettext_lazy("Count the hands: a whole number, 0 or more.")
                    for name in ("invalid", "min_value", "max_value")
                },
            )

    def counts(self) -> dict[int, int]:
        """{place from -2 to +2: people}; empty where nothing was filled in."""
        given = {place: self.cleaned_data.get(f"at{place + 2}") for place in PLACES}
        if all(people is None for people in given.values()):
            return {}
        return {place: people or 0 for place, people in given.items()}


def hands_forms(ballot: Ballot, data: Any = None) -> Iterator[HandsForm]:
    """One form a rule and question, in the ballot's order."""
    questions = (False, True) if ballot.questions == Ballot.Questions.BOTH else (False,)
    for item in ballot.items.select_related("version__rule").order_by("place"):
        for ease in questions:
            yield HandsForm(data, item=item, ease=ease)
