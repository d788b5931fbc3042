"""The project's own compiled SQL as statements: the models that a wanted model needs, in order.

dbt compiles the project once; which models run, and in what order, is read from its manifest, so
that splitting or renaming a model changes nothing here. Does not belong here: data (synthetic.py)
and running (run_statements.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.database import literal
from orchestration.errors import ClienteleError
from orchestration.raw_store import BATCH_COLUMNS

_PACKAGE = "clientele"


@dataclass(frozen=True)
class Step:
    """A statement with the node it builds.

    Attributes:
        name: of the node.
        layer: the folder of the node below `models`, or `seeds`.
        sql: the statement, as dbt would run it.
    """

    name: str
    layer: str
    sql: str


def compile_project(project: Path, folder: Path) -> dict[str, Any]:
    """The manifest of the project with compiled SQL, as plain values.

    Args:
        project: folder of dbt_project.yml.
        folder: empty folder in which dbt may write.

    Raises:
        ClienteleError: dbt does not compile the project.
    """
    (folder / "work").mkdir(parents=True, exist_ok=True)
    completed = subprocess.run(
        [
            str(Path(sys.executable).parent / "dbt"),
            "--no-use-colors",
            "compile",
            "--quiet",
            "--project-dir",
            str(project),
            "--profiles-dir",
            str(project),
            "--target-path",
            str(folder / "dbt"),
            "--log-path",
            str(folder / "logs"),
        ],
        env={**os.environ, "CLIENTELE_WAREHOUSE": str(folder), "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode != 0:
        tail = " ".join((completed.stdout + completed.stderr).split())[-600:]
        raise ClienteleError(f"dbt does not compile the project: {tail}", where=str(project))
    manifest: dict[str, Any] = json.loads(
        (folder / "dbt" / "manifest.json").read_text(encoding="utf-8")
    )
    return manifest


def unique_id(manifest: Mapping[str, Any], name: str) -> str:
    """The id of the model of that name.

    Raises:
        ClienteleError: there is none.
    """
    wanted = f"model.{_PACKAGE}.{name}"
    if wanted not in manifest["nodes"]:
        raise ClienteleError(
            f"there is no model {name}",
            where="benchmarks",
            remedy="if it was renamed, name it anew in benchmarks/rfm_profiles.py",
        )
    return wanted


def ancestors(
    manifest: Mapping[str, Any], wanted: Sequence[str], given: Collection[str]
) -> tuple[list[str], list[str]]:
    """The nodes that build the wanted models, parents first, and the sources they read.

    Args:
        manifest: of `compile_project`.
        wanted: names of models.
        given: names of models that exist already; neither they nor what they need is returned.

    Returns:
        Ids of models and seeds in an order of their dependencies; ids of sources.
    """
    order: list[str] = []
    sources: list[str] = []
    seen = {unique_id(manifest, name) for name in given}

    def visit(node_id: str) -> None:
        if node_id in seen:
            return
        seen.add(node_id)
        if node_id in manifest["sources"]:
            sources.append(node_id)
            return
        if node_id not in manifest["nodes"]:
            return
        for parent in manifest["nodes"][node_id]["depends_on"].get("nodes", []):
            visit(parent)
        order.append(node_id)

    for name in wanted:
        visit(unique_id(manifest, name))
    return order, sources


def source_statements(manifest: Mapping[str, Any], sources: Sequence[str]) -> list[str]:
    """Statements that create the given sources, empty, with the columns they are declared with."""
    statements = []
    for source_id in sources:
        source = manifest["sources"][source_id]
        columns = {name: column["data_type"] for name, column in source["columns"].items()}
        if source["source_name"] == "raw":
            columns |= BATCH_COLUMNS
        listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        statements += [
            f'create schema if not exists "{source["schema"]}"',
            f"create table {source['relation_name']} ({listed})",
        ]
    return statements


def build_steps(
    manifest: Mapping[str, Any], order: Sequence[str], project: Path
) -> tuple[list[str], list[Step]]:
    """Statements that create the schemas, and one step per node.

    A model with an enforced contract is created with its declared types and constraints and then
    filled, as dbt-duckdb does.
    """
    nodes = [manifest["nodes"][node_id] for node_id in order]
    schemas = [f'create schema if not exists "{name}"' for name in {n["schema"] for n in nodes}]
    steps = []
    for node in nodes:
        if node["resource_type"] == "seed":
            steps.append(Step(node["name"], "seeds", _seed_sql(node, project)))
        else:
            layer = Path(node["original_file_path"]).parts[1]
            steps.append(Step(node["name"], layer, _model_sql(node)))
    return schemas, steps


def _seed_sql(node: Mapping[str, Any], project: Path) -> str:
    types = node["config"].get("column_types") or {}
    listed = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in types.items())
    path = literal(project / node["original_file_path"])
    return (
        f"create table {node['relation_name']} as select {listed or '*'} "
        f"from read_csv({path}, all_varchar = true, header = true)"
    )


def _model_sql(node: Mapping[str, Any]) -> str:
    relation, query = node["relation_name"], node["compiled_code"]
    materialized = node["config"]["materialized"]
    if materialized == "view":
        return f"create view {relation} as {query}"
    if not node["config"].get("contract", {}).get("enforced"):
        return f"create table {relation} as {query}"
    columns = node["columns"]
    declared = ", ".join(
        f"{name} {column['data_type']}{_not_null(column)}" for name, column in columns.items()
    )
    listed = ", ".join(columns)
    return (
        f"create table {relation} ({declared}); "
        f"insert into {relation} ({listed}) (select {listed} from ({query}) as model_subq)"
    )


def _not_null(column: Mapping[str, Any]) -> str:
    kinds = {constraint["type"] for constraint in column.get("constraints") or []}
    return " not null" if "not_null" in kinds else ""
