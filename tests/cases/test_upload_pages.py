"""A file comes in through the browser: chosen, looked at, imported in the background, reported. Ids stay hidden."""

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from rulebook.cases.models import Case, CaseRule, Source, Upload
from rulebook.cases.upload_work import run_upload
from rulebook.cases.uploads import sweep
from rulebook.jobs import this_process
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_key_ring", "own_uploads")]

ADD = "admin:cases_upload_add"
ZENDESK = "id,created_at,requester_id,via_channel,status,group"
ROWS = [
    "Z-1,2026-01-05T10:00:00Z,5550001,email,solved,Support",
    "Z-2,2026-01-06T10:00:00Z,5550002,chat,deleted,Support",
    "Z-3,2026-01-07T10:00:00Z,anna@example.org,email,solved,Support",
]


@pytest.fixture
def own_uploads(settings, tmp_path):
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.UPLOAD_DIR.mkdir()


@pytest.fixture
def imports(client, manager):
    client.force_login(manager)
    return client


def csv(header=ZENDESK, *rows, name="tickets.csv"):
    return SimpleUploadedFile(name, "\n".join([header, *(rows or ROWS)]).encode() + b"\n")


def bring(client, file=None, **more):
    """The upload that the first page made; the page itself where it refused the file."""
    answer = client.post(reverse(ADD), {"file": file or csv(), **more})
    return Upload.objects.latest("pk") if answer.status_code == 302 else answer


def at(upload, page="progress"):
    return reverse(f"admin:cases_upload_{page}", args=[upload.token])


def said(client, upload, page="progress"):
    return client.get(at(upload, page)).content.decode()


def as_shown(client, upload, **changed):
    """What the form of the second page sends when nothing but these is touched."""
    form = client.get(at(upload, "check")).context["form"]
    given = {bound.name: bound.value() if bound.value() is not None else "" for bound in form}
    return {**given, "source": "desk", **changed}


def start(client, upload, **changed):
    answer = client.post(at(upload, "check"), as_shown(client, upload, **changed))
    upload.refresh_from_db()
    return answer


def imported(client, file=None, **changed):
    upload = bring(client, file)
    start(client, upload, **changed)
    run_upload(upload)
    upload.refresh_from_db()
    return upload


def test_a_file_goes_from_the_first_page_to_its_report(imports, manager):
    upload = bring(imports)
    assert (upload.state, upload.created_by) == ("draft", manager)
    assert "This is a file of Zendesk." in said(imports, upload, "check")
    answer = start(imports, upload)
    assert (answer.status_code, answer.url) == (302, at(upload))
    assert "Waits for its turn." in said(imports, upload)
    run_upload(upload)
    text = said(imports, upload)
    assert "tickets.csv is in desk" in text
    assert "3 rows: 2 new, 1 kept out of the figures." in text
    assert "The data of desk is complete to" in text and "See what the rules cost" in text
    assert Case.objects.count() == 3


def test_the_first_rows_are_shown_without_ids(imports):
    upload = bring(imports)
    text = said(imports, upload, "check")
    headers = imports.get(at(upload, "check")).context["headers"]
    assert ("status", "says what counts") in headers and ("via_channel", "Channel") in headers
    assert "email" in text and "2026-01-05T10:00:00Z" in text and "Import 3 rows" in text
    for id_or_name in ("Z-1", "5550001", "anna@example.org"):
        assert id_or_name not in text


def test_the_recognised_columns_are_chosen_already(imports):
    form = imports.get(at(bring(imports), "check")).context["form"]
    assert {name: form[f"map_{name}"].value() for name in ("external_id", "customer", "topic", "team")} == {
        "external_id": "id", "customer": "requester_id", "topic": "", "team": "group",
    }  # fmt: skip
    assert form["source"].value() == "zendesk", "the first source is named for its help desk"
    make.source("phone")
    form = imports.get(at(Upload.objects.get(), "check")).context["form"]
    assert form["source"].value() is None, "one click would mix the cases of two systems"


