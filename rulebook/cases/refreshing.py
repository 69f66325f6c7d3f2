"""Stores outcomes: for the issue keys that changed, for cases that mature, or for a whole customer space.

In small transactions, so that a room can vote meanwhile: each batch is one business verb that locks the space's
sources, judges whole issue keys by the data of that moment, and marks the months it changed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Max
from django.utils.translation import gettext as _

from rulebook.cases import dialect
from rulebook.cases.models import Case, ImportRun, Outcome, Source
from rulebook.cases.outcomes import Sql, judged_cases, with_issues
from rulebook.cases.policies import Policy, effective_horizon, primary
from rulebook.cases.runs import living_runs
from rulebook.errors import CannotStart
from rulebook.journal.services import business_verb

KEYS_A_BATCH = 300
CASES_A_BATCH = 2_000
JUDGED_AT_MOST = 10

Beat = Callable[[], None]


@dataclass
class Touched:
    """What an import changed and outcomes follow from: customers, and cases that have none.

    Beyond `LIMIT` it is no use to remember: `everything` is set, and all outcomes of the space are computed.
    """

    LIMIT = 20_000
    customers: set[bytes] = field(default_factory=set)
    cases: set[int] = field(default_factory=set)
    everything: bool = False

    def add(self, case_id: int, customer: bytes | None) -> None:
        if self.everything:
            return
        if customer is None:
            self.cases.add(case_id)
        else:
            self.customers.add(customer)
        if len(self.customers) + len(self.cases) > self.LIMIT:
            self.everything = True
            self.customers, self.cases = set(), set()


def refresh_space(space: str, touched: Touched, beat: Beat) -> None:
    """Recompute the stored outcomes of a space, as far as they were touched.

    Raises CannotStart when other imports of the space come and go so fast that no judgement lasts.
    """
    if touched.everything:
        for _round in range(JUDGED_AT_MOST):
            if _refresh_everything(space, beat):
                return
        raise CannotStart(_("Other imports keep changing the outcomes. What was stored is kept; run this again later."))
    for column, keys in (
        ("c.customer_key", sorted(touched.customers)),
        # A case that had no customer and has one now is judged with the other cases of that customer only.
        ("c.customer_key IS NULL AND c.id", sorted(touched.cases)),
    ):
        for start in range(0, len(keys), KEYS_A_BATCH):
            batch = list(keys[start : start + KEYS_A_BATCH])
            refresh_batch(space=space, only=Sql(f"{column} IN ({', '.join(['%s'] * len(batch))})", batch))
            beat()


def _refresh_everything(space: str, beat: Beat) -> bool:
    """Judge the whole space in one reading statement, then store in the order of the table, in small transactions.

    The customers of a table lie scattered over it: to store by customer writes most pages of it many times over. False
    when an import began or ended, or a policy or horizon changed, between judging and storing: then judge again.
    """
    seen = _standing(space)
    sources = list(Source.objects.filter(space=space).order_by("pk"))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS cases_judged")
        cursor.execute(
            f"CREATE TEMPORARY TABLE cases_judged (id {dialect.big_key()} PRIMARY KEY, outcome varchar(12), "
            "repeated boolean, issue varchar(5))"
        )
        for policy in sorted({primary(source) for source in sources}):
            judged = with_issues(judged_cases(sources, policy), policy)
            cursor.execute(
                f"INSERT INTO cases_judged SELECT o.id, o.outcome, o.repeated, o.issue FROM ({judged.text}) o "
                f"WHERE o.source_id IN ({_listed(sources, policy)}) ORDER BY o.id",
                judged.params,
            )
        beat()
        cursor.execute(
            "SELECT n.id FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS place FROM cases_judged) n "
            f"WHERE (n.place - 1) % {CASES_A_BATCH} = 0 ORDER BY n.id"
        )
        edges = [edge for (edge,) in cursor.fetchall()]
        if dialect.is_postgresql():
            cursor.execute("ANALYZE cases_judged")
    try:
        for low, high in zip(edges, [*edges[1:], 2**63 - 1], strict=False):
            if not store_judged(space=space, seen=seen, low=low, high=high):
                return False
            beat()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE cases_judged")
    return True


Standing = tuple[object, ...]


def _standing(space: str, *, lock: bool = False) -> Standing:
    """What outcomes follow from besides the cases: policies, horizons, and which imports run and how far they are.

    An import that stores cases all the while does no harm: at its end it judges again whatever it touched. That it
    came to its end is seen by the horizon of the run.
    """
    sources = Source.objects.filter(space=space).order_by("pk")
    measured = tuple(
        (source.pk, primary(source), source.retired, source.horizon)
        for source in (sources.select_for_update(no_key=True) if lock else sources)
    )
    runs = ImportRun.objects.filter(source__space=space)
    running = runs.filter(state=ImportRun.State.RUNNING).order_by("pk").values_list("pk", "horizon")
    return measured, tuple(running), runs.aggregate(newest=Max("pk"))["newest"]


def noted_changes(space: str, own_run: int = 0) -> dict[int, int]:
    """{source id: its changes so far}, for the sources of a space that no other living import is changing."""
    runs = living_runs(ImportRun.objects.filter(source__space=space).exclude(pk=own_run))
    busy = {run.source_id for run in runs}
    changes = Source.objects.filter(space=space).exclude(pk__in=busy).values_list("pk", "changes")
    return dict(changes)


@business_verb
def mark_judged(*, noted: dict[int, int]) -> None:
    """All outcomes that follow from the noted changes are stored. Later changes keep their source stale."""
    for source_id, changes in noted.items():
        Source.objects.filter(pk=source_id, judged__lt=changes).update(judged=changes)


@business_verb
def store_judged(*, space: str, seen: Standing, low: int, high: int) -> bool:
    """Store what was judged of the cases numbered low to high - 1; False, and nothing, when it may hold no more."""
    if _standing(space, lock=True) != seen:
        return False
    changed = "cases_judged o JOIN cases_case c ON c.id = o.id"
    # Said of each table by itself: a planner that has to draw the conclusion reads all of it, once a batch.
    among = "{0} >= %s AND {0} < %s".format
    within = f"{among('o.id')} AND {among('c.id')} AND {_differs('c')}"
    month = dialect.month("c.opened_day")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.source_id, 'topic', COALESCE(c.topic_id, 0), {month} FROM {changed} WHERE {within} UNION "
            f"SELECT c.source_id, 'rule', l.rule_id, {month} FROM {changed} JOIN cases_caserule l ON l.case_id = c.id "
            f"WHERE {within} AND {among('l.case_id')}",
            [low, high] * 5,
        )
        months = set(cursor.fetchall())
        cursor.execute(
            "UPDATE cases_case SET outcome = o.outcome, repeated = o.repeated, issue = o.issue FROM cases_judged o "
            f"WHERE o.id = cases_case.id AND {among('o.id')} AND {among('cases_case.id')} AND {_differs('cases_case')}",
            [low, high] * 2,
        )
    mark_dirty(months)  # after the cases, as an import does it: two that wait for each other would be one too many
    return True


def _differs(case: str) -> str:
    return f"({case}.outcome <> o.outcome OR {case}.repeated <> o.repeated OR {case}.issue <> o.issue)"


def _listed(sources: Iterable[Source], policy: Policy) -> str:
    return ", ".join(str(int(source.pk)) for source in sources if primary(source) == policy)


@business_verb
def refresh_batch(*, space: str, only: Sql) -> int:
    """Judge the cases that `only` takes and store what changed; the number of changed outcomes."""
    # Locked in one order by all, and read here: a horizon that moves meanwhile is seen by whoever comes second.
    sources = list(Source.objects.select_for_update(no_key=True).filter(space=space).order_by("pk"))
    changed = 0
    for policy in sorted({primary(source) for source in sources}):
        measured = [source.pk for source in sources if primary(source) == policy]
        changed += _store(with_issues(judged_cases(sources, policy, only), policy), measured)
    return changed


def _store(judged: Sql, source_ids: Sequence[int]) -> int:
    listed = ", ".join(str(int(source_id)) for source_id in source_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases_case SET outcome = o.outcome, repeated = o.repeated, issue = o.issue "
            f"FROM ({judged.text}) o WHERE o.id = cases_case.id AND {_differs('cases_case')} "
            f"AND o.source_id IN ({listed}) "
            "RETURNING cases_case.id, cases_case.source_id, cases_case.topic_id, cases_case.opened_day",
            judged.params,
        )
        rows = cursor.fetchall()
    topics = {(source_id, "topic", topic_id or 0, str(day)[:7]) for case_id, source_id, topic_id, day in rows}
    mark_dirty(topics | _rule_months([row[0] for row in rows]))
    return len(rows)


def _rule_months(case_ids: Sequence[int]) -> set[tuple[int, str, int, str]]:
    found: set[tuple[int, str, int, str]] = set()
    with connection.cursor() as cursor:
        for start in range(0, len(case_ids), 5_000):
            listed = ", ".join(str(int(case_id)) for case_id in case_ids[start : start + 5_000])
            cursor.execute(
                f"SELECT DISTINCT c.source_id, l.rule_id, {dialect.month('c.opened_day')} FROM cases_caserule l "
                f"JOIN cases_case c ON c.id = l.case_id WHERE l.case_id IN ({listed})"
            )
            found.update((source_id, "rule", rule_id, month) for source_id, rule_id, month in cursor.fetchall())
    return found


def lock_cases(case_ids: Iterable[int]) -> None:
    """Lock cases whose links are to change, in one order by all: whoever comes second marks what the first added."""
    ids = sorted(set(case_ids))
    for start in range(0, len(ids), 500):
        some = Case.objects.select_for_update(no_key=True).filter(pk__in=ids[start : start + 500])
        list(some.order_by("pk").values_list("pk", flat=True))


def mark_links_changed(case_ids: Iterable[int]) -> None:
    """Mark what a changed link of these cases changes: the sums of their topics, and of every rule they are linked to.

    Of each other rule too, for a case that two rules blocked counts half for each. Called after a link was added, and
    before one is taken away.
    """
    ids = sorted(set(case_ids))
    months = _rule_months(ids)
    with connection.cursor() as cursor:
        for start in range(0, len(ids), 5_000):
            listed = ", ".join(str(int(case_id)) for case_id in ids[start : start + 5_000])
            cursor.execute(
                f"SELECT DISTINCT source_id, 'topic', COALESCE(topic_id, 0), {dialect.month('opened_day')} "
                f"FROM cases_case WHERE id IN ({listed})"
            )
            months.update(cursor.fetchall())
    mark_dirty(months)


def mark_dirty(months: Iterable[tuple[int, str, int, str]]) -> None:
    """Mark months for the figures; (source id, subject, subject id, YYYY-MM). In the change's own transaction."""
    rows = [(source_id, subject, subject_id, f"{month}-01") for source_id, subject, subject_id, month in sorted(months)]
    if not rows:
        return
    columns = "source_id, subject, subject_id, month"
    # Counted, and thereby locked until the commit: who recomputes the month meanwhile has to see this change.
    counted = f"ON CONFLICT ({columns}) DO UPDATE SET marks = cases_dirtymonth.marks + 1"
    with connection.cursor() as cursor:
        if dialect.is_postgresql():  # hundreds a chunk: one statement takes a fifth of the time of one each
            cursor.execute(
                f"INSERT INTO cases_dirtymonth ({columns}) SELECT * FROM "
                f"unnest(%s::bigint[], %s::text[], %s::bigint[], %s::date[]) AS m ({columns}) ORDER BY {columns} "
                + counted,
                [list(column) for column in zip(*rows, strict=True)],
            )
        else:
            cursor.executemany(f"INSERT INTO cases_dirtymonth ({columns}) VALUES (%s, %s, %s, %s) {counted}", rows)


def add_maturing(space: str, before: datetime | None, touched: Touched) -> None:
    """Touch the cases that may mature when the space's horizon moved on from `before` to where it is now.

    All are touched when it moved back, or when there was none before.
    """
    sources = list(Source.objects.filter(space=space))
    now = effective_horizon(sources)
    if now == before:
        return
    if before is None or now is None or now < before:
        touched.everything = True
        return
    for source in sources:
        # Only what is pending can mature: what was judged before stays as it is when the horizon moves on.
        # A day and more on either side: whatever the time zones and clock changes, a bare date matures within it.
        window = timedelta(days=source.window_days)
        margin = timedelta(days=2)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, customer_key FROM cases_case WHERE source_id = %s AND opened_at >= %s AND opened_at <= %s "
                f"AND outcome = '{Outcome.PENDING}' AND (day_only OR opened_at <= %s)",
                [source.pk, *map(dialect.stamp, (before - window - margin, now - window + margin, now - window))],
            )
            while rows := cursor.fetchmany(5_000):
                for case_id, key in rows:
                    touched.add(case_id, bytes(key) if key is not None else None)
