"""What ingestion costs: a large file, a day on top of a long history, and thousands of small files.

    python benchmarks/ingest.py            the real size: 1 GB, 50,000,000 rows, 10,000 files
    python benchmarks/ingest.py --megabytes 50 --history 1000000 --files 500    to try it out

Each contender is a process of its own. The large file is loaded beside DuckDB's plain
`copy (select ... from read_csv(...)) to ... (format parquet)` with the same casts, which keeps no
line numbers, no reasons and no count of what it could not read. The history is written as the raw
batches that earlier refreshes would have left, one file a day.

Does not belong here: the models that read what was loaded (fixed_cost.py, rfm_profiles.py).
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
from measuring import Spread, fail, load_line, machine, run_json, table, write_results

from orchestration.contract import load_contract
from orchestration.errors import ClienteleError
from orchestration.ingest import RawBatch, SourceFile, create_raw_views, ingest
from orchestration.mapping import Mapping

LOADED_AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
AIM_RATIO = 2.0
AIM_MEBIBYTES = 2048
_DAY_ROWS = 10_000
_ROWS_PER_SMALL_FILE = 10
_BYTES_PER_ROW = 87  # of the orders below; the size that is reported is measured

_ORDERS = """
    select
        'O' || lpad(number::varchar, 9, '0') as order_id,
        strftime(
            timestamp '2024-01-01' + to_seconds((hash(number, 'at') % 63000000)::bigint),
            '%Y-%m-%dT%H:%M:%S'
        ) as ordered_at,
        'C' || (hash(number, 'who') % 1000000)::varchar as customer_ref,
        'c' || (hash(number, 'who') % 1000000)::varchar || '@example.com' as email,
        (['paid', 'shipped', 'completed'])[(hash(number, 'status') % 3)::int + 1] as status,
        'EUR' as currency,
        ((hash(number, 'off') % 500) / 100.0)::decimal(18, 2) as discount_amount,
        ((hash(number, 'net') % 20000) / 100.0)::decimal(18, 2) as net_amount,
        (['web', 'store'])[(hash(number, 'channel') % 2)::int + 1] as sales_channel
    from range({first}, {last}) as numbers (number)
"""

_PLAIN = """
    copy (
        select
            order_id,
            try_cast(ordered_at as timestamp) as ordered_at,
            customer_ref,
            email,
            status,
            currency,
            try_cast(discount_amount as decimal(18, 4)) as discount_amount,
            try_cast(net_amount as decimal(18, 4)) as net_amount,
            sales_channel
        from read_csv('{file}', header = true, all_varchar = true)
    ) to '{target}' (format parquet, compression zstd)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status is 0 when every contender did its work."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--megabytes", type=int, default=1000, help="of the large file")
    parser.add_argument("--history", type=int, default=50_000_000, help="rows there before the day")
    parser.add_argument("--files", type=int, default=10_000, help="small files")
    parser.add_argument("--runs", type=int, default=3, help="measurements per contender")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    if parsed.child:
        print(json.dumps(_child(json.load(sys.stdin))))
        return 0
    try:
        _measure(parsed)
    except ClienteleError as error:
        return fail(error)
    return 0


