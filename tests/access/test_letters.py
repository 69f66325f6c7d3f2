"""Letters: written once in the reader's language, sent once, tried again where the server said no."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from django.utils.translation import override

from rulebook.access import letters
from rulebook.access.letters import how_it_went, letters_due, send_letters, write_letter
from rulebook.access.models import Letter
from rulebook.desk import work
from rulebook.jobs import Job, this_process
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def templates(settings, tmp_path):
    (tmp_path / "try.txt").write_text(
        "{% load i18n %}{% translate 'Start' %}: <{{ word }}>\n\nHello {{ to }}\n{{ public }}{% url 'promise' %}\n"
    )
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}]
    settings.SENDS_MAIL = True
    settings.DEFAULT_FROM_EMAIL = "Rulebook <rulebook@example.org>"
    settings.PUBLIC_URL = "https://rules.example.org"


def written(about="x", *, to=None, **context):
    to = to or make.person(first_name="Anna", email="anna@example.org", language="da")
    return write_letter(to=to, about=about, template="try.txt", context={"word": "a & b", **context})


def stored(letter):
    return Letter.objects.get(pk=letter.pk)


def test_a_letter_speaks_the_language_of_who_gets_it_and_holds_one_whole_link():
    with override("sv"):
        letter = written()
    with override("da"):
        assert letter.subject == "Start: <a & b>"
    assert letter.body == "Hello Anna\nhttps://rules.example.org/promise/\n"


def test_without_a_public_address_the_letter_tells_the_path(settings):
    settings.PUBLIC_URL = ""
    assert written().body.endswith("\n/promise/\n")


@pytest.mark.parametrize(("language", "spoken"), [("", "en"), ("nb", "nb"), ("de", "en")])
def test_a_person_without_a_language_of_ours_is_written_to_in_english(language, spoken):
    assert letters.language_of(make.person(language=language)) == spoken


def test_the_same_letter_is_written_once():
    assert written("flag 7 waits") and written("flag 7 waits") is None and written("flag 8 waits")
    assert Letter.objects.count() == 2


def test_what_waits_is_sent_once_and_marked():
    letter = written()
    assert letters_due() and send_letters() == (1, 0)
    (message,) = mail.outbox
    assert (message.to, message.subject, message.body) == (["anna@example.org"], letter.subject, letter.body)
    assert message.from_email == "Rulebook <rulebook@example.org>"
    assert message.extra_headers["Message-ID"] == f"<rulebook-letter-{letter.pk}@example.org>"
    assert not letters_due() and send_letters() == (0, 0) and len(mail.outbox) == 1
    now = stored(letter)
    assert now.state == Job.State.DONE and now.sent_at and how_it_went(now).startswith("sent ")


def test_somebody_without_a_mail_address_keeps_the_letter_at_the_desk():
    letter = written(to=make.person())
    assert not letters_due() and send_letters() == (0, 0)
    assert stored(letter).state == Job.State.WAITING
    assert how_it_went(stored(letter)) == "Kept here: this person has no mail address."


def test_without_a_mail_server_letters_stay_at_the_desk(settings):
    letter = written()
    settings.SENDS_MAIL = False
    assert not letters_due() and not mail.outbox
    assert how_it_went(letter) == "Kept here: no mail server is set."


def test_a_server_that_is_set_up_late_does_not_send_what_is_old():
    letter = written()
    Letter.objects.update(written_at=timezone.now() - timedelta(days=15))
    assert not letters_due() and how_it_went(stored(letter)) == "Kept here: too old to be sent."


class Server:
    """Stands in for the mail server: `answers` are raised one after the other, None takes the letter."""

    def __init__(self, monkeypatch, *answers, closed=None):
        self.answers, self.closed, self.opened, self.taken = list(answers), closed, 0, []
        monkeypatch.setattr(letters, "get_connection", lambda: self)

    def open(self):
        self.opened += 1
        if self.closed:
            raise self.closed

    def close(self):
        pass

    def send_messages(self, messages):
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.taken += messages


def later(letter):
    Letter.objects.filter(pk=letter.pk).update(next_attempt=timezone.now())


@pytest.mark.parametrize("closed", [ConnectionRefusedError(), smtplib.SMTPAuthenticationError(535, b"no")])
def test_a_server_that_cannot_be_reached_is_asked_once_a_round_and_again_later(monkeypatch, closed):
    first, second = written("a"), written("b")
    server = Server(monkeypatch, closed=closed)
    assert send_letters() == (0, 2) and server.opened == 1
    for letter in (stored(first), stored(second)):
        assert (letter.state, letter.sent_at, letter.attempts) == (Job.State.WAITING, None, 1)
        assert letter.next_attempt > timezone.now() and "cannot be reached" in how_it_went(letter)
    assert not letters_due()
    server.closed = None
    later(first)
    assert send_letters() == (1, 0)


def test_a_letter_that_the_server_refuses_does_not_stop_the_others_and_is_given_up_in_the_end(monkeypatch):
    refused, fine = written("a"), written("b")
    no = smtplib.SMTPRecipientsRefused({"anna@example.org": (550, b"no anna@example.org here")})
    server = Server(monkeypatch, no)
    assert send_letters() == (1, 1) and len(server.taken) == 1
    for _ in range(3):
        later(refused)
        server.answers = [smtplib.SMTPDataError(554, b"anna@example.org is bad")]
        assert send_letters() == (0, 1)
    gone = stored(refused)
    assert (gone.state, gone.sent_at, stored(fine).state) == (Job.State.FAILED, None, Job.State.DONE)
    assert "554" in gone.last_error and "anna" not in gone.last_error
    later(refused)
    assert not letters_due()


@pytest.mark.parametrize("broken", [smtplib.SMTPServerDisconnected("gone"), TimeoutError()])
def test_a_letter_that_may_have_arrived_is_not_sent_again(monkeypatch, broken):
    unsure, other = written("a"), written("b")
    Server(monkeypatch, broken)
    assert send_letters() == (1, 1)
    assert stored(unsure).state == Job.State.FAILED and stored(unsure).sent_at
    assert "may have arrived" in how_it_went(stored(unsure)) and stored(other).state == Job.State.DONE


@pytest.mark.parametrize("marked", [False, True])
def test_a_process_killed_at_a_letter_leaves_one_that_is_sent_once_or_not_at_all(marked):
    letter = written()
    host, _process = this_process()
    at = timezone.now() if marked else None
    Letter.objects.update(state=Job.State.RUNNING, attempts=1, host=host, process="999999:x:1", sent_at=at)
    assert letters_due() and send_letters() == ((0, 1) if marked else (1, 0))
    assert len(mail.outbox) == (0 if marked else 1)
    assert not letters_due() and stored(letter).state == (Job.State.FAILED if marked else Job.State.DONE)


def test_an_address_that_no_mail_can_have_is_given_up_at_once():
    letter = written(to=make.person(email="anna@example.org\nBcc: all@example.org"))
    assert send_letters() == (0, 1) and not mail.outbox
    assert stored(letter).state == Job.State.FAILED


def test_told_to_stop_before_a_letter_leaves_it_for_the_next():
    written()

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send_letters(stop)
    assert letters_due() and not mail.outbox and send_letters() == (1, 0)


def test_work_sends_letters_and_says_how_many():
    written()
    lines = [done.what for done in work.work() if done.duty == "letters"]
    assert lines == ["Letters sent: 1."] and len(mail.outbox) == 1
