"""`clientele check-mapping` says what a refresh would load, and touches nothing."""

from __future__ import annotations

import pytest
from conftest import Workspace

MAPPING = """
business_time_zone: Europe/London
entities:
  orders:
    files: "export/*.csv"
    columns:
      order_id: Name
      ordered_at: Created
      email: Mail
      net_amount: "replace(Total, ',', '')"
    where: "State <> 'draft'"
"""
EXPORT = """Name,Created,Mail,Total,State,Note
7,2025-07-01 10:00:00,annabel@example.com,"1,234.50",paid,call annabel
8,2025-07-01 11:00:00,bob@example.com,x,paid,
9,2025-07-01 11:00:00,bob@example.com,5,draft,
10,never,cy@example.com,5,paid,
"""


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    workspace.write("mapping.yml", MAPPING)
    workspace.write("export/may.csv", EXPORT)
    return workspace


def check(shop: Workspace, *arguments: str) -> str:
    before = sorted(str(path) for path in shop.warehouse.rglob("*"))
    completed = shop.run("check-mapping", *arguments)
    assert completed.returncode == 0, completed.stderr
    assert sorted(str(path) for path in shop.warehouse.rglob("*")) == before
    return completed.stdout


def test_it_says_what_would_be_loaded(shop: Workspace) -> None:
    said = check(shop)
    assert "orders: 1 files, 4 lines: 1 accepted, 2 rejected, 1 filtered, 0 repeated" in said
    assert (
        "rejected     1 x net_amount: not a decimal number (such as landing/export/may.csv line 3)"
    ) in said
    assert "1 x ordered_at: not an ISO 8601 time (such as landing/export/may.csv line 5)" in said
    assert "filled       order_id, ordered_at, email, net_amount, source_system" in said
    assert "stays empty  customer_ref, phone, status" in said
    assert "orders/export/*.csv: columns that nothing reads: Note" in said
    assert "1 files with 4 lines were read; nothing was loaded." in said
    # The first row as it stands, by its shape, and as it would be loaded, in UTC.
    assert "before       landing/export/may.csv line 2: 9,9999-99-99 99:99:99,xxxxxxx" in said
    assert "ordered_at=2025-07-01 09:00:00" in said
    assert "net_amount=1234.5000" in said


def test_personal_values_are_shown_only_when_asked_for(shop: Workspace) -> None:
    said = check(shop)
    assert "annabel" not in said
    assert "email=(19 characters)" in said
    shown = check(shop, "--show-values")
    assert "email=annabel@example.com" in shown
    assert "call annabel" in shown


def test_five_rows_are_shown_at_most(shop: Workspace) -> None:
    rows = [f"{number},2025-07-01,,5,paid," for number in range(20)]
    shop.write("export/may.csv", "\n".join(["Name,Created,Mail,Total,State,Note", *rows]) + "\n")
    assert check(shop).count("  before ") == 5


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        (MAPPING.replace("net_amount:", "net_amout:"), "did you mean 'net_amount'?"),
        (MAPPING.replace("order_id: Name", "order_id: Nmae"), "did you mean 'Name'?"),
        (MAPPING.replace("net_amount:", "tax_amount:"), "needs 'net_amount'"),
    ],
)
def test_a_wrong_mapping_is_told_as_the_refresh_would_tell_it(
    shop: Workspace, mapping: str, told: str
) -> None:
    shop.write("mapping.yml", mapping)
    completed = shop.run("check-mapping")
    assert completed.returncode == 1
    assert told in completed.stderr
    assert completed.stderr.startswith("clientele: mapping.yml line ")
    assert "Traceback" not in completed.stderr


def test_it_looks_at_everything_whatever_was_loaded_before(shop: Workspace) -> None:
    shop.write("refunds.csv", "refund_id,refunded_at,amount\n")
    said = check(shop)
    assert "refunds: 1 files, 0 lines" in said
    assert "landing/refunds.csv: holds a header and no rows" in said
