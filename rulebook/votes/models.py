"""How much a rule hurts or helps customers, by those who apply it: standing votes and sealed ballots.

Nothing here is shown one by one. Standing votes leave this package only as published tallies, ballots only once closed.
"""

import secrets

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rulebook.access.models import Team
from rulebook.catalogue.models import Rule, RuleVersion
from rulebook.fields import BytewiseField

IMPACT = (MinValueValidator(-2), MaxValueValidator(2))


def random_number() -> int:
    """A row's number that does not tell when it was written: whoever sees two votes cannot say which came first."""
    return secrets.randbits(63)


class Opinion(models.Model):
    """What one voter thinks of one wording: -2 hurts badly ... +2 helps a lot, what it touches, and why."""

    id = models.BigIntegerField(primary_key=True, default=random_number, editable=False)
    impact = models.SmallIntegerField(_("impact on customers"), validators=IMPACT)
    # The four things customers want.
    product = models.BooleanField(_("a product that works"), default=False)
    caring = models.BooleanField(_("caring, friendly delivery"), default=False)
    on_time = models.BooleanField(_("on time"), default=False)
    put_right = models.BooleanField(_("problems put right"), default=False)
    reason = models.TextField(_("reason"), blank=True)
    quotable = models.BooleanField(_("may be quoted"), default=False)
    # Managers' votes are shown apart.
    by_manager = models.BooleanField(default=False, editable=False)

    class Meta:
        abstract = True


class StandingVote(Opinion):
    """A vote that holds until its voter changes it or the wording changes. One a person, or one a device of a team."""

    version = models.ForeignKey(RuleVersion, models.CASCADE, related_name="standing_votes")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    device = BytewiseField(max_length=64, blank=True)  # SHA-256 of a team link's device; blank for a person
    team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "person"], name="a_person_votes_once_on_a_wording"),
            models.UniqueConstraint(
                fields=["version", "device"], condition=~Q(device=""), name="a_device_votes_once_on_a_wording"
            ),
            models.CheckConstraint(condition=Q(person=None) ^ Q(device=""), name="a_vote_is_a_persons_or_a_devices"),
            models.CheckConstraint(condition=Q(impact__gte=-2, impact__lte=2), name="impact_lies_within_two"),
        ]

    def __str__(self) -> str:
        return f"vote on version {self.version_id}"


class Tally(models.Model):
    """What was published of the standing votes on a wording one night. Never taken back, and never one vote apart.

    `band` where all agree (mean and agreement are blank then), else the mean to 0.5 and the agreement. Managers have
    tallies of their own, and stand in no other: so no vote can be found by taking one from the other.
    """

    class Band(models.TextChoices):
        NONE = "", ""
        HURTS = "hurts", _("hurts")
        MIXED = "mixed", _("mixed")
        HELPS = "helps", _("helps")

    version = models.ForeignKey(RuleVersion, models.CASCADE, related_name="tallies")
    by_managers = models.BooleanField(default=False)
    published_on = models.DateField()
    voters = models.PositiveIntegerField()
    band = models.CharField(max_length=5, choices=Band, blank=True)
    mean = models.DecimalField(max_digits=3, decimal_places=1, null=True)
    agreement = models.FloatField(null=True)

    class Meta:
        ordering = ["version", "-published_on", "-pk"]

    def __str__(self) -> str:
        return f"tally of version {self.version_id}, {self.published_on}"


class TalliedVote(models.Model):
    """Who voted what in a published set, kept only so that the next one differs from it by five people or more."""

    tally = models.ForeignKey(Tally, models.CASCADE, related_name="votes")
    voter = BytewiseField(max_length=80)  # "person 7" or a device
    impact = models.SmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tally", "voter"], name="a_voter_stands_once_in_a_tally")]

    def __str__(self) -> str:
        return f"in tally {self.tally_id}"


