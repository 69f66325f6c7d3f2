"""Lists of rules, good and bad."""

import json
from datetime import date

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from rulebook.access.models import Department, Person
from rulebook.catalogue import importing
from rulebook.catalogue.importing import import_rules
from rulebook.catalogue.models import Rule, RuleVersion, Topic
from rulebook.catalogue.services import change_rule
from rulebook.errors import CannotStart, LostRace
from rulebook.journal.models import JournalHead
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def bring(tmp_path):
    """Import a text, given as it stands in the file."""

    def run(text, name="rules.csv", by=None):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        report = import_rules(path, by)
        assert report.read == report.created + report.updated + report.unchanged + report.rejected
        return report

    return run


def head():
    return JournalHead.objects.get().last


def counts(report):
    return report.created, report.updated, report.unchanged, report.rejected


FULL = (
    "code,title,text,kind,authority,clause,protective,department,owner,topics,channels,purpose,heard_where,"
    "source_reference,customer_hears,decision_limit,requirements,review_by,applies_from,aliases,status,intent\n"
    'A,Refunds by mail only,"Line 1\nLine 2",unwritten,habit,,yes,Finance,Anna Berg,returns/refund;money,phone;mail,'
    "Fear,Coffee break,Handbook 4.2,I'm not allowed to,500 kr,3,2027-01-31,2020-02-01,REF;RF-1,in_force,drop\n"
)


def test_every_column_is_read(bring):
    assert counts(bring(FULL)) == (1, 0, 0, 0)
    rule = Rule.objects.select_related("department", "owner").get(code="A")
    assert (rule.title, rule.text, rule.kind, rule.authority) == (
        "Refunds by mail only",
        "Line 1\nLine 2",
        "unwritten",
        "habit",
    )
    assert (rule.protective, rule.department.name, rule.owner.username) == (True, "Finance", "Anna Berg")
    assert (rule.channels, rule.purpose, rule.heard_where) == (["phone", "mail"], "Fear", "Coffee break")
    assert (rule.source_reference, rule.customer_hears) == ("Handbook 4.2", "I'm not allowed to")
    assert (rule.decision_limit, rule.requirements, rule.review_by) == ("500 kr", 3, date(2027, 1, 31))
    assert (rule.status, rule.intent) == ("in_force", "drop")
    version = rule.versions.get()
    assert (version.topics, version.applies_from) == (["money", "returns/refund"], date(2020, 2, 1))
    assert set(rule.names.values_list("name", flat=True)) == {"A", "REF", "RF-1"}
    assert Topic.objects.get(path="returns/refund").parent.path == "returns"


