"""The pages of flags: the form, what can be added after it, and what became of an anonymous one.

Nothing here writes into the session, the log or a cookie, and every page asks not to be kept: who sent what at which
hour is to be read nowhere.
"""

from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from rulebook.access.limits import within_limit
from rulebook.access.scrubbing import told
from rulebook.access.voices import needs_voice, voice_of
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused
from rulebook.errors import NotAllowed, WrongState
from rulebook.flags.forms import MINUTES, OTHER, OWN_WORDS, FlagForm, MoreForm, ReceiptForm, new_form_number
from rulebook.flags.hearing import heard_now
from rulebook.flags.holding import ADDING_SECONDS
from rulebook.flags.queries import fate_of, rule_named, rules_guessed, rules_to_choose
from rulebook.flags.receipts import receipt_code
from rulebook.flags.sentences import SENTENCES, in_words
from rulebook.flags.services import More, Telling, add_to_flag, send_flag

MINUTE = 60  # seconds
FLAGS_A_MINUTE = 20
SEARCHES_A_MINUTE = 240  # one a letter
CODES_A_MINUTE = 10
KEY = "rulebook.flags.more"
# Which field of the page the service's field is.
SHOWN_AT = {"customer_heard": "heard_own", "minutes": "minutes_other"}


@never_cache
@needs_voice
@require_http_methods(["GET", "HEAD", "POST"])
def flag(request: HttpRequest) -> HttpResponse:
    """The form; sent, the page that says so. `find`, the button of a page without script, only looks for rules."""
    if request.method != "POST":
        return _empty_form(request)
    form = FlagForm(request.POST)
    form.is_valid()
    if "find" in request.POST:
        return _form(request, form)
    if not within_limit(request, "flag", FLAGS_A_MINUTE, MINUTE):
        return _form(request, form, status=429, said=too_many())
    anonymous = form.cleaned_data["anonymous"]
    voice = None if anonymous else voice_of(request)
    chosen = rule_named(form.cleaned_data["rule"])
    try:
        sent = send_flag(
            form=form.cleaned_data["form"],
            telling=Telling(
                stopped=form.cleaned_data["stopped"],
                customer_heard=form.customer_heard(),
                rule=chosen,
                # A rule that was chosen and is no longer there is words, too.
                rule_words=form.cleaned_data["rule_words"] or ("" if chosen else form.cleaned_data["rule"]),
                channel=form.cleaned_data["channel"],
            ),
            anonymous=anonymous,
            by=voice.person if voice else None,
            team=voice.team if voice else None,
        )
    except FieldRefused as refusal:
        return _form(request, form, status=422, errors={SHOWN_AT.get(refusal.field, refusal.field): str(refusal)})
    key = signing.dumps([sent.once, anonymous, chosen.code if chosen else ""], salt=KEY)
    return _more(request, MoreForm({"key": key}), sent.once, anonymous, chosen, hidden=told(sent.hidden))


@never_cache
@needs_voice
@require_POST
def rules(request: HttpRequest) -> HttpResponse:
    """The rules that may be meant, to be put into the form. By POST: no address and no log holds what is typed."""
    if not within_limit(request, "flag search", SEARCHES_A_MINUTE, MINUTE):
        return HttpResponse(status=204)  # what is listed stays; the flag can be sent without a rule
    form = FlagForm(request.POST)
    form.is_valid()
    if request.headers.get("HX-Target") != "likely":
        return render(request, "flags/rules.html", {**_choice(form), "both": True})
    if form.cleaned_data["rule_words"].strip() or rule_named(form.cleaned_data["rule"]):
        return HttpResponse(status=204)  # a rule was looked for or chosen: what is listed stays
    return render(request, "flags/likely.html", _choice(form))


