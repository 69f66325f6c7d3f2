"""Forms of the list of rules: one change to many of them, and bringing in a list. They clean types; services decide."""

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rulebook.access.models import Department, Person
from rulebook.catalogue.models import Rule, Topic
from rulebook.catalogue.rows import match_columns
from rulebook.catalogue.services import RuleFields

LARGEST_UPLOAD = 10  # megabytes
MOST_PASTED = 1_000_000  # characters
NONE = "none"  # a choice of its own: a field left alone must not empty that of many rules


class ChosenRules(forms.Form):
    """Which rules a change is for, and the list it came from."""

    rules = forms.CharField(widget=forms.HiddenInput)
    back = forms.CharField(widget=forms.HiddenInput, required=False, max_length=5_000)

    def clean_rules(self) -> list[int]:
        numbers = self.cleaned_data["rules"].split(",")
        if not all(number.isdecimal() and len(number) < 19 for number in numbers):
            raise forms.ValidationError(_("It is no longer known which rules you chose. Choose them again."))
        return [int(number) for number in numbers]


class Change(ChosenRules):
    """A field that takes the same value in many rules."""

    question: str | Promise = ""
    verb: str | Promise = ""  # on the button

    @abstractmethod
    def fields_given(self) -> RuleFields:
        """What each chosen rule is given."""

    def topic(self) -> str:
        """A topic that joins those of each rule; "" where the change is another."""
        return ""


class SetDepartment(Change):
    question = gettext_lazy("Which department owns these rules?")
    verb = gettext_lazy("Set the department")
    department = forms.ChoiceField(
        label=gettext_lazy("Department"), error_messages={"required": gettext_lazy("Choose a department, or none.")}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(str(pk), name) for pk, name in Department.objects.order_by("name").values_list("pk", "name")]
        _field(self, "department").choices = [("", _("Choose one")), *names, (NONE, _("no department"))]

    def fields_given(self) -> RuleFields:
        chosen = self.cleaned_data["department"]
        return {"department": None if chosen == NONE else Department.objects.get(pk=int(chosen))}


class SetOwner(Change):
    question = gettext_lazy("Who answers for these rules?")
    verb = gettext_lazy("Set the owner")
    owner = forms.ChoiceField(
        label=gettext_lazy("Owner"), error_messages={"required": gettext_lazy("Choose a person, or the head.")}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(str(person.pk), str(person)) for person in Person.objects.order_by("first_name", "last_name", "pk")]
        head = (NONE, _("the head of the department"))
        _field(self, "owner").choices = [("", _("Choose one")), head, *people]

    def fields_given(self) -> RuleFields:
        chosen = self.cleaned_data["owner"]
        return {"owner": None if chosen == NONE else Person.objects.get(pk=int(chosen))}


class SetReviewBy(Change):
    question = gettext_lazy("When must these rules be looked at again?")
    verb = gettext_lazy("Set the review-by date")
    review_by = forms.DateField(
        required=False,
        label=gettext_lazy("Review by"),
        help_text=gettext_lazy("Blank takes the date away."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def fields_given(self) -> RuleFields:
        return {"review_by": self.cleaned_data["review_by"]}


class SetIntent(Change):
    question = gettext_lazy("What do you intend with these rules?")
    verb = gettext_lazy("Set the intent")
    intent = forms.ChoiceField(
        label=gettext_lazy("Intent"),
        help_text=gettext_lazy("Your first sorting. It decides nothing."),
        error_messages={"required": gettext_lazy("Choose an intent, or not sorted.")},
        choices=[("", gettext_lazy("Choose one")), *Rule.Intent.choices, (NONE, gettext_lazy("not sorted"))],
    )

    def fields_given(self) -> RuleFields:
        chosen = self.cleaned_data["intent"]
        return {"intent": "" if chosen == NONE else chosen}


class AddTopic(Change):
    question = gettext_lazy("Which topic joins those that these rules have?")
    verb = gettext_lazy("Add the topic")
    name = forms.CharField(
        max_length=200,
        label=gettext_lazy("Topic"),
        help_text=gettext_lazy("returns/refund is a part of returns. A new topic changes what a rule says from today."),
        error_messages={"required": gettext_lazy("Write the topic, such as returns/refund.")},
        widget=forms.TextInput(attrs={"list": "rb-topics", "autocomplete": "off"}),
    )

    def topics(self) -> list[str]:
        """Some of those there are, to choose from while typing."""
        return list(Topic.objects.order_by("path").values_list("path", flat=True)[:500])

    def fields_given(self) -> RuleFields:
        return {}

    def topic(self) -> str:
        return str(self.cleaned_data["name"])


def _field(form: forms.Form, name: str) -> forms.ChoiceField:
    return cast(forms.ChoiceField, form.fields[name])


CHANGES: dict[str, type[Change]] = {
    "department": SetDepartment,
    "owner": SetOwner,
    "review_by": SetReviewBy,
    "intent": SetIntent,
    "topic": AddTopic,
}


class ImportForm(forms.Form):
    """A file, or what somebody pasted: rows with headings, or one rule a line."""

    file = forms.FileField(
        required=False,
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV, TSV, Excel (.xlsx) or JSON, of at most 10 MB and 5,000 rules."),
    )
    pasted = forms.CharField(
        required=False,
        strip=False,
        max_length=MOST_PASTED,
        label=gettext_lazy("Or paste the list"),
        help_text=gettext_lazy("One rule a line, or cells copied from a spreadsheet together with their headings."),
        widget=forms.Textarea(attrs={"rows": 8}),
    )

    def clean_file(self) -> "UploadedFile[Any] | None":
        file: UploadedFile[Any] | None = self.cleaned_data["file"]
        if file is None:
            return None
        if (file.size or 0) > LARGEST_UPLOAD * 1_000_000:
            size = f"{(file.size or 0) / 1_000_000:.0f}"
            raise forms.ValidationError(
                _("The file has %(size)s MB, and %(most)s are read at once. Split it.")
                % {"size": size, "most": LARGEST_UPLOAD}
            )
        return file

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not cleaned.get("file") and not cleaned.get("pasted", "").strip():
            self.add_error("file", _("Choose a file, or paste a list below."))
        return cleaned

    def write_to(self, folder: Path) -> Path:
        """What was given, as a file that an import reads."""
        file: UploadedFile[Any] | None = self.cleaned_data["file"]
        if file is None:
            return write_pasted(self.cleaned_data["pasted"], folder)
        path = folder / Path(str(file.name)).name[-100:]
        with path.open("xb") as disk:
            for chunk in file.chunks():
                disk.write(chunk)
        return path


def write_pasted(text: str, folder: Path) -> Path:
    """Cells with headings as they are; else each line that says something is the title of a rule."""
    path = folder / _("pasted list")
    lines = text.replace("\r\n", "\n").split("\n")
    if not _has_headings(next(line for line in lines if line.strip())):
        lines = [json.dumps({"title": line.strip()}) if line.strip() else "" for line in lines]
    path.write_text("\n".join(lines), encoding="utf-8", errors="replace")
    return path


def _has_headings(line: str) -> bool:
    """Whether a line names columns of a rule, the title or the code among them.

    >>> _has_headings("Code\\tTitle"), _has_headings("title"), _has_headings("Code, of conduct")
    (True, True, False)
    """
    for separator in "\t;,":
        known, _notes = match_columns([cell.strip(' "') for cell in line.split(separator)], "")
        if "title" in known or ("code" in known and len(known) > 1):
            return True
    return False
