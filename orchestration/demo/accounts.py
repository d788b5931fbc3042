"""Companies and contracts: accounts of every size, subscriptions with trials, machine use."""

from __future__ import annotations

from typing import Final

from orchestration.demo.business import Business
from orchestration.demo.calendar import DAY, HOUR
from orchestration.demo.chance import Draws
from orchestration.demo.people import Archetype
from orchestration.demo.tables import Table, table

# Both sides of every border between bands of size, in turn: every demo of two hundred customers
# and more has a small company, one of a thousand has one on each side of every border.
_EMPLOYEES: Final = (4, 45, 250, 1200, 10, 11, 99, 100, 999, 1000, 5200, 49, 50, 249)
_INDUSTRIES: Final = (
    ("naics", "541110", "Law office"),
    ("naics", "722511", "Restaurant"),
    ("naics", "541511", "Software"),
    ("sic", "8711", "Engineering"),
    ("naics", "621111", "Medical practice"),
    ("sic", "7011", "Hotel"),
    ("naics", "236220", "Construction"),
)


def account_tables(business: Business) -> dict[str, Table]:
    """Tables of accounts, subscriptions and the use of leased machines."""
    tables = {
        "accounts": table(
            "account_ref name employees annual_revenue currency founded_year country region"
            " industry_code industry_scheme industry organisation_structure technology_adoption"
            " business_model payment_terms technologies observed_at"
        ),
        "subscriptions": table(
            "subscription_id started_at customer_ref account_ref plan status ended_at"
            " trial_ends_at monthly_amount currency"
        ),
        "product_usage": table("used_on feature account_ref uses minutes", by="used_on"),
    }
    seen: dict[str, int] = {}
    for customer in business.customers:
        if customer.account_ref and customer.account_ref not in seen:
            seen[customer.account_ref] = customer.created[0]
    for number, (account_ref, since) in enumerate(seen.items()):
        _account(business, tables, number, account_ref, since)
    for number in range(1, len(business.customers) + 1):
        _subscription(business, tables, number)
    return tables


def _account(
    business: Business, tables: dict[str, Table], number: int, account_ref: str, since: int
) -> None:
    calendar = business.calendar
    draws = Draws(business.seed, "account", account_ref)
    scheme, code, industry = draws.pick(_INDUSTRIES)
    employees = _EMPLOYEES[number % len(_EMPLOYEES)]
    founded = calendar.start.year - draws.between(4, 60)
    observed = [(since, employees)]
    if number % 3 == 2 and since < calendar.days - 60:
        # Seen smaller first: what counts is what was known at the time.
        observed.insert(0, (since, max(1, employees * 4 // 5)))
        observed[1] = (max(0, since) + draws.between(30, 50), employees)
    for day, people in observed:
        tables["accounts"].rows.append(
            (
                account_ref,
                f"{industry} {account_ref[1:]}",
                people,
                f"{people * draws.between(60, 140) * 1000}.00",
                "EUR",
                founded,
                "NL",
                "Zuid-Holland",
                code,
                scheme,
                industry,
                draws.pick(("hierarchical", "flat", "matrix")),
                draws.pick(("early adopter", "early majority", "laggard")),
                draws.pick(("subscription", "project")),
                draws.pick(("14 days", "30 days")),
                '["leased machine"]' if number % 2 else "[]",
                calendar.stamp(day, 9 * HOUR),
            )
        )
    business.truth.account_employees[account_ref] = employees
    if number % 2:
        for day in range(max(0, since + 7), calendar.days):
            if calendar.weekday(day) != 0:  # the machine reports on Mondays
                continue
            uses = min(employees, 400) * draws.between(3, 9)
            on = calendar.date_of(day).isoformat()
            row = (on, "espresso", account_ref, uses, f"{uses // 2}.5")
            tables["product_usage"].rows.append(row)


def _subscription(business: Business, tables: dict[str, Table], number: int) -> None:
    """The monthly box of a subscriber, half of them after a trial; a trial of some who left it."""
    calendar, customer = business.calendar, business.customers[number - 1]
    positions = business.positions.get(customer.customer_ref, ())
    draws = Draws(business.seed, "subscription", number)
    subscribes = customer.archetype is Archetype.SUBSCRIBER
    if not positions or not (subscribes or draws.chance(2.5)):
        return
    first, last = (business.orders[positions[n]] for n in (0, -1))
    rows, identity = tables["subscriptions"].rows, f"SUB{number:06d}"
    plan = draws.pick(("two bags", "four bags", "explorer"))
    amount = {"two bags": "16.90", "four bags": "31.50", "explorer": "27.50"}[plan]

    def period(start: tuple[int, int], status: str, ended: str, trial_ends: str) -> None:
        rows.append(
            (
                identity,
                calendar.stamp(*start),
                customer.customer_ref,
                "",
                plan,
                status,
                ended,
                trial_ends,
                "0.00" if status == "trial" else amount,
                "EUR",
            )
        )

    start = (first.day, first.second)
    if not subscribes or draws.chance(50):
        ends = calendar.later(start, 30 * DAY)
        if ends is None:  # it would end after the last day
            on = calendar.date_of(start[0] + 30).isoformat()
            period(start, "trial", "", f"{on}T12:00:00")
            business.truth.trials_running.append(identity)
            return
        period(start, "trial", calendar.stamp(*ends), calendar.stamp(*ends))
        if not subscribes or last.day <= ends[0]:
            business.truth.trials_lapsed.append(identity)
            return
        business.truth.trials_converted.append(identity)
        start = ends
    ended = calendar.later((last.day, last.second), 45 * DAY)
    period(start, "active", "", "") if ended is None else period(
        start, "cancelled", calendar.stamp(*ended), ""
    )
