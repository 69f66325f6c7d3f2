"""What the journal's codes are called where people read them.

The codes themselves are stored, and never change. A verb stands in the table below; what was before and after an event
are codes of the packages that write it, and each tells its words with `teach`.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

Words = Mapping[str, Any]

VERBS: Words = {
    "added_to": _("added to"),
    "agreed": _("yes said by the owner"),
    "answered": _("answered"),
    "assess": _("assessment begun"),
    "authority_confirmed": _("authority confirmed"),
    "ballot_closed": _("ballot closed; votes in it"),
    "called_no_rule": _("called no rule"),
    "cases_deleted": _("cases deleted"),
    "changed": _("changed"),
    "claim_lapsed": _("claim lapsed"),
    "contact_read": _("contact read"),
    "created": _("created"),
    "declare_myth": _("declared a myth"),
    "delegate": _("given to agents to decide"),
    "drawn": _("drawn"),
    "end_trial": _("trial ended"),
    "escalate": _("escalated"),
    "escalation_answered": _("escalation answered"),
    "flagged": _("flagged"),
    "flags_released": _("anonymous flags released"),
    "head_set": _("head named"),
    "headcount_set": _("headcount set"),
    "imported": _("imported"),
    "keep": _("kept"),
    "lapse": _("left to lapse"),
    "begin_lapsing": _("begins to lapse"),
    "later_date_asked": _("later review-by date asked for"),
    "later_date_confirmed": _("later review-by date confirmed"),
    "later_date_taken_back": _("later review-by date no longer asked for"),
    "let_in": _("let in"),
    "link_made": _("link made"),
    "link_revoked": _("link revoked"),
    "linked": _("linked to a case"),
    "linked_to_rule": _("linked to a rule"),
    "looked_again": _("looked at again"),
    "made_a_rule": _("made a rule"),
    "marked": _("marked for removal"),
    "merged": _("merged with another"),
    "not_let_in": _("not let in"),
    "object": _("objected to"),
    "passed_on": _("passed on to another department"),
    "password_changed": _("password changed"),
    "policy_set": _("method changed"),
    "proposed": _("proposed"),
    "reopen": _("open again, as the rule was changed"),
    "published": _("published"),
    "put_back": _("put back into the queue"),
    "put_back_in_force": _("put back in force"),
    "remove": _("decided: remove"),
    "removed": _("removed"),
    "replied_to": _("given a first reply"),
    "retired": _("retired"),
    "revert_trial": _("trial reverted"),
    "revived": _("taken up again"),
    "rights_changed": _("rights changed"),
    "set": _("set"),
    "sign_in_given": _("sign-in given"),
    "simplify": _("decided: simplify"),
    "start_trial": _("trial registered"),
    "suspended": _("suspended"),
    "take_effect": _("took effect"),
    "taken_back": _("taken back"),
    "told_again": _("told again"),
    "took_in": _("took in another"),
    "tool_changed": _("tool changed"),
    "trial_begun": _("trial begun"),
    "trial_breached": _("guardrail of the trial breached"),
    "trial_extended": _("trial extended until"),
    "trial_looked_at": _("trial looked at"),
    "undo": _("undone"),
    "unlinked": _("link taken away"),
    "was_due": _("done late"),
    "withdraw": _("mark withdrawn"),
    "withdrawn": _("withdrawn"),
    "words_taken_in": _("new words taken in"),
    "write_down": _("decided: write down"),
    "written_down": _("written down"),
    "zombie_met": _("met again after its end; how often"),
}
OBJECTS: Words = {
    "audit": _("audit"),
    "ballot": _("ballot"),
    "closed_period": _("closed period"),
    "department": _("department"),
    "flag": _("flag"),
    "hourly_cost": _("cost of an hour"),
    "notice": _("notice"),
    "person": _("person"),
    "review": _("review"),
    "rule": _("rule"),
    "source": _("source"),
    "team": _("team"),
    "topic": _("topic"),
}
_taught: dict[str, dict[str, Any]] = {}


def teach(object_type: str, words: Words) -> None:
    """Let the codes that stand before and after events of `object_type` be shown in these words."""
    _taught.setdefault(object_type, {}).update(words)


def verb(code: str) -> str:
    """
    >>> verb("written_down"), verb("voted_on")
    ('Written down', 'Voted on')
    """
    return capfirst(str(VERBS.get(code, _spaced(code))))


def thing(object_type: str) -> str:
    """
    >>> thing("hourly_cost"), thing("vote_round")
    ('Cost of an hour', 'Vote round')
    """
    return capfirst(str(OBJECTS.get(object_type, _spaced(object_type))))


def value(object_type: str, stored: str) -> str:
    """What stood before or after an event: one code, several between commas, or those of a policy between blanks.

    >>> value("vote_round", "still_open,quiet"), value("vote_round", "Anna_1 & Co")
    ('still open, quiet', 'Anna_1 & Co')
    """
    words = _taught.get(object_type, {})
    if stored in words:
        return str(words[stored])
    parts = stored.split(" ")
    if len(parts) == 1:
        return ", ".join(_word(words, part) for part in stored.split(","))
    return ", ".join(_word(words, part) for part in parts) if parts[0] in words else stored


def _word(words: Words, code: str) -> str:
    return str(words[code]) if code in words else _spaced(code)


def _spaced(code: str) -> str:
    """A code that nobody told words for; what is no code stands as it is."""
    return code.replace("_", " ") if code.isidentifier() and code.islower() else code