def test_a_column_chosen_by_hand_is_read_and_one_taken_away_is_not(imports):
    upload = imported(imports, map_topic="via_channel", map_team="")
    assert upload.options["overrides"] == {"topic": "via_channel", "team": None}
    assert set(Case.objects.values_list("topic__path", "team")) == {("email", None), ("chat", None)}


def test_a_column_of_people_or_ids_stays_hidden_whatever_is_read_from_it(imports):
    upload = bring(imports, csv("case,opened_at,customer,phone", "1,2026-01-05 09:00,cust-anna,22334455"))
    mapped = {"map_external_id": "case", "map_customer": "", "look": "1"}
    for changed in ({"map_topic": "customer"}, {"map_declared": "customer"}, {"map_closed_at": "phone"}):
        answer = imports.post(at(upload, "check"), as_shown(imports, upload, **mapped, **changed))
        assert "customer" not in answer.context["seen"].fields, "it was said to be not in the file"
        rows = str(answer.context["seen"].rows)
        assert "2026-01-05 09:00" in rows and "cust-anna" not in rows and "22334455" not in rows


def test_what_a_link_means_is_asked_in_plain_sight_where_rules_are_named(imports):
    text = said(imports, bring(imports, csv("case,opened_at,rules", "1,2026-01-05 09:00,R1")), "check")
    before_more = text.partition("Other columns")[0]
    assert "The rule was in play" in before_more and "The rule kept the agent from solving it" in before_more
    assert "Only rules that kept the agent from solving get a price." in before_more


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\2\0", b"\0\1\xff\xfejunk" * 20])
def test_what_is_no_table_is_refused_without_its_bytes(imports, content):
    answer = imports.post(reverse(ADD), {"file": SimpleUploadedFile("foto.png", content)})
    text = answer.content.decode()
    assert answer.status_code == 422 and "foto.png is no table" in text and "IHDR" not in text and "junk" not in text
    assert not Upload.objects.exists()


def test_nobody_is_told_to_start_work_while_an_import_runs(imports, settings):
    settings.WORKER = "off"
    upload = bring(imports)
    start(imports, upload)
    assert "manage.py work" in said(imports, upload)
    host, process = this_process()
    Upload.objects.update(state="running", host=host, process=process, heartbeat=timezone.now())
    assert "manage.py work" not in said(imports, upload)


def test_to_look_again_starts_nothing(imports):
    upload = bring(imports)
    answer = imports.post(at(upload, "check"), as_shown(imports, upload, map_customer="", look="1"))
    assert answer.status_code == 200 and ("requester_id", "") in answer.context["headers"]
    upload.refresh_from_db()
    assert upload.state == "draft"


def test_a_file_of_an_unknown_help_desk_asks_for_its_columns(imports):
    upload = bring(imports, csv("nr,when,who", "1,2026-01-05,a", "2,2026-01-06,a"))
    text = said(imports, upload, "check")
    assert "This is no file of a help desk we know." in text and "--map" not in text
    answer = start(imports, upload)
    assert answer.status_code == 422 and "map_external_id" in answer.context["form"].errors
    start(imports, upload, map_external_id="nr", map_opened_at="when", map_customer="who")
    run_upload(upload)
    assert Case.objects.count() == 2 and Upload.objects.get().state == "done"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.pdf", b"%PDF-1.7 and so on", "is a PDF"),
        ("empty.csv", b"", "empty"),
        ("values.csv", b"1,2026-01-05,anna@example.org\n2,2026-01-06,b@example.org\n", "line 1 looks like a row"),
    ],
)
def test_what_cannot_be_read_is_refused_on_the_first_page_and_not_kept(imports, settings, name, content, sentence):
    answer = bring(imports, SimpleUploadedFile(name, content))
    assert answer.status_code == 422 and sentence in answer.content.decode()
    assert "anna@example.org" not in answer.content.decode()
    assert not Upload.objects.exists() and not list(settings.UPLOAD_DIR.iterdir())


def test_no_file_is_said_at_the_field(imports):
    answer = imports.post(reverse(ADD), {})
    assert answer.status_code == 422 and "Choose the file with the cases." in answer.content.decode()


