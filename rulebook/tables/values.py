"""From a cell's text to a value: instants, days, counts, seconds, yes or no, keys, lists. Pure; fast for a million.

Every BadValue is a whole sentence with the remedy and never holds the value itself, which may be somebody's number.
"""

import re
from datetime import UTC, date, datetime
from unicodedata import normalize
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

FIRST_YEAR, LAST_YEAR = 1970, 2100
MOST_COUNT = 2**31 - 1  # what an integer column holds
MOST_SECONDS = 30 * 86_400

_TIME = (
    r"(?:(?:[Tt]|,? +(?:kl\.? *)?)(?P<hour>[0-9]{1,2})[:.](?P<minute>[0-9]{2})"
    r"(?:[:.](?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]{1,9}))?)?"
    r" *(?P<zone>Z|z|UTC|GMT|[+-][0-9]{2}:?(?:[0-9]{2})?)?)?"
)
_YEAR_FIRST = re.compile(r"(?P<year>[0-9]{4})(?P<sep>[-/.])(?P<month>[0-9]{1,2})(?P=sep)(?P<day>[0-9]{1,2})" + _TIME)
_DAY_FIRST = re.compile(
    r"(?P<day>[0-9]{1,2})(?P<sep>[-/.]) ?(?P<month>[0-9]{1,2})(?P=sep) ?(?P<year>[0-9]{4}|[0-9]{2}(?![0-9]))" + _TIME
)
_COMPACT = re.compile(
    r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
    r"(?:[Tt](?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})?(?P<part>)"
    r"(?P<zone>Z|z|[+-][0-9]{2}:?(?:[0-9]{2})?)?)?"
)
_COUNT = re.compile(r"[0-9]{1,3}(?:([. \u00a0\u202f])[0-9]{3})(?:\1[0-9]{3})*|[0-9]+(?:[.,]00?|[.,]0{4,})?")
_SECONDS = re.compile(r"[0-9]{1,12}(?:[.,][0-9]{0,15})?")
_CLOCK = re.compile(r"(?:([0-9]{1,6}):)?([0-9]{1,6}):([0-9]{2})(?:[.,]([0-9]{1,15}))?")

_YES = ("yes", "true", "1", "y", "ja", "j", "t", "sant", "1.0", "1,0")
_NO = ("no", "false", "0", "n", "nej", "nei", "f", "usant", "0.0", "0,0")
_YES_NO = {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}


class BadValue(ValueError):
    """A cell that cannot be what its column says. The text is a sentence with the remedy, without the value."""

    @property
    def reason(self) -> str:
        return str(self.args[0])


def parse_instant(text: str, zone: ZoneInfo) -> tuple[datetime, date, bool]:
    """(instant in UTC, day in `zone`, whether only a day was given). A day alone stands at its midnight in `zone`.

    Reads ISO in its usual spellings, YYYYMMDD, and dates with the day first; a time without an offset is local to
    `zone` (an hour that the clocks repeat in autumn is its first passing, one they skip in spring is read with the
    offset before the change). Raises BadValue for anything else, for years outside 1970 to 2100, for two-digit years
    and for dates with the month first.

    >>> copenhagen = ZoneInfo("Europe/Copenhagen")
    >>> parse_instant("2025-03-04 10:11:12", copenhagen)[0].isoformat()
    '2025-03-04T09:11:12+00:00'
    >>> parse_instant("2025-07-31T23:30:00Z", copenhagen)[1].isoformat()
    '2025-08-01'
    >>> instant, day, day_only = parse_instant("31.12.2025", copenhagen)
    >>> instant.isoformat(), day.isoformat(), day_only
    ('2025-12-30T23:00:00+00:00', '2025-12-31', True)
    >>> parse_instant("31.12.2025 kl. 14.05", copenhagen)[0].isoformat()
    '2025-12-31T13:05:00+00:00'
    """
    day_only = len(text) == 10
    try:
        when = datetime.fromisoformat(text)
        # fromisoformat also reads week dates, 8 bare digits, any separator and an hour alone: those go the slow way.
        if text[4] != "-" or text[7] != "-" or not (day_only or (text[10] in " T" and text[13] == ":")):
            raise ValueError
    except (ValueError, IndexError):
        when, day_only = _slowly(text)
    if not FIRST_YEAR <= when.year <= LAST_YEAR:
        raise _year_outside()
    if when.tzinfo is None:
        offset = zone.utcoffset(when)
        shifted = when - offset if offset else when
        return datetime.combine(shifted, shifted.time(), UTC), when.date(), day_only  # replace() costs 400 ns more
    instant = when.astimezone(UTC)
    return instant, instant.astimezone(zone).date(), day_only


def _slowly(text: str) -> tuple[datetime, bool]:
    text = text.strip()
    if not text:
        raise _no_date(_("The date is blank."))
    match = _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text) or _DAY_FIRST.fullmatch(text)
    if not match:
        raise _no_date(_("This is no date that can be read with certainty."))
    part = match.groupdict()
    if len(part["year"]) == 2:
        raise _no_date(_("The year has two digits only."))
    if int(part["month"]) > 12 and int(part["day"]) <= 12:
        raise _no_date(_("The month seems to stand before the day."))
    clock = "00:00:00"
    if part["hour"]:
        clock = f"{part['hour']:>02}:{part['minute']}:{part['second'] or '00'}"
        clock += f".{part['part'][:6]:0<6}" if part["part"] else ""
        clock += _offset(part["zone"] or "")
    try:
        return datetime.fromisoformat(f"{part['year']}-{part['month']:>02}-{part['day']:>02}T{clock}"), not part["hour"]
    except ValueError:
        raise _no_date(_("There is no such day or time.")) from None


