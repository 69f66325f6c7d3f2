"""What can be done with notices: draft one with a decision, publish it, mend it, take it back, tell it again; read it.

Reviews write them. A receipt writes no event: the journal would tell who read what when.
"""

import hashlib
from collections.abc import Iterable
from datetime import date, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rulebook.access.calendar import add_working_days
from rulebook.access.models import Team
from rulebook.access.rights import refuse_others_rules, refuse_without
from rulebook.access.scrubbing import scrub
from rulebook.access.voices import Voice
from rulebook.catalogue.cleaning import clean_line, clean_text
from rulebook.catalogue.models import RuleVersion
from rulebook.catalogue.services import FieldRefused, longest
from rulebook.errors import WrongState
from rulebook.journal.services import Acting, business_verb, record
from rulebook.journal.words import teach
from rulebook.notices.models import Notice, Receipt
from rulebook.notices.queries import told_to
from rulebook.numbers import long_day

State = Notice.State
CHANGE = "notices.change_notice"
LATEST = 366  # days ahead
LONGEST_PLAY = 2_000  # characters: what an agent reads at a desk with a customer waiting

teach("notice", {**dict(State.choices), "typo": gettext_lazy("a typo"), "text": gettext_lazy("what it says")})


@business_verb
def draft_notice(
    *,
    version: RuleVersion,
    about: str,
    kind: str,
    effective_on: date,
    by: Acting | None,
    headline: str = "",
    play: str = "",
    limit: str = "",
    teams: Iterable[Team] = (),
) -> Notice:
    """Write what the front line will be told; nobody sees it before it is published.

    `about` names what it is written for ("review 7"): a second draft about the same takes the first one's place. A
    blank headline is a sentence by `kind`, in the language of whoever reads. Raises FieldRefused for one too long.
    """
    headline, play = _cleaned(headline), scrub(clean_text(play)).text
    fields = {
        "version": version, "kind": kind, "headline": headline, "limit": limit, "play": play,
        "effective_on": effective_on, "state": State.DRAFT, "published_on": None,
        "told_again_on": None, "in_letters_on": None,
        "text_hash": text_hash(kind, headline, limit, play, effective_on),
    }  # fmt: skip
    notice, made = Notice.objects.update_or_create(about=about, defaults=fields)
    if not made:
        notice.receipts.all().delete()  # who read the first one, or that it was taken back, reads this one too
    notice.teams.set(teams)
    return notice


@business_verb
def publish_notice(*, notice: Notice, by: Acting | None, effective_on: date | None = None) -> Notice:
    """Tell the front line from today; `effective_on` moves the day along. Published already: nothing happens."""
    notice = Notice.objects.select_for_update().get(pk=notice.pk)
    if notice.state == State.PUBLISHED:
        return notice
    if notice.state == State.WITHDRAWN:
        raise WrongState(_("This notice was taken back. Write a new one."))
    if effective_on is not None:
        notice.effective_on = effective_on
    notice.state, notice.published_on = State.PUBLISHED, timezone.localdate()
    notice.text_hash = _hash_of(notice)
    notice.save()
    record("published", "notice", str(notice.pk), after=notice.version.rule.code, by=by)
    return notice


@business_verb
def withdraw_notice(*, notice: Notice, by: Acting | None) -> None:
    """Take it back: the change does not come. A draft goes without a word, who read the published one is told so."""
    notice = Notice.objects.select_for_update().get(pk=notice.pk)
    before = notice.state
    if before == State.WITHDRAWN:
        return
    notice.state = State.WITHDRAWN
    notice.text_hash = _hash_of(notice)  # that it was taken back is something to read
    notice.save(update_fields=["state", "text_hash"])
    if before == State.PUBLISHED:
        record("taken_back", "notice", str(notice.pk), before=before, after=notice.state, by=by)


@business_verb
def change_notice(
    *, notice: Notice, headline: str, play: str, effective_on: date, typo: bool, by: Acting | None
) -> Notice:
    """Mend a typo, or change what a notice says or from which day; the notice as it stands then.

    A change of what it says asks everybody for a new receipt, and counts as told today. A typo keeps the receipts and
    may not move the day. The day of a change still to come can be put off, and leaves a working day to read; it cannot
    be brought forward, since reviews end on the day that was decided. Raises FieldRefused with the field, NotAllowed
    without the right to the rule, WrongState for a notice that was taken back.
    """
    refuse_without(by, CHANGE)
    notice = Notice.objects.select_for_update(of=("self",)).select_related("version__rule__department__head").get(
        pk=notice.pk
    )  # fmt: skip
    rule = notice.version.rule
    refuse_others_rules(by, rule.department, rule.owner_id)
    if notice.state == State.WITHDRAWN:
        raise WrongState(_("This notice was taken back. What is changed now reaches nobody."))
    before = (notice.headline, notice.play, notice.effective_on)
    notice.headline, notice.play = _cleaned(headline), _play(play)
    if (notice.headline, notice.play, effective_on) == before:
        return notice
    if effective_on != notice.effective_on:
        _refuse_day(notice, effective_on, typo)
        notice.effective_on = effective_on
    if not typo:
        _begin_anew(notice)
    notice.save()
    record("changed", "notice", str(notice.pk), after="typo" if typo else "text", by=by)
    return notice


