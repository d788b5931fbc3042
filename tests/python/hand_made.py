"""Rows of small towns, written by hand, for the tests of the oracles.

Does not belong here: random input (business.py) and anything that knows the right answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from oracle_identity import Customer, Identity, resolve
from oracle_rows import KEYS, Raw, Seeds

MICROSECOND = timedelta(microseconds=1)
NOON = datetime(2024, 12, 31, 12)
PHONE, OTHER_PHONE = "+442079460001", "+442079460002"
SEEDS = Seeds(
    identifier_placeholders=[
        {"kind": "email", "value": "none@none.com", "reason": "a form's default"},
        {"kind": "email_domain", "value": "example.com", "reason": "reserved"},
        {"kind": "phone", "value": "+10000000000", "reason": "a form's default"},
    ],
    excluded_devices=[{"device": "bot", "reason": "not a person"}],
)


def at(days_ago: int) -> datetime:
    return NOON - timedelta(days=days_ago)


def ref(name: str, system: str = "default") -> Customer:
    return ("ref", system, name)


def email(name: str) -> Customer:
    return ("email", f"{name}@mill.example")


class Town:
    """Rows with short names: `a` is the reference, `x` the e-mail x@mill.example."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("order_lines", *KEYS)}

    def add(self, entity: str, **values: Any) -> Town:
        number = sum(len(rows) for rows in self.rows.values())
        row: dict[str, Any] = {"source_system": "default", "_batch_id": "1"}
        ids = {
            "orders": "order_id",
            "refunds": "refund_id",
            "leads": "lead_id",
            "support_tickets": "ticket_id",
            "survey_responses": "response_id",
            "social_mentions": "mention_id",
            "subscriptions": "subscription_id",
            "experiment_assignments": "experiment_id",
            "campaigns": "campaign_id",
            "marketing_spend": "spend_id",
        }
        row[ids.get(entity, "event_id")] = f"{entity}-{number:03d}"
        self.rows[entity].append(row | values)
        return self

    def record(self, name: str, mail: str | None = None, **values: Any) -> Town:
        address = email(mail)[1] if mail else None
        return self.add("customers", customer_ref=name, email=address, **values)

    def order(self, when: datetime, **values: Any) -> Town:
        return self.add("orders", **{"ordered_at": when, "net_amount": Decimal(10)} | values)

    def event(self, event_id: str, when: datetime, **values: Any) -> Town:
        row = {"event_id": event_id, "occurred_at": when, "event_name": "page_view"}
        return self.add("web_events", **row | values)

    @property
    def raw(self) -> Raw:
        return Raw(seeds=SEEDS).with_rows(self.rows)

    @property
    def identity(self) -> Identity:
        return resolve(self.raw)

    @property
    def customers(self) -> set[Customer]:
        return set(self.identity.customers())

    def owner(self, event_id: str, system: str = "default") -> Customer | None:
        return self.identity.event_customers[system, event_id]
