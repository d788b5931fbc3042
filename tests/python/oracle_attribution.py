"""An independent recomputation of attribution and of campaigns, in plain Python.

It is written from the definitions (docs/attribution.md), never from the SQL. Clarity goes before
speed; shares are Fractions until they are rounded.

Does not belong here: whose an event is and how visits are cut (oracle_variables.py), segments and
their history (oracle.py), random input (business_campaigns.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction

from oracle import GROUPS, Order, Stay
from oracle_identity import Customer
from oracle_rows import ZERO, Row, business_date, month_of, ratio, round_half_even, text_of, word_of
from oracle_variables import Placed, View, channel_of

MODELS = ("first", "last", "last_non_direct", "linear", "position_based", "time_decay")
WINDOW_DAYS = 30
MINIMUM_SAMPLE = 100


@dataclass(frozen=True, order=True)
class Touch:
    """A clicked message or the start of a visit; in order of time, ties by channel, then id."""

    at: datetime
    channel: str
    touch_id: str
    kind: str
    on: date = field(compare=False)
    campaign: str | None = field(compare=False)


@dataclass(frozen=True)
class Contact:
    """Something between a campaign (or none) and a customer."""

    campaign: str | None
    channel: str
    customer: Customer
    name: str
    at: datetime
    on: date


@dataclass(frozen=True)
class Conversion:
    """A counting order with its path."""

    order: Order
    revenue: Decimal
    path: tuple[Touch, ...]


# Touches and contacts ------------------------------------------------------------------------


def _sessions(view: View) -> list[list[Placed]]:
    found: dict[tuple[str, ...], list[Placed]] = defaultdict(list)
    for event in view.placed:
        found[event[0]].append(event)
    return list(found.values())


def _campaign_of(opening: Row) -> str | None:
    return (text_of(opening.get("utm_campaign")) or "").strip() or None


def _message_of(row: Row) -> tuple[str, str, str]:
    message_id = text_of(row.get("message_id"))
    own = ("message", row["source_system"], message_id) if message_id else None
    return own or ("event", row["source_system"], row["event_id"])


def _is_by_machine(row: Row) -> bool:
    return bool(row.get("is_machine")) and word_of(row["event_name"]) in ("opened", "clicked")


def happenings(view: View) -> tuple[dict[Customer, list[Touch]], list[Contact]]:
    """Touches by customer, and every contact, up to the view's as_of."""
    touches: dict[Customer, list[Touch]] = defaultdict(list)
    contacts: list[Contact] = []
    messages: dict[tuple[Customer, tuple[str, str, str]], list[Row]] = defaultdict(list)
    for at, customer, row in view.world.rows["message_events"]:
        if customer is not None and at <= view.as_of and not _is_by_machine(row):
            messages[customer, _message_of(row)].append(row)
    for (customer, key), rows in messages.items():
        channel = min(word_of(row["channel"]) or "" for row in rows)
        named = [name for row in rows if (name := text_of(row.get("campaign_id"))) is not None]
        campaign = min(named, default=None)
        for row in rows:
            at, name = row["occurred_at"], word_of(row["event_name"]) or ""
            contacts.append(Contact(campaign, channel, customer, name, at, view.on(at)))
        clicks = [row["occurred_at"] for row in rows if word_of(row["event_name"]) == "clicked"]
        if clicks:
            at = min(clicks)
            touch = Touch(at, channel, "|".join(key), "message", view.on(at), campaign)
            touches[customer].append(touch)
    for events in _sessions(view):
        opening, seen = events[0][3], set()
        channel, campaign = channel_of(opening, view.seeds), _campaign_of(opening)
        for _, at, who, row in events:
            if who is not None and who not in seen:
                seen.add(who)
                touch_id = f"{row['source_system']}|{row['event_id']}"
                touch = Touch(at, channel, touch_id, "session", view.on(at), campaign)
                touches[who].append(touch)
                contacts.append(Contact(campaign, channel, who, "visited", at, view.on(at)))
    return touches, contacts


