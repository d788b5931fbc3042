"""The demo business: the same on every machine, clean, and with everything in it that it shows.

What the segments should be is worked out here from the files alone, in plain Python, so that a demo
in which a lifecycle stage or an RFM segment stays empty is noticed without a warehouse.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatch
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median, variance
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.cli import main
from orchestration.contract import load_contract
from orchestration.demo import (
    Archetype,
    DemoSummary,
    behaviour,
    products,
    scale,
    write_demo,
    writing,
)
from orchestration.errors import ClienteleError
from orchestration.ingest import IngestResult, create_raw_views, ingest
from orchestration.mapping import load_mapping

REPOSITORY = Path(__file__).parents[2]
START, END = date(2024, 1, 1), date(2025, 12, 31)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")

# Changes only when the demo changes. That is fine when it was meant: look at the new files, then
# put the new hash here. When it was not, something made the demo depend on the machine.
GOLDEN_SHA256 = "df7f6fcedbb2a183cd8103716af5a52a35c4de488420b0565b2a8f413687e66a"

Row = dict[str, str]


@dataclass(frozen=True, repr=False)  # a failing assertion would print 150,000 rows
class Demo:
    """A demo landing folder, read: rows by entity, as text."""

    folder: Path
    summary: DemoSummary
    tables: dict[str, list[Row]]

    @property
    def customers(self) -> list[Row]:
        return self.tables["customers"]

    @property
    def products(self) -> list[Row]:
        return self.tables["products"]

    @property
    def orders(self) -> list[Row]:
        return self.tables["orders"]

    @property
    def order_lines(self) -> list[Row]:
        return self.tables["order_lines"]

    @property
    def refunds(self) -> list[Row]:
        return self.tables["refunds"]

    def entity(self, name: str) -> list[Row]:
        return self.tables[name]


def data_files(folder: Path, entity: str) -> list[Path]:
    return sorted((folder / entity).glob("*.csv"))


def read(folder: Path, entity: str) -> list[Row]:
    rows: list[Row] = []
    for path in data_files(folder, entity):
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            for row in reader:
                assert None not in row, f"{path.name}, line {reader.line_num}: too many fields"
                assert None not in row.values(), f"{path.name}, line {reader.line_num}: too few"
                rows.append(row)
    return rows


def open_demo(folder: Path, summary: DemoSummary) -> Demo:
    return Demo(folder, summary, {entity: read(folder, entity) for entity in ENTITIES})


ENTITIES = tuple(entity.name for entity in load_contract().entities)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo that a first `make refresh` writes."""
    folder = tmp_path_factory.mktemp("demo") / "landing"
    return open_demo(folder, write_demo(folder))


def content_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")


def on(row: Row) -> date:
    return date.fromisoformat(row["ordered_at"][:10])


def counts(order: Row) -> bool:
    return order["status"] not in ("cancelled", "test")


def run_python(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# --- same arguments, same bytes ---------------------------------------------------------------


def test_the_default_demo_is_the_one_we_looked_at(full: Demo) -> None:
    assert content_hash(full.folder) == GOLDEN_SHA256


def test_two_runs_are_byte_identical_whatever_the_process_and_its_environment(
    tmp_path: Path,
) -> None:
    write_demo(tmp_path / "here", customers=200)
    code = (
        "import sys, pathlib, orchestration.demo as d;"
        "d.write_demo(pathlib.Path(sys.argv[1]), customers=200)"
    )
    done = run_python(
        code, str(tmp_path / "there"), PYTHONHASHSEED="7", TZ="Asia/Kolkata", LC_ALL="C"
    )
    assert done.returncode == 0, done.stderr
    assert content_hash(tmp_path / "here") == content_hash(tmp_path / "there")


def test_another_seed_is_another_business(tmp_path: Path) -> None:
    write_demo(tmp_path / "one", customers=50, seed=1)
    write_demo(tmp_path / "two", customers=50, seed=2)
    assert content_hash(tmp_path / "one") != content_hash(tmp_path / "two")


# --- all or nothing ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["empty folder", "full folder", "file", "dangling link"])
def test_a_landing_that_exists_is_refused_and_left_alone(tmp_path: Path, kind: str) -> None:
    landing = tmp_path / "landing"
    if kind == "file":
        landing.write_text("mine")
    elif kind == "dangling link":
        landing.symlink_to(tmp_path / "nowhere")
    else:
        landing.mkdir()
        if kind == "full folder":
            (landing / "orders.csv").write_text("mine")
    before = content_hash(tmp_path)

    with pytest.raises(ClienteleError, match=r"there already.*remove the folder"):
        write_demo(landing, customers=10)

    assert content_hash(tmp_path) == before
    assert names_in(tmp_path) == ["landing"]


def test_a_full_disk_is_one_clear_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(csv, "writer", full_disk)
    with pytest.raises(ClienteleError, match=r"landing: .*No space left on device.*free some"):
        write_demo(tmp_path / "landing", customers=10)
    assert names_in(tmp_path) == []


def test_an_interrupt_just_before_the_end_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_demo(tmp_path / "landing", customers=10)
    assert names_in(tmp_path) == []


def test_a_folder_made_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = tmp_path / "landing"
    write = writing.write_csv

    def write_while_someone_makes_the_folder(folder: Path, tables: Any) -> int:
        landing.mkdir()
        return write(folder, tables)

    monkeypatch.setattr(writing, "write_csv", write_while_someone_makes_the_folder)
    with pytest.raises(ClienteleError, match="there already"):
        write_demo(landing, customers=10)
    assert names_in(tmp_path) == ["landing"]
    assert names_in(landing) == []


def test_a_kill_leaves_no_landing_and_its_remains_are_removed_later(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    code = (
        "import os, signal, sys, pathlib, orchestration.demo as d;"
        "pathlib.Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL);"
        "d.write_demo(pathlib.Path(sys.argv[1]), customers=10)"
    )
    assert run_python(code, str(landing)).returncode == -signal.SIGKILL
    (remains,) = tmp_path.iterdir()
    assert remains.name.startswith(".landing.writing-")

    long_ago = time.time() - 7 * 3600
    os.utime(remains, (long_ago, long_ago))
    write_demo(landing, customers=10)
    assert names_in(tmp_path) == ["landing"]


def test_what_another_process_is_writing_now_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".landing.writing-1-ab").mkdir()
    (tmp_path / ".landing2.writing-1-ab").mkdir()
    write_demo(tmp_path / "landing", customers=10)
    assert names_in(tmp_path) == [
        ".landing.writing-1-ab",
        ".landing2.writing-1-ab",
        "landing",
    ]


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"customers": 0}, "customers"),
        ({"start": date(2025, 1, 1), "end": date(2024, 1, 1)}, "too short"),
        ({"start": date(1999, 12, 31)}, "choose days from 2000 to 2099"),
        ({"end": date(2100, 1, 1)}, "choose days from 2000 to 2099"),
    ],
)
def test_impossible_arguments_are_refused(
    tmp_path: Path, arguments: dict[str, Any], place: str
) -> None:
    with pytest.raises(ClienteleError, match=place):
        write_demo(tmp_path / "landing", **arguments)
    assert names_in(tmp_path) == []


