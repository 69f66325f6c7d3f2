"""The journal's tables. An event names nobody and quotes nothing: names and texts stand beside it and can be erased."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Actor(models.Model):
    """Who did it, by the name of that day: a person with a new name is a new row.

    Erasing a person blanks the names here; the events keep their number.
    """

    class Kind(models.TextChoices):
        PERSON = "person", _("person")
        SYSTEM = "system", _("system")

    number = models.BigAutoField(_("number"), primary_key=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    reference = models.BigIntegerField(_("reference"), help_text=_("The person's number; 0 for the system itself."))
    name = models.CharField(_("name"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("actor")
        verbose_name_plural = _("actors")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "reference", "name"], condition=~models.Q(name=""), name="one_actor_per_person_and_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.kind} {self.number}"


class Note(models.Model):
    """A text that somebody gave with an event: a reason, an answer. Erasable, the event stays."""

    number = models.BigAutoField(_("number"), primary_key=True)
    text = models.TextField(_("text"), blank=True)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")

    def __str__(self) -> str:
        return self.text[:60]


class Event(models.Model):
    """One thing that happened. Numbers have no gap and follow the order of commits; rows are never changed.

    No foreign key, no free text, no case and no customer, so that nothing here ever has to be erased. Triggers
    refuse UPDATE, DELETE and TRUNCATE (see `triggers.py`).
    """

    number = models.BigIntegerField(_("number"), primary_key=True)
    verb = models.CharField(_("verb"), max_length=40)
    object_type = models.CharField(_("object type"), max_length=40)
    object_code = models.CharField(_("object code"), max_length=100)
    before = models.CharField(_("before"), max_length=255, blank=True)
    after = models.CharField(_("after"), max_length=255, blank=True)
    actor = models.BigIntegerField(_("actor"), help_text=_("Number of the actor."))
    note = models.BigIntegerField(_("note"), null=True, blank=True, help_text=_("Number of the note."))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["number"]
        indexes = [
            # The timeline of one rule, review or import.
            models.Index(fields=["object_type", "object_code", "number"], name="event_timeline"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.object_type} {self.object_code} {self.verb}"


class JournalHead(models.Model):
    """The number of the newest event: one row, locked last before every commit that writes events."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    last = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="only_one_journal_head")]

    def __str__(self) -> str:
        return f"{self.last} events"
