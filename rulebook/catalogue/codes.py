"""The codes that rules are given: R-0001, R-0002 ..."""

import re

from django.db.models.functions import Length

from rulebook.catalogue.models import Alias
from rulebook.journal.services import take_turn

# A code of more digits is a number of another system: to count on from it would use up our own.
OWN_CODE = re.compile(r"R-([0-9]{1,6})")


def next_code() -> str:
    """The code after the highest of our own form, R-0001, R-0002 ...

    Inside a business verb nobody else is given one until its commit.
    """
    take_turn("codes of rules")
    own = Alias.objects.filter(name__gte="R-0", name__lt="R-:", name__regex=rf"^{OWN_CODE.pattern}$")
    newest = own.order_by(Length("name").desc(), "-name").first()
    number = own_number(newest.name) + 1 if newest else 1
    while Alias.objects.filter(name=own_code(number)).exists():  # only beyond R-999999
        number += 1
    return own_code(number)


def own_number(code: str) -> int:
    """The number in a code of our own form, 0 for any other.

    >>> own_number("R-0012"), own_number("REF-500")
    (12, 0)
    """
    match = OWN_CODE.fullmatch(code)
    return int(match[1]) if match else 0


def own_code(number: int) -> str:
    return f"R-{number:04d}"
