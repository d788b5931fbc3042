"""What came, how old it is, who needs it, and which of it stops a refresh."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pipeline import Pipeline

from orchestration.contract import load_contract

AS_OF = datetime(2024, 6, 30, 21, 59, 59)  # the end of the day in Amsterdam
STOPS = "assert_required_sources_are_fresh"
WARNS = "assert_sources_are_fresh"


def build(pipeline: Pipeline, *files: dict[str, Any]) -> Any:
    connection = pipeline.run({}, as_of=AS_OF, time_zone="Europe/Amsterdam", only="as_of_spine")
    for number, file in enumerate(files):
        row = {
            "source_file": f"f{number}.csv",
            "line_count": 5,
            "accepted_rows": 5,
            "rejected_rows": 0,
            "filtered_rows": 0,
            "repeated_rows": 0,
            "loaded_at": AS_OF,
            "batch_id": f"b{number}",
        } | file
        names = ", ".join(row)
        marks = ", ".join("?" for _ in row)
        connection.execute(
            f"insert into run.source_files ({names}) values ({marks})", list(row.values())
        )
    (node,) = (node for node in pipeline.order if node["name"] == "source_inventory")
    connection.execute(f'create schema if not exists "{node["schema"]}"')
    connection.execute(
        f'create or replace table "{node["schema"]}"."source_inventory" as {node["compiled_code"]}'
    )
    return connection


def inventory(connection: Any, entity: str, *columns: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] = connection.execute(
        f"select {', '.join(columns)} from source_inventory where entity = ?", [entity]
    ).fetchone()
    return found


def aged(entity: str, days: int) -> dict[str, Any]:
    at = AS_OF - timedelta(days=days)
    return {"entity": entity, "first_event_at": at, "last_event_at": at}


def test_every_input_is_there_whether_or_not_it_ever_came(pipeline: Pipeline) -> None:
    connection = build(pipeline)
    found = connection.execute(
        "select entity, freshness_verdict, file_count, row_count from source_inventory"
    ).fetchall()
    assert sorted(found) == sorted(
        (name, "never_came", 0, 0) for name in load_contract().entity_names
    )
    assert inventory(connection, "orders", "owner", "requirement") == ("sales", "one_of_orders")
    assert inventory(connection, "products", "owner", "requirement") == (
        "merchandising",
        "optional",
    )


def test_files_are_counted_and_their_times_spanned(pipeline: Pipeline) -> None:
    first, last = datetime(2024, 1, 1), datetime(2024, 6, 29, 12)
    connection = build(
        pipeline,
        {"entity": "orders", "first_event_at": first, "last_event_at": first},
        {
            "entity": "orders",
            "first_event_at": last,
            "last_event_at": last,
            "loaded_at": datetime(2024, 7, 1),
        },
        {"entity": "orders", "accepted_rows": 0, "loaded_at": datetime(2024, 6, 1)},
    )
    assert inventory(
        connection,
        "orders",
        "file_count",
        "row_count",
        "first_event_at",
        "last_event_at",
        "last_loaded_at",
        "age_days",
        "freshness_verdict",
    ) == (3, 10, first, last, datetime(2024, 7, 1), 1, "fresh")


@pytest.mark.parametrize(
    ("days", "verdict", "warns", "stops"),
    [
        (3, "fresh", False, False),
        (4, "stale", True, False),
        (14, "stale", True, False),
        (15, "too_old", True, True),
    ],
)
def test_orders_grow_stale_by_the_business_day(
    pipeline: Pipeline, days: int, verdict: str, warns: bool, stops: bool
) -> None:
    connection = build(pipeline, aged("orders", days))
    assert inventory(connection, "orders", "freshness_verdict", "age_days") == (verdict, days)
    assert bool(pipeline.failing_rows(connection, WARNS)) is warns
    assert bool(pipeline.failing_rows(connection, STOPS)) is stops


def test_one_fresh_input_of_a_group_is_enough(pipeline: Pipeline) -> None:
    connection = build(pipeline, aged("orders", 400), aged("order_lines", 0))
    assert pipeline.failing_rows(connection, STOPS) == []
    assert [row[0] for row in pipeline.failing_rows(connection, WARNS)] == ["orders"]


def test_a_stale_optional_input_warns_and_never_stops(pipeline: Pipeline) -> None:
    connection = build(pipeline, aged("orders", 0), aged("web_events", 4000))
    assert pipeline.failing_rows(connection, STOPS) == []
    assert [row[0] for row in pipeline.failing_rows(connection, WARNS)] == ["web_events"]


def test_events_after_the_as_of_are_not_old(pipeline: Pipeline) -> None:
    connection = build(pipeline, aged("orders", -30))
    assert inventory(connection, "orders", "freshness_verdict", "age_days") == ("fresh", 0)


def test_an_input_without_times_is_as_old_as_its_last_file(pipeline: Pipeline) -> None:
    connection = build(pipeline, {"entity": "products", "loaded_at": AS_OF - timedelta(days=2)})
    assert inventory(connection, "products", "freshness_verdict", "age_days") == ("not_watched", 2)


def test_who_reads_an_input_is_told(pipeline: Pipeline) -> None:
    connection = build(pipeline)
    (used_by,) = inventory(connection, "orders", "used_by")
    names = used_by.split(", ")
    assert names == sorted(names)
    assert {"customer_profiles", "seg_dormant", "grp_rfm", "segment_kpis"} <= set(names)
    (of_rates,) = inventory(connection, "fx_rates", "used_by")
    assert "segment_kpis" in of_rates.split(", ")
    (of_requests,) = inventory(connection, "erasure_requests", "used_by")
    assert "customer_profiles" in of_requests.split(", ")
