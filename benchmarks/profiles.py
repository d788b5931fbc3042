"""Customer profiles from raw Parquet: the project's SQL beside hand-written SQL.

    python benchmarks/profiles.py --customers 20000   a minute
    python benchmarks/profiles.py                     1 M customers, 20 M orders, 50 M events

Writes raw Parquet files once, as ingestion leaves them, then builds `customer_profiles` from them
twice in turns, each in a process of its own with the same engine settings: by every model of the
project that it needs, identity included, and by one script for DuckDB alone that gives the columns
that these inputs fill (profiles_baseline.sql). The rows are compared one by one.

Does not belong here: how a child is measured (run_statements.py), and ingestion (ingest.py).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import compiled_models
import duckdb
import raw_business
import synthetic
from measuring import (
    COSTS,
    PROJECT,
    Spread,
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
WANTED = ("customer_profiles",)
BASELINE = HERE / "profiles_baseline.sql"
_ROUNDING = "0.0001"
"""By which averages may differ: the script divides as doubles, the project exactly."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status is 0 when it ran and the contenders agree."""
    parsed = _parser().parse_args(arguments)
    return in_folder(partial(_benchmark, parsed), parsed.folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--customers",
        type=int,
        default=1_000_000,
        help="with 20 orders and 50 web events each, on average",
    )
    parser.add_argument("--runs", type=int, default=3, help="measurements per contender")
    parser.add_argument("--folder", help="keep the data here; default: a temporary one")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-limit", default="6GB", help="of DuckDB, for both")
    return parser


def _settings(parsed: argparse.Namespace, folder: Path) -> dict[str, str]:
    return {
        **duckdb_settings(parsed, folder),
        "timezone": "UTC",
        "checkpoint_threshold": "4GB",
    }


