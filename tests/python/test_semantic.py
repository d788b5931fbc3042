"""MetricFlow gives the numbers of segment_kpis, over the release, and asks nobody.

That the numbers themselves are right stands in test_recomputation.py.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import Workspace
from pipeline import PROJECT

from orchestration.errors import ClienteleError
from orchestration.semantic import lay_out
from orchestration.semantic_models import FILE, generated, is_level, read_definitions
from orchestration.warehouse import Warehouse

METRICS = (
    "revenue",
    "average_order_value",
    "marketing_spend",
    "customer_acquisition_cost",
    "new_customers",
    "conversion_rate",
    "retention_rate",
    "churn_rate",
    "repeat_purchase_rate",
    "roi",
    "members",
    "days_between_orders",
)
SEGMENTS = ("all", "rfm_none", "lifecycle_new", "lifecycle_active", "one_time_buyers")

# What a release cannot be told without: connecting anywhere is a fault, even to be refused.
NO_NETWORK = """
import runpy, socket, sys
def refuse(*_):
    raise SystemExit("asked the network")
socket.socket.connect = socket.getaddrinfo = refuse
sys.argv = ["semantic", *sys.argv[1:]]
runpy.run_module("orchestration.semantic", run_name="__main__")
"""


def land(workspace: Workspace) -> None:
    """Four months of a shop: twelve customers, money spent, leads.

    test_review.py lands the same, so that both begin with one refresh.
    """
    workspace.write("mapping.yml", "business_time_zone: Europe/Paris\n")
    orders = [
        f"o{who}-{month},2026-{month:02d}-{1 + who:02d}T12:00:00Z,c{who},{10 * who + month}.35"
        for month in (1, 2, 3, 4)
        for who in range(1, 13)
        if who % 4 >= month - 1 or who % 5 == month
    ]
    workspace.write("orders.csv", "order_id,ordered_at,customer_ref,net_amount\n" + _lines(orders))
    spend = [f"s{month},2026-{month:02d}-03,search,{month}00.05" for month in (1, 2, 4)]
    workspace.write("marketing_spend.csv", "spend_id,spend_date,channel,amount\n" + _lines(spend))
    leads = [
        f"l{who},2026-0{1 + who % 4}-02T09:00:00Z,c{who},"
        + (f"2026-0{1 + who % 4}-20T09:00:00Z" if who % 3 else "")
        for who in range(1, 13)
    ]
    workspace.write("leads.csv", "lead_id,created_at,customer_ref,converted_at\n" + _lines(leads))


def _lines(rows: list[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


def asked(workspace: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", NO_NETWORK, *arguments],
        cwd=workspace.project,
        env=workspace.env(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.kpis
def test_a_query_gives_the_numbers_of_segment_kpis(workspace: Workspace) -> None:
    pytest.importorskip("dbt_metricflow")
    land(workspace)
    workspace.settled()
    published = workspace.published()
    answer = workspace.root / "answer.csv"
    chosen = ", ".join(f"'{name}'" for name in SEGMENTS)
    completed = asked(
        workspace,
        "query",
        *("--metrics", ",".join(METRICS)),
        *("--group-by", "metric_time__month,segment_period__segment_key"),
        *("--where", f"{{{{ Dimension('segment_period__segment_key') }}}} in ({chosen})"),
        *("--csv", str(answer)),
    )
    assert completed.returncode == 0, completed.stdout[-2000:] + completed.stderr[-2000:]

    with answer.open(encoding="utf-8", newline="") as stream:
        got = {
            (row["segment_period__segment_key"], row["metric_time__month"][:10], metric): value
            for row in csv.DictReader(stream)
            for metric, value in row.items()
            if metric in METRICS
        }
    wanted = {
        (segment, str(start), kpi): value
        for segment, start, kpi, value in workspace.query(
            "select segment_key, period_start, kpi, value from segment_kpis "
            f"where period_grain = 'month' and segment_key in ({chosen}) "
            f"and kpi in ({', '.join(repr(name) for name in METRICS)})"
        )
    }
    assert set(got) == set(wanted)
    wrong = {key: (got[key], wanted[key]) for key in wanted if not _same(got[key], wanted[key])}
    assert wrong == {}
    # A figure for each metric, and figures that nobody has: else the comparison would say little.
    assert {metric for (_, _, metric), value in wanted.items() if value} == set(METRICS)
    assert None in wanted.values()
    assert {segment for segment, _, _ in wanted} == set(SEGMENTS)

    assert workspace.published() == published
    assert not (workspace.project / "logs" / "metricflow.log").exists()


def _same(text: str, value: Decimal | None) -> bool:
    """Whether a quotient of doubles is the exact one, as far as its six places go."""
    if value is None or text == "":
        return value is None and text == ""
    return abs(Decimal(text) - value) <= Decimal("0.000001")


def test_the_file_of_the_metrics_is_what_the_definitions_say() -> None:
    assert (PROJECT / FILE).read_text(encoding="utf-8") == generated(PROJECT), (
        f"{FILE} is out of date; run python -m orchestration.semantic_models"
    )


def test_every_kpi_is_a_metric_of_months(compiled_manifest: dict[str, Any]) -> None:
    metrics = compiled_manifest["metrics"]
    definitions = {item["kpi"]: item for item in read_definitions(PROJECT)}
    names = {metric["name"] for metric in metrics.values()}
    assert names == {*definitions, "kpi_numerator", "kpi_denominator"}
    assert all("month" in item["grains"] for item in definitions.values())
    assert {kpi for kpi, item in definitions.items() if is_level(item)} == {
        *("members", "days_between_orders", "deployment_hours")
    }
    for metric in metrics.values():
        # The days of the time spine stand in it once per grain: joined, they would multiply.
        text = json.dumps(metric["type_params"])
        assert metric["type"] in {"simple", "ratio"}
        assert '"join_to_timespine": true' not in text
        if metric["name"] in definitions:
            assert f"= '{metric['name']}'" in text
            assert "= 'month'" in text


def test_without_a_release_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ClienteleError) as refused:
        lay_out(Warehouse(tmp_path), tmp_path / "semantic_manifest.json", tmp_path)
    assert "there is no release" in refused.value.sentence
    assert "make refresh" in refused.value.sentence


def test_the_guard_of_the_network_works() -> None:
    guard = NO_NETWORK.replace("runpy.run_module", "socket.getaddrinfo('localhost', 1)\n#")
    done = subprocess.run(
        [sys.executable, "-c", guard], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "asked the network" in done.stderr
