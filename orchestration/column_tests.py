"""The data tests that columns declare: `unique_key`, `unique`, `not_null`, `accepted_values`.

A refresh runs them itself, a statement for each table: they are most of the project's tests, and
dbt's own work around one is a multiple of the query (decision 0014). `dbt test` runs the same
tests, declared once, for whoever works on a model; a test holds the two together.
Does not belong here: what a failed test means (audit.py), tests of a file of their own.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import duckdb

from orchestration.database import connect, literal
from orchestration.dbt_project import NodeResult, data_tests
from orchestration.errors import ClienteleError

KINDS = ("unique_key", "unique", "not_null", "accepted_values")
"""Names of the generic tests that are run here, and by dbt in no refresh."""

_KNOWN_CONFIGURATION = {
    "fail_calc": "count(*)",
    "error_if": "!= 0",
    "warn_if": "!= 0",
    "limit": None,
}


def column_tests(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The tests that columns declare, by dbt's unique id.

    Args:
        manifest: of dbt.
    """
    return {
        unique_id: node
        for unique_id, node in data_tests(dict(manifest)).items()
        if (node.get("test_metadata") or {}).get("name") in KINDS
    }


def failing_rows(kind: str, table: str, arguments: Mapping[str, Any]) -> str:
    """What fails a test, as SQL that returns a row for each.

    Args:
        kind: of `KINDS`.
        table: what is tested, as SQL.
        arguments: of the test; `columns`, or `column_name`, and `values` of accepted_values.

    Returns:
        As many rows as dbt's own test of that name: doubled keys, doubled values that are there,
        rows without a value, values that are there and not accepted.
    """
    columns = ", ".join(arguments.get("columns") or [arguments["column_name"]])
    if kind == "unique_key":
        return f"select 1 from {table} group by {columns} having count(*) > 1"
    if kind == "unique":
        there = f"select {columns} from {table} where {columns} is not null"
        return f"select 1 from ({there}) as there group by {columns} having count(*) > 1"
    if kind == "not_null":
        return f"select 1 from {table} where {columns} is null"
    quote = literal if arguments.get("quote", True) else str
    values = ", ".join(quote(str(value)) for value in arguments["values"])
    return f"select distinct {columns} from {table} where {columns} not in ({values})"


def run_column_tests(
    manifest: Mapping[str, Any], database: Path, missing: Collection[str] = ()
) -> tuple[NodeResult, ...]:
    """The outcome of every test that columns declare, as dbt would tell it.

    Args:
        manifest: of dbt.
        database: that was built, read only.
        missing: unique ids of models that were not made; their tests are skipped.

    Raises:
        ClienteleError: a test is configured in a way that only dbt knows.
    """
    by_table: dict[str, list[tuple[str, str]]] = {}
    results = []
    for unique_id, node in column_tests(manifest).items():
        _check_configuration(node)
        parent = _tested(node)
        if parent in missing:
            results.append(NodeResult(unique_id, "skipped", None, "", "", 0.0))
            continue
        by_table.setdefault(parent, []).append((unique_id, failing_sql(manifest, node)))
    with connect(database, read_only=True) as connection:
        for tests in by_table.values():
            results += _outcomes(connection, tests)
    return tuple(results)


def failing_sql(manifest: Mapping[str, Any], node: Mapping[str, Any]) -> str:
    """What fails a test of `column_tests`, as SQL that returns a row for each.

    Args:
        manifest: of dbt.
        node: of the test.
    """
    tested = _tested(node)
    parent = manifest["nodes"].get(tested) or manifest["sources"][tested]
    table = f'"{parent["schema"]}"."{parent.get("alias") or parent["identifier"]}"'
    where = node["config"].get("where")
    if where:
        table = f"(select * from {table} where {where}) as tested"
    generic = node["test_metadata"]
    return failing_rows(generic["name"], table, generic["kwargs"])


def _tested(node: Mapping[str, Any]) -> str:
    return str(node.get("attached_node") or node["depends_on"]["nodes"][0])


def _check_configuration(node: Mapping[str, Any]) -> None:
    for name, known in _KNOWN_CONFIGURATION.items():
        if node["config"].get(name, known) != known:
            raise ClienteleError(
                f"nothing was published: the test {node['name']} has {name}, which a refresh does "
                "not know for tests of columns",
                where=str(node.get("original_file_path", "")),
                remedy="write it as a file of its own in tests/data",
            )


def _outcomes(
    connection: duckdb.DuckDBPyConnection, tests: list[tuple[str, str]]
) -> list[NodeResult]:
    """Of the tests of one table, all in one statement; one by one where that does not run."""
    started = time.monotonic()
    counts = ", ".join(f"(select count(*) from ({sql}) as failing)" for _, sql in tests)
    try:
        row = connection.execute(f"select {counts}").fetchone()
    except duckdb.Error as error:
        if len(tests) > 1:
            return [result for test in tests for result in _outcomes(connection, [test])]
        # What the engine says may quote a value; the audit never shows it.
        return [NodeResult(tests[0][0], "error", None, str(error), "", 0.0)]
    assert row is not None
    seconds = (time.monotonic() - started) / len(tests)
    return [
        NodeResult(unique_id, "fail" if failures else "pass", int(failures), "", "", seconds)
        for (unique_id, _), failures in zip(tests, row, strict=True)
    ]
