"""Experiments and programmes from raw rows to the report, and against a recomputation.

What each window and formula does at its edges, unit tests say; claimed here is that what landed
reaches the figures: through identities, currencies, time zones and published history.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import oracle_experiments
import pytest
from business import Business, every_oddity
from oracle_experiments import Design
from pipeline import PROJECT, Pipeline, State, next_state

from orchestration.database import literal

TOLERANCE = 0.000_02
"""The expansion of Student's t is right to so much of a unit at 9 degrees of freedom."""

THANK_YOU = Design(
    control="holdout",
    window_days=28,
    shares={"treatment": Fraction(7, 10), "holdout": Fraction(3, 10)},
)
DESIGNS = {("default", "thank-you"): THANK_YOU}


def with_experiments(business: Business, seed: int) -> Business:
    """Everybody who ever ordered under a reference, in several experiments of unlike kinds."""
    raw, rng = business.raw, random.Random(seed)
    refs = sorted(
        {
            (row["source_system"], row["customer_ref"])
            for row in raw.orders
            if row.get("customer_ref") is not None
        }
    )
    kinds = {
        "thank-you": ("treatment", "treatment", " Holdout"),
        "plain": ("control", "a", "b"),
        "unnamed": ("x", "y"),
        "letters": ("control", "a"),
    }
    campaigns = [
        {
            "source_system": system,
            "campaign_id": "letters",
            "name": "letters",
            "channel": "E-mail" if system == "shop" else " Post",
            "ended_at": business.as_of - timedelta(days=40),
            "_batch_id": "batch-1",
        }
        for system in ("default", "shop")
    ]
    assignments, messages = [], []
    for experiment, arms in kinds.items():
        for system, ref in refs:
            days = rng.choice((20, 28, 29, 60, 100, 200, 400))
            at = business.as_of - timedelta(days=days, hours=rng.randint(0, 23))
            campaign = "letters" if experiment == "letters" else None
            assignments.append(
                {
                    "source_system": system,
                    "experiment_id": experiment,
                    "customer_ref": ref,
                    "arm": rng.choice(arms),
                    "assigned_at": at,
                    "campaign_id": campaign,
                    "_batch_id": "batch-1",
                }
            )
            if campaign and rng.random() < 0.5:
                messages.append(
                    {
                        "source_system": system,
                        "event_id": f"letter-{system}-{ref}",
                        "event_name": rng.choice(("sent", "bounced", "opened")),
                        "channel": "email",
                        "customer_ref": ref,
                        "campaign_id": "letters",
                        "occurred_at": at + timedelta(days=rng.choice((-1, 0, 3, 80))),
                        "_batch_id": "batch-1",
                    }
                )
    rows = {
        "experiment_assignments": [*raw.experiment_assignments, *assignments],
        "message_events": [*raw.message_events, *messages],
        "campaigns": [*raw.campaigns, *campaigns],
    }
    return Business(raw.with_rows(rows), business.as_of, business.oddities)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_experiment_equals_the_recomputation(pipeline: Pipeline, seed: int) -> None:
    business = with_experiments(every_oddity(seed, ordinary=60), seed)
    expected = oracle_experiments.outcomes(business.raw, business.as_of, DESIGNS)
    reduced = pipeline.reduced_to(["experiment_results"])
    with reduced.run(
        business.raw.entities(),
        as_of=business.as_of,
        time_zone=business.raw.time_zone,
        currency="GBP",
    ) as connection:
        found = {
            row[:3]: row[3:]
            for row in connection.execute(
                "select source_system, experiment_id, customer_id, arm, channel, segment_key, "
                "assigned_at, window_ends_on, is_window_closed, exclusion, was_contacted, "
                "net_revenue, order_count, order_amount, net_revenue_before "
                "from experiment_outcomes"
            ).fetchall()
        }
        rows = connection.execute(
            "select source_system, experiment_id, arm, metric, method, arm_size, control_size, "
            "effect, low, high, verdict from experiment_results"
        ).fetchall()
    assert found == {key: tuple(vars(outcome).values()) for key, outcome in expected.items()}
    reasons = {outcome.excluded for outcome in expected.values()}
    assert {None, "several_arms", "after_the_end"} <= reasons
    assert {outcome.was_contacted for outcome in expected.values()} == {None, True, False}
    check_results(rows, oracle_experiments.results(expected, DESIGNS))


