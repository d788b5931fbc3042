"""The oracle against worked examples, published figures and its own invariants.

What other tests compare the SQL with must itself be beyond doubt: each claim here comes from the
definitions or from somebody else's publication, never from a run of the oracle.

Does not belong here: comparisons with the SQL.
"""

from __future__ import annotations

import csv
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path
from statistics import quantiles
from typing import Any

import business
import pytest
import yaml
from business import ALL_PARTS, Business, businesses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import (
    GROUPS,
    RFM_DEFAULT_SEGMENTS,
    CohortCell,
    Customer,
    Event,
    Features,
    History,
    Ledger,
    Size,
    Stay,
    cohorts,
    customer_id,
    cut_points,
    features,
    history,
    lifecycle,
    loyalty,
    month_ends,
    observe,
    resolve_orders,
    rfm,
    rfm_map_default,
    rfm_map_r,
    segment_cohorts,
    segments,
)
from oracle_rows import (
    KEYS,
    Raw,
    median,
    quantile,
    ratio,
    round_half_even,
    utc_of_local,
)

ROOT = Path(__file__).resolve().parents[2]
LONDON = "Europe/London"
AS_OF = datetime(2024, 12, 31, 23, 59, 59, 999999)

few = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def real_data(folder: str) -> Path:
    """A folder of real data, or a loud skip."""
    data = ROOT / os.environ.get("CLIENTELE_TEST_DATA", "../shared/data")
    if not (data / folder).is_dir():
        pytest.skip(f"REAL DATA MISSING: no {folder}/; set CLIENTELE_TEST_DATA to its folder")
    return data / folder


# Rows by hand --------------------------------------------------------------------------------


def ref(name: str, system: str = "default") -> Customer:
    return ("ref", system, name)


def at(days_ago: int, hour: int = 12) -> datetime:
    """An hour of a day before AS_OF, UTC."""
    return datetime(2024, 12, 31, hour) - timedelta(days=days_ago)


class Rows:
    """Rows in the form of the input contract, with short names and defaults."""

    def __init__(self, time_zone: str = "UTC") -> None:
        self.time_zone = time_zone
        self.customers: list[dict[str, Any]] = []
        self.orders: list[dict[str, Any]] = []
        self.lines: list[dict[str, Any]] = []
        self.refunds: list[dict[str, Any]] = []

    @property
    def raw(self) -> Raw:
        return Raw(self.customers, self.orders, self.lines, self.refunds, self.time_zone)

    @property
    def ledger(self) -> Ledger:
        return resolve_orders(self.raw)

    def money(self) -> list[tuple[object, object, bool]]:
        """Customer, amount and whether it is an order, of every fact, in order of time."""
        return [(fact.customer, fact.amount, fact.is_order) for fact in self.ledger.facts]

    def record(self, name: str, email: str | None = None, **values: Any) -> Rows:
        row = {"customer_ref": name, "email": email, "source_system": "default", "_batch_id": "1"}
        self.customers.append(row | values)
        return self

    def order(
        self, name: str | None, when: datetime, amount: Decimal | str | int = 10, **values: Any
    ) -> Rows:
        row = {
            "order_id": f"o{len(self.orders)}",
            "source_system": "default",
            "customer_ref": name,
            "ordered_at": when,
            "net_amount": Decimal(amount),
            "_batch_id": "1",
        }
        self.orders.append(row | values)
        return self

    def line(
        self,
        order_id: str,
        name: str | None,
        when: datetime | None,
        amount: Decimal | str | int = 10,
        **values: Any,
    ) -> Rows:
        row = {
            "order_id": order_id,
            "line_number": len(self.lines),
            "source_system": "default",
            "customer_ref": name,
            "ordered_at": when,
            "quantity": Decimal(1),
            "unit_price": Decimal(amount),
            "_batch_id": "1",
        }
        self.lines.append(row | values)
        return self

    def refund(
        self, order_id: str | None, when: datetime, amount: Decimal | str | int = 10, **values: Any
    ) -> Rows:
        row = {
            "refund_id": f"r{len(self.refunds)}",
            "order_id": order_id,
            "source_system": "default",
            "refunded_at": when,
            "amount": Decimal(amount),
            "_batch_id": "1",
        }
        self.refunds.append(row | values)
        return self


def feature(rows: Rows, name: str = "a", as_of: datetime = AS_OF) -> Features:
    return features(rows.raw, as_of)[ref(name)]


# Published figures ---------------------------------------------------------------------------


