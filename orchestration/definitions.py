"""The assets, jobs and schedules of any warehouse: refresh, review, and replayed days.

Does not belong here: what a step does (assets.py, build.py), and which warehouse (location.py).
"""

from collections.abc import Sequence

import dagster as dg

from orchestration.assets import Workers, build_assets
from orchestration.contract import load_contract
from orchestration.dbt_project import prepare_manifest
from orchestration.errors import ClienteleError
from orchestration.mapping import load_mapping
from orchestration.replay_assets import REPLAY_KEY, build_replay
from orchestration.review_assets import REVIEWS, review_definitions
from orchestration.settings import Settings

JOB = "refresh"
DAILY_AT = "0 6 * * *"
"""Six in the morning of the business: after the night's exports, before anyone looks."""


def build_definitions(settings: Settings, workers: Workers | None = None) -> dg.Definitions:
    """The code location of a warehouse.

    Args:
        settings: of the warehouse; its dbt project is parsed if it has changed.
        workers: where a dbt worker may wait already.
    """
    refresh = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all()
        - dg.AssetSelection.assets(REPLAY_KEY)
        - dg.AssetSelection.groups(REVIEWS),
        description="Land, build, audit and publish: one gated refresh.",
        # One process: the steps share the work database and the lock, and start-up is paid once.
        executor_def=dg.in_process_executor,
        # A retry from the failed step would publish on top of a work database of unknown state.
        tags={"dagster/retry_strategy": "ALL_STEPS"},
    )

    @dg.schedule(
        job=refresh,
        cron_schedule=DAILY_AT,
        execution_timezone=_time_zone(settings),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every morning in the business time zone; as_of is the scheduled time.",
    )
    def daily_refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        scheduled = context.scheduled_execution_time
        return dg.RunRequest(
            run_key=scheduled.isoformat(),
            run_config=run_config(as_of=scheduled.isoformat()),
        )

    manifest_path = prepare_manifest(settings)
    refreshing = dg.Definitions(
        assets=[
            *build_assets(settings, manifest_path, workers),
            build_replay(settings, manifest_path, _time_zone(settings)),
        ],
        jobs=[refresh],
        schedules=[daily_refresh],
    )
    return dg.Definitions.merge(refreshing, review_definitions(settings, _time_zone(settings)))


def run_config(
    *,
    as_of: str = "",
    accept: Sequence[str] = (),
    retract: Sequence[str] = (),
    retry: Sequence[str] = (),
    reason: str = "",
) -> dict[str, object]:
    """Run configuration of the job `refresh`; the values are those of `assets.RefreshConfig`."""
    config = {
        "as_of": as_of,
        "accept": list(accept),
        "retract": list(retract),
        "retry": list(retry),
        "reason": reason,
    }
    return {"ops": {"landing": {"config": config}}}


def _time_zone(settings: Settings) -> str:
    try:
        return load_mapping(settings.mapping_path, load_contract()).business_time_zone
    except ClienteleError:
        # A wrong mapping is told by the refresh, in full; the web page must come up all the same.
        return "UTC"
