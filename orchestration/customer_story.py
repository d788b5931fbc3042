"""One customer's whole story, read from the published marts by id.

Belongs here: finding out which customer an id means (a present one, a former one, the beginning of
one), reading what the release tells of it in point look-ups, and laying it out as a page or JSON.
Does not belong here: working anything out (the models customer_360, customer_recent_orders and
customer_open_tickets do), personal values, which no published table has and no page shows, and
imports that a look-up does not need, for it is to take less than a second from the start of Python.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb

from orchestration.database import connect
from orchestration.errors import ClienteleError

LEAST_CHARACTERS: Final = 6
"""Of the beginning of an id: of a million customers some six share these."""

_ID: Final = re.compile(r"[0-9a-f]{1,32}")
_AFTER_HEXADECIMAL: Final = "g"
#: A column mapped wrongly may hold anything; what has this in it is shown nowhere.
_ADDRESS_MARK: Final = "@"

#: The inputs that each column of customer_360 needs, all of them; the others need orders alone.
INPUTS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("last_product_name", "last_product_category"), ("order_lines", "products")),
    "top_category": ("order_lines", "products"),
    **dict.fromkeys(("session_count_90d", "last_web_event_at", "open_cart_count"), ("web_events",)),
    **dict.fromkeys(
        (
            "delivered_message_count_90d",
            "opened_message_count_90d",
            "clicked_message_count_90d",
            "is_email_unsubscribed",
        ),
        ("message_events",),
    ),
    **dict.fromkeys(
        ("open_ticket_count", "ticket_count_365d", "last_ticket_opened_at", "last_csat_score"),
        ("support_tickets",),
    ),
    **dict.fromkeys(("last_nps_score", "nps_group"), ("survey_responses",)),
    **dict.fromkeys(
        (
            "subscription_stage",
            "subscription_plan",
            "subscribed_since",
            "trial_ends_at",
            "monthly_recurring_amount",
        ),
        ("subscriptions",),
    ),
    **dict.fromkeys(
        (
            "may_market_email",
            "may_market_sms",
            "may_market_ads",
            "may_market_post",
            "may_analyse",
            "may_profile",
            "may_sell",
        ),
        ("consents",),
    ),
}

#: What is not known of anybody while an input is not there, in the words of a page.
_UNKNOWN_WITHOUT: Final[Mapping[str, str]] = {
    "consents": "what the customer has agreed to",
    "leads": "what the customer asked for before buying",
    "message_events": "what was sent to the customer, opened and clicked",
    "order_lines": "which products were bought",
    "product_usage": "how the product is used",
    "products": "what kind of products were bought",
    "referrals": "who referred whom",
    "social_mentions": "what the customer says in public",
    "subscriptions": "what is subscribed to",
    "support_tickets": "what the customer complained about or asked",
    "survey_responses": "what the customer answered in surveys",
    "web_events": "what the customer did on the site",
}

_CONSENTS: Final[Mapping[str, str]] = {
    "may_market_email": "marketing by e-mail",
    "may_market_sms": "marketing by SMS",
    "may_market_ads": "ads",
    "may_market_post": "marketing by post",
    "may_analyse": "analytics",
    "may_profile": "profiling",
    "may_sell": "sale of data",
}

_FORMER: Final[Mapping[str, str]] = {
    "merged": "was merged into another customer",
    "split": "was split over several customers",
    "older_record": "was replaced when an older record of the same customer came",
}


@dataclass(frozen=True)
class FormerId:
    """An id that was a customer's once.

    Attributes:
        former_customer_id: that id.
        customer_id: the customer who took its place.
        reason: merged, split or older_record.
        since: instant of the release with which it went out of use (UTC).
        others: further customers that hold records once known by it.
    """

    former_customer_id: str
    customer_id: str
    reason: str
    since: datetime
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class CustomerStory:
    """What a release tells of one customer.

    Attributes:
        customer_id: of the customer.
        release: the row of the table release.
        asked_for: the former id that was asked for; None where the id is the customer's own.
        profile: the row of customer_360.
        segments: key, name and first day of each segment the customer is in, by key.
        recent_orders, open_tickets: rows of the tables of that name, the newest first.
        account: the customer's account, of account_profiles; None for a customer without one.
        former_ids: every id that this customer took the place of.
        source_records: counts of source records by kind and system.
        record_links: counts of links between them by kind of identifier.
    """

    customer_id: str
    release: dict[str, Any]
    asked_for: FormerId | None
    profile: dict[str, Any]
    segments: tuple[dict[str, Any], ...]
    recent_orders: tuple[dict[str, Any], ...]
    open_tickets: tuple[dict[str, Any], ...]
    account: dict[str, Any] | None
    former_ids: tuple[FormerId, ...]
    source_records: tuple[dict[str, Any], ...]
    record_links: tuple[dict[str, Any], ...]

    @property
    def features_missing(self) -> tuple[str, ...]:
        """The inputs that were never loaded, in alphabetical order."""
        return tuple(filter(None, str(self.profile["features_missing"] or "").split(", ")))


def customer_story(marts: Path, asked: str) -> CustomerStory:
    """The story of the customer that an id means.

    Args:
        marts: the published DuckDB file.
        asked: a customer id, a former one, or at least 6 characters of the beginning of one.

    Raises:
        ClienteleError: there is no release, or the id means no customer or several.
    """
    beginning = _beginning(asked)
    if not marts.exists():
        raise ClienteleError(
            "there is no release", where=str(marts.parents[2]), remedy="run `make refresh`"
        )
    with connect(marts, read_only=True) as connection:
        release = _only(_rows(connection, "select * from release"))
        try:
            customer_id, former = _resolved(connection, beginning, release)
            return _read(connection, customer_id, former, release)
        except duckdb.CatalogException as error:
            raise ClienteleError(
                f"release {release['run_id']} was published before there were stories of customers",
                remedy="run `clientele refresh`",
            ) from error


def story_json(story: CustomerStory) -> str:
    """The story as JSON: amounts as texts, so that they stay exact; instants in UTC."""
    values = {
        **asdict(story),
        "features_missing": story.features_missing,
        "not_known": {
            source: [column for column, inputs in INPUTS.items() if source in inputs]
            for source in story.features_missing
        },
    }
    return json.dumps(values, indent=2, ensure_ascii=False, default=_plain)


def story_text(story: CustomerStory) -> str:
    """The story as a page for a terminal; days and times in the business's time zone."""
    return "\n".join(_Page(story).lines())


