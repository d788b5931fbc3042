"""What the business says and pays: campaigns, messages, consents, spend, experiment, markets."""

from __future__ import annotations

from typing import Final, NamedTuple

from orchestration.demo.business import Business
from orchestration.demo.calendar import CAMPAIGNS, DAY, HOUR, founded_on
from orchestration.demo.chance import Draws
from orchestration.demo.people import PLACEHOLDER_EMAIL, Customer
from orchestration.demo.promotion import COUPON, EXPERIMENT_ID, WINDOW_DAYS, campaign_id
from orchestration.demo.tables import Table, table


class _Mailing(NamedTuple):
    """A campaign that is sent on a day; `offer` lasts so many days."""

    campaign_id: str
    name: str
    day: int
    days: int
    offer: str


def marketing_tables(business: Business, *, towns: int = 1) -> dict[str, Table]:
    """Tables of marketing; what is spent is spent for `towns` towns of this size."""
    tables = {
        "campaigns": table(
            "campaign_id name channel objective is_promotional target_segment is_segmented"
            " offer_code requested_at started_at ended_at manual_minutes"
        ),
        "message_events": table(
            "event_id occurred_at event_name channel customer_ref campaign_id message_id"
            " is_machine",
            by="occurred_at",
        ),
        "consents": table("changed_at purpose granted customer_ref channel source"),
        "marketing_spend": table(
            "spend_id spend_date channel amount campaign_id cost_type currency"
        ),
        "fx_rates": table("rate_date currency rate_to_reporting"),
        "market_sizes": table("market period_start customers revenue currency country"),
        "experiment_assignments": table("experiment_id customer_ref arm assigned_at campaign_id"),
    }
    mailings = _mailings(business)
    _campaigns(business, tables, mailings)
    treated = {a.customer.customer_ref for a in business.assignments if a.arm == "treatment"}
    for number, customer in enumerate(business.customers, start=1):
        _contacts(business, tables, mailings, number, customer, treated)
    _spend(business, tables, towns)
    _rates(business, tables)
    _markets(business, tables)
    for customer, arm, day, second in business.assignments:
        tables["experiment_assignments"].rows.append(
            (
                EXPERIMENT_ID,
                customer.customer_ref,
                arm,
                business.calendar.stamp(day, second),
                campaign_id(business.calendar, day),
            )
        )
    return tables


_OBJECTIVES: Final = {COUPON.code: "retention", "": "news"}
_LETTERS_ON: Final = (10, 24, 30)  # of every month


def _mailings(business: Business) -> list[_Mailing]:
    calendar = business.calendar
    found = []
    for day in range(calendar.days):
        running = calendar.campaign[day]
        before = calendar.campaign[day - 1] if day else None
        if running is not None and running is not before:
            year = calendar.date_of(day).year
            identity = f"{running.code}-{year}"
            name = f"{running.code.title()} {year}"
            found.append(_Mailing(identity, name, day, running.days, running.code))
    for day in range(calendar.days):
        on = calendar.date_of(day)
        if on.day in _LETTERS_ON:
            text = on.isoformat()
            found.append(_Mailing(f"LETTER-{text}", f"Letter of {text}", day, 7, ""))
    if business.assignments:
        day = business.assignments[0].day
        identity = campaign_id(calendar, day)
        found.append(_Mailing(identity, "A thank-you", day, WINDOW_DAYS, COUPON.code))
    return sorted(found, key=lambda mailing: (mailing.day, mailing.campaign_id))


def _campaigns(business: Business, tables: dict[str, Table], mailings: list[_Mailing]) -> None:
    calendar = business.calendar
    rows = tables["campaigns"].rows
    founded = calendar.stamp(calendar.number_of(founded_on(calendar.start)), 9 * HOUR)
    for channel in ("search", "social"):
        for number in range(1, 5):
            identity = f"{channel}-{number}"
            rows.append(
                (identity, f"{channel.title()} {number}", channel, "acquisition", "false", "",
                 "false", "", "", founded, "", "")
            )  # fmt: skip
    for mailing in mailings:
        draws = Draws(business.seed, "campaign", mailing.campaign_id)
        is_segmented = mailing.offer in (COUPON.code, CAMPAIGNS[-1].code, CAMPAIGNS[1].code)
        ended = calendar.later((mailing.day, 9 * HOUR), mailing.days * DAY)
        requested = mailing.day - draws.between(4, 15)
        rows.append(
            (
                mailing.campaign_id,
                mailing.name,
                "email",
                "retention"
                if mailing.offer == COUPON.code
                else "sales"
                if mailing.offer
                else "news",
                "true" if mailing.offer else "false",
                "price_sensitive" if mailing.offer == CAMPAIGNS[-1].code else "",
                "true" if is_segmented else "false",
                mailing.offer,
                calendar.stamp(requested, 10 * HOUR),
                calendar.stamp(mailing.day, 9 * HOUR),
                calendar.stamp(*ended) if ended else "",
                draws.between(60, 400),
            )
        )


