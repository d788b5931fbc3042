"""One customer's story: which customer an id means, what the page says, and what it never says.

That the tables hold the right rows stands in the unit tests of their models.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pipeline import PROJECT, Pipeline

from orchestration import cli
from orchestration.customer_story import INPUTS, customer_story, story_json, story_text
from orchestration.dbt_project import published_tables
from orchestration.errors import ClienteleError

AS_OF = datetime(2026, 6, 30, 21, 59, 59, 999999)
PERSONAL = ("anna@mill.example", "Anna", "Molenaar", "+31612345678", "r-anna", "+31687654321")
FORMER = "f" * 32
NEIGHBOURS = ("abcdef0" + "1" * 25, "abcdef0" + "2" * 25)


def row(**values: Any) -> dict[str, Any]:
    return {"source_system": "shop", "_batch_id": "b1", "_loaded_at": AS_OF} | values


RAW: dict[str, list[dict[str, Any]]] = {
    "customers": [
        row(
            customer_ref="r-anna",
            email="anna@mill.example",
            phone="+31612345678",
            first_name="Anna",
            last_name="Molenaar",
            country="Netherlands",
            country_code="NL",
            city="Delft",
            account_ref="mill",
            created_at=datetime(2026, 1, 2, 23, 30),
        ),
        row(customer_ref="r-idle", created_at=datetime(2026, 2, 1)),
    ],
    "accounts": [row(account_ref="mill", created_at=datetime(2026, 1, 1))],
    "orders": [
        row(
            order_id=f"o{number:02d}",
            customer_ref="r-anna" if number else None,
            email=None if number else "anna@mill.example",
            ordered_at=datetime(2026, 6, 1 + number, 12),
            status="completed",
            net_amount=Decimal(10 + number),
            currency="EUR",
            sales_channel="web",
        )
        for number in range(12)
    ],
    "refunds": [
        row(
            refund_id="back",
            order_id="o11",
            amount=Decimal("4.50"),
            currency="EUR",
            refunded_at=datetime(2026, 6, 20),
        )
    ],
    "support_tickets": [
        row(
            ticket_id=ticket,
            customer_ref="r-anna",
            category=category,
            priority="high",
            opened_at=datetime(2026, 6, 29, 22, 30),
            closed_at=closed_at,
        )
        for ticket, category, closed_at in (
            ("t1", "anna@mill.example is angry", None),
            ("t2", "broken \x1b[31m", None),
            ("t3", "late", datetime(2026, 6, 30)),
        )
    ],
    "consents": [
        row(
            customer_ref="r-anna",
            purpose="marketing",
            channel="email",
            granted=True,
            changed_at=datetime(2026, 1, 3),
        )
    ],
}


@pytest.fixture(scope="module")
def built(pipeline: Pipeline) -> duckdb.DuckDBPyConnection:
    """A small business, built in memory."""
    return pipeline.run(RAW, as_of=AS_OF, time_zone="Europe/Amsterdam", currency="EUR")


@pytest.fixture(scope="module")
def marts(
    built: duckdb.DuckDBPyConnection, pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Its published tables, and former ids written by hand."""
    path = tmp_path_factory.mktemp("release") / "current" / "marts" / "clientele.duckdb"
    path.parent.mkdir(parents=True)
    built.execute(f"attach '{path}' as marts")
    for table in published_tables(dict(pipeline.manifest)):
        current = " where as_of = (select as_of from run.settings)" if table.current_only else ""
        built.execute(
            f"create table marts.main.{table.name} as "
            f"select * from work.main.{table.name}{current} order by all"
        )
    anna, idle = (ident for ident, _ in ids(built))
    built.executemany(
        "insert into marts.main.customer_id_map values (?, ?, ?, ?)",
        [
            (FORMER, anna, datetime(2026, 5, 31, 22, 30), "split"),
            (NEIGHBOURS[0], anna, datetime(2026, 4, 30), "merged"),
            (NEIGHBOURS[1], idle, datetime(2026, 4, 30), "older_record"),
            ("e" * 32, "0" * 32, datetime(2026, 4, 30), "merged"),
        ],
    )
    built.executemany(
        "insert into marts.main.identity_log values (?, ?, ?, 'split', 1)",
        [(datetime(2026, 5, 31), FORMER, anna), (datetime(2026, 5, 31), FORMER, idle)],
    )
    built.execute("detach marts")
    return path


