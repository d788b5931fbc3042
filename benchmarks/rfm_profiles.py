"""RFM scores and customer profiles of many customers: the project's SQL beside hand-written SQL.

    python benchmarks/rfm_profiles.py --customers 20000 --orders 400000      a minute
    python benchmarks/rfm_profiles.py                                        1 M customers, 20 M

Makes synthetic orders once, then runs four contenders in turns, each in a process of its own with
the same engine settings, and compares what they cost and whether they agree:

1. the project's compiled models, from orders and refunds to customer_profiles (what dbt itself
   costs is in fixed_cost.py);
2. one script in plain DuckDB SQL that gives the same profiles (rfm_profiles_baseline.sql);
3. RFM scores alone in plain DuckDB SQL (rfm_baseline.sql);
4. RFM scores alone by OpenRetailScience, through Ibis.

Does not belong here: how a child is measured (run_statements.py), and what the data look like
(synthetic.py).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import synthetic
from compiled_models import (
    Step,
    ancestors,
    build_steps,
    compile_project,
    source_statements,
)
from measuring import PROJECT, Spread, in_folder, load_line, machine, run_json, table, write_results

from orchestration.errors import ClienteleError

HERE = Path(__file__).resolve().parent
WANTED = ("rfm_scores", "customer_profiles")
FULL_SIZE = synthetic.Size(customers=1_000_000, orders=20_000_000)
"""What the aims are for; below it, what does not grow with the data weighs too much."""
MEBIBYTES_AIM = 2048
RATIO_AIM = 2.0

_PROJECT = "project"
_PROFILES = "profiles by hand"
_RFM = "RFM by hand"
_OPENRETAILSCIENCE = "OpenRetailScience"
_ROUNDING = "0.0001"


@dataclass(frozen=True)
class Options:
    """What is asked of the benchmark.

    Attributes:
        size: of the data.
        runs: measurements per contender.
        folder: for data and databases.
        threads, memory_limit: of every contender's DuckDB.
        python: interpreter of an environment with OpenRetailScience; None to make one.
        with_openretailscience: whether it takes part.
        explain: name of a model whose measured plan is printed, or None.
    """

    size: synthetic.Size
    runs: int
    folder: Path
    threads: int
    memory_limit: str
    python: Path | None
    with_openretailscience: bool
    explain: str | None

    @property
    def inputs(self) -> Path:
        """The file with the synthetic relations."""
        return self.folder / f"inputs-{self.size.customers}-{self.size.orders}.duckdb"

    def settings(self, spill: Path) -> dict[str, str]:
        """DuckDB settings: those of profiles.yml, and a limit."""
        return {
            "threads": str(self.threads),
            "memory_limit": self.memory_limit,
            "temp_directory": str(spill),
            "preserve_insertion_order": "false",
            "timezone": "UTC",
        }


Contender = Callable[[Path], dict[str, Any]]
"""Runs once in the empty folder it is given and answers as run_statements.run does."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status is 0 when it ran, and the contenders agree."""
    parsed = _parser().parse_args(arguments)
    return in_folder(lambda folder: _benchmark(_options(parsed, folder)), parsed.folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--customers", type=int, default=FULL_SIZE.customers)
    parser.add_argument("--orders", type=int, default=FULL_SIZE.orders)
    parser.add_argument("--runs", type=int, default=3, help="measurements per contender")
    parser.add_argument(
        "--folder", help="keep data here and use them again; default: a temporary one"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-limit", default="1500MB", help="of DuckDB, for every contender")
    parser.add_argument(
        "--openretailscience-python",
        metavar="PATH",
        help="interpreter that has requirements.txt installed; default: make an environment",
    )
    parser.add_argument("--without-openretailscience", action="store_true")
    parser.add_argument(
        "--explain", metavar="MODEL", help="print the measured plan of this model of the project"
    )
    return parser


def _options(parsed: argparse.Namespace, folder: Path) -> Options:
    if parsed.runs < 1 or parsed.threads < 1:
        raise ClienteleError("a number is not above 0", where="--runs, --threads")
    python = parsed.openretailscience_python
    return Options(
        size=synthetic.Size(parsed.customers, parsed.orders),
        runs=parsed.runs,
        folder=folder,
        threads=parsed.threads,
        memory_limit=parsed.memory_limit,
        python=Path(python).absolute() if python else None,
        with_openretailscience=not parsed.without_openretailscience,
        explain=parsed.explain,
    )


def _benchmark(options: Options) -> int:
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dbt-", dir=options.folder) as folder:
        manifest = compile_project(PROJECT, Path(folder))
    _make_inputs(options)
    _check_inputs(options, manifest)
    prepare, steps = _project_statements(manifest)
    layers = {step.name: step.layer for step in steps}
    if options.explain and options.explain not in layers:
        raise ClienteleError(
            f"{options.explain} is not built here",
            where="--explain",
            remedy=f"give one of {', '.join(layers)}",
        )

    contenders: dict[str, Contender] = {
        _PROJECT: lambda folder: _run_project(options, folder, prepare, steps),
        _PROFILES: lambda folder: _run_script(options, folder, "rfm_profiles_baseline.sql"),
        _RFM: lambda folder: _run_script(options, folder, "rfm_baseline.sql"),
    }
    if options.with_openretailscience:
        python = options.python or _openretailscience_environment(options.folder)
        contenders[_OPENRETAILSCIENCE] = lambda folder: _run_openretailscience(
            options, folder, python
        )
    before = machine()
    answers = _measure(options, contenders)
    after = machine()
    agreement = _compare(options)
    results = {
        "benchmark": "rfm_profiles",
        "machine": before,
        "load_after": after["load_1_5_15_minutes"],
        "customers": options.size.customers,
        "orders": options.size.orders,
        "threads": options.threads,
        "memory_limit": options.memory_limit,
        "runs": answers,
        "agreement": agreement,
        "layers": layers,
    }
    print(_report(options, answers, layers, agreement))
    print(load_line(before, after))
    if options.explain:
        print(_explained(options, manifest))
    print(f"\nwritten to {write_results('rfm_profiles', results)}")
    return 0 if agreement["agree"] else 1


def _child(python: str, script: str) -> list[str]:
    return [python, str(HERE / script)]


def _make_inputs(options: Options) -> None:
    """Write the synthetic relations, unless they are there; a file is whole or does not exist."""
    if options.inputs.exists():
        return
    partial = options.inputs.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    print(
        f"making {options.size.customers:,} customers and {options.size.orders:,} orders",
        flush=True,
    )
    # A storage version that the older DuckDB of OpenRetailScience can read, for every contender.
    run_json(
        _child(sys.executable, "run_statements.py"),
        {
            "inputs": None,
            "database": str(partial),
            "alias": "work",
            "options": "storage_version 'v1.2.0'",
            "settings": options.settings(options.folder / "spill"),
            "prepare": [],
            "steps": [
                {"name": name, "sql": sql} for name, sql in synthetic.statements(options.size)
            ],
            "queries": {},
        },
        what="making the synthetic data",
    )
    partial.rename(options.inputs)


def _check_inputs(options: Options, manifest: Mapping[str, Any]) -> None:
    with duckdb.connect(str(options.inputs), read_only=True) as connection:
        found = {
            relation: {row[0] for row in connection.execute(f"describe {relation}").fetchall()}
            for relation in synthetic.RELATIONS
        }
    missing = synthetic.missing_columns(manifest, found)
    if missing:
        listed = "; ".join(f"{relation}: {', '.join(names)}" for relation, names in missing.items())
        raise ClienteleError(
            f"the models have columns that the synthetic data lack ({listed})",
            where="benchmarks/synthetic.py",
            remedy="add them there, and delete data kept with --folder",
        )


def _project_statements(manifest: Mapping[str, Any]) -> tuple[list[str], list[Step]]:
    """What to prepare, and the steps to measure. Seeds and sources do not grow: prepared."""
    order, sources = ancestors(manifest, WANTED, synthetic.RELATIONS)
    schemas, steps = build_steps(manifest, order, PROJECT)
    seeds = [step.sql for step in steps if step.layer == "seeds"]
    prepare = [*schemas, *source_statements(manifest, sources), *synthetic.run_statements(), *seeds]
    return prepare, [step for step in steps if step.layer != "seeds"]


def _input_views() -> list[str]:
    return [
        f"create view {relation} as select * from inputs.main.{relation}"
        for relation in synthetic.RELATIONS
    ]


def _run_project(
    options: Options, folder: Path, prepare: Sequence[str], steps: Sequence[Step]
) -> dict[str, Any]:
    return run_json(
        _child(sys.executable, "run_statements.py"),
        {
            "inputs": str(options.inputs),
            "database": str(folder / "work.duckdb"),
            "alias": "work",
            "settings": options.settings(folder / "spill"),
            "prepare": [*_input_views(), *prepare],
            "steps": [{"name": step.name, "sql": step.sql} for step in steps],
            "queries": {"rows": "select count(*) from customer_profiles"},
        },
        what="the project's SQL",
    )


def _run_script(options: Options, folder: Path, script: str) -> dict[str, Any]:
    return run_json(
        _child(sys.executable, "run_statements.py"),
        {
            "inputs": str(options.inputs),
            "database": str(folder / "work.duckdb"),
            "alias": "work",
            "settings": options.settings(folder / "spill"),
            "prepare": [
                *_input_views(),
                f"set variable as_of = timestamp '{synthetic.AS_OF}'",
            ],
            "steps": [{"name": script, "sql": (HERE / script).read_text(encoding="utf-8")}],
            "queries": {"rows": "select count(*) from rfm_scores"},
        },
        what=script,
    )


def _run_openretailscience(options: Options, folder: Path, python: Path) -> dict[str, Any]:
    settings = options.settings(folder / "spill")
    return run_json(
        _child(str(python), "openretailscience_rfm.py"),
        {
            "inputs": str(options.inputs),
            "database": str(folder / "work.duckdb"),
            "as_of_on": synthetic.AS_OF[:10],
            "settings": settings,
        },
        what="OpenRetailScience",
    )


def _openretailscience_environment(folder: Path) -> Path:
    """The interpreter of an environment with requirements.txt, made once per folder."""
    environment = folder / "openretailscience"
    python = environment / "bin" / "python"
    ready = environment / "ready"
    if ready.exists():
        return python
    print("making an environment for OpenRetailScience", flush=True)
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(environment)],
        [str(python), "-m", "pip", "install", "--quiet", "-r", str(HERE / "requirements.txt")],
    ):
        completed = subprocess.run(command, capture_output=True, text=True, check=False)
        if completed.returncode:
            tail = " | ".join((completed.stdout + completed.stderr).strip().splitlines()[-4:])
            raise ClienteleError(
                f"OpenRetailScience cannot be installed: {tail}",
                where="benchmarks/requirements.txt",
                remedy="look at the network, or leave it out with --without-openretailscience",
            )
    ready.touch()
    return python


