"""The quarterly and the yearly review: what their pages say, what they never do, and when they are
written; and who signs.

That the findings are the right ones stands in the unit tests of segment_reviews, goal_alignment and
annual_reviews.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Workspace, nightly
from pipeline import Pipeline
from test_semantic import land

from orchestration import cli
from orchestration.annual_review import SIGN_OFFS_SEED, SignOff, sign_off, write_annual_review
from orchestration.errors import ClienteleError
from orchestration.review import SUGGESTIONS, in_words, write_review
from orchestration.warehouse import MARTS, Release, Warehouse

SIGNED = "assert_annual_reviews_are_signed"
AS_OF = datetime(2026, 9, 30, 21, 59, 59, 999999)
HOSTILE = """<b>"A&B" 'vip'</b><script>alert(1)</script><img src="https://x.example/p.gif">"""
TABLES = (
    "budget_allocation",
    "kpi_catalogue",
    "release",
    "segment_kpis",
    "segment_reviews",
    "segmentation_roi",
    "segments",
)

# finding, subject, observed, expected, suggestion, the sentence
FINDINGS = (
    ("under_target", "churn_rate by month", "0.25", "0.1", "adjust", "25.0 %, target 10.0 %"),
    ("under_target", "revenue by month", "900.5", "1000", "adjust", "month: 900.50, target 1,000"),
    ("goal_worse", "revenue", "1200", "1500", "adjust", "1,200 in the last quarter, 1,500 in the"),
    ("goal_worse", "roi", None, "1.5", "adjust", "goal roi: unknown in the last quarter"),
    ("stale", "review_by 2026-06-30", "92", "0", "review", "review_by 2026-06-30, 92 days ago"),
    ("empty", "member_count", "0", "30", "watch", "nobody is in it; it wants 30 customers"),
    ("too_small", "member_count", "12", "30", "retire", "12 customers; it wants 30"),
    ("too_large", "share_of_base", "0.95", "0.9", "split", "95.0 % of all customers; more than 90"),
    ("overlapping", "seg_twin", "0.875", "0.8", "merge", "87.5 % alike with seg_twin (Jaccard)"),
    ("spread", "share of revenue", "0.7251", "0.7", "split", "brings in 72.5 % of its revenue"),
    (
        "unlike_before",
        "revenue by month",
        "40",
        "90",
        "adjust",
        "month: 40, 90 on average of the months before (last month 3.2 standard deviations below",
    ),
)


def found(row: Sequence[Any]) -> dict[str, Any]:
    name, subject, observed, expected, suggestion, _ = row
    return {
        "as_of": AS_OF,
        "segment_key": "vip",
        "finding": name,
        "subject": subject,
        "observed": None if observed is None else Decimal(observed),
        "expected": None if expected is None else Decimal(expected),
        "suggestion": suggestion,
        "z_score": Decimal("-3.25") if name == "unlike_before" else None,
    }


ROWS: dict[str, list[dict[str, Any]]] = {
    "release": [{"run_id": "20260930-<i>", "as_of": AS_OF, "reporting_currency": "EUR"}],
    "segments": [
        {
            "segment_key": "vip",
            "entity": "customer",
            "name": HOSTILE,
            "owner": HOSTILE,
            "member_count": 1234,
            "status": "ok",
        },
        {
            "segment_key": "=cmd",
            "entity": "customer",
            "name": "Formula",
            "owner": "@SUM(1+1)",
            "member_count": 0,
            "status": "empty",
        },
    ],
    "segment_reviews": [
        *(found(row) for row in FINDINGS),
        {**found(FINDINGS[5]), "segment_key": "=cmd"},
    ],
    "segment_kpis": [
        {
            "segment_key": "vip",
            "kpi": kpi,
            "period_grain": "month",
            "period_start": date(2026, month, 1),
            "value": Decimal(value),
            "unit": unit,
            "target": target,
            "target_verdict": verdict,
        }
        for kpi, month, value, unit, target, verdict in (
            ("revenue", 7, "1000", "currency", None, None),
            ("revenue", 8, "900.5", "currency", Decimal(1000), "missed"),
            ("revenue", 9, "2000", "currency", Decimal(1000), "too_early"),
            ("churn_rate", 7, "0.05", "rate", Decimal("0.1"), "met"),
            ("churn_rate", 8, "0.25", "rate", Decimal("0.1"), "missed"),
        )
    ],
    "segmentation_roi": [
        {
            "programme": HOSTILE,
            "scope": "vip",
            "metric": metric,
            "metric_name": name,
            "unit": unit,
            "method": "naive",
            "method_says": "before and after",
            "before_value": Decimal(before),
            "after_value": Decimal(after),
            "change_absolute": Decimal(after) - Decimal(before),
            "change_relative": Decimal(relative),
            "impact": "-better",
        }
        for metric, name, unit, before, after, relative in (
            ("churn_rate", "Churn Rate", "rate", "0.15", "0.1", "-0.333333"),
            ("cltv", "CLTV", "currency", "1000", "1200", "0.2"),
        )
    ],
    "budget_allocation": [
        {
            "line_kind": kind,
            "segment_key": key,
            "member_count": members,
            "amount": Decimal(amount),
            "lowest_amount": Decimal(amount),
            "highest_amount": Decimal(amount),
        }
        for kind, key, members, amount in (
            ("segment", "vip", 1234, "900"),
            ("reserve", None, None, "100"),
        )
    ],
    "kpi_catalogue": [
        {"kpi": "open_rate", "is_computed": False, "reason": "no row of: <message_events>"},
        {"kpi": "revenue", "unit": "currency", "is_computed": True, "reason": None},
        {"kpi": "churn_rate", "unit": "rate", "is_computed": True, "reason": None},
    ],
}


def release(
    root: Path,
    manifest: Mapping[str, Any],
    rows: Mapping[str, list[dict[str, Any]]],
    tables: Sequence[str] = TABLES,
) -> Warehouse:
    """A warehouse whose one release has these rows, in tables with the columns of the contract."""
    folder = root / "releases" / "r1"
    (folder / "marts").mkdir(parents=True)
    with duckdb.connect(str(folder / MARTS)) as connection:
        for table in tables:
            node = manifest["nodes"][f"model.clientele.{table}"]
            columns = ", ".join(
                f'"{name}" {column["data_type"]}' for name, column in node["columns"].items()
            )
            connection.execute(f"create table {table} ({columns})")
            for row in rows.get(table, []):
                names = ", ".join(f'"{name}"' for name in row)
                marks = ", ".join("?" for _ in row)
                connection.execute(
                    f"insert into {table} ({names}) values ({marks})", list(row.values())
                )
    told = Release(
        run_id="r1",
        as_of=AS_OF,
        built_at=AS_OF,
        project_version="0",
        business_time_zone="Europe/Paris",
        reporting_currency="EUR",
        previous_run_id=None,
        files=(),
        batches=(),
        segment_models=(),
    )
    (folder / "manifest.json").write_text(json.dumps(told.to_json()), encoding="utf-8")
    (root / "current").symlink_to("releases/r1")
    return Warehouse(root)


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("row", FINDINGS, ids=[f"{row[0]}-{row[1]}" for row in FINDINGS])
def test_every_finding_is_a_sentence(row: Sequence[Any]) -> None:
    unit = "rate" if row[1].startswith(("churn_rate", "roi")) else None
    assert row[-1] in in_words({**found(row), "unit": unit})


def test_the_page_says_everything_and_loads_nothing(
    tmp_path: Path, compiled_manifest: dict[str, Any]
) -> None:
    warehouse = release(tmp_path, compiled_manifest, ROWS)
    written = write_review(warehouse)
    assert written.page == tmp_path / "reviews" / "2026-09-30" / "review.html"
    text = written.page.read_text(encoding="utf-8")
    page = Page(text)

    for row in FINDINGS:
        assert row[-1] in page.text
    for heading in SUGGESTIONS.values():
        assert heading in page.text
    assert written.suggestions == {
        **{"retire": 1, "merge": 1, "split": 2},
        **{"adjust": 5, "review": 1, "watch": 2},
    }
    # Points and relative change apart; rates as percentages, money as money.
    assert "-5.00 points (-33.33 %)" in page.text
    assert "+200 (+20.00 %)" in page.text
    assert "900.50" in page.text
    assert "too early" in page.text
    assert "kept for tests" in page.text
    assert "open_rate: no row of: <message_events>" in page.text
    # The target of the last closed month and of the open one; July's is no news.
    assert "2026-08-01" in page.text
    assert "2026-07-01" not in page.text

    # What people wrote is text, whatever it looks like.
    assert HOSTILE in page.text
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "img", "link", "iframe", "object", "b", "i", "base", "form"}
    for _, attributes in page.tags:
        assert not {"src", "href", "action"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    assert "url(" not in text
    assert "@import" not in text


def test_a_text_in_a_csv_is_no_formula(tmp_path: Path, compiled_manifest: dict[str, Any]) -> None:
    written = write_review(release(tmp_path, compiled_manifest, ROWS))
    assert {path.name for path in written.tables} == {
        *("findings.csv", "targets.csv", "stakeholder_report.csv", "budget.csv")
    }
    tables: dict[str, list[dict[str, str]]] = {}
    for path in written.tables:
        with path.open(encoding="utf-8", newline="") as stream:
            tables[path.stem] = list(csv.DictReader(stream))
    formula = next(row for row in tables["findings"] if row["segment_key"] == "'=cmd")
    assert formula["owner"] == "'@SUM(1+1)"
    report = tables["stakeholder_report"]
    assert list(report[0])[2:6] == ["Metric", "Before", "After", "Change"]
    assert {row["Impact"] for row in report} == {"'-better"}
    # A number may be negative: it is no text.
    assert {row["Metric"]: row["Change"] for row in report}["Churn Rate"] == "-0.050000"


def test_a_release_with_nothing_to_say_says_so(
    tmp_path: Path, compiled_manifest: dict[str, Any]
) -> None:
    written = write_review(release(tmp_path, compiled_manifest, {"release": ROWS["release"]}))
    text = Page(written.page.read_text(encoding="utf-8")).text
    assert "Nothing: every segment is within its bounds" in text
    assert "No programme is written down" in text
    assert "No target is written down" in text
    assert "Nothing to share" in text
    assert "Every KPI has its inputs." in text
    assert written.tables == ()


def test_a_second_run_of_the_day_replaces_the_page_whole(
    tmp_path: Path, compiled_manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = release(tmp_path, compiled_manifest, ROWS)
    page = write_review(warehouse).page
    whole = page.read_text(encoding="utf-8")
    page.write_text("an older and much longer page " * 10_000, encoding="utf-8")
    assert write_review(warehouse).page.read_text(encoding="utf-8") == whole

    def breaks(_: object) -> None:
        raise RuntimeError("half a page")

    monkeypatch.setattr("orchestration.review._budget", breaks)
    with pytest.raises(RuntimeError, match="half a page"):
        write_review(warehouse)
    assert page.read_text(encoding="utf-8") == whole


def test_without_a_release_or_with_an_old_one_it_says_what_to_do(
    tmp_path: Path,
    compiled_manifest: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CLIENTELE_LANDING", str(tmp_path))
    bare = ("release", "segments")
    for name, tables, sentence in (
        ("none", (), "there is no release"),
        ("old", (*bare, "segment_kpis"), "before there were reviews"),
        (
            "lean",
            bare,
            "no metrics, so there are no reviews; run `make refresh` without",
        ),
    ):
        monkeypatch.setenv("CLIENTELE_WAREHOUSE", str(tmp_path / name))
        if tables:
            release(tmp_path / name, compiled_manifest, ROWS, tables)
        assert cli.main(["review"]) != 0
        said = capsys.readouterr().err.strip().splitlines()
        assert len(said) == 1
        assert sentence in said[0]
        assert "make refresh" in said[0]
        assert not (tmp_path / name / "reviews").exists()
    with pytest.raises(ClienteleError):
        write_review(Warehouse(tmp_path / "old"))


SCHEDULE = """
from orchestration.location import defs
schedule = defs.get_schedule_def("every_quarter")
print(schedule.cron_schedule, schedule.execution_timezone, schedule.job_name)
print(defs.resolve_job_def("quarterly_review").execute_in_process().success)
yearly = defs.get_schedule_def("every_year")
print(yearly.cron_schedule, yearly.execution_timezone, yearly.job_name)
def made_by(job):
    keys = defs.resolve_job_def(job).asset_layer.selected_asset_keys
    return [key.to_user_string() for key in keys]
