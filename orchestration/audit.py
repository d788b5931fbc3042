"""The audit of a build: every check with its outcome, and the token that the publisher demands.

A check is a dbt data test or an expectation of quality.py. The audit collects them, decides, writes
them into quality_results of the work database, and then seals that database: the token names the
run and the state of the file, so that neither another run's audit nor a database that changed
afterwards can be published. Does not belong here: what the expectations are (quality.py), and
copying tables.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.database import connect, log_beside
from orchestration.dbt_project import NodeResult, data_tests
from orchestration.errors import ClienteleError
from orchestration.warehouse import Warehouse

TOKEN = "audit.json"
_HEADER_BYTES = 3 * 4096


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Attributes:
        name: of the check.
        target: table that is checked.
        severity: error or warn.
        passed: whether it held; a check that could not be evaluated did not.
        observed: what was seen; never a personal value.
        expected: what should have been.
        fault: what is wrong when it fails; remedy: what to do then.
    """

    name: str
    target: str
    severity: str
    passed: bool
    observed: str
    expected: str
    fault: str = ""
    remedy: str = ""

    @property
    def sentence(self) -> str:
        """The failure in words."""
        claim = self.fault or f"{self.expected} does not hold in {self.target}"
        text = f"check {self.name} failed: {claim}"
        if self.observed:
            text += f" ({self.observed})"
        return f"{text}; {self.remedy}" if self.remedy else text


def dbt_checks(
    manifest: dict[str, Any], results: Sequence[NodeResult], database: Path
) -> tuple[Check, ...]:
    """The data tests of a build as checks.

    A test that did not run has not passed.
    """
    by_id = {result.unique_id: result for result in results}
    return tuple(
        _dbt_check(node, by_id.get(unique_id), database)
        for unique_id, node in sorted(
            data_tests(manifest).items(), key=lambda item: item[1]["name"]
        )
    )


def _dbt_check(node: dict[str, Any], result: NodeResult | None, database: Path) -> Check:
    meta = node["config"].get("meta", {})
    attached = (node.get("attached_node") or "").rsplit(".", 1)[-1]
    column = f".{node['column_name']}" if node.get("column_name") else ""
    name, target = test_name(node), str(meta.get("target") or attached or node["name"])
    severity = str(node["config"].get("severity", "error")).lower()
    passed = result is not None and result.status == "pass"
    expected = (node.get("description") or _generic_claim(node)).strip()
    if result is None or result.status == "skipped":
        observed = "not evaluated"
    elif result.status == "error":
        observed = "could not be evaluated"
    else:
        rows = int(result.failures or 0)
        observed = f"{rows} failing row{'s' * (rows != 1)}"
        if not passed and meta.get("show"):
            observed += _examples(result.compiled_code, meta["show"], database)
    return Check(
        name=name,
        target=target + column,
        severity=severity,
        passed=passed,
        observed=observed,
        expected=expected,
        fault=str(meta.get("fault", "")),
        remedy=str(meta.get("remedy", "")),
    )


def _generic_claim(node: dict[str, Any]) -> str:
    generic = node.get("test_metadata") or {}
    arguments = generic.get("kwargs", {})
    columns = arguments.get("columns") or [arguments.get("column_name") or ""]
    return f"{generic.get('name', node['name'])} of {', '.join(columns)}"


def test_name(node: dict[str, Any]) -> str:
    """The name of a data test as a check."""
    return str(node["name"])


def _examples(sql: str, columns: Iterable[str], database: Path) -> str:
    """The first failing rows: only columns that the test itself declares fit to be shown."""
    chosen = ", ".join(columns)
    try:
        with connect(database, read_only=True) as connection:
            rows = connection.execute(
                f"select {chosen} from ({sql}) as failing order by all limit 3"
            ).fetchall()
    except duckdb.Error:
        return ""
    shown = (", ".join(f"{c} {v}" for c, v in zip(columns, row, strict=True)) for row in rows)
    return ": " + " | ".join(shown)


def unknown_names(checks: Sequence[Check], accepted: Collection[str]) -> list[str]:
    """Accepted names that no check has."""
    return sorted(set(accepted) - {check.name for check in checks})


def stopping(checks: Sequence[Check], accepted: Collection[str]) -> tuple[Check, ...]:
    """The checks that stop publication: failed, of severity error, and not accepted."""
    return tuple(
        check
        for check in checks
        if not check.passed and check.severity == "error" and check.name not in accepted
    )


