"""Contacts as other systems recorded them, and the rules they met."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rulebook.access.models import Team
from rulebook.catalogue.models import Rule, Topic
from rulebook.fields import BytewiseField
from rulebook.jobs import Job
from rulebook.numbers import clock, day


class Method(models.TextChoices):
    """How a source tells whether the first contact solved it. Methods are never pooled."""

    NO_REPEAT = "no_repeat", _("no repeat contact in the window")
    DECLARED = "declared", _("declared by the agent or help desk")
    SURVEY = "survey", _("stated by the customer")
    SINGLE_TOUCH = "single_touch", _("closed by one person in one go")
    CLOSED_FAST = "closed_fast", _("closed inside the window")


class Outcome(models.TextChoices):
    RESOLVED = "resolved", _("resolved")
    NOT_RESOLVED = "not_resolved", _("not resolved")
    PENDING = "pending", _("pending")
    UNKNOWN = "unknown", _("unknown")


class Issue(models.TextChoices):
    """The run of repeats that began with a case, once its last contact is mature. Blank: none began, or not over."""

    SHORT = "short", _("solved in one contact")
    LONG = "long", _("took several contacts")


class Effect(models.TextChoices):
    APPLIED = "applied", _("the rule was in play")
    BLOCKED = "blocked", _("the rule kept the agent from solving")


class Origin(models.TextChoices):
    """Who says that the case met the rule. Only the source's own links are replaced by its imports."""

    SOURCE = "source", _("the help desk's own data")
    MATCHER = "matcher", _("matcher")
    SUGGESTION = "suggestion", _("suggestion")
    PERSON = "person", _("person")
    FLAG = "flag", _("flag")


class Excluded(models.TextChoices):
    """Why a contact counts in no figure. It is stored and counted all the same."""

    OUTBOUND = "outbound", _("outbound")
    ABANDONED = "abandoned", _("abandoned")
    SPAM = "spam", _("spam")
    TEST = "test", _("test")
    MERGED = "merged", _("merged duplicate")


