"""The child of rfm_profiles.py: runs named SQL statements in DuckDB and tells time and memory.

A process of its own, so that its peak memory is that of the statements and of nothing else. Reads a
request as JSON on standard input, answers as JSON on standard output. Does not belong here: which
statements are run, and anything but the standard library and DuckDB, so that it starts in any
environment that has DuckDB.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import duckdb


def peak_mebibytes() -> float:
    """The most memory that this process held at once.

    Linux's ``ru_maxrss`` of a new process starts at what its parent held when it was forked, so the
    high-water mark of this process's own address space is read instead where there is one.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def cpu_seconds() -> float:
    """Processor time of all threads of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Run the statements of a request.

    Args:
        request: `database` (file to write) and `alias` (name of its catalogue); `inputs` (file to
            read) or null; `settings` (name to value); `prepare` (statements that are not timed);
            `options` of attaching the file, if any; `steps` (a list of `name` and `sql`); `queries`
            (name to a query whose rows are returned).

    Returns:
        `seconds` and `cpu_seconds` of the steps and of closing the file, which writes what is still
        in memory; `steps` and `cpu_steps` (name to seconds); `peak_mebibytes`; `queries` (name to
        rows); `duckdb` (version).
    """
    connection = duckdb.connect()
    for name, value in request["settings"].items():
        connection.execute(f"set {name} = '{value}'")
    if request["inputs"]:
        connection.execute(f"attach '{request['inputs']}' as inputs (read_only)")
    options = f" ({request['options']})" if request.get("options") else ""
    connection.execute(f"attach '{request['database']}' as {request['alias']}{options}")
    connection.execute(f"use {request['alias']}")
    for statement in request["prepare"]:
        connection.execute(statement)

    steps: dict[str, float] = {}
    cpu_steps: dict[str, float] = {}
    started, cpu_started = time.perf_counter(), cpu_seconds()
    for step in request["steps"]:
        step_started, cpu_step_started = time.perf_counter(), cpu_seconds()
        connection.execute(step["sql"])
        name = step["name"]
        steps[name] = steps.get(name, 0.0) + time.perf_counter() - step_started
        cpu_steps[name] = cpu_steps.get(name, 0.0) + cpu_seconds() - cpu_step_started
    step_started, cpu_step_started = time.perf_counter(), cpu_seconds()
    connection.execute("checkpoint")
    steps["checkpoint"] = time.perf_counter() - step_started
    cpu_steps["checkpoint"] = cpu_seconds() - cpu_step_started
    seconds, cpu = time.perf_counter() - started, cpu_seconds() - cpu_started
    peak = peak_mebibytes()

    queries = {name: connection.execute(sql).fetchall() for name, sql in request["queries"].items()}
    connection.close()
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "steps": steps,
        "cpu_steps": cpu_steps,
        "peak_mebibytes": peak,
        "queries": queries,
        "duckdb": duckdb.__version__,
    }


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout, default=str)