def _beginning(asked: str) -> str:
    """The id, or the beginning of one, that was asked for. What is neither may be anything, an
    e-mail too, and is not repeated."""
    text = asked.strip().lower()
    if not _ID.fullmatch(text):
        raise ClienteleError(
            "this is no customer id: those are 32 of the characters 0 to 9 and a to f",
            where="ID",
            remedy="the column customer_id of customer_360 has them",
        )
    if len(text) < LEAST_CHARACTERS:
        raise ClienteleError(
            f"{text} is too short to mean one customer",
            where="ID",
            remedy=f"give at least {LEAST_CHARACTERS} characters of the id",
        )
    return text


def _resolved(
    connection: duckdb.DuckDBPyConnection, beginning: str, release: Mapping[str, Any]
) -> tuple[str, FormerId | None]:
    """The customer meant, and the former id by which it was meant, if it was."""
    # A range and not a pattern: the tables are sorted by these columns, so that little is read.
    between = [beginning, beginning + _AFTER_HEXADECIMAL]
    present = _rows(
        connection,
        "select customer_id from customer_360 where customer_id >= ? and customer_id < ?",
        between,
    )
    former = _rows(
        connection,
        "select former_customer_id, customer_id, reason, since from customer_id_map"
        " semi join customer_360 using (customer_id)"
        " where former_customer_id >= ? and former_customer_id < ?",
        between,
    )
    ids = len(present) + len(former)
    if ids == 0:
        raise ClienteleError(
            f"no customer of release {release['run_id']} has or had an id that"
            f" {'is' if len(beginning) == 32 else 'begins with'} {beginning}"
        )
    if ids > 1:
        raise ClienteleError(
            f"{ids:,} customer ids begin with {beginning}", remedy="give more characters of it"
        )
    if present:
        return present[0]["customer_id"], None
    found = FormerId(**former[0])
    moved = _rows(
        connection,
        "select distinct customer_id from identity_log semi join customer_360 using (customer_id)"
        " where previous_customer_id = ? and customer_id <> ? order by customer_id",
        [found.former_customer_id, found.customer_id],
    )
    others = tuple(row["customer_id"] for row in moved)
    return found.customer_id, FormerId(**(former[0] | {"others": others}))


