"""Real refreshes at the command line: what is published, what is refused, what readers see."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import NIGHTLY, PROJECT, Workspace, nightly

from orchestration.dbt_project import published_tables
from orchestration.demo import write_demo

FIRST_DAY = date(2025, 1, 6)  # a Monday


def orders_csv(
    days: int, *, per_day: int = 25, first: date = FIRST_DAY, skip: tuple[date, ...] = ()
) -> str:
    """Orders on every weekday, enough of them for a lost day to show."""
    rows = ["order_id,ordered_at,customer_ref,net_amount,discount_amount"]
    for offset in range(days):
        day = first + timedelta(days=offset)
        if day.weekday() == 6 or day in skip:
            continue
        for number in range(per_day):
            customer = (offset * 7 + number * 3) % 60
            amount = 10 + (offset + number) % 17
            discount = 2 if number % 5 == 0 else 0
            rows.append(
                f"{day:%Y%m%d}-{number:03d},{day}T{9 + number % 9:02d}:15:00,C{customer:03d},"
                f"{amount}.50,{discount}"
            )
    return "\n".join(rows) + "\n"


def land(workspace: Workspace) -> None:
    """Ten weeks of a shop.

    test_segment_lint.py lands the same, so that both begin with one refresh.
    """
    workspace.write("mapping.yml", "business_time_zone: Europe/Paris\nreporting_currency: EUR\n")
    workspace.write("orders/first.csv", orders_csv(70))


@pytest.fixture
def shop(workspace: Workspace) -> Workspace:
    """Ten weeks of a shop, not refreshed yet."""
    land(workspace)
    return workspace


def test_files_of_releases_are_read_only_and_open_in_older_clients(shop: Workspace) -> None:
    shop.settled()
    for path in (shop.warehouse / "current").resolve().rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o777 == 0o444, path
    with shop.marts.open("rb") as file:
        header = file.read(64)
    # The storage version number of a DuckDB file follows its magic bytes; 65 is that of 1.2.
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") <= 65


def test_rows_are_published_in_one_order_whatever_made_them(shop: Workspace) -> None:
    shop.settled()
    for (name,) in shop.query("select table_name from duckdb_tables()"):
        ordered = shop.query(f"from {name} order by all")
        assert shop.query(f"from {name}") == ordered, name
        parquet = shop.marts.with_name(f"{name}.parquet")
        assert shop.query(f"from read_parquet('{parquet}')") == ordered, name


def test_without_metrics_everything_else_is_published(
    shop: Workspace, compiled_manifest: dict[str, Any]
) -> None:
    shop.settled()
    published = {
        table.name
        for table in published_tables(compiled_manifest)
        if "kpis" not in compiled_manifest["nodes"][f"model.clientele.{table.name}"]["fqn"]
    }
    there = {name for (name,) in shop.query("select table_name from duckdb_tables()")}
    assert there == published
    assert shop.query("select count(*) from segment_membership")[0][0] > 0
    checked = {target for (target,) in shop.query("select target from quality_results")}
    assert checked >= {"segments", "fct_orders"}
    assert "segment_kpis" not in checked


def expect_nothing_published(shop: Workspace, before: dict[str, str], sentence: str) -> None:
    assert shop.published() == before
    assert sentence.startswith("clientele: ")


@nightly
def test_every_gate_stops_publication_with_one_sentence(shop: Workspace) -> None:
    """One warehouse, one poison after the other; after each the published bytes are the same."""
    shop.settled()
    before = shop.published()
    release = before["current"]

    poison = shop.write(
        "orders/twice.csv",
        "order_id,ordered_at,customer_ref,net_amount\n"
        "X-1,2025-03-15T10:00:00,C001,10.00\n"
        "X-1,2025-03-15T10:00:00,C001,11.00\n",
    )
    sentence = shop.refused()
    expect_nothing_published(shop, before, sentence)
    assert "X-1" in sentence
    assert "twice.csv" in sentence
    assert "different content" in sentence
    assert f"release {release} stays current" in sentence
    poison.unlink()

    poison = shop.write(
        "order_lines/lost.csv", "order_id,product_id,quantity,unit_price\nZ-9,P1,1,5\n"
    )
    sentence = shop.refused()
    expect_nothing_published(shop, before, sentence)
    assert "assert_every_order_line_reaches_an_order" in sentence
    assert "Z-9" in sentence
    poison.unlink()

    poison = shop.write(
        "orders/renamed.csv", "order_id,order_time,customer_ref,net_amount\nX,2025,C,1\n"
    )
    sentence = shop.refused()
    expect_nothing_published(shop, before, sentence)
    assert "renamed.csv" in sentence
    assert "ordered_at" in sentence
    poison.unlink()

    poison = shop.write("orders/header.csv", "order_id,ordered_at,customer_ref,net_amount\n")
    sentence = shop.refused()
    expect_nothing_published(shop, before, sentence)
    assert "assert_new_order_files_hold_rows" in sentence
    assert "header.csv" in sentence
    poison.unlink()

    poison = shop.write(
        "orders/dollars.csv",
        "order_id,ordered_at,customer_ref,net_amount,currency\n"
        "D-1,2025-03-15T10:00:00,C001,10.00,USD\n",
    )
    sentence = shop.refused()
    expect_nothing_published(shop, before, sentence)
    assert "assert_every_amount_has_a_rate" in sentence
    assert "USD" in sentence
    assert "2025-03-15" in sentence
    assert "fx_rates" in sentence
    poison.unlink()

    # Each day without an order is a lost day too, which is let pass here.
    sentence = shop.refused("--accept", "assert_no_day_is_lost", CLIENTELE_AS_OF="2025-03-30")
    expect_nothing_published(shop, before, sentence)
    assert "assert_required_sources_are_fresh" in sentence
    assert "orders" in sentence

    lost = date(2025, 3, 18)
    poison = shop.write("orders/week.csv", orders_csv(6, first=date(2025, 3, 17), skip=(lost,)))
    sentence = shop.refused()
    expect_nothing_published(shop, before, sentence)
    assert "assert_no_day_is_lost" in sentence
    assert "2025-03-18" in sentence
    assert "--accept assert_no_day_is_lost" in sentence

    unknown = shop.refused("--accept", "assert_no_such_check")
    assert "there is no check named assert_no_such_check" in unknown
    expect_nothing_published(shop, before, unknown)

    accepted = shop.refresh("--accept", "assert_no_day_is_lost")
    assert "1 accepted by hand" in accepted.stdout
    manifest = json.loads((shop.warehouse / "current" / "manifest.json").read_text())
    assert manifest["accepted_checks"] == ["assert_no_day_is_lost"]
    observed = shop.query(
        "select passed, observed from quality_results where check_name = 'assert_no_day_is_lost'"
    )
    assert [row[0] for row in observed] == [False]
    assert "2025-03-18" in observed[0][1]
    # It was let pass once, and the day is not looked at again.
    shop.refresh()

    sentence = shop.refused(CLIENTELE_AS_OF="2025-01-31")
    assert "replay" in sentence
    assert "clientele replay --from DAY --to DAY" in sentence
    sentence = shop.refused(CLIENTELE_VARS="rfm_bins: 4")
    assert "rfm_bins" in sentence
    assert "rfm_map" in sentence


def test_a_figure_that_is_broken_on_purpose_is_not_published(shop: Workspace) -> None:
    """In a copy of the project, profiles get one more euro of revenue than the facts have."""
    shop.settled()
    before = shop.published()
    broken = shop.copy_project() / "models" / "profiles" / "customer_profiles.sql"
    text = broken.read_text(encoding="utf-8")
    column = "    features.net_revenue_lifetime,\n"
    assert column in text
    more = (
        "    cast(features.net_revenue_lifetime + 1 as decimal(18, 4)) as net_revenue_lifetime,\n"
    )
    broken.write_text(text.replace(column, more), encoding="utf-8")
    sentence = shop.refused()
    expect_nothing_published(shop, before, sentence)
    assert "assert_profiles_equal_the_facts" in sentence
    assert "profiles differ from the facts in revenue or orders" in sentence
    told = (shop.warehouse / "dbt" / "logs" / "dbt.log").read_text(encoding="utf-8")
    assert re.search(r"Z \[error\] .*assert_profiles_equal_the_facts", told), (
        "kept of what dbt said"
    )


@nightly
def test_a_doubled_key_is_told_and_not_what_follows_from_it(shop: Workspace) -> None:
    """Of keys that a table declares dbt is not asked; test_column_tests.py asks for all kinds."""
    shop.settled()
    before = shop.published()
    shop.copy_project()
    seed = shop.project / "seeds" / "spend_channels.csv"
    lines = seed.read_text(encoding="utf-8").splitlines(keepends=True)
    seed.write_text("".join([*lines, lines[-1]]), encoding="utf-8")
    sentence = shop.refused()
    expect_nothing_published(shop, before, sentence)
    assert "unique_key of spelling does not hold in spend_channels (1 failing row)" in sentence


def begin(shop: Workspace) -> subprocess.Popen[str]:
    """A refresh in a process that starts as everybody's does."""
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "refresh"],
        cwd=PROJECT,
        env=shop.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_after_killed_refreshes_one_recovers_unaided_and_another_at_once_is_told(
    shop: Workspace,
) -> None:
    """Killed while it starts, while it builds and near its end, one after the other, so that each
    finds what the one before it left. Of the two that follow one publishes; they do not mix."""
    shop.settled()
    shop.write("orders/more.csv", orders_csv(6, first=date(2025, 3, 17)))
    for seconds in (3, 5, 8) if NIGHTLY else (6,):
        before = shop.published()
        process = begin(shop)
        threading.Timer(seconds, process.send_signal, [signal.SIGKILL]).start()
        process.communicate(timeout=300)
        # Readers see exactly the old release or, killed after the flip, a whole new one.
        after = shop.published()
        if after != before:
            assert after["current"] != before["current"]
            assert shop.query("select run_id from release") == [(after["current"],)]
        # The children die with their parent: nobody writes into the next work database.
        time.sleep(1)
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
        assert not [
            line
            for line in listed.stdout.splitlines()
            if "_worker" in line and str(shop.root) in line
        ]

    lock = shop.warehouse / ".lock"
    left_by_the_killed = lock.read_text()
    first = begin(shop)
    try:
        deadline = time.monotonic() + 60
        while lock.read_text() in {"", left_by_the_killed} and time.monotonic() < deadline:
            time.sleep(0.05)
        sentence = shop.refused()
        assert "another refresh is at work" in sentence
        assert str(first.pid) in sentence
    finally:
        out, err = first.communicate(timeout=300)
    assert first.returncode == 0, out + err
    assert len(shop.query("from release")) == 1
    assert shop.query("select count(*), sum(accepted_rows) from source_files") == [
        (2, 60 * 25 + 150)
    ]
    assert not list((shop.warehouse / "releases").glob(".*"))


