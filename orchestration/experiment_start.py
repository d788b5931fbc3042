"""`clientele experiment start`: who gets which message, drawn by a hash and written down before.

An experiment is registered (control, metric, window, stop and shares stand in seeds) and its
customers are assigned (a file in the landing folder, which the next refresh loads like any other)
in one go. The arm of a customer follows from the experiment's name and the customer's id alone:
whoever draws again, on another machine or in another order, draws the same.

Does not belong here: what came out (the model experiment_results), and sending anything.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import duckdb

from orchestration.contract import did_you_mean
from orchestration.database import connect, literal
from orchestration.errors import ClienteleError
from orchestration.landing import block_for
from orchestration.mapping import Mapping
from orchestration.segment_changes import (
    MAXIMUM_REASON_LENGTH,
    Plan,
    add_seed_rows,
    log_text,
)
from orchestration.segment_decisions import known_experiments
from orchestration.segment_files import read_seed
from orchestration.warehouse import MARTS, Warehouse

ENTITY: Final = "experiment_assignments"
DESIGNS_SEED: Final = Path("seeds/experiment_designs.csv")
ARMS_SEED: Final = Path("seeds/experiment_arms.csv")
DESIGN_COLUMNS: Final = (
    *("source_system", "experiment_id", "control_arm", "metric"),
    *("window_days", "stop_on", "reason"),
)
ARM_COLUMNS: Final = ("source_system", "experiment_id", "arm", "expected_share", "reason")
COLUMNS: Final = (
    *("source_system", "experiment_id", "customer_ref", "arm"),
    *("assigned_at", "campaign_id", "segment_key"),
)
EVERYONE: Final = "all"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HASH_BITS: Final = 64


@dataclass(frozen=True)
class Arm:
    """An arm, and its weight beside the others'."""

    name: str
    weight: Fraction


@dataclass(frozen=True)
class Design:
    """What is promised before anybody is contacted.

    Attributes:
        experiment_id: its name. segments: whose members take part; `all` is everyone.
        arms: two at least. control: the one that the others are held against.
        metric: that decides. window_days: of a customer, from the assignment on; None is the
            project's default. stop_on: the last day that counts for anybody, or None.
        campaign_id: that the arms are sent, or empty. source_system: whose references name the
            customers; empty is the one that names the most of them.
        reason: what it is to find out.
    """

    experiment_id: str
    segments: tuple[str, ...]
    arms: tuple[Arm, ...]
    control: str
    metric: str
    window_days: int | None
    stop_on: dt.date | None
    campaign_id: str
    source_system: str
    reason: str


@dataclass(frozen=True)
class Landed:
    """Where assignments land: the landing folder, and how its files are read."""

    folder: Path
    mapping: Mapping

    def path_of(self, experiment_id: str) -> Path:
        """The file of an experiment's assignments.

        Raises:
            ClienteleError: the mapping would read it by other names than the contract's.
        """
        name = f"{ENTITY}/experiment-{experiment_id}.csv"
        block = block_for(self.mapping, ENTITY, name)
        if block is not None:
            raise ClienteleError(
                f"it reads {name} by column names of its own",
                where=block.place(),
                remedy=f"let its files be others than {block.files}",
            )
        return self.folder / name


def parse_arms(texts: Sequence[str]) -> tuple[Arm, ...]:
    """Arms as people write them: `treatment=80`, or `treatment` for equal ones.

    Raises:
        ClienteleError: a weight is no number above 0, or fewer than two arms differ.
    """
    arms = []
    for text in texts:
        name, equals, weight = text.partition("=")
        try:
            parsed = Fraction(weight) if equals else Fraction(1)
        except (ValueError, ZeroDivisionError):
            parsed = Fraction(0)
        name = name.strip().lower()
        if not _NAME.fullmatch(name) or parsed <= 0:
            raise ClienteleError(
                f"'{text}' is no arm with a share",
                where="--arm",
                remedy="write it as treatment=80, or as treatment where all are equal",
            )
        arms.append(Arm(name, parsed))
    if len({arm.name for arm in arms}) < max(2, len(arms)):
        raise ClienteleError(
            "an experiment has two arms or more, each named once",
            where="--arm",
            remedy="give --arm treatment --arm holdout",
        )
    return tuple(arms)


def control_of(arms: Sequence[Arm], asked: str | None) -> str:
    """The arm that the others are held against: the one asked for, else control, else holdout.

    Raises:
        ClienteleError: none was asked for, and no arm has one of these names.
    """
    names = [arm.name for arm in arms]
    usual = next((name for name in ("control", "holdout") if name in names), "")
    if not (asked or usual):
        raise ClienteleError(
            "no arm is called control or holdout",
            where="--control",
            remedy=f"say which of {', '.join(names)} the others are held against",
        )
    return (asked or usual).lower()


