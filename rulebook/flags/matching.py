"""Which part of a rule's title is what somebody typed, so that the eye finds it. Pure."""

import re

from rapidfuzz.distance import OSA

WORD = re.compile(r"\w+")
SHORTEST = 3  # letters of a typed word that is looked for
NEAR = 0.75  # how alike a part of a word must be
MOST_WORDS = 12  # of what was typed

Piece = tuple[str, bool]  # (text, whether it is what was typed)


def pieces(title: str, typed: str) -> list[Piece]:
    """
    >>> pieces("Refunds over 200 kr need a manager", "refnd mangaer")
    [('Refund', True), ('s over 200 kr need a ', False), ('manager', True)]
    >>> pieces("No refund before the item is back", "")
    [('No refund before the item is back', False)]
    """
    words = [word.casefold() for word in WORD.findall(typed)[:MOST_WORDS] if len(word) >= SHORTEST]
    found: list[Piece] = []
    at = 0
    for match in WORD.finditer(title):
        if length := max((_begins_with(match[0].casefold(), word) for word in words), default=0):
            ends = match.start() + min(length, len(match[0]))
            found += [(title[at : match.start()], False), (title[match.start() : ends], True)]
            at = ends
    found.append((title[at:], False))
    return [piece for piece in found if piece[0]]


def _begins_with(word: str, typed: str) -> int:
    """How many letters of `word`, from its first, are `typed`; 0 for none."""
    lengths = range(max(SHORTEST, len(typed) - 1), min(len(word), len(typed) + 1) + 1)
    alike = {length: OSA.normalized_similarity(word[:length], typed) for length in lengths}
    best = max(lengths, key=lambda length: (alike[length], -length), default=0)
    return best if best and alike[best] >= NEAR else 0
