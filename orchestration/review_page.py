"""What the pages and tables of reviews are made of: rows of a release, figures, HTML and CSV files.

Does not belong here: what a review says (review.py, annual_review.py).
"""

from __future__ import annotations

import contextlib
import csv
import html
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

from orchestration.database import connect, tables
from orchestration.errors import ClienteleError
from orchestration.warehouse import MARTS, Warehouse

Row = dict[str, Any]

FOLDER: Final = "reviews"
"""Where reviews lie in the warehouse, a folder for each as_of."""

KPIS: Final = "segment_kpis"
"""The table that every release with metrics has."""

STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;color:#1c2430}
body{max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{margin-bottom:0}h2{margin-top:2.2rem;border-bottom:1px solid #d5dae2}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #e6e9ee;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.quiet{color:#5b6675}.met{color:#17683f}.missed{color:#a3261b}
svg{vertical-align:middle}
"""


@contextlib.contextmanager
def opened_release(
    warehouse: Warehouse, needed: Iterable[str], what: str
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of the current release, for reading.

    Args:
        warehouse: whose release it is.
        needed: tables that it must have.
        what: is made of them, for the sentence.

    Raises:
        ClienteleError: there is no release, or it was made without metrics or by a version that
            had no such tables.
    """
    marts = warehouse.current / MARTS
    warehouse.needed_release()
    with connect(marts, read_only=True) as connection:
        present = tables(connection)
        if not present.issuperset(needed):
            if KPIS not in present:
                raise ClienteleError(
                    f"the current release has no metrics, so there are no {what}",
                    where=str(marts),
                    remedy="run `make refresh` without `kpis: false` in CLIENTELE_VARS",
                )
            raise ClienteleError(
                f"the current release was made before there were {what}",
                where=str(marts),
                remedy="run `make refresh`",
            )
        yield connection


def page_head(title: str) -> str:
    """How a page begins: its title, and its style, for it loads nothing."""
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>"
    )


def put_page(path: Path, parts: Iterable[str]) -> Path:
    """Write a page and put it in place whole."""
    aside = path.with_name(f"{path.name}.part")
    aside.write_text("".join(parts), encoding="utf-8")
    aside.replace(path)
    return path


def read_rows(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Row, ...]:
    """The rows of a query, each by the names of its columns."""
    result = connection.execute(query)
    names = [column[0] for column in result.description or ()]
    return tuple(dict(zip(names, row, strict=True)) for row in result.fetchall())


def write_csv(path: Path, rows: Sequence[Row]) -> Path:
    """Write rows, of which there is at least one, under the names of their columns."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)
    return path


def _plain(value: object) -> object:
    """A text that a spreadsheet takes for a text, whatever it begins with."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r", "\0"}:
        return f"'{value}"
    return value


def number_text(value: Decimal | None) -> str:
    """A number as people read it: no places where it is whole, else 2, or 4 below 1."""
    if value is None:
        return "unknown"
    places = 0 if value == value.to_integral_value() else 2 if abs(value) >= 1 else 4
    return f"{value:,.{places}f}"


def percent_text(value: Decimal | None) -> str:
    """A share as a percentage."""
    return "unknown" if value is None else f"{value * 100:.1f} %"


def figure(value: Decimal | None, unit: str | None) -> str:
    """The value of a KPI with this unit."""
    return percent_text(value) if unit == "rate" else number_text(value)


def figure_or_nothing(value: Decimal | None, unit: str | None) -> str:
    """Nothing where there is no such value, as of what only came after."""
    return "" if value is None else figure(value, unit)


def change_text(change: Decimal | None, unit: str | None) -> str:
    """A change, with its sign; of a rate in points; nothing where there is none."""
    if change is None:
        return ""
    if unit == "rate":
        return f"{change * 100:+.2f} points"
    return ("+" if change > 0 else "") + number_text(change)