def arm_of(experiment_id: str, customer_id: str, arms: Sequence[Arm]) -> str:
    """The arm of a customer: by a hash, so that nobody can pick and everybody draws the same."""
    digest = hashlib.sha256(f"{experiment_id}|{customer_id}".encode()).digest()
    drawn = Fraction(int.from_bytes(digest[: _HASH_BITS // 8], "big"), 2**_HASH_BITS)
    whole = sum((arm.weight for arm in arms), Fraction(0))
    upto = Fraction(0)
    for arm in arms:
        upto += arm.weight / whole
        if drawn < upto:
            return arm.name
    raise AssertionError("shares add up to one, and a draw is below it")


def start_experiment(
    project: Path,
    warehouse: Warehouse,
    landed: Landed,
    design: Design,
    *,
    minimum: int,
    now: dt.datetime,
) -> list[str]:
    """Register an experiment and assign its customers; what was done, in lines.

    Args:
        project: the folder of dbt_project.yml, whose seeds register it.
        warehouse: whose current release says who is in the segments.
        landed: where the assignments land.
        design: what is promised.
        minimum: customers of an arm, below which there is no verdict.
        now: the instant of the assignment (UTC).

    Raises:
        ClienteleError: there is no release, segment or customer, the experiment is there already,
            or something of the design is not possible.
    """
    reason = log_text(
        design.reason, "--reason", "say what it is to find out", MAXIMUM_REASON_LENGTH
    )
    _refuse(design, now)
    path = landed.path_of(design.experiment_id)
    _refuse_assigned(path)
    members = _members(warehouse, design.segments)
    references, source_system = _references(warehouse, members, design.source_system)
    _refuse_known(project, warehouse, source_system, design.experiment_id)
    rows = [
        (
            source_system,
            design.experiment_id,
            references[customer_id],
            arm_of(design.experiment_id, customer_id, design.arms),
            now.isoformat(timespec="seconds"),
            design.campaign_id,
            "" if segment_key == EVERYONE else segment_key,
        )
        for customer_id, segment_key in members.items()
        if customer_id in references
    ]
    plan = Plan(project)
    _register(plan, design, source_system, reason)
    # Last, and with the seeds or not at all: what lands is read at any moment.
    plan.write(path.absolute(), _assignments(sorted(rows)))
    plan.apply()
    sizes = Counter(row[3] for row in rows)
    return _told(design, path, sizes, minimum, len(members) - len(rows))


def _register(plan: Plan, design: Design, source_system: str, reason: str) -> None:
    days = "" if design.window_days is None else str(design.window_days)
    stop = "" if design.stop_on is None else design.stop_on.isoformat()
    named = (source_system, design.experiment_id)
    row = (*named, design.control, design.metric, days, stop, reason)
    add_seed_rows(plan, DESIGNS_SEED, DESIGN_COLUMNS, [row])
    if len({arm.weight for arm in design.arms}) > 1:
        whole = sum((arm.weight for arm in design.arms), Fraction(0))
        shares = [(arm.name, f"{float(arm.weight / whole):.4f}") for arm in design.arms]
        add_seed_rows(plan, ARMS_SEED, ARM_COLUMNS, [(*named, *share, reason) for share in shares])


def _assignments(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([COLUMNS, *rows])
    return out.getvalue()


def _told(design: Design, path: Path, sizes: Counter[str], minimum: int, unnamed: int) -> list[str]:
    lines = [
        f"registered  {DESIGNS_SEED}: {design.experiment_id}, by {design.metric}, against "
        f"{design.control}",
        f"assigned    {path}",
    ]
    for arm in design.arms:
        few = sizes[arm.name] < minimum
        note = f"  fewer than {minimum}: there will be no verdict" if few else ""
        lines.append(f"{sizes[arm.name]:10,}  {arm.name}{note}")
    if unnamed:
        lines.append(f"{unnamed:10,}  left out: no reference of theirs is of that source system")
    return [
        *lines,
        "",
        "Next: commit the seeds, send what the file says to whom it says, and `clientele refresh`;",
        "experiment_results has the sample ratio at once, and a verdict when the windows close.",
    ]


# Who takes part ----------------------------------------------------------------------------------


def _members(warehouse: Warehouse, segments: Sequence[str]) -> dict[str, str]:
    """The segment by which each customer takes part: of several the one named first."""
    warehouse.needed_release()
    members: dict[str, str] = {}
    with connect(warehouse.current / MARTS, read_only=True) as connection:
        known = [
            str(row[0])
            for row in connection.execute(
                "select segment_key from segments where entity = 'customer' order by all"
            ).fetchall()
        ]
        for key in segments:
            if key != EVERYONE and key not in known:
                raise ClienteleError(
                    f"the release has no segment of customers {key!r}",
                    where="--segment",
                    remedy=did_you_mean(key, [*known, EVERYONE]),
                )
            query = (
                "select customer_id from customer_profiles order by all"
                if key == EVERYONE
                else "select customer_id from segment_membership where segment_key = ? order by all"
            )
            found = connection.execute(query, [] if key == EVERYONE else [key]).fetchall()
            for (customer_id,) in found:
                members.setdefault(str(customer_id), key)
    if not members:
        raise ClienteleError(
            f"nobody is in {' or '.join(segments)}",
            where="--segment",
            remedy="name a segment with customers in it",
        )
    return members


def _references(
    warehouse: Warehouse, members: dict[str, str], source_system: str
) -> tuple[dict[str, str], str]:
    """How a source system names the customers, and which it is.

    References are no part of a release, so they are looked up where the last refresh worked, by
    the record ids that the release has for each customer.
    """
    with connect() as connection:
        connection.execute(f"attach {literal(warehouse.current / MARTS)} as marts (read_only)")
        try:
            connection.execute(f"attach {literal(warehouse.work_database)} as work (read_only)")
            rows = connection.execute(
                """
                select published.customer_id, records.source_system, min(records.reference)
                from marts.customer_source_records as published
                inner join work.main.source_records as records using (record_id)
                where records.record_kind = 'reference'
                group by all
                """
            ).fetchall()
        except duckdb.Error as error:
            raise ClienteleError(
                "the customers' references cannot be read",
                where=str(warehouse.work_database),
                remedy="run `clientele refresh` (or wait for the one that runs), and start again",
            ) from error
    by_system: dict[str, dict[str, str]] = {}
    for customer_id, system, reference in rows:
        if customer_id in members:
            by_system.setdefault(system, {})[customer_id] = reference
    if not by_system:
        raise ClienteleError(
            "no customer of these segments has a reference, by which assignments name people",
            where="--segment",
            remedy="name a segment of customers whom a shop or a CRM knows by a number",
        )
    chosen = source_system or min(by_system, key=lambda name: (-len(by_system[name]), name))
    if chosen not in by_system:
        raise ClienteleError(
            f"no customer of these segments has a reference of {chosen!r}",
            where="--source-system",
            remedy=f"give {' or '.join(sorted(by_system))}",
        )
    return by_system[chosen], chosen


# What is refused ---------------------------------------------------------------------------------


def _refuse(design: Design, now: dt.datetime) -> None:
    if not _NAME.fullmatch(design.experiment_id):
        raise ClienteleError(
            f"{design.experiment_id!r} is no name for an experiment",
            where="experiment start",
            remedy="use up to 100 letters, digits, dots, hyphens and underscores",
        )
    if design.control not in {arm.name for arm in design.arms}:
        raise ClienteleError(
            f"no arm is called {design.control}",
            where="--control",
            remedy=f"give one of {', '.join(arm.name for arm in design.arms)}",
        )
    if design.window_days is not None and design.window_days < 1:
        raise ClienteleError(
            f"a window of {design.window_days} days has none",
            where="--window-days",
            remedy="give 1 or more",
        )
    if design.stop_on is not None and design.stop_on <= now.date():
        raise ClienteleError(
            f"it stops on {design.stop_on}, before it has begun",
            where="--stop-on",
            remedy="give a later day",
        )


def _refuse_assigned(path: Path) -> None:
    if path.exists():
        raise ClienteleError(
            "the customers of this experiment are assigned already",
            where=str(path),
            remedy="an assignment holds; start another experiment under another name",
        )


def _refuse_known(
    project: Path, warehouse: Warehouse, source_system: str, experiment_id: str
) -> None:
    named = (source_system, experiment_id)
    for seed in (DESIGNS_SEED, ARMS_SEED):
        for row in read_seed(project, seed):
            if (row.get("source_system"), row.get("experiment_id")) == named:
                raise ClienteleError(
                    f"the experiment {experiment_id} of {source_system} is registered already",
                    where=seed.as_posix(),
                    remedy="what was promised holds; start another under another name",
                )
    with connect(warehouse.current / MARTS, read_only=True) as connection:
        if named in known_experiments(connection):
            raise ClienteleError(
                f"the release has an experiment {experiment_id} of {source_system}",
                where="experiment start",
                remedy="start another under another name",
            )
