"""The raw store: what has been loaded, as immutable Parquet batches and records about files.

Belongs here: the two records that a release's manifest lists, how a batch is written so that it
is there whole or not at all, and the views through which dbt reads the batches that count. Does
not belong here: what is in a file (``landing``, ``text_records``) or in a row (``ingest``).
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import duckdb

from orchestration.contract import Column, Contract, Entity
from orchestration.database import identifier, literal
from orchestration.errors import ClienteleError

#: Columns of every raw table after those of the contract, with their DuckDB types.
LINE_NUMBER: Final = "_line_number"
BATCH_COLUMNS: Final = {
    "_batch_id": "VARCHAR",
    "_source_file": "VARCHAR",
    LINE_NUMBER: "BIGINT",
    "_loaded_at": "TIMESTAMP",
}
#: Folders below raw/ in which a running ingestion spills.
SCRATCH_PREFIX: Final = ".ingest-"
REJECTS: Final = "rejects"
SOURCE_FILES: Final = "source_files"


@dataclass(frozen=True)
class SourceFile:
    """A file that was loaded into an entity.

    Attributes:
        entity: name of the entity.
        source_file: posix path relative to the landing folder.
        content_hash: sha256 of the decompressed content.
        size: bytes on disk, and modified_ns: time of its last change, when it was loaded.
        batch_id: of its rows; later files have greater ids.
        loaded_at: ISO 8601, UTC.
        line_count: data lines; the sum of the four counts that follow.
        accepted_rows: rows in raw.
        rejected_rows: rows in quarantine.
        filtered_rows: lines that the mapping's ``where`` leaves out.
        repeated_rows: lines dropped because an equal one is there.
        block_key: which reading of the content this was (``landing.Reading``).
        retracted_at: when its rows were taken out again (ISO 8601, UTC), or None. Its content stays
            known, so that the file is not loaded once more.
        retraction_reason: what was said of it.
        first_event_at, last_event_at: ISO 8601, naive UTC: the span of its accepted rows by the
            time column of the entity, a date counting from its midnight; None without any.
        ignored_columns: names of its columns that nothing reads, separated by commas; None without.
    """

    entity: str
    source_file: str
    content_hash: str
    size: int
    modified_ns: int
    batch_id: str
    loaded_at: str
    line_count: int
    accepted_rows: int
    rejected_rows: int
    filtered_rows: int
    repeated_rows: int
    block_key: str = "#0"
    first_event_at: str | None = None
    last_event_at: str | None = None
    retracted_at: str | None = None
    retraction_reason: str | None = None
    ignored_columns: str | None = None

    def __post_init__(self) -> None:
        accounted = (
            self.accepted_rows + self.rejected_rows + self.filtered_rows + self.repeated_rows
        )
        if accounted != self.line_count:
            raise AssertionError(
                f"{self.source_file}: {accounted} of {self.line_count} lines accounted for"
            )

    def to_json(self) -> dict[str, Any]:
        """As plain values for a JSON document."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SourceFile:
        """From the values of ``to_json``; fields of later versions are left aside."""
        return cls(**_known(cls, values))


