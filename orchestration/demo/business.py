"""The whole demo business in memory, before it is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from orchestration.demo.behaviour import Town, customer_story, moment
from orchestration.demo.calendar import Calendar
from orchestration.demo.orders import Order, Till
from orchestration.demo.passers_by import (
    Refund,
    guests,
    night_owls,
    refunds_of,
    test_orders,
    walk_ins,
)
from orchestration.demo.people import Archetype, Customer
from orchestration.demo.products import PRODUCTS, Product, sold_from


@dataclass(frozen=True)
class Business:
    """Everything that the files tell; orders in order of time, their position is their number."""

    calendar: Calendar
    products: tuple[Product, ...]
    customers: tuple[Customer, ...]
    orders: tuple[Order, ...]
    refunds: tuple[Refund, ...]

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
        orders.extend(night_owls(town))
        orders.extend(test_orders(town))
        expected = [0] * calendar.days
        for order in orders:
            expected[order.day] += 1
        orders.extend(walk_ins(town, customers, expected))
        orders.sort(key=moment)  # stable: equal moments stay as they were made
        return cls(
            calendar=calendar,
            products=tuple(row for row in PRODUCTS if sold_from(row, start) <= end),
            customers=tuple(people),
            orders=tuple(orders),
            refunds=tuple(refunds_of(town, orders)),
        )
