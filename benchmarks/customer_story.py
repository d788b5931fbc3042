"""What it takes to look one customer up, from the start of Python to the last line of the page.

A made-up marts file has as many customers as asked for, ten recent orders each, three source
records for every two of them and a former id for every fiftieth; tables, types and sort are those
of a release. Each look-up is a process of its own for another customer; beside it stand the start
of the command line alone, a query by hand for the one row of customer_360, and the same look-up
among a thousand customers.

Does not belong here: what it costs to build the tables (rfm_profiles.py and the refresh do).
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import yaml
from measuring import PROJECT, Spread, in_folder, load_line, machine, table, write_results

from orchestration.errors import ClienteleError
from orchestration.publish import STORAGE_VERSION
from orchestration.warehouse import MARTS

AIM_SECONDS = 1.0
START = "start of the command line"
FEW = 1000
"""Customers of the small file: what a look-up takes where there is nothing to search."""

_MODELS = (
    "models/operations/_customer_360.yml",
    "models/operations/_operations.yml",
    "models/identity/_identity.yml",
    "models/membership/_membership.yml",
    "models/profiles/_accounts.yml",
)

#: What makes rows of a type where nothing better is known of the column; `n` numbers the rows.
_BY_TYPE = {
    "string": "'value ' || n % 97",
    "int": "cast(n % 1000 as int)",
    "bigint": "cast(n % 1000 as bigint)",
    "boolean": "n % 3 = 0",
    "timestamp": "timestamp '2020-01-01' + to_seconds(n * 7919 % 180000000)",
    "date": "date '2020-01-01' + cast(n % 2000 as int)",
}

_CUSTOMER = "md5('shop|' || n)"

#: Rows by table: how many per customer, and what its columns hold that matters.
_TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "release": ("1", {"reporting_currency": "'EUR'", "business_time_zone": "'Europe/Amsterdam'"}),
    "segments": ("30", {"segment_key": "'segment_' || n"}),
    "account_profiles": (
        "greatest({customers} // 100, 1)",
        {"account_id": "md5('account|' || n)"},
    ),
    "customer_360": (
        "{customers}",
        {
            "customer_id": _CUSTOMER,
            "account_id": "case when n % 10 = 0 then md5('account|' || n // 100) end",
            "segments": "'segment_' || n % 10 || ' since 2026-01-31, segment_' || 10 + n % 20 "
            "|| ' since 2026-05-31'",
            "features_missing": "'product_usage, referrals'",
        },
    ),
    "customer_recent_orders": (
        "{customers} * 10",
        {
            "customer_id": "md5('shop|' || n // 10)",
            "order_rank": "cast(n % 10 + 1 as int)",
            "order_id": "'HL' || n",
        },
    ),
    "customer_open_tickets": ("{customers} // 20", {"customer_id": "md5('shop|' || n * 20)"}),
    "customer_source_records": (
        "{customers} * 3 // 2",
        {
            "customer_id": "md5('shop|' || n % {customers})",
            "record_id": "md5('record|' || n)",
            "record_kind": "'reference'",
        },
    ),
    "record_links": (
        "{customers} // 2",
        {
            "record_id": "md5('record|' || n)",
            "linked_record_id": "md5('record|' || n + {customers})",
            "identifier_kind": "'email'",
        },
    ),
    "customer_id_map": (
        "{customers} // 50",
        {
            "former_customer_id": "md5('former|' || n)",
            "customer_id": "md5('shop|' || n * 50)",
            "reason": "'split'",
        },
    ),
    "identity_log": (
        "{customers} // 25",
        {
            "previous_customer_id": "md5('former|' || n // 2)",
            "customer_id": "md5('shop|' || n // 2 * 50 + n % 2)",
            "identity_change": "'split'",
        },
    ),
}


@dataclass(frozen=True)
class Contender:
    """What is timed.

    Attributes:
        name: in the table.
        commands: one for each run, so that no run finds what another has read.
        environment: of its processes.
        expected: what each must print.
        evicted: a file that is put out of the system's cache before each run.
    """

    name: str
    commands: list[list[str]]
    environment: dict[str, str]
    expected: list[str]
    evicted: Path | None = None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2, help="to write the file with")
    parser.add_argument("--memory-limit", default="2GB", help="to write the file with")
    return parser


def write_marts(warehouse: Path, customers: int, *, threads: int, memory_limit: str) -> Path:
    """Write a release's DuckDB file of so many customers below a new warehouse folder.

    Args:
        warehouse: the folder.
        customers: how many.
        threads, memory_limit: of DuckDB.
    """
    marts = warehouse / "current" / MARTS
    marts.parent.mkdir(parents=True)
    declared = _declared_columns()
    with duckdb.connect() as connection:
        connection.execute(
            f"set threads = {threads}; set memory_limit = '{memory_limit}';"
            f" set temp_directory = '{warehouse / 'spill'}'"
        )
        connection.execute(f"attach '{marts}' as marts (storage_version '{STORAGE_VERSION}')")
        for name, (rows, known) in _TABLES.items():
            columns = ", ".join(
                f"cast({known.get(column, _made_up(kind))} as {kind}) as {column}"
                for column, kind in declared[name].items()
            ).replace("{customers}", str(customers))
            connection.execute(
                f"create table marts.main.{name} as select {columns}"
                f" from range(0, {rows.format(customers=customers)}) as numbers(n) order by all"
            )
    return marts


def _declared_columns() -> dict[str, dict[str, str]]:
    """Names and types of the columns of the tables that a look-up reads."""
    models = [
        model
        for path in _MODELS
        for model in yaml.safe_load((PROJECT / path).read_text(encoding="utf-8"))["models"]
    ]
    return {
        model["name"]: {column["name"]: column["data_type"] for column in model["columns"]}
        for model in models
        if model["name"] in _TABLES
    }


def _made_up(kind: str) -> str:
    return _BY_TYPE.get(kind, "cast(n % 100000 as decimal(18, 4))")


def _contenders(many: Path, few: Path, customers: int, runs: int) -> list[Contender]:
    chance = random.Random(20260101)
    with duckdb.connect() as connection:

        def hashed(kind: str, number: int) -> str:
            row = connection.execute("select md5(?)", [f"{kind}|{number}"]).fetchone()
            assert row is not None, "a query without a table has a row"
            return str(row[0])

        def some(kind: str, below: int) -> list[str]:
            return [hashed(kind, chance.randrange(below)) for _ in range(runs)]

        by_id, cold, as_json, by_hand = (some("shop", customers) for _ in range(4))
        beginnings, former = some("shop", customers), some("former", customers // 50)
        of_few = some("shop", FEW)
    clientele = [sys.executable, "-m", "orchestration.cli"]
    environments = {path: {**os.environ, "CLIENTELE_WAREHOUSE": str(path)} for path in (many, few)}
    query = (
        "import sys, duckdb; connection = duckdb.connect(sys.argv[1], read_only=True);"
        "print(connection.execute('from customer_360 where customer_id = ?', [sys.argv[2]])"
        ".fetchall())"
    )
    marts = many / "current" / MARTS

    def look_up(name: str, ids: list[str], *more: str, **values: Any) -> Contender:
        commands = [[*clientele, "customer", each, *more] for each in ids]
        return Contender(name, commands, environments[many], ids, **values)

    return [
        look_up("by id", by_id),
        look_up("by id, file not in the cache", cold, evicted=marts),
        look_up("by 10 characters", [each[:10] for each in beginnings]),
        look_up("by a former id", former),
        look_up("by id, as JSON", as_json, "--json"),
        Contender(
            f"by id among {FEW:,}",
            [[*clientele, "customer", each] for each in of_few],
            environments[few],
            of_few,
        ),
        Contender(
            "one row by hand",
            [[sys.executable, "-c", query, str(marts), each] for each in by_hand],
            environments[many],
            by_hand,
        ),
        Contender(
            START,
            [[*clientele, "--version"]] * runs,
            environments[many],
            ["clientele"] * runs,
        ),
    ]


def _seconds(contender: Contender, run: int) -> tuple[float, float]:
    """Seconds of a run by the clock and by the processor."""
    if contender.evicted is not None:
        _evict(contender.evicted)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    completed = subprocess.run(
        contender.commands[run],
        cwd=PROJECT,
        env=contender.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if completed.returncode or contender.expected[run] not in completed.stdout:
        raise ClienteleError(
            f"{contender.name} did not tell of {contender.expected[run]}: {completed.stderr[-500:]}"
        )
    return seconds, after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime


def _evict(path: Path) -> None:
    """Ask the system to forget what it has read of a file, where it can be asked."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status is 0 when every look-up found its customer."""
    parsed = _parser().parse_args(arguments)
    return in_folder(partial(_benchmark, parsed))


