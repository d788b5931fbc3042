"""The quarterly review and the report to stakeholders: the current release, laid out to be read.

Belongs here: reading what a release says of its segments, programmes and budget, and writing it as
one page (HTML, no script, nothing loaded from elsewhere) and as CSV files beside it. Does not
belong here: working anything out (the models segment_reviews, segmentation_roi, budget_allocation
and segment_kpis do), and what a single segment looks like (segment_report.py).
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from orchestration.database import tables
from orchestration.review_page import (
    FOLDER,
    Row,
    change_text,
    figure,
    figure_or_nothing,
    number_text,
    opened_release,
    page_head,
    percent_text,
    put_page,
    read_rows,
    write_csv,
)
from orchestration.warehouse import Warehouse

TREND_MONTHS: Final = 13


@dataclass(frozen=True)
class Review:
    """What a release says to those who review it.

    Attributes:
        as_of: of the release, as text; run_id: its id; currency: the reporting currency.
        findings: rows of segment_reviews with the segment's name and owner.
        targets: KPIs with a target in their last period that has closed, and in the open one.
        programmes: rows of segmentation_roi.
        budget: rows of budget_allocation.
        trends: name, size and monthly revenue of every segment.
        missing: KPIs that have no rows, with the reason.
    """

    as_of: str
    run_id: str
    currency: str
    findings: tuple[Row, ...]
    targets: tuple[Row, ...]
    programmes: tuple[Row, ...]
    budget: tuple[Row, ...]
    trends: tuple[Row, ...]
    missing: tuple[Row, ...]


@dataclass(frozen=True)
class Written:
    """Where a review was written, and how many findings of each suggestion it has."""

    page: Path
    tables: tuple[Path, ...]
    suggestions: dict[str, int]


SUGGESTIONS: Final = {
    "retire": "Retire: too small at every look for half a year",
    "merge": "Merge: two segments are nearly the same people",
    "split": "Split: too large, or two kinds of customers in one",
    "adjust": "Adjust: a target is missed, or the goal got worse",
    "review": "Review: the day of the review has passed",
    "watch": "Watch: too small today, not yet for long",
}
"""What a finding suggests, in the order of a reader's interest."""

_FINDINGS: Final = {
    "under_target": "{subject}: {observed}, target {expected}",
    "goal_worse": "goal {subject}: {observed} in the last quarter, {expected} in the one before",
    "unlike_before": "{subject}: {observed}, {expected} on average of the months before",
    "stale": "{subject}, {observed} days ago",
    "empty": "nobody is in it; it wants {expected} customers",
    "too_small": "{observed} customers; it wants {expected}",
    "too_large": "{observed} of all customers; more than {expected} is nearly everybody",
    "overlapping": "{observed} alike with {subject} (Jaccard), bound {expected}",
    "spread": "its best fifth of buyers brings in {observed} of its revenue, bound {expected}",
}


def read_review(warehouse: Warehouse) -> Review:
    """What the current release says.

    Raises:
        ClienteleError: there is no release, or it was made by a version that had no reviews.
    """
    with opened_release(warehouse, _NEEDED, "reviews") as connection:
        release = read_rows(connection, "select * from release")[0]
        return Review(
            as_of=f"{release['as_of']:%Y-%m-%d}",
            run_id=release["run_id"],
            currency=release["reporting_currency"] or "",
            findings=read_rows(connection, _FINDINGS_QUERY),
            targets=read_rows(connection, _TARGETS_QUERY),
            programmes=(
                read_rows(connection, _PROGRAMMES_QUERY)
                if "segmentation_roi" in tables(connection)
                else ()
            ),
            budget=read_rows(connection, _BUDGET_QUERY),
            trends=read_rows(connection, _TRENDS_QUERY),
            missing=read_rows(
                connection, "select kpi, reason from kpi_catalogue where not is_computed order by 1"
            ),
        )


