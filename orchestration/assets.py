"""The refresh as Dagster assets: landing, models, audit, release, in this order and no other.

The gate is between steps, not within one: the audit and the release are steps of their own, so a
failed check stops publication whatever was selected, and the release verifies the audit itself.
Does not belong here: the logic of a step (build.py), schedules and jobs (definitions.py).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration import audit, build
from orchestration.column_tests import KINDS, column_tests, run_column_tests
from orchestration.dbt_project import (
    RUN_RESULTS,
    NodeResult,
    data_tests,
    fault_in_words,
    read_manifest,
    read_results,
)
from orchestration.dbt_worker import DbtWorker
from orchestration.errors import ClienteleError
from orchestration.layers import model_names
from orchestration.progress import say
from orchestration.quality import suites_of
from orchestration.quality_worker import QualityWorker
from orchestration.retraction import Withdrawal
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

POOL = "warehouse"
"""Everything that touches the work database runs one at a time."""

AUDIT_KEY = dg.AssetKey(["quality", "audit"])
RELEASE_KEY = dg.AssetKey(["published", "release"])
_PROGRESS_SECONDS = 5.0
_COLUMN_TESTS = "tests_of_columns"


class RefreshConfig(dg.Config):
    """What a run may ask of a refresh.

    Attributes:
        as_of: ISO date or timestamp; empty for the setting or the default.
        accept: names of checks that may fail once.
        retract: files whose rows are to be taken out again.
        retry: files that are to be read again under the present mapping.
        reason: why.
    """

    as_of: str = ""
    accept: list[str] = []  # noqa: RUF012 - a pydantic model copies its defaults
    retract: list[str] = []  # noqa: RUF012
    retry: list[str] = []  # noqa: RUF012
    reason: str = ""


class Workers:
    """The processes of the run in progress that one step starts for a later one.

    Args:
        dbt: a dbt process that waits already.
    """

    def __init__(self, dbt: DbtWorker | None = None) -> None:
        self._dbt = dbt
        self._quality: QualityWorker | None = None

    def start_dbt(self, settings: Settings) -> None:
        """Start dbt unless it waits already."""
        self._dbt = self._dbt or DbtWorker(settings)

    def start_quality(self, settings: Settings) -> None:
        """Start the process of the expectations unless it waits already."""
        self._quality = self._quality or QualityWorker(settings)

    def take_dbt(self, settings: Settings) -> DbtWorker:
        """The dbt process that waits, or a new one."""
        worker, self._dbt = self._dbt or DbtWorker(settings), None
        return worker

    def take_quality(self, settings: Settings) -> QualityWorker:
        """The process of the expectations that waits, or a new one."""
        worker, self._quality = self._quality or QualityWorker(settings), None
        return worker

    def close(self) -> None:
        """End what waits."""
        for worker in (self._dbt, self._quality):
            if worker is not None:
                worker.close()
        self._dbt = self._quality = None


def build_assets(
    settings: Settings, manifest_path: Path, workers: Workers | None = None
) -> list[dg.AssetsDefinition]:
    """The assets of a warehouse.

    Args:
        settings: of the warehouse.
        manifest_path: dbt manifest parsed for it.
        workers: where a dbt worker may wait already.
    """
    manifest = read_manifest(manifest_path)
    workers = workers or Workers()
    models = _models(settings, manifest, workers)
    return [
        _landing(settings, manifest, workers),
        models,
        _audit(settings, manifest, models, workers),
        _release(settings, manifest, models),
    ]


def _said(context: dg.AssetExecutionContext) -> Callable[[str], None]:
    def tell(text: str) -> None:
        context.log.info(text)
        say(text)

    return tell


def as_failure(error: ClienteleError) -> dg.Failure:
    """What a fault is to Dagster: its sentence, and nothing to try again."""
    return dg.Failure(description=error.sentence, allow_retries=False)


def _landing(settings: Settings, manifest: dict[str, Any], workers: Workers) -> dg.AssetsDefinition:
    keys = [
        dg.AssetKey([source["source_name"], source["name"]])
        for source in manifest["sources"].values()
        if source["package_name"] == "clientele"
    ]

    @dg.multi_asset(
        name="landing",
        specs=[dg.AssetSpec(key, group_name="landing") for key in sorted(keys)],
        pool=POOL,
    )
    def landing(
        context: dg.AssetExecutionContext, config: RefreshConfig
    ) -> Iterator[dg.MaterializeResult[None]]:
        """Load what is new in the landing folder and tell the models what this run is."""
        asked = replace(settings, as_of=config.as_of) if config.as_of else settings
        names = build.check_names(manifest)
        unknown = sorted(set(config.accept) - names)
        try:
            if unknown:
                raise ClienteleError(
                    f"there is no check named {', '.join(unknown)}",
                    where="--accept",
                    remedy="take the name from the message of the check, or from quality_results",
                )
            workers.start_dbt(settings)
            with Warehouse(settings.warehouse).lock():
                run = build.land(
                    asked,
                    dagster_run_id=context.run_id,
                    manifest=manifest,
                    accepted=config.accept,
                    withdrawal=Withdrawal(
                        tuple(config.retract), tuple(config.retry), config.reason or None
                    ),
                    progress=_said(context),
                )
        except BaseException as error:
            workers.close()
            if isinstance(error, ClienteleError):
                raise as_failure(error) from error
            raise
        rows: dict[str, int] = {}
        for batch in run.batches:
            rows[batch.entity] = rows.get(batch.entity, 0) + batch.rows
        for key in sorted(keys):
            yield dg.MaterializeResult(
                key, metadata={"rows": rows.get(key.path[-1], 0)} if key.path[0] == "raw" else {}
            )

    return landing


def _asset_specs(manifest: dict[str, Any]) -> list[dg.AssetSpec]:
    """An asset per seed and model, with dbt's own lineage."""
    specs = []
    for node in _nodes(manifest):
        if node["resource_type"] in {"model", "seed"}:
            folder = node["fqn"][1] if node["resource_type"] == "model" else "seeds"
            specs.append(
                dg.AssetSpec(
                    _asset_key(manifest, node["unique_id"]),
                    deps=[
                        _asset_key(manifest, parent)
                        for parent in node.get("depends_on", {}).get("nodes", [])
                    ],
                    description=node["description"],
                    group_name=folder,
                    kinds={"dbt", "duckdb"},
                )
            )
    return specs


