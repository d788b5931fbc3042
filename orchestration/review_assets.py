"""The reviews in Dagster: an asset, a job and a schedule for each quarter and for each year.

Does not belong here: what a review says (review.py, annual_review.py).
"""

import dagster as dg

from orchestration.annual_review import write_annual_review
from orchestration.assets import as_failure
from orchestration.errors import ClienteleError
from orchestration.review import write_review
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse

REVIEWS = "reviews"
"""The group of these assets, which no refresh makes."""

REVIEW_KEY = dg.AssetKey(["reviews", "quarterly"])
JOB = "quarterly_review"
QUARTERLY_AT = "0 7 1 1,4,7,10 *"
"""Seven in the morning of a quarter's first day, after the daily refresh has closed the quarter."""

ANNUAL_KEY = dg.AssetKey(["reviews", "annual"])
ANNUAL_JOB = "annual_review"
ANNUALLY_AT = "30 7 1 1 *"
"""After the review of its last quarter."""


def build_review(settings: Settings) -> dg.AssetsDefinition:
    """The review of whatever release is current when it is asked for."""

    @dg.asset(
        key=REVIEW_KEY,
        group_name=REVIEWS,
        description="What to adjust, merge, split or retire, targets met or not, and a budget.",
    )
    def quarterly_review(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        try:
            written = write_review(Warehouse(settings.warehouse))
        except ClienteleError as error:
            raise as_failure(error) from error
        context.log.info(f"review written to {written.page}")
        return dg.MaterializeResult(
            metadata={
                "page": dg.MetadataValue.path(str(written.page)),
                **{f"to {name}": count for name, count in written.suggestions.items()},
            }
        )

    return quarterly_review


def build_annual_review(settings: Settings) -> dg.AssetsDefinition:
    """The review of the last year that has closed in the release that is current."""

    @dg.asset(
        key=ANNUAL_KEY,
        group_name=REVIEWS,
        description="Whether segments serve the goals of the business, for somebody to sign.",
    )
    def annual_review(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        try:
            review, page = write_annual_review(Warehouse(settings.warehouse))
        except ClienteleError as error:
            raise as_failure(error) from error
        context.log.info(f"review written to {page}; sign it with `clientele review sign-off`")
        return dg.MaterializeResult(
            metadata={"page": dg.MetadataValue.path(str(page)), "year": review.year}
        )

    return annual_review


def review_definitions(settings: Settings, time_zone: str) -> dg.Definitions:
    """The assets of the reviews, the jobs that write them, and their schedules.

    Args:
        settings: of the warehouse.
        time_zone: of the business, in which quarters begin.
    """
    quarterly = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(REVIEW_KEY),
        description="Write the review of the current release.",
        executor_def=dg.in_process_executor,
    )
    annual = dg.define_asset_job(
        ANNUAL_JOB,
        selection=dg.AssetSelection.assets(ANNUAL_KEY),
        description="Write the review of the last year that has closed.",
        executor_def=dg.in_process_executor,
    )
    schedules = [
        dg.ScheduleDefinition(
            name=name,
            job=job,
            cron_schedule=cron,
            execution_timezone=time_zone,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=description,
        )
        for name, job, cron, description in (
            (
                "every_quarter",
                quarterly,
                QUARTERLY_AT,
                "The first morning of a quarter, in the business time zone.",
            ),
            (
                "every_year",
                annual,
                ANNUALLY_AT,
                "The first morning of a year, in the business time zone.",
            ),
        )
    ]
    return dg.Definitions(
        assets=[build_review(settings), build_annual_review(settings)],
        jobs=[quarterly, annual],
        schedules=schedules,
    )
