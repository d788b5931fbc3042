"""Great Expectations suites over aggregates of a build: plausible volumes, ranges and shares.

What SQL can say of rows is a dbt data test; here stands what compares this build with the release
before, or a figure with what is plausible. Suites get small frames of aggregates, never rows, so no
personal value can reach a result, and money is never turned into a double. Does not belong here:
what a failure leads to (audit.py).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from orchestration.audit import Check
from orchestration.database import literal
from orchestration.warehouse import Release

MINIMUM_SHARE_OF_PREVIOUS = 0.7
"""A table that shrinks by more than 30 % since the release before lost something."""

MAXIMUM_SHARE_MOVE = 0.25
"""Points (as a fraction) by which a segment's share may move between comparable releases."""

COMPARABLE_DAYS = 7
COMPARABLE_GROWTH = 0.1
"""Releases further apart than a week, or in orders by more than a tenth, are not comparable: moves
between them are shown and do not stop."""

MAXIMUM_SHARE_CORRECTED = 0.01
MINIMUM_CORRECTED = 10
"""Orders are cancelled after they were seen, and come late, every day; when that moves ten
customers and more than one in a hundred to another lifecycle stage, somebody should know of it."""

ROW_COUNTS = {
    "customers": "select count(*) from customers",
    "orders": "select count(*) from fct_orders",
    "refunds": "select count(*) from fct_refunds",
}
"""What a release remembers of its build for the next one to be compared with."""


@dataclass(frozen=True)
class Expected:
    """An expectation over a column of a frame, with what to say when it fails.

    Attributes:
        name: of the check.
        target: table that is checked.
        column: of the frame; minimum and maximum: bounds, inclusive; None for none.
        severity: error or warn.
        fault: what is wrong; remedy: what to do.
        label: column of the frame that names the rows, for the observed value.
    """

    name: str
    target: str
    column: str
    fault: str
    remedy: str
    minimum: float | None = None
    maximum: float | None = None
    severity: str = "error"
    label: str | None = None

    @property
    def expected(self) -> str:
        """The bounds in words."""
        if self.minimum is None:
            return f"{self.column} at most {self.maximum:g}"
        if self.maximum is None:
            return f"{self.column} at least {self.minimum:g}"
        return f"{self.column} from {self.minimum:g} to {self.maximum:g}"


@dataclass(frozen=True)
class Suite:
    """Expectations over one frame.

    Attributes:
        name: of the suite.
        query: SQL of the frame, or a function of the connection and the release before.
        expectations: over its columns.
        may_be_empty: whether a frame without rows is fine (nothing to compare with).
        model: that it looks at, where a project may be built without it.
    """

    name: str
    query: str | Callable[[Build], str]
    expectations: tuple[Expected, ...]
    may_be_empty: bool = False
    model: str | None = None