@dataclass(frozen=True)
class RawBatch:
    """A Parquet file of accepted rows and, where there are any, one of refused rows.

    Attributes:
        entity: name of the entity.
        path: posix path relative to the warehouse.
        rejects_path: likewise, or None.
        rows: accepted rows.
    """

    entity: str
    path: str
    rejects_path: str | None
    rows: int

    def to_json(self) -> dict[str, Any]:
        """As plain values for a JSON document."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RawBatch:
        """From the values of ``to_json``; fields of later versions are left aside."""
        return cls(**_known(cls, values))


def _known(cls: type[SourceFile] | type[RawBatch], values: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(cls)}
    return {name: value for name, value in values.items() if name in names}


class BatchWriter:
    """Writes Parquet under temporary names and puts all of it in place at the end.

    Files appear by rename, read-only and flushed to disk, so that a kill leaves either nothing
    that a manifest could name or complete files. ``discard`` removes whatever was written.
    """

    def __init__(self, warehouse: Path) -> None:
        self.folder = warehouse / "raw"
        self._pending: list[tuple[Path, Path]] = []
        self._done: list[Path] = []
        self._made: list[Path] = []

    def prepare(self) -> None:
        """Make the folder of raw batches, and remove what a killed ingestion left behind.

        Refreshes hold the lock of the warehouse, so nobody else is writing.
        """
        self._make(self.folder)
        for stale in self.folder.glob("*/.*.tmp"):
            stale.unlink(missing_ok=True)
        for stale in self.folder.glob(f"{SCRATCH_PREFIX}*"):
            shutil.rmtree(stale, ignore_errors=True)

    def write(self, connection: duckdb.DuckDBPyConnection, select: str, path: Path) -> int:
        """Write the rows of a query; returns how many there were."""
        self._make(path.parent)
        temporary = self._temporary(path)
        self._pending.append((temporary, path))
        row = connection.execute(
            f"copy ({select}) to {literal(temporary.as_posix())} (format parquet, compression zstd)"
        ).fetchone()
        return int(row[0]) if row else 0

    def read(self, path: Path) -> str:
        """SQL that reads what was written to a path that is not in place yet."""
        return f"read_parquet({literal(escape_glob(self._temporary(path)))})"

    def withdraw(self, path: Path) -> None:
        """Take back what was written to a path, so that it can be written anew."""
        temporary = self._temporary(path)
        self._pending = [pair for pair in self._pending if pair[0] != temporary]
        temporary.unlink(missing_ok=True)

    @staticmethod
    def _temporary(path: Path) -> Path:
        return path.with_name(f".{path.name}.tmp")

    def publish(self) -> None:
        """Give every written file its name."""
        for temporary, _ in self._pending:
            temporary.chmod(0o444)
            _flush(temporary)
        for temporary, path in self._pending:
            temporary.replace(path)
            self._done.append(path)
        for folder in {path.parent for path in self._done}:
            _flush(folder)
        self._pending.clear()

    def discard(self) -> None:
        """Remove every file that this writer made."""
        for path in [*(temporary for temporary, _ in self._pending), *self._done]:
            path.unlink(missing_ok=True)

    def drop_empty_folders(self) -> None:
        """Remove the folders that this writer made and that hold nothing."""
        for folder in reversed(self._made):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def _make(self, folder: Path) -> None:
        missing = [part for part in (folder, *folder.parents) if not part.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        self._made.extend(reversed(missing))


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def create_raw_views(
    con: duckdb.DuckDBPyConnection,
    *,
    contract: Contract,
    warehouse: Path,
    batches: Sequence[RawBatch],
    files: Sequence[SourceFile],
) -> None:
    """Make the input of staging in a work database.

    Args:
        con: the work database; schemas ``raw`` and ``run`` are made if they are missing.
        contract: names, order and types of the columns.
        warehouse: folder that the paths of the batches are relative to.
        batches: those that count; an entity without any has a view without rows.
        files: of the same batches; the rows and rejects of those retracted are left out.

    Raises:
        ClienteleError: a batch that counts is not in the warehouse.
    """
    root = warehouse.absolute()
    con.execute("create schema if not exists raw")
    con.execute("create schema if not exists run")
    gone = [file.batch_id for file in files if file.retracted_at is not None]
    left = f" where _batch_id not in ({', '.join(map(literal, gone))})" if gone else ""
    for entity in contract.entities:
        paths = [root / batch.path for batch in batches if batch.entity == entity.name]
        _check_present(paths, root)
        con.execute(
            f"create or replace view raw.{identifier(entity.name)} as"
            f" {_rows(con, entity, paths)}{left if paths else ''}"
        )
    rejects = [root / batch.rejects_path for batch in batches if batch.rejects_path]
    _check_present(rejects, root)
    _fill_source_files(con, contract.run_tables[SOURCE_FILES], files)
    _fill_rejects(con, contract.run_tables[REJECTS], rejects, gone)


def _check_present(paths: Sequence[Path], root: Path) -> None:
    for path in paths:
        if not path.is_file():
            raise ClienteleError(
                "a raw batch of the current release is missing",
                where=f"warehouse/{path.relative_to(root).as_posix()}",
                remedy="restore it from a backup, or start a new warehouse from the landing files",
            )


def _rows(con: duckdb.DuckDBPyConnection, entity: Entity, paths: Sequence[Path]) -> str:
    """Select all rows of the batches, with columns in the order of the contract.

    A batch that was written before a column came into the contract has NULL there.
    """
    types = {column.name: column.sql_type for column in entity.columns} | BATCH_COLUMNS
    if not paths:
        empty = ", ".join(f"null::{kind} as {identifier(name)}" for name, kind in types.items())
        return f"select {empty} where false"
    counted = con.execute(
        "select name, count(distinct file_name) from parquet_schema("
        f"{_list(paths)}) where num_children is null group by name"
    ).fetchall()
    present = {str(name): int(number) for name, number in counted}
    uneven = any(present.get(name) not in (None, len(paths)) for name in types)
    columns = ", ".join(
        f"{_stored(name) if name in present else 'null'}::{kind} as {identifier(name)}"
        for name, kind in types.items()
    )
    by_name = ", union_by_name = true" if uneven else ""
    return f"select {columns} from read_parquet({_list(paths)}, file_row_number = true{by_name})"


def _stored(name: str) -> str:
    """SQL of a column as it stands in a batch.

    A file of which every line was accepted, in order, was written without numbering its lines: a
    negative line number is that of the first row, and each row after it stands one line further.
    """
    if name != LINE_NUMBER:
        return identifier(name)
    line = identifier(name)
    return f"case when {line} < 0 then file_row_number - {line} else {line} end"


def escape_glob(path: Path) -> str:
    """A path in which DuckDB finds no wildcard."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path.as_posix())


