"""What people say in the demo: made-up flags with their answers, votes, a closed ballot and a rule at the front door.

All of it goes through the services that the pages call. Afterwards its days are moved back: what was said just now
would have had no answer yet.
"""

import hashlib
import hmac
from datetime import date, datetime, time, timedelta
from itertools import islice

from django.conf import settings
from django.utils import timezone

from rulebook.access.models import Person, Team, TeamLink
from rulebook.access.services import make_team_link
from rulebook.access.tokens import digest_of, signed
from rulebook.access.voices import Voice
from rulebook.catalogue.front_door import propose_rule
from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.desk.sample import said
from rulebook.flags.holding import release_held
from rulebook.flags.models import Flag, HeldFlag
from rulebook.flags.services import More, Telling, add_to_flag, send_flag
from rulebook.flags.triage import answer_flag, link_flag, make_rule_of, merge_flags, not_a_rule
from rulebook.journal.services import business_verb
from rulebook.votes.ballots import cast_ballot, close_ballot, make_ballot, open_ballot
from rulebook.votes.models import Ballot
from rulebook.votes.services import cast_standing
from rulebook.votes.tallies import publish_tallies

WORKING_HOURS = (8, 20)


def has_spoken() -> bool:
    """Whether all that follows is there: it comes at once or not at all, and a closed ballot is never deleted."""
    return Ballot.objects.filter(title=said.BALLOT).exists()


@business_verb
def speak(*, today: date) -> None:
    """Let the made-up front line say what it has to say, in one transaction. Never done twice."""
    manager = Person.objects.get(username="manager")
    _make_link()
    rules = dict(Rule.objects.values_list("code", "pk"))
    rules[said.PROPOSED] = _propose(manager)
    _flag(rules, manager, today)
    _vote(manager, today)


def team_link() -> tuple[str, str] | None:
    """(team, secret) of the link that the demo made; None once somebody has closed it."""
    link = TeamLink.objects.filter(digest=digest_of(_token()), revoked_at=None).select_related("team").first()
    return (link.team.name, _token()) if link else None


def _make_link() -> None:
    """With a secret that can be told again: the same at every start of this installation, as the passwords are."""
    team = Team.objects.get(name=said.LINK_OF)
    made = make_team_link(team=team, by=None)
    TeamLink.objects.filter(digest=digest_of(made)).update(digest=digest_of(_token()))


def _token() -> str:
    digest = hmac.digest(settings.SECRET_KEY.encode(), b"demo|team link", hashlib.sha256)
    return signed(digest.hex()[:24])


def _propose(manager: Person) -> int:
    new = said.SaidProposal()
    return propose_rule(
        title=new.title,
        text=new.text,
        customer_hears=new.customer_hears,
        protects=new.protects,
        without_it=new.without_it,
        by=manager,
    ).rule_id


def _flag(rules: dict[str, int], manager: Person, today: date) -> None:
    sent = {flag.number: _send(flag, rules, today) for flag in said.flags()}
    release_held(today=today)
    stored = {number: Flag.objects.filter(once=once).first() for number, once in sent.items()}
    for line in said.flags():
        flag = stored[line.number]
        if flag is None or line.replied is None:
            continue  # held until tomorrow, or not answered yet
        into = stored.get(line.about or 0)
        answered = _answer(line, flag, into, manager)
        began = _moment(line, today)
        decided = None if line.decided is None else began + timedelta(days=line.decided)
        Flag.objects.filter(pk=answered.pk).update(
            replied_at=began + timedelta(days=line.replied),
            decided_at=into.decided_at if into else decided,
        )
        stored[line.number] = Flag.objects.get(pk=answered.pk)


def _send(line: said.SaidFlag, rules: dict[str, int], today: date) -> str:
    """Send one, and give it its day; what names it afterwards."""
    anonymous = line.who == said.ANONYMOUS
    signed_by = Person.objects.get(username=said.AGENT) if line.who == said.AGENT else None
    team = None if anonymous or signed_by else Team.objects.get(name=line.who)
    rule = Rule.objects.get(pk=rules[line.rule]) if line.rule else None
    telling = Telling(line.stopped, line.customer_heard, rule, line.rule_words, line.channel)
    more = More("", line.solved, line.minutes, line.instead, line.decision, line.quotable)
    sent = send_flag(form=f"demo {line.number}", telling=telling, anonymous=anonymous, by=signed_by, team=team)
    if more != More():
        add_to_flag(once=sent.once, more=more, by=signed_by, team=team, receipt=sent.receipt)
    began = _moment(line, today)
    HeldFlag.objects.filter(once=sent.once).update(held_on=timezone.localdate(began))
    Flag.objects.filter(once=sent.once).update(flagged_on=timezone.localdate(began), flagged_at=began)
    return sent.once


def _answer(line: said.SaidFlag, flag: Flag, into: Flag | None, by: Person) -> Flag:
    """As a manager would with one key."""
    headline, answer = line.headline, line.answer
    if into is not None:
        return merge_flags(flag=flag, into=into, headline=headline, answer=answer, by=by)
    match line.outcome:
        case Flag.Outcome.LINKED if flag.rule is not None:
            return link_flag(flag=flag, rule=flag.rule, headline=headline, answer=answer, by=by)
        case Flag.Outcome.NEW_RULE:
            return make_rule_of(flag=flag, title=line.rule_words, headline=headline, answer=answer, by=by)
        case Flag.Outcome.NO_RULE:
            return not_a_rule(flag=flag, headline=headline, answer=answer, by=by)
    return answer_flag(flag=flag, headline=headline, answer=answer, by=by, decided=bool(line.outcome))


def _moment(line: said.SaidFlag, today: date) -> datetime:
    """When it was sent: some hour while the house is open, and none that is still to come."""
    first, last = WORKING_HOURS
    at = time(first + line.number * 5 % (last - first), line.number * 7 % 60)
    return min(timezone.make_aware(datetime.combine(today - timedelta(days=line.days), at)), timezone.now())


def _vote(manager: Person, today: date) -> None:
    teams = {team.name: team for team in Team.objects.filter(name__in=said.TEAMS)}
    everybody = [
        Voice(None, teams[team], hashlib.sha256(name.encode()).hexdigest()) for name, team in islice(said.devices(), 25)
    ]
    lines = said.votes()
    for line in lines:
        if not line.sealed:
            for place, (voice, impact) in enumerate(zip(everybody, line.impacts, strict=False)):
                reason = "" if place else line.reason
                cast_standing(version=_wording(line.rule), voice=voice, impact=impact, reason=reason, quotable=True)
    publish_tallies(today=today)
    _hold_ballot([line for line in lines if line.sealed], everybody, manager)


def _hold_ballot(lines: list[said.SaidVotes], everybody: list[Voice], manager: Person) -> None:
    """Made, opened, voted in and closed: nothing of it is sealed any more."""
    ballot = make_ballot(
        title=said.BALLOT,
        questions=Ballot.Questions.BOTH.value,
        rounds=1,
        versions=[_wording(line.rule) for line in lines],
        by=manager,
    )
    open_ballot(ballot=ballot, by=manager)
    for item, line in zip(ballot.items.order_by("place"), lines, strict=True):
        for place, (voice, impact, ease) in enumerate(zip(everybody, line.impacts, line.eases, strict=False)):
            reason = "" if place else line.reason
            cast_ballot(item=item, round=1, voice=voice, impact=impact, ease=ease, reason=reason, quotable=True)
    close_ballot(ballot=ballot, by=manager)


def _wording(code: str) -> RuleVersion:
    return RuleVersion.objects.filter(rule__code=code).latest("number")
