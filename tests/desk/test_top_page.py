"""The page for the top: one sheet, what the house's own rules cost, and which five can go first."""

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from rulebook.catalogue.models import Rule
from rulebook.desk.pages import top
from rulebook.errors import RulebookError
from rulebook.insight.models import HourlyCost
from rulebook.insight.queries import overview
from rulebook.insight.services import set_hourly_cost
from rulebook.journal.models import Event
from tests.desk import figured
from tests.desk.test_start_page import CASES, words

pytestmark = pytest.mark.django_db
PAGE = "/admin/top/"
# Session, person, permissions 2; cost, overview 2, behind 3, five rules, abolished; the frame's.
MOST_QUERIES = 20


def opened(client, person, **headers):
    client.force_login(person)
    return client.get(PAGE, headers=headers)


@pytest.fixture
def year(db):
    """A year of 10,000 contacts in which our own rules cost 4.16 points, law and contract 1.44."""
    figured.source()
    return figured.ten_rules()


def test_it_says_what_our_own_rules_cost_in_four_figures(client, manager, year):
    HourlyCost.objects.create(amount=420, currency="kr")
    said = words(opened(client, manager))
    # 0.0416 x 10,000 contacts in 350 days are 36 in 30 days; at 11 minutes 7 hours, at 420 kr an hour 2,700 kr.
    assert "Our own rules block at least 36 contacts a month. Five of them can go first." in said
    for figure in (
        "points of FCR 4.2 of 29.0 lost", "contacts a month 36 not solved the first time",
        "a month 7 h at 11 minutes a contact", "a month 2,700 kr at 420 kr an hour",
    ):  # fmt: skip
        assert figure in said, figure


def test_contacts_a_month_are_the_price_times_the_contacts_of_a_month(year):
    found = overview()
    assert found.ours == Decimal("0.0416") and found.days == 350
    assert float(top.contacts_a_month(found)) == pytest.approx(0.0416 * 10_000 * 30 / 350)


def test_what_is_not_known_is_a_sentence_and_no_figure(client, manager):
    figured.source(seconds=0, timed=0)
    figured.rule("Only by letter", price="0.01")
    said = words(opened(client, manager))
    assert "Hours are not known The cases bring no handle time." in said and " h " not in said
    assert "Of no rule of our own is it sure yet that it does harm" in said
    figured.SourceFigures.objects.update(seconds=600, timed=1)
    said = words(opened(client, manager))
    assert "Money is not known Nobody has set what an hour costs." in said


def test_law_contract_and_rules_that_protect_are_never_among_those_to_abolish(client, manager):
    figured.source()
    for place, (title, fields) in enumerate({
        "A law": {"authority": "law", "clause": "§ 1"},
        "A contract": {"authority": "contract", "clause": "§ 2"},
        "Safety": {"protective": True},
        "Gone": {"status": Rule.Status.REMOVED},
        "No harm seen": {},
        "Not sure": {},
        "The worst of ours": {},
        "Ours too": {},
    }.items()):  # fmt: skip
        figured.rule(title, price="0.002", harm={"No harm seen": -1, "Not sure": 2}.get(title, 50 - place), **fields)
    said = words(opened(client, manager))
    sheet = said[said.index("Abolish these two first") :]
    assert sheet.index("The worst of ours") < sheet.index("Ours too")
    for title in ("A law", "A contract", "Safety", "No harm seen", "Not sure"):
        assert title not in sheet
    assert "1 rule has been abolished. “Gone”" in sheet
    assert "Law, contract and rules that protect somebody are not in the list." in sheet


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"authority": "habit", "purpose": "x"}, "Habit. No law asks for it."),
        ({"authority": "policy"}, "Nobody has named a purpose."),
        ({"purpose": "x", "customer_hears": "I am not\nallowed to"}, "The customer hears: “I am not allowed to”"),
        ({"purpose": "x"}, "At most 0.92 points of FCR come back without it."),
    ],
)
def test_every_rule_to_abolish_says_why(fields, why):
    assert top.reason(figured.rule("Only by letter", price="0.0092", **fields)) == why


def test_what_was_abolished_says_what_that_gave(client, manager):
    figured.source()
    gone = figured.rule("Only by letter", price="0.001", status=Rule.Status.REMOVED)
    monthly = "2025-12 0-11 " + " ".join(["50/30"] * 4 + ["50/2"] * 8)  # the twelfth month is not over
    figured.RuleFigures.objects.filter(rule=gone).update(monthly=monthly)
    said = words(opened(client, manager))
    assert "1 rule has been abolished. “Only by letter”." in said
    assert "90 in the first three months of the year, 6 in the last three." in said


def test_nothing_abolished_is_a_sentence(client, manager, year):
    assert "Nothing has been abolished yet. Once a rule is gone, what that gave stands here." in words(
        opened(client, manager)
    )


def test_the_foot_says_how_it_is_counted_and_what_is_not_in_it(client, manager, year):
    said = words(opened(client, manager))
    assert "At least. Only 38 % of unsolved contacts name a rule. 636 contacts ended in a no and no return." in said
    assert "Method no repeat, 7 days; phone; 10,000 contacts, 1 Dec 2025 to 15 Nov 2026." in said


def test_without_figures_it_says_what_to_do(client, manager):
    assert "There are no figures yet. Import the help desk's cases" in words(opened(client, manager))
    figured.source(months=False, **dict.fromkeys(figured.YEAR, 0))
    assert "No contact can be judged yet." in words(opened(client, manager))


