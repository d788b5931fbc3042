"""``mapping.yml``: how someone's own export becomes entities of the input contract.

Belongs here: reading the file, with the line of every statement, and refusing whatever can be
known to be wrong without looking at a data file. Does not belong here: the files themselves
(``landing``), whether an expression may run and compiles (``expressions``), or loading
(``ingest``).

Scalars are taken as they are written, not as YAML would type them, so ``default_country: NO``
stays Norway and ``business_started_on: 2005-01-01`` stays a text until it is read as a date.
"""

from __future__ import annotations

import codecs
import datetime as dt
import re
from collections.abc import Callable
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import duckdb
import yaml

from orchestration.contract import SOURCE_SYSTEM, Contract, Entity, did_you_mean
from orchestration.database import connect
from orchestration.errors import ClienteleError

_TOP: Final = (
    "business_time_zone",
    "reporting_currency",
    "business_started_on",
    "default_country",
    "entities",
)
_BLOCK: Final = (
    "files",
    "columns",
    "where",
    "key",
    "duplicates",
    "source_system",
    "time_format",
    "encoding",
    "delimiter",
    "skip_lines",
    "defaults",
)
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Sql:
    """A column name or SQL expression as written, and the line of the mapping it stands on."""

    text: str
    line: int


@dataclass(frozen=True)
class Block:
    """How one group of files becomes rows of one entity.

    Attributes:
        entity: name of the entity.
        files: glob relative to the landing folder.
        columns: column of the contract -> column of the file, or SQL expression over them.
        where: SQL condition; lines for which it is not true are filtered, or None.
        key: columns that identify a row in place of the contract's key, or empty.
        duplicates: ``keep``, ``drop`` (exact repeats of a line within its file) or None.
        source_system: system of rows that do not name one, or None.
        time_format: strptime format of dates and times in place of ISO 8601, or None.
        encoding: of the text files, or None for UTF-8 (and UTF-16 with a byte order mark).
        delimiter: one character, or None for the file type's own.
        skip_lines: physical lines of a CSV or TSV file that stand above its header.
        defaults: column of the contract -> value as text, where the file lacks the column.
        line: line of the mapping where the block starts; 0 for a block that no mapping states.
        mapping_name: name of the mapping file, for messages.
    """

    entity: str
    files: str
    columns: ReadOnly[str, Sql] = field(default_factory=dict)
    where: Sql | None = None
    key: tuple[str, ...] = ()
    duplicates: str | None = None
    source_system: str | None = None
    time_format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    skip_lines: int = 0
    defaults: ReadOnly[str, str] = field(default_factory=dict)
    line: int = 0
    mapping_name: str = ""

    def place(self, line: int | None = None) -> str:
        """Where in the mapping a message points to, or the entity when nothing was mapped."""
        if not self.line:
            return self.entity
        return f"{self.mapping_name} line {self.line if line is None else line}"


@dataclass(frozen=True)
class Mapping:
    """The whole of ``mapping.yml``, or the defaults where there is none.

    Attributes:
        business_time_zone: IANA name; times without an offset are in it.
        reporting_currency: ISO 4217 code, or None when not stated.
        business_started_on: business dates before it are quarantined, or None.
        default_country: ISO 3166 two-letter code, or None.
        blocks: in the order of the file; an entity may have several.
    """

    business_time_zone: str = "UTC"
    reporting_currency: str | None = None
    business_started_on: dt.date | None = None
    default_country: str | None = None
    blocks: tuple[Block, ...] = ()


def load_mapping(path: Path | None, contract: Contract) -> Mapping:
    """Read a mapping.

    Args:
        path: the file; None, or a file that is not there, gives the defaults.
        contract: what entities and columns may be mapped to.

    Returns:
        The mapping, checked against the contract.

    Raises:
        ClienteleError: something is wrong; says the line and what was expected.
    """
    if path is None or not path.exists():
        return Mapping()
    return _Reader(path.name, contract).read(_compose(path))


def _compose(path: Path) -> yaml.Node | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ClienteleError(
            "the mapping cannot be read as UTF-8 text",
            where=path.name,
            remedy="save the file as UTF-8 and see that it may be read",
        ) from error
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" line {mark.line + 1}" if mark is not None else ""
        raise ClienteleError(
            f"the mapping is not valid YAML ({error.problem or error.context})",
            where=f"{path.name}{line}",
            remedy="correct the line; a text that holds ': ', '#' or a leading '*' needs quotes",
        ) from error
    except yaml.YAMLError as error:
        raise ClienteleError(
            "the mapping is not valid YAML (it holds a character that YAML does not allow)",
            where=path.name,
            remedy="remove the character",
        ) from error
    return node


