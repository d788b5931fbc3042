"""Collects the rows of one random business.

Persons, products and dates are drawn here, rows get the columns of the input contract. What
happens is told elsewhere: orders and refunds in business.py, all else in business_activity.py.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from oracle_rows import KEYS, utc_of_local

COLUMNS = {
    "customers": """customer_ref source_system email phone phone_e164 first_name last_name
        birth_date gender income_band education occupation household_size has_children country
        region city postal_code created_at acquisition_channel acquisition_campaign_id account_ref
        updated_at attributes""",
    "orders": """order_id ordered_at customer_ref email phone phone_e164 status currency
        gross_amount discount_amount tax_amount shipping_amount net_amount sales_channel coupon_code
        source_system updated_at""",
    "order_lines": """order_id line_number product_id quantity unit_price discount_amount
        ordered_at customer_ref currency status source_system""",
    "refunds": """refund_id refunded_at amount order_id customer_ref email currency reason
        source_system""",
    "fx_rates": "rate_date currency rate_to_reporting source_system",
    "products": """product_id name category subcategory brand tier unit_cost valid_from
        source_system""",
    "web_events": """event_id occurred_at event_name anonymous_id customer_ref email session_id
        page_url product_id order_id cart_id value utm_source utm_medium utm_campaign referrer
        device properties source_system""",
    "message_events": """event_id occurred_at event_name channel customer_ref email campaign_id
        message_id is_machine source_system""",
    "campaigns": """campaign_id name channel objective is_promotional target_segment is_segmented
        offer_code requested_at started_at ended_at manual_minutes source_system""",
    "marketing_spend": """spend_id spend_date channel amount campaign_id cost_type segment_key
        currency source_system""",
    "leads": """lead_id created_at customer_ref email source status converted_at lost_at
        source_system""",
    "support_tickets": """ticket_id opened_at customer_ref email closed_at category priority
        csat_score feature_request source_system""",
    "survey_responses": """response_id responded_at question customer_ref email score answer
        source_system""",
    "consents": "changed_at purpose granted customer_ref email channel source source_system",
    "referrals": "referrer_ref referred_ref referred_at source_system",
    "social_mentions": "mention_id occurred_at customer_ref platform kind sentiment source_system",
    "accounts": """account_ref parent_account_ref name employees annual_revenue currency
        founded_year country region industry_code industry_scheme industry
        organisation_structure technology_adoption
        business_model market_cap payment_terms technologies observed_at source_system""",
    "subscriptions": """subscription_id started_at customer_ref account_ref plan status ended_at
        trial_ends_at monthly_amount currency source_system""",
    "product_usage": "used_on feature customer_ref account_ref uses minutes source_system",
    "business_events": """event_id occurred_at event_name customer_ref email subject starts_at
        ends_at value properties source_system""",
    "market_sizes": """market period_start customers revenue currency country region
        source_system""",
    "erasure_requests": "request_id requested_at customer_ref email phone phone_e164 source_system",
    "experiment_assignments": """experiment_id customer_ref arm assigned_at campaign_id segment_key
        source_system""",
}

SYSTEMS = ("default", "shop")
COUNTING_STATUSES = ("placed", "paid", "shipped", "completed", None)
BATCHES = ("batch-1", "batch-2", "batch-3", "batch-4")
TIME_ZONE = "Europe/London"

# Dates of as_of around which calendars go wrong: leap day, year's end, both clock changes.
AS_OF_DATES = (
    date(2024, 2, 29),
    date(2024, 3, 1),
    date(2024, 3, 31),
    date(2024, 10, 27),
    date(2024, 12, 31),
    date(2025, 1, 15),
    date(2025, 3, 30),
    date(2025, 6, 30),
)
# Local times at which a day, or an hour of a clock change, begins or ends.
TIMES = (
    time(0, 0),
    time(0, 30),
    time(1, 0),
    time(1, 30),
    time(2, 0),
    time(12, 0),
    time(17, 45, 10),
    time(23, 30),
    time(23, 59, 59, 999999),
)
NOON = time(12, 0)


@dataclass(frozen=True)
class Person:
    """A reference in a source system, and the e-mail on file."""

    source_system: str
    customer_ref: str
    email: str


class Shop:
    """Collects the rows of one business; ids count up, so they never collide by chance."""

    def __init__(self, rng: random.Random, as_of: datetime, as_of_on: date) -> None:
        self.rng = rng
        self.as_of = as_of
        self.as_of_on = as_of_on
        self.rows: dict[str, list[dict[str, Any]]] = {
            entity: [] for entity in ("order_lines", *KEYS)
        }
        self._next = 0

    @property
    def orders(self) -> list[dict[str, Any]]:
        """Rows of orders."""
        return self.rows["orders"]

    @property
    def customers(self) -> list[dict[str, Any]]:
        """Rows of customers."""
        return self.rows["customers"]

    @property
    def refunds(self) -> list[dict[str, Any]]:
        """Rows of refunds."""
        return self.rows["refunds"]

    # Small choices

    def number(self) -> int:
        """A number not used before in this business."""
        self._next += 1
        return self._next

    def person(self, source_system: str | None = None) -> Person:
        """Somebody new, of whom nothing is known yet."""
        number = self.number()
        # A leading zero: references are text, and 007 is not 7.
        system = source_system or self.rng.choice(SYSTEMS)
        return Person(system, f"{number:04d}", f"person{number}@mill.example")

    def phone(self) -> str:
        """A number that nobody else has."""
        return f"+4420794{self.number():05d}"

    def money(self, low: int = 1, high: int = 40) -> Decimal:
        """An amount of few distinct values, so that ties are common."""
        return Decimal(self.rng.randint(low, high) * 125).scaleb(-2).quantize(Decimal("0.0001"))

    def day(self, low: int = 0, high: int = 800) -> int:
        """So many business days before as_of."""
        return self.rng.randint(low, high)

    def at(self, days_ago: int, local: time | None = None) -> datetime:
        """A UTC instant on a business day before as_of (on an edge of the day, mostly)."""
        on = self.as_of_on - timedelta(days=days_ago)
        chosen = local if local is not None else self.rng.choice(TIMES)
        return utc_of_local(datetime.combine(on, chosen), TIME_ZONE)

    def batch(self) -> str:
        """Any of the batches."""
        return self.rng.choice(BATCHES)

    # Rows

    def row(self, entity: str, **values: Any) -> dict[str, Any]:
        """A row of any entity, with its batch; a value that is not given is missing."""
        columns = COLUMNS[entity].split()
        if not values.keys() <= {*columns, "_batch_id"}:
            raise ValueError(f"{entity} has no {sorted(values.keys() - {*columns})}")
        row = dict.fromkeys(columns) | {"source_system": "default", "_batch_id": self.batch()}
        row |= values
        self.rows[entity].append(row)
        return row

    def customer(self, who: Person, **values: Any) -> dict[str, Any]:
        """A customer record."""
        row = {
            "customer_ref": who.customer_ref,
            "source_system": who.source_system,
            "email": who.email,
            "country": "GB",
            "created_at": self.at(self.day()),
        }
        return self.row("customers", **row | values)

    def order(self, who: Person | None, days_ago: int, **values: Any) -> dict[str, Any]:
        """A header, counting unless ``status`` says otherwise."""
        row = {
            "order_id": f"O{self.number()}",
            "ordered_at": self.at(days_ago),
            "customer_ref": who.customer_ref if who else None,
            "source_system": who.source_system if who else self.rng.choice(SYSTEMS),
            "status": self.rng.choice(COUNTING_STATUSES),
            "currency": self.rng.choice(("GBP", None)),
            "net_amount": self.money(),
            "sales_channel": self.rng.choice(("web", "store")),
        }
        return self.row("orders", **row | values)

    def line(
        self, who: Person | None, order_id: str, days_ago: int, **values: Any
    ) -> dict[str, Any]:
        """A line of an order; lines of one order share a batch unless told otherwise."""
        known = self.rows["order_lines"]
        row = {
            "order_id": order_id,
            "line_number": 1 + sum(line["order_id"] == order_id for line in known),
            "product_id": f"P{self.rng.randint(1, 5)}",
            "quantity": Decimal(self.rng.randint(1, 4)).quantize(Decimal("0.0001")),
            "unit_price": self.money(high=12),
            "ordered_at": self.at(days_ago, NOON),
            "customer_ref": who.customer_ref if who else None,
            "source_system": who.source_system if who else "default",
            "status": self.rng.choice(COUNTING_STATUSES),
            "_batch_id": BATCHES[1],
        }
        return self.row("order_lines", **row | values)

    def refund(self, days_ago: int, amount: Decimal, **values: Any) -> dict[str, Any]:
        """A refund of nobody and nothing, unless told otherwise."""
        row = {
            "refund_id": f"R{self.number()}",
            "refunded_at": self.at(days_ago),
            "amount": amount,
        }
        return self.row("refunds", **row | values)

    def refund_of(
        self, order: dict[str, Any], days_ago: int, amount: Decimal, **values: Any
    ) -> dict[str, Any]:
        """A refund of an order (or of one by its line)."""
        of = {"order_id": order["order_id"], "source_system": order["source_system"]}
        return self.refund(days_ago, amount, **(of | values))

    def rate(self, currency: str, days_ago: int) -> None:
        """A rate of that day; the same day always has the same."""
        on = self.as_of_on - timedelta(days=days_ago)
        digits = 70_000_001 + (on.toordinal() * 7_919 + ord(currency[0]) * 104_729) % 20_000_003
        row = {
            "rate_date": on,
            "currency": currency,
            "rate_to_reporting": Decimal(digits).scaleb(-8),
            "source_system": "default",
            "_batch_id": BATCHES[0],
        }
        if row not in self.rows["fx_rates"]:
            self.rows["fx_rates"].append(row)