def test_missing_parents_are_made_and_others_may_read(tmp_path: Path) -> None:
    landing = tmp_path / "a" / "b" / "landing"
    old_umask = os.umask(0o022)
    try:
        write_demo(landing, customers=10)
    finally:
        os.umask(old_umask)
    assert landing.stat().st_mode & 0o777 == 0o755
    assert (landing / "mapping.yml").stat().st_mode & 0o777 == 0o644


# --- by the contract --------------------------------------------------------------------------


def contract() -> dict[str, dict[str, Any]]:
    text = (REPOSITORY / "models/staging/_sources.yml").read_text(encoding="utf-8")
    raw = next(source for source in yaml.safe_load(text)["sources"] if source["name"] == "raw")
    return {table["name"]: table for table in raw["tables"]}


PATTERNS = {
    "string": r"\S(.*\S)?",
    "int": r"\d+",
    "bigint": r"\d+",
    "boolean": r"true|false",
    "date": r"\d{4}-\d\d-\d\d",
    "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "decimal(18,4)": r"\d+(\.\d{1,2})?",
    "decimal(18,8)": r"\d+\.\d{4}",
    "decimal(9,6)": r"-?0\.\d\d",
}


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_value_is_what_the_contract_says(full: Demo, entity: str) -> None:
    table = contract()[entity]
    columns = {column["name"]: column for column in table["columns"]}
    rows = full.entity(entity)
    assert set(rows[0]) <= set(columns), "a column that the contract does not know"
    for name in rows[0]:
        pattern = re.compile(PATTERNS[columns[name]["data_type"]])
        meta = columns[name].get("config", {}).get("meta", {})
        accepted = meta.get("accepted_values")
        for value in {row[name] for row in rows}:
            if value == "":
                assert not meta.get("required"), f"{name} is missing"
                continue
            assert pattern.fullmatch(value), f"{name} cannot be read"
            assert accepted is None or any(fnmatch(value, one) for one in accepted), (
                f"{name} is not accepted"
            )
    assert {name for name, column in columns.items() if _is_required(column)} <= set(rows[0])


def _is_required(column: dict[str, Any]) -> bool:
    return bool(column.get("config", {}).get("meta", {}).get("required"))


@pytest.mark.parametrize("entity", ENTITIES)
def test_keys_are_unique(full: Demo, entity: str) -> None:
    key = [name for name in contract()[entity]["config"]["meta"]["key"] if name != "source_system"]
    seen = Counter(tuple(row.get(name, "") for name in key) for row in full.entity(entity))
    assert [value for value, times in seen.items() if times > 1] == []


def test_every_header_of_an_entity_is_the_same(full: Demo) -> None:
    for entity in ENTITIES:
        paths = data_files(full.folder, entity)
        headers = {path.read_text(encoding="utf-8").split("\n", 1)[0] for path in paths}
        assert len(headers) == 1, entity


def test_the_summary_counts_what_is_in_the_files(full: Demo) -> None:
    summary = full.summary
    for entity in ENTITIES:
        assert summary.rows[entity] == len(full.entity(entity)) > 0, entity
    assert summary.files == sum(len(data_files(full.folder, entity)) for entity in ENTITIES)
    assert summary.first_order_on == min(map(on, full.orders))
    assert summary.last_order_on == max(map(on, full.orders)) == END
    assert sum(summary.archetypes.values()) == summary.rows["customers"] == 5000


def test_there_is_one_file_of_orders_and_of_lines_for_every_month(full: Demo) -> None:
    months = [f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13)]
    for entity in ("orders", "order_lines"):
        assert [path.name for path in data_files(full.folder, entity)] == [
            f"{entity}-{month}.csv" for month in months
        ]
        for path, month in zip(data_files(full.folder, entity), months, strict=True):
            with path.open(encoding="utf-8", newline="") as stream:
                assert {row["ordered_at"][:7] for row in csv.DictReader(stream)} == {month}


def test_the_mapping_and_the_marker_are_there(full: Demo) -> None:
    mapping = yaml.safe_load((full.folder / "mapping.yml").read_text(encoding="utf-8"))
    assert mapping == {
        "business_time_zone": "Europe/Amsterdam",
        "reporting_currency": "EUR",
        "business_started_on": date(2021, 3, 1),
        "default_country": "NL",
    }
    marker = (full.folder / ".clientele_demo").read_text(encoding="utf-8")
    assert "demo business" in marker
    assert marker.endswith(".\n")