def rfm_orders() -> Raw:
    rows = Rows()
    with (real_data("rfm_orders") / "orders.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            when = datetime.fromisoformat(row["order_date"])
            rows.order(row["customer_id"], when, row["revenue"])
    return rows.raw


def test_the_published_scores_and_segments_of_r_come_out_exactly() -> None:
    scores = rfm(rfm_orders(), datetime(2006, 12, 31), window_days=None, offset=1, rfm_map="r")
    with (real_data("rfm_orders") / "published_scores.csv").open(newline="") as file:
        published = list(csv.DictReader(file))
    assert len(scores) == len(published) == 995
    plural = {"potential_loyalist": "potential_loyalists"}
    for row in published:
        name = row["segment"].lower().replace(" ", "_").replace("'", "")
        x = scores[ref(row["customer_id"])]
        assert (x.recency_days, x.frequency, x.monetary, x.rfm_score, x.rfm_segment) == (
            int(row["recency_days"]),
            int(row["transaction_count"]),
            Decimal(row["amount"]),
            int(row["rfm_score"]),
            plural.get(name, name),
        )


def test_the_published_cut_points_of_r_come_out_exactly() -> None:
    scores = rfm(rfm_orders(), datetime(2006, 12, 31), window_days=None).values()
    found = {
        "recency": cut_points([x.recency_days for x in scores], 5),
        "frequency": cut_points([x.frequency for x in scores], 5),
        "monetary": cut_points([x.monetary for x in scores], 5),
    }
    published = {
        "recency": ["115", "181", "297.4", "482"],
        "frequency": ["4", "5", "6", "8"],
        "monetary": ["255.8", "382", "506.4", "666"],
    }
    for name, cuts in published.items():
        assert [cut + 1 for cut in found[name]] == [Fraction(cut) for cut in cuts]


@pytest.fixture(scope="module")
def online_retail() -> Raw:
    rows = []
    for path in sorted(real_data("online_retail_daily").glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.DictReader(file)):
                order_id = row["InvoiceNo"]
                rows.append(
                    {
                        "order_id": order_id,
                        "line_number": number,
                        "source_system": "default",
                        "quantity": Decimal(row["Quantity"]),
                        "unit_price": Decimal(row["UnitPrice"]),
                        "customer_ref": row["CustomerID"].removesuffix(".0") or None,
                        "status": "cancelled" if order_id.startswith("C") else "completed",
                        "ordered_at": utc_of_local(
                            datetime.fromisoformat(row["InvoiceDate"]), LONDON
                        ),
                        "_batch_id": path.name,
                    }
                )
    return Raw(order_lines=rows, time_zone=LONDON)


def first_cohort(raw: Raw | Ledger, activity: str, months: int) -> tuple[int, list[int]]:
    """Customers in all cohorts, and the active ones of the cohort of 2010-12, month by month."""
    cells = cohorts(raw, datetime(2011, 12, 31), activity)
    customers = sum(cell.cohort_size for (_, k), cell in cells.items() if k == 0)
    return customers, [cells[date(2010, 12, 1), k].active_customers for k in range(months)]


def test_the_published_online_retail_cohorts_come_out(online_retail: Raw) -> None:
    ledger = resolve_orders(online_retail)
    assert sum(fact.amount for fact in ledger.facts) == Decimal("9747747.934")
    with_cancellations = first_cohort(ledger, "orders_and_refunds", 13)
    assert with_cancellations == (
        4372,
        [948, 362, 317, 367, 341, 376, 360, 336, 336, 374, 354, 474, 260],
    )
    # The published 4,338 leave lines without a price aside; a gift is an order all the same here.
    priced = [row for row in online_retail.order_lines if row["unit_price"] > 0]
    assert first_cohort(replace(online_retail, order_lines=priced), "orders", 4) == (
        4338,
        [885, 324, 286, 340],
    )


# Exact numbers and the calendar --------------------------------------------------------------


@few
@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=30))
def test_the_quantile_is_that_of_the_standard_library(values: list[int]) -> None:
    exact = [Fraction(value) for value in values]
    expected = quantiles(exact, n=10, method="inclusive")
    assert [quantile(values, Fraction(k, 10)) for k in range(1, 10)] == expected


def test_the_quantile_of_one_value_is_that_value() -> None:
    assert quantile([Decimal("2.5")], Fraction(4, 5)) == Fraction(5, 2)


def test_numbers_are_rounded_half_even() -> None:
    halves = ["0.00005", "0.00015", "-0.00005", "-0.00015"]
    rounded = [round_half_even(Decimal(half), 4) for half in halves]
    assert rounded == [Decimal(x) for x in ("0", "0.0002", "0", "-0.0002")]
    assert ratio(2, 3, 6) == Decimal("0.666667")
    assert ratio(1, 0, 6) is None


def test_the_median_of_an_even_number_is_the_mean_of_the_middle_two() -> None:
    assert median([]) is None
    assert median([4, 1]) == Decimal("2.5")
    assert median([9, 1, 4]) == 4


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2024-10-27T01:30", "2024-10-27T00:30"),  # occurs twice: the first
        ("2024-03-31T01:30", "2024-03-31T01:30"),  # does not occur: the offset before the change
        ("2024-06-01T00:00", "2024-05-31T23:00"),
    ],
)
def test_local_times_around_the_clock_change(local: str, utc: str) -> None:
    expected = datetime.fromisoformat(utc)
    assert utc_of_local(datetime.fromisoformat(local), LONDON) == expected


def test_a_customer_id_is_a_hash_of_system_and_reference_or_of_the_email_or_phone() -> None:
    assert customer_id(ref("007", "shop")) == "cbc3a716c0ef86ac15457a5bc4276a57"
    assert customer_id(("email", "a@example.com")) == "a052a98a4018ebe5213762582fd5fe19"
    assert customer_id(("phone", "+442079460000")) == "50b975861a27ea1dd37cdc697d231c48"


# Orders, refunds and cancellations -----------------------------------------------------------


def test_the_greatest_updated_at_wins_then_the_later_batch() -> None:
    rows = Rows()
    early, late = at(3), at(2)
    rows.order("a", at(9), 1, order_id="x", updated_at=late, _batch_id="1")
    rows.order("a", at(9), 2, order_id="x", updated_at=early, _batch_id="2")
    rows.order("a", at(9), 3, order_id="x", updated_at=None, _batch_id="3")
    rows.order("a", at(8), 4, order_id="y", _batch_id="2")
    rows.order("a", at(8), 5, order_id="y", _batch_id="1")
    assert [amount for _, amount, _ in rows.money()] == [1, 4]


