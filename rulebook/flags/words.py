"""What became of a flag, in the words that agents read too."""

from django.utils.translation import gettext_lazy as _

OPEN = _("open")
LINKED = _("linked to a rule")
NEW_RULE = _("a rule was written down")
MERGED = _("merged with another flag")
ANSWERED = _("answered")
NO_RULE = _("that is not a rule")
