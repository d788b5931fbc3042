"""Amounts in other currencies: converted by a rate of their own day, or the refresh stops.

What converted amounts add up to is in test_recomputation.py; here are the edges of a rate, and what
is said when there is none.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pipeline import Pipeline

AS_OF = datetime(2024, 6, 30, 23)
DAY = date(2024, 6, 10)
GATE = "assert_every_amount_has_a_rate"


def order(order_id: str, currency: str | None, **values: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "ordered_at": datetime(2024, 6, 10, 12),
        "customer_ref": "a",
        "status": "completed",
        "currency": currency,
        "net_amount": Decimal("10.0000"),
        "source_system": "default",
        "_batch_id": "b1",
    } | values


def rate(days_before: int, value: str = "0.85", **values: Any) -> dict[str, Any]:
    return {
        "rate_date": DAY - timedelta(days=days_before),
        "currency": "EUR",
        "rate_to_reporting": Decimal(value),
        "source_system": "default",
        "_batch_id": "b1",
    } | values


def run(pipeline: Pipeline, **raw: list[dict[str, Any]]) -> Any:
    needed = [GATE, "fct_revenue"]
    return pipeline.run(raw, as_of=AS_OF, currency="GBP", only=needed)


def revenue(connection: Any) -> Decimal | None:
    row = connection.execute("select sum(net_revenue) from fct_revenue").fetchone()
    value: Decimal | None = row[0]
    return value


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ([rate(0)], Decimal("8.5000")),
        ([rate(7)], Decimal("8.5000")),
        ([rate(7), rate(1, "0.9")], Decimal("9.0000")),
        # A later rate is not of that day, and an older one does not hold any more.
        ([rate(0), rate(-1, "2")], Decimal("8.5000")),
        ([rate(0, "0.00000001")], Decimal("0.0000")),
        # Half even: 0.00005 goes to 0.0000 and 0.00015 to 0.0002.
        ([rate(0, "0.000005")], Decimal("0.0000")),
        ([rate(0, "0.000015")], Decimal("0.0002")),
    ],
)
def test_an_amount_takes_the_latest_rate_of_the_week(
    pipeline: Pipeline, rates: list[dict[str, Any]], expected: Decimal
) -> None:
    built = run(pipeline, orders=[order("o1", "EUR")], fx_rates=rates)
    assert revenue(built) == expected
    assert pipeline.failing_rows(built, GATE) == []


@pytest.mark.parametrize("rates", [[], [rate(8)], [rate(-1)], [rate(0, currency="USD")]])
def test_a_missing_rate_stops_the_refresh(pipeline: Pipeline, rates: list[dict[str, Any]]) -> None:
    orders = [order("o1", "EUR"), order("o2", "GBP"), order("o3", None)]
    built = run(pipeline, orders=orders, fx_rates=rates)
    assert pipeline.failing_rows(built, GATE) == [("orders", "EUR", DAY, 1)]


def test_what_does_not_count_needs_no_rate(pipeline: Pipeline) -> None:
    built = run(pipeline, orders=[order("o1", "EUR", status="test")])
    assert pipeline.failing_rows(built, GATE) == []


def test_lines_in_two_currencies_form_no_order(pipeline: Pipeline) -> None:
    lines = [
        {
            "order_id": "o1",
            "line_number": number,
            "product_id": "p",
            "quantity": Decimal(1),
            "unit_price": Decimal(5),
            "ordered_at": datetime(2024, 6, 10, 12),
            "customer_ref": "a",
            "currency": currency,
            "status": "completed",
            "source_system": "default",
            "_batch_id": "b1",
        }
        for number, currency in ((1, "EUR"), (2, None))
    ]
    built = run(pipeline, order_lines=lines, fx_rates=[rate(0)])
    ((entity, *_),) = pipeline.failing_rows(built, GATE)
    assert entity == "order_lines with two currencies in one order"


def line(number: int, currency: str | None) -> dict[str, Any]:
    return {
        "order_id": "o1",
        "line_number": number,
        "product_id": "p",
        "quantity": Decimal(1),
        "unit_price": Decimal(5),
        "status": "completed",
        "currency": currency,
        "source_system": "default",
        "_batch_id": "b1",
    }


def test_a_line_that_is_not_in_the_currency_of_its_order_needs_a_rate_too(
    pipeline: Pipeline,
) -> None:
    lines = [line(1, "EUR"), line(2, None)]
    built = run(pipeline, orders=[order("o1", "GBP")], order_lines=lines)
    assert pipeline.failing_rows(built, GATE) == [("order_lines", "EUR", DAY, 1)]
    built = run(pipeline, orders=[order("o1", "GBP")], order_lines=lines, fx_rates=[rate(0)])
    assert pipeline.failing_rows(built, GATE) == []
    # In the currency of an order without a rate they are not told again.
    built = run(pipeline, orders=[order("o1", "EUR")], order_lines=lines)
    assert pipeline.failing_rows(built, GATE) == [("orders", "EUR", DAY, 1)]


def subscription(**values: Any) -> dict[str, Any]:
    return {
        "subscription_id": "s1",
        "started_at": datetime(2024, 6, 10),
        "customer_ref": "a",
        "status": "active",
        "monthly_amount": Decimal("10.0000"),
        "currency": "EUR",
        "source_system": "default",
        "_batch_id": "b1",
    } | values


@pytest.mark.parametrize(
    ("values", "rates", "failing"),
    [
        ({}, [rate(7)], []),
        ({}, [rate(8)], [("subscriptions", "EUR", DAY, 1)]),
        ({"currency": None}, [], []),
        # Nothing of these is added up, at least not yet.
        ({"monthly_amount": None}, [], []),
        ({"status": "trial"}, [], []),
        ({"started_at": datetime(2024, 7, 1)}, [], []),
    ],
)
def test_what_a_subscription_costs_needs_the_rate_of_its_start(
    pipeline: Pipeline,
    values: dict[str, Any],
    rates: list[dict[str, Any]],
    failing: list[tuple[Any, ...]],
) -> None:
    subscriptions = [subscription(**values)]
    built = run(pipeline, orders=[order("o1", "GBP")], subscriptions=subscriptions, fx_rates=rates)
    assert pipeline.failing_rows(built, GATE) == failing


def test_a_correction_of_a_rate_holds_from_then_on(pipeline: Pipeline) -> None:
    rates = [rate(0, "0.8"), rate(0, "0.9", _batch_id="b2")]
    assert revenue(run(pipeline, orders=[order("o1", "EUR")], fx_rates=rates)) == 9


def test_two_systems_that_disagree_on_a_rate_stop_the_refresh(pipeline: Pipeline) -> None:
    rates = [rate(0, "0.8"), rate(0, "0.9", source_system="bank")]
    built = run(pipeline, orders=[order("o1", "EUR")], fx_rates=rates)
    key = "unique_key_daily_rates_currency__rate_on"
    assert ("EUR", DAY, 2) in pipeline.failing_rows(built, key)
    assert pipeline.tests[key]["config"]["severity"].lower() == "error"
    same = [rate(0, "0.8"), rate(0, "0.8", source_system="bank")]
    built = run(pipeline, orders=[order("o1", "EUR")], fx_rates=same)
    assert revenue(built) == 8
