"""What can be done with rules: write one down, change it. Admin, form, API and commands all call these."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, TypedDict

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from rulebook.access.models import Department, Person
from rulebook.access.rights import refuse_others_rules, refuse_without
from rulebook.catalogue.cleaning import LINES, TEXTS, clean_line, clean_name, clean_text, topic_path, without_people
from rulebook.catalogue.codes import next_code
from rulebook.catalogue.locks import refuse_locked
from rulebook.catalogue.models import Alias, Rule, RuleChannel, RuleVersion, Topic
from rulebook.errors import LostRace, RulebookError
from rulebook.journal.services import Acting, business_verb, record

RECLAIMED = {"authority", "clause"}
MEANING = ("title", "text", "topics", "channels")
CHOICES = {"kind": Rule.Kind, "authority": Rule.Authority, "intent": Rule.Intent}
MOST_REQUIREMENTS = 2**31 - 1  # what the column holds


class FieldRefused(RulebookError):
    """A value cannot be taken; `field` names which, so that a form or a report can point at it."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


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
    intent: str
    aliases: list[str]


@business_verb
def topic_at(*, path: str, by: Acting | None) -> Topic:
    """The topic of that path, made with its parents when nobody has named it before. Raises RulebookError."""
    path = topic_path(path)
    known = Topic.objects.filter(path=path).first()
    if known is not None:
        return known
    if not path or len(path) > longest(Topic, "path"):
        raise FieldRefused(
            "topics",
            _("A topic has 1 to %(most)s characters. Give a shorter one.") % {"most": longest(Topic, "path")},
        )
    above = path.rpartition("/")[0]
    parent = topic_at(path=above, by=by) if above else None
    topic, made = Topic.objects.get_or_create(path=path, defaults={"parent": parent})
    if made:
        record("created", "topic", str(topic.pk), by=by)
    return topic


@business_verb
def topic_ids(*, paths: Iterable[str]) -> dict[str, int]:
    """{path as given: topic id}, made where needed. For imports of cases, whose one event stands for all they bring."""
    wanted = {path: topic_path(path) or path for path in paths}
    known = dict(Topic.objects.filter(path__in=set(wanted.values())).values_list("path", "pk"))
    for path in sorted(set(wanted.values()) - set(known)):
        parent: Topic | None = None
        steps = path.split("/") if topic_path(path) else [path]
        for depth in range(1, len(steps) + 1):
            step = "/".join(steps[:depth])
            parent = Topic.objects.get_or_create(path=step, defaults={"parent": parent})[0]
            known[step] = parent.pk
    return {given: known[path] for given, path in wanted.items()}


@business_verb
def write_down(*, fields: RuleFields, by: Acting | None, code: str = "") -> Rule:
    """Write down a rule as found: it is in force already, somewhere. Only the title is needed.

    Raises RulebookError when the title is missing, a value is impossible, or the code or an alias already finds
    another rule; NotAllowed without the right to write rules down.
    """
    refuse_without(by, "catalogue.add_rule")
    rule = store_rule(fields, by, code=code, status=Rule.Status.IN_FORCE)
    record("written_down", "rule", rule.code, after=rule.status, by=by)
    return rule


def store_rule(fields: RuleFields, by: Acting | None, *, code: str = "", status: str) -> Rule:
    """Store a new rule with its names, topics and first wording. For verbs, which journal how it came.

    Raises as `write_down` does.
    """
    fields = cleaned(fields)
    if not fields.get("title"):
        raise FieldRefused("title", untitled())
    code = clean_name(code) or next_code()
    aliases = sorted(set(fields.get("aliases", [])) - {code})
    _refuse_long([code], "code")
    _refuse_taken([code, *aliases], rule=None)
    rule = Rule(code=code, status=status, **_columns(fields))
    _claim(rule, by)
    with _naming(code):
        rule.save(force_insert=True)
        Alias.objects.bulk_create(Alias(name=name, rule=rule, is_code=name == code) for name in [code, *aliases])
    topics = sorted(fields.get("topics", []))
    if topics:
        rule.topics.add(*_topics(topics, by))
    RuleChannel.objects.bulk_create(RuleChannel(rule=rule, name=name) for name in rule.channels)
    _add_version(rule, topics, number=1, applies_from=fields.get("applies_from"))
    return rule