def _measure(options: argparse.Namespace) -> None:
    before = machine()
    rows: list[list[str]] = []
    results: dict[str, Any] = {"machine": before, "options": vars(options)}
    with tempfile.TemporaryDirectory(prefix="clientele-ingest-") as name:
        folder = Path(name)
        large = _large_file(folder, options.megabytes)
        size = large.stat().st_size
        print(f"a CSV file of {size / 1e6:,.0f} MB; runs in turns", flush=True)
        plain, ours = _in_turns(
            options.runs,
            {"kind": "plain", "file": str(large), "folder": str(folder / "plain")},
            {"kind": "ingest", "landing": str(large.parents[1]), "folder": str(folder / "ours")},
        )
        large.unlink()
        rows += _rows(f"DuckDB's copy, {size / 1e6:,.0f} MB", plain, None)
        rows += _rows(f"ingest, {size / 1e6:,.0f} MB", ours, plain)
        print(f"{_DAY_ROWS:,} rows on top of {options.history:,}", flush=True)
        day = folder / "day" / "orders"
        day.mkdir(parents=True)
        _write_orders(day / "day.csv", options.history, options.history + _DAY_ROWS)
        history = _history(folder / "history", options.history)
        alone, on_top = _in_turns(
            options.runs,
            {"kind": "ingest", "landing": str(day.parent), "folder": str(folder / "alone")},
            {
                "kind": "ingest",
                "landing": str(day.parent),
                "folder": str(history),
                "history": str(history / "history.json"),
            },
        )
        shutil.rmtree(history)
        rows += _rows(f"{_DAY_ROWS:,} rows, no history", alone, None)
        rows += _rows(f"{_DAY_ROWS:,} rows on {options.history:,}", on_top, alone)
        print(f"{options.files:,} files of {_ROWS_PER_SMALL_FILE} rows", flush=True)
        small = _small_files(folder / "small", options.files)
        many, again = _in_turns(
            options.runs,
            {"kind": "ingest", "landing": str(small), "folder": str(folder / "many")},
            {"kind": "again", "landing": str(small), "folder": str(folder / "again")},
        )
        rows += _rows(f"{options.files:,} small files", many, None)
        rows += _rows("the same, nothing new", again, None)
    results |= {"plain": plain, "ours": ours, "alone": alone, "on_top": on_top}
    results |= {"many": many, "again": again, "machine_after": machine()}
    ratio = _seconds(ours).middle / _seconds(plain).middle
    peak = max(run["peak_mebibytes"] for run in ours)
    print()
    print(table(["what", "seconds", "peak MiB", "ratio"], rows))
    print(f"\ningest takes {ratio:.2f} times DuckDB's plain copy (aim: at most {AIM_RATIO:g})")
    print(f"and {peak:,.0f} MiB at most (aim: under {AIM_MEBIBYTES:,})")
    print(load_line(before, results["machine_after"]))
    print(f"\nwritten to {write_results('ingest', results)}")


def _rows(
    what: str, runs: Sequence[dict[str, Any]], beside: Sequence[dict[str, Any]] | None
) -> list[list[str]]:
    ratio = f"{_seconds(runs).middle / _seconds(beside).middle:.2f}" if beside else ""
    memory = Spread.of([run["peak_mebibytes"] for run in runs])
    return [[what, _seconds(runs).shown(2), memory.shown(0), ratio]]


def _seconds(runs: Sequence[dict[str, Any]]) -> Spread:
    return Spread.of([run["seconds"] for run in runs])


def _in_turns(runs: int, *requests: dict[str, Any]) -> tuple[list[dict[str, Any]], ...]:
    """The answers of each contender, measured one after the other in every round."""
    answers: tuple[list[dict[str, Any]], ...] = tuple([] for _ in requests)
    for _ in range(runs):
        for request, found in zip(requests, answers, strict=True):
            command = [sys.executable, __file__, "--child"]
            found.append(run_json(command, request, what=str(request["kind"])))
            print(f"  {request['kind']}: {found[-1]['seconds']:.2f} s", flush=True)
    return answers


# The data --------------------------------------------------------------------------------------


def _write_orders(path: Path, first: int, last: int) -> None:
    query = _ORDERS.format(first=first, last=last)
    duckdb.connect().execute(f"copy ({query}) to '{path}' (format csv, header true)")