def _measure(
    options: Options, contenders: Mapping[str, Contender]
) -> dict[str, list[dict[str, Any]]]:
    """Every contender once per round, so that a slow minute of the machine hits all of them.

    The databases of the last round stay for the comparison of their rows.
    """
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
    for number in range(options.runs):
        for name, contender in contenders.items():
            folder = _output(options, name)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            answer = contender(folder)
            answers[name].append(answer)
            print(
                f"  run {number + 1}: {name} {answer['seconds']:.1f} s, "
                f"{answer['peak_mebibytes']:.0f} MiB",
                flush=True,
            )
    return answers


def _output(options: Options, name: str) -> Path:
    return options.folder / "output" / name.replace(" ", "_")


def _compare(options: Options) -> dict[str, Any]:
    """Whether the project's profiles and scores are those of the hand-written SQL, row by row.

    Averages may differ by 0.0001: the script divides as doubles, the project exactly.
    """
    with duckdb.connect() as connection:
        for name, value in options.settings(options.folder / "spill").items():
            connection.execute(f"set {name} = '{value}'")
        for alias, name in (("ours", _PROJECT), ("hand", _PROFILES), ("rfm", _RFM)):
            path = _output(options, name) / "work.duckdb"
            connection.execute(f"attach '{path}' as {alias} (read_only)")
        profiles = {
            alias: {
                row[0]: row[1]
                for row in connection.execute(f"describe {alias}.main.customer_profiles").fetchall()
            }
            for alias in ("ours", "hand")
        }
        shared = [name for name in profiles["ours"] if name in profiles["hand"]]
        summary = {
            alias: connection.execute(
                f"""
                select
                    count(*), sum(net_revenue_lifetime), sum(net_revenue_365d),
                    count(*) filter (where rfm_segment is not null)
                from {alias}.main.customer_profiles
                """
            ).fetchall()
            for alias in ("ours", "hand")
        }
        segments = {
            alias: connection.execute(
                f"select rfm_segment, lifecycle_stage, count(*) "
                f"from {alias}.main.customer_profiles group by all order by all"
            ).fetchall()
            for alias in ("ours", "hand")
        }
        differing = {
            "customer_profiles": _differing_rows(connection, "hand", "customer_profiles", shared),
            "rfm_scores": _differing_rows(connection, "hand", "rfm_scores", _SCORES),
            "rfm_scores, RFM by hand": _differing_rows(connection, "rfm", "rfm_scores", _SCORES),
        }
    return {
        "agree": summary["ours"] == summary["hand"]
        and segments["ours"] == segments["hand"]
        and not any(differing.values()),
        "profiles, revenue, revenue 365 days, scored": [str(v) for v in summary["ours"][0]],
        "differing_rows": differing,
        "columns_compared": len(shared),
        "columns_of_the_project_alone": sorted(set(profiles["ours"]) - set(shared)),
        "counts_by_segment_and_stage": [[str(v) for v in row] for row in segments["ours"]],
    }


