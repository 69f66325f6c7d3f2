"""200 people vote at once while an import runs: every vote counts exactly once, also when a web process is killed."""

import random
from collections import Counter
from datetime import datetime, timedelta

import pytest

from tests.cases.importer import table
from tests.journeys.installation import Installation
from tests.journeys.room import burst, invited, kill_one, percentile, seated, served, workers_of

pytestmark = pytest.mark.process

PEOPLE = 200
RULES = 4
CASES = 80_000
# Of a busy machine with two cores. `python -m tests.scale.voting` tells what a quiet one does.
SLOWEST = 10.0  # seconds, 99 of 100


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """A file that takes long enough to import."""
    start, dice = datetime.fromisoformat("2026-01-01T08:00"), random.Random(1)
    rows = (
        (f"C{number}", (start + timedelta(minutes=number)).isoformat(" "), f"customer {dice.randrange(CASES // 3)}",
         dice.choice(["returns", "bills", "delivery/late"]), dice.choice(["", "", "V0", "V1;V2"]))
        for number in range(CASES)
    )  # fmt: skip
    return table(tmp_path_factory.mktemp("cases") / "cases.csv", "external_id opened_at customer topic rules", *rows)


@pytest.fixture
def place(tmp_path):
    return Installation(tmp_path / "room")


def votes(place):
    """{(card, voter): impacts}: as the database holds them."""
    rows = place.ask("SELECT version_id, person_id, device, impact FROM votes_standingvote")
    found = {}
    for card, person, device, impact in rows:
        found.setdefault((card, person or device), []).append(impact)
    return found


def counted_once(place, phones):
    """Every vote that was acknowledged stands there once, with its answer, and no other does."""
    stored = votes(place)
    assert all(len(impacts) == 1 for impacts in stored.values())
    said = Counter((card, impact) for phone in phones for card, impact in phone.acknowledged.items())
    assert Counter((card, impacts[0]) for (card, _voter), impacts in stored.items()) == said
    assert len({voter for _card, voter in stored}) == len(phones)


def test_each_of_200_votes_at_once_during_an_import_counts_exactly_once(place, cases):
    invitation = invited(place, PEOPLE, RULES)
    with served(place) as (port, _server):
        phones = seated(port, invitation, PEOPLE)
        importing = place.start("import_cases", cases, "--source", "shop")
        assert place.wait_until("SELECT COUNT(*) FROM cases_case", importing)
        burst(phones)
        during = importing.poll() is None
        for _ in range(RULES - 1):
            burst(phones)
        out, err = importing.communicate(timeout=240)
    assert importing.returncode == 0, err
    assert during, "the import ended before the people had voted: give it more cases"
    assert [phone.failures for phone in phones if phone.failures] == []
    assert all(len(phone.acknowledged) == RULES for phone in phones)
    counted_once(place, phones)
    assert place.count("cases_case") == CASES and f"created {CASES}" in " ".join(out.replace(",", "").split())
    assert percentile([seconds for phone in phones for seconds in phone.seconds], 0.99) < SLOWEST


def test_a_web_process_killed_meanwhile_loses_no_vote_that_was_acknowledged(place, cases):
    invitation = invited(place, PEOPLE, RULES)
    with served(place) as (port, server):
        phones = seated(port, invitation, PEOPLE)
        importing = place.start("import_cases", cases, "--source", "shop")
        assert place.wait_until("SELECT COUNT(*) FROM cases_case", importing)
        before = set(workers_of(server))
        for _ in range(RULES - 1):
            burst(phones, meanwhile=lambda: kill_one(server))
        assert not before & set(workers_of(server))
        importing.communicate(timeout=240)
    assert importing.returncode == 0
    assert [phone.failures for phone in phones if phone.failures] == []
    assert all(len(phone.acknowledged) == RULES - 1 for phone in phones)
    counted_once(place, phones)