@business_verb
def change_rule(*, rule: Rule, fields: RuleFields, by: Acting | None) -> bool:
    """Change what is given and differs; True when anything did. A change of meaning makes a new version.

    A new version applies from `applies_from` where that was changed with it, else from today. Raises RulebookError
    when the title would be lost, a value is impossible, an alias finds another rule, `applies_from` lies before the
    version it ends, or the meaning of a rule that no longer applies would change; WordingLocked when the meaning, or
    from when it applies, would change while people vote on it; NotAllowed when the rule, as it stands, is of another
    department than the person's own.
    """
    given = fields
    fields = cleaned(fields)
    if "title" in fields and not fields["title"]:
        raise FieldRefused("title", untitled())
    rule = Rule.objects.select_for_update(of=("self",)).select_related("department", "owner").get(pk=rule.pk)
    refuse_others_rules(by, rule.department, rule.owner_id)
    _refuse_later(rule, fields, by)
    for name in set(given) & {*TEXTS, *LINES}:  # sent back as it stands: a number in it was stored before, or is meant
        if clean_text(given[name]) == getattr(rule, name):  # type: ignore[literal-required]
            fields[name] = getattr(rule, name)  # type: ignore[literal-required]
    versions = list(rule.versions.order_by("number"))
    current = versions[-1]
    before = _meaning(rule, current.topics)
    if set(fields.get("channels", rule.channels)) == set(rule.channels):
        fields.pop("channels", None)  # another order says the same
    changed = [name for name, value in _columns(fields).items() if getattr(rule, name) != value]
    for name in changed:
        setattr(rule, name, fields[name])  # type: ignore[literal-required]
    if "customer_hears" in changed:  # it stands on the card that is voted on
        refuse_locked(rule, "customer_hears")
    if RECLAIMED.intersection(changed) or (rule.confirmed_at and {"title", "text"}.intersection(changed)):
        _claim(rule, by)
    if "channels" in changed:
        _set_channels(rule)
    if "aliases" in fields and _set_aliases(rule, fields["aliases"]):
        changed.append("aliases")
    topics = sorted(fields.get("topics", current.topics))
    if topics != current.topics:
        rule.topics.set(_topics(topics, by))
        changed.append("topics")
    applies_from = fields.get("applies_from", current.applies_from)
    applies_from = stated_start(applies_from, [version.applies_from for version in versions])
    if (meaning := _meaning(rule, topics)) != before:
        refuse_locked(rule, next(name for name in MEANING if meaning[name] != before[name]))
        _supersede(rule, current, topics, applies_from)
    elif applies_from != current.applies_from:
        refuse_locked(rule, "applies_from")
        _move_start(current, applies_from)
        changed.append("applies_from")
    if not changed:
        return False
    rule.save()
    record("changed", "rule", rule.code, after=",".join(sorted(changed)), by=by)
    return True


@business_verb
def add_topic(*, rule: Rule, path: str, by: Acting | None) -> bool:
    """Add one topic to those the rule has by now; True when it was not among them. Raises as `change_rule` does."""
    Rule.objects.select_for_update().get(pk=rule.pk)  # else two people who add one at once would keep only the last
    current = rule.versions.latest("number")
    return change_rule(rule=rule, fields={"topics": [*current.topics, path]}, by=by)


def cleaned(fields: RuleFields) -> RuleFields:
    """The same fields in the one form that is stored and compared, without the numbers and addresses of people.

    Raises RulebookError for an impossible value.
    """
    values: dict[str, Any] = dict(fields)
    for name in TEXTS:
        if name in values:
            values[name] = without_people(clean_text(values[name]))
    for name in LINES:
        if name in values:
            values[name] = without_people(clean_line(values[name]))
            if len(values[name]) > longest(Rule, name):
                raise FieldRefused(name, too_long(name, longest(Rule, name)))
    for name, clean in (("aliases", clean_name), ("channels", clean_name), ("topics", topic_path)):
        if name in values:
            values[name] = list(dict.fromkeys(text for given in values[name] if (text := clean(given))))
    _refuse_long(values.get("aliases", []), "aliases")
    if any(len(name) > longest(RuleChannel, "name") for name in values.get("channels", [])):
        most = longest(RuleChannel, "name")
        raise FieldRefused(
            "channels", _("A channel has more than %(most)s characters. Give a shorter name.") % {"most": most}
        )
    for name, allowed in CHOICES.items():
        if name in values and values[name] not in {*allowed.values, *([""] if name == "intent" else [])}:
            known = ", ".join(allowed.values)
            raise FieldRefused(
                name, _("There is no such %(field)s. Write one of %(known)s.") % {"field": name, "known": known}
            )
    if not 0 <= (values.get("requirements") or 0) <= MOST_REQUIREMENTS:
        raise FieldRefused("requirements", _("A rule has no such number of requirements. Write 0 or more, or nothing."))
    return values  # type: ignore[return-value]


def longest(model: type[Model], name: str) -> int:
    """How many characters a column holds."""
    return int(getattr(model._meta.get_field(name), "max_length", 0) or 0)


def too_long(name: str, most: int) -> str:
    return _("The %(field)s has more than %(most)s characters. Shorten it, and put the rest into the text.") % {
        "field": name.replace("_", " "),
        "most": most,
    }


def untitled() -> str:
    return _("A rule needs a title. Write what agents must, must not or may do, in one line.")


