"""Instants and business days: which instants a run computes.

Pure; everything here is a function of its arguments. An instant is a naive datetime in UTC, as in
the warehouse. Does not belong here: reading the clock, files or the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from orchestration.errors import ClienteleError

BACKFILLED_MONTH_ENDS = 24
"""How many month ends before the first refresh are filled in at most."""


@dataclass(frozen=True)
class Observation:
    """A segment model whose membership is observed at an instant.

    Attributes:
        segment_model: seg_<name> or grp_<name>.
        as_of: instant, naive UTC.
        basis: published or backfilled.
    """

    segment_model: str
    as_of: datetime
    basis: str


def business_date(instant: datetime, time_zone: str) -> date:
    """The date of a naive UTC instant in a time zone."""
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(time_zone)).date()


def local_to_utc(local: datetime, time_zone: str) -> datetime:
    """A naive local time as a naive UTC instant.

    A local time that occurs twice is the first of the two; one that does not occur is read with the
    offset before the change (definitions.md): both are what fold=0 means.
    """
    return local.replace(tzinfo=ZoneInfo(time_zone), fold=0).astimezone(UTC).replace(tzinfo=None)


def end_of_business_day(day: date, time_zone: str) -> datetime:
    """The last microsecond of a business day: the instant before the next day begins."""
    next_day = datetime.combine(day + timedelta(days=1), time.min)
    return local_to_utc(next_day, time_zone) - timedelta(microseconds=1)


def parse_as_of(text: str, time_zone: str) -> datetime:
    """CLIENTELE_AS_OF as an instant.

    A date means the last microsecond of that business day; a time without an offset is local.

    Raises:
        ClienteleError: the text is neither an ISO date nor an ISO timestamp.
    """
    text = text.strip()
    try:
        if len(text) == len("2026-01-31"):
            return end_of_business_day(date.fromisoformat(text), time_zone)
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ClienteleError(
            "it is neither an ISO date nor an ISO timestamp",
            where="CLIENTELE_AS_OF",
            remedy="write for example 2026-01-31 or 2026-01-31T06:00:00+01:00",
        ) from error
    if instant.tzinfo is None:
        return local_to_utc(instant, time_zone)
    return instant.astimezone(UTC).replace(tzinfo=None)


def default_as_of(
    last_ordered_at: datetime, loaded_at: datetime, previous: datetime | None, time_zone: str
) -> datetime:
    """The end of the last business day of the accepted orders, never later than the load.

    It does not go back behind the release before either: a slow day without orders is not an error.
    """
    end = end_of_business_day(business_date(last_ordered_at, time_zone), time_zone)
    as_of = min(end, loaded_at)
    return as_of if previous is None else max(as_of, previous)


def month_ends_before(
    as_of: datetime, first_ordered_at: datetime, time_zone: str
) -> tuple[datetime, ...]:
    """The ends of the business months of the data before `as_of`, the latest 24 at most, rising."""
    first = business_date(first_ordered_at, time_zone)
    ends: list[datetime] = []
    year, month = first.year, first.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        end = end_of_business_day(date(year, month, 1) - timedelta(days=1), time_zone)
        if end >= as_of:
            return tuple(ends[-BACKFILLED_MONTH_ENDS:])
        ends.append(end)


def plan_observations(
    *,
    segment_models: Sequence[str],
    observed_models: Sequence[str],
    as_of: datetime,
    month_ends: Sequence[datetime],
) -> tuple[Observation, ...]:
    """Which segment models this run observes, and when.

    Every model is observed at `as_of`. One that was never observed before (every one of them in the
    first refresh) is observed at the month ends before it too, once.
    """
    known = set(observed_models)
    return tuple(
        Observation(model, instant, basis)
        for model in segment_models
        for instant, basis in (
            *((end, "backfilled") for end in month_ends if model not in known),
            (as_of, "published"),
        )
    )


EVERY = ("day", "week", "month")
"""What a replay may step by."""


def replay_instants(
    first: date, last: date, every: str, as_of: datetime, time_zone: str
) -> tuple[datetime, ...]:
    """The instants of a replay: ends of business days, rising, none after `as_of`.

    Every day, every seventh from the first on, or the last day of every month; the day of `as_of`
    itself ends at `as_of`.

    Args:
        first: first business day that may be replayed.
        last: last one.
        every: day, week or month.
        as_of: of the current release, naive UTC.
        time_zone: of the business.
    """
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    chosen = [
        day
        for day in days
        if every == "day"
        or (every == "week" and (day - first).days % 7 == 0)
        or (every == "month" and (day + timedelta(days=1)).day == 1)
    ]
    today = business_date(as_of, time_zone)
    return tuple(min(end_of_business_day(day, time_zone), as_of) for day in chosen if day <= today)
