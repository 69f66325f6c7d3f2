"""The form of one rule. It cleans types; the services decide."""

from typing import Any, cast

from django import forms
from unfold.widgets import UnfoldAdminSingleDateWidget, UnfoldAdminTextInputWidget

from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import RuleFields
from rulebook.journal.pages import RefusingForm
from rulebook.tables.values import split_list


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

    topics = ListField(required=False, help_text="Several by ;, and a/b makes b a part of a.")
    channels = ListField(required=False, help_text="Several by ;, such as phone; mail. Blank: all.")
    aliases = ListField(required=False, help_text="Other names that find this rule, several by ;.")
    applies_from = forms.DateField(
        required=False,
        widget=UnfoldAdminSingleDateWidget,
        help_text="With a new wording: from when it applies. Blank: today, or for a first wording, since ever.",
    )

    class Meta:
        model = Rule
        fields = "__all__"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rule = self.instance
        if rule.pk:
            newest = rule.versions.order_by("-number").first()
            self.initial["topics"] = newest.topics
            self.initial["applies_from"] = newest.applies_from
            self.initial["aliases"] = list(rule.names.filter(is_code=False).values_list("name", flat=True))

    def fields_given(self) -> RuleFields:
        """What was changed in the form, so that what somebody else changed meanwhile stays."""
        given = {name: self.cleaned_data[name] for name in self.changed_data if name != "code"}
        return cast(RuleFields, given)
