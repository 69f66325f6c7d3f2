"""Reads of sources and their policies, for commands and figures, and of cases by their numbers."""

from collections.abc import Iterable, Sequence

from rulebook.cases.models import Case, Method, Source
from rulebook.cases.policies import Policy, key_from, primary
from rulebook.errors import CannotStart, WrongUsage
from rulebook.tables.values import clean_key

# SQLite takes a bounded number of parameters in one statement.
BATCH = 500


def sources_named(names: Sequence[str]) -> list[Source]:
    """The sources of these names, all where none is given, in the order of names.

    Raises CannotStart for a name that no import has made, and where there is no source at all.
    """
    known = {source.name: source for source in Source.objects.order_by("name")}
    if not known:
        raise CannotStart("There are no cases yet. Import some: python manage.py import_cases FILE --source NAME.")
    wanted = [clean_key(name) for name in names]
    for name in wanted:
        if name not in known:
            raise CannotStart(f"There is no source called {name}. There are: {', '.join(known)}.")
    return [source for name, source in known.items() if not wanted or name in wanted]


def policy_for(source: Source, method: str | None, window: int | None, key: str | None) -> Policy:
    """The source's primary policy with what is asked for instead."""
    own = primary(source)
    return Policy(
        method or own.method,
        own.window_days if window is None else window,
        tuple(key_from(key).split(",")) if key else own.key,
    )


def by_policy(
    sources: Sequence[Source], method: str | None = None, window: int | None = None, key: str | None = None
) -> dict[Policy, list[Source]]:
    """Sources grouped by equal policies, which may be pooled; different ones never are."""
    if window is not None and not 1 <= window <= 366:
        raise WrongUsage("--window is a number of days from 1 to 366.")
    if method is not None and method not in Method.values:
        raise WrongUsage(f"--method is one of {', '.join(Method.values)}.")
    grouped: dict[Policy, list[Source]] = {}
    for source in sources:
        grouped.setdefault(policy_for(source, method, window, key), []).append(source)
    return grouped


def most_mature_first(objects: Sequence[dict[str, object]], mature: Sequence[int]) -> list[dict[str, object]]:
    """Results of several policies, the one with most mature cases first; ties by their policy's own order."""
    order = sorted(range(len(objects)), key=lambda place: (-mature[place], place))
    return [objects[place] for place in order]


def only_living_source() -> Source | None:
    """The one source that still sends cases; None where there are several, or none."""
    living = list(Source.objects.filter(retired=False).order_by("pk")[:2])
    return living[0] if len(living) == 1 else None


def cases_numbered(external_ids: Iterable[str]) -> dict[str, list[Case]]:
    """{number: the cases that have it}, one a source at most. Finds them by the index of each source's numbers."""
    sources = list(Source.objects.values_list("pk", flat=True))
    wanted = sorted(set(external_ids))
    found: dict[str, list[Case]] = {}
    for start in range(0, len(wanted), BATCH):
        cases = Case.objects.filter(source__in=sources, external_id__in=wanted[start : start + BATCH])
        for case in cases.select_related("source").order_by("source", "pk"):
            found.setdefault(case.external_id, []).append(case)
    return found
