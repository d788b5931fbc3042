"""What the KPIs of segments ask for: parts of random businesses.

Spend, leads, campaigns, contacts and what became of them, carts, visits, trials, upgrades, answers
and markets, at the edges of months and windows. They stand apart from the other parts, so that the
businesses of other tests stay as they are.

Does not belong here: what the right answer is (oracle_kpis.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from business_activity import (
    LAST_MOMENT,
    MICROSECOND,
    MIDNIGHT,
    answer,
    event,
    mention,
    message,
    product,
    subscription,
    whose,
)
from business_shop import NOON, Person, Shop

SEGMENTS = ("high_value", "dormant", "lifecycle_loyal", "lifecycle_prospect", "loyalty_power_users")
ACCOUNT_SEGMENTS = ("technology_adopters", "b2b_small_retail", "b2b_technology_startup")
# Days before as_of at which things happen: in the open month, in the last ones, long ago.
DAYS = (0, 1, 9, 33, 47, 75, 120, 300)


def month_edge(shop: Shop, months_ago: int) -> int:
    """Days from the first of a month to the day of as_of."""
    index = shop.as_of_on.year * 12 + shop.as_of_on.month - 1 - months_ago
    first = shop.as_of_on.replace(year=index // 12, month=index % 12 + 1, day=1)
    return (shop.as_of_on - first).days


def instants(shop: Shop) -> list[datetime]:
    """The first and the last instants of months and weeks, and any others; none after as_of."""
    edge = month_edge(shop, shop.rng.choice((0, 1, 2)))
    monday = shop.as_of_on.weekday() + 7 * shop.rng.randint(0, 8)
    found = [shop.at(edge, MIDNIGHT), shop.at(edge + 1, LAST_MOMENT)]
    found += [shop.at(monday, MIDNIGHT), shop.at(monday + 1, LAST_MOMENT)]
    found += [shop.at(day) for day in shop.rng.sample(DAYS, 3)]
    return [min(at, shop.as_of) for at in found]


def known(shop: Shop) -> Person:
    """Somebody with a record, mostly an old one; so they are in segments when things happen."""
    who = shop.person("default")
    if shop.rng.random() < 0.8:
        shop.customer(who, created_at=shop.at(700, NOON))
    return who


def settled(shop: Shop) -> Person:
    """Somebody who has been known, and has bought, for a long time."""
    who = shop.person("default")
    shop.customer(who, created_at=shop.at(700, NOON))
    for days_ago in shop.rng.choice(((600,), (600, 420), (380, 200, 100), (90, 60, 45, 20))):
        shop.order(who, days_ago, status="paid")
    return who


# Spend and campaigns -------------------------------------------------------------------------


def spend(shop: Shop, days_ago: int, amount: str, **values: Any) -> dict[str, Any]:
    """Money spent on marketing; on all customers unless told otherwise."""
    row = {
        "spend_id": shop.rng.choice((None, f"X{shop.number()}")),
        "spend_date": shop.as_of_on - timedelta(days=days_ago),
        "channel": shop.rng.choice(("email", "Facebook", "paid_search")),
        "amount": Decimal(amount),
        "cost_type": shop.rng.choice(("media", "people", None)),
    }
    return shop.row("marketing_spend", **row | values)


def launched(shop: Shop, started_at: datetime | None, **values: Any) -> str:
    """A campaign's id; asked for some hours before it started."""
    campaign_id = f"K{shop.number()}"
    row: dict[str, Any] = {"campaign_id": campaign_id, "name": "Autumn", "started_at": started_at}
    if started_at is not None:
        row["requested_at"] = started_at - timedelta(minutes=shop.rng.choice((0, 50, 90, 3001)))
    shop.row("campaigns", **row | values)
    return campaign_id


def spend_on_segments(shop: Shop) -> None:
    """On segments that have members, that have none, that nobody knows; twice on one day."""
    for key in (*SEGMENTS, "no_such_segment", "all", " "):
        for days_ago in shop.rng.sample(DAYS, 3):
            spend(shop, days_ago, "100.0000", segment_key=key)
    for amount in ("10.0000", "-3.3333"):
        spend(shop, 9, amount, segment_key="lifecycle_prospect")


