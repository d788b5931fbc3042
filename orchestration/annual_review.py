"""The yearly review: whether segments serve the goals of the business, and who has signed that.

Belongs here: laying out what the current release says of a year that has closed (the models
goal_alignment, annual_reviews and segment_kpis work it out) and writing a signature down. Does not
belong here: what to do about single segments (review.py).
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import duckdb

from orchestration.errors import ClienteleError
from orchestration.review_page import (
    FOLDER,
    Row,
    change_text,
    figure_or_nothing,
    opened_release,
    page_head,
    put_page,
    read_rows,
    write_csv,
)
from orchestration.segment_changes import (
    MAXIMUM_NAME_LENGTH,
    MAXIMUM_REASON_LENGTH,
    Plan,
    add_seed_rows,
    log_text,
)
from orchestration.segment_files import read_seed
from orchestration.warehouse import MARTS, Warehouse

SIGN_OFFS_SEED: Final = Path("seeds/review_sign_offs.csv")
SIGN_OFF_COLUMNS: Final = ("calendar_year", "signed_on", "signed_by", "decision", "note")

COMPANY_KPIS: Final = {
    "revenue_growth": "Revenue growth",
    "market_share": "Market share",
    "customer_experience": "Customer experience",
    "efficiency": "Efficiency",
}
"""What of the business a KPI serves (seeds/kpi_formulas.csv), in the order of the page."""

CHOSEN: Final = frozenset({"marketing_spend"})
"""KPIs that somebody decides on: more of them is neither better nor worse."""

ALIGNMENTS: Final = {
    "off_target": "missed its target in as many periods as it met it, or more",
    "on_target": "met its target in most periods",
    "no_target": "no target is written down (seeds/kpi_targets.csv)",
    "not_measured": "the goal has no value: its input is missing, or nobody was in",
}
"""What goal_alignment says, in the order of a reader's interest."""


@dataclass(frozen=True)
class AnnualReview:
    """What a release says of a calendar year.

    Attributes:
        year: the year; as_of: of the release, as text; run_id: its id; currency: of its amounts.
        summary: the row of annual_reviews.
        goals: rows of goal_alignment with the segment's name, owner and objective.
        company: KPIs of all customers in the year's last quarter and the same a year before.
    """

    year: int
    as_of: str
    run_id: str
    currency: str
    summary: Row
    goals: tuple[Row, ...]
    company: tuple[Row, ...]


@dataclass(frozen=True)
class SignOff:
    """A signature that is to be written down.

    Attributes:
        year: that was reviewed; by: the role or team that signs.
        decision: keep or adjust; note: what was found and decided.
    """

    year: int
    by: str
    decision: str
    note: str


_NEEDED: Final = ("annual_reviews", "goal_alignment")
_GOALS_QUERY: Final = """
    select goals.*, segments.name, segments.objective, segments.owner
    from goal_alignment as goals
    left join segments using (segment_key)
    where goals.calendar_year = {year}
    order by goals.segment_key
"""
_COMPANY_QUERY: Final = """
    select
        kpi, kpi_catalogue.company_kpi, kpi_catalogue.unit, kpi_catalogue.is_lower_better,
        max(value) filter (where year(period_start) = {year}) as value,
        max(value) filter (where year(period_start) = {year} - 1) as value_before
    from segment_kpis
    inner join kpi_catalogue using (kpi)
    where segment_key = 'all' and period_grain = 'quarter' and month(period_start) = 10
    group by all
    having count(value) filter (where year(period_start) = {year}) > 0
    order by kpi
"""