def test_nothing_is_older_than_the_business_or_younger_than_the_end(full: Demo) -> None:
    instants = [
        row[column]
        for rows, columns in (
            (full.customers, ("created_at", "updated_at")),
            (full.orders, ("ordered_at", "updated_at")),
            (full.refunds, ("refunded_at",)),
            (full.products, ("valid_from",)),
        )
        for row in rows
        for column in columns
    ]
    assert min(instants) >= "2021-03-01"
    assert max(instants) < "2026-01-01"
    assert all(row["updated_at"] >= row["created_at"] for row in full.customers)
    assert all(row["updated_at"] >= row["ordered_at"] for row in full.orders)


# --- the money --------------------------------------------------------------------------------


def assert_lines_make_the_orders(demo: Demo) -> None:
    net: dict[str, Decimal] = defaultdict(Decimal)
    discount: dict[str, Decimal] = defaultdict(Decimal)
    places: dict[str, list[int]] = defaultdict(list)
    for line in demo.order_lines:
        order_id = line["order_id"]
        net[order_id] += Decimal(line["quantity"]) * Decimal(line["unit_price"])
        net[order_id] -= Decimal(line["discount_amount"])
        discount[order_id] += Decimal(line["discount_amount"])
        places[order_id].append(int(line["line_number"]))
    assert set(net) == {order["order_id"] for order in demo.orders}
    for order in demo.orders:
        order_id = order["order_id"]
        assert Decimal(order["net_amount"]) == net[order_id] > 0, order_id
        assert Decimal(order["discount_amount"]) == discount[order_id], order_id
        assert Decimal(order["gross_amount"]) == net[order_id] + discount[order_id], order_id
        assert places[order_id] == list(range(1, len(places[order_id]) + 1)), order_id
        assert len(places[order_id]) <= 5, order_id


def test_lines_sum_to_their_orders_exactly(full: Demo) -> None:
    assert_lines_make_the_orders(full)


def test_lines_carry_the_time_of_their_order(full: Demo) -> None:
    times = {order["order_id"]: order["ordered_at"] for order in full.orders}
    assert all(line["ordered_at"] == times[line["order_id"]] for line in full.order_lines)


def test_lines_sell_products_that_exist_by_then_and_above_their_cost(full: Demo) -> None:
    versions: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
    for product in full.products:
        versions[product["product_id"]].append(
            (product["valid_from"], Decimal(product["unit_cost"]))
        )
    for line in full.order_lines:
        known = [row for row in versions[line["product_id"]] if row[0] <= line["ordered_at"][:10]]
        assert known, f"{line['product_id']} is sold before its launch"
        assert max(known)[1] < Decimal(line["unit_price"]), line["product_id"]


def test_no_order_is_refunded_for_more_than_it_cost_or_before_it_came(full: Demo) -> None:
    orders = {order["order_id"]: order for order in full.orders}
    for refund in full.refunds:
        assert Decimal(refund["amount"]) > 0
        if refund["order_id"]:
            order = orders[refund["order_id"]]
            assert counts(order)
            assert Decimal(refund["amount"]) <= Decimal(order["net_amount"])
            assert refund["refunded_at"] > order["ordered_at"]
            assert refund["customer_ref"] in ("", order["customer_ref"])
    refunded = [refund["order_id"] for refund in full.refunds if refund["order_id"]]
    assert len(refunded) == len(set(refunded))


# --- the calendar -----------------------------------------------------------------------------


def assert_closed_days_are_quiet(demo: Demo) -> None:
    for order in demo.orders:
        assert order["ordered_at"][5:10] not in ("12-25", "12-26", "01-01"), order["order_id"]
        if on(order).weekday() == 6:
            assert order["sales_channel"] == "web", order["order_id"]


def test_nobody_orders_on_closed_days_and_the_shop_rests_on_sundays(full: Demo) -> None:
    assert_closed_days_are_quiet(full)


def test_every_working_day_has_enough_orders_to_notice_a_lost_day(full: Demo) -> None:
    per_day = Counter(map(on, full.orders))
    days = [START + timedelta(days=n) for n in range((END - START).days + 1)]
    closed = {(12, 25), (12, 26), (1, 1)}
    open_days = [day for day in days if (day.month, day.day) not in closed]
    assert min(per_day[day] for day in open_days if day.weekday() < 6) >= 25
    sundays = [per_day[day] for day in open_days if day.weekday() == 6]
    assert min(sundays) >= 1
    assert median(sundays) * 3 < median(per_day[day] for day in open_days if day.weekday() < 6)


def test_the_shop_and_the_telephone_keep_opening_hours(full: Demo) -> None:
    for order in full.orders:
        if order["sales_channel"] != "web":
            assert "08:30:00" <= order["ordered_at"][11:] < "17:30:00"


def test_the_business_grows_and_peaks_in_december(full: Demo) -> None:
    months = Counter(order["ordered_at"][:7] for order in full.orders)
    assert months["2025-03"] > 1.2 * months["2024-03"]
    for year in ("2024", "2025"):
        assert months[f"{year}-12"] == max(n for month, n in months.items() if month[:4] == year)


def assert_local_times_exist(stamps: Iterable[str]) -> None:
    for hour in {stamp[:13] for stamp in stamps}:  # this zone skips whole hours
        local = at(f"{hour}:00:00")
        there_and_back = local.replace(tzinfo=AMSTERDAM).astimezone(UTC).astimezone(AMSTERDAM)
        assert there_and_back.replace(tzinfo=None) == local, f"spring skips the hour {hour}"


def all_stamps(demo: Demo) -> Iterator[str]:
    for rows, columns in (
        (demo.orders, ("ordered_at", "updated_at")),
        (demo.customers, ("created_at", "updated_at")),
        (demo.refunds, ("refunded_at",)),
    ):
        yield from (row[column] for row in rows for column in columns)


def test_every_local_time_exists(full: Demo) -> None:
    assert_local_times_exist(all_stamps(full))


