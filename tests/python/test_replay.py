"""Earlier days once more: as occurred, and as known then.

What a replay computes is told by small businesses in memory, through the compiled SQL; that the
command does the same by the release log and the raw batches, by one warehouse on disk. Does not
belong here: published history (test_segments_over_time.py).
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Workspace, examples
from pipeline import Pipeline, State, next_state
from test_refresh import land, orders_csv
from test_segments_over_time import end_of, id_of, order, orders

from orchestration import clock
from orchestration.errors import ClienteleError
from orchestration.replay import AS_KNOWN, AS_OCCURRED, Request, choose_instants
from orchestration.replay_assets import stretches
from orchestration.warehouse import Release

DAYS = 30
DAY_0 = date(2026, 1, 1)
SHOWN = ("customer_profiles", "rfm_scores", "segment_membership_observed")


@dataclass(frozen=True)
class Arrival:
    """A row and the day on which it came: 0 with the first refresh."""

    day: int
    entity: str
    row: dict[str, Any]


def customer(ref: str, **values: Any) -> dict[str, Any]:
    return {
        "customer_ref": ref,
        "source_system": "default",
        "_batch_id": "b00",
        "created_at": datetime.combine(DAY_0 - timedelta(days=400), time(12)),
    } | values


def arrivals() -> list[Arrival]:
    """A month in which rows come late, are corrected, and tell that two people are one."""
    rows = [
        Arrival(0, "orders", row)
        for ref, days in (
            ("steady", (5, 35, 65, 95)),
            ("quiet", (170,)),
            ("twice", (20, 28)),
            ("big", (3, 12, 33, 60, 80)),
        )
        for row in orders(ref, *days, amount=10 if ref != "big" else 500)
    ]
    rows += [Arrival(0, "customers", customer("one")), Arrival(0, "customers", customer("other"))]
    rows += [Arrival(0, "orders", row) for row in (*orders("one", 40), *orders("other", 15))]
    generator = random.Random(7)
    for day in range(1, DAYS):
        on = DAY_0 + timedelta(days=day)
        ref = generator.choice(["steady", "twice", "big", "new", f"guest {day}"])
        rows.append(Arrival(day, "orders", order(ref, on, 10 + day)))
        if day % 4 == 0:  # an order that should have come a week ago
            rows.append(
                Arrival(
                    day, "orders", order("late", on - timedelta(days=7), 30, order_id=f"l{day}")
                )
            )
        if day % 9 == 0:  # one that came is cancelled after all
            earlier = order("steady", DAY_0 - timedelta(days=5))
            changed = earlier | {"status": "cancelled" if day == 9 else "completed"}
            rows.append(Arrival(day, "orders", changed))
    # On day 14 an address shows that two references are one person.
    rows += [
        Arrival(14, "customers", customer(ref, email="same@example.com"))
        for ref in ("one", "other")
    ]
    return rows


def known(rows: Iterable[Arrival], day: int) -> dict[str, list[dict[str, Any]]]:
    """What had come by a day, as raw tables: each day is a batch of its own."""
    raw: dict[str, list[dict[str, Any]]] = {"orders": [], "customers": []}
    for arrival in rows:
        if arrival.day <= day:
            raw[arrival.entity].append(arrival.row | {"_batch_id": f"b{arrival.day:02}"})
    return raw


@pytest.fixture(scope="module")
def small(pipeline: Pipeline) -> Pipeline:
    return pipeline.reduced_to([*SHOWN, "segment_changes", "segment_observations", "identity_log"])


def shown(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> dict[str, list[Any]]:
    return {
        name: connection.execute(
            f"select * exclude (as_of{', basis' if 'observed' in name else ''}) from {name} "
            "where as_of = ? order by all",
            [as_of],
        ).fetchall()
        for name in SHOWN
    }


@pytest.fixture(scope="module")
def refreshed(small: Pipeline) -> list[dict[str, list[Any]]]:
    """Thirty daily refreshes, each from the history of the one before: what each published."""
    rows, published = arrivals(), []
    state: State | None = None
    for day in range(DAYS):
        as_of = end_of(DAY_0 + timedelta(days=day))
        connection = small.run(known(rows, day), as_of=as_of, state=state)
        published.append(shown(connection, as_of))
        state = next_state(connection, as_of + timedelta(days=1))
    return published


def test_days_replayed_as_known_in_any_order_are_what_was_published(
    small: Pipeline, refreshed: list[dict[str, list[Any]]]
) -> None:
    """Without the history in between, from the rows that each day had: a rebuild as known."""
    rows = arrivals()
    days = list(range(DAYS))
    random.Random(3).shuffle(days)
    for day in days[: examples(6, 10)]:
        as_of = end_of(DAY_0 + timedelta(days=day))
        assert shown(small.run(known(rows, day), as_of=as_of), as_of) == refreshed[day], day


def test_as_occurred_all_days_in_one_pass_are_the_days_one_by_one(small: Pipeline) -> None:
    """And each is a build from only the facts up to it; identity is the latest known."""
    rows = arrivals()
    instants = [end_of(DAY_0 + timedelta(days=day)) for day in range(DAYS)]
    raw = known(rows, DAYS)
    at_once = small.run(raw, as_of=instants[-1], instants=instants[:-1])
    for day in (0, 6, 13, 14, 21, 29):
        as_of = instants[day]
        alone = small.run(raw, as_of=as_of)
        assert shown(at_once, as_of) == shown(alone, as_of)
        past = {
            **raw,
            "orders": [row for row in raw["orders"] if row["ordered_at"] <= as_of],
        }
        assert shown(at_once, as_of) == shown(small.run(past, as_of=as_of), as_of)


def test_as_known_and_as_occurred_differ_where_something_came_late_and_nowhere_else(
    small: Pipeline, refreshed: list[dict[str, list[Any]]]
) -> None:
    rows = arrivals()
    instants = [end_of(DAY_0 + timedelta(days=day)) for day in range(DAYS)]
    occurred = small.run(known(rows, DAYS), as_of=instants[-1], instants=instants[:-1])
    differing = [day for day in range(DAYS) if shown(occurred, instants[day]) != refreshed[day]]
    assert differing  # late orders, a cancellation and a merge

    in_time = [
        Arrival(max(0, (row.row["ordered_at"].date() - DAY_0).days), row.entity, row.row)
        if row.entity == "orders"
        else Arrival(0, row.entity, row.row)
        for row in rows
        if row.row.get("status") is None
    ]
    occurred = small.run(known(in_time, DAYS), as_of=instants[-1], instants=instants[:-1])
    for day in range(0, DAYS, examples(4, 1)):
        as_of = instants[day]
        as_known = small.run(known(in_time, day), as_of=as_of)
        assert shown(occurred, as_of) == shown(as_known, as_of), day


# Which instants ------------------------------------------------------------------------------


def test_weeks_step_from_the_first_day_and_months_end_where_months_end() -> None:
    as_of = datetime(2026, 3, 31, 6)

    def days(first: date, last: date, every: str) -> list[datetime]:
        return list(clock.replay_instants(first, last, every, as_of, "UTC"))

    assert days(date(2026, 3, 1), date(2026, 3, 16), "week") == [
        end_of(date(2026, 3, day)) for day in (1, 8, 15)
    ]
    assert days(date(2026, 1, 31), date(2026, 3, 30), "month") == [
        end_of(date(2026, 1, 31)),
        end_of(date(2026, 2, 28)),
    ]
    # The day of the release ends where the release does.
    assert days(date(2026, 3, 30), date(2026, 4, 9), "day") == [end_of(date(2026, 3, 30)), as_of]
    # A day of 23 hours.
    (change,) = clock.replay_instants(
        date(2026, 3, 29), date(2026, 3, 29), "day", as_of, "Europe/London"
    )
    assert change == datetime(2026, 3, 29, 22, 59, 59, 999999)


def release(as_of: datetime) -> Release:
    return Release("r9", as_of, as_of, "0", "UTC", None, None, (), (), ())


def entry(run_id: str, as_of: datetime) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "as_of": as_of.isoformat(),
        "batches": [f"raw/orders/{run_id}-000.parquet"],
        "definition_versions": {"vip": run_id},
    }


def test_known_on_a_day_is_what_the_last_release_at_or_before_it_said() -> None:
    """Of two releases at one as_of, the later."""
    log = [
        entry("r1", end_of(date(2026, 1, 1))),
        entry("r2", datetime(2026, 1, 3, 6)),
        entry("r3", datetime(2026, 1, 3, 6)),
        entry("r4", end_of(date(2026, 1, 5))),
    ]
    request = Request(date(2026, 1, 1), date(2026, 1, 5), "day", AS_KNOWN)
    instants = choose_instants(request, release(end_of(date(2026, 1, 5))), log)
    assert [instant.run_id for instant in instants] == ["r1", "r1", "r3", "r3", "r4"]
    assert instants[1].as_of == end_of(date(2026, 1, 1))
    assert instants[1].day_end == end_of(date(2026, 1, 2))
    assert instants[2].batches == ("raw/orders/r3-000.parquet",)


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (
            Request(date(2026, 1, 5), date(2026, 1, 4), "day", AS_OCCURRED),
            "--to: 2026-01-04 is before 2026-01-05",
        ),
        (
            Request(date(2026, 1, 5), date(2026, 1, 7), "day", AS_OCCURRED),
            "2026-01-07 is after the current release, as of 2026-01-06",
        ),
        (
            Request(date(2026, 1, 2), date(2026, 1, 5), "month", AS_OCCURRED),
            "no month ends between 2026-01-02 and 2026-01-05",
        ),
        (
            Request(date(2026, 1, 2), date(2026, 1, 6), "day", AS_KNOWN),
            "on 2026-01-02 nothing was known yet: the first release is as of 2026-01-03",
        ),
    ],
)
def test_a_day_that_cannot_be_shown_is_refused_in_words(request_: Request, sentence: str) -> None:
    log = [entry("r1", end_of(date(2026, 1, 3)))]
    with pytest.raises(ClienteleError) as error:
        choose_instants(request_, release(end_of(date(2026, 1, 6))), log)
    assert sentence in error.value.sentence


def test_days_that_follow_one_another_are_one_pass() -> None:
    days = [date(2026, 1, day) for day in (31, 3, 2, 5, 3)] + [date(2026, 2, 1)]
    assert stretches(days) == [
        (date(2026, 1, 2), date(2026, 1, 3)),
        (date(2026, 1, 5), date(2026, 1, 5)),
        (date(2026, 1, 31), date(2026, 2, 1)),
    ]


# The command ---------------------------------------------------------------------------------


def memberships(database: Path, day: date) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(
            "select segment_key, member_id from segment_membership_observed "
            "inner join replay using (as_of) where day = ? order by all",
            [day],
        ).fetchall()


def in_paris(day: date) -> datetime:
    """The end of a winter's day there."""
    return end_of(day) - timedelta(hours=1)


