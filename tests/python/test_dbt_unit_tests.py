"""Runs dbt's unit tests, models/**/_unit_tests.yml, and sees to it that every one of them ran.

dbt reports success when a selection is empty, and leaves out the unit tests of a disabled model
without a word; so the tests are counted here. Does not belong here: how they are run (the module of
the project does that), and what the models should say, which stands in the YAML beside them.
"""

from __future__ import annotations

import pytest
from contracts import everything_on
from parses import Parses
from pipeline import PROJECT

from orchestration.unit_tests import Outcome, defined_unit_tests, run_unit_tests

FEWEST_UNIT_TESTS = 20
"""A guard against a folder or a naming rule that no longer leads to the files."""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, parses: Parses) -> Outcome:
    """Of `dbt test` for all unit tests, after the models they read were made without rows."""
    warehouse = tmp_path_factory.mktemp("unit-tests")
    models = defined_unit_tests(PROJECT).values()
    # Those of segments that are off too: a definition that waits must not rot.
    variables = everything_on()
    parses.lend(warehouse / "dbt", PROJECT, warehouse, variables)
    made, tested = run_unit_tests(PROJECT, warehouse, models, variables)
    parses.keep(warehouse / "dbt", variables)
    assert made.returncode == 0, made.output[-5000:]
    return tested


def test_every_unit_test_passes(outcome: Outcome) -> None:
    failed = {
        unique_id: outcome.message[unique_id]
        for unique_id, status in outcome.status.items()
        if status != "pass"
    }
    assert failed == {}
    assert outcome.returncode == 0, outcome.output[-5000:]


def test_every_unit_test_that_is_defined_has_run(outcome: Outcome) -> None:
    defined = defined_unit_tests(PROJECT)
    assert len(defined) > FEWEST_UNIT_TESTS
    assert set(outcome.status) == {f"unit_test.clientele.{name}" for name in defined}
