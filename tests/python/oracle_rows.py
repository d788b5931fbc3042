"""The rows that the recomputation reads, and what everything in it needs of them.

Typed input rows, seeds as data, the business calendar, exact numbers, the version of a key that
holds, whom a row names, money in the reporting currency, and orders before their customer is known.
Written from the definitions alone.

Does not belong here: who is one customer (oracle_identity.py) and any figure about customers.
"""

from __future__ import annotations

import calendar
import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]
# ('ref', source_system, customer_ref), ('email', normalised e-mail) or ('phone', E.164).
Record = tuple[str, ...]

ZERO = Decimal(0)
FOUR_PLACES = Decimal("0.0001")
ONE_MICROSECOND = timedelta(microseconds=1)


# Input ---------------------------------------------------------------------------------------

KEYS: Mapping[str, tuple[str, ...]] = {
    "customers": ("customer_ref",),
    "orders": ("order_id",),
    "refunds": ("refund_id",),
    "fx_rates": ("rate_date", "currency"),
    "products": ("product_id", "valid_from"),
    "web_events": ("event_id",),
    "message_events": ("event_id",),
    "campaigns": ("campaign_id",),
    "marketing_spend": ("spend_id",),
    "leads": ("lead_id",),
    "support_tickets": ("ticket_id",),
    "survey_responses": ("response_id", "question"),
    "consents": ("customer_ref", "email", "channel", "purpose", "changed_at"),
    "referrals": ("referrer_ref", "referred_ref"),
    "social_mentions": ("mention_id",),
    "accounts": ("account_ref", "observed_at"),
    "subscriptions": ("subscription_id", "started_at"),
    "product_usage": ("used_on", "feature", "customer_ref", "account_ref"),
    "business_events": ("event_id",),
    "experiment_assignments": ("experiment_id", "customer_ref"),
    "market_sizes": ("market", "country", "region", "period_start"),
    "erasure_requests": ("request_id",),
}
# Without this key every row counts of its own.
KEYS_IF_GIVEN = ("spend_id",)


@dataclass(frozen=True)
class Seeds:
    """Rows of the seeds, all values text as in the files; those not given have no rows.

    ``countries`` has the ISO 3166-1 code of each upper-case spelling, ``subdivisions`` the
    ISO 3166-2 code of each (country code, upper-case spelling).
    """

    identifier_placeholders: Sequence[Mapping[str, str]] = ()
    survivorship: Sequence[Mapping[str, str]] = ()
    excluded_devices: Sequence[Mapping[str, str]] = ()
    channel_rules: Sequence[Mapping[str, str]] = ()
    spend_channels: Sequence[Mapping[str, str]] = ()
    age_bands: Sequence[Mapping[str, str]] = ()
    gender_spellings: Sequence[Mapping[str, str]] = ()
    occasions: Sequence[Mapping[str, str]] = ()
    engagement_weights: Sequence[Mapping[str, str]] = ()
    engagement_levels: Sequence[Mapping[str, str]] = ()
    countries: Mapping[str, str] | None = None
    subdivisions: Mapping[tuple[str, str], str] | None = None


# Columns of the files that have a shorter name here.
SEED_COLUMNS: Mapping[str, str] = {
    "identifier_kind": "kind",
    "identifier_value": "value",
    "attribute_name": "attribute",
    "survivor": "rule",
    "age_band": "band",
    "engagement_level": "level",
    "needed_input": "source",
    "month_from": "from_month",
    "day_from": "from_day",
    "month_to": "to_month",
    "day_to": "to_day",
}


def read_seeds(
    folder: Path,
    countries: Mapping[str, str] | None = None,
    subdivisions: Mapping[tuple[str, str], str] | None = None,
) -> Seeds:
    """The seeds that are in a folder, one file each; a missing file has no rows."""
    found: dict[str, list[dict[str, str]]] = {}
    for seed in fields(Seeds):
        path = folder / f"{seed.name}.csv"
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                found[seed.name] = [
                    {SEED_COLUMNS.get(name, name): value for name, value in row.items()}
                    for row in csv.DictReader(file)
                ]
    return Seeds(**found, countries=countries, subdivisions=subdivisions)