def test_the_same_list_again_writes_nothing(bring):
    text = FULL + "".join(f"B{n},Rule {n}," + "," * 19 + "\n" for n in range(150))
    assert counts(bring(text)) == (151, 0, 0, 0)
    before, stamps = head(), list(Rule.objects.values_list("updated_at", flat=True))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert counts(bring(text)) == (0, 0, 151, 0)
    assert head() == before
    assert list(Rule.objects.values_list("updated_at", flat=True)) == stamps
    # A chunk of 100: the savepoint and its release, names, rules, versions, aliases, departments, owners.
    assert len(queries) <= 2 * 9
    assert not [query for query in queries if query["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}]


def test_an_owner_whom_nobody_knew_is_given_to_a_rule_that_had_none(bring):
    make.rule("Refunds by mail only", code="A")
    assert counts(bring("code,owner\nA,Anna Berg\n")) == (0, 1, 0, 0)
    assert Rule.objects.get(code="A").owner.username == "Anna Berg"
    assert counts(bring("code,owner\nA,Anna Berg\n")) == (0, 0, 1, 0)


def test_a_rule_without_a_code_gets_one_and_is_known_by_its_words(bring):
    text = "title,text\nFirst,Same\nSecond,\nFirst,Other\n"
    assert counts(bring(text)) == (3, 0, 0, 0)
    assert list(Rule.objects.values_list("code", flat=True)) == ["R-0001", "R-0002", "R-0003"]
    assert counts(bring(text)) == (0, 0, 3, 0)


def test_a_given_code_is_never_taken_by_a_row_without_one(bring):
    text = "code,title\n,No code\nR-0001,First\nR-0007,Seventh\n,None either\n"
    assert counts(bring(text)) == (4, 0, 0, 0)
    assert dict(Rule.objects.values_list("title", "code")) == {
        "No code": "R-0008", "First": "R-0001", "Seventh": "R-0007", "None either": "R-0009",
    }  # fmt: skip
    assert counts(bring(text)) == (0, 0, 4, 0)


def test_a_list_without_texts_knows_a_rule_by_its_title(bring):
    bring("title\nFirst\n")
    change_rule(rule=Rule.objects.get(), fields={"text": "Written later"}, by=None)
    assert counts(bring("title\nFirst\n")) == (0, 0, 1, 0)
    assert counts(bring("title,text\nFirst,Something else\n")) == (1, 0, 0, 0)


def test_codes_compare_byte_by_byte_without_outer_blanks(bring):
    assert counts(bring("code,title\n a1 ,Lower\nA1,Upper\n")) == (2, 0, 0, 0)
    assert counts(bring("code,title\na1,Lower\n")) == (0, 0, 1, 0)


def test_headers_match_whatever_their_case_blanks_and_hyphens(bring):
    report = bring("CODE,Title,Heard where,source-reference,Topic,Colour,Written\nA,T,there,p. 4,x,red,no\n")
    rule = Rule.objects.get()
    assert (rule.heard_where, rule.source_reference, rule.kind) == ("there", "p. 4", "unwritten")
    assert report.notes == ["rules.csv: no rule has a column Colour; it was ignored."]


def test_a_column_that_stands_twice_is_named(bring):
    report = bring("code,title,Title\nA,First,Second\n")
    assert Rule.objects.get().title == "First"
    assert "title stands there twice" in report.notes[0]


def test_an_absent_column_leaves_a_field_and_a_blank_cell_clears_it(bring):
    bring(FULL)
    assert counts(bring("code,title\nA,Refunds by mail only\n")) == (0, 0, 1, 0)
    blank = "code,purpose,owner,department,topics,requirements,kind,authority,protective\nA,,,,,,,,\n"
    assert counts(bring(blank)) == (0, 1, 0, 0)
    rule = Rule.objects.get()
    assert (rule.purpose, rule.owner, rule.department, rule.requirements) == ("", None, None, None)
    assert (rule.kind, rule.authority, rule.protective) == ("unwritten", "habit", False)
    assert not rule.topics.exists()
    assert (rule.decision_limit, rule.review_by) == ("500 kr", date(2027, 1, 31))


def test_json_may_leave_a_key_out_of_one_row_only(bring):
    rows = [{"code": "A", "title": "T", "purpose": "P", "topics": ["x", "y/z"], "protective": True, "requirements": 4}]
    bring(json.dumps(rows), "rules.json")
    rule = Rule.objects.get()
    assert (rule.purpose, rule.protective, rule.requirements) == ("P", True, 4)
    assert rule.versions.get().topics == ["x", "y/z"]
    report = bring(
        json.dumps([{"code": "A", "purpose": None}, {"code": "B", "title": "U", "text": "=1+1"}]), "rules.json"
    )
    assert counts(report) == (1, 1, 0, 0)
    assert Rule.objects.get(code="A").title == "T" and Rule.objects.get(code="A").purpose == ""
    assert Rule.objects.get(code="B").text == "=1+1"


BAD_VALUES = {
    "kind": "oral",
    "authority": "mother in law",
    "written": "perhaps",
    "protective": "very",
    "requirements": "-3",
    "review_by": "2026-02-30",
    "applies_from": "31-02-2026",
    "decision_limit": "x" * 201,
    "department": "x" * 201,
    "owner": "x" * 151,
    "topics": "x" * 201,
    "channels": "x" * 101,
    "aliases": "x" * 101,
    "intent": "burn",
}


@pytest.mark.parametrize("column", BAD_VALUES)
def test_a_bad_optional_value_is_a_warning_and_keeps_what_was(bring, column):
    bring(FULL)
    before = Rule.objects.values().get()
    report = bring(f"code,title,{column}\nA,Refunds by mail only,{BAD_VALUES[column]}\nB,New,{BAD_VALUES[column]}\n")
    assert counts(report) == (1, 0, 1, 0)
    assert [(warning.line, warning.column) for warning in report.warnings] == [(2, column), (3, column)]
    assert str(report.warnings[0]).startswith(f"rules.csv, line 2, column {column}: ")
    assert Rule.objects.values().get(code="A") == before


def test_a_law_without_its_clause_is_a_warning_and_only_a_claim(bring):
    report = bring("code,title,authority,clause\nA,T,law,\nB,T,contract,§ 4\n")
    assert counts(report) == (2, 0, 0, 0)
    assert [(warning.line, warning.column) for warning in report.warnings] == [(2, "clause")]
    assert not Rule.objects.exclude(confirmed_by=None).exists()
    assert not Rule.objects.filter(claimed_on=None).exists()


REJECTED = {
    "no title": ("code,title\nA,\n", "title", "title is missing"),
    "no column title": ("code,text\nA,words\n", "title", "title is missing"),
    "a long title": ("code,title\nA," + "x" * 501 + "\n", "title", "more than 500"),
    "a long code": ("code,title\n" + "x" * 101 + ",T\n", "code", "more than 100"),
    "a status": ("code,title,status\nA,T,proposed\n", "status", "changes in a review"),
    "an unknown status": ("code,title,status\nA,T,asleep\n", "status", "changes in a review"),
    "a removed rule": ("code,title,status\nA,T,removed\n", "status", "changes in a review"),
    "an alias as code": ("code,title\nOLD,T\n", "code", "another name of rule KEPT"),
    "a taken alias": ("code,title,aliases\nA,T,OLD\n", "aliases", "already finds rule KEPT"),
    "a taken code": ("code,title,aliases\nA,T,KEPT\n", "aliases", "already finds rule KEPT"),
    "a row too long": ("code,title\nA,T,x,y\n", "", "4 fields where the header has 2"),
    "a quote never closed": ('code,title\nA,"T\n', "", "never closed"),
}


@pytest.mark.parametrize("what", REJECTED)
def test_a_bad_row_is_rejected_with_line_column_and_remedy_and_the_others_are_kept(bring, what):
    make.rule("Kept", code="KEPT", aliases=["OLD"])
    text, column, reason = REJECTED[what]
    header, row = text.split("\n", 1)
    good = "Z,Good" + "," * (header.count(",") - 1)
    title = header.replace("text", "title") if "title" not in header else header
    report = bring(
        f"{title if what != 'no column title' else header}\n{good if what != 'no column title' else ''}\n{row}"
    )
    assert report.rejected == 1
    (rejection,) = report.rejections
    assert (rejection.line, rejection.column) == (3, column)
    assert reason in rejection.text and rejection.text.endswith(".")
    assert report.created == (0 if what == "no column title" else 1)
    assert Rule.objects.filter(code="A").count() == 0


def test_the_status_it_has_is_no_change(bring):
    rule = make.rule("T", code="A")
    Rule.objects.update(status=Rule.Status.SUSPENDED)
    assert counts(bring("code,title,status\nA,T,Suspended\n")) == (0, 0, 1, 0)
    assert counts(bring("code,title,status\nA,T,in force\nB,T,In Force\nC,T,\n")) == (2, 0, 0, 1)
    assert Rule.objects.get(pk=rule.pk).status == Rule.Status.SUSPENDED


def test_two_rows_of_one_rule_are_not_both_taken(bring):
    text = "code,title\nA,First\nA,Second\n,Same\n,Same\n"
    for _ in range(2):
        report = bring(text)
        assert [(rejection.line, rejection.column) for rejection in report.rejections] == [(3, "code"), (5, "title")]
        assert "line 2 already" in str(report.rejections[0])
    assert counts(report) == (0, 0, 2, 2)


def test_an_alias_may_move_to_a_rule_further_up_in_the_list(bring):
    make.rule("First", code="A")
    make.rule("Second", code="B", aliases=["OLD"])
    report = bring("code,title,aliases\nA,First,OLD\nB,Second,\n")
    assert counts(report) == (0, 2, 0, 0)


def test_a_rejected_row_leaves_no_department_topic_or_person_behind(bring):
    make.rule("Kept", code="KEPT")
    before = head()
    bring("code,title,department,owner,topics,aliases\nA,T,New,Nobody,new,KEPT\n")
    assert not Department.objects.exists() and not Person.objects.exists() and not Topic.objects.exists()
    assert head() == before


def test_owners_are_found_by_user_name_mail_and_full_name(bring):
    anna = make.person("anna", email="anna@example.org", first_name="Anna", last_name="Berg")
    bring("code,title,owner\nA,T,anna\nB,T,ANNA@example.org\nC,T,Anna Berg\nD,T,Carl Dahl\nE,T,Carl Dahl\n")
    assert list(Rule.objects.order_by("code").values_list("owner__username", flat=True)) == [
        "anna", "anna", "anna", "Carl Dahl", "Carl Dahl",
    ]  # fmt: skip
    assert not Person.objects.get(username="Carl Dahl").is_active
    assert counts(bring("code,title,owner\nA,T,Anna Berg\nD,T,Carl Dahl\n")) == (0, 0, 2, 0)
    assert anna.owned_rules.count() == 3


def test_an_edited_export_imported_twice_makes_one_version(bring):
    text = "code,title,text,applies_from\nA,T,{},2020-01-01\n"
    bring(text.format("Old"))
    assert counts(bring(text.format("New"))) == (0, 1, 0, 0)
    before = head()
    assert counts(bring(text.format("New"))) == (0, 0, 1, 0)
    assert head() == before and RuleVersion.objects.count() == 2


def test_a_reordered_list_of_channels_is_no_change(bring):
    bring("code,title,channels\nA,T,phone;mail\n")
    assert counts(bring("code,title,channels\nA,T,mail; phone\n")) == (0, 0, 1, 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(bring, encoding, end):
    report = bring(f"code,title{end}A,Må ikke{end}B,Får gerne{end}".encode(encoding))
    assert counts(report) == (2, 0, 0, 0)
    assert set(Rule.objects.values_list("title", flat=True)) == {"Må ikke", "Får gerne"}


def test_control_characters_are_left_out_with_a_warning(bring):
    report = bring(b"code,title,text\nA\x00,Ti\x00tle,te\x07xt\n")
    assert Rule.objects.values_list("code", "title", "text").get() == ("A", "Title", "text")
    assert [warning.column for warning in report.warnings] == ["code", "text", "title"]


def test_a_very_long_text_is_stored_whole(bring):
    assert counts(bring('code,title,text\nA,T,"' + "words " * 1_800_000 + '"\n')) == (1, 0, 0, 0)
    assert len(Rule.objects.get().text) == 6 * 1_800_000 - 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"case_id,rule_code\n1,A\n", "not a list of rules"),
        (b"PK\x03\x04nonsense", "damaged zip"),
        (b'[{"a": 1}]', "not a list of rules"),
    ],
)
def test_what_is_no_list_of_rules_is_said_so(bring, content, reason):
    with pytest.raises(CannotStart, match=reason):
        bring(content)


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(CannotStart, match="does not exist"):
        import_rules(tmp_path / "nothing.csv", None)


