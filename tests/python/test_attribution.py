"""Attribution and campaigns: worked examples from raw rows, and all against the recomputation."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import oracle
import oracle_accounts
import oracle_attribution
import oracle_variables
import pytest
from business import ALL_PARTS, Business, build, every_oddity
from business_campaigns import CAMPAIGN_PARTS, campaigns_for_businesses
from business_kpis import businesses_as_customers
from conftest import Workspace, examples, nightly
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline import Pipeline

TABLES = (
    "attribution_credits",
    "attribution_performance",
    "campaign_performance",
    "campaign_comparison",
    "campaign_traffic",
    "channel_conversion",
)
TESTS = (
    "assert_credit_of_an_order_sums_to_one",
    "assert_attributed_figures_equal_the_facts",
    "assert_no_order_is_owed_to_a_later_touch",
    "assert_campaigns_win_no_order_twice",
)


@pytest.fixture(scope="module")
def campaigns(pipeline: Pipeline) -> Pipeline:
    """The pipeline as far as attribution and campaigns go."""
    return pipeline.reduced_to(TABLES)


# Worked by hand ------------------------------------------------------------------------------

NOON = datetime(2026, 6, 30, 11)
"""12:00 in London."""
DAY = timedelta(days=1)
# The first instant of 1 June in London; 1 June is day 30 of 30 June.
FIRST_OF_JUNE = datetime(2026, 5, 31, 23)
MICROSECOND = timedelta(microseconds=1)

Rows = list[dict[str, Any]]


def numbered(key: str, rows: Rows) -> Rows:
    return [
        {key: f"{number:03d}", "source_system": "default", "_batch_id": "b1", **row}
        for number, row in enumerate(rows)
    ]


def order(ref: str | None, at: datetime = NOON, amount: str = "100", **values: Any) -> Any:
    return {"customer_ref": ref, "ordered_at": at, "net_amount": Decimal(amount), **values}


def said(ref: str, name: str, at: datetime, channel: str = "email", **values: Any) -> Any:
    row = {"customer_ref": ref, "event_name": name, "occurred_at": at, "channel": channel}
    return row | {"campaign_id": "spring", **values}


def came(ref: str, at: datetime, medium: str | None = None, campaign: str | None = None) -> Any:
    row = {"customer_ref": ref, "event_name": "page_view", "occurred_at": at}
    return row | {"utm_medium": medium, "utm_campaign": campaign}


RAW: dict[str, Rows] = {
    "orders": numbered(
        "order_id",
        [
            order("none"),
            order("one"),
            order("two"),
            order("three"),
            order("five", amount="99.9999"),
            order("tie"),
            order("direct"),
            order("day 30"),
            order("day 31"),
            order("at the order"),
            order("after the order"),
            order(None),
            order("by post", coupon_code="save10", amount="40"),
        ],
    ),
    "campaigns": [
        {
            "campaign_id": "spring",
            "name": "Spring",
            "source_system": "default",
            "offer_code": "SAVE10",
            "is_segmented": True,
            "started_at": NOON - 40 * DAY,
        }
    ],
    "message_events": numbered(
        "event_id",
        [
            said("one", "sent", NOON - 4 * DAY),
            said("one", "delivered", NOON - 4 * DAY),
            said("one", "opened", NOON - 4 * DAY),
            said("one", "opened", NOON - 4 * DAY, is_machine=True),
            said("one", "clicked", NOON - 3 * DAY),
            said("two", "clicked", NOON - 7 * DAY, "sms"),
            said("three", "clicked", NOON - 14 * DAY),
            said("three", "clicked", NOON - 7 * DAY, "sms"),
            said("tie", "clicked", NOON - DAY, "sms", campaign_id=None),
            said("tie", "clicked", NOON - DAY, "email", campaign_id=None),
            said("day 30", "clicked", FIRST_OF_JUNE),
            said("day 31", "clicked", FIRST_OF_JUNE - MICROSECOND),
            said("at the order", "clicked", NOON),
            said("after the order", "clicked", NOON + MICROSECOND),
            said("by post", "sent", NOON - 5 * DAY, "post"),
            said("nothing bought", "delivered", NOON - 5 * DAY),
            *(said("five", "clicked", NOON - days * DAY, "push") for days in (9, 8, 7)),
        ],
    ),
    "web_events": numbered(
        "event_id",
        [
            came("two", NOON),
            came("three", NOON, "cpc", "spring"),
            came("five", NOON - DAY, "cpc"),
            came("five", NOON),
            came("direct", NOON - 2 * DAY),
            came("direct", NOON - DAY),
        ],
    ),
    "marketing_spend": numbered(
        "spend_id",
        [
            {
                "spend_date": NOON.date(),
                "channel": "post",
                "amount": Decimal(20),
                "campaign_id": "spring",
            },
            {
                "spend_date": NOON.date() - DAY,
                "channel": "Post ",
                "amount": Decimal(-10),
                "campaign_id": "spring",
            },
        ],
    ),
}


@pytest.fixture(scope="module")
def town(campaigns: Pipeline) -> duckdb.DuckDBPyConnection:
    return campaigns.run(RAW, as_of=NOON + DAY, time_zone="Europe/London", currency="GBP")


def named(ref: str) -> str:
    return oracle.customer_id(("ref", "default", ref))


# Of each model the credits in order of time, and the channels that they go to.
EXAMPLES: dict[str, tuple[str, dict[str, str]]] = {
    "none": ("unattributed", dict.fromkeys(oracle_attribution.MODELS, "1")),
    "one": ("email", dict.fromkeys(oracle_attribution.MODELS, "1")),
    "two": (
        "sms direct",
        {
            "first": "1 0",
            "last": "0 1",
            "last_non_direct": "1 0",
            "linear": "0.5 0.5",
            "position_based": "0.5 0.5",
            "time_decay": "0.333333 0.666667",
        },
    ),
    "three": (
        "email sms paid_search",
        {
            "first": "1 0 0",
            "last": "0 0 1",
            "last_non_direct": "0 0 1",
            "linear": "0.333333 0.333333 0.333334",
            "position_based": "0.4 0.2 0.4",
            "time_decay": "0.142857 0.285714 0.571429",
        },
    ),
    # Weights of days 9, 8, 7, 1 and 0: .410168, .452862, .5, .905724, 1, of 3.268754.
    "five": (
        "push push push paid_search direct",
        {
            "first": "1 0 0 0 0",
            "last": "0 0 0 0 1",
            "last_non_direct": "0 0 0 1 0",
            "linear": "0.2 0.2 0.2 0.2 0.2",
            "position_based": "0.4 0.066667 0.066667 0.066667 0.399999",
            "time_decay": "0.125481 0.138543 0.152964 0.277085 0.305927",
        },
    ),
    "tie": ("email sms", {"first": "1 0", "last": "0 1", "last_non_direct": "0 1"}),
    "direct": ("direct direct", {"first": "1 0", "last": "0 1", "last_non_direct": "0 1"}),
    "day 30": ("email", {"last": "1"}),
    "day 31": ("unattributed", {"last": "1"}),
    "at the order": ("email", {"last": "1"}),
    "after the order": ("unattributed", {"last": "1"}),
    "by post": ("unattributed", {"last": "1"}),
}


@pytest.mark.parametrize("ref", EXAMPLES)
def test_an_order_is_shared_as_worked_by_hand(town: duckdb.DuckDBPyConnection, ref: str) -> None:
    channels, expected = EXAMPLES[ref]
    for model, credit in expected.items():
        found = town.execute(
            f"select paths.channel, {model}_credit from attribution_paths as paths "
            "inner join attribution_shares using (source_system, order_id, touch_kind, touch_id) "
            "where paths.customer_id = ? order by touch_number",
            [named(ref)],
        ).fetchall()
        assert [row[0] for row in found] == channels.split()
        assert [row[1] for row in found] == [Decimal(part) for part in credit.split()], model


def test_an_order_of_nobody_is_unattributed(town: duckdb.DuckDBPyConnection) -> None:
    found = town.execute(
        "select channel, linear_credit, linear_revenue from attribution_paths "
        "inner join attribution_shares using (source_system, order_id, channel) "
        "where customer_id is null"
    ).fetchall()
    assert found == [("unattributed", Decimal(1), Decimal(100))]


def test_a_campaign_is_told_as_worked_by_hand(town: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "contacted, delivered, opened, clicked, responded, converted, revenue, spend, open_rate, "
        "click_through_rate, response_rate, conversion_rate, roi"
    )
    found = {
        row[0]: row[1:]
        for row in town.execute(
            f"select channel, {columns} from campaign_performance where segment_key = 'all'"
        ).fetchall()
    }
    # Contacted: one, two, three, five, day 30, day 31, at and after the order, by post, and who
    # bought nothing; all but the last two clicked. Won: one, two (by SMS, before the direct visit),
    # three (by the visit), day 30, at the order, by post; the last visit of five had no campaign.
    d = Decimal
    assert found["all"] == (
        10, 2, 1, 8, 9, 6, d(540), d(10),
        d("0.5"), d(4), d("0.9"), d("0.6"), d(53),
    )  # fmt: skip
    # A letter is not clicked: the offer code tells whom it moved.
    assert found["post"] == (1, 0, 0, 0, 1, 1, d(40), d(10), None, None, d(1), d(1), d(3))
    assert found["paid_search"][:7] == (1, 0, 0, 0, 1, 1, d(100))
    # five's clicks by push stand in its own channel, and won nothing.
    assert found["push"][:7] == (1, 0, 0, 1, 1, 0, d(0))


def test_channels_convert_people_and_all_of_them_convert_each_once(
    town: duckdb.DuckDBPyConnection,
) -> None:
    found = {
        row[:2]: row[2:]
        for row in town.execute(
            "select month(period_start), channel, contacted, converted from channel_conversion"
        ).fetchall()
    }
    assert found[6, "direct"] == (3, 3)
    assert found[6, "sms"] == (3, 3)
    assert found[6, "post"] == (1, 0)
    assert found[6, "all"] == (11, 8)
    assert found[5, "email"] == (1, 0)


# What is wrong with the input ----------------------------------------------------------------


def test_bad_campaigns_and_spend_are_told_and_counted(campaigns: Pipeline) -> None:
    rows = {entity: [dict(row) for row in rows] for entity, rows in RAW.items()}
    rows["campaigns"].append(
        {
            "campaign_id": "backwards",
            "source_system": "default",
            "started_at": NOON,
            "ended_at": NOON - MICROSECOND,
        }
    )
    rows["campaigns"].append({"campaign_id": "spring", "source_system": "crm", "name": "Spring"})
    more = [
        {"campaign_id": "nobody knows it", "amount": Decimal(5)},
        {"campaign_id": "spring", "amount": Decimal(3), "segment_key": "no such segment"},
        {"campaign_id": "backwards", "amount": Decimal(-1)},
    ]
    for number, row in enumerate(more):
        rows["marketing_spend"].append(
            {
                "spend_id": f"more {number}",
                "source_system": "default",
                "spend_date": NOON.date(),
                "channel": "radio",
                **row,
            }
        )
    connection = campaigns.run(rows, as_of=NOON + DAY, time_zone="Europe/London", currency="GBP")
    told = {
        "assert_campaigns_end_after_they_start": {("default", "backwards")},
        "assert_campaigns_have_one_source_system": {("spring", 2)},
        "assert_spend_names_known_campaigns": {("nobody knows it", 1)},
        "assert_spend_names_known_segments": {("no such segment", 1)},
        "assert_credits_do_not_outweigh_spend": {("radio", "backwards")},
        "assert_clicks_have_deliveries": {
            ("spring", "email"), ("spring", "sms"), ("spring", "push"),
        },
    }  # fmt: skip
    for test, expected in told.items():
        assert {row[:2] for row in campaigns.failing_rows(connection, test)} == expected, test
        config = campaigns.tests[test]["config"]
        assert config["severity"].lower() == "warn", test
        assert config["meta"]["fault"], test
        assert config["meta"]["remedy"], test
    # Nothing of it is lost: the ledger stands beside the orders, whatever it names.
    for test in TESTS:
        assert campaigns.failing_rows(connection, test) == []
    assert connection.execute(
        "select campaign_id, spend, roi from campaign_performance "
        "where segment_key = 'all' and channel = 'radio' order by all"
    ).fetchall() == [
        ("backwards", Decimal(-1), None),
        ("nobody knows it", Decimal(5), Decimal(-1)),
        ("spring", Decimal(3), Decimal(-1)),
    ]


@nightly
@pytest.mark.kpis
def test_a_refresh_publishes_them_and_says_what_is_wrong(workspace: Workspace) -> None:
    workspace.write(
        "orders.csv",
        "order_id,ordered_at,customer_ref,net_amount\n1,2026-06-29T12:00:00Z,a,40\n"
        "2,2026-06-30T12:00:00Z,b,60\n",
    )
    workspace.write(
        "campaigns.csv",
        "campaign_id,name,is_segmented,started_at,ended_at\n"
        "spring,Spring,true,2026-06-20T00:00:00Z,2026-06-19T00:00:00Z\n",
    )
    workspace.write(
        "message_events.csv",
        "event_id,occurred_at,event_name,channel,customer_ref,campaign_id\n"
        "1,2026-06-28T12:00:00Z,clicked,email,a,spring\n",
    )
    workspace.write(
        "marketing_spend.csv",
        "spend_id,spend_date,channel,amount,campaign_id\n1,2026-06-28,Newsletter,8,spring\n",
    )
    workspace.refresh()
    d = Decimal
    assert workspace.query(
        "select channel, campaign_id, attributed_orders, attributed_revenue, spend, "
        "return_on_ad_spend from attribution_performance where attribution_model = 'linear' "
        "order by all"
    ) == [
        ("email", "spring", d(1), d(40), d(8), d(5)),
        ("unattributed", None, d(1), d(60), d(0), None),
    ]
    assert workspace.query(
        "select contacted, clicked, converted, revenue, spend, roi from campaign_performance "
        "where segment_key = 'all' and channel = 'all'"
    ) == [(1, 1, 1, d(40), d(8), d(4))]
    assert workspace.query("select count(*) from campaign_comparison") == [(2,)]
    observed = dict(
        workspace.query("select check_name, observed from quality_results where not passed")
    )
    assert (
        "campaign_id spring, started_at 2026-06-20"
        in observed["assert_campaigns_end_after_they_start"]
    )
    assert "assert_clicks_have_deliveries" in observed
    assert {"assert_spend_names_known_campaigns", *TESTS}.isdisjoint(observed)


def test_a_later_touch_in_a_path_would_stop_the_refresh(campaigns: Pipeline) -> None:
    connection = campaigns.run(RAW, as_of=NOON + DAY, time_zone="Europe/London", currency="GBP")
    connection.execute(
        "update attribution_paths set touched_at = ordered_at + interval 1 microsecond "
        "where touch_kind = 'session' and touch_number = 1"
    )
    test = "assert_no_order_is_owed_to_a_later_touch"
    assert campaigns.failing_rows(connection, test) != []
    assert campaigns.tests[test]["config"]["severity"].lower() == "error"


def test_without_touches_or_spend_every_order_is_unattributed(campaigns: Pipeline) -> None:
    connection = campaigns.run({"orders": RAW["orders"]}, as_of=NOON + DAY)
    assert connection.execute(
        "select distinct channel, campaign_id, spend, return_on_ad_spend, attributed_orders "
        "from attribution_performance"
    ).fetchall() == [("unattributed", None, Decimal(0), None, Decimal(13))]
    for table in ("campaign_performance", "campaign_traffic", "channel_conversion"):
        assert connection.execute(f"select count(*) from {table}").fetchall() == [(0,)]
    assert connection.execute("select distinct verdict from campaign_comparison").fetchall() == [
        ("cannot tell",)
    ]


def test_nobody_and_nothing_is_empty_and_not_broken(campaigns: Pipeline) -> None:
    connection = campaigns.run({}, as_of=NOON)
    for table in ("attribution_credits", "attribution_performance", "campaign_performance"):
        assert connection.execute(f"select count(*) from {table}").fetchall() == [(0,)]
    for test in TESTS:
        assert campaigns.failing_rows(connection, test) == []


# Against the recomputation -------------------------------------------------------------------


def check(
    pipeline: Pipeline,
    business: Business,
    minimum: int = oracle_attribution.MINIMUM_SAMPLE,
    has_accounts: bool = False,
) -> duckdb.DuckDBPyConnection:
    world = oracle_variables.prepare(business.raw)
    view = oracle_variables.View(world, business.as_of)
    instants = oracle.month_ends(world.ledger, business.as_of)
    connection = pipeline.run(
        business.raw.entities(),
        as_of=business.as_of,
        instants=instants,
        time_zone=business.raw.time_zone,
        currency="GBP",
    )
    touches, contacts = oracle_attribution.happenings(view)
    converted = oracle_attribution.conversions(view, touches)
    ledger = oracle_attribution.spent(view)
    check_credits(connection, converted)
    check_performance(connection, converted, ledger)

    observed_at = [*instants, business.as_of]
    history = oracle.history(oracle.observe(world.ledger, observed_at))
    stays, listed, groups = [*history.stays], {*history.observed}, dict(oracle.GROUPS)
    if has_accounts:
        accounts = oracle_accounts.observed_accounts(business.raw, observed_at)
        stays += accounts.people
        listed |= {*accounts.observed}
        groups["b2b"] = tuple(oracle_accounts.B2B)
    standing = oracle_attribution.standings(view, contacts, converted)
    audience = oracle_attribution.audiences(standing, stays, listed, groups)
    costs = oracle_attribution.campaign_costs(ledger, audience)
    found = keyed(
        connection,
        "select campaign_id, segment_key, channel, contacted, delivered, opened, clicked, "
        "responded, converted, order_count, revenue, spend, open_rate, click_through_rate, "
        "response_rate, conversion_rate, roi from campaign_performance",
        3,
    )
    expected_rows = oracle_attribution.campaigns(view, standing, audience, costs)
    assert found == expected_rows
    found = keyed(
        connection,
        "select campaign_id, segment_key, channel, is_sample_sufficient, roi_rank "
        "from campaign_performance",
        3,
    )
    assert found == oracle_attribution.ranks(expected_rows, listed, minimum)
    found = keyed(
        connection,
        "select distinct campaign_id, campaign_name, is_segmented from campaign_performance",
        1,
    )
    told = oracle_attribution.described(view)
    campaigns = {campaign for campaign, _, _ in expected_rows}
    assert found == {(campaign,): told.get(campaign, (None, None)) for campaign in campaigns}

    found = keyed(
        connection,
        "select campaign_id, is_segmented, contacted, responded, converted from campaign_samples",
        1,
    )
    expected = oracle_attribution.samples(view, standing)
    assert found == {(campaign,): row for campaign, row in expected.items()}

    found = keyed(
        connection,
        "select period_start, channel, contacted, converted, conversion_rate "
        "from channel_conversion",
        2,
    )
    assert found == oracle_attribution.channel_conversion(contacts, converted)
    found = keyed(
        connection,
        "select campaign_id, period_start, session_count, page_view_count, seconds_on_site "
        "from campaign_traffic",
        2,
    )
    assert found == oracle_attribution.traffic(view)
    assert [name for name in TESTS if pipeline.failing_rows(connection, name)] == []
    return connection


def keyed(connection: duckdb.DuckDBPyConnection, query: str, keys: int) -> dict[Any, Any]:
    rows = connection.execute(query).fetchall()
    found = {row[:keys]: row[keys:] for row in rows}
    assert len(found) == len(rows)
    return found


def check_credits(
    connection: duckdb.DuckDBPyConnection, converted: list[oracle_attribution.Conversion]
) -> None:
    found = keyed(
        connection,
        "select source_system, order_id, attribution_model, touch_kind, touch_id, channel, "
        "campaign_id, credit, attributed_revenue from attribution_credits",
        5,
    )
    expected = {}
    for conversion in converted:
        order = conversion.order
        for model, rows in oracle_attribution.credit_of(conversion).items():
            for touch, credit, revenue in rows:
                of = (touch.kind, touch.touch_id) if touch else ("none", "none")
                by = (touch.channel, touch.campaign) if touch else ("unattributed", None)
                expected[(order.source_system, order.order_id, model, *of)] = (*by, credit, revenue)
    assert found == expected


def check_performance(
    connection: duckdb.DuckDBPyConnection,
    converted: list[oracle_attribution.Conversion],
    ledger: list[oracle_attribution.Spend],
) -> None:
    found = keyed(
        connection,
        "select attribution_model, channel, campaign_id, period_start, attributed_orders, "
        "attributed_revenue, spend, return_on_ad_spend from attribution_performance",
        4,
    )
    assert found == oracle_attribution.performance(converted, ledger)


@pytest.mark.parametrize("seed", range(2))
def test_every_figure_equals_the_recomputation_with_every_oddity_of_campaigns(
    campaigns: Pipeline, seed: int
) -> None:
    connection = check(campaigns, build(random.Random(seed), [*CAMPAIGN_PARTS * 4, *ALL_PARTS]))
    # What is compared is there: an empty table equals another.
    for claim in (
        "attribution_paths where touch_count >= 5",
        "attribution_paths where is_last_not_direct and touch_number < touch_count",
        "attribution_paths where touch_count >= 2 and net_revenue < 0",
        "attribution_paths where touch_kind = 'none'",
        "campaign_conversions where won_by = 'offer'",
        "campaign_conversions where won_by = 'touch'",
        "campaign_performance where segment_key like 'lifecycle_%' and spend > 0 and converted > 0",
        "campaign_performance where segment_key not like '%_none' and segment_key <> 'all'"
        " and responded > converted",
        "attribution_performance where return_on_ad_spend > 0",
        "channel_conversion where conversion_rate between 0.1 and 0.9",
    ):
        assert connection.execute(f"select count(*) > 0 from {claim}").fetchall() == [(True,)], (
            claim
        )


def test_every_figure_of_segments_of_accounts_equals_the_recomputation(
    pipeline_of_accounts: Pipeline,
) -> None:
    parts = [*CAMPAIGN_PARTS * 4, *ALL_PARTS, campaigns_for_businesses, businesses_as_customers]
    connection = check(
        pipeline_of_accounts.reduced_to(TABLES),
        build(random.Random(1), parts),
        minimum=3,
        has_accounts=True,
    )
    # What is compared is there: each of these in rows of accounts' segments, and contacts who move,
    # are merged and are first known after their account was in.
    of_accounts = "inner join kpi_segments using (segment_key) where entity = 'account'"
    for claim in (
        f"campaign_performance {of_accounts} and is_none and spend > 0 and converted > 0",
        f"campaign_performance {of_accounts} and not is_none and spend > 0 and converted > 0",
        f"campaign_performance {of_accounts} and not is_none and channel <> 'all' and opened > 0",
        f"campaign_performance {of_accounts} and exclusive_group is null and contacted > 1",
        f"campaign_performance {of_accounts} and roi_rank > 1",
        f"campaign_performance {of_accounts} and contacted = 0",
        "customer_accounts where account_count > 1",
        "customer_accounts inner join customer_links using (customer_id)"
        " where record_kind = 'reference'"
        " group by customer_id having count(distinct (source_system, reference)) > 1",
        "segment_stays as stays inner join customer_accounts using (customer_id)"
        " inner join account_segment_membership_history as history"
        " using (segment_key, account_id) where stays.valid_from > history.valid_from",
    ):
        assert connection.execute(f"select 1 from {claim} limit 1").fetchall(), claim


def test_it_does_so_for_a_business_that_spends_nothing(campaigns: Pipeline) -> None:
    check(campaigns, every_oddity(7))


@settings(
    max_examples=examples(4, 8),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    parts=st.lists(st.sampled_from((*CAMPAIGN_PARTS, *ALL_PARTS)), max_size=10),
    rng=st.randoms(use_true_random=False),
)
def test_every_figure_equals_the_recomputation_for_any_business(
    campaigns: Pipeline, parts: list[Any], rng: random.Random
) -> None:
    check(campaigns, build(rng, parts))
