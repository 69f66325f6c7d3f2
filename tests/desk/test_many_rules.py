"""Many rules at once: the same change to each within a person's rights, exports, and filters that people keep."""

import re

import pytest
from django.urls import reverse

from rulebook.catalogue.exporting import rule_rows
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import add_topic, change_rule
from rulebook.desk import actions
from rulebook.desk.models import SavedFilter
from rulebook.desk.services import MOST_FILTERS, save_filter
from rulebook.errors import RulebookError
from rulebook.journal.models import Event, JournalHead
from tests import make

pytestmark = pytest.mark.django_db
LIST = "admin:catalogue_rule_changelist"


def chosen(*rules):
    return {"_selected_action": [str(rule.pk) for rule in rules]}


def ask(client, action, *rules, query=""):
    """The page that a bulk action opens."""
    return client.post(reverse(LIST) + query, {"action": action, **chosen(*rules)})


def say(client, what, *rules, **given):
    """Send that page; the list that follows."""
    data = {"rules": ",".join(str(rule.pk) for rule in rules), "back": "", **given}
    return client.post(reverse("admin:catalogue_rule_change_many", args=[what]), data, follow=True)


def told(response):
    return [str(message) for message in response.context["messages"]]


@pytest.fixture
def finance(manager):
    """The manager's own department."""
    return make.department("Finance", head=manager)


@pytest.fixture
def desk(client, manager, finance):
    client.force_login(manager)
    return client


CHANGES = {
    "set_department": ("department", "department", "none", lambda rule: rule.department is None),
    "set_owner": ("owner", "owner", "none", lambda rule: rule.owner is None),
    "set_review_by": ("review_by", "review_by", "2027-03-01", lambda rule: str(rule.review_by) == "2027-03-01"),
    "set_intent": ("intent", "intent", "drop", lambda rule: rule.intent == "drop"),
    "add_topic": ("topic", "name", " money/fees ", lambda rule: rule.topics.filter(path="money/fees").exists()),
}


@pytest.mark.parametrize("action", CHANGES)
def test_each_change_asks_for_its_value_shows_the_rules_and_is_made_by_the_service(desk, manager, finance, action):
    what, field, value, done = CHANGES[action]
    rules = [
        make.rule(f"Rule {n}", department=finance, owner=manager, topics=["returns"], code=f"R{n}") for n in range(3)
    ]
    opened = ask(desk, action, *rules, query="?kind=written")
    text = opened.content.decode()
    assert opened.status_code == 200 and all(rule.title in text for rule in rules) and "Finance" in text
    assert 'name="back" value="kind=written"' in text

    before = JournalHead.objects.get().last
    answer = say(desk, what, *rules, **{field: value, "back": "kind=written&agent_key=x"})
    assert answer.redirect_chain[-1][0] == f"{reverse(LIST)}?kind=written"
    assert told(answer) == ["3 rules changed."]
    assert all(done(rule) for rule in Rule.objects.all())
    events = Event.objects.filter(number__gt=before, object_type="rule")
    assert [event.verb for event in events] == ["changed"] * 3

    if action not in ("set_department",):  # which takes the rules out of the manager's own department
        assert told(say(desk, what, *rules, **{field: value})) == ["0 rules changed; 3 had it already."]


def test_a_rule_of_another_department_stays_and_the_message_says_whose_it_is(desk, finance):
    mine = [make.rule(department=finance) for _ in range(5)]
    theirs = make.rule(department=make.department("Legal"))
    answer = say(desk, "intent", *mine, theirs, intent="drop")
    assert told(answer) == ["5 rules changed, 1 not: belongs to Legal."]
    assert Rule.objects.get(pk=theirs.pk).intent == ""
    assert Rule.objects.filter(intent="drop").count() == 5


def test_what_one_rule_refuses_does_not_undo_the_others(desk, finance):
    ended = make.rule(code="A", department=finance)
    ended.versions.update(applies_to="2020-01-01")
    other = make.rule(code="B", department=finance)
    answer = say(desk, "topic", ended, other, name="returns")
    assert told(answer)[0].startswith("1 rule changed, 1 not: A no longer applies")
    assert other.topics.get().path == "returns" and not ended.topics.exists()


