"""What customers do besides buying, and who they are: parts of random businesses.

Ordinary people (``ACTIVE``) and oddities (``ACTIVITY_ODDITIES``) of web and message events,
tickets, surveys, consents, usage, subscriptions, products, records that are one person and records
that are not. Each part adds the few rows of one case, values as after ingestion.

Does not belong here: orders and refunds for their own sake (business.py), what the right answer is
(the oracles).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from business_shop import BATCHES, NOON, TIME_ZONE, Person, Shop
from oracle_rows import utc_of_local

MICROSECOND = timedelta(microseconds=1)
MIDNIGHT = time(0, 0)
LAST_MOMENT = time(23, 59, 59, 999999)
CATEGORIES = ("coffee", "tea", "cups", None)
TIERS = ("budget", "standard", "premium", None)
FEATURES = ("export", "reports", "alerts", "sharing")
# utm_medium, utm_source, referrer: tagged, searched, linked, typed in, and tagged unknown.
ORIGINS = (
    ("email", "newsletter", None),
    ("cpc", "google", "https://www.google.com/"),
    ("cpc", " Facebook ", None),
    (None, None, "https://www.Google.co.uk/search?q=cups"),
    (None, None, "https://blog.elsewhere.example:8443/post?id=1"),
    (None, None, "https://shop.mill.example/about"),
    (None, None, None),
    ("carrier_pigeon", "coop", None),
)


# Rows ----------------------------------------------------------------------------------------


def whose(who: Person | None, by_email: bool = False) -> dict[str, Any]:
    """The columns that name a person: the reference, or the e-mail without one, or nothing."""
    if who is None:
        return {}
    if by_email:
        return {"source_system": who.source_system, "email": who.email}
    return {"source_system": who.source_system, "customer_ref": who.customer_ref}


def event(
    shop: Shop, who: Person | None, at: datetime, name: str = "page_view", **values: Any
) -> dict[str, Any]:
    """A web event; its session is its own unless told otherwise."""
    number = shop.number()
    medium, source, referrer = shop.rng.choice(ORIGINS)
    row = {
        "event_id": f"W{number:06d}",
        "occurred_at": at,
        "event_name": name,
        "session_id": f"S{number}",
        "page_url": "https://shop.mill.example/page",
        "utm_medium": medium,
        "utm_source": source,
        "referrer": referrer,
        "device": shop.rng.choice(("mobile", "desktop", None)),
    }
    return shop.row("web_events", **row | whose(who) | values)


def message(
    shop: Shop, who: Person, at: datetime, name: str, message_id: str | None, **values: Any
) -> dict[str, Any]:
    """Something that happened to a message, by e-mail unless told otherwise."""
    row = {
        "event_id": f"M{shop.number():06d}",
        "occurred_at": at,
        "event_name": name,
        "channel": "email",
        "message_id": message_id,
    }
    return shop.row("message_events", **row | whose(who) | values)


def ticket(shop: Shop, who: Person, at: datetime, **values: Any) -> dict[str, Any]:
    """A support ticket."""
    row = {"ticket_id": f"T{shop.number()}", "opened_at": at}
    return shop.row("support_tickets", **row | whose(who) | values)


def answer(shop: Shop, who: Person, at: datetime, question: str, **values: Any) -> dict[str, Any]:
    """An answer to one question, in a response of its own."""
    row = {"response_id": f"A{shop.number():06d}", "responded_at": at, "question": question}
    return shop.row("survey_responses", **row | whose(who) | values)


def consent(shop: Shop, who: Person, at: datetime, granted: bool, **values: Any) -> dict[str, Any]:
    """A change of consent to marketing by all channels."""
    row = {"changed_at": at, "purpose": "marketing", "granted": granted, "channel": "all"}
    return shop.row("consents", **row | whose(who) | values)


def subscription(
    shop: Shop, who: Person | None, started_at: datetime, **values: Any
) -> dict[str, Any]:
    """A period of a subscription, active unless told otherwise."""
    row = {
        "subscription_id": f"U{shop.number()}",
        "started_at": started_at,
        "plan": shop.rng.choice(("basic", "plus", None)),
        "status": "active",
        "monthly_amount": shop.money(),
    }
    return shop.row("subscriptions", **row | whose(who) | values)


def use(shop: Shop, who: Person, days_ago: int, feature: str, **values: Any) -> None:
    """A day of use, once per day and feature."""
    row = {
        "used_on": shop.as_of_on - timedelta(days=days_ago),
        "feature": feature,
        "uses": 1,
        "minutes": Decimal("2.5000"),
    } | whose(who)
    key = ("used_on", "feature", "customer_ref", "source_system")
    if not any(all(old[x] == row[x] for x in key) for old in shop.rows["product_usage"]):
        shop.row("product_usage", **row | values)


def mention(shop: Shop, who: Person, at: datetime, sentiment: str | None) -> dict[str, Any]:
    """A mention and what it feels like."""
    row = {
        "mention_id": f"N{shop.number()}",
        "occurred_at": at,
        "platform": "forum",
        "kind": "comment",
        "sentiment": Decimal(sentiment) if sentiment is not None else None,
    }
    return shop.row("social_mentions", **row | whose(who))


def product(shop: Shop, **values: Any) -> dict[str, Any]:
    """A product that has always been the same."""
    number = shop.number()
    row = {
        "product_id": f"Q{number}",
        "name": f"Thing {number}",
        "category": shop.rng.choice(CATEGORIES),
        "brand": shop.rng.choice(("Ash", "Birch", None)),
        "tier": shop.rng.choice(TIERS),
    }
    return shop.row("products", **row | values)


def campaign(shop: Shop, is_promotional: bool | None) -> str:
    """A campaign's id."""
    campaign_id = f"K{shop.number()}"
    for system in ("default", "shop"):
        shop.row(
            "campaigns",
            campaign_id=campaign_id,
            name="Spring",
            is_promotional=is_promotional,
            source_system=system,
        )
    return campaign_id


def buyer(shop: Shop, days_ago: int, **values: Any) -> Person:
    """Somebody with one order."""
    who = shop.person()
    shop.order(who, days_ago, **values)
    return who


# Ordinary people -----------------------------------------------------------------------------


