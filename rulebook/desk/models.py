"""What people keep at the desk for themselves, and who does the work in the background and how that goes.

Django sends post_migrate only to apps that have this module.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q

from rulebook.jobs import Job


class SavedFilter(models.Model):
    """A search and its filters in the list of rules, under a name that one person gave it. Nobody else sees it."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="saved_filters")
    name = models.CharField(max_length=60)
    query = models.TextField(help_text="As in the address of the list, of its own parameters only.")

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            # Also serves the links above the list.
            models.UniqueConstraint(fields=["person", "name"], name="a_person_names_a_filter_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Duty(Job):
    """Something that `work` looks after for ever, such as the figures: when it was last done, and why it failed.

    Never done and never failed for good: after an error it is tried again, later and later.
    """

    name = models.CharField(max_length=40, unique=True)
    seen = models.CharField(max_length=100, blank=True, help_text="Up to where it had looked when it was last done.")
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "duties"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Lease(models.Model):
    """Which process does the work at the moment. One row; an empty `process`: nobody does.

    `turn` counts the takings. Whoever holds the lease knows its number and so notices when another one took over.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    turn = models.PositiveBigIntegerField(default=0)
    host = models.CharField(max_length=200, blank=True)
    process = models.CharField(max_length=60, blank=True)
    heartbeat = models.DateTimeField(null=True, blank=True)
    called_at = models.DateTimeField(null=True, blank=True, help_text="When a web server last started a worker.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_lease")]

    def __str__(self) -> str:
        return f"turn {self.turn}: {self.process or 'nobody'}"
