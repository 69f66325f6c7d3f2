"""The plain admin: every page opens, roles see what the table says, and services do the writing."""

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group
from django.urls import reverse

from rulebook.access.models import ClosedPeriod, Department, Letter, Person, Team, TeamLink
from rulebook.access.roles import ROLES
from rulebook.cases.models import Case, CaseRule, DirtyMonth, ImportRun, PendingLink, Source, Upload
from rulebook.catalogue.models import Alias, Proposal, Rule, RuleVersion, Topic
from rulebook.flags.models import Audit, Flag
from rulebook.journal.models import Actor, Event, JournalHead, Note
from rulebook.notices.models import Notice
from rulebook.review.models import Review
from rulebook.votes.models import Ballot
from tests import make

pytestmark = pytest.mark.django_db

OWN = {
    model._meta.label_lower: model for model in django_admin.site._registry if model.__module__.startswith("rulebook.")
}
WRITTEN_BY_PEOPLE = {
    "access.person", "access.department", "access.team", "access.teamlink", "access.closedperiod", "cases.upload",
    "catalogue.proposal", "catalogue.rule", "catalogue.topic", "votes.ballot",
}  # fmt: skip
CUSTOMER, AGENT = b"customer-key-of-thirty-two-bytes", b"agent-key-of-a-full-32-bytes-len"


@pytest.fixture
def everything(db):
    """One row in every table; the rows by model label."""
    department = make.department("Finance")
    rule = make.rule("Refunds by mail only", code="A", department=department, topics=["returns"], aliases=["REF"])
    source = make.source("desk")
    case = make.case(source, "C-1", topic=make.topic("returns"), customer_key=CUSTOMER, agent_key=AGENT, key_id=1)
    noted = Note.objects.create(text="A reason.")
    opened = case.opened_at
    return {
        "access.department": department,
        "access.team": make.team("Phones", department=department, headcount=7),
        "access.person": make.person("anna"),
        "catalogue.rule": rule,
        "catalogue.ruleversion": rule.versions.get(),
        "catalogue.alias": Alias.objects.get(name="REF"),
        "catalogue.topic": Topic.objects.get(path="returns"),
        "cases.source": source,
        "cases.case": case,
        "cases.caserule": make.link(case, rule),
        "cases.pendinglink": PendingLink.objects.create(
            source=source, external_id="C-9", rule_name="B", effect="blocked", origin="source"
        ),
        "cases.importrun": ImportRun.objects.create(source=source, started_at=opened, heartbeat=opened, host="h"),
        "cases.dirtymonth": DirtyMonth.objects.create(
            source=source, subject="rule", subject_id=rule.pk, month=case.opened_day.replace(day=1)
        ),
        "cases.upload": Upload.objects.create(file_name="c.csv", state="done", gone_at=opened),
        "access.teamlink": make.team_link()[0],
        "access.closedperiod": ClosedPeriod.objects.create(name="July", first=opened.date(), last=opened.date()),
        "access.letter": Letter.objects.create(to=make.person("letters"), about="A", subject="A flag waits", body="A"),
        "catalogue.proposal": Proposal.objects.create(
            rule=make.rule("Ask for the receipt", code="P"),
            protects="A",
            without_it="A",
            proposed_on=opened,
            heard_until=opened,
        ),
        "flags.flag": make.flag(),
        "review.review": make.review(make.rule("Marked", code="MARKED")),
        "notices.notice": make.notice(make.rule("Told of", code="TOLD")),
        "flags.audit": Audit.objects.create(month=case.opened_day.replace(day=1), drawn_at=opened, population=1),
        "votes.ballot": make.ballot(make.rule("On a ballot", code="BAL")),
        "journal.event": Event.objects.latest("number"),
        "journal.actor": Actor.objects.first(),
        "journal.note": noted,
    }


def address(label, page, *args):
    return reverse(f"admin:{label.replace('.', '_')}_{page}", args=args)


def post(client, url, **data):
    return client.post(url, data)


def answers(client, row, label):
    """Status of list, add and change page."""
    return tuple(
        client.get(url).status_code
        for url in (
            address(label, "changelist"),
            address(label, "add"),
            address(label, "change", row.pk),
        )
    )


def test_every_model_has_a_page_but_the_journal_head():
    models = {Department, Team, Person, Topic, Rule, RuleVersion, Alias, Source, Case, CaseRule, PendingLink}
    models |= {TeamLink, ClosedPeriod, Letter, Proposal, Flag, Audit, Ballot, Notice, Review}
    assert set(OWN.values()) == models | {ImportRun, DirtyMonth, Upload, Event, Actor, Note}
    assert JournalHead not in django_admin.site._registry and Group not in django_admin.site._registry


