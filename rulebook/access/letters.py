"""Letters: written once, in the language of whoever gets them, and sent by `work` where a mail server is set.

A letter is never sent twice. Before it is handed over it is marked as sent; where nobody can tell afterwards whether
the server took it, it stays so, with a sentence that says as much.
"""

from collections.abc import Callable
from datetime import timedelta
from smtplib import SMTPException, SMTPServerDisconnected
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.template import Context
from django.template.loader import get_template
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from rulebook.access.models import Letter, Person
from rulebook.jobs import beat, claim, fail, finish, let_go, open_jobs
from rulebook.journal.services import business_verb
from rulebook.numbers import clock, day

MOST_AT_ONCE = 100
# A mail server that is set up late does not send what was written long before.
STALE_AFTER = timedelta(days=14)

Beat = Callable[[], None]


@business_verb
def write_letter(*, to: Person, about: str, template: str, context: dict[str, Any]) -> Letter | None:
    """Write a letter, or None where one about the same was written before.

    The template's first line is the subject. It has `context`, `to`, and `public`: where people open Rulebook, to be
    put before an address ("" where RULEBOOK_PUBLIC_URL is not set, and the letter tells the path alone). Sending is
    left to `work`; somebody without a mail address keeps the letter at the desk.
    """
    if Letter.objects.filter(about=about).exists():
        return None
    with override(language_of(to)):
        # No escaping: this is no HTML. autoescape is the context's own, so that templates need no switch for it.
        filled = Context({**context, "to": to, "public": settings.PUBLIC_URL}, autoescape=False)
        text = get_template(template).template.render(filled)  # type: ignore[attr-defined]  # Django's own engine
    subject, _newline, body = text.strip().partition("\n")
    written = {"to": to, "subject": subject.strip()[:200], "body": body.strip() + "\n"}
    letter, is_new = Letter.objects.get_or_create(about=about, defaults=written)
    return letter if is_new else None


def language_of(person: Person) -> str:
    """A person's own language where we speak it, else English: nobody's browser is there to be asked."""
    return person.language if person.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def letters_due() -> bool:
    """Whether `send_letters` would send one."""
    return bool(_to_send())


def send_letters(tick: Beat = lambda: None) -> tuple[int, int]:
    """Send what waits; (sent, not sent). Each of the latter knows why, and whether it is tried again.

    `tick` is called before each and may raise to stop.
    """
    waiting = _to_send()
    if not waiting:
        return 0, 0
    sent = 0
    post = _Post()
    try:
        for letter in waiting:
            tick()
            sent += _send(letter, post)
    finally:
        post.hang_up()
    return sent, len(waiting) - sent


class _Post:
    """One line to the mail server for all letters of a round."""

    def __init__(self) -> None:
        self._line: BaseEmailBackend = get_connection()
        self._broken = ""

    def open(self) -> str:
        """Why the server cannot be reached, as a sentence; "" where it is there. It is asked once a round."""
        if not self._broken:
            try:
                self._line.open()
            except (OSError, SMTPException) as error:
                self._broken = _("The mail server cannot be reached, or does not let us in (%(name)s).") % {
                    "name": type(error).__name__
                }
        return self._broken

    def take(self, message: EmailMessage) -> None:
        self._line.send_messages([message])

    def hang_up(self) -> None:
        self._line.close()


def _send(letter: Letter, post: _Post) -> bool:
    """Send one letter and store how that went; False where it did not go, or nobody knows."""
    if not claim(letter):
        return False
    if letter.sent_at:  # marked by a process that then died
        fail(letter, _unknown(), final=True)
        return False
    try:
        if refusal := post.open():
            fail(letter, refusal)
            return False
        beat(letter, sent_at=timezone.now())
    except BaseException:
        let_go(letter)
        raise
    try:
        post.take(_message(letter))
    except (SMTPException, OSError, ValueError) as error:
        if isinstance(error, SMTPServerDisconnected) or not isinstance(error, SMTPException | ValueError):
            post.hang_up()
            fail(letter, _unknown(), final=True)
        else:
            beat(letter, sent_at=None)
            fail(letter, _refused(error), final=isinstance(error, ValueError))
        return False
    finish(letter)
    return True


def how_it_went(letter: Letter) -> str:
    """What became of a letter, in words."""
    if letter.state == Letter.State.DONE and letter.sent_at:
        when = timezone.localtime(letter.sent_at)
        return _("sent %(day)s, %(clock)s") % {"day": day(when), "clock": clock(when)}
    if letter.state == Letter.State.FAILED:
        return letter.last_error
    if not letter.to.email:
        return _("Kept here: this person has no mail address.")
    if not settings.SENDS_MAIL:
        return _("Kept here: no mail server is set.")
    if letter.written_at <= timezone.now() - STALE_AFTER:
        return _("Kept here: too old to be sent.")
    if letter.last_error:
        return " ".join([letter.last_error, _("It is tried again.")])
    return _("waits to be sent")


def _to_send() -> list[Letter]:
    """Letters whose turn it is, oldest first; none where no mail server is set."""
    if not settings.SENDS_MAIL:
        return []
    soonest = timezone.now() - STALE_AFTER
    unsent = Letter.objects.exclude(state__in=(Letter.State.DONE, Letter.State.FAILED)).exclude(to__email="")
    recent = unsent.filter(written_at__gt=soonest).select_related("to").order_by("written_at", "pk")
    return open_jobs(recent)[:MOST_AT_ONCE]


def _message(letter: Letter) -> EmailMessage:
    """The number in the Message-ID is the letter's: a mailbox that gets it twice all the same shows it once."""
    sender = settings.DEFAULT_FROM_EMAIL
    domain = sender.rpartition("@")[2].strip(" >") or "rulebook"
    return EmailMessage(
        letter.subject,
        letter.body,
        sender,
        [letter.to.email],
        headers={"Message-ID": f"<rulebook-letter-{letter.pk}@{domain}>", "Auto-Submitted": "auto-generated"},
    )


def _unknown() -> str:
    return _("The line broke while this letter was handed over. It may have arrived, so it is not sent again.")


def _refused(error: Exception) -> str:
    """By the number that the server gave; its words may hold an address."""
    code = getattr(error, "smtp_code", "") or type(error).__name__
    return _("The mail server did not take this letter (%(code)s). Check the person's address.") % {"code": code}
