"""Runs the project's own compiled SQL in memory, without a dbt process per run.

The models and data tests are compiled by dbt once (per set of variables); a run then creates the
sources from given rows and executes the compiled SQL of every model in the order of dependencies.
What is tested is the SQL that a refresh runs, character for character.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml
from parses import Parses
from warm import warm_process

from orchestration import clock
from orchestration.column_tests import KINDS, failing_sql
from orchestration.reference import reference_rows
from orchestration.unit_tests import source_tables

PROJECT = Path(__file__).resolve().parents[2]


def project_variables() -> dict[str, Any]:
    """The variables of dbt_project.yml."""
    text = (PROJECT / "dbt_project.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["vars"]
    return found


def compile_project(
    folder: Path,
    variables: Mapping[str, Any] | None = None,
    only: Iterable[str] = (),
    parses: Parses | None = None,
    *,
    parsed_with: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The manifest of the project with compiled SQL for every model and test.

    Args:
        folder: where dbt works.
        variables: over those of the project.
        only: models and data tests to compile, with what they are made of; none for all.
        parses: what others have parsed.
        parsed_with: variables whose parse will do, if nothing that is parsed depends on the others.
    """
    (folder / "work").mkdir(parents=True, exist_ok=True)
    target = folder / "dbt"
    if parses:
        parses.lend(target, PROJECT, folder, variables or {}, parsed_with=parsed_with)
    command = [
        "dbt.cli.main",
        "--no-use-colors",
        "compile",
        "--quiet",
        "--project-dir",
        str(PROJECT),
        "--profiles-dir",
        str(PROJECT),
        "--target-path",
        str(target),
        "--log-path",
        str(folder / "logs"),
    ]
    if variables:
        command += ["--vars", json.dumps(dict(variables))]
        # A third of the time: of tests that columns declare, a refresh has SQL of its own.
        command += ["--exclude", *(f"test_name:{kind}" for kind in KINDS)]
    if only:
        command += ["--select", *(f"+{name}" for name in only)]
    environment = {**os.environ, "CLIENTELE_WAREHOUSE": str(folder), "DO_NOT_TRACK": "1"}
    completed = warm_process().run(command, cwd=PROJECT, env=environment, timeout=600)
    if completed.returncode != 0:
        raise RuntimeError(completed.stdout + completed.stderr)
    if parses:
        parses.keep(target, variables or {})
    manifest: dict[str, Any] = json.loads((target / "manifest.json").read_text())
    return manifest


@dataclass(frozen=True)
class State:
    """Published history that a run starts from."""

    changes: list[tuple[Any, ...]] = field(default_factory=list)
    observations: list[tuple[Any, ...]] = field(default_factory=list)
    identity: list[tuple[Any, ...]] = field(default_factory=list)
    as_of: datetime | None = None
    baselines: list[tuple[Any, ...]] = field(default_factory=list)