_SCORES = (
    "recency_days",
    "frequency",
    "monetary",
    "recency_score",
    "frequency_score",
    "monetary_score",
)


def _differing_rows(
    connection: duckdb.DuckDBPyConnection, alias: str, relation: str, columns: Sequence[str]
) -> int:
    tests = " or ".join(
        f"ours.{name} is distinct from other.{name}"
        if not name.startswith(("average_", "mean_"))
        else f"abs(coalesce(ours.{name}, -1) - coalesce(other.{name}, -1)) > {_ROUNDING}"
        for name in columns
        if name != "customer_id"
    )
    row = connection.execute(
        f"""
        select count(*)
        from ours.main.{relation} as ours
        full join {alias}.main.{relation} as other on ours.customer_id = other.customer_id
        where ours.customer_id is null or other.customer_id is null or {tests}
        """
    ).fetchone()
    assert row is not None, "an aggregate has a row"
    return int(row[0])


def _spread(answers: Sequence[Mapping[str, Any]], key: str) -> Spread:
    return Spread.of([answer[key] for answer in answers])


_HELD_AGAINST = {_PROJECT: _PROFILES, _OPENRETAILSCIENCE: _RFM}


def _times(answers: Mapping[str, Sequence[Mapping[str, Any]]], name: str, key: str) -> str:
    """How many times the cost of its counterpart a contender has; blank if it has none."""
    if name not in _HELD_AGAINST:
        return ""
    other = _spread(answers[_HELD_AGAINST[name]], key).middle
    return f"{_spread(answers[name], key).middle / other:.2f}"


