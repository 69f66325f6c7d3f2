"""The form at the door of the desk."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm

from rulebook.access.forms import REFUSED, SlowedDown
from rulebook.access.models import Person


class SignInForm(SlowedDown, AuthenticationForm):  # type: ignore[misc]
    """Says one thing for a wrong name, a wrong password and a closed account: else it would tell which names exist.

    Somebody whose password is right, and who does not work at the desk, is told where else to go.
    """

    error_messages = {
        "invalid_login": REFUSED,
        "inactive": REFUSED,
        "elsewhere": _("You have no page here. Sign in for the front line instead, below."),
    }

    def confirm_login_allowed(self, user: Person) -> None:
        if user.is_active and not user.is_staff:
            raise ValidationError(self.error_messages["elsewhere"], code="elsewhere")
        super().confirm_login_allowed(user)