def test_a_missing_status_counts_and_cancelled_and_test_do_not() -> None:
    rows = Rows()
    for number, status in enumerate((None, "placed", "cancelled", "test", "shipped")):
        rows.order("a", at(9), 10 + number, status=status)
    assert [amount for _, amount, _ in rows.money()] == [10, 11, 14]


def test_a_negative_cancelled_order_is_a_refund_on_its_own_date() -> None:
    rows = Rows().order("a", at(9), 30).order("a", at(2), -20, status="cancelled")
    rows.refund("o1", at(1), 20)  # of an order that does not count: not a second time
    assert rows.money() == [(ref("a"), 30, True), (ref("a"), -20, False)]
    assert feature(rows, as_of=at(3)).net_revenue_lifetime == 30
    assert feature(rows).net_revenue_lifetime == 10


def test_a_negative_order_that_is_not_cancelled_counts() -> None:
    rows = Rows().order("a", at(9), -5, status="paid")
    assert rows.money() == [(ref("a"), -5, True)]


def test_an_order_is_derived_from_the_lines_that_count() -> None:
    rows = Rows()
    rows.line("x", "b", at(5), 10)
    rows.line("x", "a", at(6), 20, discount_amount=Decimal("0.5"))
    rows.line("x", "a", at(4), -3, status="cancelled")
    rows.line("x", "a", at(9), 7, status="cancelled")
    rows.line("x", "a", at(8), 99, status="test")
    ledger = rows.ledger
    assert rows.money() == [(ref("a"), Decimal("29.5"), True), (ref("a"), -3, False)]
    assert ledger.facts[0].at == at(6)
    assert ledger.facts[0].has_discount
    assert ledger.facts[1].at == at(4)


def test_a_cancelled_line_of_nothing_or_more_is_ignored() -> None:
    rows = Rows().line("x", "a", at(5), 0, status="cancelled")
    rows.line("y", "a", at(5), 5, status="cancelled").order("a", at(5), 0, status="cancelled")
    assert rows.money() == []


def test_a_cancelled_line_without_a_reference_is_of_the_customer_of_its_order() -> None:
    rows = Rows().line("x", "a", at(5), 10).line("x", None, at(4), -3, status="cancelled")
    rows.line("x", "b", at(3), -2, status="cancelled")
    assert rows.money()[1:] == [(ref("a"), -3, False), (ref("b"), -2, False)]


def test_a_cancelled_line_shows_that_the_customer_existed() -> None:
    rows = Rows().line("x", "a", at(9), 7, status="cancelled").line("x", "a", at(5), 7)
    assert lifecycle(rows.raw, at(7)) == {ref("a"): "prospect"}


def test_a_line_is_rounded_half_even_before_it_is_summed() -> None:
    rows = Rows()
    for quantity in ("0.5", "1.5"):
        rows.line("x", "a", at(1), "0.0001", quantity=Decimal(quantity))
    assert rows.money() == [(ref("a"), Decimal("0.0002"), True)]


def test_an_order_of_lines_that_do_not_count_is_known_and_its_refunds_are_ignored() -> None:
    rows = Rows().line("x", "a", at(5), 10, status="test").refund("x", at(1))
    assert rows.money() == []
    assert lifecycle(rows.raw, AS_OF) == {ref("a"): "prospect"}


def test_where_a_header_exists_the_lines_move_no_money() -> None:
    rows = Rows().order("a", at(5), 100, order_id="x")
    rows.line("x", "a", at(5), 40, discount_amount=Decimal(1))
    rows.line("x", "a", at(5), -40, status="cancelled")
    assert rows.money() == [(ref("a"), 100, True)]
    assert rows.ledger.facts[0].has_discount


def test_a_discount_on_a_cancelled_line_is_no_discount() -> None:
    rows = Rows().order("a", at(5), 100, order_id="x")
    rows.line("x", "a", at(5), 40, discount_amount=Decimal(1), status="cancelled")
    assert not rows.ledger.facts[0].has_discount


def test_lines_of_a_later_batch_replace_all_lines_of_their_order() -> None:
    rows = Rows()
    rows.line("x", "a", at(5), 1, _batch_id="2")
    rows.line("x", "a", at(5), 10, _batch_id="1").line("x", "a", at(5), 20, _batch_id="1")
    rows.line("y", "a", at(4), 7, _batch_id="1")
    assert [amount for _, amount, _ in rows.money()] == [1, 7]


def test_a_refund_belongs_to_whom_it_names_else_to_its_order_else_to_nobody() -> None:
    rows = Rows().order("a", at(9), 50, order_id="x")
    rows.refund("x", at(5), 1)
    rows.refund("x", at(4), 2, customer_ref="b")
    rows.refund("unknown", at(3), 3)
    rows.refund(None, at(2), 4, email=" G@Mill.example ")
    rows.refund("x", at(1), 5, source_system="shop")  # another system's order of the same id
    assert [(who, amount) for who, amount, _ in rows.money()[1:]] == [
        (ref("a"), -1),
        (ref("b"), -2),
        (None, -3),
        (("email", "g@mill.example"), -4),
        (None, -5),
    ]


