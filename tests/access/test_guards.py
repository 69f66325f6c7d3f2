"""What a role may not do, no caller can do for it: the verbs themselves ask, whatever page or command called them."""

from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile

from rulebook.access.models import ClosedPeriod, Department, Person, Team
from rulebook.access.services import (
    keep_closed_period,
    keep_department,
    keep_person,
    keep_team,
    make_team_link,
    revoke_team_link,
)
from rulebook.cases.linking_by_hand import link_by_hand, unlink_by_hand
from rulebook.cases.services import set_policy, set_retired
from rulebook.cases.uploads import Options, discard, keep_upload, start_import
from rulebook.catalogue.services import write_down
from rulebook.catalogue.sheet import write_lines
from rulebook.errors import NotAllowed
from rulebook.journal.models import JournalHead
from tests import make

pytestmark = pytest.mark.django_db


def draft():
    return keep_upload(file=SimpleUploadedFile("a.csv", b"id\n1\n"), name="a.csv", by=None)


def changed(thing, **fields):
    for name, value in fields.items():
        setattr(thing, name, value)
    return thing


def holidays(**more):
    return ClosedPeriod(name="July", first=date(2026, 7, 1), last=date(2026, 7, 31), **more)


def stored_holidays():
    keep_closed_period(period=(period := holidays()), by=None)
    return changed(period, name="Summer")


POLICY = {"method": "declared", "window_days": 7, "key": "customer,topic"}
# permission and verb -> what makes the house ready, and then a call of the verb by somebody
VERBS = {
    "access.add_teamlink make_team_link": lambda: (team := make.team(headcount=9)) and (
        lambda by: make_team_link(team=team, by=by)),
    "access.change_teamlink revoke_team_link": lambda: (link := make.team_link()[0]) and (
        lambda by: revoke_team_link(link=link, by=by)),
    "access.add_closedperiod keep_closed_period": lambda: lambda by: keep_closed_period(period=holidays(), by=by),
    "access.change_closedperiod keep_closed_period": lambda: (period := stored_holidays()) and (
        lambda by: keep_closed_period(period=period, by=by)),
    "access.add_department keep_department": lambda: lambda by: keep_department(department=Department(name="D"), by=by),
    "access.change_team keep_team": lambda: (team := changed(make.team(), name="Renamed")) and (
        lambda by: keep_team(team=team, by=by)),
    "access.add_team keep_team": lambda: lambda by: keep_team(team=Team(name="T"), by=by),
    "access.add_person keep_person": lambda: lambda by: keep_person(person=Person(username="p"), by=by),
    "cases.add_caserule link_by_hand": lambda: (given := (make.case(make.source()), make.rule())) and (
        lambda by: link_by_hand(case=given[0], rule=given[1], effect="blocked", by=by)),
    "cases.change_caserule unlink_by_hand": lambda: (
        link := make.link(make.case(make.source()), make.rule(), origin="person")) and (
        lambda by: unlink_by_hand(link=link, by=by)),
    "cases.change_source set_policy": lambda: (source := make.source()) and (
        lambda by: set_policy(source=source, **POLICY, by=by)),
    "cases.change_source set_retired": lambda: (source := make.source()) and (
        lambda by: set_retired(source=source, retired=True, by=by)),
    "cases.add_upload keep_upload": lambda: lambda by: keep_upload(
        file=SimpleUploadedFile("a.csv", b"id\n1\n"), name="a.csv", by=by),
    "cases.add_upload start_import": lambda: (upload := draft()) and (
        lambda by: start_import(upload=upload, options=Options(source="shop"), by=by)),
    "cases.add_upload discard": lambda: (upload := draft()) and (lambda by: discard(upload=upload, by=by)),
    "catalogue.add_rule write_down": lambda: lambda by: write_down(fields={"title": "No cash"}, by=by),
}  # fmt: skip


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_asks_for_its_right_and_for_no_other(name, agent, settings, tmp_path):
    settings.UPLOAD_DIR = tmp_path
    call = VERBS[name]()
    before, files = JournalHead.objects.get().last, list(tmp_path.iterdir())
    with pytest.raises(NotAllowed, match="Your role may not do this"):
        call(agent)
    assert (JournalHead.objects.get().last, list(tmp_path.iterdir())) == (before, files)
    app, _dot, codename = name.split()[0].partition(".")
    agent.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    call(Person.objects.get(pk=agent.pk))


@pytest.mark.parametrize("name", VERBS)
def test_the_system_may(name, db, settings, tmp_path):
    settings.UPLOAD_DIR = tmp_path
    VERBS[name]()(None)


def test_a_line_of_the_sheet_is_refused_where_its_writer_has_lost_the_right(agent):
    sheet = write_lines(lines=["No cash"], kind="unwritten", by=agent)
    assert not sheet.written and "Your role may not do this" in sheet.refused[0][1]
