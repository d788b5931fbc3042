"""Dagster's own record of runs: written fast, and replaced when it is broken.

Each of the hundreds of events of a run opened its database anew, compiled its statement anew, asked
which columns there are and waited for the disk, which took longer than the run. The record of runs
is not the business's data (releases are, and they are synced), so it may lose its last events in a
power cut; if it is damaged, it is put aside and begun anew. Does not belong here: releases.
"""

from __future__ import annotations

import os
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError

_OPEN_SHARDS = 4
"""Databases kept open: the index, the run in progress, and those that somebody looks at."""


class OpenEventLogStorage(SqliteEventLogStorage):
    """Dagster's SQLite storage of events, with its databases kept open.

    Named in dagster.yaml. What is stored, and where, is Dagster's own.
    """

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._open: OrderedDict[str, Engine] = OrderedDict()
        self._columns: set[str] = set()
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> OpenEventLogStorage:
        """Where Dagster puts its own below the home that dagster.yaml names."""
        return cls(str(Path(config_value["base_dir"]) / "history" / "runs"), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        if shard not in self._initialized_dbs:
            with super()._connect(shard):
                pass  # makes the database if it is not there
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._open.pop(shard, None)
        if engine is None:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                pool_size=1,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
            )
        self._open[shard] = engine
        if len(self._open) > _OPEN_SHARDS:
            self._open.popitem(last=False)[1].dispose()
        return engine

    def has_table(self, table_name: str) -> bool:
        """Whether the index has the table; one that was there stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        if column_name not in self._columns and super()._has_asset_key_col_on_connection(
            conn, column_name
        ):
            self._columns.add(column_name)
        return column_name in self._columns

    def dispose(self) -> None:
        """Close what is open."""
        super().dispose()
        while self._open:
            self._open.popitem()[1].dispose()


def do_not_wait_for_the_disk() -> None:
    """Let every SQLite connection of this process commit without a sync."""
    if not event.contains(Engine, "connect", _relax):
        event.listen(Engine, "connect", _relax)


def _relax(connection: Any, _: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = off")


def open_instance() -> dg.DagsterInstance:
    """The Dagster instance of DAGSTER_HOME; a damaged record of runs is put aside first."""
    do_not_wait_for_the_disk()
    instance = None
    try:
        # What is damaged is told by the first who opens it: Dagster on its way, or whoever asks.
        instance = dg.DagsterInstance.get()
        instance.get_runs(limit=1)
        instance.all_asset_keys()
    except (DatabaseError, sqlite3.DatabaseError):
        if instance is not None:
            instance.dispose()
        home = Path(os.environ["DAGSTER_HOME"])
        for name in ("history", "schedules", "storage"):
            folder = home / name
            if folder.exists():
                folder.rename(folder.with_name(f"{name}.damaged-{os.getpid()}"))
        instance = dg.DagsterInstance.get()
    return instance