@pytest.mark.parametrize("what", ["department", "owner", "intent", "topic"])
def test_a_value_left_out_changes_nothing_and_loses_no_choice(desk, finance, what):
    rule = make.rule("Kept", department=finance, intent="keep")
    before = JournalHead.objects.get().last
    answer = say(desk, what, rule)
    assert answer.status_code == 200 and "Kept" in answer.content.decode()
    assert "rb-field-error" in answer.content.decode()
    assert f'name="rules" value="{rule.pk}"' in answer.content.decode()
    assert JournalHead.objects.get().last == before


@pytest.mark.parametrize("rules", ["", "x", "1,2,", "9" * 30])
def test_a_choice_that_is_no_longer_known_is_said_so(desk, rules):
    data = {"rules": rules, "intent": "drop"}
    answer = desk.post(reverse("admin:catalogue_rule_change_many", args=["intent"]), data, follow=True)
    assert told(answer) == ["It is no longer known which rules you chose. Choose them again."]


def test_more_rules_than_one_waits_for_are_refused_in_words(desk, finance, monkeypatch):
    monkeypatch.setattr(actions, "MOST_AT_ONCE", 2)
    rules = [make.rule(department=finance) for _ in range(3)]
    answer = desk.post(reverse(LIST), {"action": "set_intent", **chosen(*rules)}, follow=True)
    assert told(answer) == ["At most 2 rules are changed at once. Narrow the list with a filter, and do it in parts."]


def test_rights_decide_who_may_change_many(client, owner, agent, outsider):
    headed = make.department("Own", head=owner)
    own, other = make.rule(department=headed), make.rule(department=make.department("Legal"))
    client.force_login(owner)
    assert told(say(client, "intent", own, other, intent="ask")) == ["1 rule changed, 1 not: belongs to Legal."]
    client.force_login(outsider)
    url = reverse("admin:catalogue_rule_change_many", args=["intent"])
    assert client.post(url, {"rules": str(own.pk), "intent": "drop"}).status_code == 403
    client.force_login(agent)
    assert client.post(url, {"rules": str(own.pk), "intent": "drop"}).status_code == 302
    assert Rule.objects.get(pk=own.pk).intent == "ask"


def test_nothing_offers_to_delete_a_rule_and_a_link_changes_nothing(desk, finance):
    rule = make.rule(department=finance)
    assert "delete_selected" not in desk.get(reverse(LIST)).content.decode()
    ask(desk, "delete_selected", rule)
    assert Rule.objects.filter(pk=rule.pk).exists()
    url = reverse("admin:catalogue_rule_change_many", args=["intent"])
    assert desk.get(url, {"rules": rule.pk, "intent": "drop"}).status_code == 405
    assert desk.post(reverse("admin:catalogue_rule_change_many", args=["title"]), {}).status_code == 404


def test_a_topic_that_somebody_else_added_meanwhile_stays():
    rule = make.rule(topics=["a"])
    change_rule(rule=rule, fields={"topics": ["a", "b"]}, by=None)
    assert add_topic(rule=rule, path="c", by=None) is True
    assert add_topic(rule=rule, path=" c ", by=None) is False
    assert rule.versions.latest("number").topics == ["a", "b", "c"]


