"""The house keeps its shape: packages import only from their left, and the ways round that are closed."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A package imports only from those before it. New packages get their place here, with the design page.
ORDER = (
    "journal", "access", "catalogue", "cases", "flags", "votes", "insight", "notices", "review", "workshops",
    "webhooks", "desk", "api",
)  # fmt: skip
# Everybody may import these; they import only one another.
FOUNDATION = {"errors", "fields", "environment", "tables", "commands", "jobs", "numbers", "templatetags"}
# These tie the house together: they may import anything, and nobody imports them.
WIRING = {"settings", "urls", "wsgi", "apps", "checks"}
TOP_LEVEL = {
    "manage.py", "pyproject.toml", "README.md", "rulebook", "api", "tests", "LICENSE", "CHANGELOG.md",
    "requirements.lock", "requirements-dev.lock",
}  # fmt: skip
LONGEST = 400  # lines of a module
LONGEST_TEST = 500  # of a test: tables of examples are long, and easy to read
# Importing by a text hides from this test what it reads. Not even to be named: a name can be given another.
HIDDEN_IMPORTS = {
    "get_model", "get_models", "get_app_config", "get_app_configs", "all_models", "import_module", "import_string",
    "__import__", "sys.modules", "importlib.*",
}  # fmt: skip
OPENERS = {"importlib", "apps", "sys", "builtins"}  # modules whose attributes are not to be fetched by a text either
RELATIONS = {"ForeignKey", "OneToOneField", "ManyToManyField"}
UNSAFE_TEMPLATE = re.compile(r"\|\s*safe(seq)?\b|{%\s*autoescape\s+off")


def place_of(module: tuple[str, ...]) -> str:
    """Where a module's dotted name belongs: a package of ORDER, 'foundation', 'wiring', 'tests', '' for other code."""
    if module[0] in {"api", "tests"}:
        return "wiring" if module[1:2] and module[-1] in {"apps", "urls"} else module[0]
    if module[0] != "rulebook" or module[1:] in {(), ("__init__",)}:
        return ""
    if module[1] in WIRING or (len(module) > 2 and module[2] == "apps"):
        return "wiring"
    return "foundation" if module[1] in FOUNDATION else module[1]


