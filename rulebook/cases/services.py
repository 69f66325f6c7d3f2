"""What can be done with cases, links and sources. Commands, admin and API call these."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from rulebook.access.rights import refuse_without
from rulebook.cases.dialect import leave_room
from rulebook.cases.models import Case, CaseRule, ImportRun, Origin, PendingLink, Source
from rulebook.cases.parsing import ParsedCase
from rulebook.cases.policies import effective_horizon
from rulebook.cases.queries import cases_numbered
from rulebook.cases.refreshing import (
    Touched,
    add_maturing,
    lock_cases,
    mark_judged,
    mark_links_changed,
    noted_changes,
    refresh_space,
)
from rulebook.cases.runs import beat
from rulebook.cases.storing import Stored, store_chunk
from rulebook.catalogue.queries import rule_ids_by_name
from rulebook.journal.services import Acting, business_verb, record

SETTLED_A_BATCH = 2_000


@business_verb
def source_named(*, name: str, time_zone: str, space: str) -> Source:
    """The source of that name, made by its first import, which fixes its time zone and customer space.

    Writes no event of its own: an import is one event, at its end.
    """
    return Source.objects.get_or_create(name=name, defaults={"time_zone": time_zone, "space": space})[0]


@business_verb
def store_cases(*, run: ImportRun, rows: Sequence[ParsedCase], effect: str, touched: Touched) -> Stored:
    """Store one chunk of an import. External ids in it must be distinct."""
    beat(run=run)
    return store_chunk(run.source_id, rows, effect, touched, dry=False)


@dataclass(frozen=True)
class Counts:
    """read = created + updated + unchanged + replaced + excluded + rejected; warnings stand beside them."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    replaced: int = 0
    excluded: int = 0
    rejected: int = 0
    warnings: int = 0


def finish_run(*, run: ImportRun, counts: Counts, latest: datetime | None, touched: Touched, by: Acting | None) -> None:
    """Move the horizon, store the outcomes that follow, and write the run's one event.

    The horizon moves first and the source stays stale meanwhile: killed in between, the next import of the space
    computes every outcome anew.
    """
    space = run.source.space
    before = effective_horizon(Source.objects.filter(space=space))
    _move_horizon(run=run, latest=latest)
    add_maturing(space, before, touched)

    def between() -> None:
        beat(run=run)
        leave_room()

    while True:
        noted = noted_changes(space, run.pk)
        if noted[run.source_id] != run.source.changes:
            touched.everything = True  # it is measured otherwise since this import began
        refresh_space(space, touched, between)
        settled = noted if touched.everything else {run.source_id: noted[run.source_id]}
        if _end_run(run=run, counts=counts, settled=settled, by=by):
            return


@business_verb
def _move_horizon(*, run: ImportRun, latest: datetime | None) -> None:
    beat(run=run)
    source = Source.objects.select_for_update(no_key=True).get(pk=run.source_id)
    run.horizon = run.complete_until or latest
    run.save(update_fields=["horizon"])
    if run.horizon is not None and (source.horizon is None or run.horizon > source.horizon):
        source.horizon = run.horizon
        source.save(update_fields=["horizon"])


@business_verb
def _end_run(*, run: ImportRun, counts: Counts, settled: dict[int, int], by: Acting | None) -> bool:
    """Call the run finished and what was settled judged; False, and nothing, when its source has changed since."""
    beat(run=run)
    if Source.objects.select_for_update(no_key=True).get(pk=run.source_id).changes != settled[run.source_id]:
        return False
    run.state = ImportRun.State.FINISHED
    run.finished_at = run.heartbeat = timezone.now()
    run.rows_read = counts.read
    for name in ("created", "updated", "unchanged", "replaced", "excluded", "rejected", "warnings"):
        setattr(run, name, getattr(counts, name))
    run.save()
    mark_judged(noted=settled)
    record("imported", "source", run.source.name, after=f"run {run.pk}", by=by)
    return True


@business_verb
def set_policy(*, source: Source, method: str, window_days: int, key: str, by: Acting | None) -> bool:
    """Set a source's primary policy; True when it changed. Its outcomes must then be refreshed (`refresh_all`).

    Raises NotAllowed without the right to change sources.
    """
    refuse_without(by, "cases.change_source")
    source = Source.objects.select_for_update(no_key=True).get(pk=source.pk)
    before = f"{source.method} {source.window_days} {source.key}"
    source.method, source.window_days, source.key = method, window_days, key
    after = f"{source.method} {source.window_days} {source.key}"
    if before == after:
        return False
    source.changes += 1
    source.save(update_fields=["method", "window_days", "key", "changes"])
    record("policy_set", "source", source.name, before=before, after=after, by=by)
    return True