def spend_on_everyone(shop: Shop) -> None:
    """With credits, on the edges of months, today, and ahead of as_of."""
    edge = month_edge(shop, 1)
    for days_ago in (0, -1, -40, edge, edge + 1, 33, 300):
        spend(shop, days_ago, shop.rng.choice(("77.7700", "0.0001", "1000.0000")))
    spend(shop, 47, "-20.0000")
    spend(shop, edge, "-0.0100")


def spend_on_campaigns(shop: Shop) -> None:
    """On one that reached people, one that reached nobody, one that is not known."""
    reached = launched(shop, shop.at(60, NOON), is_promotional=False)
    silent = launched(shop, shop.at(60, NOON))
    people = [settled(shop) for _ in range(3)] + [shop.person("default")]
    for number, who in enumerate(people):
        names = ("sent", "delivered", "sent", "opened")
        message_id = f"B{shop.number()}"
        at = shop.as_of + MICROSECOND if number == 2 else shop.at(50)
        message(shop, who, at, names[number], message_id, campaign_id=reached)
    for campaign_id in (reached, silent, "unknown"):
        for key in (None, "no_such_segment", "high_value"):
            spend(shop, shop.rng.choice(DAYS), "50.0100", campaign_id=campaign_id, segment_key=key)
    # The same id in another system is another campaign.
    spend(shop, 9, "12.0000", campaign_id=reached, source_system="shop")


def spend_before_anybody(shop: Shop) -> None:
    """When nobody was known, though an order of nobody had come."""
    shop.order(None, 870, status="paid")
    spend(shop, 869, "400.0000")
    spend(shop, 868, "5.0000", segment_key="high_value")


def spend_in_foreign_money(shop: Shop) -> None:
    """In another currency, at the rate of its day and at one of a week before."""
    for days_ago, age in ((75, 0), (33, 7)):
        shop.rate("EUR", days_ago + age)
        spend(shop, days_ago, "100.0100", currency="EUR")
        spend(shop, days_ago, "10.0000", currency="GBP", segment_key="lifecycle_loyal")


def spend_resent(shop: Shop) -> None:
    """The same id again, with another amount: the later batch holds; without an id both count."""
    first = spend(shop, 33, "10.0000", spend_id=f"X{shop.number()}", _batch_id="batch-1")
    shop.rows["marketing_spend"].append(
        first | {"amount": Decimal("11.0000"), "_batch_id": "batch-3"}
    )
    twice = spend(shop, 33, "1.0000", spend_id=None, _batch_id="batch-1")
    shop.rows["marketing_spend"].append(twice | {"_batch_id": "batch-2"})


def campaigns_by_target(shop: Shop) -> None:
    """For a segment, for one that nobody knows, for nobody; not begun; not asked for."""
    for target in (*SEGMENTS, *SEGMENTS[:2], "no_such_segment", None):
        for at in instants(shop)[:4]:
            launched(
                shop,
                at,
                target_segment=target,
                manual_minutes=shop.rng.choice((None, 0, 45, 600)),
                is_segmented=target is not None,
            )
    launched(shop, shop.as_of, target_segment="high_value")
    launched(shop, shop.as_of + MICROSECOND, target_segment="high_value", manual_minutes=5)
    launched(shop, None, requested_at=shop.at(3), manual_minutes=7)
    launched(shop, shop.at(9), requested_at=None, manual_minutes=8)


# Leads ---------------------------------------------------------------------------------------


def lead(shop: Shop, who: Person | None, at: datetime, **values: Any) -> dict[str, Any]:
    """A lead, open unless told otherwise."""
    row = {"lead_id": f"D{shop.number()}", "created_at": at, "source": "form"}
    return shop.row("leads", **row | whose(who) | values)