def is_in_window(on: date, ordered_on: date) -> bool:
    """Whether a date is one of the 30 business dates that end with the order's."""
    return ordered_on - timedelta(days=WINDOW_DAYS - 1) <= on <= ordered_on


def conversions(view: View, touches: Mapping[Customer, Sequence[Touch]]) -> list[Conversion]:
    """Every counting order, with the touches that its credit is shared among."""
    found = []
    for order in view.world.ledger.orders:
        if not order.counts or order.ordered_at > view.as_of:
            continue
        path = [
            touch
            for touch in (touches.get(order.customer, ()) if order.customer else ())
            if touch.at <= order.ordered_at and is_in_window(touch.on, order.on)
        ]
        amount = view.world.money.reporting(order.net_amount, order.currency, order.on)
        found.append(Conversion(order, amount, tuple(sorted(path))))
    return found


# Credit --------------------------------------------------------------------------------------


def decay(days: int) -> int:
    """0.5 ^ (days / 7) in billionths."""
    with localcontext() as context:
        context.prec = 40
        exact = Decimal("0.5") ** (Decimal(days) / 7) * 10**9
    return int(round_half_even(exact, 0))


def shares(model: str, path: Sequence[Touch], ordered_on: date) -> list[Fraction]:
    """The exact share of each touch."""
    n = len(path)
    one = [Fraction(0)] * n
    if model in ("first", "last", "last_non_direct"):
        chosen = 0 if model == "first" else n - 1
        if model == "last_non_direct":
            chosen = max((k for k in range(n) if path[k].channel != "direct"), default=n - 1)
        one[chosen] = Fraction(1)
        return one
    if model == "linear" or (model == "position_based" and n <= 2):
        return [Fraction(1, n)] * n
    if model == "position_based":
        rest = [Fraction(1, 5) / (n - 2)] * (n - 2)
        return [Fraction(2, 5), *rest, Fraction(2, 5)]
    weights = [decay((ordered_on - touch.on).days) for touch in path]
    return [Fraction(weight, sum(weights)) for weight in weights]


def given_out(total: Decimal, parts: Sequence[Fraction], places: int) -> list[Decimal]:
    """The parts of a total, rounded half even; what is left goes to the last."""
    rounded = [round_half_even(part * Fraction(total), places) for part in parts]
    rounded[-1] += total - sum(rounded, ZERO)
    return rounded


def credit_of(conversion: Conversion) -> dict[str, list[tuple[Touch | None, Decimal, Decimal]]]:
    """By model: touch (None for nobody's), credit and revenue; touches without credit left out."""
    path = conversion.path
    if not path:
        return {model: [(None, Decimal(1), conversion.revenue)] for model in MODELS}
    found = {}
    for model in MODELS:
        parts = shares(model, path, conversion.order.on)
        credit = given_out(Decimal(1), parts, 6)
        revenue = given_out(conversion.revenue, parts, 4)
        rows = zip(path, credit, revenue, strict=True)
        found[model] = [row for row in rows if row[1] != 0]
    return found


# Spend ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spend:
    """An amount spent up to as_of, in the reporting currency."""

    on: date
    channel: str
    campaign: str | None
    segment: str | None
    amount: Decimal


def spent(view: View) -> list[Spend]:
    """The ledger of spend up to the business date of as_of."""
    spellings = {row["spelling"]: row["channel"] for row in view.seeds.spend_channels}
    found = []
    for row in view.raw.latest("marketing_spend"):
        on = row["spend_date"]
        if on > view.as_of_on:
            continue
        spelling = row["channel"].strip().lower()
        currency = (text_of(row.get("currency")) or "").strip().upper() or None
        amount = view.world.money.reporting(row["amount"], currency, on)
        campaign = text_of(row.get("campaign_id"))
        segment = text_of(row.get("segment_key"))
        channel = spellings.get(spelling, spelling)
        found.append(Spend(on, channel, campaign, segment, amount))
    return found


