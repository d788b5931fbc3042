"""Writes the demo business: two years of an invented coffee roaster, as files in a landing folder.

`write_demo` is what a first `make refresh` falls back on, so that someone without data sees a whole
release. The files follow the input contract and are clean: what arrives broken is the business of
the tests, which poison a copy.

Does not belong here: whether the demo is wanted (the command line decides), reading it back
(ingest), and any figure derived from it (the models).

Same arguments, same bytes, on every machine and Python. Hence the rules of this module: the only
source of chance is `random.Random.random`, whose sequence Python guarantees; money is whole cents
and quantities are whole quarters; no `math` functions, no sums of floats (their last digit differs
between machines and between Python 3.11 and 3.12), no clock, no set iteration, no time zone files.
"""

from __future__ import annotations

import csv
import os
import random
import secrets
import shutil
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from orchestration.errors import ClienteleError

BUSINESS_NAME: Final = "Harbour Lane Coffee Roasters"
BUSINESS_TIME_ZONE: Final = "Europe/Amsterdam"
REPORTING_CURRENCY: Final = "EUR"
MARKER_FILE: Final = ".clientele_demo"

_Item = TypeVar("_Item")

_DAY: Final = 24 * 3600
_HOUR: Final = 3600
_SATURDAY: Final = 5
_SUNDAY: Final = 6

# The years in which the European Union changes its clocks as `_clock_changes` says.
_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2099

# Writing takes seconds (minutes at a million customers): what is older was left by a kill.
_ABANDONED_AFTER_SECONDS: Final = 6 * _HOUR


class Archetype(StrEnum):
    """How a registered customer of the demo behaves."""

    PROSPECT = "prospect"
    ONE_TIME = "one_time"
    OCCASIONAL = "occasional"
    REGULAR = "regular"
    GROWING = "growing"
    CHURNER = "churner"
    GIFT_BUYER = "gift_buyer"
    DISCOUNT_HUNTER = "discount_hunter"
    SUBSCRIBER = "subscriber"
    OFFICE = "office"


@dataclass(frozen=True)
class DemoSummary:
    """What `write_demo` wrote: rows per entity, number of data files, first and last order day.

    `archetypes` counts the customer records by the behaviour they were given; it is nowhere in the
    files, where it has to be found again by the segments.
    """

    landing: Path
    customers: int
    products: int
    orders: int
    order_lines: int
    refunds: int
    files: int
    first_order_on: date
    last_order_on: date
    archetypes: Mapping[str, int]


def write_demo(
    landing: Path,
    *,
    customers: int = 5000,
    seed: int = 20260101,
    start: date = date(2024, 1, 1),
    end: date = date(2025, 12, 31),
) -> DemoSummary:
    """Write the demo business into `landing`, which must not exist yet.

    The folder appears whole or not at all: everything is written to a hidden sibling first, which
    is then renamed.

    Args:
        landing: the folder to create; missing parents are created too.
        customers: number of customer records (prospects included); orders, walk-in sales and
            refunds grow with it, about 8 orders each over the default two years.
        seed: another seed is another business of the same kind.
        start: first business day with orders.
        end: last business day with orders, inclusive.

    Returns:
        The rows written per entity.

    Raises:
        ClienteleError: `landing` exists, an argument is out of range, or the folder cannot be
            written. Nothing is left behind, but for parents that were missing.
    """
    _refuse_arguments(customers=customers, start=start, end=end)
    if os.path.lexists(landing):
        raise _landing_exists(landing)
    business = _Business.imagine(customers=customers, seed=seed, start=start, end=end)
    partial = landing.parent / f"{_partial_prefix(landing)}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        landing.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(landing)
        partial.mkdir()
        try:
            files = _write_files(partial, business)
            if os.path.lexists(landing):  # rename would replace an empty folder without a word
                raise _landing_exists(landing)
            partial.rename(landing)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    except OSError as error:
        raise ClienteleError(
            f"the demo business cannot be written ({error.strerror or type(error).__name__})",
            where=str(landing),
            remedy="free some space or choose a folder that may be written to, and try again",
        ) from error
    return DemoSummary(
        landing=landing,
        customers=len(business.customers),
        products=len(business.products),
        orders=len(business.orders),
        order_lines=sum(len(order.lines) for order in business.orders),
        refunds=len(business.refunds),
        files=files,
        first_order_on=business.calendar.date_of(business.orders[0].day),
        last_order_on=business.calendar.date_of(business.orders[-1].day),
        archetypes=dict(
            sorted(Counter(customer.archetype.value for customer in business.customers).items())
        ),
    )


def _refuse_arguments(*, customers: int, start: date, end: date) -> None:
    if customers < 1:
        raise ClienteleError(
            f"the demo business cannot have {customers} customers",
            where="customers",
            remedy="ask for at least 1",
        )
    if start.year < _FIRST_YEAR or end.year > _LAST_YEAR:
        raise ClienteleError(
            f"the demo business cannot trade from {start} to {end}",
            where="start, end",
            remedy=f"choose days from {_FIRST_YEAR} to {_LAST_YEAR}",
        )
    if (end - start).days < 27:
        raise ClienteleError(
            f"{start} to {end} is too short for a demo business",
            where="start, end",
            remedy="choose an end at least four weeks after the start",
        )


def _landing_exists(landing: Path) -> ClienteleError:
    return ClienteleError(
        "the folder is there already, and the demo business is never mixed with other files",
        where=str(landing),
        remedy="remove the folder to have the demo written there, or choose another landing folder",
    )


def _partial_prefix(landing: Path) -> str:
    return f".{landing.name}.writing-"


def _remove_abandoned(landing: Path) -> None:
    """Remove what a killed `write_demo` left beside `landing`, but not what one is writing now."""
    for leftover in landing.parent.iterdir():
        if not leftover.name.startswith(_partial_prefix(landing)):
            continue
        try:
            age = time.time() - leftover.stat().st_mtime
        except FileNotFoundError:  # its own process has just renamed or removed it
            continue
        if age > _ABANDONED_AFTER_SECONDS:
            shutil.rmtree(leftover, ignore_errors=True)


# --- chance -----------------------------------------------------------------------------------


