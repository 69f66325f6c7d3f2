"""A house of any size in which every page has something to show: for each rule one row more in every table."""

from datetime import date, datetime, timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from rulebook.access.models import ClosedPeriod, Letter, Team
from rulebook.access.services import revoke_team_link
from rulebook.cases.models import Case, CaseRule, DirtyMonth, ImportRun, PendingLink, Source, Upload
from rulebook.cases.upload_files import REJECTED, place_of
from rulebook.cases.uploads import keep_upload
from rulebook.catalogue.front_door import propose_rule
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import change_rule
from rulebook.desk.services import save_filter
from rulebook.flags.models import Audit, AuditedCase
from rulebook.flags.triage import answer_flag
from rulebook.insight.models import BlockedMonth, HourlyCost, RuleFigures, RuleMonth, SourceFigures, TopicMonth
from rulebook.journal.models import Note
from rulebook.notices.services import mark_read
from rulebook.votes.ballots import close_ballot
from rulebook.votes.tallies import publish_tally
from tests import make

TICKETS = b"id,created_at,requester_id,via_channel,status,group\nZ-1,2026-01-05T10:00:00Z,555,email,solved,Support\n"


def extend(first: int, last: int, manager) -> None:
    """Rules number first to last - 1, with all that a page may ask of them."""
    for number in range(first, last):
        rule = _rule(number, manager)
        _people(number, manager)
        _votes(number, rule, manager)
        _flags(number, rule, manager)
        make.review(rule, by=manager, reason=f"Reason {number}.")
        _notices(number, rule)
        _contacts(number, rule, _source(number))
        _imports(number, manager)
        Note.objects.create(text=f"Reason {number}.")
    HourlyCost.objects.update_or_create(id=1, defaults={"amount": 420, "currency": "kr."})
    if not first:
        save_filter(name="Written", query="kind=written", by=manager)


def _flags(number: int, rule: Rule, manager) -> None:
    """On the rule and on the first one, some that wait and one that was answered; an audit with a contact to read.

    The first flag by its number waits, and names no rule.
    """
    first = Rule.objects.order_by("pk").first()
    if not number:
        make.flag("I may not refund what was paid twice.", pk=1, author=manager)
    for about in {rule, first}:
        make.flag(f"Refund {number} had to wait.", rule=about, author=manager, quotable=True, case_reference="C-0-0")
    make.flag(f"Refund {number} had to wait.", anonymous=True, flagged_at=None)
    answer_flag(flag=make.flag(rule=first), headline=f"Refund {number}", answer="You decide now.", by=manager)
    month = (date(2026, 1, 1) - timedelta(days=31 * number)).replace(day=1)
    audit = Audit.objects.create(month=month, drawn_at=timezone.now(), population=99)
    case = make.case(make.source(), outcome="not_resolved")
    for place, verdict in enumerate(("no_rule", "", "")):
        AuditedCase.objects.create(audit=audit, place=place, case=case, verdict=verdict, rule=rule if verdict else None)


def _votes(number: int, rule: Rule, manager) -> None:
    """Standing votes that are published, a ballot that is closed and one that is open.

    The first rule's words do not stand still: each other rule changes them.
    """
    ballot = make.ballot(rule, title=f"Refunds {number}", questions="impact_ease", by=manager)
    for impact in (-2, -2, -1, 0, 1):
        make.vote(rule, impact)
        make.cast(ballot, impact, ease=1, reason="It takes a week.", quotable=True, wants=["on_time"])
    make.vote(rule, 2, by=manager)
    close_ballot(ballot=ballot, by=manager)
    version = rule.versions.latest("number").pk
    publish_tally(version=version, by_managers=False, today=timezone.localdate())
    if number:
        make.ballot(rule, title=f"Open {number}", rounds=2, by=manager)


def _notices(number: int, rule: Rule) -> None:
    """One that the first team has read, with two teams that it is for; the first by its number is for everybody."""
    teams = Team.objects.filter(name__in=(f"Calls {number}", f"Chat {number}")) if number else ()
    notice = make.notice(rule, headline=f"You may now refund {number}", teams=teams)
    mark_read(notice=notice, voice=make.voice(team=Team.objects.get(name=f"Calls {number}")), seen=notice.text_hash)


def _people(number: int, manager) -> None:
    """A team with two links, one of them revoked; a closed period; a letter."""
    team = make.team(f"Calls {number}", headcount=9)
    make.team_link(team, by=manager)
    revoke_team_link(link=make.team_link(team, by=manager)[0], by=manager)
    ClosedPeriod.objects.create(name=f"July {number}", first=date(2030 + number, 7, 1), last=date(2030 + number, 7, 31))
    Letter.objects.create(to=manager, about=f"letter {number}", subject=f"Letter {number}", body="Read it.")


