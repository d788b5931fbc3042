"""The data tests that hold segments to their files: lineage, reviews, and who may be a member."""

from __future__ import annotations

import duckdb
import pytest
from pipeline import Pipeline

LINEAGE = "assert_lineage_leads_to_segments"
REVIEWS = "assert_no_review_is_long_overdue"
DECISIONS = "assert_decisions_are_of_versions_and_experiments_that_exist"
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


NEVER = "no refresh observed this version of the segment"
NO_SEGMENT = "there is no such segment"
NO_EXPERIMENT = "there is no such experiment"
HALF = "it names an experiment without its source system, or the other way around"
SILENT = "it does not say on which day, by whom and why"


@pytest.mark.parametrize(
    ("row", "faults"),
    [
        ("'vip', 'v1', '2026-02-01', 'CRM', null, null, 'x'", []),
        ("'vip', 'v1', '2026-02-01', 'CRM', 's', 'e', 'x'", []),
        ("'vip', 'v9', '2026-02-01', 'CRM', null, null, 'x'", [NEVER]),
        # The history begins on 1 February where the business is, and on 31 January in UTC.
        ("'vip', 'v9', '2026-01-31', 'CRM', null, null, 'x'", []),
        # Month ends that were filled in are no versions.
        ("'vip', 'v0', '2026-02-01', 'CRM', null, null, 'x'", [NEVER]),
        # A segment that is off, a member that was never observed, a key that is gone.
        ("'cart_abandoned_24h', 'v9', '2026-02-01', 'CRM', null, null, 'x'", []),
        ("'rfm_champions', 'v9', '2026-02-01', 'CRM', null, null, 'x'", []),
        ("'retired', 'v1', '2026-02-01', 'CRM', null, null, 'x'", []),
        ("'vpi', 'v1', '2026-02-01', 'CRM', null, null, 'x'", [NO_SEGMENT]),
        ("'old_vip', 'v1', '2026-02-01', 'CRM', null, null, 'x'", [NO_SEGMENT]),
        ("'vip', 'v1', '2026-02-01', 'CRM', 's', 'f', 'x'", [NO_EXPERIMENT]),
        ("'vip', 'v1', '2026-02-01', 'CRM', 't', 'e', 'x'", [NO_EXPERIMENT]),
        ("'vip', 'v1', '2026-02-01', 'CRM', null, 'e', 'x'", [HALF]),
        ("'vip', 'v1', '2026-02-01', 'CRM', 's', null, 'x'", [HALF]),
        ("'vip', 'v1', '2026-02-01', 'CRM', null, null, null", [SILENT]),
        ("'vip', 'v1', '2026-02-01', null, null, null, 'x'", [SILENT]),
        ("'vip', 'v1', null, 'CRM', null, null, 'x'", [SILENT]),
    ],
)
@pytest.mark.parametrize("tried", [True, False])
def test_a_decision_is_about_something(
    pipeline: Pipeline, row: str, faults: list[str], tried: bool
) -> None:
    with pipeline.seeds() as connection:
        connection.execute(
            f"insert into reference.segment_decisions (segment_key, definition_version, decided_on,"
            f" decided_by, source_system, experiment_id, reason) values ({row});"
            "insert into reference.segment_lineage (segment_key, change, successor_key) values"
            " ('old_vip', 'renamed', 'vip'), ('retired', 'retired', null);"
            "create schema run;"
            "create table run.settings as select 'Europe/Paris' as business_time_zone;"
            "create table segment_observations as select * from (values"
            " ('vip', 'seg_vip', timestamp '2025-12-31', 'v0', 'backfilled'),"
            " ('vip', 'seg_vip', timestamp '2026-01-31 23:30:00', 'v1', 'published'),"
            " ('vip', 'seg_vip', timestamp '2026-03-01', 'v2', 'published'))"
            " as t(segment_key, segment_model, as_of, definition_version, basis);"
            "create table experiment_results as select 's' as source_system, 'e' as experiment_id"
            f" where {tried}"
        )
        found = [row[-1] for row in pipeline.failing_rows(connection, DECISIONS)]
    assert found == [fault for fault in faults if tried or fault != NO_EXPERIMENT]
    assert pipeline.tests[DECISIONS]["config"]["severity"].lower() == "warn"


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


OBSERVED = "model.clientele.segment_membership_observed"


def test_nobody_is_a_member_before_they_are_known(
    pipeline: Pipeline, work: duckdb.DuckDBPyConnection
) -> None:
    """From the instant on at which they are; who has always been there is, and an id that nobody
    has is kept for the check that stops it. Any segment will do: none is read by name, so that each
    can be retired."""
    node = pipeline.manifest["nodes"][OBSERVED]
    files = [name.rsplit(".", 1)[-1] for name in node["depends_on"]["nodes"]]
    segment, *others = [name for name in files if name.startswith("seg_")]
    groups = [name for name in files if name.startswith("grp_")]
    for name in [*others, *groups]:
        work.execute(
            f"create table {name} (as_of timestamp, customer_id varchar, segment_key varchar)"
        )
    work.execute(
        f"create table {segment} as select as_of::timestamp as as_of, customer_id from (values"
        " ('2026-01-01 12:00:00', 'known then'), ('2026-01-01 12:00:00', 'known a second later'),"
        " ('2026-01-02 12:00:00', 'known a second later'), ('2026-01-01 12:00:00', 'undated'),"
        " ('2026-01-01 12:00:00', 'nobody'), ('2025-12-31 12:00:00', 'undated')"
        ") as t(as_of, customer_id);"
        "create table customers as select * from (values"
        " ('known then', timestamp '2026-01-01 12:00:00'),"
        " ('known a second later', timestamp '2026-01-01 12:00:01'),"
        " ('undated', null)) as t(customer_id, first_seen_at);"
        "create schema run; create schema state;"
        "create table run.observations as select * from (values"
        f" ('{segment}', timestamp '2026-01-01 12:00:00', 'backfilled'),"
        f" ('{segment}', timestamp '2026-01-02 12:00:00', 'published')"
        ") as t(segment_model, as_of, basis);"
        "create table state.segment_observations (segment_key varchar);"
        "create table segment_catalogue (segment_key varchar, segment_model varchar, kind varchar);"
        "create table frozen_members (as_of timestamp, segment_model varchar,"
        " segment_key varchar, entity varchar, member_id varchar, basis varchar)"
    )
    query = f"select member_id, as_of::varchar, basis from ({node['compiled_code']}) order by all"
    assert work.execute(query).fetchall() == [
        ("known a second later", "2026-01-02 12:00:00", "published"),
        ("known then", "2026-01-01 12:00:00", "backfilled"),
        ("nobody", "2026-01-01 12:00:00", "backfilled"),
        ("undated", "2026-01-01 12:00:00", "backfilled"),
    ]
