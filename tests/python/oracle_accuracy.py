"""An independent recomputation of the accuracy of attribution, from its definition alone.

Credit of an order comes from oracle_attribution, windows and intervals from oracle_experiments.

Does not belong here: SQL or anything read from the models.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import oracle
import oracle_attribution
import oracle_experiments
from oracle_experiments import FEWEST, Design, Key, Outcome

AccuracyKey = tuple[str, str, str, str, str, str]
"""source_system, experiment_id, arm, channel, segment_key and attribution_model."""


@dataclass(frozen=True)
class Accuracy:
    """What a model credits to a channel in an arm and in its control, and what the arm caused."""

    attributed: Decimal
    control_attributed: Decimal
    lift: Fraction
    incremental: float | None
    low: float | None
    high: float | None
    verdict: str


def accuracy(
    outcomes: Mapping[tuple[str, str, str], Outcome],
    designs: Mapping[Key, Design],
    converted: Iterable[oracle_attribution.Conversion],
) -> dict[AccuracyKey, Accuracy]:
    """Every arm whose customers were all assigned with campaigns of one channel."""
    results = oracle_experiments.results(outcomes, designs)
    orders = defaultdict(list)
    for conversion in converted:
        if conversion.order.customer is not None:
            orders[oracle.customer_id(conversion.order.customer)].append(conversion)
    found = {}
    for experiment in sorted({key[:2] for key in outcomes}):
        everybody = {who: x for (*key, who), x in outcomes.items() if tuple(key) == experiment}
        segments = {x.segment or "all" for x in everybody.values()}
        arms: dict[str, dict[str, Outcome]] = defaultdict(dict)
        for who, outcome in everybody.items():
            if outcome.excluded is None:
                arms[outcome.arm][who] = outcome
        named = designs.get(experiment, Design()).control
        control = named or next((a for a in ("control", "holdout") if a in arms), None)
        for arm in set(arms) - {control}:
            channels = {x.channel for x in arms[arm].values()}
            channel = next(iter(channels))
            if control not in arms or len(channels) > 1 or channel is None:
                continue
            result = results[(*experiment, arm, "order_amount", "cuped")]
            for model in oracle_attribution.MODELS:
                mine, left_out = (
                    sum(
                        (
                            _credit(orders[who], outcome, channel, model)
                            for who, outcome in arms[side].items()
                        ),
                        Decimal(0),
                    )
                    for side in (arm, control)
                )
                lift = Fraction(mine) / len(arms[arm]) - Fraction(left_out) / len(arms[control])
                segment = segments.copy().pop() if len(segments) == 1 else "all"
                found[(*experiment, arm, channel, segment, model)] = Accuracy(
                    mine,
                    left_out,
                    lift,
                    result.effect,
                    result.low,
                    result.high,
                    _verdict(float(lift), result),
                )
    return found


def _credit(
    orders: Iterable[oracle_attribution.Conversion], outcome: Outcome, channel: str, model: str
) -> Decimal:
    """What a model credits to a channel of the orders in a customer's window."""
    total = Decimal(0)
    for conversion in orders:
        at: datetime = conversion.order.ordered_at
        if at < outcome.assigned_at or conversion.order.on > outcome.window_ends_on:
            continue
        for touch, _, revenue in oracle_attribution.credit_of(conversion)[model]:
            if touch is not None and touch.channel == channel:
                total += revenue
    return total


def _verdict(lift: float, result: oracle_experiments.Result) -> str:
    is_told = result.verdict not in ("invalid", "running")
    if not is_told or min(result.arm_size, result.control_size) < FEWEST:
        return "unknown"
    if result.low is None or result.high is None:
        return "unknown"
    return "over" if lift > result.high else "under" if lift < result.low else "agrees"
