"""RFM against figures that others published, and against its own table, map by map.

Does not belong here: the scores of random businesses (test_recomputation.py), and the edges of one
model (models/rfm/_unit_tests.yml).
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import duckdb
import oracle
import pytest
from business import every_oddity
from pipeline import PROJECT, Pipeline, compile_project

Row = dict[str, Any]

R_AS_OF = datetime(2006, 12, 31, 23, 59, 59, 999999)
TODAY = date(2026, 6, 30)
AS_OF = datetime.combine(TODAY, time.max)
SCORES = range(1, 6)
OFFSET = 1

LOOKED_AT = (
    "customer_profiles",
    "rfm_cut_points",
    "rfm_scores",
    "segment_catalogue",
    "segment_membership",
    "segments",
)


def rows_of(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def seed(name: str) -> list[dict[str, str]]:
    with (PROJECT / "seeds" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def order(ref: str, days_ago: int, amount: Decimal | int, number: int = 0) -> Row:
    return {
        "order_id": f"{ref}/{days_ago}/{number}",
        "ordered_at": datetime.combine(TODAY - timedelta(days=days_ago), time(12)),
        "customer_ref": ref,
        "source_system": "default",
        "net_amount": Decimal(amount),
        "_batch_id": "b1",
        "_line_number": 1,
    }


def score_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[Any, ...]]:
    return {
        row[0]: row[1:]
        for row in rows_of(
            connection,
            "select customer_id, recency_days, frequency, monetary, recency_score, "
            "frequency_score, monetary_score, rfm_score, rfm_segment from rfm_scores",
        )
    }


def id_of(ref: str) -> str:
    return oracle.customer_id(("ref", "default", ref))


# The published scores of the R package rfm ---------------------------------------------------


@pytest.fixture(scope="module")
def published(real_data: Path) -> list[dict[str, str]]:
    with (real_data / "rfm_orders" / "published_scores.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def scored_as_r_does(
    pipeline_with: Callable[..., Pipeline], real_data: Path
) -> duckdb.DuckDBPyConnection:
    """The published orders through the models, with the settings of the R package."""
    made = pipeline_with(LOOKED_AT, rfm_window_days=None, rfm_cut_point_offset=1, rfm_map="r")
    first, *rest = made.order
    connection = made.run({}, as_of=R_AS_OF, only=first["name"])
    # 4,906 rows are read by the engine; one by one they would take longer than all models.
    connection.execute(
        "insert into raw.orders (order_id, ordered_at, customer_ref, source_system, net_amount, "
        "_batch_id, _line_number) "
        "select row_number() over (), cast(order_date as timestamp), customer_id, 'default', "
        "cast(revenue as decimal(18, 4)), 'b1', row_number() over () "
        f"from read_csv('{real_data / 'rfm_orders' / 'orders.csv'}', all_varchar = true)"
    )
    for node in rest:
        made._build(connection, node)
    return connection


def key_of(published_name: str) -> str:
    """`Can't Lose Them` is cant_lose_them; our potential loyalists are several."""
    key = published_name.lower().replace("'", "").replace(" ", "_")
    return "potential_loyalists" if key == "potential_loyalist" else key


def test_the_995_published_scores_and_segments_come_out_exactly(
    scored_as_r_does: duckdb.DuckDBPyConnection, published: list[dict[str, str]]
) -> None:
    expected = {
        id_of(row["customer_id"]): (
            int(row["recency_days"]),
            int(row["transaction_count"]),
            Decimal(row["amount"]),
            int(row["recency_score"]),
            int(row["frequency_score"]),
            int(row["monetary_score"]),
            int(row["rfm_score"]),
            key_of(row["segment"]),
        )
        for row in published
    }
    assert len(expected) == 995
    assert score_rows(scored_as_r_does) == expected


def test_the_published_cut_points_come_out_exactly(
    scored_as_r_does: duckdb.DuckDBPyConnection,
) -> None:
    cuts: dict[str, list[Decimal]] = {}
    for metric, cut in rows_of(
        scored_as_r_does, "select metric, cut_point from rfm_cut_points order by metric, cut_number"
    ):
        cuts.setdefault(metric, []).append(cut)
    # The published ones are these plus the offset of 1.
    published = {
        "recency": ("115", "181", "297.4", "482"),
        "frequency": ("4", "5", "6", "8"),
        "monetary": ("255.8", "382", "506.4", "666"),
    }
    assert {metric: [cut + OFFSET for cut in values] for metric, values in cuts.items()} == {
        metric: [Decimal(value) for value in values] for metric, values in published.items()
    }


def test_the_published_segments_are_the_segments_a_reader_gets(
    scored_as_r_does: duckdb.DuckDBPyConnection, published: list[dict[str, str]]
) -> None:
    sizes = dict(
        rows_of(
            scored_as_r_does,
            "select segment_key, member_count from segments where exclusive_group = 'rfm'",
        )
    )
    counted = Counter(f"rfm_{key_of(row['segment'])}" for row in published)
    assert sizes == {f"rfm_{key}": counted[f"rfm_{key}"] for key in oracle.RFM_MAPS["r"][1]}
    assert sum(sizes.values()) == 995
    assert sizes["rfm_champions"] == 35
    assert sizes["rfm_others"] == 0


# The maps ------------------------------------------------------------------------------------


def default_cell(r: int, f: int, m: int) -> str:
    """The table of the definitions, read from its columns: a second reading beside the oracle's."""
    columns: Sequence[tuple[bool, tuple[str, str, str]]] = (
        (f >= 4 and m >= 4, ("champions", "loyal_customers", "cant_lose_them")),
        (f >= 3 and m >= 4, ("loyal_customers", "loyal_customers", "at_risk")),
        (f >= 3 and m <= 3, ("potential_loyalists", "need_attention", "at_risk")),
        (f <= 2 and m >= 3, ("promising", "need_attention", "at_risk")),
        (f <= 2 and m <= 2, ("new_customers", "about_to_sleep", "lost")),
    )
    column = next(names for fits, names in columns if fits)
    return column[0 if r >= 4 else 1 if r == 3 else 2]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("default", default_cell),
        ("default", oracle.rfm_map_default),
        ("r", oracle.rfm_map_r),
    ],
)
def test_a_map_has_each_of_the_125_cells_once(
    name: str, cell: Callable[[int, int, int], str]
) -> None:
    rows = [
        (
            int(row["recency_score"]),
            int(row["frequency_score"]),
            int(row["monetary_score"]),
            row["rfm_segment"],
        )
        for row in seed(f"rfm_map_{name}")
    ]
    assert sorted(rows) == [(r, f, m, cell(r, f, m)) for r, f, m in product(SCORES, repeat=3)]