class _Reader:
    """Turns YAML nodes into a mapping; every refusal names the line of its node."""

    def __init__(self, name: str, contract: Contract) -> None:
        self._name = name
        self._contract = contract

    def read(self, root: yaml.Node | None) -> Mapping:
        if root is None or _is_null(root):
            return Mapping()
        top = self._pairs(root, "the mapping", _TOP)
        entities = top.get("entities")
        return Mapping(
            business_time_zone=self._optional(top, "business_time_zone", self._time_zone) or "UTC",
            reporting_currency=self._optional(top, "reporting_currency", self._currency),
            business_started_on=self._optional(top, "business_started_on", self._date),
            default_country=self._optional(top, "default_country", self._country),
            blocks=() if entities is None or _is_null(entities) else self._blocks(entities),
        )

    # -- the parts of the file ---------------------------------------------------------------

    def _blocks(self, node: yaml.Node) -> tuple[Block, ...]:
        blocks: list[Block] = []
        for name, value in self._pairs(node, "entities").items():
            if name not in self._contract.entity_names:
                line = next(key.start_mark.line for key, _ in node.value if key.value == name) + 1
                raise self._wrong(
                    line,
                    f"'{name}' is not an entity of the input contract",
                    did_you_mean(name, self._contract.entity_names),
                )
            entity = self._contract.entity(name)
            items = value.value if isinstance(value, yaml.SequenceNode) else [value]
            blocks.extend(self._block(entity, item) for item in items)
        return tuple(blocks)

    def _block(self, entity: Entity, node: yaml.Node) -> Block:
        parts = self._pairs(node, f"the block of {entity.name}", _BLOCK)
        if "files" not in parts:
            raise self._wrong(
                _line(node), f"the block of {entity.name} has no 'files'", 'add files: "<glob>"'
            )
        return Block(
            entity=entity.name,
            files=self._files(parts["files"]),
            columns={
                target: Sql(self._text(value, target), _line(value))
                for target, value in self._targets(parts.get("columns"), entity).items()
            },
            where=self._optional(
                parts, "where", lambda value: Sql(self._text(value, "where"), _line(value))
            ),
            key=self._optional(parts, "key", lambda value: self._key(value, entity)) or (),
            duplicates=self._optional(parts, "duplicates", self._duplicates),
            source_system=self._optional(
                parts, "source_system", lambda value: self._text(value, SOURCE_SYSTEM)
            ),
            time_format=self._optional(parts, "time_format", self._time_format),
            encoding=self._optional(parts, "encoding", self._encoding),
            delimiter=self._optional(parts, "delimiter", self._delimiter),
            skip_lines=self._optional(parts, "skip_lines", self._skip_lines) or 0,
            defaults={
                target: self._text(value, target)
                for target, value in self._targets(parts.get("defaults"), entity).items()
            },
            line=_line(node),
            mapping_name=self._name,
        )

    def _targets(self, node: yaml.Node | None, entity: Entity) -> dict[str, yaml.Node]:
        if node is None or _is_null(node):
            return {}
        return self._pairs(node, f"the columns of {entity.name}", entity.landed_names)

    # -- values ------------------------------------------------------------------------------

    def _files(self, node: yaml.Node) -> str:
        pattern = self._text(node, "files")
        parts = pattern.replace("\\", "/").split("/")
        if pattern.startswith(("/", "~", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", pattern):
            raise self._wrong(
                _line(node),
                "'files' leads out of the landing folder",
                'give a path below the landing folder, such as "retail/*.csv"',
            )
        return "/".join(part for part in parts if part not in ("", "."))

    def _key(self, node: yaml.Node, entity: Entity) -> tuple[str, ...]:
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        names = tuple(self._text(item, "key") for item in items)
        for item, name in zip(items, names, strict=True):
            if name not in entity.landed_names:
                raise self._wrong(
                    _line(item),
                    f"key names '{name}', which is not a column of {entity.name}",
                    did_you_mean(name, entity.landed_names),
                )
        return names

    def _duplicates(self, node: yaml.Node) -> str:
        value = self._text(node, "duplicates")
        if value not in ("keep", "drop"):
            raise self._wrong(
                _line(node), f"duplicates is '{value}'", "expected one of: keep, drop"
            )
        return value

    def _encoding(self, node: yaml.Node) -> str:
        value = self._text(node, "encoding")
        try:
            info = codecs.lookup(value)
            "".encode(info.name)  # refuses codecs that are not text encodings, such as rot13
        except LookupError as error:
            raise self._wrong(
                _line(node),
                f"'{value}' is not a text encoding",
                "expected a name such as utf-8, latin-1, cp1252 or utf-16",
            ) from error
        return info.name

    def _delimiter(self, node: yaml.Node) -> str:
        raw = node.value if isinstance(node, yaml.ScalarNode) else ""
        value = {"\\t": "\t", "tab": "\t"}.get(raw, raw)
        if len(value) != 1 or value in '" .\r\n' or value.isalnum() or not value.isascii():
            raise self._wrong(
                _line(node),
                "the delimiter is not one punctuation character",
                'expected one such as ",", ";", "|" or "\\t"',
            )
        return value

    def _skip_lines(self, node: yaml.Node) -> int:
        value = self._text(node, "skip_lines")
        if not re.fullmatch(r"[0-9]{1,3}", value):
            raise self._wrong(
                _line(node),
                f"skip_lines is '{value}'",
                "expected the number of lines above the header, such as 2",
            )
        return int(value)

    def _time_format(self, node: yaml.Node) -> str:
        value = self._text(node, "time_format")
        with connect() as connection:
            try:
                connection.execute("select try_strptime('', ?)", [value]).fetchone()
            except duckdb.Error as error:
                raise self._wrong(
                    _line(node),
                    f"'{value}' is not a time format",
                    'expected one such as "%d/%m/%Y %H:%M:%S"',
                ) from error
        if "%" not in value:
            raise self._wrong(
                _line(node),
                f"'{value}' is not a time format",
                'expected one such as "%d/%m/%Y %H:%M:%S"',
            )
        return value

    def _time_zone(self, node: yaml.Node) -> str:
        value = self._text(node, "business_time_zone")
        with connect() as connection:
            rows = connection.execute("select name from pg_timezone_names() order by 1").fetchall()
        names = [str(row[0]) for row in rows]
        if value not in names:
            near = did_you_mean(value, names)
            raise self._wrong(
                _line(node),
                f"'{value}' is not a time zone",
                near if near.startswith("did") else "expected a name such as Europe/London or UTC",
            )
        return value

    def _currency(self, node: yaml.Node) -> str:
        value = self._text(node, "reporting_currency").upper()
        if not re.fullmatch(r"[A-Z]{3}", value):
            raise self._wrong(
                _line(node),
                f"'{value}' is not a currency code",
                "expected three letters such as GBP",
            )
        return value

    def _country(self, node: yaml.Node) -> str:
        value = self._text(node, "default_country").upper()
        if not re.fullmatch(r"[A-Z]{2}", value):
            raise self._wrong(
                _line(node), f"'{value}' is not a country code", "expected two letters such as GB"
            )
        return value

    def _date(self, node: yaml.Node) -> dt.date:
        value = self._text(node, "business_started_on")
        try:
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
                return dt.date.fromisoformat(value)
        except ValueError:
            pass
        raise self._wrong(
            _line(node), f"'{value}' is not a date", "expected one such as 2005-01-01"
        )

    # -- nodes -------------------------------------------------------------------------------

    def _optional(
        self, parts: dict[str, yaml.Node], name: str, read: Callable[[yaml.Node], _Read]
    ) -> _Read | None:
        node = parts.get(name)
        return None if node is None or _is_null(node) else read(node)

    def _text(self, node: yaml.Node, name: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or _is_null(node) or not node.value.strip():
            raise self._wrong(_line(node), f"'{name}' needs one value", "expected a text")
        return str(node.value).strip()

    def _pairs(
        self, node: yaml.Node, what: str, allowed: tuple[str, ...] | None = None
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self._wrong(
                _line(node), f"{what} is not a list of 'name: value'", "indent it below its name"
            )
        pairs: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            if allowed is not None and name not in allowed:
                raise self._wrong(
                    _line(key), f"'{name}' is not known in {what}", did_you_mean(name, allowed)
                )
            if name in pairs:
                raise self._wrong(
                    _line(key), f"'{name}' stands twice in {what}", "leave one of them"
                )
            pairs[name] = value
        return pairs

    def _wrong(self, line: int, what: str, expected: str) -> ClienteleError:
        return ClienteleError(what, where=f"{self._name} line {line}", remedy=expected)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