def test_a_refund_before_its_order_is_kept_on_its_own_date() -> None:
    rows = Rows().order("a", at(5), 50, order_id="x").refund("x", at(9), 20)
    assert rows.money() == [(ref("a"), -20, False), (ref("a"), 50, True)]
    # The refund shows that its order's customer was there before the order.
    assert features(rows.raw, at(7))[ref("a")].net_revenue_lifetime == -20
    assert feature(rows).net_revenue_lifetime == 30


def test_orders_without_an_identifier_belong_to_no_customer() -> None:
    rows = Rows().order(None, at(1)).order(" ", at(1))
    assert [who for who, _, _ in rows.money()] == [None, None]
    assert features(rows.raw, AS_OF) == {}


def test_an_amount_without_a_rate_is_refused() -> None:
    rows = Rows().order("a", at(1), currency="GBP").order("a", at(1), currency="EUR")
    with pytest.raises(ValueError, match="no rate of"):
        resolve_orders(rows.raw)


def test_a_rate_holds_for_seven_days_and_rounds_half_even() -> None:
    day = at(1).date()
    rate = {
        "currency": "EUR",
        "rate_to_reporting": Decimal("0.50005000"),
        "rate_date": day - timedelta(days=7),
        "source_system": "default",
        "_batch_id": "b",
    }
    rows = Rows().order("a", at(1), currency="EUR", net_amount=Decimal("1.0000"))
    raw = replace(rows.raw, reporting_currency="GBP", fx_rates=(rate,))
    assert resolve_orders(raw).facts[0].amount == Decimal("0.5000")
    late = rate | {"rate_date": day - timedelta(days=8)}
    with pytest.raises(ValueError, match="no rate of EUR"):
        resolve_orders(replace(raw, fx_rates=(late,)))


def test_a_float_is_never_taken_for_money() -> None:
    rows = Rows().order("a", at(1), net_amount=1.5)
    with pytest.raises(TypeError, match="Decimal"):
        resolve_orders(rows.raw)


# Who exists, and who is who ------------------------------------------------------------------


def test_an_email_order_belongs_to_the_record_that_carries_the_email_now() -> None:
    rows = Rows().record("a", "Old@mill.example", updated_at=at(9), created_at=at(9))
    rows.record("a", " New@Mill.example", updated_at=at(5), created_at=at(9))
    rows.order(None, at(2), email="new@mill.example ").order(None, at(1), email="old@mill.example")
    assert [who for who, _, _ in rows.money()] == [ref("a"), ("email", "old@mill.example")]


def test_of_several_records_with_the_email_the_first_seen_has_the_order() -> None:
    def owner(*records: tuple[str, datetime | None]) -> object:
        rows = Rows()
        for name, created_at in records:
            rows.record(name, "f@mill.example", created_at=created_at)
        return rows.order(None, at(1), email="f@mill.example").money()[0][0]

    assert owner(("a", at(5)), ("b", at(6))) == ref("b")
    assert owner(("a", at(5)), ("b", None)) == ref("b")
    assert owner(("b", at(5)), ("a", at(5))) == ref("a")


def test_an_order_makes_a_record_seen_before_it_was_created() -> None:
    rows = Rows().record("a", "f@mill.example", created_at=at(5))
    rows.record("b", "f@mill.example", created_at=at(3)).order("b", at(9))
    rows.order(None, at(1), email="f@mill.example")
    assert rows.money()[1][0] == ref("b")


def test_two_references_that_share_an_email_are_one_customer_with_all_their_orders() -> None:
    rows = Rows().record("a", "f@mill.example", created_at=at(5))
    rows.record("b", created_at=at(9)).record("c", created_at=at(9))
    rows.order("a", at(1), 10).order("b", at(1), 20, email="F@mill.example ")
    rows.order("c", at(1), 40)
    found = features(rows.raw, AS_OF)
    assert {who: x.net_revenue_lifetime for who, x in found.items()} == {ref("b"): 30, ref("c"): 40}


def test_a_customer_exists_from_the_first_thing_that_names_it() -> None:
    rows = Rows()
    rows.record("created", created_at=at(5)).record("undated").record("future", created_at=at(-9))
    rows.order("cancelled", at(5), status="cancelled").order("test", at(3), status="test")
    rows.refund(None, at(5), customer_ref="refunded")
    rows.record("early", created_at=at(1)).order("early", at(5))
    names = {customer[2] for customer in features(rows.raw, at(4))}
    assert names == {"created", "undated", "cancelled", "refunded", "early"}
    assert lifecycle(rows.raw, at(4))[ref("cancelled")] == "prospect"


def test_only_facts_until_as_of_count() -> None:
    rows = Rows().order("a", AS_OF, 1).order("a", AS_OF + timedelta(microseconds=1), 2)
    assert feature(rows).net_revenue_lifetime == 1


# Features ------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [30, 90, 365])
def test_a_fact_is_in_the_window_on_day_n_and_out_on_day_n_plus_1(days: int) -> None:
    for hour in (0, 23):
        rows = Rows().order("a", at(days - 1, hour), 100).order("a", at(days, hour), 900)
        rows.refund(None, at(days - 1, hour), 1, customer_ref="a")
        rows.refund(None, at(days, hour), 9, customer_ref="a")
        x = feature(rows)
        assert getattr(x, f"order_count_{days}d") == 1
        assert getattr(x, f"net_revenue_{days}d") == 99
        assert getattr(x, f"average_order_value_{days}d") == 99


def test_days_are_business_days() -> None:
    # 23:30 UTC on 30 June is 1 July in London.
    rows = Rows(LONDON).order("a", datetime(2024, 6, 30, 23, 30))
    assert feature(rows, as_of=datetime(2024, 7, 1, 12)).days_since_last_order == 0
    assert feature(rows, as_of=datetime(2024, 7, 1, 23)).days_since_last_order == 1


