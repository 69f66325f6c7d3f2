"""What agents say got in their way, what became of it, and how much nobody ever says."""

import secrets

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from rulebook.access.models import Team
from rulebook.cases.models import Case, Source
from rulebook.catalogue.models import Rule
from rulebook.fields import BytewiseField
from rulebook.flags import replies, words

# What a flag's reply is about: for `select_related`.
REPLY = ("rule__department", "rule__owner", "merged_into__rule__department", "merged_into__rule__owner")


def random_id() -> int:
    """A number that tells neither order nor time; 53 bits, so that a script can hold it too."""
    return secrets.randbits(53)


class Said(models.Model):
    """What a flag says, whoever said it. Free text is scrubbed of personal numbers before it comes here."""

    id = models.BigIntegerField(primary_key=True, default=random_id, editable=False)
    stopped = models.TextField(_("what stopped the agent"))
    customer_heard = models.CharField(_("what the agent had to say"), max_length=300, blank=True)
    rule = models.ForeignKey(
        Rule, models.SET_NULL, null=True, blank=True, related_name="%(class)ss", verbose_name=_("rule")
    )
    rule_words = models.CharField(_("the rule in the agent's words"), max_length=300, blank=True)
    channel = BytewiseField(_("channel"), max_length=100, blank=True)
    solved = models.BooleanField(_("solved at first contact"), null=True, blank=True)
    minutes = models.PositiveSmallIntegerField(
        _("minutes lost"), null=True, blank=True, validators=[MaxValueValidator(600)]
    )
    instead = models.TextField(_("what the agent would have done"), blank=True)
    decision = models.TextField(_("the decision the agent could not make"), blank=True)
    quotable = models.BooleanField(_("may be quoted"), default=False)
    # SHA-256 of the form's own random number: a double tap is one flag.
    once = models.CharField(max_length=64, unique=True, editable=False)
    # SHA-256 of the one-time code with which an anonymous flag is found again; blank for a signed one.
    receipt = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        abstract = True


class HeldFlag(Said):
    """An anonymous flag on the day it was sent. Released the day after, shuffled among the others of its day.

    The rows are written anew in another order whenever one joins them: neither their numbers nor their places in a
    dump tell which came first. No hour, no author, no team, no address and no case stands here.
    """

    held_on = models.DateField()


class Flag(Said):
    """An agent says that a rule got in the way of solving a customer's problem. Every flag gets an answer."""

    class Outcome(models.TextChoices):
        """What became of it. Blank while nobody decided."""

        OPEN = "", words.OPEN
        LINKED = "linked", words.LINKED
        NEW_RULE = "new_rule", words.NEW_RULE
        MERGED = "merged", words.MERGED
        ANSWERED = "answered", words.ANSWERED
        NO_RULE = "no_rule", words.NO_RULE

    anonymous = models.BooleanField(_("anonymous"), default=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("author")
    )
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("team"))
    source = models.ForeignKey(
        Source, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("source")
    )
    case_reference = BytewiseField(_("case"), max_length=255, blank=True)
    flagged_on = models.DateField(_("flagged on"))
    flagged_at = models.DateTimeField(_("flagged at"), null=True, blank=True)  # null: anonymous
    rule_was_removed = models.BooleanField(_("the rule was removed already"), default=False)  # a zombie
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, blank=True, default=Outcome.OPEN)
    headline = models.CharField(_("headline"), max_length=200, blank=True)
    # What the manager wrote; else `by_default` says which of our own sentences stands for it, in the reader's language.
    answer = models.TextField(_("answer"), blank=True)
    by_default = models.CharField(max_length=10, blank=True, editable=False)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("answered by"),
    )  # fmt: skip
    replied_at = models.DateTimeField(_("first reply at"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="merged", verbose_name=_("merged into")
    )

    class Meta:
        verbose_name = _("flag")
        verbose_name_plural = _("flags")
        ordering = ["flagged_on", "pk"]
        indexes = [
            # The queue, oldest first.
            models.Index(fields=["outcome", "flagged_on"], name="flag_queue"),
            # A rule's flags, and those of the last 30 days.
            models.Index(fields=["rule", "flagged_on"], name="flag_of_rule"),
            # The answers, newest first.
            models.Index(fields=["replied_at"], name="flag_answers"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(anonymous=False)
                | Q(author=None, team=None, source=None, case_reference="", flagged_at=None),
                name="an_anonymous_flag_tells_nobody",
            ),
            models.CheckConstraint(
                condition=Q(merged_into=None) | ~Q(merged_into=F("id")), name="a_flag_merges_into_another"
            ),
            models.CheckConstraint(
                condition=Q(answer="") | Q(by_default=""), name="an_answer_is_written_or_by_default"
            ),
        ]

    def __str__(self) -> str:
        return self.stopped[:80]

    @property
    def reply(self) -> str:
        """What the agent reads: the manager's words, or the default answer in the language of whoever reads.

        A flag that was merged has the answer of the other one, about the rule of that.
        """
        if self.answer or not self.by_default:
            return self.answer
        rule = (self.merged_into or self).rule
        department = str(rule.department or rule.owner or "") if rule else ""
        return replies.in_words(self.by_default, rule.title if rule else self.headline, department)


class Audit(models.Model):
    """Thirty not resolved contacts of one month that nobody flagged, drawn at random and read by a person.

    How many of them a rule stopped tells how much the ledger misses. `population` is how many they were drawn from.
    """

    month = models.DateField(_("month"), unique=True)
    drawn_at = models.DateTimeField(_("drawn at"))
    population = models.PositiveBigIntegerField(_("drawn from"))

    class Meta:
        verbose_name = _("audit")
        verbose_name_plural = _("audits")
        ordering = ["-month"]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class AuditedCase(models.Model):
    """One contact of an audit, and what the reader saw in it."""

    class Verdict(models.TextChoices):
        OPEN = "", _("not read yet")
        RULE = "rule", _("a rule stopped it")
        NO_RULE = "no_rule", _("no rule stopped it")
        UNKNOWN = "unknown", _("cannot be told")

    audit = models.ForeignKey(Audit, models.CASCADE, related_name="cases", verbose_name=_("audit"))
    place = models.PositiveSmallIntegerField(_("place"))
    case = models.ForeignKey(Case, models.SET_NULL, null=True, related_name="+", verbose_name=_("case"))
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict, blank=True, default=Verdict.OPEN)
    rule = models.ForeignKey(Rule, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("rule"))
    # The ledger had a rule for it, by what others than agents' flags say, when it was drawn or read.
    explained = models.BooleanField(_("explained by the ledger"), default=False)
    read_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("audited case")
        verbose_name_plural = _("audited cases")
        ordering = ["audit", "place"]
        constraints = [models.UniqueConstraint(fields=["audit", "place"], name="one_case_a_place")]

    def __str__(self) -> str:
        return f"{self.audit_id} {self.place}"
