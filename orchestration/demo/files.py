"""Rows of the input contract and the files that hold them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from orchestration.demo.accounts import account_tables
from orchestration.demo.business import Business
from orchestration.demo.calendar import Calendar, founded_on
from orchestration.demo.marketing import marketing_tables
from orchestration.demo.orders import Order
from orchestration.demo.passers_by import Refund
from orchestration.demo.people import DETAIL_COLUMNS, Customer
from orchestration.demo.products import Product, sold_from
from orchestration.demo.service import service_tables
from orchestration.demo.tables import Row, Table, money, order_id
from orchestration.demo.web import web_table

BUSINESS_NAME: Final = "Harbour Lane Coffee Roasters"

BUSINESS_TIME_ZONE: Final = "Europe/Amsterdam"

REPORTING_CURRENCY: Final = "EUR"

MARKER_FILE: Final = ".clientele_demo"

_CUSTOMER_COLUMNS: Final = (
    "customer_ref",
    "email",
    "phone",
    "first_name",
    "last_name",
    *DETAIL_COLUMNS,
    "account_ref",
    "created_at",
    "updated_at",
)

_PRODUCT_COLUMNS: Final = (
    "product_id",
    "name",
    "category",
    "subcategory",
    "brand",
    "tier",
    "unit_cost",
    "valid_from",
)

_ORDER_COLUMNS: Final = (
    "order_id",
    "ordered_at",
    "customer_ref",
    "email",
    "phone",
    "status",
    "currency",
    "gross_amount",
    "discount_amount",
    "tax_amount",
    "shipping_amount",
    "net_amount",
    "sales_channel",
    "coupon_code",
    "updated_at",
)

_LINE_COLUMNS: Final = (
    "order_id",
    "line_number",
    "product_id",
    "quantity",
    "unit_price",
    "discount_amount",
    "ordered_at",
)

_REFUND_COLUMNS: Final = (
    "refund_id",
    "refunded_at",
    "amount",
    "order_id",
    "customer_ref",
    "email",
    "currency",
    "reason",
)

_QUARTERS: Final = ("", ".25", ".5", ".75")


def _customer_row(calendar: Calendar, customer: Customer) -> Row:
    contact = customer.contact
    return (
        customer.customer_ref,
        contact.email,
        contact.phone,
        contact.first_name,
        contact.last_name,
        *customer.details,
        customer.account_ref,
        calendar.stamp(*customer.created),
        calendar.stamp(*customer.updated),
    )


def _product_row(calendar: Calendar, product: Product) -> Row:
    return (
        product.product_id,
        product.name,
        product.category,
        product.subcategory,
        product.brand,
        product.tier,
        money(product.unit_cost),
        sold_from(product, calendar.start).isoformat(),
    )


def _order_row(calendar: Calendar, order: Order, order_id: str, ordered_at: str) -> Row:
    net, discount = order.net, order.discount
    updated = order.updated_day, order.updated_second
    return (
        order_id,
        ordered_at,
        order.customer_ref,
        order.email,
        order.phone,
        order.status,
        REPORTING_CURRENCY,
        money(net + discount),
        money(discount),
        money(order.tax),
        money(order.shipping),
        money(net),
        order.channel,
        order.coupon,
        ordered_at if updated == (order.day, order.second) else calendar.stamp(*updated),
    )


def _line_rows(order: Order, order_id: str, ordered_at: str) -> Iterator[Row]:
    for number, line in enumerate(order.lines, start=1):
        yield (
            order_id,
            number,
            line.product_id,
            f"{line.quarters // 4}{_QUARTERS[line.quarters % 4]}",
            money(line.price),
            money(line.discount),
            ordered_at,
        )


def _refund_row(calendar: Calendar, refund: Refund, number: int) -> Row:
    return (
        f"RF{number:06d}",
        calendar.stamp(refund.day, refund.second),
        money(refund.amount),
        "" if refund.order is None else order_id(refund.order),
        refund.customer_ref,
        refund.email,
        REPORTING_CURRENCY,
        refund.reason,
    )


def tables_of(business: Business, *, tracked_percent: int, towns: int = 1) -> dict[str, Table]:
    """The rows of every entity; adds to the truth of the business what it plants.

    Args:
        business: what to tell.
        tracked_percent: of 100 orders on the web, how many leave their clicks.
        towns: what is spent and done for all towns is told for so many of this size.
    """
    calendar = business.calendar
    customers = Table(_CUSTOMER_COLUMNS, by="created_at")
    customers.rows.extend(_customer_row(calendar, customer) for customer in business.customers)
    products = Table(_PRODUCT_COLUMNS)
    products.rows.extend(_product_row(calendar, product) for product in business.products)
    orders = Table(_ORDER_COLUMNS, by="ordered_at", monthly=True)
    lines = Table(_LINE_COLUMNS, by="ordered_at", monthly=True)
    for position, order in enumerate(business.orders):
        identity = order_id(position)
        ordered_at = calendar.stamp(order.day, order.second)
        orders.rows.append(_order_row(calendar, order, identity, ordered_at))
        lines.rows.extend(_line_rows(order, identity, ordered_at))
    refunds = Table(_REFUND_COLUMNS, by="refunded_at", monthly=True)
    refunds.rows.extend(
        _refund_row(calendar, refund, number)
        for number, refund in enumerate(business.refunds, start=1)
    )
    return {
        "customers": customers,
        "products": products,
        "orders": orders,
        "order_lines": lines,
        "refunds": refunds,
        "web_events": web_table(business, tracked_percent=tracked_percent),
        **marketing_tables(business, towns=towns),
        **service_tables(business),
        **account_tables(business),
    }


def _mapping(calendar: Calendar) -> str:
    return f"""\
# {BUSINESS_NAME}, the demo business of Clientele.
# Its files have the column names of the input contract, so nothing needs to be mapped.
business_time_zone: {BUSINESS_TIME_ZONE}
reporting_currency: {REPORTING_CURRENCY}
business_started_on: {founded_on(calendar.start).isoformat()}
default_country: NL
"""


def _marker() -> str:
    return (
        f"This folder holds the demo business of Clientele, {BUSINESS_NAME}: an invented shop with "
        "invented people. Remove the whole folder before you land files of your own.\n"
    )


def write_csv(folder: Path, tables: Mapping[str, Table]) -> int:
    """Write the tables as CSV files, by month or year; returns the number of files."""
    files = 0
    for entity, table in tables.items():
        for name, rows in _spread(entity, table).items():
            target = folder / entity / name
            target.parent.mkdir(exist_ok=True)
            with target.open("w", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(table.columns)
                writer.writerows(rows)
            files += 1
    return files


def _spread(entity: str, table: Table) -> dict[str, list[Row]]:
    """The rows of each file; no file for no rows."""
    if not table.by:
        return {f"{entity}.csv": table.rows} if table.rows else {}
    at, length = table.columns.index(table.by), 7 if table.monthly else 4
    found: dict[str, list[Row]] = {}
    for row in table.rows:
        found.setdefault(f"{entity}-{str(row[at])[:length]}.csv", []).append(row)
    return found


def write_notes(folder: Path, business: Business) -> None:
    """Write the mapping, and the mark by which the folder is known to be a demo."""
    for name, text in (("mapping.yml", _mapping(business.calendar)), (MARKER_FILE, _marker())):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