class Pipeline:
    """The compiled project.

    Args:
        manifest: of `compile_project`.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self.manifest = manifest
        nodes = {
            unique_id: node
            for unique_id, node in manifest["nodes"].items()
            if node["resource_type"] in {"model", "seed"} and node["package_name"] == "clientele"
        }
        self.order = _topological(nodes)
        self.tests = {
            node["name"]: node
            for node in manifest["nodes"].values()
            if node["resource_type"] == "test" and node["package_name"] == "clientele"
        }
        for node in self.tests.values():
            if not node.get("compiled_code") and node.get("test_metadata"):
                node["compiled_code"] = failing_sql(manifest, node)
        observed = manifest["nodes"]["model.clientele.segment_membership_observed"]
        self.segment_models = [
            unique_id.rsplit(".", 1)[-1]
            for unique_id in observed["depends_on"]["nodes"]
            if unique_id.rsplit(".", 1)[-1][:4] in {"seg_", "grp_"}
        ]
        self._sources = source_tables(PROJECT)

    def run(
        self,
        raw: Mapping[str, Iterable[Mapping[str, Any]]],
        *,
        as_of: datetime,
        instants: Sequence[datetime] = (),
        time_zone: str = "UTC",
        currency: str | None = None,
        country: str | None = None,
        state: State | None = None,
        probable: Sequence[tuple[str, str]] = (),
        only: str | Iterable[str] | None = None,
    ) -> duckdb.DuckDBPyConnection:
        """Build every model in a new in-memory database.

        Args:
            raw: rows by entity, as after ingestion.
            as_of: of the refresh, naive UTC.
            instants: further instants, for models not observed in `state`.
            time_zone, currency, country: of the business.
            state: published history to start from.
            probable: pairs of record_ids that are linked though they share nothing.
            only: models, or data tests, that are needed, with what they are made of; None for all.
        """
        connection = duckdb.connect()
        connection.execute("attach ':memory:' as work; use work")
        # One thread: for a few hundred rows a second one costs a quarter more and saves nothing.
        connection.execute("set timezone = 'UTC'; set threads = 1")
        state = state or State()
        for schema, tables in self._sources.items():
            connection.execute(f"create schema {schema}")
            for name, columns in tables:
                listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
                connection.execute(f"create table {schema}.{name} ({listed})")
        for entity, rows in raw.items():
            columns = dict(self._sources["raw"])[entity]
            # Ingestion knows the line of every row, by which models tell rows of a batch apart.
            lines = [{"_line_number": number, **row} for number, row in enumerate(rows, 2)]
            _insert(connection, f"raw.{entity}", list(columns), lines)
        connection.execute(
            "insert into run.settings values ('run', ?, ?, ?, '0', ?, ?, ?)",
            [as_of, state.as_of, as_of, currency, time_zone, country],
        )
        for name, told in _reference_rows().items():
            _insert_table(connection, f"reference.{name}", told)
        observed = {row[1] for row in state.observations if row[1] is not None}
        plan = clock.plan_observations(
            segment_models=self.segment_models,
            observed_models=sorted(observed),
            as_of=as_of,
            month_ends=list(instants),
        )
        connection.executemany(
            "insert into run.observations values (?, ?, ?)",
            [(item.segment_model, item.as_of, item.basis) for item in plan],
        )
        connection.execute(
            "insert into run.as_of_spine select distinct as_of, basis from run.observations"
        )
        _insert_rows(connection, "state.segment_changes", state.changes)
        _insert_rows(connection, "state.segment_observations", state.observations)
        _insert_rows(connection, "state.identity_changes", state.identity)
        _insert_rows(connection, "state.programme_baselines", state.baselines)
        linked = [(record, "|".join(pair)) for pair in probable for record in pair]
        _insert_rows(connection, "run.probable_links", linked)
        needed = (
            self if only is None else self.reduced_to([only] if isinstance(only, str) else only)
        )
        for node in needed.order:
            self._build(connection, node)
        return connection

    def reduced_to(self, models: Iterable[str]) -> Pipeline:
        """The pipeline with only these models and what they are made of, for many short runs.

        A data test stands for the models that it reads.
        """
        by_id = {node["unique_id"]: node for node in self.order}
        ids = {node["name"]: [unique_id] for unique_id, node in by_id.items()}
        read = {name: node["depends_on"]["nodes"] for name, node in self.tests.items()}
        wanted: set[str] = set()
        waiting = [unique_id for name in models for unique_id in (ids.get(name) or read[name])]
        while waiting:
            unique_id = waiting.pop()
            if unique_id in by_id and unique_id not in wanted:
                wanted.add(unique_id)
                waiting += by_id[unique_id].get("depends_on", {}).get("nodes", [])
        smaller = copy.copy(self)
        smaller.order = [node for node in self.order if node["unique_id"] in wanted]
        return smaller

    def seeds(self) -> duckdb.DuckDBPyConnection:
        """A new in-memory database with every seed and nothing else."""
        connection = duckdb.connect()
        connection.execute("attach ':memory:' as work; use work")
        for node in self.order:
            if node["resource_type"] == "seed":
                self._build(connection, node)
        return connection

    def _build(self, connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any]) -> None:
        relation = f'"{node["schema"]}"."{node["name"]}"'
        connection.execute(f'create schema if not exists "{node["schema"]}"')
        if node["resource_type"] == "seed":
            types = node["config"].get("column_types") or {}
            path = PROJECT / node["original_file_path"]
            listed = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in types.items())
            connection.execute(
                f"create table {relation} as select {listed or '*'} "
                f"from read_csv('{path}', all_varchar = true, header = true)"
            )
        else:
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            connection.execute(f"create {kind} {relation} as {node['compiled_code']}")

    def failing_rows(
        self, connection: duckdb.DuckDBPyConnection, test: str
    ) -> list[tuple[Any, ...]]:
        """What a data test of the project finds in a built database."""
        return connection.execute(self.tests[test]["compiled_code"]).fetchall()

    def failing_tests(self, connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
        """Every data test of severity error that fails, with its number of rows."""
        failing = {}
        for name, node in self.tests.items():
            attached = node.get("attached_node")
            if attached and attached not in self.manifest["nodes"]:
                continue
            if node["config"]["severity"].lower() == "error":
                rows = connection.execute(node["compiled_code"]).fetchall()
                if rows:
                    failing[name] = len(rows)
        return failing


def next_state(connection: duckdb.DuckDBPyConnection, before: datetime) -> State:
    """The history that a refresh at `before` starts from, as the publisher keeps it."""
    changes = connection.execute(
        "select segment_key, entity, member_id, event, as_of, definition_version, basis "
        "from segment_changes where as_of < ? order by all",
        [before],
    ).fetchall()
    observations = connection.execute(
        "select segment_key, segment_model, as_of, definition_version, basis "
        "from segment_observations where as_of < ? order by all",
        [before],
    ).fetchall()
    identity = connection.execute(
        "select record_id, previous_customer_id, customer_id, identity_change, as_of, basis "
        "from identity_changes where as_of < ? order by all",
        [before],
    ).fetchall()
    baselines: list[tuple[Any, ...]] = []
    built = "from duckdb_tables() where database_name = 'work' and schema_name = 'main'"
    if connection.execute(f"{built} and table_name = 'programme_baselines'").fetchall():
        baselines = connection.execute(
            "select * exclude (is_new) from main.programme_baselines where as_of < ? order by all",
            [before],
        ).fetchall()
    row = connection.execute("select as_of from run.settings").fetchone()
    return State(changes, observations, identity, row[0] if row else None, baselines)


@cache
def _reference_rows() -> dict[str, Any]:
    return reference_rows()


def _insert(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    filled = [tuple(row.get(column) for column in columns) for row in rows]
    _insert_rows(connection, table, filled)


def _insert_rows(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]
) -> None:
    # By way of Arrow, as texts that the engine casts: half the time of a statement with values.
    if rows:
        columns = zip(*rows, strict=True)
        texts = [pa.array([_text(value) for value in column], pa.string()) for column in columns]
        told = pa.table(texts, names=[str(number) for number in range(len(texts))])
        _insert_table(connection, table, told)


def _insert_table(connection: duckdb.DuckDBPyConnection, table: str, told: pa.Table) -> None:
    connection.register("told_rows", told)
    connection.execute(f"insert into {table} select * from told_rows")
    connection.unregister("told_rows")


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _topological(nodes: Mapping[str, Any]) -> list[Any]:
    order: list[Any] = []
    done: set[str] = set()

    def visit(unique_id: str) -> None:
        if unique_id in done or unique_id not in nodes:
            return
        done.add(unique_id)
        for parent in nodes[unique_id].get("depends_on", {}).get("nodes", []):
            visit(parent)
        order.append(nodes[unique_id])

    for unique_id in sorted(nodes):
        visit(unique_id)
    return order
