"""A business of any size, made by DuckDB from nothing but row numbers: the same rows every time.

Writes the relations that the feature models read (orders, refunds, customers), in the shape of
their own models, so that a benchmark measures features and not ingestion. Does not belong here: the
demo business, which is small and meant to be looked at (orchestration/demo).

The shape: a customer's rate of orders is that of the greatest of three even draws, so a few buy
much and about one in fifteen never; each has a first and a last active day of their own within two
years; one order in a hundred names nobody, one in thirty is cancelled or a test, one in five is
discounted, and one in twenty-five is refunded, wholly or by half, up to thirty days later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestration.errors import ClienteleError

AS_OF = "2025-12-31 23:59:59.999999"
"""The instant described, UTC, which is the business time zone too."""

_FIRST_DAY = "2024-01-01"
_DAYS = 731
_FRACTION = 1_000_000

RELATIONS = ("fct_orders", "fct_refunds", "customers")


@dataclass(frozen=True)
class Size:
    """How much data.

    Attributes:
        customers: customer records, with or without orders.
        orders: orders, counting or not; refunds come on top.
    """

    customers: int
    orders: int

    def __post_init__(self) -> None:
        if self.customers < 1 or self.orders < 1:
            raise ClienteleError(
                "a size is not above 0",
                where="--customers, --orders",
                remedy="give whole numbers from 1",
            )


def _draw(salt: str, key: str = "number") -> str:
    """An even whole number in [0, _FRACTION) that depends on the key and the salt alone."""
    return f"cast(hash({key}, '{salt}') % {_FRACTION} as int)"


def _customer_id(number: str) -> str:
    # As macros/metrics/identifiers.sql makes them: joins on keys of this width are measured.
    return f"md5('default|C' || {number})"


def statements(size: Size) -> list[tuple[str, str]]:
    """Named statements that create the relations of `RELATIONS` in the schema main."""
    buyers = ", ".join(
        f"hash(number, 'buyer {draw}') % {size.customers}" for draw in ("a", "b", "c")
    )
    return [
        (
            "customers",
            f"""
            create table customers as
            select
                {_customer_id("number")} as customer_id,
                cast(null as timestamp) as first_seen_at,
                cast(1 as int) as source_record_count,
                (['NL', 'DE', 'FR', 'BE', 'GB'])[1 + {_draw("country")} % 5] as country,
                'region ' || {_draw("region")} % 40 as region,
                'city ' || {_draw("city")} % 400 as city,
                (['search', 'social', 'email', 'referral'])[1 + {_draw("channel")} % 4]
                    as acquisition_channel,
                true as has_email,
                false as has_phone,
                true as has_first_name,
                true as has_last_name,
                false as is_over_merged,
                cast(null as date) as birth_date,
                cast(null as varchar) as gender,
                cast(null as varchar) as income_band,
                cast(null as varchar) as education,
                cast(null as varchar) as occupation,
                cast(null as int) as household_size,
                cast(null as boolean) as has_children,
                cast(null as varchar) as country_code,
                cast(null as varchar) as subdivision_code,
                cast(null as varchar) as acquisition_campaign_id
            from range({size.customers}) as numbers (number)
            """,
        ),
        (
            "orders",
            f"""
            create table fct_orders as
            with

            buyers as (
                select number, greatest({buyers}) as buyer
                from range({size.orders}) as numbers (number)
            ),

            active as (
                select
                    number,
                    buyer,
                    {_draw("first day", "buyer")} % {_DAYS - 30} as first_day,
                    {_draw("active for", "buyer")} as active_for
                from buyers
            ),

            timed as (
                select
                    number,
                    buyer,
                    timestamp '{_FIRST_DAY}' + to_microseconds(cast(
                        (
                            first_day
                            + {_draw("moment")} / {_FRACTION}.0
                            * (1 + active_for * ({_DAYS - 1} - first_day) / {_FRACTION}.0)
                        ) * 86400000000 as bigint
                    )) as ordered_at,
                    cast(
                        exp(2.2 + 3.2 * {_draw("amount")} / {_FRACTION}.0) as decimal(16, 2)
                    ) as amount,
                    {_draw("status")} % 60 as status_draw,
                    {_draw("discount")} % 5 = 0 as has_discount
                from active
            )

            select
                'default' as source_system,
                'O' || number as order_id,
                case when {_draw("nobody")} % 100 > 0 then {_customer_id("buyer")} end
                    as customer_id,
                case status_draw when 0 then 'cancelled' when 1 then 'test' else 'completed' end
                    as status,
                case when {_draw("sales channel")} % 10 < 7 then 'web' else 'store' end
                    as sales_channel,
                'header' as origin,
                cast('EUR' as varchar) as currency,
                cast(amount as decimal(18, 4)) as net_amount,
                cast(amount as decimal(18, 4)) as reporting_net_amount,
                cast(case when has_discount then amount / 10 else 0 end as decimal(18, 4))
                    as discount_amount,
                cast(null as decimal(18, 4)) as line_net_amount,
                status_draw > 1 as is_counting,
                has_discount,
                ordered_at,
                cast(ordered_at as date) as ordered_on,
                timestamp '2026-01-01' as loaded_at
            from timed
            """,
        ),
        (
            "refunds",
            f"""
            create table fct_refunds as
            with

            refunded as (
                select
                    *,
                    cast(substr(order_id, 2) as bigint) as number
                from fct_orders
                where cast(substr(order_id, 2) as bigint) % 25 = 7
            ),

            timed as (
                select
                    *,
                    ordered_at
                    + to_microseconds(cast({_draw("returned")} as bigint) * 2592000) as refunded_at
                from refunded
            )

            select
                'refund' as origin,
                source_system,
                'R' || number as record_id,
                order_id,
                customer_id,
                currency,
                cast(case when number % 2 = 0 then net_amount else net_amount / 2 end
                    as decimal(18, 4)) as amount,
                amount as reporting_amount,
                is_counting,
                true as has_order,
                refunded_at,
                cast(refunded_at as date) as refunded_on,
                loaded_at
            from timed
            """,
        ),
    ]


def missing_columns(
    manifest: Mapping[str, Any], found: Mapping[str, set[str]]
) -> dict[str, list[str]]:
    """Columns that the models declare and the synthetic relations lack.

    Args:
        manifest: of the compiled project.
        found: columns by relation, as generated.
    """
    missing = {}
    for relation in RELATIONS:
        declared = manifest["nodes"][f"model.clientele.{relation}"]["columns"]
        lacking = sorted(set(declared) - found[relation])
        if lacking:
            missing[relation] = lacking
    return missing


def run_statements() -> list[str]:
    """Statements that say what the run is: one instant, in UTC, with amounts in EUR."""
    return [
        f"""
        insert into run.settings
        by name select
            'benchmark' as run_id,
            timestamp '{AS_OF}' as as_of,
            timestamp '{AS_OF}' as built_at,
            'EUR' as reporting_currency,
            'UTC' as business_time_zone
        """,
        f"""
        insert into run.as_of_spine
        by name select timestamp '{AS_OF}' as as_of, 'published' as basis
        """,
    ]