def per_spend(amount: Decimal, spend: Decimal) -> Decimal | None:
    """amount / spend; None where spend is not above 0."""
    return ratio(amount, spend, 6) if spend > 0 else None


PerformanceKey = tuple[str, str, str | None, date]


def performance(
    converted: Iterable[Conversion], ledger: Iterable[Spend]
) -> dict[PerformanceKey, tuple[Decimal, Decimal, Decimal, Decimal | None]]:
    """Orders, revenue, spend and their ratio by model, channel, campaign and month."""
    sums: dict[PerformanceKey, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO, ZERO])
    for conversion in converted:
        month = month_of(conversion.order.on)
        for model, rows in credit_of(conversion).items():
            for touch, credit, revenue in rows:
                channel = touch.channel if touch else "unattributed"
                cell = sums[model, channel, touch.campaign if touch else None, month]
                cell[0] += credit
                cell[1] += revenue
    for item in ledger:
        for model in MODELS:
            sums[model, item.channel, item.campaign, month_of(item.on)][2] += item.amount
    return {key: (a, b, c, per_spend(b, c)) for key, (a, b, c) in sums.items()}


# Campaigns -----------------------------------------------------------------------------------


@dataclass
class Standing:
    """What came of one campaign and customer in one channel."""

    contacts: list[Contact] = field(default_factory=list)
    orders: list[Decimal] = field(default_factory=list)

    def had(self, *names: str) -> bool:
        """Whether one of these happened."""
        return any(contact.name in names for contact in self.contacts)


StandingKey = tuple[str, str, Customer]


def standings(
    view: View, contacts: Collection[Contact], converted: Iterable[Conversion]
) -> dict[StandingKey, Standing]:
    """By campaign, channel and customer; each order is won once at most."""
    found: dict[StandingKey, Standing] = defaultdict(Standing)
    for contact in contacts:
        if contact.campaign is not None:
            found[contact.campaign, contact.channel, contact.customer].contacts.append(contact)
    coupons = {
        (row["source_system"], row["order_id"]): (text_of(row.get("coupon_code")) or "")
        for row in view.raw.latest("orders")
    }
    offers: dict[str, set[str]] = defaultdict(set)
    for row in view.raw.latest("campaigns"):
        code = (text_of(row.get("offer_code")) or "").strip().upper()
        if code:
            offers[code].add(row["campaign_id"])
    for conversion in converted:
        order = conversion.order
        if order.customer is None:
            continue
        code = coupons.get((order.source_system, order.order_id), "").strip().upper()
        spoke = [
            contact
            for contact in contacts
            if contact.customer == order.customer
            and contact.campaign in offers.get(code, ())
            and contact.at <= order.ordered_at
            and is_in_window(contact.on, order.on)
        ]
        winner: tuple[str | None, str] | None = None
        if spoke:
            last_at = max(contact.at for contact in spoke)
            winner = min((c.campaign or "", c.channel) for c in spoke if c.at == last_at)
        elif conversion.path:
            rows = credit_of(conversion)["last_non_direct"]
            touch = rows[0][0]
            winner = (touch.campaign, touch.channel) if touch else None
        if winner is not None and winner[0] is not None:
            found[winner[0], winner[1], order.customer].orders.append(conversion.revenue)
    return dict(found)


def audiences(
    standing: Mapping[StandingKey, Standing],
    stays: Sequence[Stay],
    listed: Collection[str],
    groups: Mapping[str, Sequence[str]] = GROUPS,
) -> dict[tuple[str, str], set[Customer]]:
    """Who was in each segment before the campaign first spoke to them.

    In a segment of accounts these are contacts, whose stays are among ``stays``.
    """
    first: dict[tuple[str, Customer], datetime] = {}
    for (campaign, _, customer), what in standing.items():
        at = min(contact.at for contact in what.contacts)
        first[campaign, customer] = min(at, first.get((campaign, customer), at))
    stays_of: dict[Customer, list[Stay]] = defaultdict(list)
    for stay in stays:
        if stay.segment_key in listed:
            stays_of[stay.customer].append(stay)
    found: dict[tuple[str, str], set[Customer]] = defaultdict(set)
    for (campaign, customer), at in first.items():
        held = {s.segment_key for s in stays_of[customer] if s.holds_before(at)}
        nones = {f"{group}_none" for group, keys in groups.items() if held.isdisjoint(keys)}
        for segment in {"all", *held, *nones}:
            found[campaign, segment].add(customer)
    return dict(found)


