"""Every KPI of docs/kpis.md by segment and period, recomputed in plain Python.

Written from the words alone, never from the SQL, so that the two can be held against each other.
For a period a customer belongs to the segments that held when it started. Numbers are exact (int,
Decimal, Fraction) and rounded half even once.

Does not belong here: what customers did besides buying (oracle_doings.py), how spend is allocated
(oracle_spend.py), segments and their history (oracle.py), random input (business.py).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from oracle import GROUPS, Fact, Stay, window_start
from oracle_accounts import Accounts
from oracle_doings import Engagement, Tallies, Tally, is_subscribed, tallies
from oracle_identity import Customer
from oracle_rows import (
    ZERO,
    Raw,
    Row,
    add_months,
    business_date,
    first_instant,
    last_instant,
    median,
    month_of,
    round_half_even,
    text_of,
)
from oracle_spend import Spent, spending
from oracle_variables import View, World, prepare

GRAINS = ("day", "week", "month", "quarter")
LONG_GRAINS = ("month", "quarter")
NPS_MINIMUM_ANSWERS = 10

Key = tuple[str, str, date, str]
Number = Decimal | int


@dataclass(frozen=True)
class Kpi:
    """A KPI; an amount has itself as numerator and no denominator."""

    numerator: Number | Fraction | None = None
    denominator: Number | None = None
    value: Number | None = None
    sample_size: int | None = field(default=None, compare=False)


NOTHING = Kpi()
Kpis = dict[str, Kpi]


def _amount(value: Number | None, sample_size: int | None = None) -> Kpi:
    return Kpi(value, None, value, sample_size)


def _ratio(
    numerator: Number | Fraction, denominator: Number, sample_size: int | None = None
) -> Kpi:
    value = None
    if denominator:
        value = round_half_even(Fraction(numerator) / Fraction(denominator), 6)
    size = int(denominator) if sample_size is None else sample_size
    return Kpi(numerator, denominator, value, size)


# Which KPIs there are ------------------------------------------------------------------------

DAILY = (
    "members",
    "entered",
    "exited",
    "revenue",
    "average_order_value",
    "new_customers",
    "marketing_spend",
)
WEEKLY = (
    *DAILY,
    "purchase_frequency",
    "customer_acquisition_cost",
    "roi",
    "conversion_rate",
    "nurture_conversion_rate",
    "open_rate",
    "click_through_rate",
    "response_rate",
    "reactivation_rate",
    "cross_sell_rate",
    "cart_abandonment_rate",
    "sessions",
    "pages_per_session",
    "minutes_per_session",
    "visitor_conversion_rate",
    "trial_conversion_rate",
    "net_promoter_score",
    "referral_rate",
    "social_mentions",
    "sentiment",
)
MONTHLY = (
    *WEEKLY,
    "days_between_orders",
    "retention_rate",
    "churn_rate",
    "churn_risk",
    "repeat_purchase_rate",
    "customer_lifetime_value_historic",
    "customer_lifetime_value_formula",
    "upgrade_rate",
    "engagement_score",
    "market_penetration",
    "deployment_hours",
    "manual_minutes",
)
OF_GRAIN: Mapping[str, tuple[str, ...]] = {
    "day": DAILY,
    "week": WEEKLY,
    "month": MONTHLY,
    "quarter": MONTHLY,
}
# Said of a segment also where nobody was in it when the period started.
WITHOUT_MEMBERS = (
    "members",
    "entered",
    "exited",
    "new_customers",
    "marketing_spend",
    "deployment_hours",
    "manual_minutes",
)
NOT_OF_NONE = ("entered", "exited", "deployment_hours", "manual_minutes")
INPUTS: Mapping[str, tuple[str, ...]] = {
    "marketing_spend": ("marketing_spend",),
    "customer_acquisition_cost": ("marketing_spend",),
    "roi": ("marketing_spend",),
    "conversion_rate": ("leads",),
    "nurture_conversion_rate": ("leads", "message_events"),
    "open_rate": ("message_events",),
    "click_through_rate": ("message_events",),
    "response_rate": ("message_events",),
    "reactivation_rate": ("message_events",),
    "cross_sell_rate": ("message_events", "campaigns", "order_lines", "products"),
    "cart_abandonment_rate": ("web_events",),
    "sessions": ("web_events",),
    "pages_per_session": ("web_events",),
    "minutes_per_session": ("web_events",),
    "visitor_conversion_rate": ("web_events",),
    "trial_conversion_rate": ("subscriptions",),
    "upgrade_rate": ("subscriptions",),
    "net_promoter_score": ("survey_responses",),
    "referral_rate": ("referrals",),
    "social_mentions": ("social_mentions",),
    "sentiment": ("social_mentions",),
    "market_penetration": ("market_sizes",),
    "deployment_hours": ("campaigns",),
    "manual_minutes": ("campaigns",),
}


def missing_kpis(view: View) -> set[str]:
    """KPIs that have no rows, because an input is missing at as_of."""
    raw, missing = view.raw, set(view.missing)
    if not raw.campaigns:
        missing.add("campaigns")
    if not any(row["spend_date"] <= view.as_of_on for row in raw.marketing_spend):
        missing.add("marketing_spend")
    if not any(row["period_start"] <= view.as_of_on for row in raw.market_sizes):
        missing.add("market_sizes")
    found = {kpi for kpi, inputs in INPUTS.items() if not missing.isdisjoint(inputs)}
    if not {row["source"] for row in view.seeds.engagement_weights} - missing:
        found.add("engagement_score")
    return found


# Periods -------------------------------------------------------------------------------------


def start_of(grain: str, on: date) -> date:
    """The first day of the period that a business date lies in; weeks start on Monday."""
    if grain == "day":
        return on
    if grain == "week":
        return on - timedelta(days=on.weekday())
    month = month_of(on)
    return month if grain == "month" else add_months(month, -((month.month - 1) % 3))


def _after(grain: str, start: date) -> date:
    if grain in ("day", "week"):
        return start + timedelta(days=1 if grain == "day" else 7)
    return add_months(start, 1 if grain == "month" else 3)


@dataclass(frozen=True)
class Period:
    """A period: its first date, its instants, and the cut of its facts, at as_of in an open one."""

    grain: str
    start_on: date
    start: datetime
    end: datetime
    cut: datetime
    cut_on: date


def periods(view: View, grain: str) -> list[Period]:
    """Periods from that of the first counting order to that of as_of."""
    zone = view.raw.time_zone
    ordered = [fact.on for fact in view.world.ledger.facts_until(view.as_of) if fact.is_order]
    if not ordered:
        return []
    found, start = [], start_of(grain, min(ordered))
    while start <= view.as_of_on:
        after = _after(grain, start)
        end = last_instant(after - timedelta(days=1), zone)
        cut = min(end, view.as_of)
        cut_on = business_date(cut, zone)
        found.append(Period(grain, start, first_instant(start, zone), end, cut, cut_on))
        start = after
    return found


# Who is in a segment -------------------------------------------------------------------------


class Memberships:
    """Stays, and the instants at which segments were looked at, up to as_of."""

    def __init__(
        self,
        view: View,
        stays: Iterable[Stay],
        observed: Mapping[str, Sequence[datetime]],
        accounts: Accounts | None = None,
    ) -> None:
        self._zone = view.raw.time_zone
        self.accounts = accounts
        people, looked = [*stays], dict(observed)
        if accounts is not None:
            people += accounts.people
            looked |= accounts.observed
        self._stays = self._by_key(people, view.as_of)
        self.observed = {
            key: sorted(at for at in instants if at <= view.as_of)
            for key, instants in looked.items()
        }
        self._entered, self._exited = self._edges(self._stays, looked)
        # Segments of accounts hold people, and are counted in accounts.
        counted = dict(self._stays)
        if accounts is not None:
            mine = self._by_key(accounts.stays, view.as_of)
            counted |= {key: mine[key] for key in accounts.observed}
        self._came, self._went = self._edges(defaultdict(list, counted), looked)
        self._held: dict[tuple[str, int, int], frozenset[Customer]] = {}

    @staticmethod
    def _by_key(stays: Iterable[Stay], as_of: datetime) -> dict[str, list[Stay]]:
        found: dict[str, list[Stay]] = defaultdict(list)
        for stay in stays:
            if stay.valid_from <= as_of:
                found[stay.segment_key].append(stay)
        return found

    @staticmethod
    def _edges(
        stays: Mapping[str, Sequence[Stay]], keys: Iterable[str]
    ) -> tuple[dict[str, list[datetime]], dict[str, list[datetime]]]:
        """When members entered and left each segment, in order of time."""
        return (
            {key: sorted(s.valid_from for s in stays[key]) for key in keys},
            {key: sorted(s.valid_to for s in stays[key] if s.valid_to is not None) for key in keys},
        )

    def held_on(self, key: str, on: date) -> frozenset[Customer]:
        """Who was in when a day began: from the day after the entry, to the day of the exit."""
        if key not in self.observed:
            return frozenset()
        start = first_instant(on, self._zone)
        # Nothing changes between two entries or exits.
        place = (
            key,
            bisect_left(self._entered[key], start),
            bisect_left(self._exited[key], start),
        )
        if place not in self._held:
            self._held[place] = frozenset(
                stay.customer for stay in self._stays[key] if stay.holds_before(start)
            )
        return self._held[place]

    def count_at(self, key: str, at: datetime) -> int:
        """How many are in at an instant, as last observed."""
        return bisect_right(self._came[key], at) - bisect_right(self._went[key], at)

    def flows(self, key: str, start: datetime, end: datetime) -> tuple[int, int]:
        """How many entered and left from one instant to another, both included."""
        entered, exited = self._came[key], self._went[key]
        return (
            bisect_right(entered, end) - bisect_left(entered, start),
            bisect_right(exited, end) - bisect_left(exited, start),
        )

    def first_seen_in(self, key: str, customer: Customer, at: datetime) -> bool:
        """Whether they were in at the first instant observed at or after ``at``."""
        place = bisect_left(self.observed[key], at)
        return place < len(self.observed[key]) and any(
            stay.customer == customer and stay.holds_at(self.observed[key][place])
            for stay in self._stays[key]
        )


# Orders --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Buying:
    """What one customer bought, as far as the KPIs of months and quarters ask."""

    gaps: tuple[int, ...]
    was_active: bool
    ordered: bool
    order_count_year: int
    revenue_year: Decimal
    bought_year_before: bool
    revenue_to_date: Decimal
    may_be_lost: bool
    is_at_risk: bool


def _is_overdue(days: Sequence[date], on: date) -> bool:
    """Whether who ordered on these days, in order, has kept silent for too long on a date."""
    limit = Fraction(180)
    if len(days) >= 3:
        gaps = sorted((b - a).days for a, b in pairwise(days))
        limit = Fraction(max(gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2], 30))
    return (on - days[-1]).days > limit


def _buying(facts: Sequence[Fact], p: Period) -> _Buying:
    known = [fact for fact in facts if fact.at <= p.cut]
    orders = [fact.on for fact in known if fact.is_order]
    days = sorted(set(orders))
    active_from = p.start_on - timedelta(days=365)
    year_start = window_start(p.cut_on, 365)
    prior_start = year_start - timedelta(days=365)
    return _Buying(
        gaps=tuple((b - a).days for a, b in pairwise(days) if b >= p.start_on),
        was_active=any(active_from <= on < p.start_on for on in orders),
        ordered=any(on >= p.start_on for on in orders),
        order_count_year=sum(on >= year_start for on in orders),
        revenue_year=sum((x.amount for x in known if x.on >= year_start), ZERO),
        bought_year_before=any(prior_start <= on < year_start for on in orders),
        revenue_to_date=sum((fact.amount for fact in known), ZERO),
        may_be_lost=bool(days) and days[-1] >= year_start,
        is_at_risk=bool(days) and days[-1] >= year_start and _is_overdue(days, p.cut_on),
    )


def _lifetime_value_formula(people: Sequence[_Buying]) -> Kpi:
    """Average order value x orders per customer and year x min(10, 1 / yearly churn).

    That is R/O x O/C x B/X = R*B / (C*X), without the roundings in between.
    """
    if not any(x.order_count_year for x in people):
        return NOTHING
    before = [x for x in people if x.bought_year_before]
    if not before:
        return NOTHING
    lost = sum(x.order_count_year == 0 for x in before)
    revenue = sum((x.revenue_year for x in people), ZERO)
    if lost * 10 <= len(before):
        return _ratio(revenue * 10, len(people), len(people))
    return _ratio(revenue * len(before), len(people) * lost, len(people))


def _buying_kpis(people: Sequence[_Buying]) -> Kpis:
    base = [x for x in people if x.was_active]
    retained = sum(x.ordered for x in base)
    buyers = [x for x in people if x.order_count_year > 0]
    gaps = [gap for x in people for gap in x.gaps]
    return {
        "days_between_orders": _amount(median(gaps), len(gaps)) if gaps else NOTHING,
        "retention_rate": _ratio(retained, len(base)),
        "churn_rate": _ratio(len(base) - retained, len(base)),
        "churn_risk": _ratio(sum(x.is_at_risk for x in people), sum(x.may_be_lost for x in people)),
        "repeat_purchase_rate": _ratio(sum(x.order_count_year >= 2 for x in buyers), len(buyers)),
        "customer_lifetime_value_historic": _ratio(
            sum((x.revenue_to_date for x in people), ZERO), len(people)
        ),
        "customer_lifetime_value_formula": _lifetime_value_formula(people),
    }


# What members did ----------------------------------------------------------------------------

# Numerator and denominator of ratios of what members did.
SHARES: Mapping[str, tuple[str, str]] = {
    "open_rate": ("opened", "delivered"),
    "click_through_rate": ("clicked", "delivered"),
    "response_rate": ("responded", "contacted"),
    "reactivation_rate": ("reactivated", "contacted_dormant"),
    "cross_sell_rate": ("cross_sold", "offered"),
    "cart_abandonment_rate": ("abandoned_carts", "decided_carts"),
    "pages_per_session": ("pages", "sessions"),
    "visitor_conversion_rate": ("visitor_ordered", "visitor"),
    "trial_conversion_rate": ("converted_trial", "tried"),
    "sentiment": ("sentiment", "felt"),
}


def _doing_kpis(done: Tally, member_count: int, nps_minimum: int) -> Kpis:
    found = {
        kpi: _ratio(done[numerator], done[denominator])
        for kpi, (numerator, denominator) in SHARES.items()
    }
    minutes = Fraction(done["seconds"]) / 60
    nps = NOTHING
    if done["nps_answers"] >= nps_minimum:
        nps = _ratio(100 * done["nps_balance"], done["nps_answers"])
    return found | {
        "sessions": _amount(done["sessions"], member_count),
        "minutes_per_session": _ratio(minutes, done["sessions"]),
        "net_promoter_score": nps,
        "referral_rate": _ratio(done["referred"], member_count),
        "social_mentions": _amount(done["mentions"], member_count),
    }


# Leads and campaigns -------------------------------------------------------------------------


@dataclass(frozen=True)
class Lead:
    """A lead that came by as_of."""

    on: date
    customer: Customer | None
    is_converted: bool
    is_nurtured: bool


def leads(view: View) -> list[Lead]:
    """Leads by as_of, of a customer or of nobody."""
    sent: dict[Customer, list[datetime]] = defaultdict(list)
    for at, customer, row in view.world.rows["message_events"]:
        if customer is not None and row["event_name"].strip().lower() in ("sent", "delivered"):
            sent[customer].append(at)
    found = []
    for at, customer, row in view.world.rows["leads"]:
        if at > view.as_of:
            continue
        ends = [row[name] for name in ("converted_at", "lost_at") if row.get(name) is not None]
        over = min(ends, default=datetime.max)
        converted_at = row.get("converted_at")
        found.append(
            Lead(
                view.on(at),
                customer,
                converted_at is not None and converted_at <= view.as_of,
                customer is not None
                and any(at <= went < over and went <= view.as_of for went in sent[customer]),
            )
        )
    return found


def _lead_kpis(mine: Sequence[Lead]) -> Kpis:
    nurtured = [lead for lead in mine if lead.is_nurtured]
    return {
        "conversion_rate": _ratio(sum(x.is_converted for x in mine), len(mine)),
        "nurture_conversion_rate": _ratio(sum(x.is_converted for x in nurtured), len(nurtured)),
    }


def _campaign_kpis(rows: Sequence[Row]) -> Kpis:
    hours = [
        Fraction((row["started_at"] - row["requested_at"]) // timedelta(microseconds=1))
        / 3_600_000_000
        for row in rows
        if row.get("requested_at") is not None
    ]
    minutes = [row["manual_minutes"] for row in rows if row.get("manual_minutes") is not None]
    middle = None
    if hours:
        ranked = sorted(hours)
        middle = (ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]) / 2
    return {
        "deployment_hours": (
            NOTHING if middle is None else _amount(round_half_even(middle, 4), len(hours))
        ),
        "manual_minutes": _ratio(sum(minutes), len(minutes)),
    }


def market_customers(view: View, until: date) -> int:
    """Customers of the markets, by the latest size of each that starts on or before a date."""
    latest: dict[tuple[object, ...], tuple[date, int]] = {}
    for row in view.raw.latest("market_sizes"):
        market = tuple(row.get(x) for x in ("source_system", "market", "country", "region"))
        since, size = row["period_start"], row.get("customers")
        if size is not None and since <= until:
            latest[market] = max(latest.get(market, (since, size)), (since, size))
    return sum(size for _, size in latest.values())


# Everything together -------------------------------------------------------------------------


class _Book:
    """All that the KPIs of one grain need, by period."""

    def __init__(
        self,
        view: View,
        grain: str,
        memberships: Memberships,
        groups: Mapping[str, Sequence[str]],
        nps_minimum: int,
    ) -> None:
        self.view = view
        self.grain = grain
        self.memberships = memberships
        self.groups = groups
        self.nps_minimum = nps_minimum
        ledger = view.world.ledger
        self.facts_of: dict[Customer, list[Fact]] = defaultdict(list)
        self.facts: dict[date, list[Fact]] = defaultdict(list)
        for fact in ledger.facts_until(view.as_of):
            self.facts[start_of(grain, fact.on)].append(fact)
            if fact.customer is not None:
                self.facts_of[fact.customer].append(fact)
        self.done: Tallies = tallies(view, self.start_of) if grain != "day" else {}
        self.spent = spending(view, memberships.held_on, self.start_of)
        self.leads: dict[date, list[Lead]] = defaultdict(list)
        for lead in leads(view):
            self.leads[start_of(grain, lead.on)].append(lead)
        self.campaigns: dict[date, list[Row]] = defaultdict(list)
        for row in view.raw.latest("campaigns"):
            if row.get("started_at") is not None and row["started_at"] <= view.as_of:
                self.campaigns[start_of(grain, view.on(row["started_at"]))].append(row)

    def start_of(self, on: date) -> date:
        return start_of(self.grain, on)

    @cached_property
    def acquired(self) -> dict[date, list[tuple[Customer, datetime]]]:
        """Customers and their first counting orders, by the period of these."""
        found: dict[date, list[tuple[Customer, datetime]]] = defaultdict(list)
        for customer, facts in self.facts_of.items():
            first_at = min((fact.at for fact in facts if fact.is_order), default=None)
            if first_at is not None:
                found[self.start_of(self.view.on(first_at))].append((customer, first_at))
        return found

    @cached_property
    def engagement(self) -> Engagement:
        return Engagement(self.view)

    def kpis(self, p: Period) -> dict[str, Kpis]:
        """KPIs of a period by segment."""
        return _InPeriod(self, p).by_segment()


class _InPeriod:
    """The KPIs of one period."""

    def __init__(self, book: _Book, p: Period) -> None:
        self.book, self.p, self.view = book, p, book.view
        self.is_long = p.grain in LONG_GRAINS
        self.universe = frozenset(self.view.world.ledger.customers_at(p.cut))
        keys = book.memberships.observed
        self.opening = {key: book.memberships.held_on(key, p.start_on) for key in keys}
        self.facts = book.facts.get(p.start_on, [])
        self.done = book.done.get(p.start_on, {})
        self.spent = book.spent.get(p.start_on, Spent(ZERO, {}, {}))
        self.leads = book.leads.get(p.start_on, [])
        self.acquired = book.acquired.get(p.start_on, [])
        people = self.universe.union(*self.opening.values())
        self.buying = (
            {who: _buying(book.facts_of.get(who, ()), p) for who in people} if self.is_long else {}
        )
        self.scores = book.engagement.scores(p.cut) if self.is_long else {}

    def by_segment(self) -> dict[str, Kpis]:
        found = {"all": self._everyone()}
        for key in self.opening:
            found[key] = self._segment(key)
        for group, keys in self.book.groups.items():
            held = [key for key in keys if key in self.opening]
            found[f"{group}_none"] = self._none(held, found)
        return found

    # Who

    def _everyone(self) -> Kpis:
        seen = self.view.world.ledger.first_seen
        new = sum((at := seen[who]) is not None and at >= self.p.start for who in self.universe)
        campaigns = self.book.campaigns.get(self.p.start_on, [])
        return {
            **self._of_members(
                self.universe, self.facts, self.leads, self.spent.total, len(self.acquired)
            ),
            "members": _amount(len(self.universe), len(self.universe)),
            "entered": _amount(new, new),
            "exited": _amount(0, 0),
            **_campaign_kpis(campaigns),
        }

    def _segment(self, key: str) -> Kpis:
        members, memberships, p = self.opening[key], self.book.memberships, self.p
        health = dict.fromkeys(("members", "entered", "exited"), NOTHING)
        if any(at <= p.cut for at in memberships.observed[key]):
            count = memberships.count_at(key, p.end)
            entered, exited = memberships.flows(key, p.start, p.end)
            health = {
                "members": _amount(count, count),
                "entered": _amount(entered, entered),
                "exited": _amount(exited, exited),
            }
        campaigns = [
            row
            for row in self.book.campaigns.get(p.start_on, [])
            if text_of(row.get("target_segment")) == key
        ]
        return {
            **self._of_members(
                members,
                [fact for fact in self.facts if fact.customer in members],
                [lead for lead in self.leads if self._lead_is_of(lead, key)],
                self.spent.borne_by(members),
                sum(memberships.first_seen_in(key, who, at) for who, at in self.acquired),
            ),
            **health,
            **_campaign_kpis(campaigns),
        }

    def _none(self, keys: Sequence[str], found: Mapping[str, Kpis]) -> Kpis:
        memberships, p = self.book.memberships, self.p
        members = self.universe.difference(*(self.opening[key] for key in keys))
        is_observed = any(at <= p.cut for key in keys for at in memberships.observed[key])
        everyone, accounts = len(self.universe), memberships.accounts
        if accounts is not None and any(key in accounts.observed for key in keys):
            everyone = accounts.known_at(p.cut)
        closing = everyone - sum(memberships.count_at(key, p.end) for key in keys)
        spend = self.spent.total - self.spent.of_nobody
        for key in keys:
            spend -= Decimal(str(found[key]["marketing_spend"].value))
        new = sum(
            not any(memberships.first_seen_in(key, who, at) for key in keys)
            for who, at in self.acquired
        )
        return {
            **self._of_members(
                members,
                [fact for fact in self.facts if fact.customer in members],
                [
                    lead
                    for lead in self.leads
                    if lead.customer is not None
                    and not any(self._lead_is_of(lead, key) for key in keys)
                ],
                spend,
                new,
            ),
            "members": _amount(closing, closing) if is_observed else NOTHING,
        }

    def _lead_is_of(self, lead: Lead, key: str) -> bool:
        return lead.customer in self.book.memberships.held_on(key, lead.on)

    # What

    def _of_members(
        self,
        members: Collection[Customer],
        facts: Sequence[Fact],
        mine: Sequence[Lead],
        spend: Decimal,
        new: int,
    ) -> Kpis:
        """Figures of those who were members, their facts, leads, spend, and new customers."""
        count = len(members)
        revenue = sum((fact.amount for fact in facts), ZERO)
        order_count = sum(fact.is_order for fact in facts)
        own_orders = sum(fact.is_order and fact.customer in members for fact in facts)
        found = {
            "revenue": _amount(revenue, count),
            "average_order_value": _ratio(revenue, order_count),
            "new_customers": _amount(new, new),
            "marketing_spend": _amount(spend, count),
        }
        if self.p.grain != "day":
            found |= {
                "purchase_frequency": _ratio(own_orders, count),
                "customer_acquisition_cost": _ratio(spend, new),
                "roi": _ratio(revenue - spend, spend, count),
                **_lead_kpis(mine),
                **_doing_kpis(self._done_by(members), count, self.book.nps_minimum),
            }
        if self.is_long:
            found |= self._of_long_periods(members)
        if not members:
            # The ledger's money is money also where nobody is known.
            kept = ["revenue", "average_order_value"] if facts else []
            # A lead is of whoever was in on its day, though nobody was when the period started.
            kept += ["conversion_rate"] if mine else []
            kept += ["nurture_conversion_rate"] if any(x.customer for x in mine) else []
            for kpi in found.keys() - {*WITHOUT_MEMBERS, *kept}:
                found[kpi] = NOTHING
        return found

    def _done_by(self, members: Collection[Customer]) -> Tally:
        total: Tally = defaultdict(int)
        for customer, tally in self.done.items():
            if customer in members:
                for name, number in tally.items():
                    total[name] += number
        return total

    def _of_long_periods(self, members: Collection[Customer]) -> Kpis:
        people = [self.buying[customer] for customer in members]
        buyers = sum(x.order_count_year > 0 for x in people)
        subscribed = [who for who in members if is_subscribed(self.view, who, self.p.start)]
        upgraded = sum(bool(self.done[who]["upgraded"]) for who in subscribed if who in self.done)
        scores = [self.scores[who] for who in members if who in self.scores]
        return {
            **_buying_kpis(people),
            "upgrade_rate": _ratio(upgraded, len(subscribed)),
            "engagement_score": _ratio(sum(scores, ZERO), len(scores)) if scores else NOTHING,
            "market_penetration": _ratio(
                buyers, market_customers(self.view, self.p.cut_on), buyers
            ),
        }


def kpis(
    raw: Raw | World,
    as_of: datetime,
    stays: Iterable[Stay],
    observed: Mapping[str, Sequence[datetime]],
    groups: Mapping[str, Sequence[str]] = GROUPS,
    grains: Sequence[str] = GRAINS,
    nps_minimum: int = NPS_MINIMUM_ANSWERS,
    accounts: Accounts | None = None,
) -> dict[Key, Kpi]:
    """KPIs of 'all', every observed segment, and the ``<group>_none`` of every group.

    Args:
        raw: rows, or what `oracle_variables.prepare` made of them.
        as_of: instant, naive UTC; the last periods are open up to it.
        stays: membership history, as `oracle.history` returns it.
        observed: the instants at which each segment was looked at; its keys are the catalogue.
        groups: exclusive groups and their segment keys.
        grains: of the periods that are wanted.
        nps_minimum: answers below which there is no net promoter score.
        accounts: segments of accounts, beside those of customers.

    Returns:
        KPIs by (segment_key, period_grain, period_start, kpi); those whose input is missing are
        left out.
    """
    world = raw if isinstance(raw, World) else prepare(raw)
    view = View(world, as_of)
    memberships = Memberships(view, stays, observed, accounts)
    missing = missing_kpis(view)
    result: dict[Key, Kpi] = {}
    for grain in grains:
        book = _Book(view, grain, memberships, groups, nps_minimum)
        wanted = [kpi for kpi in OF_GRAIN[grain] if kpi not in missing]
        for p in periods(view, grain):
            for key, found in book.kpis(p).items():
                for kpi in wanted:
                    if kpi in found:
                        result[key, grain, p.start_on, kpi] = found[kpi]
    return result
