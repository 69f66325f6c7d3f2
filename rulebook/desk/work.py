"""What `manage.py work` looks after: a list of duties, each of which knows whether it is due.

One process at a time does them, one after the other. A duty that fails does not stop the others: why it failed stands
in its row, and it is tried again later and later. Killed anywhere, the next one goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import F, Max
from django.utils import timezone

from rulebook.access.letters import letters_due, send_letters
from rulebook.cases.models import ImportRun, PendingLink, Source
from rulebook.cases.services import refresh_stale, settle_pending_links
from rulebook.cases.upload_work import run_upload, uploads_to_run
from rulebook.cases.uploads import sweep, sweep_due
from rulebook.catalogue.claims import claims_due, expire_claims
from rulebook.catalogue.models import Alias
from rulebook.desk import lease
from rulebook.desk.merging import move_what_is_left, moves_due
from rulebook.desk.models import Duty
from rulebook.flags.answering import remind, unanswered
from rulebook.flags.holding import releasable_before, release_due, release_held
from rulebook.insight.refreshing import figures_due, refresh_figures
from rulebook.insight.voices import newest_verdicts, refresh_voices, voices_due
from rulebook.jobs import Job, TakenOver, claim, fail, is_alive, let_go, open_jobs, rest, told_of
from rulebook.notices.digest import digests_due, write_digests
from rulebook.review.afterwards import changes_due, count_changes
from rulebook.review.clocks import clocks_due, run_clocks
from rulebook.review.letters import letters_wanted, write_letters
from rulebook.review.sunset import begin_sunsets, sunsets_due
from rulebook.review.trials import look_at_trials, trials_due
from rulebook.review.zombies import count_zombies, ended
from rulebook.votes.tallies import publish_tallies, tallies_due

ROUNDS = 3  # what one duty did may make an earlier one due

Beat = Callable[[], None]


@dataclass(frozen=True)
class Task:
    """A duty's code. `due` is asked every few seconds and looks at no case; `run` gives a line for each thing done."""

    name: str
    due: Callable[[Duty], bool]
    run: Callable[[Duty, Beat], list[str]]


@dataclass(frozen=True)
class Done:
    """One line of what was done, or (`failed`) why not."""

    duty: str
    what: str
    failed: bool = False


def work(stopped: Beat = lambda: None) -> list[Done] | None:
    """Do all that is due; None when another process has the lease.

    `stopped` is called often and may raise to end the work early; what was claimed is then given back.
    """
    turn = lease.take()
    if turn is None:
        return None

    def beat() -> None:
        stopped()
        turn.beat()

    done: list[Done] = []
    try:
        for _round in range(ROUNDS):
            before = len(done)
            for task in TASKS:
                beat()
                done += _attend(task, beat)
            if len(done) == before:
                break
    except TakenOver as lost:
        done.append(Done("lease", str(lost), failed=True))
    finally:
        turn.release()
    return done


def is_due() -> bool:
    """Whether `work` would find something to do. A few short queries, none of them over cases."""
    rows = {duty.name: duty for duty in Duty.objects.all()}
    return any(_is_due(task, rows.get(task.name) or Duty(name=task.name)) for task in TASKS)


def _is_due(task: Task, row: Duty) -> bool:
    return bool(open_jobs([row])) and task.due(row)


def _attend(task: Task, beat: Beat) -> list[Done]:
    row, _created = Duty.objects.get_or_create(name=task.name)
    try:
        if not _is_due(task, row) or not claim(row):
            return []
        lines = task.run(row, beat)
        rest(row, done_at=timezone.now(), seen=row.seen)
    except TakenOver:
        raise
    except Exception as error:
        sentence = told_of(error, f"duty {task.name}")
        if row.state == Job.State.RUNNING:
            fail(row, sentence, standing=True)
        return [Done(task.name, sentence, failed=True)]
    except BaseException:
        if row.state == Job.State.RUNNING:
            let_go(row)
        raise
    return [Done(task.name, line) for line in lines]


