"""How spend is allocated to customers: an independent recomputation of docs/kpis.md.

Written from the words alone, never from the SQL. Does not belong here: who is in a segment (it is
asked), and KPIs made of spend (oracle_kpis.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from oracle_doings import contacts, message_campaign
from oracle_identity import Customer
from oracle_rows import ZERO, last_instant, money_of, round_half_even, text_of
from oracle_variables import View

Pool = tuple[object, ...]
# Who is in a segment on a day, held when the day began.
MembersOn = Callable[[str, date], Collection[Customer]]


@dataclass(frozen=True)
class Spent:
    """What was spent in one period: in all, and by pool and day (nobody's is left out)."""

    total: Decimal
    pools: Mapping[Pool, Decimal]
    people: Mapping[Pool, frozenset[Customer]] = field(repr=False)

    @property
    def of_nobody(self) -> Decimal:
        """What no pool bears."""
        return self.total - sum(self.pools.values(), ZERO)

    def borne_by(self, members: Collection[Customer]) -> Decimal:
        """The shares of some customers together, rounded half even to 4 places."""
        held = frozenset(members)
        shares = ZERO
        for pool, amount in self.pools.items():
            everybody = self.people[pool]
            share = round_half_even(Fraction(amount) / len(everybody), 12)
            shares += share * len(everybody & held)
        return round_half_even(shares, 4)


def spending(
    view: View, members_on: MembersOn, start_of: Callable[[date], date]
) -> dict[date, Spent]:
    """What was spent by as_of, by the start of the period of its day."""
    reached = _reached(view)
    total: dict[date, Decimal] = defaultdict(Decimal)
    pools: dict[date, dict[Pool, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    people: dict[Pool, frozenset[Customer]] = {}
    for row in view.raw.latest("marketing_spend"):
        on = row["spend_date"]
        if on > view.as_of_on:
            continue
        amount = view.world.money.reporting(
            money_of(row["amount"]), text_of(row.get("currency")), on
        )
        total[start_of(on)] += amount
        key, campaign = text_of(row.get("segment_key")), text_of(row.get("campaign_id"))
        pool: Pool
        if key is not None and (inside := members_on(key, on)):
            pool, everybody = ("segment", key, on), frozenset(inside)
        elif campaign is not None and reached.get(campaign):
            pool, everybody = ("campaign", campaign, on), frozenset(reached[campaign])
        else:
            pool, everybody = ("everyone", on), _known_on(view, on)
        if everybody:
            people[pool] = everybody
            pools[start_of(on)][pool] += amount
    return {start: Spent(total[start], pools[start], people) for start in total}


def _reached(view: View) -> dict[str, set[Customer]]:
    """To whom a message of each campaign was sent or delivered, whichever system names it."""
    found: dict[str, set[Customer]] = defaultdict(set)
    for customer, mine in contacts(view).items():
        for contact in mine:
            campaign = message_campaign(contact.message)
            if campaign is not None:
                found[campaign[1]].add(customer)
    return found


def _known_on(view: View, on: date) -> frozenset[Customer]:
    end = min(last_instant(on, view.raw.time_zone), view.as_of)
    return frozenset(view.world.ledger.customers_at(end))
