"""What a run tells the models: the source `run`, and `reference` beside it.

Does not belong here: deciding what the run is (build.py, replay.py), raw rows (raw_store.py), and
published history (history.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration import __version__
from orchestration.clock import Observation
from orchestration.reference import create_reference

_SETTINGS = """
create table run.settings (
    run_id varchar,
    as_of timestamp,
    previous_as_of timestamp,
    built_at timestamp,
    project_version varchar,
    reporting_currency varchar,
    business_time_zone varchar,
    default_country varchar
)
"""


@dataclass(frozen=True)
class RunSettings:
    """The one row of `run.settings`.

    Attributes:
        run_id: of the refresh or the replay.
        as_of: the instant it describes; of several, the last.
        previous_as_of: of the release before, or None.
        built_at: when it started.
        reporting_currency: ISO 4217 code, or None.
        business_time_zone: IANA name.
        default_country: ISO 3166 code, or None.
    """

    run_id: str
    as_of: datetime
    previous_as_of: datetime | None
    built_at: datetime
    reporting_currency: str | None
    business_time_zone: str
    default_country: str | None


def tell_run(connection: duckdb.DuckDBPyConnection, settings: RunSettings, reference: Path) -> None:
    """Create `run.settings` and the schema `reference`.

    Args:
        connection: to the work database.
        settings: its one row.
        reference: folder in which tables of libraries are kept.
    """
    connection.execute("create schema if not exists run")
    connection.execute(_SETTINGS)
    create_reference(connection, reference)
    connection.execute(
        "insert into run.settings values (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            settings.run_id,
            settings.as_of,
            settings.previous_as_of,
            settings.built_at,
            __version__,
            settings.reporting_currency,
            settings.business_time_zone,
            settings.default_country,
        ],
    )


def tell_observations(
    connection: duckdb.DuckDBPyConnection, observations: Sequence[Observation]
) -> None:
    """Create `run.observations`, and the spine of its instants."""
    connection.execute(
        "create table run.observations (segment_model varchar, as_of timestamp, basis varchar)"
    )
    connection.executemany(
        "insert into run.observations values (?, ?, ?)",
        [(item.segment_model, item.as_of, item.basis) for item in observations],
    )
    connection.execute(
        "create table run.as_of_spine as select distinct as_of, basis from run.observations"
    )