@pytest.mark.parametrize("name", ["default", "r"])
def test_every_segment_of_a_map_is_described_and_every_described_one_is_in_the_map(
    name: str,
) -> None:
    described = {
        row["member"]
        for row in seed("segment_group_members")
        if row["exclusive_group"] == "rfm" and row["variant"] == name
    }
    assert described == {row["rfm_segment"] for row in seed(f"rfm_map_{name}")}


# Nobody, one, all equal ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([], {}),
        ([order("c", 365, 10)], {}),
        ([order("c", 0, 10)], {"c": 511}),
        ([order("c", 364, -10)], {"c": 511}),
        ([order(ref, 7, 10) for ref in "abc"], {"a": 511, "b": 511, "c": 511}),
        (
            # A value that most share gets the lowest score it can.
            [order("a", 9, 10, 2), *(order(ref, 9, 10) for ref in "abcde")],
            {"a": 555, "b": 511, "c": 511, "d": 511, "e": 511},
        ),
    ],
    ids=["nobody", "nobody in the window", "one", "one with a loss", "all equal", "a tie of most"],
)
def test_scores_at_the_edges(
    pipeline: Pipeline, orders: list[Row], expected: dict[str, int]
) -> None:
    connection = pipeline.run({"orders": orders}, as_of=AS_OF, only="rfm_scores")
    found = {customer: row[6] for customer, row in score_rows(connection).items()}
    assert found == {id_of(ref): score for ref, score in expected.items()}


# Rank bands: Artisan Coffee Beans ------------------------------------------------------------