def _report(
    options: Options,
    answers: Mapping[str, Sequence[Mapping[str, Any]]],
    layers: Mapping[str, str],
    agreement: Mapping[str, Any],
) -> str:
    seconds = {name: _spread(of, "seconds").middle for name, of in answers.items()}
    rows = [
        [
            name,
            _spread(of, "seconds").shown(),
            _spread(of, "cpu_seconds").shown(),
            _spread(of, "peak_mebibytes").shown(0),
            _times(answers, name, "seconds"),
            _times(answers, name, "cpu_seconds"),
            of[0]["duckdb"],
        ]
        for name, of in answers.items()
    ]
    steps = _medians_by_step(answers[_PROJECT])
    by_step = [
        [step, layers.get(step, ""), f"{value:.2f}", f"{value / seconds[_PROJECT]:.0%}"]
        for step, value in sorted(steps.items(), key=lambda item: -item[1])
    ]
    rfm = sum(value for step, value in steps.items() if layers.get(step) == "rfm")
    ratio = seconds[_PROJECT] / seconds[_PROFILES]
    peak = _spread(answers[_PROJECT], "peak_mebibytes").most
    aims = options.size.customers >= FULL_SIZE.customers and options.size.orders >= FULL_SIZE.orders
    lines = [
        f"\n{options.size.customers:,} customers, {options.size.orders:,} orders, "
        f"{options.threads} threads, memory limit {options.memory_limit}, "
        f"median of {options.runs} (least to most)\n",
        table(
            ["contender", "seconds", "CPU seconds", "peak MiB", "ratio", "CPU ratio", "DuckDB"],
            rows,
        ),
        "",
        "ratio: of the project to profiles by hand, of OpenRetailScience to RFM by hand\n",
        table(["the project's steps", "layer", "seconds", "share"], by_step),
        "",
        f"RFM models alone, features given: {rfm:.2f} s; RFM by hand from orders: "
        f"{seconds[_RFM]:.2f} s",
        f"the project takes {ratio:.2f} times the hand-written SQL (aim: at most {RATIO_AIM:.0f})"
        + (": MISSED" if aims and ratio > RATIO_AIM else ""),
        f"and {peak:.0f} MiB at most (aim: under {MEBIBYTES_AIM})"
        + (": MISSED" if aims and peak >= MEBIBYTES_AIM else ""),
        *([] if aims else ["the aims are for the full size, which this is not"]),
        _agreement_line(agreement),
    ]
    return "\n".join(lines)


