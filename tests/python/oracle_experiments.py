"""An independent recomputation of experiments in plain Python, from the definitions alone.

Means and sums of squares are exact fractions around the mean, never sums of squares less squares of
sums; the quantile of Student's t is found by bisection of its distribution (the incomplete beta
function by its continued fraction), not by an expansion.

Does not belong here: SQL or anything read from the models, and who is one customer, which
oracle_identity says.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

import oracle
from oracle_identity import resolve
from oracle_rows import Raw, business_date, word_of

Key = tuple[str, str]
"""source_system and experiment_id."""

WINDOW_DAYS, HISTORY_DAYS, FEWEST, FEWEST_FOR_AN_INTERVAL = 30, 90, 100, 10


@dataclass(frozen=True)
class Design:
    """What was written down of an experiment; shares by arm."""

    control: str | None = None
    window_days: int | None = None
    stop_on: date | None = None
    shares: Mapping[str, Fraction] | None = None


@dataclass(frozen=True)
class Outcome:
    """An assigned customer; `excluded` says why it does not count."""

    arm: str
    channel: str | None
    segment: str | None
    assigned_at: datetime
    window_ends_on: date
    is_closed: bool
    excluded: str | None
    was_contacted: bool | None
    net_revenue: Decimal
    order_count: int
    order_amount: Decimal
    net_revenue_before: Decimal


@dataclass(frozen=True)
class Result:
    """An arm beside the control, by one metric and method."""

    arm_size: int
    control_size: int
    effect: float | None
    low: float | None
    high: float | None
    verdict: str


# Outcomes ------------------------------------------------------------------------------------


def outcomes(
    raw: Raw, as_of: datetime, designs: Mapping[Key, Design]
) -> dict[tuple[str, str, str], Outcome]:
    """By source_system, experiment_id and customer_id."""
    identity = resolve(raw)
    ledger = oracle.resolve_orders(raw)
    facts: dict[str, list[oracle.Fact]] = defaultdict(list)
    for fact in ledger.facts_until(as_of):
        if fact.customer is not None:
            facts[oracle.customer_id(fact.customer)].append(fact)
    campaigns = {(row["source_system"], row["campaign_id"]): row for row in raw.latest("campaigns")}
    spellings = {row["spelling"]: row["channel"] for row in raw.seeds.spend_channels}
    assigned = defaultdict(list)
    for row in raw.latest("experiment_assignments"):
        customer = identity.customer(raw.namer.party(row))
        if row["assigned_at"] <= as_of and customer is not None:
            key = (row["source_system"], row["experiment_id"], oracle.customer_id(customer))
            assigned[key].append(row)
    reached = _reached(raw, as_of)
    found = {}
    for key, rows in assigned.items():
        first = min(rows, key=lambda row: (row["assigned_at"], row["arm"], row["customer_ref"]))
        design = designs.get(key[:2], Design())
        on = business_date(first["assigned_at"], raw.time_zone)
        campaign = (key[0], first.get("campaign_id"))
        sent = campaigns.get(campaign, {})
        end = _window_end(design, on, sent.get("ended_at"), raw.time_zone)
        channel = word_of(sent.get("channel"))
        mine = facts[key[2]]
        within = [f for f in mine if f.at >= first["assigned_at"] and f.on <= end]
        start = on - timedelta(days=HISTORY_DAYS - 1)
        before = [f for f in mine if f.at < first["assigned_at"] and f.on >= start]
        excluded = "after_the_end" if end < on else None
        if len({row["arm"].strip().lower() for row in rows}) > 1:
            excluded = "several_arms"
        contacted = None
        if campaign[1] is not None and reached is not None:
            days = reached.get((*campaign, key[2]), ())
            contacted = any(on <= day <= end for day in days)
        found[key] = Outcome(
            first["arm"].strip().lower(),
            spellings.get(channel, channel) if channel else None,
            first.get("segment_key"),
            first["assigned_at"],
            end,
            business_date(as_of + timedelta(microseconds=1), raw.time_zone) > end,
            excluded,
            contacted,
            sum((f.amount for f in within), Decimal(0)),
            sum(f.is_order for f in within),
            sum((f.amount for f in within if f.is_order), Decimal(0)),
            sum((f.amount for f in before), Decimal(0)),
        )
    return found


def _window_end(design: Design, on: date, ended_at: datetime | None, time_zone: str) -> date:
    if design.window_days is not None:
        end = on + timedelta(days=design.window_days - 1)
    elif ended_at is not None:
        end = business_date(ended_at, time_zone)
    else:
        end = on + timedelta(days=WINDOW_DAYS - 1)
    return min(end, design.stop_on) if design.stop_on else end


def _reached(raw: Raw, as_of: datetime) -> dict[tuple[str, str, str], list[date]] | None:
    """Days on which a campaign's message reached a customer; None while there are no messages."""
    identity = resolve(raw)
    days = defaultdict(list)
    there = [row for row in raw.latest("message_events") if row["occurred_at"] <= as_of]
    for row in there:
        customer = identity.customer(raw.namer.party(row))
        by_machine = row.get("is_machine") and row["event_name"] in ("opened", "clicked")
        campaign = row.get("campaign_id")
        if row["event_name"] == "bounced" or by_machine or customer is None or campaign is None:
            continue
        key = (row["source_system"], campaign, oracle.customer_id(customer))
        days[key].append(business_date(row["occurred_at"], raw.time_zone))
    return days if there else None