def browsing(shop: Shop) -> None:
    """Comes and looks, adds to a cart, and sometimes buys."""
    who = shop.person()
    if shop.rng.random() < 0.7:
        shop.customer(who)
    items = [product(shop, source_system=who.source_system)["product_id"] for _ in range(3)]
    names = ("page_view", "product_view", "search", "add_to_cart", "download", "sign_up")
    for _ in range(shop.rng.randint(1, 6)):
        at = shop.at(shop.day(0, 420))
        session_id = shop.rng.choice((None, f"S{shop.number()}"))
        for _ in range(shop.rng.randint(1, 5)):
            event(
                shop,
                who,
                at,
                shop.rng.choice(names),
                session_id=session_id,
                product_id=shop.rng.choice((*items, None)),
                cart_id=shop.rng.choice((None, f"C{who.customer_ref}")),
            )
            at += timedelta(seconds=shop.rng.randint(0, 2400), microseconds=shop.rng.choice((0, 7)))
    if shop.rng.random() < 0.5:
        shop.order(who, shop.day(0, 90))


def subscribed_reader(shop: Shop) -> None:
    """Gets messages, opens some, clicks some, answers one."""
    who = shop.person()
    promo = campaign(shop, shop.rng.choice((True, False, None)))
    for _ in range(shop.rng.randint(2, 8)):
        message_id, at = f"B{shop.number()}", shop.at(shop.day(0, 120))
        channel = shop.rng.choice(("email", "email", "sms", "push"))
        for name in ("sent", "delivered", "opened", "clicked", "replied"):
            if name in ("sent", "delivered") or shop.rng.random() < 0.5:
                more = {"channel": channel, "campaign_id": promo}
                message(shop, who, at, name, message_id, **more)
            at += timedelta(minutes=shop.rng.randint(0, 2000))


def talkative(shop: Shop) -> None:
    """Writes tickets, answers surveys, mentions the shop, brings friends."""
    who, friend = shop.person("default"), shop.person("default")
    shop.customer(who)
    for _ in range(shop.rng.randint(1, 4)):
        day = shop.day(0, 400)
        closed_at = shop.rng.choice((None, shop.at(shop.rng.randint(0, day))))
        score = Decimal(shop.rng.randint(1, 5)) if closed_at is not None else None
        opened_at = shop.at(day, MIDNIGHT)
        if closed_at is not None:
            closed_at = max(closed_at, opened_at)
        wants = shop.rng.choice((True, False, None))
        ticket(shop, who, opened_at, closed_at=closed_at, csat_score=score, feature_request=wants)
        answer(shop, who, shop.at(day), "nps", score=Decimal(shop.rng.randint(0, 10)))
        mention(shop, who, shop.at(day), shop.rng.choice(("-0.5", "0.333333", "1", None)))
    shop.row(
        "referrals",
        referrer_ref=who.customer_ref,
        referred_ref=friend.customer_ref,
        referred_at=shop.at(shop.day()),
    )


def user(shop: Shop) -> None:
    """Subscribes, and uses the product."""
    who = shop.person()
    start = shop.day(0, 400)
    subscription(shop, who, shop.at(start))
    for _ in range(shop.rng.randint(1, 12)):
        use(shop, who, shop.day(0, 100), shop.rng.choice(FEATURES))


def collector(shop: Shop) -> None:
    """Buys products that the catalogue knows, line by line."""
    who = shop.person()
    shelf = [product(shop, source_system=who.source_system)["product_id"] for _ in range(3)]
    for _ in range(shop.rng.randint(3, 6)):
        day = shop.day(0, 500)
        order = shop.order(who, day)
        for item in shop.rng.sample(shelf, shop.rng.randint(1, 3)):
            shop.line(who, order["order_id"], day, product_id=item)


def known_person(shop: Shop) -> None:
    """A record with everything on it."""
    who, phone = shop.person(), shop.phone()
    age = timedelta(days=shop.rng.randint(6000, 30000))
    shop.customer(
        who,
        phone=phone,
        phone_e164=phone,
        first_name="Robin",
        last_name="Field",
        birth_date=shop.as_of_on - age,
        gender=shop.rng.choice(("Female", " male", "F", "x", "prefer not to say", "nonbinary")),
        income_band=" High ",
        education=shop.rng.choice(("Master", None)),
        occupation="Baker",
        household_size=shop.rng.randint(1, 5),
        has_children=shop.rng.choice((True, False, None)),
        country=shop.rng.choice(("United Kingdom", "us", "Narnia", None)),
        region=shop.rng.choice(("England", "California", "elsewhere", None)),
        city="Leeds",
        acquisition_channel=shop.rng.choice(("organic_search", None)),
    )
    shop.order(who, shop.day(0, 400))
    consent(shop, who, shop.at(shop.day(0, 400)), shop.rng.random() < 0.7)


ACTIVE: tuple[Callable[[Shop], None], ...] = (
    browsing,
    subscribed_reader,
    talkative,
    user,
    collector,
    known_person,
)


# Who is one customer -------------------------------------------------------------------------


def one_person_in_two_systems(shop: Shop) -> None:
    """The same e-mail in two systems, written in two ways: one customer, and every order of it."""
    who = shop.person("default")
    other = replace(shop.person("shop"), email=f" {who.email.upper()}")
    shop.customer(who)
    shop.customer(other)
    shop.order(who, shop.day())
    shop.order(other, shop.day())
    shop.order(None, shop.day(), email=who.email)


def one_person_with_two_emails(shop: Shop) -> None:
    """Two records, two addresses, and only a lead that names one by the other's address."""
    who, other = shop.person("default"), shop.person("default")
    shop.customer(who)
    shop.order(other, shop.day(), email=other.email)
    shop.row(
        "leads",
        lead_id=f"D{shop.number()}",
        created_at=shop.at(shop.day()),
        customer_ref=who.customer_ref,
        email=other.email,
    )


def chain_of_records(shop: Shop) -> None:
    """Each shares an e-mail or a phone with the next, and the first nothing with the last."""
    links = [(f"link{shop.number()}@mill.example", shop.phone()) for _ in range(5)]
    for k in range(4):
        who, phone = shop.person(), links[k + 1][1] if k % 2 else links[k][1]
        shop.order(who, shop.day(), email=links[k][0])
        by_phone = {"phone": phone, "phone_e164": phone}
        shop.order(who, shop.day(), email=links[k + 1][0], **by_phone)


def merged_by_phone(shop: Shop) -> None:
    """Only the phone says that a record and a guest order are one person's."""
    who, phone = shop.person(), shop.phone()
    shop.customer(who, phone=phone, phone_e164=phone)
    guest = f"guest{shop.number()}@mill.example"
    shop.order(None, shop.day(), email=guest, phone=phone, phone_e164=phone)
    shop.order(None, shop.day(), email=guest)


def phone_only_orders(shop: Shop) -> None:
    """Guests known by phone alone: twice the same, and one whose number is not valid."""
    phone = shop.phone()
    for _ in range(2):
        shop.order(None, shop.day(), phone=f" {phone}", phone_e164=phone)
    shop.order(None, shop.day(), phone="12", phone_e164=None)