def _uploads_due(row: Duty) -> bool:
    return bool(uploads_to_run())


def _run_uploads(row: Duty, beat: Beat) -> list[str]:
    lines = []
    for upload in uploads_to_run():
        beat()
        if said := run_upload(upload, beat):
            lines.append(said)
    return lines


def _links_due(row: Duty) -> bool:
    """Links wait; since the last look a rule got a name, or an import died that would have settled its own."""
    return row.seen != _newest_cause() and PendingLink.objects.exists()


def _settle_links(row: Duty, beat: Beat) -> list[str]:
    newest = _newest_cause()  # before looking: a name that comes meanwhile is looked at once more
    settled = settle_pending_links(by=None)
    row.seen = newest
    return [f"Links that had waited for a rule and now count: {settled}."] if settled else []


def _newest_cause() -> str:
    broken = ImportRun.objects.filter(state__in=(ImportRun.State.DEAD, ImportRun.State.FAILED))
    return " ".join(str(rows.aggregate(newest=Max("pk"))["newest"] or 0) for rows in (Alias.objects, broken))


def _moves_due(row: Duty) -> bool:
    return moves_due()


def _move_what_is_left(row: Duty, beat: Beat) -> list[str]:
    moved = move_what_is_left(beat)
    return [f"Contacts of merged rules that followed to the rules that stay: {moved}."] if moved else []


def _outcomes_due(row: Duty) -> bool:
    """Outcomes are open, and no import is at work that will store them at its end."""
    stale = set(Source.objects.exclude(judged=F("changes")).values_list("pk", flat=True))
    if not stale:
        return False
    runs = ImportRun.objects.filter(source__in=stale, state=ImportRun.State.RUNNING)
    return bool(stale - {run.source_id for run in runs if is_alive(run.host, run.process, run.heartbeat)})


def _refresh_outcomes(row: Duty, beat: Beat) -> list[str]:
    left = refresh_stale()
    waits = f" Of {', '.join(left)} at the end of their import." if left else ""
    return [f"Outcomes of cases computed anew.{waits}"]


def _claims_due(row: Duty) -> bool:
    return claims_due(timezone.localdate())


def _expire_claims(row: Duty, beat: Beat) -> list[str]:
    count = expire_claims(today=timezone.localdate())
    return [f"Laws and contracts that nobody confirmed, now policy: {count}."] if count else []


def _flags_due(row: Duty) -> bool:
    return release_due(releasable_before(timezone.now()))


def _release_flags(row: Duty, beat: Beat) -> list[str]:
    return [f"Anonymous flags released: {release_held(today=releasable_before(timezone.now()))}."]


def _reminders_due(row: Duty) -> bool:
    """Once a day, while anything is left without a reply."""
    return row.seen != str(timezone.localdate()) and unanswered().exists()


def _remind(row: Duty, beat: Beat) -> list[str]:
    today = timezone.localdate()
    written = remind(today=today)
    row.seen = str(today)
    return [f"Letters about flags that wait for a first reply: {written}."] if written else []


def _figures_due(row: Duty) -> bool:
    return figures_due()


def _refresh_figures(row: Duty, beat: Beat) -> list[str]:
    return [f"Figures brought up to date; months counted: {refresh_figures(beat=beat)}."]


def _tallies_due(row: Duty) -> bool:
    return tallies_due(row.seen, timezone.localdate())


def _publish_tallies(row: Duty, beat: Beat) -> list[str]:
    today = timezone.localdate()
    published = publish_tallies(today=today, beat=beat)
    row.seen = str(today)
    return [f"Votes of five people or more published: {published}."] if published else []


def _voices_due(row: Duty) -> bool:
    return voices_due(row.seen, timezone.localdate())


def _refresh_voices(row: Duty, beat: Beat) -> list[str]:
    today = timezone.localdate()
    newest = newest_verdicts(today)  # before looking: what is published meanwhile is looked at once more
    changed = refresh_voices(today, beat)
    row.seen = newest
    return [f"Rules whose flags or votes changed: {changed}."] if changed else []


