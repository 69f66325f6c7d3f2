"""The form at the front line's door, and what it shares with the one at the desk's: how many passwords one may try."""

from typing import Any
from unicodedata import normalize

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from rulebook.access.limits import forgive, may_try

TRIES = 10  # wrong ones for one name in a minute, from one address
TRIES_AT_ALL = 300  # for any name: a house may have one address, and nobody in it may shut the others out
# One sentence for a wrong name, a wrong password and a closed account: else it would tell which names exist.
REFUSED = _("This user name and password do not open this page. Check both, and try again.")
MANY = _("Many tries at once. Try again in a minute.")


class SlowedDown(forms.Form):
    """For a form with a password. Both doors count together; a right password is not counted."""

    request: Any
    data: Any

    def clean(self) -> dict[str, Any]:
        name = normalize("NFKC", self.data.get("username", "")[:150]).strip()  # as the name is looked up
        one, all_names = f"sign in as {name}", "sign in"
        if not (may_try(self.request, all_names, TRIES_AT_ALL, 60) and may_try(self.request, one, TRIES, 60)):
            raise ValidationError(MANY, code="many")
        cleaned: dict[str, Any] = super().clean() or {}  # raises for a wrong password
        forgive(self.request, one)
        forgive(self.request, all_names)
        return cleaned


class DoorForm(SlowedDown, AuthenticationForm):
    """For everybody who has a sign-in, agents above all, whom the admin does not let in."""

    error_messages = {"invalid_login": REFUSED, "inactive": REFUSED}
