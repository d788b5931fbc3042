"""`clientele segment decide`: why a segment's definition is what it is, written down beside it.

A decision is a line of the seed segment_decisions: about a version of a definition, by a team, with
a reason, and with the experiment that it rests on, if there is one. The version is the one that dbt
computes for the catalogue, of the files as they are now.

Does not belong here: what the change looks like once it is published (the model
segment_definition_changes), or printing it (segment_report.py).
"""

from __future__ import annotations

import datetime as dt
import difflib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.contract import DEFAULT_SOURCE_SYSTEM
from orchestration.database import connect, tables
from orchestration.dbt_project import fault_in_words
from orchestration.errors import ClienteleError
from orchestration.segment_changes import (
    MAXIMUM_NAME_LENGTH,
    MAXIMUM_REASON_LENGTH,
    Plan,
    add_seed_rows,
    log_text,
)
from orchestration.segment_files import (
    DECISIONS_SEED,
    MEMBERS_SEED,
    PROJECT_FILE,
    Catalogue,
    joined,
    read_seed,
    shown,
)
from orchestration.unit_tests import run_dbt

DECISION_COLUMNS = (
    "segment_key",
    "definition_version",
    "decided_on",
    "decided_by",
    "source_system",
    "experiment_id",
    "reason",
)

_BUILD_CATALOGUE = (
    *("build", "--quiet", "--select", "+segment_catalogue"),
    *("--exclude-resource-type", "test", "unit_test"),
)


@dataclass(frozen=True)
class Decision:
    """What the caller says: who decided, why, and by which experiment; texts may be empty."""

    by: str
    reason: str
    experiment_id: str = ""
    source_system: str = ""


Experiment = tuple[str, str]
"""Source system and id."""


def decide_segment(
    catalogue: Catalogue,
    key: str,
    decision: Decision,
    *,
    today: dt.date,
    experiments: Sequence[Experiment],
    versions: Callable[[Catalogue], Mapping[str, str]],
) -> list[str]:
    """Write down why the definition of a segment is what its file says now.

    Args:
        catalogue: the files as they are.
        key: of a segment that is on, or of a member of an exclusive group that is.
        decision: what was decided.
        today: the business day.
        experiments: those of the release; none without a release.
        versions: the version of every segment that is on, by key; asked last, for it takes long.

    Returns:
        What was written, and what to do next, line by line.

    Raises:
        ClienteleError: there is no such segment, something is missing or cannot stand in a line, no
            release knows the experiment, or the version was decided on before.
    """
    _refuse_key(catalogue, key)
    by = log_text(decision.by, "--by", "name the role or team that decided", MAXIMUM_NAME_LENGTH)
    reason = log_text(decision.reason, "--reason", "say why", MAXIMUM_REASON_LENGTH)
    source_system, experiment_id = _experiment(decision, experiments)
    version = versions(catalogue).get(key)
    if version is None:
        raise ClienteleError(
            f"{key} is in no group that is on, so no refresh observes it",
            where=MEMBERS_SEED.as_posix(),
            remedy=f"switch its group or its variant on in {PROJECT_FILE} first",
        )
    before = read_seed(catalogue.project, DECISIONS_SEED)
    _refuse_second(before, key, version)
    row = (key, version, today.isoformat(), by, source_system, experiment_id, reason)
    plan = Plan(catalogue.project)
    add_seed_rows(plan, DECISIONS_SEED, DECISION_COLUMNS, [row])
    plan.apply(lambda: _verify(catalogue.project, before, row))
    return [
        f"noted    {DECISIONS_SEED.as_posix()}: {key}, version {version}, decided on "
        f"{today.isoformat()} by {by}",
        _rests_on(source_system, experiment_id, is_known=bool(experiments)),
        "",
        "Next: `clientele refresh`; segment_definition_changes and "
        f"`clientele segment show {key}` have it then.",
        "Another edit of the definition is another version, and wants a decision of its own.",
    ]


