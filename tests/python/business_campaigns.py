"""What campaigns do and cost: parts of random businesses with touches before orders, and spend.

Each part adds the few rows of one case, values as after ingestion. Does not belong here: what
customers do of their own accord (business_activity.py), and what the right answer is
(oracle_attribution.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from business_activity import LAST_MOMENT, MICROSECOND, MIDNIGHT, event, message
from business_kpis import ACCOUNT_SEGMENTS, month_edge
from business_shop import NOON, Person, Shop

MESSAGE_CHANNELS = ("email", "sms", "push", "post", "ad")
TAGS = (("email", "newsletter"), ("cpc", "google"), ("social", "facebook"), (None, None))
SEGMENTS = (None, None, "high_value", "lifecycle_new", "rfm_champions", "no_such_segment")


def campaign(shop: Shop, **values: Any) -> str:
    """A campaign's id."""
    campaign_id = f"C{shop.number()}"
    row = {
        "name": f"Campaign {campaign_id}",
        "channel": "email",
        "is_segmented": shop.rng.choice((True, False, None)),
        "started_at": shop.at(200),
    }
    shop.row("campaigns", campaign_id=campaign_id, **row | values)
    return campaign_id


def visit(
    shop: Shop, who: Person | None, at: datetime, campaign_id: str | None, **values: Any
) -> dict[str, Any]:
    """A web session by a campaign's link, or typed in without one."""
    tag = shop.rng.choice(TAGS) if campaign_id else (None, None)
    row = {"utm_medium": tag[0], "utm_source": tag[1], "referrer": None}
    return event(shop, who, at, **row | {"utm_campaign": campaign_id} | values)


def spend(shop: Shop, days_ago: int, campaign_id: str | None, **values: Any) -> dict[str, Any]:
    """Money spent, in the reporting currency unless told otherwise."""
    row = {
        "spend_id": shop.rng.choice((f"X{shop.number()}", None)),
        "spend_date": shop.as_of_on - timedelta(days=days_ago),
        "channel": shop.rng.choice((*MESSAGE_CHANNELS, " Search ", "Facebook", "radio")),
        "amount": shop.money(),
        "campaign_id": campaign_id,
        "cost_type": "media",
    }
    return shop.row("marketing_spend", **row | values)


def campaign_with_orders(shop: Shop) -> None:
    """Messages by several channels, visits, orders with the offer and without, and its cost."""
    offer = shop.rng.choice((None, " Save10", "SPRING"))
    name = campaign(shop, offer_code=offer)
    for _ in range(shop.rng.randint(1, 5)):
        who, day = shop.person(), shop.day(0, 150)
        if shop.rng.random() < 0.6:
            shop.order(who, day + shop.rng.randint(5, 200))
        for channel in shop.rng.sample(MESSAGE_CHANNELS, shop.rng.randint(1, 3)):
            at, message_id = shop.at(day), f"B{shop.number()}"
            for step in ("sent", "delivered", "opened", "clicked", "replied"):
                if step == "sent" or shop.rng.random() < 0.6:
                    more = {"channel": channel, "campaign_id": name}
                    message(shop, who, at, step, message_id, **more)
                at += timedelta(minutes=shop.rng.randint(0, 600))
        for _ in range(shop.rng.randint(0, 3)):
            visit(shop, who, shop.at(max(day - shop.rng.randint(0, 20), 0)), name)
        for _ in range(shop.rng.randint(0, 3)):
            coupon = shop.rng.choice((None, offer, "save10 ", "OTHER"))
            shop.order(who, max(day - shop.rng.randint(0, 40), 0), coupon_code=coupon)
    for _ in range(shop.rng.randint(0, 4)):
        spend(shop, shop.day(0, 150), name, segment_key=shop.rng.choice(SEGMENTS))


def path_edges(shop: Shop) -> None:
    """Touches of day 30 and day 31, at the instant of the order, and a microsecond after it."""
    name = campaign(shop, offer_code="EDGE", is_segmented=True)
    for day in (30, 31):
        who, local = shop.person(), shop.rng.choice((MIDNIGHT, LAST_MOMENT))
        shop.order(who, 3, ordered_at=shop.at(3, NOON), coupon_code="EDGE")
        at = shop.at(3 + day - 1, local)
        message(shop, who, at, "clicked", f"B{shop.number()}", campaign_id=name, channel="sms")
    for after in (timedelta(0), MICROSECOND):
        who, at = shop.person(), shop.at(4, NOON)
        shop.order(who, 4, ordered_at=at, coupon_code="edge")
        visit(shop, who, at + after, name)


def path_ties(shop: Shop) -> None:
    """Messages of two channels and a visit at one instant, and three equal ones."""
    who, at = shop.person(), shop.at(9, NOON)
    for channel in ("sms", "email", "push"):
        message(shop, who, at, "clicked", f"B{shop.number()}", channel=channel)
    for _ in range(3):
        message(shop, who, at - timedelta(days=8), "clicked", None, channel="sms")
    visit(shop, who, at, None)
    visit(shop, who, at + timedelta(hours=1), None)
    shop.order(who, 8, ordered_at=shop.at(8, NOON))
    shop.order(who, 1, ordered_at=shop.at(1, NOON))
    for amount in ("-0.0100", "399999.9999", "400000.0000", "123456789.1234", "-987654321.0001"):
        shop.order(who, 1, ordered_at=shop.at(1, NOON), net_amount=Decimal(amount))


