"""Every sentence that a person reads is there in Danish too, and what agents read in Norwegian and Swedish.

No template and no model holds one in English alone. `python -m tests.languages` brings the catalogues up to date.
"""

import ast
import os
import re
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.utils.functional import Promise

from tests import languages

ROOT = Path(__file__).resolve().parents[1]
REFRESH = "run `python -m tests.languages` and translate what it names"
# Words that are the same in every language.
NAMES = {"Rulebook"}
READ_ALOUD = {"alt", "aria-description", "aria-label", "aria-roledescription", "label", "placeholder", "title"}


@pytest.fixture(scope="module", params=languages.LANGUAGES)
def translated(request):
    """(a language, sentences in the sources, sentences of its catalogue)."""
    if missing := [tool for tool in ("xgettext", "msgattrib", "msgen", "msgfmt") if not shutil.which(tool)]:
        assert not os.environ.get("CI"), f"{missing} must be at hand where CI is set"
        pytest.skip("GNU gettext is not on this machine")
    language = request.param
    written = languages.po(language)
    assert written.exists(), REFRESH
    wanted = languages.said(languages.in_sources(language))
    return language, wanted, languages.sentences(languages.compiled(written.read_bytes()))


def test_every_sentence_is_translated_and_none_is_kept_that_is_gone(translated):
    language, wanted, spoken = translated
    assert len(wanted) > 100
    assert sorted(map(str, wanted.keys() - spoken.keys())) == [], REFRESH
    assert sorted(map(str, spoken.keys() - wanted.keys())) == [], REFRESH
    assert [key for key, text in spoken.items() if not text.strip()] == []
    catalogue = languages.po(language).read_bytes()
    for mark in ("untranslated", "only-fuzzy", "only-obsolete"):
        assert languages.marked(catalogue, mark) == [], f"{mark}: {REFRESH}"


def test_a_translation_names_the_same_things_and_closes_the_same_tags(translated):
    _, wanted, spoken = translated
    wrong = {key: spoken[key] for key in wanted.keys() & spoken.keys() if parts(spoken[key]) != parts(wanted[key])}
    assert wrong == {}


def test_the_compiled_catalogue_is_that_of_the_written_one(translated):
    language, _, spoken = translated
    assert languages.sentences(languages.po(language).with_suffix(".mo").read_bytes()) == spoken, REFRESH


@pytest.mark.parametrize("pattern", languages.FOR_AGENTS)
def test_what_agents_read_is_where_the_list_says(pattern):
    assert list((ROOT / "rulebook").glob(pattern))


def test_no_sentence_is_asked_for_inside_an_f_string():
    """There xgettext does not look, and it would stay English without anybody being told."""
    calls = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext"}
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in sorted((ROOT / "rulebook").rglob("*.py"))
        for text in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in calls
    ]
    assert found == []


def parts(sentence):
    """Placeholders and tags, as often as they stand there; their order may differ."""
    sentence = sentence.replace("%%", "")
    return Counter(re.findall(r"%\(\w+\)[a-z]|%[a-z]\b|\{\w*\}|</?[a-zA-Z][^>]*>", sentence))


@pytest.mark.parametrize(
    ("english", "danish", "same"),
    [
        ("Read %(count)s rows of {file}.", "{file}: %(count)s rækker læst.", True),
        ("Read %(count)s rows.", "%(antal)s rækker læst.", False),
        ("100 %% of <b>all</b>", "100 %% af <b>alle</b>", True),
        ("<b>all</b>", "<b>alle<b>", False),
        ("{} of {}", "{}", False),
    ],
)
def test_placeholders_and_tags_are_compared(english, danish, same):
    assert (parts(english) == parts(danish)) is same


# Templates


class Reading(HTMLParser):
    """Collects what a person sees or hears."""

    def __init__(self):
        super().__init__()
        self.silent, self.icon = 0, False
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.silent += tag in {"script", "style"}
        self.icon = "material-symbols" in (dict(attrs).get("class") or "")  # its text is the icon's name
        spoken = {"value"} if tag == "input" and dict(attrs).get("type") in {"submit", "button", "reset"} else set()
        self.found += [value or "" for name, value in attrs if name in READ_ALOUD | spoken]

    def handle_endtag(self, tag):
        self.silent -= tag in {"script", "style"}
        self.icon = False

    def handle_data(self, data):
        if not self.silent and not self.icon:
            self.found.append(data)


