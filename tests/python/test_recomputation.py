"""Every score, feature, segment, KPI and cohort against an independent recomputation.

The oracle is written from the definitions, never from the SQL; the SQL is the project's own.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, fields
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import duckdb
import oracle
import oracle_accounts
import oracle_identity
import oracle_kpis
import oracle_variables
import pytest
from business import KPI_PARTS, Business, businesses, every_kpi, every_oddity
from business_kpis import businesses_as_customers
from conftest import examples, seeds
from hypothesis import HealthCheck, given, settings
from oracle_rows import ratio, round_half_even
from pipeline import Pipeline, project_variables

FEATURES = [
    field.name
    for field in fields(oracle.Features)
    if field.name not in {"customer", "gross_net_amount_365d"}
]


def build(pipeline: Pipeline, business: Business, instants: list[datetime]) -> Any:
    return pipeline.run(
        business.raw.entities(),
        as_of=business.as_of,
        instants=instants,
        time_zone=business.raw.time_zone,
        currency="GBP",
    )


def rows_by(
    connection: duckdb.DuckDBPyConnection, query: str, keys: int
) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    found = connection.execute(query).fetchall()
    keyed = {row[:keys]: row[keys:] for row in found}
    assert len(keyed) == len(found), f"doubled keys in {query}"
    return keyed


def check_everything(pipeline: Pipeline, business: Business) -> None:
    ledger = oracle.resolve_orders(business.raw)
    instants = oracle.month_ends(ledger, business.as_of)
    connection = build(pipeline, business, instants)
    all_instants = [*instants, business.as_of]
    check_identity(connection, business)
    world = oracle_variables.prepare(business.raw)
    for instant in all_instants:
        check_profiles(connection, ledger, instant)
        check_variables(connection, world, instant)
    check_history_and_kpis(connection, world, all_instants, business.as_of)
    check_pairs_and_priorities(pipeline, connection, ledger, all_instants)
    check_value_moves(connection)
    assert pipeline.failing_tests(connection) == {}


def check_identity(connection: duckdb.DuckDBPyConnection, business: Business) -> None:
    found = rows_by(
        connection,
        "select record_kind, source_system, reference, customer_id, is_over_merged "
        "from customer_links",
        3,
    )
    identity = oracle_identity.resolve(business.raw)
    expected = {}
    for record, customer_id in identity.customer_ids().items():
        kind, *name = record
        key = ("reference", *name) if kind == "ref" else (kind, kind, *name)
        expected[key] = (customer_id, record in identity.over_merged)
    assert found == expected


def check_variables(
    connection: duckdb.DuckDBPyConnection, world: oracle_variables.World, instant: datetime
) -> None:
    expected = {
        oracle.customer_id(customer): dict(values)
        for customer, values in oracle_variables.variables(world, instant).items()
    }
    names = sorted({name for values in expected.values() for name in values})
    found = {
        customer_id: dict(zip(names, values, strict=True))
        for (customer_id,), values in rows_by(
            connection,
            f"select {', '.join(['customer_id', *names])} from customer_profiles "
            f"where as_of = timestamp '{instant}'",
            1,
        ).items()
    }
    assert set(found) == set(expected)
    different = {
        (customer_id, name): (found[customer_id][name], value)
        for customer_id, values in expected.items()
        for name, value in values.items()
        if found[customer_id][name] != value
    }
    assert different == {}


def check_profiles(
    connection: duckdb.DuckDBPyConnection, ledger: oracle.Ledger, instant: datetime
) -> None:
    columns = ", ".join(FEATURES)
    found = rows_by(
        connection,
        f"select customer_id, {columns}, order_net_amount_365d as gross, lifecycle_stage "
        f"from customer_profiles where as_of = timestamp '{instant}'",
        1,
    )
    stages = oracle.lifecycle(ledger, instant)
    expected = {}
    for customer, feature in oracle.features(ledger, instant).items():
        values = asdict(feature)
        expected[(oracle.customer_id(customer),)] = (
            *(values[name] for name in FEATURES),
            feature.gross_net_amount_365d,
            stages[customer],
        )
    assert found == expected
    scores = rows_by(
        connection,
        "select customer_id, recency_days, frequency, monetary, recency_score, frequency_score, "
        "monetary_score, rfm_score, rfm_segment from rfm_scores "
        f"where as_of = timestamp '{instant}'",
        1,
    )
    assert scores == {
        (oracle.customer_id(customer),): (
            row.recency_days,
            row.frequency,
            row.monetary,
            row.recency_score,
            row.frequency_score,
            row.monetary_score,
            row.rfm_score,
            row.rfm_segment,
        )
        for customer, row in oracle.rfm(ledger, instant).items()
    }


def check_history_and_kpis(
    connection: duckdb.DuckDBPyConnection,
    world: oracle_variables.World,
    instants: list[datetime],
    as_of: datetime,
    accounts: oracle_accounts.Accounts | None = None,
) -> None:
    observations = oracle.observe(world.ledger, instants)
    history = oracle.history(observations)
    stays = rows_by(
        connection,
        "select segment_key, customer_id, valid_from, valid_to from segment_membership_history",
        3,
    )
    assert stays == {
        (stay.segment_key, oracle.customer_id(stay.customer), stay.valid_from): (stay.valid_to,)
        for stay in history.stays
    }
    events = connection.execute(
        "select segment_key, customer_id, event, as_of from segment_events order by all"
    ).fetchall()
    assert events == sorted(
        (event.segment_key, oracle.customer_id(event.customer), event.event, event.as_of)
        for event in history.events
    )
    sizes = rows_by(
        connection,
        "select segment_key, as_of, opening_count, entered_count, exited_count, member_count "
        "from segment_sizes",
        2,
    )
    assert sizes == {
        (size.segment_key, size.as_of): (
            size.opening_count,
            size.entered_count,
            size.exited_count,
            size.member_count,
        )
        for size in [*history.sizes, *(accounts.sizes if accounts else ())]
    }
    account_stays = rows_by(
        connection,
        "select segment_key, account_id, valid_from, valid_to "
        "from account_segment_membership_history",
        3,
    )
    assert account_stays == {
        (stay.segment_key, oracle.customer_id(stay.customer), stay.valid_from): (stay.valid_to,)
        for stay in (accounts.stays if accounts else ())
    }
    check_kpis(connection, world, history, as_of, accounts)
    check_cohorts(connection, world.ledger, history, as_of, accounts)


def check_kpis(
    connection: duckdb.DuckDBPyConnection,
    world: oracle_variables.World,
    history: oracle.History,
    as_of: datetime,
    accounts: oracle_accounts.Accounts | None = None,
) -> None:
    found = rows_by(
        connection,
        "select segment_key, period_grain, period_start, kpi, numerator, denominator, value, "
        "sample_size from segment_kpis",
        4,
    )
    built = {(key[1], key[3]) for key in found}
    groups = dict(oracle.GROUPS) | ({"b2b": tuple(oracle_accounts.B2B)} if accounts else {})
    recomputed = oracle_kpis.kpis(
        world, as_of, history.stays, history.observed, groups, accounts=accounts
    )
    expected = {
        key: stored(key[3], kpi) for key, kpi in recomputed.items() if (key[1], key[3]) in built
    }
    assert found.keys() == expected.keys()
    different = {}
    for key, values in expected.items():
        # What nothing is known of says nothing of how many it rests on either.
        size = 4 if values[0] is not None else 3
        if found[key][:size] != values[:size]:
            different[key] = (found[key], values)
    assert different == {}


# Sums that have more places than the table keeps stand in it in finer units, as do denominators.
FINER = {"engagement_score": 1_000_000, "sentiment": 1_000_000, "minutes_per_session": 60}


def stored(name: str, kpi: oracle_kpis.Kpi) -> tuple[Any, ...]:
    """A KPI as the table keeps it."""
    if kpi.numerator is None:
        return (None, None, None, None)
    times = FINER.get(name, 1)
    numerator = round_half_even(kpi.numerator * times, 4)
    denominator = kpi.denominator * times if kpi.denominator is not None else None
    return (numerator, denominator, kpi.value, kpi.sample_size)


def check_pairs_and_priorities(
    pipeline: Pipeline,
    connection: duckdb.DuckDBPyConnection,
    ledger: oracle.Ledger,
    instants: list[datetime],
) -> None:
    observed = oracle.history(oracle.observe(ledger, instants))
    members: dict[str, set[str]] = {
        row[0]: set()
        for row in connection.execute("select segment_key from segment_catalogue").fetchall()
    }
    for stay in observed.stays:
        if stay.valid_to is None:
            members[stay.segment_key].add(oracle.customer_id(stay.customer))

    pairs = rows_by(
        connection,
        "select segment_a, segment_b, customers_a, customers_b, customers_both, jaccard "
        "from segment_overlap",
        2,
    )
    expected = {}
    for a, b in itertools.combinations(sorted(members), 2):
        both, either = len(members[a] & members[b]), len(members[a] | members[b])
        share = None
        if either:
            share = (Decimal(both) / either).quantize(Decimal("1e-6"), ROUND_HALF_EVEN)
        expected[a, b] = (len(members[a]), len(members[b]), both, share)
    assert pairs == expected

    variables = project_variables()
    priorities = {
        key: pipeline.manifest["nodes"][f"model.clientele.seg_{key}"]["config"]["meta"]["segment"][
            "priority"
        ]
        for keys in variables["priority_lists"].values()
        for key in keys
    }
    standing = rows_by(
        connection,
        "select priority_list, customer_id, segment_key, is_winner, winning_segment_key "
        "from segment_priorities",
        3,
    )
    winners = {}
    for name, keys in variables["priority_lists"].items():
        for customer in set().union(*(members[key] for key in keys)):
            of_customer = [key for key in keys if customer in members[key]]
            best = min(of_customer, key=priorities.__getitem__)
            for key in of_customer:
                winners[name, customer, key] = (key == best, best)
    assert standing == winners
    primary = connection.execute(
        "select customer_id, segment_key from segment_membership where is_primary"
    ).fetchall()
    assert sorted(primary) == sorted(
        (customer, key)
        for (name, customer, key), (is_winner, _) in winners.items()
        if name == "default" and is_winner
    )


VALUE_ORDER = {
    "lifecycle": ("prospect", "lapsed", "at_risk", "new", "active", "loyal"),
    "loyalty": ("occasional_buyers", "regular_customers", "power_users"),
}


def check_value_moves(connection: duckdb.DuckDBPyConnection) -> None:
    """From the matrices, by an order of value written here and not read from the seed."""
    for group, order in VALUE_ORDER.items():
        ranks = {f"{group}_none": -1} | {f"{group}_{name}": n for n, name in enumerate(order)}
        expected: dict[tuple[Any, ...], list[int]] = {}
        for month, before, after, count in connection.execute(
            "select period_start, from_segment, to_segment, customer_count "
            "from segment_migrations where exclusive_group = ?",
            [group],
        ).fetchall():
            if before != f"{group}_none":
                counts = expected.setdefault((month,), [0, 0, 0])
                counts[0] += count
                counts[1] += count * (ranks[after] > ranks[before])
                counts[2] += count * (ranks[after] < ranks[before])
        found = rows_by(
            connection,
            "select period_start, opening_count, moved_up_count, moved_down_count, "
            f"net_up_migration_rate from segment_value_moves where exclusive_group = '{group}'",
            1,
        )
        assert found == {
            key: (
                *counts,
                (Decimal(counts[1] - counts[2]) / counts[0]).quantize(
                    Decimal("1e-6"), ROUND_HALF_EVEN
                ),
            )
            for key, counts in expected.items()
        }


def check_cohorts(
    connection: duckdb.DuckDBPyConnection,
    ledger: oracle.Ledger,
    history: oracle.History,
    as_of: datetime,
    accounts: oracle_accounts.Accounts | None = None,
) -> None:
    found = rows_by(
        connection,
        "select segment_key, cohort_month, months_since_first_order, cohort_size, "
        "active_customers, retention_rate, net_revenue from cohort_retention",
        3,
    )
    stays, observed = [*history.stays], dict(history.observed)
    if accounts:
        # An account's cohort is that of its contacts, each by their own first order.
        stays += accounts.people
        observed |= accounts.observed
    cells = {("all", *key): cell for key, cell in oracle.cohorts(ledger, as_of).items()}
    cells |= oracle.segment_cohorts(ledger, as_of, stays, observed)
    assert found == {
        key: (
            cell.cohort_size,
            cell.active_customers,
            ratio(cell.active_customers, cell.cohort_size, 6),
            Decimal(cell.net_revenue),
        )
        for key, cell in cells.items()
    }


@pytest.mark.parametrize("seed", seeds(1, 3))
def test_every_figure_equals_the_recomputation_for_a_business_with_every_oddity(
    pipeline: Pipeline, seed: int
) -> None:
    check_everything(pipeline, every_oddity(seed))


@pytest.mark.parametrize("seed", seeds(1, 2))
def test_every_kpi_equals_the_recomputation_for_a_business_with_every_input(
    pipeline: Pipeline, seed: int
) -> None:
    business = every_kpi(seed)
    world = oracle_variables.prepare(business.raw)
    instants = oracle.month_ends(world.ledger, business.as_of)
    connection = build(pipeline, business, instants)
    check_history_and_kpis(connection, world, [*instants, business.as_of], business.as_of)
    assert pipeline.failing_tests(connection) == {}


def test_every_kpi_and_cohort_of_segments_of_accounts_equals_the_recomputation(
    pipeline_of_accounts: Pipeline,
) -> None:
    pipeline = pipeline_of_accounts
    business = every_kpi(1, more=[businesses_as_customers])
    world = oracle_variables.prepare(business.raw)
    instants = [*oracle.month_ends(world.ledger, business.as_of), business.as_of]
    accounts = oracle_accounts.observed_accounts(business.raw, instants)
    connection = build(pipeline, business, instants[:-1])
    check_history_and_kpis(connection, world, instants, business.as_of, accounts)
    assert pipeline.failing_tests(connection) == {}
    units = connection.execute(
        "select kpi, unit, entity from segment_kpis inner join kpi_segments using (segment_key) "
        "where unit in ('customers', 'accounts') group by all order by all"
    ).fetchall()
    assert units == [
        *(
            (kpi, f"{entity}s", entity)
            for kpi in ("entered", "exited", "members")
            for entity in ("account", "customer")
        ),
        ("new_customers", "customers", "account"),
        ("new_customers", "customers", "customer"),
    ]
    # What is compared is there: cohorts of several contacts, of whom some came back later.
    kept = connection.execute(
        "select exclusive_group, count(distinct segment_key) > 2, max(cohort_size) > 1, "
        "bool_or(months_since_first_order > 0 and active_customers between 1 and cohort_size - 1) "
        "from cohort_retention inner join kpi_segments using (segment_key) "
        "where entity = 'account' group by all order by all nulls first"
    ).fetchall()
    assert kept == [(None, False, True, True), ("b2b", True, True, True)]


@settings(
    max_examples=examples(4, 8),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(business=businesses(parts=KPI_PARTS))
def test_every_figure_equals_the_recomputation_for_any_business(
    pipeline: Pipeline, business: Business
) -> None:
    check_everything(pipeline, business)