def _large_file(folder: Path, megabytes: int) -> Path:
    path = folder / "large" / "orders" / "large.csv"
    path.parent.mkdir(parents=True)
    _write_orders(path, 0, megabytes * 1_000_000 // _BYTES_PER_ROW)
    return path


def _small_files(folder: Path, count: int) -> Path:
    (folder / "orders").mkdir(parents=True)
    size = _ROWS_PER_SMALL_FILE
    query = _ORDERS.format(first=0, last=count * size)
    rows = duckdb.connect().execute(query).fetchall()
    header = "order_id,ordered_at,customer_ref,email,status,currency,discount_amount,net_amount"
    for number in range(count):
        lines = [
            ",".join(str(value) for value in row)
            for row in rows[number * size : (number + 1) * size]
        ]
        text = "\n".join([f"{header},sales_channel", *lines]) + "\n"
        (folder / "orders" / f"{number:06d}.csv").write_text(text, encoding="utf-8")
    return folder


def _history(folder: Path, rows: int) -> Path:
    """Raw batches of earlier refreshes, 50,000 rows each, and what their manifest says of them."""
    raw = folder / "raw" / "orders"
    raw.mkdir(parents=True)
    contract = load_contract()
    names = contract.entity("orders").columns
    files, batches = [], []
    per_batch = 50_000
    with duckdb.connect() as connection:
        for number, first in enumerate(range(0, rows, per_batch)):
            last = min(first + per_batch, rows)
            batch = f"a{number:06d}-00000"
            path = raw / f"a{number:06d}-000.parquet"
            found = {
                row[0]
                for row in connection.execute(
                    f"describe {_ORDERS.format(first=0, last=0)}"
                ).fetchall()
            }
            columns = ", ".join(
                f"{column.name if column.name in found else 'null'}::{column.sql_type}"
                f" as {column.name}"
                for column in names
            )
            connection.execute(
                f"copy (select {columns}, '{batch}' as _batch_id, 'orders/{number}.csv' as"
                f" _source_file, 1::bigint as _line_number, timestamp '2025-01-01' as _loaded_at"
                f" from ({_ORDERS.format(first=first, last=last)})) to '{path}'"
                " (format parquet, compression zstd)"
            )
            batches.append(RawBatch("orders", f"raw/orders/{path.name}", None, last - first))
            files.append(
                SourceFile(
                    entity="orders",
                    source_file=f"orders/{number}.csv",
                    content_hash=f"{number:064x}",
                    size=1,
                    modified_ns=1,
                    batch_id=batch,
                    loaded_at="2025-01-01T00:00:00+00:00",
                    line_count=last - first,
                    accepted_rows=last - first,
                    rejected_rows=0,
                    filtered_rows=0,
                    repeated_rows=0,
                )
            )
    manifest = {
        "files": [file.to_json() for file in files],
        "batches": [batch.to_json() for batch in batches],
    }
    (folder / "history.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


# The contenders --------------------------------------------------------------------------------


def _child(request: dict[str, Any]) -> dict[str, float]:
    folder = Path(request["folder"])
    if request["kind"] == "plain":
        seconds = _plain(request["file"], folder)
    else:
        seconds = _ingest(request, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mebibytes": peak}


def _plain(file: str, folder: Path) -> float:
    folder.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    with duckdb.connect() as connection:
        connection.execute(_PLAIN.format(file=file, target=folder / "orders.parquet"))
    seconds = time.perf_counter() - started
    shutil.rmtree(folder)
    return seconds


def _ingest(request: dict[str, Any], folder: Path) -> float:
    """Load what is new and make the views that the models read; the batches are removed again."""
    contract = load_contract()
    manifest: dict[str, Any] = {"files": [], "batches": []}
    if "history" in request:
        manifest = json.loads(Path(request["history"]).read_text(encoding="utf-8"))
    known = [SourceFile.from_json(values) for values in manifest["files"]]
    batches = [RawBatch.from_json(values) for values in manifest["batches"]]

    def load(run_id: str, known: Sequence[SourceFile]) -> Any:
        return ingest(
            landing=Path(request["landing"]),
            warehouse=folder,
            mapping=Mapping(),
            contract=contract,
            known=known,
            run_id=run_id,
            loaded_at=LOADED_AT,
            progress=lambda _: None,
        )

    if request["kind"] == "again":
        first = load("z0", known)
        known, batches = [*known, *first.files], [*batches, *first.batches]
    started = time.perf_counter()
    result = load("z1", known)
    files, counting = [*known, *result.files], [*batches, *result.batches]
    with duckdb.connect() as connection:
        create_raw_views(
            connection, contract=contract, warehouse=folder, batches=counting, files=files
        )
    seconds = time.perf_counter() - started
    for batch in result.batches:
        (folder / batch.path).unlink()
    return seconds


if __name__ == "__main__":
    sys.exit(main())
