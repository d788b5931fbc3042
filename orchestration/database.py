"""Connections to DuckDB, all of one kind, and values and names as they stand in its SQL.

Does not belong here: dbt's own connection (profiles.yml), statements.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb


def connect(
    path: Path | None = None, *, read_only: bool = False, config: dict[str, Any] | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection whose times are UTC and which prints nothing.

    Args:
        path: of the database file; None for one in memory.
        read_only: others may read it too.
        config: DuckDB settings.
    """
    connection = duckdb.connect(
        ":memory:" if path is None else str(path), read_only=read_only, config=config or {}
    )
    connection.execute("set timezone = 'UTC'")
    # DuckDB draws a bar over what a command has to say, once a query takes two seconds.
    connection.execute("set enable_progress_bar = false")
    return connection


def tables(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The tables and views of a release, or those that models have made in the work database."""
    rows = connection.execute(
        "select table_name from information_schema.tables where table_schema = 'main'"
    ).fetchall()
    return frozenset(str(name) for (name,) in rows)


def log_beside(database: Path) -> Path:
    """Where DuckDB keeps what was written and is not yet folded into a database file."""
    return database.with_name(database.name + ".wal")


def literal(text: str | Path) -> str:
    """An SQL string literal."""
    return "'" + str(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
