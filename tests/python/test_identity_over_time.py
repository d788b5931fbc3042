"""Customers who turn out to be one, and two who were taken for one: nothing is lost or doubled.

Each test refreshes the project's SQL several times, each time from the state that the refresh
before left. Does not belong here: who is one customer at all (test_recomputation.py and the unit
tests of models/identity).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import oracle
import pytest
from pipeline import Pipeline, State, next_state

Row = dict[str, Any]

FIRST = date(2026, 3, 1)
"""Day of the first refresh; the orders lie in February and March."""

OLD, YOUNG = (oracle.customer_id(("ref", "shop", name)) for name in ("old", "young"))


def end_of(day: date) -> datetime:
    return oracle.last_instant(day, "UTC")


def row(batch: int, **values: Any) -> Row:
    return {
        "source_system": "shop",
        "_batch_id": f"batch-{batch}",
        "_line_number": 1,
        "_loaded_at": datetime(2026, 3, batch),
        **values,
    }


def record(name: str, *, email: str | None, batch: int, created: int) -> Row:
    return row(
        batch,
        customer_ref=name,
        email=email,
        created_at=datetime(2026, 1, created),
        updated_at=datetime(2026, 2, 1) + timedelta(days=batch),
        city=name.capitalize(),
    )


def order(name: str, number: int, on: date, amount: int) -> Row:
    return row(
        1,
        order_id=f"{name}-{number}",
        customer_ref=name,
        ordered_at=datetime(on.year, on.month, on.day, 12),
        net_amount=Decimal(amount),
    )


ORDERS = [
    order("old", 1, date(2026, 2, 10), 100),
    order("old", 2, date(2026, 2, 20), 50),
    order("young", 1, date(2026, 2, 15), 30),
    order("young", 2, FIRST, 20),
    order("other", 1, date(2026, 2, 12), 70),
]
PEOPLE = [
    record("old", email="o@mill.example", batch=1, created=1),
    record("young", email="y@mill.example", batch=1, created=2),
    record("other", email=None, batch=1, created=3),
]
SHARED = [record("young", email="o@mill.example", batch=2, created=2)]
PARTED = [record("young", email="y@mill.example", batch=3, created=2)]
CLICKS = [
    row(
        1,
        event_id=f"click {name}",
        event_name="clicked",
        channel="email",
        message_id=f"message {name}",
        customer_ref=name,
        occurred_at=datetime(2026, 2, 25),
    )
    for name in ("old", "young")
]


def refresh(
    pipeline: Pipeline, people: Iterable[Row], day: date, before: duckdb.DuckDBPyConnection | None
) -> duckdb.DuckDBPyConnection:
    as_of = end_of(day)
    return pipeline.run(
        {"customers": list(people), "orders": ORDERS, "message_events": CLICKS},
        as_of=as_of,
        instants=[] if before else [end_of(date(2026, 1, 31)), end_of(date(2026, 2, 28))],
        state=next_state(before, as_of) if before else State(),
    )


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"{query} order by all").fetchall()


def profiles(connection: duckdb.DuckDBPyConnection, *, but: str = "") -> list[tuple[Any, ...]]:
    return rows(
        connection,
        f"select * exclude (as_of {but}) from customer_profiles as p "
        "where as_of = (select as_of from run.settings)",
    )


TOTALS = (
    "select sum(order_count_lifetime), sum(net_revenue_lifetime), sum(clicked_message_count_90d) "
    "from customer_profiles where as_of = (select as_of from run.settings)"
)


@pytest.fixture(scope="module")
def refreshes(pipeline: Pipeline) -> list[duckdb.DuckDBPyConnection]:
    """Apart, merged by a correction on the second day, and split by another on the third."""
    first = refresh(pipeline, PEOPLE, FIRST, None)
    second = refresh(pipeline, [*PEOPLE, *SHARED], FIRST + timedelta(days=1), first)
    third = refresh(pipeline, [*PEOPLE, *SHARED, *PARTED], FIRST + timedelta(days=2), second)
    return [first, second, third]


def test_a_merge_moves_everything_and_changes_no_total(
    refreshes: list[duckdb.DuckDBPyConnection],
) -> None:
    first, second, _ = refreshes
    assert rows(first, TOTALS) == rows(second, TOTALS) == [(5, Decimal(270), 2)]
    of_old = "select order_count_lifetime, net_revenue_lifetime, clicked_message_count_90d, city "
    current = "from customer_profiles where as_of = (select as_of from run.settings) "
    assert rows(first, f"{of_old} {current} and customer_id = '{OLD}'") == [
        (2, Decimal(150), 1, "Old")
    ]
    assert rows(second, f"{of_old} {current} and customer_id = '{OLD}'") == [
        (4, Decimal(200), 2, "Young")  # the latest record tells where they live
    ]
    assert rows(second, f"{of_old} {current} and customer_id = '{YOUNG}'") == []


def test_the_map_and_the_log_tell_of_a_merge_and_of_a_split(
    refreshes: list[duckdb.DuckDBPyConnection],
) -> None:
    first, second, third = refreshes
    day_2, day_3 = (end_of(FIRST + timedelta(days=days)) for days in (1, 2))
    former_ids = "select former_customer_id, customer_id, since, reason from customer_id_map"
    log = "select as_of, previous_customer_id, customer_id, identity_change, record_count "
    log += "from identity_log"
    assert rows(first, former_ids) == rows(first, log) == []
    assert rows(second, former_ids) == [(YOUNG, OLD, day_2, "merged")]
    assert rows(second, log) == [(day_2, YOUNG, OLD, "merged", 1)]
    assert rows(third, former_ids) == []
    assert rows(third, log) == [
        (day_2, YOUNG, OLD, "merged", 1),
        (day_3, OLD, YOUNG, "split", 1),
    ]


def test_a_split_restores_the_former_rows(refreshes: list[duckdb.DuckDBPyConnection]) -> None:
    first, _, third = refreshes
    # Two days later, and otherwise the same.
    days = ", days_since_first_order, days_since_last_order, days_until_anniversary"
    assert profiles(first, but=days) == profiles(third, but=days)
    links = "select record_id, customer_id, link_reason from customer_source_records"
    assert rows(first, links) == rows(third, links)


def test_whoever_is_merged_leaves_every_segment_and_returns_with_the_split(
    refreshes: list[duckdb.DuckDBPyConnection],
) -> None:
    _, second, third = refreshes
    day_2, day_3 = (end_of(FIRST + timedelta(days=days)) for days in (1, 2))
    current = f"select segment_key from segment_membership where customer_id = '{YOUNG}'"
    of_young = f"select segment_key, event from segment_events where customer_id = '{YOUNG}'"
    assert rows(second, current) == []
    exits = rows(second, f"{of_young} and as_of = timestamp '{day_2}'")
    assert exits != []
    assert {event for _, event in exits} == {"exited"}
    assert rows(third, current) != []
    assert {event for _, event in rows(third, f"{of_young} and as_of = timestamp '{day_3}'")} == {
        "entered"
    }


def test_history_and_kpis_see_one_customer_where_two_were_published(
    pipeline: Pipeline, refreshes: list[duckdb.DuckDBPyConnection]
) -> None:
    """No revenue is counted twice, and nobody is in two members of a group at once."""
    for connection in refreshes:
        assert pipeline.failing_tests(connection) == {}
    _, second, _ = refreshes
    assert rows(second, f"select * from segment_stays where customer_id = '{YOUNG}'") == []
    doubled = (
        "select exclusive_group, customer_id, valid_from_on, count(*) from segment_stays "
        "where exclusive_group is not null group by all having count(*) > 1"
    )
    assert rows(second, doubled) == []
    march = "kpi = 'revenue' and period_grain = 'month' and period_start = date '2026-03-01'"
    revenue = f"select numerator from segment_kpis where segment_key = 'all' and {march}"
    assert rows(second, revenue) == [(Decimal(20),)]
    of_group = "select sum(numerator) from segment_kpis where segment_key like 'lifecycle_%' and "
    assert rows(second, of_group + march) == [(Decimal(20),)]
    # Sizes of February are as published, of three; none of the two of today is in no stage.
    outside = "select distinct numerator from segment_kpis where kpi = 'members' "
    outside += "and period_grain = 'month' and segment_key = 'lifecycle_none'"
    assert rows(second, outside) == [(Decimal(0),)]
    cohorts = (
        "select sum(cohort_size) from cohort_retention "
        "where segment_key = 'all' and months_since_first_order = 0"
    )
    assert rows(second, cohorts) == [(2,)]


def test_the_same_refresh_again_logs_nothing_more(
    pipeline: Pipeline, refreshes: list[duckdb.DuckDBPyConnection]
) -> None:
    _, second, _ = refreshes
    as_of = end_of(FIRST + timedelta(days=1))
    again = pipeline.run(
        {"customers": [*PEOPLE, *SHARED], "orders": ORDERS, "message_events": CLICKS},
        as_of=as_of,
        state=next_state(second, as_of),
    )
    for table in ("identity_changes", "identity_log", "customer_id_map", "segment_events"):
        query = f"select * from {table}"
        if table == "identity_changes":
            query = "select * exclude (is_new) from identity_changes"
        assert rows(again, query) == rows(second, query), table


def test_an_older_record_gives_the_same_person_another_id_once(pipeline: Pipeline) -> None:
    first = refresh(pipeline, PEOPLE, FIRST, None)
    older = row(
        2,
        customer_ref="till",
        source_system="till",
        email="o@mill.example",
        created_at=datetime(2025, 12, 1),
    )
    second = refresh(pipeline, [*PEOPLE, older], FIRST + timedelta(days=1), first)
    new_id = oracle.customer_id(("ref", "till", "till"))
    day_2 = end_of(FIRST + timedelta(days=1))
    assert rows(second, "select * from customer_id_map") == [(OLD, new_id, day_2, "older_record")]
    assert rows(second, TOTALS) == rows(first, TOTALS)
    assert rows(
        second, f"select count(*) > 0 from segment_stays where customer_id = '{new_id}'"
    ) == [(True,)]
    assert pipeline.failing_tests(second) == {}


def test_an_address_of_a_thousand_people_makes_none_of_them_one(pipeline: Pipeline) -> None:
    """They stay a thousand, and a check says that the address is nobody's own."""
    people = [
        record(f"r{number}", email="office@mill.example", batch=1, created=1)
        for number in range(1000)
    ]
    connection = pipeline.run(
        {"customers": people, "orders": ORDERS}, as_of=end_of(FIRST), only="customer_profiles"
    )
    assert rows(connection, "select count(distinct customer_id) from customer_links") == [(1003,)]
    test = "assert_addresses_and_numbers_are_peoples_own"
    assert pipeline.failing_rows(connection, test) == [("email", "shop", 1000)]


def test_a_chain_of_thirty_ends_at_the_guard_and_says_so(pipeline: Pipeline) -> None:
    people = [
        record(f"r{number:02}", email=f"{number}@mill.example", batch=1, created=1)
        for number in range(30)
    ]
    events = [
        row(
            1,
            event_id=f"e{number}",
            event_name="opened",
            channel="email",
            customer_ref=f"r{number:02}",
            email=f"{number + 1}@mill.example",
            occurred_at=datetime(2026, 2, 1),
        )
        for number in range(29)
    ]
    connection = pipeline.run(
        {"customers": people, "orders": ORDERS, "message_events": events},
        as_of=end_of(FIRST),
        only="customer_profiles",
    )
    assert rows(connection, "select is_over_merged, count(*) from customer_links group by all") == [
        (False, 3),
        (True, 30),
    ]
    assert rows(connection, "select count(distinct customer_id) from customer_links") == [(33,)]
    test = "assert_no_customer_is_over_merged"
    assert pipeline.failing_rows(connection, test) == [(30,)]
