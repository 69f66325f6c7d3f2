"""What the database does for a page: no list and no dashboard reads a case, and the pages of cases only by an index.

Each page is opened as somebody would, and every statement that it runs is explained with its own values.
"""

import re

import pytest
from django.contrib import admin as django_admin
from django.db import connection

from rulebook.cases.fcr import GROUPINGS, Period, fcr
from rulebook.cases.models import Source
from rulebook.cases.policies import primary
from rulebook.insight.ledger import ledger
from tests import make
from tests.desk.every_page import PAGES, PEOPLE, Addresses, pages
from tests.desk.house import extend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_key_ring")]

READ_CASES = pages("cases_case_changelist", "cases_case_change", "catalogue_rule_cases", "cases_caserule_changelist")
READ_CASES += pages("cases_case_history", "cases_caserule_change", "cases_caserule_history")
READ_CASES += pages("flags_audit_changelist", "flags_audit_change")
READ_CASES += [page for page in pages("desk_search") if page.asked]
READ_NONE = [page for page in PAGES if page.cost is not None and page not in READ_CASES]
CASES = re.compile(r"\bcases_case(?:rule)?\b")
VOTES = re.compile(r"\bvotes_")
VOICES = re.compile(r"\b(?:votes|flags)_\w")
LOOKED_UP = re.compile(r"SubPlan|Nested Loop|LIST SUBQUERY|CORRELATED|FOR IN-OPERATOR")


CROWD = (
    "INSERT INTO cases_case (source_id, external_id, opened_at, opened_day, day_only, closed_day_only, channel, "
    "excluded, outcome, row_hash) SELECT %s, 'crowd' || n, timestamptz '2024-01-01' + n * interval '1 hour', "
    "date '2024-01-01' + n / 24, false, false, '', '', 'resolved', decode(md5(n::text), 'hex') "
    "FROM generate_series(1, 20000) n"
)
CROWD_LINKS = (
    "INSERT INTO cases_caserule (case_id, rule_id, effect, origin) "
    "SELECT id, %s, 'blocked', 'source' FROM cases_case WHERE source_id = %s"
)


@pytest.fixture
def house(settings, tmp_path, manager):
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.UPLOAD_DIR.mkdir()
    extend(0, 3, manager)
    if connection.vendor == "postgresql":
        crowd = make.source("crowd")
        with connection.cursor() as cursor:
            # Tables of a few rows would be read whole, or walked over by any index.
            cursor.execute(CROWD, [crowd.pk])
            cursor.execute(CROWD_LINKS, [make.rule("Met by the crowd").pk, crowd.pk])
            cursor.execute("ANALYZE")
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
    return Addresses(django_admin.site)


class Statements:
    """Every SELECT that runs inside, with the plan that the database made of it: [(text, plan)]."""

    def __init__(self):
        self.found = []
        self.asking = False

    def __enter__(self):
        self.wrapper = connection.execute_wrapper(self.explain)
        self.wrapper.__enter__()
        return self.found

    def __exit__(self, *error):
        self.wrapper.__exit__(*error)

    def explain(self, execute, sql, params, many, context):
        if sql.lstrip("( ").upper().startswith(("SELECT", "WITH")) and not self.asking:
            self.asking = True
            try:
                with connection.cursor() as cursor:
                    cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{sql}", params)
                    self.found.append((sql, [str(row[-1]) for row in cursor.fetchall()]))
            finally:
                self.asking = False
        return execute(sql, params, many, context)


def statements(client, house, request, page):
    client.force_login(request.getfixturevalue(PEOPLE[page.may[0]]))
    with Statements() as found:
        assert house.send(client, page).status_code == page.status, page
    assert found, page
    return found


def test_no_list_and_no_dashboard_reads_a_case(client, house, request):
    named = {str(page) for page in READ_NONE}
    assert {"index", "desk_top", "catalogue_rule_changelist", "catalogue_rule_page", "cases_source_changelist"} <= named
    for page in READ_NONE:
        for sql, plan in statements(client, house, request, page):
            assert not CASES.search(sql), f"{page}: {sql}"
            # An index is named after its table, or, where SQLite made it for a constraint, with the table's name in it.
            assert not [step for step in plan if CASES.search(step) or "autoindex_cases_case" in step], (
                f"{page}: {plan}"
            )


