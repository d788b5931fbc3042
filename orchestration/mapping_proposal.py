"""A mapping proposed for an export that nobody has mapped yet: `clientele map FILE`.

It reads a sample, holds headers against what exports call things (``mapping_synonyms``), and values
against what the contract takes. What the values cannot tell is asked in a comment that begins with
``# ?`` and never guessed; what is proposed is text for a person to read and correct. No value of a
person's is ever written.

Does not belong here: what a mapping means (``mapping``), or whether it works (``mapping_check``).
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import itertools
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from orchestration.contract import Column, Contract, Entity, did_you_mean
from orchestration.database import connect, identifier, literal
from orchestration.errors import ClienteleError
from orchestration.landing import LandedFile, landed_file, refuse_empty
from orchestration.mapping_synonyms import CONSTANTS, SYNONYMS, VALUE_SYNONYMS

_ROWS: Final = 2_000
_BYTES: Final = 1 << 20
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DELIMITERS: Final = (",", ";", "\t", "|")

# An entity whose score comes so near the best one's is as likely.
_TOO_NEAR: Final = 0.85
_LEAST_SCORE: Final = 4.0

_ISO: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?)?",
    re.IGNORECASE,
)
_DATES: Final = tuple(
    separator.join(parts)
    for separator in ("/", ".", "-")
    for year in ("%Y", "%y")
    for parts in (("%d", "%m", year), ("%m", "%d", year), (year, "%m", "%d"))
)
_NAMED_DATES: Final = ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%Y%m%d")
_CLOCKS: Final = ("", " %H:%M", " %H:%M:%S", ", %H:%M", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
_TIME_FORMATS: Final = tuple(date + clock for clock in _CLOCKS for date in (*_DATES, *_NAMED_DATES))
_DAY_FIRST: Final = re.compile(r"%d([/.-])%m\1(%[Yy])")

_PLAIN_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?")
_CURRENCY_MARK: Final = re.compile(r"[€£$]|\b[A-Z]{3}\b")
_NUMBER: Final = re.compile(r"[+-]?[\d.,']*\d[\d.,']*%?")
_IS_DATA: Final = re.compile(r"\S+@\S+\.\S+|\d{4}-\d\d-\d\d.*|\+?\d[\d .,/:-]{3,}")
_SPACES: Final = re.compile(r"[\s\u00a0\u202f]")
_SPACE_CODES: Final = {" ": " ", "\u00a0": r"\x{a0}", "\u202f": r"\x{202f}"}
_SIGNS: Final = {"€": "EUR", "£": "GBP", "EUR": "EUR", "GBP": "GBP", "USD": "USD"}
_BOOLEANS: Final = {
    "true": ("true", "yes", "y", "1", "t", "ja", "oui", "si", "x", "subscribed", "granted"),
    "false": ("false", "no", "n", "0", "f", "nein", "nee", "non", "unsubscribed", "withdrawn"),
}


@dataclass(frozen=True)
class Proposal:
    """A mapping to read, correct and save.

    Attributes:
        text: YAML that `load_mapping` takes as it is, questions being comments.
        entity: what the file was taken for.
        mapped, headers: columns of the file that were used, and all of them.
        questions: how many `# ?` lines there are.
    """

    text: str
    entity: str
    mapped: int
    headers: int
    questions: int


@dataclass(frozen=True)
class _Sample:
    """The beginning of a file.

    `values` holds, by header, the texts that are not empty; `is_text` is false where the file has
    types of its own (Parquet), which need no reading.
    """

    file: LandedFile
    headers: tuple[str, ...]
    values: dict[str, list[str]]
    rows: int
    is_text: bool = True
    encoding: str | None = None
    delimiter: str | None = None
    skip_lines: int = 0


@dataclass
class _Block:
    """The lines of the proposal as they come together."""

    options: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def propose_mapping(
    path: Path, contract: Contract, *, landing: Path, entity: str | None = None
) -> Proposal:
    """Propose a block of mapping.yml for a file.

    Reads the first 2,000 rows of the first megabyte, whatever the size of the file.

    Args:
        path: CSV, TSV, JSON lines (gzip or not) or Parquet, anywhere.
        contract: what may be mapped to.
        landing: the landing folder, to which paths of a mapping are relative.
        entity: what the rows are; None to tell it by headers and values.

    Raises:
        ClienteleError: there is no such file, it cannot be read, or it could be several things.
    """
    names = contract.entity_names
    if entity is not None and entity not in names:
        raise ClienteleError(
            f"there is no entity '{entity}'",
            where="--entity",
            remedy=did_you_mean(entity, names),
        )
    sample = _sample(path, landing)
    chosen, found, others = _recognise(sample, contract, entity)
    return _write(sample, landing, chosen, found, others)


# --- reading a sample -------------------------------------------------------------------------


def _sample(path: Path, landing: Path) -> _Sample:
    where = path.name
    if path.is_dir():
        raise ClienteleError("this is a folder", where=where, remedy="name one of the files in it")
    if not path.exists():
        raise ClienteleError(
            "there is no such file",
            where=str(path),
            remedy="give its path, or its path below the landing folder",
        )
    inside = _relative(path, landing)
    file = landed_file(landing, inside) if inside else landed_file(path.parent, path.name)
    try:
        if file.size == 0:
            raise refuse_empty(where)
        if file.kind == "parquet":
            return _parquet(file)
        with file.open() as stream:
            head = stream.read(_BYTES)
            is_whole = not stream.read(1)
    except (OSError, EOFError, duckdb.Error) as error:
        raise ClienteleError(
            "the file cannot be read", where=where, remedy="see that it is whole and may be read"
        ) from error
    text, encoding = _decoded(head, is_whole, where)
    if not is_whole:
        text = text[: text.rfind("\n") + 1]
    if file.kind == "jsonl":
        return _json_lines(file, text, encoding)
    return _delimited(file, text, encoding)


def _relative(path: Path, landing: Path) -> str | None:
    """The path below the landing folder; None for a file that lies elsewhere."""
    try:
        return path.resolve().relative_to(landing.resolve()).as_posix()
    except (ValueError, OSError):
        return None


def _decoded(head: bytes, is_whole: bool, where: str) -> tuple[str, str | None]:
    """The text, and the encoding that must be declared, if any."""
    if head.startswith(_UTF16_MARKS):
        return codecs.getincrementaldecoder("utf-16")(errors="replace").decode(head), None
    if b"\0" in head:
        raise ClienteleError(
            "the file is not text: it holds NUL bytes",
            where=where,
            remedy="export it as CSV, TSV, JSON lines or Parquet",
        )
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=is_whole), None
    except UnicodeDecodeError:
        return head.decode("cp1252", errors="replace"), "cp1252"


def _delimited(file: LandedFile, text: str, encoding: str | None) -> _Sample:
    best: tuple[tuple[int, int], str, int, list[list[str]]] | None = None
    usual = "\t" if file.kind == "tsv" else ","
    for delimiter in (usual, *(one for one in _DELIMITERS if one != usual)):
        rows, lines = _rows(text, delimiter)
        if not rows:
            continue
        widths = Counter(len(row) for row in rows)
        width = max(widths, key=lambda width: (widths[width] * (width > 1), width))
        at = next(number for number, row in enumerate(rows) if len(row) == width)
        fit = (sum(len(row) == width for row in rows[at:]) if width > 1 else 0, width)
        if best is None or fit > best[0]:
            best = fit, delimiter, lines[at - 1] if at else 0, rows[at:]
    if best is None:
        raise ClienteleError(
            "the file has no header", where=file.place, remedy="deliver it again with a header"
        )
    _, delimiter, skipped, rows = best
    headers = _headers(rows[0], file)
    values: dict[str, list[str]] = {header: [] for header in headers}
    records = [row for row in rows[1:] if len(row) == len(headers)][:_ROWS]
    for row in records:
        for header, value in zip(headers, row, strict=True):
            if value.strip():
                values[header].append(value.strip())
    return _Sample(
        file,
        headers,
        values,
        len(records),
        encoding=encoding,
        delimiter=None if delimiter == usual else delimiter,
        skip_lines=skipped,
    )


def _rows(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """The rows that are not blank, and the physical line on which each ends."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows, lines = [], []
    try:
        for row in itertools.islice(reader, _ROWS + 50):
            if any(value.strip() for value in row):
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error:  # a quote that is never closed: what was read until then is the sample
        pass
    return rows, lines