@pytest.mark.parametrize("label", sorted(OWN))
def test_every_page_opens_for_the_admin(client, admin, everything, label):
    client.force_login(admin)
    add = 200 if label in WRITTEN_BY_PEOPLE else 403
    assert answers(client, everything[label], label) == (200, add, 200)
    assert client.get(address(label, "changelist"), {"q": "A"}).status_code == 200
    assert client.get(address(label, "delete", everything[label].pk)).status_code == 403
    assert client.get(reverse("admin:index")).status_code == 200


@pytest.mark.parametrize("label", sorted(OWN))
@pytest.mark.parametrize("role", ["manager", "owner", "operator", "outsider"])
def test_a_role_sees_what_the_table_says(client, everything, request, role, label):
    client.force_login(request.getfixturevalue(role))
    grants = ROLES.get(role, {}).get(label, ())
    view = 200 if grants else 403
    add = 200 if "add" in grants and label in WRITTEN_BY_PEOPLE else 403
    own = 403 if (role, label) == ("owner", "flags.flag") else view  # that flag is on nobody's rule
    assert answers(client, everything[label], label) == (view, add, own)


def test_an_agent_does_not_enter(client, agent, everything):
    client.force_login(agent)
    for label in OWN:
        assert client.get(address(label, "changelist")).status_code == 302


def test_no_page_shows_the_key_of_a_customer_or_an_agent(client, admin, everything):
    client.force_login(admin)
    for page in ("changelist", "change"):
        args = [everything["cases.case"].pk] if page == "change" else []
        text = client.get(address("cases.case", page, *args)).content.decode()
        assert "C-1" in text
        for secret in (CUSTOMER, AGENT):
            assert secret.decode() not in text and secret.hex() not in text
        assert "customer_key" not in text and "agent_key" not in text


def test_the_list_of_cases_is_not_counted(client, admin, everything, django_assert_max_num_queries):
    client.force_login(admin)
    with django_assert_max_num_queries(8) as queries:  # session, user, rows with source and topic, filters
        client.get(address("cases.case", "changelist"))
    assert not [query for query in queries if "COUNT(" in query["sql"] and "cases_case" in query["sql"]]


# Every list asks for the session, the user, and its rows with what they point at; beside these three:
QUERIES = {
    "access.department": 5,  # how many are found, how many there are
    "access.person": 7,  # roles and teams to filter by, how many are found, how many there are
    "access.team": 5,  # how many are found, how many there are
    "catalogue.alias": 4,  # how many are found
    "catalogue.rule": 9,  # departments, topics, channels to filter by, how many are found, own filters, horizons
    "catalogue.ruleversion": 4,  # how many are found
    "catalogue.topic": 5,  # how many are found, how many there are
    "cases.case": 5,  # sources to filter by, which of the listed a rule blocked
    "cases.caserule": 3,  # nothing
    "cases.dirtymonth": 4,  # sources to filter by
    "cases.importrun": 5,  # sources to filter by, how many are found
    "cases.pendinglink": 3,  # nothing
    "cases.source": 5,  # how many are found, how many there are
    "cases.upload": 4,  # how many are found
    "journal.actor": 4,  # how many are found
    "journal.event": 6,  # types and verbs to filter by, how many are found
    "journal.note": 4,  # how many are found
}


@pytest.fixture
def three_more(everything):
    """Three further rows in every table, each pointing at rows of its own."""
    for number in range(3):
        head = make.person(f"head{number}", role="manager", team=make.team(f"Chat {number}"))
        department = make.department(f"Sales {number}", head=head, deputy=make.person(f"deputy{number}"))
        make.team(f"Mail {number}", department=department)
        rule = make.rule(code=f"M-{number}", department=department, aliases=[f"ALSO-{number}"], by=head)
        source = make.source(f"mail {number}")
        case = make.case(source, topic=make.topic(f"money/{number}"))
        make.link(case, rule)
        PendingLink.objects.create(source=source, external_id="C-9", rule_name="B", effect="blocked", origin="source")
        opened, month = case.opened_at, case.opened_day.replace(day=1)
        ImportRun.objects.create(source=source, started_at=opened, heartbeat=opened, host="h")
        DirtyMonth.objects.create(source=source, subject="rule", subject_id=rule.pk, month=month)
        Upload.objects.create(file_name="c.csv", state="done", gone_at=opened, created_by=head)
        Note.objects.create(text="Another reason.")