def _read(
    connection: duckdb.DuckDBPyConnection,
    customer_id: str,
    asked_for: FormerId | None,
    release: dict[str, Any],
) -> CustomerStory:
    def rows(query: str) -> tuple[dict[str, Any], ...]:
        return tuple(_rows(connection, query, {"id": customer_id}))

    profile = _only(rows("from customer_360 where customer_id = $id"))
    records = rows(
        "select record_id, record_kind, source_system from customer_source_records"
        " where customer_id = $id"
    )
    kinds = Counter((record["record_kind"], record["source_system"]) for record in records)
    accounts = _rows(
        connection,
        "select account_id, industry_sector, size_band, customer_count, net_revenue_365d"
        " from account_profiles where account_id = ?",
        [profile["account_id"]],
    )
    return CustomerStory(
        customer_id=customer_id,
        release=release,
        asked_for=asked_for,
        profile=profile,
        segments=_segments(connection, profile["segments"]),
        recent_orders=rows(
            "select * exclude (customer_id) from customer_recent_orders"
            " where customer_id = $id order by order_rank"
        ),
        open_tickets=rows(
            "select * exclude (customer_id) from customer_open_tickets"
            " where customer_id = $id order by opened_at desc, source_system, ticket_id"
        ),
        account=accounts[0] if accounts else None,
        former_ids=tuple(
            FormerId(**row)
            for row in rows(
                "select former_customer_id, customer_id, reason, since from customer_id_map"
                " where customer_id = $id order by since, former_customer_id"
            )
        ),
        source_records=tuple(
            {"record_kind": kind, "source_system": system, "record_count": count}
            for (kind, system), count in sorted(kinds.items())
        ),
        record_links=tuple(
            _rows(
                connection,
                "select identifier_kind, count(*) as link_count from record_links"
                f" where record_id in ({', '.join('?' for _ in records) or 'null'})"
                " group by all order by identifier_kind",
                [record["record_id"] for record in records],
            )
        ),
    )


def _segments(
    connection: duckdb.DuckDBPyConnection, text: str | None
) -> tuple[dict[str, Any], ...]:
    """The segments of the text in customer_360; segment_membership is not sorted by customer."""
    names = dict(connection.execute("select segment_key, name from segments").fetchall())
    stays = [stay.split(" since ") for stay in text.split(", ")] if text else []
    return tuple(
        {"segment_key": key, "name": names.get(key, key), "since": since} for key, since in stays
    )


def _rows(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
) -> list[dict[str, Any]]:
    """The rows of a query by column, as they may be shown."""
    result = connection.execute(query, parameters or None)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, map(_showable, row), strict=True)) for row in result.fetchall()]


