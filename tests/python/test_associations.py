"""How the variables go with retention, against a recomputation in plain Python from the words.

The words are those of docs/accounts.md (Variable catalogue). Does not belong here: what a variable
is (test_recomputation.py) and how far it is filled (test_accounts.py).
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import sqrt
from typing import Any

import duckdb
import pytest
from business import every_oddity
from pipeline import PROJECT, Pipeline

Row = Mapping[str, Any]
# Association (None for none), method, how many rows.
Measured = tuple[float | None, str, int]

AS_OF = datetime(2026, 6, 30, 12)
ENTITIES = ("customer", "account")


def first_columns(entity: str) -> set[str]:
    """The columns that are measured, by the seed alone."""
    with (PROJECT / "seeds/segmentation_variables.csv").open(encoding="utf-8") as lines:
        return {
            row["column_names"].split(",")[0]
            for row in csv.DictReader(lines)
            if row["entity"] == entity and row["is_available"] == "true"
        }


# The recomputation ---------------------------------------------------------------------------


def correlation(pairs: Sequence[tuple[Fraction, bool]]) -> float | None:
    """Pearson's, as the covariance over the two standard deviations."""
    n = len(pairs)
    mean_x = sum((x for x, _ in pairs), Fraction(0)) / n
    mean_y = Fraction(sum(y for _, y in pairs), n)
    covariance = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    variances = sum((x - mean_x) ** 2 for x, _ in pairs) * sum((y - mean_y) ** 2 for _, y in pairs)
    return float(covariance) / sqrt(variances) if variances else None


def eta_squared(pairs: Sequence[tuple[str, bool]]) -> float | None:
    """Sum of squares between the values over that of all; rare values are one."""
    held = defaultdict(list)
    for value, y in pairs:
        held[value].append(y)
    groups = [ys for ys in held.values() if len(ys) >= 30]
    rare = [y for ys in held.values() if len(ys) < 30 for y in ys]
    groups += [rare] if rare else []
    mean = Fraction(sum(y for _, y in pairs), len(pairs))
    total = sum((y - mean) ** 2 for _, y in pairs)
    between = sum(len(ys) * (Fraction(sum(ys), len(ys)) - mean) ** 2 for ys in groups)
    return float(between / total) if total and len(groups) > 1 else None


def expected(rows: Iterable[Row], column: str, is_text: bool) -> Measured:
    """How the column goes with an order in 90 days, of those with one in the 275 before."""
    base = [row for row in rows if row["order_count_365d"] - row["order_count_90d"] > 0]
    known = [(row[column], row["order_count_90d"] >= 1) for row in base if row[column] is not None]
    method = "eta_squared" if is_text else "correlation"
    if len(known) < 30:
        return None, method, len(known)
    if is_text:
        return eta_squared(known), method, len(known)
    return correlation([(Fraction(x), y) for x, y in known]), method, len(known)


# What the SQL says ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(pipeline: Pipeline) -> duckdb.DuckDBPyConnection:
    """A business of one customer, whose profiles the tests below replace."""
    order = {
        "order_id": "o1",
        "ordered_at": datetime(2026, 6, 1),
        "customer_ref": "a",
        "status": "completed",
        "net_amount": Decimal(10),
        "source_system": "default",
        "_batch_id": "b1",
    }
    return pipeline.run({"orders": [order]}, as_of=AS_OF, only="variable_catalogue")


def fill(connection: duckdb.DuckDBPyConnection, entity: str, rows: Sequence[Row]) -> None:
    """Only these profiles, with NULL in all other columns."""
    connection.execute(f"delete from {entity}_profiles")
    if rows:
        names = list(rows[0])
        connection.executemany(
            f"insert into {entity}_profiles (as_of, {entity}_id, {', '.join(names)}) "
            f"values (?, ?, {', '.join('?' for _ in names)})",
            [(AS_OF, f"{n}", *(row[name] for name in names)) for n, row in enumerate(rows)],
        )


