"""Many towns: a business of a million customers, as the same town again and again, in Parquet.

Imagining a customer takes Python about 0.2 ms, writing one of a town that is there already takes
DuckDB a fiftieth of that. So a large business is one imagined town, repeated under other names:
every reference, id and address is the town's own, what people do is not. Histories repeat; counts,
sums and what is planted are those of one town times the number of towns.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from orchestration.contract import Contract
from orchestration.database import connect
from orchestration.demo.people import PLACEHOLDER_EMAIL
from orchestration.demo.tables import Table

# One of each for all towns: money and campaigns are the owner's, not a town's. Who asks to be
# forgotten may be known by a phone alone, and only the first town has phones.
SHARED: Final = (
    "campaigns",
    "erasure_requests",
    "fx_rates",
    "market_sizes",
    "marketing_spend",
    "products",
)
_OWN: Final = (
    "account_ref",
    "anonymous_id",
    "cart_id",
    "customer_ref",
    "event_id",
    "lead_id",
    "mention_id",
    "message_id",
    "order_id",
    "referred_ref",
    "referrer_ref",
    "refund_id",
    "response_id",
    "session_id",
    "subscription_id",
    "ticket_id",
)
_ROWS_OF_A_FILE: Final = 5_000_000
_MEMORY_LIMIT: Final = "1GB"


def write_parquet(
    folder: Path,
    tables: Mapping[str, Table],
    contract: Contract,
    *,
    towns: int,
    progress: Callable[[str], None],
) -> int:
    """Write the tables `towns` times over, as typed Parquet files; returns the number of files."""
    files = 0
    with tempfile.TemporaryDirectory(dir=folder) as scratch, connect() as connection:
        connection.execute(f"set memory_limit = '{_MEMORY_LIMIT}'")
        connection.execute(f"set temp_directory = '{scratch}/spill'")
        connection.execute("set preserve_insertion_order = false")
        for entity, table in tables.items():
            if not table.rows:
                continue
            one = Path(scratch) / f"{entity}.csv"
            with one.open("w", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(table.columns)
                writer.writerows(table.rows)
            connection.execute(
                "create or replace table town as"
                " from read_csv($path, header = true, all_varchar = true)",
                {"path": str(one)},
            )
            one.unlink()
            count = 1 if entity in SHARED else towns
            together = max(1, _ROWS_OF_A_FILE // len(table.rows))
            kinds = {column.name: column.data_type for column in contract.entity(entity).columns}
            (folder / entity).mkdir()
            for first in range(0, count, together):
                last = min(first + together, count)
                name = f"{entity}.parquet" if count <= together else f"{entity}-{first:06d}.parquet"
                columns = ", ".join(f'{_value(c, kinds[c])} as "{c}"' for c in table.columns)
                connection.execute(
                    f"copy (select {columns} from range({first}, {last}) as towns (number), town)"
                    f" to '{folder / entity / name}' (format parquet, compression zstd)"
                )
                files += 1
                progress(f"{entity}: {len(table.rows) * last:,} rows")
    return files


def _value(column: str, kind: str) -> str:
    """The value of a column in town `number`, of the type that the contract gives it."""
    name = f'town."{column}"'
    if column == "email":
        name = (
            f"case when number = 0 or {name} = '{PLACEHOLDER_EMAIL}' then {name}"
            f" else replace({name}, '@', '.t' || number || '@') end"
        )
    elif column == "phone":  # there are not as many numbers of fiction as there are people
        name = f"case when number = 0 then {name} end"
    elif column in _OWN:
        name = f"case when number = 0 then {name} else {name} || '-' || number end"
    sql = {"string": "varchar"}.get(kind, kind)
    return name if sql == "varchar" else f"cast({name} as {sql})"
