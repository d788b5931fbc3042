"""Writes the demo business into a landing folder, wholly or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import duckdb

from orchestration.contract import load_contract
from orchestration.demo.bad_rows import write_bad_rows
from orchestration.demo.business import Business
from orchestration.demo.calendar import HOUR
from orchestration.demo.files import tables_of, write_csv, write_notes
from orchestration.demo.scale import SHARED, write_parquet
from orchestration.demo.truth import DemoTruth
from orchestration.errors import ClienteleError

# The years in which the European Union changes its clocks as `clock_changes` says.
_FIRST_YEAR: Final = 2000

_LAST_YEAR: Final = 2099

# Writing takes seconds (minutes at a million customers): what is older was left by a kill.
_ABANDONED_AFTER_SECONDS: Final = 6 * HOUR


# Up to here every customer is imagined; beyond, a town of that many is repeated.
_LARGEST_TOWN: Final = 20_000
_TOWN: Final = 5_000


@dataclass(frozen=True)
class DemoSummary:
    """What `write_demo` wrote.

    Attributes:
        landing: the folder.
        rows: rows of every entity, those of bad rows not counted.
        files: number of data files.
        towns: how often the town is repeated; 1 is a business in which everyone is someone else.
        first_order_on, last_order_on: local business days.
        archetypes: customer records by the behaviour they were given; it is nowhere in the files,
            where it has to be found again by the segments.
        truth: what else was planted; of the first town.
    """

    landing: Path
    rows: Mapping[str, int]
    files: int
    towns: int
    first_order_on: date
    last_order_on: date
    archetypes: Mapping[str, int]
    truth: DemoTruth


def write_demo(
    landing: Path,
    *,
    customers: int = 5000,
    seed: int = 20260101,
    start: date = date(2024, 1, 1),
    end: date = date(2025, 12, 31),
    parquet: bool = False,
    tracked_percent: int = 35,
    bad_rows: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> DemoSummary:
    """Write the demo business into `landing`, which must not exist yet.

    The folder appears whole or not at all: everything is written to a hidden sibling first, which
    is then renamed.

    Args:
        landing: the folder to create; missing parents are created too.
        customers: number of customer records (prospects included); orders, walk-in sales and
            refunds grow with it, about 8 orders each over the default two years. Above 20,000 it is
            rounded up to a whole number of towns, and the files are Parquet.
        seed: another seed is another business of the same kind.
        start: first business day with orders.
        end: last business day with orders, inclusive.
        parquet: write Parquet instead of CSV.
        tracked_percent: of 100 orders on the web, how many leave their clicks.
        bad_rows: add files with one row of every kind that must end in quarantine.
        progress: takes short lines for a person to read.

    Returns:
        The rows written per entity, and what was planted in them.

    Raises:
        ClienteleError: `landing` exists, an argument is out of range, or the folder cannot be
            written. Nothing is left behind, but for parents that were missing.
    """
    _refuse_arguments(customers=customers, start=start, end=end, tracked_percent=tracked_percent)
    if os.path.lexists(landing):
        raise _landing_exists(landing)
    towns = 1 if customers <= _LARGEST_TOWN else -(-customers // _TOWN)
    people = -(-customers // towns)
    progress(f"imagining {people:,} customers")
    business = Business.imagine(customers=people, seed=seed, start=start, end=end)
    tables = tables_of(business, tracked_percent=tracked_percent, towns=towns)
    truth = business.truth
    partial = landing.parent / f"{_partial_prefix(landing)}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        landing.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(landing)
        partial.mkdir()
        try:
            if parquet or towns > 1:
                files = write_parquet(
                    partial, tables, load_contract(), towns=towns, progress=progress
                )
            else:
                files = write_csv(partial, tables)
            write_notes(partial, business)
            if bad_rows:
                truth.bad_rows.extend(write_bad_rows(partial, end.isoformat()))
            if os.path.lexists(landing):  # rename would replace an empty folder without a word
                raise _landing_exists(landing)
            partial.rename(landing)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    except (OSError, duckdb.IOException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ClienteleError(
            f"the demo business cannot be written ({reason})",
            where=str(landing),
            remedy="free some space or choose a folder that may be written to, and try again",
        ) from error
    kinds = Counter(customer.archetype.value for customer in business.customers)
    return DemoSummary(
        landing=landing,
        rows={
            entity: len(table.rows) * (1 if entity in SHARED else towns)
            for entity, table in tables.items()
        },
        files=files + len({row.file for row in truth.bad_rows}),
        towns=towns,
        first_order_on=business.calendar.date_of(business.orders[0].day),
        last_order_on=business.calendar.date_of(business.orders[-1].day),
        archetypes={kind: kinds[kind] * towns for kind in sorted(kinds)},
        truth=truth,
    )


def _refuse_arguments(*, customers: int, start: date, end: date, tracked_percent: int) -> None:
    if not 0 <= tracked_percent <= 100:
        raise ClienteleError(
            f"{tracked_percent} of 100 orders cannot leave their clicks",
            where="tracked",
            remedy="give a whole number from 0 to 100",
        )
    if customers < 1:
        raise ClienteleError(
            f"the demo business cannot have {customers} customers",
            where="customers",
            remedy="ask for at least 1",
        )
    if start.year < _FIRST_YEAR or end.year > _LAST_YEAR:
        raise ClienteleError(
            f"the demo business cannot trade from {start} to {end}",
            where="start, end",
            remedy=f"choose days from {_FIRST_YEAR} to {_LAST_YEAR}",
        )
    if (end - start).days < 27:
        raise ClienteleError(
            f"{start} to {end} is too short for a demo business",
            where="start, end",
            remedy="choose an end at least four weeks after the start",
        )


def _landing_exists(landing: Path) -> ClienteleError:
    return ClienteleError(
        "the folder is there already, and the demo business is never mixed with other files",
        where=str(landing),
        remedy="remove the folder to have the demo written there, or choose another landing folder",
    )


def _partial_prefix(landing: Path) -> str:
    return f".{landing.name}.writing-"


def _remove_abandoned(landing: Path) -> None:
    """Remove what a killed `write_demo` left beside `landing`, but not what one is writing now."""
    for leftover in landing.parent.iterdir():
        if not leftover.name.startswith(_partial_prefix(landing)):
            continue
        try:
            age = time.time() - leftover.stat().st_mtime
        except FileNotFoundError:  # its own process has just renamed or removed it
            continue
        if age > _ABANDONED_AFTER_SECONDS:
            shutil.rmtree(leftover, ignore_errors=True)
