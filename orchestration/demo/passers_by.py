"""Everyone who is no customer of record: guests, walk-ins, tests; and refunds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from orchestration.demo.behaviour import Town
from orchestration.demo.calendar import HOUR, SATURDAY, SEASON, clock_changes
from orchestration.demo.chance import Draws
from orchestration.demo.orders import COUNTER, EVERYDAY, NOBODY, PRESENTS, Buyer, Order
from orchestration.demo.people import MAIL_DOMAINS
from orchestration.demo.promotion import COUPON


def guests(town: Town, customers: int) -> Iterator[Order]:
    """Web orders of people who gave no more than an e-mail address, one for 25 customers."""
    for number in range(1, customers // 25 + 2):
        draws = Draws(town.seed, "guest", number)
        buyer = Buyer(email=f"guest{number}@{draws.pick(MAIL_DOMAINS)}")
        wish = town.joins(draws)
        for _ in range(draws.pick((1, 1, 1, 1, 2, 3))):
            day = town.calendar.next_order_day(wish, draws)
            if day is None:
                break
            taste = draws.pick((EVERYDAY, PRESENTS))
            yield town.till.order(draws, buyer, day=day, channel="web", taste=taste)
            wish = day + draws.between(20, 200)


def night_owls(town: Town) -> Iterator[Order]:
    """Guests who order while the clocks change: just before, within the hour that comes twice,
    and just after. Never within the hour that does not come.
    """
    calendar = town.calendar
    for year in range(calendar.start.year, calendar.dates[-1].year + 1):
        spring, autumn = clock_changes(year)
        for on, seconds in ((spring, (7199, 10_800)), (autumn, (7199, 7200, 9000, 10_799, 10_800))):
            day = calendar.number_of(on)
            if not 0 <= day < calendar.days:
                continue
            for second in seconds:
                draws = Draws(town.seed, "night owl", on, second)
                buyer = Buyer(email=f"nightowl{draws.between(1, 9)}@example.net")
                yield town.till.order(
                    draws, buyer, day=day, channel="web", taste=EVERYDAY, second=second
                )


def test_orders(town: Town) -> Iterator[Order]:
    """Orders by which the staff try out the web shop, about every six weeks."""
    draws = Draws(town.seed, "test orders")
    buyer = Buyer(email="webshop.test@example.org", may_forget_to_sign_in=False)
    wish = draws.between(3, 20)
    while (day := town.calendar.next_order_day(wish, draws, weekdays_only=True)) is not None:
        yield town.till.order(
            draws, buyer, day=day, channel="web", taste=EVERYDAY, status="test",
            second=10 * HOUR + draws.below(6 * HOUR),
        )  # fmt: skip
        wish = day + draws.between(25, 60)


# On 5000 customers; both grow with their number.
_WALK_INS_PER_DAY: Final = 7

_ORDERS_ON_A_QUIET_DAY: Final = 27


def walk_ins(town: Town, customers: int, expected: Sequence[int]) -> Iterator[Order]:
    """Sales over the counter to people whom nobody asked for a name.

    `expected` is the number of orders that each day has without them. Passers-by fill a quiet shop,
    so that every day on which it is open has enough orders for a lost day to be noticed.
    """
    calendar = town.calendar
    for day in range(calendar.days):
        if not calendar.shop_is_open(day):
            continue
        draws = Draws(town.seed, "walk-ins", day)
        season = SEASON[calendar.date_of(day).month - 1]
        season = season * (100 + 30 * day // calendar.days) // 100
        if calendar.weekday(day) == SATURDAY:
            season = season * 3 // 2
        usual = customers * _WALK_INS_PER_DAY * season * draws.between(70, 130)
        # Rounded by chance: a business of 50 customers has a walk-in every week or so.
        count = (usual + draws.below(50_000_000)) // 50_000_000
        floor = max(2, customers * _ORDERS_ON_A_QUIET_DAY // 5000) + draws.between(0, 4)
        for _ in range(max(count, floor - expected[day])):
            yield town.till.order(draws, NOBODY, day=day, channel="store", taste=COUNTER)


@dataclass(frozen=True)
class Refund:
    """Money given back; `order` is the position of its order, None where nobody knows it."""

    day: int
    second: int
    amount: int
    order: int | None
    customer_ref: str
    email: str
    reason: str


_REASONS: Final = ("damaged in transit", "wrong grind", "arrived late", "changed mind", "faulty")


def refunds_of(town: Town, orders: Sequence[Order]) -> list[Refund]:
    """Refunds of orders, whole and in part, days to weeks later; and some that name no order."""
    calendar = town.calendar
    draws = Draws(town.seed, "refunds")
    refunds: list[Refund] = []
    for position, order in enumerate(orders):
        # Nothing of the promotion is given back, so that its effect stays known to the cent.
        if (
            order.coupon == COUPON.code
            or not order.counts
            or not draws.chance(0.7 if order.channel == "store" else 4.2)
        ):
            continue
        delay = draws.pick((draws.between(1, 10), draws.between(1, 10), draws.between(11, 70)))
        day = calendar.next_order_day(order.day + delay, draws, weekdays_only=True)
        if day is None:
            continue
        names_customer = draws.chance(50)
        refunds.append(
            Refund(
                day=day,
                second=9 * HOUR + draws.below(8 * HOUR),
                amount=_refunded(draws, order),
                order=position,
                customer_ref=order.customer_ref if names_customer else "",
                email=order.email if names_customer and not order.customer_ref else "",
                reason=draws.pick(_REASONS),
            )
        )
    refunds.extend(_refunds_without_order(town, orders))
    return sorted(refunds, key=lambda refund: (refund.day, refund.second, refund.amount))


def _refunded(draws: Draws, order: Order) -> int:
    if draws.chance(40):
        return order.net
    if len(order.lines) > 1:
        return draws.pick(order.lines).net
    return order.net * draws.pick((20, 25, 50)) // 100


def _refunds_without_order(town: Town, orders: Sequence[Order]) -> Iterator[Refund]:
    """A lost receipt, or goods from before the order history: about one in three weeks.

    Half name a customer by reference or e-mail, half nobody at all.
    """
    draws = Draws(town.seed, "refunds without order")
    wish = draws.between(5, 20)
    while (day := town.calendar.next_order_day(wish, draws, weekdays_only=True)) is not None:
        # Someone who has ordered before: an order from the first part of what came by then.
        earlier = orders[draws.below(max(1, len(orders) * day // town.calendar.days // 2))]
        named = earlier.counts and earlier.day < day and draws.chance(60)
        yield Refund(
            day=day,
            second=9 * HOUR + draws.below(8 * HOUR),
            amount=5 * draws.between(90, 700),
            order=None,
            customer_ref=earlier.customer_ref if named else "",
            email=earlier.email if named and not earlier.customer_ref else "",
            reason=draws.pick(("no receipt", "bought before the new till")),
        )
        wish = day + draws.between(10, 32)
