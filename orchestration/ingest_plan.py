"""Groups of like files, and how each column of the contract is read from them.

Belongs here: putting files of the same columns together, and holding the mapping against those
columns, so that every expression is known to compile before anything is loaded. Does not belong
here: reading the mapping (``mapping``), what an expression may hold (``expressions``), or
loading (``loading``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from orchestration.contract import SOURCE_SYSTEM, Column, Contract, Entity, did_you_mean
from orchestration.database import identifier, literal
from orchestration.errors import ClienteleError
from orchestration.expressions import ExpressionError, ExpressionParser
from orchestration.landing import LandedFile, Reading, Scan
from orchestration.mapping import Block, Sql
from orchestration.raw_store import escape_glob
from orchestration.text_records import TextHeader, default_delimiter, read_header

#: Number of a record's line in the staging tables; no export has such a column.
LINE: Final = "__clientele_line"
#: From here on a file is loaded by itself; below, what a query costs is more than what it reads.
LARGE_BYTES: int = 4_000_000


@dataclass(frozen=True)
class NewFile:
    """A reading that is to be loaded, with what is known of its file and its batch."""

    reading: Reading
    scan: Scan
    number: int
    batch_id: str


@dataclass(frozen=True)
class Group:
    """Files of one block with the same columns, which are read and written together.

    Attributes:
        entity, block: what the files are read as, and how.
        kind: csv, tsv, jsonl or parquet.
        columns: name -> DuckDB type of the file's columns, in the order of the files.
        files: in order of loading.
        headers: of text files, by number of the file.
    """

    entity: Entity
    block: Block
    kind: str
    columns: Mapping[str, str]
    files: tuple[NewFile, ...]
    headers: Mapping[int, TextHeader] = field(default_factory=dict)

    @property
    def delimiter(self) -> str:
        """Declared, or the one of the kind of file."""
        return self.block.delimiter or default_delimiter(self.kind)

    @property
    def place(self) -> str:
        """The first of the files, for messages."""
        return self.files[0].reading.file.place

    @property
    def label(self) -> str:
        """The group in reports: "entity/file group"."""
        return f"{self.entity.name}/{self.block.files}"


@dataclass(frozen=True)
class Source:
    """Where the value of one column of the contract comes from.

    Attributes:
        column: the column.
        sql: over the columns of the file.
        sql_type: DuckDB type of that.
        line: of the mapping, for an expression; 0 for anything else.
    """

    column: Column
    sql: str
    sql_type: str
    line: int = 0


@dataclass(frozen=True)
class Plan:
    """A group, and SQL that is known to compile against its columns."""

    group: Group
    sources: tuple[Source, ...]
    where: Sql | None
    ignored: tuple[str, ...]


def group_files(
    connection: duckdb.DuckDBPyConnection, fresh: Sequence[NewFile], contract: Contract
) -> list[Group]:
    """Files of one block with the same columns in the same order, in order of loading.

    A large file is a group of its own, so that it can be written straight.
    """
    members: dict[tuple[object, ...], list[NewFile]] = defaultdict(list)
    columns: dict[tuple[object, ...], dict[str, str]] = {}
    headers: dict[int, TextHeader] = {}
    for new in fresh:
        file, block = new.reading.file, new.reading.block
        if block.skip_lines and file.kind not in ("csv", "tsv"):
            raise ClienteleError(
                "skip_lines is for files with a header, which this kind of file does not have",
                where=f"{block.place()}, {file.place}",
                remedy="leave skip_lines out, or give these files a block of their own",
            )
        if file.kind == "parquet":
            found = _parquet_columns(connection, new)
        else:
            delimiter = block.delimiter or default_delimiter(file.kind)
            headers[new.number] = read_header(file, new.scan, delimiter, block.skip_lines)
            found = dict.fromkeys(headers[new.number].names, "VARCHAR")
        shape = tuple((name.lower(), kind) for name, kind in found.items())
        alone = new.number if is_large(file) else None
        key = (
            block.entity,
            block.files,
            block.line,
            new.reading.block_key,
            file.kind,
            shape,
            alone,
        )
        members[key].append(new)
        columns.setdefault(key, found)
    return [
        Group(
            entity=contract.entity(files[0].reading.block.entity),
            block=files[0].reading.block,
            kind=files[0].reading.file.kind,
            columns=columns[key],
            files=tuple(files),
            headers={new.number: headers[new.number] for new in files if new.number in headers},
        )
        for key, files in members.items()
    ]


def is_large(file: LandedFile) -> bool:
    """Whether a second way of reading is worth its fixed cost."""
    return file.size >= LARGE_BYTES


def _parquet_columns(connection: duckdb.DuckDBPyConnection, new: NewFile) -> dict[str, str]:
    file = new.reading.file
    try:
        rows = connection.execute(f"describe select * from {parquet_scan([file.path])}").fetchall()
    except duckdb.Error as error:
        raise ClienteleError(
            "the file is not readable Parquet", where=file.place, remedy="deliver it again"
        ) from error
    return {str(row[0]): str(row[1]) for row in rows}


def parquet_scan(paths: Sequence[Path], options: str = "") -> str:
    """SQL that reads Parquet files, and nothing into their names."""
    listed = ", ".join(literal(escape_glob(path)) for path in paths)
    return f"read_parquet([{listed}], binary_as_string = true, hive_partitioning = false{options})"


def plan_group(connection: duckdb.DuckDBPyConnection, group: Group) -> Plan:
    """Find the source of every column, and compile every expression before anything is loaded."""
    return _Planner(connection, group).plan()


class _AbsentColumnError(ClienteleError):
    """An expression names a column that the file lacks; a default may stand in."""


class _Planner:
    """Holds the mapping of one block against the columns of one group of files."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, group: Group) -> None:
        self._connection = connection
        self._group = group
        self._block = group.block
        self._parser = ExpressionParser(connection)
        self._headers = {name.strip().lower(): name for name in group.columns}
        self._used: set[str] = set()
        empty = ", ".join(
            f"null::{kind} as {identifier(name)}" for name, kind in group.columns.items()
        )
        self._empty = f"(select {empty} where false)"

    def plan(self) -> Plan:
        sources = [
            source
            for column in self._group.entity.landed_columns
            if (source := self._source(column)) is not None
        ]
        where = self._block.where
        if where is not None:
            self._compile(where, "'where'")
            self._require_boolean(where)
        ignored = tuple(
            name for lowered, name in self._headers.items() if lowered not in self._used
        )
        return Plan(group=self._group, sources=tuple(sources), where=where, ignored=ignored)

    def _source(self, column: Column) -> Source | None:
        default = self._block.defaults.get(column.name)
        written = self._block.columns.get(column.name)
        if written is not None:
            header = self._headers.get(written.text.strip().lower())
            if header is not None:
                return self._take(column, header)
            try:
                sql_type = self._compile(written, column.name)
            except _AbsentColumnError:
                if default is None:
                    raise
            else:
                return Source(column, f"(\n{written.text}\n)", sql_type, written.line)
        elif column.name in self._headers:
            return self._take(column, self._headers[column.name])
        if default is not None:
            return Source(column, f"{literal(default)}::varchar", "VARCHAR")
        if column.name == SOURCE_SYSTEM:
            return Source(column, "null::varchar", "VARCHAR")
        if column.required:
            raise self._missing(column)
        return None

    def _take(self, column: Column, header: str) -> Source:
        self._used.add(header.strip().lower())
        return Source(column, identifier(header), self._group.columns[header])

    def _compile(self, written: Sql, target: str) -> str:
        """The DuckDB type of an expression over the columns of the files."""
        try:
            parsed = self._parser.parse(written.text, self._headers.keys())
        except ExpressionError as error:
            raise ClienteleError(
                f"the expression for {target} {error}",
                where=self._block.place(written.line),
                remedy=f"expected a column or one SQL expression over them; {self._found()}",
            ) from error
        try:
            rows = self._connection.execute(
                f"describe select 1 as {identifier(LINE)}, (\n{written.text}\n) as v"
                f" from {self._empty}"
            ).fetchall()
        except duckdb.Error as error:
            raise self._does_not_compile(written, target, parsed.columns, error) from error
        self._used.update(parsed.columns & self._headers.keys())
        return str(rows[1][1])

    def _does_not_compile(
        self, written: Sql, target: str, names: frozenset[str], error: duckdb.Error
    ) -> ClienteleError:
        absent = sorted(names - self._headers.keys())
        text = str(error)
        unknown = [name for name in absent if f'"{name}"' in text.lower()]
        if unknown:
            near = did_you_mean(unknown[0], list(self._group.columns))
            constant = written.text.strip().lower() == unknown[0]
            hints = [near] if near.startswith("did") else []
            hints += ["a fixed text needs quotes of its own, as in \"'web'\""] if constant else []
            hints.append(self._found())
            return _AbsentColumnError(
                f"{target} is read from column '{unknown[0]}', which {self._group.place}"
                " does not have",
                where=self._block.place(written.line),
                remedy="; ".join(hints),
            )
        reason = text.strip().splitlines()[0].partition("Error: ")
        return ClienteleError(
            f"the expression for {target} does not compile against {self._group.place}"
            f" ({(reason[2] or reason[0]).rstrip('.')})",
            where=self._block.place(written.line),
            remedy=f"expected SQL over the columns of the file, all text in CSV; {self._found()}",
        )

    def _require_boolean(self, where: Sql) -> None:
        sql_type = self._compile(where, "'where'")
        if sql_type != "BOOLEAN":
            raise ClienteleError(
                f"'where' gives {sql_type} and not true or false",
                where=self._block.place(where.line),
                remedy="expected a condition such as \"Status <> 'draft'\"",
            )

    def _missing(self, column: Column) -> ClienteleError:
        remedy = f"add it, or say in mapping.yml what it is called there; {self._found()}"
        if len(self._headers) == 1 and any(mark in next(iter(self._headers)) for mark in ";\t|,"):
            remedy = f"declare the delimiter of the file in mapping.yml; {self._found()}"
        if self._block.line:
            return ClienteleError(
                f"{self._group.entity.name} needs '{column.name}', which is not mapped and not a"
                f" column of {self._group.place}",
                where=self._block.place(),
                remedy=remedy,
            )
        return ClienteleError(
            f"the file has no column '{column.name}', which {self._group.entity.name} needs",
            where=self._group.place,
            remedy=remedy,
        )

    def _found(self) -> str:
        return "columns found: " + ", ".join(self._group.columns)