def test_publishing_alone_is_refused(shop: Workspace) -> None:
    """A run that selects only the release step finds no audit of its own, whatever lies in work."""
    shop.settled()
    before = shop.published()
    script = """
import sys
from orchestration.cli import prepare_dagster_home
from orchestration.settings import settings_from_environment
settings = settings_from_environment()
prepare_dagster_home(settings)
import dagster as dg
from orchestration.definitions import build_definitions
definitions = build_definitions(settings)
with dg.DagsterInstance.get() as instance:
    result = definitions.get_job_def("refresh").execute_in_process(
        instance=instance,
        raise_on_error=False,
        asset_selection=[dg.AssetKey(["published", "release"])],
    )
failures = [e for e in result.all_events if e.is_step_failure]
print("SUCCESS" if result.success else failures[0].step_failure_data.user_failure_data.description)
"""
    completed = shop.python(script)
    assert "nothing was published" in completed.stdout, completed.stdout + completed.stderr[-2000:]
    assert "no audit of this build" in completed.stdout
    assert shop.published() == before


def test_a_landing_folder_that_is_empty_or_missing_is_told(workspace: Workspace) -> None:
    workspace.landing.mkdir(parents=True)
    sentence = workspace.refused()
    assert "landing" in sentence
    assert not (workspace.warehouse / "current").exists()


