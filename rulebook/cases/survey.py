"""The first pass over the files of an import: which ids come twice, and how many rows there are.

Of equal ids in one run the last good row wins, but rows are stored as they are read. Knowing the repeated ids
beforehand is what makes a second run of the same file change nothing. Memory is bounded: two bit maps of fixed size,
and the ids that seem to repeat (a few in ten thousand of a million rows only seem to; they just wait for the end).
"""

from collections.abc import Callable, Iterable, Sequence

BITS = 1 << 26
MASK = BITS - 1


def _was_there(seen: bytearray, text: str) -> bool:
    """Whether the text was probably seen before; from now on it was. Two bits of one hash each (a Bloom filter)."""
    number = hash(text)
    first, second = number & MASK, (number >> 32) & MASK
    first_bit, second_bit = 1 << (first & 7), 1 << (second & 7)
    if seen[first >> 3] & first_bit and seen[second >> 3] & second_bit:
        return True
    seen[first >> 3] |= first_bit
    seen[second >> 3] |= second_bit
    return False


class Survey:
    """What one pass has learnt. Feed it every id of every file."""

    def __init__(self) -> None:
        self.rows = 0
        self.repeated: dict[str, int] = {}  # id -> times seen; at most one too many
        self.lookalikes: set[str] = set()  # lower-case spellings that several ids may share
        self._seen = bytearray(BITS >> 3)
        self._seen_lower = bytearray(BITS >> 3)

    def look(
        self, rows: Iterable[tuple[int, Sequence[str | None]]], id_of: Callable[[Sequence[str | None]], str]
    ) -> None:
        repeated, lookalikes = self.repeated, self.lookalikes
        seen, seen_lower = self._seen, self._seen_lower
        for _, cells in rows:
            self.rows += 1
            external_id = id_of(cells)
            if _was_there(seen, external_id):
                repeated[external_id] = repeated.get(external_id, 1) + 1
            if not external_id.isdigit():
                lower = external_id.lower()
                if _was_there(seen_lower, lower):
                    lookalikes.add(lower)

    def close(self) -> None:
        """Give the bit maps back; the second pass needs the two collections only."""
        self._seen = self._seen_lower = bytearray()