def _benchmark(parsed: argparse.Namespace, folder: Path) -> int:
    if parsed.customers < FEW or parsed.runs < 1:
        raise ClienteleError(f"give at least {FEW:,} customers and one run")
    before = machine()
    print(f"writing marts of {parsed.customers:,} customers ...", flush=True)
    settings = {"threads": parsed.threads, "memory_limit": parsed.memory_limit}
    marts = write_marts(folder / "many", parsed.customers, **settings)
    write_marts(folder / "few", FEW, **settings)
    contenders = _contenders(folder / "many", folder / "few", parsed.customers, parsed.runs)
    measured: dict[str, list[tuple[float, float]]] = {each.name: [] for each in contenders}
    for run in range(parsed.runs):
        print(f"run {run + 1} of {parsed.runs} ...", flush=True)
        for contender in contenders:
            measured[contender.name].append(_seconds(contender, run))
    after = machine()
    spreads = {
        name: (Spread.of([seconds for seconds, _ in runs]), Spread.of([cpu for _, cpu in runs]))
        for name, runs in measured.items()
    }
    start, start_cpu = spreads[START]
    print(
        f"\n{parsed.customers:,} customers, {parsed.customers * 10:,} orders, a file of"
        f" {marts.stat().st_size / 2**20:,.0f} MiB; {parsed.runs} runs in turns\n"
    )
    rows = [
        [
            name,
            seconds.shown(2),
            cpu.shown(2),
            f"{seconds.middle / start.middle:.1f}",
            f"{cpu.middle / start_cpu.middle:.1f}",
        ]
        for name, (seconds, cpu) in spreads.items()
    ]
    print(table(["look-up", "seconds", "CPU seconds", "ratio", "CPU ratio"], rows))
    print("\nThe ratio is that to the start of the command line alone.")
    slowest = max(seconds.middle for seconds, _ in spreads.values())
    print(f"the aim of {AIM_SECONDS:g} s is {'met' if slowest < AIM_SECONDS else 'missed'}")
    print(load_line(before, after))
    path = write_results("customer_story", {"machine": [before, after], "measured": measured})
    print(f"written to {path.relative_to(PROJECT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
