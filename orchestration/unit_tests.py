"""Runs dbt's unit tests in a temporary warehouse, and sees to it that every one of them ran.

dbt reports success when a selection is empty, and leaves out the unit tests of a disabled model
without a word; so what was defined is counted beside what ran. A unit test takes the types of its
rows from the relations that its model reads, so these are made first, without rows.

Does not belong here: what the models should say, which stands in the YAML beside them, and what is
printed of it (segment_contracts.py).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.database import connect
from orchestration.dbt_project import dbt_executable
from orchestration.errors import ClienteleError
from orchestration.raw_store import BATCH_COLUMNS
from orchestration.yaml_text import load_yaml

_SOURCES = Path("models/staging/_sources.yml")
_FEW = 30
"""How many models dbt looks for by name before it is quicker to make what all unit tests need."""


@dataclass(frozen=True)
class Outcome:
    """What one dbt command said, and what it left in run_results.json by unique_id."""

    returncode: int
    output: str
    status: dict[str, str]
    message: dict[str, str]


def defined_unit_tests(project: Path) -> dict[str, str]:
    """The model of every unit test that the project defines, by `<model>.<name>`.

    Raises:
        ClienteleError: two unit tests of a model have one name.
    """
    found: dict[str, str] = {}
    for path in sorted((project / "models").rglob("*.yml")):
        document: dict[str, Any] = load_yaml(path.read_text(encoding="utf-8")) or {}
        for test in document.get("unit_tests") or []:
            name = f"{test['model']}.{test['name']}"
            if name in found:
                raise ClienteleError(
                    f"two unit tests are called {name}",
                    where=path.relative_to(project).as_posix(),
                    remedy="give one of them another name",
                )
            found[name] = test["model"]
    return found


def source_tables(project: Path) -> dict[str, list[tuple[str, dict[str, str]]]]:
    """The tables of every source with the types of their columns, as ingestion makes them."""
    document = load_yaml((project / _SOURCES).read_text(encoding="utf-8"))
    tables: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for source in document["sources"]:
        for table in source["tables"]:
            columns = {column["name"]: column["data_type"] for column in table["columns"]}
            if source["name"] == "raw":
                columns |= BATCH_COLUMNS
            tables.setdefault(source["name"], []).append((table["name"], columns))
    return tables


def create_empty_sources(project: Path, database: Path) -> None:
    """Make every table of the sources, without rows, in a database that does not exist yet."""
    with connect(database) as connection:
        for schema, tables in source_tables(project).items():
            connection.execute(f'create schema "{schema}"')
            for name, columns in tables:
                listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
                connection.execute(f'create table "{schema}"."{name}" ({listed})')


def run_dbt(
    project: Path,
    warehouse: Path,
    arguments: Sequence[str],
    variables: Mapping[str, Any] | None = None,
) -> Outcome:
    """Run one dbt command on the work database of a temporary warehouse."""
    target = warehouse / "dbt"
    results = target / "run_results.json"
    results.unlink(missing_ok=True)
    completed = subprocess.run(
        [
            dbt_executable(),
            "--no-use-colors",
            *arguments,
            "--project-dir",
            str(project),
            "--profiles-dir",
            str(project),
            "--target-path",
            str(target),
            "--log-path",
            str(warehouse / "logs"),
            *(["--vars", json.dumps(dict(variables), default=str)] if variables else []),
        ],
        env={**os.environ, "CLIENTELE_WAREHOUSE": str(warehouse), "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    rows = json.loads(results.read_text())["results"] if results.exists() else []
    return Outcome(
        completed.returncode,
        completed.stdout + completed.stderr,
        {row["unique_id"]: row["status"] for row in rows},
        {row["unique_id"]: row["message"] or "" for row in rows},
    )


def run_unit_tests(
    project: Path,
    warehouse: Path,
    models: Iterable[str],
    variables: Mapping[str, Any] | None = None,
    *,
    select: Sequence[str] = (),
) -> tuple[Outcome, Outcome]:
    """Make what some models read, without rows, and run unit tests on it.

    Args:
        project: the folder of dbt_project.yml.
        warehouse: an empty folder.
        models: whose parents are made.
        variables: over those of the project.
        select: models whose unit tests run; all unit tests when there are none.

    Returns:
        The outcomes of making the parents, and of the unit tests. When the first failed, the
        second is the same.
    """
    (warehouse / "work").mkdir()
    create_empty_sources(project, warehouse / "work" / "work.duckdb")
    # A fixture needs the relation of every input, so the parents of the tested models and theirs.
    # dbt looks through the whole project for each name.
    needed = sorted({f"+{model}" for model in models})
    if len(needed) > _FEW:
        needed = ["+test_type:unit"]
    made = run_dbt(
        project,
        warehouse,
        ["build", "--empty", "--exclude-resource-type", "test", "unit_test", "--select", *needed],
        variables,
    )
    if made.returncode != 0:
        return made, made
    chosen = [f"{model},test_type:unit" for model in select] or ["test_type:unit"]
    return made, run_dbt(project, warehouse, ["test", "--select", *chosen], variables)