# Statistics ----------------------------------------------------------------------------------

METRICS: Mapping[str, Callable[[Outcome], Fraction]] = {
    "net_revenue": lambda outcome: Fraction(outcome.net_revenue),
    "order_count": lambda outcome: Fraction(outcome.order_count),
    "conversion": lambda outcome: Fraction(outcome.order_count > 0),
    "order_amount": lambda outcome: Fraction(outcome.order_amount),
}


def results(
    found: Mapping[tuple[str, str, str], Outcome], designs: Mapping[Key, Design]
) -> dict[tuple[str, str, str, str, str], Result]:
    """By source_system, experiment_id, arm, metric and method."""
    answers = {}
    for key, group in groupby(sorted(found), key=lambda name: name[:2]):
        counted = [found[name] for name in group if found[name].excluded is None]
        design = designs.get(key, Design())
        arms: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in counted:
            arms[outcome.arm].append(outcome)
        control = design.control or next((a for a in ("control", "holdout") if a in arms), None)
        for arm in arms:
            if arm == control:
                continue
            for metric, value in METRICS.items():
                for method in ("difference", "cuped"):
                    answers[(*key, arm, metric, method)] = _result(
                        arms[arm], arms.get(control or "", []), value, method, arms, design
                    )
    return answers


def _result(
    arm: Sequence[Outcome],
    control: Sequence[Outcome],
    value: Callable[[Outcome], Fraction],
    method: str,
    arms: Mapping[str, Sequence[Outcome]],
    design: Design,
) -> Result:
    effect = low = high = None
    if control:
        effect, low, high = _interval(arm, control, value, adjusted=method == "cuped")
    verdict = "cannot tell"
    if control and not _is_as_planned(arms, design):
        verdict = "invalid"
    elif control and not all(outcome.is_closed for rows in arms.values() for outcome in rows):
        verdict, effect, low, high = "running", None, None, None
    elif low is not None and high is not None and min(len(arm), len(control)) >= FEWEST:
        verdict = "better" if low > 0 else "worse" if high < 0 else "cannot tell"
    return Result(len(arm), len(control), effect, low, high, verdict)


def _interval(
    arm: Sequence[Outcome],
    control: Sequence[Outcome],
    value: Callable[[Outcome], Fraction],
    *,
    adjusted: bool,
) -> tuple[float, float | None, float | None]:
    theta = Fraction(0)
    both = [*arm, *control]
    past = {id(outcome): Fraction(outcome.net_revenue_before) for outcome in both}
    mean_past = _mean(past.values())
    if adjusted:
        spread = sum((past[id(o)] - mean_past) ** 2 for o in both)
        mean = _mean([value(o) for o in both])
        shared = sum((past[id(o)] - mean_past) * (value(o) - mean) for o in both)
        theta = shared / spread if spread else Fraction(0)
    sides = [
        [value(o) - theta * (past[id(o)] - mean_past) for o in side] for side in (arm, control)
    ]
    effect = _mean(sides[0]) - _mean(sides[1])
    varies = any(len({value(o) for o in side}) > 1 for side in (arm, control))
    if min(map(len, sides)) < FEWEST_FOR_AN_INTERVAL or not varies:
        return float(effect), None, None
    parts = [float(_variance(side) / len(side)) for side in sides]
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(side) - 1) for part, side in zip(parts, sides, strict=True)
    )
    half = t_quantile(0.975, freedom) * math.sqrt(sum(parts))
    return float(effect), float(effect) - half, float(effect) + half


def _mean(values: Iterable[Fraction]) -> Fraction:
    listed = list(values)
    return sum(listed, Fraction(0)) / len(listed)


def _variance(values: Sequence[Fraction]) -> Fraction:
    mean = _mean(values)
    return sum(((value - mean) ** 2 for value in values), Fraction(0)) / (len(values) - 1)


_CRITICAL = {1: 10.827566, 2: 13.815511, 3: 16.266236}
"""Chi-square for p = 0.001 by degrees of freedom, from printed tables."""


def _is_as_planned(arms: Mapping[str, Sequence[Outcome]], design: Design) -> bool:
    shares = design.shares or {arm: Fraction(1) for arm in arms}
    if any(not shares.get(arm) for arm in arms):
        return False
    total = sum(len(rows) for rows in arms.values())
    statistic = Fraction(0)
    for arm, share in shares.items():
        expected = total * share / sum(shares.values())
        statistic += (len(arms.get(arm, ())) - expected) ** 2 / expected
    return len(shares) < 2 or statistic <= _CRITICAL[len(shares) - 1]


def t_quantile(p: float, freedom: float) -> float:
    """The quantile of Student's t for p above one half."""
    low, high = 0.0, 1e3
    for _ in range(200):
        middle = (low + high) / 2
        tail = _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + middle * middle)) / 2
        low, high = (middle, high) if 1 - tail < p else (low, middle)
    return low


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function (Press et al., Numerical Recipes, 6.4)."""
    if x in (0.0, 1.0):
        return x
    logs = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(logs + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1 - front * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d = 1 / (1 + step * d)
            c = 1 + step / c
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value