def _rule(number: int, manager) -> Rule:
    head = make.person(f"head{number}", team=make.team(f"Chat {number}"))
    department = make.department(f"Finance {number}", head=head, deputy=make.person(f"deputy{number}"))
    about = {
        "department": department, "owner": head, "topics": [f"returns/refund {number}"],
        "channels": [f"channel {number}"],
    }  # fmt: skip
    rule = make.rule(
        f"Refund {number}", code=f"R-{number}", aliases=[f"REF-{number}"], clause="§ 1", kind="unwritten",
        authority="law" if number % 2 else "habit", protective=bool(number % 2), intent="drop" if number else "",
        review_by=(date(2026, 1, 1), timezone.localdate() + timedelta(days=9), None)[number % 3],
        customer_hears="I am not allowed to.", by=manager, **(about if number % 3 < 2 else {}),
    )  # fmt: skip
    change_rule(rule=rule, fields={"text": "By mail only."}, by=manager)
    first = Rule.objects.order_by("pk").first()
    change_rule(
        rule=first, fields={"text": f"Wording {number}.", "aliases": [f"A-{n}" for n in range(number)]}, by=manager
    )
    blocks, measured = number % 3 < 2, number % 3 != 1
    RuleFigures.objects.create(
        rule=rule, listed="measured" if measured else "not_measurable_yet", why="" if measured else "too_few",
        n=40, missed=20, cases=44, expected=0.3, excess=0.2, volume=9, harm=1.8 + number if measured else None,
        low=0.4, high=4.0 + number, price="0.000100", blocked=5 * blocks, silent=2 * blocks,
        monthly="2025-12 0-11" + " 4/2" * 12, flags=number % 3, vote=-0.5, voters=6,
    )  # fmt: skip
    propose_rule(
        title=f"Two signatures for refund {number}", customer_hears="I have to ask.", protects="You.",
        without_it="Fraud.", replaces=None if number % 2 else rule, by=manager,
    )  # fmt: skip
    return rule


def _source(number: int) -> Source:
    horizon = timezone.now() - timedelta(days=5)
    source = make.source(f"desk {number}", space="customers", horizon=horizon)
    SourceFigures.objects.create(
        source=source, method="no_repeat", window_days=7, key="customer,topic", horizon=horizon, refreshed_at=horizon,
        since=(horizon.date() - timedelta(days=334)).replace(day=1), resolved=70, not_resolved=30, pending=4,
        early_repeats=1, unknown=2, excluded=3, blocked=8, linked=20, silent=5, issues=80, short_issues=60,
        seconds=60_000, timed=100,
    )  # fmt: skip
    return source


def _contacts(number: int, rule: Rule, source: Source) -> None:
    topic = make.topic(f"returns/refund {number}")
    opened = source.horizon - timedelta(days=40)
    month = opened.date().replace(day=1)
    first = Rule.objects.order_by("pk").first()
    for place, outcome in enumerate(("not_resolved", "resolved")):
        case = make.case(
            source, f"C-{number}-{place}", opened_at=opened, topic=topic, channel="mail", outcome=outcome,
            customer_key=bytes([number, place]) * 16, handle_seconds=200,
        )  # fmt: skip
        for met in {rule, first}:
            make.link(case, met)
    first_case = Case.objects.order_by("pk").first()
    make.link(first_case, rule, effect="applied", origin="person")
    CaseRule.objects.get_or_create(case=first_case, rule=rule, effect="blocked", origin="source")
    TopicMonth.objects.create(source=source, month=month, topic=topic, channel="mail", resolved=70, not_resolved=30)
    RuleMonth.objects.create(source=source, month=month, topic=topic, channel="mail", rule=rule, cases=44, mature=40)
    BlockedMonth.objects.create(source=source, month=month, rule=rule, k=2, not_resolved=5)
    DirtyMonth.objects.create(source=source, subject="rule", subject_id=rule.pk, month=month)
    PendingLink.objects.create(
        source=source, external_id=f"C-{number}-9", rule_name=f"UNKNOWN-{number}", effect="blocked", origin="source"
    )


def _imports(number: int, manager) -> None:
    source = Source.objects.get(name=f"desk {number}")
    begun = source.horizon
    for state in ("finished", "failed"):
        ImportRun.objects.create(
            source=source, state=state, started_at=begun, heartbeat=begun, finished_at=begun, host="h",
            complete_until=begun, started_by=manager, created=2, rows_read=2,
        )  # fmt: skip
        begun += timedelta(hours=1)
    draft = keep_upload(file=SimpleUploadedFile("tickets.csv", TICKETS), name="tickets.csv", by=manager)
    folder = draft.folder
    if number:
        draft.delete()
    report = {"counts": {"read": 1, "created": 1}, "horizon": datetime.now().astimezone().isoformat(), "warnings": []}
    Upload.objects.create(
        file_name="c.csv", state="done", folder=folder, rejected=1, report=report, options={"source": source.name},
        created_by=manager, gone_at=timezone.now() + timedelta(hours=9),
    )  # fmt: skip
    (place_of(folder) / REJECTED).write_text("line,why\n")
    Upload.objects.create(
        file_name="d.csv",
        state="failed",
        last_error="Broke.",
        created_by=manager,
        gone_at=timezone.now() + timedelta(1),
    )
