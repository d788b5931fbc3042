"""The one-way layer rule, on manifests that break it on purpose and on the project."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.layers import (
    LAYERS,
    RANK,
    SOURCE_READERS,
    layer_of,
    layer_violations,
    may_read,
)


def manifest(
    models: dict[str, list[str]], *, package: str = "clientele", folder: str = "models"
) -> dict[str, Any]:
    """A manifest of models `<layer>.<name>` and what each reads: models, `source:a.b`, `seed:c`."""
    nodes: dict[str, Any] = {}
    sources: dict[str, Any] = {}

    def unique_id(read: str) -> str:
        kind, _, rest = read.partition(":")
        if kind == "source":
            source, _, table = rest.partition(".")
            key = f"source.clientele.{rest}"
            sources[key] = {"source_name": source, "name": table}
            return key
        if kind == "seed":
            nodes[f"seed.clientele.{rest}"] = {"resource_type": "seed", "name": rest}
            return f"seed.clientele.{rest}"
        return f"model.clientele.{read}"

    for model, reads in models.items():
        layer, _, name = model.partition(".")
        nodes[f"model.clientele.{model}"] = {
            "unique_id": f"model.clientele.{model}",
            "resource_type": "model",
            "package_name": package,
            "name": name,
            "original_file_path": f"{folder}/{layer}/{name}.sql",
            "depends_on": {"nodes": [unique_id(read) for read in reads]},
        }
    return {"metadata": {"project_name": "clientele"}, "nodes": nodes, "sources": sources}


def test_the_whole_chain_from_left_to_right_is_allowed() -> None:
    chain = {
        "staging.stg_orders": ["source:raw.orders"],
        "identity.customers": ["staging.stg_orders"],
        "facts.fct_orders": ["staging.stg_orders", "identity.customers", "source:run.settings"],
        "features.customer_features": ["facts.fct_orders", "source:run.as_of_spine"],
        "rfm.rfm_scores": ["features.customer_features", "seed:rfm_map_default"],
        "lifecycle.customer_lifecycle": ["features.customer_features"],
        "profiles.customer_profiles": ["rfm.rfm_scores", "lifecycle.customer_lifecycle"],
        "segments.seg_vip": ["profiles.customer_profiles", "segments.seg_other"],
        "segments.seg_other": ["facts.fct_orders", "rfm.rfm_scores"],
        "membership.segment_events": ["segments.seg_vip", "source:state.events", "source:run.x"],
        "kpis.segment_kpis": ["membership.segment_events", "staging.stg_orders"],
        "operations.release": ["source:run.settings", "kpis.segment_kpis", "source:state.events"],
    }
    assert layer_violations(manifest(chain)) == []


@pytest.mark.parametrize(
    ("model", "read", "said"),
    [
        ("facts.a", "features.b", "layers to its left"),
        ("staging.a", "identity.b", "layers to its left"),
        ("membership.a", "kpis.b", "layers to its left"),
        ("rfm.a", "lifecycle.b", "not lifecycle"),
        ("lifecycle.a", "rfm.b", "not rfm"),
        ("segments.seg_a", "staging.b", "a segment reads"),
        ("segments.seg_a", "identity.b", "a segment reads"),
        ("segments.seg_a", "membership.b", "a segment reads"),
        ("segments.seg_a", "source:raw.orders", "only staging may"),
        ("segments.seg_a", "source:run.settings", "may"),
        ("identity.a", "source:raw.orders", "only staging may"),
        ("operations.a", "source:raw.orders", "only staging may"),
        ("profiles.a", "source:run.settings", "may"),
        ("segments.seg_a", "source:state.events", "may"),
        ("facts.a", "source:state.events", "only identity, membership, kpis, operations may"),
        ("staging.a", "source:other.b", "which no layer may read"),
    ],
)
def test_each_forbidden_read_is_one_sentence_with_file_and_reason(
    model: str, read: str, said: str
) -> None:
    models = {model: [read]}
    if ":" not in read:
        models[read] = []
    (violation,) = layer_violations(manifest(models))
    layer, _, name = model.partition(".")
    assert violation.startswith(f"models/{layer}/{name}.sql: ")
    assert said in violation


def test_a_folder_that_is_no_layer_is_refused() -> None:
    (violation,) = layer_violations(manifest({"marts.a": []}))
    assert "models/marts/a.sql" in violation
    assert "in no layer" in violation
    assert layer_of({"original_file_path": "models/a.sql"}) is None
    assert layer_of({"original_file_path": "analyses/facts/a.sql"}) is None
    assert layer_of({"original_file_path": "models/facts/deeper/a.sql"}) == "facts"


def test_models_of_other_packages_and_data_tests_are_left_alone() -> None:
    assert layer_violations(manifest({"marts.a": ["source:raw.b"]}, package="other")) == []
    with_test = manifest({"kpis.a": []})
    with_test["nodes"]["test.clientele.x"] = {
        "resource_type": "test",
        "package_name": "clientele",
        "original_file_path": "tests/data/x.sql",
        "depends_on": {"nodes": ["model.clientele.kpis.a"]},
    }
    assert layer_violations(with_test) == []


def test_no_two_layers_read_each_other() -> None:
    for left, right in product(RANK, RANK):
        if left != right:
            assert not (may_read(left, right) and may_read(right, left))


def test_layers_side_by_side_read_neither() -> None:
    for side in LAYERS:
        for one, other in product(side, side):
            assert may_read(one, other) == (one == other)


def test_raw_has_one_reader() -> None:
    assert SOURCE_READERS["raw"] == {"staging"}


@given(st.lists(st.tuples(st.sampled_from(sorted(RANK)), st.sampled_from(sorted(RANK)))))
def test_there_is_one_violation_per_forbidden_read(reads: list[tuple[str, str]]) -> None:
    models: dict[str, list[str]] = {f"{layer}.target": [] for layer in RANK}
    for number, (reader, read) in enumerate(reads):
        models[f"{reader}.m{number}"] = [f"{read}.target"]
    forbidden = sum(not may_read(reader, read) for reader, read in reads)
    assert len(layer_violations(manifest(models))) == forbidden


def test_the_project_keeps_the_layer_rule(compiled_manifest: dict[str, Any]) -> None:
    found = layer_violations(compiled_manifest)
    assert not found, "\n".join(found)
