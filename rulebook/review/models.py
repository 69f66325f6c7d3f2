"""A review: from "marked for removal" to an outcome that holds. What may happen to one stands in `states.py`."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rulebook.access.models import Team
from rulebook.catalogue.models import Rule, RuleVersion


class State(models.TextChoices):
    """Where a review stands. The first five are open; each of the others is an outcome in force, and an end."""

    MARKED = "marked", _("marked for removal")
    ASSESSING = "assessing", _("being assessed")
    ON_TRIAL = "on_trial", _("on trial")
    LAPSING = "lapsing", _("lapsing")
    DECIDED = "decided", _("decided, not yet in force")
    KEPT = "kept", _("kept")
    SIMPLIFIED = "simplified", _("simplified")
    DELEGATED = "delegated", _("delegated")
    WRITTEN_DOWN = "written_down", _("written down")
    REMOVED = "removed", _("removed")
    ESCALATED = "escalated", _("escalated")
    DECLARED_MYTH = "declared_myth", _("declared a myth")
    LAPSED = "lapsed", _("lapsed")
    WITHDRAWN = "withdrawn", _("withdrawn")


GONE = (State.REMOVED, State.DECLARED_MYTH, State.LAPSED)  # outcomes that end the rule
REWORDED = (State.SIMPLIFIED, State.WRITTEN_DOWN)  # outcomes that give it other words
OPEN = (State.MARKED, State.ASSESSING, State.ON_TRIAL, State.LAPSING, State.DECIDED)


class Review(models.Model):
    """One rule that somebody marked for removal, or whose time has come, and what became of it.

    All clocks start on `marked_on`. The evidence of that day is frozen in it, and `version` is the wording that was
    marked. A decision sets `outcome`; `state` follows on the day the outcome takes effect.
    """

    class Origin(models.TextChoices):
        """From where it was marked. From a flag, a list or a ballot the front line is the proposer."""

        RULE = "rule", _("the page of the rule")
        FLAG = "flag", _("a flag")
        LIST = "list", _("the lists of figures")
        BALLOT = "ballot", _("a ballot")
        CAPTURE = "capture", _("the sheet of paper")
        SUNSET = "sunset", _("its review-by date")

    BY_FRONT_LINE = (Origin.FLAG, Origin.LIST, Origin.BALLOT)

    rule = models.ForeignKey(Rule, models.PROTECT, related_name="reviews", verbose_name=_("rule"))
    version = models.ForeignKey(RuleVersion, models.PROTECT, related_name="reviews", verbose_name=_("wording"))
    state = models.CharField(_("state"), max_length=13, choices=State, default=State.MARKED)
    outcome = models.CharField(_("outcome"), max_length=13, choices=State, blank=True)
    origin = models.CharField(_("marked from"), max_length=8, choices=Origin, default=Origin.RULE)
    reason = models.TextField(_("reason"), blank=True)
    evidence = models.JSONField(_("evidence of that day"), default=dict)
    marked_on = models.DateField(_("marked on"))
    marked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("marked by")
    )
    # From when agents could vote on its words, where these were taken in after the marking.
    words_on = models.DateField(_("words taken in on"), null=True, blank=True)
    full_asked = models.BooleanField(_("full lane on request"), default=False)

    # What is answered on the way
    play = models.TextField(_("what agents do instead"), blank=True)
    purpose = models.TextField(_("purpose"), blank=True)
    nobody_knows = models.BooleanField(_("nobody knows the purpose"), default=False)
    in_one_sentence = models.TextField(_("how an agent says it in one sentence"), blank=True)
    protects = models.TextField(_("whom it protects"), blank=True)
    owner_agreed_on = models.DateField(_("the owner agreed on"), null=True, blank=True)
    objection = models.TextField(_("objection"), blank=True)
    objected_on = models.DateField(_("objected on"), null=True, blank=True)
    objected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("objector"),
    )
    objection_answer = models.TextField(_("answer to the objection"), blank=True)

    # The decision
    decided_on = models.DateField(_("decided on"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    answer = models.TextField(_("answer to the evidence"), blank=True)
    new_title = models.CharField(_("new title"), max_length=500, blank=True)
    new_text = models.TextField(_("new text"), blank=True)
    limit = models.CharField(_("an agent decides up to"), max_length=200, blank=True)
    review_by = models.DateField(_("review by"), null=True, blank=True)
    addressee = models.CharField(_("escalated to"), max_length=200, blank=True)
    answer_due = models.DateField(_("answer due on"), null=True, blank=True)
    answered_on = models.DateField(_("answered on"), null=True, blank=True)
    their_answer = models.TextField(_("their answer"), blank=True)

    # Taking effect
    owner_until = models.DateField(_("the owner may object until"), null=True, blank=True)
    tool_changed_on = models.DateField(_("the tool was changed on"), null=True, blank=True)
    not_before = models.DateField(_("not before"), null=True, blank=True)  # the day that was asked for
    effective_on = models.DateField(_("effective on"), null=True, blank=True)
    in_force_on = models.DateField(_("in force since"), null=True, blank=True)
    rule_before = models.JSONField(_("what the change took the place of"), default=dict)
    lapses_on = models.DateField(_("lapses on"), null=True, blank=True)
    undone_on = models.DateField(_("undone on"), null=True, blank=True)

    # After it ended the rule: how often it was met all the same, and the last day of those (`zombies.py`)
    zombies = models.PositiveIntegerField(_("times it was met since"), default=0)
    zombie_on = models.DateField(_("last met on"), null=True, blank=True)

    # How contacts changed since, as last counted, and who of us looked again at them when (`afterwards.py`)
    changes = models.JSONField(_("what changed since"), default=dict)
    looked_again_on = models.DateField(_("looked at again on"), null=True, blank=True)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ["marked_on", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["rule"], condition=Q(state__in=OPEN), name="one_open_review_per_rule"),
            models.CheckConstraint(
                condition=~Q(state="decided") | (~Q(outcome="") & Q(effective_on__isnull=False)),
                name="what_is_decided_has_an_outcome_and_a_day",
            ),
        ]
        indexes = [
            # The board, the owner's inbox, and every clock.
            models.Index(fields=["state", "marked_on"], condition=Q(state__in=OPEN), name="open_reviews"),
        ]

    def __str__(self) -> str:
        return str(self.rule)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def proposer_id(self) -> int | None:
        """The person who proposed the removal; None where the front line did, or the calendar."""
        by_person = self.origin not in (*self.BY_FRONT_LINE, self.Origin.SUNSET)
        return self.marked_by_id if by_person else None


class Fence(models.Model):
    """Why the rule may stand there, told by somebody other than the proposer (after Chesterton's fence)."""

    review = models.OneToOneField(Review, models.CASCADE, related_name="fence")
    comes_from = models.TextField(_("where it comes from"), blank=True)
    counter = models.TextField(_("the strongest argument for keeping it"))
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    written_on = models.DateField(_("written on"))

    class Meta:
        verbose_name = _("fence")
        verbose_name_plural = _("fences")

    def __str__(self) -> str:
        return f"fence of review {self.review_id}"


class Trial(models.Model):
    """The rule suspended for some weeks, everywhere or for some teams, to see what changes.

    What is measured and what would end it is registered and hashed before the start. `looks` holds what each weekly
    look found.
    """

    class End(models.TextChoices):
        RUNNING = "", _("running")
        RAN_OUT = "ran_out", _("ran its time")
        STOPPED = "stopped", _("ended early")
        REVERTED = "reverted", _("reverted")

    review = models.ForeignKey(Review, models.CASCADE, related_name="trials")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("started by")
    )
    starts_on = models.DateField(_("starts on"))
    begun_on = models.DateField(_("begun on"), null=True, blank=True)  # later than planned after an outage
    ends_on = models.DateField(_("ends on"))
    teams = models.ManyToManyField(Team, blank=True, related_name="+", verbose_name=_("teams"))
    plan = models.JSONField(_("registered plan"))
    plan_hash = models.CharField(max_length=64)
    looks = models.JSONField(_("looks"), default=list)
    breached_on = models.DateField(_("guardrail breached on"), null=True, blank=True)
    look_until = models.DateField(_("the manager looks until"), null=True, blank=True)
    extended = models.BooleanField(_("extended"), default=False)
    end = models.CharField(_("end"), max_length=8, choices=End, blank=True, default=End.RUNNING)
    ended_on = models.DateField(_("ended on"), null=True, blank=True)

    class Meta:
        verbose_name = _("trial")
        verbose_name_plural = _("trials")
        ordering = ["starts_on", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["review"], condition=Q(end=""), name="one_running_trial_per_review"),
            models.CheckConstraint(condition=Q(ends_on__gt=models.F("starts_on")), name="a_trial_ends_after_it_begins"),
        ]

    def __str__(self) -> str:
        return f"trial of review {self.review_id}"


class LaterDate(models.Model):
    """Somebody wishes to look at a rule later than its review-by date says. It stands once a second person agrees."""

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="later_dates", verbose_name=_("rule"))
    to = models.DateField(_("review by"), null=True, blank=True)  # null: no date any more
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    asked_on = models.DateField(_("asked on"))
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    confirmed_on = models.DateField(_("confirmed on"), null=True, blank=True)

    class Meta:
        verbose_name = _("later date")
        verbose_name_plural = _("later dates")
        ordering = ["asked_on", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule"], condition=Q(confirmed_on=None), name="one_later_date_waits_per_rule"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} by {self.to}"