def ids(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """Anna first, who has orders."""
    return connection.execute(
        "select customer_id, order_count_lifetime from customer_360 order by 2 desc"
    ).fetchall()


@pytest.fixture(scope="module")
def anna(marts: Path) -> str:
    with duckdb.connect(str(marts), read_only=True) as connection:
        (anna, orders), (_, idle_orders) = ids(connection)
    assert (orders, idle_orders) == (12, 0)
    return anna


@pytest.fixture(scope="module")
def idle(marts: Path) -> str:
    with duckdb.connect(str(marts), read_only=True) as connection:
        return ids(connection)[1][0]


@pytest.fixture
def clientele(
    marts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setenv("CLIENTELE_WAREHOUSE", str(marts.parents[2]))

    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(["customer", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def section(page: str, title: str) -> list[str]:
    """The lines below a title, without their indentation."""
    below = page.split(f"\n\n{title}\n")[1].split("\n\n")[0]
    return [line.strip() for line in below.splitlines()]


def test_the_page_tells_the_whole_story(marts: Path, anna: str) -> None:
    page = story_text(customer_story(marts, anna))
    assert page.startswith(f"Customer {anna}\n  as of 2026-06-30 23:59:59 Europe/Amsterdam")
    who = "\n".join(section(page, "Who"))
    assert re.search(r"lives in +Netherlands \(NL\), Delft", who)
    assert re.search(r"known since +2026-01-03", who)  # in the business's time zone
    assert re.search(r"account +[0-9a-f]{32} \(1 contact, EUR 181\.50 in 365 days\)", who)
    value = "\n".join(section(page, "Value"))
    assert re.search(r"orders +12 +12 +12 +12", value)
    assert re.search(r"revenue EUR +181\.50 +181\.50 +181\.50 +181\.50", value)
    assert re.search(r"last order +2026-06-12, 18 days ago, EUR 21\.00", value)
    orders = section(page, "Last orders")
    assert [re.findall(r"shop (o\d\d)", line)[0] for line in orders] == [
        f"o{number:02d}" for number in range(11, 1, -1)
    ]
    assert ["refunded EUR 4.50" in line for line in orders] == [True] + [False] * 9
    tickets = [line for line in section(page, "Service") if " shop t" in line]
    assert tickets == [
        "2026-06-30  shop t1  (hidden), high",
        "2026-06-30  shop t2  broken ?[31m, high",
    ]
    consents = section(page, "Consents")
    assert re.fullmatch(r"marketing by e-mail +yes", consents[0])
    assert re.fullmatch(r"marketing by SMS +no", consents[1])
    identity = "\n".join(section(page, "Why these records are one customer"))
    assert re.search(r"records +1 e-mail, 1 reference of shop", identity)
    assert re.search(r"linked by +email once", identity)
    assert f"{NEIGHBOURS[0]} was merged into another customer on 2026-04-30" in identity


def test_what_is_not_known_is_never_told_as_nothing(marts: Path, anna: str) -> None:
    page = story_text(customer_story(marts, anna))
    assert section(page, "Website") == ["not known: web_events was never loaded"]
    assert section(page, "Messages") == ["not known: message_events was never loaded"]
    assert section(page, "Subscription") == ["not known: subscriptions was never loaded"]
    assert re.search(
        r"favourite category +not known: order_lines and products were never loaded", page
    )
    told = "\n".join(section(page, "Not known"))
    assert "web_events was never loaded: what the customer did on the site" in told
    assert "consents" not in told
    assert "support_tickets" not in told


def test_a_customer_without_orders_has_a_story(marts: Path, idle: str) -> None:
    page = story_text(customer_story(marts, idle))
    assert section(page, "Last orders") == ["none"]
    assert re.search(r"last order +never", page)
    assert re.search(r"RFM +no order in the window", page)
    assert re.search(r"open now +0", page)
    assert re.search(r"linked by +nothing: it is one record", page)
    # Consents were loaded, and this customer gave none.
    assert re.fullmatch(r"marketing by e-mail +no", section(page, "Consents")[0])


def test_segments_are_those_of_the_membership(marts: Path, anna: str) -> None:
    with duckdb.connect(str(marts), read_only=True) as connection:
        wanted = connection.execute(
            "select segment_key, segments.name from segment_membership"
            " join segments using (segment_key) where customer_id = ? order by segment_key",
            [anna],
        ).fetchall()
    story = customer_story(marts, anna)
    assert wanted
    assert [(item["segment_key"], item["name"]) for item in story.segments] == wanted
    assert {item["since"] for item in story.segments} == {"2026-06-30"}
    lines = section(story_text(story), "Segments")
    assert [line.split()[0] for line in lines] == [key for key, _ in wanted]


def test_json_holds_the_row_and_the_lists(
    clientele: Callable[..., tuple[int, str, str]], marts: Path, anna: str
) -> None:
    status, out, _ = clientele(anna, "--json")
    told = json.loads(out)
    assert status == 0
    assert told["customer_id"] == told["profile"]["customer_id"] == anna
    assert told["profile"]["net_revenue_lifetime"] == "181.5000"
    assert told["profile"]["session_count_90d"] is None
    assert "session_count_90d" in told["not_known"]["web_events"]
    assert told["profile"]["as_of"] == "2026-06-30T21:59:59.999999Z"
    assert [order["order_rank"] for order in told["recent_orders"]] == list(range(1, 11))
    assert told["open_tickets"][0]["category"] == "(hidden)"
    assert told["asked_for"] is None
    with duckdb.connect(str(marts), read_only=True) as connection:
        columns = connection.execute(
            "select column_name from duckdb_columns() where table_name = 'customer_360'"
        ).fetchall()
    assert list(told["profile"]) == [name for (name,) in columns]


def test_no_personal_value_is_told(marts: Path, anna: str) -> None:
    story = customer_story(marts, anna)
    for text in (story_text(story), story_json(story)):
        assert not [value for value in PERSONAL if value in text]
        assert "@" not in text
        assert "\x1b" not in text


def test_a_former_id_leads_to_its_successor(marts: Path, anna: str, idle: str) -> None:
    story = customer_story(marts, FORMER)
    assert story.customer_id == anna
    assert story.asked_for is not None
    assert story.asked_for.others == (idle,)
    page = story_text(story)
    # 22:30 UTC is the next day in Amsterdam.
    assert (
        f"{FORMER} was split over several customers on 2026-06-01; {anna} took its place, "
        f"who is told of here; other records of it went to {idle}" in page
    )
    assert "was replaced when an older record" in story_text(customer_story(marts, NEIGHBOURS[1]))


@pytest.mark.parametrize("length", [6, 7, 31])
def test_a_beginning_of_enough_characters_is_an_id(marts: Path, anna: str, length: int) -> None:
    assert customer_story(marts, anna[:length]).customer_id == anna
    assert customer_story(marts, f" {anna[:length].upper()}\n").customer_id == anna
    assert customer_story(marts, FORMER[:length]).customer_id == anna


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("abcdef", "2 customer ids begin with abcdef; give more characters of it."),
        ("abcdef0", "2 customer ids begin with abcdef0; give more characters of it."),
        ("abcde", "ID: abcde is too short to mean one customer; give at least 6 characters"),
        ("0" * 32, "no customer of release run has or had an id that is 000000"),
        ("abcde1", "no customer of release run has or had an id that begins with abcde1."),
        # Of a former id whose customer is not seen by as_of, nothing is known.
        ("e" * 32, "no customer of release run has or had an id that is eeee"),
        ("anna@mill.example", "ID: this is no customer id"),
        ("a" * 33, "ID: this is no customer id"),
        ("%%%%%%", "ID: this is no customer id"),
        ("", "ID: this is no customer id"),
    ],
)
def test_an_id_that_means_nobody_is_one_sentence(
    clientele: Callable[..., tuple[int, str, str]], asked: str, sentence: str
) -> None:
    status, out, err = clientele(asked)
    assert status == 1
    assert out == ""
    assert err.startswith(f"clientele: {sentence}")
    assert len(err.splitlines()) == 1
    assert "@" not in err


def test_an_older_release_and_none_say_what_to_do(marts: Path, tmp_path: Path) -> None:
    with pytest.raises(ClienteleError, match=r"there is no release; run `make refresh`\."):
        customer_story(tmp_path / "current" / "marts" / "clientele.duckdb", "a" * 32)
    old = tmp_path / "old.duckdb"
    shutil.copy(marts, old)
    with duckdb.connect(str(old)) as connection:
        connection.execute("drop table customer_360")
    with pytest.raises(ClienteleError, match=r"release run was published before .* refresh`\."):
        customer_story(old, "a" * 32)


def test_every_column_knows_the_inputs_it_needs(compiled_manifest: dict[str, Any]) -> None:
    nodes = compiled_manifest["nodes"]
    needed: dict[str, set[str]] = {}
    for model in ("customer_features", "customer_consents"):
        code = nodes[f"model.clientele.{model}"]["compiled_code"]
        for case, column in re.findall(
            r"case\s+when (coverage\.has_.*?) end\s+as (\w+)", code, flags=re.DOTALL
        ):
            needed[column] = set(re.findall(r"coverage\.has_(\w+)", case))
    columns = nodes["model.clientele.customer_360"]["columns"]
    assert {column: set(inputs) for column, inputs in INPUTS.items()} == {
        column: inputs for column, inputs in needed.items() if column in columns
    }


@pytest.mark.parametrize(
    "table", ["customer_360", "customer_recent_orders", "customer_open_tickets"]
)
def test_the_tables_are_sorted_by_customer(compiled_manifest: dict[str, Any], table: str) -> None:
    """Published tables are sorted by their columns in order, and a look-up reads a part of them."""
    assert next(iter(compiled_manifest["nodes"][f"model.clientele.{table}"]["columns"])) == (
        "customer_id"
    )


def test_a_look_up_imports_nothing_that_only_a_refresh_needs() -> None:
    code = (
        "import sys, orchestration.cli, orchestration.customer_story;"
        "print([name for name in ('dagster', 'dbt', 'great_expectations', 'pandas', 'pyarrow',"
        " 'numpy', 'sqlglot') if name in sys.modules])"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert completed.stdout.strip() == "[]"


LISTS = "assert_stories_agree_with_their_lists"


@pytest.mark.parametrize(
    "change",
    [
        "delete from customer_360 where order_count_lifetime = 0",
        "delete from customer_recent_orders where order_rank = 10",
        "delete from customer_open_tickets where ticket_id = 't1'",
        "update customer_recent_orders set ordered_at = timestamp '2026-06-12 12:00:01'"
        " where order_rank = 1",
        "update customer_360 set last_order_at = null",
    ],
)
def test_a_story_that_differs_from_its_lists_stops_publication(
    built: duckdb.DuckDBPyConnection, pipeline: Pipeline, change: str
) -> None:
    assert pipeline.tests[LISTS]["config"]["severity"].lower() == "error"
    assert pipeline.failing_rows(built, LISTS) == []
    built.execute("begin")
    built.execute(change)
    failing = pipeline.failing_rows(built, LISTS)
    built.execute("rollback")
    assert len(failing) == 1
