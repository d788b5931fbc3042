"""Who asked to be forgotten leaves, once and for good, and no total changes.

Each test refreshes the project's SQL several times, each time from the state that the refresh
before left. Does not belong here: whom a request means and what else is forgotten with it
(test_oracle_identity.py, test_recomputation.py and the unit tests of models/identity).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import oracle
import pytest
from pipeline import Pipeline, State, next_state
from test_identity_over_time import (
    CLICKS,
    FIRST,
    OLD,
    ORDERS,
    PEOPLE,
    SHARED,
    YOUNG,
    Row,
    end_of,
    record,
    row,
    rows,
)

DAYS = [end_of(FIRST + timedelta(days=number)) for number in range(3)]
# A guest of the same address, known by nothing else.
GUEST = row(
    1,
    order_id="guest",
    email="o@mill.example",
    ordered_at=datetime(2026, 2, 11, 12),
    net_amount=Decimal(7),
)


def request(batch: int = 2, **names: Any) -> Row:
    return row(batch, request_id=f"of batch {batch}", requested_at=DAYS[1], **names)


OF_OLD = request(customer_ref="old")


def refresh(
    pipeline: Pipeline,
    day: int,
    before: duckdb.DuckDBPyConnection | None,
    requests: Sequence[Row] = (),
    people: Iterable[Row] = PEOPLE,
) -> duckdb.DuckDBPyConnection:
    raw = {
        "customers": list(people),
        "orders": [*ORDERS, GUEST],
        "message_events": CLICKS,
        "erasure_requests": list(requests),
    }
    return pipeline.run(
        raw,
        as_of=DAYS[day],
        instants=[] if before else [end_of(FIRST - timedelta(days=days)) for days in (1, 29)],
        state=next_state(before, DAYS[day]) if before else State(),
    )


def customers(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {found for (found,) in rows(connection, "select customer_id from customers")}


@pytest.fixture(scope="module")
def before(pipeline: Pipeline) -> duckdb.DuckDBPyConnection:
    return refresh(pipeline, 0, None)


@pytest.fixture(scope="module")
def erased(pipeline: Pipeline, before: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return refresh(pipeline, 1, before, [OF_OLD])


@pytest.fixture(scope="module")
def unasked(pipeline: Pipeline, before: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The same refresh without the request."""
    return refresh(pipeline, 1, before)


def test_whoever_asked_leaves_every_segment_and_what_was_published_stays(
    before: duckdb.DuckDBPyConnection, erased: duckdb.DuckDBPyConnection
) -> None:
    keys = f"select segment_key from segment_membership where customer_id = '{OLD}'"
    events = "select * from segment_events"
    was_in = rows(before, keys)
    assert was_in != []
    assert rows(erased, keys) == []
    new = f"from segment_events where as_of = timestamp '{DAYS[1]}' and customer_id = '{OLD}'"
    assert rows(erased, f"select segment_key {new}") == was_in
    assert rows(erased, f"select distinct event, basis {new}") == [("exited", "published")]
    assert rows(erased, f"{events} where as_of < timestamp '{DAYS[1]}'") == rows(before, events)
    open_stays = "from segment_membership_history where valid_to is null and customer_id = "
    assert rows(erased, f"select * {open_stays} '{OLD}'") == []


@pytest.mark.parametrize(
    "table",
    [
        "customers",
        "customer_profiles",
        "customer_360",
        "customer_source_records",
        "customer_recent_orders",
        "customer_open_tickets",
        "segment_membership",
        "segment_stays",
        "rfm_scores",
        "lifecycle_stages",
        "fct_revenue",
        "fct_message_events",
    ],
)
def test_no_table_of_the_present_has_them(
    erased: duckdb.DuckDBPyConnection, unasked: duckdb.DuckDBPyConnection, table: str
) -> None:
    there = f"select count(*) > 0 from {table} where customer_id = '{OLD}'"
    assert rows(unasked, there) == [(table != "customer_open_tickets",)]
    assert rows(erased, there) == [(False,)]


def test_nothing_links_to_them(
    erased: duckdb.DuckDBPyConnection, unasked: duckdb.DuckDBPyConnection
) -> None:
    assert len(rows(unasked, "select * from record_links")) == 1
    assert rows(erased, "select * from record_links") == []
    assert rows(erased, "select * from customer_id_map") == []
    log = "select as_of, previous_customer_id, customer_id, identity_change, record_count "
    assert rows(erased, f"{log} from identity_log") == [(DAYS[1], OLD, None, "erased", 2)]
    noted = f"from identity_changes where as_of = timestamp '{DAYS[1]}'"
    guest = oracle.customer_id(("email", "o@mill.example"))
    assert rows(erased, f"select record_id, customer_id, identity_change {noted}") == sorted(
        (found, None, "erased") for found in (OLD, guest)
    )