def shared_by_five_and_by_six(shop: Shop) -> None:
    """Five references of a system with one e-mail are one customer, six are six."""
    for people in (5, 6):
        email = f"desk{shop.number()}@mill.example"
        for _ in range(people):
            shop.customer(replace(shop.person("default"), email=email))
        # Of another system, and nobody's reference: over-shared is counted per system.
        shop.customer(replace(shop.person("shop"), email=email))
        shop.order(None, shop.day(), email=email)


def shared_phone(shop: Shop) -> None:
    """Six references with one phone, two of which share an e-mail too."""
    phone, email = shop.phone(), f"pair{shop.number()}@mill.example"
    for number in range(6):
        who = shop.person("default")
        who = replace(who, email=email) if number < 2 else who
        shop.customer(who, phone=phone, phone_e164=phone)
    shop.order(None, shop.day(), phone=phone, phone_e164=phone)


def placeholders(shop: Shop) -> None:
    """Addresses and numbers that stand for nobody link nobody, and alone are nobody."""
    for _ in range(2):
        who = replace(shop.person(), email="none@none.com")
        shop.customer(who, phone="+10000000000", phone_e164="+10000000000")
        shop.customer(replace(shop.person(), email=f"person{shop.number()}@example.com"))
    shop.order(None, shop.day(), email=" None@None.com ")
    shop.order(None, shop.day(), email="someone@example.com")
    order = buyer_order(shop)
    shop.refund_of(order, 0, Decimal("1.2500"), email="none@none.com")
    event(shop, None, shop.at(3), email="none@none.com", anonymous_id=f"V{shop.number()}")


def buyer_order(shop: Shop) -> dict[str, Any]:
    """An order of somebody new."""
    return shop.order(shop.person(), shop.day())


