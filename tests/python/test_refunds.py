"""Refunds that come before their order, without it, or larger than it: kept, told, and never moved.

The rule for one refund stands in the unit tests of facts; here are the edges of arrival.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from pipeline import Pipeline

AS_OF = datetime(2024, 6, 30, 23)
WARNS = "assert_every_refund_has_its_order"
NEEDED = ("customer_profiles", "fct_revenue", WARNS)
TABLES = ("fct_orders", "fct_refunds", "fct_revenue", "rfm_scores", "customer_profiles")


def order(order_id: str, customer: str, **values: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "ordered_at": datetime(2024, 6, 10, 12),
        "customer_ref": customer,
        "status": "completed",
        "net_amount": Decimal("10.0000"),
        "source_system": "default",
        "_batch_id": "b1",
    } | values


def refund(amount: str, **values: Any) -> dict[str, Any]:
    return {
        "refund_id": "r1",
        "refunded_at": datetime(2024, 6, 20, 12),
        "amount": Decimal(amount),
        "order_id": "late",
        "source_system": "default",
        "_batch_id": "b1",
    } | values


def revenue(connection: Any) -> dict[bool, Decimal]:
    """Net revenue of customers (True) and of nobody (False)."""
    found: list[tuple[bool, Decimal]] = connection.execute(
        "select customer_id is not null, sum(net_revenue) from fct_revenue group by all"
    ).fetchall()
    return dict(found)


def test_a_refund_without_its_order_is_of_nobody_and_told(pipeline: Pipeline) -> None:
    raw = {"orders": [order("other", "a")], "refunds": [refund("4.0000")]}
    built = pipeline.run(raw, as_of=AS_OF, only=NEEDED)
    assert revenue(built) == {True: Decimal(10), False: Decimal(-4)}
    assert [row[-2:] for row in pipeline.failing_rows(built, WARNS)] == [("r1", "late")]
    assert pipeline.tests[WARNS]["config"]["severity"] == "warn"


@pytest.mark.parametrize("ordered_on", [10, 25])  # before the refund, and dated after it
def test_an_order_that_comes_after_its_refund_gives_what_it_gives_in_time(
    pipeline: Pipeline, ordered_on: int
) -> None:
    found = []
    for of_order, of_refund in (("b1", "b2"), ("b1", "b1"), ("b2", "b1")):
        raw = {
            "orders": [
                order("other", "a"),
                order("late", "b", ordered_at=datetime(2024, 6, ordered_on, 9), _batch_id=of_order),
            ],
            "refunds": [refund("4.0000", _batch_id=of_refund)],
        }
        built = pipeline.run(raw, as_of=AS_OF, only=NEEDED)
        assert revenue(built) == {True: Decimal(16)}
        assert pipeline.failing_rows(built, WARNS) == []
        found.append(
            [built.execute(f"select * from {table} order by all").fetchall() for table in TABLES]
        )
    assert found[0] == found[1] == found[2]


def test_a_refund_larger_than_its_order_makes_less_than_nothing_and_is_scored(
    pipeline: Pipeline,
) -> None:
    raw = {
        "orders": [order("other", "a"), order("late", "b")],
        "refunds": [refund("15.0000")],
    }
    built = pipeline.run(raw, as_of=AS_OF, only=NEEDED)
    assert revenue(built) == {True: Decimal(5)}
    scored = built.execute("select monetary, monetary_score from rfm_scores order by 1").fetchall()
    assert [(Decimal(money), score) for money, score in scored] == [
        (Decimal(-5), 1),
        (Decimal(10), 5),
    ]