def measured(
    pipeline: Pipeline, connection: duckdb.DuckDBPyConnection
) -> dict[tuple[str, str], Measured]:
    """The associations of every column of the profiles as they are now."""
    node = next(node for node in pipeline.order if node["name"] == "profile_columns")
    rows = connection.execute(
        "select entity, column_name, association, association_method, sample_size "
        f"from ({node['compiled_code']}) where association_method is not null"
    ).fetchall()
    return {(row[0], row[1]): row[2:] for row in rows}


def check(pipeline: Pipeline, connection: duckdb.DuckDBPyConnection) -> int:
    """Every variable of the profiles at the current instant; how many have an association."""
    found = measured(pipeline, connection)
    columns = {(entity, name) for entity in ENTITIES for name in first_columns(entity)}
    assert set(found) == columns
    several = 0
    for entity in ENTITIES:
        query = f"from {entity}_profiles inner join as_of_spine using (as_of) where is_current"
        result = connection.execute(query)
        names = [column[0] for column in result.description or ()]
        rows = [dict(zip(names, values, strict=True)) for values in result.fetchall()]
        texts = {
            name
            for name, kind, *_ in connection.execute(f"describe {entity}_profiles").fetchall()
            if kind == "VARCHAR"
        }
        for name in first_columns(entity):
            association, method, n = expected(rows, name, name in texts)
            at = (entity, name)
            assert found[at][1:] == (method, n), at
            if association is None:
                assert found[at][0] is None, at
            else:
                # Half of the last place, and what the floats of this file are worth.
                assert float(found[at][0] or "nan") == pytest.approx(association, abs=5.0001e-5), at
                several += 1
    return several


def random_profiles(rng: random.Random, kinds: Mapping[str, str], count: int) -> list[Row]:
    """Values with ties, gaps, long tails and rare words, some of which go with retention."""
    makers: dict[str, Callable[[bool], Any]] = {}
    for name, kind in kinds.items():
        tail, lean = rng.choice((1, 3, 6)), rng.choice((0, 0, 1, -2))
        words = [f"w{n}" for n in range(rng.choice((1, 2, 7, 60)))]
        gaps = rng.choice((0, 0.1, 0.95))

        def value(
            y: bool,
            kind: str = kind,
            tail: int = tail,
            lean: int = lean,
            words: list[str] = words,
            gaps: float = gaps,
        ) -> Any:
            if rng.random() < gaps:
                return None
            if kind == "VARCHAR":
                return words[int(rng.random() ** (2 if y else 1) * len(words))]
            if kind == "BOOLEAN":
                return rng.random() < 0.5
            number = rng.randint(-5, 10) ** tail + lean * y
            return number if kind in {"INTEGER", "BIGINT"} else Decimal(number) / 8

        makers[name] = value
    rows = []
    for _ in range(count):
        recent = rng.choice((0, 0, 1, 3))
        row = {name: make(recent > 0) for name, make in makers.items()}
        row |= {"order_count_90d": recent, "order_count_365d": recent + rng.choice((0, 1, 4))}
        rows.append(row)
    return rows


@pytest.mark.parametrize("seed", range(4))
def test_every_association_equals_the_recomputation(
    pipeline: Pipeline, built: duckdb.DuckDBPyConnection, seed: int
) -> None:
    rng = random.Random(seed)
    for entity in ENTITIES:
        described = built.execute(f"describe {entity}_profiles").fetchall()
        kinds = {name: kind for name, kind, *_ in described if name in first_columns(entity)}
        fill(built, entity, random_profiles(rng, kinds, 400))
    assert check(pipeline, built) > 15


