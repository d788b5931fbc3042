"""Segments as the clock moves: who enters and leaves, with and without new data, run after run.

Every run starts from the history that the run before published, as a refresh does. Does not belong
here: whether a membership is right at one instant (test_recomputation.py), releases and files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import oracle
import pytest
from conftest import NIGHTLY
from contracts import everything_on
from pipeline import Pipeline, State, next_state

Rows = dict[str, list[dict[str, Any]]]

DAY_0 = date(2026, 1, 1)
# The days around those on which something happens (SPELLS), and some between; all of them at night.
WALKED = (
    range(40) if NIGHTLY else (0, 2, 3, 6, 7, 9, 10, 11, 14, 15, 16, 19, 20, 21, 28, 36, 37, 38, 39)
)
HISTORY_MODELS = (
    "identity_changes",
    "segment_membership",
    "segment_membership_history",
    "segment_events",
    "segment_observations",
    "segment_sizes",
)


def end_of(day: date) -> datetime:
    return datetime.combine(day, time.max)


def instant(day: int) -> datetime:
    """The end of a day that is counted from 0."""
    return end_of(DAY_0 + timedelta(days=day))


def order(ref: str, on: date, amount: int = 10, **values: Any) -> dict[str, Any]:
    return {
        "order_id": f"{ref} {on}",
        "ordered_at": datetime.combine(on, time(12)),
        "customer_ref": ref,
        "source_system": "default",
        "net_amount": Decimal(amount),
        "_batch_id": "b1",
        "_line_number": 1,
    } | values


def orders(ref: str, *days_before: int, amount: int = 10) -> list[dict[str, Any]]:
    """Orders so many days before day 0."""
    return [order(ref, DAY_0 - timedelta(days=days), amount) for days in days_before]


def id_of(ref: str) -> str:
    return oracle.customer_id(("ref", "default", ref))


@pytest.fixture(scope="module")
def memberships(pipeline: Pipeline) -> Pipeline:
    return pipeline.reduced_to(HISTORY_MODELS)  # twenty runs and more need not make KPIs


def rows_of(
    connection: duckdb.DuckDBPyConnection, query: str, *values: Any
) -> list[tuple[Any, ...]]:
    return connection.execute(query, list(values)).fetchall()


def changes(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return rows_of(
        connection,
        "select segment_key, entity, member_id, event, as_of, definition_version, basis "
        "from segment_changes order by all",
    )


def observations(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return rows_of(
        connection,
        "select segment_key, segment_model, as_of, definition_version, basis "
        "from segment_observations order by all",
    )


def events_of(
    connection: duckdb.DuckDBPyConnection, segment_key: str, ref: str
) -> list[tuple[str, datetime]]:
    return [
        (row[0], row[1])
        for row in rows_of(
            connection,
            "select event, as_of from segment_events where segment_key = ? and customer_id = ? "
            "order by as_of",
            segment_key,
            id_of(ref),
        )
    ]


def members(connection: duckdb.DuckDBPyConnection, segment_key: str) -> set[str]:
    return {
        row[0]
        for row in rows_of(
            connection,
            "select customer_id from segment_membership where segment_key = ?",
            segment_key,
        )
    }


def check_sizes(connection: duckdb.DuckDBPyConnection) -> None:
    """Opening + entered - exited = members at every observed instant, and all of it adds up."""
    sizes = rows_of(
        connection,
        "select segment_key, as_of, opening_count, entered_count, exited_count, member_count "
        "from segment_sizes order by segment_key, as_of",
    )
    assert len(sizes) == len(observations(connection))
    closing: dict[str, int] = {}
    for key, as_of, opening, entered, exited, member_count in sizes:
        assert opening == closing.get(key, 0), (key, as_of)
        assert opening + entered - exited == member_count >= 0, (key, as_of)
        closing[key] = member_count
    events = rows_of(
        connection, "select segment_key, event, as_of, count(*) from segment_events group by all"
    )
    assert sum(row[3] for row in events) == sum(row[3] + row[4] for row in sizes)
    standing = dict(
        rows_of(connection, "select segment_key, count(*) from segment_membership group by all")
    )
    assert {key: count for key, count in closing.items() if count} == standing


# A clock that moves over frozen data ---------------------------------------------------------


@dataclass(frozen=True)
class Spell:
    """From which day on a customer is in a segment, and from which no more; counted from 0."""

    segment_key: str
    ref: str
    first_day_in: int
    first_day_out: int | None = None


FROZEN: Rows = {
    "orders": [
        *orders("recent", 10),
        *orders("to come", -7),  # in the data from the start, counted when as_of reaches it
        *orders("beginner", 40),
        *orders("rhythmic", 35, 25, 15),
        *orders("quiet", 170),
        *orders("leaving", 350),
        *orders("slow", 50, 110, 170, 230, 290),
        *orders("slower", 100, 160, 220, 280, 340),
    ],
    "customers": [
        {
            "customer_ref": "contact",
            "source_system": "default",
            "created_at": datetime.combine(DAY_0 + timedelta(days=3), time(12)),
            "_batch_id": "b1",
            "_line_number": 1,
        }
    ],
}

SPELLS = [
    # In on day 30, out on day 31: the order is 10 days old on day 0, 29 on day 19.
    Spell("recent_buyers_30d", "recent", 0, 20),
    Spell("recent_buyers_30d", "to come", 7, 37),
    Spell("lifecycle_prospect", "contact", 3),
    # 59 days since the first order on day 19.
    Spell("lifecycle_new", "beginner", 0, 20),
    Spell("lifecycle_active", "beginner", 20),
    # Median gap 10, last order 15 days ago: 30 days on day 15.
    Spell("lifecycle_active", "rhythmic", 0, 16),
    Spell("lifecycle_at_risk", "rhythmic", 16),
    Spell("at_risk_regulars", "rhythmic", 16),
    # 180 days on day 10, without a rhythm.
    Spell("lifecycle_active", "quiet", 0, 11),
    Spell("lifecycle_at_risk", "quiet", 11),
    # 364 days on day 14.
    Spell("lifecycle_at_risk", "leaving", 0, 15),
    Spell("lifecycle_lapsed", "leaving", 15),
    Spell("one_time_buyers", "leaving", 0),
    # 60 to 120 days after the last order.
    Spell("win_back", "slow", 10),
    Spell("win_back", "slower", 0, 21),
]


@dataclass(frozen=True)
class Walk:
    """Successive runs: by day, what each listed in two segments; and the last database."""

    listed: dict[int, dict[str, set[str]]]
    connection: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def walk(memberships: Pipeline) -> Walk:
    listed = {}
    state: State | None = None
    for day in WALKED:
        connection = memberships.run(FROZEN, as_of=instant(day), state=state)
        listed[day] = {key: members(connection, key) for key in ("recent_buyers_30d", "win_back")}
        state = next_state(connection, instant(day + 1))
    return Walk(listed, connection)


def test_membership_begins_and_ends_with_the_clock_alone(walk: Walk) -> None:
    for spell in SPELLS:
        expected = [("entered", instant(spell.first_day_in))]
        if spell.first_day_out is not None:
            expected.append(("exited", instant(spell.first_day_out)))
        assert events_of(walk.connection, spell.segment_key, spell.ref) == expected, spell
        stays = rows_of(
            walk.connection,
            "select valid_from, valid_to from segment_membership_history "
            "where segment_key = ? and customer_id = ?",
            spell.segment_key,
            id_of(spell.ref),
        )
        ends = expected[1][1] if len(expected) == 2 else None
        assert stays == [(expected[0][1], ends)], spell


def test_who_left_is_absent_from_the_current_list_on_that_very_day(walk: Walk) -> None:
    for day, listed in walk.listed.items():
        assert (id_of("recent") in listed["recent_buyers_30d"]) == (day < 20), day
        assert (id_of("slow") in listed["win_back"]) == (day >= 10), day


def test_sizes_add_up_at_every_as_of_of_every_segment(walk: Walk) -> None:
    check_sizes(walk.connection)
    keys = {row[0] for row in observations(walk.connection)}
    assert len(observations(walk.connection)) == len(keys) * len(WALKED)


def test_the_last_to_leave_leaves_an_empty_segment_that_is_observed_still(walk: Walk) -> None:
    sizes = rows_of(
        walk.connection,
        "select as_of, opening_count, exited_count, member_count from segment_sizes "
        "where segment_key = 'recent_buyers_30d' and as_of >= ? order by as_of",
        instant(36),
    )
    assert sizes == [
        (instant(36), 1, 0, 1),
        (instant(37), 1, 1, 0),
        (instant(38), 0, 0, 0),
        (instant(39), 0, 0, 0),
    ]
    assert walk.listed[39]["recent_buyers_30d"] == set()


def test_day_by_day_equals_all_days_in_one_pass(memberships: Pipeline, walk: Walk) -> None:
    """Incremental equals rebuild: nothing arrived late, so as known is as occurred."""
    *before, last = [instant(day) for day in WALKED]
    at_once = memberships.run(FROZEN, as_of=last, instants=before)
    assert [row[:5] for row in changes(at_once)] == [row[:5] for row in changes(walk.connection)]
    assert {row[6] for row in changes(walk.connection)} == {"published"}


def test_a_rerun_of_the_same_as_of_changes_no_row(memberships: Pipeline, walk: Walk) -> None:
    as_of = instant(WALKED[-1])
    again = memberships.run(FROZEN, as_of=as_of, state=next_state(walk.connection, as_of))
    assert changes(again) == changes(walk.connection)
    assert observations(again) == observations(walk.connection)


# Rules that a customer meets and no longer meets ---------------------------------------------


def test_loyal_by_lifetime_value_is_entered_and_left_without_an_edit_of_the_rule(
    memberships: Pipeline,
) -> None:
    """Three as_of dates: three orders, the fourth, and a year in which none came."""
    raw: Rows = {
        "orders": [
            *(order("loyal", date(2025, month, 10), 100) for month in (1, 2, 3, 4)),
            *(order(f"other {n}", date(2025, 1, 5), 10 + n) for n in range(6)),
        ]
    }
    instants = [end_of(date(2025, 3, 31)), end_of(date(2025, 4, 30)), end_of(date(2026, 4, 30))]
    state: State | None = None
    listed = []
    for as_of in instants:
        connection = memberships.run(raw, as_of=as_of, state=state)
        listed.append(members(connection, "loyal_high_ltv"))
        state = next_state(connection, as_of + timedelta(days=1))
    assert listed == [set(), {id_of("loyal")}, set()]
    assert events_of(connection, "loyal_high_ltv", "loyal") == [
        ("entered", instants[1]),
        ("exited", instants[2]),
    ]
    versions = rows_of(
        connection,
        "select count(distinct definition_version) from segment_events "
        "where segment_key = 'loyal_high_ltv'",
    )
    assert versions == [(1,)]
    check_sizes(connection)


def test_who_comes_back_has_a_second_stay(memberships: Pipeline) -> None:
    raw: Rows = {"orders": [order("c", date(2026, 1, 1)), order("c", date(2026, 3, 15))]}
    instants = [end_of(date(2026, month, 20)) for month in (1, 2, 3)]
    state: State | None = None
    for as_of in instants:
        connection = memberships.run(raw, as_of=as_of, state=state)
        state = next_state(connection, as_of + timedelta(days=1))
    stays = rows_of(
        connection,
        "select valid_from, valid_to from segment_membership_history "
        "where segment_key = 'recent_buyers_30d' order by valid_from",
    )
    assert stays == [(instants[0], instants[1]), (instants[2], None)]


# What is published stays ---------------------------------------------------------------------


def test_a_late_order_does_not_rewrite_what_was_published(memberships: Pipeline) -> None:
    """The customer was recent on day 0 in truth; we learned it on day 1, and say so."""
    first = memberships.run(FROZEN, as_of=end_of(DAY_0))
    state = next_state(first, end_of(DAY_0 + timedelta(days=1)))
    late: Rows = {
        **FROZEN,
        "orders": [*FROZEN["orders"], *(row | {"_batch_id": "b2"} for row in orders("late", 3))],
    }
    second = memberships.run(late, as_of=end_of(DAY_0 + timedelta(days=1)), state=state)
    published = [row for row in changes(second) if row[4] == end_of(DAY_0)]
    assert published == changes(first)
    assert [row for row in observations(second) if row[2] == end_of(DAY_0)] == observations(first)
    entered = [("entered", end_of(DAY_0 + timedelta(days=1)))]
    assert events_of(second, "recent_buyers_30d", "late") == entered
    assert events_of(second, "lifecycle_new", "late") == entered
    check_sizes(second)


def test_a_correction_that_takes_the_order_away_ends_the_stay(memberships: Pipeline) -> None:
    first = memberships.run(FROZEN, as_of=end_of(DAY_0))
    state = next_state(first, end_of(DAY_0 + timedelta(days=1)))
    corrected = [
        row | {"status": "cancelled"} if row["customer_ref"] == "recent" else row
        for row in FROZEN["orders"]
    ]
    second = memberships.run(
        {**FROZEN, "orders": corrected}, as_of=end_of(DAY_0 + timedelta(days=1)), state=state
    )
    assert events_of(second, "recent_buyers_30d", "recent") == [
        ("entered", end_of(DAY_0)),
        ("exited", end_of(DAY_0 + timedelta(days=1))),
    ]
    check_sizes(second)


# Segments that go and come -------------------------------------------------------------------


def published(state: State, key: str, model: str, entered: Mapping[str, Sequence[str]]) -> State:
    """The state with a segment added that was observed on day 0: its events by customer."""
    at = end_of(DAY_0)
    return replace(
        state,
        changes=[
            *state.changes,
            *(
                (key, "customer", id_of(ref), event, at - timedelta(2 - n), "v0", "published")
                for ref, events in entered.items()
                for n, event in enumerate(events)
            ),
        ],
        observations=[
            *state.observations,
            *((key, model, at - timedelta(days=days), "v0", "published") for days in (2, 1, 0)),
        ],
    )


@pytest.mark.parametrize(
    ("key", "model"), [("campaign_2019", "seg_campaign_2019"), ("rfm_hibernating", "grp_rfm")]
)
def test_of_a_retired_key_the_last_members_leave_once_and_for_all(
    memberships: Pipeline, key: str, model: str
) -> None:
    """A segment file that was deleted, and a member that the map of a group no longer leads to."""
    first = memberships.run(FROZEN, as_of=end_of(DAY_0))
    state = published(
        next_state(first, end_of(DAY_0 + timedelta(days=1))),
        key,
        model,
        {"recent": ["entered"], "quiet": ["entered", "exited"], "slow": ["entered"]},
    )
    day_1, day_2 = end_of(DAY_0 + timedelta(days=1)), end_of(DAY_0 + timedelta(days=2))
    second = memberships.run(FROZEN, as_of=day_1, state=state)
    exits = [row for row in changes(second) if row[0] == key and row[4] == day_1]
    assert exits == sorted(
        (key, "customer", id_of(ref), "exited", day_1, "v0", "published")
        for ref in ("recent", "slow")
    )
    assert [row[1:] for row in observations(second) if row[0] == key and row[2] == day_1] == [
        (None, day_1, "v0", "published")
    ]
    sizes = rows_of(
        second,
        "select opening_count, entered_count, exited_count, member_count from segment_sizes "
        "where segment_key = ? and as_of = ?",
        key,
        day_1,
    )
    assert sizes == [(2, 0, 2, 0)]
    assert members(second, key) == set()
    check_sizes(second)

    third = memberships.run(FROZEN, as_of=day_2, state=next_state(second, day_2))
    assert [row for row in changes(third) if row[0] == key and row[4] == day_2] == []
    assert [row for row in observations(third) if row[0] == key and row[2] == day_2] == []


def test_only_a_segment_that_was_never_observed_is_backfilled(memberships: Pipeline) -> None:
    """As occurred, at the month ends, with its basis said; the others gain no past."""
    month_ends = [end_of(date(2025, 11, 30)), end_of(date(2025, 12, 31))]
    first = memberships.run(FROZEN, as_of=end_of(DAY_0))
    known = next_state(first, end_of(DAY_0 + timedelta(days=1)))
    new = "recent_buyers_30d"
    state = State(
        [row for row in known.changes if row[0] != new],
        [row for row in known.observations if row[0] != new],
        known.identity,
        known.as_of,
    )
    as_of = end_of(DAY_0 + timedelta(days=7))  # when an order "to come" is there
    second = memberships.run(FROZEN, as_of=as_of, instants=month_ends, state=state)

    of_new = [(row[2], row[4]) for row in observations(second) if row[0] == new]
    assert of_new == [*((end, "backfilled") for end in month_ends), (as_of, "published")]
    others = {(row[2], row[4]) for row in observations(second) if row[0] != new}
    assert others == {(end_of(DAY_0), "published"), (as_of, "published")}
    assert [row for row in changes(second) if row[4] <= end_of(DAY_0) and row[0] != new] == [
        row for row in changes(first) if row[0] != new
    ]

    ledger = oracle.resolve_orders(oracle.Raw(FROZEN["customers"], FROZEN["orders"]))
    history = oracle.history(oracle.observe(ledger, [*month_ends, as_of]))
    found = [(row[2], row[3], row[4], row[6]) for row in changes(second) if row[0] == new]
    assert found == sorted(
        (
            oracle.customer_id(event.customer),
            event.event,
            event.as_of,
            "published" if event.as_of == as_of else "backfilled",
        )
        for event in history.events
        if event.segment_key == new
    )
    assert {row[3] for row in found} == {"published", "backfilled"}
    check_sizes(second)


# Lists that hold ------------------------------------------------------------------------------


def test_a_frozen_list_keeps_its_members_until_they_are_gone(
    pipeline_with: Callable[..., Pipeline],
) -> None:
    """First VIPs stay when they are none any more; who becomes one later does not come in."""
    frozen = "vip_founders"
    lists = pipeline_with(**everything_on()).reduced_to([*HISTORY_MODELS, "segments"])
    slow = [order(f"slow {n}", DAY_0 - timedelta(days=100 + n)) for n in range(8)]
    first_vips = [
        order(ref, DAY_0 - timedelta(days=days), 500)
        for ref in ("vip", "vip too")
        for days in (0, 1, 2, 3)
    ]
    month_ends = [end_of(date(2025, 12, 31))]
    first = lists.run({"orders": [*slow, *first_vips]}, as_of=end_of(DAY_0), instants=[*month_ends])
    both = {id_of("vip"), id_of("vip too")}
    assert members(first, "vip") == both
    assert members(first, frozen) == both
    # It was not looked up at a month end before it was there.
    assert [row[2] for row in observations(first) if row[0] == frozen] == [end_of(DAY_0)]

    # A year later the old ones buy no more, and another is the VIP.
    day = DAY_0 + timedelta(days=400)
    new_vips = [order("new vip", day - timedelta(days=days), 900) for days in (0, 1, 2, 3)]
    ordinary = [order(f"slow {n}", day - timedelta(days=100 + n)) for n in range(8)]
    state = next_state(first, end_of(day))
    second = lists.run(
        {"orders": [*slow, *first_vips, *new_vips, *ordinary]}, as_of=end_of(day), state=state
    )
    assert members(second, "vip") == {id_of("new vip")}
    assert members(second, frozen) == both
    assert rows_of(
        second, "select kind, frozen_on, status from segments where segment_key = ?", frozen
    ) == [("frozen", DAY_0, "too_small")]
    check_sizes(second)

    # Who is in no record any more is in no list.
    later = day + timedelta(days=1)
    gone = [row for row in first_vips if row["customer_ref"] != "vip too"]
    third = lists.run(
        {"orders": [*slow, *gone, *new_vips, *ordinary]},
        as_of=end_of(later),
        state=next_state(second, end_of(later)),
    )
    assert members(third, frozen) == {id_of("vip")}
    assert events_of(third, frozen, "vip too") == [
        ("entered", end_of(DAY_0)),
        ("exited", end_of(later)),
    ]
    # A refresh at the instant of the first looks it up anew.
    again = lists.run(
        {"orders": [*slow, *first_vips[:4]]},
        as_of=end_of(DAY_0),
        state=next_state(first, month_ends[0]),
    )
    assert members(again, frozen) == {id_of("vip")}
