"""Expectations and the audit: what counts as failed, and what the publisher refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from pipeline import Pipeline

from orchestration import audit
from orchestration.audit import Check
from orchestration.errors import ClienteleError
from orchestration.quality import SUITES, Build, Expected, Suite, evaluate, suites_of
from orchestration.warehouse import Release, Warehouse


def release(**row_counts: int) -> Release:
    return Release(
        run_id="before",
        as_of=datetime(2025, 1, 1),
        built_at=datetime(2025, 1, 1),
        project_version="0",
        business_time_zone="UTC",
        reporting_currency=None,
        previous_run_id=None,
        files=(),
        batches=(),
        segment_models=(),
        row_counts=row_counts,
    )


def expected(name: str, *, severity: str = "error") -> Expected:
    return Expected(
        name=name,
        target="t",
        column="n",
        minimum=1,
        severity=severity,
        fault="too few",
        remedy="look",
    )


def outcome(suite: Suite, build: Build | None = None) -> list[Check]:
    with duckdb.connect() as connection:
        return list(evaluate(build or Build(connection, None, None), [suite]))


def test_an_expectation_that_holds_passes_and_one_that_does_not_fails() -> None:
    good = outcome(Suite("s", "select 2 as n", (expected("a"),)))
    bad = outcome(Suite("s", "select 0 as n", (expected("a"),)))
    assert [check.passed for check in good] == [True]
    assert [check.passed for check in bad] == [False]
    assert bad[0].sentence == "check a failed: too few (n 0); look"


def test_a_check_that_raises_has_failed() -> None:
    checks = outcome(Suite("s", "select no_such_column", (expected("a"), expected("b"))))
    assert [(check.name, check.passed) for check in checks] == [("a", False), ("b", False)]
    assert "could not be evaluated" in checks[0].observed


def test_a_suite_that_looks_at_nothing_has_failed() -> None:
    empty = "select 1 as n where false"
    assert [check.passed for check in outcome(Suite("s", empty, (expected("a"),)))] == [False]
    nothing_before = Suite("s", empty, (expected("a"),), may_be_empty=True)
    assert [check.passed for check in outcome(nothing_before)] == [True]


def test_a_warning_does_not_stop_and_an_error_does() -> None:
    warning = outcome(Suite("s", "select 0 as n", (expected("a", severity="warn"),)))
    error = outcome(Suite("s", "select 0 as n", (expected("a"),)))
    assert audit.stopping(warning, ()) == ()
    assert [check.name for check in audit.stopping(error, ())] == ["a"]
    assert audit.stopping(error, ("a",)) == ()


@pytest.mark.parametrize(("now", "holds"), [(100, True), (70, True), (69, False), (0, False)])
def test_volumes_may_not_drop_by_more_than_30_percent(now: int, holds: bool) -> None:
    suite = next(suite for suite in SUITES if suite.name == "volumes")
    with duckdb.connect() as connection:
        build = Build(connection, release(orders=100), None, {"orders": now})
        checks = evaluate(build, [suite])
    assert [check.passed for check in checks] == [holds]
    assert holds or "orders" in checks[0].observed


@pytest.mark.parametrize(
    ("as_of", "orders", "share", "stops"),
    [
        ("2025-01-02", 100, "0.55", True),  # a day later, hardly an order more: a fault
        ("2025-01-02", 100, "0.45", False),  # within a quarter
        ("2025-01-20", 100, "0.55", False),  # weeks later: shown, not stopped
        ("2025-01-02", 150, "0.55", False),  # half as many orders again: shown, not stopped
    ],
)
def test_a_share_that_jumps_stops_between_comparable_releases_only(
    tmp_path: Path, as_of: str, orders: int, share: str, stops: bool
) -> None:
    suite = next(suite for suite in SUITES if suite.name == "segment_shares")
    with duckdb.connect() as connection:
        row = "'vip' as segment_key, 'v1' as definition_version"
        connection.execute(
            f"copy (select {row}, 0.25::decimal(18, 6) as share_of_base) "
            f"to '{tmp_path / 'segments.parquet'}'"
        )
        connection.execute(
            f"create table segments as select {row}, {share}::decimal(18, 6) as share_of_base"
        )
        connection.execute("create schema run")
        connection.execute(f"create table run.settings as select timestamp '{as_of}' as as_of")
        build = Build(connection, release(orders=100), tmp_path, {"orders": orders})
        checks = evaluate(build, [suite])
    assert bool(audit.stopping(checks, ())) == stops
    moved = abs(float(share) - 0.25) > 0.25
    assert any(not check.passed for check in checks) == moved


@pytest.mark.parametrize(
    ("entity", "rejected", "stops"),
    [
        ("refunds", 10, False),  # the default: 1 % of 1,000 lines
        ("refunds", 11, True),
        ("orders", 20, False),  # limits of their own, above and below it
        ("orders", 21, True),
        ("web_events", 0, False),
        ("web_events", 1, True),
    ],
)
def test_an_entity_may_have_a_limit_of_rejects_of_its_own(
    pipeline_with: Callable[..., Pipeline], entity: str, rejected: int, stops: bool
) -> None:
    limits = {"default": 0.01, "orders": 0.02, "web_events": 0}
    pipeline = pipeline_with(
        ["as_of_spine", "assert_rejects_are_within_limits"], parsed_with={}, reject_limits=limits
    )
    now = datetime(2025, 1, 1)
    connection = pipeline.run({}, as_of=now, only="as_of_spine")
    connection.execute(
        "insert into run.source_files (entity, line_count, rejected_rows, loaded_at) values"
        " (?, 1000, ?, ?), (?, 1000000, 0, timestamp '2024-12-31')",
        [entity, rejected, now, entity],
    )
    failing = pipeline.failing_rows(connection, "assert_rejects_are_within_limits")
    assert [row[0] for row in failing] == ([entity] if stops else [])


@pytest.fixture
def audited(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path)
    warehouse.start_work()
    with duckdb.connect(str(warehouse.work_database)) as connection:
        connection.execute("create table t as select 1 as n")
    seal(warehouse, passed=True)
    return warehouse


def seal(warehouse: Warehouse, *, passed: bool, accepted: list[str] | None = None) -> None:
    check = Check("a", "t", "error", passed, "", "n is 1")
    audit.seal(warehouse, run_id="r", dagster_run_id="d", checks=[check], accepted=accepted or [])


def verify(warehouse: Warehouse, run: str = "r", dagster: str = "d", name: str = "a") -> None:
    audit.verified(warehouse, run_id=run, dagster_run_id=dagster, expected=[name])


def change(warehouse: Warehouse) -> None:
    with duckdb.connect(str(warehouse.work_database)) as connection:
        connection.execute("update t set n = 2")


def test_the_audit_of_this_very_build_is_accepted(audited: Warehouse) -> None:
    verify(audited)
    seal(audited, passed=False, accepted=["a"])
    verify(audited)


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (lambda w: (w.work / audit.TOKEN).unlink(), "there is no audit of this build"),
        (lambda w: verify(w, run="other"), "the audit is that of another run"),
        (lambda w: verify(w, dagster="other"), "the audit is that of another run"),
        (change, "the work database changed after its audit"),
        (lambda w: verify(w, name="b"), "the audit lacks b"),
        (lambda w: seal(w, passed=False), "check a failed"),
    ],
)
def test_anything_else_publishes_nothing(
    audited: Warehouse, tamper: Callable[[Warehouse], None], says: str
) -> None:
    def attempt() -> None:
        tamper(audited)
        verify(audited)

    with pytest.raises(ClienteleError, match="nothing was published") as caught:
        attempt()
    assert says in caught.value.sentence


@pytest.fixture(scope="module")
def with_kpi_catalogue(pipeline: Pipeline) -> duckdb.DuckDBPyConnection:
    return pipeline.run({}, as_of=datetime(2025, 1, 1), only="kpi_catalogue")


@pytest.mark.parametrize(
    ("kpi", "value", "denominator", "failing"),
    [
        ("churn_risk", "1", 4, set()),
        ("churn_risk", "1.25", 4, {"expect_rates_not_above_one"}),
        ("retention_rate", "-0.25", 4, {"expect_rates_not_negative"}),
        ("retention_rate", "0", 0, {"expect_no_division_by_zero"}),
        ("retention_rate", None, 0, set()),
        ("roi", "-21", 4, set()),
        ("market_penetration", "1.5", 4, set()),
        ("sentiment", "-0.5", 4, set()),
        ("revenue", "-7", None, set()),
        ("of_no_list", "7", 0, {"expect_no_division_by_zero"}),
    ],
)
def test_a_kpi_that_cannot_be_stops_the_refresh(
    with_kpi_catalogue: duckdb.DuckDBPyConnection,
    kpi: str,
    value: str | None,
    denominator: int | None,
    failing: set[str],
) -> None:
    (suite,) = set(SUITES) - set(suites_of(frozenset()))
    with_kpi_catalogue.execute(
        "create or replace table segment_kpis as select ?::varchar as kpi, "
        "?::decimal(18, 6) as value, ?::decimal(38, 4) as denominator",
        [kpi, value, denominator],
    )
    checks = evaluate(Build(with_kpi_catalogue, None, None), [suite])
    assert {check.name for check in checks if not check.passed} == failing
    assert {check.severity for check in checks} == {"error"}