def check_results(
    rows: list[tuple[Any, ...]], expected: Mapping[Any, oracle_experiments.Result]
) -> None:
    assert {row[:5] for row in rows} == set(expected)
    assert len(rows) == len(expected)
    for row in rows:
        result = expected[row[:5]]
        assert row[5:7] == (result.arm_size, result.control_size), row
        assert row[10] == result.verdict, row
        for shown, wanted in zip(row[7:10], (result.effect, result.low, result.high), strict=True):
            assert (shown is None) == (wanted is None), row
            if shown is not None and wanted is not None:
                assert abs(float(shown) - wanted) <= TOLERANCE * max(1, abs(wanted)), row


def test_the_quantile_of_the_recomputation_is_that_of_printed_tables() -> None:
    for freedom, printed in ((1, 12.706205), (9, 2.262157), (30, 2.042272), (200, 1.971896)):
        assert abs(oracle_experiments.t_quantile(0.975, freedom) - printed) < 1e-6


# The simulation ------------------------------------------------------------------------------


def test_intervals_cover_what_was_planted(
    compiled_manifest: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(PROJECT / "benchmarks"))
    import experiments

    found = experiments.simulate(
        compiled_manifest, tmp_path, experiments=100, customers=1_000, seed=1
    )
    assert 93 <= found.covered["difference"] <= 97
    assert 93 <= found.covered["cuped"] <= 97
    assert all(2 <= alarms <= 8 for alarms in found.alarms.values())
    # History predicts spend here: CUPED gives the same answer, more exactly.
    assert found.width["cuped"] < 0.75 * found.width["difference"]
    assert abs(found.estimated["cuped"] - found.planted) < 1
    # The season lifts everybody; before and after takes that for an effect.
    assert found.naive > 2 * found.planted


# Seeds of a test -----------------------------------------------------------------------------

PROGRAMME_COLUMNS = {
    "programme": "string",
    "segment_key": "string",
    "before_start": "date",
    "before_end": "date",
    "started_on": "date",
    "after_start": "date",
    "after_end": "date",
    "margin_rate": "decimal(18,6)",
    "cost": "decimal(18,4)",
    "source_system": "string",
    "experiment_id": "string",
    "experiment_arm": "string",
}


def replaced(pipeline: Pipeline, name: str, query: str) -> Pipeline:
    """The pipeline with a query in the place of one of its seeds or models."""
    changed = copy.copy(pipeline)
    changed.order = [
        {
            **node,
            "resource_type": "model",
            "config": {"materialized": "table"},
            "compiled_code": query,
        }
        if node["name"] == name
        else node
        for node in pipeline.order
    ]
    return changed


