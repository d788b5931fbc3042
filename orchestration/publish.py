"""From an audited work database to a release: copied aside, then made current in one flip.

Nothing that readers see changes before the last line of `publish`. Does not belong here: deciding
whether a build may be published (audit.py).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.audit import Check
from orchestration.database import connect, identifier, literal
from orchestration.dbt_project import PublishedTable
from orchestration.history import write_state
from orchestration.warehouse import MARTS, Release, Warehouse, sync_folder

STORAGE_VERSION = "v1.2.0"
"""BI tools carry older DuckDB clients: 1.2 and later open this."""

RELEASE_LOG = "state/release_log.jsonl"


@dataclass(frozen=True)
class Published:
    """What a finished publication leaves: the release, its folder and the rows of its tables."""

    release: Release
    folder: Path
    row_counts: dict[str, int]


def publish(
    warehouse: Warehouse,
    *,
    release: Release,
    tables: Sequence[PublishedTable],
    checks: Sequence[Check],
) -> Published:
    """Write a release beside the old ones and make it current.

    Args:
        warehouse: whose work database is audited and closed.
        release: what its manifest is to say.
        tables: to copy into the marts.
        checks: of the audit, for the quality report.
    """
    final = warehouse.releases / release.run_id
    aside = warehouse.releases / f".{release.run_id}"
    shutil.rmtree(aside, ignore_errors=True)
    (aside / "marts").mkdir(parents=True)
    try:
        row_counts = _write_marts(warehouse.work_database, aside, tables)
        _write_state(warehouse, aside, release)
        _write_json(aside / "quality.json", _quality_report(release, checks))
        _write_json(aside / "manifest.json", release.to_json())
        _seal_folder(aside)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    aside.rename(final)
    sync_folder(warehouse.releases)
    warehouse.flip(release.run_id)
    return Published(release, final, row_counts)


def _write_marts(database: Path, folder: Path, tables: Sequence[PublishedTable]) -> dict[str, int]:
    """Copy the published tables into the marts file and into Parquet; return their row counts."""
    row_counts = {}
    marts = folder / MARTS
    with connect() as connection:
        connection.execute(f"attach {literal(database)} as work (read_only)")
        connection.execute(
            f"attach {literal(marts)} as clientele (storage_version '{STORAGE_VERSION}')"
        )
        for table in tables:
            source = f"work.main.{identifier(table.name)}"
            target = f"clientele.main.{identifier(table.name)}"
            rows = f"select * from {source}"
            if table.current_only:
                rows += " where as_of = (select as_of from work.run.settings)"
            # Sorted by every column, so that equal builds give equal files.
            connection.execute(f"create table {target} as {rows} order by all")
            connection.execute(f"comment on table {target} is {literal(table.description)}")
            for column, description in table.columns.items():
                connection.execute(
                    f"comment on column {target}.{identifier(column)} is {literal(description)}"
                )
            parquet = folder / "marts" / f"{table.name}.parquet"
            connection.execute(
                f"copy (select * from {target} order by all) to {literal(parquet)} "
                "(format parquet, compression zstd)"
            )
            counted = connection.execute(f"select count(*) from {target}").fetchone()
            row_counts[table.name] = int(counted[0]) if counted else 0
        connection.execute("detach clientele")
    return row_counts


def _write_state(warehouse: Warehouse, folder: Path, release: Release) -> None:
    """What the next refresh starts from: published history, and the log of all releases."""
    before = warehouse.current.resolve() if release.previous_run_id else None
    with connect(warehouse.work_database, read_only=True) as connection:
        write_state(connection, before, folder, as_of=release.as_of, run_id=release.run_id)
    log = folder / RELEASE_LOG
    earlier = (before / RELEASE_LOG).read_text(encoding="utf-8") if before else ""
    entry = {
        "run_id": release.run_id,
        "as_of": release.as_of.isoformat(),
        "built_at": release.built_at.isoformat(),
        "batches": [batch.path for batch in release.batches],
        "definition_versions": release.definition_versions,
        "accepted_checks": list(release.accepted_checks),
    }
    log.write_text(earlier + json.dumps(entry, sort_keys=True) + "\n", encoding="utf-8")


def _quality_report(release: Release, checks: Sequence[Check]) -> dict[str, Any]:
    return {
        "run_id": release.run_id,
        "as_of": release.as_of.isoformat(),
        "accepted": list(release.accepted_checks),
        "checks": [
            {
                "check_name": check.name,
                "target": check.target,
                "severity": check.severity,
                "passed": check.passed,
                "observed": check.observed,
                "expected": check.expected,
            }
            for check in checks
        ],
    }


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _seal_folder(folder: Path) -> None:
    """Make every file read-only and durable before the folder gets its final name."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            sync_folder(path)
        elif path.stat().st_nlink == 1:
            path.chmod(0o444)
            with path.open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)
