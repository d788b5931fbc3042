"""The dbt project as the orchestrator sees it: its manifest, its results, its faults in words.

Does not belong here: Dagster (assets.py runs the build), and anything the models say themselves.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.errors import ClienteleError
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.yaml_text import load_yaml

_PARSED_FOLDERS = ("models", "macros", "seeds", "tests/data")
_PARSED_FILES = ("dbt_project.yml", "profiles.yml")
_STAMP = "parsed.sha256"
RUN_RESULTS = "run_results.json"
"""What dbt_worker leaves of a run, in the folder of dbt's own artifacts."""


@dataclass(frozen=True)
class NodeResult:
    """The outcome of a node of a dbt run.

    Attributes:
        unique_id: dbt's id of the node.
        status: success, pass, warn, fail, error or skipped.
        failures: failing rows of a test; None for others.
        message: dbt's message; may quote SQL, never shown as it is.
        compiled_code: the SQL that ran.
        seconds: how long it took.
    """

    unique_id: str
    status: str
    failures: int | None
    message: str
    compiled_code: str
    seconds: float


@dataclass(frozen=True)
class PublishedTable:
    """A table of the release.

    Attributes:
        name: its published name, which is the name of its model.
        current_only: whether only the rows of the current as_of are published.
        description: of the table; columns: descriptions by column.
    """

    name: str
    current_only: bool
    description: str
    columns: dict[str, str]


def dbt_executable() -> str:
    """The dbt of this environment."""
    return str(Path(sys.executable).parent / "dbt")


