"""Every variable of docs/variables.md, per customer and instant, recomputed in plain Python.

Written from the words alone, never from the SQL. Each function below is one table of that page.
Numbers are exact (int, Decimal, Fraction) and rounded half even once.

Does not belong here: variables of orders and RFM (oracle.py), who is one customer
(oracle_identity.py), random input (business.py).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from oracle import Features, Ledger, features, resolve_orders, window_start
from oracle_identity import (
    EVENT_TIMES,
    Customer,
    Identity,
    counting_web_events,
    golden_records,
    resolve,
)
from oracle_rows import (
    ZERO,
    Converter,
    Namer,
    Raw,
    Row,
    Seeds,
    business_date,
    first_instant,
    is_counting_line,
    line_amount,
    money_of,
    ratio,
    round_half_even,
    text_of,
    word_of,
)

Values = dict[str, Any]
# Session key, time, customer and row of a web event.
Placed = tuple[tuple[str, ...], datetime, Customer | None, Row]

HALF_AN_HOUR = timedelta(minutes=30)
A_DAY = timedelta(hours=24)
A_SECOND = timedelta(seconds=1)
A_MINUTE = timedelta(minutes=1)

INPUT_TIMES: Mapping[str, str] = {
    "web_events": "occurred_at",
    **{
        entity: EVENT_TIMES[entity]
        for entity in (
            "message_events",
            "support_tickets",
            "survey_responses",
            "social_mentions",
            "subscriptions",
            "consents",
            "leads",
        )
    },
    "referrals": "referred_at",
}


# What happened, by as_of ---------------------------------------------------------------------


@dataclass(frozen=True)
class Happening:
    """A row that belongs to a customer."""

    at: datetime
    on: date
    row: Row


@dataclass(frozen=True, eq=False)
class World:
    """Everything that does not depend on as_of."""

    raw: Raw
    identity: Identity
    ledger: Ledger

    @cached_property
    def rows(self) -> dict[str, list[tuple[datetime, Customer | None, Row]]]:
        """Rows of the dated inputs with their times and customers."""
        namer = self.raw.namer
        found: dict[str, list[tuple[datetime, Customer | None, Row]]] = {}
        for entity, time in INPUT_TIMES.items():
            if entity == "web_events":
                customers = self.identity.event_customers
                found[entity] = [
                    (row[time], customers[row["source_system"], row["event_id"]], row)
                    for row in counting_web_events(self.raw)
                ]
            else:
                found[entity] = [
                    (row[time], self.identity.customer(namer.party(row)), row)
                    for row in self.raw.latest(entity)
                ]
        found["product_usage"] = [
            (
                first_instant(row["used_on"], self.raw.time_zone),
                self.identity.customer(namer.party(row)),
                row,
            )
            for row in self.raw.latest("product_usage")
        ]
        return found

    @cached_property
    def products(self) -> dict[tuple[str, str], list[tuple[date, Row]]]:
        """Versions of each product, in order of time."""
        found: dict[tuple[str, str], list[tuple[date, Row]]] = defaultdict(list)
        for row in self.raw.latest("products"):
            since = row.get("valid_from") or date.min
            found[row["source_system"], row["product_id"]].append((since, row))
        for versions in found.values():
            versions.sort(key=lambda version: version[0])
        return found

    def product(self, source_system: str, product_id: str | None, on: date) -> Row:
        """The product as it is on a business date; nothing is known of an unknown one."""
        versions = self.products.get((source_system, product_id or ""), [])
        return next((row for since, row in reversed(versions) if since <= on), {})

    @cached_property
    def promotional(self) -> set[tuple[str, str]]:
        """Campaigns that offer a discount."""
        return {
            (row["source_system"], row["campaign_id"])
            for row in self.raw.latest("campaigns")
            if row.get("is_promotional")
        }

    @cached_property
    def money(self) -> Converter:
        """Amounts in the reporting currency."""
        return Converter(self.raw)

    @cached_property
    def first_line_at(self) -> datetime | None:
        """When the first order line happened."""
        return min((draft.seen_at for draft in self.raw.drafts if draft.lines), default=None)


class View:
    """The world as it is known at an instant."""

    def __init__(self, world: World, as_of: datetime) -> None:
        self.world = world
        self.raw = world.raw
        self.seeds = world.raw.seeds
        self.as_of = as_of
        self.as_of_on = business_date(as_of, self.raw.time_zone)
        self.missing = self._missing()
        self.features = features(world.ledger, as_of)

    def _missing(self) -> set[str]:
        rows = self.world.rows
        missing = {name for name in rows if not any(at <= self.as_of for at, _, _ in rows[name])}
        if not self.raw.products:
            missing.add("products")
        first = self.world.first_line_at
        if first is None or first > self.as_of:
            missing.add("order_lines")
        return missing

    def on(self, at: datetime) -> date:
        """The business date of an instant."""
        return business_date(at, self.raw.time_zone)

    def within(self, on: date, days: int) -> bool:
        """Whether a date is in the last so many business days."""
        return window_start(self.as_of_on, days) <= on <= self.as_of_on

    def last(self, happenings: Iterable[Happening], days: int) -> list[Happening]:
        """What happened in the last so many business days."""
        return [x for x in happenings if self.within(x.on, days)]

    @cached_property
    def _by_customer(self) -> dict[str, dict[Customer, list[Happening]]]:
        found: dict[str, dict[Customer, list[Happening]]] = {}
        for entity, rows in self.world.rows.items():
            mine: dict[Customer, list[Happening]] = defaultdict(list)
            for at, customer, row in rows:
                if customer is not None and at <= self.as_of:
                    mine[customer].append(Happening(at, self.on(at), row))
            found[entity] = mine
        return found

    def of(self, customer: Customer, entity: str) -> list[Happening]:
        """A customer's rows of an entity that have happened."""
        return self._by_customer[entity].get(customer, [])

    @cached_property
    def placed(self) -> list[Placed]:
        """Every web event that has happened, with the key of its session, in order of time."""
        return _events_in_sessions(self)

    @cached_property
    def placed_by_customer(self) -> dict[Customer, list[Placed]]:
        """The same by customer, without those of nobody."""
        found = defaultdict(list)
        for event in self.placed:
            if event[2] is not None:
                found[event[2]].append(event)
        return found

    @cached_property
    def visits(self) -> dict[Customer, list[Visit]]:
        """Visits by customer."""
        found = defaultdict(list)
        for visit in _visits(self):
            found[visit.customer].append(visit)
        return found

    @cached_property
    def completions(self) -> dict[tuple[str, ...], datetime]:
        """The last order_completed event of each cart_id and of each session."""
        found: dict[tuple[str, ...], datetime] = {}
        for session, at, _, row in self.placed:
            if word_of(row["event_name"]) == "order_completed":
                cart = text_of(row.get("cart_id"))
                keys = [("session", *session)]
                if cart is not None:
                    keys.append(("cart", row["source_system"], cart))
                for key in keys:
                    found[key] = max(at, found.get(key, at))
        return found

    @cached_property
    def purchases(self) -> dict[Customer, list[Purchase]]:
        """Lines of counting orders by customer."""
        found = defaultdict(list)
        for customer, purchase in _purchases(self):
            found[customer].append(purchase)
        return found

    @cached_property
    def orders(self) -> dict[Customer, list[tuple[datetime, date, str | None]]]:
        """Time, business date and sales channel of counting orders by customer."""
        found = defaultdict(list)
        for order in self.world.ledger.orders:
            if order.counts and order.customer is not None and order.ordered_at <= self.as_of:
                found[order.customer].append((order.ordered_at, order.on, order.sales_channel))
        return found

    @cached_property
    def features_used(self) -> set[str]:
        """Features that anyone used in the last 90 days."""
        return {
            row["feature"]
            for at, _, row in self.world.rows["product_usage"]
            if at <= self.as_of and self.within(row["used_on"], 90)
        }

    @cached_property
    def golden(self) -> dict[Customer, Values]:
        """Golden records; attributes without a date are the latest known, whatever the as_of."""
        return golden_records(self.raw, self.world.identity)