@pytest.mark.django_db(transaction=True)
def test_a_chunk_that_lost_a_race_is_counted_once(bring, monkeypatch):
    tries = []
    create = importing._create

    def losing(**given):
        tries.append(given["row"].code)
        create(**given)
        if tries.count("B") == 1 and tries[-1] == "B":
            raise LostRace("Somebody was first.")

    monkeypatch.setattr(importing, "_create", losing)
    assert counts(bring("code,title,kind\nA,T,odd\nB,U,written\n")) == (2, 0, 0, 0)
    assert tries == ["A", "B", "A", "B"]
    assert Rule.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_code_that_another_import_takes_meanwhile_is_found_at_the_next_try(bring, monkeypatch):
    create = importing._create
    others = []

    def beaten(**given):
        if not others:
            others.append(1)
            raise IntegrityError("UNIQUE constraint failed")
        create(**given)

    monkeypatch.setattr(importing, "_create", beaten)
    assert counts(bring("code,title\nA,T\n")) == (1, 0, 0, 0)


@pytest.mark.world
@pytest.mark.parametrize(
    ("name", "created", "rejected"),
    [("abcd", 55, 0), ("star", 24, 0), ("twitter-care", 240, 3)],  # three of its rows have no title
)
def test_real_lists_of_rules_come_in_and_come_in_again(world, name, created, rejected):
    path = world(f"{name}/rules.csv")
    assert counts(import_rules(path, None)) == (created, 0, 0, rejected)
    assert counts(import_rules(path, None)) == (0, 0, created, rejected)
