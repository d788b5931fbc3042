"""Baskets: how a wish to order on a day becomes an order with its lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from orchestration.demo.calendar import DAY, HOUR, SATURDAY, Calendar, Campaign
from orchestration.demo.chance import Draws, cumulated
from orchestration.demo.products import TAX_PER_MILLE, Product, Shelf, shelves_of


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


class Order(NamedTuple):
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
        """Cents of goods after discount, without tax and shipping."""
        return sum(line.net for line in self.lines)

    @property
    def discount(self) -> int:
        """Cents of discount."""
        return sum(line.discount for line in self.lines)

    @property
    def tax(self) -> int:
        """Cents of tax on the goods."""
        return sum(line.tax for line in self.lines)

    @property
    def counts(self) -> bool:
        """Whether it is a sale."""
        return self.status not in ("cancelled", "test")


@dataclass(frozen=True, eq=False)  # compared by identity: tastes are keys
class Taste:
    """What goes into a basket: weight by category, weight of 1 to 5 lines, units of a line."""

    categories: Mapping[str, int]
    line_counts: tuple[int, ...]
    most_units: int = 1
    fewest_units: int = 1


EVERYDAY: Final = Taste(
    {"beans": 44, "ground": 25, "pods": 23, "equipment": 5, "gifts": 3}, (45, 28, 15, 8, 4), 2
)

COUNTER: Final = Taste(
    {"beans": 50, "ground": 26, "pods": 12, "equipment": 4, "gifts": 8}, (58, 27, 10, 4, 1)
)

PRESENTS: Final = Taste(
    {"gifts": 58, "equipment": 16, "subscriptions": 10, "beans": 10, "pods": 6}, (50, 28, 14, 6, 2)
)

BARGAINS: Final = Taste(
    {"pods": 34, "ground": 34, "beans": 22, "equipment": 7, "gifts": 3}, (24, 30, 24, 14, 8), 3
)

PANTRY: Final = Taste(
    {"beans": 46, "pods": 38, "ground": 12, "equipment": 4}, (12, 26, 30, 20, 12), 9, 3
)

BOX: Final = Taste({"subscriptions": 1}, (1,))

_TASTES: Final = (EVERYDAY, COUNTER, PRESENTS, BARGAINS, PANTRY, BOX)

# Web orders by hour of the day: quiet nights, a lunch break, a busy evening.
_WEB_HOURS: Final = cumulated(
    (3, 1, 1, 1, 1, 2, 6, 14, 24, 30, 34, 36, 44, 38, 32, 30, 30, 32, 36, 46, 54, 50, 30, 10)
)


@dataclass(frozen=True)
class Buyer:
    """Who orders, and what the till or the web shop knows of them."""

    customer_ref: str = ""
    email: str = ""
    phone: str = ""
    may_forget_to_sign_in: bool = True


NOBODY: Final = Buyer()


@dataclass(frozen=True)
class Till:
    """Turns the wish to order on a day into an order. Holds what does not differ between buyers."""

    calendar: Calendar
    shelves: tuple[Shelf, ...]
    shelf_totals: Mapping[Taste, tuple[int, ...]]
    line_count_totals: Mapping[Taste, tuple[int, ...]]

    @classmethod
    def of(cls, calendar: Calendar) -> Till:
        """The till of a business that trades on these days."""
        shelves = shelves_of(calendar)
        popularity: Counter[str] = Counter()
        for shelf in shelves:
            popularity[shelf.product.category] += shelf.product.popularity
        return cls(
            calendar,
            shelves,
            shelf_totals={
                taste: cumulated(
                    taste.categories.get(shelf.product.category, 0)
                    * (shelf.product.popularity * 1000 // popularity[shelf.product.category])
                    for shelf in shelves
                )
                for taste in _TASTES
            },
            line_count_totals={taste: cumulated(taste.line_counts) for taste in _TASTES},
        )

    def favourite(self, taste: Taste, draws: Draws) -> Shelf:
        """A product that the business has had from the beginning."""
        return self._draw_shelf(taste, draws, day=0)

    def order(
        self,
        draws: Draws,
        buyer: Buyer,
        *,
        day: int,
        channel: str,
        taste: Taste,
        coupon: Campaign | None = None,
        favourite: Shelf | None = None,
        extra_units: int = 0,
        second: int | None = None,
        status: str | None = None,
    ) -> Order:
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
        return Order(
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

    def _draw_shelf(self, taste: Taste, draws: Draws, day: int) -> Shelf:
        totals = self.shelf_totals[taste]
        while True:  # every taste has products that were there from the beginning
            shelf = self.shelves[draws.weighted(totals)]
            if shelf.launched <= day:
                return shelf

    def _lines(
        self,
        draws: Draws,
        day: int,
        channel: str,
        taste: Taste,
        coupon: Campaign | None,
        favourite: Shelf | None,
        extra_units: int,
    ) -> tuple[_Line, ...]:
        chosen: list[Shelf] = []
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
                    tax=(net * TAX_PER_MILLE[product.category] + 500) // 1000,
                )
            )
        return tuple(lines)


def _units(draws: Draws, product: Product, taste: Taste) -> int:
    if product.price > 5000:
        return 1
    if taste.most_units == taste.fewest_units or draws.chance(55):
        return taste.fewest_units
    return draws.between(taste.fewest_units, taste.most_units)


def _second_of_day(draws: Draws, channel: str, weekday: int) -> int:
    if channel == "web":
        if draws.chance(0.6):  # the last and the first minute of a day: where day borders go wrong
            return draws.pick((0, DAY - 60)) + draws.below(60)
        return draws.weighted(_WEB_HOURS) * HOUR + draws.below(HOUR)
    opens, closes = (9 * HOUR, 17 * HOUR) if weekday == SATURDAY else (30_600, 63_000)
    latest = opens + draws.below(closes - opens)
    return min(latest, opens + draws.below(closes - opens)) if draws.chance(40) else latest


def _status(draws: Draws, channel: str, *, days_left: int) -> str:
    if channel == "store":
        return ""  # the till knows no states, and a missing one means completed
    if draws.chance(2.2):
        return "cancelled"
    if days_left > 5:
        return "completed"
    return ("placed", "paid", "shipped", "shipped", "shipped", "shipped")[days_left]


def _identifiers(draws: Draws, buyer: Buyer, channel: str) -> tuple[str, str, str]:
    """customer_ref, email and phone that the order carries."""
    if channel == "store":
        return buyer.customer_ref, "", ""  # the loyalty card
    if channel == "phone":
        return buyer.customer_ref, "", buyer.phone
    if buyer.email and buyer.may_forget_to_sign_in and draws.chance(4):
        return "", buyer.email.capitalize() if draws.chance(30) else buyer.email, ""
    return buyer.customer_ref, buyer.email if draws.chance(90) or not buyer.customer_ref else "", ""
