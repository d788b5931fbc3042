"""The picture of the lineage: generated, deterministic, and the one that README shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.errors import ClienteleError
from orchestration.lineage import (
    BEGIN,
    END,
    block,
    main,
    mermaid,
    picture,
    replace_block,
    updated,
    without_shortcuts,
)

README = Path(__file__).resolve().parents[2] / "README.md"


def _model(layer: str, name: str, reads: list[str], published: str | None = None) -> dict[str, Any]:
    return {
        "unique_id": f"model.clientele.{name}",
        "resource_type": "model",
        "package_name": "clientele",
        "name": name,
        "original_file_path": f"models/{layer}/{name}.sql",
        "config": {"meta": {"published": published} if published else {}},
        "depends_on": {"nodes": reads},
    }


def _manifest() -> dict[str, Any]:
    models = [
        _model("staging", "stg_orders", ["source.clientele.raw.orders"]),
        _model("facts", "fct_orders", ["model.clientele.stg_orders"]),
        _model("features", "customer_features", ["model.clientele.fct_orders"]),
        _model("segments", "seg_vip", ["model.clientele.fct_orders", "seed.clientele.map"]),
        _model(
            "kpis",
            "segment_kpis",
            [f"model.clientele.{read}" for read in ("seg_vip", "stg_orders")],
            "all",
        ),
    ]
    return {
        "metadata": {"project_name": "clientele"},
        "nodes": {model["unique_id"]: model for model in models},
        "sources": {"source.clientele.raw.orders": {"source_name": "raw", "name": "orders"}},
    }


def test_each_layer_is_one_box_with_its_models_between_sources_and_release() -> None:
    boxes = picture(_manifest()).boxes
    assert [(box.key, box.names) for box in boxes] == [
        ("source_raw", ("orders",)),
        ("staging", ("stg_orders",)),
        ("facts", ("fct_orders",)),
        ("features", ("customer_features",)),
        ("segments", ("seg_vip",)),
        ("kpis", ("segment_kpis",)),
        ("release", ("segment_kpis",)),
    ]


def test_arrows_are_the_real_reads_without_those_a_longer_way_implies() -> None:
    arrows = picture(_manifest()).arrows
    assert arrows == (
        ("source_raw", "staging"),
        ("staging", "facts"),
        ("facts", "features"),
        ("facts", "segments"),
        ("segments", "kpis"),
        ("kpis", "release"),
    )
    assert ("staging", "kpis") not in arrows


def test_the_picture_does_not_depend_on_the_order_of_the_manifest() -> None:
    turned = _manifest()
    turned["nodes"] = dict(reversed(turned["nodes"].items()))
    assert block(turned) == block(_manifest())


def test_a_long_list_takes_several_names_a_line() -> None:
    manifest = _manifest()
    for number in range(20):
        model = _model("segments", f"seg_{number:02}", [])
        manifest["nodes"][model["unique_id"]] = model
    (line,) = [line for line in mermaid(picture(manifest)).splitlines() if "seg_00" in line]
    assert line.count("<br/>") == 7
    assert all(f"seg_{number:02}" in line for number in range(20))


def _reachable(edges: set[tuple[int, int]]) -> set[tuple[int, int]]:
    closure = set(edges)
    while True:
        more = {(a, d) for a, b in closure for c, d in closure if b == c} - closure
        if not more:
            return closure
        closure |= more


@given(
    st.sets(
        st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda edge: edge[0] < edge[1]),
        max_size=20,
    )
)
def test_leaving_out_shortcuts_keeps_what_reaches_what_and_nothing_spare(
    edges: set[tuple[int, int]],
) -> None:
    kept = {(int(a), int(b)) for a, b in without_shortcuts((str(a), str(b)) for a, b in edges)}
    assert kept <= edges
    assert _reachable(kept) == _reachable(edges)
    for edge in kept:
        assert _reachable(kept - {edge}) != _reachable(edges)


def test_only_what_stands_between_the_markers_changes() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    new = updated(text, _manifest())
    assert new.startswith(f"before\n{BEGIN}\n")
    assert new.endswith(f"{END}\nafter\n")
    assert "old" not in new
    assert updated(new, _manifest()) == new


@pytest.mark.parametrize(
    "text", ["", f"{BEGIN}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n"]
)
def test_missing_repeated_or_turned_markers_are_refused(text: str) -> None:
    with pytest.raises(ClienteleError, match=r"README\.md: .*lineage:begin"):
        replace_block(text, "new", "README.md")


def test_check_fails_until_the_picture_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, readme = tmp_path / "manifest.json", tmp_path / "README.md"
    manifest.write_text(json.dumps(_manifest()))
    readme.write_text(f"{BEGIN}\n{END}\n")
    arguments = ["--manifest", str(manifest), "--readme", str(readme)]
    assert main([*arguments, "--check"]) == 1
    assert "python -m orchestration.lineage" in capsys.readouterr().err
    assert readme.read_text() == f"{BEGIN}\n{END}\n"
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    readme.unlink()
    assert main(arguments) == 1
    assert "there is no such file" in capsys.readouterr().err


def test_the_picture_in_readme_is_that_of_the_project(compiled_manifest: dict[str, Any]) -> None:
    text = README.read_text(encoding="utf-8")
    assert updated(text, compiled_manifest) == text, "run `python -m orchestration.lineage`"
