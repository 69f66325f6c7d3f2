"""Which language a page speaks, what a public page may load, and which addresses nobody can have meant."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.urls import reverse
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

Answer = Callable[[HttpRequest], HttpResponse]

SPOKEN = ("en", "da")  # what the admin is complete in; elsewhere the product speaks all of settings.LANGUAGES
NORWEGIAN = {"no": "nb", "nn": "nb"}  # what browsers say, and what we speak

# Public pages load nothing from elsewhere and run nothing that stands in the page. The admin's frame needs more.
CONTENT_SECURITY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
)


class SpokenLanguage:
    """The language chosen on this browser, else the person's own, else as the browser says.

    In the admin Norwegian and Swedish become English: half a page in one language and half in another helps nobody.
    Stands after AuthenticationMiddleware, since it asks who is there, and inside LocaleMiddleware, which has read the
    cookie.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = spoken_to(request)
        if in_admin(request):
            language = language if language in SPOKEN else SPOKEN[0]
        translation.activate(language)
        request.LANGUAGE_CODE = language
        return self.get_response(request)


def spoken_to(request: HttpRequest) -> str:
    if settings.LANGUAGE_COOKIE_NAME in request.COOKIES:
        return translation.get_language() or settings.LANGUAGE_CODE
    own = request.user.language if request.user.is_authenticated else ""
    return own if own in dict(settings.LANGUAGES) else _of_browser(request)


def _of_browser(request: HttpRequest) -> str:
    """As Django, which does not know that "no" and "nn" are Norwegian to somebody who reads bokmål."""
    known = dict(settings.LANGUAGES)
    for wanted, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", "").lower()):
        language = wanted.split("-")[0]
        language = NORWEGIAN.get(language, language)
        if language in known:
            return language
        if wanted == "*":
            break
    return settings.LANGUAGE_CODE


def in_admin(request: HttpRequest) -> bool:
    return request.path.startswith(reverse("admin:index"))


def content_security(get_response: Answer) -> Answer:
    """Give every page outside the admin the strict policy, those that could not be served too."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not in_admin(request):
            response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY)
        return response

    return answer


class CompressedOutsideAdmin(GZipMiddleware):
    """Packs the pages of phones and their scripts; the desk's own pages are large, and stand on faster lines."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        whole = in_admin(request) or request.method == "HEAD"  # an empty answer packed is not empty any more
        return response if whole else super().process_response(request, response)


def refuse_nul(get_response: Answer) -> Answer:
    """A NUL in an address was typed by nobody, and PostgreSQL would break off at it: 400. A search leaves it out."""

    def answer(request: HttpRequest) -> HttpResponse:
        asked = (value for name, values in request.GET.lists() if name != "q" for value in values)
        if any("\0" in text for text in (request.path, *asked)):
            raise SuspiciousOperation("a NUL in the address")
        return get_response(request)

    return answer