def link_outside(shop: Workspace) -> None:
    secret = shop.root / "outside.csv"
    secret.write_text("order_id,ordered_at,net_amount\nL-1,2025-03-15,1\n")
    (shop.landing / "orders" / "link.csv").symlink_to(secret)


def expression_that_writes(shop: Workspace) -> None:
    with (shop.landing / "mapping.yml").open("a") as file:
        file.write(
            "entities:\n  refunds:\n    files: back.csv\n    columns:\n"
            "      reason: \"1; copy (select 1) to 'x.csv'\"\n"
        )
    shop.write("back.csv", "refund_id,refunded_at,amount\nR-1,2025-03-15,1\n")


def lands(name: str, content: bytes) -> Callable[[Workspace], None]:
    def write(shop: Workspace) -> None:
        (shop.landing / name).write_bytes(content)

    return write


HEADER = b"order_id,ordered_at,customer_ref,net_amount\n"
FAULTS: dict[str, tuple[Callable[[Workspace], None], tuple[str, ...]]] = {
    "no landing folder": (
        lambda shop: shutil.rmtree(shop.landing),
        ("landing: the landing folder does not exist", "put your files there"),
    ),
    "empty file": (
        lands("orders/zero.csv", b""),
        ("landing/orders/zero.csv: the file is empty (0 bytes)", "deliver it again"),
    ),
    "Latin-1": (
        lands("orders/latin.csv", HEADER + "N-1,2025-03-15,Ren\u00e9,1\n".encode("latin-1")),
        ("landing/orders/latin.csv: the file is not UTF-8 text", "encoding: latin-1"),
    ),
    "link outside": (
        link_outside,
        ("landing/orders/link.csv: a link leads out", "put a copy of the file there"),
    ),
    "expression that writes": (
        expression_that_writes,
        ("mapping.yml line 7", "not valid SQL"),
    ),
}


