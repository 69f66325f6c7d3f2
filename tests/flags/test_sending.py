"""An agent says what stopped them: signed or not, once or twice, with and without a case."""

import pytest
from django.utils import timezone

from rulebook.cases.models import CaseRule, PendingLink
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused
from rulebook.errors import NotAllowed, WrongState
from rulebook.flags.models import Flag, HeldFlag
from rulebook.flags.services import More, Telling, add_to_flag, link_flagged_case, send_flag
from rulebook.journal.models import Event, JournalHead
from tests import make

pytestmark = pytest.mark.django_db
FORM = "a-random-number-of-a-form"


def send(by=None, *, stopped="I may not refund 240 kr.", form=FORM, anonymous=False, team=None, **said):
    return send_flag(form=form, telling=Telling(stopped=stopped, **said), anonymous=anonymous, by=by, team=team)


def add(sent, by=None, **said):
    return add_to_flag(once=sent.once, more=More(**said), by=by, receipt=sent.receipt)


def newest_events(count=1):
    return list(Event.objects.order_by("-number").values_list("verb", "object_type", "object_code", "after")[:count])


def test_a_signed_flag_is_stored_with_its_author_and_one_event_that_names_the_rule(agent):
    rule = make.rule(code="A")
    before = JournalHead.objects.get().last
    sent = send(agent, rule=rule, customer_heard="I can’t decide that", channel=" phone ")
    flag = Flag.objects.get()
    assert (flag.author, flag.team, flag.anonymous, flag.rule, flag.channel) == (agent, None, False, rule, "phone")
    assert flag.flagged_at is not None and flag.flagged_on == timezone.localdate(flag.flagged_at)
    assert sent.receipt == "" and flag.receipt == ""
    assert JournalHead.objects.get().last == before + 1
    assert newest_events() == [("flagged", "flag", str(flag.pk), "A")]
    assert "refund" not in str(Event.objects.order_by("-number").values().first())


def test_a_flag_by_a_teams_link_stores_the_team_and_nobody():
    team = make.team(headcount=8)
    send(None, team=team)
    assert Flag.objects.values_list("author", "team").get() == (None, team.pk)


def test_the_same_form_sent_twice_is_one_flag(agent):
    first, second = send(agent), send(agent)
    assert first == second and Flag.objects.count() == 1
    assert [verb for verb, *_ in newest_events(9)].count("flagged") == 1


def test_after_a_step_back_another_text_in_the_same_form_is_another_flag(agent):
    assert send(agent).once != send(agent, stopped="And I may not exchange it.").once
    assert Flag.objects.count() == 2


def test_the_same_words_from_two_forms_are_two_flags(agent):
    send(agent)
    send(agent, form="a-random-number-of-another-form")
    assert Flag.objects.count() == 2


def test_an_anonymous_flag_is_held_without_anything_that_tells_who_and_without_an_event(agent):
    rule, team = make.rule(code="A"), make.team()
    before = JournalHead.objects.get().last
    sent = send(agent, anonymous=True, rule=rule, team=team)
    held = HeldFlag.objects.get()
    assert JournalHead.objects.get().last == before
    assert not Flag.objects.exists() and held.held_on == timezone.localdate()
    assert {field.name for field in HeldFlag._meta.fields} == {
        "id", "stopped", "customer_heard", "rule", "rule_words", "channel", "solved", "minutes", "instead", "decision",
        "quotable", "once", "receipt", "held_on",
    }  # fmt: skip
    assert len(sent.receipt) == 11 and sent.receipt not in str(vars(held))


def test_an_anonymous_form_sent_twice_is_one_flag_and_shows_the_same_code(agent):
    first, second = send(agent, anonymous=True), send(agent, anonymous=True)
    assert first == second and HeldFlag.objects.count() == 1
    assert send(agent, anonymous=True, form="a-random-number-of-another-form").receipt != first.receipt


@pytest.mark.parametrize("stopped", ["", "  \n\t ", "\0\0", "\x07"])
def test_a_flag_without_words_is_refused_at_its_field(agent, stopped):
    with pytest.raises(FieldRefused, match=r"Write what stopped you\. One word is enough\.") as refusal:
        send(agent, stopped=stopped)
    assert refusal.value.field == "stopped" and not Flag.objects.exists()


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("stopped", {"stopped": "x" * 5_001}),
        ("stopped", {"stopped": "å" * 1_000_000}),
        ("customer_heard", {"customer_heard": "x" * 301}),
        ("rule_words", {"rule_words": "x" * 301}),
    ],
)
def test_what_is_too_long_is_refused_at_its_field_with_one_sentence(agent, field, said):
    with pytest.raises(FieldRefused, match="can be stored") as refusal:
        send(agent, **said)
    assert refusal.value.field == field and not Flag.objects.exists()
    assert len(str(refusal.value)) < 120