def test_some_orders_come_where_days_and_clocks_change(full: Demo) -> None:
    times = {order["ordered_at"] for order in full.orders}
    assert any("T23:59:" in time for time in times)
    assert any("T00:00:" in time for time in times)
    for expected in (
        "2024-03-31T01:59:59",
        "2024-03-31T03:00:00",
        "2024-10-27T02:00:00",
        "2024-10-27T02:30:00",
        "2025-03-30T03:00:00",
        "2025-10-26T02:30:00",
        "2025-10-26T03:00:00",
    ):
        assert expected in times


# --- the people -------------------------------------------------------------------------------


def test_nobody_in_the_demo_can_be_reached(full: Demo) -> None:
    domains = {
        row["email"].rpartition("@")[2]
        for rows in (full.customers, full.orders, full.refunds)
        for row in rows
        if row["email"]
    }
    assert domains == {"example.com", "example.org", "example.net"}
    fiction = re.compile(r"\+33(19900|26191|35301|46571|53649|63998)\d{4}")
    phones = [row["phone"].replace(" ", "") for row in full.customers if row["phone"]]
    assert all(fiction.fullmatch(phone) for phone in phones)
    twice = [one for one in full.summary.truth.duplicates if one[2] == "same_phone"]
    assert len(phones) - len(twice) == len(set(phones)) > 2000
    assert any(" " in row["phone"] for row in full.customers)
    # Dutch postal codes never end in these letters.
    dutch = {row["postal_code"][-3:] for row in full.customers if row["country"] == "NL"}
    assert dutch == {" SA", " SD", " SS"}


def test_a_shared_email_is_a_person_registered_twice_and_never_an_accident(full: Demo) -> None:
    names: dict[str, list[str]] = defaultdict(list)
    for row in full.customers:
        if row["email"] not in ("", full.summary.truth.placeholder_email):
            names[row["email"]].append(f"{row['first_name']} {row['last_name']}")
    shared = [people for people in names.values() if len(people) > 1]
    twice = [one for one in full.summary.truth.duplicates if one[2] == "same_email"]
    assert 5 <= len(shared) == len(twice) <= 60
    assert all(len(people) == 2 and len(set(people)) == 1 for people in shared)


def test_customers_exist_before_their_first_order(full: Demo) -> None:
    created = {row["customer_ref"]: row["created_at"] for row in full.customers}
    for order in full.orders:
        if order["customer_ref"]:
            assert created[order["customer_ref"]] <= order["ordered_at"], order["order_id"]
    for refund in full.refunds:
        assert not refund["customer_ref"] or refund["customer_ref"] in created


def test_every_archetype_is_there_in_its_share(full: Demo) -> None:
    assert full.summary.archetypes == {
        archetype.value: 5 * behaviour._SHARES[archetype] for archetype in sorted(Archetype)
    }
    assert min(full.summary.archetypes.values()) >= 50


def test_every_kind_of_order_and_refund_is_there(full: Demo) -> None:
    orders, refunds = full.orders, full.refunds
    registered = {row["email"] for row in full.customers if row["email"]}
    guests = [row for row in orders if row["email"] and not row["customer_ref"]]
    by_id = {row["order_id"]: row for row in orders}
    of_orders = [(row, by_id[row["order_id"]]) for row in refunds if row["order_id"]]
    no_order = [row for row in refunds if not row["order_id"]]
    found = {
        "nobody": sum(not row["customer_ref"] and not row["email"] for row in orders),
        "guest": sum(row["email"].lower() not in registered for row in guests),
        "forgot to sign in": sum(row["email"].lower() in registered for row in guests),
        "forgot, in capitals": sum(row["email"] != row["email"].lower() for row in guests),
        "cancelled": sum(row["status"] == "cancelled" for row in orders),
        "test": sum(row["status"] == "test" for row in orders),
        "placed": sum(row["status"] == "placed" for row in orders),
        "paid": sum(row["status"] == "paid" for row in orders),
        "shipped": sum(row["status"] == "shipped" for row in orders),
        "no status": sum(row["status"] == "" for row in orders),
        "by phone": sum(row["phone"] != "" for row in orders),
        "coupon": sum(row["coupon_code"] != "" for row in orders),
        "coupon without discount": sum(row["coupon_code"] == "FREESHIP" for row in orders),
        "discount without coupon": sum(
            row["coupon_code"] == "" and Decimal(row["discount_amount"]) > 0 for row in orders
        ),
        "by weight": sum("." in line["quantity"] for line in full.order_lines),
        "full refund": sum(r["amount"] == o["net_amount"] for r, o in of_orders),
        "partial refund": sum(
            Decimal(r["amount"]) < Decimal(o["net_amount"]) for r, o in of_orders
        ),
        "refund in a later month": sum(
            r["refunded_at"][:7] > o["ordered_at"][:7] for r, o in of_orders
        ),
        "refund of a customer's without order": sum(r["customer_ref"] != "" for r in no_order),
        "refund of nobody's": sum(not r["customer_ref"] and not r["email"] for r in no_order),
    }
    assert {kind: number for kind, number in found.items() if number < 5} == {}
    assert 0.01 < found["cancelled"] / len(orders) < 0.04
    assert 0.05 < found["nobody"] / len(orders) < 0.30


def test_offices_have_accounts_and_some_have_two_people(full: Demo) -> None:
    accounts = Counter(row["account_ref"] for row in full.customers if row["account_ref"])
    assert set(accounts.values()) == {1, 2}
    refs = {row["customer_ref"] for row in full.customers if row["account_ref"]}
    sizes = defaultdict(list)
    for order in full.orders:
        if order["customer_ref"]:
            sizes[order["customer_ref"] in refs].append(Decimal(order["net_amount"]))
        if order["customer_ref"] in refs:
            assert on(order).weekday() < 5
    assert median(sizes[True]) > 3 * median(sizes[False])


