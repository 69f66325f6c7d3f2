"""What an import tells: its progress, its counts, and its warnings as sentences that name file, lines and column."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rulebook.cases.linking import Linked
from rulebook.cases.services import Counts
from rulebook.tables.reading import Rejected

LINES_SHOWN = 3
NAMES_SHOWN = 5


@dataclass
class Report:
    """What an import did. `warnings` are sentences that name file, lines and column."""

    counts: Counts
    links: Linked | None
    settled: int
    horizon: datetime | None
    warnings: list[str]


class Listener:
    """Told of progress and of rejected rows. The command draws a bar and writes the private report."""

    def say(self, sentence: str) -> None: ...
    def begin(self, total: int) -> None: ...
    def advance(self, rows: int) -> None: ...
    def reject(self, rejected: Rejected) -> None: ...


@dataclass
class _Place:
    """How often something was found in one column of a file, and in which lines first."""

    count: int = 0
    rows: int = 0
    last: int = 0
    lines: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        self.count += 1
        if line == self.last:
            return  # several rules in one cell
        self.rows += 1
        self.last = line
        if len(self.lines) < LINES_SHOWN:
            self.lines.append(line)

    def told(self, file: str, column: str) -> str:
        parts = [file]
        if self.lines:
            shown = _shown(list(map(str, self.lines)), self.rows)
            parts.append(ngettext("line %(lines)s", "lines %(lines)s", len(self.lines)) % {"lines": shown})
        return ", ".join([*parts, _("column %(column)s") % {"column": column}] if column else parts)


def _shown(some: list[str], of: int) -> str:
    """'2, 3, 4 and 7 more' where only some are named."""
    listed = ", ".join(some)
    more = of - len(some)
    return _("%(listed)s and %(count)s more") % {"listed": listed, "count": more} if more else listed


class Findings:
    """The warnings of one import. Bounded by its files, columns and kinds of warning, not by its rows."""

    def __init__(self) -> None:
        self._warned: dict[tuple[str, str, str], _Place] = {}  # by file, column, sentence
        self._unknown: dict[tuple[str, str], tuple[_Place, Counter[str]]] = {}  # by file and column: rule names
        self._spellings: dict[str, set[str]] = {}
        self._notes: dict[str, None] = {}

    def note(self, sentence: str) -> None:
        """Something about a whole file, in a sentence of its own."""
        self._notes[sentence] = None

    def warn(self, file: str, line: int, column: str, sentence: str) -> None:
        self._warned.setdefault((file, column, sentence), _Place()).add(line)

    def unknown_rule(self, file: str, line: int, column: str, name: str) -> None:
        place, names = self._unknown.setdefault((file, column), (_Place(), Counter()))
        place.add(line)
        names[name] += 1

    def spelt(self, external_id: str) -> None:
        """An id that another one may differ from in capital and small letters only."""
        self._spellings.setdefault(external_id.lower(), set()).add(external_id)

    @property
    def count(self) -> int:
        alike = sum(len(those) > 1 for those in self._spellings.values())
        places = [*self._warned.values(), *(place for place, names in self._unknown.values())]
        return len(self._notes) + alike + sum(place.count for place in places)

    def sentences(self) -> list[str]:
        told = list(self._notes)
        told += [f"{place.told(file, column)}: {what}" for (file, column, what), place in self._warned.items()]
        alike = sum(len(those) > 1 for those in self._spellings.values())
        if alike:
            warning = _(
                "Case ids that differ only in capital and small letters: %(count)s times. They were kept as different "
                "cases; check that the help desk means them so."
            )
            told.append(warning % {"count": alike})
        for (file, column), (place, counted) in self._unknown.items():
            names = _shown([name for name, often in counted.most_common(NAMES_SHOWN)], len(counted))
            warning = _(
                "%(place)s: %(count)s links name rules that are not written down yet (%(names)s). "
                "They wait until the rules are imported."
            )
            told.append(warning % {"place": place.told(file, column), "count": place.count, "names": names})
        return told
