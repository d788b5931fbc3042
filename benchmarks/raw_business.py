"""Raw Parquet of a made-up business as ingestion leaves it: customers, orders, refunds, web events.

One customer in thirty has a second record in another source system under the same e-mail. Orders
are those of synthetic.py. Visits are spread over the same two years; a device is one person's, and
who signs in does so in the third event of a visit. Does not belong here: odd values (a benchmark
measures the usual ones), and the demo business, which is smaller and there to be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import synthetic

ENTITIES = ("customers", "orders", "refunds", "web_events", "products")
ORDERS_EACH = 20
EVENTS_EACH = 50
_EVENTS_OF_A_VISIT = 5
_PRODUCTS = 2000
_FRACTION = 1_000_000


def described(customers: int) -> str:
    """The size in words."""
    return (
        f"{customers:,} customers, {customers * ORDERS_EACH:,} orders, "
        f"{customers * EVENTS_EACH:,} web events"
    )


def _draw(salt: str, key: str = "number") -> str:
    return f"cast(hash({key}, '{salt}') % {_FRACTION} as int)"


def _raw(entity: str) -> str:
    return (
        f"'b1' as _batch_id, '{entity}.csv' as _source_file, "
        "row_number() over () as _line_number, timestamp '2026-01-01' as _loaded_at"
    )


def write(folder: Path, customers: int, settings: Mapping[str, str]) -> None:
    """Write the files; the folder is whole or does not exist.

    Args:
        folder: of the Parquet files.
        customers: how many; orders and events follow.
        settings: of DuckDB.
    """
    partial = folder.with_name(folder.name + ".partial")
    partial.mkdir(parents=True, exist_ok=True)
    scratch = partial / "scratch.duckdb"
    scratch.unlink(missing_ok=True)
    with duckdb.connect(str(scratch)) as connection:
        for name, value in settings.items():
            connection.execute(f"set {name} = '{value}'")
        size = synthetic.Size(customers, customers * ORDERS_EACH)
        for _, sql in synthetic.statements(size):
            connection.execute(sql)
        for entity, sql in _queries(customers).items():
            connection.execute(
                f"copy ({sql}) to '{partial / entity}.parquet' (format parquet, compression zstd)"
            )
    scratch.unlink()
    partial.rename(folder)


def _queries(customers: int) -> dict[str, str]:
    visits = customers * EVENTS_EACH // _EVENTS_OF_A_VISIT
    visitors = ", ".join(f"hash(number, 'visitor {draw}') % {customers}" for draw in ("a", "b"))
    return {
        "customers": f"""
            select
                case when copy = 0 then 'default' else 'newsletter' end as source_system,
                case when copy = 0 then 'C' else 'N' end || number as customer_ref,
                'c' || number || '@mail.example' as email,
                (['NL', 'DE', 'FR', 'BE', 'GB'])[1 + {_draw("country")} % 5] as country,
                'city ' || {_draw("city")} % 400 as city,
                (['search', 'social', 'email', 'referral'])[1 + {_draw("channel")} % 4]
                    as acquisition_channel,
                timestamp '2023-12-01' + to_days(copy) as created_at,
                {_raw("customers")}
            from range({customers}) as numbers (number), (select unnest([0, 1]) as copy)
            where copy = 0 or number % 30 = 7
            """,
        # The person of an order is the hash that synthetic.py makes of the number.
        "orders": f"""
            select
                source_system,
                order_id,
                people.customer_ref,
                status,
                currency,
                discount_amount,
                net_amount,
                sales_channel,
                ordered_at,
                'b1' as _batch_id,
                'orders.csv' as _source_file,
                cast(substr(order_id, 2) as bigint) + 1 as _line_number,
                timestamp '2026-01-01' as _loaded_at
            from fct_orders
            left join (
                select md5('default|C' || number) as customer_id, 'C' || number as customer_ref
                from range({customers}) as numbers (number)
            ) as people using (customer_id)
            """,
        "refunds": f"""
            select
                source_system,
                record_id as refund_id,
                order_id,
                amount,
                currency,
                refunded_at,
                {_raw("refunds")}
            from fct_refunds
            """,
        "products": f"""
            select
                'default' as source_system,
                'P' || number as product_id,
                'product ' || number as product_name,
                'category ' || number % 20 as category,
                'brand ' || number % 50 as brand,
                {_raw("products")}
            from range({_PRODUCTS}) as numbers (number)
            """,
        "web_events": f"""
            with

            visits as (
                select
                    number,
                    cast(greatest({visitors}) as bigint) as visitor,
                    timestamp '2024-01-01' + to_seconds(cast(
                        {_draw("start")} / {_FRACTION}.0 * 731 * 86400 as bigint
                    )) as started_at
                from range({visits}) as numbers (number)
            )

            select
                'default' as source_system,
                'E' || number || '-' || step as event_id,
                case step
                    when 0 then 'page_view'
                    when 1 then 'product_view'
                    when 2 then (['page_view', 'search', 'product_view'])[1 + number % 3]
                    when 3 then (['product_view', 'add_to_cart', 'download'])[1 + number % 3]
                    else (['page_view', 'order_completed', 'page_view'])[1 + number % 3]
                end as event_name,
                'd' || visitor || '-' || number % 2 as anonymous_id,
                case when step >= 2 and {_draw("signs in")} % 10 < 4 then 'C' || visitor end
                    as customer_ref,
                case when step in (1, 2, 3)
                    then 'P' || cast(hash(number, step, 'product') % {_PRODUCTS} as int)
                end as product_id,
                case when step = 0 and number % 4 < 2 then (['cpc', 'email'])[1 + number % 4] end
                    as utm_medium,
                case when step = 0 and number % 4 < 2 then (['google', 'news'])[1 + number % 4] end
                    as utm_source,
                (['mobile', 'desktop', 'tablet'])[1 + visitor % 3] as device,
                started_at + to_seconds(
                    step * (20 + cast(hash(number, 'pace') % 300 as int))
                ) as occurred_at,
                'b1' as _batch_id,
                'web_events.csv' as _source_file,
                number * {_EVENTS_OF_A_VISIT} + step + 1 as _line_number,
                timestamp '2026-01-01' as _loaded_at
            from visits, (select unnest(range({_EVENTS_OF_A_VISIT})) as step)
            """,
    }


def views(folder: Path) -> list[str]:
    """Statements that show the files as they are, as views `raw_<entity>`."""
    return [
        f"create view raw_{entity} as select * from read_parquet('{folder / entity}.parquet')"
        for entity in ENTITIES
    ]


def replace_sources(manifest: Mapping[str, Any], folder: Path) -> list[str]:
    """Statements that put the files in the place of the empty sources of the project.

    A column that the files lack is NULL, as in the views of ingestion.
    """
    statements = []
    with duckdb.connect() as connection:
        for source in manifest["sources"].values():
            if source["source_name"] != "raw" or source["name"] not in ENTITIES:
                continue
            path = folder / f"{source['name']}.parquet"
            there = {
                row[0]
                for row in connection.execute(
                    f"describe select * from read_parquet('{path}')"
                ).fetchall()
            }
            columns = [
                f'cast({name if name in there else "null"} as {column["data_type"]}) as "{name}"'
                for name, column in source["columns"].items()
            ]
            listed = ", ".join(
                [*columns, "_batch_id", "_source_file", "_line_number", "_loaded_at"]
            )
            statements += [
                f"drop table if exists {source['relation_name']}",
                f"create view {source['relation_name']} as "
                f"select {listed} from read_parquet('{path}')",
            ]
    return statements
