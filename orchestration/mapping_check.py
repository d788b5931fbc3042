"""What a refresh would load, said without loading anything: `clientele check-mapping`.

It is the ingestion itself, into a folder that is thrown away, so that it cannot say anything else
than the refresh will. Does not belong here: how files are read (``ingest``), or proposing a mapping
for a file that has none.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from orchestration.contract import Contract, Entity
from orchestration.database import connect
from orchestration.ingest import IngestResult, create_raw_views, ingest
from orchestration.landing import place_of
from orchestration.mapping import Mapping
from orchestration.quarantine import hidden
from orchestration.raw_store import SourceFile
from orchestration.settings import Settings

_ROWS_SHOWN = 5
_WIDTH = 60


def mapping_report(
    settings: Settings,
    contract: Contract,
    mapping: Mapping,
    *,
    show_values: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> str:
    """Everything that a refresh from nothing would load, as text.

    Every file is read once, as the refresh would read it; the warehouse is not touched.

    Args:
        settings: say where the landing folder is.
        contract, mapping: what may land, and how.
        show_values: show personal values too, to whoever may see the files anyway.
        progress: takes short lines for a person to read.

    Raises:
        ClienteleError: what the refresh would raise.
    """
    with tempfile.TemporaryDirectory(prefix="clientele-check-") as name:
        warehouse = Path(name)
        result = ingest(
            landing=settings.landing,
            warehouse=warehouse,
            mapping=mapping,
            contract=contract,
            known=(),
            run_id="check",
            loaded_at=dt.datetime.now(dt.UTC),
            progress=progress,
        )
        with connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            create_raw_views(
                connection,
                contract=contract,
                warehouse=warehouse,
                batches=result.batches,
                files=result.files,
            )
            entities = {file.entity for file in result.files}
            parts = [
                _entity(connection, settings.landing, entity, result, show_values)
                for entity in contract.entities
                if entity.name in entities
            ]
    text = [line for part in parts for line in part]
    if result.messages:
        text += ["", "Besides:", *(f"  {message}" for message in result.messages)]
    lines = sum(file.line_count for file in result.files)
    text += ["", f"{len(result.files):,} files with {lines:,} lines were read; nothing was loaded."]
    if not show_values:
        text.append("Personal values are masked; --show-values shows them.")
    text.append("Next: correct mapping.yml where this is not what you expect, or `make refresh`.")
    return "\n".join(text)


def _entity(
    connection: duckdb.DuckDBPyConnection,
    landing: Path,
    entity: Entity,
    result: IngestResult,
    show_values: bool,
) -> list[str]:
    files = [file for file in result.files if file.entity == entity.name]
    counts = Counter[str]()
    for file in files:
        counts.update(
            lines=file.line_count,
            accepted=file.accepted_rows,
            rejected=file.rejected_rows,
            filtered=file.filtered_rows,
            repeated=file.repeated_rows,
        )
    text = [
        "",
        f"{entity.name}: {len(files):,} files, {counts['lines']:,} lines: "
        + ", ".join(
            f"{counts[fate]:,} {fate}" for fate in ("accepted", "rejected", "filtered", "repeated")
        ),
    ]
    reasons = connection.execute(
        "select column_name, reason, count(*) as n, min(source_file), min(line_number)"
        " from run.rejects where entity = ? group by all order by n desc, column_name, reason",
        [entity.name],
    ).fetchall()
    text += [
        f"  rejected     {count:,} x {f'{column}: ' if column else ''}{reason}"
        f" (such as {place_of(source)} line {line})"
        for column, reason, count, source, line in reasons
    ]
    filled = _filled(connection, entity)
    text.append(f"  filled       {', '.join(filled) or 'nothing'}")
    empty = [name for name in entity.landed_names if name not in filled]
    text.append(f"  stays empty  {', '.join(empty) or 'nothing'}")
    return [*text, *_examples(connection, landing, entity, files, filled, show_values)]


def _filled(connection: duckdb.DuckDBPyConnection, entity: Entity) -> list[str]:
    """Columns of the contract that have a value in some accepted row."""
    names = entity.landed_names
    counted = ", ".join(f'count("{name}")' for name in names)
    row = connection.execute(f"select {counted} from raw.{entity.name}").fetchone() or ()
    return [name for name, count in zip(names, row, strict=True) if count]


def _examples(
    connection: duckdb.DuckDBPyConnection,
    landing: Path,
    entity: Entity,
    files: Sequence[SourceFile],
    filled: Sequence[str],
    show_values: bool,
) -> list[str]:
    """The first accepted rows, as they stand in the file and as they would be loaded."""
    shown = ", ".join(f'"{name}"' for name in filled)
    if not shown:
        return []
    rows = connection.execute(
        f"select _source_file, _line_number, {shown} from raw.{entity.name}"
        f" order by _batch_id, _line_number limit {_ROWS_SHOWN}"
    ).fetchall()
    kinds = {file.source_file for file in files}
    text = []
    for source, line, *values in rows:
        place = f"{place_of(source)} line {line}"
        before = _line_of(landing / source, line) if source in kinds else None
        if before is not None:
            text.append(f"  before       {place}: {_shown_line(before, show_values)}")
        after = ", ".join(
            f"{name}={_shown_value(entity, name, value, show_values)}"
            for name, value in zip(filled, values, strict=True)
            if value is not None
        )
        text.append(f"  after        {after}")
    return text


def _line_of(path: Path, number: int) -> str | None:
    """A physical line of a plain text file; None of any other kind of file."""
    if path.suffix.lower() not in (".csv", ".tsv", ".jsonl", ".ndjson"):
        return None
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        for at, line in enumerate(stream, start=1):
            if at == number:
                return line.rstrip("\r\n")
    return None


def _shown_line(line: str, show_values: bool) -> str:
    """A line as it stands, or its shape alone: what is personal in it, a line does not say."""
    if show_values:
        return line
    shape = "".join(
        "9" if char.isdigit() else "x" if char.isalpha() or char == "@" else char for char in line
    )
    return shape[: 2 * _WIDTH] + ("..." if len(shape) > 2 * _WIDTH else "")


def _shown_value(entity: Entity, name: str, value: Any, show_values: bool) -> str:
    text = str(value)
    if not show_values and (entity.column(name).personal is not None or hidden(text)):
        return f"({len(text):,} characters)"
    return text[:_WIDTH] + ("..." if len(text) > _WIDTH else "")
