"""The page that brings in a list of rules: from a file or pasted, with a report in words."""

import tempfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from rulebook.cases.models import CaseRule, PendingLink
from rulebook.catalogue.models import Rule
from rulebook.desk import forms
from rulebook.desk.pages import rule_import
from rulebook.journal.models import Actor, Event
from tests import make

pytestmark = pytest.mark.django_db
PAGE = "admin:catalogue_rule_import"


@pytest.fixture
def desk(client, manager):
    client.force_login(manager)
    return client


def upload(client, text, name="rules.csv"):
    content = text if isinstance(text, bytes) else text.encode()
    return client.post(reverse(PAGE), {"file": SimpleUploadedFile(name, content), "pasted": ""})


def paste(client, text):
    return client.post(reverse(PAGE), {"pasted": text})


def counts(response):
    report = response.context["report"]
    return report.created, report.updated, report.unchanged, report.rejected


def test_a_list_is_written_down_by_the_person_and_links_that_waited_count(
    desk, manager, django_capture_on_commit_callbacks
):
    source = make.source("desk")
    make.case(source, "C-1")
    PendingLink.objects.create(source=source, external_id="C-1", rule_name="A", effect="blocked", origin="source")
    with django_capture_on_commit_callbacks(execute=True):
        answer = upload(desk, "code,title,department\nA,Refunds by mail,Finance\nB,,\n")
    assert counts(answer) == (1, 0, 0, 1)
    text = answer.content.decode()
    assert "1 rule written down, 1 row refused" in text
    assert "<td>3</td><td>title</td><td>The title is missing." in text
    assert CaseRule.objects.get().rule.code == "A"
    written = Event.objects.get(verb="written_down")
    assert Actor.objects.get(number=written.actor).reference == manager.pk


def test_the_same_list_again_changes_nothing(desk):
    lists = "code,title\nA,One\nB,Two\n"
    assert counts(upload(desk, lists)) == (2, 0, 0, 0)
    assert counts(upload(desk, lists)) == (0, 0, 2, 0)


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        (
            "Refunds by mail only\r\n\r\n  No discount, ever\n[Ask the boss]",
            ["No discount, ever", "Refunds by mail only"],
        ),
        ("Title\tWritten\nRefunds\tno\nDiscounts\tyes", ["Discounts", "Refunds"]),
        ("code;title\nA;One", ["One"]),
        ("Code, of conduct", ["Code, of conduct"]),
        ('{"braces": "in a title"}', ['{"braces": "in a title"}']),
    ],
)
def test_pasted_lines_are_titles_unless_they_have_headings(desk, text, titles):
    paste(desk, text)
    known = sorted(Rule.objects.exclude(title="[Ask the boss]").values_list("title", flat=True))
    assert known == titles


def test_a_refused_line_is_named_by_its_place_in_what_was_pasted(desk):
    answer = paste(desk, "One\n\nTwo\nOne\n")
    assert counts(answer) == (2, 0, 0, 1)
    assert answer.context["report"].rejections[0].line == 4


def test_what_cannot_be_read_is_said_at_the_field_and_what_was_pasted_stays(desk, monkeypatch):
    assert "Choose a file, or paste a list below." in paste(desk, "  ").content.decode()
    assert "neither a column title nor a column code" in upload(desk, "colour,size\nred,1\n").content.decode()
    assert "is a PDF" in upload(desk, b"%PDF-1.7\n", "rules.pdf").content.decode()
    monkeypatch.setattr(rule_import, "MOST_ROWS", 2)
    answer = paste(desk, "One\nTwo\nThree")
    assert "has more than 2 rows. Nothing was stored" in answer.content.decode()
    assert "One\nTwo\nThree" in answer.content.decode()
    monkeypatch.setattr(forms, "LARGEST_UPLOAD", 0)
    assert "are read at once. Split it." in upload(desk, "title\nOne\n").content.decode()
    assert not Rule.objects.exists()


def test_a_person_changes_only_rules_within_their_rights(desk, manager):
    own = make.department("Finance", head=manager)
    make.rule("Old", code="A", department=own)
    make.rule("Old", code="B", department=make.department("Legal"))
    answer = upload(desk, "code,title\nA,New\nB,New\n")
    assert counts(answer) == (0, 1, 0, 1)
    assert "belongs to Legal" in answer.content.decode()


def test_markup_in_a_refused_row_is_text(desk):
    answer = upload(desk, "code,title,status\nA,T,<b>bold</b>\n<i>,T2,\n<i>,T3,\n")
    assert "<b>bold" not in answer.content.decode() and "<i>" not in answer.content.decode()


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_of_the_file_stays_on_the_disk(desk, monkeypatch, fails):
    seen = []
    real = rule_import.import_rules

    def watched(path, **given):
        seen.append((path, path.parent.stat().st_mode & 0o777, path.read_bytes()))
        if fails:
            raise OSError("disk")
        return real(path, **given)

    monkeypatch.setattr(rule_import, "import_rules", watched)
    if fails:
        with pytest.raises(OSError, match="disk"):
            upload(desk, "title\nSecret\n")
    else:
        upload(desk, "title\nSecret\n")
    ((path, mode, content),) = seen
    assert mode == 0o700 and content == b"title\nSecret\n"
    assert not path.parent.exists()
    assert path.is_relative_to(settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir())


def test_a_name_that_climbs_stays_in_its_folder(desk):
    upload(desk, "title\nOne\n", "../../climbed.csv")
    assert Rule.objects.get().title == "One"
    assert not Path(settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir(), "..", "climbed.csv").exists()
