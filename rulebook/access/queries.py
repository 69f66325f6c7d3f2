"""Which teams may be shown by name, and whose link a secret is."""

from django.db.models import Count, Q, QuerySet

from rulebook.access.models import Team, TeamLink
from rulebook.access.tokens import digest_of, is_signed

SMALLEST_SHOWN = 5


def team_sizes() -> dict[int, int]:
    """{team id: people}, the larger of what a manager typed and who is registered."""
    teams = Team.objects.annotate(registered=Count("members")).order_by("pk")
    return {team.pk: max(team.headcount or 0, team.registered) for team in teams}


def shown_teams(sizes: dict[int, int]) -> set[int]:
    """Teams whose figures may stand alone; all others are one group, "other".

    A team of fewer than 5 would show what one person does. "Other" takes in the next smallest team while it has
    fewer than 5 itself, else it could be told by subtraction.

    >>> shown_teams({1: 12, 2: 7, 3: 2})
    {1}
    >>> shown_teams({1: 12, 2: 7, 3: 4, 4: 4})
    {1, 2}
    >>> shown_teams({1: 12, 2: 7})
    {1, 2}
    """
    shown = sorted(
        (team for team, size in sizes.items() if size >= SMALLEST_SHOWN), key=lambda team: (sizes[team], team)
    )
    hidden = [team for team in sizes if sizes[team] < SMALLEST_SHOWN]
    others = sum(sizes[team] for team in hidden)
    while hidden and others < SMALLEST_SHOWN and shown:
        others += sizes[shown[0]]
        hidden.append(shown.pop(0))
    return set(shown)


def link_of(token: str) -> TeamLink | None:
    """The link whose secret this is; None for a revoked one and for what we never signed, which costs no query."""
    if not is_signed(token):
        return None
    return living_links().filter(digest=digest_of(token)).first()


def living_links() -> QuerySet[TeamLink]:
    """Links that open the door. A team that has become smaller than five opens none: its name would be a person's."""
    sized = TeamLink.objects.filter(revoked_at=None).annotate(registered=Count("team__members"))
    large = Q(registered__gte=SMALLEST_SHOWN) | Q(team__headcount__gte=SMALLEST_SHOWN)
    return sized.filter(large).select_related("team")
