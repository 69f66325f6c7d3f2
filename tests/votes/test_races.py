"""A room that votes while the ballot is closed: what was acknowledged is counted once, and nothing comes in after."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections

from rulebook.errors import WrongState
from rulebook.journal.models import Event
from rulebook.votes.ballots import close_ballot, open_ballot
from rulebook.votes.models import Ballot, Cast, StandingVote
from rulebook.votes.services import cast_standing
from tests import make
from tests.journeys.installation import Installation

WRITERS, CLOSERS, EACH = 3, 2, 400

PREPARE = """
from tests import make
make.ballot(make.rule("A"), make.rule("B"))
"""
VOTE = """
import json
from rulebook.access.voices import Voice
from rulebook.errors import WrongState
from rulebook.votes.ballots import cast_ballot
from rulebook.votes.models import Ballot
from rulebook.votes.services import cast_standing
item = Ballot.objects.get().items.get(place=1)
acknowledged, refused, standing = 0, 0, 0
for number in range({each}):
    voice = Voice(person=None, team=None, device=f"{writer}-{{number}}" if number else "the same")
    try:
        cast_ballot(item=item, round=1, voice=voice, impact=-1)
        acknowledged += bool(number)
    except WrongState:
        refused += 1
        if refused > 3:
            break
    cast_standing(version=item.version, voice=voice, impact=1)
    standing += bool(number)
print(json.dumps([acknowledged, refused, standing]))
"""
CLOSE = """
import json, time
from rulebook.errors import WrongState
from rulebook.votes.ballots import close_ballot
from rulebook.votes.models import Ballot, Cast
while Cast.objects.count() < 40:
    time.sleep(0.005)
try:
    close_ballot(ballot=Ballot.objects.get(), by=None)
    print(json.dumps("closed"))
except WrongState as told:
    print(json.dumps(str(told)))
"""


TRIES = 5


@pytest.mark.process
def test_processes_that_vote_and_close_at_once(tmp_path):
    met = False
    for attempt in range(TRIES):  # on a busy machine all may have voted before the ballot is closed
        met = vote_and_close(Installation(tmp_path / f"place{attempt}"))
        if met:
            break
    assert met, "the ballot never closed while they voted"


def vote_and_close(place):
    """Whether each of those who voted was refused in the end; that all is counted once holds in any case."""
    assert place.run("shell", "-v0", "-c", PREPARE).returncode == 0
    code = [VOTE.format(each=EACH, writer=number) for number in range(WRITERS)] + [CLOSE] * CLOSERS
    started = [place.start("shell", "-v0", "-c", words) for words in code]
    said = []
    for process in started:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        said.append(json.loads(out))
    votes, closings = said[:WRITERS], said[WRITERS:]
    assert sorted(closings)[1] == "closed" and "This ballot is closed." in sorted(closings)[0]
    acknowledged = sum(each for each, _refused, _standing in votes)
    assert place.count("votes_cast") == acknowledged + 1, "and the one that all of them sent"
    assert place.ask("SELECT COUNT(*) FROM votes_cast WHERE voter IS NOT NULL")[0][0] == 0
    assert place.ask("SELECT after FROM journal_event WHERE verb = 'ballot_closed'") == [(str(acknowledged + 1),)]
    assert place.count("votes_standingvote") == sum(each for _acknowledged, _refused, each in votes) + 1
    assert place.count("catalogue_wordinglock") == 0
    return all(refused for _acknowledged, refused, _standing in votes)


def together(*works):
    """What each of them gave, or the refusal that it raised; they start at once."""
    start = Barrier(len(works))

    def one(work):
        try:
            start.wait()
            return work()
        except WrongState as told:
            return str(told)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="threads share one SQLite database in memory")
@pytest.mark.django_db(transaction=True)
class TestThreadsOnPostgresql:
    def test_of_two_who_close_one_is_told(self):
        for _ in range(10):
            ballot = make.ballot()
            before = Event.objects.count()
            answers = together(*[lambda ballot=ballot: close_ballot(ballot=ballot, by=None)] * 2)
            assert answers.count(None) == 1
            assert Event.objects.count() == before + 1

    def test_of_two_who_open_one_is_told(self):
        rules = [make.rule(), make.rule()]
        for _ in range(10):
            ballot = make.ballot(*rules, is_open=False)
            assert together(*[lambda ballot=ballot: open_ballot(ballot=ballot, by=None)] * 2).count(None) == 1
            close_ballot(ballot=ballot, by=None)

    def test_a_vote_beside_the_closing_is_counted_or_refused(self):
        for _ in range(10):
            ballot = make.ballot()
            votes = [lambda ballot=ballot: make.cast(ballot)] * 4
            answers = together(*votes, lambda ballot=ballot: close_ballot(ballot=ballot, by=None))
            taken = sum(not isinstance(answer, str) for answer in answers[:4])
            assert Cast.objects.filter(item__ballot=ballot).count() == taken
            assert not Cast.objects.filter(item__ballot=ballot).exclude(voter=None).exists()

    def test_one_voter_who_taps_twice_votes_once(self):
        rule, voice = make.rule(), make.voice()
        ballot, version = make.ballot(rule), rule.versions.get()
        together(*[lambda: make.cast(ballot, by=voice)] * 4)
        together(*[lambda: cast_standing(version=version, voice=voice, impact=-1)] * 4)
        assert (Cast.objects.count(), StandingVote.objects.count()) == (1, 1)
        assert Ballot.objects.get().state == "open"
