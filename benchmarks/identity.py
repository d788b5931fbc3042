"""What it costs to find out who is one customer, beside SciPy's connected components.

Made-up records of several source systems share e-mails and phones in groups of one to five; a
further population is one chain of records linked one to the next. The project's identity models run
from the sightings on; the alternative reads the same sightings and labels components with
``scipy.sparse.csgraph.connected_components``, which knows no guards, no ids and no reasons. Where
no guard is touched both must find the same groups.

Does not belong here: how good the rules are (people.py).
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
WANTED = ("customer_links",)
GIVEN = ("sightings",)

# Of ten people three are known by one record and the others by two to five, in different systems;
# the e-mail names the person in all of them, and the phone in every other one.
_PEOPLE = """
create table work.main.sightings as
select
    'system' || (copy % 3) as source_system,
    'r' || person || '-' || copy as customer_ref,
    'p' || person || '@mail' || (person % 7) || '.example' as email,
    case when copy % 2 = 0 then '+3161' || lpad(cast(person as varchar), 8, '0') end as phone,
    timestamp '2026-01-01' + to_seconds((person * 7919 + copy * 104729) % 30000000) as first_seen_at
from (select unnest(range(0, {people})) as person), (select unnest(range(0, 5)) as copy)
where copy < case when person % 10 < 3 then 1 else 2 + person % 4 end
"""

_CHAIN = """
create table work.main.sightings as
select
    'system' || (link % 3) as source_system,
    'r' || link as customer_ref,
    'c' || (link + step) || '@chain.example' as email,
    cast(null as varchar) as phone,
    timestamp '2026-01-01' + to_seconds(link * 7919 % 30000000) as first_seen_at
from (select unnest(range(0, {people})) as link), (select unnest([0, 1]) as step)
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--identifiers",
        type=int,
        default=5_000_000,
        help="e-mails and phones on records, about so many",
    )
    parser.add_argument("--chain", type=int, default=10_000, help="records of the chain")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-limit", default="3GB", help="of DuckDB, for both")
    return parser


def _request(
    folder: Path, parsed: argparse.Namespace, population: str, people: int
) -> dict[str, Any]:
    database = folder / "work.duckdb"
    database.unlink(missing_ok=True)
    return {
        "inputs": None,
        "database": str(database),
        "alias": "work",
        "settings": duckdb_settings(parsed, folder),
        "prepare": [population.format(people=people)],
        "queries": {
            "sizes": "select count(*), count(distinct (source_system, customer_ref)), "
            "count(distinct email) + count(distinct phone), count(email) + count(phone) "
            "from sightings",
        },
    }


def _project(
    folder: Path,
    parsed: argparse.Namespace,
    prepare: Sequence[str],
    steps: Sequence[compiled_models.Step],
    population: str,
    people: int,
) -> dict[str, Any]:
    request = _request(folder, parsed, population, people)
    request["prepare"] += prepare
    request["steps"] = [{"name": step.name, "sql": step.sql} for step in steps]
    request["queries"] |= {
        "groups": "select record_count, count(*) from (select count(*) as record_count from "
        "customer_links group by customer_id) group by record_count order by record_count",
        "over": "select count(*) from customer_links where is_over_merged",
    }
    return run_json([sys.executable, str(HERE / "run_statements.py")], request, what="the project")


def _scipy(
    folder: Path, parsed: argparse.Namespace, population: str, people: int
) -> dict[str, Any]:
    request = _request(folder, parsed, population, people)
    return run_json([sys.executable, str(HERE / "scipy_components.py")], request, what="SciPy")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status is 0 when it ran and both found the same groups."""
    parsed = _parser().parse_args(arguments)
    return in_folder(partial(_benchmark, parsed))


def _benchmark(parsed: argparse.Namespace, folder: Path) -> int:
    before = machine()
    print("compiling the project ...", flush=True)
    manifest = compiled_models.compile_project(PROJECT, folder / "compiled")
    order, sources = compiled_models.ancestors(manifest, WANTED, GIVEN)
    schemas, steps = compiled_models.build_steps(manifest, order, PROJECT)
    prepare = [*schemas, *compiled_models.source_statements(manifest, sources)]
    # A person has 2.75 records on average, each with an e-mail and two in three with a phone.
    people = max(1, parsed.identifiers * 10 // 47)
    runs: dict[str, list[dict[str, Any]]] = {"project": [], "scipy": []}
    for number in range(parsed.runs):
        print(f"run {number + 1} of {parsed.runs} ...", flush=True)
        runs["project"].append(_project(folder, parsed, prepare, steps, _PEOPLE, people))
        runs["scipy"].append(_scipy(folder, parsed, _PEOPLE, people))
    chain = _project(folder, parsed, prepare, steps, _CHAIN, parsed.chain)
    groups = {tuple(map(tuple, run["queries"]["groups"])) for each in runs.values() for run in each}
    rows = [[name, *costs(each)] for name, each in runs.items()]
    rows.append([f"project, a chain of {parsed.chain:,}", *costs([chain])])
    after = machine()
    sightings, records, distinct, identifiers = runs["project"][0]["queries"]["sizes"][0]
    print(
        f"\n{records:,} records with {identifiers:,} e-mails and phones ({distinct:,} different), "
        f"{parsed.runs} runs in turns\n"
    )
    print(table(["contender", *COSTS], rows))
    over = chain["queries"]["over"][0][0]
    print(f"\nof the chain {over:,} records are at the guard (is_over_merged)")
    print(load_line(before, after))
    steps_of_first = runs["project"][0]["steps"]
    print("steps: " + ", ".join(f"{name} {s:.1f} s" for name, s in steps_of_first.items()))
    path = write_results(
        "identity",
        {"machine": [before, after], "runs": runs, "chain": chain, "sightings": sightings},
    )
    print(f"written to {path.relative_to(PROJECT)}")
    if len(groups) != 1:
        print("benchmark: the contenders found different groups", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
