"""What must not change the result: order, names, batches, and what comes later.

Each test runs the project's SQL twice, on a business and on the same business told differently, so
that nothing here depends on a second reading of the definitions. Does not belong here: whether the
figures are right (test_recomputation.py).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import business as parts_of_business
import duckdb
import oracle
from business import ALL_PARTS, NOON, Business, Shop, businesses
from conftest import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle_rows import latest, latest_lines
from pipeline import Pipeline

Row = Mapping[str, Any]
Rows = dict[str, list[dict[str, Any]]]

# An example is two runs of one to two seconds; the seeds are fresh in every session of the suite.
few_examples = settings(
    max_examples=examples(3, 5),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

KEYS = {
    "customers": ("source_system", "customer_ref"),
    "orders": ("source_system", "order_id"),
    "refunds": ("source_system", "refund_id"),
}
# Everything that is said of a customer at an instant.
CUSTOMER_MODELS = ("customer_profiles", "rfm_scores", "segment_membership_observed")
CUSTOMER_TABLES = {
    "customer_profiles": "select customer_id, * exclude (customer_id) from customer_profiles",
    "rfm_scores": "select customer_id, * exclude (customer_id) from rfm_scores",
    "memberships": (
        "select member_id, as_of, segment_model, segment_key from segment_membership_observed"
    ),
}


def rows_of(raw: oracle.Raw) -> Rows:
    return {
        "customers": [dict(row) for row in raw.customers],
        "orders": [dict(row) for row in raw.orders],
        "order_lines": [dict(row) for row in raw.order_lines],
        "refunds": [dict(row) for row in raw.refunds],
        "fx_rates": [dict(row) for row in raw.fx_rates],
    }


def run(
    pipeline: Pipeline,
    business: Business,
    rows: Rows,
    *,
    as_of: datetime | None = None,
    instants: Sequence[datetime] = (),
    only: Sequence[str] = CUSTOMER_MODELS,
) -> duckdb.DuckDBPyConnection:
    return pipeline.run(
        rows,
        as_of=as_of or business.as_of,
        instants=instants,
        time_zone=business.raw.time_zone,
        currency="GBP",
        only=only,
    )


def tables(
    connection: duckdb.DuckDBPyConnection,
    *,
    at: datetime | None = None,
    renamed: Callable[[str], str] = str,
) -> dict[str, list[tuple[Any, ...]]]:
    """Every table about customers, sorted, with customer ids translated."""
    result = {}
    for name, query in CUSTOMER_TABLES.items():
        where = f" where as_of = timestamp '{at}'" if at else ""
        found = connection.execute(query + where).fetchall()
        result[name] = sorted(((renamed(row[0]), *row[1:]) for row in found), key=repr)
    return result


def shuffled(rows: Rows, rng: random.Random) -> Rows:
    return {entity: rng.sample(held, len(held)) for entity, held in rows.items()}


def has_no_shared_email(business: Business) -> bool:
    """Between records that share an e-mail the reference decides an exact tie, by definition."""
    return "email_of_several_records" not in business.oddities


# Names and order -----------------------------------------------------------------------------


def renamed_rows(rows: Rows, ref: Callable[[str], str]) -> Rows:
    """Other references, order and refund ids, and e-mails, for the same people and doings."""
    new_names: dict[str, Callable[[str], str]] = {
        "customer_ref": ref,
        "order_id": lambda text: f"z{text[::-1]}",
        "refund_id": lambda text: text[::-1],
        "email": lambda text: f"{text.rstrip()}.test",
    }
    return {
        entity: [
            {
                column: new_names[column](value) if column in new_names and value else value
                for column, value in row.items()
            }
            for row in held
        ]
        for entity, held in rows.items()
    }


def id_translation(rows: Rows, ref: Callable[[str], str]) -> dict[str, str]:
    """From the customer ids of the rows to those of `renamed_rows`."""
    translation = {}
    for held in rows.values():
        for row in held:
            if row.get("customer_ref"):
                old, system = row["customer_ref"], row["source_system"]
                translation[oracle.customer_id(("ref", system, old))] = oracle.customer_id(
                    ("ref", system, ref(old))
                )
            if row.get("email"):
                email = row["email"].strip().lower()
                translation[oracle.customer_id(("email", email))] = oracle.customer_id(
                    ("email", f"{email}.test")
                )
    return translation


@few_examples
@given(
    business=businesses().filter(has_no_shared_email),
    rng=st.randoms(use_true_random=False),
    keeps_order=st.booleans(),
)
def test_neither_the_order_of_rows_nor_their_ids_decide_anything(
    pipeline: Pipeline, business: Business, rng: random.Random, keeps_order: bool
) -> None:
    def ref(text: str) -> str:
        return f"c{text}" if keeps_order else f"c{text[::-1]}"

    rows = rows_of(business.raw)
    told = run(pipeline, business, rows)
    retold = run(pipeline, business, shuffled(renamed_rows(rows, ref), rng))
    translation = id_translation(rows, ref)
    assert tables(told, renamed=lambda old: translation[old]) == tables(retold)


@few_examples
@given(business=businesses(parts=ALL_PARTS), rng=st.randoms(use_true_random=False))
def test_the_order_of_rows_of_no_input_decides_anything(
    pipeline: Pipeline, business: Business, rng: random.Random
) -> None:
    rows = {entity: [dict(row) for row in held] for entity, held in business.raw.entities().items()}
    assert tables(run(pipeline, business, rows)) == tables(
        run(pipeline, business, shuffled(rows, rng))
    )


@few_examples
@given(business=businesses())
def test_customers_who_did_the_same_have_the_same_scores(
    pipeline: Pipeline, business: Business
) -> None:
    connection = run(pipeline, business, rows_of(business.raw), only=["rfm_scores"])
    told_apart = connection.execute(
        "select recency_days, frequency, monetary, count(distinct (rfm_score, rfm_segment)) "
        "from rfm_scores group by all having count(distinct (rfm_score, rfm_segment)) > 1"
    ).fetchall()
    assert told_apart == []
    # More money, more orders, or less time since never makes a lower score.
    reversals = connection.execute(
        "select a.customer_id, b.customer_id from rfm_scores a, rfm_scores b where "
        "(a.monetary > b.monetary and a.monetary_score < b.monetary_score) "
        "or (a.frequency > b.frequency and a.frequency_score < b.frequency_score) "
        "or (a.recency_days < b.recency_days and a.recency_score < b.recency_score)"
    ).fetchall()
    assert reversals == []


# What comes later ----------------------------------------------------------------------------


def order_times(rows: Rows) -> dict[tuple[str, str], datetime]:
    """When each order was: its header's time, else that of its earliest line."""
    times: dict[tuple[str, str], datetime] = {}
    for row in rows["order_lines"]:
        key = (row["source_system"], row["order_id"])
        if row["ordered_at"] is not None:
            times[key] = min(times.get(key, row["ordered_at"]), row["ordered_at"])
    for row in rows["orders"]:
        times[row["source_system"], row["order_id"]] = row["ordered_at"]
    return times


