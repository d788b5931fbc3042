"""The tests that columns declare: what a refresh finds is what `dbt test` would."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import duckdb
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from pipeline import Pipeline

from orchestration import audit
from orchestration.column_tests import KINDS, column_tests, failing_rows, run_column_tests
from orchestration.errors import ClienteleError


def kinds_of(pipeline: Pipeline) -> dict[str, dict[str, Any]]:
    """One test of each kind, of tables of their own: those with the most columns."""
    tests = sorted(
        column_tests(pipeline.manifest).values(),
        key=lambda node: (-len(columns_of(node)), node["unique_id"]),
    )
    chosen: dict[str, dict[str, Any]] = {}
    for node in tests:
        tables = {other["attached_node"] for other in chosen.values()}
        kind = node["test_metadata"]["name"]
        if kind not in chosen and node["attached_node"] not in tables:
            chosen[kind] = node
    assert set(chosen) == set(KINDS)
    return chosen


def columns_of(node: dict[str, Any]) -> list[str]:
    arguments = node["test_metadata"]["kwargs"]
    return list(arguments.get("columns") or [arguments["column_name"]])


_VALUE = st.one_of(st.none(), st.sampled_from(["a", "b", "first", "latest", "at_least", "o'x"]))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(_VALUE, min_size=12, max_size=12), max_size=6))
def test_a_refresh_counts_what_dbts_own_test_counts(
    pipeline: Pipeline, kind: str, rows: list[list[str | None]]
) -> None:
    node = kinds_of(pipeline)[kind]
    names = columns_of(node)
    parent = pipeline.manifest["nodes"][node["attached_node"]]
    relation = f'"{parent["schema"]}"."{parent["alias"]}"'
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as work; use work")
        connection.execute(f'create schema if not exists "{parent["schema"]}"')
        listed = ", ".join(f"{name} varchar" for name in names)
        connection.execute(f"create table {relation} ({listed})")
        if rows:
            places = ", ".join("?" for _ in names)
            connection.executemany(
                f"insert into {relation} values ({places})", [row[: len(names)] for row in rows]
            )
        by_dbt = connection.execute(node["compiled_code"]).fetchall()
        sql = failing_rows(kind, relation, node["test_metadata"]["kwargs"])
        assert len(connection.execute(sql).fetchall()) == len(by_dbt)


def poisoned(pipeline: Pipeline, folder: Path) -> tuple[dict[str, Any], Path]:
    """A work database with the table of one test of each kind, each failing twice."""
    manifest = {**pipeline.manifest, "nodes": dict(pipeline.manifest["nodes"])}
    kept = {node["unique_id"]: node for node in kinds_of(pipeline).values()}
    for unique_id in column_tests(manifest):
        if unique_id not in kept:
            del manifest["nodes"][unique_id]
    database = folder / "work.duckdb"
    with duckdb.connect(str(database)) as connection:
        for node in kept.values():
            parent = manifest["nodes"][node["attached_node"]]
            connection.execute(f'create schema if not exists "{parent["schema"]}"')
            columns, kind = columns_of(node), node["test_metadata"]["name"]
            rows = {
                "unique_key": ["null", "null", "'b'", "'b'", "'c'"],
                "unique": ["'a'", "'a'", "'b'", "'b'", "'c'"],
                "not_null": ["null", "null", "'c'"],
                "accepted_values": ["'no such'", "'nor this'", "'nor this'", "null"],
            }[kind]
            values = ", ".join(f"({', '.join([row] * len(columns))})" for row in rows)
            connection.execute(
                f'create table "{parent["schema"]}"."{parent["alias"]}" as '
                f"select * from (values {values}) as t({', '.join(columns)})"
            )
    return manifest, database


def test_every_kind_is_told_and_stops_publication(pipeline: Pipeline, tmp_path: Path) -> None:
    manifest, database = poisoned(pipeline, tmp_path)
    results = run_column_tests(manifest, database)
    assert sorted((result.status, result.failures) for result in results) == [("fail", 2)] * 4
    checks = audit.dbt_checks(manifest, results, database)
    told = {check.name: check for check in checks if check.observed == "2 failing rows"}
    assert len(told) == len(KINDS)
    assert {check.name for check in audit.stopping(checks, ())} >= set(told)
    key = kinds_of(pipeline)["unique_key"]
    assert told[key["name"]].sentence == (
        f"check {key['name']} failed: unique_key of {', '.join(columns_of(key))} does not hold in "
        f"{key['attached_node'].rsplit('.', 1)[-1]} (2 failing rows)"
    )


def test_a_table_that_is_not_there_is_an_error_and_one_not_made_is_skipped(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    manifest, database = poisoned(pipeline, tmp_path)
    key = kinds_of(pipeline)["unique_key"]
    skipped = run_column_tests(manifest, database, missing={key["attached_node"]})
    assert {r.unique_id for r in skipped if r.status == "skipped"} == {key["unique_id"]}
    parent = manifest["nodes"][key["attached_node"]]
    with duckdb.connect(str(database)) as connection:
        connection.execute(f'drop table "{parent["schema"]}"."{parent["alias"]}"')
    results = run_column_tests(manifest, database)
    assert {r.unique_id for r in results if r.status == "error"} == {key["unique_id"]}
    failed = {c.name: c.observed for c in audit.dbt_checks(manifest, results, database)}
    assert failed[key["name"]] == "could not be evaluated"


def test_rows_that_a_test_leaves_out_are_left_out(pipeline: Pipeline, tmp_path: Path) -> None:
    manifest, database = poisoned(pipeline, tmp_path)
    key = kinds_of(pipeline)["unique_key"]
    narrowed = copy.deepcopy(key)
    narrowed["config"]["where"] = f"{columns_of(key)[0]} = 'b'"
    manifest["nodes"][key["unique_id"]] = narrowed
    counts = {r.unique_id: r.failures for r in run_column_tests(manifest, database)}
    assert counts[key["unique_id"]] == 1


def test_a_setting_that_only_dbt_knows_is_refused(pipeline: Pipeline, tmp_path: Path) -> None:
    manifest, database = poisoned(pipeline, tmp_path)
    key = copy.deepcopy(kinds_of(pipeline)["unique_key"])
    key["config"]["error_if"] = "> 10"
    manifest["nodes"][key["unique_id"]] = key
    with pytest.raises(ClienteleError) as caught:
        run_column_tests(manifest, database)
    assert f"the test {key['name']} has error_if" in caught.value.sentence
    assert "write it as a file of its own in tests/data" in caught.value.sentence


def test_the_failure_nearest_to_the_files_is_told_first(pipeline: Pipeline) -> None:
    def check(name: str, fault: str = "", target: str = "t") -> audit.Check:
        return audit.Check(name, target, "error", False, "1 failing row", "", fault)

    names = {
        node["attached_node"]: node["name"] for node in column_tests(pipeline.manifest).values()
    }
    early = check(names["model.clientele.stg_orders"], target="stg_orders.order_id")
    late = check(names["model.clientele.customer_profiles"], target="customer_profiles")
    worded = check(
        "assert_profiles_equal_the_facts", "profiles differ from the facts", "customer_profiles"
    )
    expectation = check("expect_something", "it is not so", "stg_orders")
    for failed in ([late, worded, early, expectation], [expectation, worded, early, late]):
        assert audit.first_cause(pipeline.manifest, failed) == early
    assert audit.first_cause(pipeline.manifest, [expectation, worded]) == worded
    # Of one table's two, the one with words of its own, though it reads other tables as well.
    observed = "segment_membership_observed"
    key = check(names[f"model.clientele.{observed}"], target=observed)
    listed = check("assert_segments_list_customers_once", "they list a member twice", observed)
    for failed in ([key, listed], [listed, key]):
        assert audit.first_cause(pipeline.manifest, failed) == listed


def test_every_data_test_says_which_table_it_is_of(pipeline: Pipeline) -> None:
    tables = {
        node["name"]
        for node in pipeline.manifest["nodes"].values()
        if node["resource_type"] in {"model", "seed"}
    }
    checks = audit.dbt_checks(dict(pipeline.manifest), (), Path())
    assert {check.target.split(".", 1)[0] for check in checks} - tables == set()
