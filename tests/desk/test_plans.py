"""What the database does for a page: no list and no dashboard reads a case, and the pages of cases only by an index.

Each page is opened as somebody would, and every statement that it runs is explained with its own values.
"""

import re

import pytest
from django.contrib import admin as django_admin
from django.db import connection

from tests.desk.every_page import PAGES, PEOPLE, Addresses, pages
from tests.desk.house import extend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_key_ring")]

READ_CASES = pages("cases_case_changelist", "cases_case_change", "catalogue_rule_cases", "cases_caserule_changelist")
READ_CASES += pages("cases_case_history", "cases_caserule_change", "cases_caserule_history")
READ_CASES += [page for page in pages("desk_search") if page.asked]
READ_NONE = [page for page in PAGES if page.cost is not None and page not in READ_CASES]
CASES = re.compile(r"\bcases_case(?:rule)?\b")


@pytest.fixture
def house(settings, tmp_path, manager):
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.UPLOAD_DIR.mkdir()
    extend(0, 3, manager)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
            # Tables this small would be read whole whatever indexes they have.
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


def test_the_pages_of_cases_find_them_by_an_index(client, house, request):
    for page in READ_CASES:
        found = [one for one in statements(client, house, request, page) if CASES.search(one[0])]
        assert found, page
        for sql, plan in found:
            assert not wrong_steps(sql, plan), f"{page}: {sql}\n" + "\n".join(plan)
            assert "COUNT(" not in sql, f"{page}: {sql}"


def wrong_steps(sql, plan):
    """The steps that read a table of cases whole."""
    if connection.vendor == "postgresql":
        return [step for step in plan if "Seq Scan" in step and CASES.search(step)]
    scans = [step for step in plan if re.match(r"SCAN cases_case(rule)?\b", step)]
    # In the order of its own key, and no further than the page.
    ordered = "LIMIT" in sql and not [step for step in plan if "TEMP B-TREE" in step]
    return [] if ordered and len(scans) == 1 else scans


def test_a_statement_that_reads_all_cases_would_be_noticed(house):
    with Statements() as found, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM cases_case WHERE channel = %s", ["mail"])
        cursor.execute("SELECT id FROM cases_case ORDER BY channel LIMIT 50")
        cursor.execute("SELECT COUNT(*) FROM cases_caserule WHERE effect = %s", ["blocked"])
    assert len(found) == 3
    for sql, plan in found:
        assert CASES.search(sql) and wrong_steps(sql, plan), (sql, plan)