def _sunsets_due(row: Duty) -> bool:
    return sunsets_due(timezone.localdate())


def _begin_sunsets(row: Duty, beat: Beat) -> list[str]:
    return [f"{review.rule.code}: its review-by date has come." for review in begin_sunsets(timezone.localdate())]


def _trials_due(row: Duty) -> bool:
    return trials_due()


def _look_at_trials(row: Duty, beat: Beat) -> list[str]:
    return look_at_trials(tick=beat)


def _clocks_due(row: Duty) -> bool:
    return clocks_due(timezone.localdate())


def _run_clocks(row: Duty, beat: Beat) -> list[str]:
    return run_clocks(timezone.localdate(), beat)


def _zombies_due(row: Duty) -> bool:
    """Once a day, where any rule was removed."""
    return row.seen != str(timezone.localdate()) and ended().exists()


def _count_zombies(row: Duty, beat: Beat) -> list[str]:
    today = timezone.localdate()
    more = count_zombies(today=today)
    row.seen = str(today)
    return [f"Removed rules that were met again: {more}."] if more else []


def _changes_due(row: Duty) -> bool:
    """Once a day, where a rule was removed or changed of late. Contacts are read then, and on no page."""
    return row.seen != str(timezone.localdate()) and changes_due(timezone.localdate())


def _count_changes(row: Duty, beat: Beat) -> list[str]:
    today = timezone.localdate()
    other = count_changes(today=today, tick=beat)
    row.seen = str(today)
    return [f"Decided rules with newer figures of what changed since: {other}."] if other else []


def _review_letters_due(row: Duty) -> bool:
    return bool(letters_wanted(timezone.localdate()))


def _write_review_letters(row: Duty, beat: Beat) -> list[str]:
    written = write_letters(timezone.localdate())
    return [f"Letters about reviews: {written}."] if written else []


def _digests_due(row: Duty) -> bool:
    return digests_due(row.seen, timezone.localtime())


def _write_digests(row: Duty, beat: Beat) -> list[str]:
    today = timezone.localdate()
    written = write_digests(today)
    row.seen = str(today)
    return [f"Letters about notices to read: {written}."] if written else []


def _letters_due(row: Duty) -> bool:
    return letters_due()


def _send_letters(row: Duty, beat: Beat) -> list[str]:
    sent, not_sent = send_letters(beat)
    failed = f" Not sent: {not_sent}; the list of letters says why." if not_sent else ""
    return [f"Letters sent: {sent}.{failed}"]


def _files_due(row: Duty) -> bool:
    return sweep_due(timezone.now())


def _sweep_files(row: Duty, beat: Beat) -> list[str]:
    return [f"Uploads whose files were removed after their time: {sweep(timezone.now())}."]


# In this order: cases before outcomes, both before the figures that follow from them, and people's voices after those.
# Then what begins, ends or takes effect, and after it the letters that tell of it.
TASKS = (
    Task("uploads", _uploads_due, _run_uploads),
    Task("links", _links_due, _settle_links),
    Task("merged rules", _moves_due, _move_what_is_left),
    Task("outcomes", _outcomes_due, _refresh_outcomes),
    Task("claims", _claims_due, _expire_claims),
    Task("flags", _flags_due, _release_flags),
    Task("reminders", _reminders_due, _remind),
    Task("figures", _figures_due, _refresh_figures),
    Task("tallies", _tallies_due, _publish_tallies),
    Task("voices", _voices_due, _refresh_voices),
    Task("sunsets", _sunsets_due, _begin_sunsets),
    Task("trials", _trials_due, _look_at_trials),
    Task("clocks", _clocks_due, _run_clocks),
    Task("zombies", _zombies_due, _count_zombies),
    Task("changes", _changes_due, _count_changes),
    Task("review letters", _review_letters_due, _write_review_letters),
    Task("digests", _digests_due, _write_digests),
    Task("letters", _letters_due, _send_letters),
    Task("files", _files_due, _sweep_files),
)
