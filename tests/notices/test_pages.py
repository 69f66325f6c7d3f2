"""The pages of the front line and of the desk."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from rulebook.notices.models import Notice, Receipt
from rulebook.notices.services import change_notice
from tests import make

MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def phone(client, agent, travel):
    travel(MONDAY)
    client.force_login(agent)
    return client


def send(client, notice, of=2, **fields):
    given = {"notice": notice.pk, "text": notice.text_hash, "of": of, **fields}
    return client.post(reverse("notices"), given)


def shown(client, name="notices", **given):
    return client.get(reverse(name, kwargs=given or None)).content.decode()


def test_two_cards_one_after_the_other_and_then_the_list(phone):
    later = make.notice(make.rule("Ask a manager"), effective_on=MONDAY + 3 * DAY)
    first = make.notice(make.rule("Refunds need two signatures"), play="Refund at once.\n“I can fix that.”")
    page = shown(phone)
    assert "1 of 2" in page and "Refunds need two signatures" in page and "Ask a manager" not in page
    assert "From Tuesday 3 March 2026" in page and "Until then:" in page
    assert "Do this instead" in page and "<q>I can fix that.</q>" in page
    assert "Managers see a count for teams of 5 or more." in page

    page = phone.get(send(phone, first)["Location"]).content.decode()
    assert "2 of 2" in page and "Ask a manager" in page
    page = phone.get(send(phone, later)["Location"]).content.decode()
    assert "You have read everything." in page and "Ask a manager" in page


def test_what_changed_meanwhile_is_409_and_the_new_text(phone):
    notice = make.notice()
    change_notice(notice=notice, headline="", play="Call back.", effective_on=notice.effective_on, typo=False, by=None)
    answer = send(phone, notice)
    assert answer.status_code == 409 and not Receipt.objects.exists()
    assert "changed a moment ago" in answer.content.decode() and "Call back." in answer.content.decode()


def test_a_number_that_means_nothing_is_answered(phone):
    make.notice()
    for sent in ("", "x", "-1", "9" * 40, "²"):
        assert phone.post(reverse("notices"), {"notice": sent, "of": sent}).status_code == 409
        assert "1 of 1" in phone.get(reverse("notices"), {"of": sent}).content.decode()


def test_a_removed_rule_is_found_by_its_old_name_and_no_address_holds_the_words(phone):
    found = make.notice(make.rule("Refunds need two signatures", code="REF-9", aliases=["FIN-2"]))
    make.notice(make.rule("Ask a manager"))
    for words in ("signatures", "fin-2", "REF-9"):
        page = phone.post(reverse("notices_earlier"), {"q": words}).content.decode()
        assert reverse("notice", args=[found.pk]) in page and "Ask a manager" not in page
    assert "No notice has these words." in phone.post(reverse("notices_earlier"), {"q": "parcel"}).content.decode()
    assert "Ask a manager" in phone.get(reverse("notices_earlier"), {"q": "signatures"}).content.decode()


def test_a_long_list_goes_on(phone):
    for number in range(22):
        make.notice(make.rule(f"Rule about refunds {number:02}"))
    assert "refunds 21" in shown(phone, "notices_earlier") and "refunds 01”" not in shown(phone, "notices_earlier")
    page = phone.post(reverse("notices_earlier"), {"q": "refunds", "page": "2"}).content.decode()
    assert "refunds 01”" in page and "Newer" in page and "Older" not in page


def test_the_morning_page_has_what_changes_and_what_is_new(phone, travel):
    travel(MONDAY - 20 * DAY)
    make.notice(make.rule("Long known"), effective_on=MONDAY + DAY)
    make.notice(make.rule("Over"), effective_on=MONDAY - 10 * DAY)
    travel(MONDAY - 3 * DAY)
    make.notice(make.rule("Told on Friday"), effective_on=MONDAY + 9 * DAY)
    travel(MONDAY)
    page = shown(phone, "notices_today")
    changes, _heading, new = page.partition("New since Friday 27 February 2026")
    assert "Long known" in changes and "Told on Friday" in new and "Over" not in page
    travel(MONDAY + 12 * DAY)
    assert "Nothing has changed since" in shown(phone, "notices_today")


def test_another_teams_notice_is_not_there(phone):
    notice = make.notice(make.rule("Secret of the others"), teams=[make.team()])
    assert phone.get(reverse("notice", args=[notice.pk])).status_code == 404
    for name in ("notices", "notices_today", "notices_earlier"):
        assert "Secret" not in shown(phone, name)


def test_words_are_shown_as_words(phone):
    make.notice(make.rule("<b>bold</b>"), play="<script>alert(1)</script>", headline="")
    for name in ("notices", "notices_today", "notices_earlier"):
        assert "<script>alert" not in shown(phone, name) and "<b>bold" not in shown(phone, name)


def test_the_page_costs_the_same_for_one_notice_and_for_thirty(phone, django_assert_num_queries):
    make.notice()
    with django_assert_num_queries(
        6
    ):  # the session, the user; notices, receipts; the foot: own rights, those of the role
        shown(phone)
    for _number in range(29):
        make.notice()
    with django_assert_num_queries(6):
        shown(phone)


# The desk


@pytest.fixture
def desk(manager, travel):
    travel(MONDAY)
    client = Client()
    client.force_login(manager)
    return client


def address(name, notice):
    return reverse(f"admin:notices_notice_{name}", args=[notice.pk])


def mend(client, notice, do="change", **fields):
    given = {"headline": notice.headline, "play": notice.play, "effective_on": notice.effective_on}
    return client.post(address("mend", notice), given | fields | {"do": do})


def test_a_manager_sees_counts_by_team_and_no_names(desk, agent):
    team, notice = make.team("Chat", headcount=7), make.notice()
    agent.team, agent.first_name = team, "Agnete"
    agent.save()
    phone = Client()
    phone.force_login(agent)
    send(phone, notice)
    page = desk.get(address("change", notice)).content.decode()
    assert "Chat" in page and '<td class="rb-number">1</td><td class="rb-number">7</td>' in page
    assert "Agnete" not in page


def test_a_manager_mends_a_typo_or_changes_the_text(desk, manager):
    notice = make.notice(effective_on=MONDAY + 3 * DAY)
    assert mend(desk, notice, "typo", play="Refund now.").status_code == 302
    assert Notice.objects.get().text_hash == notice.text_hash
    assert mend(desk, notice, play="Refund within a day.").status_code == 302
    assert Notice.objects.get().text_hash != notice.text_hash
    answer = mend(desk, notice, "typo", effective_on=MONDAY + 9 * DAY)
    assert answer.status_code == 422 and "Another day is no typo" in answer.content.decode()
    assert mend(desk, notice, effective_on="soon").status_code == 422


def test_a_notice_of_another_department_is_for_its_manager(desk, manager):
    own = make.department("Own", head=manager)
    assert own.pk
    notice = make.notice(make.rule("Theirs", department=make.department("Finance")))
    answer = mend(desk, notice, play="Mine now.")
    assert answer.status_code == 403 and "belongs to Finance" in answer.content.decode()


def test_the_teams_are_told_again_once_a_day(desk, travel):
    notice = make.notice()
    travel(MONDAY + 5 * DAY)
    for _twice in range(2):
        assert desk.post(address("again", notice)).status_code == 302
    assert Notice.objects.get().told_again_on == MONDAY + 5 * DAY
    assert desk.post(address("again", make.notice(publish=False))).status_code == 409
