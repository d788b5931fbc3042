"""What every KPI of 50 segments over 24 months costs, beside plain SQL for a few of them.

1,000,000 made-up customers with 20,000,000 orders over two years, in 50 segments whose members
change from month to month, three exclusive groups among them; 2,000,000 messages, 100,000 leads and
two years of spend. The project's KPI models make `segment_kpis` of all grains from these facts and
stays. The alternative is one statement for revenue, orders and retention by month alone: the list
of members of each month joined to its orders. Figures that both have must be the same.

Does not belong here: what facts, profiles and membership cost (profiles.py, segments.py).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import compiled_models
from measuring import (
    COSTS,
    PROJECT,
    costs,
    duckdb_settings,
    in_folder,
    load_line,
    machine,
    run_json,
    table,
    write_results,
)

HERE = Path(__file__).resolve().parent
AS_OF = "2025-12-31 23:59:59.999999"
FIRST = "2024-01-01"
_ZERO_DAY = f"date '{FIRST}'"

# What the KPI models read, made up here: every table with the columns that they name.
_GIVEN: dict[str, str] = {
    "fct_orders": """
        select
            's' as source_system, i::varchar as order_id,
            md5((hash(i) % {customers})::varchar) as customer_id, true as is_counting,
            (hash(i * 7) % 20000 / 100.0)::decimal(18, 4) as reporting_net_amount,
            false as has_discount,
            timestamp '{first}' + to_seconds((hash(i * 13) % 63158400)::bigint) as ordered_at,
            ({zero} + (hash(i * 13) % 63158400 // 86400)::int)::date as ordered_on
        from range({orders}) as r (i)
    """,
    "fct_refunds": """
        select
            customer_id, false as is_counting, reporting_net_amount as reporting_amount,
            ordered_at as refunded_at, ordered_on as refunded_on
        from main.fct_orders limit 0
    """,
    "fct_order_lines": """
        select
            's' as source_system, customer_id, null::varchar as category, ordered_at, ordered_on
        from main.fct_orders limit 0
    """,
    "fct_message_events": """
        select
            's' as source_system, i::varchar as event_id, 'm' || (i // 2) as message_key,
            md5((hash(i // 2) % {customers})::varchar) as customer_id,
            case when i % 2 = 0 then 'delivered' when hash(i) % 3 = 0 then 'clicked'
                else 'opened' end as event_name,
            'email' as channel, 'c' || (hash(i // 2) % 100) as campaign_id, false as is_promotional,
            null::date as previous_occurred_on,
            timestamp '{first}' + to_seconds((hash((i // 2) * 3) % 63158400)::bigint)
                as occurred_at,
            ({zero} + (hash((i // 2) * 3) % 63158400 // 86400)::int)::date as occurred_on
        from range({messages} * 2) as r (i)
    """,
    "fct_leads": """
        select
            's' as source_system, i::varchar as lead_id,
            md5((hash(i) % {customers})::varchar) as customer_id, null::varchar as source,
            timestamp '{first}' + to_seconds((hash(i * 5) % 63158400)::bigint) as created_at,
            ({zero} + (hash(i * 5) % 63158400 // 86400)::int)::date as created_on,
            case when hash(i) % 4 = 0 then
                timestamp '{first}' + to_seconds((hash(i * 5) % 63158400 + 86400)::bigint)
            end as converted_at,
            null::timestamp as lost_at
        from range({customers} // 10) as r (i)
    """,
    "fct_spend": """
        select
            's' as source_system, i::varchar as spend_key, 'paid_search' as channel,
            case when i % 5 = 0 then 'c' || (i % 100) end as campaign_id,
            null::varchar as cost_type, null::varchar as segment_key,
            12.34::decimal(18, 4) as reporting_amount, ({zero} + (i % 731)::int)::date as spent_on
        from range(7310) as r (i)
    """,
    "fct_web_days": """
        select
            customer_id, ordered_on as occurred_on, ordered_at as last_occurred_at,
            1 as session_count, 1 as page_view_count, 1 as product_view_count, 1 as seconds_on_site
        from main.fct_orders limit 0
    """,
    "fct_web_events": """
        select 's' as source_system, ordered_at as occurred_at, ordered_on as occurred_on
        from main.fct_orders limit 0
    """,
    "fct_cart_touches": """
        select
            customer_id, order_id as cart_key, ordered_at as touched_at, ordered_at as converted_at
        from main.fct_orders limit 0
    """,
    "fct_feedback": """
        select
            customer_id, 'mention' as kind, 1 as recommendation, 1::bigint as sentiment_millionths,
            ordered_at as occurred_at, ordered_on as occurred_on
        from main.fct_orders limit 0
    """,
    "fct_subscriptions": """
        select
            's' as source_system, order_id as subscription_id, customer_id, 'active' as status,
            1.0::decimal(18, 4) as reporting_monthly_amount, ordered_at as started_at,
            ordered_on as started_on, ordered_at as ended_at
        from main.fct_orders limit 0
    """,
    "known_customers": """
        select md5(i::varchar) as customer_id, null::date as first_seen_on
        from range({customers}) as r (i)
    """,
    "segment_catalogue": """
        select
            key as segment_key, 'seg_' || key as segment_model, 'v' as definition_version,
            'customer' as entity,
            case when number < 12 then 'group_' || number // 4 end as exclusive_group
        from (
            select unnest(range({segments}))::int as number, 's' || unnest(range({segments})) as key
        )
    """,
    "segment_observations": """
        select segment_key, as_of
        from main.segment_catalogue
        cross join (
            select (last_day(({zero} + to_months(m::int))::date) + 1)::timestamp - interval 1 second
                as as_of
            from range(24) as r (m)
        )
    """,
    # A stay lasts from one month end to another; of the groups one member holds at a time.
    "segment_stays": """
        with draws as (
            select
                customer_number, number, part,
                (hash(customer_number * 131 + number * 17 + part) % 12)::int as start
            from range({customers}) as c (customer_number)
            cross join range({segments}) as s (number)
            cross join range(2) as p (part)
            where
                case when number < 12
                    then hash(customer_number * 3 + number // 4 + part) % 4 = number % 4
                    else hash(customer_number * 7 + number * 11 + part) % 100 < 4 + number % 20
                end
        ),
        dated as (
            select
                's' || number as segment_key,
                case when number < 12 then 'group_' || number // 4 end as exclusive_group,
                md5(customer_number::varchar) as customer_id,
                last_day(({zero} + to_months(part * 12 + start % 10))::date) as valid_from_on,
                case when part = 0 then last_day(({zero} + to_months(11))::date)
                    when start > 8 then last_day(({zero} + to_months(22))::date) end as valid_to_on
            from draws
        )
        select
            *, 'customer' as entity, true as is_listed, valid_from_on::timestamp as valid_from,
            valid_to_on::timestamp as valid_to
        from dated
    """,
    # No business customers, as most have none.
    "accounts": """
        select null::varchar as account_id, null::timestamp as first_seen_at limit 0
    """,
    "account_segment_membership_history": """
        select
            null::varchar as segment_key, null::varchar as account_id,
            null::timestamp as valid_from, null::timestamp as valid_to
        limit 0
    """,
    "segment_sizes": """
        select segment_key, as_of, 0::bigint as entered_count, 0::bigint as exited_count
        from main.segment_observations
    """,
}

_BY_HAND = """
    create table main.by_hand as
    with months as (
        select ({zero} + to_months(m::int))::date as period_start from range(24) as r (m)
    ),
    members as (
        select months.period_start, stays.segment_key, stays.customer_id
        from months inner join main.segment_stays as stays
            on months.period_start > stays.valid_from_on
            and (stays.valid_to_on is null or months.period_start <= stays.valid_to_on)
    ),
    bought as (
        select date_trunc('month', ordered_on)::date as period_start, customer_id,
            sum(reporting_net_amount) as revenue, count(*) as orders
        from main.fct_orders group by all
    ),
    active as (
        select distinct months.period_start, orders.customer_id
        from months inner join main.fct_orders as orders
            on orders.ordered_on >= months.period_start - 365
            and orders.ordered_on < months.period_start
    )
    select
        members.segment_key, members.period_start, sum(coalesce(bought.revenue, 0)) as revenue,
        sum(coalesce(bought.orders, 0)) as orders, count(active.customer_id) as active_at_start,
        count(active.customer_id) filter (where bought.orders > 0) as retained
    from members
    left join bought using (period_start, customer_id)
    left join active using (period_start, customer_id)
    group by all
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=20_000_000)
    parser.add_argument("--messages", type=int, default=2_000_000)
    parser.add_argument("--segments", type=int, default=50)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-limit", default="6GB", help="of DuckDB, for both")
    parser.add_argument("--folder", help="keeps the data in this folder for the next run")
    return parser


def _sizes(parsed: argparse.Namespace) -> dict[str, Any]:
    return {**vars(parsed), "zero": _ZERO_DAY, "first": FIRST}


def _inputs(parsed: argparse.Namespace, folder: Path) -> Path:
    sizes = (parsed.customers, parsed.orders, parsed.messages, parsed.segments)
    return folder / f"inputs-{'-'.join(map(str, sizes))}.duckdb"


def _make_inputs(parsed: argparse.Namespace, folder: Path) -> None:
    """Write what the models read, in a process of its own: its memory is not that of the models."""
    path = _inputs(parsed, folder)
    if path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    request = {
        "inputs": None,
        "database": str(unfinished),
        "alias": "work",
        "settings": duckdb_settings(parsed, folder),
        "prepare": [],
        "steps": [
            {"name": name, "sql": f"create table main.{name} as {sql.format(**_sizes(parsed))}"}
            for name, sql in _GIVEN.items()
        ],
        "queries": {},
    }
    run_json([sys.executable, str(HERE / "run_statements.py")], request, what="the data")
    unfinished.rename(path)


def _requests(parsed: argparse.Namespace, folder: Path) -> dict[str, dict[str, Any]]:
    manifest = compiled_models.compile_project(PROJECT, folder / "compiled")
    order, sources = compiled_models.ancestors(manifest, ("segment_kpis",), tuple(_GIVEN))
    schemas, steps = compiled_models.build_steps(manifest, order, PROJECT)
    sizes = _sizes(parsed)
    prepare = [
        *schemas,
        *compiled_models.source_statements(manifest, sources),
        *(f"create view main.{name} as select * from inputs.main.{name}" for name in _GIVEN),
        "insert into run.settings (run_id, as_of, business_time_zone, reporting_currency) "
        f"values ('r', '{AS_OF}', 'UTC', 'EUR')",
        f"insert into run.as_of_spine (as_of, basis) values ('{AS_OF}', 'published')",
    ]
    contenders = {
        "project, every KPI": [{"name": step.name, "sql": step.sql} for step in steps],
        "by hand, four sums by month": [
            {"name": "by_hand", "sql": _BY_HAND.format(**sizes)},
        ],
    }
    queries = {
        "project, every KPI": """
            select kpi, sum(numerator)::varchar, sum(denominator)::varchar
            from main.segment_kpis inner join main.segment_catalogue using (segment_key)
            where period_grain = 'month' and kpi in ('revenue', 'retention_rate') group by kpi
            order by kpi
        """,
        "by hand, four sums by month": """
            select 'retention_rate', sum(retained)::decimal(38, 4)::varchar,
                sum(active_at_start)::decimal(38, 4)::varchar from main.by_hand
            union all select 'revenue', sum(revenue)::decimal(38, 4)::varchar, null
                from main.by_hand
            order by 1
        """,
    }
    return {
        name: {
            "inputs": str(_inputs(parsed, folder)),
            "database": str(folder / "kpis.duckdb"),
            "alias": "work",
            "settings": duckdb_settings(parsed, folder),
            "prepare": prepare,
            "steps": contender,
            "queries": {"figures": queries[name]},
        }
        for name, contender in contenders.items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status is 0 when both found the same figures."""
    parsed = _parser().parse_args(arguments)
    return in_folder(partial(_benchmark, parsed), parsed.folder)


def _benchmark(parsed: argparse.Namespace, folder: Path) -> int:
    print("making the data ...", flush=True)
    _make_inputs(parsed, folder)
    before = machine()
    print("compiling the project ...", flush=True)
    requests = _requests(parsed, folder)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in requests}
    for number in range(parsed.runs):
        for name, request in requests.items():
            print(f"run {number + 1} of {parsed.runs}: {name} ...", flush=True)
            Path(request["database"]).unlink(missing_ok=True)
            child = [sys.executable, str(HERE / "run_statements.py")]
            runs[name].append(run_json(child, request, what=name))
    after = machine()
    print(
        f"\n{parsed.customers:,} customers, {parsed.orders:,} orders, {parsed.segments} segments, "
        f"24 months; {parsed.runs} runs in turns\n"
    )
    print(table(["contender", *COSTS], [[name, *costs(found)] for name, found in runs.items()]))
    print(load_line(before, after))
    steps = sorted(runs["project, every KPI"][0]["steps"].items(), key=lambda item: -item[1])[:8]
    print("dearest: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in steps))
    path = write_results("kpis", {"machine": [before, after], "runs": runs})
    print(f"written to {path.relative_to(PROJECT)}")
    found = {str(run["queries"]["figures"]) for each in runs.values() for run in each}
    if len(found) != 1:
        print(f"benchmark: the contenders found different figures: {found}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
