"""What the front line is told before a rule changes, and who has read it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from rulebook.access.models import Team
from rulebook.catalogue.models import RuleVersion


class Notice(models.Model):
    """ "You may now ...": one change of one rule, told to the teams that it concerns before it takes effect.

    It points at the wording that it ends, or brings in. Written as a draft with the decision, published on a day of
    its own, at least one working day before the change.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")
        WITHDRAWN = "withdrawn", _("withdrawn")

    class Kind(models.TextChoices):
        """What changes; the outcomes of a review that take effect, and a rule put back after all."""

        REMOVED = "removed", _("removed")
        SIMPLIFIED = "simplified", _("simplified")
        DELEGATED = "delegated", _("delegated")
        DECLARED_MYTH = "declared_myth", _("declared a myth")
        WRITTEN_DOWN = "written_down", _("written down")
        LAPSED = "lapsed", _("lapsed")
        SUSPENDED = "suspended", _("tried without it")
        PUT_BACK = "put_back", _("put back")

    version = models.ForeignKey(
        RuleVersion, models.CASCADE, related_name="notices", verbose_name=_("wording that it ends or brings in")
    )
    kind = models.CharField(_("kind"), max_length=13, choices=Kind)
    headline = models.CharField(
        _("headline"), max_length=300, blank=True, help_text=_("Blank: a sentence in the language of whoever reads.")
    )
    limit = models.CharField(_("an agent decides up to"), max_length=200, blank=True)
    play = models.TextField(_("what to do instead"), blank=True)
    effective_on = models.DateField(_("effective on"))
    teams = models.ManyToManyField(Team, blank=True, related_name="notices", verbose_name=_("teams"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    published_on = models.DateField(_("published on"), null=True, blank=True)
    # Of what a reader has to know, as last changed in substance: receipts belong to it, and a mended typo keeps it.
    text_hash = models.CharField(max_length=64)
    about = models.CharField(max_length=60, unique=True)  # what it was written for, as "review 7"
    told_again_on = models.DateField(null=True, blank=True)  # a removed rule was met once more
    in_letters_on = models.DateField(null=True, blank=True)  # a morning's letters told of it as it stands now

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-effective_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="published") | Q(published_on__isnull=False),
                name="a_published_notice_has_its_day",
            ),
        ]

    def __str__(self) -> str:
        return self.headline or str(self.get_kind_display())

    @property
    def is_published(self) -> bool:
        return self.state == self.State.PUBLISHED


class Receipt(models.Model):
    """Somebody has read a notice as it stood: a person, or a device of a team's link. Seen by the reader alone.

    Managers see counts, of teams of five or more. Holds the day and no time; read once more, it is the later one.
    """

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="receipts")
    text_hash = models.CharField(max_length=64)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    device = models.CharField(max_length=64, blank=True)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="+")
    read_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["notice", "text_hash", "person"], name="a_person_reads_a_text_once"),
            models.UniqueConstraint(
                fields=["notice", "text_hash", "device"], condition=~Q(device=""), name="a_device_reads_a_text_once"
            ),
            models.CheckConstraint(
                condition=Q(person__isnull=False, device="") | (Q(person=None) & ~Q(device="")),
                name="a_receipt_is_of_a_person_or_a_device",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice_id} on {self.read_on}"
