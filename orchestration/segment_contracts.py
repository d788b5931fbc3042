"""Runs the contracts of segments and says which hold.

A contract is a dbt unit test beside the segment: who must be in, who must be out, and the edges.
Segments that are off are tested too: a definition that waits must not rot.

Does not belong here: how dbt's unit tests are run (unit_tests.py), or the contracts themselves.
"""

from __future__ import annotations

import re
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.dbt_project import fault_in_words
from orchestration.errors import ClienteleError
from orchestration.segment_files import Catalogue, Contract, Segment
from orchestration.unit_tests import Outcome, run_unit_tests

_DIFFERENCE = re.compile(r"(?P<heading>^actual differs from expected:|^@@.*$)", re.M)
_WIDTH = 90
_FAULT_LINES = 4
_MARKS = {
    "actual differs from expected:": "the members differ:",
    "@@ ,": "",
    "---,": "expected, and not in it",
    "+++,": "in it, and not expected",
}


@dataclass(frozen=True)
class ContractResult:
    """The outcome of one contract.

    Attributes:
        segment: whose contract it is; contract: None where the segment has none.
        passed: whether it holds.
        difference: the rows that differ, or why it could not run; empty when it holds.
    """

    segment: Segment
    contract: Contract | None
    passed: bool
    difference: str = ""


# With these no file is disabled. Those that were off are in no list: they are tested, and no table
# of members reads them.
EVERY_FILE_ENABLED: Mapping[str, Any] = {"segments_off": [], "segment_groups_off": []}


def run_contracts(
    catalogue: Catalogue,
    keys: Sequence[str] = (),
    *,
    dbt_vars: Mapping[str, Any] | None = None,
) -> tuple[ContractResult, ...]:
    """Run the contracts of some segments, or of all.

    Args:
        catalogue: the files of the project.
        keys: of segments; all when there are none.
        dbt_vars: variables over those of the project.

    Raises:
        ClienteleError: a segment does not exist, or the project does not build without rows.
    """
    chosen = [catalogue.segment(key) for key in dict.fromkeys(keys)] or list(catalogue.segments)
    tested = [segment for segment in chosen if segment.contracts]
    outcome = None
    if tested:
        models = [segment.model for segment in tested]
        with tempfile.TemporaryDirectory(prefix="clientele-contracts-") as folder:
            made, outcome = run_unit_tests(
                catalogue.project,
                Path(folder),
                models,
                {**(dbt_vars or {}), **EVERY_FILE_ENABLED},
                select=models,
            )
        if made.returncode != 0:
            raise ClienteleError(fault_in_words(made.output))
        if not outcome.status:
            raise ClienteleError(fault_in_words(outcome.output))
    return tuple(result for segment in chosen for result in _results(segment, outcome))


def _results(segment: Segment, outcome: Outcome | None) -> list[ContractResult]:
    if not segment.contracts or outcome is None:
        return [ContractResult(segment, None, False)]
    results = []
    for contract in segment.contracts:
        unique_id = f"unit_test.clientele.{segment.model}.{contract.name}"
        status = outcome.status.get(unique_id)
        message = "dbt did not run it" if status is None else outcome.message[unique_id]
        passed = status == "pass"
        results.append(
            ContractResult(segment, contract, passed, "" if passed else difference(message))
        )
    return results


def difference(message: str) -> str:
    """The part of dbt's message that shows the rows, or the fault, without its frame."""
    found = _DIFFERENCE.search(message)
    lines = message[found.start() if found else 0 :].splitlines()
    kept = [line.rstrip() for line in lines if line.strip() and line.strip() != "[0m"]
    if found is None:
        # Why it did not run; of an unknown column dbt lists hundreds that are known.
        words = " ".join(line.strip() for line in kept)
        return "\n".join(textwrap.wrap(words, _WIDTH)[:_FAULT_LINES])
    return "\n".join(_in_words(line) for line in kept)


def _in_words(line: str) -> str:
    for mark, words in _MARKS.items():
        if line.startswith(mark):
            return f"{words:<24}{line[len(mark) :]}"
    return line


def contracts_text(results: Sequence[ContractResult]) -> str:
    """What the command prints: a line per contract, the rows that differ, and the counts."""
    lines = []
    for result in results:
        if result.contract is None:
            lines.append(f"NONE    {result.segment.key}")
            lines.append(
                f"        it has no contract; write one in "
                f"{(result.segment.path.parent / '_contracts.yml').as_posix()}"
            )
            continue
        mark = "passed" if result.passed else "FAILED"
        lines.append(f"{mark}  {result.segment.key}: {result.contract.name}")
        if result.contract.is_skeleton:
            place = f"{result.contract.path.as_posix()}:{result.contract.first + 1}"
            lines.append(f"        nobody has filled it in yet: write its rows in {place}")
        elif not result.passed:
            lines += [f"        {line}" for line in result.difference.splitlines()]
    ran = [result for result in results if result.contract is not None]
    passed = sum(result.passed for result in ran)
    lacking = len(results) - len(ran)
    lines += [
        "",
        f"{len(ran)} contract{'s' * (len(ran) != 1)} ran: {passed} passed, "
        f"{len(ran) - passed} failed"
        + (f"; {lacking} segment{'s' * (lacking != 1)} without a contract" if lacking else "")
        + ".",
    ]
    return "\n".join(lines)
