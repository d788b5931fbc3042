"""The time machine in Dagster's web page: business days as partitions, replayed on demand.

Pick days, materialize: a range of them is one run, and one pass of SQL. Does not belong here: what
a replay is (replay.py), and the refresh, of which it is no part (assets.py).
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

import dagster as dg

from orchestration.assets import POOL, as_failure
from orchestration.clock import business_date
from orchestration.errors import ClienteleError
from orchestration.progress import say
from orchestration.replay import AS_KNOWN, AS_OCCURRED, Request, replay
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

REPLAY_KEY = dg.AssetKey(["replays", "days"])
_FIRST_DAY = "2020-01-01"
"""Where there is no release yet, and so nothing to replay."""


class ReplayConfig(dg.Config):
    """How days are replayed.

    Attributes:
        as_known: with what the release of each day had; else over all facts known today.
    """

    as_known: bool = False


def build_replay(settings: Settings, manifest_path: Path, time_zone: str) -> dg.AssetsDefinition:
    """The asset of replayed days of a warehouse.

    Args:
        settings: of the warehouse.
        manifest_path: dbt manifest parsed for it.
        time_zone: of the business, in which days end.
    """

    @dg.asset(
        key=REPLAY_KEY,
        group_name="replays",
        pool=POOL,
        partitions_def=dg.DailyPartitionsDefinition(
            start_date=_first_day(settings), timezone=time_zone
        ),
        # Days that stand together are one pass of SQL, and not a run each.
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def days(context: dg.AssetExecutionContext, config: ReplayConfig) -> dg.MaterializeResult[None]:
        """Earlier days once more, beside the published history and never in its place."""

        def tell(text: str) -> None:
            context.log.info(text)
            say(text)

        folders = []
        rows: dict[str, int] = {}
        basis = AS_KNOWN if config.as_known else AS_OCCURRED
        try:
            for first, last in stretches(map(date.fromisoformat, context.partition_keys)):
                request = Request(first, last, "day", basis)
                done = replay(settings, request, manifest_path=manifest_path, progress=tell)
                folders.append(str(done.folder))
                for name, count in done.row_counts.items():
                    rows[name] = rows.get(name, 0) + count
        except ClienteleError as error:
            raise as_failure(error) from error
        return dg.MaterializeResult(
            metadata={
                "basis": basis,
                "folders": folders,
                **{f"rows {name}": count for name, count in rows.items()},
            }
        )

    return days


def stretches(days: Iterable[date]) -> list[tuple[date, date]]:
    """The first and last of each stretch of days that follow one another."""
    found: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if found and found[-1][1] + timedelta(days=1) == day:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def _first_day(settings: Settings) -> str:
    try:
        release = Warehouse(settings.warehouse).current_release()
    except ClienteleError:
        release = None  # told by whoever needs it; the web page must come up all the same
    if release is None:
        return _FIRST_DAY
    firsts = [
        file.first_event_at
        for file in release.files
        if file.entity in {"orders", "order_lines"} and file.first_event_at
    ]
    if not firsts:
        return _FIRST_DAY
    first = datetime.fromisoformat(min(firsts))
    return business_date(first, release.business_time_zone).isoformat()