def latest_form(business: Business) -> Rows:
    """The records that hold: as occurred, a correction counts also before it was made."""
    raw = business.raw
    lines = latest_lines(raw.order_lines).values()
    return {
        "customers": [dict(row) for row in latest(raw.customers, KEYS["customers"])],
        "orders": [dict(row) for row in latest(raw.orders, KEYS["orders"])],
        "order_lines": [dict(line) for held in lines for line in held],
        "refunds": [dict(row) for row in latest(raw.refunds, KEYS["refunds"])],
        "fx_rates": [dict(row) for row in raw.fx_rates],
    }


def known_by(rows: Rows, instant: datetime) -> Rows:
    """Orders and refunds up to an instant. Customer records stay: identity is the latest known."""
    times = order_times(rows)

    def is_known(row: Row) -> bool:
        return times.get((row["source_system"], row["order_id"]), instant) <= instant

    return {
        "customers": rows["customers"],
        "orders": [row for row in rows["orders"] if is_known(row)],
        "order_lines": [row for row in rows["order_lines"] if is_known(row)],
        "refunds": [row for row in rows["refunds"] if row["refunded_at"] <= instant],
        "fx_rates": rows["fx_rates"],
    }


def without_refunds_before_their_order(rows: Rows) -> Rows:
    """Whose such a refund is, and whether it counts, is learned from the order that comes later."""
    times = order_times(rows)
    headers = {(row["source_system"], row["order_id"]) for row in rows["orders"]}
    for row in rows["order_lines"]:
        key = (row["source_system"], row["order_id"])
        if key not in headers and row["ordered_at"] is not None:
            # Without a header the last line may still change whom the order names.
            times[key] = max(times[key], row["ordered_at"])
    return {
        **rows,
        "refunds": [
            row
            for row in rows["refunds"]
            if times.get((row["source_system"], row["order_id"]), datetime.min)
            <= row["refunded_at"]
        ],
    }


