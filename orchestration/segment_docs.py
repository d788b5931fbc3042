"""The catalogue in docs/segments.md: generated from the metadata of the segment files, on or off.

``python -m orchestration.segment_docs`` writes two tables between the markers of the page: every
segment by family, and every example (EX) with the segments that answer it; ``--check`` fails where
they are out of date. Off segments are read too: dbt keeps what it disabled in its manifest.

Does not belong here: what a segment must say of itself (macros/segments/catalogue.sql), or how many
are in it, which the table `segments` of a release shows.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from orchestration.dbt_project import read_manifest
from orchestration.errors import ClienteleError

BEGIN = "<!-- segments:begin -->"
END = "<!-- segments:end -->"

PAGE = Path("docs/segments.md")
MEMBERS = Path("seeds/segment_group_members.csv")
EXAMPLES = Path("docs/examples.csv")

# Families in the order in which a reader meets them; another one comes behind, by name.
FAMILIES = (
    "rfm",
    "lifecycle",
    "value",
    "behaviour",
    "products",
    "engagement",
    "subscriptions",
    "people",
    "industries",
    "accounts",
)


@dataclass(frozen=True)
class Entry:
    """A segment, or a member of an exclusive group.

    Attributes:
        model: of the file that it stands in.
        needs: inputs of the contract without which it says nothing; orders are always there.
        examples: ids of the examples that it answers.
    """

    key: str
    model: str
    family: str
    says: str
    entity: str
    needs: tuple[str, ...]
    examples: tuple[str, ...]
    is_on: bool


def _nodes(manifest: Mapping[str, Any]) -> Iterable[tuple[Mapping[str, Any], bool]]:
    for node in manifest.get("nodes", {}).values():
        yield node, True
    for versions in manifest.get("disabled", {}).values():
        for node in versions:
            yield node, False


def entries(manifest: Mapping[str, Any], members: Iterable[Mapping[str, str]]) -> list[Entry]:
    """Every segment and group member, by family and key.

    Args:
        manifest: dbt's manifest, parsed with the lists of dbt_project.yml.
        members: rows of the seed segment_group_members. Of a group's variants the one that is
            configured counts.
    """
    rows = list(members)
    found: list[Entry] = []
    for node, is_on in _nodes(manifest):
        if node.get("resource_type") != "model":
            continue
        meta = node["config"].get("meta", {})
        path = PurePosixPath(node["original_file_path"])
        for section in ("segment", "segment_group"):
            said = meta.get(section)
            if said is None:
                continue
            if section == "segment":
                keys = [(path.stem.removeprefix("seg_"), said.get("description") or said["name"])]
            else:
                group = said["exclusive_group"]
                keys = [
                    (f"{group}_{row['member']}", row["description"])
                    for row in rows
                    if row["exclusive_group"] == group and row["variant"] == said["variant"]
                ]
            found += [
                Entry(
                    key=key,
                    model=path.stem,
                    family=path.parent.name,
                    says=says,
                    entity=said.get("entity", "customer"),
                    needs=tuple(said.get("needs", ())),
                    examples=tuple(said.get("examples", ())),
                    is_on=is_on,
                )
                for key, says in keys
            ]
    return sorted(found, key=lambda entry: (_place(entry.family), entry.model, entry.key))


def _place(family: str) -> tuple[int, str]:
    return (FAMILIES.index(family) if family in FAMILIES else len(FAMILIES), family)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _segment_tables(found: Sequence[Entry]) -> list[str]:
    lines: list[str] = []
    for family in dict.fromkeys(entry.family for entry in found):
        lines += [f"### {family}", "", _row(("key", "who is in", "inputs", "examples", "list"))]
        lines.append("|---|---|---|---|---|")
        for entry in (item for item in found if item.family == family):
            group = entry.model.startswith("grp_")
            key = f"`{entry.key}`" + (" (of a group)" if group else "")
            lines.append(
                _row(
                    (
                        key,
                        entry.says,
                        ", ".join(("orders", *entry.needs)),
                        ", ".join(entry.examples),
                        "on" if entry.is_on else "off",
                    )
                )
            )
        lines.append("")
    return lines


def _example_table(found: Sequence[Entry], examples: Iterable[Mapping[str, str]]) -> list[str]:
    lines = [_row(("example", "what it asks", "segments", "elsewhere")), "|---|---|---|---|"]
    for row in examples:
        models = dict.fromkeys(entry.model for entry in found if row["example"] in entry.examples)
        names = [
            f"group `{model.removeprefix('grp_')}`"
            if model.startswith("grp_")
            else f"`{model.removeprefix('seg_')}`"
            for model in models
        ]
        lines.append(_row((row["example"], row["asks"], ", ".join(names), row["elsewhere"])))
    return [*lines, ""]


def block(
    manifest: Mapping[str, Any],
    members: Iterable[Mapping[str, str]],
    examples: Iterable[Mapping[str, str]],
) -> str:
    """What stands between the markers of the page."""
    found = entries(manifest, members)
    lines = ["## The segments", "", *_segment_tables(found)]
    lines += ["## The examples", "", *_example_table(found, examples)]
    return "\n".join(lines)


def updated(text: str, new_block: str, where: str) -> str:
    """The text of the page with a new block between its markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ClienteleError(
            "the markers of the catalogue are missing",
            where=where,
            remedy=f"add the lines {BEGIN} and {END}",
        )
    return f"{before}{BEGIN}\n\n{new_block}\n{END}{after}"


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def page(manifest: Mapping[str, Any], root: Path) -> str:
    """The page as it should be, from the files of the project in `root`."""
    text = (root / PAGE).read_text(encoding="utf-8")
    members, examples = read_rows(root / MEMBERS), read_rows(root / EXAMPLES)
    return updated(text, block(manifest, members, examples), str(PAGE))


def main(argv: Sequence[str] | None = None) -> int:
    """Write the tables, or with --check say whether they are up to date; 1 where they are not."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.segment_docs",
        description="Write the catalogue of segments into docs/segments.md.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if out of date")
    parser.add_argument("--manifest", type=Path, default=Path("target/manifest.json"))
    parser.add_argument("--project", type=Path, default=Path())
    options = parser.parse_args(argv)
    path = options.project / PAGE
    try:
        new = page(read_manifest(options.manifest), options.project)
        if new != path.read_text(encoding="utf-8"):
            if options.check:
                raise ClienteleError(
                    "the catalogue is out of date",
                    where=str(PAGE),
                    remedy="run `dbt parse` and `python -m orchestration.segment_docs`",
                )
            path.write_text(new, encoding="utf-8")
    except ClienteleError as error:
        print(error.sentence, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
