"""The contract file is read as it is written, and refused when it is not well formed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from orchestration.contract import Freshness, did_you_mean, load_contract
from orchestration.errors import ClienteleError

MINIMAL = """
sources:
  - name: raw
    tables:
      - name: orders
        config: {{meta: {meta}}}
        columns:
          - {{name: order_id, data_type: {kind}, config: {{meta: {{required: true}}}}}}
          - {{name: line, data_type: int, config: {{meta: {column}}}}}
  - name: run
    tables: []
"""

#: Entities and columns of the documented input contract.
DOCUMENTED = {
    "customers": (
        "customer_ref source_system email phone first_name last_name birth_date gender "
        "income_band education occupation household_size has_children country region city "
        "postal_code created_at acquisition_channel acquisition_campaign_id account_ref "
        "updated_at attributes"
    ),
    "orders": (
        "order_id ordered_at customer_ref email phone status currency gross_amount "
        "discount_amount tax_amount shipping_amount net_amount sales_channel coupon_code "
        "source_system updated_at"
    ),
    "order_lines": (
        "order_id line_number product_id quantity unit_price discount_amount ordered_at "
        "customer_ref currency status"
    ),
    "refunds": "refund_id refunded_at amount order_id customer_ref email currency reason",
    "products": "product_id name category subcategory brand tier unit_cost valid_from",
    "web_events": (
        "event_id occurred_at event_name anonymous_id customer_ref email session_id "
        "page_url product_id order_id cart_id value utm_source utm_medium utm_campaign "
        "referrer device properties"
    ),
    "message_events": (
        "event_id occurred_at event_name channel customer_ref email campaign_id "
        "message_id is_machine"
    ),
    "campaigns": (
        "campaign_id name channel objective is_promotional target_segment is_segmented "
        "offer_code requested_at started_at ended_at manual_minutes"
    ),
    "marketing_spend": (
        "spend_id spend_date channel amount campaign_id cost_type segment_key currency"
    ),
    "leads": "lead_id created_at customer_ref email source status converted_at lost_at",
    "support_tickets": (
        "ticket_id opened_at customer_ref email closed_at category priority csat_score "
        "feature_request"
    ),
    "survey_responses": "response_id responded_at question customer_ref email score answer",
    "consents": "changed_at purpose granted customer_ref email channel source",
    "referrals": "referrer_ref referred_ref referred_at",
    "social_mentions": "mention_id occurred_at customer_ref platform kind sentiment",
    "accounts": (
        "account_ref name employees annual_revenue currency founded_year country region "
        "industry_code industry_scheme industry organisation_structure "
        "technology_adoption business_model market_cap payment_terms technologies "
        "observed_at"
    ),
    "subscriptions": (
        "subscription_id started_at customer_ref account_ref plan status ended_at "
        "trial_ends_at monthly_amount currency"
    ),
    "product_usage": "used_on feature customer_ref account_ref uses minutes",
    "business_events": (
        "event_id occurred_at event_name customer_ref email subject starts_at ends_at "
        "value properties"
    ),
    "experiment_assignments": "experiment_id customer_ref arm assigned_at campaign_id segment_key",
    "market_sizes": "market period_start customers revenue currency country region",
    "fx_rates": "rate_date currency rate_to_reporting",
    "erasure_requests": "request_id requested_at customer_ref email phone",
}


def write(
    folder: Path, *, meta: str = "{key: [order_id]}", kind: str = "string", column: str = "{}"
) -> Path:
    path = folder / "_sources.yml"
    path.write_text(MINIMAL.format(meta=meta, kind=kind, column=column), encoding="utf-8")
    return path


def test_the_projects_own_contract_is_read() -> None:
    contract = load_contract()

    lines = contract.entity("order_lines")
    assert lines.position_column == "line_number"
    assert lines.replaced_by == ("source_system", "order_id")
    assert lines.column("quantity").sql_type == "DECIMAL(18,4)"
    assert lines.column("quantity").required
    assert lines.column("ordered_at").event_time
    assert contract.entity("refunds").column("amount").minimum == 0
    assert contract.entity("customers").column("email").personal == "direct"
    assert contract.entity("orders").orders_by == "updated_at"
    assert {"source_files", "rejects"} <= contract.run_tables.keys()
    assert contract.entity("orders").freshness == Freshness(3, 14)
    assert contract.entity("fx_rates").event_time == "rate_date"
    assert contract.entity("fx_rates").column("rate_to_reporting").above == 0
    assert contract.entity("marketing_spend").key_if_given
    assert contract.entity("consents").one_of == ("customer_ref", "email")
    assert contract.entity("survey_responses").column("score").limits_where == ("question", "nps")
    assert contract.entity("customers").column("birth_date").not_before == dt.date(1900, 1, 1)
    assert contract.entity("customers").column("birth_date").not_after_load


def test_every_entity_of_the_documented_contract_is_declared() -> None:
    """The names that other programs rely on; a column may be added and none may go."""
    declared = {entity.name: set(entity.column_names) for entity in load_contract().entities}
    assert set(declared) == set(DOCUMENTED)
    for name, columns in DOCUMENTED.items():
        assert set(columns.split()) <= declared[name], name


def test_personal_columns_are_tagged_where_they_enter() -> None:
    personal = {"email", "phone", "first_name", "last_name", "birth_date", "postal_code"}
    identifiers = {"customer_ref", "anonymous_id", "referrer_ref", "referred_ref"}
    for entity in load_contract().entities:
        assert entity.owner, entity.name
        for column in entity.columns:
            where = f"{entity.name}.{column.name}"
            if column.name in personal:
                assert column.personal == "direct", where
            if column.name in identifiers:
                assert column.personal == "identifier", where
            if column.format == "json" and column.name != "technologies":
                assert column.personal == "attribute", where


def test_every_entity_may_carry_its_source_system() -> None:
    for entity in load_contract().entities:
        assert "source_system" in entity.column_names, entity.name


@pytest.mark.parametrize(
    ("meta", "kind", "told"),
    [
        ("{key: [ordr_id]}", "string", "'ordr_id', which is not declared"),
        ("{orders_by: updated_at}", "string", "'updated_at', which is not declared"),
        ("{key: [order_id]}", "float", "unknown type 'float'"),
        ("{key: [order_id, line], position_within: [line]}", "string", "position_within"),
        ("{required: maybe}", "string", "'required' must be"),
    ],
)
def test_a_malformed_contract_is_refused(tmp_path: Path, meta: str, kind: str, told: str) -> None:
    with pytest.raises(ClienteleError, match=told):
        load_contract(write(tmp_path, meta=meta, kind=kind))


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("{maximum: 10, limits_where: {qestion: nps}}", "'qestion', which is not declared"),
        ("{maximum: 10, limits_where: nps}", "must name one column"),
        ("{maximum: 10, limits_where: {order_id: a, line: 1}}", "must name one column"),
        ("{limits_where: {order_id: a}}", "without a minimum, maximum or above"),
        ("{not_before: 1900-01-01}", "'not_before' of column 'line'"),
        ("{not_after_load: true}", "'not_after_load' of column 'line'"),
    ],
)
def test_a_limit_that_could_never_hold_is_refused(tmp_path: Path, column: str, told: str) -> None:
    with pytest.raises(ClienteleError, match=told):
        load_contract(write(tmp_path, column=column))


def test_a_missing_or_broken_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ClienteleError, match="cannot be read"):
        load_contract(tmp_path / "_sources.yml")
    (tmp_path / "_sources.yml").write_text("sources:\n  - {name: raw", encoding="utf-8")
    with pytest.raises(ClienteleError, match=r"line 2.*not valid YAML"):
        load_contract(tmp_path / "_sources.yml")


def test_a_new_entity_needs_only_yaml(tmp_path: Path) -> None:
    path = tmp_path / "_sources.yml"
    path.write_text(
        MINIMAL.format(meta="{key: [order_id], key_if_given: true}", kind="bigint", column="{}"),
        encoding="utf-8",
    )

    entity = load_contract(path).entity("orders")

    assert entity.key_if_given
    assert entity.column("order_id").sql_type == "BIGINT"


def test_the_nearest_word_is_suggested() -> None:
    assert did_you_mean("Order", ["orders", "refunds"]) == "did you mean 'orders'?"
    assert did_you_mean("zzz", ["orders", "refunds"]) == "expected one of: orders, refunds"