@dataclass(frozen=True)
class Build:
    """What the suites look at: a connection to the work database and the release before."""

    connection: duckdb.DuckDBPyConnection
    previous: Release | None
    previous_marts: Path | None
    row_counts: Mapping[str, int] = field(default_factory=dict)


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of the tables that releases are compared by."""
    counts = {}
    for name, query in ROW_COUNTS.items():
        row = connection.execute(query).fetchone()
        counts[name] = int(row[0]) if row else 0
    return counts


def _volumes(build: Build) -> str:
    rows = [
        f"select '{name}' as compared, {build.row_counts[name]} as now_count, "
        f"{before} as before_count"
        for name, before in (build.previous.row_counts if build.previous else {}).items()
        if before > 0 and name in build.row_counts
    ]
    source = " union all ".join(rows) or "select '' as compared, 0 as now_count, 0 as before_count"
    keep = "true" if rows else "false"
    return (
        "select compared, cast(now_count as double) / before_count as share_of_previous "
        f"from ({source}) where {keep}"
    )


def _share_moves(build: Build) -> str:
    if build.previous is None or build.previous_marts is None:
        return "select '' as segment_key, 0.0 as comparable_move, 0.0 as move where false"
    before = build.previous.row_counts.get("orders", 0)
    grown = build.row_counts.get("orders", 0) > before * (1 + COMPARABLE_GROWTH)
    marts = literal(build.previous_marts / "segments.parquet")
    instant = build.previous.as_of.isoformat(sep=" ")
    return f"""
        select
            now.segment_key,
            abs(cast(now.share_of_base - earlier.share_of_base as double)) as move,
            case
                when {grown}
                or settings.as_of > timestamp '{instant}' + interval {COMPARABLE_DAYS} day then 0.0
                else abs(cast(now.share_of_base - earlier.share_of_base as double))
            end as comparable_move
        from segments as now
        inner join read_parquet({marts}) as earlier
            on now.segment_key = earlier.segment_key
            and now.definition_version = earlier.definition_version
        cross join run.settings as settings
        where earlier.share_of_base is not null and now.share_of_base is not null
    """


SUITES: tuple[Suite, ...] = (
    Suite(
        name="volumes",
        query=_volumes,
        may_be_empty=True,
        expectations=(
            Expected(
                name="expect_volumes_not_to_drop",
                target="fct_orders",
                column="share_of_previous",
                minimum=MINIMUM_SHARE_OF_PREVIOUS,
                label="compared",
                fault="far fewer rows than in the release before",
                remedy="find out where they went; if it is meant, let it pass once with "
                "--accept expect_volumes_not_to_drop",
            ),
        ),
    ),
    Suite(
        name="segment_shares",
        query=_share_moves,
        may_be_empty=True,
        expectations=(
            Expected(
                name="expect_segment_shares_to_hold",
                target="segments",
                column="comparable_move",
                maximum=MAXIMUM_SHARE_MOVE,
                label="segment_key",
                fault="a segment's share of all customers moved by more than a quarter within a "
                "week although its definition and the number of orders hardly changed",
                remedy="look at the models that it reads; if it is meant, let it pass once with "
                "--accept expect_segment_shares_to_hold",
            ),
            Expected(
                name="expect_segment_shares_to_move_slowly",
                target="segments",
                column="move",
                maximum=MAXIMUM_SHARE_MOVE,
                severity="warn",
                label="segment_key",
                fault="a segment's share of all customers moved by more than a quarter",
                remedy="look at its history in segment_sizes",
            ),
        ),
    ),
    Suite(
        name="lifecycle_moves",
        query=f"""
            select
                case
                    when count(*) < {MINIMUM_CORRECTED} then 0.0
                    else cast(count(*) as double) / greatest((
                        select count(*) from customer_profiles
                        inner join as_of_spine using (as_of)
                        where is_current
                    ), 1)
                end as corrected_share
            from lifecycle_moves
            where cause = 'facts_changed'
        """,
        expectations=(
            Expected(
                name="expect_few_lifecycle_stages_to_be_corrected",
                target="lifecycle_stages",
                column="corrected_share",
                maximum=MAXIMUM_SHARE_CORRECTED,
                severity="warn",
                fault="more than a hundredth of the customers are in another lifecycle stage "
                "because orders came late, or were corrected, cancelled or retracted",
                remedy="look at the last files of orders; the customers are those who leave one "
                "stage and enter another in segment_events at this as_of",
            ),
        ),
    ),
    Suite(
        name="customer_profiles",
        query="""
            select
                count(*) as customer_count,
                coalesce(min(days_since_last_order), 0) as least_recency,
                coalesce(
                    max(greatest(recency_score, frequency_score, monetary_score)), 1
                ) as best_score,
                count(*) filter (where last_order_at > as_of) as future_orders,
                count(*) filter (where order_count_365d > order_count_lifetime) as window_faults
            from customer_profiles
            inner join as_of_spine using (as_of)
            where is_current
        """,
        expectations=(
            Expected(
                name="expect_customers",
                target="customer_profiles",
                column="customer_count",
                minimum=1,
                fault="there is not one customer",
                remedy="check that the files carry customer_ref or email, and that as_of is not "
                "before the first of them",
            ),
            Expected(
                name="expect_nothing_from_the_future",
                target="customer_profiles",
                column="future_orders",
                maximum=0,
                fault="profiles hold orders from after their as_of",
                remedy="look for a model that does not cut facts at as_of",
            ),
            Expected(
                name="expect_recency_not_negative",
                target="customer_profiles",
                column="least_recency",
                minimum=0,
                fault="a customer's last order lies in the future",
                remedy="look for a model that does not cut facts at as_of",
            ),
            Expected(
                name="expect_scores_in_range",
                target="rfm_scores",
                column="best_score",
                minimum=1,
                maximum=9,
                fault="RFM scores are out of range",
                remedy="look at rfm_cut_points",
            ),
            Expected(
                name="expect_windows_within_lifetime",
                target="customer_profiles",
                column="window_faults",
                maximum=0,
                fault="customers have more orders in a window than ever",
                remedy="look at customer_features",
            ),
        ),
    ),
    Suite(
        name="segment_kpis",
        model="segment_kpis",
        query="""
            select
                count(*) filter (where is_share and value < 0) as below_zero,
                count(*) filter (where is_share and value > 1) as above_one,
                count(*) filter (where denominator = 0 and value is not null) as divided_by_zero
            from segment_kpis
            left join kpi_catalogue using (kpi)
        """,
        expectations=tuple(
            Expected(
                name=name,
                target="segment_kpis",
                column=column,
                maximum=0,
                fault=fault,
                remedy="look at macros/metrics/segment_kpis.sql",
            )
            for name, column, fault in (
                ("expect_rates_not_negative", "below_zero", "rates are below 0"),
                ("expect_rates_not_above_one", "above_one", "rates are above 1"),
                ("expect_no_division_by_zero", "divided_by_zero", "a KPI has a value over nothing"),
            )
        ),
    ),
    Suite(
        name="quarantine",
        query="""
            select
                entity,
                sum(rejected_rows) as rejected_rows
            from source_files
            where retracted_at is null
            group by entity
        """,
        expectations=(
            Expected(
                name="expect_no_rejects",
                target="source_files",
                column="rejected_rows",
                maximum=0,
                severity="warn",
                label="entity",
                fault="rows are in quarantine",
                remedy="`clientele quarantine` shows them with their reasons",
            ),
        ),
    ),
    Suite(
        name="segments",
        query="""
            select
                segment_key,
                cast(status in ('too_large', 'review_overdue') as int) as needs_attention,
                cast(status in ('empty', 'too_small') as int) as not_actionable
            from segments
        """,
        expectations=(
            Expected(
                name="expect_segments_to_be_actionable",
                target="segments",
                column="not_actionable",
                maximum=0,
                severity="warn",
                label="segment_key",
                fault="segments are empty or smaller than their minimum size",
                remedy="widen or retire them",
            ),
            Expected(
                name="expect_segments_to_be_reviewed",
                target="segments",
                column="needs_attention",
                maximum=0,
                severity="warn",
                label="segment_key",
                fault="segments are too large or their review is overdue",
                remedy="review their definitions",
            ),
        ),
    ),
)


def suites_of(models: Container[str]) -> tuple[Suite, ...]:
    """The suites for a project that has these models."""
    return tuple(suite for suite in SUITES if suite.model is None or suite.model in models)


def expectation_names(suites: Sequence[Suite] = SUITES) -> tuple[str, ...]:
    """The names of all checks of the suites."""
    return tuple(expected.name for suite in suites for expected in suite.expectations)


def evaluate(build: Build, suites: Sequence[Suite] = SUITES) -> tuple[Check, ...]:
    """Run the suites, all in this process.

    An expectation that raises, that sees no rows where there must be some, or that was not
    evaluated at all has failed.
    """
    import great_expectations as gx  # takes seconds to import; see assets.py for when
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.core import ExpectColumnValuesToBeBetween
    from great_expectations.expectations.metadata_types import FailureSeverity

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("build")
    checks: list[Check] = []
    for suite in suites:
        try:
            query = suite.query if isinstance(suite.query, str) else suite.query(build)
            frame = build.connection.execute(query).df()
            batch = (
                source.add_dataframe_asset(suite.name)
                .add_batch_definition_whole_dataframe(suite.name)
                .get_batch({"dataframe": frame})
            )
            expectations = {
                expected.name: ExpectColumnValuesToBeBetween(
                    column=expected.column,
                    min_value=expected.minimum,
                    max_value=expected.maximum,
                    severity=(
                        FailureSeverity.CRITICAL
                        if expected.severity == "error"
                        else FailureSeverity.WARNING
                    ),
                    meta={"check": expected.name},
                )
                for expected in suite.expectations
            }
            outcome = batch.validate(
                gx.ExpectationSuite(name=suite.name, expectations=list(expectations.values())),
                result_format="BOOLEAN_ONLY",
            )
            passed = {
                _name_of(result): bool(result.success)
                and not (result.exception_info or {}).get("raised_exception", False)
                for result in outcome.results
            }
        except Exception as error:
            checks += [_failed(expected, type(error).__name__) for expected in suite.expectations]
            continue
        for expected in suite.expectations:
            checks.append(_check(expected, suite, frame, passed.get(expected.name)))
    return tuple(checks)


def _name_of(result: Any) -> str:
    return str(result.expectation_config.meta["check"])


def _failed(expected: Expected, reason: str) -> Check:
    return Check(
        name=expected.name,
        target=expected.target,
        severity=expected.severity,
        passed=False,
        observed=f"could not be evaluated: {reason}",
        expected=expected.expected,
        fault=expected.fault,
        remedy=expected.remedy,
    )


def _check(expected: Expected, suite: Suite, frame: Any, passed: bool | None) -> Check:
    if passed is None or (frame.empty and not suite.may_be_empty):
        return _failed(expected, "no rows" if frame.empty else "not evaluated")
    if frame.empty:
        observed = "nothing to compare with"
    elif expected.label is None:
        observed = f"{expected.column} {frame[expected.column].iloc[0]:g}"
    else:
        out = frame[
            ~frame[expected.column].between(
                -float("inf") if expected.minimum is None else expected.minimum,
                float("inf") if expected.maximum is None else expected.maximum,
            )
        ].head(5)
        observed = ", ".join(
            f"{label} {value:.4g}"
            for label, value in zip(out[expected.label], out[expected.column], strict=True)
        )
    return Check(
        name=expected.name,
        target=expected.target,
        severity=expected.severity,
        passed=passed,
        observed=observed,
        expected=expected.expected,
        fault=expected.fault,
        remedy=expected.remedy,
    )