def _benchmark(parsed: argparse.Namespace, folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    raw = folder / f"raw-{parsed.customers}"
    if not raw.exists():
        print(f"making {raw_business.described(parsed.customers)} ...", flush=True)
        raw_business.write(raw, parsed.customers, _settings(parsed, folder))
    with tempfile.TemporaryDirectory(prefix="dbt-", dir=folder) as compiled:
        print("compiling the project ...", flush=True)
        manifest = compiled_models.compile_project(PROJECT, Path(compiled))
    prepare, steps = _project(manifest, raw)
    script = [compiled_models.Step(BASELINE.name, "", BASELINE.read_text(encoding="utf-8"))]
    by_hand = [
        *raw_business.views(raw),
        f"set variable as_of = timestamp '{synthetic.AS_OF}'",
    ]
    contenders = {"project": (prepare, steps), "by hand": (by_hand, script)}

    before = machine()
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
    for number in range(parsed.runs):
        for name, (statements, timed) in contenders.items():
            output = _output(folder, name)
            shutil.rmtree(output, ignore_errors=True)
            output.mkdir(parents=True)
            answers[name].append(_run(parsed, output, statements, timed, name))
            print(
                f"  run {number + 1}: {name} {answers[name][-1]['seconds']:.1f} s, "
                f"{answers[name][-1]['peak_mebibytes']:.0f} MiB",
                flush=True,
            )
    after = machine()
    differing, columns, rows = _compare(parsed, folder)
    print(_report(parsed, answers, steps))
    print(load_line(before, after))
    agreed = f"{rows:,} profiles agree in {len(columns)} columns"
    print(f"\n{agreed if not differing else f'profiles differ: {differing}'}")
    values = {"machine": [before, after], "customers": parsed.customers, "runs": answers}
    print(f"written to {write_results('profiles', values)}")
    return 1 if differing else 0


def _output(folder: Path, name: str) -> Path:
    return folder / "output" / name.replace(" ", "_")


def _project(
    manifest: Mapping[str, Any], raw: Path
) -> tuple[list[str], list[compiled_models.Step]]:
    """What to prepare, and the steps to measure. Seeds and settings do not grow: prepared."""
    order, sources = compiled_models.ancestors(manifest, WANTED, ())
    schemas, steps = compiled_models.build_steps(manifest, order, PROJECT)
    seeds = [step.sql for step in steps if step.layer == "seeds"]
    prepare = [
        *schemas,
        *compiled_models.source_statements(manifest, sources),
        *raw_business.replace_sources(manifest, raw),
        *synthetic.run_statements(),
        *seeds,
    ]
    return prepare, [step for step in steps if step.layer != "seeds"]


def _run(
    parsed: argparse.Namespace,
    folder: Path,
    prepare: Sequence[str],
    steps: Sequence[compiled_models.Step],
    name: str,
) -> dict[str, Any]:
    return run_json(
        [sys.executable, str(HERE / "run_statements.py")],
        {
            "inputs": None,
            "database": str(folder / "work.duckdb"),
            "alias": "work",
            "settings": _settings(parsed, folder),
            "prepare": list(prepare),
            "steps": [{"name": step.name, "sql": step.sql} for step in steps],
            "queries": {"rows": "select count(*) from customer_profiles"},
        },
        what=name,
    )


def _compare(parsed: argparse.Namespace, folder: Path) -> tuple[dict[str, int], list[str], int]:
    """Differing rows by column, the columns that both have, and how many rows there are.

    A customer is named by its oldest record, which the project hashes.
    """
    with duckdb.connect() as connection:
        for name, value in _settings(parsed, folder).items():
            connection.execute(f"set {name} = '{value}'")
        for alias, name in (("ours", "project"), ("hand", "by hand")):
            path = _output(folder, name) / "work.duckdb"
            connection.execute(f"attach '{path}' as {alias} (read_only)")
        described = {
            alias: {
                row[0]: row[1]
                for row in connection.execute(f"describe {alias}.main.customer_profiles").fetchall()
            }
            for alias in ("ours", "hand")
        }
        columns = [name for name in described["ours"] if name in described["hand"]]
        compared = [name for name in columns if name not in {"as_of", "customer_id"}]
        conditions = {}
        for name in compared:
            differs = f"ours.{name} is distinct from hand.{name}"
            if "DECIMAL" in described["ours"][name] or "DOUBLE" in described["hand"][name]:
                differs = (
                    f"(ours.{name} is null) <> (hand.{name} is null) "
                    f"or abs(ours.{name} - hand.{name}) > {_ROUNDING}"
                )
            conditions[name] = f"count(*) filter (where {differs})"
        counted = connection.execute(
            f"""
            with ours as (
                select links.reference, profiles.*
                from ours.main.customer_profiles as profiles
                inner join ours.main.customer_links as links
                    on profiles.customer_id = links.record_id
            )
            select
                count(*),
                count(*) filter (where ours.reference is null or hand.customer_ref is null),
                {", ".join(conditions.values())}
            from ours
            full join hand.main.customer_profiles as hand on ours.reference = hand.customer_ref
            """
        ).fetchone()
    assert counted is not None
    differing = dict(zip(["rows", *compared], counted[1:], strict=True))
    return {name: count for name, count in differing.items() if count}, compared, int(counted[0])


def _report(
    parsed: argparse.Namespace,
    answers: Mapping[str, Sequence[Mapping[str, Any]]],
    steps: Sequence[compiled_models.Step],
) -> str:
    rows = [[name, *costs(runs)] for name, runs in answers.items()]
    ratio = Spread.of(
        [
            ours["seconds"] / hand["seconds"]
            for ours, hand in zip(answers["project"], answers["by hand"], strict=True)
        ]
    )
    layer_of = {step.name: step.layer for step in steps}
    layers: dict[str, float] = {}
    for name, seconds in answers["project"][-1]["cpu_steps"].items():
        layer = layer_of.get(name, "checkpoint")
        layers[layer] = layers.get(layer, 0.0) + seconds
    slowest = sorted(answers["project"][-1]["cpu_steps"].items(), key=lambda step: -step[1])[:15]
    return "\n".join(
        [
            f"\n{raw_business.described(parsed.customers)}, {parsed.runs} runs in turns\n",
            table(["contender", *COSTS], rows),
            f"\nthe project takes {ratio.shown(2)} times the script",
            "CPU seconds of the last run by layer: "
            + ", ".join(f"{name} {seconds:.1f}" for name, seconds in layers.items()),
            "dearest models: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in slowest),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