class TopCard(models.Model):
    """A rule on which the front line is asked for its votes now: its card lies on top of everybody's stack.

    Whoever asks lays it there and takes it away; the card itself says nothing of it.
    """

    rule = models.OneToOneField(Rule, models.CASCADE, primary_key=True, related_name="+")

    def __str__(self) -> str:
        return f"rule {self.rule_id} on top"


class Ballot(models.Model):
    """A sealed vote on one or more wordings, in one or two rounds. Once closed it is never opened again."""

    class Questions(models.TextChoices):
        IMPACT = "impact", _("impact on customers")
        BOTH = "impact_ease", _("impact on customers, and how easy it is to do without")

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        OPEN = "open", _("open")
        REVEALED = "revealed", _("first round revealed")  # two rounds only: the second has not begun
        CLOSED = "closed", _("closed")

    title = models.CharField(_("title"), max_length=200)
    questions = models.CharField(_("questions"), max_length=12, choices=Questions, default=Questions.IMPACT)
    rounds = models.PositiveSmallIntegerField(
        _("rounds"), default=1, validators=[MinValueValidator(1), MaxValueValidator(2)]
    )
    round = models.PositiveSmallIntegerField(default=1, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT, editable=False)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False)
    opened_at = models.DateTimeField(_("opened at"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("ballot")
        verbose_name_plural = _("ballots")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.title


class BallotItem(models.Model):
    """One wording that is voted on."""

    ballot = models.ForeignKey(Ballot, models.CASCADE, related_name="items")
    version = models.ForeignKey(RuleVersion, models.CASCADE, related_name="ballot_items")
    place = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["ballot", "place"]
        constraints = [
            models.UniqueConstraint(fields=["ballot", "place"], name="one_wording_a_place"),
            models.UniqueConstraint(fields=["ballot", "version"], name="a_wording_stands_once_on_a_ballot"),
        ]

    def __str__(self) -> str:
        return f"{self.ballot_id} {self.place}"


class Cast(Opinion):
    """One sealed vote. `voter`, `team` and `by_agent` are cut off when its round ends: nobody can say whose it was.

    What they are needed for afterwards is two counts, which the Turnout keeps.
    """

    item = models.ForeignKey(BallotItem, models.CASCADE, related_name="casts")
    round = models.PositiveSmallIntegerField(default=1)
    voter = BytewiseField(max_length=80, null=True)  # type: ignore[misc]  # the field knows str alone
    ease = models.SmallIntegerField(null=True, validators=IMPACT)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="+")
    by_agent = models.BooleanField(default=False, editable=False)  # a voter of the front line

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "round", "voter"], name="a_voter_casts_once_a_round"),
            models.CheckConstraint(condition=Q(impact__gte=-2, impact__lte=2), name="cast_impact_lies_within_two"),
            models.CheckConstraint(
                condition=Q(ease=None) | Q(ease__gte=-2, ease__lte=2), name="cast_ease_lies_within_two"
            ),
        ]

    def __str__(self) -> str:
        return f"cast in round {self.round}"


class Turnout(models.Model):
    """Who voted in one round on one wording, counted when the voters were cut off: no vote stands beside it.

    `agents` counts the devices of a team's link as `counting.link_voters` does, `by_link` counts each of them.
    """

    item = models.ForeignKey(BallotItem, models.CASCADE, related_name="turnouts")
    round = models.PositiveSmallIntegerField()
    agents = models.PositiveIntegerField()
    by_link = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "round"], name="a_round_is_counted_once")]

    def __str__(self) -> str:
        return f"turnout of round {self.round}"


class Hands(models.Model):
    """A show of hands, entered by the facilitator before the reveal: how many people showed which value."""

    item = models.ForeignKey(BallotItem, models.CASCADE, related_name="hands")
    round = models.PositiveSmallIntegerField(default=1)
    ease = models.BooleanField(default=False)  # which question: False is impact
    value = models.SmallIntegerField(validators=IMPACT)
    people = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "round", "ease", "value"], name="hands_are_counted_once"),
        ]

    def __str__(self) -> str:
        return f"{self.people} hands"