def _headers(fields: Sequence[str], file: LandedFile) -> tuple[str, ...]:
    names = tuple(name.strip() or f"column_{at}" for at, name in enumerate(fields, start=1))
    if any(_IS_DATA.fullmatch(name) for name in names):
        raise ClienteleError(
            "the first line looks like data, not like a header",
            where=file.place,
            remedy="export the file with a header",
        )
    twice = [name for name, times in Counter(map(str.lower, names)).items() if times > 1]
    if twice:
        raise ClienteleError(
            f"the header has two columns called '{_shown(twice[0])}'",
            where=file.place,
            remedy="rename one of them",
        )
    return names


def _json_lines(file: LandedFile, text: str, encoding: str | None) -> _Sample:
    values: dict[str, list[str]] = {}
    rows = 0
    for line in text.splitlines()[:_ROWS]:
        try:
            record = json.loads(line) if line.strip() else None
        except ValueError:
            continue
        if isinstance(record, dict):
            rows += 1
            for key, value in record.items():
                texts = values.setdefault(key.strip(), [])
                if value not in (None, ""):
                    texts.append(value if isinstance(value, str) else json.dumps(value))
    if not values:
        raise ClienteleError(
            "no line of the file is a JSON object",
            where=file.place,
            remedy="export JSON lines: one object on each line",
        )
    return _Sample(file, tuple(values), values, rows, encoding=encoding)


