"""Dagster's own record of runs: opened fast, and replaced when it is broken.

SQLite waits for the disk after each of the hundreds of events of a run, which took longer than the
run. The record of runs is not the business's data (releases are, and they are synced), so it may
lose its last events in a power cut; if it is damaged, it is put aside and begun anew. Does not
belong here: releases.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import dagster as dg
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DatabaseError


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
    instance = dg.DagsterInstance.get()
    try:
        instance.get_runs(limit=1)
    except (DatabaseError, sqlite3.DatabaseError):
        instance.dispose()
        home = Path(os.environ["DAGSTER_HOME"])
        for name in ("history", "schedules", "storage"):
            folder = home / name
            if folder.exists():
                folder.rename(folder.with_name(f"{name}.damaged-{os.getpid()}"))
        instance = dg.DagsterInstance.get()
    return instance
