"""Whether the intervals of experiments hold what they promise, by the project's own SQL.

Businesses are drawn at random: customers of unlike taste, three months of history, a season that
lifts everybody's spending by a quarter, and an experiment on half of them. In as many businesses
the campaign does nothing (A/A). All are experiments of one pass of the models, from assignments
and revenue to verdicts. Counted are: how often the 95 % interval holds the planted effect, how
often nothing looks like something, how much CUPED narrows, and what before and after would say.

Does not belong here: what the models should say of one experiment, which unit tests say.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import compiled_models
import duckdb
from measuring import PROJECT, in_folder, load_line, machine, table, write_results

ASSIGNED_AT = datetime(2026, 3, 1, 8)
AS_OF = datetime(2026, 6, 30, 23, 59, 59)
SEASON = 1.25
"""Spending of the month after, over that of a month before, for everybody."""

RESPONSE, LEAST_EXTRA, MOST_EXTRA = 0.2, 10, 30
"""The share of treated customers who place an extra order, and its amount, drawn evenly."""
PLANTED = RESPONSE * (LEAST_EXTRA + MOST_EXTRA) / 2

GIVEN = (
    "as_of_spine",
    "customer_links",
    "fct_message_events",
    "fct_revenue",
    "source_coverage",
    "stg_campaigns",
    "stg_experiment_assignments",
)
WANTED = ("experiment_results",)
_BEFORE_DAYS = (75, 45, 15)
_AFTER_DAYS = 10


@dataclass(frozen=True)
class Found:
    """What came out of a simulation.

    Attributes:
        experiments: with a planted effect, and as many without.
        customers: of each.
        covered: by method, how many of 100 intervals held the planted effect.
        covered_by_hundred: the same of each hundred experiments, of `difference`.
        alarms: by method, how many of 100 A/A tests were better or worse.
        width: by method, the mean width of the intervals of planted effects.
        planted: the effect per treated customer.
        estimated: by method, the mean estimate.
        naive: the mean change from the month before to the month after, of the treated.
        seconds: of the models.
    """

    experiments: int
    customers: int
    covered: Mapping[str, float]
    covered_by_hundred: Sequence[int]
    alarms: Mapping[str, float]
    width: Mapping[str, float]
    planted: float
    estimated: Mapping[str, float]
    naive: float
    seconds: float


def _orders(rng: random.Random, mean: float) -> int:
    """A number drawn from the Poisson distribution (Knuth's product of uniforms)."""
    count, product, limit = 0, rng.random(), math.exp(-mean)
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def _month(rng: random.Random, taste: float, factor: float) -> tuple[int, float]:
    """Orders and revenue of a customer in a month."""
    count = _orders(rng, 0.6 * taste * factor)
    return count, sum(20 * math.sqrt(taste) * rng.lognormvariate(0, 0.4) for _ in range(count))


def draw(
    experiments: int, customers: int, seed: int
) -> Iterator[tuple[str, str, str, datetime, int, str]]:
    """Rows of revenue: experiment_id, customer_id, arm, occurred_at, order_count, net_revenue.

    Every customer has at least one row, of nothing where nothing was bought. The experiments
    `planted-<n>` have an effect, the experiments `aa-<n>` have none.
    """
    for kind in ("planted", "aa"):
        for number in range(experiments):
            rng = random.Random(f"{seed} {kind} {number}")
            for customer in range(customers):
                who = f"{kind}-{number}-{customer}"
                arm = "treatment" if customer % 2 else "holdout"
                taste = rng.lognormvariate(0, 0.8)
                spent = [(-days, *_month(rng, taste, 1.0)) for days in _BEFORE_DAYS] + [
                    (_AFTER_DAYS, *_month(rng, taste, SEASON))
                ]
                if kind == "planted" and arm == "treatment" and rng.random() < RESPONSE:
                    spent.append((_AFTER_DAYS, 1, rng.uniform(LEAST_EXTRA, MOST_EXTRA)))
                for days, count, amount in spent:
                    if count or days == _AFTER_DAYS:
                        at = ASSIGNED_AT + timedelta(days=days)
                        yield f"{kind}-{number}", who, arm, at, count, f"{amount:.4f}"


def _prepare(connection: duckdb.DuckDBPyConnection, rows: Path) -> None:
    """The relations that the models read, of the drawn rows."""
    connection.execute(
        "create table drawn as select * from read_csv(?, header = false, columns = "
        "{'experiment_id': 'varchar', 'customer_id': 'varchar', 'arm': 'varchar', "
        "'occurred_at': 'timestamp', 'order_count': 'int', 'net_revenue': 'decimal(18,4)'})",
        [str(rows)],
    )
    connection.execute(
        "insert into run.settings (run_id, as_of, business_time_zone) values ('r', ?, 'UTC')",
        [AS_OF],
    )
    for statement in (
        "create table main.as_of_spine as select as_of, as_of::date as as_of_on, "
        "'published' as basis, true as is_current from run.settings",
        "create table main.source_coverage as select as_of, false as has_message_events "
        "from run.settings",
        "create table main.stg_campaigns (source_system varchar, campaign_id varchar, "
        "channel varchar, ended_at timestamp)",
        "create table main.fct_message_events (source_system varchar, customer_id varchar, "
        "campaign_id varchar, event_name varchar, occurred_at timestamp, occurred_on date)",
        "create table main.fct_revenue as select customer_id, order_count, net_revenue, "
        "net_revenue as order_net_amount, "
        "occurred_at, occurred_at::date as occurred_on from drawn",
        "create table main.stg_experiment_assignments as select distinct 's' as source_system, "
        "experiment_id, customer_id as customer_ref, arm, null::varchar as campaign_id, "
        f"null::varchar as segment_key, timestamp '{ASSIGNED_AT}' as assigned_at from drawn",
        "create table main.customer_links as select distinct 's' as source_system, "
        "customer_id as reference, 'reference' as record_kind, customer_id, "
        "timestamp '2020-01-01' as first_seen_at from drawn",
    ):
        connection.execute(statement)


_BY_METHOD = f"""
    select
        method,
        100.0 * avg(({PLANTED} between low and high)::int)
            filter (experiment_id like 'planted%'),
        100.0 * avg((verdict in ('better', 'worse'))::int) filter (experiment_id like 'aa%'),
        avg(high - low) filter (experiment_id like 'planted%'),
        avg(effect) filter (experiment_id like 'planted%')
    from main.experiment_results
    where metric = 'net_revenue'
    group by method
"""
_BY_HUNDRED = f"""
    select sum(({PLANTED} between low and high)::int)
    from main.experiment_results
    where metric = 'net_revenue' and method = 'difference' and experiment_id like 'planted%'
    group by split_part(experiment_id, '-', 2)::int // 100
    order by min(split_part(experiment_id, '-', 2)::int)
"""
_NAIVE = f"""
    select (
        sum(net_revenue) filter (occurred_at > timestamp '{ASSIGNED_AT}')
        - sum(net_revenue) filter (occurred_at = timestamp '{ASSIGNED_AT}' - interval 15 day)
    ) / count(distinct customer_id)
    from drawn
    where arm = 'treatment' and experiment_id like 'planted%'
"""


def simulate(
    manifest: Mapping[str, Any], folder: Path, *, experiments: int, customers: int, seed: int
) -> Found:
    """Draw, run the models once, and count.

    Args:
        manifest: of the compiled project.
        folder: for the drawn rows.
        experiments: with a planted effect, and as many A/A tests.
        customers: of each, half of them treated.
        seed: another seed, other businesses.
    """
    rows = folder / "drawn.csv"
    with rows.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(draw(experiments, customers, seed))
    order, sources = compiled_models.ancestors(manifest, WANTED, GIVEN)
    schemas, steps = compiled_models.build_steps(manifest, order, PROJECT)
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as work; use work")
        connection.execute("set timezone = 'UTC'; set threads = 2")
        for statement in (*schemas, *compiled_models.source_statements(manifest, sources)):
            connection.execute(statement)
        _prepare(connection, rows)
        started = time.perf_counter()
        for step in steps:
            connection.execute(step.sql)
        seconds = time.perf_counter() - started
        methods = {row[0]: row[1:] for row in connection.execute(_BY_METHOD).fetchall()}
        hundreds = [int(row[0]) for row in connection.execute(_BY_HUNDRED).fetchall()]
        naive = connection.execute(_NAIVE).fetchone()
    return Found(
        experiments=experiments,
        customers=customers,
        covered={method: float(values[0]) for method, values in methods.items()},
        covered_by_hundred=hundreds,
        alarms={method: float(values[1]) for method, values in methods.items()},
        width={method: float(values[2]) for method, values in methods.items()},
        planted=PLANTED,
        estimated={method: float(values[3]) for method, values in methods.items()},
        naive=float(naive[0]) if naive else 0.0,
        seconds=seconds,
    )


def _shown(found: Found) -> str:
    rows = [
        [
            method,
            f"{found.covered[method]:.1f}",
            f"{found.alarms[method]:.1f}",
            f"{found.width[method]:.2f}",
            f"{found.estimated[method]:.2f}",
        ]
        for method in ("difference", "cuped")
    ]
    rows.append(["before and after (naive)", "no interval", "", "", f"{found.naive:.2f}"])
    columns = ["method", "covered of 100", "A/A alarms of 100", "width", "mean estimate"]
    hundreds = ", ".join(str(number) for number in found.covered_by_hundred)
    return (
        f"{found.experiments:,} planted effects of {found.planted:.2f} per treated customer and as "
        f"many A/A tests, {found.customers:,} customers each; models {found.seconds:.1f} s\n\n"
        f"{table(columns, rows)}\n\ncovered in each hundred (difference): {hundreds}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=100)
    parser.add_argument("--customers", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="keeps the drawn rows")
    parsed = parser.parse_args(arguments)

    def measured(folder: Path) -> int:
        before = machine()
        manifest = compiled_models.compile_project(PROJECT, folder / "compiled")
        found = simulate(
            manifest,
            folder,
            experiments=parsed.experiments,
            customers=parsed.customers,
            seed=parsed.seed,
        )
        after = machine()
        print(_shown(found))
        print(load_line(before, after))
        write_results("experiments", {"found": asdict(found), "before": before, "after": after})
        return 0

    return in_folder(measured, parsed.folder)


if __name__ == "__main__":
    sys.exit(main())
