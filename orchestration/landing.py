"""The landing folder: which files there are, what each is for, and what is in them as bytes.

Belongs here: finding files, telling who reads them, hashing, and refusing files that are not
honest text before anything parses them. Does not belong here: records and fields
(``text_records``), the contract's types (``typing_rules``), or what has been loaded before
(``ingest``).

Files are never changed, and nothing outside the landing folder is ever read.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import os
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from orchestration.contract import Contract, did_you_mean
from orchestration.errors import ClienteleError
from orchestration.mapping import Block, Mapping

#: Marks a landing folder that holds the demo business.
DEMO_MARKER: Final = ".clientele_demo"
_NOT_DATA: Final = re.compile(r"(^|/)\.|(^|/)mapping\.ya?ml$|\.done$")
_KINDS: Final = {
    "csv": "csv",
    "tsv": "tsv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "parquet": "parquet",
}
_CHUNK: Final = 1 << 20
#: A gzip file that unpacks to more than this and to more than so many times its size is no export.
MAXIMUM_UNPACKED: Final = 1 << 30
MAXIMUM_RATIO: Final = 200
#: Bytes of a chunk that are looked at again with the next, for what stands across the border.
_OVERLAP: Final = 4
_NEWLINE: Final = ord("\n")
_RETURN: Final = ord("\r")
_QUOTE: Final = ord('"')
# White space that is trimmed and that exports rarely hold: tab, vertical tab, form feed, no-break
# space, byte order mark.
_RARE_SPACES: Final = (b"\t", b"\v", b"\f")
_WIDE_SPACES: Final = (b"\xc2\xa0", b"\xef\xbb\xbf")
_SPACE: Final = ord(" ")
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def place_of(relative: str) -> str:
    """How messages call a file of the landing folder: on one line, whatever its name holds."""
    return "landing/" + "".join(char if char.isprintable() else "?" for char in relative)


@dataclass(frozen=True)
class LandedFile:
    """A data file in the landing folder.

    Attributes:
        path: where it is.
        relative: posix path relative to the landing folder.
        kind: csv, tsv, jsonl or parquet.
        gzipped: whether the content is gzip.
        size: bytes, and modified_ns: time of the last change, both before it was read.
    """

    path: Path
    relative: str
    kind: str
    gzipped: bool
    size: int
    modified_ns: int

    @property
    def place(self) -> str:
        """How messages call the file."""
        return place_of(self.relative)

    def open(self) -> BinaryIO:
        """The content, decompressed."""
        if self.gzipped:
            return gzip.open(self.path, "rb")  # type: ignore[return-value]
        return self.path.open("rb")

    def is_unchanged(self) -> bool:
        """Whether the file still is what was found when the refresh began."""
        try:
            now = self.path.stat()
        except OSError:
            return False
        return (now.st_size, now.st_mtime_ns) == (self.size, self.modified_ns)


@dataclass(frozen=True)
class Reading:
    """One file read as one entity by one block of the mapping (or by the contract's names).

    Attributes:
        file: what is read.
        block: how.
        block_key: tells apart the readings of one content as one entity: the block's source
            system, and its number among the blocks of the entity that take this very file. It
            does not change when a glob is rewritten, so that rewriting one loads nothing twice.
    """

    file: LandedFile
    block: Block
    block_key: str


@dataclass(frozen=True)
class Scan:
    """What one pass over a file's bytes shows.

    Attributes:
        content_hash: sha256 of the (decompressed) content.
        lines: physical lines, a last line without a newline included.
        plain: every line ends in the same way, none is blank, and the text is UTF-8 as it is,
            so that a count of records can prove that each stands on a line of its own.
        doubtful: some line may be one that readers of CSV understand differently: it ends with
            an empty field, or spaces stand before a quote.
        encoding: to decode the text with; a byte order mark is taken off.
        trimmed: no field begins or ends with white space; false where that is not certain.
    """

    content_hash: str
    lines: int
    plain: bool
    doubtful: bool
    encoding: str
    trimmed: bool = False


@dataclass(frozen=True)
class Landing:
    """All that was found.

    Attributes:
        readings: in order of loading.
        unread: files that nothing reads.
        unfinished: files that are still being written, and wait for the next refresh.
    """

    readings: tuple[Reading, ...]
    unread: tuple[str, ...]
    unfinished: tuple[str, ...] = ()


def find_readings(root: Path, mapping: Mapping, contract: Contract) -> Landing:
    """Find the data files and who reads them.

    A file belongs to every mapping block whose glob takes it. Files below ``<entity>/`` and
    files ``<entity>.<ext>`` that no block of that entity takes are read by the contract's names.

    Raises:
        ClienteleError: there is no landing folder or no data file in it, a link leads out of
            it, or a file that would be read is of a kind that cannot be.
    """
    if not root.is_dir():
        raise ClienteleError(
            "the landing folder does not exist",
            where=root.name,
            remedy="create it and put files into <entity>/, or set CLIENTELE_LANDING",
        )
    names = sorted(_walk(root))
    readings: list[Reading] = []
    files: dict[str, LandedFile] = {}
    for entity in contract.entity_names:
        blocks = [block for block in mapping.blocks if block.entity == entity]
        patterns = [_glob(block.files) for block in blocks]
        default = Block(entity=entity, files=f"{entity}/**")
        for name in names:
            takers = [
                block
                for block, pattern in zip(blocks, patterns, strict=True)
                if pattern.fullmatch(name)
            ]
            if not takers and (name.startswith(f"{entity}/") or _stem(name) == entity):
                takers = [default]
            for number, block in enumerate(takers):
                if name not in files:
                    files[name] = landed_file(root, name)
                key = f"{block.source_system or ''}#{number}"
                readings.append(Reading(files[name], block, key))
    unread = tuple(name for name in names if name not in files)
    if not files:
        raise _nothing_to_read(unread, contract)
    return Landing(readings=tuple(readings), unread=unread)


def block_for(mapping: Mapping, entity: str, name: str) -> Block | None:
    """The first block of the mapping that would take a file of this name as this entity."""
    return next(
        (
            block
            for block in mapping.blocks
            if block.entity == entity and _glob(block.files).fullmatch(name)
        ),
        None,
    )


def at_rest(found: Landing, root: Path, rest_seconds: float) -> Landing:
    """Leave out what is still being written.

    A file is complete when its size and time have rested, or when ``<name>.done`` stands beside it.
    Only a file that changed a moment ago is waited for, and never longer than the rest takes.

    Args:
        found: what lies in the landing folder.
        root: the landing folder.
        rest_seconds: how long a file must not have changed.
    """
    if (root / DEMO_MARKER).exists():  # it appeared whole
        return found
    now = time.time()
    young = {
        reading.file.relative: reading.file
        for reading in found.readings
        if now - reading.file.modified_ns / 1e9 < rest_seconds
        and not reading.file.path.with_name(reading.file.path.name + ".done").exists()
    }
    if not young:
        return found
    time.sleep(rest_seconds)
    unfinished = {name for name, file in young.items() if not file.is_unchanged()}
    return replace(
        found,
        readings=tuple(item for item in found.readings if item.file.relative not in unfinished),
        unfinished=tuple(sorted(unfinished)),
    )


def _nothing_to_read(unread: Sequence[str], contract: Contract) -> ClienteleError:
    if not unread:
        return ClienteleError(
            "the landing folder holds no data files",
            where="landing",
            remedy="put files into landing/<entity>/, for example landing/orders/",
        )
    first = unread[0].split("/")[0].split(".")[0]
    return ClienteleError(
        "nothing tells what the files in the landing folder are",
        where=place_of(unread[0]),
        remedy="put files into landing/<entity>/ or name them in mapping.yml; "
        + did_you_mean(first, contract.entity_names),
    )


def _walk(root: Path) -> Iterator[str]:
    """Paths of data files relative to the root; links must stay below it."""
    real_root = root.resolve()
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in [*folders, *names]:
            path = here / name
            relative = path.relative_to(root).as_posix()
            if _NOT_DATA.search(relative):
                continue
            if not _is_text(relative):
                raise ClienteleError(
                    "the name of the file is not UTF-8 text",
                    where=place_of(relative),
                    remedy="rename it",
                )
            if path.is_symlink():
                _check_link(path, relative, real_root)
            if name not in folders and path.is_file():
                yield relative


def _is_text(name: str) -> bool:
    """Whether a name can be written down; Python keeps bytes that are no UTF-8 as surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_link(path: Path, relative: str, real_root: Path) -> None:
    try:
        target = path.resolve()
    except (OSError, RuntimeError):  # a link to itself, as Python up to 3.12 tells it
        target = path
    if not target.is_relative_to(real_root):
        raise ClienteleError(
            "a link leads out of the landing folder",
            where=place_of(relative),
            remedy="put a copy of the file there instead",
        )
    if not target.exists():
        raise ClienteleError(
            "a link leads to nothing", where=place_of(relative), remedy="remove the link"
        )


def _glob(pattern: str) -> re.Pattern[str]:
    """A glob over posix paths: ``*`` and ``?`` stay within a folder, ``**`` does not."""
    out: list[str] = []
    position = 0
    while position < len(pattern):
        if pattern.startswith("**/", position):
            out.append("(?:.*/)?")
            position += 3
        elif pattern.startswith("**", position):
            out.append(".*")
            position += 2
        else:
            out.append({"*": "[^/]*", "?": "[^/]"}.get(pattern[position], pattern[position]))
            if pattern[position] not in "*?":
                out[-1] = re.escape(pattern[position])
            position += 1
    return re.compile("".join(out))


def _stem(name: str) -> str:
    """``orders`` for ``orders.csv`` and ``orders.csv.gz`` at the top; '' for anything else."""
    if "/" in name:
        return ""
    return name.removesuffix(".gz").rpartition(".")[0]


def landed_file(root: Path, name: str) -> LandedFile:
    """The data file of that name below `root`.

    Raises:
        ClienteleError: its ending is of a kind that cannot be read.
    """
    gzipped = name.lower().endswith(".gz")
    extension = (name[:-3] if gzipped else name).rpartition(".")[2].lower()
    kind = _KINDS.get(extension)
    if kind is None or (gzipped and kind == "parquet"):
        raise ClienteleError(
            "files of this kind cannot be read",
            where=place_of(name),
            remedy="export it as .csv, .tsv, .jsonl (each also .gz) or .parquet, or move it away",
        )
    path = root / name
    state = path.stat()
    return LandedFile(
        path=path,
        relative=name,
        kind=kind,
        gzipped=gzipped,
        size=state.st_size,
        modified_ns=state.st_mtime_ns,
    )


def refuse_empty(place: str) -> ClienteleError:
    """What is said of a file of 0 bytes."""
    return ClienteleError(
        "the file is empty (0 bytes)",
        where=place,
        remedy="deliver it again, or remove it if it should not be there",
    )


def scan(file: LandedFile, encoding: str | None, delimiter: str) -> Scan:
    """Read a file once: hash it, count its lines, and make sure that it is what it says.

    Args:
        file: what to read.
        encoding: as declared, or None for UTF-8 or UTF-16 told by its byte order mark.
        delimiter: one ASCII character.

    Raises:
        ClienteleError: the file is empty, holds NUL bytes, does not decode, or is not readable.
    """
    try:
        if file.kind == "parquet":
            if file.size == 0:
                raise refuse_empty(file.place)
            with file.path.open("rb") as stream:
                return Scan(hashlib.file_digest(stream, "sha256").hexdigest(), 0, False, False, "")
        return _scan_text(file, encoding, delimiter.encode("ascii"))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ClienteleError(
            "the gzip file is broken or cut off", where=file.place, remedy="deliver it again"
        ) from error
    except OSError as error:
        raise ClienteleError(
            f"the file cannot be read ({error.strerror})",
            where=file.place,
            remedy="see that the file may be read",
        ) from error


def _scan_text(file: LandedFile, encoding: str | None, delimiter: bytes) -> Scan:
    digest = hashlib.sha256()
    seen = _Seen(delimiter)
    unpacked = 0
    with file.open() as stream:
        head = stream.read(_CHUNK)
        if not head:
            raise refuse_empty(file.place)
        declared = encoding or ("utf-16" if head.startswith(_UTF16_MARKS) else "utf-8-sig")
        if codecs.lookup(declared).name == "utf-8":
            declared = "utf-8-sig"
        utf8 = codecs.lookup(declared).name == "utf-8-sig"
        decoder = codecs.getincrementaldecoder(declared)(errors="strict")
        chunk = head
        while chunk:
            digest.update(chunk)
            unpacked += len(chunk)
            if file.gzipped and unpacked > max(MAXIMUM_UNPACKED, MAXIMUM_RATIO * file.size):
                raise _gzip_bomb(file)
            data = chunk
            # ASCII within UTF-8 needs no decoder, unless a character began in the chunk before.
            if not (utf8 and chunk is not head and chunk.isascii() and not decoder.getstate()[0]):
                try:
                    text = decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    raise _undecodable(file, encoding) from error
                data = chunk if utf8 else text.encode("utf-8", errors="surrogatepass")
            if b"\0" in data:
                raise _has_nul(file)
            seen.look_at(data)
            chunk = stream.read(_CHUNK)
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise _undecodable(file, encoding) from error
    return Scan(
        content_hash=digest.hexdigest(),
        lines=seen.lines,
        plain=utf8 and seen.has_one_ending and not seen.blank,
        doubtful=seen.doubtful,
        encoding=declared,
        trimmed=utf8 and seen.trimmed,
    )


class _Seen:
    """What the bytes of a text say of its lines, told chunk by chunk.

    It looks at what stands before each newline and searches for nothing else where a single byte
    (a carriage return, a quote) is not there at all: a file is read at the speed of its hash.
    """

    def __init__(self, delimiter: bytes) -> None:
        self._delimiter = delimiter
        self._lasts = (delimiter, b'""', b" ")
        self._previous = b""
        self._newlines = self._returns = self._pairs = 0
        self.blank = False
        self._spaced = False
        self._doubtful = False
        # Beside these a space may be the first or the last character of a field.
        self._borders = np.zeros(256, bool)
        self._borders[[delimiter[0], _NEWLINE, _RETURN, _QUOTE]] = True

    def look_at(self, data: bytes) -> None:
        """The next bytes, as UTF-8."""
        previous, joined = self._previous, self._previous + data
        self._returns += data.count(b"\r")
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE)
        self._newlines += len(ends)
        text = np.frombuffer(joined, np.uint8)
        self._spaced = self._spaced or self._has_space_at_border(text, joined, not previous)
        before = np.bincount(text[ends + len(previous) - 1], minlength=256) if joined else None
        if before is not None and len(ends) and not previous and ends[0] == 0:
            before[text[-1]] -= 1  # nothing stands before the first byte of a file
        if self._returns:
            self._pairs += joined.count(b"\r\n") - previous.count(b"\r\n")
            self.blank = self.blank or b"\n\n" in joined or b"\n\r\n" in joined or b"\r\r" in joined
            doubts = tuple(last + end for last in self._lasts for end in (b"\n", b"\r\n"))
            self._doubtful = self._doubtful or any(doubt in joined for doubt in doubts)
        elif before is not None:
            self.blank = self.blank or bool(before[_NEWLINE])
            self._doubtful = self._doubtful or bool(before[self._delimiter[0]] or before[_SPACE])
        if b'"' in joined:
            self._doubtful = self._doubtful or b' "' in joined or b'""\n' in joined
        self._previous = joined[-_OVERLAP:]

    def _has_space_at_border(
        self, text: np.ndarray[Any, np.dtype[np.uint8]], joined: bytes, is_first: bool
    ) -> bool:
        """Whether white space may touch a border of a field; rare white space may do so anywhere.

        What stands at the ends of `joined` is looked at with the bytes before or after it.
        """
        if any(space in joined for space in _RARE_SPACES):
            return True
        if not joined.isascii() and any(space in joined for space in _WIDE_SPACES):
            return True
        if is_first and joined.startswith(b" "):
            return True
        spaces = np.flatnonzero(text[1:-1] == _SPACE) + 1
        if not len(spaces):
            return False
        return bool(self._borders[text[spaces - 1]].any() or self._borders[text[spaces + 1]].any())

    @property
    def trimmed(self) -> bool:
        """As `Scan.trimmed`."""
        return not (self._spaced or self._previous.endswith(b" "))

    @property
    def lines(self) -> int:
        """Physical lines, a last one without a newline included."""
        return self._newlines + (not self._previous.endswith(b"\n"))

    @property
    def has_one_ending(self) -> bool:
        """Whether every line ends in the same way."""
        return self._returns == self._pairs and self._pairs in (0, self._newlines)

    @property
    def doubtful(self) -> bool:
        """As `Scan.doubtful`."""
        return self._doubtful or self._previous.endswith(self._lasts)


def _undecodable(file: LandedFile, encoding: str | None) -> ClienteleError:
    return ClienteleError(
        f"the file is not {encoding or 'UTF-8'} text",
        where=file.place,
        remedy="declare what it is in mapping.yml, for example encoding: latin-1",
    )


def _gzip_bomb(file: LandedFile) -> ClienteleError:
    return ClienteleError(
        f"the gzip file unpacks to more than {MAXIMUM_RATIO} times its size, which no export does",
        where=file.place,
        remedy="see what it is; if it is right, unpack it and deliver it as it is",
    )


def _has_nul(file: LandedFile) -> ClienteleError:
    return ClienteleError(
        "the file holds NUL bytes",
        where=file.place,
        remedy="deliver it as text again, or, if it is UTF-16 without a byte order mark or "
        "compressed, declare encoding: utf-16-le or name it .gz",
    )
