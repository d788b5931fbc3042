"""Rows of one entity of the input contract, as text, on their way into files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

Row = Sequence[object]


@dataclass(frozen=True)
class Table:
    """The rows of an entity.

    Attributes:
        columns: names, of the contract, in the order of the fields.
        rows: the fields as text; empty is missing.
        by: the column by whose time the rows are spread over files, or empty for one file.
        monthly: a file for every month instead of every year.
    """

    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    by: str = ""
    monthly: bool = False


def table(columns: str, *, by: str = "", monthly: bool = False) -> Table:
    """An empty table; `columns` are names with spaces between them."""
    return Table(tuple(columns.split()), by=by, monthly=monthly)


@cache  # the same few thousand amounts come again and again
def money(cents: int) -> str:
    """Cents as a decimal number."""
    return f"{cents // 100}.{cents % 100:02d}"


def order_id(position: int) -> str:
    """The id of the order at a position in order of time."""
    return f"HL{100_001 + position}"