def leads_that_ended(shop: Shop) -> None:
    """Converted, lost, both, neither; at as_of and after it; of nobody, by e-mail; later."""
    for at in instants(shop):
        who = settled(shop)
        soon = min(at + timedelta(days=2), shop.as_of)
        lead(shop, who, at, converted_at=soon, status="converted")
        lead(shop, who, at, lost_at=soon, status="lost")
        lead(shop, known(shop), at, converted_at=shop.as_of)
        lead(shop, known(shop), at, converted_at=shop.as_of + MICROSECOND)
        lead(shop, None, at, converted_at=shop.rng.choice((None, soon)))
        lead(shop, None, at, email=who.email, converted_at=soon)
    lead(shop, known(shop), shop.as_of)
    late = shop.as_of + MICROSECOND
    lead(shop, known(shop), late, converted_at=late)


def leads_that_were_nurtured(shop: Shop) -> None:
    """A message just before, at, between, just before the end, at the end, and after as_of."""
    for at in instants(shop)[:4]:
        end = min(at + timedelta(days=3), shop.as_of)
        for sent in (at - MICROSECOND, at, end - MICROSECOND, end, shop.as_of + MICROSECOND):
            for ends in ({"converted_at": end}, {"lost_at": end}, {}):
                who = known(shop)
                lead(shop, who, at, **ends)
                name = shop.rng.choice(("sent", "delivered", "delivered", "opened"))
                message(shop, who, sent, name, f"B{shop.number()}")


# Contacts and what became of them ------------------------------------------------------------


def contacts_of_every_kind(shop: Shop) -> None:
    """Sent only, delivered only, both; read by people and machines; answered, or left."""
    for at in instants(shop):
        who = settled(shop)
        for names in (
            ("sent",),
            ("delivered",),
            ("sent", "delivered", "opened"),
            ("sent", "delivered", "opened", "clicked"),
            ("sent", "replied"),
            ("bounced",),
        ):
            message_id, when = f"B{shop.number()}", at
            channel = shop.rng.choice(("email", "sms"))
            for name in names:
                is_machine = shop.rng.random() < 0.3 if name in ("opened", "clicked") else None
                more = {"channel": channel, "is_machine": is_machine}
                message(shop, who, when, name, message_id, **more)
                when += timedelta(hours=shop.rng.choice((0, 1, 400)))


def dormant_who_come_back(shop: Shop) -> None:
    """Quiet for 180 and 181 days; back at the very instant, on day 30 and 31, and not at all."""
    for contact in (shop.at(35, NOON), shop.at(month_edge(shop, 2), MIDNIGHT), shop.at(31, NOON)):
        for quiet in (179, 180, 181, 182):
            for after in (None, timedelta(0), -MICROSECOND, timedelta(days=30), timedelta(days=31)):
                who = known(shop)
                shop.order(who, 0, ordered_at=contact - timedelta(days=quiet), status="paid")
                message(shop, who, contact, shop.rng.choice(("sent", "delivered")), None)
                if after is not None and contact + after <= shop.as_of:
                    shop.order(who, 0, ordered_at=contact + after, status="paid")
    never = known(shop)
    message(shop, never, shop.at(35, NOON), "sent", None)
    shop.order(never, 30)


def cross_sold(shop: Shop) -> None:
    """Offered when they knew a category or none; then the same, another, none, or too late."""
    shelf = {
        category: product(shop, source_system="default", category=category)["product_id"]
        for category in ("coffee", "tea", None)
    }
    offer = launched(shop, shop.at(70, NOON), is_promotional=True)
    news = launched(shop, shop.at(70, NOON), is_promotional=False)
    contact = shop.at(60, NOON)
    for campaign_id in (offer, news):
        for first in ("coffee", None, "never"):
            for then in ("coffee", "tea", None):
                for days in (0, 30, 31):
                    who = known(shop)
                    if first != "never":
                        order = shop.order(who, 90, status="paid")
                        more = {"product_id": shelf[first], "status": "paid"}
                        shop.line(who, order["order_id"], 90, **more)
                    message(shop, who, contact, "sent", None, campaign_id=campaign_id)
                    at = contact + timedelta(days=days)
                    order = shop.order(who, 0, ordered_at=at, status="paid")
                    more = {"product_id": shelf[then], "status": "paid", "ordered_at": at}
                    shop.line(who, order["order_id"], 60 - days, **more)


