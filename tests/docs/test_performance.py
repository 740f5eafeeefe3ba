"""The page of figures is made from what was measured, and from nothing else."""

import json

import performance
import preset_table
import pytest


def row(benchmark: str, commit: str, **figures: object) -> str:
    return json.dumps(
        {"benchmark": benchmark, "version": "1", "commit": commit, "day": "2026-01-02", "machine": "2 cores, X"}
        | {"figures": figures}
    )


FOUND = performance.rows(
    "\n".join(
        [
            row("startup", "aaa", frame_ms=500.0),
            row("others", "bbb", ours={"ms": 2}),
            row("startup", "bbb", frame_ms=317.4),
        ]
    )
)


def test_the_newest_figures_come_into_the_page() -> None:
    head = "{startup.frame_ms:.0f} ms, {startup.frame_ms/1000:.2f} s, {others.ours.ms} on {startup}"
    assert performance.page(head, FOUND) == "317 ms, 0.32 s, 2 on 2 cores, X, 2026-01-02"


def test_a_figure_that_was_never_measured_is_none() -> None:
    with pytest.raises(KeyError, match="key_ms"):
        performance.page("{startup.key_ms}", FOUND)


def test_a_graph_has_every_commit_that_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performance, "GRAPHS", (("startup", "frame_ms", "first frame"),))
    drawn = performance.graphs(FOUND)
    assert drawn.count("aaa") == drawn.count("bbb") == 1
    assert "first frame" in drawn


def test_page_and_graphs_are_those_of_the_rows() -> None:
    found = performance.rows((performance.HERE / "figures.jsonl").read_text(encoding="utf-8"))
    head = (performance.HERE / "performance.head.md").read_text(encoding="utf-8")
    assert (performance.HERE / "performance.md").read_text(encoding="utf-8") == performance.page(head, found)
    assert (performance.HERE / "figures.svg").read_text(encoding="utf-8") == performance.graphs(found)


def test_readmes_table_of_presets_is_of_the_newest_figures() -> None:
    text = preset_table.README.read_text(encoding="utf-8")
    table = text.partition(preset_table.BEGIN)[2].partition(preset_table.END)[0]
    assert table == preset_table.table()
    assert "*" in table, "what is calculated is in italics"