@pytest.mark.parametrize("label", sorted(QUERIES))  # of pages of our own `every_page.py` counts them
def test_a_list_costs_the_same_queries_for_any_number_of_rows(
    client, admin, everything, label, request, django_assert_num_queries
):
    client.force_login(admin)
    rows = OWN[label].objects.count()
    with django_assert_num_queries(QUERIES[label]):
        client.get(address(label, "changelist"))
    request.getfixturevalue("three_more")
    assert OWN[label].objects.count() >= rows + 3
    with django_assert_num_queries(QUERIES[label]):
        client.get(address(label, "changelist"))


FORM = {
    "title": "Refunds by mail only", "text": "", "topics": "returns", "channels": "", "applies_from": "",
    "kind": "written", "authority": "unknown", "clause": "", "department": "", "owner": "", "purpose": "",
    "heard_where": "", "source_reference": "", "review_by": "", "intent": "", "customer_hears": "",
    "decision_limit": "", "requirements": "", "aliases": "REF", "versions-TOTAL_FORMS": "0",
    "versions-INITIAL_FORMS": "0",
}  # fmt: skip


def test_editing_a_rule_makes_a_version_and_one_event(client, manager, everything):
    client.force_login(manager)
    rule, before = everything["catalogue.rule"], JournalHead.objects.get().last
    department = str(everything["access.department"].pk)
    url = address("catalogue.rule", "change", rule.pk)
    assert post(client, url, **FORM | {"text": "Only by mail.", "department": department}).status_code == 302
    assert list(rule.versions.order_by("number").values_list("text", flat=True)) == ["", "Only by mail."]
    (event,) = Event.objects.filter(number__gt=before)
    assert (event.verb, event.object_code) == ("changed", "A")
    assert Actor.objects.get(number=event.actor).reference == manager.pk

    assert post(client, url, **FORM | {"text": "Only by mail.", "department": department}).status_code == 302
    assert JournalHead.objects.get().last == before + 1


def test_a_rule_is_written_down_and_settles_the_links_that_waited(
    client, manager, everything, django_capture_on_commit_callbacks
):
    client.force_login(manager)
    PendingLink.objects.create(
        source=everything["cases.source"], external_id="C-1", rule_name="NEW", effect="blocked", origin="source"
    )
    form = {name: value for name, value in FORM.items() if not name.startswith("versions")}
    form |= {"code": "", "aliases": "NEW; N2", "channels": "phone"}
    with django_capture_on_commit_callbacks(execute=True):  # after the commit, with the journal head free again
        response = post(client, address("catalogue.rule", "add"), **form)
        assert not CaseRule.objects.filter(case=everything["cases.case"], rule__code="R-0001").exists()
    assert response.status_code == 302
    rule = Rule.objects.get(code="R-0001")
    assert rule.channels == ["phone"] and rule.topics.get().path == "returns"
    assert CaseRule.objects.filter(rule=rule, case=everything["cases.case"]).exists()
    assert Event.objects.filter(verb="written_down", object_code="R-0001").count() == 1


@pytest.mark.parametrize(
    ("data", "field"),
    [({"aliases": "TAKEN"}, "aliases"), ({"title": " "}, "title"), ({"aliases": "x" * 101}, "aliases")],
)
def test_what_a_service_refuses_is_said_on_the_form(client, manager, everything, data, field):
    make.rule(code="B", aliases=["TAKEN"])
    client.force_login(manager)
    before = JournalHead.objects.get().last
    url = address("catalogue.rule", "change", everything["catalogue.rule"].pk)
    response = post(client, url, **FORM | {"text": "Changed."} | data)
    assert response.status_code == 200
    assert field in response.context["adminform"].form.errors
    assert JournalHead.objects.get().last == before
    assert Rule.objects.get(code="A").text == ""


def test_a_taken_code_is_said_on_the_form(client, manager, everything):
    client.force_login(manager)
    form = {name: value for name, value in FORM.items() if not name.startswith("versions")}
    response = post(client, address("catalogue.rule", "add"), **form | {"code": "REF", "aliases": ""})
    assert response.status_code == 200
    assert "already finds rule A" in str(response.context["adminform"].form.errors)


def test_nobody_edits_the_status(client, admin, everything):
    client.force_login(admin)
    rule = everything["catalogue.rule"]
    post(client, address("catalogue.rule", "change", rule.pk), **FORM | {"status": "removed"})
    assert Rule.objects.get(pk=rule.pk).status == "in_force"


def test_an_owner_reads_a_rule_and_changes_nothing(client, owner, everything):
    client.force_login(owner)
    url = address("catalogue.rule", "change", everything["catalogue.rule"].pk)
    text = client.get(url).content.decode()
    assert "Refunds by mail only" in text and "REF" in text and 'name="_save"' not in text
    assert post(client, url, **FORM | {"title": "Mine"}).status_code == 403