def first_cause(manifest: dict[str, Any], failed: Sequence[Check]) -> Check:
    """The failed check to be told: of the table nearest to the files, from which others follow.

    Of one table's, a check with words of its own says more than a generic one.

    Args:
        manifest: of dbt.
        failed: at least one check.
    """
    depths = _depths(manifest)
    by_name = {
        node["name"]: depths[unique_id]
        for unique_id, node in manifest["nodes"].items()
        if unique_id in depths
    }
    tests = {test_name(node) for node in data_tests(manifest).values()}

    def distance(check: Check) -> int:
        # An expectation looks at sums of everything: it is told when nothing else failed.
        table = check.target.split(".", 1)[0] if check.name in tests else ""
        return by_name.get(table, len(depths))

    return min(failed, key=lambda check: (distance(check), not check.fault, check.name))


def _depths(manifest: dict[str, Any]) -> dict[str, int]:
    """How many models, at most, lie between each and the files."""
    depths: dict[str, int] = {}

    def depth(unique_id: str) -> int:
        if unique_id not in depths:
            node = manifest["nodes"].get(unique_id, {})
            parents = node.get("depends_on", {}).get("nodes", [])
            depths[unique_id] = 1 + max((depth(parent) for parent in parents), default=0)
        return depths[unique_id]

    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] in {"model", "seed"}:
            depth(unique_id)
    return depths


def record(database: Path, checks: Sequence[Check], checked_at: datetime) -> None:
    """Write the checks into quality_results of the work database."""
    with connect(database) as connection:
        connection.execute("delete from main.quality_results")
        # Column by column in one statement: a statement for each of hundreds of rows took seconds.
        columns = [
            [c.name for c in checks],
            [c.target for c in checks],
            [c.severity for c in checks],
            [c.passed for c in checks],
            [c.observed for c in checks],
            [c.expected for c in checks],
            [checked_at for _ in checks],
        ]
        connection.execute(
            "insert into main.quality_results select " + ", ".join(["unnest(?)"] * len(columns)),
            columns,
        )
        connection.execute("checkpoint")


def fingerprint(database: Path) -> str:
    """The state of a closed DuckDB file.

    Its first three blocks hold a counter that every write raises and the hash of its root, so they
    tell any change without reading gigabytes. A write-ahead log beside it is a change not yet
    folded in.
    """
    if log_beside(database).exists():
        return "open"
    with database.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    return f"{hashlib.sha256(header).hexdigest()}-{database.stat().st_size}"


def seal(
    warehouse: Warehouse,
    *,
    run_id: str,
    dagster_run_id: str,
    checks: Sequence[Check],
    accepted: Sequence[str],
) -> None:
    """Write the token of a finished audit, whatever its outcome."""
    (warehouse.work / TOKEN).write_text(
        json.dumps(
            {
                "run_id": run_id,
                "dagster_run_id": dagster_run_id,
                "database": fingerprint(warehouse.work_database),
                "accepted": list(accepted),
                "checks": [asdict(check) for check in checks],
            },
            indent=1,
        ),
        encoding="utf-8",
    )


def verified(
    warehouse: Warehouse, *, run_id: str, dagster_run_id: str, expected: Collection[str]
) -> tuple[Check, ...]:
    """The checks of this very build, if it may be published.

    Args:
        warehouse: whose work database is to be published.
        run_id: of the build; dagster_run_id: of the Dagster run that asks.
        expected: names of the checks that must have been evaluated.

    Raises:
        ClienteleError: there is no audit of this build, the database changed after it, a check is
            missing, or one failed.
    """
    remedy = "run the whole refresh: make refresh, or the job `refresh` in Dagster"
    path = warehouse.work / TOKEN
    try:
        token = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ClienteleError(
            "nothing was published: there is no audit of this build", remedy=remedy
        ) from error
    if token["run_id"] != run_id or token["dagster_run_id"] != dagster_run_id:
        raise ClienteleError(
            "nothing was published: the audit is that of another run", remedy=remedy
        )
    if token["database"] != fingerprint(warehouse.work_database):
        raise ClienteleError(
            "nothing was published: the work database changed after its audit", remedy=remedy
        )
    checks = tuple(Check(**check) for check in token["checks"])
    missing = sorted(set(expected) - {check.name for check in checks})
    if missing:
        raise ClienteleError(
            f"nothing was published: the audit lacks {', '.join(missing)}", remedy=remedy
        )
    failed = stopping(checks, token["accepted"])
    if failed:
        raise ClienteleError(f"nothing was published: {failed[0].sentence}")
    return checks
