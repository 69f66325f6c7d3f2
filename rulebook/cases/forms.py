"""Forms of sources, links and uploads. They clean types; the services decide."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminRadioSelectWidget, UnfoldBooleanWidget

from rulebook.cases.helpdesks import GENERIC
from rulebook.cases.models import CaseRule, Effect, Source
from rulebook.cases.presets import NEEDED, plain
from rulebook.cases.previewing import Preview
from rulebook.cases.sentences import METHODS
from rulebook.cases.uploads import LONGEST_SOURCE, Options
from rulebook.catalogue.models import Rule
from rulebook.environment import is_time_zone
from rulebook.journal.pages import RefusingForm
from rulebook.tables.values import clean_key

# Fields of a case in the order in which people think of one. The text of a case is not stored, so nobody is asked.
FIELD_NAMES = {
    "external_id": _("Case number"),
    "opened_at": _("Opened"),
    "customer": _("Customer"),
    "topic": _("Topic"),
    "channel": _("Channel"),
    "rules": _("Rules it met"),
    "closed_at": _("Closed"),
    "team": _("Team"),
    "agent": _("Agent"),
    "handoffs": _("Handovers"),
    "reopens": _("Reopened"),
    "replies": _("Replies"),
    "handle_seconds": _("Time handled"),
    "declared": _("Solved, says the agent"),
    "survey": _("Solved, says the customer"),
    "direction": _("Inbound or outbound"),
    "excluded": _("Why it does not count"),
}
TELLING = ("external_id", "opened_at", "customer", "topic")
MISSED = {
    "customer": _("Without it nobody can be seen to come back."),
    "topic": _("Without it any new contact of a customer counts as a repeat."),
}

EFFECTS = {
    Effect.BLOCKED.value: _("It kept the agent from solving the case"),
    Effect.APPLIED.value: _("It was in play, and the case could be solved"),
}
NAMED = {
    Effect.APPLIED.value: _("The rule was in play"),
    Effect.BLOCKED.value: _("The rule kept the agent from solving it"),
}
KEYS = {
    Source.Key.CUSTOMER_TOPIC.value: _("The same customer on the same topic"),
    Source.Key.CUSTOMER.value: _("The same customer, whatever the topic"),
}


class Sentences(UnfoldAdminRadioSelectWidget):  # type: ignore[misc]  # Unfold has no types
    """Radios whose labels are sentences: the frame's own cut a label after one line."""

    option_template_name = "cases/sentence_option.html"


class SourceForm(RefusingForm):
    method = forms.ChoiceField(
        label=_("Method"),
        choices=METHODS.items(),
        widget=Sentences,
        help_text=_(
            "Figures of different methods are never added up. After a change all outcomes of the source are computed "
            "anew, in the background."
        ),
    )
    window_days = forms.IntegerField(
        label=_("Window in days"),
        min_value=1,
        max_value=366,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("7 is usual. For no repeat and closed fast; the other methods look at no window."),
    )
    key = forms.ChoiceField(
        label=_("The same thing is"),
        choices=KEYS.items(),
        widget=Sentences,
        help_text=_("For no repeat. With the topic, a new question of the same customer is no repeat."),
    )
    retired = forms.BooleanField(
        label=_("Retired"),
        required=False,
        widget=UnfoldBooleanWidget,
        help_text=_("It sends no more cases. Then it holds back no other source that shares its customers."),
    )

    class Meta:
        model = Source
        fields = ("method", "window_days", "key", "retired")


class RuleSelect(AutocompleteSelect):
    """Rules by code or title as one types; the admin's own look-up, which asks for the right to see rules."""

    def __init__(self, column: Any = None) -> None:
        """`column` is that which the rule is stored in: of a link, unless it is given."""
        column = column or CaseRule._meta.get_field("rule")
        super().__init__(column, admin.site, attrs={"class": "unfold-admin-autocomplete"})

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """What was sent in place of a number names no rule."""
        numbers = [text for text in value if str(text).isdecimal() and len(str(text)) < 19]
        return super().optgroups(name, numbers, attr)


class LinkForm(forms.Form):
    """One rule that a case met, said by a person."""

    rule = forms.ModelChoiceField(
        label=_("Rule"),
        queryset=Rule.objects.all(),
        widget=RuleSelect,
        error_messages={"required": _("Choose the rule that the case met.")},
    )
    effect = forms.ChoiceField(
        label=_("What it did"),
        choices=EFFECTS.items(),
        initial=Effect.BLOCKED.value,
        widget=Sentences,
    )


