"""The recomputation of variables against examples worked out by hand from docs/variables.md.

Every example looks at 31 December 2024, 12:00 UTC, unless it says otherwise: of the last 90 days
the first is 3 October, ``at(89)``.

Does not belong here: comparisons with the SQL.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from business import ALL_PARTS, ROOT, Business, businesses, every_oddity
from hand_made import MICROSECOND, NOON, SEEDS, Town, at, email, ref
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import features
from oracle_identity import Customer
from oracle_rows import Raw, Seeds, read_seeds
from oracle_variables import (
    Values,
    age_band,
    age_on,
    channel_of,
    days_until,
    gender_of,
    hour_band,
    is_occasion,
    nps_group,
    prepare,
    referrer_host,
    variables,
)

few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])

ALL_SEEDS = replace(
    SEEDS,
    channel_rules=read_seeds(ROOT / "seeds").channel_rules,
    age_bands=[
        {"band": "minor", "from_age": "0", "below_age": "18"},
        {"band": "adult", "from_age": "18", "below_age": "65"},
        {"band": "senior", "from_age": "65", "below_age": ""},
    ],
    gender_spellings=[
        {"spelling": "female", "gender": "female"},
        {"spelling": "f", "gender": "female"},
        {"spelling": "prefer not to say", "gender": "undisclosed"},
    ],
    occasions=[
        {"from_month": "12", "from_day": "27", "to_month": "1", "to_day": "1"},
        {"from_month": "2", "from_day": "14", "to_month": "2", "to_day": "14"},
        {"from_month": "12", "from_day": "31", "to_month": "12", "to_day": "31"},
    ],
    engagement_weights=[
        {"measure": "session_count", "source": "web_events", "weight": "0.5", "cap": "3"},
        {"measure": "product_view_count", "source": "web_events", "weight": "0.2", "cap": "7"},
        {"measure": "ticket_count", "source": "support_tickets", "weight": "0.3", "cap": "2"},
    ],
    engagement_levels=[
        {"level": "low", "from_score": "0"},
        {"level": "medium", "from_score": "20"},
        {"level": "high", "from_score": "50"},
    ],
)


def seen(
    town: Town, name: str = "a", as_of: datetime = NOON, seeds: Seeds = ALL_SEEDS, **settings: Any
) -> Values:
    """The variables of a customer of the town."""
    return variables(replace(town.raw, **settings), as_of, seeds)[ref(name)]


def known(name: str = "a") -> Town:
    """A town with one customer of whom nothing is known."""
    return Town().record(name)


def lines(town: Town, when: datetime, *goods: tuple[str, Any], **order: Any) -> Town:
    """An order of `a` by its lines: product and amount of each."""
    number = len(town.rows["orders"])
    order = {"order_id": f"o{number}", "customer_ref": "a"} | order
    town.order(when, **order)
    for place, (item, amount) in enumerate(goods):
        town.add(
            "order_lines",
            order_id=order["order_id"],
            line_number=place,
            product_id=item,
            quantity=Decimal(1),
            unit_price=Decimal(amount),
        )
    return town


def shelf(town: Town, **categories: Any) -> Town:
    """Products by id, each with its category, or with several of its columns."""
    for item, value in categories.items():
        columns = value if isinstance(value, dict) else {"category": value, "brand": value}
        town.add("products", product_id=item, **{"name": f"the {item}"} | columns)
    return town


# Missing inputs ------------------------------------------------------------------------------


def test_an_input_is_there_from_its_first_row_and_null_before() -> None:
    town = known().add("support_tickets", opened_at=NOON, customer_ref="b")
    before = seen(town, as_of=NOON - MICROSECOND)
    assert before["features_missing"] == (
        "consents, leads, message_events, order_lines, product_usage, products, referrals, "
        "social_mentions, subscriptions, support_tickets, survey_responses, web_events"
    )
    assert before["ticket_count_90d"] is None
    now = seen(town)
    assert "support_tickets" not in now["features_missing"]
    assert (now["ticket_count_90d"], now["last_ticket_opened_at"]) == (0, None)
    assert now["session_count_30d"] is None
    assert now["may_market_email"] is None


def test_nothing_is_missing_where_every_input_has_a_row() -> None:
    assert {row["features_missing"] for row in variables_of(every_oddity(1)).values()} == {""}


def variables_of(b: Business) -> dict[Customer, Values]:
    return variables(b.raw, b.as_of)


def test_a_day_of_use_and_a_line_are_there_when_they_happened() -> None:
    town = known().add("product_usage", used_on=NOON.date(), feature="f", account_ref="acme")
    lines(town, at(1), ("p", 1))
    assert "product_usage" not in seen(town)["features_missing"]
    assert "product_usage" in seen(town, as_of=at(1))["features_missing"]
    assert "order_lines" not in seen(town, as_of=at(1))["features_missing"]
    assert "order_lines" in seen(town, as_of=at(1) - MICROSECOND)["features_missing"]


# Web -----------------------------------------------------------------------------------------


def test_events_are_in_on_day_n_and_out_on_day_n_plus_1() -> None:
    town = known()
    for days in (30, 90, 365):
        start = datetime.combine(NOON.date() - timedelta(days=days - 1), time(0))
        for when in (start, start - MICROSECOND):
            more = {"event_name": "search", "session_id": f"{when}"}
            town.event(f"{when}", when, customer_ref="a", **more)
    found = seen(town)
    assert [found[f"session_count_{days}d"] for days in (30, 90, 365)] == [1, 3, 5]
    assert found["search_count_90d"] == 3
    assert found["page_view_count_90d"] == 0


def test_half_an_hour_is_one_session_and_a_microsecond_more_is_two() -> None:
    for beyond, sessions in ((timedelta(0), 1), (MICROSECOND, 2)):
        town = known()
        for number, when in enumerate((at(3), at(3) + timedelta(minutes=30) + beyond)):
            town.event(f"e{number}", when, customer_ref="a")
        assert seen(town)["session_count_30d"] == sessions


def test_a_session_id_holds_whatever_the_gap_within_its_source_system() -> None:
    town = known()
    for number, days in enumerate((9, 1)):
        town.event(f"e{number}", at(days), customer_ref="a", session_id="s")
    assert seen(town)["session_count_30d"] == 1
    town.record("a", "x", source_system="shop", _batch_id="2").record("a", "x", _batch_id="2")
    town.event("e2", at(1), customer_ref="a", session_id="s", source_system="shop")
    assert seen(town)["session_count_30d"] == 2


def test_visitors_without_a_session_id_are_told_apart_by_device_first() -> None:
    town = known()
    for number, device in enumerate(("v", "w", None)):
        town.event(f"e{number}", at(1), customer_ref="a", anonymous_id=device)
    assert seen(town)["session_count_30d"] == 3


def test_time_on_site_is_in_whole_seconds_on_the_date_of_the_later_event() -> None:
    town = known()
    start = datetime(2024, 10, 2, 23, 59, 59)  # the last second before the window
    for number, seconds in enumerate(("0", "0.999999", "2.999999", "4.5", "4.5")):
        when = start + timedelta(microseconds=int(Decimal(seconds) * 1_000_000))
        town.event(f"e{number}", when, customer_ref="a", session_id="s")
    # 0.999999 -> 0 (before midnight), 2.0 -> 2, 1.500001 -> 1, 0 -> 0.
    found = seen(town)
    assert found["seconds_on_site_90d"] == 3
    assert found["session_count_90d"] == 0


def test_a_session_of_two_people_is_each_ones_with_its_own_times() -> None:
    town = known().record("b")
    rows = ((0, None, "email"), (1, "a", "sms"), (3, "b", "cpc"), (6, "a", "cpc"), (10, "b", "cpc"))
    for minute, name, medium in rows:
        when = at(5) + timedelta(minutes=minute)
        town.event(f"e{minute:02d}", when, customer_ref=name, session_id="s", utm_medium=medium)
    for name, seconds in (("a", 5 * 60), ("b", 7 * 60)):
        found = seen(town, name)
        assert (found["seconds_on_site_90d"], found["session_count_90d"]) == (seconds, 1)
        assert found["first_touch_channel"] == "email"


def test_the_last_event_is_in_minutes_and_24_hours_are_open_at_their_start() -> None:
    def events(*times: datetime) -> Values:
        town = known()
        for number, when in enumerate(times):
            town.event(f"e{number}", when, customer_ref="a")
        return seen(town)

    day = timedelta(hours=24)
    assert events(NOON - day)["event_count_24h"] == 0
    assert events(NOON - day + MICROSECOND, NOON)["event_count_24h"] == 2
    assert events(NOON, NOON + MICROSECOND)["last_web_event_at"] == NOON
    for seconds, minutes in ((0, 0), (59, 0), (60, 1), (119, 1)):
        when = NOON - timedelta(seconds=seconds)
        assert events(when)["minutes_since_last_web_event"] == minutes
    assert events(NOON - timedelta(seconds=60) + MICROSECOND)["minutes_since_last_web_event"] == 0


def test_the_top_category_is_that_of_the_day_of_the_view_and_the_first_of_a_tie() -> None:
    town = shelf(known(), p={"category": "tea", "valid_from": None}, q="cups")
    town.add("products", product_id="p", category="coffee", valid_from=date(2024, 12, 1))
    views = (("p", datetime(2024, 11, 30, 23, 59)), ("p", datetime(2024, 12, 1)), ("q", at(1)))
    for number, (item, when) in enumerate(views):
        more = {"product_id": item, "event_name": "product_view", "customer_ref": "a"}
        town.event(f"e{number}", when, **more)
    town.event("e3", at(2), product_id="unknown", event_name="product_view", customer_ref="a")
    town.event("e4", at(2), product_id="q", event_name="page_view", customer_ref="a")
    found = seen(town)
    assert found["product_view_count_90d"] == 4
    assert found["top_viewed_category_90d"] == "coffee"  # coffee, cups and tea, once each
    town.event("e5", at(2), product_id="q", event_name="product_view", customer_ref="a")
    assert seen(town)["top_viewed_category_90d"] == "cups"


def test_first_and_last_touch_are_of_the_first_event_of_the_first_and_last_session() -> None:
    town = known()
    site = {"customer_ref": "a", "page_url": "https://Shop.example/x"}
    town.event("b", at(500), utm_source=" Google ", utm_medium="cpc", session_id="1", **site)
    town.event("a", at(500), referrer="https://T.co/abc", session_id="1", device="tv", **site)
    town.event("c", at(2), referrer="https://shop.example/y", session_id="2", **site)
    town.event("d", at(1), session_id="2", device="desktop", **site)
    found = seen(town)
    assert (found["first_touch_channel"], found["first_touch_source"]) == ("organic_social", "t.co")
    assert (found["last_touch_channel"], found["last_device"]) == ("direct", None)


@pytest.mark.parametrize(
    ("row", "channel"),
    [
        ({"utm_medium": "Email"}, "email"),
        ({"utm_medium": "x", "utm_source": "newsletter-5"}, "email"),
        ({"utm_medium": "cpc", "utm_source": "facebook.com"}, "paid_social"),
        ({"utm_medium": "cpc"}, "paid_search"),
        ({"referrer": "https://www.google.de/search?q=a"}, "organic_search"),
        ({"referrer": "https://www.google.de/", "utm_source": "x"}, "unknown"),
        ({"referrer": "https://blog.example:8443/a"}, "referral"),
        ({"referrer": "https://a.example/1", "page_url": "https://a.example/2"}, "direct"),
        ({"utm_medium": "pigeon"}, "unknown"),
        ({}, "direct"),
    ],
)
def test_the_channel_is_that_of_the_first_rule_that_fits(row: dict[str, str], channel: str) -> None:
    assert channel_of(row, ALL_SEEDS) == channel


def test_the_referrer_host_is_lower_case_without_port_and_not_the_site_itself() -> None:
    assert referrer_host({"referrer": "https://User@Blog.Example:8443/a?b"}) == "blog.example"
    own = {"referrer": "http://a.example/1", "page_url": "https://A.example/2"}
    assert referrer_host(own) is None
    assert referrer_host({"referrer": " "}) is None


def test_visits_before_a_sign_up_are_the_customers_and_those_of_bots_are_nobodys() -> None:
    town = Town().event("1", at(200), anonymous_id="v", utm_medium="email")
    town.event("2", at(3), anonymous_id="v", customer_ref="a", event_name="sign_up")
    town.event("3", at(2), customer_ref="a", device="bot")
    found = seen(town)
    assert (found["session_count_365d"], found["session_count_90d"]) == (2, 1)
    assert found["first_touch_channel"] == "email"
    assert found["last_web_event_at"] == at(3)
    # Before the sign-up nobody knows of the customer.
    assert variables(town.raw, at(4), ALL_SEEDS) == {}


# Carts ---------------------------------------------------------------------------------------


def open_carts(*events: tuple[str, datetime, dict[str, Any]], orders: Any = ()) -> tuple[Any, Any]:
    town = known()
    for number, (name, when, more) in enumerate(events):
        town.event(f"e{number}", when, **{"event_name": name, "customer_ref": "a"} | more)
    for when, status in orders:
        town.order(when, customer_ref="a", status=status)
    found = seen(town)
    return found["open_cart_count"], found["last_cart_touched_at"]


CART = {"cart_id": "c", "session_id": "s"}
NO_CART = {"session_id": "s"}


def test_a_cart_is_touched_by_adding_removing_and_going_to_the_checkout() -> None:
    touches = [("add_to_cart", at(5), CART), ("remove_from_cart", at(4), CART)]
    touches += [("checkout_started", at(3), CART), ("page_view", at(2), CART)]
    assert open_carts(*touches) == (1, at(3))
    assert open_carts(*touches, ("add_to_cart", at(2), {"session_id": "s"})) == (2, at(2))
    view = ("page_view", at(2), CART)
    assert open_carts(view, ("add_to_cart", NOON + MICROSECOND, CART)) == (0, None)


def test_a_cart_is_converted_by_a_completion_at_or_after_its_first_touch() -> None:
    touches = [("add_to_cart", at(5), CART), ("add_to_cart", at(3), CART)]
    other = {"customer_ref": None}
    assert open_carts(*touches, ("order_completed", at(5), CART | other)) == (0, None)
    assert open_carts(*touches, ("order_completed", at(5) - MICROSECOND, CART)) == (1, at(3))
    assert open_carts(*touches, ("order_completed", NOON + MICROSECOND, CART)) == (1, at(3))
    # A cart with an id is not converted by its session, one without is, whatever the id there.
    assert open_carts(*touches, ("order_completed", at(1), NO_CART)) == (1, at(3))
    plain = ("add_to_cart", at(3), NO_CART)
    assert open_carts(plain, ("order_completed", at(1), {"cart_id": "z"} | NO_CART)) == (0, None)
    assert open_carts(plain, ("order_completed", at(1), {"session_id": "t"})) == (1, at(3))
    shop = {"source_system": "shop", "customer_ref": None}
    assert open_carts(*touches, ("order_completed", at(1), CART | shop)) == (1, at(3))


def test_a_cart_is_converted_by_a_counting_order_at_or_after_its_last_touch() -> None:
    touches = [("add_to_cart", at(5), CART), ("add_to_cart", at(3), CART)]
    assert open_carts(*touches, orders=[(at(3), None)]) == (0, None)
    assert open_carts(*touches, orders=[(at(3) - MICROSECOND, None)]) == (1, at(3))
    assert open_carts(*touches, orders=[(at(2), "cancelled")]) == (1, at(3))
    assert open_carts(*touches, orders=[(NOON, None)]) == (0, None)
    assert open_carts(*touches, orders=[(NOON + MICROSECOND, None)]) == (1, at(3))


# Messages ------------------------------------------------------------------------------------


def message(town: Town, name: str, when: datetime, message_id: str | None, **more: Any) -> Town:
    values = {"event_name": name, "occurred_at": when, "message_id": message_id, "channel": "email"}
    return town.add("message_events", **values | {"customer_ref": "a"} | more)


def test_messages_are_counted_once_and_by_the_date_of_each_event() -> None:
    town = Town()
    message(town, "delivered", at(90), "m")
    for name, days in (("opened", 90), ("opened", 89), ("opened", 3), ("clicked", 90)):
        message(town, name, at(days), "m")
    for _ in range(2):
        message(town, "replied", at(1), None)
    found = seen(town)
    assert [
        found[f"{name}_message_count_90d"] for name in ("delivered", "opened", "clicked", "replied")
    ] == [0, 1, 0, 2]
    assert found["email_open_rate_90d"] is None
    assert (found["last_message_opened_at"], found["last_message_clicked_at"]) == (at(3), at(90))


def test_rates_are_of_emails_first_delivered_in_the_window() -> None:
    town = Town()
    for number in range(3):
        message(town, "delivered", at(89 - number * 10), f"m{number}")
    message(town, "opened", at(1), "m0")
    message(town, "clicked", at(1), "m1")  # without an open
    message(town, "opened", NOON + MICROSECOND, "m2")
    message(town, "delivered", at(90), "early")
    message(town, "delivered", at(80), "early")
    message(town, "opened", at(2), "early")
    message(town, "delivered", at(5), "text", channel="sms")
    found = seen(town)
    assert found["delivered_message_count_90d"] == 5
    assert found["email_open_rate_90d"] == Decimal("0.333333")
    assert found["email_click_rate_90d"] == Decimal("0.333333")


def test_what_machines_open_and_click_does_not_count() -> None:
    town = message(Town(), "delivered", at(5), "m", is_machine=True)
    for name in ("opened", "clicked"):
        message(town, name, at(5), "m", is_machine=True)
    found = seen(town)
    assert found["delivered_message_count_90d"] == 1
    assert (found["opened_message_count_90d"], found["clicked_message_count_90d"]) == (0, 0)
    assert found["email_open_rate_90d"] == 0
    assert found["last_message_opened_at"] is None
    message(town, "opened", at(4), "m", is_machine=False)
    assert seen(town)["email_open_rate_90d"] == 1


def test_clicks_on_promotional_campaigns_are_by_message_within_30_days() -> None:
    town = Town()
    for name, is_promotional in (("promo", True), ("news", False), ("none", None)):
        town.add("campaigns", campaign_id=name, name=name, is_promotional=is_promotional)
    clicks = (("promo", 29), ("promo", 30), ("news", 1), ("none", 1), ("unknown", 1))
    for number, (campaign, days) in enumerate(clicks):
        message(town, "clicked", at(days), f"m{number}", campaign_id=campaign)
    message(town, "clicked", at(2), "m0", campaign_id="promo")
    message(town, "clicked", at(2), "m9", campaign_id="promo", is_machine=True)
    message(town, "clicked", at(2), "m8", campaign_id="promo", source_system="shop")
    assert seen(town)["promotional_click_count_30d"] == 1


def test_an_unsubscribed_address_comes_back_by_a_consent_after_it() -> None:
    def left(name: str = "unsubscribed", channel: str = "email", *grants: Any) -> bool:
        town = message(known(), name, at(9), None, channel=channel)
        for when, granted, where in grants:
            values = {"purpose": "marketing", "granted": granted, "channel": where}
            town.add("consents", changed_at=when, customer_ref="a", **values)
        return bool(seen(town)["is_email_unsubscribed"])

    assert left()
    assert left("complained")
    assert not left("bounced")
    assert not left("unsubscribed", "sms")
    email_ = ("unsubscribed", "email")
    assert left(*email_, (at(9), True, "email"))
    for where in ("email", "all", None):
        assert not left(*email_, (at(9) + MICROSECOND, True, where))
    assert left(*email_, (at(8), True, "sms"), (at(8), False, "all"))
    assert left(*email_, (NOON + MICROSECOND, True, "all"))


# Service, surveys, social --------------------------------------------------------------------


def test_tickets_are_counted_by_the_day_they_were_opened() -> None:
    town = Town()
    for days, closed_at in ((89, None), (90, NOON), (364, NOON + MICROSECOND), (365, None)):
        values = {"closed_at": closed_at, "feature_request": days > 89}
        town.add("support_tickets", opened_at=at(days), customer_ref="a", **values)
    found = seen(town)
    assert (found["ticket_count_90d"], found["ticket_count_365d"]) == (1, 3)
    assert found["open_ticket_count"] == 3
    assert found["feature_request_count_365d"] == 2
    assert found["last_ticket_opened_at"] == at(89)


def test_the_last_satisfaction_is_of_the_last_closed_ticket_that_has_one() -> None:
    def score(*tickets: tuple[int, datetime | None, int | None]) -> Any:
        town = Town()
        for opened, closed_at, points in tickets:
            value = Decimal(points) if points is not None else None
            more = {"closed_at": closed_at, "csat_score": value, "customer_ref": "a"}
            town.add("support_tickets", opened_at=at(opened), **more)
        return seen(town)["last_csat_score"]

    assert score((9, at(1), 3), (8, at(2), 5), (7, at(0), None)) == 3
    assert score((9, at(1), 3), (8, at(1), 2)) == 2
    assert score((9, NOON + MICROSECOND, 3)) is None
    assert score((9, NOON, 3), (8, NOON + MICROSECOND, 1)) == 3


def survey(town: Town, question: str, when: datetime, **values: Any) -> Town:
    if "score" in values:
        values["score"] = Decimal(values["score"])
    more = {"question": question, "responded_at": when, "customer_ref": "a"}
    return town.add("survey_responses", **more | values)


def test_the_last_nps_is_the_least_of_one_instant() -> None:
    town = survey(Town(), "nps", at(89), score=10)
    survey(town, "nps", at(3), score=9)
    survey(town, "nps", at(3), score="6.9999")
    survey(town, "nps", at(1), answer="well")
    survey(town, "csat", at(1), score=1)
    survey(town, "nps", NOON + MICROSECOND, score=10)
    survey(town, "csat", at(90), score=1)
    found = seen(town)
    assert (found["last_nps_score"], found["nps_group"]) == (Decimal("6.9999"), "detractor")
    assert found["survey_answer_count_90d"] == 5


def test_groups_of_nps_have_no_gap() -> None:
    edges = [("0", "detractor"), ("6.9999", "detractor"), ("7", "passive"), ("8.9999", "passive")]
    edges += [("9", "promoter"), ("10", "promoter")]
    assert [nps_group(Decimal(x)) for x, _ in edges] == [group for _, group in edges]


def test_tags_are_the_last_answers_that_say_yes() -> None:
    town = Town()
    survey(town, "value:green", at(9), answer=" TRUE ")
    survey(town, "lifestyle:diet", at(9), answer=" Vegan ", score=0)
    survey(town, "interest:travel", at(9), score="0.5")
    survey(town, "interest:art", at(9), answer="yes")
    for number, word in enumerate(("No", "false", "0", " ", None)):
        survey(town, f"interest:{number}", at(9), answer=word)
    survey(town, "interest:5", at(9), answer="no", score=5)
    survey(town, "interest:6", at(9), score=0)
    survey(town, "interest:7", at(9), answer="yes")
    survey(town, "interest:7", at(8), answer=None)
    survey(town, "churn_reason", at(9), answer="moved")
    assert seen(town)["psychographic_tags"] == (
        "interest:art, interest:travel, lifestyle:diet=vegan, value:green"
    )
    assert seen(survey(Town(), "value:x", at(1), answer="no"))["psychographic_tags"] is None


def test_of_answers_at_one_instant_the_greatest_response_holds() -> None:
    town = survey(Town(), "interest:pets", at(9), answer="dogs", response_id="r2")
    survey(town, "interest:pets", at(9), answer="cats", response_id="r1")
    assert seen(town)["psychographic_tags"] == "interest:pets=dogs"


def test_sentiment_is_the_mean_of_the_mentions_that_have_one() -> None:
    town = Town()
    for days, sentiment in ((364, "1"), (1, "0.000001"), (2, "0"), (365, "-1"), (3, None)):
        value = Decimal(sentiment) if sentiment else None
        town.add("social_mentions", occurred_at=at(days), customer_ref="a", sentiment=value)
    found = seen(town)
    assert found["social_interaction_count_90d"] == 3
    assert found["mean_sentiment_365d"] == Decimal("0.333334")  # 1.000001 / 3


# Usage and subscriptions ---------------------------------------------------------------------


def test_use_is_counted_in_days_minutes_and_features() -> None:
    town = known("b")
    rows: list[tuple[str | None, int, str, str | None]] = [
        ("a", 29, "f", "1.5"),
        ("a", 29, "g", None),
        ("a", 30, "f", "9"),
        ("a", 89, "h", "1"),
        ("a", 90, "i", "1"),
        ("b", 1, "j", "1"),
        (None, 2, "k", "1"),
        ("a", -1, "l", "1"),
    ]
    for name, days, feature, minutes in rows:
        values = {"used_on": NOON.date() - timedelta(days=days), "feature": feature}
        spent = Decimal(minutes) if minutes else None
        town.add("product_usage", customer_ref=name, minutes=spent, **values)
    found = seen(town)
    assert (found["usage_day_count_30d"], found["usage_minutes_30d"]) == (1, Decimal("1.5"))
    # f, g, h of those that anyone used in the window: f, g, h, j, k.
    assert (found["feature_count_90d"], found["feature_adoption_rate_90d"]) == (3, Decimal("0.6"))
    assert (found["last_used_on"], found["days_since_last_use"]) == (date(2024, 12, 2), 29)


def period(town: Town, days: int | datetime, **values: Any) -> Town:
    start = at(days) if isinstance(days, int) else days
    if "monthly_amount" in values:
        values["monthly_amount"] = Decimal(values["monthly_amount"])
    return town.add("subscriptions", **{"started_at": start, "customer_ref": "a"} | values)


LATER = NOON + MICROSECOND


@pytest.mark.parametrize(
    ("periods", "stage"),
    [
        ([{"days": 31}], "subscribed"),
        ([{"days": 30}], "onboarding"),
        ([{"days": 30, "status": "active"}, {"days": 31, "status": "active"}], "subscribed"),
        ([{"days": 40, "ended_at": LATER}], "subscribed"),
        ([{"days": 40, "ended_at": NOON}], "cancelled"),
        ([{"days": 40, "status": "paused"}], "paused"),
        ([{"days": 40, "status": "paused"}, {"days": 1}], "onboarding"),
        ([{"days": 9, "status": "trial"}], "trial"),
        ([{"days": 9, "status": "trial", "trial_ends_at": LATER}], "trial"),
        ([{"days": 9, "status": "trial", "trial_ends_at": NOON}], "trial_expired"),
        ([{"days": 9, "status": "trial", "ended_at": NOON}], "trial_expired"),
        ([{"days": 9, "status": "trial", "ended_at": at(5)}, {"days": 5}], "onboarding"),
        (
            [{"days": 9, "status": "trial", "ended_at": at(5)}, {"days": 5, "ended_at": at(1)}],
            "cancelled",
        ),
        (
            [{"days": 9, "status": "trial", "ended_at": at(5)}, {"days": LATER}],
            "trial_expired",
        ),
        # Converted and left: what the trial became decides, though nobody closed the trial.
        (
            [
                {"days": 9, "status": "trial", "trial_ends_at": at(5)},
                {"days": 5, "ended_at": at(1)},
            ],
            "cancelled",
        ),
        (
            [{"days": 9, "status": "trial", "ended_at": at(5)}, {"days": 9, "ended_at": at(1)}],
            "cancelled",
        ),
        (
            [{"days": 9, "status": "trial", "ended_at": at(5)}, {"days": 10, "ended_at": at(1)}],
            "trial_expired",
        ),
        # Not converted: that it was cancelled is no purchase.
        (
            [{"days": 9, "status": "trial", "ended_at": at(5)}, {"days": 5, "status": "cancelled"}],
            "trial_expired",
        ),
        ([{"days": 9, "status": "cancelled"}], "cancelled"),
        ([{"days": 9, "status": "cancelled", "ended_at": LATER}], "cancelled"),
        ([{"days": LATER}], None),
    ],
)
def test_the_stage_of_a_subscription(periods: list[dict[str, Any]], stage: str | None) -> None:
    town = known()
    period(town, 400, customer_ref="b")
    for values in periods:
        rest = {name: value for name, value in values.items() if name != "days"}
        period(town, values["days"], **rest)
    assert seen(town)["subscription_stage"] == stage


def test_the_plan_is_that_of_the_last_period_that_decides() -> None:
    town = period(known(), 50, plan="basic")
    period(town, 40, plan="zeta")
    period(town, 40, plan="plus")
    period(town, 5, plan="new")  # onboarding beside subscribed: does not decide
    found = seen(town)
    assert (found["subscription_stage"], found["subscription_plan"]) == ("subscribed", "plus")


def test_money_of_subscriptions_is_of_active_running_periods_at_the_rate_of_their_start() -> None:
    town = period(Town(), 40, monthly_amount="10", currency="EUR")
    period(town, 50, monthly_amount=5)
    period(town, 50).add("subscriptions", started_at=at(1), account_ref="acme")
    period(town, 50, monthly_amount=100, ended_at=NOON)
    period(town, 50, monthly_amount=100, status="paused")
    period(town, 50, monthly_amount=100, status="trial", trial_ends_at=at(1))
    period(town, 60, monthly_amount=100, status="trial", ended_at=at(9), trial_ends_at=at(0))
    rate = {"currency": "EUR", "rate_to_reporting": Decimal("0.85555500")}
    town.add("fx_rates", rate_date=at(47).date(), **rate)
    found = seen(town, reporting_currency="GBP")
    assert found["monthly_recurring_amount"] == Decimal("13.5556")  # 8.55555 half even, and 5
    assert found["subscribed_since"] == at(50)
    assert found["trial_ends_at"] == at(1)


def test_a_customer_without_a_subscription_pays_nothing() -> None:
    found = seen(period(known("b"), 9), "b")
    assert (found["subscription_stage"], found["monthly_recurring_amount"]) == (None, 0)
    assert found["subscribed_since"] is None


# Products ------------------------------------------------------------------------------------


def test_goods_count_at_what_they_were_on_the_business_day_of_the_order() -> None:
    town = shelf(Town(), p={"category": "tea", "tier": "budget", "valid_from": date(2024, 11, 1)})
    town.add("products", product_id="p", category="cups", tier="Premium", valid_from=at(9).date())
    day = datetime.combine(at(9).date(), time(0))
    lines(town, day - MICROSECOND, ("p", 30))
    lines(town, day, ("p", 60))
    lines(town, datetime(2024, 10, 31), ("p", 10))  # before anything is known of it
    found = seen(town)
    assert found["category_count_lifetime"] == 2
    assert (found["premium_share_365d"], found["budget_share_365d"]) == (
        Decimal("0.6"),
        Decimal("0.3"),
    )
    assert found["top_category"] is None  # two orders with a category
    lines(town, at(400), ("q", 1000))
    assert seen(town)["premium_share_365d"] == Decimal("0.6")


def test_a_favourite_needs_three_orders_with_a_category_and_spend_above_0() -> None:
    town = shelf(Town(), p="tea", q="cups", r={"category": None})
    lines(town, at(9), ("p", 5), ("q", 5))
    lines(town, at(8), ("q", 5), ("r", 10))
    lines(town, at(7), ("r", 10))
    assert seen(town)["top_category"] is None
    lines(town, at(6), ("p", 5), ("p", 0))
    found = seen(town)
    # tea and cups 10 each of 40: the alphabetically first.
    assert (found["top_category"], found["top_category_share"]) == ("cups", Decimal("0.25"))
    assert (found["top_brand"], found["category_count_lifetime"]) == ("cups", 2)
    lines(town, at(5), ("p", -10), ("q", -30))  # nothing at all is not above 0
    assert seen(town)["top_category"] is None


def test_lines_count_where_their_order_and_they_do_for_the_customer_of_the_order() -> None:
    town = shelf(Town(), p="tea", q="cups").record("b")
    lines(town, at(9), ("p", 5), status="cancelled")
    lines(town, at(9), ("p", 5), status="test")
    lines(town, NOON + MICROSECOND, ("p", 5))
    lines(town, at(3), ("q", 5))
    town.rows["order_lines"][-1]["customer_ref"] = "b"
    lines(town, at(2), ("p", 50))
    town.rows["order_lines"][-1]["status"] = "cancelled"
    assert seen(town)["category_count_lifetime"] == 1
    assert seen(town)["last_product_category"] == "cups"
    assert seen(town, "b")["category_count_lifetime"] == 0


def test_the_last_product_is_the_dearest_of_the_last_order() -> None:
    town = shelf(Town(), p="tea", q="cups", r="pots")
    lines(town, at(9), ("p", 500))
    lines(town, at(3), ("r", 7), ("q", 7), ("p", 1))
    found = seen(town)
    assert (found["last_product_name"], found["last_product_category"]) == ("the q", "cups")
    lines(town, at(2), ("unknown", 7))
    found = seen(town)
    assert (found["last_product_name"], found["last_product_category"]) == (None, None)


def test_lines_in_another_currency_are_converted_on_the_day_of_their_order() -> None:
    town = shelf(Town(), p={"tier": "premium"}, q={"tier": "budget"})
    rate = {"currency": "EUR", "rate_to_reporting": Decimal("0.50000000")}
    town.add("fx_rates", rate_date=at(9).date(), **rate)
    lines(town, at(9), ("p", 60), currency="EUR")
    lines(town, at(5), ("q", 30))
    assert seen(town, reporting_currency="GBP")["premium_share_365d"] == Decimal("0.5")


def test_without_products_or_lines_their_columns_are_null() -> None:
    only_products = shelf(known(), p="tea")
    only_lines = lines(known(), at(1), ("p", 1))
    for town in (only_products, only_lines):
        found = seen(town)
        assert found["category_count_lifetime"] is None
        assert found["last_product_name"] is None
    assert (
        seen(lines(shelf(known("b"), p="tea"), at(1), ("p", 1)), "b")["category_count_lifetime"]
        == 0
    )


def test_shares_and_trends_need_money_above_0() -> None:
    town = Town().order(at(9), customer_ref="a", net_amount=Decimal(10), coupon_code="X")
    town.order(at(90), customer_ref="a", net_amount=Decimal(20))
    found = seen(town)
    assert found["discount_share_365d"] == Decimal("0.333333")
    assert found["spend_trend_90d"] == Decimal("1.351852")  # 10 x 365 / (90 x 30)
    town.order(at(100), customer_ref="a", net_amount=Decimal(-30))
    found = seen(town)
    assert (found["discount_share_365d"], found["spend_trend_90d"]) == (None, None)


def test_the_last_sales_channel_is_the_alphabetically_first_of_one_instant() -> None:
    town = known()
    for when, channel, status in (
        (at(2), "web", None),
        (at(2), "store", None),
        (at(2), None, None),
        (at(1), "app", "cancelled"),
        (at(3), "app", None),
    ):
        town.order(when, customer_ref="a", sales_channel=channel, status=status)
    assert seen(town)["last_sales_channel"] == "store"


# People --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("birth", "on", "age"),
    [
        ("2000-12-31", "2024-12-31", 24),
        ("2001-01-01", "2024-12-31", 23),
        ("2000-02-29", "2023-02-28", 22),
        ("2000-02-29", "2023-03-01", 23),
        ("2000-02-29", "2024-02-29", 24),
        ("2024-12-31", "2024-12-31", 0),
        ("2025-01-01", "2024-12-31", None),
    ],
)
def test_age_is_in_whole_years(birth: str, on: str, age: int | None) -> None:
    assert age_on(date.fromisoformat(birth), date.fromisoformat(on)) == age


@pytest.mark.parametrize(
    ("day", "on", "days"),
    [
        ("2000-12-31", "2024-12-31", 0),
        ("2000-01-01", "2024-12-31", 1),
        ("2000-12-30", "2024-12-31", 364),
        ("2000-02-29", "2023-02-28", 1),
        ("2000-02-29", "2023-03-01", 0),
        ("2000-02-29", "2023-03-02", 364),  # 29 February 2024
        ("2000-02-29", "2024-02-28", 1),
        ("2000-02-29", "2024-03-01", 365),  # 1 March 2025
        ("2025-01-01", "2024-12-31", None),
    ],
)
def test_days_until_a_birthday(day: str, on: str, days: int | None) -> None:
    assert days_until(date.fromisoformat(day), date.fromisoformat(on)) == days


def test_bands_of_age_have_their_first_year_and_not_their_last() -> None:
    ages = (0, 17, 18, 64, 65, 120, None)
    bands = ["minor", "minor", "adult", "adult", "senior", "senior", None]
    assert [age_band(age, ALL_SEEDS) for age in ages] == bands


def test_genders_are_spelt_in_many_ways() -> None:
    spellings = (" Female", "F", "Prefer not to say", "robot", " ", None)
    genders = ["female", "female", "undisclosed", "other", None, None]
    assert [gender_of(x, ALL_SEEDS) for x in spellings] == genders


def test_a_person_as_the_golden_record_has_it() -> None:
    town = Town().record(
        "a",
        "x",
        created_at=NOON,
        birth_date=date(1996, 2, 29),
        gender="F",
        income_band=" High ",
        education="PhD",
        has_children=False,
        household_size=2,
        country="gb",
        city="York",
        first_name="Robin",
    )
    found = seen(town, seeds=replace(ALL_SEEDS, countries={"GB": "GB"}))
    assert (found["age"], found["age_band"], found["gender"]) == (28, "adult", "female")
    assert found["days_until_birthday"] == 60  # 1 March 2025
    assert (found["income_band"], found["education"]) == ("high", "phd")
    assert found["occupation"] is None
    assert (found["household_size"], found["has_children"]) == (2, False)
    assert (found["country"], found["country_code"], found["city"]) == ("gb", "GB", "York")
    # E-mail, first name, birth date, gender, country and city of nine.
    assert found["profile_completeness"] == Decimal("0.666667")


def test_of_a_customer_without_a_record_nothing_is_known() -> None:
    found = seen(Town().order(NOON, customer_ref="a"))
    assert (found["age"], found["gender"], found["country_code"]) == (None, None, None)
    assert found["profile_completeness"] == 0
    assert found["days_until_anniversary"] == 0


def test_the_anniversary_is_of_the_first_counting_order() -> None:
    town = Town().order(at(500), customer_ref="a", status="cancelled")
    assert seen(town)["days_until_anniversary"] is None
    town.order(at(1), customer_ref="a").order(datetime(2020, 2, 29), customer_ref="a")
    assert seen(town)["days_until_anniversary"] == 60


def test_occasions_go_over_the_years_end_and_count_an_order_once() -> None:
    days = {"02-13": False, "02-14": True, "12-26": False, "12-27": True, "12-31": True}
    days |= {"01-01": True, "01-02": False}
    for day, inside in days.items():
        assert is_occasion(date.fromisoformat(f"2023-{day}"), ALL_SEEDS) == inside, day
    town = Town()
    for day in days:
        town.order(datetime.fromisoformat(f"2023-{day}"), customer_ref="a")
    assert seen(town)["occasion_order_count"] == 4


def test_referrals_are_counted_for_the_resolved_customer() -> None:
    town = Town().record("a", "x", created_at=None).record("z", "x", created_at=at(1)).record("b")
    for who, whom, when in (("a", "b", NOON), ("z", "c", at(1)), ("b", "z", NOON + MICROSECOND)):
        town.add("referrals", referrer_ref=who, referred_ref=whom, referred_at=when)
    found = seen(town)
    assert (found["referral_count"], found["was_referred"]) == (2, False)
    assert seen(town, as_of=NOON + MICROSECOND)["was_referred"] is True
    assert (seen(town, "b")["referral_count"], seen(town, "b")["was_referred"]) == (0, True)


# Consents ------------------------------------------------------------------------------------


def may(*changes: tuple[str, str | None, datetime, bool], column: str = "may_market_email") -> Any:
    town = known().add("consents", changed_at=at(99), purpose="sale", granted=True, email="z@z.z")
    for purpose, channel, when, granted in changes:
        values = {"purpose": purpose, "channel": channel, "changed_at": when, "granted": granted}
        town.add("consents", customer_ref="a", **values)
    return seen(town)[column]


def test_the_last_change_for_the_channel_or_for_all_decides() -> None:
    granted = ("marketing", "email", at(9), True)
    assert may() is False
    assert may(granted) is True
    assert may(granted, ("marketing", "all", at(8), False)) is False
    assert may(granted, ("marketing", None, at(8), False)) is False
    assert may(granted, ("marketing", "sms", at(8), False)) is True
    assert may(granted, ("sale", "email", at(8), False)) is True
    withdrawn = ("marketing", "all", at(8), False)
    assert may(granted, withdrawn, ("marketing", "email", at(7), True)) is True
    assert may(granted, column="may_market_sms") is False
    assert may(("marketing", "all", at(9), True), column="may_market_post") is True


def test_at_one_instant_a_withdrawal_wins_and_after_as_of_nothing_counts() -> None:
    granted = ("marketing", "email", NOON, True)
    assert may(granted, ("marketing", "all", NOON, False)) is False
    assert may(granted, ("marketing", "all", NOON + MICROSECOND, False)) is True


def test_other_purposes_hold_whatever_the_channel() -> None:
    columns = {"analytics": "may_analyse", "profiling": "may_profile", "sale": "may_sell"}
    for purpose, column in columns.items():
        first = (purpose, "email", at(9), True)
        assert may(first, column=column) is True
        assert may(first, (purpose, "post", at(8), False), column=column) is False
        assert may(first, column="may_market_email") is False


# Engagement and habits -----------------------------------------------------------------------


def test_the_engagement_score_is_the_weighted_mix_of_capped_counts() -> None:
    town = known()
    for number in range(2):
        more = {"customer_ref": "a", "session_id": f"{number}", "event_name": "product_view"}
        town.event(f"e{number}", at(1), **more)
    found = seen(town)
    # Tickets are missing: (0.5 x 2/3 + 0.2 x 2/7) / 0.7 x 100 = 55.782312925...
    assert found["engagement_score"] == Decimal("55.782313")
    assert (found["engagement_sources"], found["engagement_level"]) == ("web_events", "high")
    for _ in range(3):
        town.add("support_tickets", opened_at=at(1), customer_ref="a")
    found = seen(town)
    # (0.5 x 2/3 + 0.2 x 2/7 + 0.3) x 100 = 69.047619...
    assert found["engagement_score"] == Decimal("69.047619")
    assert found["engagement_sources"] == "support_tickets, web_events"


def test_without_a_source_there_is_no_score_and_without_a_sign_it_is_0() -> None:
    found = seen(known())
    assert found["engagement_score"] is None
    assert (found["engagement_sources"], found["engagement_level"]) == (None, None)
    found = seen(known().event("e", at(1), customer_ref="b"))
    assert (found["engagement_score"], found["engagement_level"]) == (0, "low")


def test_levels_begin_at_their_score() -> None:
    def level(views: int) -> Any:
        town = known().add("support_tickets", opened_at=at(1), customer_ref="a")
        weights = [{"measure": "ticket_count", "source": "support_tickets", "weight": "1"}]
        seeds = replace(ALL_SEEDS, engagement_weights=[weights[0] | {"cap": f"{views}"}])
        return seen(town, seeds=seeds)["engagement_level"]

    assert [level(cap) for cap in (1, 2, 3, 5, 6)] == ["high", "high", "medium", "medium", "low"]


@pytest.mark.parametrize(
    ("local", "band"),
    [
        ("04:59:59", "night"),
        ("05:00:00", "early_morning"),
        ("08:59:59", "early_morning"),
        ("09:00:00", "morning"),
        ("12:00:00", "midday"),
        ("13:59:59", "midday"),
        ("14:00:00", "afternoon"),
        ("18:00:00", "evening"),
        ("21:59:59", "evening"),
        ("22:00:00", "night"),
        ("00:00:00", "night"),
    ],
)
def test_bands_of_hours_are_local(local: str, band: str) -> None:
    summer = datetime.combine(date(2024, 7, 1), time.fromisoformat(local)) - timedelta(hours=1)
    assert hour_band(summer, "Europe/London") == band


def test_a_habit_needs_three_touches_and_a_tie_is_the_alphabetically_first() -> None:
    town = known().order(at(1), customer_ref="a", sales_channel="web")
    town.order(at(2), customer_ref="a", sales_channel="store")
    town.order(datetime(2024, 12, 1, 22), customer_ref="a", sales_channel=None)
    found = seen(town)
    assert (found["preferred_channel_90d"], found["preferred_hour_band_90d"]) == (None, "midday")
    town.order(at(89), customer_ref="a", sales_channel="email")
    assert seen(town)["preferred_channel_90d"] == "email"
    town.order(at(90), customer_ref="a", sales_channel="web")
    assert seen(town)["preferred_channel_90d"] == "email"


def test_touches_are_visits_clicked_messages_and_orders() -> None:
    town = known().order(at(1), customer_ref="a", sales_channel="web")
    for number in range(2):
        more = {"customer_ref": "a", "session_id": "s", "utm_medium": "email"}
        town.event(f"e{number}", at(5) + timedelta(minutes=number), **more)
    message(town, "clicked", datetime(2024, 12, 20, 6), "m", channel="push")
    message(town, "clicked", datetime(2024, 12, 20, 23), "m", channel="push")
    message(town, "clicked", at(1), "n", channel="push", is_machine=True)
    message(town, "opened", at(1), "o", channel="push")
    found = seen(town)
    # One visit (email), one clicked message (push, at 6), one order (web).
    assert found["preferred_channel_90d"] == "email"
    assert found["preferred_hour_band_90d"] == "midday"
    message(town, "clicked", datetime(2024, 12, 21, 6), "q", channel="push")
    found = seen(town)
    assert found["preferred_channel_90d"] == "push"
    assert found["preferred_hour_band_90d"] == "early_morning"  # two of each


# Invariants ----------------------------------------------------------------------------------


@few
@given(businesses(parts=ALL_PARTS), st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(b: Business, rng: random.Random) -> None:
    rows = {entity: rng.sample(rows, len(rows)) for entity, rows in b.raw.entities().items()}
    other = b.raw.with_rows(rows)
    assert variables(other, b.as_of, ALL_SEEDS) == variables(b.raw, b.as_of, ALL_SEEDS)


@few
@given(businesses(parts=ALL_PARTS))
def test_every_customer_has_every_column(b: Business) -> None:
    found = variables(b.raw, b.as_of, ALL_SEEDS)
    assert found.keys() == features(replace(b.raw, seeds=ALL_SEEDS), b.as_of).keys()
    assert len({tuple(sorted(row)) for row in found.values()}) <= 1


@few
@given(businesses(parts=ALL_PARTS))
def test_counts_over_customers_are_those_of_the_rows(b: Business) -> None:
    raw = replace(b.raw, seeds=ALL_SEEDS)
    world = prepare(raw)
    found = variables(world, b.as_of).values()
    tickets = [row for row in raw.latest("support_tickets") if row["opened_at"] <= b.as_of]
    opened = [x["open_ticket_count"] for x in found]
    if tickets:
        still = [row["closed_at"] is None or row["closed_at"] > b.as_of for row in tickets]
        assert sum(opened) == sum(still)
    views = Counter(x["page_view_count_90d"] is None for x in found)
    assert len(views) <= 1


def test_the_full_business_gives_every_variable_two_values() -> None:
    # A generator under which a column never changes tests nothing of it.
    values: dict[str, set[Any]] = {}
    for seed in range(4):
        b = every_oddity(seed)
        places = b.raw.seeds
        seeds = replace(ALL_SEEDS, countries=places.countries, subdivisions=places.subdivisions)
        for row in variables(b.raw, b.as_of, seeds).values():
            for column, value in row.items():
                values.setdefault(column, set()).add(value)
    constant = {column for column, held in values.items() if len(held) < 2}
    assert constant == {"engagement_sources", "features_missing"}


def test_a_prepared_world_keeps_its_seeds() -> None:
    with pytest.raises(ValueError, match="has its seeds"):
        variables(prepare(Raw()), NOON, ALL_SEEDS)


def test_an_email_row_is_of_the_resolved_customer() -> None:
    town = Town().record("a", "x")
    town.add("support_tickets", opened_at=at(1), email=email("x")[1].upper())
    assert seen(town)["ticket_count_90d"] == 1
