"""An independent recomputation of segments, history and cohorts in plain Python.

It is written from the definitions alone, never from the SQL, so that the two can be held against
each other: where they differ, one of them is wrong. Clarity goes before speed; money and cut
points are exact (Decimal and Fraction), and nothing here knows about floats.

Does not belong here: SQL or anything read from the models, files and landing formats (rows come
as they are after ingestion), who is one customer (oracle_identity.py), variables besides those of
orders (oracle_variables.py), KPIs (oracle_kpis.py), and random input (business.py).

Vocabulary: all instants are naive datetimes in UTC; ``on`` is a business date; a customer is the
least of its records: ``('ref', source_system, customer_ref)``, ``('email', normalised e-mail)`` or
``('phone', E.164)``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from oracle_identity import Customer, resolve
from oracle_rows import (
    ZERO,
    Converter,
    Raw,
    Row,
    add_months,
    business_date,
    last_instant,
    last_of_month,
    median,
    money_of,
    month_of,
    months_between,
    quantile,
    ratio,
    record_id,
    text_of,
)

Segments = Mapping[str, Collection[Customer]]
RfmMap = Callable[[int, int, int], str]

WINDOWS = (30, 90, 365)


# What the rows say -------------------------------------------------------------------------


@dataclass(frozen=True)
class Order:
    """An order in its latest known form, counting or not; its amounts in its own currency."""

    source_system: str
    order_id: str
    ordered_at: datetime
    on: date
    customer: Customer | None
    net_amount: Decimal
    currency: str | None
    counts: bool
    has_discount: bool
    sales_channel: str | None
    lines: tuple[Row, ...]


@dataclass(frozen=True)
class Fact:
    """Money on its date: a counting order (its net amount) or a refund (a negative amount)."""

    at: datetime
    on: date
    customer: Customer | None
    amount: Decimal
    is_order: bool
    has_discount: bool = False


@dataclass(frozen=True)
class Ledger:
    """What the raw rows say, without a cut in time.

    ``first_seen`` has every customer that ever exists; None means it always did.
    """

    time_zone: str
    orders: tuple[Order, ...]
    facts: tuple[Fact, ...]
    first_seen: Mapping[Customer, datetime | None]

    def facts_until(self, as_of: datetime) -> list[Fact]:
        """Facts that occurred at or before ``as_of``, in order of time."""
        return [fact for fact in self.facts if fact.at <= as_of]

    def customers_at(self, as_of: datetime) -> set[Customer]:
        """Customers that exist at ``as_of``."""
        return {
            customer for customer, seen in self.first_seen.items() if seen is None or seen <= as_of
        }


def customer_id(customer: Customer) -> str:
    """The published id of a customer, which is that of its least record."""
    return record_id(customer)


# The ledger ----------------------------------------------------------------------------------


def resolve_orders(raw: Raw | Ledger) -> Ledger:
    """Latest versions, orders derived from lines, exported cancellations, customers.

    A ledger is returned as it is, so that every function here takes either.

    Raises:
        ValueError: an amount that counts has no rate.
    """
    if isinstance(raw, Ledger):
        return raw
    identity = resolve(raw)
    money = Converter(raw)

    def given_back(
        at: datetime, who: Customer | None, amount: Decimal, currency: str | None
    ) -> Fact:
        on = business_date(at, raw.time_zone)
        return Fact(at, on, who, -money.reporting(amount, currency, on), is_order=False)

    orders = []
    facts = []
    for draft in raw.drafts:
        on = business_date(draft.ordered_at, raw.time_zone)
        order = Order(
            draft.source_system,
            draft.order_id,
            draft.ordered_at,
            on,
            identity.customer(draft.party),
            draft.net_amount,
            draft.currency,
            draft.counts,
            draft.has_discount,
            draft.sales_channel,
            draft.lines,
        )
        orders.append(order)
        if order.counts:
            amount = money.reporting(order.net_amount, order.currency, on)
            facts.append(
                Fact(
                    order.ordered_at,
                    on,
                    order.customer,
                    amount,
                    is_order=True,
                    has_discount=order.has_discount,
                )
            )
        for at, amount, currency, who in draft.cancellations:
            facts.append(given_back(at, identity.customer(who), amount, currency))
    known = {(order.source_system, order.order_id): order for order in orders}
    for row in raw.latest("refunds"):
        of = known.get((row["source_system"], row.get("order_id") or ""))
        if of is not None and not of.counts:
            continue
        party = raw.namer.party(row)
        owner = identity.customer(party)
        if party.record is None and of is not None:
            owner = of.customer
        currency = text_of(row.get("currency")) or (of.currency if of is not None else None)
        facts.append(given_back(row["refunded_at"], owner, money_of(row["amount"]), currency))
    facts.sort(key=lambda f: (f.at, f.customer or (), f.amount, f.is_order, f.has_discount))
    return Ledger(raw.time_zone, tuple(orders), tuple(facts), identity.customers())


# Features ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Features:
    """What the facts until ``as_of`` say about one customer; names as in `customer_features`."""

    customer: Customer
    first_order_at: datetime | None
    last_order_at: datetime | None
    days_since_first_order: int | None
    days_since_last_order: int | None
    order_count_lifetime: int
    order_day_count_lifetime: int
    net_revenue_lifetime: Decimal
    order_count_30d: int
    order_count_90d: int
    order_count_365d: int
    net_revenue_30d: Decimal
    net_revenue_90d: Decimal
    net_revenue_365d: Decimal
    average_order_value_30d: Decimal | None
    average_order_value_90d: Decimal | None
    average_order_value_365d: Decimal | None
    median_days_between_orders: Decimal | None
    mean_days_between_orders: Decimal | None
    discounted_net_amount_365d: Decimal
    gross_net_amount_365d: Decimal
    active_month_count: int


def _by_customer(facts: Iterable[Fact]) -> dict[Customer, list[Fact]]:
    grouped: dict[Customer, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.customer is not None:
            grouped[fact.customer].append(fact)
    return grouped


def _total(facts: Iterable[Fact]) -> Decimal:
    return sum((fact.amount for fact in facts), ZERO)


def _gaps(dates: Iterable[date]) -> list[tuple[date, int]]:
    """Days between successive distinct dates, each with its later date."""
    ordered = sorted(set(dates))
    return [(b, (b - a).days) for a, b in pairwise(ordered)]


def window_start(as_of_on: date, days: int) -> date:
    """First of the ``days`` business dates that end with ``as_of_on``."""
    return as_of_on - timedelta(days=days - 1)


def _features_of(customer: Customer, facts: Sequence[Fact], as_of_on: date) -> Features:
    orders = [fact for fact in facts if fact.is_order]
    dates = sorted({order.on for order in orders})
    gaps = [days for _, days in _gaps(dates)]
    counts: dict[int, int] = {}
    revenues: dict[int, Decimal] = {}
    for days in WINDOWS:
        start = window_start(as_of_on, days)
        counts[days] = sum(order.on >= start for order in orders)
        revenues[days] = _total(fact for fact in facts if fact.on >= start)
    year = [order for order in orders if order.on >= window_start(as_of_on, 365)]
    return Features(
        customer=customer,
        first_order_at=min((order.at for order in orders), default=None),
        last_order_at=max((order.at for order in orders), default=None),
        days_since_first_order=(as_of_on - dates[0]).days if dates else None,
        days_since_last_order=(as_of_on - dates[-1]).days if dates else None,
        order_count_lifetime=len(orders),
        order_day_count_lifetime=len(dates),
        net_revenue_lifetime=_total(facts),
        order_count_30d=counts[30],
        order_count_90d=counts[90],
        order_count_365d=counts[365],
        net_revenue_30d=revenues[30],
        net_revenue_90d=revenues[90],
        net_revenue_365d=revenues[365],
        average_order_value_30d=ratio(revenues[30], counts[30], 4),
        average_order_value_90d=ratio(revenues[90], counts[90], 4),
        average_order_value_365d=ratio(revenues[365], counts[365], 4),
        median_days_between_orders=median(gaps),
        mean_days_between_orders=ratio(sum(gaps), len(gaps), 4),
        discounted_net_amount_365d=_total(order for order in year if order.has_discount),
        gross_net_amount_365d=_total(year),
        active_month_count=len({month_of(on) for on in dates}),
    )


def features(raw: Raw | Ledger, as_of: datetime) -> dict[Customer, Features]:
    """Features of every customer that exists at ``as_of``."""
    ledger = resolve_orders(raw)
    as_of_on = business_date(as_of, ledger.time_zone)
    grouped = _by_customer(ledger.facts_until(as_of))
    return {
        customer: _features_of(customer, grouped.get(customer, ()), as_of_on)
        for customer in ledger.customers_at(as_of)
    }


# RFM -----------------------------------------------------------------------------------------

RFM_DEFAULT_SEGMENTS = (
    "champions",
    "loyal_customers",
    "potential_loyalists",
    "promising",
    "new_customers",
    "need_attention",
    "about_to_sleep",
    "cant_lose_them",
    "at_risk",
    "lost",
)

# Inclusive bounds of R, F and M; the first match wins (R package rfm, vignette of its segments).
RFM_R_RULES: tuple[tuple[str, tuple[int, int], tuple[int, int], tuple[int, int]], ...] = (
    ("champions", (5, 5), (5, 5), (5, 5)),
    ("potential_loyalists", (3, 5), (3, 5), (2, 5)),
    ("loyal_customers", (2, 4), (2, 4), (2, 4)),
    ("promising", (3, 4), (1, 3), (3, 5)),
    ("new_customers", (4, 5), (1, 3), (1, 5)),
    ("cant_lose_them", (1, 2), (3, 4), (4, 5)),
    ("at_risk", (1, 2), (2, 5), (4, 5)),
    ("need_attention", (1, 3), (3, 5), (3, 5)),
    ("about_to_sleep", (2, 3), (1, 3), (1, 4)),
    ("lost", (1, 1), (1, 5), (1, 5)),
)

RANK_BANDS = ("champions", "loyal_customers", "potential_loyalists", "new_customers", "at_risk")


@dataclass(frozen=True)
class RfmRow:
    """RFM of one scored customer; ``rfm_score`` is 555 as an integer."""

    customer: Customer
    recency_days: int
    frequency: int
    monetary: Decimal
    recency_score: int
    frequency_score: int
    monetary_score: int
    rfm_segment: str

    @property
    def rfm_score(self) -> int:
        """The three scores as the digits of a number."""
        return self.recency_score * 100 + self.frequency_score * 10 + self.monetary_score


@dataclass(frozen=True)
class _Measures:
    recency_days: int
    frequency: int
    monetary: Decimal


def rfm_map_default(r: int, f: int, m: int) -> str:
    """Segment of a cell of the 125 by the table of the definitions."""
    if f >= 4 and m >= 4:
        column = 0
    elif f >= 3:
        column = 1 if m >= 4 else 2
    else:
        column = 3 if m >= 3 else 4
    if r >= 4:
        row = ("champions", "loyal_customers", "potential_loyalists", "promising", "new_customers")
    elif r == 3:
        row = (
            "loyal_customers",
            "loyal_customers",
            "need_attention",
            "need_attention",
            "about_to_sleep",
        )
    else:
        row = ("cant_lose_them", "at_risk", "at_risk", "at_risk", "lost")
    return row[column]


def rfm_map_r(r: int, f: int, m: int) -> str:
    """Segment of a cell by the first matching rule of the R package rfm, else ``others``."""
    for name, (r_low, r_high), (f_low, f_high), (m_low, m_high) in RFM_R_RULES:
        if r_low <= r <= r_high and f_low <= f <= f_high and m_low <= m <= m_high:
            return name
    return "others"


RFM_MAPS: Mapping[str, tuple[RfmMap, tuple[str, ...]]] = {
    "default": (rfm_map_default, RFM_DEFAULT_SEGMENTS),
    "r": (rfm_map_r, (*(rule[0] for rule in RFM_R_RULES), "others")),
}


def cut_points(values: Sequence[Decimal | int], bins: int) -> list[Fraction]:
    """The ``bins - 1`` exact type-7 quantiles at 1/bins, 2/bins, ... of the values."""
    return [quantile(values, Fraction(k, bins)) for k in range(1, bins)]


def score(value: Decimal | int, cuts: Sequence[Fraction], offset: int = 0) -> int:
    """1 + number of cut points that the value exceeds (reaches, with an offset above 0)."""
    exact = Fraction(value)
    if offset > 0:
        return 1 + sum(exact >= cut + offset for cut in cuts)
    return 1 + sum(exact > cut for cut in cuts)


def _rfm_measures(
    ledger: Ledger, as_of: datetime, window_days: int | None
) -> dict[Customer, _Measures]:
    as_of_on = business_date(as_of, ledger.time_zone)
    start = date.min if window_days is None else window_start(as_of_on, window_days)
    measures = {}
    for customer, facts in _by_customer(ledger.facts_until(as_of)).items():
        inside = [fact for fact in facts if fact.on >= start]
        orders = [fact.on for fact in inside if fact.is_order]
        if orders:
            measures[customer] = _Measures(
                (as_of_on - max(orders)).days, len(orders), _total(inside)
            )
    return measures


def _ranks(values: Mapping[Customer, Fraction]) -> dict[Customer, int]:
    """Competition rank, 1 = least: 1 + number of strictly lesser values."""
    ordered = sorted(values.values())
    return {customer: 1 + bisect_left(ordered, value) for customer, value in values.items()}


def _rank_band(measures: Mapping[Customer, _Measures]) -> dict[Customer, str]:
    ranks = [
        _ranks({c: Fraction(x.recency_days) for c, x in measures.items()}),
        _ranks({c: Fraction(-x.frequency) for c, x in measures.items()}),
        _ranks({c: -Fraction(x.monetary) for c, x in measures.items()}),
    ]
    composite = {c: Fraction(sum(rank[c] for rank in ranks)) for c in measures}
    better = {c: rank - 1 for c, rank in _ranks(composite).items()}
    return {c: RANK_BANDS[5 * count // len(measures)] for c, count in better.items()}


def rfm(
    raw: Raw | Ledger,
    as_of: datetime,
    window_days: int | None = 365,
    method: str = "quantiles",
    bins: int = 5,
    offset: int = 0,
    rfm_map: str | RfmMap = "default",
    fixed_cut_points: Mapping[str, Sequence[Decimal | Fraction | int]] | None = None,
) -> dict[Customer, RfmRow]:
    """RFM scores and segments of the customers with a counting order in the window.

    Args:
        raw: rows or ledger.
        as_of: instant, naive UTC.
        window_days: business days that end with the date of ``as_of``; None = lifetime.
        method: ``quantiles``, ``fixed`` (needs ``fixed_cut_points`` by recency, frequency and
            monetary, ``bins - 1`` each, ascending), or ``rank_bands`` (names by composite rank;
            the scores are those of quantiles).
        bins: number of scores.
        offset: added to the cut points, which then belong to the upper bin (R uses 1).
        rfm_map: ``default``, ``r``, or a function of the three scores.
        fixed_cut_points: see ``method``.

    Raises:
        ValueError: unknown method or map, wrong cut points, or other than 5 bins with a map that
            is made for 5.
    """
    if method not in ("quantiles", "fixed", "rank_bands"):
        raise ValueError(f"unknown rfm method {method!r}")
    if isinstance(rfm_map, str):
        if rfm_map not in RFM_MAPS:
            raise ValueError(f"unknown rfm map {rfm_map!r}")
        if bins != 5 and method != "rank_bands":
            raise ValueError(f"the rfm map {rfm_map!r} is made for 5 bins, not for {bins}")
    to_segment = RFM_MAPS[rfm_map][0] if isinstance(rfm_map, str) else rfm_map

    measures = _rfm_measures(resolve_orders(raw), as_of, window_days)
    if not measures:
        return {}
    if method == "fixed":
        given = fixed_cut_points or {}
        if any(len(given.get(x, ())) != bins - 1 for x in ("recency", "frequency", "monetary")):
            raise ValueError(f"fixed cut points need {bins - 1} values for each of R, F and M")
        cuts = {name: [Fraction(value) for value in values] for name, values in given.items()}
    else:
        cuts = {
            "recency": cut_points([x.recency_days for x in measures.values()], bins),
            "frequency": cut_points([x.frequency for x in measures.values()], bins),
            "monetary": cut_points([x.monetary for x in measures.values()], bins),
        }
    bands = _rank_band(measures) if method == "rank_bands" else {}
    rows = {}
    for customer, x in measures.items():
        r = bins + 1 - score(x.recency_days, cuts["recency"], offset)
        f = score(x.frequency, cuts["frequency"], offset)
        m = score(x.monetary, cuts["monetary"], offset)
        segment = bands[customer] if bands else to_segment(r, f, m)
        rows[customer] = RfmRow(customer, x.recency_days, x.frequency, x.monetary, r, f, m, segment)
    return rows


# Lifecycle, loyalty and single segments ------------------------------------------------------

LIFECYCLE_STAGES = ("prospect", "lapsed", "at_risk", "new", "loyal", "active")
LOYALTY_SEGMENTS = ("power_users", "regular_customers", "occasional_buyers")


def lifecycle_stage(x: Features) -> str:
    """The first stage that matches."""
    if x.days_since_last_order is None or x.days_since_first_order is None:
        return "prospect"
    if x.order_count_365d == 0:
        return "lapsed"
    limit = Decimal(180)
    if x.order_day_count_lifetime >= 3 and x.median_days_between_orders is not None:
        limit = max(2 * x.median_days_between_orders, Decimal(30))
    if x.days_since_last_order > limit:
        return "at_risk"
    if x.days_since_first_order < 60 and x.order_count_lifetime < 3:
        return "new"
    if x.order_count_365d >= 4 and x.days_since_first_order >= 180:
        return "loyal"
    return "active"


def lifecycle(raw: Raw | Ledger, as_of: datetime) -> dict[Customer, str]:
    """Lifecycle stage of every customer that exists at ``as_of``."""
    return {customer: lifecycle_stage(x) for customer, x in features(raw, as_of).items()}


def _line(values: Iterable[Decimal], percent: int) -> Fraction:
    """Type-7 percentile; of nobody, 0, which then divides nobody."""
    held = list(values)
    return quantile(held, Fraction(percent, 100)) if held else Fraction(0)


def _buyers_365d(rows: Mapping[Customer, Features]) -> dict[Customer, Features]:
    return {customer: x for customer, x in rows.items() if x.order_count_365d >= 1}


def _loyalty_of(rows: Mapping[Customer, Features]) -> dict[Customer, str]:
    buyers = _buyers_365d(rows)
    line = _line((x.net_revenue_365d for x in buyers.values()), 90)
    result = {}
    for customer, x in buyers.items():
        if x.order_count_365d >= 4 and Fraction(x.net_revenue_365d) >= line:
            result[customer] = "power_users"
        elif x.order_count_365d >= 2:
            result[customer] = "regular_customers"
        else:
            result[customer] = "occasional_buyers"
    return result


def loyalty(raw: Raw | Ledger, as_of: datetime) -> dict[Customer, str]:
    """Loyalty group of the buyers of the last 365 days."""
    return _loyalty_of(features(raw, as_of))


def _single_segments(
    rows: Mapping[Customer, Features], scores: Mapping[Customer, RfmRow]
) -> dict[str, set[Customer]]:
    buyers = _buyers_365d(rows)
    value_line = _line((x.net_revenue_365d for x in buyers.values()), 80)
    ever = [x for x in rows.values() if x.order_count_lifetime >= 1]
    lifetime_line = _line((x.net_revenue_lifetime for x in ever), 80)

    def of(people: Mapping[Customer, Features], rule: Callable[[Features], bool]) -> set[Customer]:
        return {customer for customer, x in people.items() if rule(x)}

    def scored(rule: Callable[[RfmRow], bool]) -> set[Customer]:
        return {customer for customer, x in scores.items() if rule(x)}

    def buys_often(x: Features) -> bool:
        gap = x.median_days_between_orders
        return gap is not None and gap <= 60

    def buys_at_a_discount(x: Features) -> bool:
        total = x.gross_net_amount_365d
        return total > 0 and 2 * x.discounted_net_amount_365d >= total

    def is_rising(x: Features) -> bool:
        return (
            x.net_revenue_90d * 365 > x.net_revenue_365d * 90
            and Fraction(x.net_revenue_365d) < value_line
        )

    def is_slipping(x: Features) -> bool:
        days = x.days_since_last_order
        return x.order_count_lifetime >= 5 and days is not None and 60 <= days <= 120

    return {
        "high_value": of(buyers, lambda x: Fraction(x.net_revenue_365d) >= value_line),
        "regular_buyers": of(buyers, buys_often),
        "price_sensitive": of(rows, buys_at_a_discount),
        "upside": of(buyers, is_rising),
        "high_value_recent": scored(lambda x: x.recency_score >= 4 and x.monetary_score >= 4),
        "dormant": scored(lambda x: x.recency_score <= 2 and x.frequency_score <= 2),
        "vip": scored(lambda x: x.rfm_score == 555),
        "win_back": of(rows, is_slipping),
        "one_time_buyers": of(rows, lambda x: x.order_count_lifetime == 1),
        "recent_buyers_30d": of(rows, lambda x: x.order_count_30d >= 1),
        "loyal_high_ltv": of(
            rows,
            lambda x: x.order_count_365d >= 4 and Fraction(x.net_revenue_lifetime) >= lifetime_line,
        ),
        "at_risk_regulars": of(
            rows, lambda x: lifecycle_stage(x) == "at_risk" and x.order_count_lifetime >= 3
        ),
    }


def _group(
    prefix: str, names: Iterable[str], held: Mapping[Customer, str]
) -> dict[str, set[Customer]]:
    members: dict[str, set[Customer]] = {f"{prefix}_{name}": set() for name in names}
    for customer, name in held.items():
        members[f"{prefix}_{name}"].add(customer)
    return members


GROUPS: Mapping[str, tuple[str, ...]] = {
    "rfm": tuple(f"rfm_{name}" for name in RFM_DEFAULT_SEGMENTS),
    "lifecycle": tuple(f"lifecycle_{name}" for name in LIFECYCLE_STAGES),
    "loyalty": tuple(f"loyalty_{name}" for name in LOYALTY_SEGMENTS),
}


def segments(raw: Raw | Ledger, as_of: datetime) -> dict[str, set[Customer]]:
    """Members of every segment at ``as_of``, with default settings; empty segments included."""
    ledger = resolve_orders(raw)
    rows = features(ledger, as_of)
    scores = rfm(ledger, as_of)
    return {
        **_group("rfm", RFM_DEFAULT_SEGMENTS, {c: x.rfm_segment for c, x in scores.items()}),
        **_group("lifecycle", LIFECYCLE_STAGES, {c: lifecycle_stage(x) for c, x in rows.items()}),
        **_group("loyalty", LOYALTY_SEGMENTS, _loyalty_of(rows)),
        **_single_segments(rows, scores),
    }


# History -------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Event:
    """A customer enters or leaves a segment."""

    as_of: datetime
    segment_key: str
    customer: Customer
    event: str


@dataclass(frozen=True)
class Stay:
    """An unbroken stay, from the first observed instant inside to the first outside."""

    segment_key: str
    customer: Customer
    valid_from: datetime
    valid_to: datetime | None

    def holds_at(self, at: datetime) -> bool:
        """Whether the stay covers the instant."""
        return self.valid_from <= at and (self.valid_to is None or self.valid_to > at)

    def holds_before(self, at: datetime) -> bool:
        """Whether the stay covers the last instant before ``at``."""
        return self.valid_from < at and (self.valid_to is None or self.valid_to >= at)


@dataclass(frozen=True)
class Size:
    """Sizes of a segment at an observed instant."""

    segment_key: str
    as_of: datetime
    opening_count: int
    entered_count: int
    exited_count: int
    member_count: int


@dataclass(frozen=True)
class History:
    """What was observed: events, stays, sizes, and the instants at which a segment was looked at.

    ``observed`` has an instant also where the segment was empty.
    """

    events: list[Event] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)
    observed: dict[str, list[datetime]] = field(default_factory=dict)


def history(observations: Sequence[tuple[datetime, Segments]]) -> History:
    """Events, stays and sizes of observed memberships.

    A segment that an observation does not name was not looked at then, and nothing is said about
    it; one that it names with no members was empty.

    Raises:
        ValueError: the same instant twice.
    """
    if len({as_of for as_of, _ in observations}) != len(observations):
        raise ValueError("an instant was observed twice")
    result = History()
    inside: dict[str, dict[Customer, datetime]] = defaultdict(dict)
    for as_of, found in sorted(observations, key=lambda observation: observation[0]):
        for key in sorted(found):
            before, now = inside[key], set(found[key])
            entered, exited = now - before.keys(), before.keys() - now
            result.sizes.append(Size(key, as_of, len(before), len(entered), len(exited), len(now)))
            result.observed.setdefault(key, []).append(as_of)
            for customer in sorted(entered):
                result.events.append(Event(as_of, key, customer, "entered"))
                before[customer] = as_of
            for customer in sorted(exited):
                result.events.append(Event(as_of, key, customer, "exited"))
                result.stays.append(Stay(key, customer, before.pop(customer), as_of))
    for key, members in inside.items():
        result.stays.extend(Stay(key, who, since, None) for who, since in members.items())
    return result


def _months(ledger: Ledger, as_of: datetime) -> list[date]:
    """Business months from that of the first counting order to that of ``as_of``."""
    orders = [fact.on for fact in ledger.facts_until(as_of) if fact.is_order]
    if not orders:
        return []
    first, last = month_of(min(orders)), month_of(business_date(as_of, ledger.time_zone))
    return [add_months(first, k) for k in range(months_between(first, last) + 1)]


def month_ends(raw: Raw | Ledger, as_of: datetime, limit: int = 24) -> list[datetime]:
    """The last microseconds of the business months before ``as_of``, the latest ``limit``.

    They start with the month of the first counting order.
    """
    ledger = resolve_orders(raw)
    months = _months(ledger, as_of)
    ends = [last_instant(last_of_month(month), ledger.time_zone) for month in months]
    return [end for end in ends if end < as_of][-limit:]


def observe(
    raw: Raw | Ledger, instants: Iterable[datetime]
) -> list[tuple[datetime, dict[str, set[Customer]]]]:
    """Segments as occurred at several instants, as ``history`` takes them."""
    ledger = resolve_orders(raw)
    return [(instant, segments(ledger, instant)) for instant in instants]


# Cohorts -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CohortCell:
    """A cohort in a later month."""

    cohort_size: int
    active_customers: int
    net_revenue: Decimal


@dataclass(frozen=True)
class _Career:
    """A customer's first activity, the months since then that it was active in, and its money."""

    first_at: datetime
    month: date
    active: frozenset[int]
    revenue: Mapping[int, Decimal]


