"""The pages of reviews: marked with one button, decided on one screen, refused with what was typed kept."""

import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.review.models import Fence, Review, State
from rulebook.review.services import object_to, transition
from rulebook.review.sunset import begin_sunsets
from rulebook.votes.ballots import close_ballot
from tests import make

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 3, 2)
PLAY = {"play": "Refund at once.", "purpose": "", "nobody_knows": "on"}
MARK, SEVERAL, BOARD, ASKED = (f"/admin/review/review/{name}" for name in ("mark/", "mark-several/", "", "asked/"))


@pytest.fixture
def review(heard, manager):
    return make.review(heard, by=manager)


@pytest.fixture
def desk(client, manager):
    client.force_login(manager)
    return client


def page(review):
    return f"/admin/review/review/{review.pk}/change/"


def do(client, review, verb, **fields):
    given = {"do": verb, "seen": review.state, **fields}
    return client.post(f"/admin/review/review/{review.pk}/do/", given)


def text(response):
    return response.content.decode()


def button(response, verb):
    """The tag of a button by what it does, or that is closed, by the sentence it points at."""
    found = [part.split(">")[0] for part in text(response).split("<button")[1:]]
    return next(
        tag for tag in found if (f'value="{verb}"' in tag and "aria-hidden" not in tag) or f"rb-why-{verb}" in tag
    )


def test_three_screens_from_the_rule_to_the_confirmation_and_back(desk, heard):
    rule_page = f"/admin/catalogue/rule/{heard.pk}/"
    assert "Mark for removal" in text(desk.get(rule_page))
    answer = desk.post(MARK, {"rule": heard.pk, "origin": "rule", "reason": "It takes a week."})
    review = Review.objects.get()
    assert answer.url == page(review) and (review.origin, review.reason) == ("rule", "It takes a week.")

    screen = desk.get(page(review))
    assert "rb-button-primary" in button(screen, "remove") and text(screen).count('class="rb-button-primary"') == 1
    assert "At least 1 agent has voted on it." in text(screen)
    assert "Nobody answers for this rule" in text(screen)

    answer = do(desk, review, "remove", **PLAY)
    assert answer.url == page(review)
    said = text(desk.get(answer.url))
    assert "Removed from Tuesday 3 March 2026. The front line hears it first. You can undo it for 30 days." in said

    review.refresh_from_db()
    assert do(desk, review, "undo").status_code == 302
    review.refresh_from_db()
    assert review.state == State.ASSESSING
    assert "Go on with its review" in text(desk.get(rule_page))


def test_a_button_that_a_field_opens_says_what_it_needs_and_a_closed_one_why(desk, manager, agent):
    review = make.review(make.rule("Refunds need two signatures"), by=manager)
    screen = desk.get(page(review))
    assert 'aria-disabled="true"' in button(screen, "remove")  # nobody has voted, and no field of the page can mend it
    assert "No agent has voted on it." in text(screen)
    make.vote(review.rule, -2, by=agent)
    screen = desk.get(page(review))
    assert 'aria-disabled="true"' not in button(screen, "remove")
    assert 'id="rb-why-remove">Write in one line what agents do instead.' in text(screen)


def test_a_law_is_not_removed_here_and_the_page_says_what_can_be_done(desk, manager):
    review = make.review(make.rule("Ask for the birth date", authority="law"), by=manager)
    screen = desk.get(page(review))
    assert 'aria-disabled="true"' in button(screen, "remove")
    assert "A law cannot be removed here." in text(screen) and "It is said to be a law." in text(screen)
    assert "Can an agent say it in one sentence?" in text(screen)


@pytest.mark.parametrize(
    ("verb", "fields", "state", "sentence"),
    [
        ("simplify", {"new_title": "Refunds need one signature", "new_text": ""}, State.DECIDED, "Simplified from Tue"),
        ("delegate", {"limit": "500 kr"}, State.DECIDED, "agents decide up to 500 kr themselves"),
        ("declare_myth", {}, State.DECIDED, "Declared a myth from Tuesday"),
        ("keep", {"purpose": "Fraud.", "nobody_knows": "", "answer": "It is cheap.", "review_by": "2026-09-01"},
         State.KEPT, "kept"),
        ("escalate", {"addressee": "Head of Legal", "answer_due": "2026-03-20"}, State.ESCALATED, "Head of Legal"),
    ],
)  # fmt: skip
def test_every_other_way_out_is_on_the_same_screen(desk, review, verb, fields, state, sentence):
    assert do(desk, review, verb, **PLAY, **{k: v for k, v in fields.items() if k not in PLAY}).status_code in (
        302,
        409,
    )
    review.refresh_from_db()
    if verb == "keep":  # it asks for a purpose, and loses nothing of what was typed
        refused = do(desk, review, verb, **PLAY, answer="It is cheap.", review_by="2026-09-01")
        assert refused.status_code == 409 and "It is cheap." in text(refused)
        assert do(desk, review, verb, play="", **fields).status_code == 302
        review.refresh_from_db()
    assert review.state == state
    assert sentence in text(desk.get(page(review)))