def bare_words(template):
    """What stands in a template in one language only: words outside of its tags, variables and comments."""
    for pattern in (
        r"\{#.*?#\}",
        r"\{%\s*comment\b.*?\{%\s*endcomment\s*%\}",
        r"\{%\s*(blocktrans(?:late)?)\b.*?\{%\s*end\1\s*%\}",
        r"\{%.*?%\}",
        r"\{\{.*?\}\}",
    ):
        template = re.sub(pattern, "", template, flags=re.DOTALL)
    reading = Reading()
    reading.feed(template)
    reading.close()
    words = [word for text in reading.found for word in re.findall(r"[^\W\d_]{2,}", text)]
    return [word for word in words if word not in NAMES]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("<p>Seven contacts</p>", ["Seven", "contacts"]),
        ('<p title="Why">{% translate "Seven" %}</p>', ["Why"]),
        ('<p title="{% translate "Why" %}">{{ count }} · 7 %</p>', []),
        ("<p>{% blocktranslate trimmed count n=n %}One{% plural %}{{ n }}{% endblocktranslate %} left</p>", ["left"]),
        ('<script>let word = "hidden"</script><input type="submit" value="Send">{# a note #}', ["Send"]),
        ('<i class="material-symbols-outlined">search</i>{% translate "Find" %}<br>here', ["here"]),
        ('<input value="returns"><h1>Rulebook</h1>{% comment %}why{% endcomment %}', []),
    ],
)
def test_bare_words_are_found_where_they_are(template, words):
    assert bare_words(template) == words


def test_no_template_holds_words_in_one_language_only():
    paths = sorted(ROOT.glob("rulebook/**/templates/**/*.html"))
    found = {str(path.relative_to(ROOT)): bare_words(path.read_text(encoding="utf-8")) for path in paths}
    assert {name: words for name, words in found.items() if words} == {}


def test_no_script_of_ours_speaks():
    """The page hands a script its words (`data-` attributes): there is no catalogue for scripts."""
    spoken = {
        str(path.relative_to(ROOT)): found
        for path in sorted(ROOT.glob("rulebook/static/**/*.js"))
        if (found := re.findall(r"""(["'`])([A-Z][a-zæøå]+(?: [^"'`]+)?[.?]?)\1""", _without_comments(path)))
    }
    keys = {"Escape", "Enter", "Tab", "Home", "End", "Space", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"}
    assert {name: words for name, found in spoken.items() if (words := {word for _, word in found} - keys)} == {}


def _without_comments(path):
    return re.sub(r"//.*|/\*.*?\*/", "", path.read_text(encoding="utf-8"))


# Models and their admin


def english_alone(model, model_admin):
    """What the admin shows of a model and would show in English to everybody: texts not wrapped in gettext_lazy."""
    shown = {
        *model_admin.list_display, *model_admin.readonly_fields, *(model_admin.fields or ()),
        *flatten_fieldsets(model_admin.fieldsets or ()),
    }  # fmt: skip
    a_form = "change_view" not in vars(type(model_admin))  # else a page of our own, with our own words
    yield "", "verbose_name", model._meta.verbose_name
    made = "verbose_name_plural" not in model._meta.original_attrs  # Django adds an s, in all languages
    yield "", "verbose_name_plural", f"{model._meta.verbose_name}s" if made else model._meta.verbose_name_plural
    for field in (*model._meta.fields, *model._meta.many_to_many):
        if field.name in shown or (a_form and field.editable and not field.auto_created):
            yield field.name, "verbose_name", field.verbose_name
            yield field.name, "help_text", field.help_text
            yield from ((field.name, "choice", label) for _, label in field.choices or ())
    for title, _ in model_admin.fieldsets or ():
        yield "", "title of a fieldset", title
    for name in sorted(map(str, shown - {field.name for field in model._meta.get_fields()})):
        method = getattr(model_admin, name, None) or getattr(model, name, None)
        yield name, "short_description", getattr(method, "short_description", "")
    for name, field in getattr(model_admin.form, "declared_fields", {}).items():
        yield name, "label", field.label if field.label is not None else name
        yield name, "help_text", field.help_text


def test_all_that_the_admin_shows_of_our_models_can_be_translated():
    ours = {config.name for config in apps.get_app_configs() if config.name.startswith("rulebook")}
    found = [
        f"{model.__name__}.{name} {what}: {text}"
        for model, model_admin in admin.site._registry.items()
        if apps.get_app_config(model._meta.app_label).name in ours
        for name, what, text in english_alone(model, model_admin)
        if text and not isinstance(text, Promise)
    ]
    assert found == []
