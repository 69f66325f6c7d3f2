"""What managers do with flags: every one of these verbs leaves a sentence that the agent reads, "you said, we did".

Who decides first decides: each verb changes the flag as it was read, in one conditional UPDATE, and whoever comes
second is told what became of it. A flag on a rule of another department is answered there: see `answering.py`.
"""

from datetime import datetime
from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.access.models import Person
from rulebook.access.rights import may_change_rule_of
from rulebook.access.scrubbing import scrub
from rulebook.catalogue.cleaning import clean_line, clean_text
from rulebook.catalogue.models import Rule
from rulebook.catalogue.services import FieldRefused, change_rule, longest, write_down
from rulebook.catalogue.similar import Likely, alike
from rulebook.errors import NotAllowed, WrongState
from rulebook.flags.answering import may_make_rules, refuse_others_flags
from rulebook.flags.models import REPLY, Flag
from rulebook.flags.replies import Default
from rulebook.flags.sentences import in_words
from rulebook.flags.services import link_flagged_case
from rulebook.journal.services import Acting, business_verb, record
from rulebook.journal.words import teach

LONGEST_ANSWER = 2_000  # characters
MOST_TWICE = 2  # rules that are named where one says much the same
Outcome = Flag.Outcome


class AlreadyDecided(WrongState):
    """Somebody else was first. Nothing was stored; the text says what was done, and by whom."""


class LikelyTwice(FieldRefused):
    """A rule says much the same as the one that was to be made. Nothing was stored; `rules` are the likely ones."""

    def __init__(self, rules: list[Likely]) -> None:
        said = ngettext(
            "A rule says much the same: %(rules)s. Link the flag to it, or make the rule anyway.",
            "Rules say much the same: %(rules)s. Link the flag to one, or make the rule anyway.",
            len(rules),
        )
        removed = _("“%(title)s” (%(code)s, removed)")
        named = _("“%(title)s” (%(code)s)")
        titles = [(removed if rule.removed else named) % vars(rule) for rule in rules]
        super().__init__("title", said % {"rules": ", ".join(titles)})
        self.rules = rules


teach("flag", {code: label for code, label in Outcome.choices if code})


@business_verb
def link_flag(*, flag: Flag, rule: Rule, by: Acting | None, headline: str = "", answer: str = "") -> Flag:
    """The flag is about this rule, and counts there; a case that it names is linked to the rule.

    Where the rule is for others to answer, the flag goes to them: it stays open, and this is its first reply. A blank
    headline is the rule's title, a blank answer says what was done.
    """
    refuse_others_flags(_person(by), flag)
    own = by is None or may_change_rule_of(cast(Person, by), rule.department_id, rule.owner_id)
    before = flag.rule
    stored = _store(
        flag, by, Outcome.LINKED if own else Outcome.OPEN,
        headline=headline or _title_of(rule), answer=answer, default=Default.LINKED if own else Default.PASSED_ON,
        rule_id=rule.pk, rule_was_removed=rule.status == Rule.Status.REMOVED,
    )  # fmt: skip
    link_flagged_case(flag=stored, rule_before=before)
    record("linked_to_rule" if own else "passed_on", "flag", str(flag.pk), after=rule.code, by=by)
    _tell_merged(stored)
    return stored


@business_verb
def make_rule_of(
    *, flag: Flag, title: str, by: Acting | None, headline: str = "", answer: str = "", anyway: bool = False
) -> Flag:
    """Write the rule down, as found and unwritten, with the sentence that the customer had to hear.

    The title is the manager's own: what an agent said is not made public by becoming a rule. Raises LikelyTwice where
    a rule says much the same already, a removed one too, unless it is to be made `anyway`.
    """
    refuse_others_flags(_person(by), flag)
    if not may_make_rules(_person(by)):
        raise NotAllowed(_("Your role writes no rules down. Link the flag to one, answer it, or ask a manager."))
    title = scrub(title).text
    if not anyway and (same := alike(title, most=MOST_TWICE)):
        raise LikelyTwice(same)
    rule = write_down(
        fields={
            "title": title,
            "kind": Rule.Kind.UNWRITTEN,
            "customer_hears": in_words(flag.customer_heard),
            "heard_where": _("An agent flagged it."),
        },
        by=by,
    )
    before = flag.rule
    stored = _store(
        flag, by, Outcome.NEW_RULE, headline=headline or _title_of(rule), answer=answer, default=Default.MADE,
        rule_id=rule.pk, rule_was_removed=False,
    )  # fmt: skip
    link_flagged_case(flag=stored, rule_before=before)
    record("made_a_rule", "flag", str(flag.pk), after=rule.code, by=by)
    _tell_merged(stored)
    return stored