def test_a_title_that_stood_ready_for_other_words_is_no_answer_to_remove(desk, review):
    do(desk, review, "remove", **PLAY, new_title="Refunds need two signatures", new_text="", limit="", answer="x")
    review.refresh_from_db()
    assert (review.outcome, review.new_title, review.answer) == (State.REMOVED, "", "")


def test_what_is_refused_stays_on_the_page_with_the_sentence(desk, review):
    refused = do(desk, review, "remove", play="", purpose="Nobody said")
    assert refused.status_code == 409
    assert "Write in one line what agents do instead." in text(refused)
    assert 'value="Nobody said"' in text(refused)
    wrong = do(desk, review, "keep", **PLAY, review_by="soon")
    assert wrong.status_code == 422 and "Write the day as 2027-03-01." in text(wrong)
    assert 'value="Refund at once."' in text(wrong)


def test_a_second_click_decides_nothing_and_somebody_elses_is_told_who_was_first(desk, client, review, manager):
    assert do(desk, review, "remove", **PLAY).status_code == 302
    assert do(desk, review, "remove", **PLAY).status_code == 302  # seen as it was: the same click twice
    other = make.person("other", role="manager")
    client.force_login(other)
    late = do(client, review, "keep", purpose="Fraud.", answer="No.", review_by="2026-09-01")
    assert late.status_code == 409
    assert "Decided a moment ago: removed from Tuesday 3 March 2026, by manager." in text(late)
    assert Review.objects.get().outcome == State.REMOVED


def test_marking_twice_leads_to_the_review_and_a_removed_rule_says_so(desk, heard):
    sent = {"rule": heard.pk, "origin": "rule", "reason": ""}
    assert desk.post(MARK, sent).url == desk.post(MARK, sent).url
    assert Review.objects.count() == 1
    gone = make.rule("Gone")
    Rule.objects.filter(pk=gone.pk).update(status=Rule.Status.REMOVED)
    refused = desk.post(MARK, {"rule": gone.pk, "origin": "rule", "reason": "Still here."})
    assert refused.status_code == 409 and "is removed already" in text(refused)


def test_somebody_elses_mark_is_told_with_what_was_typed(desk, heard, admin):
    make.review(heard, by=admin)
    refused = desk.post(MARK, {"rule": heard.pk, "origin": "rule", "reason": "It hurts."})
    assert refused.status_code == 409 and "It was marked for removal on 2 Mar 2026" in text(refused)


def test_without_a_flag_or_a_ballot_who_marks_it_proposes_it(desk, heard, manager):
    for origin in ("flag", "ballot"):
        desk.post(MARK, {"rule": heard.pk, "origin": origin, "reason": ""})
        assert Review.objects.get().origin == "rule" and Review.objects.get().proposer_id == manager.pk
        Review.objects.all().delete()


@pytest.mark.parametrize("origin", ["flag", "ballot"])
def test_flag_and_ballot_mark_as_the_front_lines(desk, heard, origin):
    make.flag(rule=heard)
    close_ballot(ballot=make.ballot(heard), by=None)
    desk.post(MARK, {"rule": heard.pk, "origin": origin, "reason": ""})
    assert Review.objects.get().origin == origin and Review.objects.get().proposer_id is None


def test_the_page_of_a_flag_and_of_a_result_offer_it(desk, heard, manager):
    flag = make.flag(rule=heard)
    assert 'name="origin" value="flag"' in text(desk.get(f"/admin/flags/flag/{flag.pk}/change/"))


