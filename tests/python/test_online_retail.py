"""Real input: 305 daily files of Online Retail through real refreshes; the published figures.

The figures are quoted in the description of the data (UCI data set 352, Chen 2015, CC BY 4.0).
"""

from __future__ import annotations

import csv
import random
import shutil
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import PROJECT, Workspace, nightly

pytestmark = pytest.mark.kpis

COHORT_WITH_CANCELLATIONS = [948, 362, 317, 367, 341, 376, 360, 336, 336, 374, 354, 474, 260]
COHORT_WITHOUT = [885, 324, 286, 340]
ACTIVITY_WITH_REFUNDS = "{cohort_activity: orders_and_refunds}"

# What must not depend on how the files arrived. Published history is aside: it says what was known
# when; of its last instant, which must be the same, sizes and members are compared.
SAME_HOWEVER_LANDED = {
    "customer_profiles": "*",
    "rfm_scores": "*",
    "lifecycle_stages": "customer_id, lifecycle_stage",
    "segments": "*",
    "segment_membership": "segment_key, customer_id, is_primary",
    "segment_sizes": "segment_key, as_of, member_count",
    "segment_kpis": "*",
    "cohort_retention": "*",
    "quarantine_summary": "*",
    "source_files": "* exclude (loaded_at, batch_id)",
}
CONDITIONS = {
    "segment_sizes": "as_of = (select as_of from release)",
    "segment_kpis": "segment_key = 'all'",
    "cohort_retention": "segment_key = 'all'",
}


def files_of(real_data: Path) -> list[Path]:
    files = sorted((real_data / "online_retail_daily").glob("*.csv"))
    assert len(files) == 305
    return files


def land(workspace: Workspace, files: list[Path], mapping: str) -> None:
    folder = workspace.landing / "retail"
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, folder / file.name)
    source = PROJECT / "examples" / "online_retail" / mapping
    shutil.copy(source, workspace.landing / "mapping.yml")


def compared(workspace: Workspace) -> dict[str, list[tuple[object, ...]]]:
    return {
        name: workspace.query(
            f"select {columns} from {name} where {CONDITIONS.get(name, 'true')} order by all"
        )
        for name, columns in SAME_HOWEVER_LANDED.items()
    }


def cohort(workspace: Workspace, month: str) -> list[int]:
    rows = workspace.query(
        "select active_customers from cohort_retention where segment_key = 'all' "
        f"and cohort_month = date '{month}' order by months_since_first_order"
    )
    return [row[0] for row in rows]


def expected_cohorts(files: list[Path], *, clean: bool) -> dict[tuple[date, int], int]:
    """Cohorts by first calendar month, straight from the files."""
    months: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for file in files:
        with file.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if not row["CustomerID"]:
                    continue
                if clean and (
                    row["InvoiceNo"].startswith("C")
                    or int(row["Quantity"]) <= 0
                    or Decimal(row["UnitPrice"]) <= 0
                ):
                    continue
                year, month = map(int, row["InvoiceDate"][:7].split("-"))
                months[row["CustomerID"]].add((year, month))
    cells: dict[tuple[date, int], int] = defaultdict(int)
    for active in months.values():
        year, month = min(active)
        for other_year, other_month in active:
            cells[date(year, month, 1), (other_year - year) * 12 + other_month - month] += 1
    return cells


def test_everything_comes_out_to_the_cent(workspace: Workspace, real_data: Path) -> None:
    files = files_of(real_data)
    land(workspace, files, "mapping.yml")
    workspace.parsed_with = {}
    workspace.refresh(CLIENTELE_VARS=ACTIVITY_WITH_REFUNDS)

    # Revenue, cancellations and lines of no customer included, is the sum of the files.
    assert workspace.query(
        "select period_grain, sum(value) from segment_kpis "
        "where segment_key = 'all' and kpi = 'revenue' group by period_grain order by period_grain"
    ) == [(grain, Decimal("9747747.934000")) for grain in ("day", "month", "quarter", "week")]
    assert workspace.query("select sum(line_count), sum(rejected_rows) from source_files") == [
        (541909, 0)
    ]
    # 4,372 customers; those without an id are in no profile, and no id keeps its '.0'.
    assert workspace.query("select count(*), max(net_revenue_lifetime) from customer_profiles") == [
        (4372, Decimal("279489.0200"))
    ]

    # The published cohort, cell for cell, and every other cohort as the files have it.
    assert cohort(workspace, "2010-12-01") == COHORT_WITH_CANCELLATIONS
    cells = workspace.query(
        "select cohort_month, months_since_first_order, active_customers from cohort_retention "
        "where segment_key = 'all' and active_customers > 0"
    )
    assert {(month, k): count for month, k, count in cells} == expected_cohorts(files, clean=False)


@nightly
def test_however_the_files_land_the_same_comes_out(workspace: Workspace, real_data: Path) -> None:
    """At once, and shuffled in ten portions."""
    files = files_of(real_data)
    land(workspace, files, "mapping.yml")
    workspace.refresh(CLIENTELE_VARS=ACTIVITY_WITH_REFUNDS)
    at_once = compared(workspace)
    shutil.rmtree(workspace.landing)
    for name in ("raw", "releases", "work"):
        shutil.rmtree(workspace.warehouse / name)
    (workspace.warehouse / "current").unlink()
    shuffled = random.Random(20101201).sample(files, len(files))
    starts = list(range(0, len(shuffled), 31))
    for start, end in zip(starts, [*starts[1:], len(shuffled)], strict=True):
        land(workspace, shuffled[start:end], "mapping.yml")
        workspace.refresh(CLIENTELE_VARS=ACTIVITY_WITH_REFUNDS)
    in_portions = compared(workspace)
    for name, rows in at_once.items():
        assert in_portions[name] == rows, name


@nightly
def test_the_clean_mapping_gives_the_published_cohorts(
    workspace: Workspace, real_data: Path
) -> None:
    files = files_of(real_data)
    land(workspace, files, "mapping_clean.yml")
    workspace.refresh()
    assert cohort(workspace, "2010-12-01")[:4] == COHORT_WITHOUT
    cells = workspace.query(
        "select cohort_month, months_since_first_order, active_customers from cohort_retention "
        "where segment_key = 'all' and active_customers > 0"
    )
    assert {(month, k): count for month, k, count in cells} == expected_cohorts(files, clean=True)
    assert workspace.query(
        "select count(*) from customer_profiles where order_count_lifetime > 0"
    ) == [(4338,)]
    line_count, accepted, filtered, repeated = workspace.query(
        "select sum(line_count), sum(accepted_rows), sum(filtered_rows), sum(repeated_rows) "
        "from source_files"
    )[0]
    assert line_count == 541909
    assert accepted + filtered + repeated == line_count
