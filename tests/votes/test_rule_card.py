"""What people's votes say on the page of a rule: the verdict in words, with bars where a ballot says it."""

import re
from datetime import date

import pytest
from django.urls import reverse

from rulebook.desk.vote_charts import HEIGHT, Dot, apart, impact_ease_plot, vote_bars
from rulebook.votes.ballots import close_ballot
from rulebook.votes.tallies import publish_tallies
from tests import make


@pytest.fixture
def card(client, manager):
    """The text of the card of votes."""
    client.force_login(manager)

    def read(rule):
        body = client.get(reverse("admin:catalogue_rule_page", args=[rule.pk])).content.decode()
        (found,) = re.findall(r'(?s)aria-labelledby="rb-votes">(.*?)</section>', body)
        return " ".join(re.sub(r"<[^>]+>", " ", found).split())

    return read


@pytest.mark.django_db
class TestTheCard:
    def test_nobody_has_voted_or_too_few(self, card):
        rule = make.rule()
        for _ in range(4):
            make.vote(rule, -2)
        publish_tallies(today=date(2026, 3, 2))
        assert card(rule) == "Not voted on yet. Votes are shown from five people on. Put it to a ballot"

    def test_standing_votes_are_a_band_or_a_mean_of_the_day_they_were_published(self, card):
        agreed, mixed = make.rule(), make.rule()
        for impact in (-2, -2, -1, -1, 1):
            make.vote(agreed, 1)
            make.vote(mixed, impact)
        publish_tallies(today=date(2026, 3, 2))
        assert card(agreed).startswith("5 people: helps standing votes, as published 2 Mar 2026")
        assert card(mixed).startswith(
            "5 people: hurts Mean −1.0, agreement 0.4 · standing votes, as published 2 Mar 2026"
        )

    def test_a_closed_ballot_is_shown_in_bars_and_managers_apart(self, card):
        rule = make.rule()
        ballot = make.ballot(rule)
        for impact in (-2, -2, -1, 0, 2):
            make.cast(ballot, impact)
            make.vote(rule, 2, by=make.person(role="manager"))
        publish_tallies(today=date(2026, 3, 2))
        assert card(rule).startswith("Not voted on yet."), "the ballot is still open"
        close_ballot(ballot=ballot, by=None)
        said = card(rule)
        assert said.startswith("3 of 5 say it hurts customers")
        assert "−2 hurts badly 2 −1 hurts a little 1 0 no difference 1 +1 helps a little 0 +2 helps a lot 1" in said
        assert "Managers, apart: 5 people: helps." in said


def test_bars_are_as_long_as_their_part_of_the_votes():
    rows = vote_bars("impact", [4, 2, 1, 0, 1])
    assert [row.people for row in rows] == ["4", "2", "1", "0", "1"]
    found = [re.search(r'class="rb-vote-(\w+)" width="([\d.]+)%"', row.bar).groups() for row in rows]
    assert [colour for colour, _width in found] == ["hurts", "hurts", "none", "helps", "helps"]
    assert [float(width) for _colour, width in found] == [50, 25, 12.5, 0, 12.5]
    assert {re.search(r"rb-vote-(\w+)", row.bar)[1] for row in vote_bars("ease", [1] * 5)} == {"none", "helps"}


def test_what_hurts_and_is_easy_lies_in_the_upper_right_corner_and_stands_out():
    dots = [Dot(1, "R-1", -1.2, 1.4), Dot(2, "R-2", 1, 1), Dot(3, "R-3", -1, -1), Dot(4, "R-4", 0.5, -2)]
    assert [(x > 0.5, y < HEIGHT / 2) for _dot, x, y in apart(dots)] == [
        (True, True), (True, False), (False, True), (False, False),
    ]  # fmt: skip
    drawn = impact_ease_plot(dots, finding="1 rule hurts")
    assert drawn.count("rb-plot-dot-start") == 1 and 'aria-label="1 rule hurts"' in drawn and "style=" not in drawn


def test_equal_places_are_nudged_apart_and_stay_in_the_picture():
    for ease in (-2, 0, 2):
        placed = apart([Dot(number, "", -1, ease) for number in range(8)])
        assert len({round(x, 3) for _dot, x, _y in placed}) == 8
        assert all(0 < x < 1 for _dot, x, _y in placed)
