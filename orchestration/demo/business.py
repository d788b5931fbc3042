"""The whole demo business in memory, before it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from orchestration.demo.behaviour import Town, customer_story, moment
from orchestration.demo.calendar import Calendar
from orchestration.demo.chance import Draws
from orchestration.demo.orders import Order, Till
from orchestration.demo.passers_by import (
    Refund,
    guests,
    night_owls,
    refunds_of,
    test_orders,
    walk_ins,
)
from orchestration.demo.people import PLACEHOLDER_EMAIL, Archetype, Customer
from orchestration.demo.products import PRODUCTS, Product, sold_from
from orchestration.demo.promotion import Assignment, assign, extra_orders, promotion_truth
from orchestration.demo.truth import DemoTruth, Shock

_SHOCK_MONTH: Final = 16
_SHOCK_PERCENT: Final = 40


@dataclass(frozen=True)
class Business:
    """Everything that the files tell; orders in order of time, their position is their number.

    `positions` are the positions of the orders that name a customer, by customer_ref; `truth` is
    what was planted so far.
    """

    seed: int
    calendar: Calendar
    products: tuple[Product, ...]
    customers: tuple[Customer, ...]
    orders: tuple[Order, ...]
    refunds: tuple[Refund, ...]
    assignments: tuple[Assignment, ...]
    positions: Mapping[str, Sequence[int]]
    truth: DemoTruth

    @classmethod
    def imagine(cls, *, customers: int, seed: int, start: date, end: date) -> Business:
        """Make up everything, from `seed` and the numbers of the customers alone."""
        calendar = Calendar.of(start, end)
        town = Town(seed, Till.of(calendar))
        people: list[Customer] = []
        orders: list[Order] = []
        offices = 0
        for number in range(1, customers + 1):
            customer, its_orders = customer_story(town, number, offices)
            offices += customer.archetype is Archetype.OFFICE
            people.append(customer)
            orders.extend(its_orders)
        orders.extend(guests(town, customers))
        orders, shock = _without_lost_orders(town, orders)
        assignments = tuple(assign(town, people, orders))
        extra = list(extra_orders(town, assignments))
        orders.extend(extra)
        orders.extend(night_owls(town))
        orders.extend(test_orders(town))
        expected = [0] * calendar.days
        for order in orders:
            expected[order.day] += 1
        orders.extend(walk_ins(town, customers, expected))
        orders.sort(key=moment)  # stable: equal moments stay as they were made
        positions: dict[str, list[int]] = {}
        for position, order in enumerate(orders):
            if order.customer_ref:
                positions.setdefault(order.customer_ref, []).append(position)
        return cls(
            seed=seed,
            calendar=calendar,
            products=tuple(row for row in PRODUCTS if sold_from(row, start) <= end),
            customers=tuple(people),
            orders=tuple(orders),
            refunds=tuple(refunds_of(town, orders)),
            assignments=assignments,
            positions=positions,
            truth=DemoTruth(
                duplicates=[
                    (f"C{c.contact.original:06d}", c.customer_ref, c.contact.likeness)
                    for c in people
                    if c.contact.original
                ],
                placeholder_email=PLACEHOLDER_EMAIL,
                placeholder_refs=[
                    c.customer_ref for c in people if c.contact.email == PLACEHOLDER_EMAIL
                ],
                promotion=promotion_truth(calendar, assignments, extra),
                price_sensitive=_refs(people, Archetype.DISCOUNT_HUNTER),
                churners=_refs(people, Archetype.CHURNER),
                shock=shock,
            ),
        )


def _refs(people: Sequence[Customer], archetype: Archetype) -> list[str]:
    return [person.customer_ref for person in people if person.archetype is archetype]


def _without_lost_orders(town: Town, orders: list[Order]) -> tuple[list[Order], Shock | None]:
    """`orders` without those that never came in the month in which the lane was dug up."""
    calendar = town.calendar
    first, after = calendar.month(_SHOCK_MONTH), calendar.month(_SHOCK_MONTH + 1)
    if first is None:
        return orders, None
    until = calendar.days if after is None else after
    draws = Draws(town.seed, "roadworks")
    kept = [
        order
        for order in orders
        if not (first <= order.day < until and draws.chance(_SHOCK_PERCENT))
    ]
    shock = Shock(calendar.date_of(first).isoformat(), _SHOCK_PERCENT, len(orders) - len(kept))
    return kept, shock