@dataclass(frozen=True)
class Raw:
    """Typed rows of all batches that count, as after ingestion, and the seeds.

    Each row is a mapping with the columns of the input contract (absent ones are NULL),
    ``source_system`` filled in, and ``_batch_id``: a later batch has the greater one. ``as_of`` is
    of the refresh, by which erasure requests hold; None lets all of them hold.
    """

    customers: Sequence[Row] = ()
    orders: Sequence[Row] = ()
    order_lines: Sequence[Row] = ()
    refunds: Sequence[Row] = ()
    time_zone: str = "UTC"
    fx_rates: Sequence[Row] = ()
    reporting_currency: str | None = None
    products: Sequence[Row] = ()
    web_events: Sequence[Row] = ()
    message_events: Sequence[Row] = ()
    campaigns: Sequence[Row] = ()
    leads: Sequence[Row] = ()
    support_tickets: Sequence[Row] = ()
    survey_responses: Sequence[Row] = ()
    consents: Sequence[Row] = ()
    referrals: Sequence[Row] = ()
    social_mentions: Sequence[Row] = ()
    accounts: Sequence[Row] = ()
    subscriptions: Sequence[Row] = ()
    product_usage: Sequence[Row] = ()
    business_events: Sequence[Row] = ()
    experiment_assignments: Sequence[Row] = ()
    marketing_spend: Sequence[Row] = ()
    market_sizes: Sequence[Row] = ()
    erasure_requests: Sequence[Row] = ()
    default_country: str | None = None
    as_of: datetime | None = None
    seeds: Seeds = field(default_factory=Seeds, repr=False)

    def entities(self) -> dict[str, Sequence[Row]]:
        """Rows by entity."""
        return {name: getattr(self, name) for name in ("order_lines", *KEYS)}

    def with_rows(self, rows: Mapping[str, Sequence[Row]]) -> Raw:
        """The same business with other rows of the named entities."""
        changed: dict[str, Any] = dict(rows)
        return replace(self, **changed)

    def latest(self, entity: str) -> list[Row]:
        """The rows of an entity that hold; not for ``order_lines``."""
        rows, key = getattr(self, entity), KEYS[entity]
        unkeyed: list[Row] = []
        if key[0] in KEYS_IF_GIVEN:
            unkeyed = [row for row in rows if text_of(row.get(key[0])) is None]
            rows = [row for row in rows if text_of(row.get(key[0])) is not None]
        return latest(rows, ("source_system", *key)) + unkeyed

    @cached_property
    def namer(self) -> Namer:
        """Reads whom the rows name."""
        return Namer(self.seeds)

    @cached_property
    def drafts(self) -> list[Draft]:
        """Every order in its latest known form: headers, and orders formed from lines alone."""
        return _order_drafts(self)


def record_id(record: Record) -> str:
    """md5 of ``source_system|ref``, of ``email|address`` or of ``phone|number``."""
    text = "|".join(record[1:]) if record[0] == "ref" else "|".join(record)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


# Business calendar and exact numbers ---------------------------------------------------------


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=200_000)
def business_date(at: datetime, time_zone: str) -> date:
    """The date of a UTC instant in the business time zone."""
    return at.replace(tzinfo=UTC).astimezone(_zone(time_zone)).date()


@lru_cache(maxsize=200_000)
def utc_of_local(local: datetime, time_zone: str) -> datetime:
    """The naive UTC instant of a naive local time.

    A time that occurs twice is the first; one that does not occur is read with the offset before
    the change. Both are what ``fold=0`` means (PEP 495).
    """
    return local.replace(tzinfo=_zone(time_zone), fold=0).astimezone(UTC).replace(tzinfo=None)


def first_instant(on: date, time_zone: str) -> datetime:
    """The first instant (UTC) of a business date."""
    return utc_of_local(datetime.combine(on, time.min), time_zone)


def last_instant(on: date, time_zone: str) -> datetime:
    """The last microsecond (UTC) of a business date."""
    return first_instant(on + timedelta(days=1), time_zone) - ONE_MICROSECOND


def month_of(on: date) -> date:
    """The first date of the month of a date."""
    return on.replace(day=1)


def add_months(month: date, months: int) -> date:
    """The first date of the month that lies ``months`` after the month of ``month``."""
    index = month.year * 12 + month.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def months_between(earlier: date, later: date) -> int:
    """Number of calendar months from the month of one date to that of another."""
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def last_of_month(month: date) -> date:
    """The last date of a month."""
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def round_half_even(value: Fraction | Decimal | int, places: int) -> Decimal:
    """A number rounded half even to ``places`` decimals, from its exact value."""
    scaled = round(Fraction(value) * 10**places)  # round() of a Fraction is exact and half even
    return Decimal(scaled).scaleb(-places)


def ratio(
    numerator: Decimal | int | None, denominator: Decimal | int | None, places: int
) -> Decimal | None:
    """numerator / denominator, rounded half even; None where the denominator is None or 0."""
    if numerator is None or not denominator:
        return None
    return round_half_even(Fraction(numerator) / Fraction(denominator), places)


def quantile(values: Iterable[Decimal | int], p: Fraction) -> Fraction:
    """Type-7 quantile (Hyndman & Fan 1996: linear interpolation), exact; ``values`` not empty."""
    ranked = sorted(Fraction(value) for value in values)
    place = (len(ranked) - 1) * p
    low = place.numerator // place.denominator
    if low + 1 == len(ranked):
        return ranked[low]
    return ranked[low] + (place - low) * (ranked[low + 1] - ranked[low])


