"""When each kind of customer orders, through which channel and with which coupon."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from orchestration.demo.calendar import CAMPAIGNS, HOUR, WELCOME, Calendar, Campaign, founded_on
from orchestration.demo.chance import Draws, cumulated
from orchestration.demo.orders import (
    BARGAINS,
    BOX,
    EVERYDAY,
    PANTRY,
    PRESENTS,
    Buyer,
    Order,
    Taste,
    Till,
)
from orchestration.demo.people import Archetype, Customer, contact_of, details_of
from orchestration.demo.products import Shelf

# How many of 1000 customers behave in each way.
_SHARES: Final = {
    Archetype.PROSPECT: 85,
    Archetype.ONE_TIME: 230,
    Archetype.OCCASIONAL: 180,
    Archetype.REGULAR: 125,
    Archetype.GROWING: 55,
    Archetype.CHURNER: 105,
    Archetype.GIFT_BUYER: 80,
    Archetype.DISCOUNT_HUNTER: 80,
    Archetype.SUBSCRIBER: 40,
    Archetype.OFFICE: 20,
}

_ARCHETYPES: Final = tuple(_SHARES)

_SHARE_TOTALS: Final = cumulated(_SHARES.values())


def _archetype(number: int) -> Archetype:
    """Exact shares in every thousand, well mixed (383 has no divisor in common with 1000)."""
    return _ARCHETYPES[bisect_right(_SHARE_TOTALS, number * 383 % 1000)]


# How many of 100 were customers before the order history begins (of those who keep coming).
_KNOWN_BEFORE: Final = {
    Archetype.OCCASIONAL: 25,
    Archetype.REGULAR: 40,
    Archetype.CHURNER: 35,
    Archetype.DISCOUNT_HUNTER: 20,
    Archetype.SUBSCRIBER: 35,
    Archetype.OFFICE: 40,
}

# How many of 100 stop some time, beside the churners, all of whom do.
_SHARE_THAT_LEAVES: Final = {
    Archetype.OCCASIONAL: 35,
    Archetype.REGULAR: 40,
    Archetype.SUBSCRIBER: 40,
    Archetype.OFFICE: 25,
}


@dataclass(frozen=True)
class _Rhythm:
    """Days between orders: the usual gap, its spread in percent, and where a changing gap ends."""

    gap: int
    spread: int
    final_gap: int

    def next(self, draws: Draws, orders: int) -> int:
        gap = max(self.gap * (100 - 9 * orders) // 100, self.final_gap)
        return max(1, gap * (100 + draws.between(-self.spread, self.spread)) // 100)


def _rhythm(draws: Draws, archetype: Archetype) -> _Rhythm:
    gap, spread = {
        Archetype.OCCASIONAL: (draws.between(60, 165), 45),
        Archetype.REGULAR: (draws.between(14, 42), 25),
        Archetype.GROWING: (draws.between(45, 75), 20),
        Archetype.CHURNER: (draws.between(14, 40), 25),
        Archetype.SUBSCRIBER: (28, 7),
        Archetype.OFFICE: (draws.pick((7, 14, 21, 28)), 15),
    }[archetype]
    final = draws.between(12, 18) if archetype is Archetype.GROWING else gap
    return _Rhythm(gap, spread, final)


@dataclass(frozen=True)
class Town:
    """What a customer's story is told from."""

    seed: int
    till: Till

    @property
    def calendar(self) -> Calendar:
        """The trading days of the town."""
        return self.till.calendar

    def joins(self, draws: Draws, percent: int = 100) -> int:
        """A day in the first `percent` of the history; later days are likelier, for growth."""
        days = max(1, self.calendar.days * percent // 100)
        day = draws.below(days)
        return max(day, draws.below(days)) if draws.chance(35) else day


def _wishes(town: Town, draws: Draws, archetype: Archetype) -> list[int]:
    """The days on which a customer would like to order, as far as the end; not sorted."""
    days = town.calendar.days
    if archetype is Archetype.PROSPECT:
        return []
    if archetype is Archetype.ONE_TIME:
        return [town.joins(draws)]
    if archetype is Archetype.GIFT_BUYER:
        return _gift_days(town, draws)
    if archetype is Archetype.DISCOUNT_HUNTER:
        return _bargain_days(town, draws)
    rhythm = _rhythm(draws, archetype)
    known = draws.chance(_KNOWN_BEFORE.get(archetype, 0))
    leaves = days
    if archetype is Archetype.CHURNER:
        day = draws.below(rhythm.gap) if known else town.joins(draws, 70)
        leaves = day + draws.between(80, 300)
    else:
        day = draws.below(rhythm.gap) if known else town.joins(draws, 94)
        if draws.chance(_SHARE_THAT_LEAVES.get(archetype, 0)):
            leaves = day + draws.between(60, 600)
    first, wishes = day, []
    while day < min(leaves, days):
        on_holiday = town.calendar.date_of(day).month in (7, 8) and draws.chance(14)
        if not on_holiday or day == first:
            wishes.append(day)
        day += rhythm.next(draws, len(wishes))
    return wishes


def _gift_days(town: Town, draws: Draws) -> list[int]:
    """One to three days before each Christmas from the year of joining on, and the odd birthday."""
    calendar = town.calendar
    joins = town.joins(draws, 85)
    days: list[int] = []
    for year in range(calendar.start.year, calendar.dates[-1].year + 1):
        season = calendar.number_of(date(year, 11, 21))
        if season + 31 < joins or (days and draws.chance(35)):
            continue
        days.extend(season + draws.below(32) for _ in range(draws.pick((1, 1, 1, 2, 2, 3))))
    days = [day for day in days if 0 <= day < calendar.days]
    if days and draws.chance(18):
        days.append(min(days) + draws.below(calendar.days - min(days)))
    return days or [joins]


def _bargain_days(town: Town, draws: Draws) -> list[int]:
    """A day in most of the coupon campaigns after joining, and little else."""
    calendar = town.calendar
    joins = 0 if draws.chance(_KNOWN_BEFORE[Archetype.DISCOUNT_HUNTER]) else town.joins(draws, 90)
    days: list[int] = []
    for year in range(calendar.start.year, calendar.dates[-1].year + 1):
        for campaign in CAMPAIGNS:
            first = calendar.number_of(date(year, campaign.month, campaign.day))
            if first >= joins and draws.chance(66):
                days.append(first + draws.below(campaign.days))
            if first >= joins and draws.chance(8):
                days.append(first + 30 + draws.below(20))
    return [day for day in days if day < calendar.days] or [joins]


def _channel(draws: Draws, archetype: Archetype, calendar: Calendar, day: int) -> str:
    if archetype is Archetype.OFFICE:
        return "phone" if draws.chance(30) else "web"
    if archetype is Archetype.SUBSCRIBER or not calendar.shop_is_open(day):
        return "web"
    share_of_store = {Archetype.GIFT_BUYER: 25, Archetype.DISCOUNT_HUNTER: 15}.get(archetype, 48)
    return "store" if draws.chance(share_of_store) else "web"


def _coupon(
    draws: Draws, archetype: Archetype, channel: str, running: Campaign | None, *, is_first: bool
) -> Campaign | None:
    if archetype is Archetype.OFFICE or channel == "phone":
        return None
    hunts = archetype is Archetype.DISCOUNT_HUNTER
    if running is not None and draws.chance(94 if hunts else 16 if channel == "web" else 5):
        return running
    if is_first and channel == "web" and draws.chance(85 if hunts else 30):
        return WELCOME
    return None


def _taste(archetype: Archetype) -> Taste:
    return {
        Archetype.GIFT_BUYER: PRESENTS,
        Archetype.DISCOUNT_HUNTER: BARGAINS,
        Archetype.OFFICE: PANTRY,
    }.get(archetype, EVERYDAY)


def _orders_of(town: Town, draws: Draws, archetype: Archetype, buyer: Buyer) -> Iterator[Order]:
    """The orders of one registered customer, in order of days."""
    calendar, till = town.calendar, town.till
    taste = _taste(archetype)
    favourite: Shelf | None = None
    if archetype is Archetype.SUBSCRIBER:
        favourite = till.favourite(BOX, draws)
    elif archetype not in (Archetype.ONE_TIME, Archetype.GIFT_BUYER, Archetype.DISCOUNT_HUNTER):
        favourite = till.favourite(taste, draws)
    wishes = _wishes(town, draws, archetype)
    for placed, wish in enumerate(sorted(wishes)):
        day = calendar.next_order_day(wish, draws, weekdays_only=archetype is Archetype.OFFICE)
        if day is None:
            break
        channel = _channel(draws, archetype, calendar, day)
        coupon = _coupon(draws, archetype, channel, calendar.campaign[day], is_first=placed == 0)
        extra = min(placed // 6, 2) if archetype is Archetype.GROWING else 0
        yield till.order(
            draws, buyer, day=day, channel=channel, taste=taste, coupon=coupon,
            favourite=favourite, extra_units=extra,
        )  # fmt: skip
    if wishes and archetype in (Archetype.REGULAR, Archetype.GROWING, Archetype.OCCASIONAL):
        yield from _christmas_presents(town, draws, buyer, since=min(wishes))
    if archetype is Archetype.PROSPECT and draws.chance(6):
        # Tried once and changed their mind: known by an order that does not count.
        day = calendar.next_order_day(town.joins(draws), draws)
        if day is not None:
            yield till.order(draws, buyer, day=day, channel="web", taste=taste, status="cancelled")


def _christmas_presents(town: Town, draws: Draws, buyer: Buyer, *, since: int) -> Iterator[Order]:
    calendar = town.calendar
    for year in range(calendar.start.year, calendar.dates[-1].year + 1):
        wish = calendar.number_of(date(year, 12, 1)) + draws.below(23)
        if not draws.chance(26) or not since <= wish < calendar.days:
            continue
        day = calendar.next_order_day(wish, draws)
        if day is not None:
            channel = "store" if calendar.shop_is_open(day) and draws.chance(40) else "web"
            yield town.till.order(draws, buyer, day=day, channel=channel, taste=PRESENTS)


def _created(
    town: Town, draws: Draws, first_order: tuple[int, int] | None, archetype: Archetype
) -> tuple[int, int]:
    """When the record was made: before the first order, and not before the business was founded."""
    calendar = town.calendar
    founded = calendar.number_of(founded_on(calendar.start))
    if first_order is None:
        day, second = town.joins(draws), 8 * HOUR + draws.below(14 * HOUR)
    elif first_order[0] < 45 and archetype in _KNOWN_BEFORE:
        # The order history begins with a new till; these were customers of the old one.
        day, second = draws.between(founded, -1), 9 * HOUR + draws.below(8 * HOUR)
    elif draws.chance(18):
        day = first_order[0] - draws.between(1, 75)
        second = 8 * HOUR + draws.below(14 * HOUR)
    else:
        day, second = first_order
        second = max(0, second - draws.between(60, 900))
        if calendar.second(day, second) != second:  # in the hour that spring skips: before it
            second -= HOUR
    return max(day, founded), second


def customer_story(town: Town, number: int, offices: int) -> tuple[Customer, list[Order]]:
    """Customer `number` and its orders; `offices` is the number of office contacts before it."""
    archetype = _archetype(number)
    draws = Draws(town.seed, "customer", number)
    contact = contact_of(town.seed, number)
    customer_ref = f"C{number:06d}"
    buyer = Buyer(customer_ref, contact.email, contact.phone)
    orders = sorted(_orders_of(town, draws, archetype, buyer), key=moment)
    created = _created(town, draws, moment(orders[0]) if orders else None, archetype)
    updated = created
    if draws.chance(40):
        later = draws.between(min(created[0], town.calendar.days - 1), town.calendar.days - 1)
        if later > created[0]:
            updated = later, 9 * HOUR + draws.below(12 * HOUR)
    customer = Customer(
        customer_ref=customer_ref,
        archetype=archetype,
        contact=contact,
        # Three contacts for every two accounts: some offices have two people who order.
        account_ref=f"A{1001 + offices * 2 // 3}" if archetype is Archetype.OFFICE else "",
        created=created,
        updated=updated,
        details=details_of(
            draws,
            Draws(town.seed, "home", contact.original or number),  # whoever registers again
            archetype,
            year=town.calendar.start.year,
        ),
    )
    return customer, orders


def moment(order: Order) -> tuple[int, int]:
    """By which orders come in order of time."""
    return order.day, order.second