class Source(models.Model):
    """A system that cases come from.

    Its time zone and customer space are fixed by its first import, because days and pseudonyms are computed with
    them. Sources of one space know the same customers, so that a mail after a call is seen as a repeat.
    """

    class Key(models.TextChoices):
        CUSTOMER_TOPIC = "customer,topic", _("customer and topic")
        CUSTOMER = "customer", _("customer")

    name = BytewiseField(_("name"), max_length=100, unique=True)
    time_zone = models.CharField(_("time zone"), max_length=60)
    space = BytewiseField(_("space"), max_length=100)
    method = models.CharField(_("method"), max_length=20, choices=Method, default=Method.NO_REPEAT)
    window_days = models.PositiveSmallIntegerField(_("window days"), default=7)
    key = models.CharField(_("key"), max_length=20, choices=Key, default=Key.CUSTOMER_TOPIC)
    retired = models.BooleanField(
        _("retired"), default=False, help_text=_("Sends no more cases; holds back no other source.")
    )
    horizon = models.DateTimeField(
        _("horizon"), null=True, blank=True, editable=False, help_text=_("Data is complete until then.")
    )
    # What happened that outcomes follow from (an import began, a policy was set), and up to which of them all outcomes
    # are stored. Whoever computes them notes `changes` before and writes that number into `judged` after: what came in
    # between, or died half-way, leaves the two apart.
    changes = models.PositiveBigIntegerField(default=0, editable=False)
    judged = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
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

    source = models.ForeignKey(Source, models.PROTECT, db_index=False, related_name="cases", verbose_name=_("source"))
    external_id = BytewiseField(_("external id"), max_length=255)
    opened_at = models.DateTimeField(_("opened at"), help_text=_("Local midnight where only the day is known."))
    opened_day = models.DateField(_("opened day"), help_text=_("In the source's time zone."))
    day_only = models.BooleanField(_("day only"), default=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_day = models.DateField(_("closed day"), null=True, blank=True)
    closed_day_only = models.BooleanField(_("closed day only"), default=False)
    channel = BytewiseField(_("channel"), max_length=100, blank=True)
    topic = models.ForeignKey(
        Topic, models.PROTECT, null=True, blank=True, db_index=False, related_name="cases", verbose_name=_("topic")
    )
    team = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, db_index=False, related_name="cases", verbose_name=_("team")
    )
    customer_key = models.BinaryField(max_length=32, null=True, blank=True)
    agent_key = models.BinaryField(max_length=32, null=True, blank=True)
    key_id = models.PositiveSmallIntegerField(
        _("key id"), null=True, blank=True, help_text=_("Which key of the key ring.")
    )
    handoffs = models.PositiveIntegerField(_("handoffs"), null=True, blank=True)
    reopens = models.PositiveIntegerField(_("reopens"), null=True, blank=True)
    replies = models.PositiveIntegerField(_("replies"), null=True, blank=True)
    handle_seconds = models.PositiveIntegerField(_("handle seconds"), null=True, blank=True)
    declared = models.BooleanField(_("declared"), null=True, blank=True)
    survey = models.BooleanField(_("survey"), null=True, blank=True)
    excluded = models.CharField(_("excluded"), max_length=10, choices=Excluded, blank=True)
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome, blank=True)
    # Stored with the outcome, under no_repeat only: a repeat is seen, mature or not; and of which kind the issue is
    # that began here, once it is over. Sums by month count them, so that no screen has to look for chains.
    repeated = models.BooleanField(_("repeated"), default=False, db_default=False)
    issue = models.CharField(_("issue"), max_length=5, choices=Issue, blank=True, db_default="")
    row_hash = models.BinaryField(max_length=16)

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
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

    case = models.ForeignKey(Case, models.CASCADE, db_index=False, related_name="links", verbose_name=_("case"))
    rule = models.ForeignKey(Rule, models.PROTECT, db_index=False, related_name="links", verbose_name=_("rule"))
    effect = models.CharField(_("effect"), max_length=10, choices=Effect)
    origin = models.CharField(_("origin"), max_length=10, choices=Origin)

    class Meta:
        verbose_name = _("link")
        verbose_name_plural = _("links")
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

    # Null: an agent's flag named a case, and not where it is from.
    source = models.ForeignKey(Source, models.CASCADE, null=True, db_index=False, verbose_name=_("source"))
    external_id = BytewiseField(_("external id"), max_length=255)
    rule_name = BytewiseField(_("rule name"), max_length=100)
    effect = models.CharField(_("effect"), max_length=10, choices=Effect)
    origin = models.CharField(_("origin"), max_length=10, choices=Origin)

    class Meta:
        verbose_name = _("pending link")
        verbose_name_plural = _("pending links")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id", "rule_name", "effect", "origin"], name="a_pending_link_waits_once"
            ),
            models.UniqueConstraint(
                fields=["external_id", "rule_name", "effect", "origin"],
                condition=models.Q(source=None),
                name="a_pending_link_of_no_source_waits_once",
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
        RUNNING = "running", _("running")
        FINISHED = "finished", _("finished")
        FAILED = "failed", _("failed")
        DEAD = "dead", _("died and was taken over")

    source = models.ForeignKey(Source, models.CASCADE, related_name="runs", verbose_name=_("source"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField(_("started at"))
    heartbeat = models.DateTimeField(_("heartbeat"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    host = models.CharField(_("host"), max_length=200)
    process = models.CharField(
        _("process"), max_length=60, help_text=_("Process number and start, to tell a dead one at once.")
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("started by")
    )
    complete_until = models.DateTimeField(_("complete until"), null=True, blank=True)
    horizon = models.DateTimeField(
        _("horizon"), null=True, blank=True, help_text=_("What this run adds to the source's horizon.")
    )
    rows_read = models.PositiveBigIntegerField(_("rows read"), default=0)
    created = models.PositiveBigIntegerField(_("created"), default=0)
    updated = models.PositiveBigIntegerField(_("updated"), default=0)
    unchanged = models.PositiveBigIntegerField(_("unchanged"), default=0)
    replaced = models.PositiveBigIntegerField(_("replaced"), default=0)
    excluded = models.PositiveBigIntegerField(_("excluded"), default=0)
    rejected = models.PositiveBigIntegerField(_("rejected"), default=0)
    warnings = models.PositiveBigIntegerField(_("warnings"), default=0)

    class Meta:
        verbose_name = _("import run")
        verbose_name_plural = _("import runs")
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=Q(state="running"), name="one_running_import_per_source"
            ),
        ]

    def __str__(self) -> str:
        begun = timezone.localtime(self.started_at)
        return f"{self.source}, {self.get_state_display()}, {day(begun)} {clock(begun)}"


class DirtyMonth(models.Model):
    """A month of a rule or topic whose cases changed. `insight` recomputes it and takes the row away.

    `subject_id` is the number of the rule or topic, 0 for cases without a topic. No foreign key: a subject that is
    deleted meanwhile must not take with it the note that its month is wrong.
    """

    class Subject(models.TextChoices):
        RULE = "rule", _("rule")
        TOPIC = "topic", _("topic")

    source = models.ForeignKey(Source, models.CASCADE, db_index=False, verbose_name=_("source"))
    subject = models.CharField(_("subject"), max_length=5, choices=Subject)
    subject_id = models.BigIntegerField(_("subject id"))
    month = models.DateField(_("month"), help_text=_("Its first day, in the source's time zone."))
    # How often it was marked. Whoever recomputes the month takes the row away only where this has not changed since.
    marks = models.PositiveBigIntegerField(_("marks"), default=1, db_default=1)

    class Meta:
        verbose_name = _("dirty month")
        verbose_name_plural = _("dirty months")
        constraints = [
            models.UniqueConstraint(fields=["source", "subject", "subject_id", "month"], name="a_month_is_dirty_once"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.subject_id} {self.month:%Y-%m}"


def new_token() -> str:
    return secrets.token_urlsafe(24)


class Upload(Job):
    """A file of cases that somebody brought through the admin, on its way into a source.

    A draft is looked at; started, it waits for `work`, which imports it. The files lie in a folder of their own
    (`uploads.py`) and hold raw ids: at `gone_at` they go, and `folder` is blank. The row stays, with counts alone.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("uploaded, not started")
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT, editable=False)
    token = models.CharField(max_length=40, unique=True, default=new_token, editable=False, help_text="Its address.")
    file_name = models.CharField(_("file name"), max_length=200, help_text=_("As it was called, without its folder."))
    links_name = models.CharField(max_length=200, blank=True, help_text="The file of links beside it.")
    folder = models.CharField(max_length=64, blank=True, help_text="Name of the folder with its files; blank: gone.")
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes of the file.")
    options = models.JSONField(default=dict)
    rows_total = models.PositiveBigIntegerField(default=0, help_text="0 until the file has been read once.")
    rows_done = models.PositiveBigIntegerField(default=0)
    said = models.CharField(max_length=500, blank=True, help_text="The newest sentence of the import.")
    report = models.JSONField(default=dict)
    rejected = models.PositiveBigIntegerField(default=0, help_text="Rows and links in the file of rejected rows.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    gone_at = models.DateTimeField(help_text="From then on its files are removed, unless it waits or runs.")

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.file_name
