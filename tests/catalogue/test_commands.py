"""The commands for lists of rules, as somebody types them."""

import io
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from rulebook.cases.models import CaseRule, PendingLink
from rulebook.commands import aligned
from tests import make

ROOT = Path(__file__).resolve().parents[2]


def typed(*args, folder, tty=None):
    """(exit code, stdout, stderr) of a command in a process of its own, on a database in `folder`."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("RULEBOOK_")}
    env["RULEBOOK_DATA_DIR"] = str(folder)
    done = subprocess.run(
        [sys.executable, "manage.py", *args], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.process
def test_exit_codes_and_no_traceback(tmp_path):
    lists = tmp_path / "rules.csv"
    lists.write_text("code,title\nA,T\nB,\n")
    code, out, err = typed("import_rules", str(lists), folder=tmp_path)
    assert (code, out) == (1, "")
    assert err == "CommandError: The database has no tables yet. Run `python manage.py migrate`.\n"
    assert typed("migrate", "-v0", folder=tmp_path)[0] == 0

    code, out, err = typed("import_rules", str(lists), folder=tmp_path)
    assert code == 0
    assert "2 rows read = 1 created + 0 updated + 0 unchanged + 1 rejected" in out
    assert "Rejected: rules.csv, line 3, column title: " in err

    code, _, err = typed("import_rules", str(tmp_path / "nothing.csv"), folder=tmp_path)
    assert code == 1 and err.startswith("CommandError: nothing.csv does not exist")
    code, _, err = typed("export_rules", str(tmp_path / "out.pdf"), folder=tmp_path)
    assert code == 2 and "out.pdf" in err
    code, _, err = typed("rules", "--at", "2026-02-30", folder=tmp_path)
    assert code == 2 and "'2026-02-30' is no day" in err and "Traceback" not in err

    code, out, _ = typed("rules", "--format", "json", "--at", "2026-03-01", folder=tmp_path)
    assert code == 0
    listed = json.loads(out)
    assert listed["at"] == "2026-03-01" and [row["code"] for row in listed["rows"]] == ["A"]


@pytest.mark.process
def test_a_reader_that_had_enough_is_no_fault(tmp_path):
    typed("migrate", "-v0", folder=tmp_path)
    lists = tmp_path / "rules.csv"
    lists.write_text("code,title,text\n" + "".join(f"A{n},T,{'x' * 500}\n" for n in range(400)))
    typed("import_rules", str(lists), folder=tmp_path)
    env = {**os.environ, "RULEBOOK_DATA_DIR": str(tmp_path)}
    env.pop("RULEBOOK_DATABASE_URL", None)
    command = [sys.executable, "manage.py", "rules", "--format", "json"]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.django_db
def test_the_table_of_rules_fits_a_hundred_columns():
    make.rule("A title " * 20, code="A-VERY-LONG-CODE-" * 3, department=make.department("A department " * 5))
    out, err = io.StringIO(), io.StringIO()
    call_command("rules", stdout=out, stderr=err)
    assert max(map(len, out.getvalue().splitlines())) <= 100
    assert "Rules that applied on" in err.getvalue()


@pytest.mark.django_db
def test_rules_as_of_a_day():
    make.rule("Later", code="A", applies_from=date(2026, 3, 1))
    out = io.StringIO()
    call_command("rules", "--at", "2026-02-28", "--format", "json", stdout=out, stderr=io.StringIO())
    assert json.loads(out.getvalue()) == {"at": "2026-02-28", "rows": []}


@pytest.mark.django_db
def test_links_that_waited_for_a_rule_are_settled_by_its_import(tmp_path):
    case = make.case(make.source())
    PendingLink.objects.create(
        source=case.source, external_id=case.external_id, rule_name="LATE", effect="blocked", origin="source"
    )
    path = tmp_path / "rules.csv"
    path.write_text("code,title,aliases\nA,T,LATE\n")
    out = io.StringIO()
    call_command("import_rules", str(path), stdout=out, stderr=io.StringIO())
    assert "had waited for these rules and now count: 1." in out.getvalue()
    assert CaseRule.objects.get().case == case and not PendingLink.objects.exists()


@pytest.mark.django_db
def test_a_fault_is_one_sentence(tmp_path):
    with pytest.raises(CommandError, match="does not exist") as caught:
        call_command("import_rules", str(tmp_path / "nothing.csv"))
    assert caught.value.returncode == 1


def test_a_table_cuts_its_widest_text_and_never_a_number():
    shown = aligned(["rule", "n"], [["x" * 50, 1234567], ["y", None]], width=30)
    assert shown.splitlines() == [
        "rule" + " " * 25 + "n",
        "-" * 21 + "  " + "-" * 7,
        "x" * 20 + "…  1234567",
        "y" + " " * 28 + "-",
    ]


@pytest.mark.django_db
def test_a_law_that_nobody_confirmed_is_listed_as_claimed():
    make.rule(code="L-1", title="Keep the vouchers for five years", authority="law")
    make.rule(code="P-1", title="Refunds are paid on Fridays", authority="policy")
    out = io.StringIO()
    call_command("rules", stdout=out, stderr=io.StringIO())
    assert "law (claimed)" in out.getvalue() and "policy (claimed)" not in out.getvalue()
    out = io.StringIO()
    call_command("rules", "--format", "json", stdout=out, stderr=io.StringIO())
    assert [(row["authority"], row["claimed"]) for row in json.loads(out.getvalue())["rows"]] == [
        ("law", True),
        ("policy", False),
    ]
