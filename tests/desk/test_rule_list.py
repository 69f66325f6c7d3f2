"""The list of rules: what it shows, in which order, how it is searched and narrowed, and what that costs."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.migrations import RunPython
from django.db.migrations.loader import MigrationLoader
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from rulebook.access.models import Department
from rulebook.catalogue.models import Rule, RuleChannel
from rulebook.catalogue.services import change_rule
from rulebook.desk import filters, rule_list
from rulebook.insight.models import RuleFigures
from rulebook.insight.queries import listed_rules
from tests import make

pytestmark = pytest.mark.django_db
LIST = "admin:catalogue_rule_changelist"
LONG = "Very long " * 50  # 500 characters


def figures(rule, harm=None, *, price=None, n=40, why="", **fields):
    listed = "measured" if harm is not None else "not_measurable_yet"
    RuleFigures.objects.update_or_create(
        rule=rule, defaults={"listed": listed, "harm": harm, "price": price, "n": n, "cases": n, "why": why, **fields}
    )
    return rule


def shown(client, **asked):
    """The codes of the rules that the list shows, in its order."""
    response = client.get(reverse(LIST), asked)
    assert response.status_code == 200, asked
    return [rule.code for rule in response.context["cl"].result_list]


def page(client, **asked):
    return client.get(reverse(LIST), asked).content.decode()


@pytest.fixture
def desk(client, manager):
    client.force_login(manager)
    return client


@pytest.fixture
def ranked(db):
    """Two measured rules, one without harm, one that cannot be measured, and one that nobody has counted yet."""
    figures(make.rule(code="B"), 4.2, price="0.0031", low=3, high=6)
    figures(make.rule(code="A"), 12.6, price="0.0092", low=11, high=14)
    figures(make.rule(code="C"), -1.0, price="0")
    figures(make.rule(code="E"), None, price="0", n=7, why="too_few")
    make.rule(code="D")


def test_the_measured_come_first_by_harm_and_the_others_follow_by_code(desk, ranked):
    assert shown(desk) == ["A", "B", "C", "D", "E"]
    sections = list(desk.get(reverse(LIST)).context["cl"].sections())
    assert [(section.title, [line.rule.code for line in section.lines]) for section in sections] == [
        ("Measured", ["A", "B", "C"]),
        ("Not measurable yet", ["D", "E"]),
    ]


def test_the_not_measurable_come_by_flags_then_by_the_worst_vote_then_by_code(desk):
    figures(make.rule(code="A"), None, flags=0, vote=None)
    figures(make.rule(code="B"), None, flags=0, vote=-0.1, voters=5)
    figures(make.rule(code="C"), None, flags=2, vote=1.2, voters=9)
    figures(make.rule(code="D"), None, flags=11, vote=None)
    figures(make.rule(code="E"), None, flags=2, vote=None)
    figures(make.rule(code="F"), None, flags=0, vote=0.8, voters=7)
    make.rule(code="AA")  # nobody has counted it yet
    figures(make.rule(code="M2"), 2.0, flags=0)
    figures(make.rule(code="M1"), 2.0, flags=40, vote=-2.0, voters=90)
    figures(make.rule(code="M0"), 1.0, flags=50)
    order = ["M1", "M2", "M0", "D", "E", "C", "B", "A", "AA", "F"]
    assert shown(desk) == order
    assert [rule.code for rule in listed_rules()] == order  # and in `manage.py figures`
    figures(Rule.objects.get(code="M2"), 2.0, flags=90)
    assert shown(desk)[:3] == ["M1", "M2", "M0"]  # what people say moves nothing that is measured
    note = [section.note for section in desk.get(reverse(LIST)).context["cl"].sections()][1]
    assert note == "Most flags first, then the worst vote. A rule is measured from 20 linked contacts on."


def test_flags_have_a_column_once_a_rule_of_the_page_has_one(desk, ranked):
    assert "Flags in 30 days" not in page(desk)
    RuleFigures.objects.filter(rule__code="E").update(flags=4)
    RuleFigures.objects.filter(rule__code="A").update(flags=1)
    lines = [line for section in desk.get(reverse(LIST)).context["cl"].sections() for line in section.lines]
    cells = {line.rule.code: {name: cell for name, _, cell in line.cells}["flags"] for line in lines}
    assert {code: strip_tags(cell) for code, cell in cells.items()} == {
        "A": "1", "B": "0", "C": "0", "D": "0", "E": "4",
    }  # fmt: skip
    place = desk.get(reverse(LIST)).context["cl"].list_display.index(rule_list.flags)
    assert shown(desk, o=f"-{place}") == ["E", "A", "B", "C", "D"]
    assert shown(desk, flagged="yes") == ["A", "E"] and shown(desk, flagged="no") == ["B", "C", "D"]


def test_the_export_tells_what_people_say_and_an_import_leaves_it(desk, ranked):
    RuleFigures.objects.filter(rule__code="E").update(flags=4, vote=1.25, voters=15)
    answer = desk.get(reverse("admin:catalogue_rule_export", args=["csv"]))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = {row["code"]: row for row in csv.DictReader(io.StringIO(text))}
    said = {code: (row["flags_in_30_days"], row["voters"], row["vote"]) for code, row in rows.items()}
    assert said["E"] == ("4", "15", "1.25") and said["D"] == ("0", "", "") and said["A"] == ("0", "", "")
    file = SimpleUploadedFile("rules.csv", text.encode())
    report = desk.post(reverse("admin:catalogue_rule_import"), {"file": file}).context["report"]
    assert (report.unchanged, report.warnings, report.rejected) == (5, [], 0)


def test_rules_of_the_same_harm_keep_one_order(desk):
    for code in ("C", "A", "B"):
        figures(make.rule(code=code), 5.0)
    assert shown(desk) == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("column", "first", "last"),
    [
        ("code", ["A", "B", "C", "D", "E"], ["E", "D", "C", "B", "A"]),
        ("harm", ["C", "B", "A", "D", "E"], ["A", "B", "C", "D", "E"]),
        ("price", ["C", "E", "B", "A", "D"], ["A", "B", "C", "E", "D"]),
        ("flags", ["C", "E", "A", "B", "D"], ["B", "A", "C", "E", "D"]),
        ("review_by", ["B", "A", "C", "D", "E"], ["A", "B", "C", "D", "E"]),
    ],
)
def test_a_column_sorts_both_ways_and_what_has_no_value_stands_last(desk, ranked, column, first, last):
    today = timezone.localdate()
    for code, flags in (("A", 1), ("B", 2)):
        RuleFigures.objects.filter(rule__code=code).update(flags=flags)
    Rule.objects.filter(code="A").update(review_by=today + timedelta(2))
    Rule.objects.filter(code="B").update(review_by=today)
    cl = desk.get(reverse(LIST)).context["cl"]
    place = next(i for i, name in enumerate(cl.list_display) if getattr(name, "__name__", name) == column)
    assert shown(desk, o=str(place)) == first
    assert shown(desk, o=f"-{place}") == last
    assert [section.title for section in desk.get(reverse(LIST), {"o": place}).context["cl"].sections()] == [""]


def test_a_figure_stands_with_its_interval_and_no_figure_is_a_sentence(desk, ranked):
    text = page(desk)
    assert "Harm: contacts in 30 days" in text and "Price: points" in text
    assert ">13<" in text and "11 to 14" in text and "0.92" in text
    assert "no harm seen" in text
    assert "7 contacts, 20 needed" in text and "0 contacts, 20 needed" in text
    assert "no figure yet" in text


def test_months_that_are_not_complete_are_not_drawn(desk, monkeypatch):
    drawn = []
    monkeypatch.setattr("rulebook.desk.rule_list.sparkline", lambda values: drawn.append(values) or "")
    figures(make.rule(), 1.0, monthly="2026-01 0-2 9/1 9/2 9/3")
    page(desk)
    assert drawn == [[1, 2, None]]


def test_a_line_has_one_tag_at_most(desk):
    make.rule(code="A", authority="law", clause="§ 1")
    make.rule(code="B", authority="policy")
    make.rule(code="C")
    make.rule(code="D", authority="habit")
    Rule.objects.filter(code="D").update(status="removed")
    lines = [line for section in desk.get(reverse(LIST)).context["cl"].sections() for line in section.lines]
    tags = [{name: cell for name, _, cell in line.cells}["standing"] for line in lines]
    assert tags == [
        f'<span class="rb-tag">{word}</span>' if word else "" for word in ("Law (claimed)", "Policy", "", "Removed")
    ]


def test_markup_in_a_title_is_text_and_a_long_title_is_whole_for_who_asks(desk):
    make.rule('<b onclick="x">Bold</b>', code="<i>")
    make.rule(LONG.strip(), code="LONG")
    text = page(desk)
    assert "&lt;b onclick=" in text and "<b onclick" not in text and "<i>" not in text
    assert f'title="{LONG.strip()}"' in text


@pytest.mark.parametrize(
    "asked", ["R-7", "old-name", "REFUND", "five working", "not allowed", "refund allowed", "Ærlig", "æRLIG"]
)
def test_a_rule_is_found_by_its_code_alias_title_text_and_what_the_customer_hears(desk, asked):
    make.rule(
        "A refund ærligt", code="R-7", aliases=["OLD-NAME", "OLD-NAME-2"], text="Within five working days.",
        customer_hears="I'm not allowed to",
    )  # fmt: skip
    make.rule("Something else", code="X", aliases=["NEW"])
    assert shown(desk, q=asked) == ["R-7"]


def test_nothing_found_says_so_and_offers_all_rules(desk):
    assert "No rules yet. Write the first one down, or paste a list." in page(desk)
    make.rule("Refund")
    text = page(desk, q="zebra")
    assert "No rule is like that." in text and "Show all rules" in text


def test_topics_take_in_their_parts_and_nothing_that_only_begins_alike(desk):
    for number, topic in enumerate(("returns", "returns/refund", "returns-old", "Returns", "money")):
        make.rule(code=f"R{number}", topics=[topic])
    make.rule(code="R9")
    assert shown(desk, topic="=returns") == ["R0", "R1"]
    assert shown(desk, topic="=returns/refund") == ["R1"]
    assert shown(desk, topic="none") == ["R9"]


def test_channels_are_found_byte_by_byte_and_follow_every_change(desk):
    rule = make.rule(code="A", channels=["phone", "mail"])
    make.rule(code="B", channels=["telephone", "Mail"])
    make.rule(code="C")
    assert shown(desk, channel="=phone") == ["A"]
    assert shown(desk, channel="=mail") == ["A"]
    assert shown(desk, channel="none") == ["C"]
    change_rule(rule=rule, fields={"channels": ["mail", "chat"]}, by=None)
    assert shown(desk, channel="=phone") == []
    assert sorted(rule.named_channels.values_list("name", flat=True)) == ["chat", "mail"]
    change_rule(rule=rule, fields={"channels": []}, by=None)
    assert not RuleChannel.objects.filter(rule=rule).exists()


def test_channels_that_rules_named_before_the_upgrade_are_found_after_it(desk):
    make.rule(code="A", channels=["phone", "mail"])
    make.rule(code="B")
    RuleChannel.objects.all().delete()
    for (app, _), migration in MigrationLoader(None).disk_migrations.items():
        for step in migration.operations if app == "catalogue" else ():
            if isinstance(step, RunPython):
                step.code(apps, None)
    assert shown(desk, channel="=phone") == ["A"]
    assert RuleChannel.objects.count() == 2


def test_every_filter_narrows_by_what_it_says(desk):
    today = timezone.localdate()
    finance = make.department("Finance")
    make.rule(code="A", kind="unwritten", authority="habit", department=finance, intent="drop", protective=True)
    figures(make.rule(code="B", review_by=today - timedelta(1)), 3.0, blocked=2)
    figures(make.rule(code="C", review_by=today + timedelta(30)), None, silent=1, blocked=0)
    figures(make.rule(code="D", review_by=today + timedelta(90)), None, silent=None)
    Rule.objects.filter(code="D").update(status="suspended")
    RuleFigures.objects.filter(rule__code="C").update(flags=1)
    expected = {
        ("flagged", "yes"): "C", ("flagged", "no"): "ABD",
        ("kind", "unwritten"): "A", ("authority", "habit"): "A", ("department", "=Finance"): "A",
        ("department", "none"): "BCD", ("intent", "drop"): "A", ("intent", "none"): "BCD", ("protective", "yes"): "A",
        ("protective", "no"): "BCD", ("status", "suspended"): "D", ("list", "measured"): "B",
        ("list", "not_measurable_yet"): "ACD", ("in_the_way", "yes"): "BC", ("in_the_way", "came_back"): "B",
        ("in_the_way", "told_no"): "C", ("in_the_way", "no"): "AD", ("review_by", "overdue"): "B",
        ("review_by", "30"): "C", ("review_by", "90"): "CD", ("review_by", "none"): "A",
    }  # fmt: skip
    for (name, value), codes in expected.items():
        assert "".join(sorted(shown(desk, **{name: value}))) == codes, f"{name}={value}"
    assert {name for name, _ in expected} | {"topic", "channel"} == set(filters.PARAMETERS)
    assert shown(desk, kind="unwritten", authority="law") == []


@pytest.mark.parametrize("name", filters.PARAMETERS)
def test_a_value_that_no_filter_offers_finds_nothing_and_breaks_nothing(desk, name):
    make.rule(department=make.department(), topics=["t"], channels=["c"])
    assert shown(desk, **{name: "1"}) == []
    assert shown(desk, **{name: "x' OR 1=1 --"}) == []


def test_blank_fields_of_the_form_leave_the_address(desk):
    make.rule()
    response = desk.get(reverse(LIST), {"kind": "written", "topic": "", "q": ""})
    assert response.status_code == 302 and response.url == "?kind=written"
    assert desk.get(reverse(LIST), {"kind": ""}).url == reverse(LIST)


def test_where_there_are_too_many_names_for_a_drop_down_one_types_them(desk, monkeypatch):
    monkeypatch.setattr(filters, "MOST_OPTIONS", 2)
    for number in range(4):
        make.rule(code=f"R{number}", channels=[f"channel {number}"])
    text = page(desk)
    assert '<input type="text" name="channel"' in text
    assert "channel 0" not in text
    assert shown(desk, channel="channel 3") == ["R3"]


# As a manager, who has roles to look up: session, user, permissions of the user and of the groups; how many rules are
# found, the rules with their figures; departments, topics and channels to filter by; own filters; horizons of sources.
QUERIES = 11


def test_the_list_costs_the_same_queries_for_any_number_of_rules(desk, django_assert_num_queries):
    def more(count):
        for _ in range(count):
            rule = make.rule(department=make.department(), topics=["a/b"], channels=["phone", "mail"], aliases=[])
            figures(rule, 2.0, price="0.001")

    more(2)
    with django_assert_num_queries(QUERIES):
        desk.get(reverse(LIST))
    more(15)
    with django_assert_num_queries(QUERIES) as captured:
        desk.get(reverse(LIST))
    asked = " ".join(query["sql"] for query in captured)
    assert not re.search("cases_case|flags_flag|votes_", asked)
    assert '"catalogue_rule"."text"' not in asked, "long texts are not fetched"


def test_an_owner_sees_and_exports_and_an_agent_does_not_enter(client, owner, agent, outsider):
    make.rule("Refund", code="A")
    client.force_login(owner)
    text = page(client)
    assert "Refund" in text and "Write a rule down" not in text and "Import a list" not in text
    assert client.get(reverse("admin:catalogue_rule_export", args=["csv"])).status_code == 200
    assert client.get(reverse("admin:catalogue_rule_import")).status_code == 403
    client.force_login(agent)
    assert client.get(reverse(LIST)).status_code == 302
    client.force_login(outsider)
    for name in ("changelist", "import"):
        assert client.get(reverse(f"admin:catalogue_rule_{name}")).status_code == 403
    assert client.get(reverse("admin:catalogue_rule_export", args=["csv"])).status_code == 403


def test_a_department_of_any_name_can_be_filtered_by(desk):
    for name in ("none", "=x", "A & B; C"):
        make.rule(code=f"of {name}", department=Department.objects.create(name=name))
    assert shown(desk, department="=none") == ["of none"]
    assert shown(desk, department="==x") == ["of =x"]
    assert shown(desk, department="=A & B; C") == ["of A & B; C"]


def test_a_column_of_days_of_review_is_there_once_a_rule_of_the_page_has_one(desk):
    rule = make.rule(code="A")
    assert "rb-rules-review_by" not in page(desk) and 'colspan="7"' in page(desk)
    Rule.objects.filter(pk=rule.pk).update(review_by="2027-01-05")
    assert "rb-rules-review_by" in page(desk) and 'colspan="8"' in page(desk)
