"""Files that somebody uploads: kept for their owner alone, shown without ids, imported in the background, and gone."""

import csv
import os
import stat
import time
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.base import File
from django.utils import timezone
from django.utils.translation import override

from rulebook.cases import upload_work
from rulebook.cases.models import Case, ImportRun, Source, Upload
from rulebook.cases.upload_files import file_of
from rulebook.cases.upload_work import run_upload, uploads_to_run
from rulebook.cases.uploads import (
    Options,
    discard,
    keep_upload,
    preview,
    rejected_file,
    start_import,
    sweep,
    sweep_due,
)
from rulebook.errors import CannotStart, WrongUsage
from rulebook.jobs import BACK_OFF, this_process
from rulebook.journal.models import Event
from tests import make
from tests.test_jobs import NOBODY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_key_ring", "folder")]

ROWS = """external_id,opened_at,customer,agent,topic,channel,notes,rules
1,2026-01-05 09:00,anna@example.org,lars,returns,mail,call 22 33 44 55,R1
2,2026-01-06 09:00,bo,lars,returns,phone,,
3,never,=cmd(),lars,bills for 22334455,mail,,
"""


@pytest.fixture
def folder(tmp_path, settings):
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return settings.UPLOAD_DIR


def file(text, name="tickets.csv"):
    return File(BytesIO(text.encode()), name)


def kept(text=ROWS, name="tickets.csv", by=None, links=None):
    return keep_upload(file=file(text), name=name, by=by, links=links)


def started(text=ROWS, source="shop", by=None, links=None, **options):
    upload = kept(text, by=by, links=links)
    start_import(upload=upload, options=Options(source=source, **options), by=by)
    return upload


def again(upload):
    return Upload.objects.get(pk=upload.pk)


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# Keeping


def test_an_upload_lies_outside_the_web_root_for_its_owner_alone_under_a_random_name(folder, manager):
    upload = kept(name="C:\\anna\\tickets.csv", by=manager)
    (place,) = folder.iterdir()
    assert len(place.name) == 32 and place.name == upload.folder != upload.token
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    (path,) = place.iterdir()
    assert path.name == upload.file_name == "tickets.csv" and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == ROWS and upload.size == len(ROWS)
    assert (upload.state, upload.created_by) == ("draft", manager)
    assert len(upload.token) >= 30 and upload.token != kept().token
    assert not sweep_due(timezone.now())


def test_a_file_is_written_in_pieces_and_one_that_breaks_off_leaves_nothing_behind(folder):
    class Broken:
        name = "tickets.csv"

        def chunks(self, chunk_size=None):
            yield b"external_id,opened_at\n"
            assert len(files(folder)) == 1
            raise OSError(28, "No space left on device")

    with pytest.raises(CannotStart, match=r"No space left on device\). Nothing of it was kept"):
        keep_upload(file=Broken(), name="tickets.csv", by=None)
    assert files(folder) == [] and list(folder.iterdir()) == [] and not Upload.objects.exists()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("<b>æøå</b>.csv", "b_.csv"),
        ("sager æøå (1).csv.gz", "sager æøå (1).csv.gz"),
        (".rejected.csv", "rejected.csv"),
        ("", "cases.csv"),
        ("\0\n", "_"),
        ("å" * 300 + ".xlsx", "å" * 77 + ".xlsx"),
    ],
)
def test_a_name_is_shown_as_it_was_but_for_what_could_do_harm(name, shown, folder):
    assert kept(name=name).file_name == shown
    assert files(folder) == [shown]


# Looking


def test_the_first_rows_are_shown_without_anything_that_tells_who_somebody_is():
    seen = preview(kept())
    assert seen.problem == "" and seen.preset == "generic"
    assert seen.sentence.startswith("Read as generic: external_id from 'external_id'")
    assert seen.fields["customer"] == "customer" and "notes" in seen.unused
    assert seen.headers == ["external_id", "opened_at", "customer", "agent", "topic", "channel", "notes", "rules"]
    hidden = "(hidden)"
    assert seen.rows == [
        [hidden, "2026-01-05 09:00", hidden, hidden, "returns", "mail", hidden, "R1"],
        [hidden, "2026-01-06 09:00", hidden, hidden, "returns", "phone", "", ""],
        [hidden, "never", hidden, hidden, hidden, "mail", "", ""],
    ]
    for secret in ("anna", "lars", "2233", "22 33", "cmd"):
        assert secret not in str(seen)


