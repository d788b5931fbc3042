"""The alternative of identity.py: components of records and identifiers by SciPy.

A process of its own, so that its peak memory is its own. Reads a request as JSON on standard input,
answers as JSON on standard output, as run_statements.py does.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import duckdb
import numpy as np
from run_statements import cpu_seconds, peak_mebibytes
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Label the components of the sightings that the request prepares."""
    connection = duckdb.connect()
    for name, value in request["settings"].items():
        connection.execute(f"set {name} = '{value}'")
    connection.execute(f"attach '{request['database']}' as {request['alias']}")
    connection.execute(f"use {request['alias']}")
    for statement in request["prepare"]:
        connection.execute(statement)
    started, cpu_started = time.perf_counter(), cpu_seconds()
    pairs = connection.execute(
        "select dense_rank() over (order by source_system, customer_ref) - 1 as record, "
        "dense_rank() over (order by identifier) - 1 as identifier from ("
        "select source_system, customer_ref, email as identifier from sightings "
        "where email is not null union all "
        "select source_system, customer_ref, phone from sightings where phone is not null)"
    ).fetchnumpy()
    records = int(pairs["record"].max()) + 1
    nodes = records + int(pairs["identifier"].max()) + 1
    edges = coo_matrix(
        (
            np.ones(len(pairs["record"]), dtype=np.int8),
            (pairs["record"], records + pairs["identifier"]),
        ),
        shape=(nodes, nodes),
    )
    _, labels = connected_components(edges, directed=False)
    seconds, cpu = time.perf_counter() - started, cpu_seconds() - cpu_started
    sizes = np.unique(np.unique(labels[:records], return_counts=True)[1], return_counts=True)
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_mebibytes": peak_mebibytes(),
        "queries": {
            "groups": [[int(size), int(count)] for size, count in zip(*sizes, strict=True)]
        },
        "duckdb": duckdb.__version__,
    }


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
