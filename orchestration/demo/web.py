"""Clicks on the web shop: visits that end in an order, in a cart left behind, or in nothing."""

from __future__ import annotations

from typing import Final

from orchestration.demo.business import Business
from orchestration.demo.calendar import DAY, HOUR
from orchestration.demo.chance import Draws
from orchestration.demo.orders import Order
from orchestration.demo.people import PLACEHOLDER_EMAIL
from orchestration.demo.tables import Table, money, order_id, table

# utm_source, utm_medium, referrer
_CAME_BY: Final = (
    ("", "", ""),
    ("", "", ""),
    ("", "", "https://www.google.com/"),
    ("google", "cpc", "https://www.google.com/"),
    ("instagram", "cpc", "https://www.instagram.com/"),
    ("newsletter", "email", ""),
    ("", "", "https://coffee-forum.example/"),
)
_DEVICES: Final = ("mobile", "mobile", "desktop", "tablet")
_SHOP: Final = "https://shop.example.com"
_BROWSED: Final = ("BN-101", "BN-102", "GR-201", "PD-301", "EQ-402", "GF-501")


def web_table(business: Business, *, tracked_percent: int) -> Table:
    """The clicks; of 100 orders on the web, `tracked_percent` were made by visitors who allowed it.

    A visitor is known by `anonymous_id`, and by a reference or e-mail from the event on in which
    they sign in, which is the last of a visit.
    """
    events = table(
        "event_id occurred_at event_name anonymous_id customer_ref email session_id page_url"
        " product_id order_id cart_id value utm_source utm_medium utm_campaign referrer device",
        by="occurred_at",
    )
    for position, order in enumerate(business.orders):
        if order.channel == "web" and (order.customer_ref or order.email):
            draws = Draws(business.seed, "visit", position)
            if draws.chance(tracked_percent) and order.status != "test":
                _bought(business, events, draws, position, order)
    for number in range(1, len(business.customers) + 1):
        _browsed(business, events, number)
    return events


class _Visit:
    """One visit: writes its events, each some seconds after the one before."""

    def __init__(
        self, business: Business, events: Table, draws: Draws, name: str, visitor: str
    ) -> None:
        self._calendar = business.calendar
        self._rows = events.rows
        self._name = name
        self._visitor = visitor
        self._source, self._medium, self._referrer = draws.pick(_CAME_BY)
        self._campaign = f"search-{draws.between(1, 4)}" if self._medium == "cpc" else ""
        self._device = draws.pick(_DEVICES)
        self._count = 0

    def does(
        self,
        moment: tuple[int, int],
        event: str,
        page: str,
        *,
        ref: str = "",
        email: str = "",
        product: str = "",
        order: str = "",
        cart: str = "",
        value: str = "",
    ) -> None:
        self._count += 1
        first = self._count == 1
        self._rows.append(
            (
                f"W{self._name}-{self._count}",
                self._calendar.stamp(*moment),
                event,
                self._visitor,
                ref,
                email,
                f"S{self._name}",
                f"{_SHOP}{page}",
                product,
                order,
                cart,
                value,
                self._source,
                self._medium,
                self._campaign,
                self._referrer if first else _SHOP,
                self._device,
            )
        )


def _bought(business: Business, events: Table, draws: Draws, position: int, order: Order) -> None:
    visitor = f"V{order.customer_ref or order.email}"
    if not order.customer_ref:
        visitor = f"VG{position}"
    visit = _Visit(business, events, draws, f"B{position}", visitor)
    # Minutes before the order, on the same day: a visit that began yesterday began at midnight.
    steps = [order.second - draws.between(0, 400) for _ in range(4)]
    seconds = [business.calendar.second(order.day, max(0, step)) for step in steps]
    seconds = sorted(min(second, order.second) for second in seconds)
    product = order.lines[0].product_id
    cart = f"K{position}"
    day = order.day
    visit.does((day, seconds[0]), "page_view", "/")
    visit.does((day, seconds[1]), "product_view", f"/p/{product}", product=product)
    visit.does((day, seconds[2]), "add_to_cart", f"/p/{product}", product=product, cart=cart)
    visit.does((day, seconds[3]), "checkout_started", "/checkout", cart=cart)
    visit.does(
        (day, order.second),
        "order_completed",
        "/thanks",
        ref=order.customer_ref,
        email="" if order.customer_ref else order.email.lower(),
        order=order_id(position),
        cart=cart,
        value=money(order.net),
    )


def _browsed(business: Business, events: Table, number: int) -> None:
    """Visits of a customer that end without an order; one in ten leaves a cart behind."""
    calendar, customer = business.calendar, business.customers[number - 1]
    draws = Draws(business.seed, "browse", number)
    ref = customer.customer_ref
    known = customer.contact.email not in ("", PLACEHOLDER_EMAIL)
    since = max(0, customer.created[0] - 20)  # they looked around before they registered
    for visit_number in range(draws.pick((0, 1, 1, 2, 3))):
        day = since + draws.below(max(1, calendar.days - since))
        if day >= calendar.days:
            continue
        second = calendar.second(day, draws.between(8 * HOUR, DAY - 3 * HOUR))
        visit = _Visit(business, events, draws, f"N{number}.{visit_number}", f"V{ref}")
        signs_in = known and (day, second) > customer.created and draws.chance(50)
        product = draws.pick(_BROWSED)
        visit.does((day, second), "page_view", "/", ref=ref if signs_in else "")
        visit.does((day, second + 40), "product_view", f"/p/{product}", product=product)
        if draws.chance(30):
            visit.does((day, second + 70), "search", "/search")
        if draws.chance(10):
            cart = f"KA{number}.{visit_number}"
            left = day, second + 95
            visit.does(
                left,
                "add_to_cart",
                f"/p/{product}",
                ref=ref if signs_in else "",
                product=product,
                cart=cart,
                value=f"{draws.between(8, 60)}.50",
            )
            business.truth.abandoned_carts.append(
                (cart, ref if signs_in else "", calendar.stamp(*left))
            )