@pytest.mark.parametrize(
    "stopped", ["<script>alert(1)</script>", "🙈🙉", "לא מורשה להחליט", "a\u202eb", "{{ x }} {% y %}"]
)
def test_markup_emoji_and_right_to_left_are_stored_as_they_are(agent, stopped):
    send(agent, stopped=stopped)
    assert Flag.objects.get().stopped == stopped


def test_what_points_at_a_person_is_hidden_everywhere_before_it_is_stored_and_told(agent):
    number = "010190-1234"
    sent = send(agent, stopped=f"Customer {number}", customer_heard=f"No, {number}", rule_words=f"the rule on {number}")
    added = add(sent, agent, instead=f"called {number}", decision="mail anna@example.com")
    flag = Flag.objects.get()
    kept = " ".join([flag.stopped, flag.customer_heard, flag.rule_words, flag.instead, flag.decision])
    assert "1234" not in kept and "anna" not in kept and kept.count("[hidden]") == 5
    assert sent.hidden == ["personal number"] and added.hidden == ["personal number", "mail address"]
    assert send(agent, stopped=f"Customer {number}", anonymous=True).hidden == ["personal number"]
    assert number not in HeldFlag.objects.get().stopped


def test_a_line_that_grows_by_what_was_hidden_in_it_still_fits_its_column(agent):
    send(agent, rule_words="a@b.cd " * 42, customer_heard="a@b.cd " * 42)
    flag = Flag.objects.get()
    assert (len(flag.rule_words), len(flag.customer_heard)) == (300, 300) and "a@b" not in flag.rule_words


def test_words_for_a_rule_are_kept_only_where_none_was_chosen(agent):
    send(agent, rule_words="refnd")
    send(agent, rule_words="refnd", rule=make.rule(code="A"))
    assert set(Flag.objects.values_list("rule__code", "rule_words")) == {(None, "refnd"), ("A", "")}


def test_a_flag_on_a_removed_rule_is_welcome_and_marked(agent):
    rule = make.rule(code="A")
    Rule.objects.filter(pk=rule.pk).update(status=Rule.Status.REMOVED)
    rule.refresh_from_db()
    send(agent, rule=rule)
    assert Flag.objects.get().rule_was_removed


def test_more_is_added_to_a_signed_flag_with_one_event_that_quotes_nothing(agent):
    said = {"solved": False, "minutes": 10, "instead": "Refunded", "decision": "Refunds to 500 kr", "quotable": True}
    sent = send(agent)
    add(sent, agent, **said)
    flag = Flag.objects.get()
    assert {name: getattr(flag, name) for name in said} == said
    assert newest_events() == [("added_to", "flag", str(flag.pk), "decision,instead,minutes,quotable,solved")]
    before = JournalHead.objects.get().last
    add(sent, agent, **said)
    assert JournalHead.objects.get().last == before, "the same once more changes nothing"


def test_more_is_added_to_a_held_flag_without_an_event_and_without_its_case(agent):
    sent = send(agent, anonymous=True)
    before = JournalHead.objects.get().last
    add(sent, None, minutes=5, case_reference="ZD-1")
    held = HeldFlag.objects.get()
    assert held.minutes == 5 and "ZD-1" not in str(vars(held))
    assert JournalHead.objects.get().last == before and not PendingLink.objects.exists()


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("minutes", {"minutes": 601}),
        ("minutes", {"minutes": -1}),
        ("instead", {"instead": "x" * 5_001}),
        ("decision", {"decision": "x" * 5_001}),
        ("case_reference", {"case_reference": "x" * 256}),
    ],
)
def test_what_cannot_be_added_is_refused_at_its_field(agent, field, said):
    sent = send(agent)
    with pytest.raises(FieldRefused) as refusal:
        add(sent, agent, **said)
    assert refusal.value.field == field


