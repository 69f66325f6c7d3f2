"""Writing rules down and changing them."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from rulebook.catalogue.codes import next_code
from rulebook.catalogue.models import Alias, Rule, Topic
from rulebook.catalogue.queries import rule_ids_by_name, rules_at
from rulebook.catalogue.services import FieldRefused, change_rule, topic_ids, write_down
from rulebook.errors import RulebookError
from rulebook.journal.models import Event, JournalHead
from tests import make

pytestmark = pytest.mark.django_db


def head():
    return JournalHead.objects.get().last


def change(rule, **fields):
    return change_rule(rule=rule, fields=fields, by=None)


def spans(rule):
    return list(rule.versions.order_by("number").values_list("title", "applies_from", "applies_to"))


def test_only_the_title_is_needed_and_the_code_is_given():
    rule = make.rule("No refunds by phone")
    assert (rule.code, rule.kind, rule.authority, rule.status) == ("R-0001", "written", "unknown", "in_force")
    assert make.rule().code == "R-0002"
    with pytest.raises(FieldRefused, match="needs a title"):
        write_down(fields={"title": " \n"}, by=None)


def test_the_next_code_is_after_the_highest_of_our_own_form_and_no_other():
    for code in ("R-0009", "R-12345", "R-SCAN", "R-1x", "X-99999"):
        make.rule(code=code)
    assert next_code() == "R-12346"


def test_a_long_number_of_another_system_does_not_use_up_our_codes():
    make.rule(code="R-999999999")
    assert make.rule().code == "R-0001"
    make.rule(code="R-999999")
    assert [make.rule().code, make.rule().code] == ["R-1000000", "R-1000001"]


def test_all_changed_fields_are_named_in_the_event():
    rule = make.rule(code="A")
    texts = ("purpose", "heard_where", "source_reference", "customer_hears", "clause", "decision_limit")
    change(rule, **dict.fromkeys(texts, "New."))
    assert Event.objects.latest("number").after == ",".join(sorted(texts))


def test_a_change_of_meaning_makes_a_version_and_one_event():
    rule = make.rule("Old words", applies_from=date(2020, 1, 1))
    before = head()
    assert change(rule, title="New words")
    today = timezone.localdate()
    assert spans(rule) == [("Old words", date(2020, 1, 1), today), ("New words", today, None)]
    assert head() == before + 1


def test_another_change_makes_no_version():
    rule = make.rule()
    assert change(rule, purpose="Because.", owner=make.person("anna"))
    assert rule.versions.count() == 1


def test_the_same_again_writes_nothing(django_assert_num_queries):
    rule = make.rule("Words", text="One\r\ntwo", topics=["b", "a"], channels=["mail", "phone"], aliases=["X"])
    before, stamp = head(), Rule.objects.get(pk=rule.pk).updated_at
    assert not change(
        rule, title=" Words ", text="One\ntwo ", topics=["a", "b"], channels=["phone", "mail"], aliases=["X"]
    )
    assert head() == before
    assert Rule.objects.get(pk=rule.pk).updated_at == stamp


def test_a_new_wording_applies_from_the_day_that_comes_with_it():
    rule = make.rule("Old", applies_from=date(2020, 1, 1))
    change(rule, title="New", applies_from=date(2026, 3, 1))
    assert spans(rule) == [("Old", date(2020, 1, 1), date(2026, 3, 1)), ("New", date(2026, 3, 1), None)]


def test_a_wording_still_to_come_is_not_ended_before_it_begins():
    start = timezone.localdate() + timedelta(days=30)
    rule = make.rule("Old", applies_from=start)
    change(rule, title="New")
    assert spans(rule) == [("Old", start, start), ("New", start, None)]


def test_a_wording_before_the_one_it_replaces_is_refused():
    rule = make.rule("Old", applies_from=date(2020, 1, 1))
    with pytest.raises(FieldRefused, match="before the one it replaces"):
        change(rule, title="New", applies_from=date(2019, 1, 1))
    assert Rule.objects.get().title == "Old"


def test_the_day_of_an_earlier_wording_says_nothing_about_the_newest():
    rule = make.rule("Old", applies_from=date(2020, 1, 1))
    change(rule, title="New", applies_from=date(2026, 3, 1))
    assert not change(rule, title="New", applies_from=date(2020, 1, 1))
    assert not change(rule, title="New", applies_from=None)
    assert change(rule, applies_from=date(2026, 4, 1))
    assert spans(rule) == [("Old", date(2020, 1, 1), date(2026, 4, 1)), ("New", date(2026, 4, 1), None)]


def test_a_rule_that_no_longer_applies_keeps_its_words():
    rule = make.rule("Old")
    rule.versions.update(applies_to=date(2026, 1, 1))
    with pytest.raises(RulebookError, match="no longer applies"):
        change(rule, title="New")
    assert change(rule, purpose="It was a habit.")


def test_rules_as_of_a_day_speak_in_the_words_of_that_day():
    rule = make.rule("Old", applies_from=date(2020, 1, 1), topics=["a"])
    change(rule, title="New", topics=["b"], applies_from=date(2026, 3, 1))
    make.rule("Since ever", code="Z")

    def words(day):
        return [(row["title"], row["topics"], row["version"]) for row in rules_at(day)]

    assert words(date(2019, 12, 31)) == [("Since ever", [], 1)]
    assert words(date(2020, 1, 1)) == [("Old", ["a"], 1), ("Since ever", [], 1)]
    assert words(date(2026, 2, 28))[0] == ("Old", ["a"], 1)
    assert words(date(2026, 3, 1))[0] == ("New", ["b"], 2)


def test_a_code_or_alias_finds_one_rule_only():
    first = make.rule(code="A", aliases=["B"])
    assert rule_ids_by_name(["A", "B", "C"]) == {"A": first.pk, "B": first.pk}
    for names in ({"code": "B"}, {"code": "A"}, {"code": "C", "aliases": ["B"]}, {"code": "C", "aliases": ["A"]}):
        with pytest.raises(FieldRefused, match="already finds rule A") as caught:
            make.rule(**names)
        assert caught.value.field == ("aliases" if "aliases" in names else "code")
    second = make.rule(code="b")  # bytewise: another name
    with pytest.raises(FieldRefused):
        change(second, aliases=["B"])
    assert change(first, aliases=[]) and change(second, aliases=["B"])


def test_another_authority_or_another_clause_is_a_new_claim(manager):
    rule = make.rule(authority="law", clause="§ 1", by=manager)
    assert (rule.claimed_on, rule.claimed_by, rule.confirmed_by) == (timezone.localdate(), manager, None)
    assert not rule.ours
    for changed in ({"clause": "§ 2"}, {"authority": "contract"}):
        Rule.objects.update(confirmed_by=manager, confirmed_at=timezone.now(), claimed_on=date(2026, 1, 1))
        change(rule, **{name: getattr(Rule.objects.get(), name) for name in changed}, purpose=str(changed))
        assert Rule.objects.get().confirmed_by == manager, "neither was changed"
        change(rule, **changed)
        now = Rule.objects.get()
        assert (now.claimed_on, now.claimed_by, now.confirmed_by) == (timezone.localdate(), None, None)
        assert now.claimed
    change(rule, authority="policy", clause="§ 3")
    assert (Rule.objects.get().claimed_on, Rule.objects.get().claimed) == (None, False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "x" * 501),
        ("decision_limit", "x" * 201),
        ("kind", "oral"),
        ("authority", ""),
        ("intent", "burn"),
        ("requirements", -1),
        ("requirements", 2**31),
        ("topics", ["x" * 201]),
        ("aliases", ["x" * 101]),
    ],
)
def test_an_impossible_value_is_refused_with_its_field(field, value):
    with pytest.raises(FieldRefused) as caught:
        make.rule(**{"title": "Title", field: value})
    assert caught.value.field == field


def test_what_no_database_holds_is_left_out_of_texts():
    rule = make.rule("Ti\x00tle", text="One\x00\r\ntwo\x0b\ud800", topics=["a\x00/ b"], channels=["\x00"])
    rule.refresh_from_db()
    assert (rule.title, rule.text, rule.channels) == ("Title", "One\ntwo", [])
    assert [topic.path for topic in rule.topics.all()] == ["a/b"]


def test_topics_are_made_with_their_parents():
    ids = topic_ids(paths=["a / b/c", "a", "d"])
    assert Topic.objects.get(pk=ids["a / b/c"]).path == "a/b/c"
    assert Topic.objects.get(path="a/b").parent == Topic.objects.get(path="a")
    assert topic_ids(paths=["a / b/c"])["a / b/c"] == ids["a / b/c"]
    assert make.topic("a/b/c").pk == ids["a / b/c"]


def test_writing_down_costs_a_handful_of_queries(django_assert_max_num_queries):
    make.topic("a")
    with django_assert_max_num_queries(
        14
    ):  # savepoints, names taken, rule, names, topics, version, event with its actor
        make.rule("Title", code="A", topics=["a"], aliases=["B"])
    assert Alias.objects.count() == 2
    assert Event.objects.latest("number").verb == "written_down"
