"""Who is one customer: an independent recomputation of docs/identity.md in plain Python.

Every row that names somebody is a sighting; sightings make records, records share identifiers, and
connected records are one customer. Web events without a name find theirs through the device, and
customer records make the golden record. Written from the words alone, never from the SQL.

Does not belong here: former ids and the log (they compare releases), reasons for links, and what
is known of customers besides their attributes (oracle_variables.py).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from oracle_rows import (
    Party,
    Raw,
    Record,
    Row,
    Seeds,
    first_instant,
    record_id,
    text_of,
    word_of,
)

Customer = Record  # a customer is the least of its records
Identifier = tuple[str, str]  # ('email', address) or ('phone', number)
EventKey = tuple[str, str]  # source_system, event_id

MOST_REFS_OF_AN_IDENTIFIER = 5
MOST_RECORDS_OF_A_CUSTOMER = 20
MOST_CUSTOMERS_OF_A_DEVICE = 5
# The kind of link that an over-merged component drops first stands first.
DROPPED_IN_TURN = ("probable", "phone", "email")

# The time of a row that names one person by customer_ref, email or both.
EVENT_TIMES: Mapping[str, str] = {
    "customers": "created_at",
    "message_events": "occurred_at",
    "leads": "created_at",
    "support_tickets": "opened_at",
    "survey_responses": "responded_at",
    "consents": "changed_at",
    "social_mentions": "occurred_at",
    "subscriptions": "started_at",
    "business_events": "occurred_at",
    "experiment_assignments": "assigned_at",
}


@dataclass(frozen=True)
class Identity:
    """Records, their customers, and the customers of web events.

    ``first_seen`` is by record, None for one that has always been there; ``customer_of`` has the
    least record of each record's component, without those in ``erased``, who are nobody;
    ``event_customers`` every web event that counts, with None where it is nobody's.
    """

    first_seen: Mapping[Record, datetime | None]
    identifiers: Mapping[Record, frozenset[Identifier]]
    over_shared: frozenset[Identifier]
    customer_of: Mapping[Record, Customer]
    over_merged: frozenset[Record]
    event_customers: Mapping[EventKey, Customer | None]
    erased: frozenset[Record] = frozenset()

    def customer(self, party: Party) -> Customer | None:
        """The customer whom a row names, None where it names nobody, or somebody erased."""
        return self.customer_of_record(party.record)

    def customer_of_record(self, record: Record | None) -> Customer | None:
        """The customer of a record, None for no record and an erased one; any other is known."""
        if record is None or record in self.erased:
            return None
        return self.customer_of[record]

    def customer_ids(self) -> dict[Record, str]:
        """The published customer_id of each record."""
        return {record: record_id(customer) for record, customer in self.customer_of.items()}

    def customers(self) -> dict[Customer, datetime | None]:
        """When each customer was first seen; None means it has always been there."""
        seen: dict[Customer, datetime | None] = {}
        for record, customer in self.customer_of.items():
            _note_earliest(seen, customer, self.first_seen[record])
        return seen


def _note_earliest(seen: dict[Record, datetime | None], who: Record, at: datetime | None) -> None:
    """Note that somebody was seen; None (always) is before every instant."""
    known = seen.get(who, at)
    seen[who] = None if known is None or at is None else min(known, at)


# Sightings -----------------------------------------------------------------------------------


def counting_web_events(raw: Raw) -> list[Row]:
    """Web events of devices that are not excluded."""
    excluded = {row["device"].strip().lower() for row in raw.seeds.excluded_devices}
    return [row for row in raw.latest("web_events") if word_of(row.get("device")) not in excluded]


def sightings(raw: Raw) -> list[tuple[Party, datetime | None]]:
    """Every time at which a row names somebody; placeholders are no names."""
    namer = raw.namer
    found: list[tuple[Party, datetime | None]] = []
    for entity, time in EVENT_TIMES.items():
        found += [(namer.party(row), row.get(time)) for row in raw.latest(entity)]
    found += [(namer.party(row), row["occurred_at"]) for row in counting_web_events(raw)]
    for row in raw.latest("product_usage"):
        found.append((namer.party(row), first_instant(row["used_on"], raw.time_zone)))
    for row in raw.latest("referrals"):
        for column in ("referrer_ref", "referred_ref"):
            found.append((Party(ref=namer.ref(row, column)), row["referred_at"]))
    found += _sightings_of_orders(raw)
    return [(party, at) for party, at in found if party.record is not None]


def _sightings_of_orders(raw: Raw) -> list[tuple[Party, datetime | None]]:
    found: list[tuple[Party, datetime | None]] = []
    of_order = {}
    for draft in raw.drafts:
        of_order[draft.source_system, draft.order_id] = draft.party
        found.append((draft.party, draft.seen_at))
        # A line happens when its order does: at the time of the header, else of its earliest line.
        found += [(party, draft.seen_at) for party in draft.named_by_lines]
    for row in raw.latest("refunds"):
        own = raw.namer.party(row)
        named = of_order.get((row["source_system"], row.get("order_id") or ""), own)
        found.append((own if own.record is not None else named, row["refunded_at"]))
    return found


# Components ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Link:
    """Records that are one customer because of something they share."""

    kind: str
    records: tuple[Record, ...]


def _components(records: Iterable[Record], links: Iterable[_Link]) -> list[list[Record]]:
    """Connected records (union-find)."""
    parent = {record: record for record in records}

    def root(record: Record) -> Record:
        while parent[record] != record:
            parent[record] = parent[parent[record]]
            record = parent[record]
        return record

    for link in links:
        for record in link.records[1:]:
            parent[root(record)] = root(link.records[0])
    grouped = defaultdict(list)
    for record in parent:
        grouped[root(record)].append(record)
    return list(grouped.values())


def _guarded_components(
    records: Iterable[Record], links: Sequence[_Link]
) -> tuple[list[list[Record]], set[Record]]:
    """Components after the guard, and the records of those that were over-merged."""
    flagged: set[Record] = set()

    def divide(members: list[Record], dropped: int) -> list[list[Record]]:
        if len(members) <= MOST_RECORDS_OF_A_CUSTOMER or dropped == len(DROPPED_IN_TURN):
            return [members]
        flagged.update(members)
        inside = set(members)
        kept = [
            link
            for link in links
            if link.records[0] in inside and link.kind not in DROPPED_IN_TURN[: dropped + 1]
        ]
        parts = _components(members, kept)
        return [smaller for part in parts for smaller in divide(part, dropped + 1)]

    found = [part for whole in _components(records, links) for part in divide(whole, 0)]
    return found, flagged


def _over_shared(carriers: Mapping[Identifier, Iterable[Record]]) -> frozenset[Identifier]:
    """Identifiers that too many references of one source system carry."""
    found = set()
    for identifier, records in carriers.items():
        refs: dict[str, int] = defaultdict(int)
        for record in records:
            if record[0] == "ref":
                refs[record[1]] += 1
        if any(count > MOST_REFS_OF_AN_IDENTIFIER for count in refs.values()):
            found.add(identifier)
    return frozenset(found)


def least_first(
    first_seen: Mapping[Record, datetime | None],
) -> Callable[[Record], tuple[datetime, str, str]]:
    """The order of records: first seen (undated first), source system, reference."""

    def key(record: Record) -> tuple[datetime, str, str]:
        # The source system of ('email', address) is email, that of ('phone', number) is phone.
        return (first_seen[record] or datetime.min, record[-2], record[-1])

    return key


def resolve(raw: Raw, probable: Iterable[tuple[Record, Record]] = ()) -> Identity:
    """Records and their customers.

    Args:
        raw: rows, with the seeds ``identifier_placeholders`` and ``excluded_devices``.
        probable: pairs of records that are probably one person (off by default).

    What earlier releases erased is not known here.
    """
    first_seen: dict[Record, datetime | None] = {}
    identifiers: dict[Record, set[Identifier]] = defaultdict(set)
    for party, at in sightings(raw):
        record = party.record
        assert record is not None
        _note_earliest(first_seen, record, at)
        identifiers[record] |= party.identifiers
    carriers: dict[Identifier, list[Record]] = defaultdict(list)
    for record, carried in identifiers.items():
        for identifier in carried:
            carriers[identifier].append(record)
    over_shared = _over_shared(carriers)
    links = [
        _Link(identifier[0], tuple(records))
        for identifier, records in carriers.items()
        if identifier not in over_shared
    ]
    links += [_Link("probable", pair) for pair in probable]
    components, over_merged = _guarded_components(first_seen, links)
    owner_of = {}
    for members in components:
        least = min(members, key=least_first(first_seen))
        owner_of.update(dict.fromkeys(members, least))
    named = _named_by_requests(raw, identifiers)
    forgotten = {owner for record, owner in owner_of.items() if record in named}
    events = _event_customers(raw, owner_of)
    return Identity(
        first_seen,
        {record: frozenset(carried) for record, carried in identifiers.items()},
        over_shared,
        {record: owner for record, owner in owner_of.items() if owner not in forgotten},
        frozenset(over_merged),
        {event: None if owner in forgotten else owner for event, owner in events.items()},
        frozenset(record for record, owner in owner_of.items() if owner in forgotten),
    )


def _named_by_requests(raw: Raw, identifiers: Mapping[Record, set[Identifier]]) -> set[Record]:
    """The records that an erasure request made by as_of names, by reference, e-mail or phone."""
    named: set[Record] = set()
    for row in raw.latest("erasure_requests"):
        if raw.as_of is not None and row["requested_at"] > raw.as_of:
            continue
        asked = raw.namer.party(row)
        named |= {x for x, carried in identifiers.items() if carried & asked.identifiers}
        if asked.ref is not None:
            named.add(asked.ref)
    return named


# Visitors ------------------------------------------------------------------------------------


def _event_customers(
    raw: Raw, customer_of: Mapping[Record, Customer]
) -> dict[EventKey, Customer | None]:
    """The customer of every web event: whom it names, else whom its device names."""
    found: dict[EventKey, Customer | None] = {}
    devices: dict[tuple[str, str], list[tuple[datetime, str, Customer]]] = defaultdict(list)
    anonymous = []
    for row in counting_web_events(raw):
        record = raw.namer.party(row).record
        device = text_of(row.get("anonymous_id"))
        if record is None:
            anonymous.append(row)
        else:
            customer = customer_of[record]
            found[row["source_system"], row["event_id"]] = customer
            if device is not None:
                signed = (row["occurred_at"], record_id(customer), customer)
                devices[row["source_system"], device].append(signed)
    for known in devices.values():
        known.sort()
    for row in anonymous:
        device = text_of(row.get("anonymous_id"))
        known = devices.get((row["source_system"], device), []) if device is not None else []
        if len({customer for _, _, customer in known}) > MOST_CUSTOMERS_OF_A_DEVICE:
            known = []
        found[row["source_system"], row["event_id"]] = _owner(row["occurred_at"], known)
    return found


def _owner(at: datetime, known: Sequence[tuple[datetime, str, Customer]]) -> Customer | None:
    """Of identified events in order of time: the next at or after ``at``, else the last before it.

    At one instant the least customer_id.
    """
    if not known:
        return None
    later = [signed for signed in known if signed[0] >= at]
    if later:
        return later[0][2]
    return known[bisect_left(known, (known[-1][0], ""))][2]


# The golden record ---------------------------------------------------------------------------

ADDRESS = ("country", "region", "city")
DEFAULT_RULE: Mapping[str, str] = {"rule": "latest", "source_order": ""}


def golden_records(
    raw: Raw, identity: Identity, as_of: datetime | None = None
) -> dict[Customer, dict[str, Any]]:
    """The best value of every attribute by customer; those without a customer record are left out.

    Args:
        raw: rows, with the seed ``survivorship`` (an attribute without a row: the latest; the
            rule of ``address`` is that of the whole address).
        identity: of the same rows.
        as_of: records created after it do not exist yet; None takes them all.

    Returns:
        ``email`` and ``phone`` normalised, every other column of ``customers`` as exported, and
        ``country_code`` and ``subdivision_code``.
    """
    namer = raw.namer
    grouped: dict[Customer, list[dict[str, Any]]] = defaultdict(list)
    for row in raw.latest("customers"):
        created_at = row.get("created_at")
        if as_of is not None and created_at is not None and created_at > as_of:
            continue
        record = namer.ref(row)
        if record is not None and record not in identity.erased:
            values = {name: _value(value) for name, value in row.items()}
            values |= {
                "email": namer.email(row.get("email")),
                "phone": namer.phone(row.get("phone_e164")),
            }
            grouped[identity.customer_of[record]].append(values)
    return {customer: _golden(records, raw) for customer, records in grouped.items()}


def _value(value: object) -> object:
    return text_of(value) if isinstance(value, str) else value


def _golden(records: Sequence[dict[str, Any]], raw: Raw) -> dict[str, Any]:
    names = {name for record in records for name in record} - {*ADDRESS, "phone_e164"}
    golden: dict[str, Any] = {}
    for name in names:
        ranked = _ranked(records, name, raw.seeds)
        golden[name] = next((x[name] for x in ranked if x.get(name) is not None), None)
    homes = _ranked(records, "address", raw.seeds)
    home = next((x for x in homes if any(x.get(part) is not None for part in ADDRESS)), {})
    golden |= {part: home.get(part) for part in ADDRESS}
    golden |= address_codes(golden["country"], golden["region"], raw)
    return golden


def _ranked(
    records: Sequence[dict[str, Any]], attribute: str, seeds: Seeds
) -> list[dict[str, Any]]:
    """Records, the one that decides the attribute first."""
    rules = {row["attribute"]: row for row in seeds.survivorship}
    rule = rules.get(attribute, DEFAULT_RULE)
    order = [system for system in (rule.get("source_order") or "").split("|") if system]
    if rule["rule"] not in ("latest", "first"):
        raise ValueError(f"unknown rule of survivorship {rule['rule']!r}")
    sign = 1 if rule["rule"] == "first" else -1

    def key(record: dict[str, Any]) -> tuple[object, ...]:
        system = record["source_system"]
        times = (record.get("updated_at"), record.get("created_at"))
        known = next((t for t in times[::-sign] if t is not None), None)
        age = sign * (known - datetime.min) if known is not None else timedelta()
        return (
            order.index(system) if system in order else len(order),
            known is None,
            age,
            system,
            record["customer_ref"],
        )

    return sorted(records, key=key)


def address_codes(country: str | None, region: str | None, raw: Raw) -> dict[str, str | None]:
    """ISO 3166-1 and 3166-2 codes; the default country where none is given, None where unknown."""
    countries, subdivisions = raw.seeds.countries or {}, raw.seeds.subdivisions or {}
    given = country or raw.default_country
    code = countries.get(given.strip().upper()) if given else None
    part = subdivisions.get((code, region.strip().upper())) if code and region else None
    return {"country_code": code, "subdivision_code": part}
