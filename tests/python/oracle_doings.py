"""What customers did in a period besides buying, for the KPIs of docs/kpis.md, in plain Python.

Written from the words alone, never from the SQL. Each function below counts, customer by customer
and period by period, what one kind of input says; who is summed up, and what is divided by what, is
in oracle_kpis.py.

Does not belong here: segments, money, and figures that are not of a customer (leads, campaigns).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from oracle import window_start
from oracle_identity import Customer
from oracle_rows import Row, business_date, money_of, round_half_even, text_of, word_of
from oracle_variables import Happening, Message, View, messages_to, nps_group

Tally = dict[str, int | Decimal]
Tallies = dict[date, dict[Customer, Tally]]
StartOf = Callable[[date], date]

A_DAY = timedelta(hours=24)
DORMANT_AFTER_DAYS = 180
REACTION_DAYS = 30
CART_EVENTS = ("add_to_cart", "remove_from_cart", "checkout_started")
PAGE_EVENTS = ("page_view", "product_view")


def tallies(view: View, start_of: StartOf) -> Tallies:
    """What each customer did by ``view.as_of``, by the start of the period that it counts in.

    Args:
        view: the world at as_of.
        start_of: the start of the period that a business date lies in.
    """
    found: Tallies = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for part in (_of_messages, _of_carts, _of_visits, _of_trials, _of_upgrades, _of_voices):
        part(view, start_of, found)
    return found


# Messages ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Contact:
    """A message at the first instant at which it was sent or delivered."""

    at: datetime
    on: date
    message: Message


def message_campaign(message: Message) -> tuple[str, str] | None:
    """Source system and id of the campaign of a message; the least where its events differ."""
    return min(message.campaigns, default=None)


def contact_of(message: Message) -> Contact | None:
    """When the message first went out; None where nothing says that it did."""
    out = [*message.had("sent"), *message.had("delivered")]
    first = min(out, key=lambda x: x.at, default=None)
    return Contact(first.at, first.on, message) if first is not None else None


def contacts(view: View) -> dict[Customer, list[Contact]]:
    """Contacts by customer."""
    found: dict[Customer, list[Contact]] = {}
    for customer in customers_with(view, "message_events"):
        out = [contact_of(message) for message in messages_to(view, customer)]
        found[customer] = [contact for contact in out if contact is not None]
    return found


def customers_with(view: View, entity: str) -> set[Customer]:
    """Customers with a row of an input."""
    return {who for at, who, _ in view.world.rows[entity] if who is not None and at <= view.as_of}


def _of_messages(view: View, start_of: StartOf, found: Tallies) -> None:
    for customer in customers_with(view, "message_events"):
        for message in messages_to(view, customer):
            delivered = message.had("delivered")
            if delivered:
                tally = found[start_of(delivered[0].on)][customer]
                tally["delivered"] += 1
                tally["opened"] += bool(message.had("opened"))
                tally["clicked"] += bool(message.had("clicked"))
    for customer, all_contacts in contacts(view).items():
        by_period = defaultdict(list)
        for contact in all_contacts:
            by_period[start_of(contact.on)].append(contact)
        for start, mine in by_period.items():
            tally = found[start][customer]
            tally["contacted"] = 1
            tally["responded"] = int(
                any(x.message.had("clicked") or x.message.had("replied") for x in mine)
            )
            dormant = [x for x in mine if _is_dormant(view, customer, x)]
            tally["contacted_dormant"] = int(bool(dormant))
            tally["reactivated"] = int(any(_orders_after(view, customer, x) for x in dormant))
            offered = [x for x in mine if _is_offer(view, x) and _had_category(view, customer, x)]
            tally["offered"] = int(bool(offered))
            tally["cross_sold"] = int(any(_new_category(view, customer, x) for x in offered))


def _is_dormant(view: View, customer: Customer, contact: Contact) -> bool:
    before = [on for at, on, _ in view.orders.get(customer, []) if at < contact.at]
    return bool(before) and (contact.on - max(before)).days > DORMANT_AFTER_DAYS


def _follows(at: datetime, on: date, contact: Contact) -> bool:
    return at >= contact.at and (on - contact.on).days <= REACTION_DAYS


def _orders_after(view: View, customer: Customer, contact: Contact) -> bool:
    return any(_follows(at, on, contact) for at, on, _ in view.orders.get(customer, []))


def _is_offer(view: View, contact: Contact) -> bool:
    return not contact.message.campaigns.isdisjoint(view.world.promotional)


def _had_category(view: View, customer: Customer, contact: Contact) -> bool:
    return any(
        x.category is not None and x.at < contact.at for x in view.purchases.get(customer, [])
    )


def _new_category(view: View, customer: Customer, contact: Contact) -> bool:
    bought = [x for x in view.purchases.get(customer, []) if x.category is not None]
    known = {x.category for x in bought if x.at < contact.at}
    return any(_follows(x.at, x.on, contact) and x.category not in known for x in bought)


# Web -----------------------------------------------------------------------------------------

CartKey = tuple[str, ...]


def _cart_key(session: tuple[str, ...], row: Row) -> CartKey:
    cart = text_of(row.get("cart_id"))
    return ("cart", row["source_system"], cart) if cart else ("session", *session)


def _of_carts(view: View, start_of: StartOf, found: Tallies) -> None:
    completed: dict[CartKey, list[datetime]] = defaultdict(list)
    for session, at, _, row in view.placed:
        if word_of(row["event_name"]) == "order_completed":
            # It ends its cart, and what was put into the cart of its session without a cart_id.
            for key in {_cart_key(session, row), ("session", *session)}:
                completed[key].append(at)
    for customer, events in view.placed_by_customer.items():
        touches: dict[CartKey, list[datetime]] = defaultdict(list)
        for session, at, _, row in events:
            if word_of(row["event_name"]) in CART_EVENTS:
                touches[_cart_key(session, row)].append(at)
        ordered = [at for at, _, _ in view.orders.get(customer, [])]
        for key, times in touches.items():
            first, over = min(times), max(times) + A_DAY
            came = any(first <= at <= over for at in [*ordered, *completed[key]])
            if came or over <= view.as_of:
                tally = found[start_of(view.on(first))][customer]
                tally["decided_carts"] += 1
                tally["abandoned_carts"] += not came


def _of_visits(view: View, start_of: StartOf, found: Tallies) -> None:
    for customer, visits in view.visits.items():
        first_on = min((on for _, on, _ in view.orders.get(customer, [])), default=None)
        ordered = {start_of(on) for _, on, _ in view.orders.get(customer, [])}
        for visit in visits:
            found[start_of(visit.on)][customer]["sessions"] += 1
            for on, seconds in visit.seconds:
                found[start_of(on)][customer]["seconds"] += seconds
        for start in {start_of(visit.on) for visit in visits}:
            if first_on is None or start_of(first_on) >= start:
                found[start][customer]["visitor"] = 1
                found[start][customer]["visitor_ordered"] = int(start in ordered)
        for x in view.of(customer, "web_events"):
            if word_of(x.row["event_name"]) in PAGE_EVENTS:
                found[start_of(x.on)][customer]["pages"] += 1


# Subscriptions -------------------------------------------------------------------------------


def _status(row: Row) -> str:
    return word_of(row.get("status")) or "active"


def _of_trials(view: View, start_of: StartOf, found: Tallies) -> None:
    for customer in customers_with(view, "subscriptions"):
        periods = view.of(customer, "subscriptions")
        paid = [x.at for x in periods if _status(x.row) in ("active", "paused")]
        for trial in periods:
            if _status(trial.row) == "trial":
                tally = found[start_of(trial.on)][customer]
                tally["tried"] = 1
                is_paid = int(any(at >= trial.at for at in paid))
                tally["converted_trial"] = max(tally["converted_trial"], is_paid)


def _of_upgrades(view: View, start_of: StartOf, found: Tallies) -> None:
    """Who upgraded in which period; whether they were subscribed when it started is asked later."""
    by_subscription: dict[tuple[str, str], list[tuple[Customer | None, Happening]]]
    by_subscription = defaultdict(list)
    for at, customer, row in view.world.rows["subscriptions"]:
        if at <= view.as_of and _status(row) == "active":
            key = (row["source_system"], row["subscription_id"])
            by_subscription[key].append((customer, Happening(at, view.on(at), row)))
    for periods in by_subscription.values():
        periods.sort(key=lambda period: period[1].at)
        for (_, before), (customer, after) in pairwise(periods):
            old, new = _monthly(view, before), _monthly(view, after)
            if customer is not None and old is not None and new is not None and new > old:
                found[start_of(after.on)][customer]["upgraded"] = 1


def _monthly(view: View, x: Happening) -> Decimal | None:
    if x.row.get("monthly_amount") is None:
        return None
    amount, currency = money_of(x.row["monthly_amount"]), text_of(x.row.get("currency"))
    return view.world.money.reporting(amount, currency, x.on)


def is_subscribed(view: View, customer: Customer, at: datetime) -> bool:
    """Whether an active subscription of theirs ran up to an instant, begun before it."""
    return any(
        _status(x.row) == "active"
        and x.at < at
        and (x.row.get("ended_at") is None or x.row["ended_at"] >= at)
        for x in view.of(customer, "subscriptions")
    )


# Voices --------------------------------------------------------------------------------------


def _of_voices(view: View, start_of: StartOf, found: Tallies) -> None:
    """Answers to nps, referrals made, mentions and what they feel like."""
    for customer in customers_with(view, "survey_responses"):
        for x in view.of(customer, "survey_responses"):
            score = x.row.get("score")
            if word_of(x.row["question"]) == "nps" and score is not None:
                tally, group = found[start_of(x.on)][customer], nps_group(score)
                tally["nps_answers"] += 1
                tally["nps_balance"] += (group == "promoter") - (group == "detractor")
    for at, _, row in view.world.rows["referrals"]:
        referrer = view.raw.namer.ref(row, "referrer_ref")
        if at <= view.as_of and referrer is not None:
            customer = view.world.identity.customer_of_record(referrer)
            if customer is not None:
                found[start_of(view.on(at))][customer]["referred"] = 1
    for customer in customers_with(view, "social_mentions"):
        for x in view.of(customer, "social_mentions"):
            tally = found[start_of(x.on)][customer]
            tally["mentions"] += 1
            if x.row.get("sentiment") is not None:
                tally["felt"] += 1
                tally["sentiment"] += x.row["sentiment"]


# Engagement ----------------------------------------------------------------------------------


class Engagement:
    """Engagement scores at any instant up to that of a view: the formula of docs/variables.md."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._days: dict[Customer, Mapping[str, list[list[date]]]] = {
            customer: self._measured(customer) for customer in view.features
        }

    def _measured(self, customer: Customer) -> dict[str, list[list[date]]]:
        """By measure, the dates of each thing that counts once in a window."""
        view = self._view
        messages = messages_to(view, customer)

        def each(entity: str, name: str | None = None) -> Iterator[list[date]]:
            for x in view.of(customer, entity):
                if name is None or word_of(x.row["event_name"]) == name:
                    yield [x.on]

        return {
            "session_count_90d": [[visit.on] for visit in view.visits.get(customer, [])],
            "product_view_count_90d": list(each("web_events", "product_view")),
            "opened_message_count_90d": [[x.on for x in m.had("opened")] for m in messages],
            "clicked_message_count_90d": [[x.on for x in m.had("clicked")] for m in messages],
            "social_interaction_count_90d": list(each("social_mentions")),
            "survey_answer_count_90d": list(each("survey_responses")),
            "ticket_count_90d": list(each("support_tickets")),
        }

    def sources(self, at: datetime) -> set[str]:
        """Inputs of the score that are there at an instant."""
        view = self._view
        wanted = {row["source"] for row in view.seeds.engagement_weights}
        return {name for name in wanted if any(t <= at for t, _, _ in view.world.rows[name])}

    def scores(self, at: datetime) -> dict[Customer, Decimal]:
        """Score of every customer; of nobody where no input is there."""
        sources = self.sources(at)
        weights = [row for row in self._view.seeds.engagement_weights if row["source"] in sources]
        total = sum((Fraction(row["weight"]) for row in weights), Fraction(0))
        if not total:
            return {}
        last = business_date(at, self._view.raw.time_zone)
        first = window_start(last, 90)
        found = {}
        for customer, days in self._days.items():
            score = Fraction(0)
            for row in weights:
                count = sum(any(first <= on <= last for on in x) for x in days[row["measure"]])
                cap = Fraction(row["cap"])
                score += Fraction(row["weight"]) * min(Fraction(count), cap) / cap * 100
            found[customer] = round_half_even(score / total, 6)
        return found