def in_dagster(workspace: Workspace, first: date, last: date) -> None:
    """Materialize a range of days, as the web page does: one run, as occurred."""
    script = """
import sys
from orchestration.cli import prepare_dagster_home
from orchestration.settings import settings_from_environment
settings = settings_from_environment()
prepare_dagster_home(settings)
import dagster as dg
from orchestration.definitions import build_definitions
from orchestration.replay_assets import REPLAY_KEY
definitions = build_definitions(settings)
with dg.DagsterInstance.get() as instance:
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        raise_on_error=False,
        asset_selection=[REPLAY_KEY],
        tags={
            "dagster/asset_partition_range_start": sys.argv[1],
            "dagster/asset_partition_range_end": sys.argv[2],
        },
    )
failures = [e for e in result.all_events if e.is_step_failure]
print(failures[0].step_failure_data if failures else "SUCCESS")
"""
    completed = workspace.python(script, str(first), str(last))
    assert "SUCCESS" in completed.stdout, completed.stdout[-2000:] + completed.stderr[-3000:]


def test_the_command_shows_days_as_known_and_as_occurred(workspace: Workspace) -> None:
    """A shop's Saturday, its Sunday without orders, and Monday, when one of Friday comes in."""
    land(workspace)
    first, second = date(2025, 3, 15), date(2025, 3, 17)
    workspace.settled()
    assert workspace.query("select as_of from release") == [(in_paris(first),)]
    then = workspace.query("select segment_key, customer_id from segment_membership order by all")
    late = "late,2025-03-14T12:00:00,C099,70.00,0\n"
    workspace.write("orders/monday.csv", orders_csv(1, first=second) + late)
    workspace.refresh("--as-of", str(second))
    now = workspace.query("select segment_key, customer_id from segment_membership order by all")
    published = workspace.published()

    completed = workspace.run("replay", "--from", str(first), "--to", str(second), "--as-known")
    assert completed.returncode == 0, completed.stdout[-2000:] + completed.stderr[-2000:]
    assert f"Replayed 3 days from {first} to {second}, as known" in completed.stdout
    assert "Published history is unchanged." in completed.stdout
    folder = workspace.warehouse / "replays" / f"known-{first}-{second}-day"
    assert memberships(folder / "replay.duckdb", first) == then
    assert memberships(folder / "replay.duckdb", first + timedelta(days=1)) == then
    assert memberships(folder / "replay.duckdb", second) == now
    about = json.loads((folder / "replay.json").read_text(encoding="utf-8"))
    assert (about["basis"], about["redefined"]) == ("known", [])

    in_dagster(workspace, first, second)
    occurred = workspace.warehouse / "replays" / f"occurred-{first}-{second}-day" / "replay.duckdb"
    assert memberships(occurred, second) == now
    assert ("recent_buyers_30d", id_of("C099")) in memberships(occurred, first)
    assert not {row for row in then if row[1] == id_of("C099")}
    with duckdb.connect(str(occurred), read_only=True) as connection:
        entered = connection.execute(
            "select as_of from segment_events where segment_key = 'recent_buyers_30d' "
            "and customer_id = ?",
            [id_of("C099")],
        ).fetchall()
        assert entered == [(in_paris(first),)]
        counted = connection.execute(
            "select count(*) from customer_profiles where order_count_lifetime > 0 group by as_of"
        ).fetchall()
        assert counted == [(61,), (61,), (61,)]

    assert workspace.published() == published
    refused = workspace.run("replay", "--from", str(first), "--to", "2026-01-01")
    assert refused.returncode != 0
    assert "after the current release" in refused.stderr
