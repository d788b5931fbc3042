"""What customers say and ask: tickets, surveys, mentions, events, referrals, leads, erasure."""

from __future__ import annotations

from orchestration.demo.business import Business
from orchestration.demo.calendar import DAY, HOUR
from orchestration.demo.chance import Draws
from orchestration.demo.people import PLACEHOLDER_EMAIL, Archetype, Customer
from orchestration.demo.tables import Table, table

_CATEGORIES = ("delivery", "damaged", "grind", "billing", "subscription", "question")
_REASONS = ("too expensive", "moved away", "too much coffee", "taste", "service")
_TOPICS = ("value:fair_trade", "interest:espresso", "interest:filter", "lifestyle:home_office")


def service_tables(business: Business) -> dict[str, Table]:
    """Tables of everything that a customer does beside buying and clicking."""
    tables = {
        "support_tickets": table(
            "ticket_id opened_at customer_ref closed_at category priority csat_score"
            " feature_request"
        ),
        "survey_responses": table("response_id responded_at question customer_ref score answer"),
        "social_mentions": table("mention_id occurred_at customer_ref platform kind sentiment"),
        "business_events": table(
            "event_id occurred_at event_name customer_ref subject starts_at ends_at value"
        ),
        "referrals": table("referrer_ref referred_ref referred_at"),
        "leads": table("lead_id created_at customer_ref email source status converted_at lost_at"),
        "erasure_requests": table("request_id requested_at customer_ref email phone"),
    }
    for number, customer in enumerate(business.customers, start=1):
        draws = Draws(business.seed, "service", number)
        positions = business.positions.get(customer.customer_ref, ())
        if positions:
            first, last = (business.orders[positions[n]] for n in (0, -1))
            _buyer(business, tables, draws, number, customer, (first.day, first.second), last.day)
        _lead(business, tables, draws, number, customer)
        _erasure(business, tables, draws, number, customer)
    return tables


def _buyer(
    business: Business,
    tables: dict[str, Table],
    draws: Draws,
    number: int,
    customer: Customer,
    first: tuple[int, int],
    last: int,
) -> None:
    calendar, ref = business.calendar, customer.customer_ref
    unhappy = customer.archetype is Archetype.CHURNER
    if draws.chance(25 if unhappy else 8):
        opened = calendar.later((draws.between(first[0], last), 10 * HOUR), draws.below(6 * HOUR))
        if opened is not None and opened > first:
            closed = calendar.later(opened, draws.between(HOUR, 5 * DAY))
            score = draws.between(1, 3) if unhappy else draws.between(3, 5)
            tables["support_tickets"].rows.append(
                (
                    f"T{number:06d}",
                    calendar.stamp(*opened),
                    ref,
                    calendar.stamp(*closed) if closed and draws.chance(94) else "",
                    draws.pick(_CATEGORIES),
                    draws.pick(("low", "normal", "normal", "high")),
                    score if closed and draws.chance(60) else "",
                    "true" if draws.chance(6) else "false",
                )
            )
    if draws.chance(14):
        asked = calendar.later((last, 12 * HOUR), draws.between(2, 20) * DAY)
        if asked is not None:
            score = draws.between(0, 7) if unhappy else draws.between(6, 10)
            rows = tables["survey_responses"].rows
            rows.append((f"S{number:06d}", calendar.stamp(*asked), "nps", ref, score, ""))
            if draws.chance(40):
                topic = draws.pick(_TOPICS)
                rows.append((f"S{number:06d}", calendar.stamp(*asked), topic, ref, "", "yes"))
    if unhappy and draws.chance(20):
        asked = calendar.later((last, 12 * HOUR), draws.between(60, 90) * DAY)
        if asked is not None:
            tables["survey_responses"].rows.append(
                (
                    f"X{number:06d}",
                    calendar.stamp(*asked),
                    "churn_reason",
                    ref,
                    "",
                    draws.pick(_REASONS),
                )
            )
    if draws.chance(4):
        said = calendar.later(first, draws.between(1, 200) * DAY)
        if said is not None:
            mood = draws.between(-90, 10) if unhappy else draws.between(-20, 95)
            tables["social_mentions"].rows.append(
                (
                    f"N{number:06d}",
                    calendar.stamp(*said),
                    ref,
                    draws.pick(("instagram", "facebook", "mastodon")),
                    draws.pick(("like", "share", "comment", "mention")),
                    f"{'-' if mood < 0 else ''}0.{abs(mood):02d}",
                )
            )
    if draws.chance(6):
        booked = calendar.later(first, draws.between(1, 150) * DAY)
        if booked is not None:
            starts = calendar.later((booked[0], 19 * HOUR), draws.between(1, 12) * DAY)
            name = draws.pick(("class_attended", "table_reserved", "tasting_booked"))
            tables["business_events"].rows.append(
                (
                    f"E{number:06d}",
                    calendar.stamp(*booked),
                    name,
                    ref,
                    "roastery",
                    calendar.stamp(*starts) if starts else "",
                    calendar.stamp(starts[0], starts[1] + 2 * HOUR) if starts else "",
                    f"{draws.between(15, 60)}.00",
                )
            )
    if customer.details[_CHANNEL] == "referral" and number > 20 and draws.chance(60):
        friend = business.customers[draws.below(number - 1)]
        if friend.created < customer.created and customer.created[0] >= 0:
            tables["referrals"].rows.append(
                (friend.customer_ref, ref, calendar.stamp(*customer.created))
            )


_CHANNEL = 9  # acquisition_channel among the details


def _lead(
    business: Business, tables: dict[str, Table], draws: Draws, number: int, customer: Customer
) -> None:
    calendar = business.calendar
    is_prospect = customer.archetype is Archetype.PROSPECT
    if customer.created[0] < 0 or not draws.chance(70 if is_prospect else 7):
        return
    positions = business.positions.get(customer.customer_ref, ())
    sales = [business.orders[n] for n in positions if business.orders[n].counts]
    converted = calendar.stamp(sales[0].day, sales[0].second) if sales else ""
    lost = calendar.later(customer.created, draws.between(20, 90) * DAY)
    is_lost = not sales and lost is not None and draws.chance(50)
    email = customer.contact.email
    tables["leads"].rows.append(
        (
            f"L{number:06d}",
            calendar.stamp(*customer.created),
            customer.customer_ref,
            "" if email == PLACEHOLDER_EMAIL else email,
            customer.details[_CHANNEL],
            "converted" if sales else "lost" if is_lost else "open",
            converted,
            calendar.stamp(*lost) if is_lost and lost else "",
        )
    )


def _erasure(
    business: Business, tables: dict[str, Table], draws: Draws, number: int, customer: Customer
) -> None:
    """One in 600 asks to be forgotten: by reference, by e-mail or by phone."""
    calendar, contact = business.calendar, customer.contact
    if not draws.chance(0.17) or contact.original:
        return
    since = max(customer.created, (0, 0))
    asked = calendar.later(since, draws.below(max(1, calendar.days - since[0])) * DAY)
    if asked is None:
        return
    by = draws.below(3)
    email = contact.email if by == 1 and contact.email != PLACEHOLDER_EMAIL else ""
    phone = contact.phone if by == 2 else ""
    tables["erasure_requests"].rows.append(
        (
            f"D{number:06d}",
            calendar.stamp(*asked),
            "" if email or phone else customer.customer_ref,
            email,
            phone,
        )
    )
    business.truth.erasure_requested.append(customer.customer_ref)
