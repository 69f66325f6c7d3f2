"""Contacts as other systems recorded them, and the rules they met."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from rulebook.access.models import Team
from rulebook.catalogue.models import Rule, Topic
from rulebook.fields import BytewiseField


class Method(models.TextChoices):
    """How a source tells whether the first contact solved it. Methods are never pooled."""

    NO_REPEAT = "no_repeat", "no repeat contact in the window"
    DECLARED = "declared", "declared by the agent or help desk"
    SURVEY = "survey", "stated by the customer"
    SINGLE_TOUCH = "single_touch", "closed by one person in one go"
    CLOSED_FAST = "closed_fast", "closed inside the window"


class Outcome(models.TextChoices):
    RESOLVED = "resolved", "resolved"
    NOT_RESOLVED = "not_resolved", "not resolved"
    PENDING = "pending", "pending"
    UNKNOWN = "unknown", "unknown"


class Effect(models.TextChoices):
    APPLIED = "applied", "the rule was in play"
    BLOCKED = "blocked", "the rule kept the agent from solving"


class Origin(models.TextChoices):
    """Who says that the case met the rule. Only the source's own links are replaced by its imports."""

    SOURCE = "source", "the help desk's own data"
    MATCHER = "matcher", "matcher"
    SUGGESTION = "suggestion", "suggestion"
    PERSON = "person", "person"
    FLAG = "flag", "flag"


class Excluded(models.TextChoices):
    """Why a contact counts in no figure. It is stored and counted all the same."""

    OUTBOUND = "outbound", "outbound"
    ABANDONED = "abandoned", "abandoned"
    SPAM = "spam", "spam"
    TEST = "test", "test"
    MERGED = "merged", "merged duplicate"


class Source(models.Model):
    """A system that cases come from.

    Its time zone and customer space are fixed by its first import, because days and pseudonyms are computed with
    them. Sources of one space know the same customers, so that a mail after a call is seen as a repeat.
    """

    class Key(models.TextChoices):
        CUSTOMER_TOPIC = "customer,topic", "customer and topic"
        CUSTOMER = "customer", "customer"

    name = BytewiseField(max_length=100, unique=True)
    time_zone = models.CharField(max_length=60)
    space = BytewiseField(max_length=100)
    method = models.CharField(max_length=20, choices=Method, default=Method.NO_REPEAT)
    window_days = models.PositiveSmallIntegerField(default=7)
    key = models.CharField(max_length=20, choices=Key, default=Key.CUSTOMER_TOPIC)
    retired = models.BooleanField(default=False, help_text="Sends no more cases; holds back no other source.")
    horizon = models.DateTimeField(null=True, blank=True, editable=False, help_text="Data is complete until then.")
    # What happened that outcomes follow from (an import began, a policy was set), and up to which of them all outcomes
    # are stored. Whoever computes them notes `changes` before and writes that number into `judged` after: what came in
    # between, or died half-way, leaves the two apart.
    changes = models.PositiveBigIntegerField(default=0, editable=False)
    judged = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(window_days__gte=1, window_days__lte=366), name="window_is_1_to_366_days"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def stale(self) -> bool:
        """True while stored outcomes of its customer space may be wrong; figures are then computed anew."""
        return self.judged != self.changes