@business_verb
def tell_again(*, notice: Notice, by: Acting | None = None) -> bool:
    """Ask its teams once more, as the rule was met again; False where that was done today already.

    Who read it before today is asked anew. That they read it stays known.
    """
    refuse_without(by, CHANGE)
    notice = Notice.objects.select_for_update(of=("self",)).select_related("version__rule__department__head").get(
        pk=notice.pk
    )  # fmt: skip
    rule = notice.version.rule
    refuse_others_rules(by, rule.department, rule.owner_id)
    if notice.state != State.PUBLISHED:
        raise WrongState(_("This notice is not published, so it cannot be told again."))
    today = timezone.localdate()
    if notice.told_again_on == today or notice.published_on == today:
        return False
    notice.told_again_on, notice.in_letters_on = today, None
    notice.save(update_fields=["told_again_on", "in_letters_on"])
    record("told_again", "notice", str(notice.pk), after=notice.version.rule.code, by=by)
    return True


@business_verb
def mark_read(*, notice: Notice, voice: Voice, seen: str) -> None:
    """ "I have read it", of the text whose hash the page showed. Twice is once; the day alone is stored.

    Raises WrongState where the notice says something else by now, or is not for this reader.
    """
    found = told_to(voice).filter(pk=notice.pk).first()
    if found is None:
        raise WrongState(_("This notice is not there any more. Read the next one."))
    if found.text_hash != seen:
        raise WrongState(_("This notice was changed a moment ago. Read it once more."))
    today = timezone.localdate()
    reader = {"person": voice.person} if voice.person else {"person": None, "device": voice.device}
    receipt, new = Receipt.objects.get_or_create(
        notice=found, text_hash=seen, **reader, defaults={"team": voice.team, "read_on": today}
    )
    if not new and receipt.read_on < today:
        Receipt.objects.filter(pk=receipt.pk).update(read_on=today)


def text_hash(kind: str, headline: str, limit: str, play: str, effective_on: date) -> str:
    """SHA-256 of what a reader has to know. A receipt belongs to it."""
    said = "\n".join([kind, headline, limit, play, effective_on.isoformat()])
    return hashlib.sha256(said.encode()).hexdigest()


def _hash_of(notice: Notice) -> str:
    kind = State.WITHDRAWN if notice.state == State.WITHDRAWN else notice.kind
    return text_hash(kind, notice.headline, notice.limit, notice.play, notice.effective_on)


def _begin_anew(notice: Notice) -> None:
    notice.text_hash = _hash_of(notice)
    notice.told_again_on = notice.in_letters_on = None
    if notice.state == State.PUBLISHED:
        notice.published_on = timezone.localdate()
        if notice.effective_on > notice.published_on:
            _refuse_too_soon(notice, _("The front line needs a working day to read it. Choose %(day)s or later."))


def _refuse_day(notice: Notice, day: date, typo: bool) -> None:
    if typo:
        raise FieldRefused("effective_on", _("Another day is no typo. Use “Change it and ask anew”."))
    if notice.effective_on <= timezone.localdate():
        raise FieldRefused("effective_on", _("It has taken effect. Its day stays."))
    if notice.kind in (Notice.Kind.SUSPENDED, Notice.Kind.PUT_BACK):
        raise FieldRefused("effective_on", _("Its day is that of a trial. Put the trial off, not its notice."))
    if day > timezone.localdate() + timedelta(days=LATEST):
        raise FieldRefused("effective_on", _("Set a day within 12 months."))
    if day < notice.effective_on:
        text = _("The day was decided: it can be put off, not brought forward. Choose %(day)s or later.")
        raise FieldRefused("effective_on", text % {"day": long_day(notice.effective_on)})


def _refuse_too_soon(notice: Notice, text: str) -> None:
    soonest = add_working_days(timezone.localdate(), 1)
    if notice.effective_on < soonest:
        raise FieldRefused("effective_on", text % {"day": long_day(soonest)})


def _cleaned(headline: str) -> str:
    headline = scrub(clean_line(headline)).text
    most = longest(Notice, "headline")
    if len(headline) > most:
        raise FieldRefused(
            "headline", _("The headline has more than %(most)s characters. Shorten it.") % {"most": most}
        )
    return headline


def _play(play: str) -> str:
    play = scrub(clean_text(play)).text
    if len(play) > LONGEST_PLAY:
        text = _("That is more than %(most)s characters. Agents read it with a customer waiting: shorten it.")
        raise FieldRefused("play", text % {"most": LONGEST_PLAY})
    return play
