"""Figures, kept so that no page has to look at cases: sums by month, and what follows from them for each rule.

All of it is derived and could be thrown away: `refresh_figures --all` makes it again from cases and links.
"""

from decimal import Decimal
from typing import TypedDict

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rulebook.cases.models import Source
from rulebook.catalogue.models import Rule, Topic
from rulebook.fields import BytewiseField


class TopicMonth(models.Model):
    """The cases of one source, topic and channel that opened in one month, counted.

    A month is one of the source's own time zone; a blank topic or channel is a value of its own. Excluded cases stand
    in `excluded` and nowhere else.
    """

    source = models.ForeignKey(Source, models.CASCADE, db_index=False, related_name="+")
    month = models.DateField(help_text="Its first day.")
    topic = models.ForeignKey(Topic, models.CASCADE, null=True, blank=True, db_index=False, related_name="+")
    channel = BytewiseField(max_length=100, blank=True)
    resolved = models.PositiveBigIntegerField(default=0)
    not_resolved = models.PositiveBigIntegerField(default=0)
    pending = models.PositiveBigIntegerField(default=0)
    early_repeats = models.PositiveBigIntegerField(default=0, help_text="Of the pending, those seen to come back.")
    unknown = models.PositiveBigIntegerField(default=0)
    excluded = models.PositiveBigIntegerField(default=0)
    blocked = models.PositiveBigIntegerField(default=0, help_text="Of the not resolved, with any blocked link.")
    linked = models.PositiveBigIntegerField(default=0, help_text="Of the not resolved, with any link.")
    silent = models.PositiveBigIntegerField(default=0, help_text="Of the resolved, with any blocked link.")
    issues = models.PositiveBigIntegerField(default=0, help_text="Issues that began here and are over.")
    short_issues = models.PositiveBigIntegerField(default=0, help_text="Of these, solved in one contact.")
    seconds = models.PositiveBigIntegerField(default=0, help_text="Handle time of the timed contacts.")
    timed = models.PositiveBigIntegerField(default=0, help_text="Counted contacts with a handle time.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "month", "topic", "channel"], name="one_sum_per_source_month_topic_and_channel"
            ),
            models.UniqueConstraint(
                fields=["source", "month", "channel"], condition=Q(topic=None), name="one_sum_where_the_topic_is_blank"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.month:%Y-%m} {self.topic_id} {self.channel}"


