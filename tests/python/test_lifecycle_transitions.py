"""Which lifecycle stage may follow which: the seed, the moves of customers, and who hears of them.

Does not belong here: when a stage begins (models/lifecycle/_unit_tests.yml), and whether it is the
right one (test_recomputation.py).
"""

from __future__ import annotations

import copy
import csv
import random
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import oracle
import pytest
from business import ALL_PARTS, Business, businesses
from conftest import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline import PROJECT, Pipeline, next_state

from orchestration.quality import MINIMUM_CORRECTED, SUITES, Build, evaluate

CHECK = "assert_lifecycle_transitions_are_allowed"
P_ON = date(2026, 3, 10)
P = datetime.combine(P_ON, time(12))

Move = tuple[str, str]


def seed() -> dict[Move, int]:
    """The fewest days of every allowed move."""
    with (PROJECT / "seeds/lifecycle_transitions.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    moves = {(row["from_stage"], row["to_stage"]): int(row["fewest_days"]) for row in rows}
    assert len(moves) == len(rows)
    return moves


def order(ref: str, on: date, number: int = 0, **values: Any) -> dict[str, Any]:
    """In the evening, so that one of the day of P comes after it."""
    return {
        "order_id": f"{ref} {on} {number}",
        "ordered_at": datetime.combine(on, time(18)),
        "customer_ref": ref,
        "source_system": "default",
        "net_amount": Decimal(10),
        "_batch_id": "b1",
        "_line_number": 1,
    } | values


def contact(ref: str, created_at: datetime) -> dict[str, Any]:
    return {
        "customer_ref": ref,
        "source_system": "default",
        "created_at": created_at,
        "_batch_id": "b1",
        "_line_number": 1,
    }


def end_of(days_after: int) -> datetime:
    return datetime.combine(P_ON + timedelta(days=days_after), time.max)


# The rows of the seed ------------------------------------------------------------------------

# Days of the orders, counted from P, whose own day is 0 and whose order comes after it. The move is
# made within the fewest days, and not within a day less.
FROM_NOTHING: dict[str, list[int]] = {
    "new": [0],
    "active": [0, 0, 0],
    "at_risk": [0, 1, 2],
    "loyal": [0, 60, 120, 170],
    "lapsed": [0],
}
EXAMPLES: dict[Move, list[int]] = {
    ("none", "prospect"): [],
    **{("none", stage): days for stage, days in FROM_NOTHING.items()},
    **{("prospect", stage): days for stage, days in FROM_NOTHING.items()},
    ("new", "active"): [-10, 0, 0],
    ("new", "at_risk"): [-10, -5, 0],
    ("new", "loyal"): [-59, 30, 80, 110],
    ("new", "lapsed"): [-59],
    ("active", "loyal"): [-200, -100, -50, 0],
    ("active", "at_risk"): [-180],
    ("active", "lapsed"): [-764, -564, -364],
    ("loyal", "active"): [-364, -200, -100, -10],
    ("loyal", "at_risk"): [-300, -250, -200, -100],
    ("loyal", "lapsed"): [-1064, -714, -364, -364, -364, -364],
    ("at_risk", "active"): [-200, 0],
    ("at_risk", "loyal"): [-300, -290, -280, 0],
    ("at_risk", "lapsed"): [-364],
    ("lapsed", "active"): [-400, 0],
    ("lapsed", "loyal"): [-400, 0, 0, 0, 0],
    ("lapsed", "at_risk"): [-400, -395, -390, 0],
}


@pytest.fixture(scope="module")
def stages(pipeline: Pipeline) -> dict[tuple[str, datetime], str]:
    """The stage of the customer of every example at P and at the ends of the days that matter."""
    customers = [
        contact(f"{move}", datetime.combine(P_ON, time(18)) if move[0] == "none" else P)
        for move in EXAMPLES
    ]
    orders = [
        order(f"{move}", P_ON + timedelta(days=day), number)
        for move, days in EXAMPLES.items()
        for number, day in enumerate(days)
    ]
    ends = {end_of(days) for fewest in seed().values() for days in (fewest, max(fewest - 1, 0))}
    instants = sorted({P} | ends)
    connection = pipeline.run(
        {"customers": customers, "orders": orders},
        as_of=instants[-1],
        instants=instants[:-1],
        only="customer_lifecycle",
    )
    rows = connection.execute(
        "select customer_id, as_of, lifecycle_stage from customer_lifecycle"
    ).fetchall()
    ref_of = {oracle.customer_id(("ref", "default", f"{move}")): f"{move}" for move in EXAMPLES}
    return {(ref_of[row[0]], row[1]): row[2] for row in rows}


def test_every_allowed_move_has_an_example() -> None:
    assert set(EXAMPLES) == set(seed())


@pytest.mark.parametrize("move", EXAMPLES, ids=lambda move: "-".join(move))
def test_every_allowed_move_happens_in_its_fewest_days(
    stages: dict[tuple[str, datetime], str], move: Move
) -> None:
    before, after = move
    fewest = seed()[move]
    assert stages.get((f"{move}", P), "none") == before
    assert stages[f"{move}", end_of(fewest)] == after
    if fewest:
        assert stages.get((f"{move}", end_of(fewest - 1)), "none") != after


def test_the_seed_knows_the_stages_of_the_catalogue() -> None:
    with (PROJECT / "seeds/segment_group_members.csv").open(encoding="utf-8") as lines:
        members = {
            row["member"] for row in csv.DictReader(lines) if row["exclusive_group"] == "lifecycle"
        }
    assert {after for _, after in seed()} == members
    assert {before for before, _ in seed()} == members | {"none"}


# As occurred ---------------------------------------------------------------------------------


def impossible_moves(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Of all pairs of instants of a run, and not of successive ones only: moves not in the seed."""
    connection.execute("create temp table allowed (from_stage text, to_stage text, fewest int)")
    connection.executemany(
        "insert into allowed values (?, ?, ?)", [(*move, days) for move, days in seed().items()]
    )
    return connection.execute(
        """
        with pairs as (
            select
                later.customer_id,
                coalesce(before.lifecycle_stage, 'none') as from_stage,
                later.lifecycle_stage as to_stage,
                later_spine.as_of_on - spine.as_of_on as days
            from as_of_spine as spine
            inner join as_of_spine as later_spine on spine.as_of < later_spine.as_of
            inner join customer_lifecycle as later on later_spine.as_of = later.as_of
            left join customer_lifecycle as before
                on spine.as_of = before.as_of and later.customer_id = before.customer_id
        )
        select pairs.*
        from pairs
        left join allowed using (from_stage, to_stage)
        where from_stage <> to_stage and coalesce(days < fewest, true)
        union all
        -- Nobody is no customer any more.
        select before.customer_id, before.lifecycle_stage, 'none', null
        from customer_lifecycle as before
        inner join as_of_spine as later_spine on before.as_of < later_spine.as_of
        left join customer_lifecycle as later
            on later_spine.as_of = later.as_of and before.customer_id = later.customer_id
        where later.customer_id is null
        """
    ).fetchall()


def days_with_orders(rng: random.Random) -> Iterable[int]:
    """A life of spells, each with a rhythm of its own, some of several orders on a day."""
    day = rng.randint(0, 900)
    for _ in range(rng.randint(0, 4)):
        gap = rng.choice((0, 1, 5, 15, 29, 30, 31, 60, 90, 91, 182, 183, 364, 365))
        for _ in range(rng.randint(1, 5)):
            yield day
            day += gap
        day += rng.choice((0, 1, 30, 31, 59, 60, 179, 180, 181, 364, 365, 366))


@pytest.mark.parametrize("number", range(3))
def test_nobody_makes_another_move_however_far_apart_one_looks(
    pipeline: Pipeline, number: int
) -> None:
    rng = random.Random(number)
    start = P_ON - timedelta(days=1000)
    orders = [
        order(f"c{c}", start + timedelta(days=day), n)
        for c in range(150)
        for n, day in enumerate(days_with_orders(rng))
    ]
    offsets = sorted({rng.randint(0, 1500) + step for _ in range(6) for step in (0, 1, 31)})
    instants = [
        datetime.combine(start + timedelta(days=days), rng.choice((time(12), time.max)))
        for days in offsets
    ]
    connection = pipeline.run(
        {"orders": orders, "customers": [contact(f"c{c}", instants[2]) for c in range(200)]},
        as_of=instants[-1],
        instants=instants[:-1],
        only="customer_lifecycle",
    )
    assert impossible_moves(connection) == []
    seen = connection.execute(
        "select count(distinct lifecycle_stage) from customer_lifecycle"
    ).fetchone()
    assert seen == (6,)


@settings(
    max_examples=examples(3, 5),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    business=businesses(parts=ALL_PARTS),
    days_before=st.lists(st.integers(1, 800), min_size=1, max_size=8, unique=True),
)
def test_in_no_business_a_move_is_unexplained_as_it_occurred(
    pipeline: Pipeline, business: Business, days_before: list[int]
) -> None:
    connection = pipeline.run(
        business.raw.entities(),
        as_of=business.as_of,
        instants=[business.as_of - timedelta(days=days) for days in sorted(days_before)[::-1]],
        time_zone=business.raw.time_zone,
        currency="GBP",
        only="lifecycle_moves",
    )
    assert impossible_moves(connection) == []
    assert pipeline.failing_rows(connection, CHECK) == []
    causes = connection.execute("select distinct cause from lifecycle_moves").fetchall()
    assert causes in ([], [("allowed",)])


@pytest.mark.parametrize(
    ("right", "wrong", "move"),
    [
        # A window of recent orders in place of all of them: who lapses was never a customer.
        ("order_count_lifetime = 0", "order_count_365d = 0", ("at_risk", "prospect")),
        # Days in place of the first day: who comes back is new.
        ("days_since_first_order <", "days_since_last_order <", ("lapsed", "new")),
    ],
)
def test_a_model_that_forgets_is_found(
    pipeline: Pipeline, right: str, wrong: str, move: Move
) -> None:
    poisoned = copy.copy(pipeline)
    poisoned.order = [copy.copy(node) for node in pipeline.order]
    lifecycle = next(node for node in poisoned.order if node["name"] == "customer_lifecycle")
    assert lifecycle["compiled_code"].count(right) == 1
    lifecycle["compiled_code"] = lifecycle["compiled_code"].replace(right, wrong)
    orders = [
        order("lapses", P_ON - timedelta(days=350)),
        order("comes back", P_ON - timedelta(days=400)),
        order("comes back", P_ON + timedelta(days=5)),
    ]
    found = {}
    for name, project in (("sound", pipeline), ("poisoned", poisoned)):
        connection = project.run(
            {"orders": orders}, as_of=end_of(30), instants=[P], only="lifecycle_moves"
        )
        found[name] = project.failing_rows(connection, CHECK)
    assert found["sound"] == []
    assert [row[2:4] for row in found["poisoned"]] == [move]
    assert pipeline.tests[CHECK]["config"]["severity"].lower() == "error"


# As known ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cancelled", "others", "is_told"),
    [
        (MINIMUM_CORRECTED - 1, 0, False),
        (MINIMUM_CORRECTED, 99 * MINIMUM_CORRECTED, False),
        (MINIMUM_CORRECTED, 99 * MINIMUM_CORRECTED - 1, True),
    ],
)
def test_orders_taken_back_are_no_fault_and_told_where_they_are_many(
    pipeline: Pipeline, cancelled: int, others: int, is_told: bool
) -> None:
    """Who is a prospect again, as known, is so by a correction; the history says when."""
    day_0, day_1 = end_of(0), end_of(1)
    orders = [order(f"c{n}", P_ON) for n in range(cancelled)]
    kept = [order(f"o{n}", P_ON) for n in range(others)]
    first = pipeline.run({"orders": orders + kept}, as_of=day_0, only="lifecycle_moves")
    assert first.execute("select * from lifecycle_moves").fetchall() == []
    state = next_state(first, day_1)
    corrected = [row | {"status": "cancelled"} for row in orders]
    second = pipeline.run(
        {"orders": corrected + kept}, as_of=day_1, state=state, only="lifecycle_moves"
    )
    moves = second.execute(
        "select from_stage, to_stage, days_between, cause, count(*) from lifecycle_moves "
        "group by all"
    ).fetchall()
    assert moves == [("new", "prospect", 1, "facts_changed", cancelled)]
    assert pipeline.failing_rows(second, CHECK) == []
    suite = next(suite for suite in SUITES if suite.name == "lifecycle_moves")
    (check,) = evaluate(Build(second, None, None), [suite])
    assert (check.severity, check.passed) == ("warn", not is_told)