def median(values: Iterable[int]) -> Decimal | None:
    """Middle value, or the mean of the middle two; None of nothing."""
    ranked = sorted(values)
    if not ranked:
        return None
    middle = ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]
    return round_half_even(Fraction(middle, 2), 1)


# Latest versions ----------------------------------------------------------------------------


def text_of(value: object) -> str | None:
    """A text, or None where it is missing or blank."""
    return value if isinstance(value, str) and value.strip() else None


def word_of(value: object) -> str | None:
    """A text of a small vocabulary: trimmed and lower case; None where missing or blank."""
    text = text_of(value)
    return text.strip().lower() if text else None


def money_of(value: object) -> Decimal:
    """An amount; a missing one is 0.

    Raises:
        TypeError: it is a float, or anything else that is no Decimal.
    """
    if value is None:
        return ZERO
    if not isinstance(value, Decimal):
        raise TypeError(f"an amount must be a Decimal, not {type(value).__name__}")
    return value


def status_of(row: Row) -> str:
    """The status of an order or a line."""
    return text_of(row.get("status")) or "completed"


def latest(rows: Iterable[Row], key: Sequence[str]) -> list[Row]:
    """The version of each key that holds: greatest ``updated_at`` (None lowest), later batch."""

    def age(row: Row) -> tuple[datetime, str]:
        return (row.get("updated_at") or datetime.min, row["_batch_id"])

    chosen: dict[tuple[object, ...], Row] = {}
    for row in rows:
        name = tuple(row.get(column) for column in key)
        if name not in chosen or age(row) >= age(chosen[name]):
            chosen[name] = row
    return list(chosen.values())


