"""What the pages of flags send. Clean types only: the services decide, and say what is wrong at which field."""

import re
import secrets
from typing import Any

from django import forms

from rulebook.flags.sentences import SENTENCES
from rulebook.flags.services import LONGEST_LINE, MOST_MINUTES

OWN_WORDS = "own"
OTHER = "other"
MINUTES = (2, 5, 10, 20)
ANSWERS = {"yes": True, "no": False}
FORM_NUMBER = re.compile(r"[\w-]{16,64}", re.ASCII)


class Words(forms.CharField):
    """Text as it was typed, of any length; a NUL in it was typed by nobody."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "strip": False, **kwargs})

    def to_python(self, value: Any) -> str:
        return str(super().to_python(str(value or "").replace("\0", "")))


class FlagForm(forms.Form):
    """The first screen. `form` is its random number: what is sent twice from one page is one flag."""

    stopped = Words()
    heard = Words()
    heard_own = Words()
    rule = Words()
    rule_words = Words()
    channel = Words()
    anonymous = forms.BooleanField(required=False)
    form = Words()

    def clean_rule(self) -> str:
        return str(self.cleaned_data["rule"])[: LONGEST_LINE["channel"]]

    def clean_channel(self) -> str:
        """From a link, where nobody who fills in the form can mend it."""
        return str(self.cleaned_data["channel"])[: LONGEST_LINE["channel"]]

    def clean_form(self) -> str:
        number = str(self.cleaned_data["form"])
        return number if FORM_NUMBER.fullmatch(number) else new_form_number()

    def customer_heard(self) -> str:
        """The sentence that was chosen, else the agent's own words, without a tap on "Other" too."""
        heard = str(self.cleaned_data["heard"])
        return heard if heard in SENTENCES else str(self.cleaned_data["heard_own"])


class MoreForm(forms.Form):
    """What is added after it was sent. `key` is what the page of the sent flag was given."""

    key = Words()
    case_reference = Words()
    solved = Words()
    minutes = Words()
    minutes_other = Words()
    instead = Words()
    decision = Words()
    quotable = forms.BooleanField(required=False)

    def solved_said(self) -> bool | None:
        return ANSWERS.get(str(self.cleaned_data["solved"]))

    def minutes_said(self) -> int | None:
        """None for nothing. What is no whole number becomes one that the service refuses."""
        chosen, other = str(self.cleaned_data["minutes"]), str(self.cleaned_data["minutes_other"]).strip()
        typed = other if chosen == OTHER or not chosen else chosen
        if not typed:
            return None
        return int(typed) if re.fullmatch("[0-9]{1,6}", typed) else MOST_MINUTES + 1


class ReceiptForm(forms.Form):
    code = Words()


def new_form_number() -> str:
    return secrets.token_urlsafe(18)
