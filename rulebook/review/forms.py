"""What a person answers on the page of a review. It cleans types; the services decide."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from rulebook.review.services import Answers

LONGEST = 10_000  # characters of a text that are taken in
DAYS = ("review_by", "answer_due", "effective_on")
TICKS = ("nobody_knows", "full_asked")


def _line(label: Any, longest: int, help_text: Any = "") -> forms.CharField:
    return forms.CharField(required=False, max_length=longest, strip=True, label=label, help_text=help_text)


def _text(label: Any, help_text: Any = "", rows: int = 2) -> forms.CharField:
    area = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(required=False, max_length=LONGEST, label=label, help_text=help_text, widget=area)


def _day(label: Any, help_text: Any = "") -> forms.DateField:
    picker = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    wrong = {"invalid": _("Write the day as 2027-03-01.")}
    return forms.DateField(required=False, label=label, help_text=help_text, widget=picker, error_messages=wrong)


class AnswersForm(forms.Form):
    """All that can be answered of a review. A field that was not on the page is left as it is."""

    play = _line(_("What agents do instead, in one line"), LONGEST)
    purpose = _line(_("What the rule is for"), LONGEST)
    nobody_knows = forms.BooleanField(required=False, label=_("Nobody knows"))
    in_one_sentence = _line(_("Can an agent say it in one sentence? Write it."), LONGEST)
    protects = _line(_("Whom does it protect, and from what?"), LONGEST)
    objection_answer = _text(_("The answer to the objection"))
    answer = _text(_("Your answer to the figures and the flags"))
    new_title = _line(_("The new wording, in one line"), 500)
    new_text = _text(_("The whole new text"), _("Blank where the line says it all."), rows=4)
    limit = _line(_("An agent decides up to"), 200, _("As in “500 kr”."))
    review_by = _day(_("Look at it again by"), _("Within 12 months."))
    addressee = _line(_("Whom you ask"), 200, _("A post, as in “head of Legal”."))
    answer_due = _day(_("You expect the answer by"))
    effective_on = _day(_("In force from"), _("Blank: the first working day after the front line has been told."))

    def give_room(self) -> None:
        """A field of one line would run several lines together: where there are such, it gets as many."""
        for name, field in self.fields.items():
            lines = str(self.initial.get(name) or "").count("\n") + 1
            if lines > 1 and isinstance(field.widget, forms.TextInput):
                field.widget = forms.Textarea(attrs={**field.widget.attrs, "rows": lines})

    def answers(self) -> Answers:
        """What was sent, of the right types. A tick that is not set counts where its field was on the page."""
        sent = {name: value for name, value in self.cleaned_data.items() if name in self.data}
        if "purpose" in self.data:
            sent["nobody_knows"] = self.cleaned_data["nobody_knows"]
        if sent.get("effective_on", "") is None:
            del sent["effective_on"]
        return cast(Answers, sent)
