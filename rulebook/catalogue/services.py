"""What can be done with rules: write one down, change it. Admin, form, API and commands all call these."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, TypedDict

from django.db.models import CharField
from django.db.models.functions import Length
from django.utils import timezone

from rulebook.access.models import Department, Person
from rulebook.catalogue.models import Alias, Rule, RuleVersion, Topic
from rulebook.errors import RulebookError
from rulebook.journal.services import Acting, business_verb, record

CharField.register_lookup(Length)

OWN_CODE = re.compile(r"R-([0-9]{1,9})")
MEANING = ("title", "text", "topics", "channels")


class RuleFields(TypedDict, total=False):
    """What a rule may be given. A key that is not there leaves the field as it is."""

    title: str
    text: str
    kind: str
    authority: str
    clause: str
    protective: bool
    department: Department | None
    owner: Person | None
    topics: list[str]
    channels: list[str]
    purpose: str
    heard_where: str
    source_reference: str
    customer_hears: str
    decision_limit: str
    requirements: int | None
    review_by: date | None
    applies_from: date | None
    aliases: list[str]


@business_verb
def topic_at(*, path: str, by: Acting | None) -> Topic:
    """The topic of that path, made with its parents when nobody has named it before."""
    known = Topic.objects.filter(path=path).first()
    if known is not None:
        return known
    above, _, _ = path.rpartition("/")
    parent = topic_at(path=above, by=by) if above else None
    topic, made = Topic.objects.get_or_create(path=path, defaults={"parent": parent})
    if made:
        record("created", "topic", str(topic.pk), by=by)
    return topic


@business_verb
def write_down(*, fields: RuleFields, by: Acting | None, code: str = "") -> Rule:
    """Write down a rule as found: it is in force already, somewhere. Only the title is needed.

    Raises RulebookError when the title is missing, or the code or an alias already finds another rule.
    """
    if not fields.get("title"):
        raise RulebookError("A rule needs a title. Write what agents must, must not or may do, in one line.")
    code = code or next_code()
    _refuse_taken([code], rule=None)
    rule = Rule(code=code, **_columns(fields))
    if rule.authority in Rule.NOT_OURS:
        rule.claimed_on = timezone.localdate()
    rule.save()
    Alias.objects.create(name=code, rule=rule, is_code=True)
    _set_aliases(rule, fields.get("aliases", []))
    rule.topics.set([topic_at(path=path, by=by) for path in fields.get("topics", [])])
    _add_version(rule, sorted(fields.get("topics", [])), number=1, applies_from=fields.get("applies_from"))
    record("written_down", "rule", rule.code, after=rule.status, by=by)
    return rule


@business_verb
def change_rule(*, rule: Rule, fields: RuleFields, by: Acting | None) -> bool:
    """Change what is given and differs; True when anything did. A change of meaning makes a new version.

    A new version applies from `applies_from` where that was changed with it, else from today. Raises RulebookError
    when the title would be lost, an alias finds another rule, or `applies_from` lies before the version it ends.
    """
    if "title" in fields and not fields["title"]:
        raise RulebookError("A rule needs a title. Write what agents must, must not or may do, in one line.")
    rule = Rule.objects.select_for_update().select_related("department", "owner").get(pk=rule.pk)
    current = rule.versions.get(applies_to=None)
    before = _meaning(rule, current.topics)
    changed = [name for name, value in _columns(fields).items() if getattr(rule, name) != value]
    for name in changed:
        setattr(rule, name, fields[name])  # type: ignore[literal-required]
    if "authority" in changed:
        rule.claimed_on = timezone.localdate() if rule.authority in Rule.NOT_OURS else None
        rule.confirmed_by, rule.confirmed_at = None, None
    if "aliases" in fields and _set_aliases(rule, fields["aliases"]):
        changed.append("aliases")
    topics = sorted(fields.get("topics", current.topics))
    if topics != current.topics:
        rule.topics.set([topic_at(path=path, by=by) for path in topics])
        changed.append("topics")
    applies_from = fields.get("applies_from", current.applies_from)
    if applies_from is None and current.number > 1:
        applies_from = current.applies_from  # a blank says nothing about a wording that replaced another
    if _meaning(rule, topics) != before:
        _supersede(rule, current, topics, applies_from)
    elif applies_from != current.applies_from:
        _move_start(current, applies_from)
        changed.append("applies_from")
    if not changed:
        return False
    rule.save()
    record("changed", "rule", rule.code, after=",".join(sorted(changed))[:60], by=by)
    return True


def next_code() -> str:
    """The code after the highest of our own form, R-0001, R-0002 ..."""
    newest = (
        Alias.objects.filter(name__regex=rf"^{OWN_CODE.pattern}$").order_by("-name__length", "-name").first()
    )
    match = OWN_CODE.fullmatch(newest.name) if newest else None
    return f"R-{int(match[1]) + 1 if match else 1:04d}"


def _columns(fields: RuleFields) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in {"topics", "aliases", "applies_from"}}


def _meaning(rule: Rule, topics: list[str]) -> dict[str, Any]:
    return {"title": rule.title, "text": rule.text, "topics": topics, "channels": rule.channels}


def meaning_hash(meaning: Mapping[str, Any]) -> str:
    """SHA-256 of title, text, topics and channels: two versions with one hash say the same."""
    text = json.dumps([meaning[name] for name in MEANING], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _add_version(rule: Rule, topics: list[str], *, number: int, applies_from: date | None) -> None:
    meaning = _meaning(rule, topics)
    RuleVersion.objects.create(
        rule=rule, number=number, applies_from=applies_from, hash=meaning_hash(meaning), **meaning
    )


def _supersede(rule: Rule, current: RuleVersion, topics: list[str], applies_from: date | None) -> None:
    if applies_from and applies_from != current.applies_from:
        start = applies_from
    else:  # not before the start of a wording that is still to come
        start = max(timezone.localdate(), current.applies_from or date.min)
    if current.applies_from is not None and start < current.applies_from:
        raise RulebookError(
            f"The new wording cannot apply before the one it replaces, which applies from {current.applies_from}. "
            "Give a later applies_from."
        )
    current.applies_to = start
    current.save(update_fields=["applies_to"])
    _add_version(rule, topics, number=current.number + 1, applies_from=start)


def _move_start(current: RuleVersion, applies_from: date | None) -> None:
    """Correct the day from which the present wording applies; the version before it then ends on that day."""
    earlier = RuleVersion.objects.filter(rule=current.rule, number=current.number - 1).first()
    if earlier is not None:
        if applies_from is None or (earlier.applies_from is not None and applies_from < earlier.applies_from):
            raise RulebookError(
                "This wording cannot apply before the one it replaced. Give a later applies_from."
            )
        earlier.applies_to = applies_from
        earlier.save(update_fields=["applies_to"])
    current.applies_from = applies_from
    current.save(update_fields=["applies_from"])


def _refuse_taken(names: Iterable[str], rule: Rule | None) -> None:
    taken = Alias.objects.filter(name__in=names).exclude(rule=rule).select_related("rule").order_by("name").first()
    if taken is not None:
        raise RulebookError(
            f"'{taken.name}' already finds rule {taken.rule.code}. Give another name, or take it from that rule first."
        )


def _set_aliases(rule: Rule, names: Iterable[str]) -> bool:
    wanted = set(names) - {rule.code}
    present = set(rule.names.filter(is_code=False).values_list("name", flat=True))
    _refuse_taken(wanted - present, rule)
    rule.names.filter(is_code=False, name__in=present - wanted).delete()
    Alias.objects.bulk_create(Alias(name=name, rule=rule) for name in sorted(wanted - present))
    return wanted != present