def stated_start(given: date | None, starts: Sequence[date | None]) -> date | None:
    """The day from which the newest wording applies, when a list says `given` and the versions began on `starts`.

    A blank, or the day of an earlier wording, is what a list written before the last change says: it says nothing
    about the newest wording, and importing such a list twice must change nothing.

    >>> stated_start(date(2020, 1, 1), [date(2020, 1, 1), date(2026, 3, 1)])
    datetime.date(2026, 3, 1)
    >>> stated_start(date(2021, 1, 1), [date(2020, 1, 1)])
    datetime.date(2021, 1, 1)
    """
    *earlier, newest = starts
    return newest if earlier and (given is None or given in earlier) else given


def _refuse_later(rule: Rule, fields: RuleFields, by: Acting | None) -> None:
    """One person alone does not put off the day on which a rule is looked at again. The system may: it was decided."""
    if by is not None and "review_by" in fields and rule.is_put_off(fields["review_by"]):
        text = _("A later review-by date needs two people. Each sets the same date in the list of rules.")
        raise FieldRefused("review_by", text)


def _claim(rule: Rule, by: Acting | None) -> None:
    """A law or contract in other words is claimed anew: who confirmed it had not read these."""
    claimed = rule.authority in Rule.NOT_OURS
    rule.claimed_on = timezone.localdate() if claimed else None
    rule.claimed_by_id = by.pk if claimed and by else None
    rule.confirmed_by, rule.confirmed_at = None, None


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
    if current.applies_to is not None:
        raise RulebookError(
            _("%(code)s no longer applies, so its words stay as they were. Write down a new rule instead.")
            % {"code": rule.code}
        )
    if applies_from and applies_from != current.applies_from:
        start = applies_from
    else:  # not before the start of a wording that is still to come
        start = max(timezone.localdate(), current.applies_from or date.min)
    if current.applies_from is not None and start < current.applies_from:
        raise FieldRefused(
            "applies_from",
            _(
                "The new wording cannot apply before the one it replaces, which applies from %(day)s. "
                "Give a later applies_from."
            )
            % {"day": current.applies_from},
        )
    current.applies_to = start
    current.save(update_fields=["applies_to"])
    _add_version(rule, topics, number=current.number + 1, applies_from=start)


def _move_start(current: RuleVersion, applies_from: date | None) -> None:
    """Correct the day from which the present wording applies; the version before it then ends on that day."""
    earlier = RuleVersion.objects.filter(rule=current.rule, number=current.number - 1).first()
    if earlier is not None:
        if applies_from is None or (earlier.applies_from is not None and applies_from < earlier.applies_from):
            raise FieldRefused(
                "applies_from", _("This wording cannot apply before the one it replaced. Give a later applies_from.")
            )
        earlier.applies_to = applies_from
        earlier.save(update_fields=["applies_to"])
    current.applies_from = applies_from
    current.save(update_fields=["applies_from"])


def _topics(paths: Sequence[str], by: Acting | None) -> list[Topic]:
    known = {topic.path: topic for topic in Topic.objects.filter(path__in=paths)}
    return [known.get(path) or topic_at(path=path, by=by) for path in paths]


def _refuse_long(names: Iterable[str], field: str) -> None:
    most = longest(Alias, "name")
    if any(len(name) > most for name in names):
        raise FieldRefused(
            field, _("A code or alias has more than %(most)s characters. Give a shorter one.") % {"most": most}
        )


def _refuse_taken(names: Sequence[str], rule: Rule | None) -> None:
    """`names` of a new rule begin with its code; those of an old one are aliases only."""
    taken = Alias.objects.filter(name__in=names).exclude(rule=rule).select_related("rule").order_by("name").first()
    if taken is not None:
        raise FieldRefused(
            "code" if rule is None and taken.name == names[0] else "aliases",
            _(
                "'%(name)s' already finds rule %(code)s. Give another name, or take it from that rule first; "
                "a list that swaps two names needs an import without them before it."
            )
            % {"name": taken.name, "code": taken.rule.code},
        )


@contextmanager
def _naming(code: str) -> Iterator[None]:
    """A name that was free a moment ago can be taken by now; tried again, `_refuse_taken` says by which rule."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise LostRace(
            _(
                "Somebody else took the code or an alias of %(code)s at the same moment. "
                "Nothing was stored; save it again."
            )
            % {"code": code}
        ) from error


def _set_aliases(rule: Rule, names: Iterable[str]) -> bool:
    wanted = set(names) - {rule.code}
    present = set(rule.names.filter(is_code=False).values_list("name", flat=True))
    _refuse_taken(sorted(wanted - present), rule)
    # The code of a rule that was merged into this one stays: nothing else leads from there to here.
    wanted |= set(Rule.objects.filter(code__in=present - wanted).values_list("code", flat=True))
    rule.names.filter(is_code=False, name__in=present - wanted).delete()
    with _naming(rule.code):
        Alias.objects.bulk_create(Alias(name=name, rule=rule) for name in sorted(wanted - present))
    return wanted != present


def _set_channels(rule: Rule) -> None:
    rule.named_channels.exclude(name__in=rule.channels).delete()
    present = set(rule.named_channels.values_list("name", flat=True))
    RuleChannel.objects.bulk_create(RuleChannel(rule=rule, name=name) for name in rule.channels if name not in present)