def _dbt_tests(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The data tests that dbt runs in a refresh: all but those that columns declare."""
    columns = column_tests(manifest)
    return {name: node for name, node in data_tests(manifest).items() if name not in columns}


def _check_specs(manifest: dict[str, Any]) -> dict[str, dg.AssetCheckSpec]:
    """A check per data test of dbt's, on the table it looks at; blocking where it is an error."""
    models = {node["name"]: node["unique_id"] for node in _nodes(manifest)}
    specs = {}
    for unique_id, node in _dbt_tests(manifest).items():
        target = node.get("attached_node") or models.get(
            node["config"].get("meta", {}).get("target", ""), ""
        )
        # A test whose SQL cannot be rendered has no parents; dbt says why when it is run.
        parents = [name for name in node["depends_on"]["nodes"] if name in manifest["nodes"]]
        parents.append("model.clientele.quality_results")
        specs[unique_id] = dg.AssetCheckSpec(
            name=audit.test_name(node),
            asset=_asset_key(manifest, target or parents[0]),
            blocking=node["config"]["severity"].lower() == "error",
            description=node.get("description") or None,
        )
    return specs


def _nodes(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["package_name"] == "clientele"]


def _asset_key(manifest: dict[str, Any], unique_id: str) -> dg.AssetKey:
    if unique_id in manifest["sources"]:
        source = manifest["sources"][unique_id]
        return dg.AssetKey([source["source_name"], source["name"]])
    node = manifest["nodes"][unique_id]
    folder = node["fqn"][1] if node["resource_type"] == "model" else "seeds"
    return dg.AssetKey([folder, node["name"]])


def _models(settings: Settings, manifest: dict[str, Any], workers: Workers) -> dg.AssetsDefinition:
    checks = _check_specs(manifest)

    @dg.multi_asset(
        name="models",
        specs=_asset_specs(manifest),
        check_specs=list(checks.values()),
        pool=POOL,
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        """Build every model and run the tests that have a file; a failed one stops what follows."""
        tell = _said(context)
        try:
            with Warehouse(settings.warehouse).lock(), workers.take_dbt(settings) as worker:
                run = build.current_run(settings, context.run_id)
                # The audit's library takes seconds to import: now, while dbt waits for queries.
                workers.start_quality(settings)
                yield from _build_models(settings, manifest, checks, worker, run, tell)
        except BaseException as error:
            workers.close()
            if isinstance(error, ClienteleError):
                raise as_failure(error) from error
            raise

    return models


def _build_models(
    settings: Settings,
    manifest: dict[str, Any],
    checks: dict[str, dg.AssetCheckSpec],
    worker: DbtWorker,
    run: build.Run,
    tell: Callable[[str], None],
) -> Iterator[Any]:
    (settings.dbt_target_path / RUN_RESULTS).unlink(missing_ok=True)
    command = ["build", "--exclude-resource-type", "unit_test", "--exclude"]
    accepted = _accepted_tests(manifest, run)
    command += [*(f"test_name:{kind}" for kind in KINDS), *accepted.values()]
    total, told = len(checks) + len(_asset_specs(manifest)), time.monotonic()
    statuses: dict[str, int] = {}
    for node in worker.run(command):
        statuses[node.status] = statuses.get(node.status, 0) + 1
        if time.monotonic() - told > _PROGRESS_SECONDS:
            told = time.monotonic()
            tell(f"models: {sum(statuses.values())} of {total} models and tests")
        if node.unique_id in checks:
            spec = checks[node.unique_id]
            yield dg.AssetCheckResult(
                check_name=spec.name,
                asset_key=spec.asset_key,
                passed=node.status == "pass",
                severity=(
                    dg.AssetCheckSeverity.ERROR if spec.blocking else dg.AssetCheckSeverity.WARN
                ),
            )
        elif node.status == "success":
            yield dg.MaterializeResult(_asset_key(manifest, node.unique_id))
    results = read_results(settings.dbt_target_path)
    if any(result.status in {"fail", "error"} for result in results):
        made = {result.unique_id for result in results if result.status == "success"}
        results += run_column_tests(
            manifest,
            Warehouse(settings.warehouse).work_database,
            missing=manifest["nodes"].keys() - made,
        )
        raise _fault(settings, manifest, results, run.accepted)
    for test in accepted:
        # Told by the audit, which runs it on its own; Dagster wants a word on every check.
        spec = checks[test]
        yield dg.AssetCheckResult(
            check_name=spec.name,
            asset_key=spec.asset_key,
            passed=True,
            metadata={"accepted": "a person let this check pass once"},
        )
    tell(
        f"models: {statuses.get('success', 0)} built, {statuses.get('pass', 0)} tests passed, "
        f"{statuses.get('warn', 0)} warned"
    )


def _accepted_tests(manifest: dict[str, Any], run: build.Run) -> dict[str, str]:
    """Names of dbt's tests that a person lets pass, by unique id."""
    names = {test: audit.test_name(node) for test, node in _dbt_tests(manifest).items()}
    return {test: name for test, name in names.items() if name in run.accepted}


def _fault(
    settings: Settings,
    manifest: dict[str, Any],
    results: Sequence[NodeResult],
    accepted: Sequence[str],
) -> ClienteleError:
    """Why the build stopped, in the words of the test that failed or of the model that broke."""
    ran = [result for result in results if result.status in {"fail", "error"}]
    checks = audit.dbt_checks(manifest, ran, Warehouse(settings.warehouse).work_database)
    failures = [
        check for check in audit.stopping(checks, accepted) if check.observed != "not evaluated"
    ]
    if failures:
        first = audit.first_cause(manifest, failures)
        more = f" ({len(failures) - 1} more failed)" if len(failures) > 1 else ""
        return ClienteleError(f"nothing was published: {first.sentence}{more}")
    broken = [result for result in ran if not result.unique_id.startswith("test.")]
    return ClienteleError(f"nothing was published: {fault_in_words(broken[0].message)}")


def _audit(
    settings: Settings,
    manifest: dict[str, Any],
    models: dg.AssetsDefinition,
    workers: Workers,
) -> dg.AssetsDefinition:
    specs = [
        dg.AssetCheckSpec(
            name=expected.name,
            asset=AUDIT_KEY,
            blocking=True,
            description=expected.fault,
        )
        for suite in suites_of(model_names(manifest))
        for expected in suite.expectations
    ]
    column_spec = dg.AssetCheckSpec(
        name=_COLUMN_TESTS,
        asset=AUDIT_KEY,
        blocking=True,
        description="keys, required values and value lists that the columns of every table declare",
    )

    @dg.multi_asset(
        name="audit",
        specs=[dg.AssetSpec(AUDIT_KEY, deps=sorted(models.keys), group_name="quality")],
        check_specs=[column_spec, *specs],
        pool=POOL,
    )
    def audit_build(context: dg.AssetExecutionContext) -> Iterator[Any]:
        """Hold the build against every check, record the outcomes and seal the work database."""
        tell = _said(context)
        try:
            with Warehouse(settings.warehouse).lock():
                run = build.current_run(settings, context.run_id)
                results = read_results(settings.dbt_target_path)
                results += _accepted_results(settings, manifest, run)
                database = Warehouse(settings.warehouse).work_database
                with workers.take_quality(settings) as worker:
                    worker.begin(model_names(manifest))
                    results += run_column_tests(manifest, database)
                    expectations = worker.outcome()
                checks = build.conclude(
                    settings, run, manifest=manifest, results=results, expectations=expectations
                )
        except ClienteleError as error:
            raise as_failure(error) from error
        yield _column_check(manifest, checks, run.accepted)
        named = {spec.name for spec in specs}
        for check in checks:
            if check.name in named:
                yield dg.AssetCheckResult(
                    check_name=check.name,
                    asset_key=AUDIT_KEY,
                    passed=check.passed or check.name in run.accepted,
                    severity=(
                        dg.AssetCheckSeverity.ERROR
                        if check.severity == "error"
                        else dg.AssetCheckSeverity.WARN
                    ),
                    metadata={"observed": check.observed, "expected": check.expected},
                )
        passed = sum(check.passed for check in checks)
        failed = audit.stopping(checks, run.accepted)
        tell(f"audit: {passed} of {len(checks)} checks passed, {len(failed)} stop publication")
        if failed:
            first = audit.first_cause(manifest, failed)
            more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
            raise dg.Failure(
                description=f"nothing was published: {first.sentence.rstrip('.')}{more}.",
                allow_retries=False,
            )
        yield dg.MaterializeResult(AUDIT_KEY, metadata={"checks": len(checks)})

    return audit_build


def _column_check(
    manifest: dict[str, Any], checks: Sequence[audit.Check], accepted: Sequence[str]
) -> dg.AssetCheckResult:
    """All tests that columns declare, as one check of Dagster's; quality_results has each."""
    names = {audit.test_name(node) for node in column_tests(manifest).values()}
    told = [check for check in checks if check.name in names]
    failed = [check.name for check in told if not check.passed and check.name not in accepted]
    return dg.AssetCheckResult(
        check_name=_COLUMN_TESTS,
        asset_key=AUDIT_KEY,
        passed=not failed,
        metadata={"tests": len(told), "failed": ", ".join(failed) or "none"},
    )


def _accepted_results(
    settings: Settings, manifest: dict[str, Any], run: build.Run
) -> tuple[NodeResult, ...]:
    """Results of the data tests that a person lets pass: run on their own, so that they stop
    nothing."""
    names = _accepted_tests(manifest, run).values()
    if not names:
        return ()
    (settings.dbt_target_path / RUN_RESULTS).unlink(missing_ok=True)
    with DbtWorker(settings) as worker:
        for _ in worker.run(["test", "--select", *names]):
            pass
    return read_results(settings.dbt_target_path)


def _release(
    settings: Settings, manifest: dict[str, Any], models: dg.AssetsDefinition
) -> dg.AssetsDefinition:
    @dg.asset(
        key=RELEASE_KEY,
        deps=[*sorted(models.keys), AUDIT_KEY],
        group_name="published",
        pool=POOL,
    )
    def release(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Publish the audited build: a release of its own, made current in one flip."""
        try:
            with Warehouse(settings.warehouse).lock():
                run = build.current_run(settings, context.run_id)
                published = build.release_build(settings, run, manifest=manifest)
        except ClienteleError as error:
            raise as_failure(error) from error
        _said(context)(f"release: {published.release.run_id} is current")
        return dg.MaterializeResult(
            metadata={
                "run_id": published.release.run_id,
                "as_of": published.release.as_of.isoformat(),
                "folder": str(published.folder),
                **{f"rows {name}": count for name, count in published.row_counts.items()},
            }
        )

    return release
