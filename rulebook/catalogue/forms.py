"""The form of one rule. It cleans types; the services decide."""

from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy
from unfold.widgets import UnfoldAdminSingleDateWidget, UnfoldAdminTextInputWidget

from rulebook.catalogue.cleaning import TEXTS
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import RuleFields
from rulebook.catalogue.words import FIELDS, HELP
from rulebook.journal.pages import RefusingForm
from rulebook.tables.values import split_list

MEANWHILE = gettext_lazy(
    "Somebody else changed this meanwhile. It is now: %(now)s. Save again to put yours in its place."
)


class ListField(forms.CharField):
    """Several names in one line, separated by ';'."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        return "; ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return value if isinstance(value, list) else split_list(super().to_python(value) or "", ";")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.to_python(data))


class RuleForm(RefusingForm):
    """Topics, channels and aliases as one line each; `applies_from` is that of the newest wording."""

    topics = ListField(
        required=False,
        label=capfirst(FIELDS["topics"]),
        help_text=gettext_lazy("Separate with semicolons. returns/refund is a part of returns."),
    )
    channels = ListField(
        required=False,
        label=capfirst(FIELDS["channels"]),
        help_text=gettext_lazy("Separate with semicolons. Blank: all channels."),
    )
    aliases = ListField(
        required=False,
        label=capfirst(FIELDS["aliases"]),
        help_text=gettext_lazy("What the help desk or an older list calls this rule. Separate with semicolons."),
    )
    applies_from = forms.DateField(
        required=False,
        label=capfirst(FIELDS["applies_from"]),
        widget=UnfoldAdminSingleDateWidget,
        help_text=gettext_lazy(
            "With a new wording: from when it applies. Blank: today, or for a first wording, since ever."
        ),
    )

    class Meta:
        model = Rule
        fields = "__all__"
        labels = {name: capfirst(words) for name, words in FIELDS.items()}
        help_texts = HELP

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {*TEXTS} & {*self.fields}:
            self.fields[name].widget.attrs["rows"] = 6 if name == "text" else 2
        rule = self.instance
        if rule.pk:
            newest = rule.versions.order_by("-number").first()
            self.initial["topics"] = newest.topics
            self.initial["applies_from"] = newest.applies_from
            self.initial["aliases"] = list(rule.names.filter(is_code=False).values_list("name", flat=True))
            for field in self.fields.values():
                field.show_hidden_initial = True  # comes back with the form, beside what was typed

    @cached_property
    def changed_data(self) -> list[str]:
        """The fields that differ from what the form showed; the database may hold something else again by now."""
        return [name for name in self.fields if self._value(name, self[name].data) != self._shown(name)]

    def clean(self) -> dict[str, Any] | None:
        """Refuse what would overwrite a change that somebody else made since the form was shown.

        What was typed stays in the form, which from then on counts as showing the other's words.
        """
        cleaned = super().clean()
        for name in self.changed_data:
            field, bound = self.fields[name], self[name]
            stored = self.get_initial_for_field(field, name)
            now = self._value(name, stored)
            if now not in (self._shown(name), self._value(name, bound.data)):
                words = field.prepare_value(now) if isinstance(now, list) else now
                self.add_error(name, MEANWHILE % {"now": gettext("blank") if words in ("", None) else words})
                data = cast(QueryDict, self.data).copy()
                data[bound.html_initial_name] = field.hidden_widget().format_value(field.prepare_value(stored)) or ""
                self.data = data
        return cleaned

    def _shown(self, name: str) -> Any:
        bound = self[name]
        if bound.html_initial_name in self.data:
            return self._value(name, self.data[bound.html_initial_name])
        return self._value(name, self.get_initial_for_field(self.fields[name], name))

    def _value(self, name: str, given: Any) -> Any:
        """One form for what is stored, shown and typed: browsers send line ends their own way."""
        try:
            value = self.fields[name].to_python(given)
        except forms.ValidationError:
            return given
        return value.replace("\r\n", "\n") if isinstance(value, str) else value

    def fields_given(self) -> RuleFields:
        """What was changed in the form, so that what somebody else changed meanwhile stays."""
        given = {name: self.cleaned_data[name] for name in self.changed_data if name != "code"}
        return cast(RuleFields, given)