def _most(counts: Mapping[str, int | Decimal]) -> str | None:
    """The name with the greatest number, the alphabetically first where several have it."""
    return min(counts, key=lambda name: (-counts[name], name), default=None)


def _latest(happenings: Collection[Happening]) -> datetime | None:
    return max((x.at for x in happenings), default=None)


# Web -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Visit:
    """A customer's part in a session; channel, source and device are those of the session."""

    customer: Customer
    at: datetime
    on: date
    event_id: str
    channel: str
    source: str | None
    device: str | None
    # Whole seconds since the customer's event before, each with the date of the later event.
    seconds: tuple[tuple[date, int], ...]


def referrer_host(row: Row) -> str | None:
    """Host of the referrer, lower case and without a leading www.; None for the site's own."""
    host = _host(row.get("referrer"))
    return None if host is None or host == _host(row.get("page_url")) else host


def _host(address: object) -> str | None:
    host = urlsplit(text_of(address) or "").hostname
    return host.removeprefix("www.") or None if host else None


def _is_like(value: str | None, pattern: str | None) -> bool:
    parts = {"%": ".*", "_": "."}
    regex = "".join(parts.get(char, re.escape(char)) for char in pattern or "")
    return re.fullmatch(regex, value or "", re.DOTALL) is not None


def channel_of(row: Row, seeds: Seeds) -> str:
    """How a visit came: the fitting rule with the least priority, else unknown."""
    given = {
        "utm_medium": word_of(row.get("utm_medium")),
        "utm_source": word_of(row.get("utm_source")),
        "referrer_host": referrer_host(row),
    }
    for rule in sorted(seeds.channel_rules, key=lambda rule: int(rule["priority"])):
        if all(_is_like(value, rule[name]) for name, value in given.items()):
            return rule["channel"]
    return "unknown"


