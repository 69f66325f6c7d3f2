"""The start page: what to do first, what the rules cost and how sure that is, and what is not counted."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from rulebook.cases import sentences
from rulebook.cases.models import DirtyMonth, ImportRun, PendingLink, Source
from rulebook.catalogue.models import Rule
from rulebook.desk import todo
from rulebook.flags.models import Flag
from rulebook.insight.models import SourceFigures
from tests import make
from tests.desk import figured

pytestmark = pytest.mark.django_db

CASES = re.compile(r'"cases_case"')


def start(client, person, **headers):
    client.force_login(person)
    return client.get(reverse("admin:index"), headers=headers)


def words(response):
    """What the page says, without its markup; no-break spaces as spaces."""
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").replace("&#x27;", "'").split())


def waiting(person):
    return [found.title for found in todo.todos(person)]


@pytest.fixture
def dashboard(db):
    figured.source()
    return figured.ten_rules()


def test_an_empty_house_is_told_the_first_step(client, manager):
    said = words(start(client, manager))
    assert "Write the first rule down" in said and "Or paste a list of rules" in said
    assert "Import the help desk's cases" in said
    assert "No rules yet. Write the first one down, or paste a list." in said
    assert "Gross FCR" not in said


def test_rules_without_cases_ask_for_cases(client, manager):
    make.rule("Refunds by mail only", kind="unwritten")
    said = words(start(client, manager))
    assert "No cases yet. Import the help desk's cases to see what each rule costs." in said
    assert "1 of 1 rule in force is unwritten. As of today." in said and "Gross FCR" not in said


def test_cases_without_figures_yet_say_that_they_are_being_computed(client, manager):
    make.rule()
    make.source("phone")
    assert "The figures are being computed." in words(start(client, manager))


def test_cases_that_are_all_too_recent_give_no_rate(client, manager):
    make.rule()
    figured.source(months=False, **dict.fromkeys(figured.YEAR, 0) | {"pending": 40})
    said = words(start(client, manager))
    assert "40 contacts are too recent to know." in said and "Gross FCR" not in said


def test_cases_without_links_say_how_to_link_them(client, manager):
    make.rule()
    figured.source(blocked=0, linked=0, silent=0)
    said = words(start(client, manager))
    assert "No contact names a rule yet, so no rule has a price." in said
    assert "A column of rules in the help desk's file" in said and "Coverage: 0 %" in said


def test_the_page_says_what_the_rules_cost_and_how_sure_that_is(client, manager, dashboard):
    said = words(start(client, manager))
    assert "Ten rules cost at least 5.6 points of FCR. 4.2 of them are ours to change." in said
    assert "71.0 % solved at first contact 95 % sure: 70.1 to 71.9 · 10,000 contacts" in said
    assert "Issue FCR 74.0 %" in said and "Net FCR, as others report it 78.9 %" in said and "Gap 7.9 points" in said
    assert "Told no, did not return 636 The method counts them as resolved. Of the same twelve months." in said
    assert "Coverage: 38 % 38 % of unsolved contacts name a rule. So every figure is “at least”." in said
    basis = "Method no repeat, 7 days · phone · 1 Dec 2025 to 15 Nov 2026 · data complete to 15 Nov 2026"
    assert said.count(basis) == 2


def test_what_is_not_counted_stands_beside_it(client, manager, dashboard):
    said = words(start(client, manager))
    assert "Pending: too recent to know 48 of them have come back already 3,930" in said
    assert "Customer unknown 2,526" in said and "Excluded: outbound, spam, tests, doubles 11,715" in said


def test_every_chart_has_its_finding_for_a_name_and_a_table_behind_it(client, manager, dashboard):
    page = start(client, manager).content.decode()
    assert page.count('role="img" aria-label="Ten rules cost at least') == 2  # for wide and for narrow screens
    assert 'role="img" aria-label="Gross FCR was between' in page
    assert page.count("<summary>As a table</summary>") == 2
    for rule in dashboard:
        assert f'href="{reverse("admin:catalogue_rule_page", args=[rule.pk])}">{rule.title}</a>' in page
    assert " style=" not in page[page.index('id="content"') : page.index("</main>")]


def test_months_that_are_not_over_are_named_and_not_drawn(client, manager, dashboard):
    response = start(client, manager)
    assert response.content.decode().count('class="rb-month-dot"') == 11
    assert "Not drawn, because it is too early to tell: Nov 2026." in words(response)


def test_full_coverage_needs_no_at_least(client, manager):
    figured.source(linked=2900)
    figured.rule("Only by letter", price="0.01")
    said = words(start(client, manager))
    assert "One rule costs 1.0 points of FCR. All of it is ours to change." in said and "at least”" not in said


def test_a_few_contacts_have_no_percentage(client, manager):
    figured.source(**{**figured.YEAR, "resolved": 9, "not_resolved": 3, "blocked": 1, "linked": 2})
    make.rule()
    said = words(start(client, manager))
    assert "9 of 12 contacts were solved at first contact. Too few for a percentage: 20 needed." in said
    assert "2 of 3 contacts not solved name a rule." in said and "Net FCR" not in said


def test_a_rate_of_a_few_is_left_out_though_the_contacts_are_enough(client, manager):
    figured.source(**{**figured.YEAR, "resolved": 9, "not_resolved": 31, "blocked": 25, "linked": 26, "issues": 12})
    make.rule()
    said = words(start(client, manager))
    assert "22.5 %" in said.replace("\N{NO-BREAK SPACE}", " ") and "Net FCR" not in said and "Issue FCR" not in said


def test_a_method_that_watches_no_repeats_says_nothing_of_those_who_did_not_return(client, manager):
    figured.source(method="survey")
    make.rule()
    said = words(start(client, manager))
    assert "Told no" not in said and "Issue FCR" not in said and "Method survey · phone" in said
    assert "Outcome unknown 2,526" in said


def test_sources_of_another_policy_stand_in_a_line_of_their_own(client, manager, dashboard):
    figured.source("letters", method="survey", resolved=60, not_resolved=40)
    figured.source("few", method="declared", resolved=6, not_resolved=4)
    said = words(start(client, manager))
    assert "letters: Method survey, gross FCR 60.0 % of 100 contacts." in said
    assert "few: Method declared, 10 contacts, too few for a percentage." in said
    assert "10,000 contacts" in said  # they are not added to the rest


def test_authority_stands_beside_what_is_published_and_nobody_asked_apart(client, manager):
    figured.source()
    kinds = ["policy"] * 8 + ["system"] * 2 + ["habit"] * 5 + ["law"] * 3 + ["contract"] * 2 + ["unknown"] * 4
    for number, kind in enumerate(kinds):
        figured.rule(f"Rule {number}", price="0.001", authority=kind, clause="§ 1")
    said = words(start(client, manager))
    assert "19 of 24 rules that got in the way are ours to change." in said
    assert "policy, practice, system 10 50 % 62 %" in said and "Habit 5 25 % 16 %" in said
    assert "Law or contract 5 25 % 22 %" in said and "Nobody has asked yet: in no percentage 4" in said


def flag(rule, days=0, **fields):
    """As `send_flag` and triage leave one."""
    when = timezone.localdate() - timedelta(days=days)
    return Flag.objects.create(stopped="It took two calls.", rule=rule, flagged_on=when, once=f"{Flag.objects.count()}",
                               anonymous=True, **fields)  # fmt: skip


def test_authority_is_that_of_the_rules_that_agents_flagged_in_twelve_months(client, manager):
    figured.source()
    figured.rule("Blocked, and nobody flagged it", price="0.001", authority="law", clause="§ 1")
    said = words(start(client, manager))
    assert "0 of 1 rule that got in the way is ours to change." in said
    assert "No rule was flagged in the last twelve months. Counted are rules with at least one blocked contact" in said

    flag(figured.rule("Long ago", authority="law", clause="§ 2"), days=365)
    flag(None)  # linked to no rule
    assert "0 of 2 rules that got in the way" in words(start(client, manager))

    kinds = ["policy"] * 9 + ["system"] * 3 + ["habit"] * 4 + ["law"] * 3 + ["contract"] + ["unknown"] * 2
    for number, kind in enumerate(kinds):
        rule = figured.rule(f"Rule {number}", authority=kind, clause="§ 1")
        for days in range(number % 3 + 1):
            flag(rule, days=364 - days)
    said = words(start(client, manager))
    assert "18 of 22 rules that agents flagged are ours to change." in said
    assert "policy, practice, system 12 60 % 62 %" in said and "Habit 4 20 % 16 %" in said
    assert "Law or contract 4 20 % 22 %" in said and "Nobody has asked yet: in no percentage 2" in said
    assert "Counted are rules with at least one flag in the last twelve months." in said
    assert "blocked contact" not in said.partition("that agents flagged")[2].partition("Published")[0]


def test_a_few_rules_have_no_percentage(client, manager):
    figured.source()
    figured.rule("Only by letter", price="0.001", authority="habit")
    said = words(start(client, manager))
    assert "Habit 1 16 %" in said and "Percentages need 20 rules whose force is known." in said


def test_figures_that_are_behind_say_so(client, manager, dashboard):
    assert "New ones are being computed." not in words(start(client, manager))
    source = Source.objects.get()
    DirtyMonth.objects.create(source=source, subject="topic", subject_id=0, month=figured.MONTHS[0])
    assert "Figures of 16 Nov 2026, 00:00. New ones are being computed." in words(start(client, manager))
    DirtyMonth.objects.all().delete()
    Source.objects.update(changes=5)
    assert "New ones are being computed." in words(start(client, manager))
    Source.objects.update(judged=5)
    SourceFigures.objects.update(changes=2)
    assert "New ones are being computed." in words(start(client, manager))


def test_danish_writes_danish_figures_and_dates(client, manager, dashboard):
    said = words(start(client, manager, accept_language="da"))
    assert "71,0 %" in said and "11.715" in said and "1.12.2025" in said and "71.0 %" not in said


def test_markup_in_a_title_or_a_source_is_text(client, manager):
    figured.source("<script>alert(1)</script>")
    figured.rule("<img src=x onerror=alert(1)>", price="0.01")
    page = start(client, manager).content.decode()
    assert "<script>alert(1)" not in page and "<img src=x" not in page and "&lt;img src=x" in page


@pytest.mark.parametrize(("role", "sees"), [("manager", True), ("owner", True), ("operator", False), ("admin", True)])
def test_each_role_sees_the_figures_it_may_see(client, request, dashboard, role, sees):
    said = words(start(client, request.getfixturevalue(role)))
    assert ("Gross FCR" in said) is sees and "What should I do now?" in said


def test_somebody_without_a_role_is_told_whom_to_ask(client, outsider, dashboard):
    said = words(start(client, outsider))
    assert "You have no role here yet. Ask whoever runs Rulebook for one." in said and "Gross FCR" not in said


def test_the_start_page_asks_no_query_more_for_more_rules_and_never_reads_a_case(client, manager, dashboard):
    def queries():
        start(client, manager)
        with CaptureQueriesContext(connection) as seen:
            client.get(reverse("admin:index"))
        return [query["sql"] for query in seen.captured_queries]

    few = queries()
    for number in range(40):
        figured.rule(f"More {number}", price="0.002", harm=5)
    figured.source("mail")
    many = queries()
    assert len(few) == len(many)
    assert not [sql for sql in many if CASES.search(sql)]
    assert len(many) <= MOST_QUERIES


# Session, person, permissions 2. What waits: any rule, any source, broken imports, failed uploads, roles, own
# departments, overdue, quiet, claims, the oldest of them, dearest, waiting links, nobody's. Rules by kind and
# authority, flagged ones by authority, figures of sources, subtotals of prices; behind: sources, their figures, months;
# dearest rules, windows 2, sources, months. New rules on their way in; flags without a reply and how long they wait,
# each with the closed periods; the newest audit, and what audits found. The frame's sample tag is remembered from the
# first visit. Of reviews: zombies, what lapses, escalations, what waits for a tool, what to look at
# again, later dates, whose yes is waited for.
MOST_QUERIES = 43


def test_what_waits_is_the_weightiest_first_and_three_at_most_are_shown(client, manager):
    source = figured.source()
    now = timezone.now()
    Source.objects.update(horizon=now - timedelta(days=5))
    ImportRun.objects.create(source=source, state="failed", started_at=now, heartbeat=now, host="h")
    PendingLink.objects.create(source=source, external_id="1", rule_name="GHOST", effect="blocked", origin="source")
    figured.rule("Only by letter", price="0.0092", review_by=timezone.localdate() - timedelta(days=8))
    figured.rule("A law", authority="law", clause="§ 1")
    assert waiting(manager) == [
        "The newest import of phone broke off",
        "1 rule is past its review-by date",
        "phone has sent nothing for 5 days",
        "“Only by letter” costs at most 0.92 points of FCR",
        "1 rule is claimed to be law or contract",
        "The help desk names a rule that nobody wrote down: GHOST",
        "2 rules belong to nobody",
    ]
    page = start(client, manager)
    assert "4 more" in words(page) and "8 days too long" in words(page)
    todos = page.content.decode().split('id="rb-todos"')[1].split("</section>")[0]
    assert todos.count("rb-button-primary") == 1


def test_what_is_done_no_longer_waits(manager):
    source = figured.source()
    now = timezone.now()
    Source.objects.update(horizon=now)
    for state, hours in (("failed", 5), ("finished", 1)):
        ImportRun.objects.create(
            source=source, state=state, started_at=now - timedelta(hours=hours), heartbeat=now, host="h"
        )
    rule = figured.rule("Only by letter", price="0.01", department=make.department("Finance"), intent="drop")
    PendingLink.objects.create(source=source, external_id="1", rule_name=rule.code, effect="blocked", origin="source")
    assert waiting(manager) == []


def test_nothing_waiting_names_the_next_review(client, manager):
    figured.source()
    Source.objects.update(horizon=timezone.now())
    make.rule(department=make.department(), review_by="2099-12-14")
    assert "Nothing waits for you. Next review: Monday 14 December 2099." in words(start(client, manager))


def test_each_role_is_asked_only_for_what_it_may_do(manager, owner, operator, outsider):
    late = timezone.localdate() - timedelta(days=1)
    own, other = make.department("Finance", head=owner), make.department("Sales")
    make.team("Phones", department=own)
    make.rule("Own", department=own, review_by=late)
    make.rule("Other", department=other, review_by=late)
    assert waiting(owner) == ["1 rule is past its review-by date"]
    assert waiting(manager) == ["Import the help desk's cases", "2 rules are past their review-by dates"]
    assert waiting(operator) == [
        "Import the help desk's cases", "Sales has no head", "Say how many people work in Phones",
    ]  # fmt: skip
    assert waiting(outsider) == []


def test_a_rule_that_is_not_in_force_waits_for_nobody(manager):
    figured.source()
    Source.objects.update(horizon=timezone.now())
    figured.rule("Gone", price="0.02", review_by=timezone.localdate() - timedelta(days=9), status=Rule.Status.REMOVED)
    assert waiting(manager) == []


def test_a_source_is_quiet_for_as_many_days_as_its_own_page_says(client, manager):
    source = make.source("phone", time_zone="Europe/Copenhagen")
    # Late in the evening: less than 19 times 24 hours ago, and 19 days by the calendar.
    now = timezone.localtime()
    source.horizon = (now - timedelta(days=19)).replace(hour=23, minute=59, second=59)
    source.save()
    pulse = sentences.Pulse(running=False, failed=False, promised=False)
    assert "phone has sent nothing for 19 days" in waiting(manager)
    assert "no case for 19 days" in sentences.health(source, pulse, timezone.now()).text


def test_where_no_rule_has_a_price_the_most_harmful_is_named(manager):
    figured.source(blocked=0, silent=0)
    Source.objects.update(horizon=timezone.now())
    sales = make.department("Sales")
    for title, harm, kind in (("Unsure", 2, "policy"), ("Ours", 36, "policy"), ("A law", 50, "law")):
        figured.rule(title, harm=harm, authority=kind, clause="§ 1" if kind == "law" else "", department=sales)
    title = "Without “Ours”, 36 contacts a month would not come back"
    assert title in waiting(manager)
    figured.rule("Dear and sorted", price="0.01", intent="keep", department=sales)
    assert title not in waiting(manager)


def test_an_owner_is_told_the_dearest_of_their_own(client, owner, manager):
    figured.source()
    Source.objects.update(horizon=timezone.now())
    figured.rule("Mine", price="0.002", department=make.department("Finance", head=owner))
    figured.rule("Theirs", price="0.02", department=make.department("Sales"))
    said = words(start(client, owner))
    assert "“Mine” costs at most 0.20 points of FCR The dearest of yours that nobody has sorted yet" in said
    assert "The dearest that nobody has sorted yet" in words(start(client, manager))


def test_blocks_that_nobody_recorded_are_no_zeros(client, manager):
    figured.source(blocked=0, silent=0)
    figured.rule("Only by letter", harm=10)
    said = words(start(client, manager))
    assert "Told no, did not return not recorded" in said and "Net FCR" not in said and "Gap" not in said


def test_sources_that_end_on_other_days_say_from_when_to_when(client, manager, dashboard):
    figured.source("mail", later=12)
    SourceFigures.objects.filter(source__name="mail").update(horizon=figured.HORIZON - timedelta(days=400))
    said = words(start(client, manager))
    assert "phone · twelve months, each source to its own horizon: 12 Oct 2025 to 15 Nov 2026" in said
    assert "data complete to" not in said and "Newer than the data is complete 12" in said


def test_a_function_that_joins_the_list_is_asked(manager, monkeypatch):
    monkeypatch.setattr(todo, "ASKED", [])
    todo.asks(lambda asker: iter([todo.Todo("Answer a flag", "", "/", "Answer", 1)]))
    assert waiting(manager) == ["Answer a flag"]
