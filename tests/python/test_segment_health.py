"""A shock that hits one segment raises the alert of that segment, and of no other.

Does not belong here: what a z-score is, and which findings there are (unit tests of models/kpis).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import oracle
import pytest
from contracts import everything_on
from pipeline import Pipeline

COUNTRIES = {"europe": "NL", "americas": "US", "asia": "JP"}
"""A country of each segment; nobody is in two of them, and nobody moves."""
MONTHS = [date(2026, month, 1) for month in range(1, 9)]
AS_OF = oracle.last_instant(date(2026, 8, 31), "UTC")
MONTH_ENDS = [oracle.last_instant(month - timedelta(days=1), "UTC") for month in MONTHS]
PEOPLE = 6
BOUGHT_ALL_THE_SAME = 2
ALERTS = """
    select reviews.segment_key, reviews.subject
    from segment_reviews as reviews
    inner join segment_catalogue as catalogue using (segment_key)
    where reviews.finding = 'unlike_before' and catalogue.exclusive_group = 'geography'
    order by all
"""


def row(**values: Any) -> dict[str, Any]:
    return {"source_system": "shop", "_batch_id": "1", "_loaded_at": AS_OF, **values}


def downturn(hit: str | None) -> dict[str, list[dict[str, Any]]]:
    """Everybody buys once a month for about 100; in the last month most of one segment do not."""
    customers, orders = [], []
    for segment, country in COUNTRIES.items():
        for person in range(PEOPLE):
            name = f"{segment} {person}"
            created_at = datetime(2025, 12, 1)
            customers.append(row(customer_ref=name, country=country, created_at=created_at))
            for month in MONTHS:
                if segment == hit and month == MONTHS[-1] and person >= BOUGHT_ALL_THE_SAME:
                    continue
                amount = Decimal(100 + (person * 7 + month.month * 13) % 11)
                bought_at = datetime(month.year, month.month, 10 + person, 12)
                order = {"ordered_at": bought_at, "net_amount": amount, "customer_ref": name}
                orders.append(row(order_id=f"{name} {month}", **order))
    return {"customers": customers, "orders": orders}


@pytest.fixture(scope="module")
def everything(pipeline_with: Callable[..., Pipeline]) -> Pipeline:
    return pipeline_with(**everything_on()).reduced_to(["segment_reviews"])


def refreshed(pipeline: Pipeline, hit: str | None) -> duckdb.DuckDBPyConnection:
    return pipeline.run(downturn(hit), as_of=AS_OF, instants=MONTH_ENDS)


@pytest.mark.parametrize("hit", ["europe", "asia"])
def test_the_segment_whose_sales_fall_is_told_of_and_no_other(
    everything: Pipeline, hit: str
) -> None:
    connection = refreshed(everything, hit)
    alerts = connection.execute(ALERTS).fetchall()
    assert {segment_key for segment_key, _ in alerts} == {f"geography_{hit}"}
    assert "revenue by month" in {subject for _, subject in alerts}


def test_a_month_like_those_before_it_raises_nothing(everything: Pipeline) -> None:
    connection = refreshed(everything, None)
    assert connection.execute(ALERTS).fetchall() == []
    told = "select count(*) from segment_health where kpi = 'revenue' and z_score is not null "
    told += "and segment_key like 'geography_%'"
    assert connection.execute(told).fetchall() == [(len(COUNTRIES),)]
