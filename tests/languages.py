"""The catalogues: `python -m tests.languages` after a change of any sentence that a person reads.

Danish holds all, Norwegian and Swedish what agents read: their pages and their letters, listed in FOR_AGENTS. It reads
the sentences from our Python and templates and from the parts of Unfold that are installed (Unfold ships no
translations; what Django's own Danish has is left to Django). Scripts have none: the page hands them theirs. It brings
them into each `django.po`, drops those that are gone, compiles `django.mo`, and tells what is left to translate. A
sentence that msgmerge only guessed is marked fuzzy: translate it and take the mark away. Needs GNU gettext.
`test_languages.py` holds the files to the sources.
"""

import gettext
import importlib.util
import io
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from django.utils.translation import templatize

from rulebook.settings import INSTALLED_APPS

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ("da", "nb", "sv")
WHOLE = "da"  # the admin speaks it too
# What agents read, below `rulebook/`: templates, and the modules that hand them sentences.
FOR_AGENTS = (
    "templates/*.html",
    "templates/agent/*.html",
    "templates/flags/*.html",
    "templates/votes/*.html",
    "templates/notices/*.html",
    "templates/catalogue/capture*.html",
    "templates/letters/*.txt",
    "templates/review/*.html",
    "access/forms.py",
    "access/letters.py",
    "access/rights.py",
    "access/scrubbing.py",
    "access/views.py",
    "catalogue/capture.py",
    "catalogue/services.py",
    "catalogue/sheet.py",
    "flags/answers.py",
    "flags/forms.py",
    "flags/replies.py",
    "flags/sentences.py",
    "flags/services.py",
    "flags/views.py",
    "flags/words.py",
    "notices/services.py",
    "notices/views.py",
    "notices/words.py",
    "review/guards.py",
    "review/models.py",
    "review/owners.py",
    "review/telling.py",
    "review/views.py",
    "votes/forms.py",
    "votes/queries.py",
    "votes/services.py",
    "votes/showing.py",
    "votes/stack.py",
    "votes/views.py",
)
HEADER = """msgid ""
msgstr ""
"Project-Id-Version: Rulebook\\n"
"Language: LANGUAGE\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"""
# As Django's makemessages knows them, beside those that xgettext knows itself.
KEYWORDS = ("gettext_noop", "gettext_lazy", "ngettext_lazy:1,2", "pgettext:1c,2", "npgettext:1c,2,3",
            "pgettext_lazy:1c,2", "npgettext_lazy:1c,2,3")  # fmt: skip
# A sentence: its msgid (before it "context\x04" where it has one), and which plural form where it has several.
Key = str | tuple[str, int]
Sentences = Mapping[Key, str]
DJANGO = ("django", "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes")


def po(language: str) -> Path:
    return ROOT / "rulebook" / "locale" / language / "LC_MESSAGES" / "django.po"


def refresh(language: str) -> str:
    """Bring a language's `django.po` and `django.mo` up to date with the sources; a sentence about what is left."""
    path = po(language)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER.replace("LANGUAGE", language), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "django.pot"
        wanted.write_bytes(in_sources(language))
        merged = _run("msgmerge", "--quiet", "--no-wrap", "--sort-by-file", path, wanted)
    path.write_bytes(_run("msgattrib", "--no-obsolete", "--no-wrap", "-", given=merged))
    path.with_suffix(".mo").write_bytes(compiled(path.read_bytes()))
    left = [len(marked(path.read_bytes(), mark)) for mark in ("untranslated", "only-fuzzy")]
    return f"{path.relative_to(ROOT)}: {left[0]} to translate, {left[1]} only guessed."