@few_examples
@given(
    business=businesses().filter(has_no_shared_email),
    days_earlier=st.one_of(st.integers(1, 60), st.integers(1, 500)),
    to_the_microsecond=st.booleans(),
    data=st.data(),
)
def test_an_earlier_as_of_knows_nothing_of_what_came_later(
    pipeline: Pipeline,
    business: Business,
    days_earlier: int,
    to_the_microsecond: bool,
    data: st.DataObject,
) -> None:
    rows = without_refunds_before_their_order(latest_form(business))
    earlier = business.as_of - timedelta(days=days_earlier)
    times = sorted(time for time in order_times(rows).values() if time < business.as_of)
    if to_the_microsecond and times:
        # The very instant of an order, or the last one before it.
        earlier = data.draw(st.sampled_from(times)) - data.draw(
            st.sampled_from((timedelta(), timedelta(microseconds=1)))
        )
    within = run(pipeline, business, rows, instants=[earlier])
    truncated = run(pipeline, business, known_by(rows, earlier), as_of=earlier)
    assert tables(within, at=earlier) == tables(truncated, at=earlier)


# Batches -------------------------------------------------------------------------------------


def in_batches(rows: Rows, rng: random.Random, batches: int) -> Rows:
    """Each record in any batch; the lines of an order stay together, as a file brings them."""
    batch_of: dict[tuple[str, str], str] = {}
    result: Rows = {}
    for entity, held in rows.items():
        result[entity] = []
        for number, row in enumerate(rng.sample(held, len(held))):
            batch = f"batch-{rng.randrange(batches)}"
            if entity == "order_lines":
                batch = batch_of.setdefault((row["source_system"], row["order_id"]), batch)
            result[entity].append(row | {"_batch_id": batch, "_line_number": number})
    return result


def with_earlier_versions(rows: Rows, rng: random.Random) -> Rows:
    """Some orders get an older record beside them, told apart by updated_at."""
    orders = []
    for row in rows["orders"]:
        if rng.random() < 0.3:
            updated_at = datetime(2030, 1, 1, 12)
            orders.append(row | {"updated_at": updated_at})
            older = {"net_amount": Decimal("77777.0000"), "status": "test"}
            orders.append(row | older | {"updated_at": updated_at - timedelta(microseconds=1)})
        else:
            orders.append(row)
    return {**rows, "orders": orders}


