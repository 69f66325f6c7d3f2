"""From a file on disk to text: gzip, byte-order marks, UTF-16, Windows-1252, lines of any ending. In flat memory."""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rulebook.errors import CannotStart

BLOCK = 1 << 18  # bytes read at a time
SAMPLE = 1 << 16  # bytes looked at to tell what a file is
BOMB_SIZE = 64 << 20  # bytes that any archive may unpack to ...
BOMB_RATIO = 200  # ... beyond which it may not unpack to more than this many times its size
CUT_SHOWN = 2_000

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_FOREIGN = (  # first bytes of things that are no table; what they are, and the way out
    (b"PK\x03\x04", gettext_lazy("%(file)s is a zip inside a gzip. Unpack it and import the table inside.")),
    (b"\x1f\x8b", gettext_lazy("%(file)s is packed twice with gzip. Unpack it once and import the result.")),
    (
        b"\xd0\xcf\x11\xe0",
        gettext_lazy("%(file)s is an old (.xls) or a locked Excel workbook. Save it as .xlsx, unlocked, or as CSV."),
    ),
    (
        b"%PDF-",
        gettext_lazy("%(file)s is a PDF. Export the table as CSV or .xlsx from where the PDF came from."),
    ),
    (b"BZh", gettext_lazy("%(file)s is packed with bzip2. Unpack it, or pack it with gzip.")),
    (b"\xfd7zXZ\x00", gettext_lazy("%(file)s is packed with xz. Unpack it, or pack it with gzip.")),
    (b"\x28\xb5\x2f\xfd", gettext_lazy("%(file)s is packed with zstd. Unpack it, or pack it with gzip.")),
    (b"7z\xbc\xaf", gettext_lazy("%(file)s is packed with 7-Zip. Unpack it, or pack it with gzip.")),
    (b"Rar!", gettext_lazy("%(file)s is packed with RAR. Unpack it, or pack it with gzip.")),
)


class Damaged(Exception):
    """The gzip is cut off or corrupt. The caller knows how far it came, and says so in a CannotStart."""


class CutLine(str):
    """The first 2,000 characters of a line too long to hold. It always stands alone in its list of lines."""

    __slots__ = ()