def over_merged(shop: Shop) -> None:
    """Twenty-two records that hang together by phones, and in pairs by e-mails."""
    phones = [shop.phone() for _ in range(7)]
    people = [shop.person("default" if n % 2 else "shop") for n in range(22)]
    for number, who in enumerate(people):
        pair = replace(who, email=f"pair{people[number - number % 2].customer_ref}@mill.example")
        phone = phones[number // 4]
        shop.customer(pair, phone=phone, phone_e164=phone)
        # The last of each four knows the phone of the next four.
        if number % 4 == 3:
            onward = phones[number // 4 + 1]
            shop.order(who, shop.day(), phone=onward, phone_e164=onward)


def over_merged_by_email(shop: Shop) -> None:
    """A chain of e-mails longer than the guard allows: everybody stays alone."""
    emails = [f"chain{shop.number()}@mill.example" for _ in range(22)]
    for number in range(21):
        who = shop.person("default")
        shop.order(who, shop.day(), email=emails[number])
        shop.order(who, shop.day(), email=emails[number + 1])


def merged_without_the_last_version(shop: Shop) -> None:
    """The older version of a record had another's e-mail; the latest has not: two customers."""
    who, other = shop.person(), shop.person()
    shop.customer(other)
    shop.customer(who, email=other.email, updated_at=shop.at(20), _batch_id=BATCHES[0])
    shop.customer(who, updated_at=shop.at(10), _batch_id=BATCHES[2])


def two_records_one_golden(shop: Shop) -> None:
    """Survivorship: missing values, undated records, one from the future, addresses in parts."""
    email = f"golden{shop.number()}@mill.example"
    rows: tuple[dict[str, Any], ...] = (
        {"updated_at": shop.at(5, NOON), "first_name": None, "city": None, "country": None},
        {"updated_at": shop.at(9, NOON), "gender": "male", "city": "York", "country": None},
        {"created_at": shop.at(7, NOON), "gender": "female", "country": "France"},
        {"created_at": None, "occupation": "Clerk", "birth_date": date(1980, 1, 1)},
        {"created_at": shop.as_of + MICROSECOND, "education": "PhD", "city": "Rome"},
        {"updated_at": shop.as_of + MICROSECOND, "has_children": True, "household_size": 3},
    )
    for number, values in enumerate(shop.rng.sample(rows, len(rows))):
        system = "shop" if number < 3 else "default"
        base = {"created_at": shop.at(30, NOON), "first_name": "Sam"}
        shop.customer(replace(shop.person(system), email=email), **base | values)


def without_a_name(shop: Shop) -> None:
    """Known by a customer record without a name on it."""
    shop.customer(shop.person(), email=None, country=None)


def erasure(shop: Shop, at: datetime | None = None, **values: Any) -> dict[str, Any]:
    """A request to be forgotten, on some day unless told otherwise."""
    row = {"request_id": f"D{shop.number()}", "requested_at": at or shop.at(shop.day())}
    return shop.row("erasure_requests", **row | values)


def erased_by_any_name(shop: Shop) -> None:
    """Three records of one person, of whom one name is enough, and two people who stay."""
    bystander = shop.person("default")
    for name in ("reference", "email", "phone", "not yet", "other system"):
        system = "shop" if name == "other system" else "default"
        who, phone = shop.person(system), shop.phone()
        by_phone = {"phone": phone, "phone_e164": phone}
        shop.customer(replace(shop.person("shop"), email=who.email), **by_phone)
        shop.order(who, shop.day(), email=who.email)
        shop.order(None, shop.day(), **by_phone)
        message(shop, who, shop.at(shop.day()), "opened", None)
        subscription(shop, who, shop.at(300))
        device = f"V{shop.number()}"
        event(shop, who, shop.at(20, NOON), anonymous_id=device)
        event(shop, None, shop.at(19, NOON), anonymous_id=device, email=who.email)
        event(shop, bystander, shop.at(10, NOON), anonymous_id=device)
        for days_ago in (21, 19, 18, 5):
            event(shop, None, shop.at(days_ago, NOON), anonymous_id=device)
        at = (shop.day(5), shop.money())
        bought = shop.order(bystander, at[0])
        shop.refund_of(bought, at[0] - 5, at[1], customer_ref=who.customer_ref)
        brought = {"referrer_ref": who.customer_ref, "referred_ref": bystander.customer_ref}
        shop.row("referrals", referred_at=shop.at(50), **brought)
        if name == "reference":
            erasure(shop, shop.as_of, customer_ref=who.customer_ref)
        elif name == "email":
            erasure(shop, email=f" {who.email.upper()}", source_system="shop")
        elif name == "phone":
            erasure(shop, **by_phone)
        elif name == "not yet":
            erasure(shop, shop.as_of + MICROSECOND, email=who.email)
        else:
            erasure(shop, customer_ref=who.customer_ref)


def erased_whom_nobody_knows(shop: Shop) -> None:
    """A request for nobody, one by a placeholder, and one by an address that six people carry."""
    erasure(shop, customer_ref=f"unknown{shop.number()}", email=f"u{shop.number()}@mill.example")
    erasure(shop, email="none@none.com")
    shop.customer(replace(shop.person(), email="none@none.com"))
    office = f"office{shop.number()}@mill.example"
    for _ in range(6):
        shop.customer(replace(shop.person("default"), email=office))
    erasure(shop, email=office)


def erased_of_the_over_merged(shop: Shop) -> None:
    """Records that dropped their phone links: the pair that is one customer goes, the rest stay."""
    before = len(shop.customers)
    over_merged(shop)
    erasure(shop, email=shop.customers[before]["email"])


def known_by_one_row_each(shop: Shop) -> None:
    """One person per input, known by nothing else, on the instant and a microsecond after it."""
    for at in (shop.as_of, shop.as_of + MICROSECOND):
        event(shop, shop.person(), at)
        event(shop, None, at, **whose(shop.person(), by_email=True))
        message(shop, shop.person(), at, "sent", None)
        ticket(shop, shop.person(), at)
        answer(shop, shop.person(), at, "csat")
        consent(shop, shop.person(), at, True)
        consent(shop, shop.person(), at, True, customer_ref=None, email=shop.person().email)
        mention(shop, shop.person(), at, None)
        subscription(shop, shop.person(), at)
        lead, booking = shop.person(), shop.person()
        shop.row("leads", lead_id=f"D{shop.number()}", created_at=at, **whose(lead))
        shop.row(
            "business_events",
            event_id=f"E{shop.number()}",
            occurred_at=at,
            event_name="table_reserved",
            **whose(booking, by_email=True),
        )
        assigned = shop.person()
        shop.row(
            "experiment_assignments",
            experiment_id=f"X{shop.number()}",
            arm="a",
            assigned_at=at,
            **whose(assigned),
        )
        bringer, brought = shop.person("default"), shop.person("default")
        shop.row(
            "referrals",
            referrer_ref=bringer.customer_ref,
            referred_ref=brought.customer_ref,
            referred_at=at,
        )
    for days_ago in (0, -1):
        use(shop, shop.person(), days_ago, "export")


# Visitors ------------------------------------------------------------------------------------


def identified_later(shop: Shop) -> None:
    """Anonymous on a device, then known by reference or e-mail: the visits before are theirs."""
    for by_email in (False, True):
        who, device = shop.person(), f"V{shop.number()}"
        names = whose(who, by_email)
        system = names["source_system"]
        for days_ago in (120, 40, 2):
            event(shop, None, shop.at(days_ago), anonymous_id=device, source_system=system)
        event(shop, None, shop.at(30), "sign_up", anonymous_id=device, **names)
        # The same id in another system is another device.
        other = "shop" if system == "default" else "default"
        event(shop, None, shop.at(3), anonymous_id=device, source_system=other)


def identified_after_as_of(shop: Shop) -> None:
    """Who visited becomes known only after as_of; one of the two is a customer already."""
    for is_known in (True, False):
        who, device = shop.person("default"), f"V{shop.number()}"
        if is_known:
            shop.order(who, shop.day())
        event(shop, None, shop.at(4), anonymous_id=device)
        event(shop, who, shop.as_of + MICROSECOND, anonymous_id=device)


def two_people_on_one_device(shop: Shop) -> None:
    """The next who signs in has the visit, at the same instant too; after the last, the last."""
    first, second = shop.person("default"), shop.person("default")
    device = f"V{shop.number()}"
    for days_ago, who in ((20, first), (10, second), (5, first)):
        event(shop, who, shop.at(days_ago, NOON), anonymous_id=device)
    for days_ago in (21, 20, 19, 10, 9, 5, 4):
        event(shop, None, shop.at(days_ago, NOON), anonymous_id=device)
    event(shop, second, shop.at(3, NOON), anonymous_id=device)
    event(shop, first, shop.at(3, NOON), anonymous_id=device)
    for days_ago in (3, 2):
        event(shop, None, shop.at(days_ago, NOON), anonymous_id=device)


def device_of_five_and_of_six(shop: Shop) -> None:
    """A device of five customers has their visits, one of six (a kiosk) has nobody's."""
    for people in (5, 6):
        device = f"V{shop.number()}"
        for number in range(people):
            who = shop.person("default")
            event(shop, who, shop.at(number), anonymous_id=device)
            # Seen again under another reference: still one customer.
            again = replace(shop.person("default"), email=who.email)
            shop.order(who, shop.day(), email=who.email)
            event(shop, again, shop.at(number), anonymous_id=device, email=who.email)
        event(shop, None, shop.at(3), anonymous_id=device)


def never_identified(shop: Shop) -> None:
    """Visitors who are nobody, with a cart, with a session, with nothing at all."""
    event(shop, None, shop.at(1), "add_to_cart", anonymous_id=f"V{shop.number()}")
    event(shop, None, shop.at(1), "add_to_cart", session_id=None)


def excluded_device(shop: Shop) -> None:
    """A bot that gives a name is nobody, and what it does for a customer does not count."""
    event(shop, shop.person(), shop.at(1), device="bot")
    who = buyer(shop, 100)
    event(shop, who, shop.at(2), device=" Bot ")
    event(shop, who, shop.at(3), "product_view", device="mobile")


# Sessions and carts --------------------------------------------------------------------------


def session_gaps(shop: Shop) -> None:
    """Half an hour is one session, a microsecond more is two; for device, reference and e-mail."""
    gap = timedelta(minutes=30)
    for beyond in (timedelta(0), MICROSECOND, timedelta(seconds=1)):
        who, start = shop.person(), shop.at(shop.day(0, 60), NOON)
        device = f"V{shop.number()}"
        for names in (
            whose(who) | {"anonymous_id": device},
            whose(who),
            whose(who, by_email=True),
        ):
            for at in (start, start + gap + beyond, start + gap + beyond + timedelta(seconds=59)):
                event(shop, None, at, session_id=None, **names)


def session_over_midnight(shop: Shop) -> None:
    """A session that begins before the window and ends in it, with parts of seconds."""
    for days in (30, 31, 90, 91):
        who, session_id = shop.person(), f"S{shop.number()}"
        before = shop.at(days, LAST_MOMENT)
        for seconds in ("0", "1.000001", "3.999999", "4.0", "3600.5"):
            at = before + timedelta(seconds=float(seconds))
            event(shop, who, at, session_id=session_id)


def session_of_two_people(shop: Shop) -> None:
    """One session, two customers, each with a part; the first event is of nobody."""
    session_id, start = f"S{shop.number()}", shop.at(7, NOON)
    people = [shop.person("default") for _ in range(2)]
    event(shop, None, start, session_id=session_id)
    for minute, who in ((1, people[0]), (2, people[1]), (4, people[0]), (9, people[1])):
        event(shop, who, start + timedelta(minutes=minute), session_id=session_id)


def events_at_one_instant(shop: Shop) -> None:
    """The least event_id opens the session; zero seconds pass."""
    who, at, session_id = shop.person(), shop.at(12, NOON), f"S{shop.number()}"
    for device in ("mobile", "desktop"):
        event(shop, who, at, session_id=session_id, device=device)
    event(shop, who, at + timedelta(seconds=90), session_id=session_id, device="tablet")


def web_window_edges(shop: Shop) -> None:
    """In on day N and out on day N + 1, at both ends of the day; exactly as_of, and after it."""
    for days in (30, 90, 365):
        for day_number in (days, days + 1):
            who = shop.person()
            for local in (MIDNIGHT, LAST_MOMENT):
                item = product(shop, source_system=who.source_system)["product_id"]
                event(shop, who, shop.at(day_number - 1, local), "product_view", product_id=item)
    who = shop.person()
    for at in (
        shop.as_of,
        shop.as_of + MICROSECOND,
        shop.as_of - timedelta(hours=24),
        shop.as_of - timedelta(hours=24) + MICROSECOND,
        shop.as_of - timedelta(seconds=59, microseconds=999999),
    ):
        event(shop, who, at, "search")
    event(shop, shop.person(), shop.as_of - timedelta(seconds=59, microseconds=999999))
    event(shop, shop.person(), shop.as_of - timedelta(minutes=1))


def daylight_saving_days(shop: Shop) -> None:
    """Events in the hours that do not occur and that occur twice, a session across the change."""
    who, session_id = shop.person(), f"S{shop.number()}"
    year = shop.as_of_on.year - (shop.as_of_on.month < 11)
    for month in (3, 10):
        change = max(day for d in range(25, 32) if (day := date(year, month, d)).isoweekday() == 7)
        for hour in (0, 1, 2):
            local = datetime.combine(change, time(hour, 30))
            event(shop, who, utc_of_local(local, TIME_ZONE), session_id=f"{session_id}-{month}")
    shop.order(who, 0, ordered_at=shop.at(0, time(5, 0)))
    shop.order(who, 0, ordered_at=shop.at(1, time(4, 59, 59)))


def carts_touched_a_day_ago(shop: Shop) -> None:
    """Last touched exactly 24 hours before as_of, and a microsecond later; left open."""
    for at in (shop.as_of - timedelta(hours=24), shop.as_of - timedelta(hours=24) + MICROSECOND):
        who = shop.person()
        event(shop, who, at - timedelta(minutes=1), "add_to_cart", cart_id=f"C{shop.number()}")
        event(shop, who, at, "add_to_cart", cart_id=f"C{shop.number()}")


def carts_converted(shop: Shop) -> None:
    """By its own completion, by an order at the very instant, later, or only after as_of."""
    at = shop.at(3, NOON)
    late = shop.as_of + MICROSECOND
    for done_at in (at, at + timedelta(hours=1), at - MICROSECOND, late):
        cart, session = shop.person("default"), shop.person("default")
        cart_id, session_id = f"C{shop.number()}", f"S{shop.number()}"
        event(shop, cart, at, "add_to_cart", cart_id=cart_id)
        event(shop, cart, at + timedelta(minutes=5), "remove_from_cart", cart_id=cart_id)
        event(shop, None, done_at, "order_completed", cart_id=cart_id)
        # Without a cart_id the session is the cart; a completion of another session is not its own.
        event(shop, session, at, "checkout_started", session_id=session_id)
        event(shop, session, done_at, "order_completed", session_id=session_id)
        event(shop, session, at, "add_to_cart")
        ordered = shop.person("default")
        event(shop, ordered, at, "add_to_cart")
        shop.order(ordered, 0, ordered_at=done_at, status="completed")
        cancelled = shop.person("default")
        event(shop, cancelled, at, "add_to_cart")
        shop.order(cancelled, 0, ordered_at=done_at, status="cancelled")


def cart_touched_after_its_order(shop: Shop) -> None:
    """An order between two touches does not close the cart; a completion between them does."""
    for name in ("order", "completed"):
        who, cart_id = shop.person(), f"C{shop.number()}"
        for hour in (9, 15):
            event(shop, who, shop.at(2, time(hour, 0)), "add_to_cart", cart_id=cart_id)
        if name == "order":
            shop.order(who, 2, ordered_at=shop.at(2, NOON), status="paid")
        else:
            event(shop, who, shop.at(2, NOON), "order_completed", cart_id=cart_id)


def cart_of_two_people(shop: Shop) -> None:
    """One cart_id, two customers: two carts, one completion for both; another system's is not."""
    cart_id = f"C{shop.number()}"
    for system in ("default", "default", "shop"):
        event(shop, shop.person(system), shop.at(4, NOON), "add_to_cart", cart_id=cart_id)
    event(shop, shop.person("default"), shop.at(3), "order_completed", cart_id=cart_id)


# Messages and consents -----------------------------------------------------------------------


def machine_opens(shop: Shop) -> None:
    """Machines open and click at once; people later, or never; a click without an open."""
    for by in ("machine", "both", "click"):
        who, message_id, at = shop.person(), f"B{shop.number()}", shop.at(10, NOON)
        message(shop, who, at, "delivered", message_id)
        if by != "click":
            for name in ("opened", "clicked"):
                message(shop, who, at, name, message_id, is_machine=True)
        if by == "both":
            message(shop, who, at + timedelta(hours=1), "opened", message_id, is_machine=False)
        if by == "click":
            message(shop, who, at + timedelta(hours=2), "clicked", message_id)


def message_window_edges(shop: Shop) -> None:
    """Delivered on day 91 and opened on day 90; clicked on day 30 and day 31; opened twice."""
    promo = campaign(shop, True)
    for days in (30, 31, 90, 91):
        who, message_id = shop.person(), f"B{shop.number()}"
        at = shop.at(days - 1, shop.rng.choice((MIDNIGHT, LAST_MOMENT)))
        more = {"campaign_id": promo}
        message(shop, who, shop.at(days), "delivered", message_id, **more)
        for hours in (0, 20):
            message(shop, who, at + timedelta(hours=hours), "opened", message_id, **more)
        message(shop, who, at, "clicked", message_id, **more)
        message(shop, who, at, "clicked", None, **more)
    who = shop.person()
    message(shop, who, shop.as_of, "delivered", "B-now")
    message(shop, who, shop.as_of + MICROSECOND, "opened", "B-now")


def message_to_two_people(shop: Shop) -> None:
    """One message_id that two people have, and by another system a third."""
    message_id = f"B{shop.number()}"
    for system in ("default", "default", "shop"):
        who = shop.person(system)
        message(shop, who, shop.at(6), "delivered", message_id)
        if shop.rng.random() < 0.5:
            message(shop, who, shop.at(5), "opened", message_id)


def unsubscribed(shop: Shop) -> None:
    """Left by e-mail or text; came back by consent before, at and after it."""
    at = shop.at(8, NOON)
    for name in ("unsubscribed", "complained", "bounced"):
        message(shop, shop.person(), at, name, None)
    message(shop, shop.person(), at, "unsubscribed", None, channel="sms")
    for after in (-MICROSECOND, timedelta(0), MICROSECOND):
        for channel in ("email", "all", "sms", None):
            who = shop.person()
            message(shop, who, at, "unsubscribed", None)
            consent(shop, who, at + after, True, channel=channel)
    late = shop.person()
    message(shop, late, at, "unsubscribed", None)
    consent(shop, late, shop.as_of + MICROSECOND, True)


def consent_given_withdrawn_given(shop: Shop) -> None:
    """Each step in turn, for every purpose, by e-mail and by reference."""
    purposes = ("marketing", "analytics", "profiling", "sale")
    for steps in (1, 2, 3):
        who = shop.person()
        shop.customer(who)
        for number in range(steps):
            for purpose in purposes:
                names = whose(who, by_email=number % 2 == 1) | {"purpose": purpose}
                names.setdefault("customer_ref", None)
                consent(shop, who, shop.at(9 - number, NOON), number != 1, **names)


def consent_at_one_instant(shop: Shop) -> None:
    """Granted and withdrawn at the same instant, in one channel and across channels."""
    at = shop.at(6, NOON)
    for channels in (("all", "all"), ("email", "all"), ("all", "email"), ("post", "ads")):
        who = shop.person()
        shop.customer(who, created_at=None)
        consent(shop, who, at, True, channel=channels[0])
        names = {"customer_ref": None, "email": who.email}
        consent(shop, who, at, False, channel=channels[1], **names)
    who = shop.person()
    consent(shop, who, shop.as_of, True, channel="email")
    consent(shop, who, shop.as_of + MICROSECOND, False, channel="email")


# Service, surveys, usage, subscriptions ------------------------------------------------------


def tickets_at_the_edges(shop: Shop) -> None:
    """Opened on day 90, 91, 365, 366; closed at as_of and after it; scores at one instant."""
    who = shop.person()
    for days in (90, 91, 365, 366):
        at = shop.at(days - 1, shop.rng.choice((MIDNIGHT, LAST_MOMENT)))
        ticket(shop, who, at, feature_request=True)
    for closed_at in (shop.as_of, shop.as_of + MICROSECOND):
        one = shop.person()
        ticket(shop, one, shop.at(9), closed_at=closed_at, csat_score=Decimal(4))
        ticket(shop, one, shop.at(20, NOON), closed_at=shop.at(15, NOON), csat_score=Decimal(3))
    tied = shop.person()
    for score in (5, 2, None):
        value = Decimal(score) if score is not None else None
        ticket(shop, tied, shop.at(30 + (score or 0)), closed_at=shop.at(5, NOON), csat_score=value)


def survey_ties(shop: Shop) -> None:
    """Two scores at one instant, scores on the edges of the groups, an answer without a score."""
    who, at = shop.person(), shop.at(5, NOON)
    for score in ("9", "6"):
        answer(shop, who, at, "nps", score=Decimal(score))
    for score in ("8.9999", "9", "7", "6.9999", "0"):
        one = shop.person()
        answer(shop, one, shop.at(50), "nps", score=Decimal(10))
        answer(shop, one, shop.at(40), "nps", score=Decimal(score))
        answer(shop, one, shop.at(30), "nps", answer="dunno")
    for days in (90, 91):
        answer(shop, shop.person(), shop.at(days - 1), "csat", score=Decimal(1))


def psychographics(shop: Shop) -> None:
    """Every way to say yes and no; taken back later; two answers at one instant."""
    who = shop.person()
    said: tuple[tuple[str, str | None, str | None], ...] = (
        ("interest:travel", "Yes", None),
        ("interest:art", "TRUE", None),
        ("interest:food", "no", "5"),
        ("interest:golf", "0", None),
        ("interest:dogs", " ", None),
        ("value:green", None, "1"),
        ("value:price", None, "0"),
        ("lifestyle:diet", " Vegan ", "0"),
        ("lifestyle:city", "false", None),
        ("churn_reason", "moved", None),
    )
    for question, words, score in said:
        number = Decimal(score) if score is not None else None
        answer(shop, who, shop.at(30), question, answer=words, score=number)
    other, at = shop.person(), shop.at(20, NOON)
    answer(shop, other, shop.at(25), "interest:travel", answer="yes")
    answer(shop, other, at, "interest:travel", answer="no")
    for words in ("cats", "dogs"):
        answer(shop, other, at, "interest:pets", answer=words)


def sentiments(shop: Shop) -> None:
    """A mean that needs rounding, mentions on day 90 and 365 and a day before."""
    who = shop.person()
    for days, sentiment in ((90, "0.000001"), (91, "0.000002"), (365, "-1"), (366, "1")):
        mention(shop, who, shop.at(days - 1), sentiment)
    mention(shop, who, shop.as_of, "0.5")
    mention(shop, shop.person(), shop.at(1), None)


def usage_edges(shop: Shop) -> None:
    """Day 30 and 31, 90 and 91; today and tomorrow; use of an account, by nobody."""
    for days in (30, 31, 90, 91):
        who = shop.person()
        use(shop, who, days - 1, "export", minutes=None)
        use(shop, who, days - 1, "alerts")
    who = shop.person()
    for days_ago in (0, -1):
        use(shop, who, days_ago, "reports", uses=0)
    shop.row(
        "product_usage",
        used_on=shop.as_of_on - timedelta(days=5),
        feature=f"feature-{shop.number()}",
        account_ref="acme",
    )


def subscription_stages(shop: Shop) -> None:
    """Every stage, on both sides of every edge."""
    now, later = shop.as_of, shop.as_of + MICROSECOND
    for days in (30, 31):
        for status in ("active", None):
            subscription(shop, shop.person(), shop.at(days, MIDNIGHT), status=status)
    for values in (
        {"ended_at": now},
        {"ended_at": later},
        {"status": "paused"},
        {"status": "cancelled"},
        {"status": "cancelled", "ended_at": now},
        {"status": "cancelled", "ended_at": later},
        {"status": "trial"},
        {"status": "trial", "trial_ends_at": now},
        {"status": "trial", "trial_ends_at": later},
        {"status": "trial", "ended_at": shop.at(2, NOON), "trial_ends_at": shop.at(2, NOON)},
        {"status": "trial", "ended_at": later, "trial_ends_at": now},
        {"monthly_amount": None},
    ):
        subscription(shop, shop.person(), shop.at(40, NOON), **values)
    subscription(shop, shop.person(), shop.as_of)
    subscription(shop, shop.person(), later)


def subscriptions_in_turn(shop: Shop) -> None:
    """Trial, then active, then cancelled; a second one beside it; a plan that ties."""
    who = shop.person()
    trial_end = shop.at(60, NOON)
    steps: list[dict[str, Any]] = [
        {"started_at": shop.at(90, NOON), "status": "trial", "ended_at": trial_end},
        {"started_at": trial_end, "status": "active", "ended_at": shop.at(10, NOON)},
        {"started_at": shop.at(10, NOON), "status": "cancelled"},
    ]
    for last in (1, 2, 3):
        who = shop.person()
        subscription_id = f"U{shop.number()}"
        for step in steps[:last]:
            values = step | {"subscription_id": subscription_id, "plan": "basic"}
            subscription(shop, who, values.pop("started_at"), **values)
        if shop.rng.random() < 0.5:
            status = shop.rng.choice(("active", "paused", "trial"))
            subscription(shop, who, shop.at(20, NOON), status=status)
    # A trial that nobody closed, converted and left; and one of which only the end is told twice.
    unclosed = {"started_at": shop.at(90, NOON), "status": "trial", "trial_ends_at": trial_end}
    for first, then in ((unclosed, steps[1]), (steps[0], steps[2])):
        tried = shop.person()
        for step in (dict(first), dict(then)):
            subscription(shop, tried, step.pop("started_at"), **step)
    for plan in ("plus", "basic"):
        subscription(shop, who, shop.at(35, NOON), plan=plan)
    subscription(shop, None, shop.at(35), account_ref="acme")


def subscription_in_foreign_money(shop: Shop) -> None:
    """Two running periods in another currency, each at the rate of its start."""
    who = shop.person()
    for days_ago, age in ((200, 7), (20, 0)):
        shop.rate("EUR", days_ago + age)
        subscription(shop, who, shop.at(days_ago, NOON), currency="EUR")


# Products and people -------------------------------------------------------------------------


def product_changes_category(shop: Shop) -> None:
    """Bought and looked at before, on and after the day of the change, and before it was known."""
    who = shop.person()
    first = product(
        shop,
        source_system=who.source_system,
        category="coffee",
        brand="Ash",
        tier="budget",
        valid_from=shop.as_of_on - timedelta(days=80),
    )
    shop.rows["products"].append(
        first
        | {
            "category": "tea",
            "tier": "premium",
            "brand": None,
            "valid_from": shop.as_of_on - timedelta(days=40),
        }
    )
    for days_ago in (85, 80, 41, 40, 3):
        order = shop.order(who, days_ago, status="paid")
        more = {"product_id": first["product_id"], "status": "paid"}
        shop.line(who, order["order_id"], days_ago, **more)
        event(
            shop,
            who,
            shop.at(days_ago, LAST_MOMENT),
            "product_view",
            **{"product_id": first["product_id"]},
        )


def resent_product(shop: Shop) -> None:
    """A correction of the same day's product: the later batch holds."""
    who = shop.person()
    first = product(shop, source_system=who.source_system, category="cups", _batch_id=BATCHES[0])
    shop.rows["products"].append(first | {"category": "tea", "_batch_id": BATCHES[1]})
    order = shop.order(who, 5, status="paid")
    shop.line(who, order["order_id"], 5, product_id=first["product_id"], status="paid")


def favourites(shop: Shop) -> None:
    """Two orders are too few, three enough; spends that tie; money back on lines; unknown goods."""
    for orders in (2, 3):
        who = shop.person()
        shelf = [
            product(shop, source_system=who.source_system, category=name, brand=name)["product_id"]
            for name in ("tea", "coffee", None)
        ]
        for number in range(orders):
            day = 20 * number + 1
            order = shop.order(who, day, status="paid")
            for item in (*shelf, "unknown"):
                amount = {"unit_price": Decimal("5.0000"), "quantity": Decimal("1.0000")}
                more = {"product_id": item, "status": "paid", **amount}
                shop.line(who, order["order_id"], day, **more)
    for low in ("-1.0000", "-3.0000"):
        who = shop.person()
        item = product(shop, source_system=who.source_system, category="tea", tier="premium")
        for number in range(3):
            day = 30 * number + 2
            quantity = Decimal(low if number == 0 else "1.0000")
            price = {"unit_price": Decimal("5.0000"), "product_id": item["product_id"]}
            shop.line(who, f"L{shop.number()}", day, quantity=quantity, status="paid", **price)


def last_products(shop: Shop) -> None:
    """Two orders at one instant, lines of the same amount, a cancelled line that is the dearest."""
    who = shop.person()
    shelf = [product(shop, source_system=who.source_system)["product_id"] for _ in range(3)]
    price = {"unit_price": Decimal("8.0000"), "quantity": Decimal("1.0000")}
    for number in range(2):
        order = shop.order(who, 3, ordered_at=shop.at(3, NOON), status="paid")
        more = price | {"product_id": shelf[1 - number], "status": "paid"}
        shop.line(who, order["order_id"], 3, **more)
        more = price | {"unit_price": Decimal("90.0000"), "product_id": shelf[2]}
        shop.line(who, order["order_id"], 3, status="cancelled", **more)
    shop.order(who, 1, sales_channel=None, status="paid")  # the last, without lines


def sales_channels_at_one_instant(shop: Shop) -> None:
    """Two last orders at once, and orders on day 90 and 91."""
    who = shop.person()
    for channel in ("web", "store"):
        shop.order(who, 2, ordered_at=shop.at(2, NOON), sales_channel=channel, status="paid")
    for days in (90, 91):
        shop.order(
            who, 0, ordered_at=shop.at(days - 1, MIDNIGHT), sales_channel="app", status="paid"
        )


def habits_on_the_edge(shop: Shop) -> None:
    """Two touches are too few, three enough; ties; hours at which bands begin; NULL channels."""
    for hours in ((4, 5), (4, 5, 8), (9, 12, 14), (18, 21, 22), (11, 13, 17)):
        who = shop.person()
        for hour in hours:
            shop.order(
                who,
                0,
                ordered_at=shop.at(shop.rng.randint(1, 80), time(hour, 0)),
                sales_channel=shop.rng.choice(("web", "store", None)),
                status="paid",
            )
    who = shop.person()
    event(shop, who, shop.at(3, NOON), utm_medium="email", utm_source="newsletter")
    message(shop, who, shop.at(2, NOON), "clicked", "B-habit", channel="email")
    message(shop, who, shop.at(1, NOON), "clicked", "B-habit", channel="email")
    shop.order(who, 4, sales_channel="email", status="paid")


def above_every_cap(shop: Shop) -> None:
    """Does more of everything than the engagement score counts; another does half of it."""
    for times in (40, 6):
        who = shop.person()
        for number in range(times):
            at = shop.at(shop.day(0, 80))
            event(shop, who, at, "product_view")
            message_id = f"B{shop.number()}"
            for name in ("delivered", "opened", "clicked"):
                message(shop, who, at, name, message_id)
            if number < 10:
                ticket(shop, who, at)
                answer(shop, who, at, "csat", score=Decimal(5))
                mention(shop, who, at, "1")


def birthdays(shop: Shop) -> None:
    """29 February, today, tomorrow, yesterday, the edges of bands, and not born yet."""
    on = shop.as_of_on
    days = [date(1996, 2, 29), date(2000, 2, 29), on, on + timedelta(days=1)]
    for years in (18, 25, 35, 45, 55, 65):
        year = on.year - years
        days.append(date(year, on.month, min(on.day, 28)))
        days.append(date(year, on.month, min(on.day, 28)) + timedelta(days=1))
    for day in days:
        shop.customer(shop.person(), birth_date=day, gender=shop.rng.choice(("m", "?", None)))


def addresses(shop: Shop) -> None:
    """Names, codes and spellings of places; regions of another country, and of none."""
    for country, region in (
        ("United States", "California"),
        (" us ", "tx"),
        ("GBR", "England"),
        ("GB", "California"),
        (None, "England"),
        ("Narnia", "Lantern Waste"),
        ("Netherlands", None),
    ):
        shop.customer(shop.person(), country=country, region=region, city="Anywhere")


def anniversaries(shop: Shop) -> None:
    """First bought today, a year ago, tomorrow a year ago, and on a 29 February."""
    for days_ago in (0, 365, 364, 366):
        buyer(shop, days_ago, status="paid")
    buyer(shop, 0, ordered_at=datetime(2020, 2, 29, 12), status="paid")


def occasions(shop: Shop) -> None:
    """An order on every day around Valentine's, Black Friday, Christmas and the new year."""
    who = shop.person()
    for month, day in ((2, 14), (2, 15), (11, 28), (12, 24), (12, 26), (12, 31), (1, 1), (1, 2)):
        on = datetime(shop.as_of_on.year - 1, month, day, 12)
        shop.order(who, 0, ordered_at=on, status="paid")


def referred_by_oneself(shop: Shop) -> None:
    """Two references of one person, of whom one brought the other; and resent in a later batch."""
    who, other = shop.person("default"), shop.person("default")
    shop.customer(who)
    shop.customer(replace(other, email=who.email))
    row = shop.row(
        "referrals",
        referrer_ref=who.customer_ref,
        referred_ref=other.customer_ref,
        referred_at=shop.at(9),
        _batch_id=BATCHES[0],
    )
    shop.rows["referrals"].append(row | {"referred_at": shop.at(3), "_batch_id": BATCHES[2]})


def resent_activity(shop: Shop) -> None:
    """The same keys in a later batch, with other contents: that holds, and is counted once."""
    who, other = shop.person("default"), shop.person("default")
    first = event(shop, who, shop.at(5), "page_view", _batch_id=BATCHES[0])
    shop.rows["web_events"].append(
        first
        | {"event_name": "search", "customer_ref": other.customer_ref, "_batch_id": BATCHES[1]}
    )
    twice = event(shop, who, shop.at(6), "download", _batch_id=BATCHES[0])
    shop.rows["web_events"].append(twice | {"_batch_id": BATCHES[3]})
    opened = ticket(shop, who, shop.at(20), _batch_id=BATCHES[1])
    shop.rows["support_tickets"].append(opened | {"closed_at": shop.at(2), "_batch_id": BATCHES[3]})


def accounts_of_every_size(shop: Shop) -> None:
    """Employees on the edges of the bands, seen twice, and contacts who move between them."""
    for employees in (10, 11, 99, 100, 101, 999, 1000, 1001, None):
        name = f"account{shop.number()}"
        for days_ago in (300, 20):
            shop.row(
                "accounts",
                account_ref=name,
                name=name,
                employees=employees,
                observed_at=shop.at(days_ago, NOON),
            )
        shop.customer(shop.person("default"), account_ref=name)
    who = shop.person("default")
    for number, batch in ((1, BATCHES[0]), (2, BATCHES[1])):
        moved_at = shop.at(50 - number)
        shop.customer(who, account_ref=f"acme{number}", updated_at=moved_at, _batch_id=batch)


ACTIVITY_ODDITIES: tuple[Callable[[Shop], None], ...] = (
    one_person_in_two_systems,
    one_person_with_two_emails,
    chain_of_records,
    merged_by_phone,
    phone_only_orders,
    shared_by_five_and_by_six,
    shared_phone,
    placeholders,
    over_merged,
    over_merged_by_email,
    merged_without_the_last_version,
    two_records_one_golden,
    without_a_name,
    erased_by_any_name,
    erased_whom_nobody_knows,
    erased_of_the_over_merged,
    known_by_one_row_each,
    identified_later,
    identified_after_as_of,
    two_people_on_one_device,
    device_of_five_and_of_six,
    never_identified,
    excluded_device,
    session_gaps,
    session_over_midnight,
    session_of_two_people,
    events_at_one_instant,
    web_window_edges,
    daylight_saving_days,
    carts_touched_a_day_ago,
    carts_converted,
    cart_touched_after_its_order,
    cart_of_two_people,
    machine_opens,
    message_window_edges,
    message_to_two_people,
    unsubscribed,
    consent_given_withdrawn_given,
    consent_at_one_instant,
    tickets_at_the_edges,
    survey_ties,
    psychographics,
    sentiments,
    usage_edges,
    subscription_stages,
    subscriptions_in_turn,
    subscription_in_foreign_money,
    product_changes_category,
    resent_product,
    favourites,
    last_products,
    sales_channels_at_one_instant,
    habits_on_the_edge,
    above_every_cap,
    birthdays,
    addresses,
    anniversaries,
    occasions,
    referred_by_oneself,
    resent_activity,
    accounts_of_every_size,
)
