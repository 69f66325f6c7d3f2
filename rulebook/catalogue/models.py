"""The rules of the house, what they are about, and every name that finds them."""

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from rulebook.access.models import Department
from rulebook.fields import BytewiseField


class Topic(models.Model):
    """What a customer's question is about. A tree: the path `returns/refund` is a child of `returns`.

    Rules and cases share it, so a rule's cost can be compared with its topic's other cases.
    """

    path = BytewiseField(max_length=200, unique=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")

    class Meta:
        ordering = ["path"]

    def __str__(self) -> str:
        return self.path


class Rule(models.Model):
    """Something an agent must, must not or may do, whether or not anybody ever wrote it down.

    Holds what the newest version says; `RuleVersion` holds what it said before, and from when. Only the title is
    required. `status` is set by the front door and by reviews, never by an edit.
    """

    class Kind(models.TextChoices):
        WRITTEN = "written", "written"
        UNWRITTEN = "unwritten", "unwritten"

    class Authority(models.TextChoices):
        """Where a rule gets its force. All but law and contract are the house's own to change."""

        LAW = "law", "law"
        CONTRACT = "contract", "contract"
        POLICY = "policy", "policy (the house's own)"
        PRACTICE = "practice", "practice (one department's)"
        SYSTEM = "system", "system (a tool forces it)"
        HABIT = "habit", "habit (nobody knows why)"
        UNKNOWN = "unknown", "unknown (nobody has asked yet)"

    class Status(models.TextChoices):
        PROPOSED = "proposed", "proposed"
        IN_FORCE = "in_force", "in force"
        SUSPENDED = "suspended", "suspended"
        REMOVED = "removed", "removed"

    class Intent(models.TextChoices):
        """A manager's first sorting; no decision."""

        KEEP = "keep", "keep"
        SIMPLIFY = "simplify", "simplify"
        DROP = "drop", "drop"
        ASK = "ask", "ask"

    NOT_OURS = (Authority.LAW, Authority.CONTRACT)

    code = BytewiseField(max_length=100, unique=True)
    title = models.CharField(max_length=500)
    text = models.TextField(blank=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.WRITTEN)
    authority = models.CharField(max_length=10, choices=Authority, default=Authority.UNKNOWN)
    clause = models.TextField(blank=True, help_text="The words of the law or contract, and where they stand.")
    claimed_on = models.DateField(null=True, blank=True, editable=False)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    protective = models.BooleanField(default=False, help_text="Safety, privacy, or money above a set limit.")
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="rules")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="owned_rules",
        help_text="Blank: the head of the department.",
    )
    topics = models.ManyToManyField(Topic, blank=True, related_name="rules")
    channels = models.JSONField(default=list, blank=True)
    purpose = models.TextField(blank=True)
    heard_where = models.TextField(blank=True)
    source_reference = models.TextField(blank=True)
    customer_hears = models.TextField(blank=True)
    decision_limit = models.CharField(max_length=200, blank=True)
    requirements = models.PositiveIntegerField(null=True, blank=True, help_text="How many requirements; confirmed.")
    review_by = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.IN_FORCE, editable=False)
    intent = models.CharField(max_length=10, choices=Intent, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    @property
    def ours(self) -> bool:
        """True when the house itself can change it: all but law and contract, claimed or confirmed."""
        return self.authority not in self.NOT_OURS

    @property
    def claimed(self) -> bool:
        """True for a law or contract that no second person has confirmed yet: "law (claimed)"."""
        return not self.ours and self.confirmed_at is None


class Alias(models.Model):
    """A name that finds a rule: its own code, or what another system or an older list calls it.

    Codes stand here too, so that one database constraint keeps codes and aliases apart.
    """

    name = BytewiseField(max_length=100, unique=True)
    rule = models.ForeignKey(Rule, models.CASCADE, related_name="names")
    is_code = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "aliases"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["rule"], condition=Q(is_code=True), name="one_code_per_rule"),
        ]

    def __str__(self) -> str:
        return self.name


class RuleVersion(models.Model):
    """What a rule said from one day up to, not including, another. One row per change of meaning.

    Ballots, receipts and reviews point here, so a vote always belongs to the words that were voted on. A blank
    `applies_from` means: since before anybody wrote it down. Names of topics are frozen in it.
    """

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=500)
    text = models.TextField(blank=True)
    topics = models.JSONField(default=list)
    channels = models.JSONField(default=list)
    applies_from = models.DateField(null=True, blank=True)
    applies_to = models.DateField(null=True, blank=True)
    hash = models.CharField(max_length=64)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["rule", "number"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="versions_are_numbered_per_rule"),
            models.UniqueConstraint(fields=["rule"], condition=Q(applies_to=None), name="one_open_version_per_rule"),
            models.CheckConstraint(
                condition=Q(applies_from=None) | Q(applies_to=None) | Q(applies_from__lte=F("applies_to")),
                name="a_version_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} version {self.number}"

    def applies(self, day: date) -> bool:
        begun = self.applies_from is None or self.applies_from <= day
        return begun and (self.applies_to is None or day < self.applies_to)