def test_a_file_of_links_comes_along(imports):
    make.rule(code="R1")
    links = csv("case,rule,effect", "Z-1,R1,blocked", "Z-9,R1,blocked", name="links.csv")
    upload = bring(imports, links=links)
    start(imports, upload)
    run_upload(upload)
    text = said(imports, upload)
    assert "2 links: 1 new, 1 waiting" in text and "1 link waits for its rule or its case." in text
    assert CaseRule.objects.get().effect == "blocked"


def test_a_file_of_links_without_its_columns_is_refused_at_its_field(imports):
    answer = bring(imports, links=csv("case,what", "Z-1,blocked", name="links.csv"))
    assert answer.status_code == 422 and list(answer.context["form"].errors) == ["links"]
    assert "is not a list of links" in answer.content.decode() and not Upload.objects.exists()


def test_sent_twice_it_is_imported_once(imports):
    upload = bring(imports)
    given = as_shown(imports, upload)
    first = imports.post(at(upload, "check"), given)
    second = imports.post(at(upload, "check"), given)
    assert first.url == second.url == at(upload)
    run_upload(Upload.objects.get())
    assert imports.post(at(upload, "check"), given).url == at(upload)
    assert Case.objects.count() == 3 and Source.objects.get().runs.count() == 1


def test_time_zone_and_space_of_a_known_source_stand_fast(imports):
    make.source("desk", time_zone="Asia/Tokyo", space="all")
    upload = bring(imports)
    text = said(imports, upload, "check")
    assert "Times without an offset are Asia/Tokyo" in text and "fixed it" in text
    start(imports, upload, time_zone="Europe/Oslo", space="other")
    run_upload(upload)
    assert (Source.objects.get().time_zone, Source.objects.get().space) == ("Asia/Tokyo", "all")
    assert Upload.objects.get().state == "done"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"source": " "}, "source"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"complete_until": "2999-01-01"}, "complete_until"),
        ({"map_opened_at": "nowhere"}, "map_opened_at"),
    ],
)
def test_what_cannot_mean_anything_is_said_at_its_field(imports, given, field):
    upload = bring(imports)
    answer = start(imports, upload, **given)
    assert answer.status_code == 422 and field in answer.context["form"].errors
    assert upload.state == "draft"


def test_rejected_rows_can_be_fetched_for_a_day_and_hold_what_was_written(imports):
    upload = imported(imports, csv(ZENDESK, *ROWS, "Z-4,never,5550009,email,solved,Support"))
    assert "Download 1 rejected row" in said(imports, upload) and "5550009" not in said(imports, upload)
    answer = imports.get(at(upload, "rejected"))
    content = b"".join(answer.streaming_content).decode()
    assert "5550009" in content and answer["Content-Disposition"] == 'attachment; filename="rejected-tickets.csv"'
    assert "no-store" in answer["Cache-Control"]
    sweep(timezone.now() + timedelta(hours=25))
    text = said(imports, upload)
    assert "24 hours after the file came, and are gone" in text and "3 rows" not in text and "4 rows: 2 new" in text
    gone = imports.get(at(upload, "rejected"))
    assert gone.status_code == 404 and "24 hours after they came" in gone.content.decode()


def test_after_a_day_nothing_is_given_out_though_no_work_has_swept_yet(imports):
    upload, draft = imported(imports, csv(ZENDESK, *ROWS, "Z-4,never,555,email,solved,Support")), bring(imports)
    Upload.objects.update(gone_at=timezone.now())
    assert imports.get(at(upload, "rejected")).status_code == imports.get(at(draft, "check")).status_code == 404
    Upload.objects.filter(pk=upload.pk).update(state="failed")
    assert imports.post(at(upload, "again")).status_code == 404


def test_a_draft_that_nobody_started_is_gone_after_a_day(imports):
    upload = bring(imports)
    sweep(timezone.now() + timedelta(hours=25))
    for page in ("check", "progress", "rejected"):
        answer = imports.get(at(upload, page))
        assert answer.status_code == 404 and "no longer here" in answer.content.decode()
    assert imports.get(reverse("admin:cases_upload_progress", args=["guessed"])).status_code == 404