class FilesForm(forms.Form):
    """The file that somebody brings, and perhaps one that says which rules its cases met."""

    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,  # refused by its reader, with a sentence that says what to do
        error_messages={"required": _("Choose the file with the cases.")},
    )
    links = forms.FileField(
        label=_("File of links"),
        required=False,
        allow_empty_file=True,
        help_text=_("Which case met which rule: columns case, rule and effect."),
    )


class CheckForm(forms.Form):
    """How a file is read: a column for each field, the source, and what hardly anybody has to say."""

    source = forms.CharField(
        label=_("Source"),
        max_length=LONGEST_SOURCE,
        strip=True,
        widget=forms.TextInput({"list": "sources", "autocomplete": "off"}),
        help_text=_("The system these cases come from. Choose one you know, or name a new one."),
        error_messages={"required": _("Name the system these cases come from. One word is enough.")},
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        required=False,
        max_length=60,
        widget=forms.TextInput({"list": "zones", "autocomplete": "off"}),
        help_text=_("Of times without an offset, for good. Blank: that of this server."),
    )
    space = forms.CharField(
        label=_("Customer space"),
        required=False,
        max_length=LONGEST_SOURCE,
        widget=forms.TextInput({"list": "spaces", "autocomplete": "off"}),
        help_text=_(
            "Sources of one space know a customer by the same number, so that a mail after a call is seen as a repeat. "
            "Blank: a space of its own."
        ),
    )
    complete_until = forms.DateField(
        label=_("Complete until"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text=_("The last day of which all cases are in the file. Blank: the day of the newest case."),
    )
    effect = forms.ChoiceField(
        label=_("A rule named in the file"),
        choices=NAMED.items(),
        initial=Effect.APPLIED.value,
        widget=Sentences,
        help_text=_("Only rules that kept the agent from solving get a price."),
    )

    def __init__(self, data: Any = None, *, seen: Preview, sources: list[Source]) -> None:
        super().__init__(data)
        self.seen = seen
        self.sources = {source.name: source for source in sources}
        columns = [("", _("not in the file")), *((name, name) for name in dict.fromkeys(seen.columns))]
        guessed = seen.fields or {plain(column): column for column in reversed(seen.columns)}
        for name, label in asked().items():
            self.fields[f"map_{name}"] = forms.ChoiceField(
                label=label,
                choices=columns,
                required=name in NEEDED,
                initial=guessed.get(name, ""),
                help_text=MISSED.get(name, "") if name not in guessed else "",
                error_messages={"required": _("Choose the column. Without it a row is no case.")},
            )
        # Where there are sources nothing is guessed: one click would mix the cases of two systems.
        if not sources and seen.preset != GENERIC.name:
            self.fields["source"].initial = seen.preset

    def clean_space(self) -> str:
        return clean_key(self.cleaned_data["space"])

    def mapping(self) -> list[tuple[forms.BoundField, bool]]:
        """(field, whether figures say little without it) in the order in which people think of a case."""
        return [(self[f"map_{name}"], name in TELLING) for name in asked()]

    def others_are_wrong(self) -> bool:
        """Something is to be mended among the columns that are folded away."""
        return any(bound.errors for bound, telling in self.mapping() if not telling)

    def clean_source(self) -> str:
        return clean_key(self.cleaned_data["source"])

    def clean_time_zone(self) -> str:
        zone = str(self.cleaned_data["time_zone"]).strip()
        if zone and not is_time_zone(zone):
            raise forms.ValidationError(gettext("There is no such time zone. Write Europe/Oslo, for example."))
        return zone

    def clean_complete_until(self) -> Any:
        day = self.cleaned_data["complete_until"]
        if day and day > timezone.localdate():
            raise forms.ValidationError(
                gettext("This day lies in the future. Data cannot be complete before it has happened.")
            )
        return day

    def clean(self) -> dict[str, Any]:
        """Time zone and space of a source that is there stand fast, whatever was typed before its name."""
        given = super().clean() or self.cleaned_data
        known = self.sources.get(given.get("source", ""))
        if known is not None:
            given["time_zone"] = given["space"] = ""
        return given

    def options(self) -> Options:
        given = self.cleaned_data
        chosen = {name: given[f"map_{name}"] or None for name in asked()}
        day = given["complete_until"]
        return Options(
            source=given["source"],
            overrides={
                name: column
                for name, column in chosen.items()
                if self.seen.problem or column != self.seen.fields.get(name)  # "not in the file" is said, too
            },
            effect=given["effect"],
            time_zone=given["time_zone"],
            space=given["space"],
            complete_until=day.isoformat() if day else "",
            language=get_language() or "",
        )


def asked() -> dict[str, Any]:
    """The fields whose column is asked for. Nobody's key is stored of agents unless a setting says so."""
    return {name: label for name, label in FIELD_NAMES.items() if name != "agent" or settings.AGENT_KEYS}