# Web -----------------------------------------------------------------------------------------


def carts_of_the_past(shop: Shop) -> None:
    """Touched once and twice; an order before, between, a day after, and later; or completed."""
    day = timedelta(hours=24)
    for start in instants(shop)[:4]:
        for gap in (timedelta(0), timedelta(hours=30)):
            for after in (
                None,
                -MICROSECOND,
                timedelta(0),
                gap,
                gap + day,
                gap + day + MICROSECOND,
            ):
                who, cart_id = known(shop), f"C{shop.number()}"
                for at in {start, start + gap}:
                    event(shop, who, at, "add_to_cart", cart_id=cart_id)
                if after is not None and shop.rng.random() < 0.5:
                    shop.order(who, 0, ordered_at=start + after, status="paid")
                elif after is not None:
                    event(shop, None, start + after, "order_completed", cart_id=cart_id)


def visitors_who_buy(shop: Shop) -> None:
    """New and old customers who look; who buy in the month before, in this and in the next."""
    edge = month_edge(shop, 1)
    for visit in (edge, edge - 5, edge + 1):
        for order in (None, edge + 1, edge, edge - 1, edge - 27, edge - 32):
            who = known(shop)
            for minute in (0, 7):
                name = shop.rng.choice(("page_view", "product_view", "search"))
                at = shop.at(visit, NOON) + timedelta(minutes=minute)
                event(shop, who, at, name, session_id=f"S-{who.customer_ref}")
            if order is not None and order >= 0:
                shop.order(who, 0, ordered_at=shop.at(order, time(11, 0)), status="paid")


# Subscriptions, voices, markets --------------------------------------------------------------


def trials_that_converted(shop: Shop) -> None:
    """Paid before, at and after the start; paused, cancelled, tried again; after as_of."""
    late = shop.as_of + MICROSECOND
    for at in instants(shop)[:4]:
        for status in ("active", "paused", "cancelled", "trial", None):
            for paid_at in (at - MICROSECOND, at, min(at + timedelta(days=40), shop.as_of), late):
                who = known(shop)
                subscription(shop, who, at, status="trial")
                subscription(shop, who, paid_at, status=status)


def upgrades(shop: Shop) -> None:
    """Dearer, as dear and cheaper; at the first instant of a month and the last before; ended."""
    for months_ago in (0, 1, 3):
        edge = month_edge(shop, months_ago)
        for at in (shop.at(edge, MIDNIGHT), shop.at(edge + 1, LAST_MOMENT), shop.at(edge, NOON)):
            start = min(at, shop.as_of)
            for amount in ("20.0000", "10.0000", "5.0000"):
                for ended_at in (None, start, start - timedelta(days=1)):
                    who, subscription_id = known(shop), f"U{shop.number()}"
                    first = shop.at(edge + 50, NOON)
                    more = {"subscription_id": subscription_id, "status": "active"}
                    price = {"monthly_amount": Decimal("10.0000"), "ended_at": ended_at}
                    subscription(shop, who, first, **more, **price)
                    subscription(shop, who, start, monthly_amount=Decimal(amount), **more)
            # A second subscription beside the first is no upgrade.
            who = known(shop)
            subscription(shop, who, shop.at(edge + 50, NOON), monthly_amount=Decimal("1.0000"))
            subscription(shop, who, start, monthly_amount=Decimal("9.0000"))


