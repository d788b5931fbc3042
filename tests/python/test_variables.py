"""The variables of a customer: what their seeds must hold, and what only the as_of can tell.

Their definitions at the edges are unit tests of dbt (models/features); that they equal an
independent recomputation is not tested here.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import duckdb
import pytest
from pipeline import Pipeline

AS_OF = datetime(2026, 6, 30, 12)
ORDER = {
    "order_id": "o1",
    "ordered_at": datetime(2026, 6, 1),
    "customer_ref": "a",
    "status": "completed",
    "net_amount": Decimal(10),
    "source_system": "default",
    "_batch_id": "b1",
}


def customer(customer_ref: str, birth_date: date | None) -> dict[str, Any]:
    return {
        "customer_ref": customer_ref,
        "birth_date": birth_date,
        "source_system": "default",
        "_batch_id": "b1",
    }


def built(pipeline: Pipeline, **raw: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    return pipeline.run({"orders": [ORDER], **raw}, as_of=AS_OF, only="customer_people")


def test_a_birth_after_as_of_gives_no_age_and_is_counted(pipeline: Pipeline) -> None:
    connection = built(
        pipeline,
        customers=[
            customer("a", date(2026, 7, 1)),
            customer("b", date(2026, 6, 30)),
            customer("c", None),
        ],
    )
    failing = pipeline.failing_rows(connection, "assert_nobody_is_born_after_as_of")
    assert len(failing) == 1
    ages = connection.execute(
        "select age, days_until_birthday from customer_people order by all"
    ).fetchall()
    assert ages == [(0, 0), (None, None), (None, None)]


BANDS = "assert_bands_have_no_gap_or_overlap"
WEIGHTS = "assert_engagement_weights_are_complete"
OCCASIONS = "assert_occasions_are_days_of_the_year"


@pytest.mark.parametrize(
    ("test", "change"),
    [
        (BANDS, "update age_bands set below_age = 17 where age_band = 'under_18'"),
        (BANDS, "update age_bands set from_age = 24 where age_band = '25_34'"),
        (BANDS, "update age_bands set from_age = 1 where age_band = 'under_18'"),
        (BANDS, "delete from age_bands where age_band = '65_plus'"),
        (BANDS, "update age_bands set below_age = null where age_band = '35_44'"),
        (BANDS, "update engagement_levels set below_score = 100 where engagement_level = 'high'"),
        (BANDS, "update hour_bands set below_hour = 23 where below_hour = 24"),
        (BANDS, "insert into hour_bands values ('night', 22, 24, '')"),
        (WEIGHTS, "update engagement_weights set weight = 0.2001 where cap = 13"),
        (WEIGHTS, "update engagement_weights set cap = 0 where cap = 13"),
        (WEIGHTS, "update engagement_weights set cap = 1000000 where cap > 10"),
        (WEIGHTS, "update engagement_weights set needed_input = 'orders' where cap = 13"),
        (WEIGHTS, "update engagement_weights set measure = 'visits' where cap = 13"),
        (WEIGHTS, "delete from engagement_weights"),
        (OCCASIONS, "update occasions set day_to = 31 where month_to = 2"),
        (OCCASIONS, "update occasions set month_from = 13 where month_from = 12"),
        (OCCASIONS, "update occasions set day_from = null where month_from = 12"),
    ],
)
def test_a_seed_that_leaves_something_open_is_found(
    pipeline: Pipeline, seeds: duckdb.DuckDBPyConnection, test: str, change: str
) -> None:
    assert pipeline.failing_rows(seeds, test) == []
    seeds.execute("begin")
    seeds.execute(change)
    assert pipeline.failing_rows(seeds, test) != []
    seeds.execute("rollback")


@pytest.fixture(scope="module")
def seeds(pipeline: Pipeline) -> duckdb.DuckDBPyConnection:
    """A database with the seeds, on the search path."""
    connection = pipeline.seeds()
    connection.execute("set search_path = 'reference,main'")
    return connection


# The stages of subscriptions -----------------------------------------------------------------

STAGES = {"subscribed", "onboarding", "paused", "trial", "trial_expired", "cancelled"}
BEFORE, AFTER = AS_OF - timedelta(days=3), AS_OF + timedelta(days=3)
PERIODS = [
    {
        "started_at": AS_OF - timedelta(days=days_ago),
        "status": status,
        "ended_at": ended_at,
        "trial_ends_at": trial_ends_at,
    }
    for days_ago in (40, 30, 0, -1)
    for status in ("trial", "active", "paused", "cancelled")
    for ended_at in (None, BEFORE, AS_OF, AFTER)
    for trial_ends_at in ((None, BEFORE, AS_OF, AFTER) if status == "trial" else (None,))
]


def test_whoever_has_a_subscription_is_in_exactly_one_stage_of_it(pipeline: Pipeline) -> None:
    """All single periods, and all pairs: exclusive, exhaustive, and no conversion is missed."""
    of = {
        f"{number}": held
        for number, held in enumerate([*((x,) for x in PERIODS), *combinations(PERIODS, 2)])
    }
    rows = [
        {
            "subscription_id": f"{ref} {number}",
            "customer_ref": ref,
            "source_system": "default",
            "_batch_id": "b1",
            **period,
        }
        for ref, held in of.items()
        for number, period in enumerate(held)
    ]
    connection = pipeline.run(
        {"orders": [ORDER], "subscriptions": rows}, as_of=AS_OF, only="customer_subscriptions"
    )
    found = connection.execute(
        "select reference, count(*), min(subscription_stage) from customer_subscriptions "
        "inner join customer_links using (customer_id) group by all"
    ).fetchall()
    started = {ref: [x for x in of[ref] if x["started_at"] <= AS_OF] for ref in of}
    assert {row[0] for row in found} == {ref for ref, held in started.items() if held}
    assert {row[1] for row in found} == {1}
    assert {row[2] for row in found} == STAGES
    for ref, _, stage in found:
        held = started[ref]
        trials = [x["started_at"] for x in held if x["status"] == "trial"]
        paid = [x["started_at"] for x in held if x["status"] in {"active", "paused"}]
        is_converted = bool(paid) and max(paid) >= max(trials, default=max(paid))
        if stage == "trial_expired":
            assert trials, held
            assert not is_converted, held
        elif stage == "cancelled":
            assert not trials or is_converted, held
