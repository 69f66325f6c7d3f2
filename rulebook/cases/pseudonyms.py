"""Customers and agents become keys that nobody can turn back without the key ring."""

import hmac
import unicodedata
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from rulebook import environment
from rulebook.errors import CannotStart

CUSTOMER = "customer"
AGENT = "agent"


def key_ring() -> tuple[int, list[bytes]]:
    """(number of the current key, keys from the first to the current one).

    On a local run the ring is made when it is first needed. Raises CannotStart when it is missing in production or
    cannot be read: without it, the same customer would get another key and every repeat would be lost.
    """
    path = Path(settings.KEY_RING_FILE)
    try:
        text = path.read_text() if settings.PRODUCTION else environment.make_key_ring(path)
        current, keys = environment.read_key_ring(text)
    except OSError:
        raise CannotStart(_("The key ring cannot be opened. Set RULEBOOK_KEY_RING to its file.")) from None
    except ValueError as error:
        raise CannotStart(_("%(problem)s Restore it from its own backup.") % {"problem": error}) from None
    return current, [keys[number] for number in sorted(keys) if number <= current]


def pseudonymiser(keys: list[bytes], kind: str, space: str) -> Callable[[str], bytes]:
    """A function from a stripped raw id to its 32-byte key: HMAC-SHA-256(key, kind|space|id), id in NFC.

    A rotation is a chain: with two keys it is HMAC(k2, HMAC(k1, ...)), so that keys stored before can be carried
    over without knowing the ids.

    >>> key = pseudonymiser([b"k" * 32], "customer", "shop")
    >>> key("é") == key("é"), len(key("C1")), key("C1") == key("c1")
    (True, 32, False)
    """
    first, *later = keys
    prefix = f"{kind}|{space}|".encode()
    digest = hmac.digest

    def pseudonym(raw: str) -> bytes:
        text = raw if raw.isascii() else unicodedata.normalize("NFC", raw)
        key = digest(first, prefix + text.encode("utf-8", "surrogatepass"), "sha256")
        for newer in later:
            key = digest(newer, key, "sha256")
        return key

    return pseudonym