def test_it_is_so_for_a_business_with_every_oddity(pipeline: Pipeline) -> None:
    business = every_oddity(0, ordinary=60)
    connection = pipeline.run(
        business.raw.entities(),
        as_of=business.as_of,
        time_zone=business.raw.time_zone,
        currency="GBP",
        only="variable_catalogue",
    )
    assert check(pipeline, connection) > 5
    told = connection.execute(
        "select association_goal, association_method, association, association_sample_size "
        "from variable_catalogue where name = 'loyalty'"
    ).fetchone()
    assert told is not None
    found = measured(pipeline, connection)["customer", "days_since_first_order"]
    assert told == ("retention_rate", found[1], found[0], found[2])
    assert pipeline.failing_rows(connection, "assert_every_variable_has_its_columns") == []


# The edges -----------------------------------------------------------------------------------


def customers(*groups: tuple[int, bool, Any], column: str) -> list[Row]:
    """So many customers of the base, retained or not, with the value."""
    return [
        {"order_count_365d": 1 + y, "order_count_90d": int(y), column: value}
        for count, y, value in groups
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("column", "groups", "association"),
    [
        ("age", [(15, True, 40), (14, False, 30)], None),
        ("age", [(15, True, 40), (15, False, 30)], 1),
        ("age", [(15, True, 30), (15, False, 40)], -1),
        ("age", [(15, True, 30), (15, False, 40), (50, True, None)], -1),
        ("age", [(10, True, 30), (10, True, 40), (10, False, 30), (10, False, 40)], 0),
        ("age", [(40, True, 30), (40, False, 30)], None),  # the same of all
        ("age", [(40, True, 30), (40, True, 40)], None),  # everybody retained
        ("age", [(40, False, 30), (40, False, 40)], None),  # nobody
        # A number so large that its square needs all digits there are.
        ("net_revenue_365d", [(15, True, 10**13), (15, False, 0)], 1),
        ("gender", [(30, True, "f"), (30, False, "m")], 1),
        ("gender", [(30, True, "f"), (29, False, "m")], 1),  # the one rare value is a value
        ("gender", [(29, True, "f"), (29, False, "m")], None),  # two rare ones are one
        ("gender", [(30, True, "f"), (29, False, "m"), (29, True, "x")], Decimal("0.2542")),
        ("gender", [(20, True, "f"), (20, False, "f"), (30, True, "m"), (30, False, "m")], 0),
        ("gender", [(15, True, "f"), (14, False, "m")], None),
        ("gender", [(60, True, "f"), (60, False, "f")], None),
        ("gender", [(30, True, "f"), (30, True, "m")], None),
        ("gender", [], None),
        ("age", [], None),
    ],
)
def test_an_association_at_its_edges(
    pipeline: Pipeline,
    built: duckdb.DuckDBPyConnection,
    column: str,
    groups: list[tuple[int, bool, Any]],
    association: int | Decimal | None,
) -> None:
    fill(built, "account", [])
    fill(built, "customer", customers(*groups, column=column))
    found = measured(pipeline, built)["customer", column]
    assert found[0] == association
    assert found[2] == sum(count for count, _, value in groups if value is not None)


def test_who_did_not_order_in_the_275_days_before_is_not_of_the_base(
    pipeline: Pipeline, built: duckdb.DuckDBPyConnection
) -> None:
    base = customers((20, True, 50), (20, False, 20), column="age")
    others = [
        {"order_count_365d": count, "order_count_90d": count, "age": 90}
        for count in (0, 1, 2)
        for _ in range(40)
    ]
    fill(built, "account", [])
    fill(built, "customer", [*base, *others])
    assert measured(pipeline, built)["customer", "age"] == (1, "correlation", 40)


def test_a_variable_whose_first_column_is_not_marked_is_found(
    pipeline: Pipeline, built: duckdb.DuckDBPyConnection
) -> None:
    check_name = "assert_every_variable_has_its_columns"
    built.execute("begin")
    built.execute(
        "update reference.segmentation_variables set column_names = 'age_band, age' "
        "where name = 'age'"
    )
    assert [row[:2] for row in pipeline.failing_rows(built, check_name)] == [("SV-01", "age")]
    built.execute("rollback")