class RuleMonth(models.Model):
    """The cases of one source, topic, channel and month that met one rule, counted.

    Of the links that *count* for harm alone: those that were made without looking at the outcome.
    """

    rule = models.ForeignKey(Rule, models.CASCADE, db_index=False, related_name="+")
    source = models.ForeignKey(Source, models.CASCADE, db_index=False, related_name="+")
    month = models.DateField(help_text="Its first day.")
    topic = models.ForeignKey(Topic, models.CASCADE, null=True, blank=True, db_index=False, related_name="+")
    channel = BytewiseField(max_length=100, blank=True)
    cases = models.PositiveBigIntegerField(default=0, help_text="Counting cases, mature or not.")
    mature = models.PositiveBigIntegerField(default=0, help_text="Counting cases that are resolved or not resolved.")
    missed = models.PositiveBigIntegerField(default=0, help_text="Counting cases that are not resolved.")

    class Meta:
        constraints = [
            # Source and month first: what a refresh replaces, and the twelve months that scoring adds up.
            models.UniqueConstraint(
                fields=["source", "month", "rule", "topic", "channel"], name="one_sum_per_rule_and_group"
            ),
            models.UniqueConstraint(
                fields=["source", "month", "rule", "channel"],
                condition=Q(topic=None),
                name="one_sum_per_rule_where_the_topic_is_blank",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.source_id} {self.month:%Y-%m}"


class BlockedMonth(models.Model):
    """The cases of one source and month that one rule blocked, whoever said so: what its price is made of.

    `k` is how many rules blocked each of them. Fractions of a case are exact that way, and prices add up.
    """

    rule = models.ForeignKey(Rule, models.CASCADE, db_index=False, related_name="+")
    source = models.ForeignKey(Source, models.CASCADE, db_index=False, related_name="+")
    month = models.DateField(help_text="Its first day.")
    k = models.PositiveSmallIntegerField()
    not_resolved = models.PositiveBigIntegerField(default=0)
    resolved = models.PositiveBigIntegerField(default=0, help_text="Under no_repeat: told no, did not return.")

    class Meta:
        constraints = [
            # Source and month first: what a refresh replaces, and the twelve months that scoring adds up.
            models.UniqueConstraint(fields=["source", "month", "rule", "k"], name="one_sum_of_blocked_per_rule_and_k"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.source_id} {self.month:%Y-%m} k={self.k}"


class SourceFigures(models.Model):
    """One source's twelve months up to its horizon, added up: what the start page shows.

    Says by which policy and up to which horizon the figures were made, which may be older than the source's own
    while an import runs. `changes` counts the refreshed sums by month, `scored` up to which of them this row and the
    rules' figures were made.
    """

    source = models.OneToOneField(Source, models.CASCADE, primary_key=True, related_name="figures")
    method = models.CharField(max_length=20, blank=True)
    window_days = models.PositiveSmallIntegerField(default=0)
    key = models.CharField(max_length=20, blank=True)
    since = models.DateField(null=True, help_text="First day of the twelve months.")
    horizon = models.DateTimeField(null=True)
    resolved = models.PositiveBigIntegerField(default=0)
    not_resolved = models.PositiveBigIntegerField(default=0)
    pending = models.PositiveBigIntegerField(default=0)
    early_repeats = models.PositiveBigIntegerField(default=0)
    unknown = models.PositiveBigIntegerField(default=0)
    excluded = models.PositiveBigIntegerField(default=0)
    blocked = models.PositiveBigIntegerField(default=0)
    linked = models.PositiveBigIntegerField(default=0)
    silent = models.PositiveBigIntegerField(default=0)
    issues = models.PositiveBigIntegerField(default=0)
    short_issues = models.PositiveBigIntegerField(default=0)
    seconds = models.PositiveBigIntegerField(default=0)
    timed = models.PositiveBigIntegerField(default=0)
    later = models.PositiveBigIntegerField(default=0, help_text="Contacts opened after the twelve months.")
    refreshed_at = models.DateTimeField(null=True)
    changes = models.PositiveBigIntegerField(default=0)
    scored = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "source figures"

    def __str__(self) -> str:
        return f"{self.source_id} from {self.since:%Y-%m}"


class MonthOfRule(TypedDict):
    """`complete`: the data holds the whole month, and every case of it is mature."""

    month: str
    cases: int
    missed: int
    complete: bool


class RuleFigures(models.Model):
    """What the numbers say of one rule; lists read this row and never a case.

    n, missed (k of n), expected, excess, volume and harm are those of the glossary, over the twelve months up to each
    source's horizon. Price and blocked are of the policy with most mature cases, as in the ledger. What is null is
    not known, and `why` says which reason.
    """

    class Listed(models.TextChoices):
        MEASURED = "measured", _("measured")
        NOT_MEASURABLE = "not_measurable_yet", _("not measurable yet")

    class Why(models.TextChoices):
        """Why there is no harm."""

        NONE = "", ""
        NO_CASES = "no_cases", _("no contact is linked to it")
        TOO_FEW = "too_few", _("too few contacts are linked to it")
        NO_COMPARISON = "no_comparison", _("cannot separate the rule from its topic")

    rule = models.OneToOneField(Rule, models.CASCADE, primary_key=True, related_name="figures")
    listed = models.CharField(max_length=20, choices=Listed, default=Listed.NOT_MEASURABLE)
    why = models.CharField(max_length=20, choices=Why, blank=True, default=Why.NO_CASES)
    n = models.PositiveBigIntegerField(default=0, help_text="Counting, mature cases that can be compared.")
    missed = models.PositiveBigIntegerField(default=0, help_text="k: of these, not resolved.")
    cases = models.PositiveBigIntegerField(default=0, help_text="Counting cases of the twelve months.")
    expected = models.FloatField(null=True, help_text="e: their rate without the rule.")
    excess = models.FloatField(null=True, help_text="Shrunken k/n - e.")
    volume = models.FloatField(default=0, help_text="Counting contacts in 30 days.")
    harm = models.FloatField(null=True, help_text="Contacts per 30 days that would not have come back; signed.")
    low = models.FloatField(null=True, help_text="Lower end of its 90 % interval.")
    high = models.FloatField(null=True, help_text="Upper end of its 90 % interval.")
    price = models.DecimalField(max_digits=9, decimal_places=6, null=True, help_text="In gross FCR, a part of 1.")
    priced = models.BooleanField(default=True, help_text="False: the price rests on fewer than 20 mature cases.")
    blocked = models.PositiveBigIntegerField(default=0, help_text="Not resolved cases it blocked.")
    silent = models.PositiveBigIntegerField(null=True, help_text="Told no, did not return; null but under no_repeat.")
    # People's voices. They order what cannot be measured yet, and change no measured figure.
    flags = models.PositiveIntegerField(default=0, help_text="In the last 30 days.")
    vote = models.FloatField(null=True, help_text="Sum of its votes / (voters + 5), as published; null: nothing is.")
    voters = models.PositiveIntegerField(default=0)
    # The twelve months of its counting cases, packed, since ten thousand rules are scored in one go: see `months`.
    monthly = models.CharField(max_length=400, blank=True)
    # What it met in its twelve months, packed by `gathering.py`; blank: to be added up anew.
    gathered = models.TextField(default="", db_default="", editable=False)

    class Meta:
        verbose_name_plural = "rule figures"
        indexes = [
            # The start page's ten dearest rules.
            models.Index(fields=["-price", "rule"], name="rulefigures_by_price"),
            # The two lists, worst first.
            models.Index(fields=["listed", "-harm", "rule"], name="rulefigures_by_harm"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.listed}"

    @property
    def shown_price(self) -> Decimal | None:
        """The price as screens show it: points of a handful of contacts would be decimals that pretend."""
        return self.price if self.priced else None

    @property
    def months(self) -> list[MonthOfRule]:
        """Twelve months up to the horizon, oldest first; none where no case counts.

        >>> RuleFigures(monthly="2025-12 0-1 40/12 38/9").months[1]
        {'month': '2026-01', 'cases': 38, 'missed': 9, 'complete': False}
        """
        if not self.monthly:
            return []
        first, complete, *pairs = self.monthly.split()
        begun, over = map(int, complete.split("-"))
        year, month = map(int, first.split("-"))
        entries: list[MonthOfRule] = []
        for place, pair in enumerate(pairs):
            cases, missed = map(int, pair.split("/"))
            years, index = divmod(month - 1 + place, 12)
            name = f"{year + years}-{index + 1:02}"
            entries.append({"month": name, "cases": cases, "missed": missed, "complete": begun <= place < over})
        return entries


class HourlyCost(models.Model):
    """What an hour of customer service costs this house, as a manager typed it in. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    amount = models.DecimalField(max_digits=10, decimal_places=2, validators=[MinValueValidator(0)])
    currency = models.CharField(max_length=10)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_hourly_cost")]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