def campaign_costs(
    ledger: Iterable[Spend], audience: Mapping[tuple[str, str], set[Customer]]
) -> dict[tuple[str, str, str], Decimal]:
    """What each campaign cost per segment and channel: an equal part for each whom it was for."""
    amounts: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for item in ledger:
        if item.campaign is not None:
            stated = item.segment or "all"
            base = stated if audience.get((item.campaign, stated)) else "all"
            for channel in (item.channel, "all"):
                amounts[item.campaign, base, channel] += item.amount
    costs: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for (campaign, base, channel), amount in amounts.items():
        people = audience.get((campaign, base), set())
        costs[campaign, "all", channel] += amount
        for (other, segment), members in audience.items():
            if other == campaign and segment != "all" and people & members:
                part = Fraction(len(people & members), len(people)) * Fraction(amount)
                costs[campaign, segment, channel] += round_half_even(part, 4)
    return dict(costs)


CampaignRow = tuple[int | Decimal | bool | None, ...]


def campaigns(
    view: View,
    standing: Mapping[StandingKey, Standing],
    audience: Mapping[tuple[str, str], set[Customer]],
    costs: Mapping[tuple[str, str, str], Decimal],
) -> dict[tuple[str, str, str], CampaignRow]:
    """Counts, money and rates by campaign, segment and channel."""
    people: dict[tuple[str, str], dict[Customer, list[Standing]]] = defaultdict(dict)
    for (campaign, channel, customer), what in standing.items():
        for name in (channel, "all"):
            people[campaign, name].setdefault(customer, []).append(what)
    keys = set(costs)
    for (campaign, channel), group in people.items():
        for (other, segment), members in audience.items():
            if other == campaign and members & group.keys():
                keys.add((campaign, segment, channel))
    keys |= {(row["campaign_id"], "all", "all") for row in _begun(view)}
    found = {}
    for campaign, segment, channel in keys:
        members = audience.get((campaign, segment), set())
        group = [
            whats for who, whats in people.get((campaign, channel), {}).items() if who in members
        ]

        def count(*names: str, group: Sequence[Sequence[Standing]] = group) -> int:
            return sum(any(what.had(*names) for what in whats) for whats in group)

        contacted, delivered = len(group), count("delivered")
        responded = sum(
            any(what.orders or what.had("clicked", "replied", "visited") for what in whats)
            for whats in group
        )
        converted = sum(any(what.orders for what in whats) for whats in group)
        amounts = [amount for whats in group for what in whats for amount in what.orders]
        revenue, cost = sum(amounts, ZERO), costs.get((campaign, segment, channel), ZERO)
        found[campaign, segment, channel] = (
            contacted,
            delivered,
            count("opened"),
            count("clicked"),
            responded,
            converted,
            len(amounts),
            revenue,
            cost,
            ratio(count("opened"), delivered, 6),
            ratio(count("clicked"), delivered, 6),
            ratio(responded, contacted, 6),
            ratio(converted, contacted, 6),
            per_spend(revenue - cost, cost),
        )
    return found


def ranks(
    rows: Mapping[tuple[str, str, str], CampaignRow], listed: Collection[str], minimum: int
) -> dict[tuple[str, str, str], tuple[bool, int | None]]:
    """Whether enough were contacted, and the place by roi among the campaign's and channel's.

    Only segments that can be chosen have a place, which neither 'all' nor a none of a group is.
    """
    rivals: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for (campaign, segment, channel), row in rows.items():
        contacted, roi = row[0], row[-1]
        if segment in listed and contacted >= minimum and roi is not None:
            rivals[campaign, channel].append(roi)
    found = {}
    for (campaign, segment, channel), row in rows.items():
        is_sufficient, roi, place = row[0] >= minimum, row[-1], None
        if segment in listed and is_sufficient and roi is not None:
            place = 1 + sum(rival > roi for rival in rivals[campaign, channel])
        found[campaign, segment, channel] = (is_sufficient, place)
    return found


