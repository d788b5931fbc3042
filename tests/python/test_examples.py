"""The ready mappings of examples/ give exactly the rows that their files hold.

What is expected is written in ``expected_examples.yml``, from the files and not from a run.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from conftest import Workspace, nightly
from pipeline import Pipeline

from orchestration.contract import Column, load_contract
from orchestration.ingest import IngestResult, create_raw_views, ingest
from orchestration.landing import find_readings
from orchestration.mapping import load_mapping

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
CONTRACT = load_contract()
LOADED_AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
TOOLS = sorted(path.name for path in EXAMPLES.iterdir() if (path / "landing").is_dir())
EXPECTED: dict[str, Any] = yaml.load(
    (Path(__file__).parent / "expected_examples.yml").read_text(encoding="utf-8"),
    Loader=yaml.BaseLoader,
)

COUNTS = ("lines", "accepted", "filtered", "repeated")

#: Sum over the file of what counts, less what was given back, by hand: see the comments.
NET_REVENUE = {
    # 1001 25 + 1002 30 + 1003 45.50 + 1004 50 (60 less 10 of tax) + 1006 40 + 1007 12.50
    # + 1008 18 + 1009 20 (24 less 4 of tax); 1005 is void; given back: 1004 6, 1006 40 and
    # 1009 20 in full
    "shopify": Decimal("241.00") - Decimal("66.00"),
    # 204 50 + 205 80 - 8 + 206 20 + 207 50 + 210 12; 208, 209 do not count; 207 given back
    "woocommerce": Decimal("204.00") - Decimal("50.00"),
    # 4: 1200 - 120, 3: 8.40 + 3.00, 2: 9 - 1, 1: 4.50 + 4.50; R5 4.50 and 50 of 4 given back
    "square": Decimal("1108.40") - Decimal("54.50"),
    # 1234.50 + (89.90 - 10) + 45 + (2000 - 200); credit note of 29.90
    "spreadsheet": Decimal("3159.40") - Decimal("29.90"),
    # one of two won deals has an amount
    "hubspot": Decimal("12000.00"),
    # 1250 + 29 + 120 + 49 and 100 euros at 1.1520; given back 29 + 20 + 30 and 10 euros at 1.17
    "stripe": Decimal("1563.20") - Decimal("90.70"),
}


@dataclass
class Loaded:
    """One example, ingested."""

    landing: Path
    warehouse: Path
    result: IngestResult

    def query(self, sql: str) -> list[dict[str, Any]]:
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            create_raw_views(
                connection,
                contract=CONTRACT,
                warehouse=self.warehouse,
                batches=self.result.batches,
                files=self.result.files,
            )
            found = connection.execute(sql)
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def rows(self, entity: str) -> list[dict[str, Any]]:
        return self.query(f"select * from raw.{entity} order by _source_file, _line_number")

    def rejects(self) -> list[tuple[Any, ...]]:
        found = self.query("select column_name, raw_value, reason from run.rejects order by all")
        return [tuple(row.values()) for row in found]


def load(folder: Path, mapping: Path, landing: Path) -> Loaded:
    result = ingest(
        landing=landing,
        warehouse=folder / "warehouse",
        mapping=load_mapping(mapping, CONTRACT),
        contract=CONTRACT,
        known=(),
        run_id="run1",
        loaded_at=LOADED_AT,
        progress=lambda line: None,
    )
    return Loaded(landing, folder / "warehouse", result)


def load_example(folder: Path, tool: str) -> Loaded:
    return load(folder, EXAMPLES / tool / "mapping.yml", EXAMPLES / tool / "landing")


def load_changed(folder: Path, tool: str, name: str, old: str, new: str, code: str) -> Loaded:
    """The example with one text in one of its files changed."""
    landing = folder / "landing"
    shutil.copytree(EXAMPLES / tool / "landing", landing)
    path = landing / tool / name
    text = path.read_bytes().decode(code)
    assert text.count(old) == 1, f"{text.count(old)} times in {name}"
    path.write_bytes(text.replace(old, new).encode(code))
    return load(folder, EXAMPLES / tool / "mapping.yml", landing)


def typed(column: Column, text: str) -> object:
    """A value of the expectations in the type of the contract."""
    if text.startswith("sha256 "):
        return hashlib.sha256(text.removeprefix("sha256 ").encode()).hexdigest()
    if column.kind == "decimal":
        return Decimal(text)
    if column.kind == "timestamp":
        return dt.datetime.fromisoformat(text)
    if column.kind == "date":
        return dt.date.fromisoformat(text)
    if column.kind == "boolean":
        return {"true": True, "false": False}[text]
    if column.kind in ("int", "bigint"):
        return int(text)
    return text


def expected_rows(entity: str, wanted: Mapping[str, Any]) -> list[dict[str, object]]:
    columns = CONTRACT.entity(entity).landed_columns
    names = {column.name for column in columns}
    rows = []
    for row in wanted["rows"]:
        given = {**wanted.get("all", {}), **row}
        assert set(given) <= names
        rows.append(
            {
                column.name: typed(column, given[column.name]) if column.name in given else None
                for column in columns
            }
        )
    return rows


@pytest.mark.parametrize("tool", TOOLS)
def test_an_example_gives_exactly_the_rows_of_its_files(tool: str, tmp_path: Path) -> None:
    loaded = load_example(tmp_path, tool)

    assert {file.entity for file in loaded.result.files} == set(EXPECTED[tool])
    assert loaded.rejects() == []
    for entity, wanted in EXPECTED[tool].items():
        names = CONTRACT.entity(entity).landed_names
        found = [{name: row[name] for name in names} for row in loaded.rows(entity)]
        # rows of one line, from blocks that read the same file, have no order
        assert sorted(found, key=str) == sorted(expected_rows(entity, wanted), key=str), entity


@pytest.mark.parametrize("tool", TOOLS)
def test_every_line_of_an_example_is_accounted_for(tool: str, tmp_path: Path) -> None:
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for file in load_example(tmp_path, tool).result.files:
        parts = (
            file.line_count,
            file.accepted_rows,
            file.filtered_rows,
            file.repeated_rows,
            file.rejected_rows,
        )
        assert parts[0] == sum(parts[1:])
        counts[file.entity] = [
            have + part for have, part in zip(counts[file.entity], parts, strict=True)
        ]

    assert counts == {
        entity: [
            *(
                int(wanted["counts"][name])
                for name in ("lines", "accepted", "filtered", "repeated")
            ),
            0,
        ]
        for entity, wanted in EXPECTED[tool].items()
    }


def headers(tool: str) -> Iterator[tuple[str, str, list[str]]]:
    """(entity, label of the block, columns) of every reading of a file."""
    mapping = load_mapping(EXAMPLES / tool / "mapping.yml", CONTRACT)
    for reading in find_readings(EXAMPLES / tool / "landing", mapping, CONTRACT).readings:
        block, path = reading.block, reading.file.path
        text = path.read_bytes().decode(block.encoding or "utf-8-sig")
        if reading.file.kind == "jsonl":
            names = [name for line in text.splitlines() for name in json.loads(line)]
        else:
            lines = text.splitlines(keepends=True)[block.skip_lines :]
            names = next(csv.reader(lines, delimiter=block.delimiter or ","))
        yield block.entity, f"{block.entity}/{block.files}", names


@pytest.mark.parametrize("tool", TOOLS)
def test_the_columns_that_an_example_reads_are_the_intended_ones(tool: str, tmp_path: Path) -> None:
    unknown = load_example(tmp_path, tool).result.unknown_columns
    reads: dict[str, set[str]] = defaultdict(set)
    for entity, label, names in headers(tool):
        reads[entity] |= set(names) - set(unknown.get(label, ()))

    assert reads == {entity: set(wanted["reads"]) for entity, wanted in EXPECTED[tool].items()}


@pytest.mark.parametrize("tool", NET_REVENUE)
def test_net_revenue_of_an_example_is_the_sum_of_its_file(
    tool: str, tmp_path: Path, pipeline: Pipeline
) -> None:
    loaded = load_example(tmp_path, tool)
    mapping = load_mapping(EXAMPLES / tool / "mapping.yml", CONTRACT)
    raw = {
        entity: loaded.rows(entity)
        for entity in EXPECTED[tool]
        if entity in ("customers", "orders", "order_lines", "refunds", "fx_rates")
    }
    connection = pipeline.run(
        raw,
        as_of=dt.datetime(2025, 12, 31, 23),
        time_zone=mapping.business_time_zone,
        currency=mapping.reporting_currency,
        only="fct_revenue",
    )

    found = connection.execute("select sum(net_revenue) from fct_revenue").fetchall()
    assert found == [(NET_REVENUE[tool],)]


@pytest.mark.parametrize(
    ("tool", "name", "old", "new", "reject"),
    [
        (  # with 3 of duties: neither 60 + 6 + 3 nor 60 + 6 + 11 + 3 are 70
            "shopify",
            "orders_export_1.csv",
            "60.00,6.00,11.00,69.00",
            "60.00,6.00,11.00,70.00",
            ("net_amount", "Subtotal 60.00 does not add up to Total", "not a decimal number"),
        ),
        (
            "shopify",
            "orders_export_1.csv",
            "12.50,0.00,0.00,12.50",
            "abc,0.00,0.00,12.50",
            ("net_amount", "abc", "not a decimal number"),
        ),
        (
            "woocommerce",
            "order_export_2025-05-01-09-00-00.csv",
            ",8.00,8.00,8.00,88.66,80.00,",
            ',8.00,8.00,"8,00",88.66,80.00,',
            ("discount_amount", "8,00", "not a decimal number"),
        ),
        (
            "stripe",
            "balance_change_from_activity_itemized.csv",
            ",-20.00,usd,",
            ",20.00,usd,",
            ("amount", "-20.00", "below the minimum of 0"),
        ),
        (
            "square",
            "transactions-2025-03-01-2025-04-01.csv",
            "03:10:00,Eastern Time (US & Canada)",
            "03:10:00,Atlantic Time (Canada)",
            ("ordered_at", None, "missing required value"),
        ),
        (
            "google_ads",
            "Campaign report.csv",
            "2025-03-02,Total recall",
            "02/03/2025,Total recall",
            ("spend_date", "02/03/2025", "not an ISO 8601 date"),
        ),
        (
            "spreadsheet",
            "commandes.csv",
            ";45;",
            ";12,5,0;",
            ("net_amount", "12,5,0", "not a decimal number"),
        ),
        (
            "spreadsheet",
            "commandes.csv",
            "28/02/2025",
            "02/28/2025",
            ("ordered_at", "02/28/2025", "not a time in the declared format"),
        ),
        (
            "klaviyo",
            "events.jsonl",
            "2025-03-04T18:12:30+00:00",
            "04.03.2025 18:12",
            ("occurred_at", "04.03.2025 18:12", "not an ISO 8601 time"),
        ),
    ],
)
def test_what_a_mapping_cannot_read_goes_to_quarantine(
    tool: str,
    name: str,
    old: str,
    new: str,
    reject: tuple[str | None, ...],
    tmp_path: Path,
) -> None:
    code = "cp1252" if tool == "spreadsheet" else "utf-8"
    loaded = load_changed(tmp_path, tool, name, old, new, code)

    assert loaded.rejects() == [reject]


def test_an_amount_with_a_point_in_the_spreadsheet_is_not_a_hundred_times_itself(
    tmp_path: Path,
) -> None:
    loaded = load_changed(tmp_path, "spreadsheet", "commandes.csv", ";45;", ";45.50;", "cp1252")

    found = {row["order_id"]: row["net_amount"] for row in loaded.rows("orders")}
    assert found["F-003"] == Decimal("45.50")
    assert loaded.rejects() == []


def test_shopify_shares_the_tax_between_goods_and_shipping_to_the_cent(tmp_path: Path) -> None:
    # 20 % in 19.99 + 4.99 = 24.98 are 4.16, of which 4.16 x 19.99 / 24.98 = 3.329 on the goods
    loaded = load_changed(
        tmp_path,
        "shopify",
        "orders_export_1.csv",
        "60.00,6.00,11.00,69.00",
        "19.99,4.99,4.16,27.98",  # with 3 of duties
        "utf-8",
    )

    found = {row["order_id"]: row["net_amount"] for row in loaded.rows("orders")}
    assert found["#1004"] == Decimal("16.66")


def test_dates_of_woocommerce_may_be_iso_too(tmp_path: Path) -> None:
    loaded = load_changed(
        tmp_path,
        "woocommerce",
        "order_export_2025-05-01-09-00-00.csv",
        "204,204,3/30/2025 3:10:00",
        "204,204,2025-03-30 03:10:00",
        "utf-8",
    )

    found = {row["order_id"]: row["ordered_at"] for row in loaded.rows("orders")}
    assert found["204"] == dt.datetime(2025, 3, 30, 1, 10)


# -- the README ----------------------------------------------------------------------------------


ROW = r"^\| \[`(\w+)`\]\(\1/mapping\.yml\) \|[^|]*\|([^|]*)\|"
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_the_readme_lists_every_example_with_its_entities() -> None:
    listed = {
        found[1]: {entity.strip(" `") for entity in found[2].split(",")}
        for found in re.finditer(
            r"^\| \[`(\w+)`\]\(\1/mapping\.yml\) \|[^|]*\|([^|]*)\|", README, re.M
        )
    }

    assert listed == {
        path.parent.name: {block.entity for block in load_mapping(path, CONTRACT).blocks}
        for path in EXAMPLES.glob("*/mapping.yml")
    }


@nightly
@pytest.mark.kpis
def test_the_command_of_the_readme_publishes_the_revenue_of_the_file(workspace: Workspace) -> None:
    command = re.search(r"^```sh\n(.*?)^```$", README, re.M | re.S)
    assert command is not None
    assert command[1].rstrip().endswith("clientele refresh")
    said = dict(re.findall(r"(CLIENTELE_\w+)=(\S+)", command[1]))
    assert set(said) == {"CLIENTELE_LANDING", "CLIENTELE_MAPPING", "CLIENTELE_WAREHOUSE"}

    workspace.refresh(
        CLIENTELE_LANDING=str(ROOT / said["CLIENTELE_LANDING"]),
        CLIENTELE_MAPPING=str(ROOT / said["CLIENTELE_MAPPING"]),
    )

    assert workspace.query(
        "select sum(value) from segment_kpis where segment_key = 'all' and kpi = 'revenue' "
        "and period_grain = 'month'"
    ) == [(NET_REVENUE["shopify"],)]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_mapping_says_what_it_reads_how_it_was_checked_and_its_limits(tool: str) -> None:
    text = (EXAMPLES / tool / "mapping.yml").read_text(encoding="utf-8")
    comment = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))

    for part in ("# Reads:", "# Checked:", "# What it does:", "# Known limits:"):
        assert comment.count(part) == 1
    # a global setting that is missing would silently be UTC, or any currency
    for setting in ("business_time_zone", "reporting_currency", "business_started_on"):
        assert re.search(rf"^{setting}: \S", text, re.M)


@pytest.mark.parametrize("tool", TOOLS)
def test_the_people_of_the_examples_are_made_up(tool: str) -> None:
    """Addresses end in example.com; telephone numbers are of the ranges kept for fiction."""
    for path in (EXAMPLES / tool / "landing").rglob("*.*"):
        text = path.read_bytes().decode("cp1252" if tool == "spreadsheet" else "utf-8")
        for address in re.findall(r"[\w.+-]+@([\w.-]+\w)", text):
            assert f".{address.lower()}".endswith(".example.com")
        for number in re.findall(r"\+\d[\d ]{8,}", text):
            assert re.fullmatch(r"\+(44 ?20 ?7946 ?0\d{3}|1 ?(212) ?555 ?01\d\d)", number.strip())


def test_the_combined_mapping_of_the_readme_reads_both_tools(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", README, re.M | re.S)
    assert len(blocks) == 1
    mapping = tmp_path / "mapping.yml"
    mapping.write_text(blocks[0], encoding="utf-8")
    landing = tmp_path / "landing"
    for tool in ("google_ads", "meta_ads"):
        shutil.copytree(EXAMPLES / tool / "landing", landing, dirs_exist_ok=True)

    loaded = load(tmp_path, mapping, landing)

    assert loaded.rejects() == []
    for tool in ("google_ads", "meta_ads"):
        wanted = expected_rows("marketing_spend", EXPECTED[tool]["marketing_spend"])
        names = CONTRACT.entity("marketing_spend").column_names
        found = [
            {name: row[name] for name in names}
            for row in loaded.rows("marketing_spend")
            if row["source_system"] == tool
        ]
        assert found == wanted
