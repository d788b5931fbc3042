"""Records of text files, one by one and with their exact physical line.

Belongs here: the careful reading of CSV, TSV and JSON lines in Python: header, fields, line
numbers, and what is not a record. Does not belong here: the fast reading by DuckDB (in
``ingest``), which is used where a count of lines proves that it means the same, or
what a field means (``typing_rules``).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from orchestration.errors import ClienteleError
from orchestration.landing import LandedFile, Scan

#: A record longer than this many characters is a quote that was never closed.
RECORD_LIMIT: Final = 1 << 23
#: Characters of a broken record that go to quarantine.
RAW_LIMIT: Final = 2_000

WRONG_FIELD_COUNT: Final = "wrong number of fields"
BROKEN_QUOTES: Final = "quotes do not match"
NOT_AN_OBJECT: Final = "not a JSON object"


@dataclass(frozen=True)
class TextHeader:
    """Names of the columns, trimmed, and how many physical lines stand above the first record."""

    names: tuple[str, ...]
    lines: int


@dataclass(frozen=True)
class Record:
    """One record, or one refused piece of text.

    Attributes:
        line: physical line on which it starts; the first line of the file is 1.
        fields: one per column of the header, empty fields as None; empty when refused.
        fault: why it was refused, or None.
        raw: the text as it stood, cut to ``RAW_LIMIT`` characters, when refused; else ''.
    """

    line: int
    fields: tuple[str | None, ...]
    fault: str | None = None
    raw: str = ""


class _TooLongError(Exception):
    """Raised through csv.reader when a record does not end."""


class _Lines:
    """Physical lines with their numbers, and a way to take lines back."""

    def __init__(self, stream: Iterator[str]) -> None:
        self._stream = stream
        self._returned: deque[str] = deque()
        self._length = 0
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._stream)
        self.number += 1
        self.taken.append(line)
        self._length += len(line)
        if self._length > RECORD_LIMIT and len(self.taken) > 1:
            raise _TooLongError
        return line

    def skip(self, count: int) -> None:
        """Pass over lines that are no part of any record; they keep their numbers."""
        for _ in range(count):
            if next(self._stream, None) is not None:
                self.number += 1

    def peek(self) -> str:
        """The line that comes next, or '' at the end."""
        if not self._returned:
            line = next(self._stream, None)
            if line is None:
                return ""
            self._returned.append(line)
        return self._returned[0]

    def begin(self) -> int:
        """Start a record; returns its line."""
        self.taken = []
        self._length = 0
        return self.number + 1

    def keep_first_only(self) -> None:
        """Take back every line of the record but the first."""
        self._returned.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        self.taken = self.taken[:1]


def default_delimiter(kind: str) -> str:
    """The delimiter of a kind of file that nobody declared."""
    return "\t" if kind == "tsv" else ","


def read_header(file: LandedFile, scan: Scan, delimiter: str, skip_lines: int = 0) -> TextHeader:
    """Read the names of the columns of a text file.

    For JSON lines: every key that occurs, in order of first occurrence, case aside.

    Args:
        file, scan, delimiter: what is read, and how.
        skip_lines: physical lines that stand above the header.

    Raises:
        ClienteleError: there is no header, or two columns have one name.
    """
    if file.kind == "jsonl":
        return TextHeader(_json_keys(file, scan), 0)
    with _open(file, scan) as stream:
        for line, last_line, fields in _csv(stream, delimiter, skip_lines):
            if fields is None:
                raise ClienteleError(
                    "the quotes of the header do not match",
                    where=f"{file.place} line {line}",
                    remedy="correct the header",
                )
            return TextHeader(_names(fields, file), last_line)
    raise ClienteleError(
        "the file has no header", where=file.place, remedy="deliver it again with a header"
    )


def _names(fields: Sequence[str], file: LandedFile) -> tuple[str, ...]:
    names = tuple(
        field.strip() or f"column_{number}" for number, field in enumerate(fields, start=1)
    )
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise ClienteleError(
                f"the header has two columns called '{name}'",
                where=file.place,
                remedy="rename one of them",
            )
        seen.add(name.lower())
    return names


def is_unambiguous(file: LandedFile, scan: Scan, width: int, delimiter: str) -> bool:
    """Whether no line is one that DuckDB and Python's csv understand differently.

    DuckDB takes an empty field after the last column for none, and leaves out spaces around
    quotes; whether a row comes in must not depend on which of the two read its file. Only for
    files of which every record is known to stand on a line of its own.
    """
    spaced_quote = re.compile(rf'(?:^|"|{re.escape(delimiter)}) +"')
    with _open(file, scan) as stream:
        for line in stream:
            text = line.rstrip("\r\n")
            doubtful = text.rstrip(" ").endswith((delimiter, '""')) or (
                ' "' in text and spaced_quote.search(text) is not None
            )
            if doubtful and not _reads_plainly(text, width, delimiter):
                return False
    return True


def _reads_plainly(text: str, width: int, delimiter: str) -> bool:
    if '"' not in text:
        return text.count(delimiter) + 1 == width
    try:
        fields = next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return len(fields) == width and not any(field.lstrip(" ").startswith('"') for field in fields)


def read_records(
    file: LandedFile, scan: Scan, header: TextHeader, delimiter: str, skip_lines: int = 0
) -> Iterator[Record]:
    """Every record of a text file in order; blank lines are not records."""
    if file.kind == "jsonl":
        yield from _json_records(file, scan, header.names)
        return
    width = len(header.names)
    with _open(file, scan) as stream:
        lines = _Lines(iter(stream))
        lines.skip(skip_lines)
        first = True
        for line, _, fields in _records(lines, delimiter):
            if first:
                first = False
            elif fields is None:
                yield Record(line, (), BROKEN_QUOTES, _raw(lines.taken))
            elif len(fields) != width:
                yield Record(line, (), WRONG_FIELD_COUNT, _raw(lines.taken))
            else:
                yield Record(line, tuple(field or None for field in fields))


def _raw(lines: Sequence[str]) -> str:
    return "".join(lines)[:RAW_LIMIT].rstrip("\r\n")


def _open(file: LandedFile, scan: Scan) -> io.TextIOWrapper:
    return io.TextIOWrapper(file.open(), encoding=scan.encoding, errors="strict", newline="")


def _csv(
    stream: io.TextIOWrapper, delimiter: str, skip_lines: int
) -> Iterator[tuple[int, int, list[str] | None]]:
    lines = _Lines(iter(stream))
    lines.skip(skip_lines)
    return _records(lines, delimiter)


def _records(lines: _Lines, delimiter: str) -> Iterator[tuple[int, int, list[str] | None]]:
    """(first line, last line, fields) of each record; fields are None where quotes do not match.

    A quote that is never closed, or closed in the middle of a field, would swallow the lines up
    to the next quote. Only the line that holds it is refused; reading goes on with the next.
    """
    csv.field_size_limit(RECORD_LIMIT)  # of the process; the default refuses fields over 128 KiB
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    # Spaces before an opening quote are no part of the field, wherever one is seen.
    spaced = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    spaced_quote = re.compile(rf'(?:^|{re.escape(delimiter)}) +"')
    while True:
        line = lines.begin()
        try:
            fields = next(spaced if spaced_quote.search(lines.peek()) else reader)
        except StopIteration:
            return
        except (csv.Error, _TooLongError):
            lines.keep_first_only()
            yield line, line, _without_stray_spaces(lines.taken[0], delimiter)
            continue
        if fields:
            yield line, lines.number, fields


def _without_stray_spaces(line: str, delimiter: str) -> list[str] | None:
    """The fields of a line whose only fault are spaces between a closing quote and a delimiter.

    DuckDB reads such lines, so they must not depend on which way read the file.
    """
    tidy = re.sub(rf'" +(?={re.escape(delimiter)}|\r|\n|$)', '"', line)
    if tidy == line:
        return None
    try:
        return next(csv.reader([tidy], delimiter=delimiter, strict=True))
    except csv.Error:
        return None


def _json_keys(file: LandedFile, scan: Scan) -> tuple[str, ...]:
    names: dict[str, str] = {}
    with _open(file, scan) as stream:
        for line in stream:
            for key in _json_object(line) or ():
                names.setdefault(key.strip().lower(), key.strip())
    names.pop("", None)
    if not names:
        raise ClienteleError(
            "the file holds no JSON object",
            where=file.place,
            remedy="deliver one JSON object on each line",
        )
    return tuple(names.values())


def _json_records(file: LandedFile, scan: Scan, names: Sequence[str]) -> Iterator[Record]:
    places = {name.lower(): place for place, name in enumerate(names)}
    with _open(file, scan) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            found = _json_object(line)
            if found is None:
                yield Record(number, (), NOT_AN_OBJECT, _raw([line]))
                continue
            fields: list[str | None] = [None] * len(names)
            for key, value in found.items():
                place = places.get(key.strip().lower())
                if place is not None:
                    fields[place] = value or None
            yield Record(number, tuple(fields))


def _json_object(line: str) -> dict[str, str | None] | None:
    """The fields of a JSON object as text, numbers as they were written; None if it is none."""
    try:
        found = json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
        if not isinstance(found, dict):
            return None
        if any(isinstance(value, dict | list) for value in found.values()):
            nested = json.loads(line)
            found = {
                key: nested[key] if isinstance(value, dict | list) else value
                for key, value in found.items()
            }
    except (ValueError, RecursionError):
        return None
    return {key: _json_text(value) for key, value in found.items()}


def _json_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