def _agreement_line(agreement: Mapping[str, Any]) -> str:
    if not agreement["agree"]:
        return f"THE CONTENDERS DISAGREE: rows that differ: {agreement['differing_rows']}"
    alone = agreement["columns_of_the_project_alone"]
    more = f"; the script lacks {', '.join(alone)}" if alone else ""
    return f"the rows agree in {agreement['columns_compared']} columns{more}"


def _medians_by_step(answers: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    return {
        step: Spread.of([answer["steps"][step] for answer in answers]).middle
        for step in answers[0]["steps"]
    }


def _explained(options: Options, manifest: Mapping[str, Any]) -> str:
    """The measured plan of one model, over the project's tables of the last run."""
    path = _output(options, _PROJECT) / "work.duckdb"
    with duckdb.connect() as connection:
        for name, value in options.settings(options.folder / "spill").items():
            connection.execute(f"set {name} = '{value}'")
        connection.execute(f"attach '{options.inputs}' as inputs (read_only)")
        connection.execute(f"attach '{path}' as work (read_only)")
        connection.execute("use work")
        code = manifest["nodes"][f"model.clientele.{options.explain}"]["compiled_code"]
        rows = connection.execute(f"explain analyze {code}").fetchall()
    return "\n".join(str(row[-1]) for row in rows)


if __name__ == "__main__":
    sys.exit(main())