def test_gaps_are_between_distinct_order_dates() -> None:
    rows = Rows()
    for days, hour in ((20, 0), (20, 23), (17, 1), (10, 1), (0, 1)):
        rows.order("a", at(days, hour))
    x = feature(rows)
    assert (x.order_count_lifetime, x.order_day_count_lifetime) == (5, 4)
    assert x.median_days_between_orders == 7
    assert x.mean_days_between_orders == Decimal("6.6667")
    one_day = feature(Rows().order("a", at(3, 1)).order("a", at(3, 2)))
    assert one_day.median_days_between_orders is None
    assert one_day.mean_days_between_orders is None


def test_a_customer_without_orders_has_zeros_and_no_average() -> None:
    x = feature(Rows().record("a"))
    assert (x.order_count_365d, x.net_revenue_365d, x.average_order_value_365d) == (
        0,
        Decimal(0),
        None,
    )
    assert (x.first_order_at, x.days_since_last_order, x.active_month_count) == (None, None, 0)


def test_months_with_an_order_are_counted_once() -> None:
    rows = Rows().order("a", at(0)).order("a", at(5)).order("a", at(40)).refund("o0", at(80))
    assert feature(rows).active_month_count == 2


# RFM -----------------------------------------------------------------------------------------


def test_a_single_customer_who_bought_today_is_5_1_1() -> None:
    x = rfm(Rows().order("a", at(0)).raw, AS_OF)[ref("a")]
    assert (x.rfm_score, x.rfm_segment) == (511, "new_customers")


def test_the_value_that_most_share_gets_the_lowest_score_it_can() -> None:
    rows = Rows()
    for number in range(9):
        rows.order(f"c{number}", at(5))
    rows.order("d", at(5)).order("d", at(5))
    scores = rfm(rows.raw, AS_OF)
    assert {scores[ref(f"c{number}")].frequency_score for number in range(9)} == {1}
    assert scores[ref("d")].frequency_score == 5


def test_customers_without_an_order_in_the_window_are_not_scored() -> None:
    rows = Rows().order("a", at(365)).order("b", at(364)).refund("o0", at(1))
    assert rfm(rows.raw, AS_OF).keys() == {ref("b")}
    assert rfm(rows.raw, AS_OF, window_days=None).keys() == {ref("a"), ref("b")}


def test_negative_monetary_is_scored_as_it_is() -> None:
    rows = Rows().order("a", at(5), 10, order_id="x").refund("x", at(1), 25).order("b", at(5), 10)
    scores = rfm(rows.raw, AS_OF)
    assert scores[ref("a")].monetary == -15
    assert scores[ref("a")].monetary_score < scores[ref("b")].monetary_score


def test_the_default_map_is_the_table_of_the_definitions() -> None:
    high, low = (4, 5), (1, 2)
    cells = {(f, m): rfm_map_default(5, f, m) for f, m in product(range(1, 6), repeat=2)}
    assert {cells[f, m] for f in high for m in high} == {"champions"}
    assert {cells[3, m] for m in high} == {"loyal_customers"}
    assert {cells[f, m] for f in (3, 4, 5) for m in (1, 2, 3)} == {"potential_loyalists"}
    assert {cells[f, m] for f in low for m in (3, 4, 5)} == {"promising"}
    assert {cells[f, m] for f in low for m in low} == {"new_customers"}
    names = Counter(rfm_map_default(*cell) for cell in product(range(1, 6), repeat=3))
    # Columns of the table hold 4, 2, 9, 6 and 4 cells of F and M; R >= 4 and R <= 2 two each.
    assert names == {
        "champions": 8,
        "loyal_customers": 4 + 4 + 2,
        "potential_loyalists": 18,
        "promising": 12,
        "new_customers": 8,
        "need_attention": 9 + 6,
        "about_to_sleep": 4,
        "cant_lose_them": 8,
        "at_risk": 4 + 18 + 12,
        "lost": 8,
    }
    assert set(names) == set(RFM_DEFAULT_SEGMENTS)


def test_the_map_of_r_takes_the_first_match_and_has_others() -> None:
    assert rfm_map_r(5, 5, 5) == "champions"
    assert rfm_map_r(3, 3, 2) == "potential_loyalists"
    assert rfm_map_r(2, 2, 2) == "loyal_customers"
    assert rfm_map_r(5, 4, 1) == "others"


def test_fixed_cut_points_divide_at_the_given_values() -> None:
    cuts = {"recency": [1, 2, 3, 4], "frequency": [1, 2, 3, 4], "monetary": [10, 20, 30, 40]}
    rows = Rows().order("a", at(4), 40).order("b", at(5), Decimal("40.0001"))
    scores = rfm(rows.raw, AS_OF, method="fixed", fixed_cut_points=cuts)
    assert scores[ref("a")].rfm_score == 214
    assert scores[ref("b")].rfm_score == 115


def test_rank_bands_of_100_distinct_composites_have_20_each() -> None:
    rows = Rows()
    for number in range(100):
        rows.order(f"c{number}", at(number), 1000 - number)
    bands = Counter(x.rfm_segment for x in rfm(rows.raw, AS_OF, method="rank_bands").values())
    assert bands == dict.fromkeys(
        ("champions", "loyal_customers", "potential_loyalists", "new_customers", "at_risk"), 20
    )