def test_a_price_a_cost_and_a_category_change_and_products_are_launched(full: Demo) -> None:
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in full.products:
        rows[row["product_id"]].append(row)
    changed = [sorted(r, key=lambda row: row["valid_from"]) for r in rows.values() if len(r) > 1]
    assert any(first["category"] != last["category"] for first, last in changed)
    assert any(first["unit_cost"] != last["unit_cost"] for first, last in changed)
    assert any(len(r) == 1 and r[0]["valid_from"] > "2024-01-01" for r in rows.values())
    prices = {
        line["unit_price"]: line["ordered_at"][:10]
        for line in full.order_lines
        if line["product_id"] == "BN-101"
    }
    assert set(prices) == {"8.50", "9.25"}
    assert len(rows) == 31
    assert {row["category"] for row in full.products} == set(products.TAX_PER_MILLE)
    assert {row["tier"] for row in full.products} == {"budget", "standard", "premium"}
    sold = {line["product_id"] for line in full.order_lines}
    assert sold == set(rows)


# --- what the segments will find --------------------------------------------------------------


@dataclass
class History:
    """What the files say of one customer as of the end of the demo."""

    days: list[date]
    net: list[tuple[date, Decimal]]
    discounted: Decimal = Decimal(0)

    def net_since(self, first: date) -> Decimal:
        return sum((amount for day, amount in self.net if day >= first), Decimal(0))

    def orders_since(self, first: date) -> int:
        return sum(day >= first for day in self.days)


YEAR_BEFORE = END - timedelta(days=364)  # the first of the last 365 days


@pytest.fixture(scope="module")
def histories(full: Demo) -> dict[str, History]:
    """By customer_ref, else e-mail; an e-mail of one customer record is that customer."""
    owner: dict[str, str] = {}
    for row in full.customers:
        if row["email"]:
            owner.setdefault(row["email"], row["customer_ref"])
    people = {row["customer_ref"]: History([], []) for row in full.customers}

    def key(row: Row) -> str:
        email = row["email"].lower()
        return row["customer_ref"] or owner.get(email, email)

    buyers: dict[str, str] = {}
    for order in full.orders:
        buyers[order["order_id"]] = key(order)
        if key(order):
            history = people.setdefault(key(order), History([], []))
            if counts(order):
                history.days.append(on(order))
                history.net.append((on(order), Decimal(order["net_amount"])))
                if order["coupon_code"] or Decimal(order["discount_amount"]) > 0:
                    history.discounted += Decimal(order["net_amount"])
    for refund in full.refunds:
        buyer = key(refund) or buyers.get(refund["order_id"], "")
        if buyer:
            day = date.fromisoformat(refund["refunded_at"][:10])
            people[buyer].net.append((day, -Decimal(refund["amount"])))
    return people


def quantiles(values: Sequence[Decimal | int], *shares: Fraction) -> list[Fraction]:
    """Type 7: linear interpolation between order statistics."""
    ordered = sorted(values)
    found = []
    for share in shares:
        place = share * (len(ordered) - 1)
        low = int(place)
        below, above = Fraction(ordered[low]), Fraction(ordered[min(low + 1, len(ordered) - 1)])
        found.append(below + (place - low) * (above - below))
    return found


def scores(values: Sequence[Decimal | int]) -> list[int]:
    cuts = quantiles(values, *(Fraction(n, 5) for n in range(1, 5)))
    return [1 + sum(value > cut for cut in cuts) for value in map(Fraction, values)]


def rfm_segment(r: int, f: int, m: int) -> str:
    high, middle, low = (
        ("champions", "loyal_customers", "cant_lose_them"),
        ("loyal_customers", "loyal_customers", "at_risk"),
        ("potential_loyalists", "need_attention", "at_risk"),
        ("promising", "need_attention", "at_risk"),
        ("new_customers", "about_to_sleep", "lost"),
    )[_rfm_column(f, m)]
    return high if r >= 4 else middle if r == 3 else low


def _rfm_column(f: int, m: int) -> int:
    if f >= 4 and m >= 4:
        return 0
    if f >= 3:
        return 1 if m >= 4 else 2
    return 3 if m >= 3 else 4


def lifecycle_stage(history: History) -> str:
    if not history.days:
        return "prospect"
    dates = sorted(set(history.days))
    since_last, since_first = (END - dates[-1]).days, (END - dates[0]).days
    if since_last >= 365:
        return "lapsed"
    if len(dates) >= 3:
        gaps = [(later - earlier).days for earlier, later in pairwise(dates)]
        overdue = since_last > max(2 * median(gaps), 30)
    else:
        overdue = since_last > 180
    if overdue:
        return "at_risk"
    if since_first < 60 and len(history.days) < 3:
        return "new"
    if history.orders_since(YEAR_BEFORE) >= 4 and since_first >= 180:
        return "loyal"
    return "active"


def test_every_rfm_segment_has_members(histories: dict[str, History]) -> None:
    scored = [history for history in histories.values() if history.orders_since(YEAR_BEFORE)]
    recency = scores([(END - max(history.days)).days for history in scored])
    frequency = scores([history.orders_since(YEAR_BEFORE) for history in scored])
    monetary = scores([history.net_since(YEAR_BEFORE) for history in scored])
    found = Counter(
        rfm_segment(6 - r, f, m) for r, f, m in zip(recency, frequency, monetary, strict=True)
    )
    assert set(found) == {
        "champions",
        "loyal_customers",
        "potential_loyalists",
        "promising",
        "new_customers",
        "need_attention",
        "about_to_sleep",
        "cant_lose_them",
        "at_risk",
        "lost",
    }
    assert min(found.values()) >= 30, found


def test_every_lifecycle_stage_has_members(histories: dict[str, History]) -> None:
    found = Counter(map(lifecycle_stage, histories.values()))
    assert set(found) == {"prospect", "lapsed", "at_risk", "new", "loyal", "active"}
    assert min(found.values()) >= 100, found


