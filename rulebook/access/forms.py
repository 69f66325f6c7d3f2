"""The form at the front line's door."""

from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

# One sentence for a wrong name, a wrong password and a closed account: else it would tell which names exist.
REFUSED = _("This user name and password do not open this page. Check both, and try again.")


class DoorForm(AuthenticationForm):
    """For everybody who has a sign-in, agents above all, whom the admin does not let in."""

    error_messages = {"invalid_login": REFUSED, "inactive": REFUSED}