def test_several_are_marked_at_once_with_one_reason_and_the_rest_is_told(desk, heard, manager):
    other, third = make.rule("Call back"), make.rule("Write it twice")
    make.review(third, by=manager)
    chosen = {"action": "mark_for_removal", "_selected_action": [heard.pk, other.pk, third.pk]}
    asks = desk.post("/admin/catalogue/rule/", chosen)
    assert "3 rules to mark for removal" in text(asks)
    numbers = ",".join(str(rule.pk) for rule in (heard, other, third))
    done = desk.post(SEVERAL, {"rules": numbers, "origin": "list", "mark": "yes", "reason": "They hurt."}, follow=True)
    assert "2 rules are marked for removal. 1 not: It was marked for removal" in text(done)
    assert set(Review.objects.filter(origin="list").values_list("reason", flat=True)) == {"They hurt."}


def test_what_was_sorted_to_drop_is_marked_from_there(desk, heard):
    change_rule(rule=heard, fields={"intent": "drop"}, by=None)
    asks = desk.post(SEVERAL, {"rules": str(heard.pk), "origin": "capture"})
    assert 'name="origin" value="capture"' in text(asks) and not Review.objects.exists()


def test_the_full_lane_says_why_and_waits_for_somebody_elses_fence(desk, client, review, manager):
    do(desk, review, "full")
    screen = desk.get(page(review))
    assert "It was asked for." in text(screen) and "You proposed it, so somebody else" in text(screen)
    other = make.person("other", role="manager")
    client.force_login(other)
    review.refresh_from_db()
    missing = do(client, review, "fence", comes_from="A fraud in 2011", counter="")
    assert missing.status_code == 422 and "A fraud in 2011" in text(missing)
    assert do(client, review, "fence", comes_from="A fraud in 2011", counter="Money was lost.").status_code == 302
    assert Fence.objects.get().counter == "Money was lost."
    assert "Money was lost." in text(client.get(page(review)))


def test_an_owner_reads_agrees_and_objects_and_decides_nothing(client, owner, review):
    Rule.objects.update(owner=owner)
    client.force_login(owner)
    screen = text(client.get(page(review)))
    assert "You answer for this rule. May it go?" in screen and 'value="remove"' not in screen
    assert do(client, review, "remove", **PLAY).status_code == 403
    assert do(client, review, "object", objection="The bank asks for it.").status_code == 302
    review.refresh_from_db()
    assert (review.state, review.objection) == (State.ASSESSING, "The bank asks for it.")


def test_a_manager_of_another_department_is_told_whom_to_ask(client, review):
    finance = make.department("Finance")
    Rule.objects.update(department=finance)
    elsewhere = make.person("elsewhere", role="manager", team=make.team(department=make.department("Sales")))
    client.force_login(elsewhere)
    assert "Ask a manager there." in text(client.get(page(review)))
    assert do(client, review, "remove", **PLAY).status_code == 403


def test_the_board_says_of_each_review_how_old_it_is_and_what_blocks_it(desk, review, manager, travel):
    make.review(make.rule("Call back", authority="law"), by=manager)
    travel(MONDAY + timedelta(3))
    found = text(desk.get(BOARD))
    assert "3 days" in found and "Write in one line what agents do instead." in found and "Full lane" in found
    do(desk, review, "remove", **PLAY)
    assert "It takes effect on Friday 6 March 2026." in text(desk.get(BOARD))
    assert "Call back" in text(desk.get(f"{BOARD}?state=marked"))
    assert "There is none." in text(desk.get(f"{BOARD}?state=over"))


def test_the_board_shows_fifty_of_a_state_and_leads_to_the_others_at_the_same_cost(desk, manager):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            desk.get(BOARD)
        return len(queries)

    for number in range(3):
        make.review(make.rule(f"Rule number {number}"), by=manager)
    few = cost()
    for number in range(3, 53):
        make.review(make.rule(f"Rule number {number}"), by=manager)
    assert cost() == few
    board = text(desk.get(BOARD))
    assert "and 3 more" in board and board.count("rb-board-card") == 50
    assert text(desk.get(f"{BOARD}?state=marked&page=2")).count("rb-board-card") == 3


def test_the_inbox_holds_what_waits_for_this_person_alone(client, owner, review, manager):
    client.force_login(owner)
    assert "Nothing is asked of you." in text(client.get(ASKED))
    Rule.objects.update(owner=owner)
    assert f"/review/{review.pk}/" in text(client.get(ASKED))
    review = transition(review=review, verb="remove", by=manager, answers={"play": "Refund.", "nobody_knows": True})
    assert "Without an objection until Monday 9 March 2026" in text(client.get(ASKED))
    object_to(review=review, objection="The bank.", by=owner)
    found = text(client.get(ASKED))
    assert "your objection" not in found
    client.force_login(make.person("other", role="manager"))
    assert "waits for somebody who says why it may stand there" in text(client.get(ASKED))