def _parquet(file: LandedFile) -> _Sample:
    with connect() as connection:
        found = connection.execute(
            f"select * from read_parquet($path) limit {_ROWS}", {"path": str(file.path)}
        )
        headers = tuple(str(column[0]) for column in found.description or ())
        rows = found.fetchall()
    values = {
        header: [str(row[at]) for row in rows if row[at] is not None]
        for at, header in enumerate(headers)
    }
    return _Sample(file, headers, values, len(rows), is_text=False)


# --- recognising ------------------------------------------------------------------------------


def _recognise(
    sample: _Sample, contract: Contract, stated: str | None
) -> tuple[Entity, dict[str, list[str]], list[str]]:
    """The entity, the headers that fit its columns (best first), and what else it may be."""
    found = {
        entity.name: _fitting(sample, entity)
        for entity in contract.entities
        if stated in (None, entity.name)
    }
    scores = {
        name: _score(sample, contract.entity(name), columns) for name, columns in found.items()
    }
    ranked = sorted(scores, key=lambda name: -scores[name])
    best = ranked[0]
    if stated is None:
        near = [name for name in ranked[1:] if scores[name] >= _TOO_NEAR * scores[best]]
        if scores[best] < _LEAST_SCORE:
            raise ClienteleError(
                "nothing tells what the rows of this file are",
                where=sample.file.place,
                remedy="say it with --entity; the nearest are " + ", ".join(ranked[:3]),
            )
        if near:
            raise ClienteleError(
                f"the rows of this file could be {best} or {' or '.join(near)}",
                where=sample.file.place,
                remedy=f"say it with --entity, for example --entity {best}",
            )
    others = [
        name
        for name in ranked[1:]
        if scores[name] >= _LEAST_SCORE and not _missing(contract.entity(name), found[name])
    ]
    return contract.entity(best), found[best], others


