"""A text column that compares byte by byte on both databases."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Combinable

if TYPE_CHECKING:
    CharField = models.CharField[str | Combinable, str]
else:
    CharField = models.CharField


class BytewiseField(CharField):
    """For ids and names that other systems give: "a1" and "A1" differ, and order is that of the bytes.

    PostgreSQL would otherwise sort and compare by the language of the cluster, and two installations would then
    disagree on which of two contacts came first. UTF-8 keeps the order of code points, so Python's `sorted` agrees.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        parameters["collation"] = "C" if connection.vendor == "postgresql" else "BINARY"
        return parameters
