"""The child of rfm_profiles.py that lets OpenRetailScience score RFM, in DuckDB through Ibis.

Runs in an environment of its own (requirements.txt), because OpenRetailScience needs an older
DuckDB than the project. Reads a request as JSON on standard input, answers as JSON on standard
output. Does not belong here: anything that another contender does as well.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from typing import Any

import duckdb
import ibis
from openretailscience.segmentation.rfm import RFMSegmentation
from run_statements import cpu_seconds, peak_mebibytes


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Score the customers of the last 365 days into quintiles and keep them as a table.

    OpenRetailScience has no refunds, no cancelled orders and no window: it is given the counting
    orders of the window as its transactions, refunds left aside, which is less work than the others
    do. Its scores are row numbers cut in five (ntile), with ties decided by customer id.

    Args:
        request: `inputs`, `database` (files), `as_of_on` (ISO date), `settings` (name to value).

    Returns:
        As run_statements.run does.
    """
    connection = ibis.duckdb.connect(request["database"])
    for name, value in request["settings"].items():
        connection.raw_sql(f"set {name} = '{value}'").fetchall()
    connection.raw_sql(f"attach '{request['inputs']}' as inputs (read_only)").fetchall()
    as_of_on = date.fromisoformat(request["as_of_on"])
    connection.raw_sql(
        f"""
        create view transactions as
        select
            customer_id,
            order_id as transaction_id,
            ordered_on as transaction_date,
            net_amount as unit_spend
        from inputs.main.fct_orders
        where
            is_counting
            and customer_id is not null
            and ordered_on > date '{as_of_on.isoformat()}' - 365
        """
    ).fetchall()

    started, cpu_started = time.perf_counter(), cpu_seconds()
    scored = RFMSegmentation(
        connection.table("transactions"),
        current_date=as_of_on,
        r_segments=5,
        f_segments=5,
        m_segments=5,
    )
    connection.create_table("rfm_scores", scored.table)
    connection.raw_sql("checkpoint").fetchall()
    seconds, cpu = time.perf_counter() - started, cpu_seconds() - cpu_started
    peak = peak_mebibytes()
    rows = connection.table("rfm_scores").count().execute()
    connection.disconnect()
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "steps": {"rfm_scores": seconds},
        "peak_mebibytes": peak,
        "queries": {"rows": [[int(rows)]]},
        "duckdb": duckdb.__version__,
    }


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
