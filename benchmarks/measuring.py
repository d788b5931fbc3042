"""What every benchmark shares: running a child, medians, the machine, tables and result files.

Does not belong here: what is measured (fixed_cost.py, rfm_profiles.py).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from orchestration.errors import ClienteleError

PROJECT = Path(__file__).resolve().parents[1]
RESULTS = PROJECT / "benchmarks" / "results"

_TAIL_LINES = 12


@dataclass(frozen=True)
class Spread:
    """The median of several measurements with the least and the greatest beside it.

    Attributes:
        middle, least, most: in the unit of the measurements.
    """

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(median(values), min(values), max(values))

    def shown(self, digits: int = 1) -> str:
        """As ``median (least to most)``; the median alone when the three are shown alike."""
        texts = [f"{value:.{digits}f}" for value in (self.middle, self.least, self.most)]
        return texts[0] if len(set(texts)) == 1 else f"{texts[0]} ({texts[1]} to {texts[2]})"


COSTS = ("seconds", "CPU seconds", "peak MiB")


def costs(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The cells under `COSTS` of a contender, from its answers of run_statements.run."""
    return [
        Spread.of([run["seconds"] for run in runs]).shown(),
        Spread.of([run["cpu_seconds"] for run in runs]).shown(),
        Spread.of([run["peak_mebibytes"] for run in runs]).shown(0),
    ]


def machine() -> dict[str, Any]:
    """What a reader needs to know of the machine; the load tells how alone the benchmark was."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "load_1_5_15_minutes": [round(value, 2) for value in os.getloadavg()],
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def load_line(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """How busy the machine was, so that a reader knows what the seconds are worth.

    Args:
        before, after: of `machine`.
    """
    loads = [values["load_1_5_15_minutes"][0] for values in (before, after)]
    return (
        f"{before['cores']} cores; load of the last minute {loads[0]} before and {loads[1]} after "
        "(above the number of cores, something else ran too: trust the ratios and the CPU seconds)"
    )


def run_json(
    command: Sequence[str],
    request: Mapping[str, Any],
    *,
    what: str,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run a child that reads a request as JSON on its standard input and answers in JSON.

    Args:
        command: of the child.
        request: plain values.
        what: the child in words, for the error.
        environment: of the child; None for that of this process.

    Raises:
        ClienteleError: the child failed or said something else.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        completed = subprocess.run(
            command,
            input=json.dumps(request),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            check=False,
            env=dict(environment) if environment is not None else None,
        )
        errors.seek(0)
        said = errors.read()
    try:
        if completed.returncode:
            raise ValueError
        answer: dict[str, Any] = json.loads(completed.stdout)
    except ValueError:
        tail = " | ".join(said.strip().splitlines()[-_TAIL_LINES:]) or "it said nothing"
        raise ClienteleError(
            f"{what} ended with status {completed.returncode}: {tail}", where="benchmarks"
        ) from None
    return answer


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that reads in a terminal too; all columns but the first right-aligned."""
    lines = [list(header), *[list(row) for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]

    def shown(line: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        return "| " + " | ".join([first, *others]) + " |"

    rule = ["-" * widths[0], *["-" * (width - 1) + ":" for width in widths[1:]]]
    return "\n".join([shown(lines[0]), shown(rule), *[shown(line) for line in lines[1:]]])


def write_results(name: str, values: Mapping[str, Any]) -> Path:
    """Write the results of a benchmark into a file of its own below `benchmarks/results`."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(dict(values), indent=1, default=str) + "\n", encoding="utf-8")
    return path


def duckdb_settings(parsed: argparse.Namespace, folder: Path) -> dict[str, str]:
    """The settings of DuckDB in which contenders run.

    Args:
        parsed: has `threads` and `memory_limit`.
        folder: below which DuckDB may spill.
    """
    return {
        "threads": str(parsed.threads),
        "memory_limit": parsed.memory_limit,
        "temp_directory": str(folder / "spill"),
        "preserve_insertion_order": "false",
    }


def in_folder(benchmark: Callable[[Path], int], folder: str | None = None) -> int:
    """Run a benchmark in a folder of its own, which is gone afterwards, or in one that stays.

    Args:
        benchmark: takes the folder, gives the status.
        folder: that stays, for the next run; None for one of its own.
    """
    try:
        if folder:
            return benchmark(Path(folder).absolute())
        with tempfile.TemporaryDirectory(prefix="clientele-benchmark-") as own:
            return benchmark(Path(own))
    except ClienteleError as error:
        return fail(error)


def fail(error: ClienteleError) -> int:
    """Say what is wrong in one sentence; the status of a benchmark that could not be run."""
    print(f"benchmark: {error.sentence}", file=sys.stderr)
    return 1
