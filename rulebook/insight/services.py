"""What people set beside the figures."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from rulebook.errors import RulebookError
from rulebook.insight.models import HourlyCost
from rulebook.journal.services import Acting, business_verb, record


@business_verb
def set_hourly_cost(*, amount: Decimal, currency: str, by: Acting | None) -> HourlyCost:
    """What an hour of customer service costs this house; the same again writes nothing.

    Raises RulebookError for an amount below 0 or of more than ten digits, and for a currency of no or more than ten
    characters.
    """
    cost = HourlyCost(amount=amount, currency=" ".join(currency.split()))
    try:
        cost.clean_fields()
    except ValidationError as error:
        raise RulebookError(
            _("An hour costs 0 or more, with two decimals at most, in a currency of at most ten characters: 420 kr.")
        ) from error
    stored = HourlyCost.objects.select_for_update().filter(pk=cost.pk).first()
    if stored is None or (stored.amount, stored.currency) != (cost.amount, cost.currency):
        cost.save(force_update=stored is not None)  # with a default number Django would only ever insert
        record("set", "hourly_cost", str(cost.pk), before=str(stored or ""), after=str(cost), by=by)
    return cost