_NEEDED: Final = ("segment_reviews", "budget_allocation", "kpi_catalogue")
_FINDINGS_QUERY: Final = """
    select reviews.* exclude (as_of), segments.name, segments.owner, kpis.unit
    from segment_reviews as reviews
    left join segments using (segment_key)
    left join kpi_catalogue as kpis on kpis.kpi = split_part(reviews.subject, ' by ', 1)
    order by reviews.segment_key, reviews.finding, reviews.subject
"""
_TARGETS_QUERY: Final = """
    select segment_key, kpi, period_grain, period_start, value, unit, target, target_verdict
    from segment_kpis
    where target is not null and target_verdict is not null
    qualify period_start = max(case when target_verdict <> 'too_early' then period_start end)
        over (partition by segment_key, kpi, period_grain)
        or target_verdict = 'too_early'
    order by segment_key, kpi, period_grain, period_start
"""
_PROGRAMMES_QUERY: Final = """
    select
        programme, scope, metric_name as "Metric", before_value as "Before", after_value as "After",
        change_absolute as "Change", change_relative, impact as "Impact", method, method_says,
        unit, low, high, sample_size, verdict, quality_verdict
    from segmentation_roi
    order by programme, method, segmentation_roi.metric
"""
_BUDGET_QUERY: Final = """
    select *
    from budget_allocation
    order by line_kind, amount desc, segment_key
"""
_TRENDS_QUERY: Final = f"""
    select
        segments.segment_key, segments.entity, segments.name, segments.member_count,
        segments.status,
        list(kpis.value order by kpis.period_start) as revenue
    from segments
    left join (
        select segment_key, period_start, value
        from segment_kpis
        where kpi = 'revenue' and period_grain = 'month'
        qualify row_number() over (
            partition by segment_key order by period_start desc
        ) <= {TREND_MONTHS}
    ) as kpis using (segment_key)
    group by all
    order by segments.member_count desc, segments.segment_key
"""


def write_review(warehouse: Warehouse) -> Written:
    """Write the review of the current release into `reviews/<as_of>/` of the warehouse.

    A review of the same day is written anew. The page is put in place last, and whole.
    """
    review = read_review(warehouse)
    folder = warehouse.root / FOLDER / review.as_of
    folder.mkdir(parents=True, exist_ok=True)
    tables = tuple(
        write_csv(folder / f"{name}.csv", rows)
        for name, rows in (
            ("findings", review.findings),
            ("targets", review.targets),
            ("stakeholder_report", review.programmes),
            ("budget", review.budget),
        )
        if rows
    )
    page = put_page(folder / "review.html", _page(review))
    found = [row["suggestion"] for row in review.findings]
    return Written(page, tables, {name: found.count(name) for name in SUGGESTIONS if name in found})


def in_words(finding: Row) -> str:
    """The evidence of a finding, as a sentence without its segment."""
    is_share = finding["finding"] in {"too_large", "overlapping", "spread"}
    shown: Callable[[Any], str] = (
        percent_text if is_share or finding["unit"] == "rate" else number_text
    )
    told = _FINDINGS[finding["finding"]].format(
        subject=finding["subject"],
        observed=shown(finding["observed"]),
        expected=shown(finding["expected"]),
    )
    # A release from before there were z-scores has none.
    z_score = finding.get("z_score")
    if z_score is None:
        return told
    side = "below" if z_score < 0 else "above"
    return f"{told} (last month {abs(z_score):,.1f} standard deviations {side} its own past)"


def _page(review: Review) -> Iterator[str]:
    yield page_head(f"Review of the segments, {review.as_of}")
    yield f"<h1>Review of the segments</h1><p class=quiet>As of {review.as_of}"
    yield f" · release {html.escape(review.run_id)} · amounts in {html.escape(review.currency)}</p>"
    yield "<h2>What to do</h2>"
    yield from _what_to_do(review.findings)
    yield "<h2>Did segmentation pay?</h2>"
    yield from _programmes(review.programmes)
    yield "<h2>Targets</h2>"
    yield from _targets(review.targets)
    yield "<h2>Segments</h2>"
    yield from _trends(review.trends)
    yield "<h2>Budget</h2>"
    yield from _budget(review.budget)
    yield "<h2>What could not be measured</h2>"
    if review.missing:
        yield "<ul>"
        for row in review.missing:
            yield f"<li>{html.escape(row['kpi'])}: {html.escape(row['reason'])}</li>"
        yield "</ul>"
    else:
        yield "<p>Every KPI has its inputs.</p>"
    yield "</html>\n"


def _what_to_do(findings: Sequence[Row]) -> Iterator[str]:
    if not findings:
        yield "<p>Nothing: every segment is within its bounds and meets its targets.</p>"
    for suggestion, says in SUGGESTIONS.items():
        found = [row for row in findings if row["suggestion"] == suggestion]
        if found:
            yield f"<h3>{says}</h3><table><tr><th>segment<th>evidence<th>owner</tr>"
            for row in found:
                yield f"<tr><td>{html.escape(row['segment_key'])}"
                yield f"<td>{html.escape(in_words(row))}"
                yield f"<td class=quiet>{html.escape(row['owner'] or '')}</tr>"
            yield "</table>"


