"""The fixed cost of a refresh: where the seconds go when there is next to nothing to do.

    python benchmarks/fixed_cost.py          the first refresh of the demo business, then five

Refreshes the demo business in a new temporary warehouse: once with everything to do, then several
times with nothing new, and splits each into the parts that follow one another, from the times that
the command prints, that Dagster's event log holds and that dbt's results hold. Nothing in the
project is switched on for it: what is measured is what everybody runs.

Does not belong here: the cost of data (rfm_profiles.py), and what `make` adds before the command.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from measuring import PROJECT, Spread, fail, load_line, machine, table, write_results

from orchestration.errors import ClienteleError

AIM_SECONDS = 15.0
_AIM_CORES = 2

_STEPS = {
    "landing": "ingest",
    "models": "build",
    "audit": "audit",
    "published__release": "publish",
}
"""What the steps of the job are called here, by their key in Dagster."""

PARTS = (
    ("start-up", "Python, and the command line's own imports"),
    ("start-up", "demo data, manifest check, imports, job"),
    ("start-up", "Dagster: plan of the run"),
    ("ingest", "new files, raw views, state"),
    ("build", "dbt: wait until it has loaded"),
    ("build", "dbt: select and connect"),
    ("build", "dbt: nodes"),
    ("build", "dbt: end, last events"),
    ("audit", "checks and seal"),
    ("publish", "copy, write and flip"),
    ("between steps", "Dagster"),
    ("end", "summary and exit"),
)
"""Every part with the step it belongs to; they follow one another and add up to the whole."""

_IMPORTS = {
    "python": "pass",
    "the command line": "import orchestration.cli",
    "dagster": "import dagster",
    "the job, with dagster": "import orchestration.definitions",
    "dbt": "import dbt.cli.main, dbt.adapters.duckdb",
    "great_expectations": "import great_expectations",
}


@dataclass(frozen=True)
class Nodes:
    """What dbt's own results say of the nodes of one build.

    Attributes:
        threads: that ran nodes.
        span: seconds from the first start to the last end.
        busy: seconds of all nodes; up to threads x span.
        compiling: of busy, seconds of rendering SQL.
        executing: of busy, seconds of running it, with dbt's own statements around it.
        by_kind: number of nodes and their seconds by kind (seed, table, view, test).
        slowest: the ten slowest with their seconds.
    """

    threads: int
    span: float
    busy: float
    compiling: float
    executing: float
    by_kind: dict[str, tuple[int, float]]
    slowest: list[tuple[str, float]]


@dataclass(frozen=True)
class Refresh:
    """One refresh, measured.

    Attributes:
        seconds: from the start of the process to its end.
        cpu_seconds: processor time of it and of dbt.
        peak_mebibytes: the most memory of the larger of the two.
        parts: seconds of each of `PARTS`, in their order.
        parsed: whether dbt parsed the whole project, because it was new or had changed.
        nodes: of its build.
    """

    seconds: float
    cpu_seconds: float
    peak_mebibytes: float
    parts: tuple[float, ...]
    parsed: bool
    nodes: Nodes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status is 0 when every refresh succeeded."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=5, help="refreshes after the first")
    parsed = parser.parse_args(arguments)
    try:
        if parsed.runs < 1:
            raise ClienteleError("the number of runs is not above 0", where="--runs")
        with tempfile.TemporaryDirectory(prefix="clientele-benchmark-") as folder:
            return _benchmark(Path(folder), parsed.runs)
    except ClienteleError as error:
        return fail(error)


def _benchmark(folder: Path, runs: int) -> int:
    before = machine()
    print("the first refresh, with the demo business to write and the project to parse", flush=True)
    first = measure(folder)
    print(f"  {first.seconds:.1f} s", flush=True)
    normal = []
    for number in range(runs):
        normal.append(measure(folder))
        changed = " (not counted: the project changed and was parsed)" if normal[-1].parsed else ""
        print(f"  refresh {number + 1}: {normal[-1].seconds:.1f} s{changed}", flush=True)
    counted = [refresh for refresh in normal if not refresh.parsed]
    if not counted:
        raise ClienteleError(
            "the project changed before every refresh, so none of them shows the fixed cost",
            where="benchmarks/fixed_cost.py",
            remedy="run it again while nobody edits models, macros, seeds or tests",
        )
    imports = {name: _import_seconds(code) for name, code in _IMPORTS.items()}
    after = machine()
    print(report(first, counted, imports))
    print(f"\n{load_line(before, after)}")
    path = write_results(
        "fixed_cost",
        {
            "benchmark": "fixed_cost",
            "machine": before,
            "load_after": after["load_1_5_15_minutes"],
            "parts": PARTS,
            "first": asdict(first),
            "normal": [asdict(refresh) for refresh in normal],
            "imports": {name: asdict(spread) for name, spread in imports.items()},
        },
    )
    print(f"\nwritten to {path}")
    return 0


def measure(folder: Path) -> Refresh:
    """Refresh the warehouse of a folder and split the time it took.

    Args:
        folder: `landing` and `warehouse` are below it; the demo business is written if there are
            none.

    Raises:
        ClienteleError: the refresh failed.
    """
    warehouse = folder / "warehouse"
    stamp = warehouse / "dbt" / "parsed.sha256"
    parsed_before = stamp.stat().st_mtime_ns if stamp.exists() else None
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLIENTELE_")}
    environment |= {
        "CLIENTELE_LANDING": str(folder / "landing"),
        "CLIENTELE_WAREHOUSE": str(warehouse),
    }
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        started = time.time()
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "refresh"],
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout is not None, "asked for as a pipe"
        first_word = 0.0
        with process.stdout as lines:
            for _ in lines:
                first_word = first_word or time.time()
        # Not process.wait(): the usage of this one child, and of dbt below it, is wanted too.
        _, status, usage = os.wait4(process.pid, 0)
        ended = time.time()
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = errors.read().strip().splitlines()
    if process.returncode:
        raise ClienteleError(
            f"the refresh ended with status {process.returncode}: {said[-1] if said else ''}",
            where="benchmarks/fixed_cost.py",
        )
    results = json.loads((warehouse / "dbt" / "run_results.json").read_text(encoding="utf-8"))
    planned, steps = _steps(warehouse / "dagster")
    return Refresh(
        seconds=ended - started,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mebibytes=usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024),
        parts=_parts(started, first_word, planned, steps, results, ended),
        parsed=stamp.stat().st_mtime_ns != parsed_before,
        nodes=_nodes(results, warehouse / "dbt"),
    )


def _steps(dagster_home: Path) -> tuple[float, dict[str, tuple[float, float]]]:
    """When the last run was planned, and when its steps began and ended, as Unix times."""
    import dagster as dg

    # Its configuration names the folder by this variable, as the command line sets it.
    os.environ["DAGSTER_HOME"] = str(dagster_home)
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        run_id = instance.get_run_records(limit=1)[0].dagster_run.run_id
        planned = min(entry.timestamp for entry in instance.all_logs(run_id))
        found = {
            stats.step_key: (stats.start_time, stats.end_time)
            for stats in instance.get_run_step_stats(run_id)
        }
    steps = {
        name: (start, end)
        for key, name in _STEPS.items()
        for start, end in [found.get(key, (None, None))]
        if start is not None and end is not None
    }
    if len(steps) < len(_STEPS):
        raise ClienteleError(
            f"the last run has not the steps {', '.join(_STEPS)} but {', '.join(found)}",
            where="Dagster's event log",
            remedy="name them in _STEPS of benchmarks/fixed_cost.py as the job does",
        )
    return planned, steps


def _parts(
    started: float,
    first_word: float,
    planned: float,
    steps: Mapping[str, tuple[float, float]],
    results: Mapping[str, Any],
    ended: float,
) -> tuple[float, ...]:
    """Seconds of each of `PARTS`. All arguments that are numbers are Unix times."""
    order = list(_STEPS.values())
    invoked = _unix(results["metadata"]["invocation_started_at"])
    nodes_start, nodes_end = _node_span(results)
    build_start, build_end = steps["build"]
    between = sum(steps[later][0] - steps[earlier][1] for earlier, later in pairwise(order))
    return (
        first_word - started,
        planned - first_word,
        steps["ingest"][0] - planned,
        _length(steps["ingest"]),
        invoked - build_start,
        nodes_start - invoked,
        nodes_end - nodes_start,
        build_end - nodes_end,
        _length(steps["audit"]),
        _length(steps["publish"]),
        between,
        ended - steps["publish"][1],
    )


def _length(times: tuple[float, float]) -> float:
    return times[1] - times[0]


def _unix(text: str) -> float:
    """Unix time of an ISO instant; one without an offset is in UTC, as dbt writes them."""
    instant = datetime.fromisoformat(text)
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()


def _node_span(results: Mapping[str, Any]) -> tuple[float, float]:
    timings = [timing for result in results["results"] for timing in result["timing"]]
    starts = [_unix(timing["started_at"]) for timing in timings]
    ends = [_unix(timing["completed_at"]) for timing in timings]
    return min(starts), max(ends)


def _nodes(results: Mapping[str, Any], target_path: Path) -> Nodes:
    manifest = json.loads((target_path / "parsed.json").read_text(encoding="utf-8"))["nodes"]
    by_kind: dict[str, tuple[int, float]] = {}
    for result in results["results"]:
        node = manifest.get(result["unique_id"], {})
        kind = (
            node["config"]["materialized"]
            if node.get("resource_type") == "model"
            else result["unique_id"].split(".", 1)[0]
        )
        count, seconds = by_kind.get(kind, (0, 0.0))
        by_kind[kind] = (count + 1, seconds + result["execution_time"])
    start, end = _node_span(results)
    slowest = sorted(results["results"], key=lambda result: -result["execution_time"])[:10]
    return Nodes(
        threads=len({result["thread_id"] for result in results["results"]}),
        span=end - start,
        busy=sum(seconds for _, seconds in by_kind.values()),
        compiling=_timed(results, "compile"),
        executing=_timed(results, "execute"),
        by_kind=by_kind,
        slowest=[(item["unique_id"].split(".")[2], item["execution_time"]) for item in slowest],
    )


def _timed(results: Mapping[str, Any], phase: str) -> float:
    return sum(
        _unix(timing["completed_at"]) - _unix(timing["started_at"])
        for result in results["results"]
        for timing in result["timing"]
        if timing["name"] == phase
    )


def _import_seconds(code: str) -> Spread:
    """Seconds of a new interpreter that runs the code, three times."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        completed = subprocess.run(
            [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, check=False
        )
        seconds.append(time.perf_counter() - started)
        if completed.returncode:
            raise ClienteleError(f"cannot run: {code}", where="benchmarks/fixed_cost.py")
    return Spread.of(seconds)