def _visitor(row: Row, namer: Namer) -> tuple[str, ...]:
    """Who an event without a session_id is put with; with nobody where it names nothing."""
    for kind, name in (
        ("anonymous", text_of(row.get("anonymous_id"))),
        ("ref", text_of(row.get("customer_ref"))),
        ("email", namer.email(row.get("email"))),
    ):
        if name is not None:
            return (kind, row["source_system"], name)
    return ("event", row["source_system"], row["event_id"])


def _events_in_sessions(view: View) -> list[Placed]:
    """Every web event that has happened, with the key of its session, in order of time."""
    namer = view.raw.namer
    placed: list[Placed] = []
    loose: dict[tuple[str, ...], list[tuple[datetime, Customer | None, Row]]] = defaultdict(list)
    for at, customer, row in view.world.rows["web_events"]:
        if at > view.as_of:
            continue
        session_id = text_of(row.get("session_id"))
        if session_id is not None:
            placed.append((("id", row["source_system"], session_id), at, customer, row))
        else:
            loose[_visitor(row, namer)].append((at, customer, row))
    for visitor, events in loose.items():
        events.sort(key=lambda event: (event[0], event[2]["event_id"]))
        number, before = 0, events[0][0]
        for at, customer, row in events:
            number += at - before > HALF_AN_HOUR
            before = at
            placed.append(((*visitor, str(number)), at, customer, row))
    placed.sort(key=lambda event: (event[1], event[3]["event_id"], event[3]["source_system"]))
    return placed


