"""`{% load figures %}`: the formats of `numbers.py` as filters. What is not there stays blank; say it in words."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template

from rulebook import numbers

register = template.Library()


def _offer(name: str, form: Callable[..., str]) -> None:
    def shown(value: Any, argument: Any = None) -> str:
        if value is None or value == "":
            return ""
        return form(value) if argument is None else form(value, argument)

    register.filter(name, shown)


def _money(amount: int | float | Decimal, currency: str = "") -> str:
    return numbers.money(amount, currency)


def _day(when: date | datetime) -> str:
    return numbers.day(when)


FORMS: dict[str, Callable[..., str]] = {
    "whole": numbers.whole,
    "decimal": numbers.decimal,
    "percent": numbers.percent,
    "points": numbers.points,
    "signed": numbers.signed,
    "interval": numbers.interval,
    "money": _money,
    "day": _day,
    "long_day": numbers.long_day,
    "month": numbers.month,
    "clock": numbers.clock,
}
for _name, _form in FORMS.items():
    _offer(_name, _form)
