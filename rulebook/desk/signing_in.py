"""The form at the door."""

from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm


class SignInForm(AuthenticationForm):  # type: ignore[misc]
    """Says one thing for a wrong name, a wrong password and a closed account: else it would tell which names exist."""

    error_messages = {
        "invalid_login": _("This user name and password do not open this page. Check both, and try again."),
        "inactive": _("This user name and password do not open this page. Check both, and try again."),
    }