def _contacts(
    business: Business,
    tables: dict[str, Table],
    mailings: list[_Mailing],
    number: int,
    customer: Customer,
    treated: set[str],
) -> None:
    """The consents of a customer, and the messages that they allow."""
    calendar, ref = business.calendar, customer.customer_ref
    draws = Draws(business.seed, "consent", number)
    contact = customer.contact
    if contact.original or contact.email in ("", PLACEHOLDER_EMAIL):
        return
    consents = tables["consents"].rows

    def says(moment: tuple[int, int], purpose: str, granted: bool, channel: str, how: str) -> None:
        stamp = calendar.stamp(*moment)
        consents.append((stamp, purpose, "true" if granted else "false", ref, channel, how))

    agrees = draws.chance(66)
    says(customer.created, "marketing", agrees, "email", "registration")
    if draws.chance(40):
        says(customer.created, "analytics", draws.chance(80), "all", "registration")
    if draws.chance(12):
        says(customer.created, "profiling", draws.chance(70), "all", "registration")
    since = max(customer.created[0], 0)
    leaves = calendar.days
    if agrees and draws.chance(9):
        leaves = since + draws.between(1, max(2, calendar.days - since))
    withdrawn = None
    if agrees and leaves < calendar.days:
        withdrawn = calendar.later((leaves, 20 * HOUR), draws.below(HOUR))
        if withdrawn is not None:
            says(withdrawn, "marketing", False, "email", "preferences")
            business.truth.consents_withdrawn.append(ref)
    for mailing in mailings:
        if mailing.offer == COUPON.code:
            is_sent = ref in treated  # a thank-you is no marketing, and goes to everyone treated
        else:
            share = 70 if mailing.offer else 9
            is_sent = agrees and customer.created[0] < mailing.day < leaves and draws.chance(share)
        if is_sent:
            _message(business, tables, draws, number, ref, mailing)


def _message(
    business: Business,
    tables: dict[str, Table],
    draws: Draws,
    number: int,
    ref: str,
    mailing: _Mailing,
) -> None:
    calendar, rows = business.calendar, tables["message_events"].rows
    identity = f"{mailing.campaign_id}-{number}"
    sent = mailing.day, 9 * HOUR + 1800 + number % 1800

    def happens(name: str, moment: tuple[int, int] | None, machine: bool = False) -> None:
        if moment is not None:
            flag = "true" if machine else "false"
            stamp = calendar.stamp(*moment)
            event = f"{identity}-{name}{'-m' if machine else ''}"
            rows.append((event, stamp, name, "email", ref, mailing.campaign_id, identity, flag))

    happens("sent", sent)
    if draws.chance(1.2):
        happens("bounced", calendar.later(sent, 5))
        return
    happens("delivered", calendar.later(sent, draws.between(1, 50)))
    if draws.chance(7):  # a mail server looks at everything, nobody has read it
        happens("opened", calendar.later(sent, draws.between(51, 59)), machine=True)
    if not draws.chance(36):
        return
    wait = draws.between(60, 2 * DAY)
    happens("opened", calendar.later(sent, wait))
    if draws.chance(22):
        happens("clicked", calendar.later(sent, wait + draws.between(5, 900)))


_WEEKLY_CENTS: Final = {"search": 95, "social": 70}  # of one campaign, for 100 customers


def _spend(business: Business, tables: dict[str, Table], towns: int) -> None:
    calendar, rows = business.calendar, tables["marketing_spend"].rows
    people = len(business.customers)

    def pays(day: int, channel: str, cents: int, campaign: str, kind: str, currency: str) -> None:
        on = calendar.date_of(day).isoformat()
        cents = cents * towns
        amount = f"{cents // 100}.{cents % 100:02d}"
        rows.append((f"P{len(rows) + 1:06d}", on, channel, amount, campaign, kind, currency))

    for day in range(0, calendar.days, 7):
        draws = Draws(business.seed, "spend", day)
        for channel, cents in _WEEKLY_CENTS.items():
            for number in range(1, 5):
                paid = 1 + cents * people * draws.between(70, 130) // 10_000
                currency = "USD" if channel == "social" else "EUR"
                pays(day, channel, paid, f"{channel}-{number}", "media", currency)
    for day in range(calendar.days):
        if calendar.date_of(day).day == 1:
            pays(day, "email", 4900 + people, "", "tools", "EUR")
            pays(day, "newsletter", 20 * people + 9000, "", "people", "EUR")


def _rates(business: Business, tables: dict[str, Table]) -> None:
    """Rates on working days, a week before the start too: a weekend has Friday's."""
    calendar = business.calendar
    for currency, usual in (("USD", 9200), ("GBP", 11700)):
        draws = Draws(business.seed, "rates", currency)
        rate = usual
        for day in range(-7, calendar.days):
            on = calendar.date_of(day)
            rate += draws.between(-30, 30) + (usual - rate) // 50
            if on.weekday() < 5:
                row = (on.isoformat(), currency, f"{rate // 10_000}.{rate % 10_000:04d}")
                tables["fx_rates"].rows.append(row)


def _markets(business: Business, tables: dict[str, Table]) -> None:
    calendar = business.calendar
    first = calendar.start.replace(day=1)
    years = range(first.year, calendar.dates[-1].year + 1)
    for year in years:
        for country, customers in (("NL", 2_600_000), ("BE", 1_700_000)):
            grown = customers * (100 + 2 * (year - first.year)) // 100
            row = ("home coffee", f"{year}-01-01", grown, f"{grown * 140}.00", "EUR", country)
            tables["market_sizes"].rows.append(row)
