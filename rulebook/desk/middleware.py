"""Which language the admin speaks, and which addresses nobody can have meant."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation

SPOKEN = ("en", "da")  # what the admin is complete in; elsewhere the product speaks all of settings.LANGUAGES


class AdminLanguage:
    """In the admin: the language chosen there on this browser, else the person's own, else as the browser says.

    Norwegian and Swedish become English here: half a page in one language and half in another helps nobody. Stands
    after AuthenticationMiddleware, since it asks who is there, and inside LocaleMiddleware, which has read the cookie.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(reverse("admin:index")):
            language = spoken_to(request)
            translation.activate(language)
            request.LANGUAGE_CODE = language
        return self.get_response(request)


def spoken_to(request: HttpRequest) -> str:
    wanted = translation.get_language()
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and request.user.is_authenticated:
        wanted = request.user.language or wanted
    return wanted if wanted in SPOKEN else SPOKEN[0]


def refuse_nul(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A NUL in an address was typed by nobody, and PostgreSQL would break off at it: 400. A search leaves it out."""

    def answer(request: HttpRequest) -> HttpResponse:
        asked = (value for name, values in request.GET.lists() if name != "q" for value in values)
        if any("\0" in text for text in (request.path, *asked)):
            raise SuspiciousOperation("a NUL in the address")
        return get_response(request)

    return answer