def direct_only(shop: Shop) -> None:
    """Comes by typing the address, and buys."""
    who = shop.person()
    for days_ago in (12, 10, 9, 2):
        visit(shop, who, shop.at(days_ago), None)
    shop.order(who, 2, ordered_at=shop.at(1))


def click_after_as_of(shop: Shop) -> None:
    """A click, an order and money of the day after."""
    name, who = campaign(shop), shop.person()
    later = shop.as_of + MICROSECOND
    message(shop, who, shop.as_of, "delivered", "B-last", campaign_id=name)
    message(shop, who, later, "clicked", "B-last", campaign_id=name)
    shop.order(who, 0, ordered_at=later)
    for days_ago in (0, -1):
        spend(shop, days_ago, name, channel="email")
    campaign(shop, started_at=later)
    campaign(shop, started_at=None, ended_at=shop.at(3))


def shared_offer(shop: Shop) -> None:
    """Two campaigns with one offer; the later to speak wins, of equal ones the lesser id."""
    names = [campaign(shop, offer_code="SHARED") for _ in range(2)]
    for gap in (timedelta(hours=1), timedelta(0), -timedelta(hours=1)):
        who, at = shop.person(), shop.at(7, NOON)
        for number, name in enumerate(names):
            more = {"campaign_id": name, "channel": "post"}
            message(shop, who, at + number * gap, "sent", f"B{shop.number()}", **more)
        shop.order(who, 5, coupon_code="shared")


def spend_of_all_kinds(shop: Shop) -> None:
    """Of no campaign, of an unknown one, in foreign money, a credit, and one amount sent twice."""
    name = campaign(shop)
    spend(shop, shop.day(0, 60), None, cost_type="tools")
    spend(shop, shop.day(0, 60), f"unknown{shop.number()}")
    day = shop.day(0, 60)
    shop.rate("USD", day)
    spend(shop, day, name, currency=" usd")
    spend(shop, 20, name, channel="email", amount=Decimal("10.0000"))
    spend(shop, 19, name, channel="E-Mail", amount=Decimal("-4.0000"))
    spend(shop, 19, name, channel="sms", amount=Decimal("-4.0000"))
    twice = spend(shop, 18, name, spend_id=f"X{shop.number()}", channel="sms")
    shop.rows["marketing_spend"].append(dict(twice))


def visits_of_nobody(shop: Shop) -> None:
    """A campaign's visits by people whom nobody knows, with several pages."""
    name = campaign(shop, is_segmented=shop.rng.choice((True, False)))
    for _ in range(2):
        at, session = shop.at(shop.day(0, 60)), f"S{shop.number()}"
        for page in ("page_view", "product_view", "search"):
            visit(shop, None, at, name, event_name=page, session_id=session)
            at += timedelta(seconds=shop.rng.randint(0, 900), microseconds=500_000)


def campaigns_for_businesses(shop: Shop) -> None:
    """To contacts of accounts around the ends of months, when accounts change their segment.

    Most are heard of long before, some a moment before, some by the message itself, some have a
    record of later; half have a second record, which may name another account. Not among the parts:
    ``businesses_as_customers`` must give them accounts.
    """
    names = [campaign(shop, offer_code="FIRMS") for _ in range(2)]
    campaign(shop, started_at=shop.as_of)  # of which nothing came yet
    for months_ago in (0, 1, 2, 5):
        edge = month_edge(shop, months_ago)
        for at in (shop.at(edge + 1, LAST_MOMENT), shop.at(edge, MIDNIGHT)):
            long_ago = [shop.at(700, NOON)] * 4
            for known_at in (*long_ago, at - MICROSECOND, at, at + MICROSECOND):
                who, name = shop.person("default"), shop.rng.choice(names)
                shop.customer(who, created_at=known_at)
                if shop.rng.random() < 0.5:
                    moved_at = known_at + timedelta(days=1)
                    shop.customer(who, source_system="shop", created_at=moved_at)
                channel, message_id = shop.rng.choice(("email", "sms")), f"B{shop.number()}"
                for step in ("delivered", "opened", "clicked"):
                    if step == "delivered" or shop.rng.random() < 0.6:
                        more = {"channel": channel, "campaign_id": name}
                        message(shop, who, at, step, message_id, **more)
                if shop.rng.random() < 0.5:
                    soon = min(at + timedelta(days=2), shop.as_of)
                    coupon = shop.rng.choice((None, "FIRMS"))
                    shop.order(who, 0, ordered_at=soon, status="paid", coupon_code=coupon)
    for name in names:
        for key in (*ACCOUNT_SEGMENTS, "b2b_none", None):
            channel = shop.rng.choice(("email", "sms"))
            spend(shop, shop.day(0, 60), name, segment_key=key, channel=channel)


CAMPAIGN_PARTS: tuple[Callable[[Shop], None], ...] = (
    campaign_with_orders,
    campaign_with_orders,
    campaign_with_orders,
    path_edges,
    path_ties,
    direct_only,
    click_after_as_of,
    shared_offer,
    spend_of_all_kinds,
    visits_of_nobody,
)
