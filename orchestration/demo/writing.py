"""Writes the demo business into a landing folder, wholly or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from orchestration.demo.business import Business
from orchestration.demo.calendar import HOUR
from orchestration.demo.files import write_files
from orchestration.errors import ClienteleError

# The years in which the European Union changes its clocks as `clock_changes` says.
_FIRST_YEAR: Final = 2000

_LAST_YEAR: Final = 2099

# Writing takes seconds (minutes at a million customers): what is older was left by a kill.
_ABANDONED_AFTER_SECONDS: Final = 6 * HOUR


@dataclass(frozen=True)
class DemoSummary:
    """What `write_demo` wrote: rows per entity, number of data files, first and last order day.

    `archetypes` counts the customer records by the behaviour they were given; it is nowhere in the
    files, where it has to be found again by the segments.
    """

    landing: Path
    customers: int
    products: int
    orders: int
    order_lines: int
    refunds: int
    files: int
    first_order_on: date
    last_order_on: date
    archetypes: Mapping[str, int]


def write_demo(
    landing: Path,
    *,
    customers: int = 5000,
    seed: int = 20260101,
    start: date = date(2024, 1, 1),
    end: date = date(2025, 12, 31),
) -> DemoSummary:
    """Write the demo business into `landing`, which must not exist yet.

    The folder appears whole or not at all: everything is written to a hidden sibling first, which
    is then renamed.

    Args:
        landing: the folder to create; missing parents are created too.
        customers: number of customer records (prospects included); orders, walk-in sales and
            refunds grow with it, about 8 orders each over the default two years.
        seed: another seed is another business of the same kind.
        start: first business day with orders.
        end: last business day with orders, inclusive.

    Returns:
        The rows written per entity.

    Raises:
        ClienteleError: `landing` exists, an argument is out of range, or the folder cannot be
            written. Nothing is left behind, but for parents that were missing.
    """
    _refuse_arguments(customers=customers, start=start, end=end)
    if os.path.lexists(landing):
        raise _landing_exists(landing)
    business = Business.imagine(customers=customers, seed=seed, start=start, end=end)
    partial = landing.parent / f"{_partial_prefix(landing)}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        landing.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(landing)
        partial.mkdir()
        try:
            files = write_files(partial, business)
            if os.path.lexists(landing):  # rename would replace an empty folder without a word
                raise _landing_exists(landing)
            partial.rename(landing)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    except OSError as error:
        raise ClienteleError(
            f"the demo business cannot be written ({error.strerror or type(error).__name__})",
            where=str(landing),
            remedy="free some space or choose a folder that may be written to, and try again",
        ) from error
    return DemoSummary(
        landing=landing,
        customers=len(business.customers),
        products=len(business.products),
        orders=len(business.orders),
        order_lines=sum(len(order.lines) for order in business.orders),
        refunds=len(business.refunds),
        files=files,
        first_order_on=business.calendar.date_of(business.orders[0].day),
        last_order_on=business.calendar.date_of(business.orders[-1].day),
        archetypes=dict(
            sorted(Counter(customer.archetype.value for customer in business.customers).items())
        ),
    )


def _refuse_arguments(*, customers: int, start: date, end: date) -> None:
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