@business_verb
def set_retired(*, source: Source, retired: bool, by: Acting | None) -> bool:
    """Say that a source sends no more cases, or does again; True when that changed (then `refresh_all`).

    A retired source holds back the horizon of no other source in its space. Raises NotAllowed as `set_policy` does.
    """
    refuse_without(by, "cases.change_source")
    source = Source.objects.select_for_update(no_key=True).get(pk=source.pk)
    if source.retired == retired:
        return False
    source.retired = retired
    source.changes += 1
    source.save(update_fields=["retired", "changes"])
    record("retired" if retired else "revived", "source", source.name, by=by)
    return True


@business_verb
def delete_cases(*, source: Source, external_ids: Sequence[str], by: Acting | None) -> int:
    """Delete cases that should never have come, with their links; how many. Outcomes must then be refreshed.

    A case that came back because of one of them is judged anew, so every outcome of the space is open until then.
    """
    source = Source.objects.select_for_update(no_key=True).get(pk=source.pk)
    doomed = Case.objects.filter(source=source, external_id__in=external_ids)
    ids = list(doomed.values_list("pk", flat=True))
    if not ids:
        return 0
    mark_links_changed(ids)
    CaseRule.objects.filter(case__in=ids).delete()
    doomed.delete()
    source.changes += 1
    source.save(update_fields=["changes"])
    record("cases_deleted", "source", source.name, after=str(len(ids)), by=by)
    return len(ids)


def refresh_all(*, source: Source) -> bool:
    """Compute every outcome of the source's space, in small transactions; True when the source is fresh then.

    It is not while an import of it runs, whose end computes them all.
    """
    noted = noted_changes(source.space)
    if source.pk in noted:
        refresh_space(source.space, Touched(everything=True), lambda: None)
        mark_judged(noted=noted)
    return not Source.objects.get(pk=source.pk).stale


def refresh_stale() -> list[str]:
    """Compute the outcomes that an import or a new policy left open; the names of sources that are being imported."""
    left = []
    for source in Source.objects.order_by("name"):
        source.refresh_from_db()  # fresh perhaps by now: the sources of a space are computed together
        if source.stale and not refresh_all(source=source):
            left.append(source.name)
    return left


def settle_pending_links(*, by: Acting | None) -> int:
    """Turn links whose case and rule have both arrived into links of the case; how many. In small transactions."""
    settled, last = _settle_flagged(), 0
    while True:
        batch, last = _settle_some(after=last)
        settled += batch
        if not last:
            return settled
        leave_room()


# (number of the waiting link, case, rule, effect, origin)
Arrived = tuple[int, int, int, str, str]


@business_verb
def _settle_some(*, after: int) -> tuple[int, int]:
    """(how many were settled, the highest waiting number seen; 0 when there is none left)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.id, c.id, a.rule_id, p.effect, p.origin FROM cases_pendinglink p "
            "JOIN catalogue_alias a ON a.name = p.rule_name "
            # What names a proposed rule waits until it enters: it has no figures before.
            "JOIN catalogue_rule r ON r.id = a.rule_id AND r.status <> 'proposed' "
            "JOIN cases_case c ON c.source_id = p.source_id AND c.external_id = p.external_id "
            f"WHERE p.id > %s ORDER BY p.id LIMIT {SETTLED_A_BATCH}",
            [after],
        )
        rows = cursor.fetchall()
    _settle(rows)
    return len(rows), rows[-1][0] if rows else 0


@business_verb
def _settle_flagged() -> int:
    """Settle the links of flags that name a case and not its source, where one source alone has a case so numbered."""
    waiting = list(PendingLink.objects.filter(source=None).order_by("pk"))
    if not waiting:
        return 0
    rules = rule_ids_by_name({link.rule_name for link in waiting})
    cases = cases_numbered({link.external_id for link in waiting if link.rule_name in rules})
    rows = [
        (link.pk, cases[link.external_id][0].pk, rules[link.rule_name], link.effect, link.origin)
        for link in waiting
        if link.rule_name in rules and len(cases.get(link.external_id, ())) == 1
    ]
    _settle(rows)
    return len(rows)


def _settle(rows: Sequence[Arrived]) -> None:
    if not rows:
        return
    lock_cases(row[1] for row in rows)
    # Of the source's own links of a case and rule the one that came last says the effect, as in `link`.
    said = {
        (case, rule, origin, "" if origin == Origin.SOURCE else effect): effect
        for _, case, rule, effect, origin in rows
    }
    with connection.cursor() as cursor:
        cursor.executemany(
            "DELETE FROM cases_caserule WHERE case_id = %s AND rule_id = %s AND origin = %s AND effect <> %s",
            [(*key[:3], effect) for key, effect in said.items() if key[2] == Origin.SOURCE],
        )
        CaseRule.objects.bulk_create(
            [CaseRule(case_id=key[0], rule_id=key[1], effect=effect, origin=key[2]) for key, effect in said.items()],
            ignore_conflicts=True,
        )
        cursor.execute(f"DELETE FROM cases_pendinglink WHERE id IN ({', '.join(str(int(row[0])) for row in rows)})")
    mark_links_changed(case_id for _, case_id, _, _, _ in rows)
