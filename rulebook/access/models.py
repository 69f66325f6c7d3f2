"""People and where they belong."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from rulebook.jobs import Job


class Department(models.Model):
    """A part of the organisation that owns rules. Its head answers for them; the deputy when the head is away."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    head = models.ForeignKey("Person", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("head"))
    deputy = models.ForeignKey(
        "Person", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("deputy")
    )

    class Meta:
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class Team(models.Model):
    """People who take contacts together. Figures of a team are shown only when it is large enough to hide each one."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    department = models.ForeignKey(
        Department, models.SET_NULL, null=True, blank=True, related_name="teams", verbose_name=_("department")
    )
    headcount = models.PositiveIntegerField(
        _("headcount"), null=True, blank=True, help_text=_("How many people work in this team.")
    )

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class Person(AbstractUser):
    """Somebody who signs in, or who owns rules without signing in (no usable password)."""

    # Lists of rules name owners as people do, blanks and all, before they sign in: Django's own field refuses that.
    username = models.CharField(
        _("user name"), max_length=150, unique=True, help_text=_("For signing in; lists of rules name owners by it.")
    )
    language = models.CharField(_("language"), max_length=10, blank=True, help_text=_("Blank follows the browser."))
    team = models.ForeignKey(
        Team, models.SET_NULL, null=True, blank=True, related_name="members", verbose_name=_("team")
    )
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(AbstractUser.Meta):
        verbose_name = _("person")  # type: ignore[assignment]  # the stub knows str alone
        verbose_name_plural = _("people")  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.get_full_name() or self.get_username()


class TeamLink(models.Model):
    """A secret address with which the people of one team flag and vote without signing in. Only its hash is stored.

    For teams of five or more. Revoked at once; every device that came by it is then a stranger again.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="links", verbose_name=_("team"))
    digest = models.CharField(max_length=64, unique=True, editable=False)
    made_by = models.ForeignKey("Person", models.SET_NULL, null=True, related_name="+", editable=False)
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("team link")
        verbose_name_plural = _("team links")
        ordering = ["team", "-made_at", "pk"]

    def __str__(self) -> str:
        return str(self.team)


class ClosedPeriod(models.Model):
    """Days on which nobody can be expected to answer, as July or Christmas. They stop every clock. Both ends count."""

    name = models.CharField(_("name"), max_length=100)
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))

    class Meta:
        verbose_name = _("closed period")
        verbose_name_plural = _("closed periods")
        ordering = ["-first", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last__gte=models.F("first")), name="a_period_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Letter(Job):
    """A mail to one person, in their language, with one link. Sent by `work`; only kept where no mail server is set.

    `about` is unique: the same letter is never written twice.
    """

    to = models.ForeignKey("Person", models.CASCADE, related_name="letters", verbose_name=_("to"))
    about = models.CharField(max_length=200, unique=True, editable=False)
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(_("body"))
    written_at = models.DateTimeField(_("written at"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("letter")
        verbose_name_plural = _("letters")
        ordering = ["-written_at", "-pk"]

    def __str__(self) -> str:
        return self.subject
