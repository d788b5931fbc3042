"""A dbt process that is ready when its work is: it imports dbt and loads the parsed project early.

That takes longer than all else before the first query, so it is done while the landing folder is
read. Does not belong here: what a command is and what its results mean (assets.py, dbt_project.py).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.database import connect, log_beside
from orchestration.dbt_project import (
    RUN_RESULTS,
    dbt_arguments,
    dbt_environment,
    fault_in_words,
)
from orchestration.errors import ClienteleError
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.worker import Worker, serve

_FLAGS = (
    "--no-use-colors",
    "--log-level",
    "none",
    # A log file makes dbt put every event in words to leave nearly all out; `_note` has the rest.
    "--log-level-file",
    "none",
    "--no-version-check",
    # Of what dbt writes about a run only its results are read, and `work` writes them: the
    # manifest, the graph and their summaries took two seconds of every refresh.
    "--no-write-json",
)


@dataclass(frozen=True)
class NodeFinished:
    """A node that dbt has finished, with dbt's id and status."""

    unique_id: str
    status: str


class DbtWorker(Worker):
    """The parent's side of a dbt process.

    Args:
        settings: of the warehouse whose project it loads.
    """

    def __init__(self, settings: Settings) -> None:
        target = str(settings.dbt_target_path)
        options = [
            *dbt_arguments(settings),
            *("--target-path", target),
            *("--log-path", f"{target}/logs"),
        ]
        super().__init__("orchestration.dbt_worker", options, dbt_environment(settings))

    def run(self, command: Sequence[str]) -> Iterator[NodeFinished]:
        """Run a dbt command and yield its nodes as they finish.

        Raises:
            ClienteleError: the project does not parse, or dbt stopped before it had results. A node
                that fails is no error here: its status says so.
        """
        self.send(list(command))
        for reply in self.replies():
            if "node" in reply:
                yield NodeFinished(reply["node"], reply["status"])
                continue
            # The work database is free for others once the process has ended.
            self.join()
            if reply["fault"]:
                raise ClienteleError(f"nothing was published: {fault_in_words(reply['fault'])}")
            return
        raise ClienteleError("nothing was published: dbt was stopped from outside")


def work(
    options: list[str], request: Callable[[], Any], reply: Callable[[Mapping[str, Any]], None]
) -> None:
    """Parse, wait for the one command, run it."""
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    target, log = (
        Path(options[options.index(name) + 1]) for name in ("--target-path", "--log-path")
    )

    def noted(event: Any) -> None:
        if event.info.level in {"warn", "error"}:
            _note(log / "dbt.log", event.info)

    parsed = dbtRunner(callbacks=[noted]).invoke([*_FLAGS, "parse", *options])
    command = request()
    if not parsed.success or not isinstance(parsed.result, Manifest):
        reply({"fault": str(parsed.exception or "the project does not parse")})
        return

    def finished(event: Any) -> None:
        if event.info.name == "NodeFinished":
            info = event.data.node_info
            reply({"node": info.unique_id, "status": info.node_status})

    outcome = dbtRunner(manifest=parsed.result, callbacks=[noted, finished]).invoke(
        [*_FLAGS, *command, *options]
    )
    if isinstance(outcome.result, RunExecutionResult):
        outcome.result.write(str(target / RUN_RESULTS))
    _fold_in_the_log()
    reply({"fault": str(outcome.exception or "")})


def _note(log: Path, said: Any) -> None:
    """Keep what dbt warned of or failed at."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as lines:
        lines.write(f"{said.ts.ToJsonString()} [{said.level}] {said.msg}\n")


def _fold_in_the_log() -> None:
    """Write what dbt made into the database file.

    This process ends without closing DuckDB, and leaves it as a log of everything that was built,
    which each process that opens the file afterwards would read through first.
    """
    database = Warehouse(Path(os.environ["CLIENTELE_WAREHOUSE"])).work_database
    if log_beside(database).exists():
        # The instance that dbt has open in this process. A log that stays harms nobody.
        with contextlib.suppress(duckdb.Error), connect(database) as connection:
            connection.execute("checkpoint")


if __name__ == "__main__":
    serve(work)