def customers_of_distinct_rank() -> list[Row]:
    """100 customers whose three ranks sum to 100 different numbers.

    Recency falls one day a customer. The money rotates within each three neighbours, so that their
    sums are 2k + 1, 2k + 3 and 2k + 2: distinct, and not in the order of the days. Orders fall from
    five to one.
    """
    rows = []
    for place in range(100):
        start = place - place % 3
        money_rank = start + (place + 1) % 3 if start < 99 else place
        count = 5 - place // 20
        total = Decimal(10_000 - 50 * money_rank)
        ref = f"{(37 * place) % 100:02d}"  # ids say nothing about rank
        rows += [order(ref, 2 * place, total / count, number) for number in range(count)]
    return rows


def competition_ranks(values: dict[str, Fraction]) -> dict[str, int]:
    """1 for the greatest; equal values share the rank of the first of them."""
    return {
        who: 1 + sum(other > value for other in values.values()) for who, value in values.items()
    }


def best_first(rows: Iterable[Row]) -> list[str]:
    """Refs by the sum of their three ranks, which must be distinct."""
    latest: dict[str, Fraction] = {}
    count: Counter[str] = Counter()
    money: dict[str, Fraction] = {}
    for row in rows:
        ref = row["customer_ref"]
        at = Fraction((row["ordered_at"] - datetime(2000, 1, 1)).days)
        latest[ref] = max(at, latest.get(ref, at))
        count[ref] += 1
        money[ref] = money.get(ref, Fraction(0)) + Fraction(row["net_amount"])
    ranks = [
        competition_ranks(latest),
        competition_ranks({ref: Fraction(n) for ref, n in count.items()}),
        competition_ranks(money),
    ]
    composite = {ref: sum(rank[ref] for rank in ranks) for ref in latest}
    assert len(set(composite.values())) == len(composite) == 100
    return sorted(composite, key=lambda ref: composite[ref])


@pytest.fixture(scope="module")
def rank_bands(pipeline_with: Callable[..., Pipeline]) -> Pipeline:
    return pipeline_with(LOOKED_AT, rfm_method="rank_bands")


@pytest.fixture(scope="module")
def artisan(rank_bands: Pipeline) -> duckdb.DuckDBPyConnection:
    return rank_bands.run({"orders": customers_of_distinct_rank()}, as_of=AS_OF)


def test_each_of_the_five_bands_of_100_customers_has_exactly_20(
    artisan: duckdb.DuckDBPyConnection,
) -> None:
    ranked = best_first(customers_of_distinct_rank())
    expected = {
        f"rfm_{name}": {id_of(ref) for ref in ranked[20 * band : 20 * band + 20]}
        for band, name in enumerate(oracle.RANK_BANDS)
    }
    listed: dict[str, set[str]] = {}
    for key, customer in rows_of(
        artisan,
        "select segment_key, customer_id from segment_membership where segment_key like 'rfm%'",
    ):
        listed.setdefault(key, set()).add(customer)
    assert listed == expected
    sizes = rows_of(
        artisan, "select segment_key, member_count from segments where exclusive_group = 'rfm'"
    )
    assert sorted(sizes) == sorted((f"rfm_{name}", 20) for name in oracle.RANK_BANDS)


def test_on_average_each_band_is_better_than_the_next_in_all_three(
    artisan: duckdb.DuckDBPyConnection,
) -> None:
    averages = {
        name: (days, count, money)
        for name, days, count, money in rows_of(
            artisan,
            "select rfm_segment, avg(recency_days), avg(frequency), avg(monetary) "
            "from rfm_scores group by rfm_segment",
        )
    }
    assert set(averages) == set(oracle.RANK_BANDS)
    for better, worse in pairwise(oracle.RANK_BANDS):
        assert averages[better][0] < averages[worse][0], f"{better} is not more recent than {worse}"
        assert averages[better][1] > averages[worse][1], f"{better} buys no oftener than {worse}"
        assert averages[better][2] > averages[worse][2], f"{better} spends no more than {worse}"


def test_customers_with_one_composite_share_a_band(rank_bands: Pipeline) -> None:
    """Seven who did the same, and three who did worse: nobody is told apart by an id."""
    rows = [order(f"same {n}", 3, 50) for n in range(7)]
    rows += [order(f"worse {n}", 30 + n, 10 - n) for n in range(3)]
    connection = rank_bands.run({"orders": rows}, as_of=AS_OF, only="rfm_scores")
    found = {customer: row[7] for customer, row in score_rows(connection).items()}
    # 0, 7, 8 and 9 of 10 customers are strictly better: bands 1, 4, 5 and 5.
    assert found == {
        **{id_of(f"same {n}"): "champions" for n in range(7)},
        id_of("worse 0"): "new_customers",
        id_of("worse 1"): "at_risk",
        id_of("worse 2"): "at_risk",
    }