def test_every_loyalty_tier_and_value_group_has_members(histories: dict[str, History]) -> None:
    buyers = [history for history in histories.values() if history.orders_since(YEAR_BEFORE)]
    net = [history.net_since(YEAR_BEFORE) for history in buyers]
    top_tenth, top_fifth = quantiles(net, Fraction(9, 10), Fraction(4, 5))
    found: Counter[str] = Counter()
    for history, revenue in zip(buyers, net, strict=True):
        orders = history.orders_since(YEAR_BEFORE)
        if revenue >= top_tenth and orders >= 4:
            found["power_users"] += 1
        else:
            found["regular_customers" if orders >= 2 else "occasional_buyers"] += 1
        found["high_value"] += revenue >= top_fifth
        last_quarter = history.net_since(END - timedelta(days=89))
        found["upside"] += last_quarter * 365 / 90 > revenue and revenue < top_fifth
        spent = sum(amount for _, amount in history.net if amount > 0)
        found["price_sensitive"] += 2 * history.discounted >= spent > 0
        since_last = (END - max(history.days)).days
        found["win_back"] += len(history.days) >= 5 and 60 <= since_last <= 120
    assert set(found) >= {"power_users", "regular_customers", "occasional_buyers"}
    assert min(found.values()) >= 20, found


def test_regulars_have_a_rhythm_of_two_to_six_weeks_and_some_of_them_stop(
    histories: dict[str, History], full: Demo
) -> None:
    refs_by_archetype: dict[Archetype, list[str]] = defaultdict(list)
    for row in full.customers:
        ref = row["customer_ref"]
        refs_by_archetype[behaviour._archetype(int(ref[1:]))].append(ref)
    by_archetype = {
        archetype: [histories[ref] for ref in refs] for archetype, refs in refs_by_archetype.items()
    }

    def gaps(history: History) -> list[int]:
        days = sorted(set(history.days))
        return [(later - earlier).days for earlier, later in pairwise(days)]

    regular = [median(gaps(h)) for h in by_archetype[Archetype.REGULAR] if len(gaps(h)) >= 5]
    assert sum(13 <= gap <= 46 for gap in regular) > 0.9 * len(regular) > 300
    gone = ("at_risk", "lapsed")
    churned = [h for h in by_archetype[Archetype.CHURNER] if lifecycle_stage(h) in gone]
    assert len(churned) > 0.5 * len(by_archetype[Archetype.CHURNER])
    growing = [gaps(h) for h in by_archetype[Archetype.GROWING] if len(gaps(h)) >= 10]
    faster = sum(median(g[:4]) > median(g[-4:]) for g in growing)
    assert faster > 0.9 * len(growing) > 50
    season = [day.month in (11, 12) for h in by_archetype[Archetype.GIFT_BUYER] for day in h.days]
    assert sum(season) > 0.8 * len(season)
    # But for those whose second record gets the orders that their first one forgot to sign.
    # Nor do those count whom the promotion brought back.
    thanked = {row["customer_ref"] for row in full.orders if row["coupon_code"] == "THANKS10"}
    once = [
        len(histories[ref].days) - (ref in thanked) <= 1
        for ref in refs_by_archetype[Archetype.ONE_TIME]
    ]
    assert sum(once) > 0.98 * len(once)
    never = [not h.days for h in by_archetype[Archetype.PROSPECT]]
    assert sum(never) > 0.98 * len(never)


# --- what is planted --------------------------------------------------------------------------


def test_duplicates_are_alike_as_the_truth_says(full: Demo) -> None:
    people = {row["customer_ref"]: row for row in full.customers}
    truth = full.summary.truth
    assert Counter(kind for _, _, kind in truth.duplicates).keys() == {
        "same_email",
        "same_phone",
        "typo",
    }
    for one, other, kind in truth.duplicates:
        first, second = people[one], people[other]
        phones = [row["phone"].replace(" ", "") for row in (first, second)]
        assert (first["email"] == second["email"]) is (kind == "same_email")
        assert (phones[0] == phones[1]) is (kind == "same_phone")
        assert (first["last_name"] == second["last_name"]) is (kind == "same_email")
        assert sorted(first["last_name"].lower()) == sorted(second["last_name"].lower())
        assert first["postal_code"] == second["postal_code"]
        if first["birth_date"] and second["birth_date"]:
            assert first["birth_date"] == second["birth_date"]
    placeholder = [row for row in full.customers if row["email"] == truth.placeholder_email]
    assert sorted(row["customer_ref"] for row in placeholder) == truth.placeholder_refs
    assert len({row["last_name"] for row in placeholder}) > 3


def test_the_promotion_did_what_the_truth_says(full: Demo) -> None:
    promotion = full.summary.truth.promotion
    assert promotion is not None
    arms = {row["customer_ref"]: row["arm"] for row in full.entity("experiment_assignments")}
    found = Counter(arms.values())
    assert (found["treatment"], found["holdout"]) == (promotion.treated, promotion.holdout)
    extra = [row for row in full.orders if row["coupon_code"] == promotion.coupon_code]
    assert len(extra) == promotion.extra_orders > 300
    assert sum(Decimal(row["net_amount"]) for row in extra) * 100 == promotion.extra_net_cents
    assert {arms[row["customer_ref"]] for row in extra} == {"treatment"}
    assigned = date.fromisoformat(promotion.assigned_on)
    assert all(0 < (on(row) - assigned).days < promotion.window_days for row in extra)
    assert not {row["order_id"] for row in extra} & {row["order_id"] for row in full.refunds}
    written = {
        row["customer_ref"]
        for row in full.entity("message_events")
        if row["campaign_id"] == promotion.campaign_id
    }
    assert written == {ref for ref, arm in arms.items() if arm == "treatment"}

    # Without what was planted, the arms do not differ by more than chance has it.
    until = assigned + timedelta(days=promotion.window_days)
    spent: dict[str, list[float]] = {"treatment": [], "holdout": []}
    revenue: dict[str, float] = defaultdict(float)
    for row in full.orders:
        planted = row["coupon_code"] == promotion.coupon_code
        if counts(row) and not planted and assigned <= on(row) < until:
            revenue[row["customer_ref"]] += float(row["net_amount"])
    for ref, arm in arms.items():
        spent[arm].append(revenue[ref])
    treated, holdout = spent["treatment"], spent["holdout"]
    error = (variance(treated) / len(treated) + variance(holdout) / len(holdout)) ** 0.5
    assert abs(fmean(treated) - fmean(holdout)) < 3 * error
    effect = promotion.extra_net_cents / 100 / promotion.treated
    assert effect > 3 * error, "an effect that nobody could find"