def _careers(ledger: Ledger, as_of: datetime, activity: str) -> dict[Customer, _Career]:
    if activity not in ("orders", "orders_and_refunds"):
        raise ValueError(f"unknown cohort activity {activity!r}")
    result = {}
    for customer, facts in _by_customer(ledger.facts_until(as_of)).items():
        active = [fact for fact in facts if fact.is_order or activity == "orders_and_refunds"]
        if not active:
            continue
        first_at = min(fact.at for fact in active)
        month = month_of(min(fact.on for fact in active))
        revenue: dict[int, Decimal] = defaultdict(Decimal)
        for fact in facts:
            revenue[months_between(month, fact.on)] += fact.amount
        months = frozenset(months_between(month, fact.on) for fact in active)
        result[customer] = _Career(first_at, month, months, revenue)
    return result


def _cells(careers: Collection[_Career], until: date) -> dict[tuple[date, int], CohortCell]:
    by_month: dict[date, list[_Career]] = defaultdict(list)
    for career in careers:
        by_month[career.month].append(career)
    cells = {}
    for month, members in by_month.items():
        for k in range(months_between(month, until) + 1):
            cells[month, k] = CohortCell(
                cohort_size=len(members),
                active_customers=sum(k in member.active for member in members),
                net_revenue=sum((member.revenue.get(k, ZERO) for member in members), ZERO),
            )
    return cells