def _fitting(sample: _Sample, entity: Entity) -> dict[str, list[str]]:
    """Headers that may be each column of the entity, best first; none for two columns."""
    pairs = sorted(
        (rank, at, column.name, header)
        for column in entity.columns
        if column.e164_of is None
        for at, header in enumerate(sample.headers)
        if (rank := _rank(entity, column, header)) is not None
        and _may_be(column, sample.values[header], sample.is_text)
    )
    taken: set[str] = set()
    found: dict[str, list[str]] = {}
    for _, _, name, header in pairs:
        if name not in found and header not in taken:
            found[name] = [header]
            taken.add(header)
    for _, _, name, header in pairs:
        if header not in taken:
            found[name].append(header)
            taken.add(header)
    return found


def _rank(entity: Entity, column: Column, header: str) -> int | None:
    """How far down the list of synonyms the header stands; the contract's own name is 0."""
    words = _normalised(header)
    if words == column.name.replace("_", " "):
        return 0
    synonyms = SYNONYMS.get(entity.name, {}).get(column.name, ())
    # Exports of ads write the currency behind the name: Amount spent (GBP).
    bare = re.sub(r" [a-z]{3}$", "", words) if column.data_type.startswith("decimal") else words
    for name in (words, bare):
        if name in synonyms:
            return 1 + synonyms.index(name)
    return None