def test_abandoned_carts_are_those_that_no_order_came_of(full: Demo) -> None:
    touched: dict[str, list[str]] = defaultdict(list)
    ordered = set()
    for row in full.entity("web_events"):
        if row["cart_id"]:
            touched[row["cart_id"]].append(row["occurred_at"])
            if row["event_name"] == "order_completed":
                ordered.add(row["cart_id"])
    left = {cart: max(times) for cart, times in touched.items() if cart not in ordered}
    truth = {cart: at for cart, _, at in full.summary.truth.abandoned_carts}
    assert left == truth
    assert len(truth) > 300


def test_clicks_of_an_order_are_of_its_visitor_and_end_with_it(full: Demo) -> None:
    orders = {row["order_id"]: row for row in full.orders}
    visits: dict[str, list[Row]] = defaultdict(list)
    for row in full.entity("web_events"):
        visits[row["session_id"]].append(row)
    bought = [rows for rows in visits.values() if rows[-1]["order_id"]]
    assert len(bought) > 3000
    for rows in bought:
        order = orders[rows[-1]["order_id"]]
        assert rows[-1]["occurred_at"] == order["ordered_at"]
        assert rows[-1]["customer_ref"] == order["customer_ref"]
        assert rows[-1]["value"] == order["net_amount"]
        times = [row["occurred_at"] for row in rows]
        assert times == sorted(times)
        assert len({row["anonymous_id"] for row in rows}) == 1
        assert all(row["customer_ref"] == "" for row in rows[:-1])


def test_trials_convert_lapse_and_run_as_the_truth_says(full: Demo) -> None:
    truth = full.summary.truth
    periods: dict[str, list[str]] = defaultdict(list)
    ends = {}
    for row in full.entity("subscriptions"):
        periods[row["subscription_id"]].append(row["status"])
        if row["status"] == "trial":
            ends[row["subscription_id"]] = row["trial_ends_at"]
    trials = {one: states for one, states in periods.items() if states[0] == "trial"}
    assert {one for one, states in trials.items() if len(states) == 2} == set(
        truth.trials_converted
    )
    assert {one for one in trials if ends[one][:10] > END.isoformat()} == set(truth.trials_running)
    assert set(trials) == {
        *truth.trials_converted,
        *truth.trials_lapsed,
        *truth.trials_running,
    }
    assert min(len(truth.trials_converted), len(truth.trials_lapsed)) > 20


def test_accounts_of_every_size_band_on_both_sides_of_its_border(full: Demo) -> None:
    latest: dict[str, tuple[str, int]] = {}
    for row in full.entity("accounts"):
        known = row["observed_at"], int(row["employees"])
        latest[row["account_ref"]] = max(known, latest.get(row["account_ref"], known))
    employees = {ref: people for ref, (_, people) in latest.items()}
    assert employees == full.summary.truth.account_employees
    assert {10, 11, 99, 100, 999, 1000} <= set(employees.values())
    named = {row["account_ref"] for row in full.customers if row["account_ref"]}
    assert named == set(employees)


def test_the_shock_month_is_the_weakest_for_its_season(full: Demo) -> None:
    shock = full.summary.truth.shock
    assert shock is not None
    assert shock.month == "2025-05-01"
    known = Counter(row["ordered_at"][:7] for row in full.orders if row["customer_ref"])
    neighbours = (known["2025-04"] + known["2025-06"]) / 2
    assert 0.5 < known["2025-05"] / neighbours < 0.75
    assert shock.lost_orders > 300


def test_withdrawn_consents_are_the_last_word_and_end_the_letters(full: Demo) -> None:
    last: dict[str, tuple[str, str]] = {}
    for row in full.entity("consents"):
        if row["purpose"] == "marketing":
            said = row["changed_at"], row["granted"]
            last[row["customer_ref"]] = max(said, last.get(row["customer_ref"], said))
    withdrew = {
        row["customer_ref"] for row in full.entity("consents") if row["source"] == "preferences"
    }
    truth = set(full.summary.truth.consents_withdrawn)
    assert withdrew == truth
    assert {ref for ref in truth if last[ref][1] == "false"} == truth
    thanks = full.summary.truth.promotion
    assert thanks is not None
    for row in full.entity("message_events"):
        if row["event_name"] == "sent" and row["campaign_id"] != thanks.campaign_id:
            assert last[row["customer_ref"]] >= (row["occurred_at"], "") or (
                last[row["customer_ref"]][1] == "true"
            )


def test_whoever_asks_to_be_forgotten_can_be_found(full: Demo) -> None:
    people = {row["customer_ref"]: row for row in full.customers}
    asked = full.entity("erasure_requests")
    assert len(asked) == len(full.summary.truth.erasure_requested) >= 3
    for row, ref in zip(asked, full.summary.truth.erasure_requested, strict=True):
        person = people[ref]
        given = [name for name in ("customer_ref", "email", "phone") if row[name]]
        assert len(given) == 1
        assert row[given[0]] == person[given[0]]
        assert row["requested_at"] >= max(person["created_at"], "2024-01-01")


