"""What the demo business sells, at what cost, price and tax, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from orchestration.demo.calendar import Calendar, founded_on, months_after


@dataclass(frozen=True)
class Product:
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
PRODUCTS: Final = (
    Product("BN-101", "Quay Blend 250 g", "beans", "blend", _HOUSE, "standard", 365, 850, 9),
    Product("BN-101", "Quay Blend 250 g", "beans", "blend", _HOUSE, "standard", 430, 925, 9, 14),
    Product("BN-102", "Quay Blend 1 kg", "beans", "blend", _HOUSE, "standard", 1320, 2790, 7),
    Product("BN-102", "Quay Blend 1 kg", "beans", "blend", _HOUSE, "standard", 1560, 2990, 7, 14),
    Product("BN-103", "Deckhand Dark 1 kg", "beans", "blend", _HOUSE, "budget", 1040, 1990, 6),
    Product("BN-104", "Lantern Espresso 250 g", "beans", "blend", _HOUSE, "standard", 390, 895, 6),
    Product("BN-105", "Sidama Hills 250 g", "beans", "origin", _HOUSE, "premium", 560, 1290, 4),
    Product("BN-106", "Huila Terrace 250 g", "beans", "origin", _HOUSE, "premium", 540, 1245, 4),
    Product(
        "BN-107", "Night Harbour Decaf 250 g", "beans", "decaf", _HOUSE, "standard", 410, 945, 3
    ),
    Product(
        "BN-108", "Loose Beans per kg", "beans", "loose", _HOUSE, "standard", 1290, 3160, 5,
        by_weight=True,
    ),
    Product("BN-109", "Gesha Lot 7 100 g", "beans", "origin", _HOUSE, "premium", 980, 2150, 1, 9),
    Product("GR-201", "Quay Blend Ground 250 g", "ground", "filter",
             _HOUSE, "standard", 370, 860, 8),
    Product("GR-202", "Breakfast Ground 500 g", "ground", "filter",
             _HOUSE, "budget", 520, 1090, 7),
    Product("GR-203", "Moka Ground 250 g", "ground", "espresso", _HOUSE, "standard", 385, 880, 4),
    Product("GR-204", "Sidama Ground 250 g", "ground", "filter", _HOUSE, "premium", 565, 1310, 2),
    Product("GR-205", "Drip Bags, box of 10", "ground", "single serve",
             _HOUSE, "premium", 480, 1150, 3),
    Product("GR-205", "Drip Bags, box of 10", "pods", "single serve",
             _HOUSE, "premium", 480, 1150, 3, 17),
    Product("PD-301", "Lantern Pods, 20", "pods", "espresso", _HOUSE, "standard", 330, 760, 8),
    Product("PD-302", "Lantern Pods, 100", "pods", "espresso", _HOUSE, "budget", 1490, 3190, 4),
    Product("PD-303", "Decaf Pods, 20", "pods", "decaf", _HOUSE, "standard", 345, 790, 3),
    Product("PD-304", "Origin Pods, 20", "pods", "origin", _HOUSE, "premium", 420, 980, 3),
    Product("EQ-401", "Pour-over Cone", "equipment", "brewing", _TIDEWELL, "budget", 610, 1490, 5),
    Product("EQ-402", "Paper Filters, 100", "equipment", "supplies",
             _TIDEWELL, "budget", 180, 490, 8),
    Product("EQ-403", "Gooseneck Kettle", "equipment", "brewing",
             _KETTLEBY, "standard", 3350, 6900, 2),
    Product("EQ-404", "Hand Grinder", "equipment", "grinding",
             _KETTLEBY, "standard", 4100, 8450, 2),
    Product("EQ-405", "Burr Grinder", "equipment", "grinding",
             _KETTLEBY, "premium", 12900, 23900, 1),
    Product("EQ-406", "Espresso Machine No. 2", "equipment", "machines",
             _KETTLEBY, "premium", 31500, 54900, 1),
    Product("GF-501", "Tasting Trio", "gifts", "hampers", _HOUSE, "standard", 1150, 2650, 6),
    Product("GF-501", "Tasting Trio", "gifts", "hampers", _HOUSE, "standard", 1290, 2850, 6, 10),
    Product("GF-502", "Harbour Hamper", "gifts", "hampers", _HOUSE, "premium", 2900, 5900, 3),
    Product("GF-503", "Enamel Mug", "gifts", "tableware", _TIDEWELL, "budget", 480, 1290, 5),
    Product("GF-504", "Advent Box", "gifts", "seasonal", _HOUSE, "premium", 2250, 4490, 4, 9),
    Product("SB-601", "Monthly Box, 2 bags", "subscriptions", "box",
             _HOUSE, "standard", 830, 1690, 6),
    Product("SB-602", "Monthly Box, 4 bags", "subscriptions", "box",
             _HOUSE, "standard", 1590, 3150, 4),
    Product("SB-603", "Explorer Box", "subscriptions", "box", _HOUSE, "premium", 1280, 2750, 3),
)  # fmt: skip

# Food and drink at the reduced rate; the rates of the Netherlands, per 1000.
TAX_PER_MILLE: Final = {
    "beans": 90,
    "ground": 90,
    "pods": 90,
    "equipment": 210,
    "gifts": 210,
    "subscriptions": 90,
}


@dataclass(frozen=True, eq=False)  # compared by identity: there is one of each
class Shelf:
    """A product's first row, and every (day from which it holds, row) in order of time."""

    product: Product
    versions: tuple[tuple[int, Product], ...]

    @property
    def launched(self) -> int:
        """Day from which it is sold."""
        return self.versions[0][0]

    def on(self, day: int) -> Product:
        """The row that holds on `day`; the first for a day before its launch."""
        current = self.versions[0][1]
        for since, version in self.versions[1:]:
            if since > day:
                break
            current = version
        return current


def sold_from(product: Product, start: date) -> date:
    """The day from which a row of a product holds."""
    if product.from_month == 0:
        return founded_on(start)
    return months_after(start, product.from_month)


def shelves_of(calendar: Calendar) -> tuple[Shelf, ...]:
    """Every product with its rows in order of time."""
    rows: dict[str, list[tuple[int, Product]]] = {}
    for product in PRODUCTS:
        since = calendar.number_of(sold_from(product, calendar.start))
        rows.setdefault(product.product_id, []).append((since, product))
    return tuple(Shelf(versions[0][1], tuple(versions)) for versions in rows.values())