def _visits(view: View) -> Iterator[Visit]:
    sessions: dict[tuple[str, ...], list[Placed]] = defaultdict(list)
    for event in view.placed:
        sessions[event[0]].append(event)
    for events in sessions.values():
        opening = events[0][3]
        source = word_of(opening.get("utm_source")) or referrer_host(opening)
        people: dict[Customer, list[Placed]] = defaultdict(list)
        for event in events:
            if event[2] is not None:
                people[event[2]].append(event)
        for customer, own in people.items():
            times = [event[1] for event in own]
            yield Visit(
                customer,
                times[0],
                view.on(times[0]),
                own[0][3]["event_id"],
                channel_of(opening, view.seeds),
                source,
                text_of(opening.get("device")),
                tuple(
                    (view.on(later), (later - earlier) // A_SECOND)
                    for earlier, later in pairwise(times)
                ),
            )


def web(view: View, customer: Customer) -> Values:
    """Web: sessions, events, time on site, first and last touch."""
    events = view.of(customer, "web_events")
    visits = view.visits.get(customer, [])
    recent = view.last(events, 90)
    named = Counter(word_of(x.row["event_name"]) for x in recent)
    last_at = _latest(events)
    viewed = Counter(
        category
        for x in recent
        if word_of(x.row["event_name"]) == "product_view"
        and (category := _attribute(view, x.row, x.on, "category")) is not None
    )
    first = min(visits, key=lambda visit: (visit.at, visit.event_id), default=None)
    last = max(visits, key=lambda visit: (visit.at, visit.event_id), default=None)
    values: Values = {
        f"session_count_{days}d": sum(view.within(visit.on, days) for visit in visits)
        for days in (30, 90, 365)
    }
    for name in ("page_view", "product_view", "add_to_cart", "download", "search"):
        values[f"{name}_count_90d"] = named[name]
    return (
        values
        | {
            "seconds_on_site_90d": sum(
                seconds for visit in visits for on, seconds in visit.seconds if view.within(on, 90)
            ),
            "last_web_event_at": last_at,
            "minutes_since_last_web_event": (
                (view.as_of - last_at) // A_MINUTE if last_at is not None else None
            ),
            "event_count_24h": sum(x.at > view.as_of - A_DAY for x in events),
            "top_viewed_category_90d": _most(viewed),
            "first_touch_channel": first.channel if first else None,
            "first_touch_source": first.source if first else None,
            "last_touch_channel": last.channel if last else None,
            "last_device": last.device if last else None,
        }
        | _carts(view, customer)
    )


def _attribute(view: View, row: Row, on: date, name: str) -> str | None:
    product = view.world.product(row["source_system"], text_of(row.get("product_id")), on)
    return text_of(product.get(name))


def _carts(view: View, customer: Customer) -> Values:
    """Carts that no order has come from."""
    touches: dict[tuple[str, ...], list[datetime]] = defaultdict(list)
    for session, at, _, row in view.placed_by_customer.get(customer, []):
        if word_of(row["event_name"]) in ("add_to_cart", "remove_from_cart", "checkout_started"):
            cart = text_of(row.get("cart_id"))
            key = ("cart", row["source_system"], cart) if cart else ("session", *session)
            touches[key].append(at)
    ordered_at = max((at for at, _, _ in view.orders.get(customer, [])), default=None)
    still_open = []
    for key, times in touches.items():
        completed_at = view.completions.get(key)
        is_completed = completed_at is not None and completed_at >= min(times)
        is_ordered = ordered_at is not None and ordered_at >= max(times)
        if not is_completed and not is_ordered:
            still_open.append(max(times))
    return {
        "open_cart_count": len(still_open),
        "last_cart_touched_at": max(still_open, default=None),
    }


# Messages ------------------------------------------------------------------------------------


@dataclass
class Message:
    """What happened to one message to a customer, by event name; machines left aside."""

    campaigns: set[tuple[str, str]]
    events: dict[str, list[Happening]]

    def had(self, name: str) -> list[Happening]:
        """Events of that name, in order of time (at one instant by event_id)."""
        return sorted(self.events.get(name, []), key=lambda x: (x.at, x.row["event_id"]))


def messages_to(view: View, customer: Customer) -> list[Message]:
    """Every message to a customer."""
    found: dict[tuple[str, ...], Message] = {}
    for x in view.of(customer, "message_events"):
        row, name = x.row, word_of(x.row["event_name"]) or ""
        message_id = text_of(row.get("message_id"))
        own = ("message", message_id) if message_id else ("event", row["event_id"])
        message = found.setdefault((row["source_system"], *own), Message(set(), defaultdict(list)))
        campaign = text_of(row.get("campaign_id"))
        if campaign is not None:
            message.campaigns.add((row["source_system"], campaign))
        if not (row.get("is_machine") and name in ("opened", "clicked")):
            message.events[name].append(x)
    return list(found.values())


def messages(view: View, customer: Customer) -> Values:
    """Messages: delivered, opened, clicked, replied, and whether e-mail is still wanted."""
    mine = messages_to(view, customer)
    values: Values = {
        f"{name}_message_count_90d": sum(bool(view.last(x.had(name), 90)) for x in mine)
        for name in ("delivered", "opened", "clicked", "replied")
    }
    arrived = []
    for message in mine:
        by_email = [x for x in message.had("delivered") if word_of(x.row["channel"]) == "email"]
        if by_email and view.within(by_email[0].on, 90):
            arrived.append(message)
    opened = sum(bool(message.had("opened")) for message in arrived)
    clicked = sum(bool(message.had("clicked")) for message in arrived)
    return values | {
        "email_open_rate_90d": ratio(opened, len(arrived), 6),
        "email_click_rate_90d": ratio(clicked, len(arrived), 6),
        "promotional_click_count_30d": sum(
            bool(view.last(message.had("clicked"), 30))
            and not message.campaigns.isdisjoint(view.world.promotional)
            for message in mine
        ),
        "last_message_opened_at": _latest([x for message in mine for x in message.had("opened")]),
        "last_message_clicked_at": _latest([x for message in mine for x in message.had("clicked")]),
        "is_email_unsubscribed": _is_email_unsubscribed(view, customer),
    }


def _is_email_unsubscribed(view: View, customer: Customer) -> bool:
    gone_at = _latest(
        [
            x
            for x in view.of(customer, "message_events")
            if word_of(x.row["channel"]) == "email"
            and word_of(x.row["event_name"]) in ("unsubscribed", "complained")
        ]
    )
    if gone_at is None:
        return False
    return not any(
        x.row["granted"] and x.at > gone_at
        for x in view.of(customer, "consents")
        if word_of(x.row["purpose"]) == "marketing" and _consent_channel(x) in ("email", "all")
    )


def _consent_channel(x: Happening) -> str:
    return word_of(x.row.get("channel")) or "all"


# Service, surveys, social --------------------------------------------------------------------


def service(view: View, customer: Customer) -> Values:
    """Tickets."""
    tickets = view.of(customer, "support_tickets")

    def is_closed(x: Happening) -> bool:
        return x.row.get("closed_at") is not None and x.row["closed_at"] <= view.as_of

    scored = [
        (x.row.get("closed_at") or x.at, x.row["csat_score"])
        for x in tickets
        if x.row.get("csat_score") is not None and (x.row.get("closed_at") is None or is_closed(x))
    ]
    return {
        "ticket_count_90d": len(view.last(tickets, 90)),
        "ticket_count_365d": len(view.last(tickets, 365)),
        "open_ticket_count": sum(not is_closed(x) for x in tickets),
        "feature_request_count_365d": sum(
            bool(x.row.get("feature_request")) for x in view.last(tickets, 365)
        ),
        "last_ticket_opened_at": _latest(tickets),
        "last_csat_score": _last_score(scored),
    }


def _last_score(scored: Collection[tuple[datetime, Decimal]]) -> Decimal | None:
    """The latest score, the least at one instant."""
    last = max((at for at, _ in scored), default=None)
    return min((score for at, score in scored if at == last), default=None)


def surveys(view: View, customer: Customer) -> Values:
    """Answers, the last NPS, and what the person values."""
    answers = view.of(customer, "survey_responses")
    nps = _last_score(
        [
            (x.at, x.row["score"])
            for x in answers
            if word_of(x.row["question"]) == "nps" and x.row.get("score") is not None
        ]
    )
    last: dict[str, Happening] = {}
    for x in sorted(answers, key=lambda x: (x.at, x.row["response_id"], x.row["source_system"])):
        last[x.row["question"].strip()] = x
    tags = [
        tag
        for question, x in sorted(last.items())
        if question.lower().startswith(("value:", "interest:", "lifestyle:"))
        and (tag := _tag(question, x.row)) is not None
    ]
    return {
        "survey_answer_count_90d": len(view.last(answers, 90)),
        "last_nps_score": nps,
        "nps_group": None if nps is None else nps_group(nps),
        "psychographic_tags": ", ".join(tags) or None,
    }


def nps_group(score: Decimal | int) -> str:
    """Promoter from 9, passive from 7, detractor below."""
    if score >= 9:
        return "promoter"
    return "passive" if score >= 7 else "detractor"


def _tag(question: str, row: Row) -> str | None:
    answer, score = word_of(row.get("answer")), row.get("score")
    if answer is None:
        return question if score is not None and score > 0 else None
    if answer in ("false", "no", "0"):
        return None
    return question if answer in ("true", "yes") else f"{question}={answer}"


def social(view: View, customer: Customer) -> Values:
    """Mentions and their sentiment."""
    mentions = view.of(customer, "social_mentions")
    felt = [
        x.row["sentiment"] for x in view.last(mentions, 365) if x.row.get("sentiment") is not None
    ]
    return {
        "social_interaction_count_90d": len(view.last(mentions, 90)),
        "mean_sentiment_365d": ratio(sum(felt, ZERO), len(felt), 6),
    }


# Usage and subscriptions ---------------------------------------------------------------------


def usage(view: View, customer: Customer) -> Values:
    """Use of the product."""
    rows = view.of(customer, "product_usage")
    days = {x.row["used_on"] for x in rows}
    month = [x.row for x in rows if view.within(x.row["used_on"], 30)]
    used = {x.row["feature"] for x in rows if view.within(x.row["used_on"], 90)}
    last_on = max(days, default=None)
    return {
        "usage_day_count_30d": len({row["used_on"] for row in month}),
        "usage_minutes_30d": sum((money_of(row.get("minutes")) for row in month), ZERO),
        "feature_count_90d": len(used),
        "feature_adoption_rate_90d": ratio(len(used), len(view.features_used), 6),
        "last_used_on": last_on,
        "days_since_last_use": (view.as_of_on - last_on).days if last_on is not None else None,
    }


@dataclass(frozen=True)
class Period:
    """A started period of a subscription; ``runs`` says whether it is not over."""

    started_at: datetime
    started_on: date
    status: str
    plan: str | None
    trial_ends_at: datetime | None
    monthly_amount: Decimal
    currency: str | None
    runs: bool


def _period(x: Happening, as_of: datetime) -> Period:
    row = x.row
    status = word_of(row.get("status")) or "active"
    ended_at = row.get("ended_at")
    if ended_at is None and status == "cancelled":
        ended_at = x.at
    return Period(
        x.at,
        x.on,
        status,
        text_of(row.get("plan")),
        row.get("trial_ends_at"),
        money_of(row.get("monthly_amount")),
        text_of(row.get("currency")),
        ended_at is None or ended_at > as_of,
    )


def _stage(periods: Sequence[Period], view: View) -> tuple[str | None, list[Period]]:
    """The stage, and the periods that it is for."""
    running = [x for x in periods if x.runs]

    def is_old(x: Period) -> bool:
        return (view.as_of_on - x.started_on).days > 30

    def is_over(x: Period) -> bool:
        return x.trial_ends_at is not None and x.trial_ends_at <= view.as_of

    rules: tuple[tuple[str, Callable[[Period], bool]], ...] = (
        ("subscribed", lambda x: x.status == "active" and is_old(x)),
        ("onboarding", lambda x: x.status == "active"),
        ("paused", lambda x: x.status == "paused"),
        ("trial", lambda x: x.status == "trial" and not is_over(x)),
    )
    for stage, rule in rules:
        found = [x for x in running if rule(x)]
        if found:
            return stage, found
    if not periods:
        return None, []
    paid = [x.started_at for x in periods if x.status in {"active", "paused"}]
    tried = [
        x
        for x in periods
        if x.status == "trial" and not any(start >= x.started_at for start in paid)
    ]
    return ("trial_expired", tried) if tried else ("cancelled", list(periods))


def subscriptions(view: View, customer: Customer) -> Values:
    """Stage, plan and money of subscriptions."""
    periods = [_period(x, view.as_of) for x in view.of(customer, "subscriptions")]
    stage, deciding = _stage(periods, view)
    last_start = max((x.started_at for x in deciding), default=None)
    money = view.world.money
    return {
        "subscription_stage": stage,
        "subscription_plan": min(
            (x.plan for x in deciding if x.started_at == last_start and x.plan is not None),
            default=None,
        ),
        "monthly_recurring_amount": sum(
            (
                money.reporting(x.monthly_amount, x.currency, x.started_on)
                for x in periods
                if x.runs and x.status == "active"
            ),
            ZERO,
        ),
        "subscribed_since": min(
            (x.started_at for x in periods if x.status == "active"), default=None
        ),
        "trial_ends_at": max(
            (
                x.trial_ends_at
                for x in periods
                if x.runs and x.status == "trial" and x.trial_ends_at is not None
            ),
            default=None,
        ),
    }


# Products ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Purchase:
    """A line of a counting order, with what its product was on the day of the order."""

    order: tuple[str, str]
    at: datetime
    on: date
    product_id: str
    amount: Decimal
    name: str | None
    category: str | None
    brand: str | None
    tier: str | None


def _purchases(view: View) -> Iterator[tuple[Customer, Purchase]]:
    money = view.world.money
    for order in view.world.ledger.orders:
        if not order.counts or order.customer is None or order.ordered_at > view.as_of:
            continue
        for line in filter(is_counting_line, order.lines):
            currency = text_of(line.get("currency")) or order.currency
            product = view.world.product(order.source_system, line["product_id"], order.on)
            yield (
                order.customer,
                Purchase(
                    (order.source_system, order.order_id),
                    order.ordered_at,
                    order.on,
                    line["product_id"],
                    money.reporting(line_amount(line), currency, order.on),
                    text_of(product.get("name")),
                    text_of(product.get("category")),
                    text_of(product.get("brand")),
                    word_of(product.get("tier")),
                ),
            )


def _spend(purchases: Iterable[Purchase]) -> Decimal:
    return sum((x.amount for x in purchases), ZERO)


def _favourite(
    purchases: Sequence[Purchase], name: Callable[[Purchase], str | None]
) -> tuple[str, Decimal] | None:
    """What most is spent on, with at least 3 orders that have any."""
    spend: dict[str, Decimal] = defaultdict(Decimal)
    orders = set()
    for x in purchases:
        label = name(x)
        if label is not None:
            spend[label] += x.amount
            orders.add(x.order)
    best = _most(spend)
    if best is None or len(orders) < 3 or spend[best] <= 0:
        return None
    return best, spend[best]


def products(view: View, customer: Customer) -> Values:
    """What they buy, by category, brand and tier."""
    bought = view.purchases.get(customer, [])
    category = _favourite(bought, lambda x: x.category)
    brand = _favourite(bought, lambda x: x.brand)
    year = [x for x in bought if view.within(x.on, 365)]
    spent = _spend(year)

    def share(tier: str) -> Decimal | None:
        in_tier = _spend(x for x in year if x.tier == tier)
        return ratio(in_tier, spent, 6) if spent > 0 else None

    last_at = max((x.at for x in bought), default=None)
    last = min(
        (x for x in bought if x.at == last_at),
        key=lambda x: (-x.amount, x.product_id, x.order),
        default=None,
    )
    return {
        "category_count_lifetime": len({x.category for x in bought} - {None}),
        "top_category": category[0] if category else None,
        "top_category_share": ratio(category[1], _spend(bought), 6) if category else None,
        "top_brand": brand[0] if brand else None,
        "premium_share_365d": share("premium"),
        "budget_share_365d": share("budget"),
        "last_product_name": last.name if last else None,
        "last_product_category": last.category if last else None,
    }


def prices(view: View, customer: Customer) -> Values:
    """Discounts, trend and channel, which orders alone tell."""
    x: Features = view.features[customer]
    gross, year = x.gross_net_amount_365d, x.net_revenue_365d
    orders = view.orders.get(customer, [])
    last_at = max((at for at, _, _ in orders), default=None)
    return {
        "discount_share_365d": (
            ratio(x.discounted_net_amount_365d, gross, 6) if gross > 0 else None
        ),
        "spend_trend_90d": ratio(x.net_revenue_90d * 365, 90 * year, 6) if year > 0 else None,
        "last_sales_channel": min(
            (name for at, _, name in orders if at == last_at and name is not None), default=None
        ),
    }


# People --------------------------------------------------------------------------------------


def anniversary(day: date, year: int) -> date:
    """The day in another year; that of 29 February is on 1 March where there is none."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def age_on(birth_date: date | None, on: date) -> int | None:
    """Whole years; None before birth."""
    if birth_date is None or birth_date > on:
        return None
    return on.year - birth_date.year - (anniversary(birth_date, on.year) > on)


def days_until(day: date | None, on: date) -> int | None:
    """Days to the next anniversary, 0 on it; None before the day itself."""
    if day is None or day > on:
        return None
    this_year = anniversary(day, on.year)
    return ((this_year if this_year >= on else anniversary(day, on.year + 1)) - on).days


def age_band(age: int | None, seeds: Seeds) -> str | None:
    """The band with from_age <= age < below_age; an empty bound is none."""
    if age is None:
        return None
    for row in seeds.age_bands:
        low, high = row["from_age"] or "0", row["below_age"]
        if int(low) <= age and (not high or age < int(high)):
            return row["band"]
    return None


def gender_of(value: object, seeds: Seeds) -> str | None:
    """The gender of a spelling; any other text is ``other``."""
    spelling = word_of(value)
    if spelling is None:
        return None
    known = {row["spelling"].strip().lower(): row["gender"] for row in seeds.gender_spellings}
    return known.get(spelling, "other")


def is_occasion(on: date, seeds: Seeds) -> bool:
    """Whether a date is in any occasion; one whose end comes first goes over the year's end."""
    day = (on.month, on.day)
    for row in seeds.occasions:
        first = (int(row["from_month"]), int(row["from_day"]))
        last = (int(row["to_month"]), int(row["to_day"]))
        inside = first <= day <= last if first <= last else day >= first or day <= last
        if inside:
            return True
    return False


COMPLETE_PROFILE = (
    "email",
    "phone",
    "first_name",
    "last_name",
    "birth_date",
    "gender",
    "country",
    "city",
    "acquisition_channel",
)


def people(view: View, customer: Customer) -> Values:
    """Who the customer is."""
    golden = view.golden.get(customer, {})
    birth_date = golden.get("birth_date")
    age = age_on(birth_date, view.as_of_on)
    orders = view.orders.get(customer, [])
    first_on = min((on for _, on, _ in orders), default=None)
    return {
        "age": age,
        "age_band": age_band(age, view.seeds),
        "gender": gender_of(golden.get("gender"), view.seeds),
        **{name: word_of(golden.get(name)) for name in ("income_band", "education", "occupation")},
        **{
            name: golden.get(name)
            for name in (
                "household_size",
                "has_children",
                "country",
                "region",
                "city",
                "country_code",
                "subdivision_code",
            )
        },
        "days_until_birthday": days_until(birth_date, view.as_of_on),
        "days_until_anniversary": days_until(first_on, view.as_of_on),
        "occasion_order_count": sum(is_occasion(on, view.seeds) for _, on, _ in orders),
        "profile_completeness": ratio(
            sum(golden.get(name) is not None for name in COMPLETE_PROFILE),
            len(COMPLETE_PROFILE),
            6,
        ),
    }


def referrals(view: View, customer: Customer) -> Values:
    """Whom they brought, and whether somebody brought them."""
    namer, made, received = view.raw.namer, 0, False
    of_record = view.world.identity.customer_of_record
    for at, _, row in view.world.rows["referrals"]:
        if at <= view.as_of:
            referrer, referred = namer.ref(row, "referrer_ref"), namer.ref(row, "referred_ref")
            made += of_record(referrer) == customer
            received |= of_record(referred) == customer
    return {"referral_count": made, "was_referred": received}


# Consents, engagement, habits ----------------------------------------------------------------

CONSENTS: Mapping[str, tuple[str, str | None]] = {
    "may_market_email": ("marketing", "email"),
    "may_market_sms": ("marketing", "sms"),
    "may_market_ads": ("marketing", "ads"),
    "may_market_post": ("marketing", "post"),
    "may_analyse": ("analytics", None),
    "may_profile": ("profiling", None),
    "may_sell": ("sale", None),
}


def consents(view: View, customer: Customer) -> Values:
    """What the last change allows; a withdrawal at the same instant wins."""
    changes = view.of(customer, "consents")
    values: Values = {}
    for column, (purpose, channel) in CONSENTS.items():
        of_purpose = [
            x
            for x in changes
            if word_of(x.row["purpose"]) == purpose
            and (channel is None or _consent_channel(x) in (channel, "all"))
        ]
        last_at = _latest(of_purpose)
        last = [x for x in of_purpose if x.at == last_at]
        values[column] = bool(last) and all(x.row["granted"] for x in last)
    return values


def engagement(view: View, values: Values) -> Values:
    """The weighted mix of counts of 90 days, over the sources that are there."""
    there = [row for row in view.seeds.engagement_weights if row["source"] not in view.missing]
    total = sum((Fraction(row["weight"]) for row in there), Fraction(0))
    if not total:
        return dict.fromkeys(("engagement_score", "engagement_sources", "engagement_level"))
    score = Fraction(0)
    for row in there:
        cap = Fraction(row["cap"])
        count = Fraction(values[f"{row['measure'].removesuffix('_90d')}_90d"])
        score += Fraction(row["weight"]) * min(count, cap) / cap * 100
    rounded = round_half_even(score / total, 6)
    levels = sorted(
        (Fraction(row["from_score"]), row["level"])
        for row in view.seeds.engagement_levels
        if Fraction(row["from_score"]) <= rounded
    )
    return {
        "engagement_score": rounded,
        "engagement_sources": ", ".join(sorted({row["source"] for row in there})),
        "engagement_level": levels[-1][1] if levels else None,
    }


HOUR_BANDS = (
    (5, "early_morning"),
    (9, "morning"),
    (12, "midday"),
    (14, "afternoon"),
    (18, "evening"),
    (22, "night"),
)


def hour_band(at: datetime, time_zone: str) -> str:
    """The band of the local hour; the night goes on until 5."""
    hour = at.replace(tzinfo=UTC).astimezone(ZoneInfo(time_zone)).hour
    return next((name for first, name in reversed(HOUR_BANDS) if hour >= first), "night")


def habits(view: View, customer: Customer) -> Values:
    """Preferred channel and hour of a customer's touches in the last 90 days."""
    touches: list[tuple[datetime, str | None]] = [
        (visit.at, visit.channel)
        for visit in view.visits.get(customer, [])
        if view.within(visit.on, 90)
    ]
    for message in messages_to(view, customer):
        clicks = view.last(message.had("clicked"), 90)
        if clicks:
            touches.append((clicks[0].at, word_of(clicks[0].row["channel"])))
    touches += [(at, name) for at, on, name in view.orders.get(customer, []) if view.within(on, 90)]
    channels = Counter(name for _, name in touches if name is not None)
    bands = Counter(hour_band(at, view.raw.time_zone) for at, _ in touches)
    return {
        "preferred_channel_90d": _most(channels) if channels.total() >= 3 else None,
        "preferred_hour_band_90d": _most(bands) if bands.total() >= 3 else None,
    }


# All of them ---------------------------------------------------------------------------------

# Each part with the inputs without which its columns are NULL.
PARTS: tuple[tuple[Callable[[View, Customer], Values], tuple[str, ...]], ...] = (
    (web, ("web_events",)),
    (messages, ("message_events",)),
    (service, ("support_tickets",)),
    (surveys, ("survey_responses",)),
    (social, ("social_mentions",)),
    (usage, ("product_usage",)),
    (subscriptions, ("subscriptions",)),
    (products, ("order_lines", "products")),
    (prices, ()),
    (people, ()),
    (referrals, ("referrals",)),
    (consents, ("consents",)),
    (habits, ()),
)


def prepare(raw: Raw, seeds: Seeds | None = None) -> World:
    """What `variables` needs at every instant."""
    if seeds is not None:
        raw = replace(raw, seeds=seeds)
    return World(raw, resolve(raw), resolve_orders(raw))


def variables(
    raw: Raw | World, as_of: datetime, seeds: Seeds | None = None
) -> dict[Customer, Values]:
    """Every variable of every customer that exists at ``as_of``, by column.

    Args:
        raw: rows, or what `prepare` made of them.
        as_of: instant, naive UTC.
        seeds: those to use instead of the seeds of ``raw``.

    Raises:
        ValueError: an amount that counts has no rate, or ``seeds`` with a prepared world.
    """
    if isinstance(raw, World) and seeds is not None:
        raise ValueError("a prepared world has its seeds")
    world = raw if isinstance(raw, World) else prepare(raw, seeds)
    view = View(world, as_of)
    missing = ", ".join(sorted(view.missing))
    found = {}
    for customer in view.features:
        values: Values = {}
        for part, inputs in PARTS:
            mine = part(view, customer)
            is_there = view.missing.isdisjoint(inputs)
            values |= mine if is_there else dict.fromkeys(mine)
        values |= engagement(view, values)
        found[customer] = values | {"features_missing": missing}
    return found
