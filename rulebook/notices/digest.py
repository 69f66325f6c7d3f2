"""The morning's ten minutes: what changes today and tomorrow, what is new, and a letter to agents who have to read."""

from datetime import date, datetime, timedelta

from django.db.models import QuerySet

from rulebook.access.calendar import Calendar, house_calendar
from rulebook.access.letters import write_letter
from rulebook.journal.services import business_verb
from rulebook.notices.models import Notice
from rulebook.notices.queries import agents_with_mail, unread_of
from rulebook.notices.words import Card

MORNING = 5  # o'clock: after the clocks of the night, before the first shift
LETTER = "letters/notices.txt"
MOST_TOLD = 10  # in one letter; the page has them all
DAY = timedelta(days=1)
LONGEST_CLOSED = 366  # days that are looked back over for one on which the house was open


def digests_due(seen: str, now: datetime) -> bool:
    """Whether the letters of the day are to be written: once a working day, and only where something is new.

    `seen` is the last day on which they were; `now` is in the house's time zone.
    """
    if seen == str(now.date()) or now.hour < MORNING or not new_ones().exists():
        return False
    return _is_working_day(house_calendar(), now.date())


def write_digests(today: date) -> int:
    """Write to each agent who has a new notice to read; how many letters. A second round on the day writes none.

    Interrupted, it is simply done again: a person's letter of a day is written once.
    """
    new = set(new_ones().values_list("pk", flat=True))
    people = list(agents_with_mail())
    written = 0
    for person, waiting in zip(people, unread_of(people).values(), strict=True):
        told = [notice for notice in waiting if notice.pk in new]
        if told:
            context = {
                "cards": [Card(notice, today) for notice in told[:MOST_TOLD]],
                "more": len(waiting) - len(told[:MOST_TOLD]),
            }
            about = f"notices of {today} for {person.pk}"
            written += bool(write_letter(to=person, about=about, template=LETTER, context=context))
    in_letters(notices=new, today=today)
    return written


@business_verb
def in_letters(*, notices: set[int], today: date) -> None:
    """Keep in mind that the letters of a morning told of these. No event: the letters stand in a list of their own."""
    Notice.objects.filter(pk__in=notices).update(in_letters_on=today)


def new_ones() -> QuerySet[Notice]:
    """Published notices of which no letter has told as they stand now."""
    return Notice.objects.filter(state=Notice.State.PUBLISHED, in_letters_on=None)


def last_working_day(today: date) -> date:
    """The working day before `today`; a year back at most."""
    calendar = house_calendar()
    day = today - DAY
    while not _is_working_day(calendar, day) and (today - day).days < LONGEST_CLOSED:
        day -= DAY
    return day


def _is_working_day(calendar: Calendar, day: date) -> bool:
    return calendar.working_days_between(day - DAY, day) == 1