def cohorts(
    raw: Raw | Ledger, as_of: datetime, activity: str = "orders"
) -> dict[tuple[date, int], CohortCell]:
    """Retention of 'all' by (cohort_month, months since the first order), up to ``as_of``'s month.

    Args:
        raw: rows or ledger.
        as_of: instant, naive UTC.
        activity: ``orders``, or ``orders_and_refunds``, where a refund is activity too, for the
            cohort's month as well.

    Raises:
        ValueError: unknown activity.
    """
    ledger = resolve_orders(raw)
    until = business_date(as_of, ledger.time_zone)
    return _cells(_careers(ledger, as_of, activity).values(), until)


def segment_cohorts(
    raw: Raw | Ledger,
    as_of: datetime,
    stays: Sequence[Stay],
    observed: Mapping[str, Sequence[datetime]],
    activity: str = "orders",
) -> dict[tuple[str, date, int], CohortCell]:
    """As ``cohorts``, by segment: that of the first observed instant at or after the first order.

    Keys are (segment_key, cohort_month, months); a segment without anybody of a cohort has no
    rows for it.
    """
    ledger = resolve_orders(raw)
    until = business_date(as_of, ledger.time_zone)
    careers = _careers(ledger, as_of, activity)
    stays_of: dict[tuple[str, Customer], list[Stay]] = defaultdict(list)
    for stay in stays:
        stays_of[stay.segment_key, stay.customer].append(stay)
    cells = {}
    for key, instants in observed.items():
        looked = sorted(at for at in instants if at <= as_of)
        members = []
        for customer, career in careers.items():
            place = bisect_left(looked, career.first_at)
            if place < len(looked) and any(
                stay.holds_at(looked[place]) for stay in stays_of[key, customer]
            ):
                members.append(career)
        for (month, k), cell in _cells(members, until).items():
            cells[key, month, k] = cell
    return cells