# Exports


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_export_of_a_filtered_list_is_what_it_shows_on_all_its_pages(desk, kind, finance, tmp_path):
    for number in range(60):
        make.rule(
            f"=Rule {number}", code=f"R{number:02}", kind="unwritten", text="One\ntwo", channels=["phone", "mail"]
        )
    make.rule("Written", code="W")
    reply = desk.get(reverse("admin:catalogue_rule_export", args=[kind]), {"kind": "unwritten", "q": "Rule", "p": "2"})
    assert re.fullmatch(rf'attachment; filename="rules-[0-9-]+\.{kind}"', reply["Content-Disposition"])
    path = tmp_path / f"rules.{kind}"
    path.write_bytes(b"".join(reply.streaming_content))
    if kind == "csv":
        assert "'=Rule 0" in path.read_text(encoding="utf-8-sig")
    before = list(rule_rows(Rule.objects.filter(kind="unwritten")))
    Rule.objects.all().delete()
    with path.open("rb") as file:
        report = desk.post(reverse("admin:catalogue_rule_import"), {"file": file}).context["report"]
    assert (report.created, report.rejected, report.warnings) == (60, 0, [])
    assert list(rule_rows()) == before


@pytest.mark.parametrize("action", ["export_csv", "export_excel"])
def test_chosen_rules_are_exported_alone(desk, action):
    one, _, three = make.rule(code="A"), make.rule(code="B"), make.rule(code="C")
    reply = desk.post(reverse(LIST), {"action": action, **chosen(three, one)})
    body = b"".join(reply.streaming_content)
    assert body
    if action == "export_csv":
        assert [line.split(",")[0] for line in body.decode("utf-8-sig").splitlines()[1:]] == ["A", "C"]


def test_a_text_too_long_for_excel_is_said_and_nothing_is_sent(desk):
    make.rule(code="A", text="x" * 40_000)
    reply = desk.get(reverse("admin:catalogue_rule_export", args=["xlsx"]), follow=True)
    assert "text of rule A" in told(reply)[0]
    assert desk.get(reverse("admin:catalogue_rule_export", args=["pdf"])).status_code == 404


# Filters that people keep


def keep(client, name, query):
    return client.post(reverse("admin:catalogue_rule_save_filter"), {"name": name, "query": query}, follow=True)


def test_a_filter_is_kept_opened_replaced_and_forgotten_by_its_person_alone(desk, client, owner, manager):
    make.rule("Refund", kind="unwritten")
    assert "Save filter" not in desk.get(reverse(LIST)).content.decode()
    assert "Save filter" in desk.get(reverse(LIST), {"kind": "unwritten"}).content.decode()
    keep(desk, " Not <written> ", "q=refund&kind=unwritten&p=2&agent_key=x")
    mine = SavedFilter.objects.get()
    assert (mine.person, mine.name, mine.query) == (manager, "Not <written>", "kind=unwritten&q=refund")
    text = desk.get(f"{reverse(LIST)}?{mine.query}").content.decode()
    assert "Not &lt;written&gt;" in text and 'aria-current="page"' in text and "Save filter" not in text

    keep(desk, "Not <written>", "kind=written")
    assert SavedFilter.objects.get().query == "kind=written"

    client.force_login(owner)
    assert "Not &lt;written&gt;" not in client.get(reverse(LIST)).content.decode()
    forget = reverse("admin:catalogue_rule_forget_filter", args=[mine.pk])
    client.post(forget)
    assert SavedFilter.objects.exists(), "another person's filter stays"
    client.force_login(manager)
    assert client.get(forget).status_code == 405
    client.post(forget)
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize(
    ("name", "query", "said"),
    [
        ("", "kind=written", "needs a name"),
        ("x" * 61, "kind=written", "needs a name"),
        ("All", "", "Nothing is filtered"),
        ("Odd", "agent_key=x&o=1;drop&p=3", "Nothing is filtered"),
        ("Long", "q=" + "x" * 3000, "Nothing is filtered"),
    ],
)
def test_a_filter_without_a_name_or_of_other_parameters_is_refused_in_words(desk, name, query, said):
    assert said in told(keep(desk, name, query))[0]
    assert not SavedFilter.objects.exists()


def test_nobody_keeps_filters_without_end(manager):
    for number in range(MOST_FILTERS):
        save_filter(name=f"F{number}", query="kind=written", by=manager)
    save_filter(name="F1", query="kind=unwritten", by=manager)
    with pytest.raises(RulebookError, match="Forget one first"):
        save_filter(name="One more", query="kind=written", by=manager)
