"""People and where they belong."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


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