class _Draws:
    """A stream of chance of its own for each part of the business, named by its key.

    Streams of their own keep a change small: one more walk-in does not make another customer of
    everyone after it.
    """

    __slots__ = ("_next",)

    def __init__(self, *key: object) -> None:
        # A text is seeded by its SHA-512, the same everywhere; hash() is not.
        self._next = random.Random("|".join(map(str, key))).random

    def below(self, limit: int) -> int:
        """A whole number in [0, limit)."""
        return int(self._next() * limit)

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high]."""
        return low + int(self._next() * (high - low + 1))

    def chance(self, percent: float) -> bool:
        """True in `percent` of 100 cases."""
        return self._next() * 100 < percent

    def pick(self, items: Sequence[_Item]) -> _Item:
        return items[int(self._next() * len(items))]

    def weighted(self, running_totals: Sequence[int]) -> int:
        """An index, as often as its weight; takes the running totals of whole weights."""
        return bisect_right(running_totals, int(self._next() * running_totals[-1]))


def _running_totals(weights: Iterable[int]) -> tuple[int, ...]:
    totals: list[int] = []
    total = 0
    for weight in weights:
        total += weight
        totals.append(total)
    return tuple(totals)


# --- calendar ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Campaign:
    """A coupon that everyone may use for some days of every year; 0 percent means free shipping."""

    code: str
    month: int
    day: int
    days: int
    percent: int


_CAMPAIGNS: Final = (
    _Campaign("NEWYEAR10", 1, 8, 14, 10),
    _Campaign("SPRING15", 3, 15, 14, 15),
    _Campaign("FREESHIP", 5, 10, 7, 0),
    _Campaign("SUMMER10", 7, 1, 14, 10),
    _Campaign("HARVEST15", 9, 20, 10, 15),
    _Campaign("BLACKBEAN20", 11, 24, 7, 20),
)
_WELCOME: Final = _Campaign("WELCOME10", 1, 1, 366, 10)

_CLOSED_ON: Final = ((12, 25), (12, 26), (1, 1))

# How busy the shop is by month, in percent: a summer dip and a December peak.
_SEASON: Final = (92, 95, 98, 100, 100, 96, 88, 88, 100, 105, 115, 150)


def _last_sunday(year: int, month: int) -> date:
    """The last Sunday of a month of 31 days."""
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def _clock_changes(year: int) -> tuple[date, date]:
    """The days on which local time skips 02:00-03:00, and has it twice (Directive 2000/84/EC)."""
    return _last_sunday(year, 3), _last_sunday(year, 10)


@dataclass(frozen=True)
class _Calendar:
    """The trading days, numbered from 0 at the start; days before it have negative numbers.

    All tuples have one entry per day from the start to the end.
    """

    start: date
    dates: tuple[date, ...]
    texts: tuple[str, ...]
    weekdays: tuple[int, ...]
    is_closed: tuple[bool, ...]
    campaign: tuple[_Campaign | None, ...]
    spring_days: frozenset[date]

    @classmethod
    def of(cls, start: date, end: date) -> _Calendar:
        dates = tuple(start + timedelta(days=n) for n in range((end - start).days + 1))
        years = range(_founded_on(start).year, end.year + 1)
        running: dict[date, _Campaign] = {
            date(year, campaign.month, campaign.day) + timedelta(days=n): campaign
            for year in years
            for campaign in _CAMPAIGNS
            for n in range(campaign.days)
        }
        return cls(
            start=start,
            dates=dates,
            texts=tuple(day.isoformat() for day in dates),
            weekdays=tuple(day.weekday() for day in dates),
            is_closed=tuple((day.month, day.day) in _CLOSED_ON for day in dates),
            campaign=tuple(running.get(day) for day in dates),
            spring_days=frozenset(_clock_changes(year)[0] for year in years),
        )

    @property
    def days(self) -> int:
        return len(self.dates)

    def date_of(self, day: int) -> date:
        return self.start + timedelta(days=day)

    def number_of(self, on: date) -> int:
        return (on - self.start).days

    def weekday(self, day: int) -> int:
        """0 is Monday, 6 is Sunday."""
        return self.weekdays[day]

    def shop_is_open(self, day: int) -> bool:
        return not self.is_closed[day] and self.weekday(day) != _SUNDAY

    def next_order_day(self, day: int, draws: _Draws, *, weekdays_only: bool = False) -> int | None:
        """The first day from `day` on which this order may come in; None when it is past the end.

        Nobody is served on a closed day. Most who think of coffee on a Sunday, when the shop is
        shut, come in the days after; the others order on the web. Offices order on working days.
        """
        waits_for_shop = weekdays_only or draws.chance(72)
        while day < self.days:
            weekday = self.weekday(day)
            shut = weekday == _SUNDAY and waits_for_shop
            shut = shut or (weekday == _SATURDAY and weekdays_only)
            if not (shut or self.is_closed[day]):
                return day
            day += draws.between(1, 4)  # not all on the next morning
        return None

    def second(self, day: int, second: int) -> int:
        """`second` of the day, an hour later where the clocks skip that hour."""
        if 2 * _HOUR <= second < 3 * _HOUR and self.date_of(day) in self.spring_days:
            return second + _HOUR
        return second

    def stamp(self, day: int, second: int) -> str:
        """Local time without offset, as `2024-03-01T09:15:00`."""
        text = self.texts[day] if day >= 0 else self.date_of(day).isoformat()
        minute = second // 60
        return f"{text}T{minute // 60:02d}:{minute % 60:02d}:{second % 60:02d}"


# --- products ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Product:
    """A product from the month in which this row begins to hold, counted from the start.

    Amounts are cents without tax. `by_weight` goods are sold in quarters of a kilogram: their price
    must divide by 4.
    """

    product_id: str
    name: str
    category: str
    subcategory: str
    brand: str
    tier: str
    unit_cost: int
    price: int
    popularity: int
    from_month: int = 0
    by_weight: bool = False


_HOUSE: Final = "Harbour Lane"
_KETTLEBY: Final = "Kettleby & Rook"
_TIDEWELL: Final = "Tidewell"

# Months are counted from the start; 0 means since the business was founded. A second row for one
# product changes its cost, price or category from then on.
_PRODUCTS: Final = (
    _Product("BN-101", "Quay Blend 250 g", "beans", "blend", _HOUSE, "standard", 365, 850, 9),
    _Product("BN-101", "Quay Blend 250 g", "beans", "blend", _HOUSE, "standard", 430, 925, 9, 14),
    _Product("BN-102", "Quay Blend 1 kg", "beans", "blend", _HOUSE, "standard", 1320, 2790, 7),
    _Product("BN-102", "Quay Blend 1 kg", "beans", "blend", _HOUSE, "standard", 1560, 2990, 7, 14),
    _Product("BN-103", "Deckhand Dark 1 kg", "beans", "blend", _HOUSE, "budget", 1040, 1990, 6),
    _Product("BN-104", "Lantern Espresso 250 g", "beans", "blend", _HOUSE, "standard", 390, 895, 6),
    _Product("BN-105", "Sidama Hills 250 g", "beans", "origin", _HOUSE, "premium", 560, 1290, 4),
    _Product("BN-106", "Huila Terrace 250 g", "beans", "origin", _HOUSE, "premium", 540, 1245, 4),
    _Product(
        "BN-107", "Night Harbour Decaf 250 g", "beans", "decaf", _HOUSE, "standard", 410, 945, 3
    ),
    _Product(
        "BN-108", "Loose Beans per kg", "beans", "loose", _HOUSE, "standard", 1290, 3160, 5,
        by_weight=True,
    ),
    _Product("BN-109", "Gesha Lot 7 100 g", "beans", "origin", _HOUSE, "premium", 980, 2150, 1, 9),
    _Product("GR-201", "Quay Blend Ground 250 g", "ground", "filter",
             _HOUSE, "standard", 370, 860, 8),
    _Product("GR-202", "Breakfast Ground 500 g", "ground", "filter",
             _HOUSE, "budget", 520, 1090, 7),
    _Product("GR-203", "Moka Ground 250 g", "ground", "espresso", _HOUSE, "standard", 385, 880, 4),
    _Product("GR-204", "Sidama Ground 250 g", "ground", "filter", _HOUSE, "premium", 565, 1310, 2),
    _Product("GR-205", "Drip Bags, box of 10", "ground", "single serve",
             _HOUSE, "premium", 480, 1150, 3),
    _Product("GR-205", "Drip Bags, box of 10", "pods", "single serve",
             _HOUSE, "premium", 480, 1150, 3, 17),
    _Product("PD-301", "Lantern Pods, 20", "pods", "espresso", _HOUSE, "standard", 330, 760, 8),
    _Product("PD-302", "Lantern Pods, 100", "pods", "espresso", _HOUSE, "budget", 1490, 3190, 4),
    _Product("PD-303", "Decaf Pods, 20", "pods", "decaf", _HOUSE, "standard", 345, 790, 3),
    _Product("PD-304", "Origin Pods, 20", "pods", "origin", _HOUSE, "premium", 420, 980, 3),
    _Product("EQ-401", "Pour-over Cone", "equipment", "brewing", _TIDEWELL, "budget", 610, 1490, 5),
    _Product("EQ-402", "Paper Filters, 100", "equipment", "supplies",
             _TIDEWELL, "budget", 180, 490, 8),
    _Product("EQ-403", "Gooseneck Kettle", "equipment", "brewing",
             _KETTLEBY, "standard", 3350, 6900, 2),
    _Product("EQ-404", "Hand Grinder", "equipment", "grinding",
             _KETTLEBY, "standard", 4100, 8450, 2),
    _Product("EQ-405", "Burr Grinder", "equipment", "grinding",
             _KETTLEBY, "premium", 12900, 23900, 1),
    _Product("EQ-406", "Espresso Machine No. 2", "equipment", "machines",
             _KETTLEBY, "premium", 31500, 54900, 1),
    _Product("GF-501", "Tasting Trio", "gifts", "hampers", _HOUSE, "standard", 1150, 2650, 6),
    _Product("GF-501", "Tasting Trio", "gifts", "hampers", _HOUSE, "standard", 1290, 2850, 6, 10),
    _Product("GF-502", "Harbour Hamper", "gifts", "hampers", _HOUSE, "premium", 2900, 5900, 3),
    _Product("GF-503", "Enamel Mug", "gifts", "tableware", _TIDEWELL, "budget", 480, 1290, 5),
    _Product("GF-504", "Advent Box", "gifts", "seasonal", _HOUSE, "premium", 2250, 4490, 4, 9),
    _Product("SB-601", "Monthly Box, 2 bags", "subscriptions", "box",
             _HOUSE, "standard", 830, 1690, 6),
    _Product("SB-602", "Monthly Box, 4 bags", "subscriptions", "box",
             _HOUSE, "standard", 1590, 3150, 4),
    _Product("SB-603", "Explorer Box", "subscriptions", "box", _HOUSE, "premium", 1280, 2750, 3),
)  # fmt: skip

# Food and drink at the reduced rate; the rates of the Netherlands, per 1000.
_TAX_PER_MILLE: Final = {
    "beans": 90,
    "ground": 90,
    "pods": 90,
    "equipment": 210,
    "gifts": 210,
    "subscriptions": 90,
}


@dataclass(frozen=True, eq=False)  # compared by identity: there is one of each
class _Shelf:
    """A product's first row, and every (day from which it holds, row) in order of time."""

    product: _Product
    versions: tuple[tuple[int, _Product], ...]

    @property
    def launched(self) -> int:
        """Day from which it is sold."""
        return self.versions[0][0]

    def on(self, day: int) -> _Product:
        """The row that holds on `day`; the first for a day before its launch."""
        current = self.versions[0][1]
        for since, version in self.versions[1:]:
            if since > day:
                break
            current = version
        return current