def latest_lines(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    """Lines per (source_system, order_id): those of the last batch that has any of the order."""
    by_order: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        key = (row["source_system"], row["order_id"])
        held = by_order.get(key)
        if held is None or row["_batch_id"] > held[0]["_batch_id"]:
            by_order[key] = [row]
        elif row["_batch_id"] == held[0]["_batch_id"]:
            held.append(row)
    return by_order


def line_amount(row: Row) -> Decimal:
    """quantity x unit_price - discount of a line, rounded half even to 4 places."""
    exact = row["quantity"] * row["unit_price"] - money_of(row.get("discount_amount"))
    return Decimal(exact).quantize(FOUR_PLACES, rounding=ROUND_HALF_EVEN)


# Whom a row names ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Party:
    """What a row says about somebody: a reference, an e-mail, a phone, or none of them."""

    ref: Record | None = None
    email: str | None = None
    phone: str | None = None

    @property
    def record(self) -> Record | None:
        """What is named first: the reference, else the e-mail, else the phone."""
        if self.ref is not None:
            return self.ref
        if self.email is not None:
            return ("email", self.email)
        return ("phone", self.phone) if self.phone is not None else None

    @property
    def identifiers(self) -> frozenset[tuple[str, str]]:
        """The e-mail and the phone, each with its kind."""
        given = (("email", self.email), ("phone", self.phone))
        return frozenset((kind, value) for kind, value in given if value is not None)


NOBODY = Party()


class Namer:
    """Reads whom rows name; placeholders name nobody.

    Args:
        seeds: ``identifier_placeholders`` with kind (email, email_domain, phone) and value.
    """

    def __init__(self, seeds: Seeds) -> None:
        self._nobody = {
            (row["kind"], row["value"].strip().lower()) for row in seeds.identifier_placeholders
        }

    def email(self, value: object) -> str | None:
        """A usable e-mail, normalised."""
        email = word_of(value)
        if email is None or ("email", email) in self._nobody:
            return None
        return None if ("email_domain", email.rpartition("@")[2]) in self._nobody else email

    def phone(self, value: object) -> str | None:
        """A usable phone in E.164."""
        phone = word_of(value)
        return None if phone is None or ("phone", phone) in self._nobody else phone

    def ref(self, row: Row, column: str = "customer_ref") -> Record | None:
        """The record of a reference within the row's source system."""
        ref = text_of(row.get(column))
        return ("ref", row["source_system"], ref) if ref is not None else None

    def party(self, row: Row) -> Party:
        """Whom a row names."""
        return Party(self.ref(row), self.email(row.get("email")), self.phone(row.get("phone_e164")))


# Orders before their customer is known ---------------------------------------------------------


@dataclass(frozen=True)
class Draft:
    """An order before its customer is resolved, with the refunds that were exported inside it."""

    source_system: str
    order_id: str
    ordered_at: datetime
    seen_at: datetime
    party: Party
    net_amount: Decimal
    currency: str | None
    counts: bool
    has_discount: bool
    cancellations: tuple[tuple[datetime, Decimal, str | None, Party], ...] = ()
    # Whom its lines name, who need not be whom the order counts for.
    named_by_lines: tuple[Party, ...] = ()
    lines: tuple[Row, ...] = ()
    sales_channel: str | None = None


def is_counting_line(line: Row) -> bool:
    """Whether a line is of the goods that its order counts for."""
    return status_of(line) not in ("cancelled", "test")


def _header_draft(row: Row, lines: Sequence[Row], namer: Namer) -> Draft:
    net_amount, status, party = money_of(row["net_amount"]), status_of(row), namer.party(row)
    is_refund = status == "cancelled" and net_amount < 0
    has_discount = (
        money_of(row.get("discount_amount")) > 0
        or text_of(row.get("coupon_code")) is not None
        or any(money_of(x.get("discount_amount")) > 0 for x in lines if is_counting_line(x))
    )
    return Draft(
        source_system=row["source_system"],
        order_id=row["order_id"],
        ordered_at=row["ordered_at"],
        seen_at=row["ordered_at"],
        party=party,
        net_amount=net_amount,
        currency=text_of(row.get("currency")),
        counts=status not in ("cancelled", "test"),
        has_discount=has_discount,
        cancellations=(
            ((row["ordered_at"], -net_amount, text_of(row.get("currency")), party),)
            if is_refund
            else ()
        ),
        named_by_lines=tuple({namer.party(line) for line in lines}),
        lines=tuple(lines),
        sales_channel=text_of(row.get("sales_channel")),
    )


def _lines_draft(lines: Sequence[Row], namer: Namer) -> Draft | None:
    """The order that lines without a header make; None where no line has a date.

    The lines that count form the order. Where none does, the order is known all the same (by all
    of its lines) and does not count.
    """
    counting = [line for line in lines if is_counting_line(line)]
    forming = counting or lines
    all_dates = [line["ordered_at"] for line in lines if line.get("ordered_at") is not None]
    if not all_dates:
        return None
    dates = [line["ordered_at"] for line in forming if line.get("ordered_at") is not None]
    ordered_at = min(dates or all_dates)
    refs = sorted(ref for line in forming if (ref := text_of(line.get("customer_ref"))) is not None)
    system = lines[0]["source_system"]
    party = Party(ref=("ref", system, refs[0])) if refs else NOBODY
    named = sorted(text for line in forming if (text := text_of(line.get("currency"))) is not None)
    currency = named[0] if named else None
    cancellations = []
    for line in lines:
        amount = line_amount(line)
        if status_of(line) == "cancelled" and amount < 0:
            own = namer.party(line)
            occurred_at = line.get("ordered_at") or ordered_at
            in_currency = text_of(line.get("currency")) or currency
            whose = own if own.record is not None else party
            cancellations.append((occurred_at, -amount, in_currency, whose))
    return Draft(
        source_system=system,
        order_id=lines[0]["order_id"],
        ordered_at=ordered_at,
        seen_at=min(all_dates),
        party=party,
        net_amount=sum((line_amount(line) for line in counting), ZERO),
        currency=currency,
        counts=bool(counting),
        has_discount=any(money_of(line.get("discount_amount")) > 0 for line in counting),
        cancellations=tuple(cancellations),
        named_by_lines=tuple({namer.party(line) for line in lines}),
        lines=tuple(lines),
    )


def _order_drafts(raw: Raw) -> list[Draft]:
    namer = raw.namer
    lines = latest_lines(raw.order_lines)
    drafts = []
    for row in raw.latest("orders"):
        of_order = lines.pop((row["source_system"], row["order_id"]), [])
        drafts.append(_header_draft(row, of_order, namer))
    for rest in lines.values():
        draft = _lines_draft(rest, namer)
        if draft is not None:
            drafts.append(draft)
    return drafts


# Money in the reporting currency --------------------------------------------------------------


class Converter:
    """Amounts in the reporting currency, by the latest rate that is at most 7 days old."""

    def __init__(self, raw: Raw) -> None:
        self._reporting = raw.reporting_currency
        self._rates: dict[str, dict[date, Decimal]] = defaultdict(dict)
        for row in raw.latest("fx_rates"):
            self._rates[row["currency"]][row["rate_date"]] = row["rate_to_reporting"]

    def reporting(self, amount: Decimal, currency: str | None, on: date) -> Decimal:
        """The amount, converted.

        Raises:
            ValueError: there is no rate.
        """
        if currency is None or currency == self._reporting:
            return amount
        for age in range(8):
            rate = self._rates[currency].get(on - timedelta(days=age))
            if rate is not None:
                return round_half_even(Fraction(amount) * Fraction(rate), 4)
        raise ValueError(f"no rate of {currency} on {on}")
