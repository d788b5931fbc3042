"""The examples from raw rows to members: carts, clicks, pets, flights, tables, trials, accounts.

One small town in one run, at noon of two days in London. Contracts hold each bound of a segment's
own SQL; what is claimed here is that what landed reaches it: time zones, windows, statuses and
identities on the way.
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

NOON = datetime(2026, 6, 30, 11)
"""Tuesday, 12:00 in London."""
NEXT_NOON = NOON + timedelta(days=1)
SECOND = timedelta(seconds=1)

Rows = list[dict[str, Any]]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def numbered(key: str, rows: Rows) -> Rows:
    return [
        {key: f"{key} {number}", "source_system": "default", "_batch_id": "b1", **row}
        for number, row in enumerate(rows)
    ]


def order(ref: str, ordered_at: datetime, amount: int = 10) -> dict[str, Any]:
    return {"customer_ref": ref, "ordered_at": ordered_at, "net_amount": Decimal(amount)}


def line(order_id: str, ref: str, product: str, ordered_at: datetime) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "line_number": 1,
        "customer_ref": ref,
        "product_id": product,
        "quantity": Decimal(1),
        "unit_price": Decimal(10),
        "ordered_at": ordered_at,
        "source_system": "default",
        "_batch_id": "b1",
    }


def web(ref: str, name: str, occurred_at: datetime, **values: Any) -> dict[str, Any]:
    return {"customer_ref": ref, "event_name": name, "occurred_at": occurred_at, **values}


def happened(ref: str, name: str, occurred_at: datetime, **values: Any) -> dict[str, Any]:
    return {"customer_ref": ref, "event_name": name, "occurred_at": occurred_at, **values}


def click(ref: str, occurred_at: datetime, campaign: str) -> dict[str, Any]:
    return web(ref, "clicked", occurred_at, channel="email", campaign_id=campaign)


DAY = timedelta(days=1)
# The first and the last instant of 31 May in London; 1 June is day 30 of 30 June.
LAST_OF_MAY, FIRST_OF_JUNE = at("2026-05-31 22:59:59"), at("2026-05-31 23:00:00")

CATEGORIES = ("Dog food", "Cat food", "Tea", "Dog beds", "Dog toys", "Gardening", "Bread")

EMPLOYEES = {
    **{f"technology {n}": ("5415", n) for n in (10, 11, 999, 1000, 1001)},
    **{f"shop {n}": ("4451", n) for n in (10, 11, 99, 100)},
    **{f"hospital {n}": ("6221", n) for n in (99, 100, 101, 999, 1000)},
    **{f"bank {n}": ("5221", n) for n in (999, 1000, 1001)},
}


FLIGHT, OPENED = "flight_booked", "savings_account_opened"
STARTED, STOPPED = "automatic_transfer_started", "automatic_transfer_stopped"

ROWS: dict[str, Rows] = {
    "products": [
        {"product_id": name, "name": name, "category": name, "source_system": "default"}
        for name in CATEGORIES
    ],
    "orders": numbered(
        "order_id",
        [
            order("carts: ordered", NOON - timedelta(minutes=30)),
            order("both day 30", FIRST_OF_JUNE),
            order("bought day 31", LAST_OF_MAY),
            order("clicked day 31", FIRST_OF_JUNE),
            order("clicked a newsletter", FIRST_OF_JUNE),
        ],
    ),
    "order_lines": [
        line("l1", "dog and cat", "Dog food", NOON - 3 * DAY),
        line("l2", "dog and cat", "Cat food", NOON - 300 * DAY),
        line("l3", "dog", "Dog food", NOON - 3 * DAY),
        line("l4", "bed", "Dog beds", NOON - 3 * DAY),
        line("l5", "bed and toy", "Dog beds", NOON - 3 * DAY),
        line("l6", "bed and toy", "Dog toys", NOON - 500 * DAY),
        line("l7", "views and buys", "Tea", NOON - 80 * DAY),
        line("l8", "bread", "Bread", NOON - 80 * DAY),
        line("l9", "bread", "Bread", NOON - 60 * DAY),
        line("l10", "bread", "Bread", NOON - 40 * DAY),
        line("l11", "bread and tea", "Bread", NOON - 40 * DAY),
        line("l12", "bread and tea", "Tea", NOON - 30 * DAY),
    ],
    "web_events": numbered(
        "event_id",
        [
            web("carts: 23:59:59", "add_to_cart", NOON - DAY + SECOND, cart_id="a"),
            web("carts: 24:00:00", "add_to_cart", NOON - DAY, cart_id="b"),
            web("carts: ordered", "add_to_cart", NOON - timedelta(hours=1), cart_id="c"),
            web("views", "product_view", NOON - 13 * DAY, product_id="Tea"),
            web("views and buys", "product_view", NOON - 13 * DAY, product_id="Tea"),
            web("views day 15", "product_view", NOON - 14 * DAY, product_id="Tea"),
            web("gardener", "product_view", NOON - 13 * DAY, product_id="Gardening"),
        ],
    ),
    "campaigns": [
        {"campaign_id": "sale", "source_system": "default", "is_promotional": True},
        {"campaign_id": "news", "source_system": "default", "is_promotional": False},
    ],
    "message_events": numbered(
        "event_id",
        [
            click("both day 30", FIRST_OF_JUNE, "sale"),
            click("bought day 31", FIRST_OF_JUNE, "sale"),
            click("clicked day 31", LAST_OF_MAY, "sale"),
            click("clicked a newsletter", FIRST_OF_JUNE, "news"),
        ],
    ),
    "subscriptions": numbered(
        "subscription_id",
        [
            {"customer_ref": ref, "started_at": NOON - 20 * DAY, "status": status, **values}
            for ref, status, values in (
                ("trial 7 days", "trial", {"trial_ends_at": NOON + 7 * DAY}),
                ("trial a second more", "trial", {"trial_ends_at": NOON + 7 * DAY + SECOND}),
                ("trial over", "trial", {"trial_ends_at": NOON - DAY}),
                ("pays since 20 days", "active", {}),
            )
        ]
        + [
            {"customer_ref": ref, "started_at": NOON - 31 * DAY, "status": "active"}
            for ref in ("bread", "bread and tea", "dog and cat")
        ],
    ),
    "product_usage": [
        {"source_system": "default", "customer_ref": ref, "feature": feature, "used_on": used_on}
        for ref, feature, used_on in (
            ("forgot reports", "reports", date(2026, 5, 31)),
            ("forgot reports", "export", date(2026, 6, 30)),
            ("knows reports", "reports", date(2026, 6, 1)),
            ("gone", "reports", date(2026, 5, 1)),
        )
    ],
    "survey_responses": numbered(
        "response_id",
        [
            {
                "customer_ref": ref,
                "question": question,
                "answer": answer,
                "responded_at": NOON - DAY,
            }
            for ref, question, answer in (
                ("adventurer", "lifestyle:adventure", "yes"),
                ("homebody", "lifestyle:adventure", "no"),
                ("green", "value:sustainability", "true"),
            )
        ],
    ),
    "business_events": numbered(
        "event_id",
        [
            happened("lisbon once", FLIGHT, at("2020-01-01"), subject="Lisbon"),
            happened(
                "lisbon lately",
                FLIGHT,
                at("2025-01-01"),
                subject="Lisbon",
                # Midnight of 1 July in London, day 365 of 30 June.
                starts_at=at("2025-06-30 23:00:00"),
            ),
            happened("porto", FLIGHT, at("2020-01-01"), subject="Porto"),
            happened("saves", OPENED, NOON - 10 * DAY, subject="a"),
            happened("saves by order", OPENED, NOON - 10 * DAY, subject="a"),
            happened("saves by order", STARTED, NOON - 9 * DAY, subject="a"),
            happened("stopped", OPENED, NOON - 10 * DAY, subject="a"),
            happened("stopped", STARTED, NOON - 9 * DAY, subject="a"),
            happened("stopped", STOPPED, NOON - 8 * DAY, subject="a"),
            happened("saves from tomorrow", OPENED, NOON - 10 * DAY, subject="a"),
            happened("saves from tomorrow", STARTED, NOON + SECOND, subject="a"),
            # Monday 29 June in London, an hour ahead of UTC.
            *(
                happened(
                    f"table {hour}",
                    "table_reserved",
                    NOON - 9 * DAY,
                    starts_at=at(f"2026-06-29 {utc}"),
                )
                for hour, utc in (
                    ("15:59", "14:59:59"),
                    ("16:00", "15:00:00"),
                    ("16:59", "15:59:59"),
                    ("17:00", "16:00:00"),
                    ("17:59", "16:59:59"),
                    ("18:00", "17:00:00"),
                    ("18:59", "17:59:59"),
                    ("19:00", "18:00:00"),
                )
            ),
            *(happened("trains", "class_attended", NOON - n * DAY) for n in range(8)),
            *(happened("trains less", "class_attended", NOON - n * DAY) for n in range(7)),
        ],
    ),
    "accounts": [
        {
            "source_system": "default",
            "account_ref": ref,
            "industry_scheme": "naics",
            "industry_code": code,
            "employees": employees,
            "observed_at": at("2026-01-01"),
        }
        for ref, (code, employees) in EMPLOYEES.items()
    ],
}


@pytest.fixture(scope="module")
def everything(pipeline_with: Callable[..., Pipeline]) -> Pipeline:
    return pipeline_with(**everything_on())


@pytest.fixture(scope="module")
def town(everything: Pipeline) -> duckdb.DuckDBPyConnection:
    return everything.run(ROWS, as_of=NEXT_NOON, instants=[NOON], time_zone="Europe/London")


def test_with_every_segment_on_no_check_of_a_release_fails(
    everything: Pipeline, town: duckdb.DuckDBPyConnection
) -> None:
    """Keys, groups, histories and KPIs of more than fifty segments at once."""
    assert everything.failing_tests(town) == {}


def members(town: duckdb.DuckDBPyConnection, segment: str, as_of: datetime = NOON) -> set[str]:
    found = {
        row[0]
        for row in town.execute(
            f'select customer_id from "seg_{segment}" where as_of = ?', [as_of]
        ).fetchall()
    }
    refs = {
        str(row["customer_ref"])
        for rows in ROWS.values()
        for row in rows
        if row.get("customer_ref") is not None
    }
    names = {oracle.customer_id(("ref", "default", ref)): ref for ref in refs}
    return {names[customer] for customer in found}


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ("cart_abandoned_24h", {"carts: 23:59:59"}),
        ("recent_buyers_promo_clickers", {"both day 30"}),
        ("viewed_not_bought", {"views", "gardener"}),
        ("recently_viewed_gardening", {"gardener"}),
        ("dog_owners", {"dog and cat", "dog", "bed", "bed and toy"}),
        ("cat_owners", {"dog and cat"}),
        ("bird_owners", set()),
        ("dog_bed_without_toys", {"bed"}),
        ("bread_lovers", {"bread"}),
        ("category_fans", {"bread"}),
        ("travel_lapsed_lisbon", {"lisbon once"}),
        ("savings_without_transfer", {"saves", "stopped", "saves from tomorrow"}),
        (
            "weekday_wine_down_visitors",
            {f"table {t}" for t in ("17:00", "17:59", "18:00", "18:59")},
        ),
        (
            "family_dinner_deal_visitors",
            {f"table {t}" for t in ("16:00", "16:59", "17:00", "17:59")},
        ),
        ("frequent_class_attendees", {"trains"}),
        ("trial_ending_soon", {"trial 7 days"}),
        ("trial_not_converted", {"trial over"}),
        ("onboarding", {"pays since 20 days"}),
        ("subscriber_category_fans", {"bread"}),
        ("reports_unused", {"forgot reports"}),
        ("travel_adventure_seekers", {"adventurer"}),
        ("sustainable_interest", {"green"}),
    ],
)
def test_raw_rows_become_the_members_of_an_example(
    segment: str, expected: set[str], town: duckdb.DuckDBPyConnection
) -> None:
    assert members(town, segment) == expected


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ("cart_abandoned_24h", set()),
        ("recent_buyers_promo_clickers", set()),
        ("viewed_not_bought", set()),
        # From the first minute of the 366th day.
        ("travel_lapsed_lisbon", {"lisbon once", "lisbon lately"}),
        ("savings_without_transfer", {"saves", "stopped"}),
        ("trial_ending_soon", {"trial 7 days", "trial a second more"}),
        ("frequent_class_attendees", {"trains"}),
    ],
)
def test_a_day_later_they_leave_or_enter_without_a_new_event(
    segment: str, expected: set[str], town: duckdb.DuckDBPyConnection
) -> None:
    assert members(town, segment, NEXT_NOON) == expected


def test_business_accounts_land_in_their_row_at_every_edge_of_size(
    town: duckdb.DuckDBPyConnection,
) -> None:
    found = dict(
        town.execute(
            "select account_ref, segment_key from grp_b2b inner join account_profiles "
            "using (as_of, account_id) where as_of = ?",
            [NOON],
        ).fetchall()
    )
    assert found == {
        "technology 10": "b2b_technology_startup",
        "technology 1000": "b2b_large_enterprise_technology",
        "technology 1001": "b2b_large_enterprise_technology",
        "shop 10": "b2b_small_retail",
        "shop 11": "b2b_small_retail",
        "shop 99": "b2b_small_retail",
        "hospital 100": "b2b_mid_sized_healthcare",
        "hospital 101": "b2b_mid_sized_healthcare",
        "hospital 999": "b2b_mid_sized_healthcare",
        "bank 1000": "b2b_large_enterprise_financial",
        "bank 1001": "b2b_large_enterprise_financial",
    }


def test_geography_and_its_unknown_are_everybody_once(town: duckdb.DuckDBPyConnection) -> None:
    everybody, placed, once = town.execute(
        "select (select count(*) from customer_profiles where as_of = ?), count(*), "
        "count(distinct customer_id) from grp_geography where as_of = ?",
        [NOON, NOON],
    ).fetchall()[0]
    assert everybody == placed == once > 0


def test_accounts_have_members_stays_events_and_sizes_as_customers_have(
    town: duckdb.DuckDBPyConnection,
) -> None:
    standing = town.execute(
        "select account_ref, segment_key, entered_at, matches_archetype "
        "from account_segment_membership inner join account_profiles using (account_id) "
        "where as_of = ? and segment_key like 'b2b%' order by all",
        [NEXT_NOON],
    ).fetchall()
    assert len(standing) == 11
    # They were there a day before, and none of them has ordered: low is what startups are.
    assert {row[2] for row in standing} == {NOON}
    assert {row[0]: row[3] for row in standing}["technology 10"] is True
    assert {row[0]: row[3] for row in standing}["technology 1000"] is False
    stays = town.execute(
        "select account_id, segment_key, valid_from, valid_to "
        "from account_segment_membership_history where segment_key like 'b2b%'"
    ).fetchall()
    assert len(stays) == 11
    assert {row[2:] for row in stays} == {(NOON, None)}
    events = town.execute(
        "select segment_key, event, count(*) from account_segment_events "
        "where segment_key like 'b2b%' group by all order by all"
    ).fetchall()
    sizes = town.execute(
        "select segment_key, 'entered', entered_count from segment_sizes "
        "where segment_key like 'b2b%' and entered_count > 0 order by all"
    ).fetchall()
    assert events == sizes
    # No account is a customer, and no pair is of both.
    assert town.execute(
        "select count(*) from segment_events where segment_key like 'b2b%'"
    ).fetchall() == [(0,)]
    pairs = town.execute(
        "select count(*) from segment_overlap where 'vip' in (segment_a, segment_b) "
        "and (segment_a like 'b2b%' or segment_b like 'b2b%')"
    ).fetchall()
    assert pairs == [(0,)]
    assert town.execute(
        "select entity, count(*) from segments where segment_key like 'b2b%' group by all"
    ).fetchall() == [("account", 5)]
