"""The quarterly review in Dagster: one asset, its job and its schedule.

Does not belong here: what a review says (review.py).
"""

import dagster as dg

from orchestration.errors import ClienteleError
from orchestration.review import write_review
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

REVIEW_KEY = dg.AssetKey(["reviews", "quarterly"])
JOB = "quarterly_review"
QUARTERLY_AT = "0 7 1 1,4,7,10 *"
"""Seven in the morning of a quarter's first day, after the daily refresh has closed the quarter."""


def build_review(settings: Settings) -> dg.AssetsDefinition:
    """The review of whatever release is current when it is asked for."""

    @dg.asset(
        key=REVIEW_KEY,
        group_name="reviews",
        description="What to adjust, merge, split or retire, targets met or not, and a budget.",
    )
    def quarterly_review(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        try:
            written = write_review(Warehouse(settings.warehouse))
        except ClienteleError as error:
            raise dg.Failure(description=error.sentence, allow_retries=False) from error
        context.log.info(f"review written to {written.page}")
        return dg.MaterializeResult(
            metadata={
                "page": dg.MetadataValue.path(str(written.page)),
                **{f"to {name}": count for name, count in written.suggestions.items()},
            }
        )

    return quarterly_review


def review_definitions(settings: Settings, time_zone: str) -> dg.Definitions:
    """The asset of the review, the job that writes it, and its schedule.

    Args:
        settings: of the warehouse.
        time_zone: of the business, in which quarters begin.
    """
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(REVIEW_KEY),
        description="Write the review of the current release.",
        executor_def=dg.in_process_executor,
    )
    schedule = dg.ScheduleDefinition(
        name="every_quarter",
        job=job,
        cron_schedule=QUARTERLY_AT,
        execution_timezone=time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="The first morning of a quarter, in the business time zone.",
    )
    return dg.Definitions(assets=[build_review(settings)], jobs=[job], schedules=[schedule])
