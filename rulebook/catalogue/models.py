"""The rules of the house, what they are about, and every name that finds them."""

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from rulebook.access.models import Department
from rulebook.fields import BytewiseField


class Topic(models.Model):
    """What a customer's question is about. A tree: the path `returns/refund` is a child of `returns`.

    Rules and cases share it, so a rule's cost can be compared with its topic's other cases.
    """

    path = BytewiseField(_("path"), max_length=200, unique=True)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent")
    )

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering = ["path"]

    def __str__(self) -> str:
        return self.path


class Rule(models.Model):
    """Something an agent must, must not or may do, whether or not anybody ever wrote it down.

    Holds what the newest version says; `RuleVersion` holds what it said before, and from when. Only the title is
    required. `status` is set by the front door and by reviews, never by an edit.
    """

    class Kind(models.TextChoices):
        WRITTEN = "written", _("written")
        UNWRITTEN = "unwritten", _("unwritten")

    class Authority(models.TextChoices):
        """Where a rule gets its force. All but law and contract are the house's own to change."""

        LAW = "law", _("law")
        CONTRACT = "contract", _("contract")
        POLICY = "policy", _("policy (the house's own)")
        PRACTICE = "practice", _("practice (one department's)")
        SYSTEM = "system", _("system (a tool forces it)")
        HABIT = "habit", _("habit (nobody knows why)")
        UNKNOWN = "unknown", _("unknown (nobody has asked yet)")

    class Status(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        IN_FORCE = "in_force", _("in force")
        SUSPENDED = "suspended", _("suspended")
        REMOVED = "removed", _("removed")

    class Intent(models.TextChoices):
        """A manager's first sorting; no decision."""

        KEEP = "keep", _("keep")
        SIMPLIFY = "simplify", _("simplify")
        DROP = "drop", _("drop")
        ASK = "ask", _("ask")

    NOT_OURS = (Authority.LAW, Authority.CONTRACT)

    code = BytewiseField(_("code"), max_length=100, unique=True)
    title = models.CharField(_("title"), max_length=500)
    text = models.TextField(_("text"), blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.WRITTEN)
    authority = models.CharField(_("authority"), max_length=10, choices=Authority, default=Authority.UNKNOWN)
    clause = models.TextField(
        _("clause"), blank=True, help_text=_("The words of the law or contract, and where they stand.")
    )
    claimed_on = models.DateField(null=True, blank=True, editable=False)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    protective = models.BooleanField(
        _("protective"), default=False, help_text=_("Safety, privacy, or money above a set limit.")
    )
    department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="rules", verbose_name=_("department")
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="owned_rules",
        help_text=_("Blank: the head of the department."),
        verbose_name=_("owner"),
    )
    topics = models.ManyToManyField(Topic, blank=True, related_name="rules", verbose_name=_("topics"))
    channels = models.JSONField(_("channels"), default=list, blank=True)
    purpose = models.TextField(_("purpose"), blank=True)
    heard_where = models.TextField(_("heard where"), blank=True)
    source_reference = models.TextField(_("source reference"), blank=True)
    customer_hears = models.TextField(_("customer hears"), blank=True)
    decision_limit = models.CharField(_("decision limit"), max_length=200, blank=True)
    requirements = models.PositiveIntegerField(
        _("requirements"), null=True, blank=True, help_text=_("How many requirements; confirmed.")
    )
    review_by = models.DateField(_("review by"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.IN_FORCE, editable=False)
    intent = models.CharField(_("intent"), max_length=10, choices=Intent, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    def is_put_off(self, to: date | None) -> bool:
        """Whether that day, or None for no day at all, comes after the review-by date that it has."""
        return self.review_by is not None and (to is None or to > self.review_by)

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

    name = BytewiseField(_("name"), max_length=100, unique=True)
    rule = models.ForeignKey(Rule, models.CASCADE, related_name="names", verbose_name=_("rule"))
    is_code = models.BooleanField(_("is code"), default=False)

    class Meta:
        verbose_name = _("alias")
        verbose_name_plural = _("aliases")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["rule"], condition=Q(is_code=True), name="one_code_per_rule"),
        ]

    def __str__(self) -> str:
        return self.name


class RuleChannel(models.Model):
    """One of the channels that a rule names, so that rules can be found by it on both databases.

    `Rule.channels` holds the same names in the order given; the services keep both. A rule that names none applies in
    all channels and has no row here.
    """

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="named_channels")
    name = BytewiseField(max_length=100)

    class Meta:
        constraints = [
            # Also serves the list of rules of one channel, and that of all channels.
            models.UniqueConstraint(fields=["name", "rule"], name="a_rule_names_a_channel_once"),
        ]

    def __str__(self) -> str:
        return self.name


class RuleVersion(models.Model):
    """What a rule said from one day up to, not including, another. One row per change of meaning.

    Ballots, receipts and reviews point here, so a vote always belongs to the words that were voted on. A blank
    `applies_from` means: since before anybody wrote it down. Names of topics are frozen in it.
    """

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="versions", verbose_name=_("rule"))
    number = models.PositiveIntegerField(_("number"))
    title = models.CharField(_("title"), max_length=500)
    text = models.TextField(_("text"), blank=True)
    topics = models.JSONField(_("topics"), default=list)
    channels = models.JSONField(_("channels"), default=list)
    applies_from = models.DateField(_("applies from"), null=True, blank=True)
    applies_to = models.DateField(_("applies to"), null=True, blank=True)
    hash = models.CharField(_("hash"), max_length=64)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("rule version")
        verbose_name_plural = _("rule versions")
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


class Proposal(models.Model):
    """A new or stricter rule at the front door. Its text is that of `rule`, which stays `proposed` until it enters.

    The front line has five working days to say "this will hurt": flags on the proposed rule.
    """

    class Outcome(models.TextChoices):
        OPEN = "", _("open")
        ENTERED = "entered", _("entered into force")
        REFUSED = "refused", _("not let in")
        WITHDRAWN = "withdrawn", _("withdrawn")

    rule = models.OneToOneField(Rule, models.CASCADE, related_name="proposal", verbose_name=_("rule"))
    replaces = models.ForeignKey(
        Rule, models.SET_NULL, null=True, blank=True, related_name="replaced_by", verbose_name=_("replaces")
    )
    protects = models.TextField(_("whom it protects"))
    without_it = models.TextField(_("what would happen without it"))
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("proposed by")
    )
    proposed_on = models.DateField(_("proposed on"))
    heard_until = models.DateField(_("the front line is heard until"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, blank=True, default=Outcome.OPEN)
    reason = models.TextField(_("reason"), blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        ordering = ["-proposed_on", "-pk"]

    def __str__(self) -> str:
        return str(self.rule)


class WordingLock(models.Model):
    """While it stands, the wording of the rule cannot change: people are voting on it. Set and taken off by votes."""

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="wording_locks")
    holder = models.CharField(max_length=60)  # "ballot 7"
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "holder"], name="a_holder_locks_a_wording_once")]

    def __str__(self) -> str:
        return f"{self.rule_id} for {self.holder}"
