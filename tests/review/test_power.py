"""How many contacts a trial needs, and what a manager is told when there are too few."""

import pytest

from rulebook.numbers import NO_BREAK
from rulebook.review.power import Volume, cases_needed


@pytest.mark.parametrize(("before", "after", "needed"), [(0.70, 0.80, 294), (0.70, 0.75, 1251), (0.60, 0.75, 152)])
def test_the_floor_of_a_before_and_after_comparison_is_the_published_one(before, after, needed):
    assert cases_needed(before, after) == needed


@pytest.mark.parametrize(("control", "needed"), [(0.5, 882), (1, 588), (2, 441), (3, 392)])
def test_a_control_of_c_times_the_contacts_multiplies_them_by_one_plus_one_over_c(control, needed):
    assert cases_needed(0.70, 0.80, control=control) == needed


def test_a_fall_needs_as_many_as_the_rise_back():
    assert cases_needed(0.80, 0.70) == cases_needed(0.70, 0.80)


@pytest.mark.parametrize(("before", "after", "control"), [(0.7, 0.7, None), (0.7, 1.1, None), (0.7, 0.8, 0)])
def test_what_cannot_be_computed_is_an_error_and_no_number(before, after, control):
    with pytest.raises(ValueError, match="two different rates"):
        cases_needed(before, after, control)


@pytest.mark.parametrize(("contacts", "enough"), [(293, False), (294, True)])
def test_one_contact_fewer_than_needed_is_too_few(contacts, enough):
    assert Volume(contacts, 8, 0.70, 0.10).is_enough is enough


def test_where_the_volume_cannot_show_it_the_sentence_says_what_to_do_instead():
    said = Volume(320, 8, 0.70, 0.05).sentence.replace(NO_BREAK, " ")
    assert said == (
        "320 contacts in 8 weeks cannot show a rise from 70 % to 75 %: 1,251 are needed. "
        "Remove the rule, and look again after 90 days."
    )


def test_a_rate_cannot_rise_beyond_all_of_them():
    nearly_all = Volume(10_000, 8, 0.97, 0.05)
    assert not nearly_all.is_enough and "Name a smaller effect" in nearly_all.sentence
