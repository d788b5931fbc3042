"""What is planted in the demo business: what models and tests should find again in its files.

It stands nowhere in the files. `write_demo` returns it, and `clientele demo --truth FILE` writes it
as JSON. Of a business of several towns (`scale`) it tells the first; the others repeat it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Promotion:
    """A promotion of known effect, drawn at random: everyone assigned counts, contacted or not.

    Attributes:
        experiment_id, campaign_id, coupon_code: as in the files.
        assigned_on: business day of the assignment, ISO.
        window_days: every extra order came within so many days after the assignment.
        treated, holdout: customers in each arm.
        extra_orders: orders that would not have come otherwise; nothing of them is given back.
        extra_net_cents: their goods without tax, in cents of the reporting currency. Divided by
            `treated` it is the true effect per assigned customer.
    """

    experiment_id: str
    campaign_id: str
    coupon_code: str
    assigned_on: str
    window_days: int
    treated: int
    holdout: int
    extra_orders: int
    extra_net_cents: int


@dataclass(frozen=True)
class Shock:
    """A month in which the lane was dug up, and part of the orders never came.

    Attributes:
        month: first of the month, ISO.
        lost_percent: how many of 100 orders of the month were lost, by chance each.
        lost_orders: how many that were, walk-ins not counted.
    """

    month: str
    lost_percent: int
    lost_orders: int


@dataclass(frozen=True)
class BadRow:
    """A row that must end in quarantine.

    Attributes:
        entity: whose row.
        file: path below the landing folder.
        line: physical line, the header being 1.
        kind: what is wrong with it, in a few words.
    """

    entity: str
    file: str
    line: int
    kind: str


@dataclass
class DemoTruth:
    """What the files do not say. Customers are named by customer_ref.

    Attributes:
        duplicates: (one, other, kind): two records of one person, who share an e-mail
            (`same_email`), a phone (`same_phone`) or nothing to the letter (`typo`).
        placeholder_email: an address that the till types for whoever has none.
        placeholder_refs: customers who have it; no two are one person.
        promotion: None where the history is too short for one.
        abandoned_carts: (cart_id, customer_ref or empty, local time of its last event).
        trials_converted, trials_lapsed, trials_running: subscription_id.
        account_employees: latest number of employees by account_ref.
        price_sensitive: those who buy with coupons, if at all.
        churners: those who came in a rhythm and stopped.
        shock: None where the history is too short for one.
        consents_withdrawn: those whose consent to marketing e-mails stands withdrawn at the end.
        erasure_requested: those who asked to be forgotten.
        bad_rows: empty unless asked for.
    """

    duplicates: list[tuple[str, str, str]] = field(default_factory=list)
    placeholder_email: str = ""
    placeholder_refs: list[str] = field(default_factory=list)
    promotion: Promotion | None = None
    abandoned_carts: list[tuple[str, str, str]] = field(default_factory=list)
    trials_converted: list[str] = field(default_factory=list)
    trials_lapsed: list[str] = field(default_factory=list)
    trials_running: list[str] = field(default_factory=list)
    account_employees: dict[str, int] = field(default_factory=dict)
    price_sensitive: list[str] = field(default_factory=list)
    churners: list[str] = field(default_factory=list)
    shock: Shock | None = None
    consents_withdrawn: list[str] = field(default_factory=list)
    erasure_requested: list[str] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)

    def to_json(self) -> str:
        """All of it, with a line break at the end."""
        return json.dumps(asdict(self), indent=1) + "\n"
