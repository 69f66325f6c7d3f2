"""Figures that follow while others write: whoever comes first, no mark is lost, and they end as a full refresh does."""

import base64
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import Random
from threading import Event

import pytest
from django.db import connection, connections

from rulebook.cases.importing import Listener, Order, import_cases
from rulebook.cases.linking_by_hand import link_by_hand
from rulebook.cases.models import Case, DirtyMonth
from rulebook.cases.services import refresh_stale
from rulebook.insight.refreshing import figures_due, refresh_figures
from tests import make
from tests.cases.importer import do_import, table
from tests.insight.test_partial_is_full import figures
from tests.journeys.installation import ROOT, Installation

HEADER = "external_id opened_at customer topic channel rules"
CODES = ("R-1", "R-2", "R-3")
CASES = 300
FIRST = datetime.fromisoformat("2025-01-01T08:00")
SPAN = timedelta(days=485)
UNTIL = "2026-05-10"


def some_cases(ids, seed):
    """Cases of 16 months and few customers; of the same id each seed says something else."""
    pick = Random(seed)
    for number in ids:
        yield (
            f"C{number}",
            (FIRST + SPAN * pick.random()).isoformat(" ", "seconds"),
            f"customer {pick.randrange(CASES // 4)}",
            pick.choice(["returns", "returns/refund", "bills", ""]),
            pick.choice(["mail", "phone"]),
            pick.choice(["", "R-1", "R-2", "R-1;R-3"]),
        )


def files(folder, count, rows):
    """The first file holds all cases; each of the others corrects some of them."""
    pick = Random("files")
    kept = [table(folder / "all.csv", HEADER, *some_cases(range(CASES), 0))]
    for number in range(1, count + 1):
        ids = pick.sample(range(CASES), rows)
        kept.append(table(folder / f"{number}.csv", HEADER, *some_cases(ids, number)))
    return kept


def said(cases):
    """What people say by hand, (case, rule, effect): in bursts on one case after another.

    The first change of a burst marks its months; the later ones meet a mark that waits, or is just being counted. Most
    months are left for good after a few bursts, so that a change that was lost is not made good by a later one.
    """
    pick = Random("by hand")
    for case in cases:
        for _ in range(3):
            yield case, pick.choice(CODES), "blocked"
            yield case, pick.choice(CODES), "applied"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="threads share one SQLite database in memory")
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("own_key_ring")
def test_no_change_is_lost_to_a_refresh_that_runs_beside_imports_and_people(tmp_path):
    everything, *corrections = files(tmp_path, 4, 60)
    rules = {code: make.rule(code=code) for code in CODES}
    manager = make.person("manager", role="manager")
    do_import(everything, source="desk", timezone="UTC", complete_until=UNTIL)
    refresh_figures()
    over, refreshes = Event(), []

    def follow():
        while not over.is_set():
            refreshes.append(refresh_figures())

    def bring():
        for path in corrections:
            import_cases(Order(source="desk", files=(path,)), None, Listener())

    def say():
        cases = list(Case.objects.order_by("opened_at"))
        for case, code, effect in said(cases[::4]):
            link_by_hand(case=case, rule=rules[code], effect=effect, by=manager)

    def at_once(work):
        try:
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        following = pool.submit(at_once, follow)
        writing = [pool.submit(at_once, work) for work in (bring, say)]
        try:
            for work in writing:
                work.result()
        finally:
            over.set()
        following.result()
    assert sum(map(bool, refreshes)) > 2, "hardly a refresh met a change"

    assert refresh_stale() == []
    refresh_figures()
    assert not figures_due() and not DirtyMonth.objects.exists()
    partial = figures()
    assert partial["RuleMonth"] and partial["BlockedMonth"]
    refresh_figures(everything=True)
    assert figures() == partial


KEPT = {
    "insight_topicmonth": "source_id, month, topic_id, channel, resolved, not_resolved, pending, early_repeats, "
    "unknown, excluded, blocked, linked, silent, issues, short_issues, seconds, timed",
    "insight_rulemonth": "rule_id, source_id, month, topic_id, channel, cases, mature, missed",
    "insight_blockedmonth": "rule_id, source_id, month, k, not_resolved, resolved",
    "insight_rulefigures": "*",
    "insight_sourcefigures": "source_id, horizon, resolved, not_resolved, pending, blocked, linked, silent, issues",
}

SAY = """
from rulebook.cases.linking_by_hand import link_by_hand
from rulebook.cases.models import Case
from rulebook.catalogue.models import Rule
from tests.insight.test_refresh_while_importing import said
rules = {rule.code: rule for rule in Rule.objects.all()}
for case, code, effect in said(list(Case.objects.order_by("opened_at"))[::12]):
    link_by_hand(case=case, rule=rules[code], effect=effect, by=None)
"""
FOLLOW = """
from pathlib import Path
from rulebook.insight.refreshing import refresh_figures
counted = 0
while not Path("{stop}").exists():
    counted += refresh_figures()
print(counted)
"""


@pytest.mark.process
def test_no_change_is_lost_to_a_refresh_by_another_process(tmp_path):
    everything, *corrections = files(tmp_path, 4, 80)
    ring = tmp_path / "key_ring.json"
    ring.write_text(json.dumps({"current": 1, "keys": {"1": base64.b64encode(b"k" * 32).decode()}}))
    rules = table(tmp_path / "rules.csv", "code title", *((code, f"Rule {code}") for code in CODES))
    place = Installation(tmp_path / "place", RULEBOOK_KEY_RING=ring)

    def start(name, commands):
        """Commands one after the other, each in a process of its own."""
        jobs = tmp_path / f"{name}.json"
        jobs.write_text(json.dumps([list(map(str, words)) for words in commands]))
        words = [sys.executable, "-m", "tests.journeys.forked", str(jobs)]
        return subprocess.Popen(words, cwd=ROOT, env=place.environment, text=True, stdout=subprocess.PIPE)

    def ends(process):
        out, _ = process.communicate(timeout=120)
        done = json.loads(out)
        assert [one for one in done if one["returncode"]] == []
        return done

    def stored():
        return {name: sorted(place.ask(f"SELECT {columns} FROM {name}"), key=repr) for name, columns in KEPT.items()}

    first = ("import_cases", everything, "--source", "desk", "--timezone", "UTC", "--complete-until", UNTIL)
    ends(start("first", [("import_rules", rules), first, ("refresh_figures",)]))
    assert place.count("insight_rulemonth")
    bring = start("bring", [("import_cases", path, "--source", "desk", "--effect", "blocked") for path in corrections])
    say = start("say", [("shell", "-v0", "-c", SAY)])
    stop = tmp_path / "stop"
    follow = start("follow", [("shell", "-v0", "-c", FOLLOW.format(stop=stop))])
    try:
        for process in (bring, say):
            ends(process)
    finally:
        stop.touch()
    assert int(ends(follow)[0]["stdout"]) > 10, "hardly a refresh met a change"

    ends(start("last", [("refresh_figures",)]))
    assert place.count("cases_dirtymonth") == 0
    assert place.ask("SELECT judged = changes FROM cases_source")[0][0]
    partial = stored()
    ends(start("full", [("refresh_figures", "--all")]))
    assert stored() == partial
