"""The queue of flags at the desk: one at a time, five keys, what waits and for how long; and the audit's pages."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from rulebook.access.models import ClosedPeriod
from rulebook.cases.models import CaseRule
from rulebook.catalogue.models import Rule
from rulebook.desk import flag_queue
from rulebook.desk.flag_queue import flags_like, flags_waiting, rules_for
from rulebook.desk.pages.flag_audits import audit_sentence
from rulebook.desk.pages.flags import _state
from rulebook.desk.todo import todos
from rulebook.desk.work import work
from rulebook.flags.models import Audit, AuditedCase, Flag
from rulebook.flags.triage import answer_flag
from rulebook.insight.models import SourceFigures
from tests import make

pytestmark = pytest.mark.django_db
QUEUE = "admin:flags_flag_changelist"


@pytest.fixture
def desk(client, manager):
    client.force_login(manager)
    return client


def words(response):
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", response.content.decode(), flags=re.S)
    return " ".join(text.split())


def decide(client, flag, verb, **given):
    now = Flag.objects.get(pk=flag.pk)
    data = {"seen": _state(now), "verb": verb, **given}
    return client.post(reverse("admin:flags_flag_decide", args=[flag.pk]), data)


def days_ago(days):
    return timezone.localdate() - timedelta(days=days)


# One flag at a time


def test_the_oldest_flag_is_open_with_its_words_and_five_buttons_of_which_one_is_filled(desk):
    make.flag("Parcels are late.", flagged_on=days_ago(1))
    make.flag("The older one.", flagged_on=days_ago(3))
    page = desk.get(reverse(QUEUE))
    assert page.context["flag"].stopped == "The older one."
    text = page.content.decode()
    assert re.findall(r'name="verb" value="(\w+)"', text) == ["link", "make", "merge", "answer", "no_rule"]
    merge = re.search(r'<button[^>]*value="merge"[^>]*>', text)[0]
    assert 'aria-disabled="true"' in merge and "No other flag says much the same." in words(page)
    assert text.count("rb-button-primary") == 1
    for key in "LMAN":
        assert f'<kbd class="rb-kbd">{key}</kbd>' in text and f'data-key="{key.lower()}"' in text
    assert "2 flags wait for you" in words(page)


def test_an_empty_queue_says_so(desk):
    assert "No flag waits for you." in words(desk.get(reverse(QUEUE)))


def test_rules_and_flags_that_say_much_the_same_stand_beside_it(desk, manager):
    own, near = make.rule("Only by letter"), make.rule("A refund above 200 kr needs a manager")
    make.rule("The call ends after 180 seconds")
    flag = make.flag("Refund of 310 kr, and my manager was away.", rule=own, flagged_on=days_ago(9))
    alike = make.flag("No refund without a manager.", flagged_on=days_ago(2))
    same_rule = make.flag("Something else.", rule=own, flagged_on=days_ago(2))
    make.flag("The parcel was late again.", flagged_on=days_ago(2))
    answer_flag(flag=make.flag("A refund needs my manager."), headline="H", answer="A", by=manager)
    assert [rule.title for rule in rules_for(flag)][:2] == [own.title, near.title]
    assert [rule.chosen for rule in rules_for(flag)][:2] == [True, False]
    assert [rule.chosen for rule in rules_for(flag, near.pk)][:2] == [False, True]
    assert flags_like(flag, manager) == [same_rule, alike]
    text = desk.get(reverse(QUEUE)).content.decode()
    assert f'name="into" value="{same_rule.pk}" checked' in text and 'value="merge"' in text


def test_each_button_does_what_it_says_and_leads_to_the_next_flag(desk):
    rule = make.rule("Two signatures")
    flags = [make.flag(f"Flag {number}", flagged_on=days_ago(9 - number)) for number in range(6)]
    given = {
        "link": {"rule": rule.pk},
        "make": {"headline": "A new rule"},
        "merge": {"into": flags[5].pk},
        "answer": {"headline": "H", "answer": "You decide now."},
        "no_rule": {"headline": "H"},
    }
    for number, (verb, fields) in enumerate(given.items()):
        response = decide(desk, flags[number], verb, **fields)
        following = reverse("admin:flags_flag_change", args=[flags[number + 1].pk])
        assert response.url == f"{following}?done={flags[number].pk}", verb
    assert list(Flag.objects.order_by("flagged_on").values_list("outcome", flat=True)) == [
        "linked", "new_rule", "merged", "answered", "no_rule", "",
    ]  # fmt: skip
    assert Rule.objects.filter(title="A new rule", kind="unwritten").exists()
    page = desk.get(response.url)
    assert "Stored: that is not a rule. The agent reads: “No rule of ours says so. You decide.”" in words(page)
    assert "Undo: put it back in the queue" in words(page)
    assert decide(desk, flags[5], "no_rule", headline="H").url == f"{reverse(QUEUE)}?done={flags[5].pk}"


def test_a_code_that_is_typed_comes_before_the_chosen_rule(desk):
    chosen, typed = make.rule(), make.rule(code="T-7", aliases=["OLD-7"])
    flag = make.flag()
    assert "No rule has the code T-8." in words(decide(desk, flag, "link", rule=chosen.pk, rule_code="T-8"))
    decide(desk, flag, "link", rule=chosen.pk, rule_code="OLD-7")
    assert Flag.objects.get().rule == typed


def test_what_was_written_stays_on_the_page_where_it_is_refused(desk):
    flag = make.flag(case_reference="")
    page = decide(desk, flag, "answer", answer="You <b>decide</b>.", undecided="on")
    assert page.status_code == 422
    text = page.content.decode()
    assert "You &lt;b&gt;decide&lt;/b&gt;." in text and 'name="undecided" checked' in text
    assert words(page).count("Say in one line what the flag is about.") == 2  # on top, and at the field
    for verb, said in (("link", "Choose the rule that it is about"), ("merge", "Choose the flag that says the same"),
                       ("make", "A rule needs a title"), ("x", "Choose what becomes of the flag")):  # fmt: skip
        refused = decide(desk, flag, verb, rule="9" * 18, into="x")
        assert refused.status_code == 422 and said in words(refused), verb
    assert Flag.objects.get().outcome == ""


def test_a_rule_that_is_there_already_is_linked_or_another_made_anyway(desk):
    rule, flag = make.rule("Refunds are never started on a Friday"), make.flag("Something else.")
    page = decide(desk, flag, "make", headline="No refund is started on Fridays")
    text = page.content.decode()
    assert page.status_code == 422 and f"“{rule.title}” ({rule.code})" in words(page)
    assert f'name="rule" value="{rule.pk}" checked' in text and "Make the rule anyway" in words(page)
    # Said of one title, it holds for that alone.
    again = decide(
        desk, flag, "make", headline="We start no refund on Fridays", anyway="No refund is started on Fridays"
    )
    assert again.status_code == 422 and Rule.objects.count() == 1
    decide(desk, flag, "make", headline="No refund is started on Fridays", anyway="No refund is started on Fridays")
    assert Rule.objects.filter(title="No refund is started on Fridays").exists()


def test_the_button_that_links_is_closed_while_no_rule_is_chosen_and_says_why(desk):
    flag = make.flag("Zzz.")
    page = desk.get(reverse(QUEUE))
    assert re.search(r'value="link"[^>]* aria-disabled="true"', page.content.decode())
    assert "Choose a rule above, or type its code." in words(page)
    flag.rule = make.rule()
    flag.save()
    assert not re.search(r'value="link"[^>]* aria-disabled', desk.get(reverse(QUEUE)).content.decode())


def test_a_flag_that_one_may_not_see_is_none_to_merge_with(client):
    head = make.person(role="owner")
    department = make.department(head=head)
    own, foreign = make.flag(rule=make.rule(department=department)), make.flag("Theirs.")
    client.force_login(head)
    page = decide(client, own, "merge", into=foreign.pk)
    assert page.status_code == 422 and "Choose the flag that says the same." in words(page)


def test_the_second_manager_reads_what_was_done_and_by_whom(desk, manager):
    flag = make.flag()
    seen = _state(flag)
    anna = make.person("anna", first_name="Anna", last_name="Berg", role="manager")
    answer_flag(flag=flag, headline="H", answer="You decide now.", by=anna)
    page = desk.post(
        reverse("admin:flags_flag_decide", args=[flag.pk]),
        {"seen": seen, "verb": "answer", "headline": "Mine", "answer": "No."},
    )
    assert page.status_code == 409
    assert "Decided a moment ago: answered, by Anna Berg." in words(page) and "You decide now." in words(page)
    assert Flag.objects.get().answered_by == anna


def test_a_decision_is_undone_by_one_button(desk, manager):
    flag = make.flag()
    answer_flag(flag=flag, headline="H", answer="A", by=manager)
    assert "Put it back in the queue" in words(desk.get(reverse("admin:flags_flag_change", args=[flag.pk])))
    response = desk.post(reverse("admin:flags_flag_put_back", args=[flag.pk]))
    assert response.url == reverse("admin:flags_flag_change", args=[flag.pk])
    assert Flag.objects.get().outcome == "" and 'name="verb"' in desk.get(response.url).content.decode()


def test_numbers_of_people_in_an_answer_are_hidden_and_the_manager_is_told(desk):
    flag = make.flag()
    page = desk.get(decide(desk, flag, "answer", headline="H", answer="Call 12 34 56 78.").url)
    assert "We hid what may be a telephone number before we stored your text." in words(page)


def test_who_may_not_answer_reads_whom_to_ask(client, owner, desk):
    finance = make.department("Finance", head=make.person(first_name="Anna", last_name="Berg"))
    sales = make.department("Sales")
    own, foreign = make.flag("Ours."), make.flag("Theirs.", rule=make.rule(department=finance))
    seller = make.person("seller", role="manager", team=make.team(department=sales))
    client.force_login(seller)
    page = client.get(reverse("admin:flags_flag_change", args=[foreign.pk]))
    assert "Ask its head, Anna Berg" in words(page) and 'name="verb"' not in page.content.decode()
    assert decide(client, foreign, "answer", headline="H", answer="A").status_code == 403
    assert "1 flag waits for you" in words(client.get(reverse(QUEUE)))
    client.force_login(owner)
    assert client.get(reverse("admin:flags_flag_change", args=[own.pk])).status_code == 403
    assert "Ours." not in words(client.get(reverse(QUEUE), {"q": "Ours"}))


def test_no_list_shows_who_signed_a_flag_and_an_anonymous_one_shows_nobody(desk):
    signed = make.flag("Signed.", author=make.person(first_name="Kim", last_name="Holm"))
    hidden = make.flag("Hidden.", anonymous=True, flagged_at=None, flagged_on=days_ago(0))
    assert "Kim Holm" in words(desk.get(reverse("admin:flags_flag_change", args=[signed.pk])))
    assert "Kim" not in words(desk.get(reverse("admin:flags_flag_change", args=[hidden.pk])))
    for asked in ({"q": "igned"}, {"q": "Kim"}, {"q": "Holm"}):
        said = words(desk.get(reverse(QUEUE), asked))
        assert "Holm" not in said.replace(asked["q"], "") and ("Signed." in said) == (asked["q"] == "igned")


# Lists


def test_lists_show_what_was_answered_what_is_on_a_rule_and_what_says_a_word(desk, manager):
    rule = make.rule("Two signatures")
    make.flag("On the rule.", rule=rule)
    answer_flag(flag=make.flag("Of a refund."), headline="Refunds wait", answer="A", by=manager)
    for asked, there in (({"show": "answered"}, "Of a refund."), ({"rule": rule.pk}, "On the rule."),
                         ({"q": "refunds WAIT"}, "Of a refund.")):  # fmt: skip
        said = words(desk.get(reverse(QUEUE), asked))
        other = {"Of a refund.", "On the rule."} - {there}
        assert there in said and not [text for text in other if text in said], asked
    assert "Flags on “Two signatures”" in words(desk.get(reverse(QUEUE), {"rule": rule.pk}))
    for strange in ({"rule": "x"}, {"rule": "9" * 18}, {"page": "0", "q": "a"}, {"q": "[("}, {"show": "x"}):
        assert desk.get(reverse(QUEUE), strange).status_code == 200


def test_a_list_comes_in_pages(desk):
    for number in range(27):
        make.flag(f"Refund {number:02d}.", flagged_on=days_ago(number))
    first, second = (words(desk.get(reverse(QUEUE), {"q": "refund", "page": page})) for page in (1, 2))
    assert "Refund 00." in first and "Refund 26." not in first and "The next ones" in first
    assert "Refund 26." in second and "Refund 00." not in second and "The next ones" not in second


def test_the_search_box_finds_flags_by_what_they_say(desk, client, owner):
    make.flag("Nobody may rebook a ferry.")
    page = desk.get(reverse("admin:desk_search"), {"q": "FERRY rebook"})
    assert "1 flag" in words(page) and "Nobody may rebook a ferry." in words(page)
    client.force_login(owner)
    assert "ferry." not in words(client.get(reverse("admin:desk_search"), {"q": "FERRY rebook"}))


# What waits


def test_the_sidebar_counts_only_where_somebody_waits(rf, manager, agent, monkeypatch):
    cache.clear()
    request = rf.get("/")
    request.user = manager
    assert flags_waiting(request) == ""
    make.flag()
    assert flags_waiting(request) == ""  # asked now and then
    cache.delete(flag_queue.WAITING_KEY.format(manager.pk))
    assert flags_waiting(request) == "1"
    request.user = agent
    assert flags_waiting(request) == ""
    cache.clear()


def test_what_nobody_has_replied_to_is_to_be_done_and_too_long_comes_first(manager, owner):
    def waiting():
        return [todo for todo in todos(manager) if todo.icon == "flag"]

    assert waiting() == []
    make.flag(flagged_on=days_ago(0))
    (todo,) = waiting()
    assert (todo.title, todo.overdue) == ("1 flag waits for a first reply", "")
    make.flag(flagged_on=days_ago(9))
    make.flag(flagged_on=days_ago(9), replied_at=timezone.now())
    (late,) = waiting()
    assert (late.title, late.overdue) == ("2 flags wait for a first reply", "1 too long") and late.weight > todo.weight
    ClosedPeriod.objects.create(name="July", first=days_ago(8), last=days_ago(1))
    assert waiting()[0].overdue == ""
    assert [todo for todo in todos(owner) if todo.icon == "flag"] == []


def test_the_work_writes_each_letter_once(manager):
    head = make.person("head")
    make.flag(rule=make.rule(department=make.department(head=head)), flagged_on=days_ago(20))
    lines = [done.what for done in work() or [] if done.duty == "reminders"]
    assert lines == ["Letters about flags that wait for a first reply: 1."]
    assert [done for done in work() or [] if done.duty == "reminders"] == []
    assert head.letters.count() == 1


def test_headline_figures_stand_on_the_queue_and_the_start_page_with_their_window(desk):
    assert "No flag in 90 days." in words(desk.get(reverse(QUEUE)))
    replied = timezone.now()
    for _ in range(20):
        make.flag(flagged_on=days_ago(0), replied_at=replied, decided_at=replied, outcome="answered")
    make.flag(flagged_on=days_ago(20))
    for page in (desk.get(reverse(QUEUE)), desk.get(reverse("admin:index"))):
        said = words(page)
        assert (
            "First reply 0 working days half of them take no longer; nine of ten no longer than 0 working days" in said
        )
        assert "the target is 5 working days" in said and "the target is 30 days" in said
        assert "1 too long" in said and "Flags of the last 90 days." in said


# The page of a rule


def test_the_page_of_a_rule_says_how_often_agents_flagged_it_and_quotes_what_may_be_quoted(desk):
    rule = make.rule("Two signatures", kind="unwritten")
    page = reverse("admin:catalogue_rule_page", args=[rule.pk])
    assert "No agent has flagged it yet." in words(desk.get(page)) and "Version 1" in words(desk.get(page))
    make.flag("Quote me.", rule=rule, quotable=True, flagged_on=days_ago(1), author=make.person())
    make.flag("Keep this.", rule=rule, flagged_on=days_ago(60), author=make.person())
    said = words(desk.get(page))
    assert "1 flag in 30 days, 2 in all." in said and "“Quote me.”" in said and "Keep this." not in said
    assert "Confirmed by 2" in said and f"?rule={rule.pk}" in desk.get(page).content.decode()
    Rule.objects.update(kind="written")
    assert "Confirmed by" not in words(desk.get(page))


# Read 30 contacts


@pytest.fixture
def contacts(settings):
    """Twenty-five unsolved contacts of a month that is over, in the sources that coverage is of."""
    horizon = timezone.now()
    source = make.source("phone", horizon=horizon)
    month = (days_ago(0).replace(day=1) - timedelta(days=40)).replace(day=1)
    SourceFigures.objects.create(source=source, method="no_repeat", window_days=7, key="customer,topic",
                                 horizon=horizon, since=month, not_resolved=25)  # fmt: skip
    opened = (horizon - timedelta(days=45)).replace(day=3)
    opened = opened.replace(year=month.year, month=month.month)
    return [
        make.case(source, f"ZD-{number}", opened_at=opened, outcome="not_resolved", channel="phone")
        for number in range(25)
    ]


def test_contacts_are_drawn_and_read_one_at_a_time_without_what_others_said(desk, contacts, monkeypatch):
    make.link(contacts[0], make.rule("Said by the help desk"), effect="applied")
    page = desk.get(reverse("admin:flags_audit_changelist"))
    assert "Draw this month’s 30" in words(page)
    monkeypatch.setattr("rulebook.flags.audits.month_to_draw", lambda sources: contacts[0].opened_day.replace(day=1))
    desk.post(reverse("admin:flags_audit_draw"))
    audit = Audit.objects.get()
    page = desk.get(reverse("admin:flags_audit_changelist"))
    reading = page.context["reading"]
    assert reading.place == 1 and reading.case.external_id in words(page) and "25 are left to read" in words(page)
    assert "Said by the help desk" not in words(page)
    assert reverse("admin:cases_case_change", args=[reading.case_id]) not in page.content.decode()
    for number in range(25):
        reading = desk.get(reverse("admin:flags_audit_change", args=[audit.pk])).context["reading"]
        verdict = "rule" if number < 5 else "no_rule"
        response = desk.post(reverse("admin:flags_audit_read", args=[reading.pk]), {"verdict": verdict})
        assert response.status_code == 302
    page = desk.get(reverse("admin:flags_audit_changelist"))
    assert page.context["reading"] is None and CaseRule.objects.count() == 1
    found = audit_sentence()
    assert "An audit of 25 contacts of" in found and "found a rule in 5 that the ledger misses." in found
    assert "90 % sure: it misses a rule in 10 to 36 % of the unsolved contacts that nobody flagged." in found
    assert found in words(desk.get(reverse("admin:index")))
    said = words(desk.get(reverse("admin:flags_audit_changelist")))
    assert "The contacts of this month were drawn already." in said and "Draw this month’s 30" not in said


def test_before_a_draw_one_reads_how_many_are_left_to_read_and_a_closed_button_says_why(desk, contacts, monkeypatch):
    page = reverse("admin:flags_audit_changelist")
    monkeypatch.setattr("rulebook.flags.audits.month_to_draw", lambda sources: contacts[0].opened_day.replace(day=1))
    rule = make.rule()
    for case in contacts[:10]:
        make.link(case, rule)
    said = words(desk.get(page))
    assert "Of the 25 that are drawn about 15 are left to read." in said
    assert "aria-disabled" not in desk.get(page).content.decode().partition('id="rb-draw"')[2]
    monkeypatch.setattr("rulebook.flags.audits.month_to_draw", lambda sources: None)
    text = desk.get(page).content.decode().partition('id="rb-draw"')[2]
    assert 'aria-disabled="true" aria-describedby="rb-why-not"' in text and "No month is over and mature yet." in text
    assert 'type="submit"' not in text.partition("</section>")[0]


def test_a_reader_can_go_back_and_change_the_own_verdict(desk, contacts, manager):
    audit = Audit.objects.create(month=days_ago(60).replace(day=1), drawn_at=timezone.now(), population=25)
    rows = [AuditedCase.objects.create(audit=audit, place=place, case=contacts[place]) for place in (1, 2)]
    desk.post(reverse("admin:flags_audit_read", args=[rows[0].pk]), {"verdict": "no_rule"})
    page = desk.get(reverse("admin:flags_audit_change", args=[audit.pk]))
    assert "?place=1" in page.content.decode()
    rule = make.rule()
    page = desk.get(reverse("admin:flags_audit_change", args=[audit.pk]), {"place": 1})
    assert "read: no rule stopped it" in words(page)
    desk.post(reverse("admin:flags_audit_read", args=[rows[0].pk]), {"verdict": "rule", "rule": rule.pk})
    assert AuditedCase.objects.get(place=1).rule == rule
    wrong = desk.post(reverse("admin:flags_audit_read", args=[rows[1].pk]), {"verdict": "rule", "rule": "9999"})
    assert wrong.status_code == 422 and "This rule is no longer here." in words(wrong)
    assert desk.get(reverse("admin:flags_audit_change", args=[audit.pk]), {"place": "x"}).status_code == 200


def test_contacts_that_are_left_to_read_are_to_be_done_and_so_are_next_months(desk, contacts, manager, owner):
    def waiting(person):
        return [todo.title for todo in todos(person) if todo.icon == "fact_check"]

    assert waiting(manager) == []  # nobody has begun with audits
    audit = Audit.objects.create(month=days_ago(60).replace(day=1), drawn_at=timezone.now(), population=25)
    AuditedCase.objects.create(audit=audit, place=1, case=contacts[0], explained=True)
    assert waiting(manager) == []
    AuditedCase.objects.create(audit=audit, place=2, case=contacts[1])
    assert waiting(manager) == ["1 contact is left to read"] and waiting(owner) == []
    AuditedCase.objects.update(verdict="no_rule")
    Audit.objects.update(drawn_at=timezone.now() - timedelta(days=40))
    assert waiting(manager) == ["Draw this month’s 30 contacts"]