def read_annual_review(warehouse: Warehouse, year: int | None = None) -> AnnualReview:
    """What the current release says of a year; of the last that has closed where none is given.

    Raises:
        ClienteleError: there is no release, it was made by a version without yearly reviews, or
            the year has not closed in its data.
    """
    with opened_release(warehouse, _NEEDED, "yearly reviews") as connection:
        summary = _closed_year(connection, warehouse.current / MARTS, year)
        asked = summary["calendar_year"]
        release = read_rows(connection, "select * from release")[0]
        return AnnualReview(
            year=asked,
            as_of=f"{release['as_of']:%Y-%m-%d}",
            run_id=release["run_id"],
            currency=release["reporting_currency"] or "",
            summary=summary,
            goals=read_rows(connection, _GOALS_QUERY.format(year=asked)),
            company=read_rows(connection, _COMPANY_QUERY.format(year=asked)),
        )


def _closed_year(connection: duckdb.DuckDBPyConnection, marts: Path, year: int | None) -> Row:
    years = read_rows(connection, "select * from annual_reviews order by calendar_year desc")
    if not years:
        raise ClienteleError(
            "no calendar year has closed in the data",
            where=str(marts),
            remedy="review the year once its last quarter is over; `clientele review` has quarters",
        )
    wanted = [row for row in years if year is None or row["calendar_year"] == year]
    if not wanted:
        known = ", ".join(str(row["calendar_year"]) for row in reversed(years))
        raise ClienteleError(
            f"the year {year} has not closed in the data",
            where=str(marts),
            remedy=f"give one of those that have: {known}",
        )
    return wanted[0]


def write_annual_review(warehouse: Warehouse, year: int | None = None) -> tuple[AnnualReview, Path]:
    """Write the review of a year into `reviews/<as_of>/` of the warehouse; the page comes last.

    Raises:
        ClienteleError: as read_annual_review.
    """
    review = read_annual_review(warehouse, year)
    folder = warehouse.root / FOLDER / review.as_of
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("goals", review.goals), ("company_kpis", review.company)):
        if rows:
            write_csv(folder / f"{name}-{review.year}.csv", rows)
    return review, put_page(folder / f"annual-{review.year}.html", _page(review))


def sign_off(project: Path, warehouse: Warehouse, signed: SignOff, today: dt.date) -> list[str]:
    """Write a signature into seeds/review_sign_offs.csv; what was done, in lines.

    Args:
        project: the folder of dbt_project.yml.
        warehouse: whose current release was reviewed.
        signed: what is signed.
        today: the business day on which it is.

    Raises:
        ClienteleError: the year has not closed, is signed already, or a text is not as it must be.
    """
    by = log_text(signed.by, "--by", "name the role or team that signs", MAXIMUM_NAME_LENGTH)
    note = signed.note.strip()
    if note or signed.decision == "adjust":
        note = log_text(note, "--note", "say what is to change", MAXIMUM_REASON_LENGTH)
    with opened_release(warehouse, _NEEDED, "yearly reviews") as connection:
        _closed_year(connection, warehouse.current / MARTS, signed.year)
    before = read_seed(project, SIGN_OFFS_SEED)
    if any(row.get("calendar_year", "").strip() == str(signed.year) for row in before):
        raise ClienteleError(
            f"the year {signed.year} is signed already",
            where=str(SIGN_OFFS_SEED),
            remedy="change its line there, and say in the commit why",
        )
    plan = Plan(project)
    row = (str(signed.year), today.isoformat(), by, signed.decision, note)
    add_seed_rows(plan, SIGN_OFFS_SEED, SIGN_OFF_COLUMNS, [row])
    plan.apply()
    return [
        f"noted    {SIGN_OFFS_SEED}: {signed.year} signed by {by} on {today.isoformat()}",
        "Next: commit the file; the next refresh publishes it in annual_reviews.",
    ]


def _page(review: AnnualReview) -> Iterator[str]:
    yield page_head(f"Segments and goals, {review.year}")
    yield f"<h1>Segments and the goals of the business, {review.year}</h1>"
    yield f"<p class=quiet>As of {review.as_of} · release {html.escape(review.run_id)}"
    yield f" · amounts in {html.escape(review.currency)}</p>"
    yield from _signature(review)
    yield "<h2>How the business did</h2>"
    yield from _company(review)
    yield "<h2>What each segment is for</h2>"
    yield from _goals(review.goals)
    yield "<h2>What no segment is for</h2>"
    yield from _unserved(review.goals)
    yield "</html>\n"


