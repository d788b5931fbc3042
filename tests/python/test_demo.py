"""The demo business: the same on every machine, clean, and with everything in it that it shows.

What the segments should be is worked out here from the files alone, in plain Python, so that a demo
in which a lifecycle stage or an RFM segment stays empty is noticed without a warehouse.
"""

from __future__ import annotations

import csv
import errno
import hashlib
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
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.demo import Archetype, DemoSummary, behaviour, products, write_demo, writing
from orchestration.errors import ClienteleError

REPOSITORY = Path(__file__).parents[2]
START, END = date(2024, 1, 1), date(2025, 12, 31)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")

# Changes only when the demo changes. That is fine when it was meant: look at the new files, then
# put the new hash here. When it was not, something made the demo depend on the machine.
GOLDEN_SHA256 = "1141a48a980cb6280e099fa2f4fe563b35c245c7768222010b0cf47eca62af58"

Row = dict[str, str]


@dataclass(frozen=True, repr=False)  # a failing assertion would print 150,000 rows
class Demo:
    """A demo landing folder, read: rows by entity, as text."""

    folder: Path
    summary: DemoSummary
    customers: list[Row]
    products: list[Row]
    orders: list[Row]
    order_lines: list[Row]
    refunds: list[Row]

    def entity(self, name: str) -> list[Row]:
        rows: list[Row] = getattr(self, name)
        return rows


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
    return Demo(folder, summary, *(read(folder, entity) for entity in ENTITIES))


ENTITIES = ("customers", "products", "orders", "order_lines", "refunds")


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
    write = writing.write_files

    def write_while_someone_makes_the_folder(folder: Path, business: Any) -> int:
        landing.mkdir()
        return write(folder, business)

    monkeypatch.setattr(writing, "write_files", write_while_someone_makes_the_folder)
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
    "boolean": r"true|false",
    "date": r"\d{4}-\d\d-\d\d",
    "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "decimal(18,4)": r"\d+(\.\d{1,2})?",
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
            assert accepted is None or value in accepted, f"{name} is not accepted"
    assert {name for name, column in columns.items() if _is_required(column)} <= set(rows[0])


def _is_required(column: dict[str, Any]) -> bool:
    return bool(column.get("config", {}).get("meta", {}).get("required"))


@pytest.mark.parametrize("entity", ENTITIES)
def test_keys_are_unique(full: Demo, entity: str) -> None:
    key = [name for name in contract()[entity]["config"]["meta"]["key"] if name != "source_system"]
    seen = Counter(tuple(row[name] for name in key) for row in full.entity(entity))
    assert [value for value, times in seen.items() if times > 1] == []


def test_every_header_of_an_entity_is_the_same(full: Demo) -> None:
    for entity in ENTITIES:
        paths = data_files(full.folder, entity)
        headers = {path.read_text(encoding="utf-8").split("\n", 1)[0] for path in paths}
        assert len(headers) == 1, entity


def test_the_summary_counts_what_is_in_the_files(full: Demo) -> None:
    summary = full.summary
    for entity in ENTITIES:
        assert getattr(summary, entity) == len(full.entity(entity)), entity
    assert summary.files == sum(len(data_files(full.folder, entity)) for entity in ENTITIES)
    assert summary.first_order_on == min(map(on, full.orders))
    assert summary.last_order_on == max(map(on, full.orders)) == END
    assert sum(summary.archetypes.values()) == summary.customers == 5000


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
    assert len(phones) == len(set(phones)) > 2000
    assert any(" " in row["phone"] for row in full.customers)
    # Dutch postal codes never end in these letters.
    dutch = {row["postal_code"][-3:] for row in full.customers if row["country"] == "NL"}
    assert dutch == {" SA", " SD", " SS"}


def test_a_shared_email_is_a_person_registered_twice_and_never_an_accident(full: Demo) -> None:
    names: dict[str, list[str]] = defaultdict(list)
    for row in full.customers:
        if row["email"]:
            names[row["email"]].append(f"{row['first_name']} {row['last_name']}")
    shared = [people for people in names.values() if len(people) > 1]
    assert 5 <= len(shared) <= 60
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
    by_archetype: dict[Archetype, list[History]] = defaultdict(list)
    for row in full.customers:
        by_archetype[behaviour._archetype(int(row["customer_ref"][1:]))].append(
            histories[row["customer_ref"]]
        )

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
    once = [len(h.days) <= 1 for h in by_archetype[Archetype.ONE_TIME]]
    assert sum(once) > 0.98 * len(once)
    never = [not h.days for h in by_archetype[Archetype.PROSPECT]]
    assert sum(never) > 0.98 * len(never)


# --- other sizes ------------------------------------------------------------------------------


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
        assert len({row["order_id"] for row in small.orders}) == small.summary.orders
        assert_local_times_exist(all_stamps(small))


@contextmanager
def _temporary_demo(customers: int, seed: int, start: date, end: date) -> Iterator[Demo]:
    with tempfile.TemporaryDirectory() as folder:
        landing = Path(folder) / "landing"
        summary = write_demo(landing, customers=customers, seed=seed, start=start, end=end)
        yield open_demo(landing, summary)
