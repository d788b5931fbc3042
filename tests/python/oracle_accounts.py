"""Business accounts and who their people are: an independent recomputation of docs/accounts.md.

As much as the KPIs of segments of accounts need: who is a contact of which account, since when an
account is there, and who is in two kinds of segments. Written from the words alone, never from the
SQL. Does not belong here: KPIs (oracle_kpis.py), figures of accounts (test_accounts.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import oracle
from oracle import Size, Stay
from oracle_identity import Customer, resolve
from oracle_rows import Raw, Record, Row, first_instant, text_of, word_of

# ('account', source_system, account_ref): `oracle.history` and `record_id` take it as a member.
Account = Record

ADOPTERS = "technology_adopters"
B2B: Mapping[str, tuple[str, str]] = {
    "b2b_technology_startup": ("startup", "technology"),
    "b2b_large_enterprise_financial": ("large", "financial services"),
    "b2b_large_enterprise_technology": ("large", "technology"),
    "b2b_mid_sized_healthcare": ("mid", "healthcare"),
    "b2b_small_retail": ("small", "retail"),
}
MOST_EMPLOYEES = {"startup": 10, "small": 99, "mid": 999}
LEAST_EMPLOYEES = {"startup": 1, "small": 1, "mid": 100, "large": 1000}


@dataclass(frozen=True)
class Accounts:
    """Segments of accounts, as KPIs ask for them.

    ``stays`` and ``sizes`` are of accounts, ``people`` stays of their contacts; ``observed`` has
    the instants at which each segment was looked at, ``first_seen`` every account there ever is.
    """

    stays: Sequence[Stay]
    sizes: Sequence[Size]
    people: Sequence[Stay]
    observed: Mapping[str, Sequence[datetime]]
    first_seen: Mapping[Account, datetime | None]

    def known_at(self, at: datetime) -> int:
        """How many accounts exist at an instant."""
        return sum(seen is None or seen <= at for seen in self.first_seen.values())


def _named(row: Row, column: str = "account_ref") -> Account | None:
    reference = text_of(row.get(column))
    return ("account", row["source_system"], reference) if reference else None


def contacts(raw: Raw) -> dict[Customer, Account]:
    """The primary account of each customer who has one: that of the latest record."""
    identity = resolve(raw)
    found: dict[Customer, dict[Account, datetime]] = defaultdict(dict)
    for row in raw.latest("customers"):
        customer, account = identity.customer(raw.namer.party(row)), _named(row)
        if customer is not None and account is not None:
            # Undated records come last of all.
            at = row.get("updated_at") or row.get("created_at") or datetime.min
            found[customer][account] = max(at, found[customer].get(account, datetime.min))
    result = {}
    for customer, accounts in found.items():
        last = max(accounts.values())
        # Of equal ones the least account_id, which is a hash.
        best = (account for account, at in accounts.items() if at == last)
        result[customer] = min(best, key=oracle.customer_id)
    return result


def first_seen(raw: Raw, primary: Mapping[Customer, Account]) -> dict[Account, datetime | None]:
    """Since when each account is there; None where a row, or a contact, has no time."""
    times: dict[Account, list[datetime | None]] = defaultdict(list)
    for entity, column in (
        ("customers", "created_at"),
        ("subscriptions", "started_at"),
        ("accounts", "observed_at"),
    ):
        for row in raw.latest(entity):
            for name in ("account_ref", "parent_account_ref"):
                if (account := _named(row, name)) is not None:
                    times[account].append(row.get(column))
    for row in raw.latest("product_usage"):
        if (account := _named(row)) is not None:
            times[account].append(first_instant(row["used_on"], raw.time_zone))
    people = resolve(raw).customers()
    for customer, account in primary.items():
        times[account].append(people[customer])
    return {
        account: None if None in seen else min(at for at in seen if at is not None)
        for account, seen in times.items()
    }


def members(raw: Raw, at: datetime, accounts: Iterable[Account]) -> dict[str, set[Account]]:
    """Who is in each segment at an instant, by attributes as they were last observed."""
    known: dict[Account, dict[str, tuple[datetime, object]]] = defaultdict(dict)
    for row in raw.latest("accounts"):
        account, seen = _named(row), row.get("observed_at") or datetime.min
        for name in ("employees", "industry", "technology_adoption"):
            value = row.get(name)
            if account is not None and value is not None and seen <= at:
                known[account][name] = max(known[account].get(name, (seen, value)), (seen, value))
    found: dict[str, set[Account]] = {key: set() for key in (ADOPTERS, *B2B)}
    for account in accounts:
        values = {name: value for name, (_, value) in known[account].items()}
        if word_of(values.get("technology_adoption")) in ("innovator", "early adopter"):
            found[ADOPTERS].add(account)
        employees = values.get("employees")
        for key, (size, sector) in B2B.items():
            if (
                isinstance(employees, int)
                and LEAST_EMPLOYEES[size] <= employees <= MOST_EMPLOYEES.get(size, employees)
                and word_of(values.get("industry")) == sector
            ):
                found[key].add(account)
                break
    return found


def observed_accounts(raw: Raw, instants: Sequence[datetime]) -> Accounts:
    """Segments of accounts looked at at some instants, and who their people are."""
    primary = contacts(raw)
    seen = first_seen(raw, primary)
    history = oracle.history(
        [
            (at, members(raw, at, [who for who, since in seen.items() if not since or since <= at]))
            for at in instants
        ]
    )
    known = resolve(raw).customers()
    stays_of: dict[Account, list[Stay]] = defaultdict(list)
    for stay in history.stays:
        stays_of[stay.customer].append(stay)
    people = []
    for customer, account in primary.items():
        since = known[customer]
        for stay in stays_of[account]:
            begins = stay.valid_from if since is None else max(since, stay.valid_from)
            if stay.valid_to is None or begins < stay.valid_to:
                people.append(replace(stay, customer=customer, valid_from=begins))
    return Accounts(history.stays, history.sizes, people, history.observed, seen)
