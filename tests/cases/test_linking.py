"""Links of cases to rules: by a cell, by a file of their own, or waiting for what has not arrived."""

import pytest
from django.core.management import call_command

from rulebook.cases.models import Case, CaseRule, Source
from tests import make
from tests.cases.importer import do_import, links, refused, table, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_key_ring")]


def test_a_rules_cell_is_the_whole_set_of_a_cases_source_links(file):
    one, two = make.rule(code="R1"), make.rule(code="R2", aliases=["refund limit"])
    header = "external_id opened_at rules"
    do_import(file(header, (1, "2026-01-05", "R1;refund limit")))
    make.link(Case.objects.get(), one, effect="blocked", origin="flag")
    assert links() == {("1", "R1", "applied"), ("1", "R2", "applied")}
    assert do_import(file(header, (1, "2026-01-05", "R2"))).updated == 1
    assert links() == {("1", "R2", "applied")}
    assert do_import(file(header, (1, "2026-01-05", ""))).updated == 1
    assert links() == set()
    assert CaseRule.objects.get(origin="flag").rule == one and two.links.count() == 0


def test_the_effect_of_rules_cells_is_that_of_the_option(file):
    make.rule(code="R1")
    cases = file("external_id opened_at rules", (1, "2026-01-05", "R1"))
    do_import(cases, effect="blocked")
    assert links() == {("1", "R1", "blocked")}


def test_a_links_file_only_adds_or_corrects_the_effect(file):
    for code in ("R1", "R2", "R3"):
        make.rule(code=code)
    cases = file("external_id opened_at rules", (1, "2026-01-05", "R1;R2"), (2, "2026-01-05", ""))
    more = file(
        "case_id code effect basis",
        (1, "R1", "blocked", "x"), (1, "R2", "", "x"), (2, "R3", "Blocked", "x"), ("", "R3", "", ""),
        (2, "R3", "hindered", ""),
    )  # fmt: skip
    done = do_import(cases, links=more)
    assert done.links == {"read": 5, "added": 1, "corrected": 1, "unchanged": 1, "waiting": 0, "rejected": 2}
    expected = {("1", "R1", "blocked"), ("1", "R2", "applied"), ("2", "R3", "blocked")}
    assert links() == expected
    again = do_import(cases, links=more)
    assert again.links == {"read": 5, "added": 0, "corrected": 0, "unchanged": 3, "waiting": 0, "rejected": 2}
    assert again.unchanged == 2 and links() == expected


def test_of_equal_pairs_in_a_links_file_the_last_says_the_effect(file):
    make.rule(code="R1")
    cases = file("external_id opened_at", (1, "2026-01-05"))
    do_import(cases, links=file("case rule effect", (1, "R1", "blocked"), (1, "R1", "applied")))
    assert links() == {("1", "R1", "applied")}


def test_links_of_other_origins_stand_beside_those_of_the_source(file):
    rule = make.rule(code="R1")
    do_import(file("external_id opened_at", (1, "2026-01-05")))
    make.link(Case.objects.get(), rule, effect="applied", origin="person")
    cases = file("external_id opened_at", (1, "2026-01-05"))
    do_import(cases, links=file("case rule effect", (1, "R1", "blocked")))
    assert set(CaseRule.objects.values_list("effect", "origin")) == {("applied", "person"), ("blocked", "source")}


def test_unknown_codes_wait_for_their_rule_and_the_warning_says_where(file, tmp_path):
    cases = file("external_id opened_at rules", (1, "2026-01-05", "R1;R9"), (2, "2026-01-05", "R9"))
    done = do_import(cases, effect="blocked")
    assert waiting() == {("1", "R1", "blocked"), ("1", "R9", "blocked"), ("2", "R9", "blocked")}
    (told,) = done.warned
    assert "cases1.csv, lines 2, 3, column rules: 3 links" in told and "R9, R1" in told and told.endswith(".")
    call_command("import_rules", str(table(tmp_path / "rules.csv", "code title", ("R9", "No refund"))))
    assert waiting() == {("1", "R1", "blocked")}
    assert links() == {("1", "R9", "blocked"), ("2", "R9", "blocked")}
    assert do_import(cases, effect="blocked").unchanged == 2


def test_a_link_waits_for_its_case_and_settles_when_the_case_arrives(file):
    make.rule(code="R1")
    first = file("external_id opened_at", (1, "2026-01-05"))
    done = do_import(first, links=file("case rule effect", (2, "R1", "blocked"), (1, "R7", "")))
    assert done.links["waiting"] == 2 and waiting() == {("2", "R1", "blocked"), ("1", "R7", "applied")}
    assert any("cases2.csv, line 2, column case: The link waits" in line for line in done.warned)
    do_import(file("external_id opened_at", (2, "2026-01-06")))
    assert links() == {("2", "R1", "blocked")} and waiting() == {("1", "R7", "applied")}


@pytest.mark.parametrize("rule_first", [True, False])
def test_a_waiting_link_corrects_the_effect_of_the_cell_whichever_arrives_first(file, rule_first):
    first = file("external_id opened_at", (1, "2026-01-05"))
    do_import(first, links=file("case rule effect", (2, "R1", "blocked")))
    cases = file("external_id opened_at rules", (2, "2026-01-06", "R1"))
    if rule_first:
        make.rule(code="R1")
        do_import(cases)
    else:
        do_import(cases)
        make.rule(code="R1")
        do_import(first)
    assert links() == {("2", "R1", "blocked")} and waiting() == set()


def test_a_newer_links_file_wins_over_what_waited(file):
    first = file("external_id opened_at", (1, "2026-01-05"))
    do_import(first, links=file("case rule effect", (2, "R1", "blocked")))
    make.rule(code="R1")
    cases = file("external_id opened_at", (2, "2026-01-06"))
    do_import(cases, links=file("case rule effect", (2, "R1", "applied")))
    assert links() == {("2", "R1", "applied")} and waiting() == set()


def test_a_links_file_without_its_columns_is_refused_before_anything_is_stored(file):
    text, code = refused(file("external_id opened_at", (1, "2026-01-05")), links=file("case effect", (1, "blocked")))
    assert "is not a list of links" in text and code == 1
    assert not Case.objects.exists() and not Source.objects.exists()