def test_a_column_that_is_read_as_somebodys_id_too_is_hidden():
    seen = preview(kept(), overrides={"channel": "customer"})
    assert "anna" not in str(seen) and seen.fields["channel"] == "customer"


def test_twenty_rows_are_shown_at_most():
    text = "external_id,opened_at\n" + "".join(f"{number},2026-01-05\n" for number in range(50))
    assert len(preview(kept(text)).rows) == 20


@pytest.mark.parametrize(
    ("text", "problem", "columns"),
    [
        ("number,opened\n1,2026-01-05\n", "no column for external_id and opened_at", ["number", "opened"]),
        ("1,2026-01-05,anna@example.org\n2,2026-01-05,bo\n", "line 1 looks like a row", []),
        ("", "empty", []),
        ("PK\x03\x04", "", []),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence_with_the_columns_to_choose_from(text, problem, columns):
    seen = preview(kept(text))
    assert problem in seen.problem and seen.problem and seen.columns == columns and seen.rows == []
    assert "anna" not in str(seen)


def test_a_preview_of_the_same_file_with_columns_named_by_hand_can_be_read():
    upload = kept("number,opened\n1,2026-01-05\n")
    assert preview(upload, overrides={"external_id": "number", "opened_at": "opened"}).problem == ""


def test_a_file_of_links_that_holds_none_is_refused_before_anything_is_stored():
    assert "links.csv" in preview(kept(links=file("a,b\n1,2\n", "links.csv"))).problem


# Importing


def test_an_import_tells_its_counts_and_keeps_the_rejected_rows_for_their_owner_alone(manager):
    make.rule(code="R1")
    upload = started(by=manager, time_zone="Europe/Oslo", links=file("case,rule,effect\n2,R1,blocked\n", "tickets.csv"))
    assert upload.state == "waiting" and uploads_to_run() == [upload]
    assert upload.links_name == "links-tickets.csv"
    assert run_upload(upload) == "Imported tickets.csv: 3 rows read, 1 rejected."
    stored = again(upload)
    assert (stored.state, stored.rows_total, stored.rows_done, stored.rejected) == ("done", 3, 3, 1)
    assert stored.report["counts"]["created"] == 2 and stored.report["links"]["added"] == 1
    assert stored.report["horizon"].startswith("2026-01-06") and any(
        "Read as" in said for said in stored.report["told"]
    )
    assert Case.objects.count() == 2 and Source.objects.get().time_zone == "Europe/Oslo"
    path = rejected_file(stored)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (row,) = csv.DictReader(path.open())
    assert (row["line"], row["column"]) == ("4", "opened_at") and "=cmd()" in row["row"]
    assert "anna" not in str(vars(stored)) and "cmd" not in str(vars(stored))
    (event,) = Event.objects.filter(verb="imported")
    assert event.actor
    assert stored.gone_at == upload.gone_at, "its day counts from when it came"
    assert uploads_to_run() == [] and run_upload(stored) == ""


def test_a_report_and_its_rejected_rows_are_in_the_language_of_whom_they_are_for():
    rows = ROWS.replace("2026-01-06", "2099-01-06").replace("R1", "R1;R2")
    with override("da"):
        upload = started(rows, language="da")
    run_upload(upload)  # by a process whose own language is English
    upload = again(upload)
    rejected = rejected_file(upload).read_text("utf-8-sig")
    assert "Henvendelsen begynder i fremtiden." in rejected and "der kan læses med sikkerhed" in rejected
    assert "tickets.csv, linje 2, kolonne rules: 2 koblinger nævner regler" in upload.report["warnings"][0]


def test_a_formula_in_a_rejected_row_is_not_run_by_a_spreadsheet():
    upload = started("external_id,opened_at\n=1+1,never\n")
    run_upload(upload)
    (row,) = csv.DictReader(rejected_file(again(upload)).open())
    assert row["row"].startswith("'=1+1")


def test_an_import_is_started_once():
    upload = started()
    with pytest.raises(CannotStart, match="being imported already"):
        start_import(upload=upload, options=Options(source="shop"), by=None)
    with pytest.raises(WrongUsage, match="1 to 100 characters"):
        start_import(upload=kept(), options=Options(source="  "), by=None)


def test_what_a_person_has_to_mend_is_not_tried_again_and_can_be_started_anew_with_other_options():
    upload = started(complete_until="soon")
    said = run_upload(upload)
    stored = again(upload)
    assert stored.state == "failed" and "cannot be read" in stored.last_error and stored.ended_at
    assert "cannot go on" in said and uploads_to_run() == []
    start_import(upload=stored, options=Options(source="shop"), by=None)
    assert stored.last_error == "" and "Imported" in run_upload(stored)


def test_an_error_that_nobody_foresaw_is_tried_again_and_given_up_in_the_end(monkeypatch):
    def fall_over(*args):
        raise RuntimeError("anna@example.org")

    monkeypatch.setattr(upload_work, "import_cases", fall_over)
    upload = started()
    for attempt in range(len(BACK_OFF) + 1):
        assert "RuntimeError" in run_upload(again(upload)), attempt
        stored = again(upload)
        assert stored.state == ("waiting" if attempt < len(BACK_OFF) else "failed")
        assert "anna" not in stored.last_error and uploads_to_run() == []
        Upload.objects.filter(pk=upload.pk).update(next_attempt=timezone.now())
    assert stored.ended_at


def test_an_import_that_is_told_to_stop_gives_its_upload_back(monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    upload = started()
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(upload_work, "import_cases", interrupted)
        run_upload(again(upload))
    stored = again(upload)
    assert (stored.state, stored.attempts) == ("waiting", 0) and "Imported" in run_upload(stored)


def test_an_upload_whose_process_died_is_run_again_from_its_start_and_not_for_ever():
    upload = started()
    place = file_of(upload)
    came = place.read_bytes()
    run_upload(upload)
    place.write_bytes(came)  # it died before its file was removed
    died = {"state": "running", "host": this_process()[0], "process": NOBODY, "heartbeat": timezone.now()}
    Upload.objects.filter(pk=upload.pk).update(**died, attempts=1)
    assert "Imported" in run_upload(again(upload))
    assert again(upload).report["counts"]["unchanged"] == 2 and Case.objects.count() == 2
    place.write_bytes(came)
    Upload.objects.filter(pk=upload.pk).update(**died, attempts=len(BACK_OFF) + 1)
    assert "never ended" in run_upload(again(upload)) and again(upload).state == "failed"


def test_progress_is_noted_at_most_once_a_second(monkeypatch):
    upload = started("external_id,opened_at\n" + "".join(f"{n},2026-01-05\n" for n in range(2_000)))
    noted = []
    real = upload_work.beat
    monkeypatch.setattr(upload_work, "beat", lambda job, **values: (noted.append(values), real(job, **values)))
    run_upload(upload)
    assert len([values for values in noted if "rows_done" in values]) <= 2
    monkeypatch.setattr(upload_work, "TOLD_EVERY", 0.0)
    noted.clear()
    second = started("external_id,opened_at\n" + "".join(f"{n},2026-01-05\n" for n in range(2_000)))
    run_upload(second)
    assert [values["rows_done"] for values in noted if "rows_done" in values] == [0, 500, 1000, 1500, 2000, 2000]


def test_an_upload_waits_while_its_source_is_imported_from_elsewhere():
    upload = started()
    source = make.source("shop")
    host, process = this_process()
    now = timezone.now()
    run = ImportRun.objects.create(source=source, started_at=now, heartbeat=now, host=host, process=process)
    assert uploads_to_run() == []
    other = started(source="other")
    assert uploads_to_run() == [other]
    ImportRun.objects.filter(pk=run.pk).update(process=NOBODY)
    assert uploads_to_run() == [upload, other]


def test_a_file_on_another_machine_is_left_to_that_one_and_missed_after_a_while(folder):
    upload = started()
    folder.rename(folder.with_name("elsewhere"))
    assert uploads_to_run() == []
    Upload.objects.update(next_attempt=timezone.now() - upload_work.MISSED_AFTER)
    (missed,) = uploads_to_run()
    run_upload(missed)
    assert again(upload).last_error == "The file is no longer here. Upload it again."


# Going


def test_a_file_goes_once_it_is_imported_and_its_rejected_rows_24_hours_after_it_came(folder):
    upload = started()
    run_upload(upload)
    assert files(folder) == [".rejected.csv"]
    came = again(upload).created_at
    early, late = came + timedelta(hours=23, minutes=59), came + timedelta(hours=24, seconds=1)
    assert not sweep_due(early) and sweep(early) == 0
    assert sweep_due(late) and sweep(late) == 1 and not sweep_due(late)
    stored = again(upload)
    assert list(folder.iterdir()) == [] and stored.folder == "" and rejected_file(stored) is None
    assert stored.report["counts"]["read"] == 3
    with pytest.raises(CannotStart, match="no longer kept"):
        start_import(upload=stored, options=Options(source="shop"), by=None)


def test_to_start_to_fail_or_to_try_again_does_not_keep_a_file_for_longer():
    upload = started(complete_until="soon")
    run_upload(upload)
    failed = again(upload)
    assert failed.state == "failed" and failed.gone_at == upload.gone_at
    start_import(upload=failed, options=Options(source="shop"), by=None)
    assert again(upload).gone_at == upload.gone_at
    Upload.objects.filter(pk=upload.pk).update(state="failed", gone_at=timezone.now())
    with pytest.raises(CannotStart, match="no longer kept"):
        start_import(upload=again(upload), options=Options(source="shop"), by=None)


def test_a_draft_that_nobody_started_goes_with_its_row_and_what_waits_is_left(folder):
    draft, waiting = kept(), started()
    late = timezone.now() + timedelta(hours=25)
    assert sweep(late) == 1
    assert not Upload.objects.filter(pk=draft.pk).exists() and again(waiting).folder
    assert files(folder) == ["tickets.csv"]


def test_files_of_an_upload_that_died_on_its_way_are_swept_after_an_hour(folder):
    mine = kept()
    left = folder / ("0" * 32)
    left.mkdir()
    (left / "tickets.csv").write_text("1,anna")
    half = folder / "tmp1234.upload.csv"  # what Django writes while a large file comes in
    half.write_text("1,anna")
    assert not sweep_due(timezone.now())
    for path in (left, half, folder / mine.folder):
        os.utime(path, (time.time() - 3_700,) * 2)
    assert sweep_due(timezone.now()) and sweep(timezone.now()) == 2
    assert [path.name for path in folder.iterdir()] == [mine.folder]


def test_discarding_removes_the_files_at_once_and_a_draft_with_its_row(folder):
    draft, imported = kept(), started()
    run_upload(imported)
    for upload in (draft, imported):
        discard(upload=upload, by=None)
    assert list(folder.iterdir()) == [] and list(Upload.objects.values_list("state", "folder")) == [("done", "")]
    discard(upload=draft, by=None)  # twice does no harm


def test_what_runs_cannot_be_discarded():
    upload = started()
    Upload.objects.update(state="running")
    with pytest.raises(CannotStart, match="Wait until that has ended"):
        discard(upload=upload, by=None)
    assert Path(upload.folder).name and again(upload).folder


def test_large_uploads_come_in_where_they_are_swept(settings):
    assert Path(settings.FILE_UPLOAD_TEMP_DIR).name == "uploads"