def _programmes(programmes: Sequence[Row]) -> Iterator[str]:
    if not programmes:
        yield "<p>No programme is written down in <code>seeds/segmentation_programmes.csv</code>, "
        yield "so there is no before and after to compare.</p>"
        return
    yield "<table><tr><th>Metric<th class=n>Before<th class=n>After<th class=n>Change<th>Impact"
    yield "</tr>"
    before: tuple[str, str] | None = None
    for row in programmes:
        heading = (row["programme"], row["method_says"])
        if heading != before:
            before = heading
            yield f"<tr><th colspan=5>{html.escape(row['programme'])} "
            yield f"<span class=quiet>{html.escape(row['method_says'])}</span></tr>"
        shown = change_text(row["Change"], row["unit"])
        relative = row["change_relative"]
        if relative is not None:
            shown += f" ({relative * 100:+.2f} %)"
        if row["low"] is not None:
            low, high = (figure(row[bound], row["unit"]) for bound in ("low", "high"))
            shown += f"<br><span class=quiet>95 %: {low} to {high}</span>"
        yield f"<tr><td>{html.escape(row['Metric'])}"
        yield f"<td class=n>{figure_or_nothing(row['Before'], row['unit'])}"
        yield f"<td class=n>{figure_or_nothing(row['After'], row['unit'])}<td class=n>{shown}"
        yield f"<td>{html.escape(row['Impact'] or '')}</tr>"
    yield "</table>"


def _targets(targets: Sequence[Row]) -> Iterator[str]:
    if not targets:
        yield "<p>No target is written down in <code>seeds/kpi_targets.csv</code>.</p>"
        return
    yield "<table><tr><th>segment<th>KPI<th>period<th class=n>value<th class=n>target<th></tr>"
    for row in targets:
        verdict = row["target_verdict"]
        yield f"<tr><td>{html.escape(row['segment_key'])}<td>{html.escape(row['kpi'])}"
        yield f"<td>{row['period_grain']} from {row['period_start']}"
        yield f"<td class=n>{figure(row['value'], row['unit'])}"
        yield f"<td class=n>{figure(row['target'], row['unit'])}"
        yield f"<td class={verdict}>{verdict.replace('_', ' ')}</tr>"
    yield "</table>"


def _trends(trends: Sequence[Row]) -> Iterator[str]:
    yield "<table><tr><th>segment<th class=n>members<th>revenue by month<th>status</tr>"
    for row in trends:
        yield f"<tr><td>{html.escape(row['segment_key'])}<br>"
        yield f"<span class=quiet>{html.escape(row['name'] or '')}</span>"
        accounts = " accounts" if row["entity"] == "account" else ""
        yield f"<td class=n>{row['member_count']:,}{accounts}"
        yield f"<td>{_columns(row['revenue'] or [])}"
        yield f"<td>{html.escape(row['status'])}</tr>"
    yield "</table>"


def _columns(values: Sequence[Decimal | None]) -> str:
    """Months as columns of one picture; what is unknown leaves a gap."""
    numbers = [max(float(value), 0.0) if value is not None else 0.0 for value in values]
    top = max(numbers, default=0.0)
    if not top:
        return "<span class=quiet>none</span>"
    bars = "".join(
        f'<rect x="{place * 9}" y="{28 - 28 * number / top:.1f}" width="7" '
        f'height="{28 * number / top:.1f}" fill="#4a78b5"/>'
        for place, number in enumerate(numbers)
    )
    said = f"revenue of the last {len(numbers)} months; the greatest is {top:,.0f}"
    return (
        f'<svg width="{len(numbers) * 9}" height="28" role="img" aria-label="{said}">{bars}</svg>'
    )


def _budget(budget: Sequence[Row]) -> Iterator[str]:
    if not budget:
        yield "<p>Nothing to share: nothing was spent in the last 365 days, and "
        yield "<code>vars.budget_amount</code> is not set.</p>"
        return
    top = max((row["highest_amount"] for row in budget), default=Decimal(0)) or Decimal(1)
    yield "<p>A proposal: by net revenue of a year and its trend. The thin line says how much it "
    yield "would be without the trend, or by number of customers.</p>"
    yield "<table><tr><th>segment<th class=n>customers<th class=n>amount<th></tr>"
    for row in budget:
        name = row["segment_key"] or "kept for tests"
        members = f"{row['member_count']:,}" if row["member_count"] is not None else ""
        wide = [
            300 * float(row[part]) / float(top)
            for part in ("amount", "lowest_amount", "highest_amount")
        ]
        yield f"<tr><td>{html.escape(name)}<td class=n>{members}<td class=n>{row['amount']:,.2f}"
        yield f'<td><svg width="304" height="16"><rect y="3" width="{wide[0]:.1f}" height="10" '
        yield f'fill="#4a78b5"/><path d="M{wide[1]:.1f} 8H{wide[2]:.1f}" stroke="#1c2430"/>'
        yield "</svg></tr>"
    yield "</table>"