def catalogue_versions(
    catalogue: Catalogue, dbt_vars: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """The definition version of every segment that is on, as the next refresh will have it.

    The catalogue itself is built for it, in a temporary warehouse: the version has one home.

    Args:
        catalogue: the files of the project.
        dbt_vars: variables over those of the project, as a refresh would have them.

    Raises:
        ClienteleError: the project does not parse, or the catalogue cannot be built.
    """
    with tempfile.TemporaryDirectory(prefix="clientele-versions-") as folder:
        (Path(folder) / "work").mkdir()
        outcome = run_dbt(catalogue.project, Path(folder), _BUILD_CATALOGUE, dbt_vars)
        if outcome.returncode != 0:
            raise ClienteleError(fault_in_words(outcome.output))
        with connect(Path(folder) / "work" / "work.duckdb", read_only=True) as connection:
            rows = connection.execute(
                "select segment_key, definition_version from segment_catalogue"
            ).fetchall()
    return dict(rows)


def known_experiments(connection: duckdb.DuckDBPyConnection | None) -> list[Experiment]:
    """The experiments of a release; none without one, or from before there were any."""
    if connection is None or "experiment_results" not in tables(connection):
        return []
    rows = connection.execute(
        "select distinct source_system, experiment_id from experiment_results order by all"
    ).fetchall()
    return [(str(source_system), str(experiment_id)) for source_system, experiment_id in rows]


def _rests_on(source_system: str, experiment_id: str, *, is_known: bool) -> str:
    if not experiment_id:
        return "rests on no experiment"
    unknown = "" if is_known else ", which no release has yet: the next refresh says if it is known"
    return f"rests on experiment {experiment_id} of {source_system}{unknown}"


# What is refused ---------------------------------------------------------------------------------


def _refuse_key(catalogue: Catalogue, key: str) -> None:
    if key in catalogue.member_keys:
        return
    segment = catalogue.segment(key)
    if not segment.is_on:
        raise ClienteleError(
            f"{key} is off, so no refresh observes its definition",
            where=segment.path.as_posix(),
            remedy=f"move its line to vars.segments in {PROJECT_FILE} first",
        )


def _refuse_second(rows: Sequence[Mapping[str, str]], key: str, version: str) -> None:
    for row in rows:
        if (row.get("segment_key"), row.get("definition_version")) == (key, version):
            raise ClienteleError(
                f"version {version} of {key} was decided on before, on {row.get('decided_on')}",
                where=DECISIONS_SEED.as_posix(),
                remedy="correct that line, or say in a comment above its select what is new, "
                "which makes it a version of its own",
            )


def _experiment(decision: Decision, known: Sequence[Experiment]) -> Experiment:
    """The source system and the id of the experiment; both empty without one."""
    if not decision.experiment_id:
        if decision.source_system:
            raise ClienteleError(
                "a source system is that of an experiment, and none is named",
                where="--source-system",
                remedy="give --experiment too, or leave it away",
            )
        return "", ""
    experiment_id = log_text(
        decision.experiment_id, "--experiment", "leave it away", MAXIMUM_NAME_LENGTH
    )
    source_system = decision.source_system.strip()
    if source_system:
        log_text(source_system, "--source-system", "leave it away", MAXIMUM_NAME_LENGTH)
    if not known:
        return source_system or DEFAULT_SOURCE_SYSTEM, experiment_id
    sources = sorted(system for system, identifier in known if identifier == experiment_id)
    if not sources:
        close = difflib.get_close_matches(
            experiment_id, sorted({identifier for _, identifier in known}), n=3
        )
        raise ClienteleError(
            f"the release has no experiment {shown(experiment_id)}",
            where="--experiment",
            remedy=f"did you mean {' or '.join(close)}?"
            if close
            else "experiment_results names them; one that landed since wants a refresh first",
        )
    if source_system and source_system not in sources:
        raise ClienteleError(
            f"the experiment {experiment_id} is not of {shown(source_system)}",
            where="--source-system",
            remedy=f"give {' or '.join(sources)}",
        )
    if not source_system and len(sources) > 1:
        raise ClienteleError(
            f"{joined(sources)} each have an experiment {experiment_id}",
            where="--experiment",
            remedy="say which by --source-system",
        )
    return source_system or sources[0], experiment_id


def _verify(project: Path, before: Sequence[Mapping[str, str]], row: Sequence[str]) -> None:
    """See to it that the seed reads as before, and then the new line."""
    found = read_seed(project, DECISIONS_SEED)
    added = [tuple(line.get(name) for name in DECISION_COLUMNS) for line in found[len(before) :]]
    if found[: len(before)] != before or added != [tuple(row)]:
        raise ClienteleError(
            "the line cannot be added safely, and nothing was changed",
            where=DECISIONS_SEED.as_posix(),
            remedy="see that every quote in it is closed",
        )