def test_equal_composites_share_the_better_band() -> None:
    rows = Rows()
    for number in range(7):
        rows.order(f"c{number}", at(3), 5)
    bands = {x.rfm_segment for x in rfm(rows.raw, AS_OF, method="rank_bands").values()}
    assert bands == {"champions"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "guess"},
        {"rfm_map": "none"},
        {"bins": 4},
        {"method": "fixed"},
        {"method": "fixed", "fixed_cut_points": {"recency": [1]}},
    ],
)
def test_wrong_rfm_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        rfm(Rows().order("a", at(1)).raw, AS_OF, **wrong)


# Lifecycle, loyalty, single segments ---------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "stage"),
    [
        ([], "prospect"),
        ([365], "lapsed"),
        ([364], "at_risk"),
        ([181], "at_risk"),
        ([180], "active"),
        ([60], "active"),
        ([59], "new"),
        ([59, 30], "new"),
        ([61, 60, 59, 30], "active"),  # gaps of a day, but 30 days must pass
        ([62, 61, 60, 31], "at_risk"),
        ([140, 110, 80], "at_risk"),
        ([120, 90, 60], "active"),  # exactly twice the gap of 30 is not yet overdue
        ([180, 120, 60, 1], "loyal"),
        ([179, 120, 60, 1], "active"),
        ([180, 60, 1], "active"),
        ([20, 10, 5], "active"),  # three orders are not new
    ],
)
def test_the_first_lifecycle_stage_that_matches_holds(days: list[int], stage: str) -> None:
    rows = Rows().record("a")
    for day in days:
        rows.order("a", at(day))
    assert lifecycle(rows.raw, AS_OF)[ref("a")] == stage


def test_loyalty_divides_the_buyers_of_the_year() -> None:
    rows = Rows().order("old", at(365), 9000)
    for number in range(8):
        rows.order(f"once{number}", at(9), 10)
    rows.order("twice", at(9), 10).order("twice", at(9), 10)
    for _ in range(4):
        rows.order("power", at(9), 100)
    for _ in range(3):
        rows.order("three", at(9), 1000)
    found = loyalty(rows.raw, AS_OF)
    assert ref("old") not in found
    # The 90th percentile of 11 is the second highest: 400.
    assert found[ref("power")] == "power_users"
    assert found[ref("three")] == found[ref("twice")] == "regular_customers"
    assert found[ref("once0")] == "occasional_buyers"


def test_high_value_is_at_or_above_the_80th_percentile_of_buyers() -> None:
    rows = Rows().record("nobody").order("old", at(365), 9000)
    for number in range(1, 7):
        rows.order(f"c{number}", at(9), number * 10)
    # The 80th percentile of six is the fifth.
    assert segments(rows.raw, AS_OF)["high_value"] == {ref("c5"), ref("c6")}


def test_the_price_sensitive_spend_half_at_a_discount_refunds_aside() -> None:
    rows = Rows()
    rows.order("half", at(9), 50, coupon_code="X", order_id="h").order("half", at(9), 50)
    rows.refund("h", at(1), 50)
    rows.order("less", at(9), "49.9999", discount_amount=Decimal(1)).order("less", at(9), 50)
    rows.order("zero", at(9), 10, coupon_code="X").order("zero", at(9), -10, status="paid")
    rows.order("old", at(365), 10, coupon_code="X")
    assert segments(rows.raw, AS_OF)["price_sensitive"] == {ref("half")}


def test_upside_is_a_faster_pace_below_the_high_value_line() -> None:
    rows = Rows().order("steady", at(0), 90).order("steady", at(200), 275)
    rows.order("rising", at(0), 91).order("rising", at(200), 274).order("rich", at(0), 5000)
    for number in range(3):
        rows.order(f"rich{number}", at(0), 5000)
    assert segments(rows.raw, AS_OF)["upside"] == {ref("rising")}


@pytest.mark.parametrize(("last", "inside"), [(59, False), (60, True), (120, True), (121, False)])
def test_win_back_is_between_60_and_120_days(last: int, inside: bool) -> None:
    rows = Rows()
    for k in range(5):
        rows.order("a", at(last + k))
    for k in range(4):
        rows.order("b", at(last + k))
    assert segments(rows.raw, AS_OF)["win_back"] == ({ref("a")} if inside else set())


def test_regular_buyers_have_a_median_gap_of_at_most_60_days() -> None:
    rows = Rows().order("a", at(60)).order("a", at(0)).order("b", at(61)).order("b", at(0))
    rows.order("c", at(0))
    assert segments(rows.raw, AS_OF)["regular_buyers"] == {ref("a")}


def test_segments_by_scores_follow_the_scores() -> None:
    rows = Rows()
    for number in range(10):
        for _ in range(number + 1):
            rows.order(f"c{number}", at(100 - number * 10), 10 + number)
    scores, found = rfm(rows.raw, AS_OF), segments(rows.raw, AS_OF)
    # Ten distinct values make fifths of two, and here the best is best in all three.
    assert {x.rfm_score for x in scores.values()} == {111, 222, 333, 444, 555}
    assert found["vip"] == {ref("c8"), ref("c9")}
    assert found["high_value_recent"] == {ref("c6"), ref("c7"), ref("c8"), ref("c9")}
    assert found["dormant"] == {ref("c0"), ref("c1"), ref("c2"), ref("c3")}