def _months_after(start: date, months: int) -> date:
    """The first of the month `months` after that of `start`."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, 1)


def _founded_on(start: date) -> date:
    """The declared start of the business: nothing in the files is older."""
    return date(start.year - 3, 3, 1)


def _valid_from(product: _Product, start: date) -> date:
    if product.from_month == 0:
        return _founded_on(start)
    return _months_after(start, product.from_month)


def _shelves(calendar: _Calendar) -> tuple[_Shelf, ...]:
    rows: dict[str, list[tuple[int, _Product]]] = {}
    for product in _PRODUCTS:
        since = calendar.number_of(_valid_from(product, calendar.start))
        rows.setdefault(product.product_id, []).append((since, product))
    return tuple(_Shelf(versions[0][1], tuple(versions)) for versions in rows.values())


# --- orders -----------------------------------------------------------------------------------


# Named tuples, because there are very many: a frozen dataclass takes three times as long.
class _Line(NamedTuple):
    """A line: `quarters` of a unit (4 is one), cents per unit, cents of the line.

    net = gross - discount = quarters * price / 4 - discount, without a remainder.
    """

    product_id: str
    quarters: int
    price: int
    discount: int
    net: int
    tax: int


class _Order(NamedTuple):
    """An order, before it has its number. Empty text is a value that the export leaves out."""

    day: int
    second: int
    customer_ref: str
    email: str
    phone: str
    status: str
    channel: str
    coupon: str
    shipping: int
    updated_day: int
    updated_second: int
    lines: tuple[_Line, ...]

    @property
    def net(self) -> int:
        return sum(line.net for line in self.lines)

    @property
    def discount(self) -> int:
        return sum(line.discount for line in self.lines)

    @property
    def tax(self) -> int:
        return sum(line.tax for line in self.lines)

    @property
    def counts(self) -> bool:
        return self.status not in ("cancelled", "test")


@dataclass(frozen=True, eq=False)  # compared by identity: tastes are keys
class _Taste:
    """What goes into a basket: weight by category, weight of 1 to 5 lines, units of a line."""

    categories: Mapping[str, int]
    line_counts: tuple[int, ...]
    most_units: int = 1
    fewest_units: int = 1


_EVERYDAY: Final = _Taste(
    {"beans": 44, "ground": 25, "pods": 23, "equipment": 5, "gifts": 3}, (45, 28, 15, 8, 4), 2
)
_COUNTER: Final = _Taste(
    {"beans": 50, "ground": 26, "pods": 12, "equipment": 4, "gifts": 8}, (58, 27, 10, 4, 1)
)
_PRESENTS: Final = _Taste(
    {"gifts": 58, "equipment": 16, "subscriptions": 10, "beans": 10, "pods": 6}, (50, 28, 14, 6, 2)
)
_BARGAINS: Final = _Taste(
    {"pods": 34, "ground": 34, "beans": 22, "equipment": 7, "gifts": 3}, (24, 30, 24, 14, 8), 3
)
_PANTRY: Final = _Taste(
    {"beans": 46, "pods": 38, "ground": 12, "equipment": 4}, (12, 26, 30, 20, 12), 9, 3
)
_BOX: Final = _Taste({"subscriptions": 1}, (1,))

_TASTES: Final = (_EVERYDAY, _COUNTER, _PRESENTS, _BARGAINS, _PANTRY, _BOX)

# Web orders by hour of the day: quiet nights, a lunch break, a busy evening.
_WEB_HOURS: Final = _running_totals(
    (3, 1, 1, 1, 1, 2, 6, 14, 24, 30, 34, 36, 44, 38, 32, 30, 30, 32, 36, 46, 54, 50, 30, 10)
)


@dataclass(frozen=True)
class _Buyer:
    """Who orders, and what the till or the web shop knows of them."""

    customer_ref: str = ""
    email: str = ""
    phone: str = ""
    may_forget_to_sign_in: bool = True


_NOBODY: Final = _Buyer()


@dataclass(frozen=True)
class _Till:
    """Turns the wish to order on a day into an order. Holds what does not differ between buyers."""

    calendar: _Calendar
    shelves: tuple[_Shelf, ...]
    shelf_totals: Mapping[_Taste, tuple[int, ...]]
    line_count_totals: Mapping[_Taste, tuple[int, ...]]

    @classmethod
    def of(cls, calendar: _Calendar) -> _Till:
        shelves = _shelves(calendar)
        popularity: Counter[str] = Counter()
        for shelf in shelves:
            popularity[shelf.product.category] += shelf.product.popularity
        return cls(
            calendar,
            shelves,
            shelf_totals={
                taste: _running_totals(
                    taste.categories.get(shelf.product.category, 0)
                    * (shelf.product.popularity * 1000 // popularity[shelf.product.category])
                    for shelf in shelves
                )
                for taste in _TASTES
            },
            line_count_totals={taste: _running_totals(taste.line_counts) for taste in _TASTES},
        )

    def favourite(self, taste: _Taste, draws: _Draws) -> _Shelf:
        """A product that the business has had from the beginning."""
        return self._draw_shelf(taste, draws, day=0)

    def order(
        self,
        draws: _Draws,
        buyer: _Buyer,
        *,
        day: int,
        channel: str,
        taste: _Taste,
        coupon: _Campaign | None = None,
        favourite: _Shelf | None = None,
        extra_units: int = 0,
        second: int | None = None,
        status: str | None = None,
    ) -> _Order:
        """One order on `day`, which must be a day on which that channel takes orders.

        `second` and `status` are drawn as the channel has them, unless given.
        """
        if second is None:
            second = _second_of_day(draws, channel, self.calendar.weekday(day))
        second = self.calendar.second(day, second)
        if status is None:
            status = _status(draws, channel, days_left=self.calendar.days - 1 - day)
        lines = self._lines(draws, day, channel, taste, coupon, favourite, extra_units)
        net = sum(line.net for line in lines)
        free = channel != "web" or net >= 4000 or (coupon is not None and coupon.percent == 0)
        updated_day, updated_second = day, second
        if channel != "store":  # the till never touches an order again, the web shop ships it
            later = day + draws.below(6)
            if day < later < self.calendar.days:
                updated_day, updated_second = later, self.calendar.second(later, second)
        customer_ref, email, phone = _identifiers(draws, buyer, channel)
        return _Order(
            day=day,
            second=second,
            customer_ref=customer_ref,
            email=email,
            phone=phone,
            status=status,
            channel=channel,
            coupon=coupon.code if coupon else "",
            shipping=0 if free else 495,
            updated_day=updated_day,
            updated_second=updated_second,
            lines=lines,
        )

    def _draw_shelf(self, taste: _Taste, draws: _Draws, day: int) -> _Shelf:
        totals = self.shelf_totals[taste]
        while True:  # every taste has products that were there from the beginning
            shelf = self.shelves[draws.weighted(totals)]
            if shelf.launched <= day:
                return shelf

    def _lines(
        self,
        draws: _Draws,
        day: int,
        channel: str,
        taste: _Taste,
        coupon: _Campaign | None,
        favourite: _Shelf | None,
        extra_units: int,
    ) -> tuple[_Line, ...]:
        chosen: list[_Shelf] = []
        if favourite is not None and draws.chance(75):
            chosen.append(favourite)
        for _ in range(draws.weighted(self.line_count_totals[taste]) + 1 - len(chosen)):
            shelf = self._draw_shelf(taste, draws, day)
            if shelf not in chosen:
                chosen.append(shelf)
        # The counter marks down a bag near its date now and then, without a coupon.
        percent = coupon.percent if coupon else 15 if channel == "store" and draws.chance(2) else 0
        lines = []
        for shelf in chosen:
            product = shelf.on(day)
            if product.by_weight:
                quarters = draws.between(1, 4)
            else:
                quarters = 4 * (_units(draws, product, taste) + extra_units)
            gross = quarters * product.price // 4
            discount = (gross * percent + 50) // 100
            net = gross - discount
            lines.append(
                _Line(
                    product_id=product.product_id,
                    quarters=quarters,
                    price=product.price,
                    discount=discount,
                    net=net,
                    tax=(net * _TAX_PER_MILLE[product.category] + 500) // 1000,
                )
            )
        return tuple(lines)


def _units(draws: _Draws, product: _Product, taste: _Taste) -> int:
    if product.price > 5000:
        return 1
    if taste.most_units == taste.fewest_units or draws.chance(55):
        return taste.fewest_units
    return draws.between(taste.fewest_units, taste.most_units)


def _second_of_day(draws: _Draws, channel: str, weekday: int) -> int:
    if channel == "web":
        if draws.chance(0.6):  # the last and the first minute of a day: where day borders go wrong
            return draws.pick((0, _DAY - 60)) + draws.below(60)
        return draws.weighted(_WEB_HOURS) * _HOUR + draws.below(_HOUR)
    opens, closes = (9 * _HOUR, 17 * _HOUR) if weekday == _SATURDAY else (30_600, 63_000)
    latest = opens + draws.below(closes - opens)
    return min(latest, opens + draws.below(closes - opens)) if draws.chance(40) else latest


def _status(draws: _Draws, channel: str, *, days_left: int) -> str:
    if channel == "store":
        return ""  # the till knows no states, and a missing one means completed
    if draws.chance(2.2):
        return "cancelled"
    if days_left > 5:
        return "completed"
    return ("placed", "paid", "shipped", "shipped", "shipped", "shipped")[days_left]


def _identifiers(draws: _Draws, buyer: _Buyer, channel: str) -> tuple[str, str, str]:
    """customer_ref, email and phone that the order carries."""
    if channel == "store":
        return buyer.customer_ref, "", ""  # the loyalty card
    if channel == "phone":
        return buyer.customer_ref, "", buyer.phone
    if buyer.email and buyer.may_forget_to_sign_in and draws.chance(4):
        return "", buyer.email.capitalize() if draws.chance(30) else buyer.email, ""
    return buyer.customer_ref, buyer.email if draws.chance(90) or not buyer.customer_ref else "", ""


# --- people -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _City:
    name: str
    region: str
    country: str
    first_postal_code: int
    postal_suffix: str
    weight: int


# No Dutch postal code ends in SA, SD or SS, so these belong to nobody's street.
_CITIES: Final = (
    _City("Rotterdam", "Zuid-Holland", "NL", 3011, " SD", 34),
    _City("Schiedam", "Zuid-Holland", "NL", 3111, " SD", 10),
    _City("Delft", "Zuid-Holland", "NL", 2611, " SA", 12),
    _City("Den Haag", "Zuid-Holland", "NL", 2511, " SS", 12),
    _City("Utrecht", "Utrecht", "NL", 3511, " SD", 9),
    _City("Amsterdam", "Noord-Holland", "NL", 1011, " SA", 9),
    _City("Breda", "Noord-Brabant", "NL", 4811, " SS", 5),
    _City("Antwerpen", "Antwerpen", "BE", 2000, "", 6),
    _City("Gent", "Oost-Vlaanderen", "BE", 9000, "", 3),
)
_CITY_WEIGHTS: Final = _running_totals(city.weight for city in _CITIES)

_FIRST_NAMES: Final = (
    "Aldo", "Brecht", "Cleo", "Daan", "Elske", "Fimme", "Gwen", "Hidde", "Ilse", "Joris", "Kaat",
    "Lieve", "Maud", "Nils", "Odile", "Pleun", "Quirijn", "Roos", "Sietse", "Tamar", "Ubbo",
    "Vera", "Wout", "Xandra", "Yara", "Zeger", "Anouk", "Bente", "Casper", "Doutzen", "Ewout",
    "Floor", "Gijs", "Hanna", "Ivo", "Jula", "Kess", "Lotte", "Mees", "Noor",
)  # fmt: skip
_SURNAME_BEGINNINGS: Final = (
    "Aver", "Brink", "Duin", "Eiken", "Frane", "Grif", "Haver", "Ivel", "Kade", "Linde", "Molen",
    "Noord", "Olden", "Peppel", "Riet", "Stell", "Tolle", "Veer", "Winder", "Zonne",
)  # fmt: skip
_SURNAME_ENDINGS: Final = (
    "brook", "dael", "enga", "haven", "horst", "kamp", "laar", "mere", "stee", "veldt", "wijck",
    "zand",
)  # fmt: skip
_MAIL_DOMAINS: Final = ("example.com", "example.org", "example.net")

# Numbers that the French regulator (ARCEP) keeps for works of fiction: six blocks of 10,000. The
# ranges of other countries are too small for every customer to have a number of their own, and a
# shared number would make one person of two strangers.
_PHONE_BLOCKS: Final = ("+3319900", "+3326191", "+3335301", "+3346571", "+3353649", "+3363998")
_PHONES: Final = len(_PHONE_BLOCKS) * 10_000

_CHANNELS: Final = ("store", "search", "social", "referral", "newsletter", "market stall")
_CHANNEL_WEIGHTS: Final = _running_totals((30, 24, 18, 12, 10, 6))
_INCOME_BANDS: Final = ("under 25k", "25k-40k", "40k-60k", "60k-90k", "over 90k")


@dataclass(frozen=True)
class _Contact:
    """A name and how to reach it. Empty text where the business does not know."""

    first_name: str
    last_name: str
    email: str
    phone: str


@dataclass(frozen=True)
class _Customer:
    """A row of the customers file, and the archetype that it does not tell."""

    customer_ref: str
    archetype: Archetype
    contact: _Contact
    account_ref: str
    created: tuple[int, int]
    updated: tuple[int, int]
    details: tuple[str, ...]


_DETAIL_COLUMNS: Final = (
    "birth_date",
    "gender",
    "income_band",
    "household_size",
    "has_children",
    "country",
    "region",
    "city",
    "postal_code",
    "acquisition_channel",
    "acquisition_campaign_id",
    "attributes",
)


def _contact(seed: int, number: int) -> _Contact:
    """Name, e-mail and phone of customer `number`; nobody shares an e-mail or phone by accident."""
    draws = _Draws(seed, "contact", number)
    if number > 40 and draws.chance(0.4):
        # A person who registered twice: the same name and e-mail under a second reference.
        twin = _contact(seed, number - 37)
        return _Contact(twin.first_name, twin.last_name, twin.email, "")
    first = draws.pick(_FIRST_NAMES)
    last = draws.pick(_SURNAME_BEGINNINGS) + draws.pick(_SURNAME_ENDINGS)
    email = f"{first}.{last}{number}@{draws.pick(_MAIL_DOMAINS)}".lower()
    phone = _phone(number, spaced=draws.chance(40))
    return _Contact(
        first, last, email if draws.chance(92) else "", phone if draws.chance(55) else ""
    )


def _phone(number: int, *, spaced: bool) -> str:
    """A number of one's own; empty when the fictional ones have run out."""
    if number >= _PHONES:
        return ""
    block, rest = divmod(number * 7919 % _PHONES, 10_000)  # 7919 is prime: no number twice
    digits = f"{_PHONE_BLOCKS[block]}{rest:04d}"
    if not spaced:
        return digits
    pairs = " ".join(digits[at : at + 2] for at in range(4, len(digits), 2))
    return f"{digits[:3]} {digits[3]} {pairs}"


