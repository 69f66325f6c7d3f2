"""A trial's way into the rule and back: the day it begins, and whatever ends it. Called within a verb's transaction."""

from datetime import date

from django.utils.translation import gettext as _

from rulebook.catalogue.lifecycle import restore_rule, suspend_rule
from rulebook.catalogue.models import Rule
from rulebook.errors import WrongState
from rulebook.journal.services import Acting, record
from rulebook.notices.models import Notice
from rulebook.notices.services import draft_notice, publish_notice, withdraw_notice
from rulebook.review.models import Review, Trial

START, STOP, REVERT, OBJECT = "start_trial", "end_trial", "revert_trial", "object"


def running_trial(review: Review) -> Trial | None:
    return Trial.objects.filter(review=review, end=Trial.End.RUNNING).first()


def move_trial(review: Review, verb: str, today: date, by: Acting | None) -> None:
    """What a verb of trials brings with it. Raises WrongState where a trial would start that nobody registered."""
    trial = running_trial(review)
    if verb == START and trial is None:
        raise WrongState(_("Register first how long, where, and what rise would matter."))
    if verb == START and trial is not None:
        _tell_of_start(trial, review, by)
    elif verb in (STOP, REVERT, OBJECT) and trial is not None:
        _close(trial, Rule.objects.get(pk=review.rule_id), verb, today, by)


def begin(trial: Trial, today: date) -> None:
    """The day has come. Everywhere: the rule is suspended; of some teams: it stays in force for all others."""
    rule = Rule.objects.select_for_update(of=("self",)).get(pk=trial.review.rule_id)
    if not trial.plan["teams"]:
        suspend_rule(rule, None)
    trial.begun_on = today
    trial.save(update_fields=["begun_on"])
    record("trial_begun", "review", str(trial.review_id), by=None)


def announce_end(trial: Trial, ends_on: date, by: Acting | None) -> None:
    """Tell the teams of the trial from which day the rule applies again."""
    back = draft_notice(
        version=trial.review.rule.versions.latest("number"), about=_about_end(trial), kind=Notice.Kind.PUT_BACK,
        effective_on=ends_on, teams=trial.teams.all(), by=by,
    )  # fmt: skip
    publish_notice(notice=back, by=by)


def is_announced(trial: Trial) -> bool:
    return Notice.objects.filter(about=_about_end(trial), state=Notice.State.PUBLISHED).exists()


def take_back_announcement(trial: Trial, by: Acting | None) -> None:
    for notice in Notice.objects.filter(about=_about_end(trial), state=Notice.State.PUBLISHED):
        withdraw_notice(notice=notice, by=by)


def about_start(trial: Trial) -> str:
    """How the notice is named that tells of a trial."""
    return f"trial {trial.pk}"


def _about_end(trial: Trial) -> str:
    return f"{about_start(trial)} over"


def _tell_of_start(trial: Trial, review: Review, by: Acting | None) -> None:
    notice = draft_notice(
        version=review.rule.versions.latest("number"), about=about_start(trial), kind=Notice.Kind.SUSPENDED,
        play=review.play, effective_on=trial.starts_on, teams=trial.teams.all(), by=by,
    )  # fmt: skip
    publish_notice(notice=notice, by=by)


def _close(trial: Trial, rule: Rule, verb: str, today: date, by: Acting | None) -> None:
    """The rule applies again from today; whoever read that it did not is told so, unless they know the day already."""
    if verb == REVERT:
        trial.end = Trial.End.REVERTED
    else:
        trial.end = Trial.End.RAN_OUT if today >= trial.ends_on else Trial.End.STOPPED
    trial.ended_on = today
    trial.save(update_fields=["end", "ended_on"])
    if rule.status == Rule.Status.SUSPENDED:
        restore_rule(rule, by)
    for notice in Notice.objects.filter(about=about_start(trial), state=Notice.State.PUBLISHED):
        withdraw_notice(notice=notice, by=by)
    if rule.status == Rule.Status.REMOVED:
        return
    known = Notice.objects.filter(about=_about_end(trial), state=Notice.State.PUBLISHED, effective_on__lte=today)
    if trial.begun_on is not None and not known.exists():
        announce_end(trial, today, by)