def dbt_environment(settings: Settings) -> dict[str, str]:
    """Environment for a dbt process: this warehouse, and no word to anyone outside."""
    return {
        **os.environ,
        "CLIENTELE_WAREHOUSE": str(settings.warehouse),
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def dbt_arguments(settings: Settings) -> list[str]:
    """Arguments that every dbt command of a warehouse shares."""
    arguments = ["--profiles-dir", str(PROJECT_DIR), "--project-dir", str(PROJECT_DIR)]
    if settings.target:
        arguments += ["--target", settings.target]
    if settings.dbt_vars:
        arguments += ["--vars", json.dumps(settings.dbt_vars, sort_keys=True, default=str)]
    return arguments


def project_variable(settings: Settings, name: str) -> Any:
    """A variable of dbt_project.yml, unless this run gives it another value."""
    if name in settings.dbt_vars:
        return settings.dbt_vars[name]
    document = load_yaml((PROJECT_DIR / "dbt_project.yml").read_text(encoding="utf-8"))
    return document["vars"][name]


def prepare_manifest(settings: Settings) -> Path:
    """Parse the project if anything that dbt parses has changed since; return the manifest's path.

    Raises:
        ClienteleError: the project does not parse; the sentence names the file and the remedy.
    """
    target_path = settings.dbt_target_path
    # A copy of ours: dbt writes its own anew in every command, and a kill may leave half of it.
    manifest = target_path / "parsed.json"
    stamp = target_path / _STAMP
    digest = _fingerprint(settings)
    if manifest.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == digest:
        return manifest
    check_segments(settings)
    target_path.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    # dbt opens the database to render engine macros; its folder must be there.
    (settings.warehouse / "work").mkdir(parents=True, exist_ok=True)
    run_dbt(settings, ["parse"])
    (target_path / "manifest.json").replace(manifest)
    stamp.write_text(digest, encoding="utf-8")
    return manifest


def check_segments(settings: Settings) -> None:
    """Refuse segment files that do not fit, or must not be published, before dbt is asked.

    Raises:
        ClienteleError: the first fault, with its file and line.
    """
    # Imported late: the lint reads manifests by this module, and parses SQL.
    from orchestration.segment_files import read_catalogue
    from orchestration.segment_lint import refuse_at_refresh

    refuse_at_refresh(read_catalogue(PROJECT_DIR, settings.dbt_vars))


def run_dbt(settings: Settings, command: list[str]) -> str:
    """Run a dbt command to its end and return what it printed.

    Raises:
        ClienteleError: it failed.
    """
    completed = subprocess.run(
        [
            dbt_executable(),
            "--no-use-colors",
            *command,
            *dbt_arguments(settings),
            "--target-path",
            str(settings.dbt_target_path),
            "--log-path",
            str(settings.dbt_target_path / "logs"),
        ],
        capture_output=True,
        text=True,
        env=dbt_environment(settings),
        check=False,
    )
    if completed.returncode != 0:
        raise ClienteleError(fault_in_words(completed.stdout + completed.stderr))
    return completed.stdout


def _fingerprint(settings: Settings) -> str:
    digest = hashlib.sha256()
    for path in _parsed_paths():
        digest.update(str(path.relative_to(PROJECT_DIR)).encode())
        digest.update(path.read_bytes())
    digest.update(repr((dbt_arguments(settings), str(settings.warehouse))).encode())
    return digest.hexdigest()


def _parsed_paths() -> Iterator[Path]:
    for name in _PARSED_FILES:
        yield PROJECT_DIR / name
    for folder in _PARSED_FOLDERS:
        for path in sorted((PROJECT_DIR / folder).rglob("*")):
            if path.is_file() and path.suffix in {".sql", ".yml", ".yaml", ".csv", ".md"}:
                yield path


_MISSING_SEGMENT = re.compile(r"depends on a node named '(?P<name>(?:seg|grp)_\w+)'")
_SEGMENT_FAULT = re.compile(
    r"(?P<sentence>(?:Segment file|Segments|Priority list|Variable) .+?\.)\s*$", re.M
)
_IN_NODE = re.compile(r"Error in (?:model|test|seed|\w+ test) (?P<node>\w+) \((?P<path>[^)]+)\)")


def fault_in_words(output: str) -> str:
    """What dbt printed about a fault, as one sentence with a place and a remedy."""
    text = re.sub(r"^\d\d:\d\d:\d\d\s+", "", output, flags=re.M)
    missing = _MISSING_SEGMENT.search(text)
    if missing:
        name = missing["name"]
        return (
            f"models/segments/{name}.sql is missing but listed in dbt_project.yml; write the file, "
            f'or take the line "- {name[4:]}" out of vars.'
            f"{'segments' if name.startswith('seg_') else 'segment_groups'}"
        )
    known = _SEGMENT_FAULT.search(text)
    if known:
        return known["sentence"]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    place = _IN_NODE.search(text)
    if place and place["path"].startswith("models/segments/"):
        return _segment_fault(place["path"], text[place.end() :])
    start = next(
        (
            number
            for number, line in enumerate(lines)
            if "Error" in line and "Encountered" not in line
        ),
        0,
    )
    words = " ".join(lines[start : start + 3])[:500]
    return f"{place['path']}: {words}" if place else words or "dbt failed without a word"


_NAME_AT_FAULT = re.compile(
    r"""["'](?P<name>\w+)["']|(?:with name|at or near|Function) (?P<other>\w+)"""
)
_LINE_OF_SQL = re.compile(r"^\s*LINE \d+: (?P<row>.*)$", re.M)


def _segment_fault(path: str, text: str) -> str:
    """What an engine or dbt says of a segment's SQL: its first sentence, with file and line.

    The engine counts the lines of what dbt made of the file, so what it quotes is looked up: a row
    of the SQL, or the name at fault.
    """
    words = next((line.strip() for line in text.splitlines() if line.strip()), "it does not run")
    row = _LINE_OF_SQL.search(text)
    name = _NAME_AT_FAULT.search(words)
    quoted = row["row"].strip(" .") if row else (name["name"] or name["other"]) if name else ""
    file = PROJECT_DIR / path
    rows = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found = [number for number, line in enumerate(rows, start=1) if quoted and quoted in line]
    place = f"{path}:{found[0]}" if len(found) == 1 else path
    at = f", at `{row['row'].strip()[:80]}`" if row else ""
    return f"{place}: {words.rstrip('!.')}{at}; correct the definition"


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest that dbt wrote.

    Raises:
        ClienteleError: it is missing, or no JSON object.
    """
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ClienteleError(
            "there is no manifest", where=str(path), remedy="run `dbt compile` first"
        ) from error
    except ValueError as error:
        raise ClienteleError(
            "the manifest is not JSON", where=str(path), remedy="run `dbt compile` again"
        ) from error
    if not isinstance(manifest, dict):
        raise ClienteleError(
            "the manifest is not a JSON object", where=str(path), remedy="run `dbt compile` again"
        )
    return manifest


def read_results(target_path: Path) -> tuple[NodeResult, ...]:
    """The results of a dbt run; empty when it died before its end."""
    path = target_path / RUN_RESULTS
    if not path.exists():
        return ()
    return tuple(
        NodeResult(
            unique_id=result["unique_id"],
            status=result["status"],
            failures=result.get("failures"),
            message=result.get("message") or "",
            compiled_code=result.get("compiled_code") or "",
            seconds=float(result.get("execution_time") or 0),
        )
        for result in json.loads(path.read_text(encoding="utf-8"))["results"]
    )


def published_tables(manifest: dict[str, Any]) -> tuple[PublishedTable, ...]:
    """The tables of a release: the models whose metadata says so, by name."""
    tables = []
    for node in manifest["nodes"].values():
        published = node.get("config", {}).get("meta", {}).get("published")
        if node["resource_type"] == "model" and published:
            tables.append(
                PublishedTable(
                    name=node["name"],
                    current_only=published == "current",
                    description=node["description"].strip(),
                    columns={
                        column["name"]: column["description"] for column in node["columns"].values()
                    },
                )
            )
    return tuple(sorted(tables, key=lambda table: table.name))


def segment_models(settings: Settings, manifest: dict[str, Any]) -> tuple[str, ...]:
    """The models of the catalogue, single segments first, as dbt_project.yml lists them."""
    observed = manifest["nodes"]["model.clientele.segment_membership_observed"]
    names = [unique_id.rsplit(".", 1)[-1] for unique_id in observed["depends_on"]["nodes"]]
    return tuple(name for name in names if name.startswith(("seg_", "grp_")))


def data_tests(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The data tests of the project by unique id, without those of models that are switched off."""
    return {
        unique_id: node
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "test"
        and node["package_name"] == "clientele"
        and (node.get("attached_node") is None or node["attached_node"] in manifest["nodes"])
    }