@few_examples
@given(
    business=businesses(),
    rng=st.randoms(use_true_random=False),
    batches=st.integers(2, 6),
)
def test_files_in_any_order_give_what_one_file_gives(
    pipeline: Pipeline, business: Business, rng: random.Random, batches: int
) -> None:
    rows = latest_form(business)
    others = ("segment_kpis", "cohort_retention", "segment_sizes", "segment_events")
    needed = (*CUSTOMER_MODELS, *others)
    at_once = run(pipeline, business, in_batches(rows, rng, 1), only=needed)
    split = in_batches(with_earlier_versions(rows, rng), rng, batches)
    piece_by_piece = run(pipeline, business, split, only=needed)
    assert tables(at_once) == tables(piece_by_piece)
    for table in others:
        query = f"select * from {table} order by all"
        assert at_once.execute(query).fetchall() == piece_by_piece.execute(query).fetchall(), table


# Money ---------------------------------------------------------------------------------------

# Headers that count and their refunds, each record once, none refunded before its order: what came
# in is a plain sum over the rows.
PLAIN_PARTS: tuple[Callable[[Shop], None], ...] = (
    parts_of_business.regular,
    parts_of_business.occasional,
    parts_of_business.former,
    parts_of_business.ties,
    parts_of_business.several_orders_one_day,
    parts_of_business.refund_over_period_end,
    parts_of_business.refund_bigger_than_order,
    parts_of_business.order_by_email_only,
    parts_of_business.email_only_order_of_a_record,
    parts_of_business.near_midnight,
    parts_of_business.daylight_saving,
    parts_of_business.window_edges,
    parts_of_business.order_after_as_of,
    parts_of_business.discounts,
)


def anonymous(shop: Shop) -> None:
    """An order of nobody, partly given back, to the last of the four places."""
    day = shop.day()
    order = shop.order(None, day, ordered_at=shop.at(day, NOON), net_amount=Decimal("0.0333"))
    shop.refund_of(order, day, Decimal("0.0111"), refunded_at=shop.at(day, NOON))


@st.composite
def plain_businesses(draw: st.DrawFn) -> Business:
    parts = draw(st.lists(st.sampled_from((*PLAIN_PARTS, anonymous)), min_size=1, max_size=10))
    return parts_of_business.build(draw(st.randoms(use_true_random=False)), parts)


def raw_revenue(rows: Rows, as_of: datetime) -> Decimal:
    def total(held: Iterable[Row], amount: str, at: str) -> Decimal:
        return sum((row[amount] for row in held if row[at] <= as_of), Decimal(0))

    return total(rows["orders"], "net_amount", "ordered_at") - total(
        rows["refunds"], "amount", "refunded_at"
    )


@few_examples
@given(business=plain_businesses())
def test_revenue_is_the_same_to_the_cent_from_raw_rows_to_kpis(
    pipeline: Pipeline, business: Business
) -> None:
    rows = rows_of(business.raw)
    ledger = oracle.resolve_orders(business.raw)
    connection = run(
        pipeline,
        business,
        rows,
        instants=oracle.month_ends(ledger, business.as_of),
        only=["segment_kpis"],
    )
    expected = raw_revenue(rows, business.as_of)
    totals = dict(
        connection.execute(
            "select segment_key, sum(value) from segment_kpis "
            "where kpi = 'revenue' and period_grain = 'month' group by segment_key"
        ).fetchall()
    )
    assert (totals.get("all") or Decimal(0)) == expected

    of_nobody = connection.execute(
        "select coalesce(sum(net_revenue), 0) from fct_revenue "
        "where customer_id is null and occurred_at <= ?",
        [business.as_of],
    ).fetchone()
    assert of_nobody is not None
    groups = connection.execute(
        "select exclusive_group, list(segment_key) from segment_catalogue "
        "where exclusive_group is not null group by exclusive_group"
    ).fetchall()
    assert {group for group, _ in groups} == {"rfm", "lifecycle", "loyalty"}
    for group, members in groups:
        held = sum(
            (totals.get(key) or Decimal(0) for key in (*members, f"{group}_none")), Decimal(0)
        )
        assert held + of_nobody[0] == expected, group