def described(view: View) -> dict[str, tuple[str | None, bool | None]]:
    """Name of each campaign that has begun, and whether it was sent to segments."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in _begun(view):
        rows[row["campaign_id"]].append(row)
    found = {}
    for campaign, told in rows.items():
        names = [row["name"] for row in told if row.get("name") is not None]
        flags = [row["is_segmented"] for row in told if row.get("is_segmented") is not None]
        found[campaign] = (min(names, default=None), any(flags) if flags else None)
    return found


def _begun(view: View) -> list[Row]:
    """Campaigns that have begun, or of which it is not said when they do."""
    starts = [(row, row.get("started_at")) for row in view.raw.latest("campaigns")]
    return [row for row, at in starts if at is None or at <= view.as_of]


def samples(
    view: View, standing: Mapping[StandingKey, Standing]
) -> dict[str, tuple[bool, int, int, int]]:
    """How each campaign was sent, and of those who had a message, who responded and converted."""
    sent: dict[str, list[bool]] = defaultdict(list)
    for row in view.raw.latest("campaigns"):
        if row.get("is_segmented") is not None:
            sent[row["campaign_id"]].append(row["is_segmented"])
    people: dict[str, dict[Customer, list[Standing]]] = defaultdict(lambda: defaultdict(list))
    for (campaign, _, customer), what in standing.items():
        people[campaign][customer].append(what)
    found = {}
    for campaign, flags in sent.items():
        group = [
            whats
            for whats in people[campaign].values()
            if any(contact.name != "visited" for what in whats for contact in what.contacts)
        ]
        responded = sum(
            any(what.orders or what.had("clicked", "replied", "visited") for what in whats)
            for whats in group
        )
        converted = sum(any(what.orders for what in whats) for whats in group)
        if group:
            found[campaign] = (any(flags), len(group), responded, converted)
    return found


# Channels and visits -------------------------------------------------------------------------


def channel_conversion(
    contacts: Iterable[Contact], converted: Iterable[Conversion]
) -> dict[tuple[date, str], tuple[int, int, Decimal | None]]:
    """Customers reached and converted by month and channel, each once."""
    reached: dict[tuple[date, str], set[Customer]] = defaultdict(set)
    bought: dict[tuple[date, str], set[Customer]] = defaultdict(set)
    for contact in contacts:
        for channel in (contact.channel, "all"):
            reached[month_of(contact.on), channel].add(contact.customer)
    for conversion in converted:
        for touch in conversion.path:
            for channel in (touch.channel, "all"):
                if conversion.order.customer is not None:
                    bought[month_of(touch.on), channel].add(conversion.order.customer)
    return {
        key: (len(who), len(bought[key]), ratio(len(bought[key]), len(who), 6))
        for key, who in reached.items()
    }


def traffic(view: View) -> dict[tuple[str, date], tuple[int, int, int]]:
    """Sessions, pages and seconds by campaign and month, of customers and of nobody."""
    found: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0, 0])
    for events in _sessions(view):
        campaign = _campaign_of(events[0][3])
        if campaign is None:
            continue
        cell = found[campaign, month_of(business_date(events[0][1], view.raw.time_zone))]
        cell[0] += 1
        cell[1] += sum(word_of(e[3]["event_name"]) in ("page_view", "product_view") for e in events)
        last: dict[Customer | None, datetime] = {}
        for _, at, who, _ in events:
            if who in last:
                cell[2] += (at - last[who]) // timedelta(seconds=1)
            last[who] = at
    return {key: (a, b, c) for key, (a, b, c) in found.items()}