def test_an_escalation_waits_for_its_answer(desk, review):
    do(desk, review, "escalate", addressee="Head of Legal", answer_due="2026-03-20")
    assert "Asked of Head of Legal" in text(desk.get(ASKED)) and "too long" not in text(desk.get(ASKED))
    Review.objects.update(answer_due=MONDAY - timedelta(days=3))
    assert "3 days too long" in text(desk.get(page(review))) and "3 days too long" in text(desk.get(ASKED))
    review.refresh_from_db()
    assert do(desk, review, "answer", their_answer="It may go.").status_code == 302
    assert "It may go." in text(desk.get(page(review))) and "Nothing is asked" in text(desk.get(ASKED))
    assert "too long" not in text(desk.get(page(review)))


def test_the_one_link_of_a_letter_takes_a_yes_or_an_objection_on_a_phone(client, owner, review):
    address = f"/review/{review.pk}/"
    assert client.get(address).url == f"/sign-in/?next=%2Freview%2F{review.pk}%2F"
    client.force_login(owner)
    assert "Object" not in text(client.get(address))  # somebody else answers for it
    assert client.post(address, {"do": "agree"}).status_code == 403
    Rule.objects.update(owner=owner)
    empty = client.post(address, {"do": "object", "objection": " "})
    assert empty.status_code == 422 and "Write why it should stay." in text(empty)
    assert client.post(address, {"do": "agree"}).status_code == 302
    review.refresh_from_db()
    assert review.owner_agreed_on == MONDAY
    assert "Whoever answers for the rule said yes on 2 Mar 2026." in text(client.get(address))
    Review.objects.update(state=State.WITHDRAWN)
    assert client.post(address, {"do": "agree"}).status_code == 409


def test_reviews_of_others_are_nothing_for_agents(client, agent, review):
    client.force_login(agent)
    assert client.get(f"/review/{review.pk}/").status_code == 403
    assert client.get("/review/99999/").status_code == 404


def test_simplified_words_stand_beside_the_old_ones(desk, review):
    do(desk, review, "simplify", **PLAY, new_title="Refunds need one signature", new_text="")
    found = text(desk.get(page(review)))
    assert "<del>two signatures</del>" in found and "<ins>one signature</ins>" in found


def test_a_form_laid_out_before_another_answer_says_so_and_keeps_what_was_typed(desk, review):
    was = re.search(r'name="was" value="(\w+)"', text(desk.get(page(review))))[1]
    assert do(desk, review, "save", was=was, play="Call Anna.", purpose="Against fraud").status_code == 302
    late = do(desk, review, "save", was=was, play="Call Bo.", purpose="")
    assert late.status_code == 409 and "Somebody changed the answers a moment ago." in text(late)
    assert "Call Bo." in text(late)
    review.refresh_from_db()
    assert review.play == "Call Anna."
    again = re.search(r'name="was" value="(\w+)"', text(late))[1]
    assert do(desk, review, "save", was=again, play="Call Bo.", purpose="").status_code == 302


def test_the_same_answers_sent_twice_are_no_quarrel(desk, review):
    was = re.search(r'name="was" value="(\w+)"', text(desk.get(page(review))))[1]
    for _click in range(2):
        assert do(desk, review, "save", was=was, play="Call Anna.").status_code == 302


def test_several_lines_stay_several_lines(desk, review):
    Review.objects.update(play="Search by name.\nAsk for the number after that.")
    field = re.search(r'<textarea[^>]*name="play"[^>]*>([^<]*)<', desk.get(page(review)).content.decode())
    assert field[1].strip().splitlines() == ["Search by name.", "Ask for the number after that."]


def test_a_manager_of_another_department_keeps_what_lapses_on_its_page(client, manager, travel):
    travel(MONDAY)
    make.department("Shipping", head=manager)
    make.rule(review_by=MONDAY, department=make.department("Returns", head=make.person("anna", role="manager")))
    (review,) = begin_sunsets(MONDAY)
    client.force_login(manager)
    assert "Keep" in text(client.get(page(review)))
    sent = {"purpose": "Against fraud.", "answer": "Nine in ten were fine.", "review_by": "2026-06-01"}
    assert do(client, review, "keep", **sent).status_code == 302
    assert Review.objects.get().state == State.KEPT