def test_messages_name_campaigns_and_spend_has_rates(full: Demo) -> None:
    campaigns = {row["campaign_id"] for row in full.entity("campaigns")}
    assert {row["campaign_id"] for row in full.entity("message_events")} <= campaigns
    spend = full.entity("marketing_spend")
    assert {row["campaign_id"] for row in spend} - {""} <= campaigns
    rates = {(row["currency"], row["rate_date"]) for row in full.entity("fx_rates")}
    for row in spend:
        if row["currency"] != "EUR":
            day = date.fromisoformat(row["spend_date"])
            near = {(row["currency"], (day - timedelta(days=n)).isoformat()) for n in range(4)}
            assert near & rates
    events = Counter(row["event_name"] for row in full.entity("message_events"))
    assert events["sent"] == events["delivered"] + events["bounced"]
    assert 0 < events["clicked"] < events["opened"] < events["delivered"]


def test_every_bad_row_and_no_other_is_refused(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    truth = write_demo(landing, customers=300, bad_rows=True).truth
    result = ingested(landing, tmp_path)
    with duckdb.connect() as connection:
        create_raw_views(
            connection,
            contract=load_contract(),
            warehouse=tmp_path,
            batches=result.batches,
            files=result.files,
        )
        refused = connection.execute(
            "select distinct source_file, line_number from run.rejects order by all"
        ).fetchall()
    assert refused == sorted((row.file, row.line) for row in truth.bad_rows)
    assert len(truth.bad_rows) > 20


def ingested(landing: Path, warehouse: Path) -> IngestResult:
    contract = load_contract()
    return ingest(
        landing=landing,
        warehouse=warehouse,
        mapping=load_mapping(landing / "mapping.yml", contract),
        contract=contract,
        known=(),
        run_id="demo",
        loaded_at=datetime(2026, 1, 2, tzinfo=UTC),
        progress=lambda _: None,
    )


# --- other sizes ------------------------------------------------------------------------------


def test_many_towns_are_one_town_many_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_LARGEST_TOWN", 150)
    monkeypatch.setattr(writing, "_TOWN", 100)
    one = write_demo(tmp_path / "one", customers=100)
    many = write_demo(tmp_path / "many", customers=300)
    assert many.towns == 3
    warehouses = [tmp_path / "one.w", tmp_path / "many.w"]
    results = [
        ingested(demo.landing, warehouse)
        for demo, warehouse in zip((one, many), warehouses, strict=True)
    ]
    for entity, rows in one.rows.items():
        times = 1 if entity in scale.SHARED else 3
        assert many.rows[entity] == rows * times, entity
        accepted = [
            sum(file.accepted_rows for file in result.files if file.entity == entity)
            for result in results
        ]
        assert accepted == [rows, rows * times], entity
    assert sum(file.rejected_rows for result in results for file in result.files) == 0

    sums = []
    for warehouse, result in zip(warehouses, results, strict=True):
        with duckdb.connect() as connection:
            create_raw_views(
                connection,
                contract=load_contract(),
                warehouse=warehouse,
                batches=result.batches,
                files=result.files,
            )
            sums.append(
                connection.execute(
                    "select sum(net_amount), count(distinct customer_ref), min(ordered_at),"
                    " max(ordered_at), (select count(distinct email) from raw.customers"
                    f" where email <> '{one.truth.placeholder_email}'),"
                    " (select count(*) from raw.orders o join raw.order_lines l"
                    "   using (order_id)),"
                    " (select sum(amount) from raw.marketing_spend)"
                    " from raw.orders"
                ).fetchone()
            )
    small, large = sums
    assert small is not None
    assert large is not None
    assert large[0] == 3 * small[0]
    assert large[1] == 3 * small[1]
    assert large[2:4] == small[2:4]
    assert large[4] == 3 * small[4]
    assert large[5] == 3 * small[5]
    assert abs(large[6] - 3 * small[6]) < large[6] / 10


def test_the_verb_writes_says_what_it_wrote_and_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, truth = tmp_path / "landing", tmp_path / "truth.json"
    arguments = ["demo", "--folder", str(folder), "--customers", "60", "--bad-rows"]
    assert main([*arguments, "--truth", str(truth)]) == 0
    said = capsys.readouterr().out
    assert "rows must be refused" in said.replace("rows of them", "rows")
    assert f"stand in {folder}" in said
    assert "clientele refresh" in said
    planted = json.loads(truth.read_text(encoding="utf-8"))
    assert len(planted["bad_rows"]) > 20
    assert main(arguments) == 1
    assert "there already" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["demo", "--folder", str(tmp_path / "b"), "--start", "1/2/2024"])
    assert "is not a day such as 2025-12-31" in capsys.readouterr().err


@st.composite
def spans(draw: st.DrawFn) -> tuple[date, date]:
    start = draw(st.dates(date(2000, 1, 1), date(2098, 1, 1)))
    return start, start + timedelta(days=draw(st.integers(27, 500)))


@settings(max_examples=15, deadline=None)
@given(customers=st.integers(1, 40), seed=st.integers(0, 2**40), span=spans())
def test_any_size_seed_and_span_is_whole_and_clean(
    customers: int, seed: int, span: tuple[date, date]
) -> None:
    start, end = span
    with _temporary_demo(customers, seed, start, end) as small:
        assert_lines_make_the_orders(small)
        assert_closed_days_are_quiet(small)
        assert len(small.customers) == customers
        assert min(map(on, small.orders)) >= start
        assert max(map(on, small.orders)) <= end
        assert len({row["order_id"] for row in small.orders}) == small.summary.rows["orders"]
        assert_local_times_exist(all_stamps(small))


@contextmanager
def _temporary_demo(customers: int, seed: int, start: date, end: date) -> Iterator[Demo]:
    with tempfile.TemporaryDirectory() as folder:
        landing = Path(folder) / "landing"
        summary = write_demo(landing, customers=customers, seed=seed, start=start, end=end)
        yield open_demo(landing, summary)