@business_verb
def merge_flags(*, flag: Flag, into: Flag, by: Acting | None, headline: str = "", answer: str = "") -> Flag:
    """Say that two flags are about the same thing: they are answered together from now on.

    The merged one is given the other's answer as soon as there is one, and until then a first reply. What was merged
    into it before goes along. Whoever merges may answer both of them. Raises FieldRefused where the two are the same,
    or have been merged the other way round.
    """
    refuse_others_flags(_person(by), flag)
    # In the order of their numbers: two who merge two flags crosswise come one after the other.
    locked = {row.pk: row for row in Flag.objects.select_for_update().filter(pk__in=[flag.pk, into.pk]).order_by("pk")}
    target = locked.get(into.pk)
    if target is not None and target.merged_into_id is not None:
        target = Flag.objects.select_for_update().get(pk=target.merged_into_id)
    if target is None:
        raise FieldRefused("into", _("The other flag is no longer here. Choose another one."))
    if target.pk == flag.pk:
        raise FieldRefused("into", _("A flag is not merged with itself. Choose another one."))
    refuse_others_flags(_person(by), target)
    rule_id = flag.rule_id or target.rule_id
    stored = _store(
        flag, by, Outcome.MERGED, headline=headline or target.headline, answer=answer or target.answer,
        default=Default(target.by_default) if target.by_default else Default.MERGED,
        decided_at=timezone.now() if target.decided_at else None, merged_into_id=target.pk, rule_id=rule_id,
    )  # fmt: skip
    same = {
        name: getattr(target, name) for name in ("headline", "answer", "by_default", "answered_by_id", "decided_at")
    }
    Flag.objects.filter(merged_into=flag.pk).update(merged_into=target.pk, **(same if target.replied_at else {}))
    if flag.rule_id is None and rule_id is not None:
        link_flagged_case(flag=stored)
    record("merged", "flag", str(flag.pk), after=str(target.pk), by=by)
    return stored


@business_verb
def answer_flag(*, flag: Flag, headline: str, answer: str, by: Acting | None, decided: bool = True) -> Flag:
    """Answer in words alone; with `decided` False it is a first reply, and the flag stays in the queue."""
    refuse_others_flags(_person(by), flag)
    if not clean_text(answer):
        raise FieldRefused("answer", _("Write what you did, or why not. The agent reads it."))
    stored = _store(flag, by, Outcome.ANSWERED if decided else Outcome.OPEN, headline=headline, answer=answer)
    record("answered" if decided else "replied_to", "flag", str(flag.pk), by=by)
    _tell_merged(stored)
    return stored


@business_verb
def not_a_rule(*, flag: Flag, by: Acting | None, headline: str = "", answer: str = "") -> Flag:
    """Say that nothing asks for it. Where the flag names a rule, that rule is sorted under "drop"."""
    refuse_others_flags(_person(by), flag)
    rule = flag.rule
    headline = headline or (_title_of(rule) if rule else "")
    default = Default.NOT_ASKED if rule else Default.NO_RULE
    stored = _store(flag, by, Outcome.NO_RULE, headline=headline, answer=answer, default=default)
    if rule is not None:
        change_rule(rule=rule, fields={"intent": Rule.Intent.DROP.value}, by=by)
    record("called_no_rule", "flag", str(flag.pk), after=rule.code if rule else "", by=by)
    _tell_merged(stored)
    return stored