def test_segments_by_counts_sit_on_their_edges() -> None:
    rows = Rows().record("none").order("one", at(29), 1).order("two", at(30), 1)
    rows.order("two", at(400), 1)
    for day in (0, 1, 2, 364):
        rows.order("loyal", at(day), 100)
    for day in (0, 1, 2, 365):
        rows.order("rich", at(day), 900)
    for day in (70, 71, 72):
        rows.order("regular", at(day), 1)
    for day in (181, 182):
        rows.order("twice", at(day), 1)
    found = segments(rows.raw, AS_OF)
    assert found["one_time_buyers"] == {ref("one")}
    assert found["recent_buyers_30d"] == {ref("one"), ref("loyal"), ref("rich")}
    # The 80th percentile of six lifetimes is the fifth, 400; rich has three orders in the year.
    assert found["loyal_high_ltv"] == {ref("loyal")}
    assert found["lifecycle_at_risk"] == {ref("regular"), ref("twice")}
    assert found["at_risk_regulars"] == {ref("regular")}


def test_a_business_of_nobody_has_every_segment_and_all_are_empty() -> None:
    found = segments(Raw(), AS_OF)
    assert {key for keys in GROUPS.values() for key in keys} < found.keys()
    assert not any(found.values())
    assert cohorts(Raw(), AS_OF) == {}


# History -------------------------------------------------------------------------------------

DAYS = [datetime(2024, 1, 1), datetime(2024, 2, 1), datetime(2024, 3, 1), datetime(2024, 4, 1)]


def test_history_notes_who_entered_and_left_between_observations() -> None:
    a, b = ref("a"), ref("b")
    seen = history(
        [(DAYS[2], {"s": set()}), (DAYS[0], {"s": {a}}), (DAYS[1], {"s": {a, b}}), (DAYS[3], {})]
    )
    assert seen.events == [
        Event(DAYS[0], "s", a, "entered"),
        Event(DAYS[1], "s", b, "entered"),
        Event(DAYS[2], "s", a, "exited"),
        Event(DAYS[2], "s", b, "exited"),
    ]
    assert seen.stays == [Stay("s", a, DAYS[0], DAYS[2]), Stay("s", b, DAYS[1], DAYS[2])]
    assert seen.sizes == [
        Size("s", DAYS[0], 0, 1, 0, 1),
        Size("s", DAYS[1], 1, 1, 0, 2),
        Size("s", DAYS[2], 2, 0, 2, 0),
    ]
    assert seen.observed == {"s": DAYS[:3]}


def test_a_segment_that_was_not_looked_at_keeps_its_members() -> None:
    seen = history([(DAYS[0], {"s": {ref("a")}}), (DAYS[1], {}), (DAYS[2], {"s": {ref("a")}})])
    assert seen.stays == [Stay("s", ref("a"), DAYS[0], None)]


def test_an_instant_is_observed_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        history([(DAYS[0], {}), (DAYS[0], {})])


# Cohorts -------------------------------------------------------------------------------------

JAN = date(2024, 1, 1)
ENDS = [
    datetime(2024, month, day, 23, 59, 59, 999999) for month, day in ((1, 31), (2, 29), (3, 31))
]


def test_a_cohort_is_the_month_of_the_first_order_and_a_refund_is_activity_on_request() -> None:
    rows = Rows().order("a", datetime(2024, 1, 10), 100, order_id="x")
    rows.order("a", datetime(2024, 3, 10), 10).refund("x", datetime(2024, 2, 10), 30)
    rows.order("b", datetime(2024, 1, 10), -7, status="cancelled")
    assert cohorts(rows.raw, ENDS[2]) == {
        (JAN, 0): CohortCell(1, 1, Decimal(100)),
        (JAN, 1): CohortCell(1, 0, Decimal(-30)),
        (JAN, 2): CohortCell(1, 1, Decimal(10)),
    }
    assert cohorts(rows.raw, ENDS[2], "orders_and_refunds") == {
        (JAN, 0): CohortCell(2, 2, Decimal(93)),
        (JAN, 1): CohortCell(2, 1, Decimal(-30)),
        (JAN, 2): CohortCell(2, 1, Decimal(10)),
    }
    with pytest.raises(ValueError, match="activity"):
        cohorts(rows.raw, ENDS[2], "visits")


def test_the_segment_of_a_cohort_is_the_first_observed_after_the_first_order() -> None:
    rows = Rows().order("a", datetime(2024, 1, 10)).order("b", datetime(2024, 2, 10))
    stays = [
        Stay("s", ref("a"), ENDS[0], ENDS[1]),
        Stay("s", ref("b"), ENDS[0], ENDS[1]),  # no longer in when first looked at as a customer
    ]
    cells = segment_cohorts(rows.raw, ENDS[1], stays, {"s": ENDS[:2]})
    assert {key: cell.cohort_size for key, cell in cells.items()} == {
        ("s", JAN, 0): 1,
        ("s", JAN, 1): 1,
    }


# Invariants ----------------------------------------------------------------------------------


def watched(b: Business) -> tuple[Ledger, History]:
    ledger = resolve_orders(b.raw)
    instants = [*month_ends(ledger, b.as_of), b.as_of]
    return ledger, history(observe(ledger, instants))


def figures(raw: Raw | Ledger, as_of: datetime) -> tuple[object, ...]:
    return features(raw, as_of), rfm(raw, as_of), segments(raw, as_of), cohorts(raw, as_of)