def imported(node: ast.AST, here: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The dotted names that an import statement may load; `from a import b` counts as a.b."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield tuple(alias.name.split("."))
    elif isinstance(node, ast.ImportFrom):
        start = here[: len(here) - node.level] if node.level else ()
        for alias in node.names:
            yield (*start, *(node.module or "").split("."), alias.name) if node.module else (*start, alias.name)


def of_imports(tree: ast.AST, here: tuple[str, ...], migration: bool) -> Iterator[str]:
    mine = place_of(here)
    nested = {
        inner
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for inner in ast.walk(function)
        if inner is not function
    }
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            yield f"{line}: a star import. Name what is used."
        for name in imported(node, here):
            theirs = place_of(name)
            if theirs and mine != "wiring":
                if node in nested:
                    yield f"{line}: imports {'.'.join(name)} inside a function. Import it at the top."
                if reason := refused(mine, theirs, here, name):
                    yield f"{line}: {reason}"
        if migration or mine == "wiring":
            continue
        for way in named(node):
            if way in HIDDEN_IMPORTS:
                yield f"{line}: {way} is a way round the order of packages. Import the module."
            if way == "call_command" and "management" not in here and to_the_right("desk", mine):
                yield f"{line}: call_command is a way round the order of packages. Call the service."
        if (label := relation(node)) and to_the_right(label, mine):
            yield f"{line}: points at a model of {label}, which is to the right of {mine}."


def to_the_right(theirs: str, mine: str) -> bool:
    return mine in ORDER and theirs in ORDER and ORDER.index(theirs) > ORDER.index(mine)


def named(node: ast.AST) -> Iterator[str]:
    """What a node names by its own name, whatever it calls it; importlib under another name is 'importlib.*'."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
        if isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"
    elif isinstance(node, ast.ImportFrom):
        yield from (name for alias in node.names for name in (alias.name, f"{node.module}.{alias.name}"))
    elif isinstance(node, ast.Import):
        yield from ("importlib.*" for alias in node.names if alias.name in {"importlib", "sys"} and alias.asname)
    elif isinstance(node, ast.Call) and called(node) in {"getattr", "vars"}:
        yield from ("importlib.*" for module in node.args[:1] if getattr(module, "id", "") in OPENERS)


def called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def relation(node: ast.AST) -> str:
    """The app whose model a relation names as a text, else ''."""
    if not isinstance(node, ast.Call) or called(node) not in RELATIONS:
        return ""
    targets = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "to")]
    return next((str(target.value).partition(".")[0] for target in targets if isinstance(target, ast.Constant)), "")


def refused(mine: str, theirs: str, here: tuple[str, ...], name: tuple[str, ...]) -> str:
    dotted = ".".join(name)
    if theirs == "tests":
        return f"imports {dotted}: the product does not know its tests."
    if theirs == "wiring":
        return f"imports {dotted}: nobody imports settings, urls, apps or checks."
    if not mine:
        return f"imports {dotted}: rulebook/__init__.py imports nothing of ours."
    if theirs == "foundation":
        same_file = here[1] == "errors"
        return f"imports {dotted}: errors.py imports nothing of ours." if same_file else ""
    if mine == "foundation":
        return f"imports {dotted}: the foundation imports only itself."
    if theirs not in ORDER:
        return f"imports {dotted}: {theirs} has no place in the order of packages."
    if to_the_right(theirs, mine):
        return f"imports {dotted}: {theirs} is to the right of {mine}."
    return ""


def violations(root: Path) -> Iterator[str]:
    """Every breach below `root`, as 'path:line: sentence'."""
    for path in sorted([*root.glob("rulebook/**/*.py"), *root.glob("api/**/*.py"), *root.glob("tests/**/*.py")]):
        shown, text = path.relative_to(root), path.read_text(encoding="utf-8")
        here = shown.with_suffix("").parts
        migration = "migrations" in here
        if here[-1] in {"utils", "util"} or "utils" in here:
            yield f"{shown}:1: a module called utils. Name it by what it does."
        longest = LONGEST_TEST if here[0] == "tests" else LONGEST
        if not migration and (lines := text.count("\n")) > longest:
            yield f"{shown}:{lines}: over {longest} lines. Split it by what it does."
        if here[0] != "tests":
            if place_of(here) not in {*ORDER, "foundation", "wiring", ""}:
                yield f"{shown}:1: {here[1]} has no place in the order of packages."
            for breach in of_imports(ast.parse(text), here, migration):
                yield f"{shown}:{breach}"
    for path in sorted([*root.glob("rulebook/**/templates/**/*"), *root.glob("api/**/templates/**/*")]):
        if path.is_file():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if UNSAFE_TEMPLATE.search(line):
                    yield f"{path.relative_to(root)}:{number}: switches off escaping. Build the HTML with format_html."


def strangers(names: set[str]) -> set[str]:
    """What lies at the top level beside what the design names."""
    return {name for name in names if not name.startswith(".") and name not in TOP_LEVEL}


def test_the_house_keeps_its_order():
    assert list(violations(ROOT)) == []


def test_the_top_level_holds_what_the_design_names_and_nothing_else():
    try:
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        names = {line.split("/")[0] for line in listed.splitlines()}
    except (OSError, subprocess.CalledProcessError):
        names = set()  # unpacked from an archive
    names = names or {path.name for path in ROOT.iterdir() if path.name != "__pycache__"}
    assert strangers(names) == set()
    assert strangers({"manage.py", ".ci", "docs", "setup.py"}) == {"docs", "setup.py"}


PLANTED = {
    "rulebook/errors.py": ("from rulebook.fields import BytewiseField", "errors.py imports nothing of ours"),
    "rulebook/fields.py": ("from rulebook.cases import models", "the foundation imports only itself"),
    "rulebook/catalogue/right.py": ("from rulebook.cases.models import Case", "cases is to the right of catalogue"),
    "rulebook/catalogue/plain.py": ("import rulebook.insight.ledger", "insight is to the right of catalogue"),
    "rulebook/catalogue/short.py": ("from rulebook import desk", "desk is to the right of catalogue"),
    "rulebook/catalogue/dots.py": ("from ..cases import models", "cases is to the right of catalogue"),
    "rulebook/catalogue/typed.py": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from rulebook.votes.models import Vote",
        "votes is to the right of catalogue",
    ),
    "rulebook/cases/late.py": ("def f():\n    from rulebook.access.models import Team", "inside a function"),
    "rulebook/cases/lookup.py": ("from django.apps import apps\nM = apps.get_model('desk', 'X')", "get_model is"),
    "rulebook/cases/dynamic.py": ("import importlib\nm = importlib.import_module('rulebook.desk')", "import_module is"),
    "rulebook/cases/renamed.py": (
        "from importlib import import_module as f\nf('rulebook.desk')",
        "import_module",
    ),
    "rulebook/cases/alias.py": ("import importlib as i\ni.reload", "a way round"),
    "rulebook/cases/fetched.py": ("import importlib\ngetattr(importlib, 'import_' + 'module')", "a way round"),
    "rulebook/cases/loaded.py": ("import sys\nm = sys.modules['rulebook.desk.demo']", "sys.modules is"),
    "rulebook/cases/loaded_by_name.py": ("from sys import modules as m\nm['rulebook.desk.demo']", "sys.modules is"),
    "rulebook/cases/config.py": ("x = apps.get_app_config('desk').module", "get_app_config is"),
    "rulebook/cases/all.py": ("x = apps.all_models['desk']", "all_models is"),
    "rulebook/cases/calling.py": (
        "from django.core.management import call_command as c\nc('x')",
        "Call the service",
    ),
    "rulebook/__init__.py": ("from rulebook.cases import models", "imports nothing of ours"),
    "rulebook/cases/keyword.py": ("x = models.ForeignKey(on_delete=d, to='review.Review')", "model of review"),
    "rulebook/cases/label.py": ("x = models.ForeignKey('review.Review', models.CASCADE)", "model of review"),
    "rulebook/cases/setting.py": ("from rulebook.settings import DEBUG", "nobody imports settings"),
    "rulebook/cases/app.py": ("from rulebook.journal.apps import JournalConfig", "nobody imports settings"),
    "rulebook/cases/probe.py": ("from tests.make import rule", "does not know its tests"),
    "rulebook/cases/star.py": ("from os.path import *", "a star import"),
    "rulebook/cases/utils.py": ("x = 1", "called utils"),
    "rulebook/cases/long.py": ("x = 1\n" * (LONGEST + 1), "over 400 lines"),
    "rulebook/cases/rest.py": ("from api import views", "api is to the right of cases"),
    "rulebook/gadgets/models.py": ("x = 1", "gadgets has no place"),
    "rulebook/templates/a.html": ("<p>{{ rule.title | safe }}</p>", "switches off escaping"),
    "rulebook/desk/templates/desk/b.html": ("{% autoescape off %}{{ x }}{% endautoescape %}", "switches off escaping"),
}


@pytest.mark.parametrize("path", PLANTED)
def test_a_planted_breach_is_found(path, tmp_path):
    text, expected = PLANTED[path]
    planted = tmp_path / path
    planted.parent.mkdir(parents=True)
    planted.write_text(text + "\n")
    (found,) = violations(tmp_path)
    assert found.startswith(f"{path}:") and expected in found


ALLOWED = {
    "rulebook/insight/ledger.py": "from rulebook.cases.models import Case\nfrom rulebook.errors import CannotStart",
    "rulebook/__init__.py": "import json",
    "rulebook/environment.py": "import importlib.util\nimportlib.util.find_spec('psycopg')",
    "rulebook/desk/serving.py": "from django.core.management import call_command",
    "rulebook/cases/management/commands/all.py": "from django.core.management import call_command",
    "rulebook/cases/owned.py": "x = models.ForeignKey(to='access.Person', on_delete=d)",
    "rulebook/cases/apps.py": "def ready():\n    from rulebook.desk import models",
    "rulebook/apps.py": "from rulebook import checks",
    "rulebook/checks.py": "from rulebook import environment",
    "rulebook/cases/migrations/0002_x.py": "def f(apps, e):\n    apps.get_model('access', 'Team')",
    "rulebook/cases/local.py": "def f():\n    import json\n    return json",
    "rulebook/tables/csv.py": "from rulebook.tables.table import Table\nfrom rulebook.errors import CannotStart",
    "api/views.py": "from rulebook.desk import services",
    "rulebook/templates/a.html": "{{ rule.safety }} {{ x|safely }}",
}


@pytest.mark.parametrize("path", ALLOWED)
def test_what_the_order_allows_is_not_a_breach(path, tmp_path):
    planted = tmp_path / path
    planted.parent.mkdir(parents=True)
    planted.write_text(ALLOWED[path] + "\n")
    assert list(violations(tmp_path)) == []