def test_a_manager_sets_what_an_hour_costs_and_the_journal_knows(client, manager, year):
    client.force_login(manager)
    assert client.post(PAGE, {"amount": "420.50", "currency": " kr "}).status_code == 302
    assert str(HourlyCost.objects.get()) == "420.50 kr"
    event = Event.objects.latest("number")
    assert (event.verb, event.object_type, event.before, event.after) == ("set", "hourly_cost", "", "420.50 kr")
    client.post(PAGE, {"amount": "420,50", "currency": "kr"}, headers={"accept-language": "da"})
    assert Event.objects.latest("number") == event  # the same again, typed as a Dane does
    assert client.post(PAGE, {"amount": "500", "currency": "kr"}).status_code == 302
    assert str(HourlyCost.objects.get()) == "500.00 kr" and Event.objects.latest("number").before == "420.50 kr"


@pytest.mark.parametrize("language", ["en", "da", "sv"])
@pytest.mark.parametrize(
    ("typed", "stored"),
    [("310,50", "310.50"), ("310.5", "310.50"), ("1.000,50", "1000.50"), ("1,000.50", "1000.50"), ("1.000", "1000.00"),
     ("1 000,50", "1000.50"), ("1,234,567", "1234567.00"), ("1000", "1000.00"), ("0,5", "0.50")],
)  # fmt: skip
def test_an_amount_is_read_with_a_dot_or_a_comma_in_every_language(client, manager, typed, stored, language):
    client.force_login(manager)
    assert (
        client.post(PAGE, {"amount": typed, "currency": "kr"}, headers={"accept-language": language}).status_code == 302
    )
    assert str(HourlyCost.objects.get().amount) == stored
    typed = re.search(r'name="amount" value="(.*?)"', client.get(PAGE).content.decode())[1]
    client.post(PAGE, {"amount": typed, "currency": "kr"})
    assert str(HourlyCost.objects.get().amount) == stored  # as the form shows it again


def test_what_an_hour_costs_stands_where_it_is_changed(client, manager):
    client.force_login(manager)
    assert "Set what an hour costs" in words(client.get(PAGE))
    said = words(client.post(PAGE, {"amount": "310,50", "currency": "kr"}, follow=True))
    assert said.count("An hour costs 310.50 kr.") == 2 and "An hour costs 310.50 kr. Change" in said


def test_blocks_that_nobody_recorded_are_sentences_and_no_zeros(client, manager):
    figured.source(blocked=0, silent=0)
    for title in ("One", "Two"):
        figured.rule(title, harm=30)
    said = words(opened(client, manager))
    assert "Nobody has recorded what our rules block. Two of them can go first." in said
    assert "Points of FCR are not recorded No link says that a rule was in the way." in said
    assert "Blocked contacts are not recorded" in said and "Hours and money are not known" in said
    assert "hardly any" not in said and "0.0" not in said and "Price, points" not in said


@pytest.mark.parametrize(
    "data",
    [
        {"amount": "1.000.50", "currency": "kr"},
        {"amount": "310,505,1", "currency": "kr"},
        {"amount": "-1", "currency": "kr"},
        {"amount": "x", "currency": "kr"},
        {"amount": "1"},
    ],
)
def test_an_hour_that_makes_no_sense_is_refused_beside_its_field(client, manager, year, data):
    client.force_login(manager)
    response = client.post(PAGE, data)
    assert response.status_code == 200 and "rb-field-error" in response.content.decode()
    assert not HourlyCost.objects.exists()


def test_the_service_refuses_what_no_hour_can_cost():
    for amount, currency in ((Decimal(-1), "kr"), (Decimal(1), " "), (Decimal(1), "x" * 11), (Decimal("1.001"), "kr")):
        with pytest.raises(RulebookError, match="An hour costs 0 or more"):
            set_hourly_cost(amount=amount, currency=currency, by=None)
    assert not HourlyCost.objects.exists() and not Event.objects.exists()


@pytest.mark.parametrize(
    ("role", "reads", "sets"),
    [("admin", 200, 302), ("manager", 200, 302), ("owner", 200, 403), ("operator", 403, 403), ("outsider", 403, 403),
     ("agent", 302, 302)],
)  # fmt: skip
def test_each_role_reads_and_sets_what_it_may(client, request, year, role, reads, sets):
    person = request.getfixturevalue(role)
    assert opened(client, person).status_code == reads
    assert client.post(PAGE, {"amount": "420", "currency": "kr"}).status_code == sets
    assert HourlyCost.objects.exists() is (role in {"admin", "manager"})
    assert ("An hour costs 420 kr. Change" in words(client.get(PAGE))) is (role in {"admin", "manager"})


def test_danish_writes_danish_figures(client, manager, year):
    HourlyCost.objects.create(amount=420, currency="kr")
    said = words(opened(client, manager, accept_language="da"))
    assert "2.700 kr." in said and "4,2" in said and "15.11.2026" in said


def test_long_titles_and_markup_stay_on_the_sheet_as_text(client, manager):
    figured.source()
    figured.rule("<b>" + "Refunds need a manager " * 20, price="0.01", harm=40, customer_hears="<i>no</i>", purpose="x")
    page = opened(client, manager).content.decode()
    title = re.search(r'rb-sheet-title">(.*?)</span>', page)[1]
    assert title.startswith("&lt;b&gt;") and title.endswith("…") and len(title) < 110
    assert "<i>no" not in page


def test_it_asks_no_query_more_for_more_rules_and_never_reads_a_case(client, manager, year):
    def queries():
        opened(client, manager)
        with CaptureQueriesContext(connection) as seen:
            client.get(reverse("admin:desk_top"))
        return [query["sql"] for query in seen.captured_queries]

    few = queries()
    for number in range(40):
        figured.rule(f"More {number}", price="0.002", harm=5)
    many = queries()
    assert len(few) == len(many) <= MOST_QUERIES
    assert not [sql for sql in many if CASES.search(sql)]