def _no_date(reason: str) -> BadValue:
    remedy = _("Write dates as YYYY-MM-DD, or YYYY-MM-DD HH:MM with a time.")
    return BadValue(f"{reason} {remedy}")


def _year_outside() -> BadValue:
    return _no_date(_("The year is not between %(first)s and %(last)s.") % {"first": FIRST_YEAR, "last": LAST_YEAR})


def _offset(zone: str) -> str:
    if zone[:1] not in ("+", "-"):
        return "+00:00" if zone else ""
    digits = zone[1:].replace(":", "")
    return f"{zone[0]}{digits[:2]}:{digits[2:] or '00'}"


def parse_day(text: str) -> date | None:
    """The day as written, whatever time or offset follows it; None when blank. Raises BadValue as parse_instant does.

    >>> parse_day("2025-12-31"), parse_day("31/12/2025 00:00"), parse_day(" ")
    (datetime.date(2025, 12, 31), datetime.date(2025, 12, 31), None)
    """
    if not text.strip():
        return None
    when = _slowly(text)[0]
    if not FIRST_YEAR <= when.year <= LAST_YEAR:
        raise _year_outside()
    return when.date()


def parse_yes_no(text: str) -> bool | None:
    """Yes or no in English, Danish or Norwegian, or as 1 and 0; None when blank. Raises BadValue.

    >>> parse_yes_no("Ja"), parse_yes_no("nei"), parse_yes_no("")
    (True, False, None)
    """
    found = _YES_NO.get(text)
    if found is None:
        text = text.strip().casefold()
        found = _YES_NO.get(text)
        if found is None and text:
            raise BadValue(_("This is neither yes nor no. Write yes, no, or leave it blank."))
    return found


def parse_count(text: str) -> int | None:
    """A whole number, 0 or more; None when blank. Raises BadValue.

    A dot (or blank) before exactly three digits separates thousands. A comma there could be either, and is refused.

    >>> parse_count("3"), parse_count("3,0"), parse_count("1.234"), parse_count("12 345 678"), parse_count("")
    (3, 3, 1234, 12345678, None)
    """
    if not (text.isascii() and text.isdigit()):
        text = text.strip()
        if not text:
            return None
        match = _COUNT.fullmatch(text)
        if text[0] == "-":
            raise BadValue(_("A count cannot be negative. Write 0 or more, or leave it blank."))
        if not match:
            raise BadValue(_("This is no whole number. Write it with digits only, such as 1234, or leave it blank."))
        text = re.sub(r"[. \u00a0\u202f]", "", text) if match[1] else re.split("[.,]", text)[0]
    if len(text) > 18 or int(text) > MOST_COUNT:
        raise BadValue(_("This count is too large to be one. Check that the right column was chosen."))
    return int(text)


def parse_seconds(text: str) -> int | None:
    """Seconds, rounded half to even, from '75', '75,5', '01:15' (m:s) or '00:01:15' (h:m:s); None when blank.

    A dot or comma is always the decimal sign here. Raises BadValue for less than 0 and for more than 30 days.

    >>> parse_seconds("75"), parse_seconds("75,5"), parse_seconds("74.5"), parse_seconds("01:15"), parse_seconds("")
    (75, 76, 74, 75, None)
    """
    if text.isascii() and text.isdigit() and len(text) < 12:
        seconds = int(text)
    else:
        text = text.strip()
        if not text:
            return None
        if text[0] == "-":
            raise BadValue(_("A duration cannot be negative. Write 0 seconds or more, or leave it blank."))
        if _SECONDS.fullmatch(text):
            seconds = round(float(text.replace(",", ".")))
        elif (match := _CLOCK.fullmatch(text)) and int(match[3]) < 60 and (not match[1] or int(match[2]) < 60):
            whole = int(match[1] or 0) * 3600 + int(match[2]) * 60 + int(match[3])
            seconds = round(whole + float(f"0.{match[4] or 0}"))
        else:
            raise BadValue(_("This is no duration. Write seconds, such as 75, or h:mm:ss, such as 0:01:15."))
    if seconds > MOST_SECONDS:
        raise BadValue(_("This is more than 30 days. Write the duration in seconds, and check for milliseconds."))
    return seconds


def clean_key(text: str) -> str:
    """An id, topic, channel or code as it is compared: Unicode form NFC, outer white space off, case kept.

    >>> clean_key("  Cafe\u0301 ") == "Caf\u00e9"
    True
    """
    return text.strip() if text.isascii() else normalize("NFC", text).strip()


def split_list(text: str, separators: str = ";,|") -> list[str]:
    """The parts of a list in one cell: stripped, without blanks, each once, in the order written.

    >>> split_list(" R1; R2,R1 ;; ")
    ['R1', 'R2']
    """
    first = separators[0]
    for other in separators[1:]:
        if other in text:
            text = text.replace(other, first)
    if first not in text:
        text = text.strip()
        return [text] if text else []
    return list(dict.fromkeys(part for item in text.split(first) if (part := item.strip())))
