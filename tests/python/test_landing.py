"""The landing folder under all that people and machines do to it: nothing is lost, and it is told.

Does not belong here: the types of values and the ways of reading text (test_ingest.py), or what a
whole refresh makes of it (test_refresh.py).
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_ingest import CONTRACT, LOADED_AT, ORDERS, Shop

from orchestration import ingest_plan, landing
from orchestration.errors import ClienteleError
from orchestration.ingest import ingest
from orchestration.mapping import load_mapping

ROW = "1,2024-01-01,5\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    (tmp_path / "landing").mkdir()
    return Shop(tmp_path)


def load_at_rest(shop: Shop, rest_seconds: float) -> tuple[int, tuple[str, ...]]:
    """Files loaded and messages of an ingestion that waits for files to rest."""
    folder = shop.folder / "landing"
    result = ingest(
        landing=folder,
        warehouse=shop.folder / "warehouse",
        mapping=load_mapping(folder / "mapping.yml", CONTRACT),
        contract=CONTRACT,
        known=shop.known,
        run_id=f"rest{len(shop.known)}",
        loaded_at=LOADED_AT,
        progress=shop.lines.append,
        rest_seconds=rest_seconds,
    )
    shop.known.extend(result.files)
    shop.batches.extend(result.batches)
    return len(result.files), result.messages


# Files that are not complete -----------------------------------------------------------------


@pytest.fixture
def writer(shop: Shop) -> Iterator[Path]:
    """A file that goes on growing until the test ends."""
    path = shop.land("orders/growing.csv", ORDERS)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with path.open("a") as stream:
                stream.write(f"g{number},2024-01-01,1\n")
            time.sleep(0.02)

    thread = threading.Thread(target=write)
    thread.start()
    yield path
    stop.set()
    thread.join()


def test_a_file_still_being_written_is_left_for_the_next_refresh(shop: Shop, writer: Path) -> None:
    shop.land("orders/whole.csv", ORDERS + ROW)
    loaded, messages = load_at_rest(shop, 0.3)
    assert loaded == 1
    assert messages == (
        f"landing/orders/{writer.name}: still being written; left for the next refresh",
    )
    assert shop.query("select order_id from raw.orders") == [("1",)]


def test_the_only_file_still_being_written_stops_the_refresh(shop: Shop, writer: Path) -> None:
    with pytest.raises(ClienteleError) as caught:
        load_at_rest(shop, 0.3)
    assert caught.value.sentence == (
        f"landing/orders/{writer.name}: the only file of orders or order_lines is still being "
        "written; run the refresh again when it is complete."
    )


def test_a_file_at_rest_is_not_waited_for(shop: Shop) -> None:
    path = shop.land("orders/old.csv", ORDERS + ROW)
    os.utime(path, (time.time() - 3700, time.time() - 3700))
    started = time.monotonic()
    assert load_at_rest(shop, 3600)[0] == 1
    assert time.monotonic() - started < 600


def test_a_done_file_says_that_a_file_is_complete(shop: Shop) -> None:
    shop.land("orders/new.csv", ORDERS + ROW)
    shop.land("orders/new.csv.done", "")
    assert load_at_rest(shop, 3600) == (1, ())


# Large files ---------------------------------------------------------------------------------

_CLEAN = "".join(f"{number},2024-01-{1 + number % 28:02d},{number}.25\n" for number in range(500))


@pytest.mark.parametrize(
    ("name", "content", "is_straight"),
    [
        ("orders/clean.csv", ORDERS + _CLEAN, True),
        ("orders/no newline at the end.csv", ORDERS + _CLEAN.rstrip("\n"), True),
        ("orders/windows.csv", (ORDERS + _CLEAN).replace("\n", "\r\n"), True),
        ("orders/spaces within.csv", ORDERS + _CLEAN + "a b,2024-01-01 10:00,1\n", True),
        ("orders/spaces around.csv", ORDERS + _CLEAN + " a b,2024-01-01 10:00 , 1\n", True),
        ("orders/quoted spaces.csv", ORDERS + _CLEAN + '" a",2024-01-01,1\n', True),
        ("orders/tabs.csv", ORDERS + _CLEAN + "\ta\u00a0,2024-01-01\f,1\n", True),
        ("orders/blank id.csv", ORDERS + _CLEAN + "   ,2024-01-01,1\n", False),
        ("orders/quoted empty id.csv", ORDERS + _CLEAN + '"",2024-01-01,1\n', False),
        ("orders/refused.csv", ORDERS + _CLEAN + "x,never,5\n" + "y,2024-01-01,1\n", False),
        ("orders/field missing.csv", ORDERS + _CLEAN + "x,2024-01-01\n", False),
        ("orders/blank line.csv", ORDERS + _CLEAN + "\n" + "y,2024-01-01,1\n", False),
        ("orders/two lines.csv", ORDERS + '"a\nb",2024-01-01,1\n' + _CLEAN, False),
        ("orders/twice.csv", ORDERS + _CLEAN + "7,2024-01-08,7.25\n", False),
        (
            "orders/empty end.csv",
            "order_id,ordered_at,net_amount,status\n" + "a,2024-01-01,1,\n",
            False,
        ),
        ("orders/phones.csv", "phone," + ORDERS + "+31 20 123 4567,a,2024-01-01,1\n", False),
        (
            "order_lines/no places.csv",
            "order_id,product_id,quantity,unit_price,ordered_at\n"
            + "".join(f"o{n // 3},p,1,2,2024-01-01\n" for n in range(30)),
            False,
        ),
        (
            "order_lines/places.csv",
            "order_id,line_number,product_id,quantity,unit_price,ordered_at\n"
            + "".join(f"o{n // 3},{n % 3},p,1,2,2024-01-01\n" for n in range(30)),
            True,
        ),
        (
            "order_lines/a place missing.csv",
            "order_id,line_number,product_id,quantity,unit_price,ordered_at\n"
            + "".join(f"o{n // 3},{n % 3 or ''},p,1,2,2024-01-01\n" for n in range(30)),
            False,
        ),
        (
            "marketing_spend/equal rows count.csv",
            "spend_date,channel,amount\n" + "2024-01-01,search,5\n" * 9,
            True,
        ),
    ],
)
def test_a_large_file_comes_in_as_it_would_in_small_pieces(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: str,
    is_straight: bool,
) -> None:
    found = []
    for way, limit in (("slow", 1 << 40), ("straight", 0)):
        monkeypatch.setattr(ingest_plan, "LARGE_BYTES", limit)
        shop = Shop(tmp_path / way)
        shop.land(name, content)
        if "orders" not in name and "order_lines" not in name:
            shop.land("orders.csv", ORDERS)
        shop.load()
        entity = name.split("/")[0]
        files = [replace(file, modified_ns=0) for file in shop.known if file.entity == entity]
        rows = shop.query(f"select * from raw.{entity} order by _line_number")
        found.append((files, rows, shop.rejects()))
        (batch,) = [batch for batch in shop.batches if batch.entity == entity]
        numbers = duckdb.sql(
            f"select distinct _line_number < 0 from '{shop.folder / 'warehouse' / batch.path}'"
        ).fetchall()
        assert numbers == [(way == "straight" and is_straight,)]
        assert not list((shop.folder / "warehouse").rglob("*.tmp"))
    assert found[0] == found[1]
    assert len(found[0][1]) > 0


@given(
    fields=st.lists(
        st.text(st.sampled_from(' \t\v\f\u00a0\ufeffab\u00e9"'), max_size=4),
        min_size=1,
        max_size=12,
    ),
    chunk=st.integers(1, 9),
    delimiter=st.sampled_from([",", ";"]),
)
@settings(max_examples=300, deadline=None)
def test_a_text_that_is_called_trimmed_has_no_field_to_trim(
    fields: list[str], chunk: int, delimiter: str
) -> None:
    data = "\n".join(
        quoted(one) + delimiter + other for one, other in zip(fields, fields[::-1], strict=True)
    ).encode()
    seen = landing._Seen(delimiter.encode())
    for at in range(0, len(data), chunk):
        seen.look_at(data[at : at + chunk])
    if seen.trimmed:
        assert all(field == field.strip(" \t\v\f\u00a0\ufeff") for field in fields)
    if not set("".join(fields)) & set(' \t\v\f\u00a0\ufeff"'):
        assert seen.trimmed


def test_a_large_parquet_file_comes_in_as_it_would_in_small_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for way, limit in (("slow", 1 << 40), ("straight", 0)):
        monkeypatch.setattr(ingest_plan, "LARGE_BYTES", limit)
        shop = Shop(tmp_path / way)
        target = shop.land("orders/large.parquet", b"")
        duckdb.sql(
            "select 'o' || range as order_id, timestamp '2024-01-01' + to_minutes(range % 1000) as"
            " ordered_at, (range / 4)::decimal(18, 2) as net_amount from range(300_000)"
        ).write_parquet(str(target))
        shop.load()
        found.append(
            shop.query(
                "select count(*), sum(net_amount), count(distinct _line_number),"
                " count(*) filter (order_id <> 'o' || (_line_number - 1)) from raw.orders"
            )
        )
    assert found[0] == found[1] == [(300_000, found[0][0][1], 300_000, 0)]


def test_two_contents_of_one_key_are_refused_in_a_large_file_too(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_plan, "LARGE_BYTES", 0)
    shop.land("orders.csv", ORDERS + _CLEAN + "7,2024-01-08,8\n")
    assert "order_id 7 stands twice with different content, on lines 9 and 502" in shop.refused()


def test_an_expression_that_fails_on_a_value_is_named_in_a_large_file_too(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_plan, "LARGE_BYTES", 0)
    shop.land("orders.csv", ORDERS + _CLEAN + "z,2024-01-08,abc\n")
    shop.map(
        "entities:\n  orders:\n    files: orders.csv\n    columns:\n"
        "      net_amount: cast(net_amount as decimal(18, 2))\n"
    )
    assert "the expression for net_amount fails on a value" in shop.refused()


# Names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        'it\'s "quoted".csv',
        "two\nlines.csv",
        "tab\tand [brackets] {braces} *?.csv",
        "semi;colon, comma.csv",
        "$(touch x) `x` ${HOME}.csv",
        "caf\u00e9 \u65e5\u672c.csv",
        "select 1; drop table orders; --.csv",
    ],
)
def test_any_file_name_is_a_name_and_nothing_else(shop: Shop, name: str) -> None:
    shop.land(f"orders/{name}", ORDERS + ROW + "2,never,5\n")
    shop.load()
    assert shop.query("select _source_file, order_id from raw.orders") == [(f"orders/{name}", "1")]
    assert shop.query("select source_file, line_number from run.rejects") == [(f"orders/{name}", 3)]


def test_a_file_name_that_is_no_text_is_refused(shop: Shop) -> None:
    """A disk from elsewhere has names in Latin-1; no table or JSON file can hold such a name."""
    shop.land("orders/a.csv", ORDERS + ROW)
    name = os.fsencode(shop.folder / "landing" / "orders") + b"/caf\xe9.csv"
    Path(os.fsdecode(name)).write_text(ORDERS + ROW)
    assert shop.refused() == (
        "landing/orders/caf?.csv: the name of the file is not UTF-8 text; rename it."
    )


def test_a_message_about_a_file_stays_on_one_line(shop: Shop) -> None:
    shop.land("orders/two\nlines\x1b[31m.csv", "")
    assert shop.refused() == (
        "landing/orders/two?lines?[31m.csv: the file is empty (0 bytes); deliver it again, or "
        "remove it if it should not be there."
    )


# Content -------------------------------------------------------------------------------------


def test_a_header_only_file_of_an_optional_entity_is_empty_and_told(shop: Shop) -> None:
    shop.land("orders.csv", ORDERS + ROW)
    shop.land("refunds.csv", "refund_id,refunded_at,amount\n")
    assert shop.load().messages == ("landing/refunds.csv: holds a header and no rows",)
    assert shop.query("select count(*) from raw.refunds") == [(0,)]
    assert shop.query("select line_count from run.source_files where entity = 'refunds'") == [(0,)]


@pytest.mark.parametrize("size", [1_000_000, 3_000_000])
def test_a_field_may_be_a_megabyte_long(shop: Shop, size: int) -> None:
    long = "x" * size
    shop.land("orders.csv", "coupon_code," + ORDERS + f'"{long}",2,2024-01-01,5\nshort,' + ROW)
    shop.load()
    assert shop.query("select length(coupon_code) from raw.orders order by 1") == [(5,), (size,)]
    assert shop.rejects() == []


def test_a_gzip_bomb_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing, "MAXIMUM_UNPACKED", 4 << 20)
    shop.land("orders/b.csv.gz", gzip.compress(ORDERS.encode() + b"\n" * (64 << 20)))
    assert shop.refused() == (
        "landing/orders/b.csv.gz: the gzip file unpacks to more than 200 times its size, which no "
        "export does; see what it is; if it is right, unpack it and deliver it as it is."
    )


def test_a_well_packed_export_is_no_bomb(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing, "MAXIMUM_UNPACKED", 1 << 10)
    text = ORDERS + "".join(f"{number},2024-01-01,5\n" for number in range(5_000))
    shop.land("orders/b.csv.gz", gzip.compress(text.encode()))
    shop.load()
    assert shop.query("select count(*) from raw.orders") == [(5_000,)]


def test_ten_thousand_small_files_are_each_accounted_for(shop: Shop) -> None:
    for number in range(10_000):
        shop.land(f"orders/{number:05d}.csv", ORDERS + f"{number},2024-01-01,0.01\n")
    result = shop.load()
    assert len(result.files) == 10_000
    assert shop.query(
        "select count(*), count(distinct _batch_id), sum(net_amount) from raw.orders"
    ) == [(10_000, 10_000, Decimal("100.0000"))]
    assert len(result.batches) == 1  # one Parquet file, not ten thousand
    assert shop.load().skipped_files == 10_000


# A disk that fills up ------------------------------------------------------------------------

FULL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import test_landing
from test_ingest import Shop
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
shop = Shop(Path(sys.argv[1]))
limit = 200_000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    shop.load()
except test_landing.ClienteleError as error:
    print(error.sentence)
"""