def test_the_wrong_file_is_thrown_away(imports, settings):
    upload = bring(imports)
    assert imports.post(at(upload, "discard")).url == reverse(ADD)
    assert not Upload.objects.exists() and not list(settings.UPLOAD_DIR.iterdir())
    assert imports.post(at(upload, "discard")).status_code == 302


def test_progress_is_told_while_it_runs(imports):
    upload = bring(imports)
    start(imports, upload)
    now = timezone.now()
    Upload.objects.update(
        state="running", host="elsewhere", process="1:1", heartbeat=now, rows_total=2000, rows_done=500
    )

    def told():
        return json.loads(imports.get(at(upload), {"format": "json"}).content)

    assert told() == {"state": "running", "busy": True, "percent": 25, "text": "500 of 2,000 rows", "hint": ""}
    assert 'value="25"' in said(imports, upload) and 'http-equiv="refresh"' in said(imports, upload)
    Upload.objects.update(heartbeat=now - timedelta(minutes=5))
    assert "taken up again by itself" in told()["text"] and told()["busy"]
    Upload.objects.update(state="waiting", last_error="The disk is full.")
    assert told()["text"].startswith("The disk is full. It is tried again at ")


def test_where_the_background_is_off_the_page_says_what_to_run(imports, settings):
    settings.WORKER = "off"
    upload = bring(imports)
    start(imports, upload)
    assert "Run: python manage.py work" in said(imports, upload)


def test_an_import_that_cannot_finish_says_why_and_can_be_tried_again(imports):
    upload = bring(imports)
    start(imports, upload)
    Upload.objects.update(state="failed", last_error="The database was away.")
    text = said(imports, upload)
    assert "The database was away." in text and "What was stored is kept." in text and "Import it again" in text
    assert imports.post(at(upload, "again")).url == at(upload)
    assert run_upload(Upload.objects.get()) and Upload.objects.get().state == "done"
    assert imports.post(at(upload, "again")).status_code == 302 and Upload.objects.get().state == "done"


@pytest.mark.parametrize("who", ["owner", "outsider"])
def test_who_may_not_import_opens_none_of_the_pages(client, request, manager, who):
    client.force_login(manager)
    upload = bring(client)
    client.force_login(request.getfixturevalue(who))
    assert client.get(reverse(ADD)).status_code == 403
    assert client.post(reverse(ADD), {"file": csv()}).status_code == 403
    for page in ("check", "progress", "rejected"):
        assert client.get(at(upload, page)).status_code == 403
    for page in ("check", "again", "discard"):
        assert client.post(at(upload, page)).status_code == 403
    assert Upload.objects.get().state == "draft"


def test_an_operator_imports_and_follows_the_uploads_of_others(client, manager, operator):
    client.force_login(manager)
    upload = imported(client)
    client.force_login(operator)
    assert "tickets.csv is in desk" in said(client, upload)
    assert client.get(reverse("admin:cases_upload_changelist")).status_code == 200
    assert (
        "tickets.csv is in desk" in client.get(reverse("admin:cases_upload_change", args=[upload.pk])).content.decode()
    )
    assert bring(client).created_by == operator


def test_the_pages_cost_few_queries(imports, django_assert_num_queries):
    upload = bring(imports)
    frame = 4  # session, user, the rights of the person and of the role
    with django_assert_num_queries(frame):
        imports.get(reverse(ADD))
    with django_assert_num_queries(frame + 2):  # the upload, the sources
        imports.get(at(upload, "check"))
    start(imports, upload)
    with django_assert_num_queries(frame + 1):  # the upload
        imports.get(at(upload))
    with django_assert_num_queries(frame + 1):  # the upload
        imports.get(at(upload), {"format": "json"})
    run_upload(upload)
    with django_assert_num_queries(frame + 2):  # the upload, its source
        imports.get(at(upload))