def report(first: Refresh, normal: Sequence[Refresh], imports: Mapping[str, Spread]) -> str:
    """The tables of the benchmark as text."""
    spreads = [
        Spread.of(values) for values in zip(*(refresh.parts for refresh in normal), strict=True)
    ]
    total = Spread.of([refresh.seconds for refresh in normal])
    rows = [
        [step, part, spread.shown(), f"{spread.middle / total.middle:.0%}", f"{once:.1f}"]
        for (step, part), spread, once in zip(PARTS, spreads, first.parts, strict=True)
    ]
    rows.append(["all", "", total.shown(), "", f"{first.seconds:.1f}"])
    rows.append(["CPU", "", _shown(r.cpu_seconds for r in normal), "", f"{first.cpu_seconds:.1f}"])
    by_step = _sums_by_step(spreads)
    middle = sorted(normal, key=lambda refresh: refresh.seconds)[len(normal) // 2]
    return "\n".join(
        [
            f"\nseconds, median of {len(normal)} refreshes with nothing new (least to most)\n",
            table(["step", "part", "nothing new", "share", "first refresh"], rows),
            "",
            table(["step", "seconds"], [[name, f"{value:.1f}"] for name, value in by_step.items()]),
            f"\nthe aim is {AIM_SECONDS:.0f} s on {_AIM_CORES} cores; measured {total.middle:.1f} s"
            + (": MISSED" if total.middle > AIM_SECONDS else ""),
            f"memory at most {max(r.peak_mebibytes for r in normal):.0f} MiB in one process",
            "",
            _nodes_report(middle.nodes),
            "\nseconds of a new interpreter that imports, median of 3 (least to most)\n",
            table(["import", "seconds"], [[name, s.shown()] for name, s in imports.items()]),
        ]
    )


def _shown(values: Iterable[float]) -> str:
    return Spread.of(list(values)).shown()


def _sums_by_step(spreads: Sequence[Spread]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for (step, _), spread in zip(PARTS, spreads, strict=True):
        sums[step] = sums.get(step, 0.0) + spread.middle
    return sums


def _nodes_report(nodes: Nodes) -> str:
    rows = [
        [kind, str(count), f"{seconds:.1f}", f"{1000 * seconds / count:.0f}"]
        for kind, (count, seconds) in sorted(nodes.by_kind.items())
    ]
    idle = 1 - nodes.busy / (nodes.threads * nodes.span)
    slowest = ", ".join(f"{name} {seconds:.2f}" for name, seconds in nodes.slowest)
    return "\n".join(
        [
            f"nodes of the refresh in the middle: {nodes.span:.1f} s, {nodes.threads} threads, "
            f"{idle:.0%} idle, {nodes.busy:.1f} s of work: {nodes.compiling:.1f} s rendering SQL, "
            f"{nodes.executing:.1f} s running it, the rest dbt's own book-keeping\n",
            table(["kind", "nodes", "seconds of work", "milliseconds each"], rows),
            f"\nslowest: {slowest}",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
