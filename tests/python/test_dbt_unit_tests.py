"""Runs dbt's unit tests, of models and of segments, and sees to it that every one of them ran.

dbt reports success when a selection is empty, and leaves out the unit tests of a disabled model
without a word; so the tests are counted here, and every segment is switched on. Does not belong
here: what the models should say, which stands in the YAML beside them.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from contracts import everything_on
from pipeline import PROJECT, _source_tables

from orchestration.dbt_project import dbt_executable

FEWEST_UNIT_TESTS = 20
"""A guard against a folder or a naming rule that no longer leads to the files."""


@dataclass(frozen=True)
class Outcome:
    """What one dbt command said, and what it left in run_results.json by unique_id."""

    returncode: int
    output: str
    status: dict[str, str]
    message: dict[str, str]


def defined_unit_tests() -> dict[str, str]:
    """The model of every unit test that the project defines, by `<model>.<name>`."""
    found: dict[str, str] = {}
    for path in sorted((PROJECT / "models").rglob("*.yml")):
        document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        for test in document.get("unit_tests", []):
            name = f"{test['model']}.{test['name']}"
            assert name not in found, f"two unit tests are called {name}"
            found[name] = test["model"]
    return found


def create_empty_sources(database: Path) -> None:
    """Every table of the sources without rows: dbt takes the types of fixtures from them."""
    with duckdb.connect(str(database)) as connection:
        for schema, tables in _source_tables().items():
            connection.execute(f'create schema "{schema}"')
            for name, columns in tables:
                listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
                connection.execute(f'create table "{schema}"."{name}" ({listed})')


def run_dbt(warehouse: Path, arguments: Sequence[str]) -> Outcome:
    """One dbt command on the work database of a temporary warehouse."""
    target = warehouse / "dbt"
    results = target / "run_results.json"
    results.unlink(missing_ok=True)
    completed = subprocess.run(
        [
            dbt_executable(),
            "--no-use-colors",
            *arguments,
            "--project-dir",
            str(PROJECT),
            "--profiles-dir",
            str(PROJECT),
            "--target-path",
            str(target),
            "--log-path",
            str(warehouse / "logs"),
            "--vars",
            json.dumps(everything_on()),
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


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Of `dbt test` for all unit tests, after the models they read were made without rows."""
    warehouse = tmp_path_factory.mktemp("unit-tests")
    (warehouse / "work").mkdir()
    create_empty_sources(warehouse / "work" / "work.duckdb")
    # A fixture needs the relation of every input, so the parents of the tested models and theirs.
    needed = " ".join(f"+{model}" for model in sorted(set(defined_unit_tests().values())))
    made = run_dbt(
        warehouse,
        ["build", "--empty", "--exclude-resource-type", "test", "unit_test", "--select", needed],
    )
    assert made.returncode == 0, made.output[-5000:]
    return run_dbt(warehouse, ["test", "--select", "test_type:unit"])


def test_every_unit_test_passes(outcome: Outcome) -> None:
    failed = {
        unique_id: outcome.message[unique_id]
        for unique_id, status in outcome.status.items()
        if status != "pass"
    }
    assert failed == {}
    assert outcome.returncode == 0, outcome.output[-5000:]


def test_every_unit_test_that_is_defined_has_run(outcome: Outcome) -> None:
    defined = defined_unit_tests()
    assert len(defined) > FEWEST_UNIT_TESTS
    assert set(outcome.status) == {f"unit_test.clientele.{name}" for name in defined}
