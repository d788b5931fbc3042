"""Published history: the state that a release keeps for the next, as Parquet partitions.

Each release has, per table, one file with what it observed at its own as_of and one with what it
filled in, beside hard links to the files of the release before (docs/decisions/0001). Does not
belong here: what history means (models/membership, models/identity), the marts, flipping releases.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.database import literal, tables

STATE_TABLES: dict[str, dict[str, str]] = {
    "segment_changes": {
        "segment_key": "varchar",
        "entity": "varchar",
        "member_id": "varchar",
        "event": "varchar",
        "as_of": "timestamp",
        "definition_version": "varchar",
        "basis": "varchar",
    },
    "segment_observations": {
        "segment_key": "varchar",
        "segment_model": "varchar",
        "as_of": "timestamp",
        "definition_version": "varchar",
        "basis": "varchar",
    },
    "identity_changes": {
        "record_id": "varchar",
        "previous_customer_id": "varchar",
        "customer_id": "varchar",
        "identity_change": "varchar",
        "as_of": "timestamp",
        "basis": "varchar",
    },
    "programme_baselines": {
        "programme": "varchar",
        "segment_key": "varchar",
        "before_start": "date",
        "before_end": "date",
        "metric": "varchar",
        "numerator": "decimal(38, 4)",
        "denominator": "decimal(38, 4)",
        "sample_size": "bigint",
        "quality_verdict": "varchar",
        "as_of": "timestamp",
        "basis": "varchar",
    },
}
"""The tables of the state and their columns, in order."""

# Releases from before accounts had segments: every member was a customer, under this name.
_BEFORE_ACCOUNTS = {"entity": "'customer'", "member_id": "customer_id"}


def load_state(
    connection: duckdb.DuckDBPyConnection,
    release_folder: Path | None,
    as_of: datetime,
    renames: Mapping[str, str],
) -> None:
    """Create the schema `state`: a release's history before `as_of`, as the models know it.

    Args:
        connection: to the work database.
        release_folder: of the release to start from; None for the first refresh.
        as_of: of the refresh; a refresh at the same instant observes it anew.
        renames: present key by former key, of segments that were renamed.
    """
    connection.execute("create schema if not exists state")
    for table, columns in STATE_TABLES.items():
        listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"create table state.{table} ({listed})")
        paths = prior_state_files(release_folder, table, as_of) if release_folder else []
        if paths:
            _insert(connection, table, [str(path) for path in paths])
    for former, present in sorted(renames.items()):
        for table in ("segment_changes", "segment_observations", "programme_baselines"):
            connection.execute(
                f"update state.{table} set segment_key = ? where segment_key = ?", [present, former]
            )
        connection.execute(
            "update state.segment_observations set segment_model = ? where segment_model = ?",
            [f"seg_{present}", f"seg_{former}"],
        )


def _insert(connection: duckdb.DuckDBPyConnection, table: str, paths: Sequence[str]) -> None:
    rows = "read_parquet(?, union_by_name = true)"
    described = connection.execute(f"describe from {rows}", [paths]).fetchall()
    there = {str(row[0]) for row in described}
    values = []
    for name in STATE_TABLES[table]:
        former = _BEFORE_ACCOUNTS.get(name) if table == "segment_changes" else None
        if name not in there:
            values.append(former or "null")
        elif former and "customer_id" in there:
            values.append(f"coalesce({name}, {former})")
        else:
            values.append(name)
    connection.execute(f"insert into state.{table} select {', '.join(values)} from {rows}", [paths])


def write_state(
    connection: duckdb.DuckDBPyConnection,
    before: Path | None,
    folder: Path,
    *,
    as_of: datetime,
    run_id: str,
) -> None:
    """Write the state of a release: the partitions of the release before, shared, and the new.

    Args:
        connection: to the audited work database.
        before: folder of the release before, if there is one.
        folder: of the new release.
        as_of: of the release.
        run_id: of the release.
    """
    built = tables(connection)
    for table in STATE_TABLES:
        target = folder / "state" / table
        target.mkdir(parents=True)
        # What this release does not observe at all (kpis: false) stands as it was.
        observed_at = as_of if table in built else None
        for path in prior_state_files(before, table, observed_at) if before else []:
            os.link(path, target / path.name)
        if table not in built:
            continue
        for basis, name in (
            ("published", f"published__{_instant_name(as_of)}__{run_id}"),
            ("backfilled", f"backfilled__{run_id}"),
        ):
            connection.execute(
                f"copy (select * exclude (is_new) from main.{table} "
                f"where is_new and basis = '{basis}' order by all) "
                f"to {literal(target / f'{name}.parquet')} (format parquet, compression zstd)"
            )


def prior_state_files(release_folder: Path, table: str, as_of: datetime | None) -> list[Path]:
    """The state of a release that a refresh at `as_of` starts from: what lies before that instant.

    A refresh at the same instant observes it anew and replaces what was observed then; one that
    does not observe the table (None) replaces nothing.
    """
    folder = release_folder / "state" / table
    paths = sorted(folder.glob("*.parquet"))
    if as_of is None:
        return paths
    replaced = f"published__{_instant_name(as_of)}__"
    return [path for path in paths if not path.name.startswith(replaced)]


def _instant_name(as_of: datetime) -> str:
    """The part of a file's name that tells the observed instant; it sorts by time."""
    return as_of.strftime("%Y%m%dT%H%M%S%f")
