"""A wrong file's rows are taken out again, and a file is read again under a mended mapping.

Through ingestion alone where that shows it; through whole refreshes where a release must say so.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import Workspace, nightly
from test_ingest import CONTRACT, LOADED_AT, ORDERS, Shop

from orchestration.errors import ClienteleError
from orchestration.ingest import ingest
from orchestration.mapping import load_mapping
from orchestration.retraction import Withdrawal, Withdrawn, withdraw

AT = dt.datetime(2024, 6, 2, 8, tzinfo=dt.UTC)
ROW = "1,2024-01-01,5\n"


@dataclass
class History(Shop):
    """A shop whose files can be taken out between two ingestions."""

    told: list[str] = field(default_factory=list)

    def withdraw(self, *, retract: tuple[str, ...] = (), retry: tuple[str, ...] = ()) -> Withdrawn:
        landing = self.folder / "landing"
        asked = Withdrawal(retract, retry, "wrong month")
        withdrawn = withdraw(self.known, asked, landing, AT)
        self.runs += 1
        result = ingest(
            landing=landing,
            warehouse=self.folder / "warehouse",
            mapping=load_mapping(landing / "mapping.yml", CONTRACT),
            contract=CONTRACT,
            known=withdrawn.known,
            run_id=f"run{self.runs}",
            loaded_at=LOADED_AT,
            progress=self.lines.append,
        )
        self.known = [*withdrawn.files, *result.files]
        self.batches.extend(result.batches)
        return withdrawn


@pytest.fixture
def shop(tmp_path: Path) -> History:
    (tmp_path / "landing").mkdir()
    return History(tmp_path)


def orders(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.query("select order_id, net_amount, _source_file from raw.orders order by all")


def test_a_retracted_files_rows_and_rejects_are_gone_and_the_rest_stays(shop: History) -> None:
    shop.land("orders/good.csv", ORDERS + ROW)
    shop.land("orders/wrong.csv", ORDERS + "2,2024-01-02,7\n3,never,7\n")
    shop.load()  # both in one Parquet batch
    withdrawn = shop.withdraw(retract=("orders/wrong.csv",))
    assert withdrawn.messages == ("landing/orders/wrong.csv: 1 rows of orders retracted",)
    assert orders(shop) == [("1", Decimal(5), "orders/good.csv")]
    assert shop.rejects() == []
    assert shop.query(
        "select source_file, accepted_rows, rejected_rows, retracted_at, retraction_reason"
        " from run.source_files order by 1"
    ) == [
        ("orders/good.csv", 1, 0, None, None),
        ("orders/wrong.csv", 1, 1, dt.datetime(2024, 6, 2, 8), "wrong month"),
    ]


def test_a_retracted_file_that_still_lies_there_is_not_loaded_again(shop: History) -> None:
    shop.land("orders/good.csv", ORDERS + ROW)
    shop.land("orders/wrong.csv", ORDERS + "2,2024-01-02,7\n")
    shop.load()
    shop.withdraw(retract=("orders/wrong.csv",))
    again = shop.withdraw()
    assert again.messages == (
        "landing/orders/wrong.csv: retracted on 2024-06-02 and not loaded again; "
        "`clientele quarantine --retry` brings it back",
    )
    shop.land("orders/same.csv", ORDERS + "2,2024-01-02,7\n")  # nor under another name
    shop.withdraw()
    assert [row[0] for row in orders(shop)] == ["1"]
    shop.withdraw(retry=("orders/wrong.csv",))
    assert [row[0] for row in orders(shop)] == ["1", "2"]


def test_every_content_that_came_under_the_name_is_taken_out(shop: History) -> None:
    shop.land("orders/good.csv", ORDERS + ROW)
    shop.land("orders/wrong.csv", ORDERS + "2,2024-01-02,7\n")
    shop.load()
    shop.land("orders/wrong.csv", ORDERS + "2,2024-01-02,8\n")
    shop.load()
    shop.withdraw(retract=("orders/wrong.csv",))
    assert [row[0] for row in orders(shop)] == ["1"]


def test_a_file_is_read_again_under_a_mended_mapping(shop: History) -> None:
    wrong = "entities:\n  orders:\n    files: o.csv\n    columns: {net_amount: gross}\n"
    shop.map(wrong)
    shop.land("o.csv", "order_id,ordered_at,gross,net\n1,2024-01-01,x,5\n2,2024-01-01,9,8\n")
    shop.load()
    assert orders(shop) == [("2", Decimal(9), "o.csv")]
    shop.map(wrong.replace("gross", "net"))
    assert shop.load().skipped_files == 1  # by content it is known
    withdrawn = shop.withdraw(retry=("o.csv",))
    assert withdrawn.messages == ("landing/o.csv: 1 rows of orders read again",)
    assert orders(shop) == [("1", Decimal(5), "o.csv"), ("2", Decimal(8), "o.csv")]
    assert shop.rejects() == []
    assert shop.withdraw().messages == ()


@pytest.mark.parametrize("name", ["orders/a.csv", "landing/orders/a.csv", "./orders/a.csv", "/"])
def test_a_file_is_named_as_people_name_it(shop: History, name: str) -> None:
    shop.land("orders/a.csv", ORDERS + ROW)
    shop.land("orders/b.csv", ORDERS + "2,2024-01-01,5\n")
    shop.load()
    full = str(shop.folder / "landing" / "orders" / "a.csv")
    shop.withdraw(retract=(full if name == "/" else name,))
    assert [row[0] for row in orders(shop)] == ["2"]


def test_what_cannot_be_taken_out_is_told(shop: History) -> None:
    path = shop.land("orders/a.csv", ORDERS + ROW)
    shop.load()

    def told(**asked: tuple[str, ...]) -> str:
        with pytest.raises(ClienteleError) as caught:
            shop.withdraw(**asked)
        return caught.value.sentence

    assert told(retract=("orders/aa.csv",)) == (
        "landing/orders/aa.csv: no file of that name has been loaded; did you mean 'orders/a.csv'?"
    )
    assert "no file of that name has been loaded" in told(retry=("nothing.csv",))
    shop.withdraw(retract=("orders/a.csv",))
    assert told(retract=("orders/a.csv",)) == (
        "landing/orders/a.csv: the file was retracted on 2024-06-02 already; "
        "source_files lists what counts."
    )
    path.unlink()
    shop.land("orders/b.csv", ORDERS + ROW)
    assert told(retry=("orders/a.csv",)) == (
        "landing/orders/a.csv: the file is no longer in the landing folder, so it cannot be read "
        "again; put it back, or take its rows out with `clientele retract`."
    )


# Whole refreshes -----------------------------------------------------------------------------

# What differs between two warehouses that hold the same: ids and times of runs, and history.
OWN = {
    "release",
    "quality_results",
    "source_files",
    "quarantine_summary",
    "source_inventory",
    "segment_events",
    "segment_membership",
    "segment_membership_history",
    "segment_sizes",
    "segment_migrations",
    "segment_definitions",
    "segment_definition_changes",
    "segment_kpis",
    "lifecycle_stages",
}


def january(customers: int, amount: int) -> str:
    rows = [
        f"{day:02d}-{number},2025-01-{day:02d}T10:00:00,C{number:02d},{amount}.00"
        for day in range(1, 29)
        for number in range(customers)
    ]
    return "\n".join(["order_id,ordered_at,customer_ref,net_amount", *rows]) + "\n"


@nightly
def test_a_retraction_is_a_gated_refresh_that_the_release_tells(workspace: Workspace) -> None:
    workspace.write("orders/a.csv", january(10, 20))
    workspace.settled()
    clean = {
        name: workspace.table(name)
        for (name,) in workspace.query("select table_name from duckdb_tables()")
        if name not in OWN
    }
    # The same orders at another price, and some that must never have come; 2 rows are refused.
    bad = january(12, 50) + "x,yesterday,C1,1\ny,2025-01-01,C1,abc\n"
    workspace.write("orders/bad.csv", bad)
    workspace.refresh()
    assert workspace.query("select count(*) from rfm_scores") == [(12,)]

    shown = workspace.run("quarantine")
    assert shown.returncode == 0, shown.stderr
    assert "2 rows are in quarantine" in shown.stdout
    assert "landing/orders/bad.csv line 339, net_amount: not a decimal number -- 'abc'" in (
        shown.stdout
    )
    wrong = workspace.run("quarantine", "--entity", "order")
    assert wrong.returncode == 1
    assert "did you mean 'orders'?" in wrong.stderr

    before = workspace.published()
    refused = workspace.run("retract", "orders/b.csv")
    assert refused.returncode == 1
    assert "landing/orders/b.csv: no file of that name has been loaded" in refused.stderr
    assert workspace.published() == before

    retracted = workspace.run("retract", "orders/bad.csv", "--reason", "test system")
    assert retracted.returncode == 0, retracted.stderr
    assert "retracted    landing/orders/bad.csv, 336 rows of orders" in retracted.stdout
    assert "test system" in retracted.stdout
    assert {name: workspace.table(name) for name in clean} == clean
    assert workspace.query(
        "select source_file, retraction_reason from source_files where retracted_at is not null"
    ) == [("orders/bad.csv", "test system")]
    assert "test system" in workspace.run("status").stdout
    assert "Nothing is in quarantine" in workspace.run("quarantine").stdout


@nightly
def test_too_many_rejects_stop_the_refresh_and_can_be_seen(workspace: Workspace) -> None:
    workspace.write("orders/a.csv", january(10, 20))
    workspace.settled()
    before = workspace.published()
    lines = [f"n{number},2025-01-28T12:00:00,C01,5.00" for number in range(98)]
    header = "order_id,ordered_at,customer_ref,net_amount\n"
    # 2 of 100 new lines are more than 1 %, though hardly any of all lines there are.
    broken = ["p,2025-01-28,bo@example.com,1,5", "q,2025-01-28,secret,abc"]
    path = workspace.write("orders/b.csv", header + "\n".join([*lines, *broken]) + "\n")
    sentence = workspace.refused()
    assert "assert_rejects_are_within_limits" in sentence
    assert "orders" in sentence
    assert "clientele quarantine" in sentence
    assert workspace.published() == before

    shown = workspace.run("quarantine").stdout
    assert "2 rows are in quarantine (the last refresh, which was stopped)" in shown
    assert "landing/orders/b.csv line 100" in shown
    assert "bo@example.com" not in shown
    assert "secret" not in shown

    # Exactly 1 % passes, and is told.
    path.write_text(header + "\n".join([*lines, lines[0].replace("n0", "n98"), broken[1]]) + "\n")
    assert "expect_no_rejects" in workspace.refresh().stdout

    # Read again under a mended mapping: the row is in, and nothing else changes. Among ten equal
    # customers an eleventh moves every share, which is a gate's to stop and a person's to let pass.
    accepted = "select sum(accepted_rows) from source_files where retracted_at is null"
    before_retry = workspace.query(accepted)[0][0]
    workspace.write(
        "mapping.yml",
        "entities:\n  orders:\n    files: orders/b.csv\n    columns:\n"
        "      net_amount: \"replace(net_amount, 'abc', '5.00')\"\n",
    )
    again = ("quarantine", "--retry", "orders/b.csv")
    gated = workspace.run(*again)
    assert gated.returncode == 1
    assert "expect_segment_shares_to_hold" in gated.stderr
    assert workspace.query(accepted) == [(before_retry,)]
    retried = workspace.run(*again, "--accept", "expect_segment_shares_to_hold")
    assert retried.returncode == 0, retried.stderr
    assert "landing/orders/b.csv: 99 rows of orders read again" in retried.stdout
    assert workspace.query(accepted) == [(before_retry + 1,)]
    assert workspace.query(
        "select count(*) from source_files where retraction_reason is not null"
    ) == [(1,)]
    assert "Nothing is in quarantine" in workspace.run("quarantine").stdout
