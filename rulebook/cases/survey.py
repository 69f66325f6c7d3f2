"""The first pass over the files of an import: which ids come twice, and how many rows there are.

Of equal ids in one run the last good row wins, but rows are stored as they are read. Knowing the repeated ids
beforehand is what makes a second run of the same file change nothing. Memory is bounded: two bit maps of fixed size,
and the ids that seem to repeat (a few in a hundred of a million rows only seem to; that costs nothing but waiting).
"""

from collections.abc import Callable, Iterable, Sequence

BITS = 1 << 26
MASK = BITS - 1


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
        seen, seen_lower, repeated, lookalikes = self._seen, self._seen_lower, self.repeated, self.lookalikes
        for _, cells in rows:
            self.rows += 1
            external_id = id_of(cells)
            place = hash(external_id) & MASK
            bit = 1 << (place & 7)
            if seen[place >> 3] & bit:
                repeated[external_id] = repeated.get(external_id, 1) + 1
            else:
                seen[place >> 3] |= bit
            if external_id.isdigit():
                continue
            lower = external_id.lower()
            place = hash(lower) & MASK
            bit = 1 << (place & 7)
            if seen_lower[place >> 3] & bit:
                lookalikes.add(lower)
            else:
                seen_lower[place >> 3] |= bit

    def close(self) -> None:
        """Give the bit maps back; the second pass needs the two collections only."""
        self._seen = self._seen_lower = bytearray()
