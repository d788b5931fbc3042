"""Rows of the input contract and the files that hold them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from orchestration.demo.business import Business
from orchestration.demo.calendar import Calendar, founded_on
from orchestration.demo.orders import Order
from orchestration.demo.passers_by import Refund
from orchestration.demo.people import DETAIL_COLUMNS, Customer
from orchestration.demo.products import Product, sold_from

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

_Row = Sequence[object]


@cache  # the same few thousand amounts come again and again
def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _order_id(position: int) -> str:
    return f"HL{100_001 + position}"


def _customer_row(calendar: Calendar, customer: Customer) -> _Row:
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


def _product_row(calendar: Calendar, product: Product) -> _Row:
    return (
        product.product_id,
        product.name,
        product.category,
        product.subcategory,
        product.brand,
        product.tier,
        _money(product.unit_cost),
        sold_from(product, calendar.start).isoformat(),
    )


def _order_row(calendar: Calendar, order: Order, order_id: str, ordered_at: str) -> _Row:
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
        _money(net + discount),
        _money(discount),
        _money(order.tax),
        _money(order.shipping),
        _money(net),
        order.channel,
        order.coupon,
        ordered_at if updated == (order.day, order.second) else calendar.stamp(*updated),
    )


def _line_rows(order: Order, order_id: str, ordered_at: str) -> Iterator[_Row]:
    for number, line in enumerate(order.lines, start=1):
        yield (
            order_id,
            number,
            line.product_id,
            f"{line.quarters // 4}{_QUARTERS[line.quarters % 4]}",
            _money(line.price),
            _money(line.discount),
            ordered_at,
        )


def _refund_row(calendar: Calendar, refund: Refund, number: int) -> _Row:
    return (
        f"RF{number:06d}",
        calendar.stamp(refund.day, refund.second),
        _money(refund.amount),
        "" if refund.order is None else _order_id(refund.order),
        refund.customer_ref,
        refund.email,
        REPORTING_CURRENCY,
        refund.reason,
    )


def _tables(business: Business) -> dict[str, tuple[Sequence[str], list[_Row]]]:
    """Columns and rows of every data file, by its path below the landing folder."""
    calendar = business.calendar
    tables: dict[str, tuple[Sequence[str], list[_Row]]] = {}

    def rows(path: str, columns: Sequence[str]) -> list[_Row]:
        return tables.setdefault(path, (columns, []))[1]

    for customer in business.customers:
        year = calendar.date_of(customer.created[0]).year
        path = f"customers/customers-{year}.csv"
        rows(path, _CUSTOMER_COLUMNS).append(_customer_row(calendar, customer))
    for product in business.products:
        rows("products/products.csv", _PRODUCT_COLUMNS).append(_product_row(calendar, product))
    months = [f"{day.year}-{day.month:02d}" for day in calendar.dates]
    for position, order in enumerate(business.orders):
        month, order_id = months[order.day], _order_id(position)
        ordered_at = calendar.stamp(order.day, order.second)
        rows(f"orders/orders-{month}.csv", _ORDER_COLUMNS).append(
            _order_row(calendar, order, order_id, ordered_at)
        )
        rows(f"order_lines/order_lines-{month}.csv", _LINE_COLUMNS).extend(
            _line_rows(order, order_id, ordered_at)
        )
    for number, refund in enumerate(business.refunds, start=1):
        rows(f"refunds/refunds-{months[refund.day]}.csv", _REFUND_COLUMNS).append(
            _refund_row(calendar, refund, number)
        )
    return tables


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


def write_files(folder: Path, business: Business) -> int:
    """Write all files below `folder`; returns the number of data files."""
    tables = _tables(business)
    for path, (columns, rows) in tables.items():
        target = folder / path
        target.parent.mkdir(exist_ok=True)
        with target.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)
    for name, text in (("mapping.yml", _mapping(business.calendar)), (MARKER_FILE, _marker())):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return len(tables)