def _only(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    (row,) = rows
    return row


def _showable(value: Any) -> Any:
    """A value without what a text from outside may do to a terminal or to somebody's privacy."""
    if not isinstance(value, str):
        return value
    if _ADDRESS_MARK in value:
        return "(hidden)"
    return "".join(char if char.isprintable() else "?" for char in value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat()


class _Page:
    """A story laid out in lines.

    Args:
        story: what is told.
    """

    def __init__(self, story: CustomerStory) -> None:
        self._story = story
        self._profile = story.profile
        self._zone = ZoneInfo(story.release["business_time_zone"])
        self._currency = story.release["reporting_currency"] or ""
        self._missing = set(story.features_missing)

    def lines(self) -> Iterator[str]:
        """All lines, from who the customer is to what is not known."""
        yield f"Customer {self._story.customer_id}"
        as_of = f"{self._local(self._profile['as_of']):%Y-%m-%d %H:%M:%S}"
        yield (f"  as of {as_of} {self._zone.key}, release {self._story.release['run_id']}")
        if self._story.asked_for:
            yield f"  {self._former(self._story.asked_for, 'who is told of here')}"
        for title, section in (
            ("Who", self._who),
            ("Value", self._value),
            ("Segments", self._segments),
            ("Last orders", self._orders),
            ("Website", self._web),
            ("Messages", self._messages),
            ("Service", self._service),
            ("Surveys", self._surveys),
            ("Subscription", self._subscription),
            ("Consents", self._consents),
            ("Why these records are one customer", self._identity),
            ("Not known", self._not_known),
        ):
            told = list(section())
            if told:
                yield ""
                yield title
                yield from (f"  {line}".rstrip() for line in told)

    def _who(self) -> Iterator[str]:
        profile = self._profile
        code = profile["country_code"]
        country = profile["country"] or code
        if country and code and code != country:
            country = f"{country} ({code})"
        place = [country, profile["region"], profile["city"]]
        yield _line("lives in", ", ".join(filter(None, place)) or "not known")
        since = profile["first_seen_at"]
        yield _line("known since", self._day(since) if since else "always: a record has no date")
        yield _line("came by", profile["acquisition_channel"] or "not known")
        stage_since = profile["stage_since"]
        yield _line(
            "stage",
            profile["lifecycle_stage"]
            + (f" since {self._day(stage_since)}" if stage_since else ""),
        )
        yield _line("account", self._account())

    def _account(self) -> str:
        account = self._story.account
        if account is None:
            return self._profile["account_id"] or "none"
        facts = [
            account["industry_sector"],
            account["size_band"],
            _counted(account["customer_count"], "contact"),
            f"{self._money(account['net_revenue_365d'])} in 365 days",
        ]
        return f"{account['account_id']} ({', '.join(filter(None, facts))})"

    def _value(self) -> Iterator[str]:
        profile = self._profile
        windows = ("30d", "90d", "365d", "lifetime")
        yield _line("", _columns("30 days", "90 days", "365 days", "ever"))
        yield _line(
            "orders",
            _columns(*(_number(profile[f"order_count_{window}"]) for window in windows)),
        )
        yield _line(
            f"revenue {self._currency}".strip(),
            _columns(*(_amount(profile[f"net_revenue_{window}"]) for window in windows)),
        )
        yield _line("average order", self._told("average_order_value_lifetime", self._money))
        yield _line("first order", self._told("first_order_at", self._day, "never"))
        yield _line("last order", self._last_order())
        scores = [profile[f"{part}_score"] for part in ("recency", "frequency", "monetary")]
        yield _line(
            "RFM",
            "no order in the window"
            if profile["rfm_segment"] is None
            else "{}: recency {}, frequency {}, monetary {}".format(
                profile["rfm_segment"], *scores
            ),
        )
        yield _line("favourite category", self._told("top_category"))
        yield _line("last bought", self._told("last_product_name"))
        yield _line("engagement", self._told("engagement_level", nothing="not known"))
        yield _line("preferred channel", self._told("preferred_channel_90d", nothing="not known"))

    def _last_order(self) -> str:
        profile = self._profile
        if profile["last_order_at"] is None:
            return "never"
        days = profile["days_since_last_order"]
        ago = "today" if days == 0 else f"{_counted(days, 'day')} ago"
        return (
            f"{self._day(profile['last_order_at'])}, {ago},"
            f" {self._money(profile['last_order_net_amount'])}"
        )

    def _segments(self) -> Iterator[str]:
        if not self._story.segments:
            yield "none"
        for segment in self._story.segments:
            primary = segment["segment_key"] == self._profile["primary_segment_key"]
            yield (
                f"{segment['segment_key']:<32} since {segment['since']}"
                + ("  (primary)" if primary else "")
            )

    def _orders(self) -> Iterator[str]:
        if not self._story.recent_orders:
            yield "none"
        for order in self._story.recent_orders:
            refunded = order["reporting_refunded_amount"]
            parts = [
                f"{self._local(order['ordered_at']):%Y-%m-%d %H:%M}",
                f"{_amount(order['reporting_net_amount']):>12} {self._currency}".rstrip(),
                f"{order['sales_channel'] or '-':<10}",
                f"{order['source_system']} {order['order_id']}",
                order["categories"] or "",
                f"refunded {self._money(refunded)}" if refunded else "",
            ]
            yield "  ".join(filter(None, parts))

    def _web(self) -> Iterator[str]:
        yield from self._family(
            ("visits in 90 days", "session_count_90d", _number, "none"),
            ("last seen there", "last_web_event_at", self._minute, "never"),
            ("open carts", "open_cart_count", _number, "none"),
        )

    def _messages(self) -> Iterator[str]:
        yield from self._family(
            ("delivered in 90 days", "delivered_message_count_90d", _number, "none"),
            ("opened", "opened_message_count_90d", _number, "none"),
            ("clicked", "clicked_message_count_90d", _number, "none"),
            ("unsubscribed", "is_email_unsubscribed", _yes_or_no, "no"),
        )

    def _service(self) -> Iterator[str]:
        yield from self._family(
            ("tickets in 365 days", "ticket_count_365d", _number, "none"),
            ("last opened", "last_ticket_opened_at", self._day, "never"),
            ("last satisfaction", "last_csat_score", _score, "never given"),
            ("open now", "open_ticket_count", _number, "none"),
        )
        for ticket in self._story.open_tickets:
            facts = [ticket["category"], ticket["priority"]]
            yield (
                f"  {self._day(ticket['opened_at'])}  {ticket['source_system']}"
                f" {ticket['ticket_id']}  {', '.join(filter(None, facts))}"
            )

    def _surveys(self) -> Iterator[str]:
        yield from self._family(
            ("would recommend us", "last_nps_score", self._recommends, "never asked"),
        )

    def _subscription(self) -> Iterator[str]:
        if not self._unknown("subscription_stage") and not self._profile["subscription_stage"]:
            yield "none"
            return
        yield from self._family(
            ("stage", "subscription_stage", str, "none"),
            ("plan", "subscription_plan", str, "none"),
            ("since", "subscribed_since", self._day, "never"),
            ("trial ends", "trial_ends_at", self._day, "no trial"),
            ("a month", "monthly_recurring_amount", self._money, "nothing"),
        )

    def _consents(self) -> Iterator[str]:
        yield from self._family(
            *((words, column, _yes_or_no, "not known") for column, words in _CONSENTS.items())
        )

    def _identity(self) -> Iterator[str]:
        records = [_record_words(**row) for row in self._story.source_records]
        yield _line("records", ", ".join(records))
        links = [
            f"{row['identifier_kind']} {row['link_count']:,} times"
            if row["link_count"] != 1
            else f"{row['identifier_kind']} once"
            for row in self._story.record_links
        ]
        alone = self._profile["source_record_count"] == 1
        yield _line(
            "linked by", ", ".join(links) or ("nothing: it is one record" if alone else "nothing")
        )
        if self._profile["is_over_merged"]:
            yield _line(
                "note", "more records hung together than one person has; links were dropped"
            )
        for former in self._story.former_ids:
            yield f"{self._former(former)}"

    def _not_known(self) -> Iterator[str]:
        for source in self._story.features_missing:
            yield f"{source} was never loaded: {_UNKNOWN_WITHOUT.get(source, 'what it holds')}"

    def _family(self, *facts: tuple[str, str, Callable[[Any], str], str]) -> Iterator[str]:
        """Facts from one input: label, column, how it is shown, and what is said of none. While the
        input is not there, one line says so."""
        unknown = {self._unknown(column) for _, column, _, _ in facts}
        if len(unknown) == 1 and "" not in unknown:
            yield unknown.pop()
            return
        for label, column, shown, nothing in facts:
            yield _line(label, self._told(column, shown, nothing))

    def _told(self, column: str, shown: Callable[[Any], str] = str, nothing: str = "none") -> str:
        value = self._profile[column]
        return shown(value) if value is not None else self._unknown(column) or nothing

    def _unknown(self, column: str) -> str:
        """Why a column says nothing of anybody; empty where its inputs are there."""
        lacking = [source for source in INPUTS.get(column, ()) if source in self._missing]
        if not lacking:
            return ""
        verb = "was" if len(lacking) == 1 else "were"
        return f"not known: {' and '.join(lacking)} {verb} never loaded"

    def _former(self, former: FormerId, told: str = "") -> str:
        text = (
            f"{former.former_customer_id} {_FORMER.get(former.reason, former.reason)}"
            f" on {self._day(former.since)}"
        )
        if told:
            text += f"; {former.customer_id} took its place, {told}"
        if former.others:
            text += f"; other records of it went to {', '.join(former.others)}"
        return text

    def _local(self, instant: datetime) -> datetime:
        return instant.replace(tzinfo=UTC).astimezone(self._zone)

    def _day(self, instant: datetime) -> str:
        return f"{self._local(instant):%Y-%m-%d}"

    def _minute(self, instant: datetime) -> str:
        return f"{self._local(instant):%Y-%m-%d %H:%M}"

    def _money(self, amount: Decimal) -> str:
        return f"{self._currency} {_amount(amount)}".strip()

    def _recommends(self, score: Decimal) -> str:
        return f"{_score(score)} of 10 ({self._profile['nps_group']})"


def _line(label: str, value: str) -> str:
    return f"{label:<22}{value}"


def _columns(*values: str) -> str:
    return "".join(f"{value:>14}" for value in values)


def _amount(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _number(count: int) -> str:
    return f"{count:,}"


def _score(score: Decimal) -> str:
    return f"{score.normalize():f}"


def _yes_or_no(flag: bool) -> str:
    return "yes" if flag else "no"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _record_words(record_kind: str, source_system: str, record_count: int) -> str:
    if record_kind == "reference":
        return _counted(record_count, "reference") + f" of {source_system}"
    kind = {"email": "e-mail", "phone": "phone number"}.get(record_kind, record_kind)
    return _counted(record_count, kind)