def many_answers(shop: Shop) -> None:
    """Enough answers for a score in one month, too few in another; two of one person."""
    edge = month_edge(shop, 1)
    for number in range(14):
        who = settled(shop)
        score = Decimal((0, 6, 7, 8, 9, 9, 10)[number % 7])
        answer(shop, who, shop.at(max(edge - 3, 0), NOON), "nps", score=score)
        if number < 5:
            answer(shop, who, shop.at(edge, MIDNIGHT), "nps", score=score)
            answer(shop, who, shop.at(edge + 1, LAST_MOMENT), "nps", score=Decimal("8.5000"))
            answer(shop, who, shop.at(edge, MIDNIGHT), "csat", score=Decimal(1))
    answer(shop, settled(shop), shop.as_of + MICROSECOND, "nps", score=Decimal(10))


def friends_and_mentions(shop: Shop) -> None:
    """Two friends in one month, one in the next; mentions that feel and that do not."""
    who = settled(shop)
    for at in instants(shop):
        friend = shop.person("default")
        shop.row(
            "referrals",
            referrer_ref=who.customer_ref,
            referred_ref=friend.customer_ref,
            referred_at=at,
        )
        mention(shop, who, at, shop.rng.choice(("-0.123456", "0.7", None)))
        mention(shop, friend, at, "1")


def markets(shop: Shop) -> None:
    """Two markets with newer sizes, at the edges of months, and one that begins after as_of."""
    edge = month_edge(shop, 1)
    for market, country, days_ago, customers in (
        ("coffee", "GB", 900, 50_000),
        ("coffee", "GB", edge, 40_000),
        ("coffee", "GB", edge + 1, 45_000),
        ("coffee", "US", 300, 900_000),
        ("tea", None, 0, 7_000),
        ("cups", None, -1, 1_000_000),
    ):
        since = shop.as_of_on - timedelta(days=days_ago)
        row = {"market": market, "country": country, "period_start": since}
        if not any(row.items() <= held.items() for held in shop.rows["market_sizes"]):
            shop.row("market_sizes", **row, customers=customers)


def businesses_as_customers(shop: Shop) -> None:
    """Accounts that change their segment, whose contacts are most of those there are by now.

    Not among the oddities: what the others did is told before, and people are given accounts here.
    Contacts move, are in two accounts, are merged, are first known late; accounts have none, are
    known by name only, are in no segment, or come into one before anybody is known of them.
    """
    rng, names = shop.rng, [f"firm{shop.number()}" for _ in range(14)]
    for name in names[:-2]:
        system = rng.choice(("default", "default", "shop"))
        industry = rng.choice(("technology", "Retail", "healthcare", "financial services"))
        for days_ago in sorted({700, month_edge(shop, 1), month_edge(shop, 2) + 1, shop.day()}):
            shop.row(
                "accounts",
                source_system=system,
                account_ref=name,
                employees=rng.choice((10, 11, 99, 100, 999, 1000)),
                industry=rng.choice((industry, industry, None)),
                technology_adoption=rng.choice(("innovator", "Early adopter", "laggard", None)),
                observed_at=shop.at(days_ago, NOON),
            )
    # The last accounts are named by their contacts alone; the first two have none.
    for row in shop.customers:
        if rng.random() < 0.7:
            row["account_ref"] = rng.choice(names[2:])
    for key in (*ACCOUNT_SEGMENTS, "b2b_none"):
        for days_ago in rng.sample(DAYS, 4):
            spend(shop, days_ago, "90.0100", segment_key=key)
        launched(shop, shop.at(47, NOON), target_segment=key, manual_minutes=rng.choice((30, 45)))


KPI_ODDITIES: tuple[Callable[[Shop], None], ...] = (
    spend_on_segments,
    spend_on_everyone,
    spend_on_campaigns,
    spend_before_anybody,
    spend_in_foreign_money,
    spend_resent,
    campaigns_by_target,
    leads_that_ended,
    leads_that_were_nurtured,
    contacts_of_every_kind,
    dormant_who_come_back,
    cross_sold,
    carts_of_the_past,
    visitors_who_buy,
    trials_that_converted,
    upgrades,
    many_answers,
    friends_and_mentions,
    markets,
)
