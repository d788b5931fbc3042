"""The one-way rule: a model reads its own layer or layers to its left.

Pure functions over dbt's manifest, which a test runs on the project itself and on manifests that
break the rule on purpose.

Does not belong here: rules about the SQL inside a model (portability.py, sqlfluff), drawing
(lineage.py), or data tests, which may read whatever they check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

# From left to right; layers of one tuple stand side by side and do not read each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("staging",),
    ("identity",),
    ("facts",),
    ("features",),
    ("rfm", "lifecycle"),
    ("profiles",),
    ("segments",),
    ("membership",),
    ("kpis",),
    ("operations",),
)
RANK: dict[str, int] = {layer: rank for rank, side in enumerate(LAYERS) for layer in side}

# Which layers may read which source: the input as it landed, what this run was asked to do,
# tables from libraries, and the history that the current release hands on.
SOURCE_READERS: dict[str, frozenset[str]] = {
    "raw": frozenset({"staging"}),
    "reference": frozenset({"staging"}),
    "run": frozenset(
        {"staging", "identity", "facts", "features", "membership", "kpis", "operations"}
    ),
    "state": frozenset({"identity", "membership", "kpis", "operations"}),
}

# An analyst's file builds on what is known per customer, not on records as they landed.
SEGMENT_READS: frozenset[str] = frozenset(
    {"facts", "features", "rfm", "lifecycle", "profiles", "segments"}
)


def layer_of(node: Mapping[str, Any]) -> str | None:
    """The layer of a model: its folder under models/; None for a folder that is no layer."""
    parts = PurePosixPath(str(node.get("original_file_path", "")).replace("\\", "/")).parts
    if len(parts) < 3 or parts[0] != "models" or parts[1] not in RANK:
        return None
    return parts[1]


def project_models(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The models of the project itself, in order of their id."""
    project = manifest.get("metadata", {}).get("project_name")
    return [
        node
        for _, node in sorted(manifest.get("nodes", {}).items())
        if node.get("resource_type") == "model" and project in (None, node.get("package_name"))
    ]


def model_names(manifest: Mapping[str, Any]) -> frozenset[str]:
    """The names of those models: of all that are switched on."""
    return frozenset(str(model["name"]) for model in project_models(manifest))


def may_read(reader: str, read: str) -> bool:
    """Whether a model of the layer `reader` may read one of the layer `read`."""
    if reader == "segments":
        return read in SEGMENT_READS
    return reader == read or RANK[read] < RANK[reader]


def _reads(model: Mapping[str, Any]) -> list[str]:
    return sorted(set(model.get("depends_on", {}).get("nodes", [])))


def _violations_of(
    model: Mapping[str, Any], layer: str, manifest: Mapping[str, Any]
) -> Iterator[str]:
    path = model["original_file_path"]
    nodes = manifest.get("nodes", {})
    sources = manifest.get("sources", {})
    for read_id in _reads(model):
        source = sources.get(read_id)
        if source is not None:
            name = source["source_name"]
            readers = SOURCE_READERS.get(name)
            if readers is None:
                yield (
                    f"{path}: reads source {name}.{source['name']}, which no layer may read; "
                    "say in orchestration/layers.py who may"
                )
            elif layer not in readers:
                allowed = ", ".join(side for side in RANK if side in readers)
                yield (
                    f"{path}: {layer} reads source {name}.{source['name']}; only {allowed} may, "
                    "so read a model of theirs"
                )
            continue
        read = nodes.get(read_id)
        if read is None or read.get("resource_type") != "model":
            continue  # seeds are reference tables that every layer may read
        read_layer = layer_of(read)
        if read_layer is not None and not may_read(layer, read_layer):
            yield f"{path}: {layer} reads {read['name']} of {read_layer}; {_reason(layer)}"


def _reason(layer: str) -> str:
    if layer == "segments":
        allowed = ", ".join(side for side in RANK if side in SEGMENT_READS)
        return f"a segment reads {allowed}"
    beside = next(side for side in LAYERS if layer in side)
    if len(beside) > 1:
        return f"{layer} reads its own models and layers to its left, not {_others(beside, layer)}"
    return f"{layer} reads its own models and layers to its left"


def _others(side: tuple[str, ...], layer: str) -> str:
    return ", ".join(other for other in side if other != layer)


def layer_violations(manifest: Mapping[str, Any]) -> list[str]:
    """Every place where a model reads what the one-way rule keeps from it.

    Args:
        manifest: dbt's manifest.json, parsed; it need not be compiled.

    Returns:
        One sentence per violation, naming the file, what it reads and what it may read; in order
        of model and of what it reads. Empty when the rule holds.
    """
    found: list[str] = []
    for model in project_models(manifest):
        layer = layer_of(model)
        if layer is None:
            found.append(
                f"{model['original_file_path']}: is in no layer; put it into a folder of models/ "
                f"among {', '.join(RANK)}"
            )
            continue
        found.extend(_violations_of(model, layer, manifest))
    return found
