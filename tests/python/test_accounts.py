"""Business accounts on the whole pipeline: what is wrong in their input loses nothing.

The edges of every model stand in the unit tests beside it; here is what crosses models.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from pipeline import Pipeline

AS_OF = datetime(2026, 6, 30, 12)
SYSTEM = {"source_system": "crm"}


def contact(ref: str, account: str | None, email: str, day: int = 1) -> dict[str, Any]:
    return {
        **SYSTEM,
        "customer_ref": ref,
        "account_ref": account,
        "email": email,
        "created_at": datetime(2026, 5, day),
    }


def order(number: int, ref: str, amount: str, day: int) -> dict[str, Any]:
    return {
        **SYSTEM,
        "order_id": f"o{number}",
        "customer_ref": ref,
        "ordered_at": datetime(2026, 4, day),
        "net_amount": Decimal(amount),
    }


ROWS: dict[str, list[dict[str, Any]]] = {
    "customers": [
        contact("ann", "alpha", "ann@acme.test"),
        contact("bob", "alpha", "bob@acme.test"),
        contact("cat", "beta", "cat@acme.test"),
        # In two accounts at once; the later record decides.
        contact("dan", "alpha", "dan@acme.test"),
        contact("dan2", "gamma", "dan@acme.test", day=2),
        contact("eve", None, "eve@acme.test"),
    ],
    # All before the records that name the accounts were created.
    "orders": [
        order(1, "ann", "10.00", 1),
        order(2, "bob", "20.50", 2),
        order(3, "cat", "30.00", 3),
        order(4, "dan", "40.00", 4),
        order(5, "eve", "50.00", 5),
        order(6, "ann", "-1.00", 6),
    ],
    "accounts": [
        {**SYSTEM, "account_ref": "alpha", "parent_account_ref": "beta", "employees": 10},
        {**SYSTEM, "account_ref": "beta", "parent_account_ref": "alpha", "employees": 11},
        {**SYSTEM, "account_ref": "gamma", "parent_account_ref": "holding"},
        {**SYSTEM, "account_ref": "rich", "annual_revenue": Decimal(5), "currency": "USD"},
    ],
}


@pytest.fixture(scope="module")
def built(pipeline: Pipeline) -> duckdb.DuckDBPyConnection:
    april = datetime(2026, 4, 30, 23, 59)
    return pipeline.run(ROWS, as_of=AS_OF, instants=[april], currency="EUR")


def test_accounts_and_the_customers_of_none_add_up_to_the_whole(
    built: duckdb.DuckDBPyConnection,
) -> None:
    by_instant = built.execute(
        "select as_of, sum(net_revenue_lifetime), sum(order_count_lifetime) from account_profiles "
        "group by as_of order by as_of"
    ).fetchall()
    assert [row[1:] for row in by_instant] == [(Decimal("99.5"), 5), (Decimal("99.5"), 5)]
    of_none = built.execute(
        "select sum(net_revenue_lifetime) from customer_profiles where customer_id not in "
        "(select customer_id from customer_accounts) and as_of = ?",
        [AS_OF],
    ).fetchall()
    assert of_none == [(Decimal(50),)]
    groups = built.execute(
        "select account_ref, customer_count, net_revenue_365d, group_net_revenue_365d "
        "from account_profiles where as_of = ? order by account_ref",
        [AS_OF],
    ).fetchall()
    assert groups == [
        ("alpha", 2, Decimal("29.5"), Decimal("29.5")),
        ("beta", 1, Decimal(30), Decimal(30)),
        ("gamma", 1, Decimal(40), Decimal(40)),
        ("holding", 0, Decimal(0), Decimal(40)),
        ("rich", 0, Decimal(0), Decimal(0)),
    ]


def test_what_is_wrong_is_shown_and_stops_nothing(
    pipeline: Pipeline, built: duckdb.DuckDBPyConnection
) -> None:
    assert pipeline.failing_tests(built) == {}

    def found(name: str) -> list[tuple[Any, ...]]:
        return pipeline.failing_rows(built, name)

    assert [row[2] for row in found("assert_contacts_name_one_account")] == [2]
    circular = found("assert_account_parents_are_not_circular")
    assert sorted(row[2] for row in circular) == ["alpha", "beta"]
    assert found("assert_account_amounts_have_a_rate") == [("USD", None, 1)]


def test_a_sum_that_is_not_that_of_the_contacts_stops_the_refresh(pipeline: Pipeline) -> None:
    connection = pipeline.run(ROWS, as_of=AS_OF, currency="EUR")
    connection.execute("delete from customer_accounts where account_count > 1")
    failing = pipeline.failing_tests(connection)
    assert failing == {"assert_account_rollups_equal_their_contacts": 1}


def test_the_order_of_rows_changes_nothing(
    pipeline: Pipeline, built: duckdb.DuckDBPyConnection
) -> None:
    turned = {entity: rows[::-1] for entity, rows in ROWS.items()}
    again = pipeline.run(turned, as_of=AS_OF, currency="EUR")
    query = "select * from account_profiles where as_of = ? order by all"
    assert again.execute(query, [AS_OF]).fetchall() == built.execute(query, [AS_OF]).fetchall()


def test_the_catalogue_measures_the_current_profiles(built: duckdb.DuckDBPyConnection) -> None:
    found = built.execute(
        "select name, entity, profile_count, filled_count, fill_rate from variable_catalogue "
        "where name in ('purchase_frequency', 'company_size', 'age', 'predicted_values') "
        "order by name, entity"
    ).fetchall()
    assert found[-3:] == [
        ("predicted_values", "customer", None, None, None),
        ("purchase_frequency", "account", 5, 5, Decimal(1)),
        ("purchase_frequency", "customer", 5, 5, Decimal(1)),
    ]
    assert found[-4] == ("company_size", "account", 5, 2, Decimal("0.4"))
    columns = {
        (entity, column)
        for entity in ("customer", "account")
        for column, *_ in built.execute(f"describe {entity}_profiles").fetchall()
    }
    measured = built.execute("select entity, column_name from profile_columns").fetchall()
    assert set(measured) == columns
    assert len(measured) == len(columns)
    variables = built.execute("select distinct variable from variable_catalogue").fetchall()
    assert {name for (name,) in variables} == {f"SV-{number:02d}" for number in range(1, 49)}