def test_no_list_reads_a_flag_or_a_vote_and_the_start_page_counts_flags_and_reads_no_vote(client, house, request):
    lists = [*pages("catalogue_rule_changelist", "catalogue_rule_export", "desk_top")]
    assert len(lists) > 30
    for page in lists:
        for sql, plan in statements(client, house, request, page):
            assert not VOICES.search(" ".join([sql, *plan])), f"{page}: {sql}"
    for page in pages("index"):
        for sql, plan in statements(client, house, request, page):
            assert not VOTES.search(" ".join([sql, *plan])), f"{page}: {sql}"


def test_the_pages_of_cases_find_them_by_an_index(client, house, request):
    for page in READ_CASES:
        found = [one for one in statements(client, house, request, page) if CASES.search(one[0])]
        assert found, page
        for sql, plan in found:
            assert not wrong_steps(sql, plan), f"{page}: {sql}\n" + "\n".join(plan)
            assert "COUNT(" not in sql, f"{page}: {sql}"


def wrong_steps(sql, plan):
    """The steps that read a table of cases or an index of it whole; in the order of its key one may, up to a LIMIT."""
    ordered = "LIMIT" in sql and not [step for step in plan if "TEMP B-TREE" in step or "Sort" in step]
    if connection.vendor == "postgresql":
        return wrong_scans(plan, ordered)
    scans = [step for step in plan if re.match(r"SCAN cases_case(rule)?\b", step)]
    skipping = [step for step in plan if CASES.search(step) and "ANY(" in step]
    return skipping if ordered and len(scans) == 1 else scans + skipping


def wrong_scans(plan, ordered):
    """PostgreSQL tells of an index scan that begins anywhere only by its condition, below it."""
    with connection.cursor() as cursor:
        indexes = {
            name: index["columns"][0]
            for table in ("cases_case", "cases_caserule")
            for name, index in connection.introspection.get_constraints(cursor, table).items()
            if index["index"] or index["unique"]
        }
    wrong = []
    for place, step in enumerate(plan):
        if not re.search(r"Scan.* on cases_case(rule)?\b", step):
            continue
        below = []
        for line in plan[place + 1 :]:
            if "->" in line or "SubPlan" in line:
                break
            below.append(line)
        index = re.search(r" using (\w+) on ", step)
        condition = next((line for line in below if "Index Cond:" in line), "")
        found = index and re.search(rf"\b{indexes[index[1]]}\b", condition)
        in_order = index and ordered and not [line for line in below if "Filter:" in line]
        if not found and not in_order:
            wrong.append(step)
    return wrong


@pytest.mark.parametrize("by", [None, *GROUPINGS])
def test_reports_over_all_cases_join_their_links_and_never_look_them_up_case_by_case(house, by):
    sources = list(Source.objects.filter(cases__isnull=False).distinct())
    for source in sources:
        with Statements() as found:
            fcr([source], primary(source), Period(), by)
            ledger([source], primary(source), Period())
        for sql, plan in found:
            assert not [step for step in plan if LOOKED_UP.search(step)], f"{sql}\n" + "\n".join(plan)
    assert found


def test_a_statement_that_reads_all_cases_would_be_noticed(house):
    with Statements() as found, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM cases_case WHERE channel = %s", ["mail"])
        cursor.execute("SELECT id FROM cases_case ORDER BY channel LIMIT 50")
        cursor.execute("SELECT COUNT(*) FROM cases_caserule WHERE effect = %s", ["blocked"])
        cursor.execute("SELECT COUNT(*) FROM cases_case")
        cursor.execute("SELECT SUM(CASE WHEN id IN (SELECT case_id FROM cases_caserule) THEN 1 END) FROM cases_case")
    assert len(found) == 5 and [step for step in found[-1][1] if LOOKED_UP.search(step)]
    for sql, plan in found:
        assert CASES.search(sql) and wrong_steps(sql, plan), (sql, plan)