def test_nothing_is_added_to_a_flag_that_is_not_there_or_went_out_with_the_others(agent):
    sent = send(agent, anonymous=True)
    HeldFlag.objects.all().delete()
    make.flag(anonymous=True, once=sent.once)
    for once in (sent.once, "nothing"):
        with pytest.raises(WrongState, match="any more"):
            add_to_flag(once=once, more=More(minutes=5), by=None)


def test_only_whoever_sent_a_flag_adds_to_it(agent):
    team, other_team, other = make.team(headcount=8), make.team(headcount=8), make.person(role="agent")
    signed, of_team = send(agent), send(None, team=team, form="a-random-number-of-a-second-form")
    hidden = send(None, anonymous=True, form="a-random-number-of-a-third-form")
    theirs = {"more": More(minutes=5)}
    for once, whoever in (
        (signed.once, {"by": other}),
        (signed.once, {"by": None}),
        (signed.once, {"by": None, "team": team}),
        (of_team.once, {"by": None}),
        (of_team.once, {"by": None, "team": other_team}),
        (of_team.once, {"by": agent, "team": team}),
        (hidden.once, {"by": agent}),
        (hidden.once, {"by": None, "receipt": "7KM-R4T-2QX"}),
    ):
        with pytest.raises(NotAllowed, match="Somebody else sent this flag"):
            add_to_flag(once=once, **theirs, **whoever)
    assert not Flag.objects.exclude(minutes=None).exists() and not HeldFlag.objects.exclude(minutes=None).exists()
    add_to_flag(once=signed.once, **theirs, by=agent)
    add_to_flag(once=of_team.once, **theirs, by=None, team=team)
    add_to_flag(once=hidden.once, **theirs, by=None, receipt=hidden.receipt.lower())
    assert set(Flag.objects.values_list("minutes", flat=True)) == {5} and HeldFlag.objects.get().minutes == 5


def test_the_case_of_a_signed_flag_is_blocked_by_its_rule_and_no_event_names_it(agent):
    rule, desk = make.rule(code="A"), make.source("desk")
    case = make.case(desk, "ZD-48213")
    added = add(send(agent, rule=rule), agent, case_reference=" ZD-48213 ")
    assert added.case_known is True and Flag.objects.get().source == desk
    assert list(CaseRule.objects.values_list("case", "rule", "effect", "origin")) == [
        (case.pk, rule.pk, "blocked", "flag")
    ]
    assert "48213" not in str(list(Event.objects.values()))


def test_a_case_that_is_not_here_yet_is_waited_for_and_the_agent_is_told(agent):
    added = add(send(agent, rule=make.rule(code="A")), agent, case_reference="ZD-9")
    assert added.case_known is False
    assert PendingLink.objects.values_list("external_id", "rule_name").get() == ("ZD-9", "A")


def test_a_case_without_a_rule_waits_until_a_manager_says_which_rule_it_is(agent):
    case = make.case(make.source("desk"), "ZD-1")
    assert add(send(agent), agent, case_reference="ZD-1").case_known is None
    assert not CaseRule.objects.exists() and not PendingLink.objects.exists()
    flag = Flag.objects.get()
    flag.rule = make.rule(code="A")
    flag.save()
    assert link_flagged_case(flag=flag) is True
    assert CaseRule.objects.get().case == case


def test_a_case_that_was_mistyped_is_taken_back_unless_another_flag_names_it(agent):
    desk, rule = make.source("desk"), make.rule(code="A")
    for number in ("ZD-1", "ZD-2", "ZD-3"):
        make.case(desk, number)
    sent = send(agent, rule=rule)
    for number in ("ZD-1", "ZD-2"):
        add(sent, agent, case_reference=number)
    assert set(CaseRule.objects.values_list("case__external_id", flat=True)) == {"ZD-2"}
    add(send(agent, rule=rule, form="a-random-number-of-another-form"), agent, case_reference="ZD-2")
    add(sent, agent, case_reference="ZD-3")
    assert set(CaseRule.objects.values_list("case__external_id", flat=True)) == {"ZD-2", "ZD-3"}


def test_another_rule_takes_the_place_of_the_one_that_the_case_was_linked_to(agent):
    make.case(make.source("desk"), "ZD-1")
    old, new = make.rule(code="A"), make.rule(code="B")
    add(send(agent, rule=old), agent, case_reference="ZD-1")
    flag = Flag.objects.get()
    flag.rule = new
    flag.save()
    link_flagged_case(flag=flag, rule_before=old)
    assert set(CaseRule.objects.values_list("rule__code", flat=True)) == {"B"}