def _signature(review: AnnualReview) -> Iterator[str]:
    summary = review.summary
    if summary["signed_on"] is None:
        yield "<p><b class=missed>Not signed.</b> When you have read it: <code>clientele review "
        yield f"sign-off {review.year} --by TEAM --decision keep|adjust --note ...</code></p>"
        return
    yield f"<p><b class=met>Signed</b> on {summary['signed_on']} by "
    yield f"{html.escape(summary['signed_by'])}: {html.escape(summary['decision'])}."
    yield f" {html.escape(summary['note'] or '')}</p>"


def _company(review: AnnualReview) -> Iterator[str]:
    if not review.company:
        yield f"<p>No KPI has a value in the last quarter of {review.year}.</p>"
        return
    yield "<p>All customers in the last quarter of the year, beside the same quarter a year "
    yield "before.</p>"
    yield f"<table><tr><th>KPI<th class=n>{review.year - 1}<th class=n>{review.year}"
    yield "<th class=n>change<th></tr>"
    for company_kpi, name in COMPANY_KPIS.items():
        rows = [row for row in review.company if row["company_kpi"] == company_kpi]
        if rows:
            yield f"<tr><th colspan=5>{name}</tr>"
        for row in rows:
            now, earlier = row["value"], row["value_before"]
            change = None if now is None or earlier is None else now - earlier
            yield f"<tr><td>{html.escape(row['kpi'])}"
            yield f"<td class=n>{figure_or_nothing(earlier, row['unit'])}"
            yield f"<td class=n>{figure_or_nothing(now, row['unit'])}"
            yield f"<td class=n>{change_text(change, row['unit'])}"
            judged = None if row["kpi"] in CHOSEN else change
            yield f"{_verdict(judged, is_lower_better=row['is_lower_better'])}</tr>"
    yield "</table>"


def _verdict(change: Decimal | None, *, is_lower_better: bool) -> str:
    if not change:
        return "<td>"
    is_better = (change > 0) != is_lower_better
    return "<td class=met>better" if is_better else "<td class=missed>worse"


def _goals(goals: Sequence[Row]) -> Iterator[str]:
    if not goals:
        yield "<p>The catalogue has no segment of customers.</p>"
        return
    for alignment, says in ALIGNMENTS.items():
        rows = [row for row in goals if row["alignment"] == alignment]
        if not rows:
            continue
        yield f"<h3>{alignment.replace('_', ' ').capitalize()}: {says}</h3>"
        yield "<table><tr><th>segment<th>objective<th>goal<th class=n>quarters better than a year "
        yield "before<th class=n>targets met<th>owner</tr>"
        for row in rows:
            told = row["met_count"] + row["missed_count"]
            yield f"<tr><td>{html.escape(row['segment_key'])}<br>"
            yield f"<span class=quiet>{html.escape(row['name'] or '')}</span>"
            yield f"<td>{html.escape(row['objective'] or '')}"
            yield f"<td>{html.escape(row['goal_kpi'] or '')}"
            yield f"<td class=n>{_of(row['improved_count'], row['compared_count'])}"
            yield f"<td class=n>{_of(row['met_count'], told)}"
            yield f"<td class=quiet>{html.escape(row['owner'] or '')}</tr>"
        yield "</table>"


def _of(count: int, whole: int) -> str:
    return f"{count} of {whole}" if whole else ""


def _unserved(goals: Sequence[Row]) -> Iterator[str]:
    served = {row["company_kpi"] for row in goals}
    missing = [name for key, name in COMPANY_KPIS.items() if key not in served]
    if missing:
        yield f"<p>{', '.join(missing)}: the goal of no segment serves it.</p>"
    else:
        yield "<p>Nothing: whatever the business wants, the goal of some segment serves it.</p>"
