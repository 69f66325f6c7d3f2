"""What can be done with notices: draft one with a decision, publish it, mend it, take it back. Reviews call these."""

import hashlib
from collections.abc import Iterable
from datetime import date

from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.models import Team
from rulebook.access.scrubbing import scrub
from rulebook.catalogue.cleaning import clean_line, clean_text
from rulebook.catalogue.models import RuleVersion
from rulebook.catalogue.services import FieldRefused, longest
from rulebook.errors import WrongState
from rulebook.journal.services import Acting, business_verb, record
from rulebook.notices.models import Notice

State = Notice.State


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
    headline, play = _cleaned(headline, play)
    fields = {
        "version": version, "kind": kind, "headline": headline, "limit": limit, "play": play,
        "effective_on": effective_on, "state": State.DRAFT, "published_on": None,
        "text_hash": text_hash(kind, headline, limit, play, effective_on),
    }  # fmt: skip
    notice, _made = Notice.objects.update_or_create(about=about, defaults=fields)
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
    notice.text_hash = text_hash(notice.kind, notice.headline, notice.limit, notice.play, notice.effective_on)
    notice.save()
    record("published", "notice", str(notice.pk), after=notice.version.rule.code, by=by)
    return notice


@business_verb
def withdraw_notice(*, notice: Notice, by: Acting | None) -> None:
    """Take it back: the change does not come. A draft goes without a word, who read the published one is told so."""
    notice = Notice.objects.select_for_update().get(pk=notice.pk)
    before, notice.state = notice.state, State.WITHDRAWN
    notice.save(update_fields=["state"])
    if before == State.PUBLISHED:
        record("taken_back", "notice", str(notice.pk), before=before, after=notice.state, by=by)


def text_hash(kind: str, headline: str, limit: str, play: str, effective_on: date) -> str:
    """SHA-256 of what a reader has to know. A receipt belongs to it."""
    said = "\n".join([kind, headline, limit, play, effective_on.isoformat()])
    return hashlib.sha256(said.encode()).hexdigest()


def _cleaned(headline: str, play: str) -> tuple[str, str]:
    headline, play = scrub(clean_line(headline)).text, scrub(clean_text(play)).text
    most = longest(Notice, "headline")
    if len(headline) > most:
        raise FieldRefused(
            "headline", _("The headline has more than %(most)s characters. Shorten it.") % {"most": most}
        )
    return headline, play
