"""The picture of the lineage in README.md: generated from the manifest, never drawn.

One box per layer lists its models; an arrow means that some model of the right box reads one of
the left. Arrows that a longer way already implies are left out, so that the picture stays readable.
``python -m orchestration.lineage`` writes the picture between the two markers of README.md;
``--check`` fails where it is out of date.

Does not belong here: whether an arrow is allowed (layers.py), or columns and tests, which `dbt
docs` shows.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.dbt_project import read_manifest
from orchestration.errors import ClienteleError
from orchestration.layers import RANK, layer_of, project_models

BEGIN = "<!-- lineage:begin -->"
END = "<!-- lineage:end -->"

_SOURCE_TITLES: dict[str, str] = {
    "raw": "raw: typed batches of what landed",
    "run": "run: what this run was asked to do",
    "state": "state: history of the current release",
}
_RELEASE = "release"
_NAMES_PER_LINE = 3  # where a box holds many names, so that it stays about square


@dataclass(frozen=True)
class Box:
    """A box of the picture.

    Attributes:
        key: name inside Mermaid, unique.
        title: the line in bold.
        names: what is listed below it, in order.
        kind: source, layer or release; the class of its colour.
    """

    key: str
    title: str
    names: tuple[str, ...]
    kind: str


@dataclass(frozen=True)
class Picture:
    """Boxes from left to right, and arrows between their keys."""

    boxes: tuple[Box, ...]
    arrows: tuple[tuple[str, str], ...]


def is_published(model: Mapping[str, Any]) -> bool:
    """Whether BI reads the model: its metadata says `published`, and how much of it."""
    meta = model.get("config", {}).get("meta") or {}
    return bool(meta.get("published"))


def without_shortcuts(arrows: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows that no longer way replaces (the transitive reduction of an acyclic graph)."""
    edges = set(arrows)
    after: dict[str, set[str]] = {}
    for left, right in edges:
        after.setdefault(left, set()).add(right)

    def reaches(start: str, goal: str, seen: set[str]) -> bool:
        for step in after.get(start, ()):
            if step == goal:
                return True
            if step not in seen:
                seen.add(step)
                if reaches(step, goal, seen):
                    return True
        return False

    return {
        (left, right)
        for left, right in edges
        if not any(reaches(step, right, {left}) for step in after[left] - {right})
    }


def picture(manifest: Mapping[str, Any]) -> Picture:
    """Boxes and arrows of a project.

    Args:
        manifest: dbt's manifest.json, parsed; it need not be compiled.
    """
    sources = manifest.get("sources", {})
    models = {str(model["unique_id"]): model for model in project_models(manifest)}
    layers: dict[str, list[str]] = {}
    read_sources: dict[str, set[str]] = {}
    published: list[str] = []
    arrows: set[tuple[str, str]] = set()
    for model in models.values():
        layer = layer_of(model)
        if layer is None:
            continue  # the layer test refuses it
        layers.setdefault(layer, []).append(str(model["name"]))
        if is_published(model):
            published.append(str(model["name"]))
            arrows.add((layer, _RELEASE))
        for read_id in model.get("depends_on", {}).get("nodes", []):
            if read_id in sources:
                source = sources[read_id]
                key = f"source_{source['source_name']}"
                read_sources.setdefault(str(source["source_name"]), set()).add(str(source["name"]))
                arrows.add((key, layer))
            elif read_id in models:
                read_layer = layer_of(models[read_id])
                if read_layer is not None and read_layer != layer:
                    arrows.add((read_layer, layer))
    boxes = [
        Box(f"source_{name}", _SOURCE_TITLES.get(name, name), tuple(sorted(tables)), "source")
        for name, tables in sorted(read_sources.items())
    ]
    boxes += [
        Box(layer, layer, tuple(sorted(layers[layer])), "layer")
        for layer in RANK
        if layer in layers
    ]
    if published:
        boxes.append(Box(_RELEASE, "release: what BI reads", tuple(sorted(published)), "release"))
    place = {box.key: number for number, box in enumerate(boxes)}
    kept = sorted(without_shortcuts(arrows), key=lambda arrow: (place[arrow[0]], place[arrow[1]]))
    return Picture(tuple(boxes), tuple(kept))


def _label(box: Box) -> str:
    """Title and names as one Mermaid label; long lists take several names a line."""
    per_line = 1 if len(box.names) <= 8 else _NAMES_PER_LINE
    lines = [
        ", ".join(box.names[start : start + per_line])
        for start in range(0, len(box.names), per_line)
    ]
    return "<br/>".join([f"<b>{box.title}</b>", *lines])


def mermaid(drawn: Picture) -> str:
    """A picture as a Mermaid flowchart; the same text for the same manifest."""
    lines = ["flowchart LR"]
    lines += [f'    {box.key}["{_label(box)}"]:::{box.kind}' for box in drawn.boxes]
    lines += [f"    {left} --> {right}" for left, right in drawn.arrows]
    lines += [
        "    classDef source fill:#eef3f8,stroke:#5b7a99,color:#1b2733,text-align:left",
        "    classDef layer fill:#ffffff,stroke:#888888,color:#1b2733,text-align:left",
        "    classDef release fill:#eaf5ea,stroke:#5b8f5b,color:#1b2733,text-align:left",
    ]
    return "\n".join(lines)


def block(manifest: Mapping[str, Any]) -> str:
    """What stands between the two markers, markers included."""
    return "\n".join(
        [
            BEGIN,
            "<!-- Generated by `python -m orchestration.lineage`; edit the models instead. -->",
            "",
            "```mermaid",
            mermaid(picture(manifest)),
            "```",
            "",
            "An arrow: some model on its right reads one on its left or, at the release, is "
            "published from it. Arrows that a longer way implies are left out.",
            "",
            END,
        ]
    )


def replace_block(text: str, new: str, where: str) -> str:
    """The text with everything from the first marker to the second replaced.

    Raises:
        ClienteleError: the markers are missing, repeated or in the wrong order.
    """
    begin, end = text.find(BEGIN), text.find(END)
    if text.count(BEGIN) != 1 or text.count(END) != 1 or end < begin:
        raise ClienteleError(
            "the place for the lineage cannot be told",
            where=where,
            remedy=f"write one line `{BEGIN}` and, below it, one line `{END}`",
        )
    return text[:begin] + new + text[end + len(END) :]


def updated(text: str, manifest: Mapping[str, Any], where: str = "README.md") -> str:
    """README's text with the picture that the manifest gives.

    Raises:
        ClienteleError: the markers are missing, repeated or in the wrong order.
    """
    return replace_block(text, block(manifest), where)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the picture, or with --check say whether it is up to date; 1 where it is not."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.lineage",
        description="Write the picture of the lineage into README.md.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if out of date")
    parser.add_argument("--manifest", type=Path, default=Path("target/manifest.json"))
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    options = parser.parse_args(argv)
    try:
        manifest = read_manifest(options.manifest)
        try:
            text = options.readme.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise ClienteleError(
                "there is no such file", where=str(options.readme), remedy="give --readme"
            ) from error
        new = updated(text, manifest, str(options.readme))
        if new != text and options.check:
            raise ClienteleError(
                "the picture of the lineage is out of date",
                where=str(options.readme),
                remedy="run `python -m orchestration.lineage`",
            )
        if new != text:
            options.readme.write_text(new, encoding="utf-8")
    except ClienteleError as error:
        print(error.sentence, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
