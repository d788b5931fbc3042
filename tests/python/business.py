"""Small random businesses that are full of the oddities of real exports.

A business is made of ordinary customers and of oddities: named functions, each of which adds the
few rows of one awkward case. ``generate`` draws from a seeded ``random.Random``; ``businesses``
is the same as a hypothesis strategy, so that a failure shrinks; ``every_oddity`` has them all.

Does not belong here: what the right answer is (oracle.py), files and landing formats, and rows
that ingestion would refuse (bad types, two contents for one key without a way to decide).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

from business_activity import ACTIVE, ACTIVITY_ODDITIES
from business_kpis import KPI_ODDITIES
from business_shop import (
    AS_OF_DATES,
    BATCHES,
    NOON,
    SYSTEMS,
    TIME_ZONE,
    Person,
    Shop,
)
from hypothesis import strategies as st
from oracle_rows import Raw, Seeds, last_instant, read_seeds, utc_of_local

from orchestration.reference import country_spellings, subdivision_spellings

ROOT = Path(__file__).resolve().parents[2]


# Ordinary customers --------------------------------------------------------------------------


def regular(shop: Shop) -> None:
    """Buys every few weeks, and still does."""
    who = shop.person()
    shop.customer(who)
    gap = shop.rng.choice((7, 20, 30, 45, 60, 61))
    for k in range(shop.rng.randint(4, 12)):
        shop.order(who, shop.rng.randint(0, 3) + k * gap)


def occasional(shop: Shop) -> None:
    """Buys now and then."""
    who = shop.person()
    for _ in range(shop.rng.randint(1, 4)):
        shop.order(who, shop.day())


def former(shop: Shop) -> None:
    """Bought often, and then no more."""
    who = shop.person()
    shop.customer(who, created_at=shop.at(900))
    quiet = shop.rng.choice((60, 61, 90, 120, 121, 200, 364, 365, 400))
    for k in range(shop.rng.randint(2, 8)):
        shop.order(who, quiet + k * shop.rng.randint(5, 40))


ORDINARY: tuple[Callable[[Shop], None], ...] = (regular, occasional, former)


# Oddities ------------------------------------------------------------------------------------


def ties(shop: Shop) -> None:
    """Ten customers who did the very same."""
    days, amount = [shop.day(), shop.day()], shop.money()
    for _ in range(10):
        who = shop.person()
        for day in days:
            shop.order(who, day, ordered_at=shop.at(day, NOON), net_amount=amount)


def single_order(shop: Shop) -> None:
    """One order ever."""
    shop.order(shop.person(), shop.day())


def several_orders_one_day(shop: Shop) -> None:
    """Three orders from the first to the last instant of one day, and one on another."""
    who, day = shop.person(), shop.day()
    for local in (time(0, 0), NOON, time(23, 59, 59, 999999)):
        shop.order(who, day, ordered_at=shop.at(day, local))
    shop.order(who, day + shop.rng.randint(1, 50))


def refund_over_period_end(shop: Shop) -> None:
    """Bought at the end of a month, given back in the next."""
    who = shop.person()
    first = shop.as_of_on.replace(day=1)
    before = (shop.as_of_on - first).days + 1
    order = shop.order(who, before, ordered_at=shop.at(before, time(23, 30)))
    shop.refund_of(order, before - 1, order["net_amount"], refunded_at=shop.at(before - 1, time(0)))


def refund_bigger_than_order(shop: Shop) -> None:
    """More given back than was paid."""
    day = shop.day(5)
    order = shop.order(shop.person(), day)
    shop.refund_of(order, shop.rng.randint(0, day), order["net_amount"] + shop.money())


def refund_without_order(shop: Shop) -> None:
    """Of orders that nobody knows: of no customer, of one that is named, of no order at all."""
    who = shop.person("default")
    shop.order(who, shop.day())
    shop.refund(shop.day(), shop.money(), order_id=f"unknown-{shop.number()}")
    shop.refund(
        shop.day(),
        shop.money(),
        order_id=f"unknown-{shop.number()}",
        customer_ref=who.customer_ref,
    )
    shop.refund(shop.day(), shop.money(), customer_ref=shop.person("default").customer_ref)
    shop.refund(shop.day(), shop.money())


def refund_naming_another_customer(shop: Shop) -> None:
    """The order is one customer's, its refund another's."""
    system = shop.rng.choice(SYSTEMS)
    buyer, other = shop.person(system), shop.person(system)
    day = shop.day(5)
    order = shop.order(buyer, day)
    if shop.rng.random() < 0.5:
        shop.order(other, shop.day())
    shop.refund_of(order, day - 5, shop.money(), customer_ref=other.customer_ref)


def refund_before_order(shop: Shop) -> None:
    """Given back days, and sometimes months, before it was bought."""
    day = shop.day(0, 300)
    order = shop.order(shop.person(), day)
    shop.refund_of(order, day + shop.rng.choice((1, 40)), shop.money())


def refund_by_email(shop: Shop) -> None:
    """Refunds that name an e-mail: of a customer record, and of nobody known."""
    who = shop.person()
    shop.customer(who)
    shop.refund(shop.day(), shop.money(), email=f" {who.email.upper()} ")
    shop.refund(shop.day(), shop.money(), email=f"guest{shop.number()}@mill.example")


def cancelled_negative_header(shop: Shop) -> None:
    """An exported cancellation: a refund on its own date; sometimes of someone who never bought."""
    who, day = shop.person(), shop.day()
    if shop.rng.random() < 0.7:
        shop.order(who, day + 3)
    cancelled = shop.order(who, day, status="cancelled", net_amount=-shop.money())
    shop.refund_of(cancelled, day, shop.money())  # of an order that does not count: ignored


def cancelled_negative_lines(shop: Shop) -> None:
    """Cancellations exported as lines: in an order of their own, and among lines that count."""
    who, day = shop.person(), shop.day(10)
    bought = f"L{shop.number()}"
    shop.line(who, bought, day, status="completed")
    shop.line(who, bought, day, status="completed")
    shop.line(who, bought, day - 9, status="cancelled", quantity=Decimal("-1.0000"))
    shop.line(who, f"C{shop.number()}", day - 5, status="cancelled", quantity=Decimal("-2.0000"))


def cancelled_line_under_header(shop: Shop) -> None:
    """Where there is a header, a cancelled line moves no money."""
    who, day = shop.person(), shop.day()
    order = shop.order(who, day)
    shop.line(
        who,
        order["order_id"],
        day,
        status="cancelled",
        quantity=Decimal("-3.0000"),
        discount_amount=Decimal("1.0000"),
    )


def cancelled_positive(shop: Shop) -> None:
    """Cancelled before it was paid: ignored, as a header and as a line, with its refund."""
    who, day = shop.person(), shop.day()
    order = shop.order(who, day, status="cancelled")
    shop.refund_of(order, day, order["net_amount"])
    line = shop.line(who, f"L{shop.number()}", day, status="cancelled")
    shop.refund_of(line, day, shop.money())
    shop.order(who, day, status="cancelled", net_amount=Decimal("0.0000"))


def orders_of_the_shop_itself(shop: Shop) -> None:
    """Tests of the shop itself, with a refund, as header and as lines."""
    who, day = shop.person(), shop.day()
    order = shop.order(who, day, status="test")
    shop.refund_of(order, day, order["net_amount"])
    mixed = f"L{shop.number()}"
    buyer = shop.person()
    shop.line(buyer, mixed, day, status="test")
    shop.line(buyer, mixed, day, status="paid")
    shop.line(shop.person(), f"L{shop.number()}", day, status="test")


def negative_order(shop: Shop) -> None:
    """A negative order that nobody cancelled counts."""
    who, day = shop.person(), shop.day()
    shop.order(who, day, status="completed", net_amount=-shop.money())
    lines = f"L{shop.number()}"
    shop.line(who, lines, day, status="completed", quantity=Decimal("-1.0000"))
    shop.line(who, lines, day, status=None)


def order_without_identifier(shop: Shop) -> None:
    """Revenue of no customer: as header, as lines, and given back."""
    day = shop.day()
    order = shop.order(None, day)
    shop.line(None, f"L{shop.number()}", day)
    if shop.rng.random() < 0.5:
        shop.refund_of(order, shop.rng.randint(0, day), shop.money())


def order_by_email_only(shop: Shop) -> None:
    """A guest known by e-mail alone, written in two ways."""
    email = f"guest{shop.number()}@mill.example"
    shop.order(None, shop.day(), email=email)
    shop.order(None, shop.day(), email=f"  {email.title()}")


def email_only_order_of_a_record(shop: Shop) -> None:
    """A guest order whose e-mail stands in a customer record, created before or after it."""
    who = shop.person()
    shop.customer(who, email=who.email.title())
    shop.order(None, shop.day(), email=f"{who.email} ")
    if shop.rng.random() < 0.5:
        shop.order(who, shop.day(), email=who.email)


def email_of_several_records(shop: Shop) -> None:
    """Two records share an e-mail and a guest order has it too: one customer."""
    email = f"family{shop.number()}@mill.example"
    for _ in range(2):
        who = shop.person()
        created_at = shop.rng.choice((None, shop.at(100, NOON), shop.at(shop.day())))
        shop.customer(who, email=email, created_at=created_at)
        if shop.rng.random() < 0.5:
            shop.order(who, shop.day())
    shop.order(None, shop.day(), email=email)


def email_given_up(shop: Shop) -> None:
    """The latest version of the record has another e-mail: the old one is a guest again."""
    who = shop.person()
    shop.customer(who, email=who.email, updated_at=shop.at(50), _batch_id=BATCHES[3])
    shop.customer(who, email=f"new-{who.email}", updated_at=shop.at(10), _batch_id=BATCHES[0])
    shop.order(None, shop.day(), email=who.email)
    shop.order(None, shop.day(), email=f"new-{who.email}")


def header_and_lines(shop: Shop) -> None:
    """The same order twice over, not to the same amount; the discount stands on the lines."""
    who, day = shop.person(), shop.day(0, 500)
    order = shop.order(who, day)
    for discount in (None, Decimal("0.5000")):
        shop.line(
            who,
            order["order_id"],
            day,
            status="completed",
            discount_amount=discount,
            ordered_at=shop.rng.choice((None, order["ordered_at"])),
        )


def lines_only(shop: Shop) -> None:
    """An order of lines alone: odd quantities, a half cent to round, a line without a reference."""
    who, day = shop.person(), shop.day()
    order_id = f"L{shop.number()}"
    shop.line(
        who, order_id, day, quantity=Decimal("0.5000"), unit_price=Decimal("0.0001"), status=None
    )
    shop.line(
        who, order_id, day, quantity=Decimal("1.5000"), unit_price=Decimal("0.0001"), status=None
    )
    shop.line(who, order_id, day, discount_amount=Decimal("0.2500"), status="paid")
    shop.line(who, order_id, day, customer_ref=None, status="paid", ordered_at=None)
    shop.line(who, order_id, day, ordered_at=shop.at(day + 1, NOON), status="paid")


def lines_replaced(shop: Shop) -> None:
    """A later batch has other lines of the order, and fewer."""
    who, day = shop.person(), shop.day()
    order_id = f"L{shop.number()}"
    for number in (1, 2, 3):
        shop.line(who, order_id, day, line_number=number, _batch_id=BATCHES[0])
    shop.line(who, order_id, day, line_number=2, _batch_id=BATCHES[2], status="completed")


def daylight_saving(shop: Shop) -> None:
    """Orders in the hours that do not occur and that occur twice, in local and in UTC terms."""
    who = shop.person()
    year = shop.as_of_on.year - 1
    for month in (3, 10):
        change = max(day for d in range(25, 32) if (day := date(year, month, d)).isoweekday() == 7)
        for hour in (0, 1, 2):
            local = datetime.combine(change, time(hour, 30))
            shop.order(who, 0, ordered_at=utc_of_local(local, TIME_ZONE))
        shop.order(who, 0, ordered_at=datetime.combine(change, time(1, 30)))


def near_midnight(shop: Shop) -> None:
    """In summer the business day begins at 23:00 UTC."""
    who = shop.person()
    june = date(shop.as_of_on.year - 1, 6, shop.rng.randint(1, 30))
    for at in (time(22, 59, 59, 999999), time(23, 0), time(23, 30)):
        shop.order(who, 0, ordered_at=datetime.combine(june, at))


def window_edges(shop: Shop) -> None:
    """In on day N, out on day N + 1, at both ends of the day; so too for what is given back."""
    for days in (30, 90, 365):
        for day_number in (days, days + 1):
            who = shop.person()
            local = shop.rng.choice((time(0, 0), time(23, 59, 59, 999999)))
            order = shop.order(who, 0, ordered_at=shop.at(day_number - 1, local))
            if shop.rng.random() < 0.5:
                shop.refund_of(order, 0, shop.money(), refunded_at=shop.at(day_number - 1, local))


def stage_edges(shop: Shop) -> None:
    """The first and the last day of lifecycle stages and of the win-back window."""
    for days in (59, 60, 180, 181):
        shop.order(shop.person(), days)
    for last in (30, 31):
        who = shop.person()
        for k in range(3):
            shop.order(who, last + 15 * k)
    for last in (59, 60, 120, 121):
        who = shop.person()
        for k in range(5):
            shop.order(who, last + 60 * k)


def customer_without_orders(shop: Shop) -> None:
    """A contact."""
    shop.customer(shop.person())


def customer_created_after_as_of(shop: Shop) -> None:
    """Records from the future: one unknown till then, one who has already bought."""
    late = shop.as_of + timedelta(microseconds=1)
    shop.customer(shop.person(), created_at=late)
    buyer = shop.person()
    shop.customer(buyer, created_at=late + timedelta(days=3))
    shop.order(buyer, shop.day())
    shop.customer(shop.person(), created_at=shop.as_of)


def undated_customer_record(shop: Shop) -> None:
    """Records without a date always existed."""
    shop.customer(shop.person(), created_at=None, email=None)
    buyer = shop.person()
    shop.customer(buyer, created_at=None)
    shop.order(buyer, shop.day())


def zero_amount_order(shop: Shop) -> None:
    """Free of charge, and an order all the same."""
    who = shop.person()
    shop.order(who, shop.day(), net_amount=Decimal("0.0000"))
    shop.line(who, f"L{shop.number()}", shop.day(), unit_price=Decimal("0.0000"), status="paid")


def corrected_order(shop: Shop) -> None:
    """One key with a later ``updated_at``, arriving in order, or late, or without a date first."""
    who, day = shop.person(), shop.day(20)
    first = shop.order(who, day, updated_at=shop.at(day - 1, NOON), _batch_id=BATCHES[0])
    correction = first | {
        "net_amount": shop.money(41, 60),
        "updated_at": shop.at(day - 5, NOON),
        "_batch_id": BATCHES[1],
    }
    if shop.rng.random() < 0.5:  # the correction arrives before what it corrects
        first["_batch_id"], correction["_batch_id"] = BATCHES[1], BATCHES[0]
    if shop.rng.random() < 0.5:
        first["updated_at"] = None
    if shop.rng.random() < 0.3:
        correction["status"] = "cancelled"
    if shop.rng.random() < 0.3:
        correction["ordered_at"] = shop.at(day + 40)
    shop.orders.append(correction)


def resent_order(shop: Shop) -> None:
    """One key in two batches, equal or no ``updated_at``: the later batch holds."""
    updated_at = shop.rng.choice((None, shop.at(3, NOON)))
    first = shop.order(shop.person(), shop.day(5), updated_at=updated_at, _batch_id=BATCHES[0])
    again = first | {"net_amount": shop.money(41, 60), "_batch_id": BATCHES[2]}
    shop.orders.insert(0, again)


def resent_refund(shop: Shop) -> None:
    """One refund in two batches: the later one holds."""
    order = shop.order(shop.person(), shop.day(10))
    first = shop.refund_of(order, 4, shop.money(), _batch_id=BATCHES[0])
    shop.refunds.append(first | {"amount": shop.money(41, 60), "_batch_id": BATCHES[3]})


def order_after_as_of(shop: Shop) -> None:
    """One microsecond too late, and on the very instant."""
    who = shop.person()
    shop.order(who, 0, ordered_at=shop.as_of)
    shop.order(who, 0, ordered_at=shop.as_of + timedelta(microseconds=1))
    shop.order(shop.person(), 0, ordered_at=shop.as_of + timedelta(days=2))


def one_ref_in_two_systems(shop: Shop) -> None:
    """The same reference and the same order id in two systems: two customers, two orders."""
    who = shop.person("default")
    order = shop.order(who, shop.day(10))
    other = Person("shop", who.customer_ref, f"other-{who.email}")
    shop.order(other, shop.day(), order_id=order["order_id"])
    shop.refund(3, shop.money(), order_id=order["order_id"], source_system="shop")


def discounts(shop: Shop) -> None:
    """Half of the money, or a little less, by discount or coupon; and nothing left of it."""
    amount = shop.money()
    for how in ({"discount_amount": Decimal("0.0100")}, {"coupon_code": "SPRING"}):
        who = shop.person()
        shop.order(who, 10, net_amount=amount, **how)
        shop.order(who, 20, net_amount=amount + shop.rng.choice((0, 1)), discount_amount=Decimal(0))
    who = shop.person()
    shop.order(who, 10, net_amount=amount, coupon_code="SPRING")
    shop.order(who, 12, net_amount=-amount, status="paid")


def foreign_currency(shop: Shop) -> None:
    """Bought with a rate of the day and with one 7 days old; given back by the rate of that day."""
    who, day = shop.person(), shop.day(low=20)
    for age, currency in ((0, "EUR"), (7, "EUR"), (3, "USD")):
        shop.rate(currency, day + age)
        order = shop.order(
            who, day, currency=currency, ordered_at=shop.at(day, NOON), net_amount=shop.money()
        )
        back = shop.rng.randint(0, day)
        shop.rate(currency, back)
        shop.refund_of(
            order,
            back,
            order["net_amount"],
            refunded_at=shop.at(back, NOON),
            currency=shop.rng.choice((None, currency)),
        )


def foreign_lines(shop: Shop) -> None:
    """An order of lines in another currency, one of them cancelled on a day of another rate."""
    who, day, order_id = shop.person("default"), shop.day(low=10), f"L{shop.number()}"
    for days_ago in (day, day - 9):
        shop.rate("EUR", days_ago)
    shop.line(who, order_id, day, currency="EUR", status="completed")
    shop.line(
        who,
        order_id,
        day - 9,
        currency=shop.rng.choice((None, "EUR")),
        status="cancelled",
        quantity=Decimal("-1.0000"),
    )


ODDITIES: tuple[Callable[[Shop], None], ...] = (
    ties,
    single_order,
    several_orders_one_day,
    refund_over_period_end,
    refund_bigger_than_order,
    refund_without_order,
    refund_naming_another_customer,
    refund_before_order,
    refund_by_email,
    cancelled_negative_header,
    cancelled_negative_lines,
    cancelled_line_under_header,
    cancelled_positive,
    orders_of_the_shop_itself,
    negative_order,
    order_without_identifier,
    order_by_email_only,
    email_only_order_of_a_record,
    email_of_several_records,
    email_given_up,
    header_and_lines,
    lines_only,
    lines_replaced,
    daylight_saving,
    near_midnight,
    window_edges,
    stage_edges,
    customer_without_orders,
    customer_created_after_as_of,
    undated_customer_record,
    zero_amount_order,
    corrected_order,
    resent_order,
    resent_refund,
    order_after_as_of,
    one_ref_in_two_systems,
    discounts,
    foreign_currency,
    foreign_lines,
)


# Businesses ----------------------------------------------------------------------------------

Part = Callable[[Shop], None]
ORDER_PARTS: tuple[Part, ...] = (*ODDITIES, *ORDINARY)
ALL_ODDITIES: tuple[Part, ...] = (*ODDITIES, *ACTIVITY_ODDITIES)
ALL_PARTS: tuple[Part, ...] = (*ALL_ODDITIES, *ORDINARY, *ACTIVE)
# With what only the KPIs of segments ask for.
KPI_PARTS: tuple[Part, ...] = (*ALL_PARTS, *KPI_ODDITIES)


@dataclass(frozen=True)
class Business:
    """Raw rows, the instant to look at them, and the names of the oddities inside."""

    raw: Raw
    as_of: datetime
    oddities: tuple[str, ...]


@cache
def project_seeds() -> Seeds:
    """The seeds of the project, as data."""
    return read_seeds(ROOT / "seeds", country_spellings(), subdivision_spellings())


def build(rng: random.Random, parts: Sequence[Part], as_of_on: date | None = None) -> Business:
    """A business made of the given parts, its rows in random order.

    ``as_of`` is the last microsecond of a business day, or (one time in three) noon of it.
    """
    on = as_of_on or rng.choice(AS_OF_DATES)
    as_of = last_instant(on, TIME_ZONE)
    if as_of_on is None and rng.randint(1, 3) == 1:
        as_of = utc_of_local(datetime.combine(on, NOON), TIME_ZONE)
    shop = Shop(rng, as_of, on)
    for part in parts:
        part(shop)
    for rows in shop.rows.values():
        rng.shuffle(rows)
    names = {part.__name__ for part in parts if part in (*ALL_ODDITIES, *KPI_ODDITIES)}
    plain = Raw(time_zone=TIME_ZONE, reporting_currency="GBP", as_of=as_of, seeds=project_seeds())
    raw = plain.with_rows(shop.rows)
    return Business(raw, as_of, tuple(sorted(names)))


def generate(rng: random.Random, parts: int = 12) -> Business:
    """A random business of so many parts, two oddities for each ordinary customer."""
    ordinary = (*ORDINARY, *ACTIVE)
    chosen = [
        rng.choice(ordinary if rng.randint(1, 3) == 1 else ALL_ODDITIES) for _ in range(parts)
    ]
    return build(rng, chosen)


def every_oddity(seed: int, as_of_on: date | None = None, ordinary: int = 20) -> Business:
    """A business with every oddity once, among ordinary customers."""
    rng = random.Random(seed)
    people = (*ORDINARY, *ACTIVE)
    return build(rng, [*(rng.choice(people) for _ in range(ordinary)), *ALL_ODDITIES], as_of_on)


def every_kpi(
    seed: int, as_of_on: date | None = None, ordinary: int = 20, more: Sequence[Part] = ()
) -> Business:
    """A business with every oddity and all that the KPIs of segments ask for, then ``more``."""
    rng = random.Random(seed)
    people = (*ORDINARY, *ACTIVE)
    chosen = [rng.choice(people) for _ in range(ordinary)]
    return build(rng, [*chosen, *ALL_ODDITIES, *KPI_ODDITIES, *more], as_of_on)


@st.composite
def businesses(
    draw: st.DrawFn, max_parts: int = 12, parts: Sequence[Part] = ORDER_PARTS
) -> Business:
    """Random businesses as a hypothesis strategy, from nothing at all to ``max_parts`` parts.

    ``ORDER_PARTS`` are of orders, refunds and records alone; ``ALL_PARTS`` are of every entity but
    spend and markets, which ``KPI_PARTS`` have too.
    """
    chosen = draw(st.lists(st.sampled_from(parts), max_size=max_parts))
    return build(draw(st.randoms(use_true_random=False)), chosen)