print(made_by(yearly.job_name))
print([name for name in made_by("refresh") if name.startswith("reviews/")])
"""


@pytest.mark.kpis
@nightly
def test_the_schedule_of_a_quarter_writes_the_review_of_a_settled_warehouse(
    workspace: Workspace,
) -> None:
    land(workspace)
    workspace.settled()
    completed = workspace.python(SCHEDULE)
    lines = completed.stdout.strip().splitlines()
    assert lines[-5:] == [
        "0 7 1 1,4,7,10 * Europe/Paris quarterly_review",
        "True",
        "30 7 1 1 * Europe/Paris annual_review",
        "['reviews/annual']",
        "[]",
    ], completed.stderr[-2000:]
    (page,) = (workspace.warehouse / "reviews").glob("*/review.html")
    assert "Review of the segments" in page.read_text(encoding="utf-8")


# The yearly review ---------------------------------------------------------------------------

YEARLY: dict[str, list[dict[str, Any]]] = {
    "release": ROWS["release"],
    "segments": [
        {**ROWS["segments"][0], "objective": HOSTILE},
        {**ROWS["segments"][1], "objective": "Sell"},
    ],
    "kpi_catalogue": [
        {"kpi": kpi, "company_kpi": company, "unit": unit, "is_lower_better": lower}
        for kpi, company, unit, lower in (
            ("revenue", "revenue_growth", "currency", False),
            ("churn_rate", "revenue_growth", "rate", True),
            ("new_customers", "market_share", "customers", False),
            ("marketing_spend", "efficiency", "currency", False),
        )
    ],
    "segment_kpis": [
        {
            "segment_key": key,
            "kpi": kpi,
            "period_grain": grain,
            "period_start": date(year, month, 1),
            "value": None if value is None else Decimal(value),
        }
        for key, kpi, grain, year, month, value in (
            ("all", "revenue", "quarter", 2024, 10, "1000"),
            ("all", "revenue", "quarter", 2025, 10, "900.5"),
            ("all", "revenue", "quarter", 2025, 7, "7777"),
            ("all", "revenue", "month", 2025, 10, "6666"),
            ("vip", "revenue", "quarter", 2025, 10, "5555"),
            ("all", "churn_rate", "quarter", 2024, 10, "0.2"),
            ("all", "churn_rate", "quarter", 2025, 10, "0.15"),
            ("all", "new_customers", "quarter", 2024, 10, None),
            ("all", "new_customers", "quarter", 2025, 10, "12"),
            ("all", "marketing_spend", "quarter", 2024, 10, "80"),
            ("all", "marketing_spend", "quarter", 2025, 10, "50"),
        )
    ],
    "goal_alignment": [
        {
            "calendar_year": year,
            "segment_key": key,
            "goal_kpi": kpi,
            "company_kpi": company,
            "quarter_count": 4,
            "compared_count": compared,
            "improved_count": improved,
            "met_count": met,
            "missed_count": missed,
            "alignment": alignment,
        }
        for year, key, kpi, company, compared, improved, met, missed, alignment in (
            (2025, "vip", "revenue", "revenue_growth", 4, 3, 5, 7, "off_target"),
            (2025, "=cmd", "roi", "efficiency", 0, 0, 0, 0, "no_target"),
            (2024, "vip", "revenue", "revenue_growth", 1, 1, 9, 2, "on_target"),
        )
    ],
    "annual_reviews": [
        {
            "calendar_year": 2024,
            "closed_on": date(2024, 12, 31),
            "on_target_count": 1,
            "off_target_count": 0,
            "no_target_count": 0,
            "not_measured_count": 0,
            "signed_on": date(2025, 2, 3),
            "signed_by": HOSTILE,
            "decision": "adjust",
            "note": HOSTILE,
        },
        {
            "calendar_year": 2025,
            "closed_on": date(2025, 12, 31),
            "on_target_count": 0,
            "off_target_count": 1,
            "no_target_count": 1,
            "not_measured_count": 0,
        },
    ],
}


@pytest.fixture
def yearly(tmp_path: Path, compiled_manifest: dict[str, Any]) -> Warehouse:
    return release(tmp_path / "warehouse", compiled_manifest, YEARLY, tuple(YEARLY))


def test_a_year_stands_beside_the_year_before(yearly: Warehouse) -> None:
    review, path = write_annual_review(yearly)
    assert review.year == 2025
    assert path == yearly.root / "reviews" / "2026-09-30" / "annual-2025.html"
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert "Not signed." in page.text
    # The last quarter of all customers, and nothing else.
    assert "revenue1,000900.50-99.50worse" in page.text
    assert "churn_rate20.0 %15.0 %-5.00 pointsbetter" in page.text
    assert "new_customers12" in page.text
    assert "marketing_spend8050-30" in page.text
    assert "marketing_spend8050-30worse" not in page.text
    for other in ("7,777", "6,666", "5,555"):
        assert other not in page.text
    assert "3 of 4" in page.text
    assert "5 of 12" in page.text
    assert text.index("Off target") < text.index("No target")
    assert "Market share, Customer experience: the goal of no segment serves it." in page.text
    assert HOSTILE in page.text
    assert not {"script", "img", "link", "iframe", "form"} & {tag for tag, _ in page.tags}

    _, signed = write_annual_review(yearly, 2024)
    earlier = Page(signed.read_text(encoding="utf-8")).text
    assert f"Signed on 2025-02-03 by {HOSTILE}: adjust." in earlier
    assert "Not signed" not in earlier
    assert "On target: met its target" in earlier
    assert {path.name for path in signed.parent.glob("*.csv")} == {
        *("goals-2024.csv", "goals-2025.csv", "company_kpis-2025.csv", "company_kpis-2024.csv")
    }


def test_a_year_is_signed_once_and_by_nobody_in_person(tmp_path: Path, yearly: Warehouse) -> None:
    project = tmp_path / "project"
    (project / "seeds").mkdir(parents=True)
    seed = project / SIGN_OFFS_SEED
    seed.write_text("calendar_year,signed_on,signed_by,decision,note\n", encoding="utf-8")

    def sign(year: int, by: str = "Sales, north", decision: str = "keep", note: str = "") -> str:
        try:
            signed = SignOff(year, by, decision, note)
            return "\n".join(sign_off(project, yearly, signed, date(2026, 1, 7)))
        except ClienteleError as error:
            return error.sentence

    empty = seed.read_bytes()
    assert "the year 2026 has not closed in the data; give one of those that have: 2024, 2025" in (
        sign(2026)
    )
    address = "it holds an e-mail address, and what is written here is published"
    assert f"--by: {address}; name a role" in sign(2025, by="jo@example.com")
    assert f"--note: {address}; name a role" in sign(2025, note="ask jo@example.com")
    assert "--by: it is empty; name the role or team that signs" in sign(2025, by="  ")
    assert "--note: it is empty; say what is to change" in sign(2025, decision="adjust", note=" ")
    assert "--note: it holds a line break" in sign(2025, note="two\nlines")
    assert "--note: it has 501 characters, and 500 are the most" in sign(2025, note="x" * 501)
    assert seed.read_bytes() == empty

    said = sign(2025, decision="adjust", note='a comma, and a "quote"')
    assert "2025 signed by Sales, north on 2026-01-07" in said
    assert "the next refresh publishes it" in said
    with seed.open(encoding="utf-8", newline="") as stream:
        assert list(csv.DictReader(stream)) == [
            {
                "calendar_year": "2025",
                "signed_on": "2026-01-07",
                "signed_by": "Sales, north",
                "decision": "adjust",
                "note": 'a comma, and a "quote"',
            }
        ]
    whole = seed.read_bytes()
    assert "the year 2025 is signed already; change its line there" in sign(2025)
    assert seed.read_bytes() == whole
    assert "2024 signed by" in sign(2024)


def test_who_has_signed_once_is_told_of_years_that_nobody_signed(pipeline: Pipeline) -> None:
    def faults(as_of_on: str, *signed: str) -> list[tuple[int, str]]:
        with pipeline.seeds() as connection:
            connection.execute("use work.main")
            connection.execute(
                f"create table as_of_spine as select true as is_current, date '{as_of_on}'"
                " as as_of_on;"
                "create table annual_reviews as select reviews.*, sign_offs.signed_on from (values"
                " (2023, date '2023-12-31'), (2024, date '2024-12-31'), (2025, date '2025-12-31'))"
                " as reviews (calendar_year, closed_on)"
                " left join reference.review_sign_offs as sign_offs using (calendar_year)"
            )
            if signed:
                connection.execute(
                    "insert into reference.review_sign_offs"
                    f" select *, 'sales', 'keep', '' from (values {', '.join(signed)})"
                )
                connection.execute(
                    "update annual_reviews set signed_on = sign_offs.signed_on from"
                    " reference.review_sign_offs as sign_offs"
                    " where annual_reviews.calendar_year = sign_offs.calendar_year"
                )
            return sorted(pipeline.failing_rows(connection, SIGNED))

    assert faults("2030-01-01") == []
    assert faults("2026-03-31", "(2024, date '2025-01-02')") == []  # 90 days after
    assert faults("2026-04-01", "(2024, date '2025-01-02')") == [(2025, "nobody has signed it")]
    early = "it was signed before its last quarter had closed"
    assert faults("2026-01-01", "(2024, date '2024-12-31')") == [(2024, early)]
    assert faults("2026-01-01", "(2025, date '2026-01-01')", "(2026, date '2026-01-01')") == [
        (2026, early)
    ]
    assert pipeline.tests[SIGNED]["config"]["severity"].lower() == "warn"


def test_the_command_tells_of_a_year_and_of_none(
    yearly: Warehouse,
    tmp_path: Path,
    compiled_manifest: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CLIENTELE_LANDING", str(tmp_path))
    monkeypatch.setenv("CLIENTELE_WAREHOUSE", str(yearly.root))
    assert cli.main(["review", "annual"]) == 0
    said = capsys.readouterr().out
    assert "   1  off target: missed its target" in said
    assert "annual-2025.html" in said
    assert "`clientele review sign-off 2025 --help`" in said
    none = {**YEARLY, "annual_reviews": [], "goal_alignment": []}
    for name, rows, tables, sentence in (
        ("none", none, tuple(YEARLY), "no calendar year has closed in the data"),
        ("old", ROWS, TABLES, "before there were yearly reviews; run `make refresh`"),
    ):
        release(tmp_path / name, compiled_manifest, rows, tables)
        monkeypatch.setenv("CLIENTELE_WAREHOUSE", str(tmp_path / name))
        assert cli.main(["review", "annual"]) == 1
        assert sentence in capsys.readouterr().err
