"""How often somebody may do something. Counted in this process's memory alone: a stored count would tell hours.

Every process of a web server counts for itself, so two of them let through up to twice as many; a restart forgets.
"""

import time
from threading import Lock

from django.http import HttpRequest

from rulebook.access.kept import too_many
from rulebook.access.voices import voice_of

__all__ = ["too_many", "within_limit"]

# A device of a team's link can make itself new by opening the link once more. So a link has a limit too, of so many
# devices that all do what one may.
DEVICES = 10
MOST_KEPT = 20_000  # counters, of about 200 bytes each

_counters: dict[tuple[str, str], tuple[float, int]] = {}
_lock = Lock()


def within_limit(request: HttpRequest, what: str, most: int, seconds: int) -> bool:
    """Count once that this voice does `what`; False when it has done so `most` times in these seconds already.

    The seconds begin with the first time. A stranger is known by the address that the web server sees.
    """
    voice = voice_of(request)
    if voice is None:
        return _count(f"from {request.META.get('REMOTE_ADDR', '')}", what, most, seconds)
    if voice.link and not _count(f"link {voice.link}", what, most * DEVICES, seconds):
        return False
    return _count(voice.key, what, most, seconds)


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