# Switching the method ------------------------------------------------------------------------


def fixed_cut_points() -> dict[str, list[Decimal]]:
    cuts: dict[str, list[Decimal]] = {}
    for row in sorted(
        seed("rfm_fixed_cut_points"), key=lambda row: (row["metric"], int(row["cut_number"]))
    ):
        cuts.setdefault(row["metric"], []).append(Decimal(row["cut_point"]))
    return cuts


@pytest.fixture(scope="module")
def fixed(pipeline_with: Callable[..., Pipeline]) -> Pipeline:
    return pipeline_with(LOOKED_AT, rfm_method="fixed")


def test_fixed_cut_points_come_from_the_seed_whoever_else_buys(fixed: Pipeline) -> None:
    """On a cut point is not above it, and no customer moves another's score."""
    rows = [
        order("on all first", 30, 50),
        order("above all first", 31, Decimal("25.0001"), 1),
        order("above all first", 31, Decimal("25"), 2),
        *(order("best", 0, 200, number) for number in range(9)),
    ]
    both = fixed.run({"orders": rows}, as_of=AS_OF, only="rfm_scores")
    scores = {customer: row[3:6] for customer, row in score_rows(both).items()}
    assert scores == {
        id_of("on all first"): (5, 1, 1),
        id_of("above all first"): (4, 2, 2),
        id_of("best"): (5, 5, 5),
    }
    alone = fixed.run({"orders": rows[:1]}, as_of=AS_OF, only="rfm_scores")
    assert score_rows(alone) == {
        id_of("on all first"): score_rows(both)[id_of("on all first")],
    }


def test_switching_the_method_changes_scores_and_what_is_made_of_them_only(
    pipeline: Pipeline, fixed: Pipeline
) -> None:
    business = every_oddity(11)
    raw = business.raw.entities()
    built = {
        method: made.run(
            raw,
            as_of=business.as_of,
            time_zone=business.raw.time_zone,
            currency="GBP",
            only=LOOKED_AT,
        )
        for method, made in (("quantiles", pipeline), ("fixed", fixed))
    }
    by_method = {name: score_rows(connection) for name, connection in built.items()}
    expected = {
        oracle.customer_id(customer): (
            row.recency_days,
            row.frequency,
            row.monetary,
            row.recency_score,
            row.frequency_score,
            row.monetary_score,
            row.rfm_score,
            row.rfm_segment,
        )
        for customer, row in oracle.rfm(
            business.raw, business.as_of, method="fixed", fixed_cut_points=fixed_cut_points()
        ).items()
    }
    assert by_method["fixed"] == expected
    assert by_method["fixed"] != by_method["quantiles"]

    measures = {
        name: {customer: row[:3] for customer, row in scores.items()}
        for name, scores in by_method.items()
    }
    assert measures["fixed"] == measures["quantiles"]
    for query in (
        "select * from customer_features order by all",
        "select * from customer_lifecycle order by all",
        "select * exclude (rfm_segment, recency_score, frequency_score, monetary_score, rfm_score) "
        "from customer_profiles order by all",
        "select segment_key, customer_id, entered_at from segment_membership "
        "where segment_key not like 'rfm%' "
        "and segment_key not in ('vip', 'dormant', 'high_value_recent') order by all",
        "select segment_key, definition_version from segment_catalogue "
        "where exclusive_group is distinct from 'rfm' order by all",
    ):
        assert rows_of(built["fixed"], query) == rows_of(built["quantiles"], query), query
    versions = [
        set(
            rows_of(
                connection,
                "select definition_version from segment_catalogue where exclusive_group = 'rfm'",
            )
        )
        for connection in built.values()
    ]
    assert [len(found) for found in versions] == [1, 1]
    assert versions[0] != versions[1], "another method is another definition"


def test_other_than_5_bins_with_a_map_for_5_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as refusal:
        compile_project(tmp_path, {"rfm_bins": 4})
    assert (
        "Variable rfm_bins is 4 but rfm_map is default, which has 5 scores; name a seed with a row "
        "for each of the 64 cells in rfm_map."
    ) in " ".join(str(refusal.value).split())
