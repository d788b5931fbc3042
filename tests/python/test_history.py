"""The state that releases hand on: read as today's models know it, whoever wrote it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.errors import ClienteleError
from orchestration.history import STATE_TABLES, load_state, write_state
from orchestration.segment_lineage import read_renames, renames

JANUARY, FEBRUARY, MARCH = (datetime(2026, month, 1) for month in (1, 2, 3))


def lineage(*rows: tuple[str, str, str]) -> list[dict[str, str]]:
    return [dict(zip(("segment_key", "change", "successor_key"), row, strict=True)) for row in rows]


def partition(folder: Path, table: str, name: str, query: str) -> None:
    target = folder / "state" / table
    target.mkdir(parents=True, exist_ok=True)
    duckdb.execute(f"copy ({query}) to '{target / name}.parquet' (format parquet)")


def loaded(
    folder: Path | None, as_of: datetime, renamed: dict[str, str] | None = None
) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    load_state(connection, folder, as_of, renamed or {})
    return connection


def rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"from state.{table} order by all").fetchall()


def work_database() -> duckdb.DuckDBPyConnection:
    """What a build observes of its own, before anything is in it."""
    work = duckdb.connect()
    for table, columns in STATE_TABLES.items():
        listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        work.execute(f"create table {table} ({listed}, is_new boolean)")
    return work


def test_the_first_refresh_starts_from_empty_tables() -> None:
    connection = loaded(None, JANUARY)
    for table, columns in STATE_TABLES.items():
        assert rows(connection, table) == []
        described = connection.execute(f"describe state.{table}").fetchall()
        assert [row[0] for row in described] == list(columns)


def test_members_of_releases_from_before_accounts_are_customers(tmp_path: Path) -> None:
    """Partitions of both kinds lie in one folder, as after an upgrade."""
    partition(
        tmp_path,
        "segment_changes",
        "old",
        "select 'vip' as segment_key, 'c1' as customer_id, 'entered' as event, "
        "timestamp '2026-01-01' as as_of, 'v' as definition_version, 'published' as basis",
    )
    old = ("vip", "customer", "c1", "entered", JANUARY, "v", "published")
    assert rows(loaded(tmp_path, MARCH), "segment_changes") == [old]
    partition(
        tmp_path,
        "segment_changes",
        "new",
        "select 'b2b' as segment_key, 'account' as entity, 'a1' as member_id, 'entered' as event, "
        "timestamp '2026-02-01' as as_of, 'v' as definition_version, 'published' as basis",
    )
    new = ("b2b", "account", "a1", "entered", FEBRUARY, "v", "published")
    assert rows(loaded(tmp_path, MARCH), "segment_changes") == [new, old]


def test_what_is_written_is_read_again_but_not_at_its_own_instant(tmp_path: Path) -> None:
    """A refresh at the same as_of observes it anew; what it filled in before stays."""
    work = work_database()
    work.execute(
        "insert into segment_changes values "
        "('s', 'customer', 'c', 'entered', '2026-01-01', 'v', 'backfilled', true), "
        "('s', 'customer', 'd', 'entered', '2026-02-01', 'v', 'published', true), "
        "('s', 'customer', 'e', 'entered', '2025-12-01', 'v', 'published', false)"
    )
    first = tmp_path / "first"
    write_state(work, None, first, as_of=FEBRUARY, run_id="run1")
    filled = ("s", "customer", "c", "entered", JANUARY, "v", "backfilled")
    observed = ("s", "customer", "d", "entered", FEBRUARY, "v", "published")
    assert rows(loaded(first, MARCH), "segment_changes") == [filled, observed]
    assert rows(loaded(first, FEBRUARY), "segment_changes") == [filled]

    second = tmp_path / "second"
    work.execute("update segment_changes set is_new = false")
    write_state(work, first, second, as_of=MARCH, run_id="run2")
    shared = second / "state/segment_changes/backfilled__run1.parquet"
    assert shared.samefile(first / "state/segment_changes/backfilled__run1.parquet")
    assert rows(loaded(second, MARCH.replace(day=2)), "segment_changes") == [filled, observed]


def test_what_a_release_does_not_observe_stands_as_it_was(tmp_path: Path) -> None:
    """A refresh without metrics, at the very instant at which a baseline was first seen."""
    work = work_database()
    work.execute(
        "insert into programme_baselines (programme, metric, as_of, basis, is_new) "
        "values ('p', 'revenue', '2026-02-01', 'published', true)"
    )
    first, second = tmp_path / "first", tmp_path / "second"
    write_state(work, None, first, as_of=FEBRUARY, run_id="run1")
    work.execute("drop table programme_baselines")
    work.execute("create schema state")
    work.execute("create table state.programme_baselines (programme varchar)")
    write_state(work, first, second, as_of=FEBRUARY, run_id="run2")
    kept = [row[0] for row in rows(loaded(second, MARCH), "programme_baselines")]
    assert kept == ["p"]


def test_a_renamed_segment_keeps_its_history_under_its_present_key(tmp_path: Path) -> None:
    seed = tmp_path / "seeds" / "segment_lineage.csv"
    seed.parent.mkdir()
    seed.write_text(
        "segment_key,change,successor_key,changed_on,reason\n"
        "z,renamed,m,2026-01-02,\nm,renamed,c,2026-01-03,\nx,merged,c,2026-01-03,\n",
        encoding="utf-8",
    )
    partition(
        tmp_path,
        "segment_changes",
        "old",
        "select unnest(['z', 'm', 'x']) as segment_key, 'customer' as entity, 'c1' as member_id, "
        "'entered' as event, timestamp '2026-01-01' as as_of, 'v' as definition_version, "
        "'published' as basis",
    )
    partition(
        tmp_path,
        "segment_observations",
        "old",
        "select unnest(['z', 'x']) as segment_key, 'seg_' || segment_key as segment_model, "
        "timestamp '2026-01-01' as as_of, 'v' as definition_version, 'published' as basis",
    )
    connection = loaded(tmp_path, MARCH, read_renames(tmp_path))
    assert [row[0] for row in rows(connection, "segment_changes")] == ["c", "c", "x"]
    assert [row[:2] for row in rows(connection, "segment_observations")] == [
        ("c", "seg_c"),
        ("x", "seg_x"),
    ]


def test_names_that_lead_nowhere_are_refused() -> None:
    with pytest.raises(ClienteleError) as circle:
        renames(lineage(("a", "renamed", "b"), ("b", "renamed", "a")))
    assert "seeds/segment_lineage.csv" in circle.value.sentence
    assert "renamed in a circle" in circle.value.sentence
    with pytest.raises(ClienteleError) as twice:
        renames(lineage(("a", "renamed", "b"), ("a", "renamed", "c")))
    assert "segment a was renamed to b and to c" in twice.value.sentence