def in_sources(language: str) -> bytes:
    """A template catalogue of all that has to be translated into a language."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if language != WHOLE:
            return _extracted(_readable(for_agents(), folder, ROOT), folder)
        files = _readable(ours(), folder, ROOT)
        (folder / "unfold.py").write_text(_as_calls(of_unfold()), encoding="utf-8")
        return _extracted([*files, "unfold.py"], folder)


def ours() -> list[Path]:
    return [path for end in ("py", "html", "txt") for path in sorted((ROOT / "rulebook").rglob(f"*.{end}"))
            if "migrations" not in path.parts]  # fmt: skip


def for_agents() -> list[Path]:
    return sorted({path for pattern in FOR_AGENTS for path in (ROOT / "rulebook").glob(pattern)})


def of_unfold() -> Sentences:
    """What the installed parts of Unfold say and Django's Danish does not know."""
    known: dict[Key, str] = {}
    for package in DJANGO:
        place = "conf/locale" if package == "django" else "locale"
        known |= sentences((_home(package) / place / "da" / "LC_MESSAGES" / "django.mo").read_bytes())
    found: dict[Key, str] = {}
    for app in (app for app in INSTALLED_APPS if app.partition(".")[0] == "unfold"):
        home = _home(app)
        paths = [path for end in ("py", "html") for path in sorted(home.rglob(f"*.{end}"))]
        paths = [path for path in paths if app != "unfold" or "contrib" not in path.relative_to(home).parts]
        with tempfile.TemporaryDirectory() as name:
            found |= said(_extracted(_readable(paths, Path(name), home), Path(name)))
    return {key: text for key, text in found.items() if key not in known}


def said(catalogue: bytes) -> Sentences:
    """The sentences of a catalogue in English, translated or not."""
    return sentences(compiled(_run("msgen", "-", given=catalogue)))


def sentences(compiled_catalogue: bytes) -> Sentences:
    read = gettext.GNUTranslations(io.BytesIO(compiled_catalogue))
    return {key: text for key, text in read._catalog.items() if key}  # type: ignore[attr-defined]


def compiled(catalogue: bytes) -> bytes:
    """What is translated and not merely guessed."""
    return _run("msgfmt", "--check-header", "-o", "-", "-", given=catalogue)


def marked(catalogue: bytes, mark: str) -> list[str]:
    """The msgids that msgattrib knows as untranslated, only-fuzzy or only-obsolete."""
    entries = _run("msgattrib", f"--{mark}", "--no-wrap", "-", given=catalogue).decode().split("\n\n")[1:]
    return [found[1] for entry in entries if (found := re.search(r"^(?:#~ )?msgid (.*)$", entry, re.MULTILINE))]


def _readable(paths: Iterable[Path], folder: Path, root: Path) -> list[str]:
    """Copies below `folder` that xgettext can read: templates with nothing left but calls of gettext."""
    names = []
    for path in paths:
        name = str(path.relative_to(root))
        text = path.read_text(encoding="utf-8")
        if path.suffix in {".html", ".txt"}:
            text = templatize(text, origin=name)
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, encoding="utf-8")
        names.append(name)
    return names


def _extracted(names: list[str], folder: Path) -> bytes:
    """Under our own header: that of xgettext holds the time, and would change the file whenever it is made."""
    options = ("--language=Python", "--from-code=UTF-8", "--add-comments=Translators", "--add-location=file")
    keywords = [f"--keyword={word}" for word in KEYWORDS]
    found = _run(
        "xgettext", *options, *keywords, "--no-wrap", "--files-from=-", "-o", "-",
        given="\n".join(names).encode(), folder=folder,
    )  # fmt: skip
    return HEADER.encode() + b"\n" + found.partition(b"\n\n")[2]


def _as_calls(found: Sentences) -> str:
    """Python that says these sentences, for xgettext to read."""
    lines = []
    for key, text in found.items():
        context, _, one = (key if isinstance(key, str) else key[0]).rpartition("\x04")
        if isinstance(key, str):
            lines.append(f"pgettext({context!r}, {one!r})" if context else f"gettext({one!r})")
        elif key[1]:
            two = f"{one!r}, {text!r}, 2"
            lines.append(f"npgettext({context!r}, {two})" if context else f"ngettext({two})")
    return "\n".join(sorted(lines)) + "\n"


def _home(package: str) -> Path:
    found = importlib.util.find_spec(package)
    assert found is not None and found.origin is not None, package
    return Path(found.origin).parent


def _run(*words: str | Path, given: bytes = b"", folder: Path = ROOT) -> bytes:
    done = subprocess.run([str(word) for word in words], cwd=folder, input=given, capture_output=True, check=False)
    if done.returncode:
        raise AssertionError(f"{words[0]}: {done.stderr.decode().strip()}")
    return done.stdout


if __name__ == "__main__":
    for spoken in LANGUAGES:
        print(refresh(spoken))  # noqa: T201 (a command's answer)
