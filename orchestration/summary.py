"""What a person reads when a command has ended.

Does not belong here: anything that decides; this only reads a finished release.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from orchestration.database import connect
from orchestration.landing import place_of
from orchestration.retraction import READ_AGAIN
from orchestration.warehouse import MARTS, Release

_BAR = 24


def release_summary(folder: Path, release: Release) -> str:
    """The summary of a release, ready to print.

    Args:
        folder: of the release, as readers reach it.
        release: its manifest.
    """
    with connect(folder / MARTS, read_only=True) as connection:
        customers = _number(connection, "select count(*) from customer_profiles")
        counting = "from source_files where retracted_at is null"
        files = _number(connection, f"select count(*) {counting}")
        rejected = _number(connection, f"select coalesce(sum(rejected_rows), 0) {counting}")
        lines = _number(connection, f"select coalesce(sum(line_count), 0) {counting}")
        retracted = connection.execute(
            "select source_file, entity, accepted_rows, retracted_at, retraction_reason "
            "from source_files where retracted_at is not null and "
            "coalesce(retraction_reason, '') <> ? order by retracted_at, source_file",
            [READ_AGAIN],
        ).fetchall()
        segments = connection.execute(
            """
            select coalesce(exclusive_group, ''), segment_key, member_count, share_of_base, status
            from segments
            order by exclusive_group nulls first, member_count desc, segment_key
            """
        ).fetchall()
        warnings = connection.execute(
            "select check_name, target, observed from quality_results "
            "where not passed order by check_name, target"
        ).fetchall()
    as_of = release.as_of.replace(tzinfo=UTC).astimezone(ZoneInfo(release.business_time_zone))
    counts = release.checks
    text = [
        "",
        f"Published release {release.run_id}",
        f"  as of        {as_of:%Y-%m-%d %H:%M:%S} {release.business_time_zone}",
        f"  customers    {customers:,}",
        f"  input        {files:,} files, {lines:,} lines, {rejected:,} quarantined",
        *(
            f"  retracted    {place_of(name)}, {rows:,} rows of {entity}, on {at:%Y-%m-%d}"
            + (f": {reason}" if reason else "")
            for name, entity, rows, at, reason in retracted
        ),
        f"  checks       {counts.get('passed', 0)} passed, {counts.get('warned', 0)} warned, "
        f"{counts.get('accepted', 0)} accepted by hand",
        "",
        "  segment                            members   share",
    ]
    group = ""
    for exclusive_group, key, members, share, status in segments:
        if exclusive_group != group:
            group = exclusive_group
            text.append(f"  -- {group}: every customer in one at most")
        bar = "█" * round(float(share or 0) * _BAR)
        note = "" if status == "ok" else f"  {status.replace('_', ' ')}"
        text.append(f"  {key:<32} {members:>9,}  {float(share or 0):>6.1%} {bar}{note}")
    if warnings:
        text += ["", "  Failed without stopping publication:"]
        text += [f"  - {name} on {target}: {observed}" for name, target, observed in warnings]
    text += [
        "",
        f"  marts        {folder / MARTS}",
        f"  Parquet      {folder / 'marts'}",
        f"  quality      {folder / 'quality.json'}",
        "",
        f"Look inside:  {_python()} -c \"import duckdb; print(duckdb.connect('{folder / MARTS}', "
        "read_only=True).sql('from segments'))\"",
        "Next:         `make dev` for the schedule and the lineage; README.md for your own orders.",
    ]
    return "\n".join(text)


def release_line(folder: Path, release: Release) -> str:
    """One line of a list of releases."""
    checks = json.dumps(release.checks, sort_keys=True)
    return f"{release.run_id}  as of {release.as_of.isoformat()} UTC  {checks}  {folder}"


def _python() -> str:
    """The interpreter that has DuckDB, as it is called from here."""
    python = Path(sys.executable)
    return str(python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else python)


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