def test_orders_and_revenue_of_nobody_and_of_profiles_are_those_of_the_facts(
    erased: duckdb.DuckDBPyConnection, unasked: duckdb.DuckDBPyConnection
) -> None:
    figures = "select coalesce(sum(order_count), 0), coalesce(sum(net_revenue), 0) from fct_revenue"
    assert rows(erased, figures) == rows(unasked, figures) == [(6, Decimal(277))]
    assert rows(unasked, f"{figures} where customer_id is null") == [(0, Decimal(0))]
    # Two orders of the reference, 100 and 50, and the guest's of 7.
    assert rows(erased, f"{figures} where customer_id is null") == [(3, Decimal(157))]
    of_profiles = (
        "select sum(order_count_lifetime), sum(net_revenue_lifetime) from customer_profiles "
        f"where as_of = timestamp '{DAYS[1]}'"
    )
    assert rows(erased, of_profiles) == [(3, Decimal(120))]
    of_all = "select sum(numerator) from segment_kpis where kpi = 'revenue' "
    of_all += "and period_grain = 'month' and segment_key = 'all'"
    assert rows(erased, of_all) == rows(unasked, of_all) == [(Decimal(277),)]


def test_everybody_else_is_as_without_the_request(
    erased: duckdb.DuckDBPyConnection, unasked: duckdb.DuckDBPyConnection
) -> None:
    """But for scores, which compare customers with one another."""
    features = f"select * from customer_features where customer_id <> '{OLD}'"
    assert rows(erased, features) == rows(unasked, features)
    stays = f"select * from segment_membership_history where customer_id <> '{OLD}' "
    stays += "and segment_key in ('recent_buyers_30d', 'one_time_buyers', 'regular_buyers')"
    assert rows(erased, stays) == rows(unasked, stays) != []


def test_no_group_has_fewer_than_nobody_outside_it(
    pipeline: Pipeline, erased: duckdb.DuckDBPyConnection, unasked: duckdb.DuckDBPyConnection
) -> None:
    """Sizes are as they were published; of those in no member, only customers of today count."""
    outside = "select numerator from segment_kpis where kpi = 'members' and period_grain = 'month' "
    outside += "and segment_key = 'lifecycle_none'"
    assert rows(unasked, outside) == rows(erased, outside) == [(Decimal(0),), (Decimal(0),)]
    assert pipeline.failing_tests(erased) == {}


def test_who_is_forgotten_stays_so_when_the_export_forgets_what_led_to_them(
    pipeline: Pipeline, before: duckdb.DuckDBPyConnection
) -> None:
    """A shop empties the record of whoever asked: the records it held together do not come back."""
    together = [*PEOPLE, *SHARED]
    second = refresh(pipeline, 1, before, [OF_OLD], together)
    assert customers(second) == customers(before) - {OLD, YOUNG}
    emptied = [*together, record("old", email=None, batch=3, created=1)]
    third = refresh(pipeline, 2, second, [OF_OLD], emptied)
    assert customers(third) == customers(second)
    assert pipeline.failing_tests(third) == {}
    noted = "select count(*) from identity_changes where identity_change = 'erased'"
    assert rows(third, noted) == rows(second, noted) == [(3,)]


def test_a_new_record_of_an_erased_address_is_nobodys(
    pipeline: Pipeline, erased: duckdb.DuckDBPyConnection
) -> None:
    again = [*PEOPLE, record("again", email="o@mill.example", batch=3, created=30)]
    third = refresh(pipeline, 2, erased, [OF_OLD], again)
    assert customers(third) == customers(erased)
    assert rows(third, "select * from customer_id_map") == []


def test_a_former_id_of_somebody_erased_leads_to_nobody(
    pipeline: Pipeline, before: duckdb.DuckDBPyConnection
) -> None:
    together = [*PEOPLE, *SHARED]
    second = refresh(pipeline, 1, before, (), together)
    former = "select former_customer_id from customer_id_map"
    assert rows(second, former) == [(YOUNG,)]
    third = refresh(pipeline, 2, second, [request(customer_ref="young")], together)
    assert rows(third, former) == []
    stays = f"select * from segment_stays where customer_id in ('{OLD}', '{YOUNG}')"
    assert rows(third, stays) == []
    assert pipeline.failing_tests(third) == {}


def test_a_request_for_nobody_changes_nothing_and_is_counted(
    pipeline: Pipeline,
    before: duckdb.DuckDBPyConnection,
    erased: duckdb.DuckDBPyConnection,
    unasked: duckdb.DuckDBPyConnection,
) -> None:
    check = "assert_every_erasure_request_names_one_customer"
    requests = [
        request(3, customer_ref="nobody"),
        request(4, email="nobody@mill.example"),
        request(5, email="none@none.com"),
        request(6, customer_ref="old", email="y@mill.example") | {"requested_at": DAYS[2]},
    ]
    second = refresh(pipeline, 1, before, requests)
    for table in ("customer_features", "segment_events", "customer_source_records", "segment_kpis"):
        assert rows(second, f"select * from {table}") == rows(unasked, f"select * from {table}")
    assert pipeline.failing_rows(second, check) == [("shop", 0, 3)]
    assert pipeline.failing_rows(erased, check) == []
    # A day later the request for two people holds, and takes both.
    third = refresh(pipeline, 2, second, requests)
    assert customers(third) == customers(before) - {OLD, YOUNG}
    assert sorted(pipeline.failing_rows(third, check)) == [("shop", 0, 3), ("shop", 2, 1)]