def rows_as_query(columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A query of the given rows; what a row does not say is NULL."""
    selects = []
    for row in rows:
        cells = (
            f"cast({literal(str(row[name])) if row.get(name) is not None else 'null'} as {kind}) "
            f"as {name}"
            for name, kind in columns.items()
        )
        selects.append(f"select {', '.join(cells)}")
    return " union all ".join(selects)


def with_programme(pipeline: Pipeline, **values: Any) -> Pipeline:
    """The pipeline with one programme; months before and after it are whole."""
    row = {"programme": "p", "segment_key": "all", **values}
    query = rows_as_query(PROGRAMME_COLUMNS, [row])
    return replaced(pipeline, "segmentation_programmes", query)


def report(connection: duckdb.DuckDBPyConnection, columns: str) -> dict[tuple[str, str], Any]:
    """Lines of the report by metric and method."""
    rows = connection.execute(f"select metric, method, {columns} from segmentation_roi").fetchall()
    found = {row[:2]: row[2:] for row in rows}
    assert len(found) == len(rows)
    return found


def order(ref: str, on: str, amount: str | int) -> dict[str, Any]:
    return {
        "source_system": "default",
        "order_id": f"{ref} {on}",
        "customer_ref": ref,
        "ordered_at": datetime.fromisoformat(f"{on} 12:00:00"),
        "net_amount": Decimal(amount),
        "_batch_id": "b1",
    }


END_OF_JUNE = datetime(2026, 6, 30, 23, 59, 59, 999999)


# Programmes ----------------------------------------------------------------------------------

KPI_COLUMNS = {
    "segment_key": "string",
    "period_grain": "string",
    "period_start": "date",
    "kpi": "string",
    "numerator": "decimal(38,4)",
    "denominator": "decimal(38,4)",
    "sample_size": "bigint",
    "quality_verdict": "string",
}


def test_the_sample_report_comes_out_to_the_cent(pipeline: Pipeline) -> None:
    figures = {
        ("customer_lifetime_value_historic", 100): ((100_000, 100), (120_000, 100)),
        ("conversion_rate", 100): ((5, 100), (8, 100)),
        ("customer_acquisition_cost", 10): ((500, 10), (400, 10)),
        ("churn_rate", 100): ((15, 100), (10, 100)),
        ("revenue", 100): ((100_000, None), (120_000, None)),
    }
    rows = [
        {
            "segment_key": "all",
            "period_grain": "month",
            "period_start": month,
            "kpi": kpi,
            "numerator": numerator,
            "denominator": denominator,
            "sample_size": sample,
            "quality_verdict": "ok",
        }
        for (kpi, sample), values in figures.items()
        for month, (numerator, denominator) in zip(
            ("2026-03-01", "2026-06-01"), values, strict=True
        )
    ]
    reporting = replaced(pipeline, "segment_kpis", rows_as_query(KPI_COLUMNS, rows))
    reporting = with_programme(
        reporting.reduced_to(["segmentation_roi"]),
        before_start="2026-03-01",
        before_end="2026-03-31",
        started_on="2026-04-01",
        after_start="2026-06-01",
        after_end="2026-06-30",
        margin_rate="0.5",
        cost=5000,
    )
    with reporting.run({"orders": [order("a", "2026-01-01", 1)]}, as_of=END_OF_JUNE) as connection:
        found = report(
            connection,
            "before_value, after_value, change_absolute, change_relative, impact, verdict",
        )
    numbers = {
        key: tuple(None if value is None else str(value) for value in line[:4])
        for key, line in found.items()
    }
    assert numbers == {
        ("customer_lifetime_value_historic", "naive"): (
            *("1000.000000", "1200.000000", "200.000000", "0.200000"),
        ),
        ("conversion_rate", "naive"): ("0.050000", "0.080000", "0.030000", "0.600000"),
        ("customer_acquisition_cost", "naive"): (
            *("50.000000", "40.000000", "-10.000000", "-0.200000"),
        ),
        ("churn_rate", "naive"): ("0.150000", "0.100000", "-0.050000", "-0.333333"),
        ("revenue", "naive"): ("1000.000000", "1200.000000", "200.000000", "0.200000"),
        ("revenue", "incremental"): (None, None, None, None),
        ("incremental_revenue", "naive"): (None, "20000.000000", None, None),
        ("incremental_revenue", "margin"): (None, "10000.000000", None, None),
        ("incremental_revenue", "incremental"): (None, None, None, None),
        ("return_on_segmentation", "naive"): (None, "3.000000", None, None),
        ("return_on_segmentation", "margin"): (None, "1.000000", None, None),
        ("return_on_segmentation", "incremental"): (None, None, None, None),
    }
    assert found["return_on_segmentation", "incremental"][4:] == (
        "Cannot tell: The programme has no randomised holdout.",
        "cannot tell",
    )
    assert found["churn_rate", "naive"][4] == "Better by 33.3 %"


def test_artisan_repeat_purchases_and_lifetime_value(pipeline: Pipeline) -> None:
    """Of 100 customers 40 had bought twice and 46 have; 10,000 of revenue became 11,000."""
    once = [order(f"c{n}", "2025-10-01", 100) for n in range(60)]
    twice = [order(f"c{n}", on, 50) for n in range(60, 100) for on in ("2025-10-01", "2026-01-15")]
    later = [order(f"c{n}", "2026-05-10", 170 if n == 0 else 166) for n in range(6)]
    artisan = with_programme(
        pipeline.reduced_to(["segmentation_roi"]),
        before_start="2026-03-01",
        before_end="2026-03-31",
        started_on="2026-04-01",
        after_start="2026-06-01",
        after_end="2026-06-30",
    )
    with artisan.run({"orders": [*once, *twice, *later]}, as_of=END_OF_JUNE) as connection:
        found = report(
            connection,
            "before_value, after_value, change_relative, before_sample_size, sample_size, "
            "after_start, after_end",
        )
    window = (date(2026, 6, 1), date(2026, 6, 30))
    assert found["repeat_purchase_rate", "naive"] == (
        *(Decimal("0.4"), Decimal("0.46"), Decimal("0.15"), 100, 100, *window),
    )
    assert found["customer_lifetime_value_historic", "naive"] == (
        *(Decimal(100), Decimal(110), Decimal("0.1"), 100, 100, *window),
    )


def test_bistro_weekday_dinners(pipeline: Pipeline) -> None:
    """Twenty tables on weekday evenings in May, 25 in June; a lunch or a Saturday is no dinner."""
    evenings = [("2026-05-05 19:00:00", 20), ("2026-06-02 19:00:00", 25)]
    others = [("2026-05-09 19:00:00", 9), ("2026-06-02 12:00:00", 9)]
    visits = [
        {
            "source_system": "default",
            "event_id": f"{at} {n}",
            "event_name": "table_reserved",
            "customer_ref": f"guest {n}",
            "occurred_at": datetime.fromisoformat(at) - timedelta(days=1),
            "starts_at": datetime.fromisoformat(at),
            "_batch_id": "b1",
        }
        for at, count in (*evenings, *others)
        for n in range(count)
    ]
    bistro = with_programme(
        pipeline.reduced_to(["segmentation_roi"]),
        before_start="2026-05-01",
        before_end="2026-05-31",
        started_on="2026-06-01",
        after_start="2026-06-01",
        after_end="2026-06-30",
    )
    rows = {"orders": [order("guest 1", "2026-04-01", 10)], "business_events": visits}
    with bistro.run(rows, as_of=END_OF_JUNE) as connection:
        found = report(connection, "before_value, after_value, change_relative, sample_size")
    assert found["weekday_dinner_visits", "naive"] == (20, 25, Decimal("0.25"), 25)


def test_a_late_order_does_not_move_a_published_baseline(pipeline: Pipeline) -> None:
    programme = with_programme(
        pipeline.reduced_to(["segmentation_roi"]),
        before_start="2026-03-01",
        before_end="2026-03-31",
        started_on="2026-04-01",
        after_start="2026-05-01",
        after_end="2026-06-30",
    )
    orders = [order("a", "2026-03-10", 100), order("a", "2026-05-10", 150)]
    with programme.run({"orders": orders}, as_of=datetime(2026, 4, 2)) as connection:
        kept = next_state(connection, END_OF_JUNE).baselines
    late = [*orders, order("a", "2026-03-20", 60)]
    wanted = "before_value, after_value, baseline_as_of"
    with programme.run({"orders": late}, as_of=END_OF_JUNE) as connection:
        anew = report(connection, wanted)["revenue", "naive"]
    state = State(baselines=kept)
    with programme.run({"orders": late}, as_of=END_OF_JUNE, state=state) as connection:
        frozen = report(connection, wanted)["revenue", "naive"]
        new = connection.execute("select distinct is_new from programme_baselines").fetchall()
    assert anew == (Decimal(160), Decimal(75), END_OF_JUNE)
    assert frozen == (Decimal(100), Decimal(75), datetime(2026, 4, 2))
    assert new == [(False,)]


# A trap --------------------------------------------------------------------------------------


def test_losing_the_worst_members_is_no_better_retention(pipeline: Pipeline) -> None:
    """Recent buyers who do not buy leave the segment in that month; all who stay have bought.

    Ten were in when May began, of whom six bought; those six were in when June began, and three
    bought. Of the members at the end of June everybody bought in June: that is not retention.
    """
    orders = [order(f"c{n}", "2026-04-15", 10) for n in range(10)]
    orders += [order(f"c{n}", "2026-05-15", 10) for n in range(6)]
    orders += [order(f"c{n}", "2026-06-15", 10) for n in range(3)]
    month_ends = [datetime(2026, month, day, 23, 59, 59) for month, day in ((4, 30), (5, 31))]
    reduced = pipeline.reduced_to(["segment_kpis"])
    with reduced.run({"orders": orders}, as_of=END_OF_JUNE, instants=month_ends) as connection:
        found = connection.execute(
            "select period_start, kpi, numerator, denominator, value from segment_kpis "
            "where segment_key = 'recent_buyers_30d' and kpi in ('retention_rate', 'churn_rate') "
            "and period_grain = 'month' and period_start >= date '2026-05-01' order by all"
        ).fetchall()
        survivors = connection.execute(
            "select count(*) from segment_membership_history where valid_to is null "
            "and segment_key = 'recent_buyers_30d'"
        ).fetchone()
    may, june = date(2026, 5, 1), date(2026, 6, 1)
    assert found == [
        (may, "churn_rate", 4, 10, Decimal("0.4")),
        (may, "retention_rate", 6, 10, Decimal("0.6")),
        (june, "churn_rate", 3, 6, Decimal("0.5")),
        (june, "retention_rate", 3, 6, Decimal("0.5")),
    ]
    assert survivors == (3,)


# Bad input -----------------------------------------------------------------------------------


def assignment(ref: str, experiment: str, arm: str, at: str, **values: Any) -> dict[str, Any]:
    return {
        "source_system": "default",
        "experiment_id": experiment,
        "customer_ref": ref,
        "arm": arm,
        "assigned_at": datetime.fromisoformat(at),
        "_batch_id": "b1",
        **values,
    }


def customer(ref: str, email: str) -> dict[str, Any]:
    return {
        "source_system": "default",
        "customer_ref": ref,
        "email": email,
        "created_at": datetime(2026, 1, 1),
        "_batch_id": "b1",
    }


WARNINGS = {
    "assert_holdouts_are_not_contacted": ("letters", "control arm got a message"),
    "assert_customers_are_in_one_arm": ("letters", "in several arms of one experiment"),
    "assert_nobody_is_assigned_after_the_end": ("letters", "assigned after the end"),
    "assert_assigned_customers_are_known": ("strangers", "never seen before their assignment"),
    "assert_experiments_name_their_campaign": ("strangers", "name no campaign"),
    "assert_experiments_have_a_control": ("strangers", "no control arm"),
    "assert_arms_are_as_large_as_planned": ("uneven", "not as large as planned"),
}


def test_bad_assignments_are_counted_and_told(pipeline: Pipeline) -> None:
    people = [customer(f"c{n}", f"c{n}@mill.example") for n in range(40)]
    people.append(customer("c1 again", "c1@mill.example"))
    at, letters = "2026-05-01 08:00:00", {"campaign_id": "letters"}
    assignments = [
        assignment("c0", "letters", "holdout", at, **letters),
        assignment("c1", "letters", "holdout", at, **letters),
        assignment("c1 again", "letters", "treatment", at, **letters),
        assignment("c2", "letters", "treatment", at, **letters),
        assignment("c3", "letters", "treatment", "2026-06-20 08:00:00", **letters),
        assignment("nobody", "strangers", "blue", at),
        *(
            assignment(f"c{n}", "uneven", "control" if n < 4 else "a", at, **letters)
            for n in range(40)
        ),
    ]
    rows = {
        "customers": people,
        "orders": [order("c0", "2026-05-10", 10)],
        "experiment_assignments": assignments,
        "campaigns": [
            {
                "source_system": "default",
                "campaign_id": "letters",
                "name": "letters",
                "ended_at": datetime(2026, 5, 31),
                "_batch_id": "b1",
            }
        ],
        "message_events": [
            {
                "source_system": "default",
                "event_id": "m",
                "event_name": "sent",
                "channel": "email",
                "customer_ref": "c0",
                "campaign_id": "letters",
                "occurred_at": datetime(2026, 5, 2),
                "_batch_id": "b1",
            }
        ],
    }
    with pipeline.reduced_to(["experiment_results"]).run(rows, as_of=END_OF_JUNE) as connection:
        for name, (experiment, said) in WARNINGS.items():
            config = pipeline.tests[name]["config"]
            failing = connection.execute(pipeline.tests[name]["compiled_code"])
            shown = [column[0] for column in failing.description]
            assert set(config["meta"]["show"]) <= set(shown), name
            assert experiment in {row[1] for row in failing.fetchall()}, name
            assert said in config["meta"]["fault"], name
            assert config["meta"]["remedy"], name
            assert config["severity"].lower() == "warn", name
        counted = connection.execute(
            "select experiment_id, arm_size, control_size, control_contacted_count, "
            "several_arms_count, after_the_end_count, unknown_count, verdict, reason "
            "from experiment_results where metric = 'net_revenue' and method = 'difference' "
            "order by all"
        ).fetchall()
    assert counted == [
        ("letters", 1, 1, 1, 1, 1, 0, "cannot tell", "An arm has fewer than 100 customers."),
        (
            *("strangers", 1, 0, 0, 0, 0, 1, "cannot tell"),
            "No arm is the control: name it in seeds/experiment_designs.csv, or call it control "
            "or holdout.",
        ),
        (
            *("uneven", 36, 4, 1, 0, 0, 0, "invalid"),
            "The arms are not as large as planned (chi-square, p < 0.001): the draw or the files "
            "are broken.",
        ),
    ]


POSSIBLE = {
    "before_start": "2026-01-01",
    "before_end": "2026-01-31",
    "started_on": "2026-02-01",
    "after_start": "2026-03-01",
    "after_end": "2026-03-31",
}


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({}, None),
        ({"before_start": None}, "a date is missing"),
        (
            {"before_end": "2026-02-28"},
            "before_start, before_end, started_on, after_start, after_end are not in order",
        ),
        ({"after_end": "2026-03-30"}, "before and after are not whole months"),
        ({"segment_key": "no_such"}, "its segment_key is no segment that is on"),
        ({"margin_rate": "1.01"}, "its margin_rate is not from 0 to 1, or its cost is below 0"),
        (
            {"experiment_id": "x", "source_system": "s"},
            "it names an experiment without its source_system or experiment_arm",
        ),
    ],
)
def test_a_programme_that_is_not_possible_is_refused(
    values: dict[str, Any], fault: str | None, pipeline: Pipeline
) -> None:
    name = "assert_programmes_are_possible"
    row = {"programme": "p", "segment_key": "all", **POSSIBLE, **values}
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as work; use work; create schema reference")
        connection.execute(
            "create table reference.segmentation_programmes as "
            + rows_as_query(PROGRAMME_COLUMNS, [row])
        )
        connection.execute("create table main.kpi_segments as select 'all' as segment_key")
        assert [found[1] for found in pipeline.failing_rows(connection, name)] == (
            [fault] if fault else []
        )
    assert pipeline.tests[name]["config"]["severity"].lower() == "error"


def test_a_design_that_is_not_possible_is_refused(pipeline: Pipeline) -> None:
    name = "assert_experiment_designs_are_possible"
    with pipeline.seeds() as connection:
        assert pipeline.failing_rows(connection, name) == []
        connection.execute(
            "insert into reference.experiment_designs (source_system, experiment_id, control_arm, "
            "window_days) values ('s', 'no day', null, 0), ('s', 'no arm', 'blue', 1)"
        )
        connection.execute(
            "insert into reference.experiment_arms (source_system, experiment_id, arm, "
            "expected_share) values ('s', 'no arm', 'red', 0.5), ('s', 'no arm', 'green', 0)"
        )
        found = {row[1:] for row in pipeline.failing_rows(connection, name)}
    assert found == {
        ("no day", "window_days is below 1"),
        ("no arm", "expected_share is not above 0"),
        ("no arm", "control_arm is not among the arms of seeds/experiment_arms.csv"),
    }
    assert pipeline.tests[name]["config"]["severity"].lower() == "error"


# What a change rests on ----------------------------------------------------------------------

DECISION_COLUMNS = {
    "segment_key": "string",
    "definition_version": "string",
    "decided_on": "date",
    "decided_by": "string",
    "source_system": "string",
    "experiment_id": "string",
    "reason": "string",
}


def test_a_changed_definition_is_linked_to_the_experiment_that_it_rests_on(
    pipeline: Pipeline,
) -> None:
    """The version of today, after another one that a release published in May."""
    may = datetime(2026, 5, 31, 23, 59, 59, 999999)
    reduced = pipeline.reduced_to(["segment_definition_changes"])
    # 120 in either arm; who got the letters spent 10 more, and everybody something of their own.
    people = [(f"{arm} {number}", arm, number) for arm in ("control", "a") for number in range(120)]
    rows = {
        "orders": [
            order(ref, "2026-04-02", number % 5 + (11 if arm == "a" else 1))
            for ref, arm, number in people
        ],
        "experiment_assignments": [
            assignment(ref, "letters", arm, "2026-04-01 08:00:00") for ref, arm, _ in people
        ],
    }
    state = State(
        observations=[("vip", "seg_vip", may, "former", "published")],
        as_of=may,
    )
    with pipeline.seeds() as connection:
        (node,) = (node for node in pipeline.order if node["name"] == "segment_catalogue")
        versions = dict(
            connection.execute(
                f"select segment_key, definition_version from ({node['compiled_code']})"
            ).fetchall()
        )
    decided = {
        "segment_key": "vip",
        "definition_version": versions["vip"],
        "decided_on": "2026-06-15",
        "decided_by": "CRM",
        "source_system": "default",
        "experiment_id": "letters",
        "reason": "Letters pay",
    }
    changed = replaced(reduced, "segment_decisions", rows_as_query(DECISION_COLUMNS, [decided]))
    with changed.run(rows, as_of=END_OF_JUNE, state=state) as connection:
        found = connection.execute(
            "select changed_at, previous_version, definition_version, decided_by, reason, "
            "experiment_id, metric, arm, method, low > 0, effect between low and high, verdict "
            "from segment_definition_changes where segment_key = 'vip' order by changed_at"
        ).fetchall()
        others = connection.execute(
            "select distinct decided_on, verdict from segment_definition_changes "
            "where segment_key <> 'vip'"
        ).fetchall()
        told = changed.failing_rows(
            connection, "assert_decisions_are_of_versions_and_experiments_that_exist"
        )
    assert found == [
        (may, None, "former", *[None] * 9),
        (
            *(END_OF_JUNE, "former", versions["vip"], "CRM", "Letters pay"),
            *("letters", "net_revenue", "a", "cuped", True, True, "better"),
        ),
    ]
    assert others == [(None, None)]
    assert told == []