@never_cache
@needs_voice
@require_http_methods(["GET", "HEAD", "POST"])
def more(request: HttpRequest) -> HttpResponse:
    """Add to a flag that was just sent. By an address alone there is nothing to add to."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("flag"))
    form = MoreForm(request.POST)
    form.is_valid()
    try:
        once, anonymous, code = signing.loads(form.cleaned_data["key"], salt=KEY, max_age=ADDING_SECONDS)
    except signing.BadSignature:
        late = _("More than an hour has passed since you sent the flag. It is stored. Write a new one for the rest.")
        return _more(request, form, "", False, None, status=409, said=late)
    chosen = rule_named(code)
    if not within_limit(request, "flag more", FLAGS_A_MINUTE, MINUTE):
        return _more(request, form, once, anonymous, chosen, status=429, said=too_many())
    voice = None if anonymous else voice_of(request)
    try:
        added = add_to_flag(
            once=once,
            more=More(
                case_reference="" if anonymous else form.cleaned_data["case_reference"],
                solved=form.solved_said(),
                minutes=form.minutes_said(),
                instead=form.cleaned_data["instead"],
                decision=form.cleaned_data["decision"],
                quotable=form.cleaned_data["quotable"],
            ),
            by=voice.person if voice else None,
            team=voice.team if voice else None,
            receipt=receipt_code(once) if anonymous else "",  # the page with this key is shown the code, too
        )
    except FieldRefused as refusal:
        errors = {SHOWN_AT.get(refusal.field, refusal.field): str(refusal)}
        return _more(request, form, once, anonymous, chosen, status=422, errors=errors)
    except (WrongState, NotAllowed) as refusal:
        status = 403 if isinstance(refusal, NotAllowed) else 409
        return _more(request, form, once, anonymous, chosen, status=status, said=str(refusal))
    case = form.cleaned_data["case_reference"].strip() if added.case_known is False else ""
    context = {"receipt": receipt_code(once) if anonymous else "", "hidden": told(added.hidden), "waits_for": case}
    return render(request, "flags/added.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def receipt(request: HttpRequest) -> HttpResponse:
    """What became of an anonymous flag. Without a sign-in: whoever asks here shall not have to say who they are."""
    if request.method != "POST":
        return render(request, "flags/receipt.html", {"code": ""})
    form = ReceiptForm(request.POST)
    form.is_valid()
    context: dict[str, Any] = {"code": form.cleaned_data["code"].strip()[:100]}
    if not within_limit(request, "receipt", CODES_A_MINUTE, MINUTE):
        said = _("Many codes at once. Try again in a minute.")
        return render(request, "flags/receipt.html", {**context, "error": said}, status=429)
    fate = fate_of(context["code"])
    if fate is None:
        said = _("No flag has this code. It is nine letters and digits, as in 7KM-R4T-2QX.")
        return render(request, "flags/receipt.html", {**context, "error": said}, status=422)
    return render(request, "flags/fate.html", {"fate": fate, "flag": fate.flag, "rule": fate.rule})


def too_many() -> str:
    return _("Many flags at once. Your text is safe here. Try again in a minute.")


def _empty_form(request: HttpRequest) -> HttpResponse:
    """With the rule and the channel of a link in the help desk. What follows the # of such a link never comes here."""
    named = request.GET.get("rule", "")
    known = rule_named(named)
    words = {"rule": known.code} if known else {"rule_words": named}
    given = {**words, "channel": request.GET.get("channel", ""), "form": new_form_number()}
    form = FlagForm(given)
    form.is_valid()
    unknown = _("The link names a rule that is not here: %(rule)s. Choose one below, or send without.")
    return _form(request, form, said="" if known or not named else unknown % {"rule": named[:100]})


def _form(
    request: HttpRequest, form: FlagForm, *, errors: dict[str, str] | None = None, said: str = "", status: int = 200
) -> HttpResponse:
    voice = voice_of(request)
    typed = form.cleaned_data
    context = {
        **_choice(form),
        "form": typed,
        "errors": errors or {},
        "said": said,
        "sentences": [(sentence, in_words(sentence), typed["heard"] == sentence) for sentence in SENTENCES],
        "own_words": OWN_WORDS,
        "in_own_words": typed["heard"] == OWN_WORDS or (typed["heard"] not in SENTENCES and bool(typed["heard_own"])),
        "team": voice.team if voice and voice.person is None else None,
        "heard_now": heard_now(),
    }
    return render(request, "flags/form.html", context, status=status)


def _choice(form: FlagForm) -> dict[str, Any]:
    """The rules listed below "Which rule?", and while nothing stands there those below "What stopped you?"."""
    typed = form.cleaned_data
    chosen = rule_named(typed["rule"])
    return {
        "rules": rules_to_choose(typed["rule_words"], chosen),
        "likely": rules_guessed(typed["stopped"], typed["rule_words"], chosen),
        "searched": bool(typed["rule_words"].strip()),
    }


def _more(
    request: HttpRequest, form: MoreForm, once: str, anonymous: bool, rule: Rule | None, *,
    hidden: str = "", errors: dict[str, str] | None = None, said: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    """ "Sent. Add more?", with the receipt code of an anonymous flag, and no field for its case."""
    form.is_valid()
    typed = form.cleaned_data
    minutes = [(str(number), str(number), typed["minutes"] == str(number)) for number in MINUTES]
    solved = [("yes", _("Yes")), ("no", _("No")), ("unknown", _("Don’t know"))]
    context = {
        "form": typed,
        "anonymous": anonymous,
        "receipt": receipt_code(once) if once and anonymous else "",
        "removed": rule if rule and rule.status == Rule.Status.REMOVED else None,
        "hidden": hidden,
        "errors": errors or {},
        "said": said,
        "minutes": minutes,
        "other": OTHER,
        "solved": [(value, words, typed["solved"] == value) for value, words in solved],
    }
    return render(request, "flags/more.html", context, status=status)
