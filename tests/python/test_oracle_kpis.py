"""The recomputation of KPIs against examples worked out by hand from docs/kpis.md.

Every example looks at the end of March 2024, UTC, unless it says otherwise. The segment `s` was
observed at the end of each month; `a` and `b` have been in it since that of January.

Does not belong here: comparisons with the SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from business import ALL_PARTS, Business, businesses
from hand_made import MICROSECOND, SEEDS, Town, email, ref
from hypothesis import HealthCheck, assume, given, settings
from oracle import GROUPS, Stay, features, history, month_ends, observe, resolve_orders
from oracle_accounts import ADOPTERS, observed_accounts
from oracle_kpis import INPUTS, MONTHLY, OF_GRAIN, Key, Kpi, kpis, start_of
from oracle_rows import Raw, month_of, utc_of_local

few = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)

JAN, FEB, MAR = date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)
ENDS = [
    datetime(2024, month, day, 23, 59, 59, 999999) for month, day in ((1, 31), (2, 29), (3, 31))
]
MEMBERS = [Stay("s", ref("a"), ENDS[0], None), Stay("s", ref("b"), ENDS[0], None)]


def march(day: int, hour: int = 12) -> datetime:
    return datetime(2024, 3, day, hour)


def days_before(when: datetime, days: int) -> datetime:
    return when - timedelta(days=days)


def town() -> Town:
    """A town of `a`, `b` and `c`; a counting order of nobody in January begins its periods."""
    place = Town().order(datetime(2024, 1, 1), net_amount=Decimal(0))
    for name in ("a", "b", "c"):
        place.record(name)
    return place


def buy(place: Town, name: str | None, when: datetime, amount: Decimal | str | int = 10) -> Town:
    return place.order(when, customer_ref=name, net_amount=Decimal(amount))


def told(
    place: Town,
    stays: Sequence[Stay] = MEMBERS,
    as_of: datetime = ENDS[2],
    observed: Sequence[datetime] = ENDS,
    **more: Any,
) -> dict[Key, Kpi]:
    """Every KPI of the town, with the segment `s` and its group `g`."""
    raw = replace(place.raw, **more)
    return kpis(raw, as_of, stays, {"s": observed}, {"g": ("s",)}, nps_minimum=2)


def of(found: dict[Key, Kpi], kpi: str, key: str = "s", grain: str = "month") -> Kpi:
    """A KPI of March, or of the quarter, or of the week or day of 4 March 2024 (a Monday)."""
    start = {"month": MAR, "quarter": JAN, "week": date(2024, 3, 4), "day": date(2024, 3, 4)}
    return found[key, grain, start[grain], kpi]


def fraction(numerator: int | Decimal, denominator: int, value: str | None) -> Kpi:
    return Kpi(numerator, denominator, Decimal(value) if value is not None else None)


# Segments of accounts ------------------------------------------------------------------------


def test_an_account_is_its_contacts_and_counts_as_one() -> None:
    """`acme` takes up technology by the end of January, `late` by that of February.

    `a` and `b` are of acme, `b` by its later record alone; `c` is of nobody, and `d`, of acme too,
    is first known in March.
    """
    place = Town()
    place.add("accounts", account_ref="acme", technology_adoption="innovator", observed_at=ENDS[0])
    place.add("accounts", account_ref="late", observed_at=ENDS[0])
    place.add("accounts", account_ref="late", technology_adoption="innovator", observed_at=ENDS[1])
    place.add("accounts", account_ref="dull", technology_adoption="laggard", observed_at=march(1))
    early = datetime(2024, 1, 1)
    place.record("a", account_ref="acme", created_at=early)
    place.record("b", "b", account_ref="dull", created_at=early, updated_at=early)
    place.record("b2", "b", account_ref="acme", created_at=early, updated_at=march(2))
    place.record("c", created_at=early)
    place.record("d", account_ref="acme", created_at=march(3))
    for name, when, amount in (
        ("a", datetime(2024, 1, 10), 100),
        ("b", datetime(2024, 2, 10), 50),
        ("c", datetime(2024, 2, 11), 7),
        ("a", march(3), 30),
        ("d", march(3), 5),
        (None, march(3), 1),
    ):
        buy(place, name, when, amount)

    accounts = observed_accounts(place.raw, ENDS)
    assert sorted((x.customer, x.valid_from, x.valid_to) for x in accounts.people) == [
        (ref("a"), ENDS[0], None),
        (ref("b"), ENDS[0], None),
        (ref("d"), march(3), None),
    ]
    groups = {"g": (ADOPTERS,)}
    found = kpis(place.raw, ENDS[2], [], {}, groups, accounts=accounts)

    def month(key: str, kpi: str) -> list[Any]:
        return [found[key, "month", start, kpi].value for start in (JAN, FEB, MAR)]

    assert month(ADOPTERS, "members") == [1, 2, 2]
    assert month(ADOPTERS, "entered") == [1, 1, 0]
    assert month("g_none", "members") == [2, 1, 1]
    assert month(ADOPTERS, "revenue") == [None, 50, 30]
    assert month("g_none", "revenue") == [100, 7, 5]
    assert month("all", "revenue") == [100, 57, 36]
    assert found[ADOPTERS, "month", FEB, "purchase_frequency"] == fraction(1, 2, "0.5")
    # Weeks know more: d is a contact from the day after the one on which they are first known.
    assert found[ADOPTERS, "week", date(2024, 3, 4), "purchase_frequency"] == fraction(0, 3, "0")
    assert month(ADOPTERS, "new_customers") == [1, 1, 1]


# Members and orders --------------------------------------------------------------------------


@pytest.fixture
def worked() -> dict[tuple[str, date, str], Kpi]:
    """Two members from the end of January, one of whom leaves at the end of February."""
    place = Town()
    for name, when, amount in (
        ("a", datetime(2024, 1, 10), 100),
        ("a", datetime(2024, 2, 10), 50),
        ("a", datetime(2024, 3, 5), 30),
        ("b", datetime(2024, 1, 20), 40),
        ("c", datetime(2024, 3, 10), 20),
        (None, datetime(2024, 3, 11), 5),
    ):
        buy(place, name, when, amount)
    stays = [Stay("s", ref("a"), ENDS[0], None), Stay("s", ref("b"), ENDS[0], ENDS[1])]
    found = told(place, stays)
    return {(key, on, kpi): x for (key, grain, on, kpi), x in found.items() if grain == "month"}


def test_kpis_are_of_those_who_were_members_at_the_start(
    worked: dict[tuple[str, date, str], Kpi],
) -> None:
    expected = {
        "revenue": Kpi(50, None, 50),
        "average_order_value": Kpi(50, 1, 50),
        "purchase_frequency": fraction(1, 2, "0.5"),
        "days_between_orders": Kpi(31, None, 31),
        "retention_rate": fraction(1, 2, "0.5"),
        "churn_rate": fraction(1, 2, "0.5"),
        "churn_risk": Kpi(0, 2, 0),
        "repeat_purchase_rate": fraction(1, 2, "0.5"),
        "customer_lifetime_value_historic": Kpi(190, 2, 95),
        "customer_lifetime_value_formula": Kpi(),
        "members": Kpi(1, None, 1),
        "entered": Kpi(0, None, 0),
        "exited": Kpi(1, None, 1),
        "new_customers": Kpi(0, None, 0),
    }
    assert {kpi: x for (key, month, kpi), x in worked.items() if (key, month) == ("s", FEB)} == (
        expected
    )


def test_nobody_at_the_start_is_null_but_sizes_are_counted(
    worked: dict[tuple[str, date, str], Kpi],
) -> None:
    assert worked["s", JAN, "revenue"] == Kpi()
    assert worked["s", JAN, "members"].value == 2
    assert worked["s", JAN, "entered"].value == 2
    assert worked["s", JAN, "new_customers"].value == 2


def test_everyone_includes_the_revenue_of_no_customer(
    worked: dict[tuple[str, date, str], Kpi],
) -> None:
    assert worked["all", MAR, "revenue"].value == 55
    assert worked["all", MAR, "average_order_value"] == fraction(55, 3, "18.333333")
    assert worked["all", MAR, "purchase_frequency"] == fraction(2, 3, "0.666667")
    assert worked["all", MAR, "customer_lifetime_value_historic"] == Kpi(240, 3, 80)
    assert worked["all", MAR, "members"].value == 3
    assert worked["all", MAR, "entered"].value == 1


def test_the_rest_of_a_group_are_all_but_its_members(
    worked: dict[tuple[str, date, str], Kpi],
) -> None:
    assert worked["g_none", MAR, "revenue"].value == 20
    assert worked["g_none", MAR, "members"].value == 2
    assert ("g_none", MAR, "entered") not in worked


def test_a_segment_says_nothing_before_it_was_observed() -> None:
    place = buy(buy(Town(), "a", datetime(2024, 1, 10)), "a", datetime(2024, 2, 10))
    found = told(place, [], ENDS[1], [ENDS[1]])
    assert found["s", "month", JAN, "members"] == found["s", "month", JAN, "entered"] == Kpi()
    assert found["g_none", "month", JAN, "members"] == Kpi()
    assert found["s", "month", FEB, "members"] == Kpi(0, None, 0)


def test_a_stay_counts_from_the_day_after_the_entry_to_the_day_of_the_exit() -> None:
    start = datetime(2024, 2, 1)
    place = buy(buy(Town(), "stays", datetime(2024, 1, 10), 1), "stays", start, 1)
    buy(buy(place, "leaves", start, 20), "enters", start, 400)
    stays = [
        Stay("s", ref("stays"), ENDS[0], None),
        Stay("s", ref("leaves"), ENDS[0], start),
        Stay("s", ref("enters"), start, None),
    ]
    found = told(place, stays, ENDS[1], [ENDS[0], start])
    for grain in ("month", "day"):
        assert found["s", grain, FEB, "revenue"].value == 21
        assert found["s", grain, FEB, "entered"].value == found["s", grain, FEB, "exited"].value
        assert found["s", grain, FEB, "exited"].value == 1
    buy(place, "leaves", datetime(2024, 2, 2), 1000)
    again = told(place, stays, ENDS[1], [ENDS[0], start])
    assert again["s", "day", date(2024, 2, 2), "revenue"].value == 0


def test_the_first_day_of_a_period_is_inside_and_active_means_the_365_days_before() -> None:
    place = Town()
    for name, on in (("a", (2023, 2, 1)), ("b", (2023, 1, 31)), ("a", (2024, 2, 1))):
        buy(place, name, datetime(*on))
    buy(place, "b", datetime(2024, 2, 1))
    found = kpis(place.raw, ENDS[1], [], {})
    assert found["all", "month", FEB, "retention_rate"] == Kpi(1, 1, 1)
    assert found["all", "month", FEB, "days_between_orders"].value == Decimal("365.5")


def test_the_last_period_is_open_up_to_as_of() -> None:
    place = buy(buy(Town(), "a", datetime(2024, 1, 10), 1), "a", datetime(2024, 1, 20), 2)
    found = kpis(place.raw, datetime(2024, 1, 15), [], {})
    assert found["all", "month", JAN, "revenue"].value == 1
    assert max(on for _, grain, on, _ in found if grain == "week") == date(2024, 1, 15)


def lifetime_value(*orders: tuple[str, date, int]) -> Kpi:
    """The formula for everyone at the end of March 2024 (its year begins on 2023-04-02)."""
    place = Town()
    for name, on, amount in orders:
        buy(place, name, datetime(on.year, on.month, on.day), amount)
    return kpis(place.raw, ENDS[2], [], {})["all", "month", MAR, "customer_lifetime_value_formula"]


def test_lifetime_value_is_average_order_value_times_orders_times_lifetime() -> None:
    # 300 over 3 orders and 2 customers; one of the two buyers of the year before is gone: 2 years.
    found = lifetime_value(
        ("a", date(2023, 4, 1), 70),
        ("b", date(2022, 4, 2), 70),
        ("a", date(2023, 4, 2), 100),
        ("a", date(2024, 1, 1), 100),
        ("a", date(2024, 3, 1), 100),
    )
    assert found.value == Decimal(100) * Decimal("1.5") * 2


def test_lifetime_is_capped_at_ten_years_and_needs_a_year_before() -> None:
    assert lifetime_value(("a", date(2023, 4, 1), 70), ("a", date(2023, 4, 2), 30)).value == 300
    assert lifetime_value(("a", date(2023, 4, 2), 30)) == Kpi()
    assert lifetime_value(("a", date(2023, 4, 1), 30)) == Kpi()


def risk(*orders: tuple[str, date]) -> Kpi:
    """The churn risk of everyone at the end of March 2024."""
    place = Town().record("prospect")
    for name, on in orders:
        buy(place, name, datetime(on.year, on.month, on.day))
    return kpis(place.raw, ENDS[2], [], {})["all", "month", MAR, "churn_risk"]


def test_churn_risk_is_of_those_still_to_lose() -> None:
    # The last of the 365 days up to 31 March is 2 April 2023; 180 days before it is 3 October.
    lapsed, still = ("lapsed", date(2023, 4, 1)), ("still", date(2023, 4, 2))
    assert risk(lapsed, still) == Kpi(1, 1, 1)
    assert risk(lapsed, still, ("on day 180", date(2023, 10, 3))) == fraction(1, 2, "0.5")
    assert risk(lapsed, still, ("on day 181", date(2023, 10, 2))) == Kpi(2, 2, 1)
    assert risk(lapsed) == Kpi(0, 0, None)


def test_a_rhythm_of_three_days_decides_who_is_at_risk() -> None:
    first = ("a", date(2024, 1, 28))
    # 21 and 21 days, and 42 since; 20 and 21 days, and 42 since.
    assert risk(("a", date(2024, 1, 7)), first, ("a", date(2024, 2, 18))) == Kpi(0, 1, 0)
    assert risk(("a", date(2024, 1, 8)), first, ("a", date(2024, 2, 18))) == Kpi(1, 1, 1)
    # A second order on a day makes no third day.
    assert risk(("a", date(2024, 1, 8)), first, first) == Kpi(0, 1, 0)
    quick = [("a", date(2024, 2, 26)), ("a", date(2024, 2, 27))]
    assert risk(*quick, ("a", date(2024, 3, 1))) == Kpi(0, 1, 0)
    assert risk(*quick, ("a", date(2024, 2, 29))) == Kpi(1, 1, 1)


# Periods -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grain", "on", "start"),
    [
        ("day", date(2024, 3, 3), date(2024, 3, 3)),
        ("week", date(2024, 3, 3), date(2024, 2, 26)),  # a Sunday
        ("week", date(2024, 3, 4), date(2024, 3, 4)),  # a Monday
        ("week", date(2025, 1, 1), date(2024, 12, 30)),
        ("month", date(2024, 2, 29), FEB),
        ("quarter", date(2024, 3, 31), JAN),
        ("quarter", date(2024, 4, 1), date(2024, 4, 1)),
        ("quarter", date(2024, 12, 31), date(2024, 10, 1)),
    ],
)
def test_weeks_start_on_monday_and_quarters_in_january(grain: str, on: date, start: date) -> None:
    assert start_of(grain, on) == start


def test_every_period_has_its_own_kpis_and_a_missing_input_has_none() -> None:
    found = told(town())
    without = {*INPUTS, "engagement_score"}
    for grain, named in OF_GRAIN.items():
        there = {kpi for _, g, _, kpi in found if g == grain}
        assert there == {*named} - without, grain
    assert len(MONTHLY) == len(set(MONTHLY)) == 39
    assert kpis(Raw(), ENDS[2], [], {}) == {}


def test_a_customer_is_new_in_the_segment_first_observed_at_or_after_the_first_order() -> None:
    place = town()
    for name in ("a", "b", "c"):
        buy(place, name, march(10))
    buy(place, "a", march(20))  # not new a second time
    stays = [
        Stay("s", ref("a"), ENDS[1], None),
        Stay("s", ref("b"), ENDS[0], march(10)),  # out at the very instant of the order
        Stay("s", ref("c"), march(15), ENDS[2]),
    ]
    found = told(place, stays, observed=[*ENDS[:2], march(10), march(15), ENDS[2]])
    assert of(found, "new_customers").value == 1
    assert of(found, "new_customers", "g_none").value == 2
    assert of(found, "new_customers", "all").value == 3
    assert found["s", "day", date(2024, 3, 10), "new_customers"].value == 1
    assert found["all", "day", date(2024, 3, 20), "new_customers"].value == 0


# Spend ---------------------------------------------------------------------------------------


def spend(place: Town, on: date, amount: str, **values: Any) -> Town:
    row = {"spend_date": on, "amount": Decimal(amount), "channel": "email"}
    return place.add("marketing_spend", **row | values)


def send(place: Town, name: str, when: datetime, event: str = "sent", **values: Any) -> Town:
    row = {"occurred_at": when, "event_name": event, "channel": "email", "customer_ref": name}
    return place.add("message_events", **row | values)


def money(found: dict[Key, Kpi], grain: str = "month") -> tuple[Decimal | int | None, ...]:
    """Spend of the segment, of the rest and of everyone."""
    keys = ("s", "g_none", "all")
    return tuple(of(found, "marketing_spend", key, grain).value for key in keys)


def test_spend_goes_to_the_members_of_its_segment_else_the_contacted_else_everyone() -> None:
    first = date(2024, 3, 4)
    place = send(town(), "a", march(20), campaign_id="k", message_id="m")
    send(place, "c", march(20), "delivered", campaign_id="k", message_id="m")
    send(place, "b", march(20), "opened", campaign_id="k", message_id="m")  # did not reach b
    assert money(told(spend(place, first, "100", segment_key="s", campaign_id="k"))) == (
        (100, 0, 100)
    )
    place.rows["marketing_spend"].clear()
    assert money(told(spend(place, first, "100", segment_key="x", campaign_id="k"))) == (
        (50, 50, 100)
    )
    place.rows["marketing_spend"].clear()
    assert money(told(spend(place, first, "100", segment_key="x", campaign_id="other"))) == (
        (Decimal("66.6667"), Decimal("33.3333"), 100)
    )


def test_spend_on_a_segment_that_nobody_is_in_on_its_day_goes_to_everyone() -> None:
    # The stay of c begins on the 9th: held on the 10th when the day began, not on the 9th.
    stays = [Stay("s", ref("c"), march(9), None)]
    for day, shares in ((9, ("0", "100")), (10, ("0", "100"))):
        found = told(spend(town(), date(2024, 3, day), "100", segment_key="s"), stays)
        assert money(found) == (*map(Decimal, shares), 100)
        week = found["s", "week", date(2024, 3, 11), "marketing_spend"].value
        assert week == 0
    # In the week of the 11th c is in M; the money of the 11th is all theirs.
    found = told(spend(town(), date(2024, 3, 11), "100", segment_key="s"), stays)
    assert found["s", "week", date(2024, 3, 11), "marketing_spend"].value == 100
    assert found["s", "day", date(2024, 3, 11), "marketing_spend"].value == 100
    assert money(found) == (0, 100, 100)  # in March, c came in after the start


def test_spend_before_anybody_is_known_is_nobodys_and_a_credit_is_taken_off() -> None:
    place = Town().order(datetime(2024, 1, 1), net_amount=Decimal(1))
    spend(place, date(2024, 1, 2), "30")
    for name in ("a", "b"):
        place.record(name, created_at=march(4, 23))
    spend(spend(place, date(2024, 3, 4), "10"), date(2024, 3, 4), "-4")
    found = told(place)
    keys = ("s", "g_none", "all")
    january = [found[key, "month", JAN, "marketing_spend"].value for key in keys]
    assert january == [0, 0, 30]
    assert money(found) == (6, 0, 6)
    assert money(found, "quarter") == (0, 6, 36)  # nobody was in when the quarter began
    assert money(found, "day") == (6, 0, 6)


def test_spend_ahead_of_as_of_does_not_count_and_other_money_is_converted() -> None:
    place = spend(spend(town(), date(2024, 3, 31), "10", currency="EUR"), date(2024, 4, 1), "500")
    place.add(
        "fx_rates",
        rate_date=date(2024, 3, 30),
        currency="EUR",
        rate_to_reporting=Decimal("0.85"),
    )
    assert money(told(place, reporting_currency="GBP")) == (
        (Decimal("5.6667"), Decimal("2.8333"), Decimal("8.5"))
    )


def test_shares_are_rounded_to_twelve_places_and_the_rest_has_what_is_left() -> None:
    # 0.0001 over three is 0.000033333333: two of them are 0.0001, rounded half even.
    found = told(spend(town(), date(2024, 3, 4), "0.0001"))
    assert money(found) == (Decimal("0.0001"), 0, Decimal("0.0001"))


def test_an_amount_without_an_id_counts_each_time_and_one_with_an_id_once() -> None:
    place = town()
    for batch in ("1", "2"):
        spend(place, date(2024, 3, 4), "10", spend_id=None)
        spend(place, date(2024, 3, 4), "1", spend_id="x", _batch_id=batch)
    assert of(told(place), "marketing_spend", "all").value == 21


def test_acquisition_cost_and_roi_divide_the_spend() -> None:
    place = spend(buy(buy(town(), "a", march(5), 120), "c", march(6), 30), date(2024, 3, 4), "60")
    found = told(place)
    assert of(found, "customer_acquisition_cost") == Kpi(40, 1, 40)
    assert of(found, "customer_acquisition_cost", "all") == Kpi(60, 2, 30)
    assert of(found, "roi") == Kpi(80, 40, 2)
    assert of(found, "roi", "all") == fraction(Decimal(90), 60, "1.5")
    empty = told(place, [])
    assert of(empty, "customer_acquisition_cost") == of(empty, "roi") == Kpi()
    nothing = of(told(spend(town(), date(2024, 2, 4), "60")), "roi")
    assert nothing == Kpi(0, 0, None)


# Leads ---------------------------------------------------------------------------------------


def lead(place: Town, name: str | None, when: datetime, **values: Any) -> Town:
    return place.add("leads", customer_ref=name, created_at=when, **values)


def test_a_lead_counts_for_the_segment_of_its_day_and_is_converted_by_as_of() -> None:
    place = lead(town(), "a", march(5), converted_at=ENDS[2])
    lead(place, "b", march(5), converted_at=ENDS[2] + MICROSECOND)
    lead(place, "c", march(5), converted_at=march(6))
    lead(place, None, march(5), converted_at=march(6))
    lead(place, "a", ENDS[2] + MICROSECOND, converted_at=ENDS[2] + MICROSECOND)
    found = told(place)
    assert of(found, "conversion_rate") == fraction(1, 2, "0.5")
    assert of(found, "conversion_rate", "g_none") == Kpi(1, 1, 1)
    assert of(found, "conversion_rate", "all") == fraction(3, 4, "0.75")
    # c came in on the 4th: its lead of the 5th is of s, that of the 4th is not.
    stays = [*MEMBERS, Stay("s", ref("c"), march(4), None)]
    assert of(told(place, stays), "conversion_rate") == fraction(2, 3, "0.666667")
    lead(place, "c", march(4))
    assert of(told(place, stays), "conversion_rate") == fraction(2, 3, "0.666667")
    assert found["s", "week", date(2024, 3, 11), "conversion_rate"] == Kpi(0, 0, None)


def test_a_lead_counts_also_where_nobody_was_in_when_the_period_started() -> None:
    place = lead(town(), "c", march(5), converted_at=march(6))
    stays = [Stay("s", ref("c"), march(4), None)]
    found = told(place, stays)
    assert of(found, "conversion_rate") == Kpi(1, 1, 1)
    assert of(found, "revenue") == Kpi()
    assert found["s", "month", FEB, "conversion_rate"] == Kpi()


def test_a_lead_is_nurtured_by_a_message_from_its_coming_until_its_end() -> None:
    at, end = march(5), march(10)
    place = town()
    for name, sent, event in (
        ("a", at, "sent"),
        ("b", at - MICROSECOND, "delivered"),
        ("c", end, "sent"),  # converted at this very instant: too late
        ("d", end - MICROSECOND, "delivered"),
        ("e", at, "opened"),
    ):
        lead(place, name, at, converted_at=end)
        send(place, name, sent, event)
    lead(place, "f", at, lost_at=end)
    send(place, "f", end - MICROSECOND)
    assert of(told(place), "nurture_conversion_rate", "all") == fraction(2, 3, "0.666667")
    assert of(told(place), "nurture_conversion_rate") == Kpi(1, 1, 1)


# Messages ------------------------------------------------------------------------------------


def test_messages_count_in_the_period_of_their_first_delivery() -> None:
    place = town()
    for number, (when, event) in enumerate(
        ((march(4), "delivered"), (march(5), "delivered"), (march(4), "sent"))
    ):
        send(place, "a", when, event, message_id=f"m{number}")
    send(place, "a", datetime(2024, 2, 29), "delivered", message_id="m1")  # first in February
    send(place, "a", march(6), "opened", message_id="m0", is_machine=True)
    send(place, "a", march(7), "clicked", message_id="m0")
    send(place, "b", march(4), "delivered", message_id="m0")  # the same message to another
    send(place, "b", ENDS[2], "opened", message_id="m0")
    found = told(place)
    assert of(found, "open_rate") == fraction(1, 2, "0.5")
    assert of(found, "click_through_rate") == fraction(1, 2, "0.5")
    assert of(found, "open_rate", "g_none") == Kpi(0, 0, None)


def test_who_was_contacted_responds_by_a_click_or_an_answer() -> None:
    place = town()
    for name, event in (("a", "clicked"), ("b", "opened"), ("c", "replied")):
        send(place, name, march(4), message_id="m")
        send(place, name, march(20), event, message_id="m")
    send(place, "b", datetime(2024, 2, 20), message_id="old")  # contacted in February by it
    send(place, "b", march(5), "clicked", message_id="old")
    found = told(place)
    assert of(found, "response_rate") == fraction(1, 2, "0.5")
    assert of(found, "response_rate", "all") == fraction(2, 3, "0.666667")
    assert of(found, "response_rate", "all", "week") == fraction(2, 3, "0.666667")


@pytest.mark.parametrize(
    ("quiet", "after", "counted", "came"),
    [
        (181, timedelta(days=30), 1, 1),
        (181, timedelta(days=30, hours=11, minutes=59), 1, 1),  # the whole 30th day
        (181, timedelta(days=31, hours=-12), 1, 0),
        (181, timedelta(0), 1, 1),  # at the very instant
        (181, -MICROSECOND, 0, 0),  # had ordered: not dormant any more
        (180, timedelta(days=1), 0, 0),
        (None, timedelta(days=1), 0, 0),  # never a customer
    ],
)
def test_the_dormant_who_order_within_thirty_days_of_a_contact_are_reactivated(
    quiet: int | None, after: timedelta, counted: int, came: int
) -> None:
    contact = datetime(2024, 2, 10, 12)
    place = send(town(), "a", contact, message_id="m")
    if quiet is not None:
        buy(place, "a", days_before(contact, quiet))
    buy(place, "a", contact + after)
    found = told(place)["s", "month", FEB, "reactivation_rate"]
    assert found == Kpi(came, counted, came if counted else None)


def bought(place: Town, name: str, when: datetime, *items: str) -> Town:
    order_id = f"lines-{len(place.rows['order_lines'])}"
    place.order(when, customer_ref=name, order_id=order_id)
    for number, item in enumerate(items):
        place.add(
            "order_lines",
            order_id=order_id,
            line_number=number,
            product_id=item,
            quantity=Decimal(1),
            unit_price=Decimal(1),
        )
    return place


def test_a_cross_sale_is_of_a_category_never_bought_before_a_promotion() -> None:
    place = town()
    for item, category in (("p", "tea"), ("q", "cups"), ("r", None)):
        place.add("products", product_id=item, category=category)
    place.add("campaigns", campaign_id="promo", is_promotional=True)
    place.add("campaigns", campaign_id="news", is_promotional=False)
    contact = march(1)
    for name, later, campaign_id in (
        ("a", ("p", "q"), "promo"),  # something new
        ("b", ("p", "r"), "promo"),  # nothing new: r has no category
        ("c", ("q",), "news"),  # no offer
    ):
        bought(place, name, datetime(2024, 1, 5), "p")
        send(place, name, contact, message_id=f"m-{name}", campaign_id=campaign_id)
        bought(place, name, datetime(2024, 3, 31, 23), *later)  # day 30
    bought(place, "d", contact, "q")  # had bought nothing when contacted at that instant
    send(place, "d", contact, message_id="m-d", campaign_id="promo")
    assert of(told(place), "cross_sell_rate") == fraction(1, 2, "0.5")
    assert of(told(place), "cross_sell_rate", "all") == fraction(1, 2, "0.5")
    late = [row for row in place.rows["orders"] if row.get("customer_ref") == "a"][-1]
    late["ordered_at"] = datetime(2024, 4, 1)
    found = told(place, as_of=datetime(2024, 4, 30))
    assert of(found, "cross_sell_rate") == fraction(0, 2, "0")


# Web -----------------------------------------------------------------------------------------


def cart(place: Town, name: str, *times: datetime) -> Town:
    for number, when in enumerate(times):
        place.event(
            f"{name}-{number}-{when}",
            when,
            event_name="add_to_cart",
            customer_ref=name,
            cart_id=f"cart-{name}",
        )
    return place


@pytest.mark.parametrize(
    ("after", "abandoned"),
    [
        (timedelta(0), 0),
        (timedelta(hours=1), 0),
        (timedelta(hours=26), 0),  # a day after the last touch, to the microsecond
        (timedelta(hours=26) + MICROSECOND, 1),
        (-MICROSECOND, 1),
        (None, 1),
    ],
)
def test_a_cart_is_abandoned_without_an_order_until_a_day_after_its_last_touch(
    after: timedelta | None, abandoned: int
) -> None:
    first = march(5)
    place = cart(town(), "a", first, first + timedelta(hours=2))
    if after is not None:
        buy(place, "a", first + after)
    assert of(told(place), "cart_abandonment_rate") == Kpi(abandoned, 1, abandoned)


def test_a_cart_is_decided_a_day_after_its_last_touch_or_by_an_order() -> None:
    day = timedelta(hours=24)
    place = cart(cart(town(), "a", ENDS[2] - day), "b", ENDS[2] - day + MICROSECOND)
    assert of(told(place), "cart_abandonment_rate") == Kpi(1, 1, 1)
    place.event("done", ENDS[2], event_name="order_completed", customer_ref="b", cart_id="cart-b")
    assert of(told(place), "cart_abandonment_rate") == fraction(1, 2, "0.5")


def test_sessions_pages_and_minutes_are_of_members_in_the_period() -> None:
    place, names = town(), ("page_view", "product_view", "search")
    start = datetime(2024, 2, 29, 23, 59, 30)
    for seconds, name in zip((0, 60, 150), names, strict=True):
        place.event(
            f"e{seconds}",
            start + timedelta(seconds=seconds),
            event_name=name,
            customer_ref="a",
            session_id="over midnight",
        )
    place.event("one", march(9), customer_ref="b", session_id="one")
    place.event("two", march(9), customer_ref="c", session_id="one")  # two parts of one session
    found = told(place)
    assert of(found, "sessions") == Kpi(1, None, 1)
    assert of(found, "sessions", "all") == Kpi(2, None, 2)
    assert of(found, "pages_per_session") == Kpi(2, 1, 2)  # a page of b, a product of a
    assert of(found, "minutes_per_session") == fraction(Decimal("2.5"), 1, "2.5")
    assert found["s", "month", FEB, "sessions"].value == 1


def test_a_visitor_without_an_order_before_the_period_converts_in_it() -> None:
    place = town()
    for name in ("a", "b", "c", "d"):
        place.event(f"visit-{name}", march(10), customer_ref=name)
    buy(place, "a", march(2))  # in the period, though before the visit
    buy(buy(place, "c", datetime(2024, 2, 29, 23)), "c", march(20))  # a buyer before
    found = told(place)
    assert of(found, "visitor_conversion_rate") == fraction(1, 2, "0.5")
    assert of(found, "visitor_conversion_rate", "all") == fraction(1, 3, "0.333333")


# Subscriptions -------------------------------------------------------------------------------


def subscribe(place: Town, name: str, when: datetime, status: str | None, **values: Any) -> Town:
    return place.add("subscriptions", customer_ref=name, started_at=when, status=status, **values)


def test_a_trial_is_converted_by_a_paid_period_from_its_start_on() -> None:
    place = town()
    for name, status, paid_at in (
        ("a", "active", march(5)),
        ("b", "paused", ENDS[2]),
        ("c", "active", march(5) - MICROSECOND),
        ("d", "cancelled", march(6)),
        ("e", None, ENDS[2] + MICROSECOND),
    ):
        subscribe(place, name, march(5), "trial")
        subscribe(place, name, paid_at, status)
    found = told(place)
    assert of(found, "trial_conversion_rate") == Kpi(2, 2, 1)
    assert of(found, "trial_conversion_rate", "all") == fraction(2, 5, "0.4")


def test_who_left_at_the_first_instant_of_a_period_was_subscribed_when_it_started() -> None:
    place, start = town(), march(1, 0)
    for name, ended_at in (("a", start), ("b", start - MICROSECOND)):
        row = {"subscription_id": name, "monthly_amount": Decimal(10)}
        subscribe(place, name, datetime(2024, 1, 5), "active", ended_at=ended_at, **row)
        subscribe(place, name, start, "active", **row | {"monthly_amount": Decimal(20)})
    assert of(told(place), "upgrade_rate") == Kpi(1, 1, 1)


def test_an_upgrade_costs_more_than_the_active_period_before_it() -> None:
    place, old = town(), datetime(2024, 1, 5)
    for name, amount, began in (
        ("a", "10.0001", march(1, 0)),
        ("b", "10", march(5)),
        ("c", "20", datetime(2024, 2, 29, 23)),  # in February
        ("d", "20", ENDS[2] + MICROSECOND),
        ("e", "20", march(5)),
    ):
        ended_at = datetime(2024, 2, 20) if name == "e" else None  # not running on 1 March
        row = {"subscription_id": name, "monthly_amount": Decimal(10)}
        subscribe(place, name, old, None, ended_at=ended_at, **row)
        subscribe(place, name, began, "active", **row | {"monthly_amount": Decimal(amount)})
    found = told(place)
    assert of(found, "upgrade_rate") == fraction(1, 2, "0.5")
    assert of(found, "upgrade_rate", "all") == fraction(1, 4, "0.25")
    assert ("s", "week", date(2024, 3, 4), "upgrade_rate") not in found


# Voices, engagement, markets and campaigns ------------------------------------------------------


def test_the_net_promoter_score_needs_enough_answers() -> None:
    place = town()
    for name, score in (("a", "9"), ("a", "8.9999"), ("b", "6"), ("c", "10")):
        place.add(
            "survey_responses",
            customer_ref=name,
            responded_at=march(5),
            question="nps",
            score=Decimal(score),
        )
    place.add("survey_responses", customer_ref="a", responded_at=march(5), question="nps")
    found = told(place)
    assert of(found, "net_promoter_score") == Kpi(0, 3, 0)
    assert of(found, "net_promoter_score", "all") == Kpi(100, 4, 25)
    assert of(found, "net_promoter_score", "g_none") == Kpi()  # one answer


def test_referrals_mentions_and_their_sentiment() -> None:
    place = town()
    for friend in ("x", "y"):
        place.add("referrals", referrer_ref="a", referred_ref=friend, referred_at=march(4))
    for name, sentiment in (("a", "0.5"), ("b", None), ("b", "-1"), ("c", "1")):
        place.add(
            "social_mentions",
            customer_ref=name,
            occurred_at=march(5),
            sentiment=Decimal(sentiment) if sentiment is not None else None,
        )
    found = told(place)
    assert of(found, "referral_rate") == fraction(1, 2, "0.5")
    assert of(found, "referral_rate", "all", "week") == fraction(1, 5, "0.2")
    assert of(found, "social_mentions") == Kpi(3, None, 3)
    assert of(found, "sentiment") == fraction(Decimal("-0.5"), 2, "-0.25")


WEIGHTS = [
    {"measure": "session_count_90d", "source": "web_events", "weight": "0.5", "cap": "4"},
    {"measure": "ticket_count_90d", "source": "support_tickets", "weight": "0.5", "cap": "2"},
]


def test_the_engagement_score_is_the_mean_of_members_at_the_end_of_the_period() -> None:
    # The 90 days up to 31 March begin on 2 January.
    place = town()
    for day in (1, 2, 3):
        place.event(f"visit-{day}", datetime(2024, 1, day, 9), customer_ref="a")
    place.add("support_tickets", customer_ref="b", opened_at=march(5))
    seeds = replace(SEEDS, engagement_weights=WEIGHTS)
    found = told(place, seeds=seeds)
    assert of(found, "engagement_score") == fraction(Decimal(50), 2, "25")  # 25 of a, 25 of b
    # At the end of February no ticket had ever come: sessions alone say it, three of four.
    february = found["s", "month", FEB, "engagement_score"]
    assert february == fraction(Decimal(75), 2, "37.5")
    assert ("s", "month", MAR, "engagement_score") not in told(place)


def test_market_penetration_takes_the_latest_size_of_each_market() -> None:
    place = buy(buy(town(), "a", march(31)), "b", datetime(2023, 4, 2))
    buy(place, "c", datetime(2023, 4, 1))  # day 366
    for market, since, customers in (
        ("tea", JAN, 100),
        ("tea", date(2024, 3, 31), 30),
        ("tea", date(2024, 4, 1), 1),
        ("cups", date(2023, 1, 1), 10),
    ):
        place.add("market_sizes", market=market, period_start=since, customers=customers)
    found = told(place)
    assert of(found, "market_penetration") == fraction(2, 40, "0.05")
    assert of(found, "market_penetration", "all") == fraction(2, 40, "0.05")
    assert found["s", "month", FEB, "market_penetration"] == fraction(1, 110, "0.009091")
    assert of(found, "market_penetration", "g_none") == Kpi(0, 40, 0)


def test_campaigns_count_for_the_segment_they_name_also_where_nobody_is_in_it() -> None:
    place = town()
    for hours, minutes, segment in ((1, 10, "s"), (4, None, "s"), (10, 25, None)):
        place.add(
            "campaigns",
            requested_at=march(4) - timedelta(hours=hours),
            started_at=march(4),
            manual_minutes=minutes,
            target_segment=segment,
        )
    place.add("campaigns", requested_at=march(4), started_at=ENDS[2] + MICROSECOND)
    place.add("campaigns", requested_at=None, started_at=march(4), manual_minutes=1)
    found = told(place, stays=[])
    assert of(found, "deployment_hours") == Kpi(Decimal("2.5"), None, Decimal("2.5"))
    assert of(found, "deployment_hours", "all").value == 4
    assert of(found, "manual_minutes") == Kpi(10, 1, 10)
    assert of(found, "manual_minutes", "all") == Kpi(36, 3, 12)
    assert ("g_none", "month", MAR, "deployment_hours") not in found
    assert of(found, "revenue") == Kpi()
    assert found["all", "month", FEB, "deployment_hours"] == Kpi()


# Invariants ----------------------------------------------------------------------------------


def watched(b: Business, grains: Sequence[str] = ("month",)) -> dict[Key, Kpi]:
    """The KPIs of a business that was observed at the ends of its months."""
    ledger = resolve_orders(b.raw)
    seen = history(observe(ledger, [*month_ends(ledger, b.as_of), b.as_of]))
    return kpis(b.raw, b.as_of, seen.stays, seen.observed, grains=grains)


@few
@given(businesses(parts=ALL_PARTS))
def test_money_reconciles_from_the_ledger_to_features_and_kpis(b: Business) -> None:
    ledger = resolve_orders(b.raw)
    facts = ledger.facts_until(b.as_of)
    known = features(ledger, b.as_of)
    lifetime = sum(x.net_revenue_lifetime for x in known.values())
    assert lifetime == sum(fact.amount for fact in facts if fact.customer in known)
    found = watched(b)
    months = {month for _, _, month, _ in found}
    for month in months:
        total = sum(fact.amount for fact in facts if month_of(fact.on) == month)
        assert (found["all", "month", month, "revenue"].value or 0) == total


@few
@given(businesses())
def test_the_identities_of_kpis_hold(b: Business) -> None:
    ledger, found = resolve_orders(b.raw), watched(b)
    months = sorted({month for _, _, month, _ in found})
    assume(months)

    def value(key: str, month: date, kpi: str) -> Decimal | int:
        return found[key, "month", month, kpi].value or 0

    for month in months:
        facts = [x for x in ledger.facts_until(b.as_of) if month_of(x.on) == month]
        for group, keys in GROUPS.items():
            parts = [*keys, f"{group}_none"]
            # Of no customer, or of one not yet seen when the month is over.
            universe = ledger.customers_at(_end_of(month, b))
            nobody = sum((x.amount for x in facts if x.customer not in universe), Decimal(0))
            revenue = sum(value(key, month, "revenue") for key in parts)
            assert revenue + nobody == value("all", month, "revenue")
            assert sum(value(key, month, "members") for key in parts) in (
                0,  # not observed yet
                value("all", month, "members"),
            )
    for (key, _, month, kpi), x in found.items():
        if kpi == "churn_rate" and x.value is not None:
            assert x.value + value(key, month, "retention_rate") == 1
    for key in {key for keys in GROUPS.values() for key in keys}:
        for earlier, later in pairwise(months):
            change = value(key, later, "entered") - value(key, later, "exited")
            assert value(key, later, "members") - value(key, earlier, "members") in (
                change,
                value(key, later, "members"),  # not observed in the month before
            )


def _end_of(month: date, b: Business) -> datetime:
    after = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    start = utc_of_local(datetime(after.year, after.month, 1), b.raw.time_zone)
    return min(start - timedelta(microseconds=1), b.as_of)


def test_a_lead_by_email_is_of_its_customer() -> None:
    place = town().record("d", "x")
    lead(place, None, march(5), email=email("x")[1])
    assert of(told(place), "conversion_rate", "g_none") == Kpi(0, 1, 0)
