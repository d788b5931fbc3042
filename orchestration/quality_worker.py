"""A process that evaluates the expectations of quality.py, with Great Expectations imported early.

Does not belong here: what is expected (quality.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from orchestration.audit import Check
from orchestration.database import connect
from orchestration.errors import ClienteleError
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from orchestration.worker import Worker, serve


class QualityWorker(Worker):
    """The parent's side.

    Args:
        settings: of the warehouse whose work database is looked at.
    """

    def __init__(self, settings: Settings) -> None:
        environment = {**os.environ, "GX_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
        super().__init__("orchestration.quality_worker", str(settings.warehouse), environment)

    def begin(self, models: Iterable[str]) -> None:
        """Let it evaluate; the work database must not be written until it has an outcome.

        Args:
            models: that the project has; suites of others are left out.
        """
        self.send(sorted(models))

    def outcome(self) -> tuple[Check, ...]:
        """Every expectation's outcome, after `begin`.

        Raises:
            ClienteleError: the process ended without one.
        """
        for reply in self.replies():
            self.join()
            return tuple(Check(**check) for check in reply["checks"])
        raise ClienteleError("nothing was published: the expectations could not be evaluated")


def work(
    folder: str, request: Callable[[], Any], reply: Callable[[Mapping[str, Any]], None]
) -> None:
    """Import, wait, evaluate."""
    import great_expectations  # noqa: F401

    from orchestration import quality

    warehouse = Warehouse(Path(folder))
    models = frozenset(request())
    with connect(warehouse.work_database, read_only=True) as connection:
        previous = warehouse.current_release()
        checks = quality.evaluate(
            quality.Build(
                connection=connection,
                previous=previous,
                previous_marts=warehouse.current.resolve() / "marts" if previous else None,
                row_counts=quality.row_counts(connection),
            ),
            quality.suites_of(models),
        )
    reply({"checks": [asdict(check) for check in checks]})


if __name__ == "__main__":
    serve(work)