@few
@given(businesses(parts=ALL_PARTS), st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(b: Business, rng: random.Random) -> None:
    def shuffled(rows: Any) -> list[Any]:
        return rng.sample(list(rows), len(rows))

    entities = {entity: shuffled(rows) for entity, rows in b.raw.entities().items()}
    other = b.raw.with_rows(entities)
    assert resolve_orders(other).facts == resolve_orders(b.raw).facts
    assert figures(other, b.as_of) == figures(b.raw, b.as_of)


@few
@given(businesses(parts=ALL_PARTS))
def test_nothing_leaks_from_the_future(b: Business) -> None:
    ledger = resolve_orders(b.raw)
    past = b.as_of - timedelta(days=45)
    cut = replace(ledger, facts=tuple(ledger.facts_until(past)))
    assert figures(cut, past) == figures(ledger, past)
    assert cohorts(cut, past, "orders_and_refunds") == cohorts(ledger, past, "orders_and_refunds")


@few
@given(businesses())
def test_groups_are_exclusive_and_stages_and_loyalty_exhaustive(b: Business) -> None:
    found, rows = segments(b.raw, b.as_of), features(b.raw, b.as_of)
    for keys in GROUPS.values():
        members = [customer for key in keys for customer in found[key]]
        assert len(members) == len(set(members))
    staged = set[Customer]().union(*(found[key] for key in GROUPS["lifecycle"]))
    assert staged == set(rows)
    buyers = {customer for customer, x in rows.items() if x.order_count_365d}
    for group in ("rfm", "loyalty"):
        assert set[Customer]().union(*(found[key] for key in GROUPS[group])) == buyers


@few
@given(businesses())
def test_a_better_value_never_scores_less_and_equal_values_share_a_score(b: Business) -> None:
    rows = list(rfm(b.raw, b.as_of, window_days=None).values())
    for x, y in product(rows, rows):
        if x.frequency >= y.frequency:
            assert x.frequency_score >= y.frequency_score
        if x.monetary >= y.monetary:
            assert x.monetary_score >= y.monetary_score
        if x.recency_days <= y.recency_days:
            assert x.recency_score >= y.recency_score


@few
@given(businesses())
def test_stays_and_sizes_say_what_was_observed(b: Business) -> None:
    ledger = resolve_orders(b.raw)
    observations = observe(ledger, [*month_ends(ledger, b.as_of), b.as_of])
    seen = history(observations)
    sizes = {(size.segment_key, size.as_of): size for size in seen.sizes}
    for as_of, found in observations:
        for key, members in found.items():
            held = [x.customer for x in seen.stays if x.segment_key == key and x.holds_at(as_of)]
            assert sorted(held) == sorted(members)
            size = sizes[key, as_of]
            assert size.member_count == len(members)
            assert size.opening_count + size.entered_count - size.exited_count == len(members)


@few
@given(businesses())
def test_every_buyer_is_in_one_cohort_and_active_in_its_first_month(b: Business) -> None:
    cells = cohorts(b.raw, b.as_of)
    buyers = [x for x in features(b.raw, b.as_of).values() if x.order_count_lifetime]
    first = {month: cell for (month, k), cell in cells.items() if k == 0}
    assert sum(cell.cohort_size for cell in first.values()) == len(buyers)
    assert all(cell.active_customers == cell.cohort_size for cell in first.values())
    active = sum(cell.active_customers for cell in cells.values())
    assert active == sum(x.active_month_count for x in buyers)


# The generator -------------------------------------------------------------------------------


def contract() -> Iterator[tuple[str, set[str]]]:
    path = ROOT / "models" / "staging" / "_sources.yml"
    if not path.is_file():
        pytest.skip("the input contract models/staging/_sources.yml is missing")
    for source in yaml.safe_load(path.read_text())["sources"]:
        if source["name"] == "raw":
            for table in source["tables"]:
                yield (
                    table["name"],
                    {column["name"] for column in table["columns"]},
                )


def test_generated_rows_have_the_columns_of_the_contract() -> None:
    columns = dict(contract())
    for entity, rows in business.every_kpi(1).raw.entities().items():
        assert rows, f"nothing of {entity}"
        for row in rows:
            assert row.keys() == columns[entity] | {"_batch_id"}


def test_a_seed_gives_the_same_business_again() -> None:
    assert business.every_oddity(7) == business.every_oddity(7)
    assert business.generate(random.Random(7)) == business.generate(random.Random(7))
    assert business.every_oddity(7) != business.every_oddity(8)


def test_every_oddity_is_in_the_full_business() -> None:
    names = [part.__name__ for part in business.ALL_ODDITIES]
    assert business.every_oddity(1).oddities == tuple(sorted(names))


def test_the_full_business_fills_nearly_every_segment() -> None:
    # A generator that leaves a segment empty tests nothing of it.
    filled: set[str] = set()
    for seed in range(3):
        b = business.every_oddity(seed)
        filled |= {key for key, members in segments(b.raw, b.as_of).items() if members}
    assert filled == segments(Raw(), AS_OF).keys()


@few
@given(businesses(parts=ALL_PARTS))
def test_generated_keys_can_be_decided(b: Business) -> None:
    # Two contents for one key of one batch with nothing to decide would stop a refresh.
    keys = KEYS | {
        "customers": (*KEYS["customers"], "updated_at"),
        "orders": (*KEYS["orders"], "updated_at"),
        "order_lines": ("order_id", "line_number"),
    }
    for entity, held in b.raw.entities().items():
        key = ("source_system", "_batch_id", *keys[entity])
        rows = [tuple(row[column] for column in key) for row in held]
        assert len(rows) == len(set(rows)), entity
