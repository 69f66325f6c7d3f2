"""Figures and dates as a person reads them, in the language that is switched on. Foundation: pure formatting.

A space inside a number, and before %, is one that does not break; a minus is a true one. CSV and the API stay with what
machines read and do not come here.
"""

from datetime import date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from django.utils import translation
from django.utils.dates import MONTHS, WEEKDAYS

Number = int | float | Decimal | Fraction

NO_BREAK = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"

# language -> (between thousands, before decimals)
SEPARATORS = {"en": (",", "."), "da": (".", ","), "nb": (NO_BREAK, ","), "sv": (NO_BREAK, ",")}
TO = {"en": "to", "da": "til", "nb": "til", "sv": "till"}
SHORT_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def language() -> str:
    """One of en, da, nb and sv: the active language, English where it is any other.

    >>> with translation.override("da"):
    ...     language()
    'da'
    >>> with translation.override("en-gb"):
    ...     language()
    'en'
    """
    active = (translation.get_language() or "en").split("-")[0].lower()
    active = {"no": "nb", "nn": "nb"}.get(active, active)
    return active if active in SEPARATORS else "en"


def decimal(number: Number, digits: int = 1) -> str:
    """A number with that many decimals, half to even.

    >>> decimal(4.44, 1), decimal(-1234.5, 2), decimal(-0.001, 2)
    ('4.4', '−1,234.50', '0.00')
    >>> with translation.override("da"):
    ...     decimal(11715.25, 1)
    '11.715,2'
    """
    rounded = round(Fraction(number), digits)
    exact = (Decimal(rounded.numerator) / rounded.denominator).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    thousands, point = SEPARATORS[language()]
    text = f"{abs(exact):,.{digits}f}".replace(",", "\0").replace(".", point).replace("\0", thousands)
    return f"{MINUS}{text}" if exact < 0 else text


def whole(number: Number) -> str:
    """
    >>> whole(11715), whole(-3), whole(0.4)
    ('11,715', '−3', '0')
    >>> with translation.override("sv"):
    ...     whole(11715) == "11" + NO_BREAK + "715"
    True
    """
    return decimal(number, 0)


def percent(part: Number, digits: int = 1) -> str:
    """A part of 1 as a percentage.

    >>> percent(0.71) == "71.0" + NO_BREAK + "%", percent(Fraction(3, 8), 0) == "38" + NO_BREAK + "%"
    (True, True)
    """
    return f"{decimal(Fraction(part) * 100, digits)}{NO_BREAK}%"


def points(part: Number, digits: int = 2) -> str:
    """A part of 1 in percentage points, without the word.

    >>> points(Decimal("0.009213")), points(0.044, 1)
    ('0.92', '4.4')
    """
    return decimal(Fraction(part) * 100, digits)


def signed(number: Number, digits: int = 0) -> str:
    """With its sign, which zero has none of.

    >>> signed(3), signed(-2.5, 1), signed(0)
    ('+3', '−2.5', '0')
    """
    text = decimal(number, digits)
    return f"+{text}" if round(Fraction(number), digits) > 0 else text


def interval(low: Number, high: Number, digits: int = 0) -> str:
    """
    >>> interval(33, 39), interval(-1.2, 4, 1)
    ('33 to 39', '−1.2 to 4.0')
    >>> with translation.override("sv"):
    ...     interval(33, 39)
    '33 till 39'
    """
    return f"{decimal(low, digits)} {TO[language()]} {decimal(high, digits)}"


def significant(number: Number, figures: int = 2) -> Decimal:
    """The number rounded to its first few figures: what an estimate is worth.

    >>> significant(67830), significant(0), significant(9.96)
    (Decimal('68000'), Decimal('0'), Decimal('10'))
    """
    value = round(Fraction(number), 12)
    exact = Decimal(value.numerator) / value.denominator
    if not exact:
        return Decimal(0)
    rounded = round(exact, figures - 1 - exact.adjusted())
    return Decimal(f"{rounded:f}") if rounded % 1 else Decimal(int(rounded))


def money(amount: Number, currency: str) -> str:
    """Whole, or with two decimals where there are any; "kr" is abbreviated as each language does it.

    >>> money(500, "kr") == "500" + NO_BREAK + "kr", money(Decimal("12.50"), "EUR") == "12.50" + NO_BREAK + "EUR"
    (True, True)
    >>> with translation.override("da"):
    ...     money(68000, "kr") == "68.000" + NO_BREAK + "kr."
    True
    """
    text = decimal(amount, 0 if Fraction(amount).denominator == 1 else 2)
    if currency.rstrip(".").lower() == "kr":
        currency = "kr." if language() == "da" else "kr"
    return f"{text}{NO_BREAK}{currency}"


def day(when: date) -> str:
    """A date, short.

    >>> day(date(2027, 3, 1))
    '1 Mar 2027'
    >>> with translation.override("da"):
    ...     day(date(2027, 3, 1))
    '1.3.2027'
    >>> with translation.override("sv"):
    ...     day(date(2027, 3, 1))
    '2027-03-01'
    """
    match language():
        case "da" | "nb":
            return f"{when.day}.{when.month}.{when.year}"
        case "sv":
            return f"{when.year:04}-{when.month:02}-{when.day:02}"
        case _:
            return f"{when.day} {SHORT_MONTHS[when.month - 1]} {when.year}"


def long_day(when: date) -> str:
    """A date with its weekday.

    >>> long_day(date(2027, 3, 1))
    'Monday 1 March 2027'
    >>> with translation.override("da"):
    ...     long_day(date(2027, 3, 1))
    'mandag den 1. marts 2027'
    >>> with translation.override("nb"):
    ...     long_day(date(2027, 3, 1))
    'mandag 1. mars 2027'
    >>> with translation.override("sv"):
    ...     long_day(date(2027, 3, 1))
    'måndag 1 mars 2027'
    """
    weekday, month = str(WEEKDAYS[when.weekday()]), str(MONTHS[when.month])
    match language():
        case "da":
            return f"{weekday.lower()} den {when.day}. {month.lower()} {when.year}"
        case "nb":
            return f"{weekday.lower()} {when.day}. {month.lower()} {when.year}"
        case "sv":
            return f"{weekday.lower()} {when.day} {month.lower()} {when.year}"
        case _:
            return f"{weekday} {when.day} {month} {when.year}"


def month(when: date) -> str:
    """A month, short: "Mar 2027".

    >>> month(date(2027, 3, 1))
    'Mar 2027'
    >>> with translation.override("nb"):
    ...     month(date(2027, 3, 1))
    'mars 2027'
    """
    if language() == "en":
        return f"{SHORT_MONTHS[when.month - 1]} {when.year}"
    return f"{str(MONTHS[when.month]).lower()} {when.year}"


def clock(when: datetime | time) -> str:
    """The time of day, in the zone it is given in.

    >>> clock(time(14, 30))
    '14:30'
    >>> with translation.override("nb"):
    ...     clock(time(9, 5))
    '09.05'
    """
    return f"{when.hour:02}{'.' if language() in {'da', 'nb'} else ':'}{when.minute:02}"