def _list(paths: Sequence[Path]) -> str:
    return "[" + ", ".join(literal(escape_glob(path)) for path in paths) + "]"


def _fill_source_files(
    con: duckdb.DuckDBPyConnection, columns: Sequence[Column], files: Sequence[SourceFile]
) -> None:
    _create(con, SOURCE_FILES, columns)
    if not files:
        return
    rows = [
        asdict(file)
        | {
            "loaded_at": _naive_utc(file.loaded_at),
            "retracted_at": _naive_utc(file.retracted_at) if file.retracted_at else None,
        }
        for file in files
    ]
    lists = ", ".join(f"unnest(?::{column.sql_type}[])" for column in columns)
    con.execute(
        f"insert into run.{SOURCE_FILES} select {lists}",
        [[row[column.name] for row in rows] for column in columns],
    )


def _naive_utc(moment: str) -> dt.datetime:
    return dt.datetime.fromisoformat(moment).astimezone(dt.UTC).replace(tzinfo=None)


def _fill_rejects(
    con: duckdb.DuckDBPyConnection,
    columns: Sequence[Column],
    paths: Sequence[Path],
    gone: Sequence[str],
) -> None:
    _create(con, REJECTS, columns)
    if paths:
        names = ", ".join(identifier(column.name) for column in columns)
        con.execute(
            f"insert into run.{REJECTS} select {names} from read_parquet({_list(paths)})"
            " where not list_contains(?::varchar[], batch_id)",
            [list(gone)],
        )


def _create(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[Column]) -> None:
    typed = ", ".join(f"{identifier(column.name)} {column.sql_type}" for column in columns)
    con.execute(f"create or replace table run.{table} ({typed})")
