"""What goes out comes back: every field, every text, every kind of file."""

import csv
import json
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rulebook.access.models import Department, Person
from rulebook.catalogue.cleaning import clean_line, clean_name, clean_text, topic_path
from rulebook.catalogue.exporting import export_rules, rule_rows
from rulebook.catalogue.importing import import_rules
from rulebook.catalogue.models import Alias, Rule, Topic
from rulebook.catalogue.rows import COLUMNS
from rulebook.catalogue.services import change_rule
from rulebook.errors import CannotStart, WrongUsage
from rulebook.journal.models import JournalHead
from rulebook.tables.values import split_list
from tests import make

pytestmark = pytest.mark.django_db

ENDINGS = ["csv", "tsv", "xlsx", "json"]
COLUMN = {name: place for place, name in enumerate(COLUMNS)}


def full_rule(code="A"):
    return make.rule(
        "=1+1",
        code=code,
        text="Line 1\n@line 2, with \"quotes\"; and 'apostrophes'",
        kind="unwritten",
        authority="contract",
        clause="-§ 4",
        protective=True,
        department=make.department("Finance"),
        owner=make.person("anna", first_name="Anna", last_name="Berg"),
        topics=["returns/refund", "money"],
        channels=["phone", "mail"],
        purpose="+ two signatures",
        heard_where="'=quoted already",
        source_reference="Håndbog 4.2 – første udgave",
        customer_hears="I'm not allowed to",
        decision_limit="500 kr",
        requirements=0,
        review_by=date(2027, 1, 31),
        applies_from=date(1906, 4, 6),
        aliases=["REF 1", "RF-1"],
        intent="drop",
    )


def empty_the_catalogue():
    Rule.objects.all().delete()
    Topic.objects.filter(children=None).delete()
    Topic.objects.all().delete()
    Department.objects.all().delete()
    Person.objects.all().delete()


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_export_comes_back_as_no_change(tmp_path, ending):
    full_rule()
    make.rule("Plain", text="0042")
    path = tmp_path / f"rules.{ending}"
    assert export_rules(path) == 2
    before = JournalHead.objects.get().last
    report = import_rules(path, None)
    assert (report.unchanged, report.warnings, report.rejections) == (2, [], [])
    assert JournalHead.objects.get().last == before


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_export_into_an_empty_database_exports_the_same(tmp_path, ending):
    full_rule()
    change_rule(rule=full_rule_again(), fields={"title": "Newer", "applies_from": date(2026, 3, 1)}, by=None)
    before = list(rule_rows())
    export_rules(tmp_path / f"one.{ending}")
    empty_the_catalogue()
    assert import_rules(tmp_path / f"one.{ending}", None).created == 2
    assert list(rule_rows()) == before
    assert before[0][COLUMN["owner"]] == "anna"
    export_rules(tmp_path / f"two.{ending}")
    if ending != "xlsx":  # a workbook holds the time of its making
        assert (tmp_path / f"two.{ending}").read_bytes() == (tmp_path / f"one.{ending}").read_bytes()


def full_rule_again():
    return make.rule("Another", code="B", owner=Person.objects.get(), applies_from=date(2020, 1, 1))


def test_an_edited_cell_is_the_only_thing_that_changes(tmp_path):
    full_rule()
    path = tmp_path / "rules.csv"
    export_rules(path)
    before = next(rule_rows())
    rows = list(csv.reader(path.open(newline="")))
    rows[1][COLUMN["purpose"]] = "We know better now."
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    assert import_rules(path, None).updated == 1
    after = next(rule_rows())
    assert [name for name, old, new in zip(COLUMNS, before, after, strict=True) if old != new] == ["purpose"]


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_formulas_are_neutralised(tmp_path, ending):
    full_rule()
    export_rules(tmp_path / f"rules.{ending}")
    delimiter = "," if ending == "csv" else "\t"
    with (tmp_path / f"rules.{ending}").open(newline="") as file:
        row = next(csv.DictReader(file, delimiter=delimiter))
    assert (row["title"], row["clause"], row["purpose"]) == ("'=1+1", "'-§ 4", "'+ two signatures")
    export_rules(tmp_path / "rules.json")
    assert json.loads((tmp_path / "rules.json").read_text())[0]["title"] == "=1+1"


def test_the_status_goes_out(tmp_path):
    make.rule("T", code="A")
    Rule.objects.update(status=Rule.Status.REMOVED)
    export_rules(tmp_path / "rules.csv")
    assert next(rule_rows())[COLUMN["status"]] == "removed"
    assert import_rules(tmp_path / "rules.csv", None).unchanged == 1


def test_a_text_too_long_for_a_cell_of_excel_is_not_cut_off(tmp_path):
    make.rule("T", code="A", text="x" * 32_768)
    with pytest.raises(CannotStart, match="text of rule A"):
        export_rules(tmp_path / "rules.xlsx")
    assert not (tmp_path / "rules.xlsx").exists()
    assert export_rules(tmp_path / "rules.csv") == 1


def test_an_unknown_ending_and_a_missing_folder_are_said_so(tmp_path):
    with pytest.raises(WrongUsage):
        export_rules(tmp_path / "rules.pdf")
    with pytest.raises(CannotStart):
        export_rules(tmp_path / "nowhere" / "rules.csv")


def test_an_export_costs_the_same_queries_for_any_number_of_rules(tmp_path, django_assert_num_queries):
    for number in range(20):
        make.rule(f"Rule {number}", aliases=[f"X{number}"], topics=["a"])
    with django_assert_num_queries(3):  # rules with department and owner, their aliases, their versions
        export_rules(tmp_path / "rules.csv")


words = st.text(max_size=40)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=words, text=words, purpose=words, limit=words, topics=st.lists(words, max_size=3), alias=words)
@pytest.mark.parametrize("ending", ENDINGS)
def test_any_text_comes_back_as_it_went_out(tmp_path, ending, title, text, purpose, limit, topics, alias):
    Rule.objects.all().delete()
    if not clean_line(title):
        title = f"T{title}"
    topics = [part for topic in topics for part in split_list(topic, ";") if len(topic_path(part)) <= 200]
    aliases = [name for part in split_list(alias, ";") if (name := clean_name(part)) and name != "CODE"]
    rule = make.rule(
        title, code="CODE", text=text, purpose=purpose, decision_limit=limit, topics=topics, aliases=aliases
    )
    rule.refresh_from_db()
    assert (rule.title, rule.text) == (clean_line(title), clean_text(text))
    path = tmp_path / f"rules.{ending}"
    export_rules(path)
    report = import_rules(path, None)
    assert (report.unchanged, report.warnings, report.rejections) == (1, [], [])
    before = list(rule_rows())
    Rule.objects.all().delete()
    assert import_rules(path, None).created == 1
    assert list(rule_rows()) == before
    assert Alias.objects.filter(is_code=False).count() == len(set(aliases))