def _normalised(header: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    plain = unicodedata.normalize("NFKD", spaced).encode("ascii", "ignore").decode()
    return " ".join(re.findall(r"[a-z0-9]+", plain.lower()))


def _may_be(column: Column, values: Sequence[str], is_text: bool) -> bool:
    """Whether most values could be of that kind; a column without values could be anything."""
    if not values or not is_text:
        return True
    if column.data_type in ("date", "timestamp"):
        fits = sum(any(char.isdigit() for char in value) and len(value) >= 6 for value in values)
    elif column.data_type in ("int", "bigint") or column.data_type.startswith("decimal"):
        fits = sum(_NUMBER.fullmatch(_bare(value)) is not None for value in values)
    elif column.name == "email":
        fits = sum("@" in value for value in values)
    else:
        return True
    return 2 * fits > len(values)


def _missing(entity: Entity, found: dict[str, list[str]]) -> list[str]:
    return [
        column.name for column in entity.columns if column.required and column.name not in found
    ]


def _score(sample: _Sample, entity: Entity, found: dict[str, list[str]]) -> float:
    """How well the entity explains the file: what it needs, what it may have, what is left over."""
    score = 2 * len(found) / len(sample.headers)
    for column in entity.columns:
        if column.name in found:
            # A name that fits everything ("id", "date") says little; that a required number or
            # time is there says more than that some text is.
            rank = _rank(entity, column, found[column.name][0]) or 0
            sure = 1.0 if rank < 4 else 0.7
            telling = 1.0 if column.data_type == "string" else 1.3
            score += sure * telling * 3 if column.required else sure
        elif column.required and (entity.name, column.name) not in CONSTANTS:
            score -= 2
    path = _normalised(sample.file.relative).split()
    words = entity.name.split("_")
    if words[-1] in path or words[-1].rstrip("s") in path:
        score += 3 if sample.file.relative.startswith(f"{entity.name}/") else 1
    return score


# --- writing ----------------------------------------------------------------------------------


def _write(
    sample: _Sample,
    landing: Path,
    entity: Entity,
    found: dict[str, list[str]],
    others: Sequence[str],
) -> Proposal:
    block = _Block()
    block.options.append(f"files: {_quoted(_files(sample, landing, block))}")
    if sample.encoding:
        block.options.append(f"encoding: {sample.encoding}")
        block.questions.append(
            f"encoding: the file is not UTF-8; {sample.encoding} is the usual one of Windows"
        )
    if sample.delimiter:
        block.options.append(f"delimiter: {_quoted(sample.delimiter)}")
    if sample.skip_lines:
        block.options.append(f"skip_lines: {sample.skip_lines}")
    _times(sample, entity, found, block)
    for column in entity.columns:
        if column.name in found:
            header, *alternatives = found[column.name]
            text = _expression(sample, entity, column, header, block)
            also = f"    # or: {', '.join(map(_shown, alternatives))}" if alternatives else ""
            block.columns.append(f"{column.name}: {_quoted(text)}{also}")
        elif (entity.name, column.name) in CONSTANTS:
            example = literal(CONSTANTS[entity.name, column.name])
            block.questions.append(
                f"columns: {column.name}: {_quoted(example)}    required; if it is the same for"
                " every row, say it as a text in quotes"
            )
        elif column.required:
            block.questions.append(f"columns: {column.name}: required; no header looks like it")
    _currency(sample, entity, found, block)
    if entity.name == "orders" and "order_id" in found:
        ids = sample.values[found["order_id"][0]]
        if len(set(ids)) < len(ids):
            block.questions.append(
                "where: an order stands on several rows; map the file as order_lines"
                " (--entity order_lines), or say which row of an order counts"
            )
    used = {headers[0] for headers in found.values()}
    unused = [header for header in sample.headers if header not in used]
    if unused:
        block.notes.append("not mapped: " + ", ".join(map(_shown, unused)))
    if others:
        block.notes.append("it could also be read as: " + ", ".join(others))
    if not sample.rows:
        block.notes.append("the file has a header only: this goes by the headers alone")
    return _assembled(sample, entity, found, block)


def _assembled(
    sample: _Sample, entity: Entity, found: dict[str, list[str]], block: _Block
) -> Proposal:
    top = (
        "business_time_zone: Europe/Amsterdam    times without an offset are in it (default UTC)",
        "reporting_currency: EUR                 the currency of the reports",
        "default_country: NL                     for phone numbers and addresses without one",
    )
    lines = [
        f"# Proposed for {_shown(sample.file.path.name)}, taken for {entity.name}:"
        f" {len(found)} of {len(sample.headers)} columns found their place.",
        "# A line with '# ?' is a question that the file does not answer.",
        *(f"# ? {line}" for line in top),
        "",
        "entities:",
        f"  {entity.name}:",
        *(f"    {line}" for line in block.options),
        *(f"    # ? {line}" for line in block.questions),
    ]
    if block.columns:
        lines += ["    columns:", *(f"      {line}" for line in block.columns)]
    lines += [f"    # {line}" for line in block.notes]
    return Proposal(
        text="\n".join(lines) + "\n",
        entity=entity.name,
        mapped=len(found),
        headers=len(sample.headers),
        questions=len(block.questions) + len(top),
    )


def _files(sample: _Sample, landing: Path, block: _Block) -> str:
    """The glob: what looks like a date or a number in the name may be another one next time."""
    inside = _relative(sample.file.path, landing)
    folder, _, name = (inside or sample.file.path.name).rpartition("/")
    stem, dot, ending = name.partition(".")
    starred = re.sub(r"\d+([-_ T:]\d+)*", "*", stem)
    if inside is None:
        block.notes.append("put the file into the landing folder, where `files` finds it")
    if starred != stem:
        block.notes.append("numbers in the name of the file became *: later files are read too")
    return (f"{folder}/" if folder else "") + starred + dot + ending


def _times(sample: _Sample, entity: Entity, found: dict[str, list[str]], block: _Block) -> None:
    """One time format for the block, if the values tell it; a question if they do not."""
    if not sample.is_text:
        return
    told: dict[str, list[str]] = {}
    for column in _time_columns(entity, found):
        values = sample.values[found[column.name][0]]
        if values and not all(_ISO.fullmatch(value) for value in values):
            told[column.name] = _formats(values)
    if not told:
        return
    shared = set.intersection(*(set(formats) for formats in told.values()))
    first = next(iter(told))
    # May is as long as it is short: of two spellings of a month one is enough.
    found_formats = {one.replace("%B", "%b"): one for one in told[first] if one in shared}
    formats = list(found_formats.values())
    rest = [
        column.name for column in _time_columns(entity, found)
        if column.name not in told and sample.values[found[column.name][0]]
    ]  # fmt: skip
    if not formats or rest:
        block.questions.append(
            "time_format: the columns "
            + ", ".join([*told, *rest])
            + " do not all write times in one way; see check-mapping"
        )
    if len(formats) == 1:
        block.options.append(f"time_format: {_quoted(formats[0])}")
    for one in formats if len(formats) > 1 else ():
        how = "day first" if _DAY_FIRST.search(one) else "month first"
        block.questions.append(
            f"time_format: {_quoted(one)}    {how}; no value of the sample tells which"
        )


def _time_columns(entity: Entity, found: dict[str, list[str]]) -> Iterator[Column]:
    for column in entity.columns:
        if column.name in found and column.data_type in ("date", "timestamp"):
            yield column


def _formats(values: Sequence[str]) -> list[str]:
    """The formats that read every value; of equal ones with 2 and 4 digits of the year, one."""
    distinct = list(dict.fromkeys(values))
    return [one for one in _TIME_FORMATS if all(_reads(value, one) for value in distinct)]


def _reads(value: str, time_format: str) -> bool:
    try:
        dt.datetime.strptime(value, time_format)
    except ValueError:
        return False
    return True


def _expression(sample: _Sample, entity: Entity, column: Column, header: str, block: _Block) -> str:
    """The header itself, or SQL that turns its values into what the contract takes."""
    values = sample.values[header]
    if not values or not sample.is_text:
        return header
    kind = column.data_type
    name = identifier(header)
    if kind.startswith("decimal") or kind in ("int", "bigint"):
        return _number(column, header, values, block)
    if kind == "boolean":
        return _boolean(column, header, values, block)
    if kind == "string" and column.accepted_values:
        return _closed(column, header, values, block)
    if kind == "string" and any(value.startswith("'") for value in values):
        return f"ltrim({name}, '''')"
    is_float = column.name.endswith(("_id", "_ref")) and all(
        re.fullmatch(r"\d+\.0", value) for value in values
    )
    return rf"regexp_replace({name}, '\.0$', '')" if is_float else header


def _number(column: Column, header: str, values: Sequence[str], block: _Block) -> str:
    bare = [_bare(value) for value in values]
    point, comma = _decimal_marks(bare)
    doubtful = any(re.fullmatch(r"[+-]?\d{1,3}[.,]\d{3}", value) for value in bare)
    if point and comma:
        block.questions.append(
            f"{column.name}: some values have a decimal point and others a decimal comma"
        )
        return header
    if doubtful and not point and not comma:
        block.questions.append(
            f"{column.name}: no value tells whether 1.234 or 1,234 is a little more than one"
            " or more than a thousand"
        )
        return header
    if all(_PLAIN_NUMBER.fullmatch(value) for value in values):
        return header
    mark = "," if comma else "."
    name = identifier(header)
    cleaned = f"regexp_replace({name}, '[^0-9{mark}-]', '', 'g')"
    if comma:
        cleaned = f"replace({cleaned}, ',', '.')"
    # What is not written like this stays as it is, and goes to quarantine.
    return (
        f"case when regexp_full_match({name}, {literal(_number_pattern(values, mark))})"
        f" then {cleaned} else {name} end"
    )


def _number_pattern(values: Sequence[str], mark: str) -> str:
    """How the numbers are written, and no wider than that: signs, spaces, thousands."""
    seen = {char for value in values for char in value}
    spaces = "".join(code for char, code in _SPACE_CODES.items() if char in seen)
    gap = f"[{spaces}]?" if spaces else ""
    signs = sorted({sign for value in values for sign in _CURRENCY_MARK.findall(value)})
    sign = f"({'|'.join(re.escape(one) for one in signs)})?" if signs else ""
    # A point before three digits parts thousands wherever decimals have a comma, seen or not: left
    # as it is it would be read as a decimal point. 0.125 is no thousand.
    parts = spaces + ("'" if "'" in seen else "") + ("." if mark == "," else ",")
    whole = rf"([1-9]\d{{0,2}}([{parts}]\d{{3}})+|\d+)"
    before = sign + gap if signs else ""
    after = gap + sign if signs else ""
    return rf"-?{before}-?{whole}({re.escape(mark)}\d+)?{after}"


def _bare(value: str) -> str:
    """A number without its currency and its spaces."""
    return _SPACES.sub("", _CURRENCY_MARK.sub("", value))


def _decimal_marks(bare: Iterable[str]) -> tuple[bool, bool]:
    """Whether some value shows a decimal point, and whether some shows a decimal comma."""
    point = comma = False
    for value in bare:
        marks = [char for char in value if char in ".,"]
        if not marks or re.fullmatch(r"[+-]?\d{1,3}[.,]\d{3}", value):
            continue
        last = marks[-1]
        if marks.count(last) > 1:  # 1.234.567: what comes several times parts thousands
            point, comma = point or last == ",", comma or last == "."
        else:
            point, comma = point or last == ".", comma or last == ","
    return point, comma


def _currency(sample: _Sample, entity: Entity, found: dict[str, list[str]], block: _Block) -> None:
    """The currency that every amount is marked with, where the file has no column for it."""
    if "currency" in found or "currency" not in entity.landed_names or not sample.is_text:
        return
    marks: set[str] = set()
    for column in entity.columns:
        if column.name in found and column.data_type.startswith("decimal"):
            header = found[column.name][0]
            marks.update(re.findall(r"(?<=\()[A-Z]{3}(?=\))|[€£$]", header))
            for value in sample.values[header]:
                marks.update(_CURRENCY_MARK.findall(value))
    if not marks:
        return
    codes = {_SIGNS.get(mark) for mark in marks}
    code = next(iter(codes))
    if len(codes) == 1 and code is not None:
        block.columns.append(f"currency: {_quoted(literal(code))}")
    else:
        block.questions.append(
            "currency: the amounts are marked with " + ", ".join(sorted(marks)) + "; say what it is"
        )


def _boolean(column: Column, header: str, values: Sequence[str], block: _Block) -> str:
    seen = {value.lower() for value in values}
    if seen <= {"true", "t", "yes", "y", "1", "false", "f", "no", "n", "0"}:
        return header
    known = {word for words in _BOOLEANS.values() for word in words}
    if not seen <= known:
        block.questions.append(f"{column.name}: some values are neither a yes nor a no")
    return _cases(header, {
        value: [word for word in words if word in seen] for value, words in _BOOLEANS.items()
    })  # fmt: skip


def _closed(column: Column, header: str, values: Sequence[str], block: _Block) -> str:
    """A case expression for a column that takes some words only."""
    accepted = [one for one in column.accepted_values if not one.endswith("*")]
    beginnings = tuple(one[:-1] for one in column.accepted_values if one.endswith("*"))
    seen = {value.lower() for value in values}
    strange = {
        value
        for value in seen
        if value not in accepted and not (beginnings and value.startswith(beginnings))
    }
    if not strange:
        return header
    cases = {
        one: [word for word in VALUE_SYNONYMS.get(one, ()) if word in strange] for one in accepted
    }
    left = strange - {word for words in cases.values() for word in words}
    if left:
        block.questions.append(
            f"{column.name}: {len(left)} other {'value' if len(left) == 1 else 'values'};"
            f" it takes {', '.join(column.accepted_values)}"
        )
    return _cases(header, cases)


def _cases(header: str, cases: dict[str, list[str]]) -> str:
    """SQL that renames values and leaves the others as they are."""
    name = identifier(header)
    whens = [
        f"when lower({name}) in ({', '.join(map(literal, words))}) then {literal(value)}"
        for value, words in cases.items()
        if words
    ]
    return f"case {' '.join(whens)} else {name} end" if whens else header


def _quoted(text: str) -> str:
    """A YAML text; JSON's quotes are YAML's. A mapping takes all scalars as they are written."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_ ]*[A-Za-z0-9]", text):
        return (
            text
            if text.lower() not in ("true", "false", "null", "yes", "no", "on")
            else f'"{text}"'
        )
    return json.dumps(text, ensure_ascii=False)


def _shown(header: str) -> str:
    """A header within a comment: on one line."""
    return "".join(char if char.isprintable() else " " for char in header)[:60]