def _details(draws: _Draws, archetype: Archetype, *, year: int) -> tuple[str, ...]:
    """The values of `_DETAIL_COLUMNS`; what people did not say is empty.

    `year` is the first of the order history, in which the customers are 18 to 76 years old.
    """
    city = _CITIES[draws.weighted(_CITY_WEIGHTS)]
    channel = _CHANNELS[draws.weighted(_CHANNEL_WEIGHTS)]
    campaign = f"{channel}-{draws.between(1, 4)}" if channel in ("search", "social") else ""
    private = archetype is not Archetype.OFFICE
    born = date(year - 76, 1, 1) + timedelta(days=draws.below(21_000))
    household = draws.between(1, 5)
    roast = draws.pick(("light", "medium", "dark"))
    return (
        born.isoformat() if private and draws.chance(45) else "",
        draws.pick(("female", "male", "other")) if private and draws.chance(60) else "",
        draws.pick(_INCOME_BANDS) if private and draws.chance(25) else "",
        str(household) if private and draws.chance(40) else "",
        ("true" if household > 2 else "false") if private and draws.chance(35) else "",
        city.country,
        city.region,
        city.name,
        f"{city.first_postal_code + draws.below(9)}{city.postal_suffix}",
        channel,
        campaign,
        f'{{"roast": "{roast}", "newsletter": {"true" if draws.chance(50) else "false"}}}'
        if draws.chance(30)
        else "",
    )


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
_SHARE_TOTALS: Final = _running_totals(_SHARES.values())


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

    def next(self, draws: _Draws, orders: int) -> int:
        gap = max(self.gap * (100 - 9 * orders) // 100, self.final_gap)
        return max(1, gap * (100 + draws.between(-self.spread, self.spread)) // 100)


def _rhythm(draws: _Draws, archetype: Archetype) -> _Rhythm:
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
class _Town:
    """What a customer's story is told from."""

    seed: int
    till: _Till

    @property
    def calendar(self) -> _Calendar:
        return self.till.calendar

    def joins(self, draws: _Draws, percent: int = 100) -> int:
        """A day in the first `percent` of the history; later days are likelier, for growth."""
        days = max(1, self.calendar.days * percent // 100)
        day = draws.below(days)
        return max(day, draws.below(days)) if draws.chance(35) else day


def _wishes(town: _Town, draws: _Draws, archetype: Archetype) -> list[int]:
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


def _gift_days(town: _Town, draws: _Draws) -> list[int]:
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


def _bargain_days(town: _Town, draws: _Draws) -> list[int]:
    """A day in most of the coupon campaigns after joining, and little else."""
    calendar = town.calendar
    joins = 0 if draws.chance(_KNOWN_BEFORE[Archetype.DISCOUNT_HUNTER]) else town.joins(draws, 90)
    days: list[int] = []
    for year in range(calendar.start.year, calendar.dates[-1].year + 1):
        for campaign in _CAMPAIGNS:
            first = calendar.number_of(date(year, campaign.month, campaign.day))
            if first >= joins and draws.chance(66):
                days.append(first + draws.below(campaign.days))
            if first >= joins and draws.chance(8):
                days.append(first + 30 + draws.below(20))
    return [day for day in days if day < calendar.days] or [joins]


def _channel(draws: _Draws, archetype: Archetype, calendar: _Calendar, day: int) -> str:
    if archetype is Archetype.OFFICE:
        return "phone" if draws.chance(30) else "web"
    if archetype is Archetype.SUBSCRIBER or not calendar.shop_is_open(day):
        return "web"
    share_of_store = {Archetype.GIFT_BUYER: 25, Archetype.DISCOUNT_HUNTER: 15}.get(archetype, 48)
    return "store" if draws.chance(share_of_store) else "web"


def _coupon(
    draws: _Draws, archetype: Archetype, channel: str, running: _Campaign | None, *, is_first: bool
) -> _Campaign | None:
    if archetype is Archetype.OFFICE or channel == "phone":
        return None
    hunts = archetype is Archetype.DISCOUNT_HUNTER
    if running is not None and draws.chance(94 if hunts else 16 if channel == "web" else 5):
        return running
    if is_first and channel == "web" and draws.chance(85 if hunts else 30):
        return _WELCOME
    return None


def _taste(archetype: Archetype) -> _Taste:
    return {
        Archetype.GIFT_BUYER: _PRESENTS,
        Archetype.DISCOUNT_HUNTER: _BARGAINS,
        Archetype.OFFICE: _PANTRY,
    }.get(archetype, _EVERYDAY)


def _orders_of(town: _Town, draws: _Draws, archetype: Archetype, buyer: _Buyer) -> Iterator[_Order]:
    """The orders of one registered customer, in order of days."""
    calendar, till = town.calendar, town.till
    taste = _taste(archetype)
    favourite: _Shelf | None = None
    if archetype is Archetype.SUBSCRIBER:
        favourite = till.favourite(_BOX, draws)
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


def _christmas_presents(
    town: _Town, draws: _Draws, buyer: _Buyer, *, since: int
) -> Iterator[_Order]:
    calendar = town.calendar
    for year in range(calendar.start.year, calendar.dates[-1].year + 1):
        wish = calendar.number_of(date(year, 12, 1)) + draws.below(23)
        if not draws.chance(26) or not since <= wish < calendar.days:
            continue
        day = calendar.next_order_day(wish, draws)
        if day is not None:
            channel = "store" if calendar.shop_is_open(day) and draws.chance(40) else "web"
            yield town.till.order(draws, buyer, day=day, channel=channel, taste=_PRESENTS)


def _created(
    town: _Town, draws: _Draws, first_order: tuple[int, int] | None, archetype: Archetype
) -> tuple[int, int]:
    """When the record was made: before the first order, and not before the business was founded."""
    calendar = town.calendar
    founded = calendar.number_of(_founded_on(calendar.start))
    if first_order is None:
        day, second = town.joins(draws), 8 * _HOUR + draws.below(14 * _HOUR)
    elif first_order[0] < 45 and archetype in _KNOWN_BEFORE:
        # The order history begins with a new till; these were customers of the old one.
        day, second = draws.between(founded, -1), 9 * _HOUR + draws.below(8 * _HOUR)
    elif draws.chance(18):
        day = first_order[0] - draws.between(1, 75)
        second = 8 * _HOUR + draws.below(14 * _HOUR)
    else:
        day, second = first_order
        second = max(0, second - draws.between(60, 900))
        if calendar.second(day, second) != second:  # in the hour that spring skips: before it
            second -= _HOUR
    return max(day, founded), second


def _customer(town: _Town, number: int, offices: int) -> tuple[_Customer, list[_Order]]:
    """Customer `number` and its orders; `offices` is the number of office contacts before it."""
    archetype = _archetype(number)
    draws = _Draws(town.seed, "customer", number)
    contact = _contact(town.seed, number)
    customer_ref = f"C{number:06d}"
    buyer = _Buyer(customer_ref, contact.email, contact.phone)
    orders = sorted(_orders_of(town, draws, archetype, buyer), key=_moment)
    created = _created(town, draws, _moment(orders[0]) if orders else None, archetype)
    updated = created
    if draws.chance(40):
        later = draws.between(min(created[0], town.calendar.days - 1), town.calendar.days - 1)
        if later > created[0]:
            updated = later, 9 * _HOUR + draws.below(12 * _HOUR)
    customer = _Customer(
        customer_ref=customer_ref,
        archetype=archetype,
        contact=contact,
        # Three contacts for every two accounts: some offices have two people who order.
        account_ref=f"A{1001 + offices * 2 // 3}" if archetype is Archetype.OFFICE else "",
        created=created,
        updated=updated,
        details=_details(draws, archetype, year=town.calendar.start.year),
    )
    return customer, orders


def _moment(order: _Order) -> tuple[int, int]:
    return order.day, order.second


# --- everyone else ----------------------------------------------------------------------------


def _guests(town: _Town, customers: int) -> Iterator[_Order]:
    """Web orders of people who gave no more than an e-mail address, one for 25 customers."""
    for number in range(1, customers // 25 + 2):
        draws = _Draws(town.seed, "guest", number)
        buyer = _Buyer(email=f"guest{number}@{draws.pick(_MAIL_DOMAINS)}")
        wish = town.joins(draws)
        for _ in range(draws.pick((1, 1, 1, 1, 2, 3))):
            day = town.calendar.next_order_day(wish, draws)
            if day is None:
                break
            taste = draws.pick((_EVERYDAY, _PRESENTS))
            yield town.till.order(draws, buyer, day=day, channel="web", taste=taste)
            wish = day + draws.between(20, 200)


def _night_owls(town: _Town) -> Iterator[_Order]:
    """Guests who order while the clocks change: just before, within the hour that comes twice,
    and just after. Never within the hour that does not come.
    """
    calendar = town.calendar
    for year in range(calendar.start.year, calendar.dates[-1].year + 1):
        spring, autumn = _clock_changes(year)
        for on, seconds in ((spring, (7199, 10_800)), (autumn, (7199, 7200, 9000, 10_799, 10_800))):
            day = calendar.number_of(on)
            if not 0 <= day < calendar.days:
                continue
            for second in seconds:
                draws = _Draws(town.seed, "night owl", on, second)
                buyer = _Buyer(email=f"nightowl{draws.between(1, 9)}@example.net")
                yield town.till.order(
                    draws, buyer, day=day, channel="web", taste=_EVERYDAY, second=second
                )


def _test_orders(town: _Town) -> Iterator[_Order]:
    """Orders by which the staff try out the web shop, about every six weeks."""
    draws = _Draws(town.seed, "test orders")
    buyer = _Buyer(email="webshop.test@example.org", may_forget_to_sign_in=False)
    wish = draws.between(3, 20)
    while (day := town.calendar.next_order_day(wish, draws, weekdays_only=True)) is not None:
        yield town.till.order(
            draws, buyer, day=day, channel="web", taste=_EVERYDAY, status="test",
            second=10 * _HOUR + draws.below(6 * _HOUR),
        )  # fmt: skip
        wish = day + draws.between(25, 60)


# On 5000 customers; both grow with their number.
_WALK_INS_PER_DAY: Final = 7
_ORDERS_ON_A_QUIET_DAY: Final = 27


def _walk_ins(town: _Town, customers: int, expected: Sequence[int]) -> Iterator[_Order]:
    """Sales over the counter to people whom nobody asked for a name.

    `expected` is the number of orders that each day has without them. Passers-by fill a quiet shop,
    so that every day on which it is open has enough orders for a lost day to be noticed.
    """
    calendar = town.calendar
    for day in range(calendar.days):
        if not calendar.shop_is_open(day):
            continue
        draws = _Draws(town.seed, "walk-ins", day)
        season = _SEASON[calendar.date_of(day).month - 1]
        season = season * (100 + 30 * day // calendar.days) // 100
        if calendar.weekday(day) == _SATURDAY:
            season = season * 3 // 2
        usual = customers * _WALK_INS_PER_DAY * season * draws.between(70, 130)
        # Rounded by chance: a business of 50 customers has a walk-in every week or so.
        count = (usual + draws.below(50_000_000)) // 50_000_000
        floor = max(2, customers * _ORDERS_ON_A_QUIET_DAY // 5000) + draws.between(0, 4)
        for _ in range(max(count, floor - expected[day])):
            yield town.till.order(draws, _NOBODY, day=day, channel="store", taste=_COUNTER)


@dataclass(frozen=True)
class _Refund:
    """Money given back; `order` is the position of its order, None where nobody knows it."""

    day: int
    second: int
    amount: int
    order: int | None
    customer_ref: str
    email: str
    reason: str


_REASONS: Final = ("damaged in transit", "wrong grind", "arrived late", "changed mind", "faulty")


def _refunds(town: _Town, orders: Sequence[_Order]) -> list[_Refund]:
    """Refunds of orders, whole and in part, days to weeks later; and some that name no order."""
    calendar = town.calendar
    draws = _Draws(town.seed, "refunds")
    refunds: list[_Refund] = []
    for position, order in enumerate(orders):
        if not order.counts or not draws.chance(0.7 if order.channel == "store" else 4.2):
            continue
        delay = draws.pick((draws.between(1, 10), draws.between(1, 10), draws.between(11, 70)))
        day = calendar.next_order_day(order.day + delay, draws, weekdays_only=True)
        if day is None:
            continue
        names_customer = draws.chance(50)
        refunds.append(
            _Refund(
                day=day,
                second=9 * _HOUR + draws.below(8 * _HOUR),
                amount=_refunded(draws, order),
                order=position,
                customer_ref=order.customer_ref if names_customer else "",
                email=order.email if names_customer and not order.customer_ref else "",
                reason=draws.pick(_REASONS),
            )
        )
    refunds.extend(_refunds_without_order(town, orders))
    return sorted(refunds, key=lambda refund: (refund.day, refund.second, refund.amount))


def _refunded(draws: _Draws, order: _Order) -> int:
    if draws.chance(40):
        return order.net
    if len(order.lines) > 1:
        return draws.pick(order.lines).net
    return order.net * draws.pick((20, 25, 50)) // 100


def _refunds_without_order(town: _Town, orders: Sequence[_Order]) -> Iterator[_Refund]:
    """A lost receipt, or goods from before the order history: about one in three weeks.

    Half name a customer by reference or e-mail, half nobody at all.
    """
    draws = _Draws(town.seed, "refunds without order")
    wish = draws.between(5, 20)
    while (day := town.calendar.next_order_day(wish, draws, weekdays_only=True)) is not None:
        # Someone who has ordered before: an order from the first part of what came by then.
        earlier = orders[draws.below(max(1, len(orders) * day // town.calendar.days // 2))]
        named = earlier.counts and earlier.day < day and draws.chance(60)
        yield _Refund(
            day=day,
            second=9 * _HOUR + draws.below(8 * _HOUR),
            amount=5 * draws.between(90, 700),
            order=None,
            customer_ref=earlier.customer_ref if named else "",
            email=earlier.email if named and not earlier.customer_ref else "",
            reason=draws.pick(("no receipt", "bought before the new till")),
        )
        wish = day + draws.between(10, 32)


# --- the whole business -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Business:
    """Everything that the files tell; orders in order of time, their position is their number."""

    calendar: _Calendar
    products: tuple[_Product, ...]
    customers: tuple[_Customer, ...]
    orders: tuple[_Order, ...]
    refunds: tuple[_Refund, ...]

    @classmethod
    def imagine(cls, *, customers: int, seed: int, start: date, end: date) -> _Business:
        calendar = _Calendar.of(start, end)
        town = _Town(seed, _Till.of(calendar))
        people: list[_Customer] = []
        orders: list[_Order] = []
        offices = 0
        for number in range(1, customers + 1):
            customer, its_orders = _customer(town, number, offices)
            offices += customer.archetype is Archetype.OFFICE
            people.append(customer)
            orders.extend(its_orders)
        orders.extend(_guests(town, customers))
        orders.extend(_night_owls(town))
        orders.extend(_test_orders(town))
        expected = [0] * calendar.days
        for order in orders:
            expected[order.day] += 1
        orders.extend(_walk_ins(town, customers, expected))
        orders.sort(key=_moment)  # stable: equal moments stay as they were made
        return cls(
            calendar=calendar,
            products=tuple(row for row in _PRODUCTS if _valid_from(row, start) <= end),
            customers=tuple(people),
            orders=tuple(orders),
            refunds=tuple(_refunds(town, orders)),
        )


# --- files ------------------------------------------------------------------------------------

_CUSTOMER_COLUMNS: Final = (
    "customer_ref",
    "email",
    "phone",
    "first_name",
    "last_name",
    *_DETAIL_COLUMNS,
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


def _customer_row(calendar: _Calendar, customer: _Customer) -> _Row:
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


def _product_row(calendar: _Calendar, product: _Product) -> _Row:
    return (
        product.product_id,
        product.name,
        product.category,
        product.subcategory,
        product.brand,
        product.tier,
        _money(product.unit_cost),
        _valid_from(product, calendar.start).isoformat(),
    )


def _order_row(calendar: _Calendar, order: _Order, order_id: str, ordered_at: str) -> _Row:
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


def _line_rows(order: _Order, order_id: str, ordered_at: str) -> Iterator[_Row]:
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


def _refund_row(calendar: _Calendar, refund: _Refund, number: int) -> _Row:
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


def _tables(business: _Business) -> dict[str, tuple[Sequence[str], list[_Row]]]:
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


def _mapping(calendar: _Calendar) -> str:
    return f"""\
# {BUSINESS_NAME}, the demo business of Clientele.
# Its files have the column names of the input contract, so nothing needs to be mapped.
business_time_zone: {BUSINESS_TIME_ZONE}
reporting_currency: {REPORTING_CURRENCY}
business_started_on: {_founded_on(calendar.start).isoformat()}
default_country: NL
"""


def _marker() -> str:
    return (
        f"This folder holds the demo business of Clientele, {BUSINESS_NAME}: an invented shop with "
        "invented people. Remove the whole folder before you land files of your own.\n"
    )


def _write_files(folder: Path, business: _Business) -> int:
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
