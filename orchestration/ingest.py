"""Ingestion: from files in the landing folder to typed, immutable batches and their rejects.

Belongs here: the order of the work: which files are new, what reads them, loading each group of
like files, and taking everything back when anything fails. Does not belong here: finding and
decoding files (``landing``), careful records (``text_records``), fitting the mapping to the
files (``ingest_plan``), loading a group (``loading``), the rules of types (``typing_rules``),
Parquet and views (``raw_store``), or any cleaning: that is staging's.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestration.contract import Contract, did_you_mean
from orchestration.errors import ClienteleError
from orchestration.ingest_plan import NewFile, Plan, group_files, plan_group
from orchestration.landing import Landing, Reading, Scan, at_rest, find_readings, place_of, scan
from orchestration.loading import NO_ROOM, Loader, guarded_session
from orchestration.mapping import Mapping as FileMapping
from orchestration.raw_store import (
    SCRATCH_PREFIX,
    BatchWriter,
    RawBatch,
    SourceFile,
    create_raw_views,
)
from orchestration.text_records import default_delimiter

__all__ = ["IngestResult", "RawBatch", "SourceFile", "create_raw_views", "ingest"]


@dataclass(frozen=True)
class IngestResult:
    """What one ingestion added.

    Attributes:
        files: new files, in order of loading.
        batches: new batches.
        skipped_files: files whose content was already loaded.
        unknown_columns: "entity/file group" -> columns of its files that nothing reads.
        messages: sentences for the person who runs the refresh; no personal values.
    """

    files: tuple[SourceFile, ...]
    batches: tuple[RawBatch, ...]
    skipped_files: int
    unknown_columns: Mapping[str, tuple[str, ...]]
    messages: tuple[str, ...] = ()


def ingest(
    *,
    landing: Path,
    warehouse: Path,
    mapping: FileMapping,
    contract: Contract,
    known: Sequence[SourceFile],
    run_id: str,
    loaded_at: dt.datetime,
    progress: Callable[[str], None],
    rest_seconds: float = 0,
) -> IngestResult:
    """Load every file that has not been loaded.

    Args:
        landing: folder of the files; only read.
        warehouse: batches are written below ``raw/`` in it.
        mapping: how files that do not follow the contract become entities.
        contract: what may land.
        known: files of the batches that count; their content is not loaded again.
        run_id: names the batches; later runs have greater ids.
        loaded_at: aware; becomes ``_loaded_at``.
        progress: takes short lines for a person to read.
        rest_seconds: a file that changed less long ago is waited for, and left for the next
            refresh if it goes on changing.

    Returns:
        The new files and batches; nothing else in the warehouse has changed.

    Raises:
        ClienteleError: a file, the mapping or the whole is not as the contract wants it.
            Whatever this call had written is removed.
    """
    writer = BatchWriter(warehouse.absolute())
    scratch = writer.folder / f"{SCRATCH_PREFIX}{run_id}"
    fresh: tuple[NewFile, ...] = ()
    try:
        found = find_readings(landing.absolute(), mapping, contract)
        found = at_rest(found, landing.absolute(), rest_seconds)
        _check_required(found, known, contract)
        fresh, skipped = _new_files(found.readings, known, run_id)
        messages = _messages(found, mapping, contract)
        if not fresh:
            progress(f"no new files, {skipped:,} already loaded")
            return IngestResult((), (), skipped, {}, tuple(messages))
        writer.prepare()
        with guarded_session(landing.absolute(), writer.folder, scratch) as connection:
            groups = group_files(connection, fresh, contract)
            plans = [plan_group(connection, group) for group in groups]
            moment = loaded_at.astimezone(dt.UTC)
            loader = Loader(connection, writer, mapping, run_id, moment)
            for number, plan in enumerate(plans):
                loader.load(number, plan)
        files = loader.files(fresh)  # fails unless every line is accounted for
        _check_unchanged(fresh)
        writer.publish()
    except NO_ROOM as error:
        writer.discard()
        _check_unchanged(fresh)
        raise ClienteleError(
            "there is not enough memory or disk space to load the new files",
            where="warehouse/raw",
            remedy="free some space, or deliver the files in smaller parts",
        ) from error
    except OSError as error:
        writer.discard()
        raise ClienteleError(
            f"the new files could not be stored ({error.strerror or 'input or output error'})",
            where="warehouse/raw",
            remedy="see that the disk has space and the folder may be written",
        ) from error
    except BaseException:
        writer.discard()
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        writer.drop_empty_folders()
    _report(files, contract, skipped, progress)
    messages.extend(
        f"{place_of(file.source_file)}: holds a header and no rows"
        for file in files
        if file.line_count == 0
    )
    unknown = _unknown_columns(plans)
    files = _with_ignored_columns(files, plans, unknown)
    messages.extend(
        f"{label}: columns that nothing reads: {', '.join(names)}"
        for label, names in unknown.items()
    )
    return IngestResult(files, tuple(loader.batches), skipped, unknown, tuple(messages))


def _check_unchanged(fresh: Sequence[NewFile]) -> None:
    for new in fresh:
        if not new.reading.file.is_unchanged():
            raise ClienteleError(
                "the file changed while it was read",
                where=new.reading.file.place,
                remedy="run the refresh again when the file is complete",
            )


# -- which files ---------------------------------------------------------------------------------


def _check_required(found: Landing, known: Sequence[SourceFile], contract: Contract) -> None:
    """Every required entity, and one of every required group, has landed now or before."""
    present = {reading.block.entity for reading in found.readings}
    present |= {file.entity for file in known}
    wanted: dict[str, list[str]] = defaultdict(list)
    for entity in contract.entities:
        if entity.required is True:
            wanted[entity.name].append(entity.name)
        elif entity.required:
            wanted[str(entity.required)].append(entity.name)
    for names in wanted.values():
        if present.isdisjoint(names):
            unread = f"; nothing reads {place_of(found.unread[0])}" if found.unread else ""
            if found.unfinished:
                raise ClienteleError(
                    f"the only file of {' or '.join(names)} is still being written",
                    where=place_of(found.unfinished[0]),
                    remedy="run the refresh again when it is complete",
                )
            raise ClienteleError(
                f"no file of {' or '.join(names)} has ever landed{unread}",
                where="landing",
                remedy=f"put one into landing/{names[0]}/, or map a file to it in mapping.yml",
            )


def _new_files(
    readings: Sequence[Reading], known: Sequence[SourceFile], run_id: str
) -> tuple[tuple[NewFile, ...], int]:
    """The readings whose content is new, and how many are not."""
    hashes = {(file.source_file, file.size, file.modified_ns): file.content_hash for file in known}
    loaded = {(file.entity, file.block_key, file.content_hash) for file in known}
    scans: dict[tuple[str, str | None, str], Scan] = {}
    fresh: list[NewFile] = []
    skipped = 0
    for reading in readings:
        file, block = reading.file, reading.block
        recorded = hashes.get((file.relative, file.size, file.modified_ns))
        if recorded and (block.entity, reading.block_key, recorded) in loaded:
            skipped += 1
            continue
        how = (file.relative, block.encoding, block.delimiter or default_delimiter(file.kind))
        found = scans.get(how)
        if found is None:
            found = scans[how] = scan(file, block.encoding, how[2])
        identity = (block.entity, reading.block_key, found.content_hash)
        if identity in loaded:
            skipped += 1
            continue
        loaded.add(identity)
        number = len(fresh)
        fresh.append(NewFile(reading, found, number, f"{run_id}-{number:05d}"))
    return tuple(fresh), skipped


def _messages(found: Landing, mapping: FileMapping, contract: Contract) -> list[str]:
    read = {id(reading.block) for reading in found.readings}
    messages = [
        f"{block.place()}: no file in the landing folder matches '{block.files}'"
        for block in mapping.blocks
        if id(block) not in read
    ]
    messages += [
        f"{place_of(name)}: still being written; left for the next refresh"
        for name in found.unfinished
    ]
    for name in found.unread:
        first = name.split("/")[0].split(".")[0]
        hint = did_you_mean(first, contract.entity_names)
        messages.append(
            f"{place_of(name)}: nothing reads this file"
            + (f"; {hint}" if hint.startswith("did") else "")
        )
    return messages


def _unknown_columns(plans: Sequence[Plan]) -> dict[str, tuple[str, ...]]:
    """Columns that no block over the same files reads: a survey has a block per question."""
    ignored: dict[str, dict[str, None]] = defaultdict(dict)
    read: dict[str, set[str]] = defaultdict(set)
    for plan in plans:
        label = plan.group.label
        ignored[label].update(dict.fromkeys(plan.ignored))
        read[label].update(name.lower() for name in plan.group.columns if name not in plan.ignored)
    unknown = {
        label: tuple(name for name in names if name.lower() not in read[label])
        for label, names in ignored.items()
    }
    return {label: names for label, names in unknown.items() if names}


def _with_ignored_columns(
    files: Sequence[SourceFile], plans: Sequence[Plan], unknown: Mapping[str, Sequence[str]]
) -> tuple[SourceFile, ...]:
    """The records of the files, with the columns of each that nothing reads."""
    found: dict[int, str] = {}
    for plan in plans:
        names = [name for name in plan.ignored if name in unknown.get(plan.group.label, ())]
        found.update(dict.fromkeys((new.number for new in plan.group.files), ", ".join(names)))
    return tuple(
        replace(file, ignored_columns=found[number] or None) for number, file in enumerate(files)
    )


def _report(
    files: Sequence[SourceFile],
    contract: Contract,
    skipped: int,
    progress: Callable[[str], None],
) -> None:
    for name in contract.entity_names:
        own = [file for file in files if file.entity == name]
        if not own:
            continue
        parts = [
            f"{len(own):,} new file{'s' if len(own) > 1 else ''}",
            f"{sum(file.line_count for file in own):,} lines",
            f"{sum(file.rejected_rows for file in own):,} rejected",
        ]
        filtered = sum(file.filtered_rows for file in own)
        repeated = sum(file.repeated_rows for file in own)
        parts += [f"{filtered:,} filtered"] if filtered else []
        parts += [f"{repeated:,} repeated"] if repeated else []
        progress(f"{name}: {', '.join(parts)}")
    if skipped:
        progress(f"{skipped:,} files already loaded")
