"""How often somebody may do something. Counted in this process's memory alone: a stored count would tell hours.

Every process of a web server counts for itself, so two of them let through up to twice as many; a restart forgets.
Guessed passwords are counted here too, and by no library: django-axes would store each try with its address and hour.
"""

import re
import time
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock

from django.conf import settings
from django.http import HttpRequest

from rulebook.access.kept import too_many
from rulebook.access.voices import voice_of

__all__ = ["forgive", "may_try", "too_many", "within_limit"]

# A device of a team's link can make itself new by opening the link once more. So a link has a limit too, of so many
# devices that all do what one may.
DEVICES = 10
MOST_KEPT = 20_000  # counters, of about 200 bytes each

WITH_PORT = re.compile(
    r"^(?:(?P<four>[0-9.]+)|\[(?P<six>[0-9A-Fa-f:.]+)\])(?::[0-9]+)?$"
)  # some proxies write the port

_counters: dict[tuple[str, str], tuple[float, int]] = {}
_lock = Lock()


def within_limit(request: HttpRequest, what: str, most: int, seconds: int) -> bool:
    """Count once that this voice does `what`; False when it has done so `most` times in these seconds already.

    The seconds begin with the first time. A stranger is known by their address.
    """
    voice = voice_of(request)
    if voice is None:
        return _count(address_of(request), what, most, seconds)
    if voice.link and not _count(f"link {voice.link}", what, most * DEVICES, seconds):
        return False
    return _count(voice.key, what, most, seconds)


def may_try(request: HttpRequest, what: str, most: int, seconds: int) -> bool:
    """Count one try of something that is secret; False after `most` of them from this address in these seconds.

    Whoever tries is a stranger, whatever cookie lies beside: a device of a team's link makes itself new at will.
    """
    return _count(address_of(request), what, most, seconds)


def forgive(request: HttpRequest, what: str) -> None:
    """Take one try off the count, since it was right: only wrong ones are limited."""
    with _lock:
        over, times = _counters.get((address_of(request), what), (0.0, 0))
        if times:
            _counters[address_of(request), what] = over, times - 1


def address_of(request: HttpRequest) -> str:
    """Where the request came from, to count by and for nothing else: it is neither stored nor logged.

    Behind a proxy that is what the proxy itself wrote, the last address of X-Forwarded-For: those before it are what
    the client says. A house or a phone has a whole network of IPv6 addresses, which counts as one.
    """
    seen = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        seen = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or seen
    try:
        address = ip_address(WITH_PORT.sub(lambda found: found["four"] or found["six"], seen))
    except ValueError:
        return f"from {request.META.get('REMOTE_ADDR', '')}"
    if isinstance(address, IPv6Address) and not address.ipv4_mapped:
        return f"from {ip_network((int(address) >> 64 << 64, 64))}"
    return f"from {address}"


def forget_all() -> None:
    """Begin to count anew. For tests."""
    with _lock:
        _counters.clear()


def _count(who: str, what: str, most: int, seconds: int) -> bool:
    now = time.monotonic()
    with _lock:
        if len(_counters) >= MOST_KEPT:
            _make_room(now)
        over, times = _counters.get((who, what), (0.0, 0))
        if now >= over:
            over, times = now + seconds, 0
        if times < most:
            _counters[who, what] = over, times + 1
        return times < most


def _make_room(now: float) -> None:
    """Drop the counters whose time is over, and where that is not enough the half that ends first."""
    for key in [key for key, (over, _times) in _counters.items() if over <= now]:
        del _counters[key]
    if len(_counters) >= MOST_KEPT:
        for key in sorted(_counters, key=lambda key: _counters[key][0])[: MOST_KEPT // 2]:
            del _counters[key]