class Opened:
    """A readable file: told apart once, read from the start as often as wanted.

    `sample` is the first 64 KB as UTF-8 (or as single-byte text that is not UTF-8), without a byte-order mark.
    Raises CannotStart when the file is missing, unreadable, or plainly no table.
    """

    def __init__(self, path: Path, note: Callable[[str], None]) -> None:
        self.path = path
        self.name = path.name
        self.note = note  # takes a whole sentence about the file; may be called with the same one again
        self.consumed = 0  # bytes on disk, of the newest reading
        self.inflated = 0  # bytes after unpacking, of the newest reading
        self._encoding, self._skip = "utf-8", 0
        self._gzipped = self._windows_noted = False
        try:
            if not path.is_file():
                if path.exists():
                    raise CannotStart(_("%(file)s is not a file. Check the path and try again.") % {"file": path.name})
                raise CannotStart(_("%(file)s does not exist. Check the path and try again.") % {"file": path.name})
            self.size = path.stat().st_size
            with path.open("rb") as disk:
                self._gzipped = disk.read(2) == b"\x1f\x8b"
        except OSError as problem:
            raise self._unreadable(problem) from problem
        head = self._head()
        for mark, sentence in _FOREIGN:
            if head.startswith(mark):
                raise CannotStart(sentence % {"file": self.name})
        self._encoding, self._skip = self._encoding_of(head)
        if self._encoding == "utf-8" and _is_no_text(head[:1024]):
            raise CannotStart(_("%(file)s is no table: export it as CSV, Excel (.xlsx) or JSON.") % {"file": self.name})
        self.sample = self._head()

    def _unreadable(self, problem: OSError) -> CannotStart:
        words = {"file": self.name, "why": problem.strerror or _("unknown cause")}
        return CannotStart(_("%(file)s cannot be read (%(why)s). Check its rights and the disk.") % words)

    def _head(self) -> bytes:
        """The first 64 KB of the blocks, fewer when the file is short or damaged."""
        head = b""
        try:
            for block in self.blocks():
                head += block
                if len(head) >= SAMPLE:
                    break
        except Damaged:
            if not head:
                damaged = _("%(file)s is a damaged gzip from its start. Fetch it again.")
                raise CannotStart(damaged % {"file": self.name}) from None
        return head[:SAMPLE]

    def _encoding_of(self, head: bytes) -> tuple[str, int]:
        """(codec, length of the byte-order mark). Without a mark, UTF-16 shows by a NUL in every other byte."""
        for mark, encoding in _BOMS:
            if head.startswith(mark):
                return encoding, len(mark)
        even, odd = head[0:4096:2], head[1:4096:2]
        for encoding, letters, zeros in (("utf-16-le", even, odd), ("utf-16-be", odd, even)):
            if len(zeros) >= 2 and zeros.count(0) > 0.6 * len(zeros) and letters.count(0) < 0.1 * len(letters):
                guessed = _("%(file)s was read as UTF-16 though it does not say so. Save it as UTF-8 if it is odd.")
                self.note(guessed % {"file": self.name})
                return encoding, 0
        return "utf-8", 0

    def blocks(self) -> Iterator[bytes]:
        """Unpacked blocks, UTF-16 turned into UTF-8, no byte-order mark. Raises Damaged, or CannotStart for a bomb."""
        decoder = None if self._encoding == "utf-8" else codecs.getincrementaldecoder(self._encoding)("replace")
        skip = self._skip
        for block in self._unpacked():
            if skip:
                block, skip = block[skip:], max(0, skip - len(block))
            if decoder:
                block = decoder.decode(block).encode()
            if block:
                yield block
        if decoder and (rest := decoder.decode(b"", True)):
            yield rest.encode()

    def _unpacked(self) -> Iterator[bytes]:
        self.consumed = self.inflated = 0
        bomb = max(BOMB_SIZE, BOMB_RATIO * self.size)
        try:
            with self.path.open("rb") as disk:
                # read1, not read: when the gzip breaks off, read would throw away what it had already unpacked.
                read = gzip.GzipFile(fileobj=disk).read1 if self._gzipped else disk.read
                while block := read(BLOCK):
                    self.consumed = disk.tell()
                    self.inflated += len(block)
                    if self._gzipped and self.inflated > bomb:
                        raise CannotStart(
                            _(
                                "%(file)s unpacks to more than %(times)s times its size, which no table does. "
                                "Unpack it yourself and look at it before you import it."
                            )
                            % {"file": self.name, "times": BOMB_RATIO}
                        )
                    yield block
        except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
            raise Damaged from problem
        except OSError as problem:
            raise self._unreadable(problem) from problem
        self.consumed = self.size

    def lines(self, longest: int) -> Iterator[list[str]]:
        """Lists of whole lines with their ends (\\n, \\r\\n or \\r); about 256 KB a list. No list is empty.

        A line that is not UTF-8 is read as Windows-1252. A line of more than `longest` bytes comes as a CutLine.
        Raises Damaged without giving the line that was cut off.
        """
        done = 0  # lines before this list
        for data, cut in self._whole_lines(longest):
            if cut:
                lines: list[str] = [CutLine(data.decode("utf-8", "replace")[:CUT_SHOWN])]
            else:
                try:
                    lines = io.StringIO(data.decode(), newline="").readlines()
                except UnicodeDecodeError:
                    lines = self._lines_of_mixed(data, done)
            done += len(lines)
            yield lines

    def _lines_of_mixed(self, data: bytes, done: int) -> list[str]:
        lines = []
        for line in data.splitlines(keepends=True):  # on bytes this splits at \n, \r and \r\n only
            try:
                lines.append(line.decode())
            except UnicodeDecodeError:
                lines.append(line.decode("cp1252", "replace"))
                self._note_windows(
                    _(
                        "%(file)s is not UTF-8: line %(line)s and perhaps others were read as Windows-1252. "
                        "Save it as UTF-8 if letters look wrong."
                    )
                    % {"file": self.name, "line": done + len(lines)}
                )
        return lines

    def _note_windows(self, sentence: str) -> None:
        if not self._windows_noted:
            self._windows_noted = True
            self.note(sentence)

    def _whole_lines(self, longest: int) -> Iterator[tuple[bytes, bool]]:
        """(bytes that end where a line ends, False), or (the start of one line longer than `longest`, True)."""
        parts: list[bytes] = []  # the unfinished line, in pieces: joining at every block would be quadratic
        length = 0  # of the unfinished line; beyond `longest` only its start is still held
        held = b""  # a \r at the end of a block, which may be half of a \r\n
        for block in self.blocks():
            block, held = held + block, b""
            if block.endswith(b"\r"):
                block, held = block[:-1], b"\r"
            if length > longest:
                found = _LINE_END.search(block)
                if not found:
                    continue
                yield parts[0], True
                parts, length, block = [], 0, block[found.end() :]
            end = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
            if end:
                parts.append(block[:end])
                yield b"".join(parts), False
                parts, length = [], 0
            if end < len(block):
                parts.append(block[end:])
                length += len(block) - end
                if length > longest:
                    parts = [b"".join(parts)[: 4 * CUT_SHOWN]]
        if parts or held:
            yield b"".join(parts) + held, length > longest

    def texts(self) -> Iterator[str]:
        """The text in pieces cut anywhere; bytes that are not UTF-8 are read as Windows-1252, one by one."""
        strict = codecs.getincrementaldecoder("utf-8")()
        blocks = self.blocks()
        for block in blocks:
            before = strict.getstate()[0]
            try:
                text = strict.decode(block)
            except UnicodeDecodeError:
                self._note_windows(
                    _(
                        "%(file)s is not UTF-8: some letters were read as Windows-1252. "
                        "Save it as UTF-8 if letters look wrong."
                    )
                    % {"file": self.name}
                )
                yield from self._texts_of_mixed(before + block, blocks)
                return
            yield text
        if rest := strict.getstate()[0]:
            yield rest.decode("cp1252", "replace")

    def _texts_of_mixed(self, data: bytes, blocks: Iterator[bytes]) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")("rulebook.windows")
        yield decoder.decode(data)
        for block in blocks:
            yield decoder.decode(block)
        yield decoder.decode(b"", True)


_LINE_END = re.compile(rb"\r\n|\n|\r")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def _is_no_text(start: bytes) -> bool:
    """Whether these are the bytes of a picture or a program. A stray control character stands in text, too.

    >>> _is_no_text(b"\\x89PNG\\r\\n\\x1a\\n\\0\\0\\0\\rIHDR\\0\\0"), _is_no_text(b"id,opened_at\\n1\\0,2026-01-05\\n")
    (True, False)
    """
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)  # the last letter may be cut
    except UnicodeDecodeError:
        found = len(_CONTROLS.findall(start))
        return found >= 4 and found > len(start) / 20
    return False


def _windows_letters(problem: UnicodeError) -> tuple[str, int]:
    """A codec error handler: the bytes at fault as Windows-1252."""
    if not isinstance(problem, UnicodeDecodeError):
        raise problem
    return problem.object[problem.start : problem.end].decode("cp1252", "replace"), problem.end


codecs.register_error("rulebook.windows", _windows_letters)
