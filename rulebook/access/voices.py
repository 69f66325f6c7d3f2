"""Who speaks on the pages of the front line: somebody who signed in, or a device that came by a team's link."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Concatenate, ParamSpec, cast

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from rulebook.access.kept import ask_to_sign_in
from rulebook.access.models import Person, Team, TeamLink
from rulebook.access.queries import living_links

P = ParamSpec("P")

COOKIE = "rulebook_team"
SALT = "rulebook.access.team_cookie"
COOKIE_AGE = 180 * 86_400  # seconds, from the last time that the link was opened


@dataclass(frozen=True)
class Voice:
    """One voter, one sender of flags. `person` is None for a device, `device` blank for a person.

    `device` is the SHA-256 of a random number that only the device's cookie holds; `link` the number of its link.
    """

    person: Person | None
    team: Team | None
    device: str
    link: int = 0

    @property
    def key(self) -> str:
        """How a vote names its voter: "person 7", or the device."""
        return f"person {self.person.pk}" if self.person else self.device

    @cached_property
    def _roles(self) -> frozenset[str]:
        return frozenset(self.person.groups.values_list("name", flat=True)) if self.person else frozenset()

    @property
    def is_manager(self) -> bool:
        """Votes of managers, and of whoever may do everything, are shown apart."""
        return self.person is not None and (self.person.is_superuser or "manager" in self._roles)

    @property
    def is_agent(self) -> bool:
        """The front line: the role, or a team's link. Whoever manages is not counted among them."""
        return self.person is None or ("agent" in self._roles and not self.is_manager)


def voice_of(request: HttpRequest) -> Voice | None:
    """Who sent the request; None for nobody. Somebody who signed in is that person, whatever cookie lies beside.

    A revoked link's cookie is nobody, and so is one that was changed or is too old.
    """
    if not hasattr(request, "_voice"):
        request._voice = _heard(request)  # type: ignore[attr-defined]  # asked for several times a page
    return cast(Voice | None, request._voice)  # type: ignore[attr-defined]


def needs_voice(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """For a page of the front line: nobody is led to the door first, and what they had written is kept on the page."""

    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return view(request, *args, **kwargs) if voice_of(request) else ask_to_sign_in(request)

    return page


def remember(request: HttpRequest, response: HttpResponse, link: TeamLink) -> None:
    """Give the device a cookie of the link. One that has been here before, by whichever link, stays the same device."""
    known = _cookie(request)
    response.set_cookie(
        COOKIE,
        signing.dumps([link.pk, known[1] if known else secrets.token_urlsafe(16)], salt=SALT),
        max_age=COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def forget(response: HttpResponse) -> None:
    """Take the cookie away: the device is a stranger again."""
    response.delete_cookie(COOKIE, samesite="Lax")


def _heard(request: HttpRequest) -> Voice | None:
    if request.user.is_authenticated:
        return Voice(person=request.user, team=request.user.team, device="")
    known = _cookie(request)
    if known is None:
        return None
    link = living_links().filter(pk=known[0]).first()
    if link is None:
        return None
    return Voice(person=None, team=link.team, device=hashlib.sha256(known[1].encode()).hexdigest(), link=link.pk)


def _cookie(request: HttpRequest) -> tuple[int, str] | None:
    """(number of a link, the device's random number), of whatever link, revoked ones too."""
    try:
        link, device = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=COOKIE_AGE)
        return int(link), str(device)
    except (signing.BadSignature, ValueError, TypeError):
        return None
