"""Dagster's record of runs: ours writes what Dagster's reads, and a damaged one is put aside."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from orchestration.cli import prepare_dagster_home
from orchestration.run_storage import OpenEventLogStorage, open_instance
from orchestration.settings import settings_from_environment


@dg.op
def hello() -> int:
    return 1


@dg.job
def greeting() -> None:
    hello()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings = settings_from_environment({"CLIENTELE_WAREHOUSE": str(tmp_path / "warehouse")})
    prepare_dagster_home(settings)
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    return settings.dagster_home


def run_once() -> str:
    with open_instance() as instance:
        assert isinstance(instance.event_log_storage, OpenEventLogStorage)
        result = greeting.execute_in_process(instance=instance)
        assert result.success
        return result.run_id


def test_events_are_where_dagster_looks_for_them(home: Path) -> None:
    runs = [run_once() for _ in range(6)]  # more than are kept open
    with open_instance() as instance:
        ours = {run: instance.event_log_storage.get_logs_for_run(run) for run in runs}
        assert {record.run_id for record in instance.get_runs()} == set(runs)
    dagsters = SqliteEventLogStorage(str(home / "history" / "runs"))
    try:
        for run, events in ours.items():
            assert len(events) > 10
            assert dagsters.get_logs_for_run(run) == events
    finally:
        dagsters.dispose()


@pytest.mark.parametrize("damaged", ["history/runs.db", "history/runs/index.db"])
def test_a_damaged_record_is_put_aside_and_a_new_one_begun(home: Path, damaged: str) -> None:
    lost = run_once()
    database = home / damaged
    assert database.exists()
    rubbish = b"no database " * 1000
    database.write_bytes(rubbish)
    for journal in database.parent.glob(f"{database.name}-*"):
        journal.unlink()
    new = run_once()
    with open_instance() as instance:
        assert [record.run_id for record in instance.get_runs()] == [new] != [lost]
    (aside,) = home.glob("history.damaged-*")
    assert (aside / Path(damaged).relative_to("history")).read_bytes() == rubbish
