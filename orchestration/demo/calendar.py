"""Trading days, opening hours, coupon campaigns and the two days on which clocks change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from orchestration.demo.chance import Draws

DAY: Final = 24 * 3600

HOUR: Final = 3600

SATURDAY: Final = 5

_SUNDAY: Final = 6


@dataclass(frozen=True)
class Campaign:
    """A coupon that everyone may use for some days of every year; 0 percent means free shipping."""

    code: str
    month: int
    day: int
    days: int
    percent: int


CAMPAIGNS: Final = (
    Campaign("NEWYEAR10", 1, 8, 14, 10),
    Campaign("SPRING15", 3, 15, 14, 15),
    Campaign("FREESHIP", 5, 10, 7, 0),
    Campaign("SUMMER10", 7, 1, 14, 10),
    Campaign("HARVEST15", 9, 20, 10, 15),
    Campaign("BLACKBEAN20", 11, 24, 7, 20),
)

WELCOME: Final = Campaign("WELCOME10", 1, 1, 366, 10)

_CLOSED_ON: Final = ((12, 25), (12, 26), (1, 1))

# How busy the shop is by month, in percent: a summer dip and a December peak.
SEASON: Final = (92, 95, 98, 100, 100, 96, 88, 88, 100, 105, 115, 150)


def _last_sunday(year: int, month: int) -> date:
    """The last Sunday of a month of 31 days."""
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def clock_changes(year: int) -> tuple[date, date]:
    """The days on which local time skips 02:00-03:00, and has it twice (Directive 2000/84/EC)."""
    return _last_sunday(year, 3), _last_sunday(year, 10)


@dataclass(frozen=True)
class Calendar:
    """The trading days, numbered from 0 at the start; days before it have negative numbers.

    All tuples have one entry per day from the start to the end.
    """

    start: date
    dates: tuple[date, ...]
    texts: tuple[str, ...]
    weekdays: tuple[int, ...]
    is_closed: tuple[bool, ...]
    campaign: tuple[Campaign | None, ...]
    spring_days: frozenset[date]

    @classmethod
    def of(cls, start: date, end: date) -> Calendar:
        """The days from `start` to `end`, both included."""
        dates = tuple(start + timedelta(days=n) for n in range((end - start).days + 1))
        years = range(founded_on(start).year, end.year + 1)
        running: dict[date, Campaign] = {
            date(year, campaign.month, campaign.day) + timedelta(days=n): campaign
            for year in years
            for campaign in CAMPAIGNS
            for n in range(campaign.days)
        }
        return cls(
            start=start,
            dates=dates,
            texts=tuple(day.isoformat() for day in dates),
            weekdays=tuple(day.weekday() for day in dates),
            is_closed=tuple((day.month, day.day) in _CLOSED_ON for day in dates),
            campaign=tuple(running.get(day) for day in dates),
            spring_days=frozenset(clock_changes(year)[0] for year in years),
        )

    @property
    def days(self) -> int:
        """How many there are."""
        return len(self.dates)

    def date_of(self, day: int) -> date:
        """The date of day number `day`."""
        return self.start + timedelta(days=day)

    def number_of(self, on: date) -> int:
        """The number of a date, negative before the start."""
        return (on - self.start).days

    def weekday(self, day: int) -> int:
        """0 is Monday, 6 is Sunday."""
        return self.weekdays[day]

    def shop_is_open(self, day: int) -> bool:
        """Whether the counter serves on `day`; the web shop also takes orders on Sundays."""
        return not self.is_closed[day] and self.weekday(day) != _SUNDAY

    def next_order_day(self, day: int, draws: Draws, *, weekdays_only: bool = False) -> int | None:
        """The first day from `day` on which this order may come in; None when it is past the end.

        Nobody is served on a closed day. Most who think of coffee on a Sunday, when the shop is
        shut, come in the days after; the others order on the web. Offices order on working days.
        """
        waits_for_shop = weekdays_only or draws.chance(72)
        while day < self.days:
            weekday = self.weekday(day)
            shut = weekday == _SUNDAY and waits_for_shop
            shut = shut or (weekday == SATURDAY and weekdays_only)
            if not (shut or self.is_closed[day]):
                return day
            day += draws.between(1, 4)  # not all on the next morning
        return None

    def later(self, moment: tuple[int, int], seconds: int) -> tuple[int, int] | None:
        """The moment so many seconds after; None when that is past the end."""
        days, second = divmod(moment[1] + seconds, DAY)
        day = moment[0] + days
        return (day, self.second(day, second)) if day < self.days else None

    def month(self, months: int) -> int | None:
        """The first day of the month so many after the first; None unless the month ends in time.

        Months are counted from the month of the start.
        """
        first = self.number_of(months_after(self.start, months))
        last = self.number_of(months_after(self.start, months + 1)) - 1
        return first if last < self.days else None

    def second(self, day: int, second: int) -> int:
        """`second` of the day, an hour later where the clocks skip that hour."""
        if 2 * HOUR <= second < 3 * HOUR and self.date_of(day) in self.spring_days:
            return second + HOUR
        return second

    def stamp(self, day: int, second: int) -> str:
        """Local time without offset, as `2024-03-01T09:15:00`."""
        text = self.texts[day] if day >= 0 else self.date_of(day).isoformat()
        minute = second // 60
        return f"{text}T{minute // 60:02d}:{minute % 60:02d}:{second % 60:02d}"


def months_after(start: date, months: int) -> date:
    """The first of the month `months` after that of `start`."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, 1)


def founded_on(start: date) -> date:
    """The declared start of the business: nothing in the files is older."""
    return date(start.year - 3, 3, 1)
