"""A promotion drawn at random, with a holdout: its effect is known, because it was planted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from orchestration.demo.behaviour import Town
from orchestration.demo.calendar import HOUR, Calendar, Campaign
from orchestration.demo.chance import Draws
from orchestration.demo.orders import EVERYDAY, Buyer, Order
from orchestration.demo.people import PLACEHOLDER_EMAIL, Archetype, Customer
from orchestration.demo.truth import Promotion

EXPERIMENT_ID: Final = "thank-you"
COUPON: Final = Campaign("THANKS10", 1, 1, 366, 10)
MONTH: Final = 20
WINDOW_DAYS: Final = 28
_TREATED_PERCENT: Final = 70
_RESPONSE_PERCENT: Final = 22


class Assignment(NamedTuple):
    """A customer in an arm, `treatment` or `holdout`, since a moment."""

    customer: Customer
    arm: str
    day: int
    second: int


def campaign_id(calendar: Calendar, day: int) -> str:
    """Of the promotion's campaign, as campaigns.csv has it."""
    return f"THANKS10-{calendar.date_of(day).year}"


def assign(town: Town, people: Sequence[Customer], orders: Sequence[Order]) -> Iterator[Assignment]:
    """Everyone who had bought by then and has an address; offices and box subscribers are left out.

    Nobody where the history ends before the window would.
    """
    day = town.calendar.month(MONTH)
    if day is None:
        return
    bought = {order.customer_ref for order in orders if order.counts and order.day < day}
    for person in people:
        email = person.contact.email
        eligible = email and email != PLACEHOLDER_EMAIL and not person.contact.original
        if not eligible or person.archetype in (Archetype.OFFICE, Archetype.SUBSCRIBER):
            continue
        if person.customer_ref in bought:
            draws = Draws(town.seed, "arm", person.customer_ref)
            arm = "treatment" if draws.chance(_TREATED_PERCENT) else "holdout"
            yield Assignment(person, arm, day, 8 * HOUR)


def extra_orders(town: Town, assignments: Sequence[Assignment]) -> Iterator[Order]:
    """What the treated ordered because of it, on top of what they would have ordered anyway."""
    for customer, arm, assigned, _ in assignments:
        draws = Draws(town.seed, "thanks", customer.customer_ref)
        if arm != "treatment" or not draws.chance(_RESPONSE_PERCENT):
            continue
        day = town.calendar.next_order_day(assigned + draws.between(1, WINDOW_DAYS - 8), draws)
        if day is None or day >= assigned + WINDOW_DAYS:
            continue
        contact = customer.contact
        yield town.till.order(
            draws,
            Buyer(customer.customer_ref, contact.email, contact.phone, may_forget_to_sign_in=False),
            day=day,
            channel="web",
            taste=EVERYDAY,
            coupon=COUPON,
            status="completed",
        )


def promotion_truth(
    calendar: Calendar, assignments: Sequence[Assignment], extra: Sequence[Order]
) -> Promotion | None:
    """What the promotion did; None when nobody was assigned."""
    if not assignments:
        return None
    day = assignments[0].day
    treated = sum(assignment.arm == "treatment" for assignment in assignments)
    return Promotion(
        experiment_id=EXPERIMENT_ID,
        campaign_id=campaign_id(calendar, day),
        coupon_code=COUPON.code,
        assigned_on=calendar.date_of(day).isoformat(),
        window_days=WINDOW_DAYS,
        treated=treated,
        holdout=len(assignments) - treated,
        extra_orders=len(extra),
        extra_net_cents=sum(order.net for order in extra),
    )
