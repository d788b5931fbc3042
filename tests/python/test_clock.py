"""Which instants a refresh looks at: ends of months and days where calendars and clocks are odd."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from orchestration import clock

LAST = "23:59:59.999999"


def test_month_ends_know_leap_days_and_clock_changes() -> None:
    found = clock.month_ends_before(
        datetime(2024, 5, 31, 12), datetime(2023, 12, 31, 12), "Europe/Amsterdam"
    )
    # In UTC: an hour before midnight in winter, two in summer; May has not ended.
    assert [str(end) for end in found] == [
        "2023-12-31 22:59:59.999999",
        "2024-01-31 22:59:59.999999",
        "2024-02-29 22:59:59.999999",
        "2024-03-31 21:59:59.999999",
        "2024-04-30 21:59:59.999999",
    ]
    (february,) = clock.month_ends_before(datetime(2023, 3, 1), datetime(2023, 2, 1), "UTC")
    assert str(february) == f"2023-02-28 {LAST}"


def test_an_end_that_is_the_as_of_itself_is_not_before_it() -> None:
    end = datetime.fromisoformat(f"2024-02-29 {LAST}")
    assert clock.month_ends_before(end, datetime(2024, 2, 1), "UTC") == ()
    assert clock.month_ends_before(datetime(2024, 3, 1), datetime(2024, 2, 1), "UTC") == (end,)


def test_at_most_24_month_ends_are_looked_at() -> None:
    found = clock.month_ends_before(datetime(2024, 3, 1), datetime(2010, 1, 1), "UTC")
    assert len(found) == 24
    assert (found[0].date(), found[-1].date()) == (date(2022, 3, 31), date(2024, 2, 29))


@pytest.mark.parametrize(
    ("last", "loaded", "previous", "expected"),
    [
        # The end of the day of the last order, in business time.
        ("2024-02-29 22:30", "2024-03-05 09:00", None, f"2024-02-29 22:{LAST[3:]}"),
        ("2024-02-29 23:30", "2024-03-05 09:00", None, f"2024-03-01 22:{LAST[3:]}"),
        # Orders dated after the load are kept and wait: the as_of never runs ahead of the clock.
        ("2024-03-06 08:00", "2024-03-05 09:00", None, "2024-03-05 09:00"),
        # It never goes back behind the release.
        ("2024-02-29 12:00", "2024-03-05 09:00", "2024-03-04 12:00", "2024-03-04 12:00"),
    ],
)
def test_the_as_of_is_the_end_of_the_last_day_of_orders(
    last: str, loaded: str, previous: str | None, expected: str
) -> None:
    found = clock.default_as_of(
        datetime.fromisoformat(last),
        datetime.fromisoformat(loaded),
        datetime.fromisoformat(previous) if previous else None,
        "Europe/Amsterdam",
    )
    assert found == datetime.fromisoformat(expected)
