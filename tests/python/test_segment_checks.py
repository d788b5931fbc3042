"""The data tests that hold segments to their files: lineage, reviews, and who may be a member."""

from __future__ import annotations

import duckdb
import pytest
from pipeline import Pipeline

LINEAGE = "assert_lineage_leads_to_segments"
REVIEWS = "assert_no_review_is_long_overdue"
MEMBERS = "assert_segments_list_customers_once"


@pytest.fixture
def work() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as work; use work")
    return connection


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        ("('gone', 'retired', null)", []),
        ("('gone', 'renamed', 'vip')", []),
        ("('gone', 'renamed', 'rfm_champions')", []),
        ("('gone', 'split', 'vip'), ('gone', 'split', 'upside')", []),
        ("('a', 'renamed', 'b'), ('b', 'retired', null)", []),
        ("('vip', 'retired', null)", ["it is a segment of the project"]),
        ("('rfm_champions', 'retired', null)", ["it is a segment of the project"]),
        ("('gone', 'retired', 'vip')", ["a retired segment has no successor"]),
        ("('gone', 'merged', null)", ["it has no successor"]),
        ("('gone', 'renamed', 'gone')", ["it succeeds itself"]),
        (
            "('gone', 'merged', 'nobody')",
            ["its successor is neither a segment nor in the lineage"],
        ),
    ],
)
def test_a_lineage_leads_somewhere(pipeline: Pipeline, rows: str, faults: list[str]) -> None:
    with pipeline.seeds() as connection:
        connection.execute("delete from reference.segment_lineage")
        connection.execute(
            "insert into reference.segment_lineage (segment_key, change, successor_key, changed_on)"
            f" select *, date '2026-01-01' from (values {rows})"
        )
        assert [row[-1] for row in pipeline.failing_rows(connection, LINEAGE)] == faults
    assert pipeline.tests[LINEAGE]["config"]["severity"].lower() == "error"


def test_a_review_is_long_overdue_after_180_days(
    pipeline: Pipeline, work: duckdb.DuckDBPyConnection
) -> None:
    work.execute(
        "create table as_of_spine as select true as is_current, date '2026-06-30' as as_of_on;"
        "create table segment_catalogue as select * from (values"
        " ('seg_vip', date '2026-01-01'), ('seg_upside', date '2025-12-31'),"
        " ('seg_dormant', date '2027-01-01')) as t(segment_model, review_by)"
    )
    files = [row[0] for row in pipeline.failing_rows(work, REVIEWS)]
    assert files == ["models/segments/value/seg_upside.sql"]
    assert pipeline.tests[REVIEWS]["config"]["severity"].lower() == "error"


def test_a_member_is_a_customer_of_that_time_and_listed_once(
    pipeline: Pipeline, work: duckdb.DuckDBPyConnection
) -> None:
    work.execute(
        "create table customer_profiles as select * from (values"
        " (timestamp '2026-01-31', 'early'), (timestamp '2026-02-28', 'early'),"
        " (timestamp '2026-02-28', 'late')) as t(as_of, customer_id);"
        "create table account_profiles as select timestamp '2026-01-31' as as_of,"
        " 'early' as account_id where false;"
        "create table segment_membership_observed as select as_of, segment_model,"
        " segment_model[5:] as segment_key, 'customer' as entity, member_id from (values"
        " (timestamp '2026-01-31', 'seg_vip', 'early'),"
        " (timestamp '2026-02-28', 'seg_vip', 'early'),"
        " (timestamp '2026-02-28', 'seg_vip', 'late'),"
        " (timestamp '2026-01-31', 'seg_upside', 'late'),"
        " (timestamp '2026-01-31', 'seg_dormant', 'early'),"
        " (timestamp '2026-01-31', 'seg_dormant', 'early'),"
        " (timestamp '2026-01-31', 'seg_win_back', null)"
        ") as t(as_of, segment_model, member_id)"
    )
    assert sorted(pipeline.failing_rows(work, MEMBERS)) == [
        ("models/segments/lifecycle/seg_win_back.sql", "lists NULL ids", 1),
        ("models/segments/rfm/seg_dormant.sql", "lists customers more than once", 1),
        ("models/segments/value/seg_upside.sql", "lists ids that are no customers at that time", 1),
    ]
    assert pipeline.tests[MEMBERS]["config"]["severity"].lower() == "error"