class Case(models.Model):
    """One inbound, handled contact, ticket or incident. No name and no raw id of a customer or agent is here.

    Loaded by raw SQL (`storing.py`), hence plain columns and no hooks. `outcome` is that of the source's primary
    policy; other policies are computed when asked for.
    """

    source = models.ForeignKey(Source, models.PROTECT, db_index=False, related_name="cases")
    external_id = BytewiseField(max_length=255)
    opened_at = models.DateTimeField(help_text="Local midnight where only the day is known.")
    opened_day = models.DateField(help_text="In the source's time zone.")
    day_only = models.BooleanField(default=False)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_day = models.DateField(null=True, blank=True)
    closed_day_only = models.BooleanField(default=False)
    channel = BytewiseField(max_length=100, blank=True)
    topic = models.ForeignKey(Topic, models.PROTECT, null=True, blank=True, db_index=False, related_name="cases")
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, db_index=False, related_name="cases")
    customer_key = models.BinaryField(max_length=32, null=True, blank=True)
    agent_key = models.BinaryField(max_length=32, null=True, blank=True)
    key_id = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Which key of the key ring.")
    handoffs = models.PositiveIntegerField(null=True, blank=True)
    reopens = models.PositiveIntegerField(null=True, blank=True)
    replies = models.PositiveIntegerField(null=True, blank=True)
    handle_seconds = models.PositiveIntegerField(null=True, blank=True)
    declared = models.BooleanField(null=True, blank=True)
    survey = models.BooleanField(null=True, blank=True)
    excluded = models.CharField(max_length=10, choices=Excluded, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    row_hash = models.BinaryField(max_length=16)

    class Meta:
        constraints = [
            # Also serves the upsert and the search by a help desk's own number.
            models.UniqueConstraint(fields=["source", "external_id"], name="one_case_per_source_and_id"),
        ]
        indexes = [
            # The issue key in its order: finds the repeat of a case, and all cases of a touched customer.
            models.Index(fields=["customer_key", "topic", "opened_at", "external_id"], name="case_issue_key"),
            # Months of a source, and the cases that mature when its horizon moves.
            models.Index(fields=["source", "opened_at"], name="case_source_opened"),
        ]

    def __str__(self) -> str:
        return self.external_id


class CaseRule(models.Model):
    """A case met a rule: it was in play, or it kept the agent from solving."""

    case = models.ForeignKey(Case, models.CASCADE, db_index=False, related_name="links")
    rule = models.ForeignKey(Rule, models.PROTECT, db_index=False, related_name="links")
    effect = models.CharField(max_length=10, choices=Effect)
    origin = models.CharField(max_length=10, choices=Origin)

    class Meta:
        verbose_name = "link"
        constraints = [
            models.UniqueConstraint(
                fields=["case", "rule", "effect", "origin"], name="a_link_is_said_once_by_each_origin"
            ),
        ]
        indexes = [
            # The cases of one rule: its months, and the list of those it blocked.
            models.Index(fields=["rule", "effect", "case"], name="caserule_cases_of_a_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.effect} {self.rule_id}"


class PendingLink(models.Model):
    """A link whose case or rule has not arrived yet. It becomes a CaseRule when both are there."""

    source = models.ForeignKey(Source, models.CASCADE, db_index=False)
    external_id = BytewiseField(max_length=255)
    rule_name = BytewiseField(max_length=100)
    effect = models.CharField(max_length=10, choices=Effect)
    origin = models.CharField(max_length=10, choices=Origin)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id", "rule_name", "effect", "origin"], name="a_pending_link_waits_once"
            ),
        ]
        indexes = [
            # The links that wait for a rule that has just been written down.
            models.Index(fields=["rule_name"], name="pendinglink_rule_name"),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} waits for {self.rule_name}"


class ImportRun(models.Model):
    """One import of one source, its counts, and whether it is still alive."""

    class State(models.TextChoices):
        RUNNING = "running", "running"
        FINISHED = "finished", "finished"
        FAILED = "failed", "failed"
        DEAD = "dead", "died and was taken over"

    source = models.ForeignKey(Source, models.CASCADE, related_name="runs")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField()
    heartbeat = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    host = models.CharField(max_length=200)
    process = models.CharField(max_length=60, help_text="Process number and start, to tell a dead one at once.")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    complete_until = models.DateTimeField(null=True, blank=True)
    horizon = models.DateTimeField(null=True, blank=True, help_text="What this run adds to the source's horizon.")
    rows_read = models.PositiveBigIntegerField(default=0)
    created = models.PositiveBigIntegerField(default=0)
    updated = models.PositiveBigIntegerField(default=0)
    unchanged = models.PositiveBigIntegerField(default=0)
    replaced = models.PositiveBigIntegerField(default=0)
    excluded = models.PositiveBigIntegerField(default=0)
    rejected = models.PositiveBigIntegerField(default=0)
    warnings = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=Q(state="running"), name="one_running_import_per_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.state} {self.started_at:%Y-%m-%d %H:%M}"


class DirtyMonth(models.Model):
    """A month of a rule or topic whose cases changed. `insight` recomputes it and takes the row away.

    `subject_id` is the number of the rule or topic, 0 for cases without a topic. No foreign key: a subject that is
    deleted meanwhile must not take with it the note that its month is wrong.
    """

    class Subject(models.TextChoices):
        RULE = "rule", "rule"
        TOPIC = "topic", "topic"

    source = models.ForeignKey(Source, models.CASCADE, db_index=False)
    subject = models.CharField(max_length=5, choices=Subject)
    subject_id = models.BigIntegerField()
    month = models.DateField(help_text="Its first day, in the source's time zone.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "subject", "subject_id", "month"], name="a_month_is_dirty_once"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.subject_id} {self.month:%Y-%m}"
