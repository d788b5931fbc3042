"""What always holds between figures of `segment_kpis`, on a business that has every input.

Does not belong here: whether a figure is right (test_recomputation.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import oracle
import oracle_kpis
import pytest
from business import Business, every_kpi
from conftest import nightly
from contracts import everything_on
from pipeline import Pipeline

GRAINS = ("day", "week", "month", "quarter")
Figures = dict[tuple[str, str, date, str], Decimal | None]


@pytest.fixture(scope="module")
def business() -> Business:
    return every_kpi(4)


def built(pipeline: Pipeline, business: Business) -> duckdb.DuckDBPyConnection:
    return pipeline.run(
        business.raw.entities(),
        as_of=business.as_of,
        instants=oracle.month_ends(business.raw, business.as_of),
        time_zone=business.raw.time_zone,
        currency="GBP",
        only="segment_kpis",
    )


def figures_of(connection: duckdb.DuckDBPyConnection) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    rows = connection.execute(
        "select segment_key, period_grain, period_start, kpi, value, numerator, denominator, "
        "sample_size from segment_kpis"
    ).fetchall()
    return {row[:4]: row[4:] for row in rows}


@pytest.fixture(scope="module")
def rows(pipeline: Pipeline, business: Business) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    return figures_of(built(pipeline, business))


@pytest.fixture(scope="module")
def figures(rows: dict[tuple[Any, ...], tuple[Any, ...]]) -> Figures:
    return {key: row[0] for key, row in rows.items()}


def starts(figures: Figures, grain: str) -> list[date]:
    return sorted({start for _, g, start, _ in figures if g == grain})


@pytest.mark.parametrize("grain", GRAINS)
def test_opening_and_entered_less_exited_is_closing(figures: Figures, grain: str) -> None:
    keys = {key for key, g, _, kpi in figures if g == grain and kpi == "entered"} - {"all"}
    in_turn, checked = starts(figures, grain), 0
    for key in keys:
        opening: Decimal | None = None
        for start in in_turn:
            closing = figures[key, grain, start, "members"]
            entered = figures[key, grain, start, "entered"]
            exited = figures[key, grain, start, "exited"]
            assert (closing is None) == (entered is None) == (exited is None)
            if closing is not None and entered is not None and exited is not None:
                assert (opening or 0) + entered - exited == closing, (key, start)
                checked += closing > 0
            opening = closing
    assert checked


@pytest.mark.parametrize("grain", ["month", "quarter"])
def test_churn_and_retention_are_one(figures: Figures, grain: str) -> None:
    rates = {
        key: value
        for key, value in figures.items()
        if key[1] == grain and key[3] == "retention_rate" and value is not None
    }
    assert rates
    for (key, _, start, _), retained in rates.items():
        churned = figures[key, grain, start, "churn_rate"]
        assert churned is not None
        assert retained + churned == 1


@pytest.mark.parametrize("grain", ["month", "quarter"])
def test_who_is_at_risk_is_whom_the_lifecycle_group_was_seen_to_have(
    rows: dict[tuple[Any, ...], tuple[Any, ...]], grain: str
) -> None:
    """Membership is observed at the close of the last 24 months, and nothing comes late."""

    def members(start: date, *stages: str) -> Decimal:
        return sum(
            (rows[f"lifecycle_{stage}", grain, start, "members"][0] for stage in stages), Decimal(0)
        )

    risks = {
        start: row[1:3]
        for (key, g, start, kpi), row in rows.items()
        if (key, g, kpi) == ("all", grain, "churn_risk")
        and rows["lifecycle_at_risk", grain, start, "members"][0] is not None
    }
    assert any(numerator for numerator, _ in risks.values())
    for start, (numerator, denominator) in risks.items():
        assert numerator == members(start, "at_risk"), start
        assert denominator == members(start, "at_risk", "new", "loyal", "active"), start


@pytest.mark.parametrize("grain", GRAINS)
def test_revenue_of_an_exclusive_group_its_none_and_nobody_is_all(
    figures: Figures, business: Business, grain: str
) -> None:
    ledger = oracle.resolve_orders(business.raw)
    ends = {p.start_on: p.cut for p in _periods(business, grain)}
    nobody = dict.fromkeys(ends, Decimal(0))
    for fact in ledger.facts_until(business.as_of):
        start = oracle_kpis.start_of(grain, fact.on)
        if start in ends:
            seen = ledger.first_seen[fact.customer] if fact.customer is not None else None
            if fact.customer is None or (seen is not None and seen > ends[start]):
                nobody[start] += fact.amount
    assert any(nobody.values())
    for group, keys in oracle.GROUPS.items():
        for start, unnamed in nobody.items():
            held = sum(
                figures[key, grain, start, "revenue"] or 0 for key in (*keys, f"{group}_none")
            )
            assert held + unnamed == figures["all", grain, start, "revenue"], (group, start)


def _periods(business: Business, grain: str) -> list[oracle_kpis.Period]:
    view = oracle_kpis.View(oracle_kpis.prepare(business.raw), business.as_of)
    return oracle_kpis.periods(view, grain)


@pytest.mark.parametrize("grain", GRAINS)
def test_spend_of_an_exclusive_group_with_its_none_is_the_ledgers(
    figures: Figures, business: Business, grain: str
) -> None:
    # Records without a date were always there, so nothing was spent on nobody.
    in_turn, spent = starts(figures, grain), 0
    for group, keys in oracle.GROUPS.items():
        for start in in_turn:
            total = figures["all", grain, start, "marketing_spend"]
            assert total is not None
            parts = [
                figures[key, grain, start, "marketing_spend"] for key in (*keys, f"{group}_none")
            ]
            assert sum(part for part in parts if part is not None) == total, (group, start)
            assert None not in parts
            spent += total != 0
    assert spent


@pytest.mark.parametrize("kpi", ["revenue", "new_customers", "marketing_spend"])
def test_days_add_up_to_weeks_months_and_quarters(figures: Figures, kpi: str) -> None:
    days = {
        start: value or Decimal(0)
        for (key, grain, start, name), value in figures.items()
        if (key, grain, name) == ("all", "day", kpi)
    }
    first = min(days)
    for grain in ("week", "month", "quarter"):
        totals: dict[date, Decimal] = {}
        for on, value in days.items():
            start = oracle_kpis.start_of(grain, on)
            totals[start] = totals.get(start, Decimal(0)) + value
        # Days begin with that of the first order, which the first period may well begin before.
        for start in starts(figures, grain):
            if start >= first:
                assert totals[start] == (figures["all", grain, start, kpi] or 0), (grain, start)


@nightly
def test_enabling_more_segments_changes_no_figure_of_the_others(
    rows: dict[tuple[Any, ...], tuple[Any, ...]],
    pipeline_with: Callable[..., Pipeline],
    business: Business,
) -> None:
    everything = pipeline_with(**everything_on()).reduced_to(["segment_kpis"])
    after = figures_of(built(everything, business))
    assert {key for key, _, _, _ in after} > {key for key, _, _, _ in rows}
    assert {key: after.get(key) for key in rows} == rows


def test_a_target_is_of_a_kpi_and_a_grain_that_exist(pipeline: Pipeline) -> None:
    work = duckdb.connect()
    work.execute(
        "attach ':memory:' as work; use work; create schema reference;"
        "create table kpi_catalogue as select * from (values"
        " ('revenue', 'day, week, month, quarter'), ('churn_rate', 'month, quarter')"
        ") as t(kpi, grains);"
        "create table reference.kpi_targets as select * from (values"
        " ('all', 'day', 'revenue'), ('of one that is off', 'quarter', 'churn_rate'),"
        " ('all', 'week', 'churn_rate'), ('all', 'year', 'revenue'), ('all', 'month', 'happiness')"
        ") as t(segment_key, period_grain, kpi)"
    )
    name = "assert_targets_are_of_kpis_that_exist"
    assert sorted(pipeline.failing_rows(work, name)) == [
        ("all", "month", "happiness", "there is no such KPI"),
        ("all", "week", "churn_rate", "it is told by month, quarter"),
        ("all", "year", "revenue", "it is told by day, week, month, quarter"),
    ]
    assert pipeline.tests[name]["config"]["severity"].lower() == "error"
