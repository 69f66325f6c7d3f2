"""Secrets of team links: made, recognised, and kept out of the log. Pure: the log is set up before any model is."""

import hashlib
import logging
import re
import secrets
import traceback
from types import TracebackType

from django.core.signing import BadSignature, Signer

SALT = "rulebook.access.team_link"
ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]
# Where the front line writes. An hour beside one of these would tell when an anonymous flag was sent.
QUIET = re.compile(r"/(?:flag|vote|t)/")
SECRET = re.compile(r"/t/[^\s\"'/?]+")


def new_token() -> str:
    """A random secret with our signature, fit for an address: about 70 characters."""
    return signed(secrets.token_urlsafe(18))


def signed(secret: str) -> str:
    return _signer().sign(secret)


def is_signed(token: str) -> bool:
    """Whether we made this secret: a guess is turned away before the database is asked."""
    try:
        _signer().unsign(token)
    except BadSignature:
        return False
    return True


def digest_of(token: str) -> str:
    """What is stored of a secret: SHA-256, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


class NoSecrets(logging.Filter):
    """Cuts the secret of a team's link out of every line, and lets no line of traffic with the front line's pages pass.

    What went wrong there is still told: only lines below an error are left out.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if QUIET.search(said):
            if record.name.startswith("django.") and record.levelno < logging.ERROR:
                return False
            record.msg, record.args = SECRET.sub("/t/...", said), None
            if record.exc_info:
                record.exc_text, record.exc_info = without_its_text(record.exc_info), None
        return True


def without_its_text(error: ExcInfo) -> str:
    """Where an error was and of which kind it is. What it says may quote what somebody wrote."""
    kind, _error, where = error
    return "".join(traceback.format_tb(where)) + (kind.__name__ if kind else "")


def _signer() -> Signer:
    return Signer(sep=".", salt=SALT)