def test_a_disk_that_fills_up_in_the_middle_leaves_what_was_there(shop: Shop) -> None:
    shop.land("orders/a.csv", ORDERS + ROW)
    shop.load()
    raw = shop.folder / "warehouse" / "raw"
    before = {path: path.read_bytes() for path in raw.rglob("*") if path.is_file()}
    rows = (f"n{os.urandom(8).hex()},2024-01-01,{number}\n" for number in range(100_000))
    shop.land("orders/b.csv", ORDERS + "".join(rows))
    # No file of that process may grow beyond a limit: the write itself fails, as on a full disk.
    ended = subprocess.run(
        [sys.executable, "-c", FULL, str(shop.folder), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.stdout.startswith(
        "warehouse/raw: there is not enough memory or disk space to load the new files"
    ), ended.stderr
    assert {path: path.read_bytes() for path in raw.rglob("*") if path.is_file()} == before
    shop.load()
    assert shop.query("select count(*) from raw.orders") == [(100_001,)]


# Any file of good and bad lines --------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A line of a file of refunds, and what must become of it."""

    text: str
    fate: str
    amount: Decimal = Decimal(0)


def quoted(*fields: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(fields)
    return out.getvalue().removesuffix("\n")


KINDS = (
    *("good",) * 6,
    *("amount", "date", "no id", "negative", "future", "too many", "too few", "filtered"),
)


@st.composite
def lines(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS) -> Line:
    """A good row, or one that is wrong in one of the ways that exports are."""
    number = draw(st.integers(0, 10**6))
    cents = draw(st.integers(0, 10**7))
    amount = f"{cents // 100}.{cents % 100:02d}"
    reason = draw(st.sampled_from(["", "late", "it's", 'say "no"', "a, b", "two\nlines", "\u00e9"]))
    row = [f"r{number}", "2024-01-01", amount, reason]
    how = draw(st.sampled_from(kinds))
    if how == "good":
        return Line(quoted(*row), "accepted", Decimal(amount))
    if how == "filtered":
        return Line(quoted(*row[:3], "draft"), "filtered")
    if how == "amount":
        row[2] = draw(
            st.sampled_from(["abc", "1.234,56", "NaN", "inf", "1e400", "-0", "\u20ac5", ""])
        )
    elif how == "date":
        wrong = ["", "31/12/2024", "2024-02-31", "0001-01-01", "1970-01-01"]
        row[1] = draw(st.sampled_from(wrong))
    elif how == "no id":
        row[0] = draw(st.sampled_from(["", "  "]))
    elif how == "negative":
        row[2] = "-0.01"
    elif how == "future":
        row[1] = "2999-01-01"
    elif how == "too many":
        row.append("more")
    else:
        row = row[:2]
    return Line(quoted(*row), "rejected")


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    content=st.one_of(st.lists(lines(), max_size=25), st.lists(lines(("good",)), max_size=25)),
    ending=st.sampled_from(["\n", "\r\n"]),
    repeats=st.one_of(st.just([]), st.lists(st.integers(0, 24), max_size=5)),
    last=st.booleans(),
    zipped=st.booleans(),
    is_large=st.booleans(),
)
def test_every_line_ends_in_exactly_one_place_with_totals_to_the_cent(
    tmp_path_factory: pytest.TempPathFactory,
    content: list[Line],
    ending: str,
    repeats: list[int],
    last: bool,
    zipped: bool,
    is_large: bool,
) -> None:
    content = content + [content[place] for place in repeats if place < len(content)]
    shop = Shop(tmp_path_factory.mktemp("lines"))
    expected: Counter[str] = Counter()
    total = Decimal(0)
    seen: dict[str, str] = {}
    for line in content:
        if line.fate == "accepted":
            key = line.text.split(",")[0]
            if seen.setdefault(key, line.text) != line.text:
                return  # one id with two contents stops the refresh, which has its own test
        expected[line.fate] += 1
    for text in set(seen.values()):
        copies = [line for line in content if line.text == text]
        expected["accepted"] -= len(copies) - 1
        expected["repeated"] += len(copies) - 1
        total += copies[0].amount
    text = ending.join(["refund_id,refunded_at,amount,reason", *(line.text for line in content)])
    data = (text + (ending if last else "")).encode()
    shop.land("orders.csv", ORDERS + ROW)
    shop.land(*(("r.csv.gz", gzip.compress(data)) if zipped else ("r.csv", data)))
    where = "    where: \"coalesce(reason, '') <> 'draft'\"\n" if expected["filtered"] else ""
    shop.map(f"entities:\n  refunds:\n    files: 'r.*'\n{where}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest_plan, "LARGE_BYTES", 0 if is_large else 1 << 40)
        shop.load()

    (file,) = [file for file in shop.known if file.entity == "refunds"]
    assert {
        "accepted": file.accepted_rows,
        "rejected": file.rejected_rows,
        "filtered": file.filtered_rows,
        "repeated": file.repeated_rows,
    } == {name: expected[name] for name in ("accepted", "rejected", "filtered", "repeated")}
    assert file.line_count == len(content)
    assert shop.query("select count(*), coalesce(sum(amount), 0) from raw.refunds") == [
        (expected["accepted"], total)
    ]
    assert shop.query("select count(*) from run.rejects") == [(expected["rejected"],)]
