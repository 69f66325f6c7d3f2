"""The one statement that stores a standing vote. By the ORM it would be four, and a room of 200 waits for each."""

from typing import Any

from django.db import connection

from rulebook.catalogue.models import Rule
from rulebook.votes.models import random_number

# What a second vote of the same voter may meet: the two unique constraints of a StandingVote.
OF_A_PERSON = "(version_id, person_id)"
OF_A_DEVICE = "(version_id, device) WHERE NOT (device = '')"
HOLDS = (
    "SELECT 1 FROM catalogue_ruleversion w JOIN catalogue_rule r ON r.id = w.rule_id "
    "WHERE w.id = %s AND w.applies_to IS NULL AND r.status <> %s"
)


def store_vote(*, version: int, person: int | None, device: str, columns: dict[str, Any]) -> bool:
    """Store a vote, or change the voter's earlier one; False, and nothing stored, where the wording holds no longer."""
    values = {"id": random_number(), "version_id": version, "person_id": person, "device": device, **columns}
    target = OF_A_DEVICE if person is None else OF_A_PERSON
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO votes_standingvote ({', '.join(values)}) SELECT {', '.join(['%s'] * len(values))} "
            f"WHERE EXISTS ({HOLDS}) ON CONFLICT {target} DO UPDATE SET {changed}",
            [*values.values(), version, Rule.Status.REMOVED.value],
        )
        return bool(cursor.rowcount)
