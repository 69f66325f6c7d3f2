"""Two wordings side by side: which words went, and which came. Pure."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

WORD = re.compile(r"(\S+)(\s*)")
LINE = re.compile(r"([^\n]+)(\n*)|(\n+)")
# The cost grows with the product of both lengths. A text of more words is compared by lines, one of more lines as one.
MOST_UNITS = 1000
Unit = tuple[str, str]  # a word, or a line, and the space after it


@dataclass(frozen=True)
class Piece:
    """Some words in a row; `marked` when the other side does not have them."""

    words: str
    marked: bool


@dataclass(frozen=True)
class Comparison:
    """What stood before and what stands after, each in pieces that join to the whole text."""

    before: list[Piece]
    after: list[Piece]

    @property
    def same(self) -> bool:
        """True when no word differs, though spaces and line breaks may."""
        return not any(piece.marked for piece in (*self.before, *self.after))


def compare(before: str, after: str) -> Comparison:
    """Mark the words of each text that the other does not have in that place.

    >>> found = compare("Refunds over 200 kr", "Refunds over 500 kr")
    >>> [piece.words for piece in found.before if piece.marked], [piece.words for piece in found.after if piece.marked]
    (['200 '], ['500 '])
    """
    old, new = _units(before, after)
    start = _alike(old, new)
    end = _alike(old[start:][::-1], new[start:][::-1])
    old_words, new_words = ([word for word, _ in units[start : len(units) - end]] for units in (old, new))
    spans: list[tuple[str, int, int, int, int]] = [("equal", 0, start, 0, start)]
    for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, old_words, new_words).get_opcodes():
        spans.append((kind, start + old_from, start + old_to, start + new_from, start + new_to))
    spans.append(("equal", len(old) - end, len(old), len(new) - end, len(new)))
    left: list[Piece] = []
    right: list[Piece] = []
    for sign, old_from, old_to, new_from, new_to in spans:
        for side, units, first, last in ((left, old, old_from, old_to), (right, new, new_from, new_to)):
            if first < last:
                side.append(Piece("".join(word + space for word, space in units[first:last]), sign != "equal"))
    return Comparison(left, right)


def _units(*texts: str) -> list[list[Unit]]:
    """Each text in units, of which only the first part is compared."""
    for pattern in (WORD, LINE):
        found = [
            [(match[1] or "", match[0][len(match[1] or "") :]) for match in pattern.finditer(text)] for text in texts
        ]
        if max(len(units) for units in found) <= MOST_UNITS:
            return found
    return [[(text, "")] for text in texts]


def _alike(old: list[Unit], new: list[Unit]) -> int:
    """How many units both begin with. What is alike at both ends would only blunt the search between them."""
    return next(
        (place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a[0] != b[0]), min(len(old), len(new))
    )
