"""The steps of a refresh around dbt: what to tell the models before, what to conclude after.

Each function is one step and works without Dagster; assets.py calls them in order. What a step
learns for the next is kept in one file of the work folder, named after the Dagster run, so that a
step that is run alone finds nothing it could mistake for its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from orchestration import __version__, audit, clock, quality
from orchestration.contract import Contract, load_contract
from orchestration.database import connect
from orchestration.dbt_project import (
    NodeResult,
    data_tests,
    published_tables,
    segment_models,
)
from orchestration.errors import ClienteleError
from orchestration.history import load_state
from orchestration.ingest import ingest
from orchestration.layers import model_names
from orchestration.mapping import Mapping, load_mapping
from orchestration.probable_links import create_probable_links, is_on
from orchestration.publish import Published, publish
from orchestration.raw_store import RawBatch, SourceFile, create_raw_views
from orchestration.retraction import NOTHING, Withdrawal, withdraw
from orchestration.run_sources import RunSettings, tell_observations, tell_run
from orchestration.segment_lineage import read_renames
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import Release, Warehouse

_RUN = "run.json"


@dataclass(frozen=True)
class Run:
    """What a refresh in progress knows of itself.

    Attributes:
        run_id: id of the refresh; dagster_run_id: of the Dagster run that carries it out.
        as_of, built_at: naive UTC.
        business_time_zone, reporting_currency: of the mapping, or found in the files.
        default_country: of the mapping, or None.
        previous_run_id: the release it started from.
        files, batches: those that count once it is published.
        segment_models: models observed in this run.
        accepted: checks that a person lets pass.
        new_files: files loaded by this run; skipped_files: files there before.
    """

    run_id: str
    dagster_run_id: str
    as_of: datetime
    built_at: datetime
    business_time_zone: str
    reporting_currency: str | None
    previous_run_id: str | None
    files: tuple[SourceFile, ...]
    batches: tuple[RawBatch, ...]
    segment_models: tuple[str, ...]
    accepted: tuple[str, ...]
    new_files: int
    skipped_files: int
    default_country: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            **self.__dict__,
            "as_of": self.as_of.isoformat(),
            "built_at": self.built_at.isoformat(),
            "files": [file.to_json() for file in self.files],
            "batches": [batch.to_json() for batch in self.batches],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Run:
        """From plain values."""
        return cls(
            **{
                **values,
                "as_of": datetime.fromisoformat(values["as_of"]),
                "built_at": datetime.fromisoformat(values["built_at"]),
                "files": tuple(SourceFile.from_json(file) for file in values["files"]),
                "batches": tuple(RawBatch.from_json(batch) for batch in values["batches"]),
                "segment_models": tuple(values["segment_models"]),
                "accepted": tuple(values["accepted"]),
            }
        )


def new_run_id(started_at: datetime, dagster_run_id: str) -> str:
    """The id of a refresh: sorts by time, and tells the Dagster run."""
    return f"{started_at:%Y%m%dT%H%M%S%f}Z-{dagster_run_id[:8]}"


def land(
    settings: Settings,
    *,
    dagster_run_id: str,
    manifest: dict[str, Any],
    accepted: Sequence[str],
    progress: Callable[[str], None],
    withdrawal: Withdrawal = NOTHING,
) -> Run:
    """Load new files and prepare the work database: raw views, state, and what the run is told.

    Args:
        settings: of the warehouse.
        dagster_run_id: of the Dagster run that carries the refresh out.
        manifest: of dbt.
        accepted: checks that a person lets pass.
        progress: takes short lines for a person to read.
        withdrawal: files whose rows are to be taken out again, or read again.

    Raises:
        ClienteleError: the landing folder, the mapping, a file or the as_of is at fault.
    """
    warehouse = Warehouse(settings.warehouse)
    previous = warehouse.current_release()
    warehouse.remove_leftovers()
    warehouse.start_work()
    contract = load_contract()
    mapping = load_mapping(settings.mapping_path, contract)
    started_at = datetime.now(UTC)
    run_id = new_run_id(started_at, dagster_run_id)
    _check_landing(settings)
    before = previous.files if previous else ()
    withdrawn = withdraw(before, withdrawal, settings.landing, started_at)
    result = ingest(
        landing=settings.landing,
        warehouse=settings.warehouse,
        mapping=mapping,
        contract=contract,
        known=withdrawn.known,
        run_id=run_id,
        loaded_at=started_at,
        progress=progress,
        rest_seconds=settings.rest_seconds,
    )
    for message in (*withdrawn.messages, *result.messages):
        progress(message)
    files = withdrawn.files + result.files
    batches = (previous.batches if previous else ()) + result.batches
    with connect(warehouse.work_database) as connection:
        create_raw_views(
            connection,
            contract=contract,
            warehouse=settings.warehouse,
            batches=batches,
            files=files,
        )
        built_at = started_at.replace(tzinfo=None)
        span = _ordered_span(connection)
        as_of = _choose_as_of(settings, mapping, previous, span, built_at)
        run = Run(
            run_id=run_id,
            dagster_run_id=dagster_run_id,
            as_of=as_of,
            built_at=built_at,
            business_time_zone=mapping.business_time_zone,
            reporting_currency=mapping.reporting_currency or _only_currency(connection),
            previous_run_id=previous.run_id if previous else None,
            files=files,
            batches=batches,
            segment_models=segment_models(settings, manifest),
            accepted=tuple(accepted),
            new_files=len(result.files),
            skipped_files=result.skipped_files,
            default_country=mapping.default_country,
        )
        _tell(connection, warehouse, contract, run, previous, span)
        create_probable_links(
            connection,
            settings.warehouse,
            wanted=is_on(settings),
            is_first=previous is None,
            tell=progress,
        )
    (warehouse.work / _RUN).write_text(json.dumps(run.to_json(), indent=1), encoding="utf-8")
    return run


def current_run(settings: Settings, dagster_run_id: str) -> Run:
    """The refresh in progress, if it is that of this Dagster run.

    Raises:
        ClienteleError: it is not; the step was started without those before it.
    """
    try:
        text = (Warehouse(settings.warehouse).work / _RUN).read_text(encoding="utf-8")
        run = Run.from_json(json.loads(text))
    except (OSError, ValueError, KeyError, TypeError):
        run = None
    if run is None or run.dagster_run_id != dagster_run_id:
        raise ClienteleError(
            "nothing was published: this step was started without the steps before it, so there is "
            "no audit of this build",
            remedy="run the whole refresh: make refresh, or the job `refresh` in Dagster",
        )
    return run


def _check_landing(settings: Settings) -> None:
    if not settings.landing.is_dir():
        raise ClienteleError(
            "the landing folder does not exist",
            where=str(settings.landing),
            remedy="put your files there, or set CLIENTELE_LANDING to the folder that has them",
        )


@dataclass(frozen=True)
class _Span:
    first: datetime
    last: datetime


def _ordered_span(connection: duckdb.DuckDBPyConnection) -> _Span:
    row = connection.execute(
        """
        select
            min(ordered_at),
            max(ordered_at)
        from (select ordered_at from raw.orders union all select ordered_at from raw.order_lines)
        """
    ).fetchone()
    if row is None or row[0] is None:
        raise ClienteleError(
            "not one order with a time was accepted",
            where="landing",
            remedy="check that orders, or order_lines, carry ordered_at and are not in quarantine",
        )
    return _Span(row[0], row[1])


def _only_currency(connection: duckdb.DuckDBPyConnection) -> str | None:
    rows = connection.execute(
        """
        select distinct upper(trim(currency))
        from (
            select currency from raw.orders
            union all
            select currency from raw.order_lines
            union all
            select currency from raw.refunds
        ) as currencies
        where currency is not null
        """
    ).fetchall()
    if len(rows) > 1:
        names = ", ".join(sorted(str(row[0]) for row in rows))
        raise ClienteleError(
            f"amounts are in several currencies ({names}) and none is declared",
            where="mapping.yml",
            remedy="add reporting_currency",
        )
    return str(rows[0][0]) if rows else None


def _choose_as_of(
    settings: Settings, mapping: Mapping, previous: Release | None, span: _Span, built_at: datetime
) -> datetime:
    zone = mapping.business_time_zone
    before = previous.as_of if previous else None
    if settings.as_of is None:
        return clock.default_as_of(span.last, built_at, before, zone)
    as_of = clock.parse_as_of(settings.as_of, zone)
    if before is not None and as_of < before:
        raise ClienteleError(
            f"{settings.as_of} is before the current release, as of {before.isoformat()} UTC",
            where="CLIENTELE_AS_OF",
            remedy="a refresh only goes forward; `clientele replay --from DAY --to DAY` shows "
            "earlier days",
        )
    return as_of


def _tell(
    connection: duckdb.DuckDBPyConnection,
    warehouse: Warehouse,
    contract: Contract,
    run: Run,
    previous: Release | None,
    span: _Span,
) -> None:
    """Write the sources `run`, `reference` and `state`."""
    tell_run(
        connection,
        RunSettings(
            run_id=run.run_id,
            as_of=run.as_of,
            previous_as_of=previous.as_of if previous else None,
            built_at=run.built_at,
            reporting_currency=run.reporting_currency,
            business_time_zone=run.business_time_zone,
            default_country=run.default_country,
        ),
        warehouse.reference,
    )
    load_state(
        connection,
        warehouse.current.resolve() if previous else None,
        run.as_of,
        read_renames(PROJECT_DIR),
    )
    observed = connection.execute(
        "select distinct segment_model from state.segment_observations "
        "where segment_model is not null"
    ).fetchall()
    observations = clock.plan_observations(
        segment_models=run.segment_models,
        observed_models=[str(row[0]) for row in observed],
        as_of=run.as_of,
        month_ends=clock.month_ends_before(run.as_of, span.first, run.business_time_zone),
    )
    tell_observations(connection, observations)


def conclude(
    settings: Settings,
    run: Run,
    *,
    manifest: dict[str, Any],
    results: Sequence[NodeResult],
    expectations: Sequence[audit.Check],
) -> tuple[audit.Check, ...]:
    """Audit the build: join dbt's tests and the expectations; record and seal.

    Returns:
        Every check, passed or not.
    """
    warehouse = Warehouse(settings.warehouse)
    database = warehouse.work_database
    checks = (*audit.dbt_checks(manifest, results, database), *expectations)
    audit.record(database, checks, datetime.now(UTC).replace(tzinfo=None))
    audit.seal(
        warehouse,
        run_id=run.run_id,
        dagster_run_id=run.dagster_run_id,
        checks=checks,
        accepted=run.accepted,
    )
    return checks


def check_names(manifest: dict[str, Any]) -> set[str]:
    """The names of every check that an audit must hold."""
    return {audit.test_name(node) for node in data_tests(manifest).values()} | set(
        quality.expectation_names(quality.suites_of(model_names(manifest)))
    )


def release_build(settings: Settings, run: Run, *, manifest: dict[str, Any]) -> Published:
    """Publish the build if its own audit says so.

    Raises:
        ClienteleError: it does not.
    """
    warehouse = Warehouse(settings.warehouse)
    checks = audit.verified(
        warehouse,
        run_id=run.run_id,
        dagster_run_id=run.dagster_run_id,
        expected=check_names(manifest),
    )
    with connect(warehouse.work_database, read_only=True) as connection:
        row_counts = quality.row_counts(connection)
        versions = dict(
            connection.execute("select segment_key, definition_version from segments").fetchall()
        )
    accepted = tuple(
        sorted({check.name for check in checks if not check.passed and check.name in run.accepted})
    )
    release = Release(
        run_id=run.run_id,
        as_of=run.as_of,
        built_at=run.built_at,
        project_version=__version__,
        business_time_zone=run.business_time_zone,
        reporting_currency=run.reporting_currency,
        previous_run_id=run.previous_run_id,
        files=run.files,
        batches=run.batches,
        segment_models=run.segment_models,
        accepted_checks=accepted,
        checks={
            "passed": sum(check.passed for check in checks),
            "warned": sum(not check.passed and check.severity == "warn" for check in checks),
            "accepted": sum(not check.passed and check.name in accepted for check in checks),
        },
        definition_versions=versions,
        row_counts=row_counts,
    )
    published = publish(
        warehouse, release=release, tables=published_tables(manifest), checks=checks
    )
    warehouse.remove_old_releases()
    return published