@business_verb
def put_back(*, flag: Flag, by: Acting | None) -> Flag:
    """Undo a decision: the flag stands in the queue again. Its answer stays until there is another.

    A rule that was written down, linked or sorted stays as it is. A flag that is open already stays so. Of one that
    was merged with another the other's standard answer does not stay: it may be about another rule.
    """
    refuse_others_flags(_person(by), flag)
    if flag.outcome == Outcome.OPEN:
        return flag
    default = Default.MERGED if flag.outcome == Outcome.MERGED and flag.by_default else flag.by_default
    if not _as_read(flag).update(outcome=Outcome.OPEN, decided_at=None, merged_into=None, by_default=default):
        raise AlreadyDecided(what_became_of(flag))
    record("put_back", "flag", str(flag.pk), before=flag.outcome, by=by)
    stored = _read(flag)
    _tell_merged(stored)
    return stored


def what_became_of(flag: Flag) -> str:
    """The sentence for whoever came second."""
    now = Flag.objects.select_related("answered_by").filter(pk=flag.pk).first()
    if now is None:
        return _("This flag is no longer here. Nothing was stored.")
    who = {"outcome": now.get_outcome_display(), "person": str(now.answered_by or _("somebody else"))}
    if now.outcome:
        return _("Decided a moment ago: %(outcome)s, by %(person)s. Nothing of yours was stored.") % who
    return _("Answered a moment ago by %(person)s, and still open. Read it, then decide.") % who


def _store(
    flag: Flag, by: Acting | None, outcome: str, *,
    headline: str, answer: str, default: Default | None = None, **columns: Any,
) -> Flag:  # fmt: skip
    """Write the answer over the flag as it was read; a flag that is not open any more is left as it is.

    `default` stands for the answer where that is blank.
    """
    headline, answer = scrub(clean_line(headline)).text, scrub(clean_text(answer)).text
    if not headline and outcome != Outcome.MERGED:
        raise FieldRefused("headline", _("Say in one line what the flag is about. All agents read it."))
    if len(headline) > longest(Flag, "headline"):
        most = longest(Flag, "headline")
        raise FieldRefused("headline", _("The line has more than %(most)s characters. Shorten it.") % {"most": most})
    if len(answer) > LONGEST_ANSWER:
        raise FieldRefused(
            "answer", _("The answer has more than %(most)s characters. Shorten it.") % {"most": LONGEST_ANSWER}
        )
    now = timezone.now()
    decided: datetime | None = None if outcome == Outcome.OPEN else now
    values = {"decided_at": decided, **columns}
    if flag.outcome != Outcome.OPEN or not _as_read(flag).update(
        outcome=outcome,
        headline=headline,
        answer=answer,
        by_default=default if default and not answer else "",
        answered_by_id=by.pk if by else None,
        replied_at=flag.replied_at or now,
        **values,
    ):
        raise AlreadyDecided(what_became_of(flag))
    return _read(flag)


def _read(flag: Flag) -> Flag:
    """As it is stored now, with all that its reply is about."""
    return Flag.objects.select_related(*REPLY).get(pk=flag.pk)


def _as_read(flag: Flag) -> QuerySet[Flag]:
    """The flag while it is what it was when it was read."""
    return Flag.objects.filter(
        pk=flag.pk, outcome=flag.outcome, replied_at=flag.replied_at, decided_at=flag.decided_at, rule=flag.rule_id,
        headline=flag.headline, answer=flag.answer, by_default=flag.by_default,
    )  # fmt: skip


def _tell_merged(flag: Flag) -> None:
    """Give the flags that were merged into this one its answer, and its rule to those that have none."""
    followers = Flag.objects.filter(merged_into=flag.pk)
    followers.update(
        headline=flag.headline, answer=flag.answer, by_default=flag.by_default, answered_by=flag.answered_by_id,
        decided_at=flag.decided_at,
    )  # fmt: skip
    if flag.rule_id is not None:
        for follower in followers.filter(rule=None):
            follower.rule = flag.rule
            follower.save(update_fields=["rule"])
            link_flagged_case(flag=follower)


def _title_of(rule: Rule) -> str:
    return str(Truncator(rule.title).chars(longest(Flag, "headline")))


def _person(by: Acting | None) -> Person | None:
    return cast(Person, by) if by else None
