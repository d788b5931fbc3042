"""How good the rules of identity are, by people whose records are labelled.

The project's own identity models group the records of `people/fake_1000.csv` (1,000 records of 251
made-up people, with typing errors in names, birth dates, cities and e-mails), once by exact rules
alone and once with the links of `clientele match`, at several thresholds. Two records of one group
are a pair; precision and recall of these are measured against the pairs of the column `cluster`.

Does not belong here: what identity costs (identity.py).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import compiled_models
import duckdb
from measuring import PROJECT, fail, machine, table, write_results

from orchestration.errors import ClienteleError
from orchestration.matching import DEFAULT_THRESHOLD, Pair, find_pairs

DATA = "CLIENTELE_TEST_DATA"
FILE = Path("people") / "fake_1000.csv"
WANTED = ("customer_links", "match_records")
THRESHOLDS = (0.5, 0.7, DEFAULT_THRESHOLD, 0.9, 0.95)
LEAST_PRECISION_OF_EXACT = 0.99
LEAST_F1_OF_PROBABLE = 0.95

_SCORE = """
with

labelled as (
    select
        people.cluster,
        links.customer_id
    from customer_links as links
    inner join people on links.reference = people.unique_id
),

pairs_of as (
    select
        (select sum(n * (n - 1) // 2) from
            (select count(*) as n from labelled group by cluster)) as labelled_pairs,
        (select sum(n * (n - 1) // 2) from
            (select count(*) as n from labelled group by customer_id)) as found_pairs,
        (select sum(n * (n - 1) // 2) from
            (select count(*) as n from labelled group by cluster, customer_id)) as right_pairs
)

select
    *,
    (select count(distinct customer_id) from labelled) as customers
from pairs_of
"""


@dataclass(frozen=True)
class Score:
    """What a run found.

    Attributes:
        labelled_pairs: of one person; found_pairs: of one customer; right_pairs: both.
        customers: found.
    """

    labelled_pairs: int
    found_pairs: int
    right_pairs: int
    customers: int

    @property
    def precision(self) -> float:
        return self.right_pairs / self.found_pairs if self.found_pairs else 1.0

    @property
    def recall(self) -> float:
        return self.right_pairs / self.labelled_pairs

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def people_file(folder: str | None) -> Path:
    """The labelled people.

    Raises:
        ClienteleError: they are not there.
    """
    path = Path(folder or "") / FILE
    if folder is None or not path.is_file():
        raise ClienteleError(
            f"there is no {FILE}", where=DATA, remedy=f"set it to the folder that has {FILE}"
        )
    return path


def build(
    manifest: dict[str, Any], people: Path, links: Sequence[Pair] = ()
) -> duckdb.DuckDBPyConnection:
    """A database with the people as customer records, and the models of identity over them."""
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as work; use work; set threads = 2")
    connection.execute(
        "create table people as select * from read_csv(?, all_varchar = true, header = true)",
        [str(people)],
    )
    order, sources = compiled_models.ancestors(manifest, WANTED, ())
    for statement in compiled_models.source_statements(manifest, sources):
        connection.execute(statement)
    connection.execute(
        "insert into raw.customers by name select 'people' as source_system, "
        "unique_id as customer_ref, first_name, surname as last_name, "
        "cast(dob as date) as birth_date, city, email from people"
    )
    connection.execute("insert into run.settings (business_time_zone) values ('UTC')")
    for pair in links:
        connection.execute(
            "insert into run.probable_links values (?, md5(?)), (?, md5(?))",
            [
                value
                for record_id in (pair.record_id, pair.other_record_id)
                for value in (record_id, f"{pair.record_id}|{pair.other_record_id}")
            ],
        )
    schemas, steps = compiled_models.build_steps(manifest, order, PROJECT)
    for statement in (*schemas, *(step.sql for step in steps)):
        connection.execute(statement)
    return connection


def score(connection: duckdb.DuckDBPyConnection) -> Score:
    """Precision and recall of the pairs in `customer_links`."""
    rows = connection.execute(_SCORE).fetchall()
    return Score(*map(int, rows[0]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status is 0 when both aims are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get(DATA), help=f"default: {DATA}")
    parsed = parser.parse_args(arguments)
    try:
        people = people_file(parsed.data)
        with tempfile.TemporaryDirectory(prefix="clientele-benchmark-") as folder:
            print("compiling the project ...", flush=True)
            manifest = compiled_models.compile_project(PROJECT, Path(folder))
        return _benchmark(manifest, people)
    except ClienteleError as error:
        return fail(error)


def _benchmark(manifest: dict[str, Any], people: Path) -> int:
    before = machine()
    with build(manifest, people) as connection:
        exact = score(connection)
        started = time.monotonic()
        pairs = find_pairs(connection, "match_records", min(THRESHOLDS))
        seconds = time.monotonic() - started
    scores = {"exact rules alone": exact}
    for threshold in THRESHOLDS:
        links = [pair for pair in pairs if pair.probability >= threshold]
        with build(manifest, people, links) as connection:
            default = " (default)" if threshold == DEFAULT_THRESHOLD else ""
            scores[f"and probable from {threshold:g} on{default}"] = score(connection)
    print(f"\n{exact.labelled_pairs:,} pairs of records are of one person\n")
    rows = [
        [
            name,
            f"{each.customers:,}",
            f"{each.found_pairs:,}",
            f"{each.precision:.4f}",
            f"{each.recall:.4f}",
            f"{each.f1:.4f}",
        ]
        for name, each in scores.items()
    ]
    print(table(["links", "customers", "pairs", "precision", "recall", "F1"], rows))
    library = f"Splink {metadata.version('splink')}"
    print(f"\n{library} took {seconds:.1f} s to learn and compare; no label was shown to it")
    path = write_results(
        "people",
        {
            "machine": [before, machine()],
            "library": library,
            "seconds": seconds,
            "scores": {name: vars(each) for name, each in scores.items()},
        },
    )
    print(f"written to {path.relative_to(PROJECT)}")
    probable = scores[f"and probable from {DEFAULT_THRESHOLD:g} on (default)"]
    missed = []
    if exact.precision < LEAST_PRECISION_OF_EXACT:
        missed.append(f"precision of exact rules below {LEAST_PRECISION_OF_EXACT}")
    if probable.f1 < LEAST_F1_OF_PROBABLE:
        missed.append(f"F1 with probable links below {LEAST_F1_OF_PROBABLE}")
    for aim in missed:
        print(f"benchmark: {aim}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
