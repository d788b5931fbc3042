"""What was refused, for the person who has to mend it.

Belongs here: finding the rejects that matter now and showing them without personal values. Does
not belong here: refusing rows (``typing_rules``, ``loading``), counts for BI (the model
``quarantine_summary``), or reading a file again (``retraction``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from orchestration.contract import Contract, did_you_mean
from orchestration.database import connect
from orchestration.errors import ClienteleError
from orchestration.landing import place_of
from orchestration.raw_store import RawBatch, SourceFile
from orchestration.warehouse import Warehouse

_NOTHING_WRONG: Final = "Nothing is in quarantine"
#: A shifted column may put anything anywhere; what has this in it is shown nowhere.
_ADDRESS_MARK: Final = "@"
_SHOWN_CHARACTERS: Final = 40


@dataclass(frozen=True)
class _Origin:
    """Where the rejects are: of the current release, or of a refresh that was stopped."""

    run_id: str
    published: bool
    files: tuple[SourceFile, ...]
    batches: tuple[RawBatch, ...]


def quarantine_report(
    warehouse: Warehouse,
    contract: Contract,
    *,
    entity: str | None = None,
    file: str | None = None,
    limit: int = 20,
) -> str:
    """The rejects as text, personal values masked.

    Those of the last refresh if it was stopped, because they may be why; else those of the current
    release.

    Args:
        warehouse: where they are.
        contract: says which columns are personal.
        entity, file: only of these.
        limit: rows shown.

    Raises:
        ClienteleError: there has been no refresh, or the entity is not one of the contract.
    """
    if entity is not None and entity not in contract.entity_names:
        raise ClienteleError(
            f"'{entity}' is not an entity of the input contract",
            where="--entity",
            remedy=did_you_mean(entity, contract.entity_names),
        )
    origin = _origin(warehouse)
    counts, rows = _rejects(warehouse, origin, entity, file, max(limit, 0))
    of = f"release {origin.run_id}" if origin.published else "the last refresh, which was stopped"
    if not counts:
        return f"{_NOTHING_WRONG} ({of})."
    total = sum(count for *_, count in counts)
    text = [f"{total:,} rows are in quarantine ({of}):", ""]
    text += [
        f"  {count:>9,}  {name}  {place_of(source)}: {reason}"
        for name, source, reason, count in counts
    ]
    text += ["", f"The first {len(rows):,}:", ""]
    text += [
        f"  {place_of(source)} line {line}"
        + (f", {column}" if column else "")
        + f": {reason}"
        + (f" -- {_masked(contract, name, column, value)}" if value is not None else "")
        for name, source, line, column, value, reason in rows
    ]
    text += [
        "",
        "Mend the export and land it anew, or correct mapping.yml and run",
        "`clientele quarantine --retry FILE`. Personal values are masked; they stand in the file.",
    ]
    return "\n".join(text)


def hidden(value: str) -> bool:
    """Whether a value looks personal in whatever column it stands."""
    return _ADDRESS_MARK in value


def _masked(contract: Contract, entity: str, column: str | None, value: str) -> str:
    """A value as it may be shown: whole lines and personal columns by their length alone."""
    names = contract.entity(entity).column_names if entity in contract.entity_names else ()
    personal = column not in names or contract.entity(entity).column(column).personal is not None
    if personal or hidden(value):
        return f"({len(value):,} characters)"
    shown = "".join(char if char.isprintable() else "?" for char in value)
    return repr(shown[:_SHOWN_CHARACTERS] + ("..." if len(shown) > _SHOWN_CHARACTERS else ""))


def _origin(warehouse: Warehouse) -> _Origin:
    release = warehouse.current_release()
    stopped = _stopped(warehouse)
    if stopped is not None and (release is None or stopped["run_id"] > release.run_id):
        return _Origin(
            stopped["run_id"],
            False,
            tuple(SourceFile.from_json(values) for values in stopped["files"]),
            tuple(RawBatch.from_json(values) for values in stopped["batches"]),
        )
    if release is None:
        raise ClienteleError(
            "there has been no refresh yet", where=str(warehouse.root), remedy="run `make refresh`"
        )
    return _Origin(release.run_id, True, release.files, release.batches)


def _stopped(warehouse: Warehouse) -> dict[str, Any] | None:
    """What the refresh in the work folder knew of itself, if it came as far as loading files."""
    try:
        run: dict[str, Any] = json.loads((warehouse.work / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return run if {"run_id", "files", "batches"} <= run.keys() else None


def _rejects(
    warehouse: Warehouse, origin: _Origin, entity: str | None, file: str | None, limit: int
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Counts by entity, file and reason, the most first; and the first rows."""
    gone = [item.batch_id for item in origin.files if item.retracted_at is not None]
    paths = [
        str(warehouse.root / batch.rejects_path)
        for batch in origin.batches
        if batch.rejects_path and (warehouse.root / batch.rejects_path).is_file()
    ]
    if not paths:
        return [], []
    where = (
        "where not list_contains($gone, batch_id) and coalesce($entity, entity) = entity"
        " and coalesce($file, source_file) = source_file"
    )
    asked = {"paths": paths, "gone": gone, "entity": entity, "file": file}
    with connect() as connection:
        counts = connection.execute(
            "select entity, source_file, reason, count(*) as n from read_parquet($paths)"
            f" {where} group by all order by n desc, entity, source_file, reason",
            asked,
        ).fetchall()
        rows = connection.execute(
            "select entity, source_file, line_number, column_name, raw_value, reason"
            f" from read_parquet($paths) {where}"
            f" order by entity, source_file, batch_id, line_number limit {limit}",
            asked,
        ).fetchall()
    return counts, rows
