"""Seeds as dbt makes them on DuckDB: by the materialization of the project, one seed at a time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from pipeline import PROJECT
from warm import warm_process

COLUMN_TYPES = {"age_band": "string", "from_age": "int"}


def seeded(
    folder: Path, text: str, column_types: Mapping[str, str] = COLUMN_TYPES
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run `dbt seed` on one file; what it said, and the database."""
    (folder / "seeds").mkdir()
    (folder / "seeds" / "bands.csv").write_text(text, encoding="utf-8")
    database = folder / "work.duckdb"
    documents: dict[str, Any] = {
        "dbt_project.yml": {
            "name": "one_seed",
            "profile": "one_seed",
            "macro-paths": [str(PROJECT / "macros" / "engines")],
            "flags": {"send_anonymous_usage_stats": False},
            "seeds": {"one_seed": {"bands": {"+column_types": dict(column_types)}}},
        },
        "profiles.yml": {
            "one_seed": {
                "target": "duckdb",
                "outputs": {"duckdb": {"type": "duckdb", "path": str(database)}},
            }
        },
    }
    for name, document in documents.items():
        (folder / name).write_text(yaml.safe_dump(document), encoding="utf-8")
    completed = warm_process().run(
        ["dbt.cli.main", "--no-use-colors", "seed", "--profiles-dir", str(folder)],
        cwd=folder,
        env=os.environ,
        timeout=300,
    )
    return completed, database


def test_a_seed_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    text = 'from_age,note,age_band\n7,"with, a comma",007\n,"said ""so""",\n'
    completed, database = seeded(tmp_path, text)
    assert completed.returncode == 0, completed.stdout
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute("from bands order by all nulls last")
        assert [column[0] for column in found.description] == ["from_age", "note", "age_band"]
        assert found.fetchall() == [(7, "with, a comma", "007"), (None, 'said "so"', None)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age_band,below_age\nadult,30\n", "from_age"),
        ("age_band,from_age\nadult,old\n", "old"),
        ("age_band,from_age\nchild,0\nadult,18\nsenior,65,99\n", "bands.csv"),
    ],
)
def test_a_seed_that_is_not_as_declared_is_told(tmp_path: Path, text: str, said: str) -> None:
    completed, _ = seeded(tmp_path, text)
    assert completed.returncode != 0
    assert said in completed.stdout