@pytest.mark.parametrize(
    ("label", "data"),
    [
        ("access.department", {"name": "Sales", "head": "", "deputy": ""}),
        ("access.team", {"name": "Chat", "department": "", "headcount": "6"}),
    ],
)
def test_people_change_departments_and_teams_with_an_event_each(client, operator, everything, label, data):
    client.force_login(operator)
    for page, args in (("add", []), ("change", [everything[label].pk])):
        before = JournalHead.objects.get().last
        data = data | {"name": f"{data['name']} {page}"}
        assert post(client, address(label, page, *args), **data).status_code == 302
        assert JournalHead.objects.get().last == before + 1
    assert OWN[label].objects.filter(name=data["name"]).exists()


def test_a_topic_is_added_and_never_renamed(client, manager, everything):
    client.force_login(manager)
    assert post(client, address("catalogue.topic", "add"), path=" money / fees ").status_code == 302
    assert Topic.objects.get(path="money/fees").parent.path == "money"
    url = address("catalogue.topic", "change", everything["catalogue.topic"].pk)
    assert post(client, url, path="other").status_code == 403


PERSON = {
    "username": "Anna Berg", "first_name": "Anna", "last_name": "Berg", "email": "", "language": "da", "team": "",
    "is_active": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00",
}  # fmt: skip


def test_a_person_is_changed_with_an_event_and_no_more_rights_than_the_changer_has(client, operator, everything):
    client.force_login(operator)
    anna, before = everything["access.person"], JournalHead.objects.get().last
    role = str(Group.objects.get(name="agent").pk)
    url = address("access.person", "change", anna.pk)
    assert post(client, url, **PERSON | {"groups": [role], "is_superuser": "on"}).status_code == 302
    anna.refresh_from_db()
    assert (anna.username, anna.language, anna.is_superuser) == ("Anna Berg", "da", False)
    assert [group.name for group in anna.groups.all()] == ["agent"]
    told = Event.objects.filter(number__gt=before).values_list("verb", "before", "after")
    assert list(told) == [
        ("changed", "", "first_name,language,last_name,username"),
        ("rights_changed", "", "agent"),
    ]
    before = JournalHead.objects.get().last
    assert post(client, url, **PERSON | {"groups": [role]}).status_code == 302
    assert JournalHead.objects.get().last == before, "the same again is no event"


def test_an_operator_cannot_change_the_admin(client, operator, admin):
    client.force_login(operator)
    assert post(client, address("access.person", "change", admin.pk), **PERSON).status_code == 403
    url = reverse("admin:auth_user_password_change", args=[admin.pk])
    assert client.get(url).status_code == 403


def test_a_person_is_added_and_a_new_password_is_an_event(client, operator):
    client.force_login(operator)
    before = JournalHead.objects.get().last
    secret = {"password1": "correct horse battery", "password2": "correct horse battery", "usable_password": "true"}
    assert post(client, address("access.person", "add"), username="carl", **secret).status_code == 302
    carl = Person.objects.get(username="carl")
    assert carl.check_password("correct horse battery")
    url = reverse("admin:auth_user_password_change", args=[carl.pk])
    other = {"password1": "another horse battery", "password2": "another horse battery", "usable_password": "true"}
    assert client.get(url).status_code == 200
    assert post(client, url, **other).status_code == 302
    carl.refresh_from_db()
    assert carl.check_password("another horse battery")
    verbs = list(Event.objects.filter(number__gt=before).values_list("verb", flat=True))
    assert verbs == ["created", "password_changed"]


def test_ones_own_new_password_is_an_event(client, operator):
    operator.set_password("correct horse battery")
    operator.save()
    client.force_login(operator)
    before = JournalHead.objects.get().last
    url = reverse("admin:password_change")
    assert client.get(url).status_code == 200
    new = {"new_password1": "another horse battery", "new_password2": "another horse battery"}
    assert post(client, url, old_password="wrong", **new).status_code == 200
    assert JournalHead.objects.get().last == before
    assert post(client, url, old_password="correct horse battery", **new).status_code == 302
    operator.refresh_from_db()
    assert operator.check_password("another horse battery")
    (event,) = Event.objects.filter(number__gt=before)
    assert (event.verb, event.object_code) == ("password_changed", str(operator.pk))
    assert client.get(reverse("admin:index")).status_code == 200, "and stays signed in"


def test_history_leads_to_the_journal(client, manager, everything):
    client.force_login(manager)
    response = client.get(address("catalogue.rule", "history", everything["catalogue.rule"].pk), follow=True)
    assert response.status_code == 200
    assert "written_down" in response.content.decode()