@nightly
def test_what_cannot_come_in_stops_the_refresh_and_leaves_everything_as_it_was(
    shop: Workspace,
) -> None:
    """One warehouse, one fault after the other: a sentence, a status, the same bytes for readers.

    One fault of each step of ingestion; test_ingest.py and test_landing.py have them all.
    """
    shop.settled()
    before = shop.published()
    raw = sorted((shop.warehouse / "raw").rglob("*"))
    good = shop.root / "good"
    shutil.rmtree(good, ignore_errors=True)
    shutil.copytree(shop.landing, good)
    for name, (poison, told) in FAULTS.items():
        poison(shop)
        sentence = shop.refused()
        expect_nothing_published(shop, before, sentence)
        for part in (*told, f"release {before['current']} stays current"):
            assert part in sentence, (name, sentence)
        assert sorted((shop.warehouse / "raw").rglob("*")) == raw, name
        shutil.rmtree(shop.landing, ignore_errors=True)
        shutil.copytree(good, shop.landing)
    assert "already loaded" in shop.refresh().stdout
    assert shop.query("select count(*) from source_files") == [(1,)]


def test_what_is_harmless_is_told_and_published(shop: Workspace) -> None:
    """Nothing of it stops a refresh, and nothing of it happens in silence."""
    shop.write("refunds.csv", "refund_id,refunded_at,amount\n")
    shop.write(
        'orders/the "second"\nfile.csv',
        "net_amount,colour,ordered_at,order_id,customer_ref\n5.00,red,2025-03-15,E-1,C001\n"
        "5.00,red,2025-03-15,E-1,C001\n7.00,blue,2025-03-15,E-2,\n",
    )
    shutil.copy(shop.landing / "orders" / "first.csv", shop.landing / "orders" / "again.csv")
    shop.write("notes/todo.csv", "a\n")
    said = shop.refresh().stdout
    assert "landing/refunds.csv: holds a header and no rows" in said
    assert "columns that nothing reads: colour" in said
    assert "1 repeated" in said
    assert "1 files already loaded" in said
    assert "landing/notes/todo.csv: nothing reads this file" in said
    assert shop.query(
        "select entity, line_count, accepted_rows, repeated_rows, ignored_columns from source_files"
        " where source_file <> 'orders/again.csv' and source_file <> 'orders/first.csv' order by 1"
    ) == [("orders", 3, 2, 1, "colour"), ("refunds", 0, 0, 0, None)]
    assert shop.query("select count(*) from source_files") == [(3,)]
    # An order of nobody is in the files and in no profile; nothing came twice.
    assert shop.query("select sum(order_count_lifetime) from customer_profiles") == [(1501,)]


@pytest.mark.kpis
def test_the_demo_is_written_published_whole_and_the_same_again_changes_nothing(
    workspace: Workspace,
) -> None:
    """What a newcomer sees, and the one refresh of this file with all metrics."""
    first = workspace.refresh()
    assert "coffee roaster" in first.stdout
    assert (workspace.landing / ".clientele_demo").exists()
    assert "Published release" in first.stdout
    assert first.stderr == ""
    customers = workspace.query("select count(*) from customer_profiles")[0][0]
    assert customers > 5000
    # README shows what a newcomer sees.
    shown = f"  customers    {customers:,}\n"
    assert shown in first.stdout
    assert shown in (PROJECT / "README.md").read_text(encoding="utf-8")
    observed = workspace.query(
        "select basis, count(distinct as_of) from segment_sizes group by basis order by basis"
    )
    assert observed == [("backfilled", 23), ("published", 1)]
    expect_every_table(workspace)
    expect_what_was_planted(workspace)

    # A reader that stays open is not disturbed and does not disturb.
    before = tables(workspace)
    with duckdb.connect(str(workspace.marts), read_only=True) as reader:
        run = reader.execute("select run_id from release").fetchall()
        profiles = reader.execute("from customer_profiles").fetchall()
        second = workspace.refresh()
        assert reader.execute("select run_id from release").fetchall() == run
        assert reader.execute("from customer_profiles").fetchall() == profiles
    assert workspace.query("select run_id from release") != run
    assert "coffee roaster" not in second.stdout
    assert "already loaded" in second.stdout
    after = tables(workspace)
    changed = {name for name in before if after[name] != before[name]}
    assert changed <= {"release", "quality_results"}
    # One release each, both on disk, and the log of both outlives them.
    releases = sorted(path.name for path in (workspace.warehouse / "releases").iterdir())
    assert len(releases) == 2
    log = workspace.warehouse / "current" / "state" / "release_log.jsonl"
    logged = [json.loads(line)["as_of"] for line in log.read_text().splitlines()]
    assert logged == ["2025-12-31T22:59:59.999999"] * 2

    # Rolling back is one flip, and the refresh after it goes on from there.
    rolled = workspace.run("rollback")
    assert rolled.returncode == 0, rolled.stderr
    assert str((workspace.warehouse / "current").readlink()) == f"releases/{releases[0]}"
    assert f"* {releases[0]}" in workspace.run("status").stdout


def tables(workspace: Workspace) -> dict[str, str]:
    """The published tables by the hashes of files that are equal where their rows are."""
    published = {Path(name): digest for name, digest in workspace.published().items()}
    return {
        path.stem: digest for path, digest in published.items() if path.match("marts/*.parquet")
    }


def expect_every_table(workspace: Workspace) -> None:
    names = {row[0] for row in workspace.query("select table_name from duckdb_tables()")}
    assert names >= {
        "release",
        "customer_profiles",
        "customer_360",
        "customer_recent_orders",
        "customer_open_tickets",
        "rfm_scores",
        "account_profiles",
        "account_rfm_scores",
        "variable_catalogue",
        "lifecycle_stages",
        "segments",
        "segment_membership",
        "segment_membership_history",
        "segment_events",
        "segment_sizes",
        "segment_migrations",
        "segment_kpis",
        "cohort_retention",
        "source_files",
        "quarantine_summary",
        "quality_results",
    }
    assert tables(workspace).keys() == names
    for name in names:
        parquet = workspace.marts.with_name(f"{name}.parquet")
        counted = duckdb.sql(f"select count(*) from read_parquet('{parquet}')").fetchall()
        assert counted == workspace.query(f"select count(*) from {name}")
    # No BI tool finds names, e-mails, phones or doubles in any table.
    columns = workspace.query(
        "select column_name, data_type from duckdb_columns() where not internal"
    )
    assert not {name for name, _ in columns} & {"email", "phone", "first_name", "last_name"}
    assert {kind for _, kind in columns} & {"DOUBLE", "FLOAT", "HUGEINT"} == set()


def expect_what_was_planted(workspace: Workspace) -> None:
    """The experiment finds it; before and after takes December for an effect."""
    promotion = write_demo(workspace.root / "again").truth.promotion
    assert promotion is not None
    planted = promotion.extra_net_cents / 100 / promotion.treated
    (found,) = workspace.query(
        "select verdict, low, high from experiment_results where experiment_id = 'thank-you' "
        "and metric = 'net_revenue' and method = 'cuped'"
    )
    assert found[0] == "better"
    assert found[1] < planted < found[2]
    lines = dict(
        workspace.query(
            "select method, after_value from segmentation_roi where metric = 'incremental_revenue'"
        )
    )
    assert float(lines["naive"]) > 1.5 * float(lines["incremental"])


def test_the_command_line_tells_a_wrong_setting(workspace: Workspace, tmp_path: Path) -> None:
    workspace.write("orders/a.csv", orders_csv(3))
    assert "CLIENTELE_VARS" in workspace.refused(CLIENTELE_VARS="[1, 2]")
    assert "CLIENTELE_AS_OF" in workspace.refused(CLIENTELE_AS_OF="yesterday")
    help_text = workspace.run("--help").stdout
    for verb in ("refresh", "status", "rollback", "dev"):
        assert verb in help_text
    nothing = workspace.run("status")
    assert nothing.returncode == 1
    assert "there is no release" in nothing.stderr


def test_the_web_server_finds_the_job_and_its_schedule_in_the_business_time_zone(
    shop: Workspace,
) -> None:
    script = """
from orchestration.location import defs
schedule = defs.get_schedule_def("daily_refresh")
print(schedule.cron_schedule, schedule.execution_timezone, schedule.job_name)
"""
    completed = shop.python(script)
    assert completed.stdout.startswith("0 6 * * * Europe/Paris refresh"), completed.stderr[-2000:]
