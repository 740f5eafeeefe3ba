"""The panel of the network's health: every layer in view at every size, what is wrong with one, and its numbers."""

import dataclasses
import re
from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from cifar_tui.events import Event, LossNotFinite, Noted, Paused, RolledBack, RunFinished, TrainingStarted
from cifar_tui.layer_events import EVERY, NormsMeasured, is_measured, pack
from cifar_tui.tui.charts.layer_groups import grouped
from cifar_tui.tui.settings.preferences import PreferencesFile
from tests import scripted
from tests.scripted import BLOCKS, LAYERS, ScriptedConnection, ScriptedJobs
from tests.tui.drive import AT_EVERY_SIZE, screen, screen_text, settle

Gradient = Callable[[int, int], float]
"""The gradient of a layer in a step."""


def usual(_step: int, layer: int) -> float:
    return 0.1 * (layer + 1)


def trained(
    steps: int = 600, gradient: Gradient = usual, names: tuple[str, ...] = LAYERS, total: int = 1_300
) -> list[Event]:
    """A run with the norms of its layers; all weights are 10."""
    begun, data, started = scripted.opening()
    assert isinstance(started, TrainingStarted)
    events: list[Event] = [begun, data, dataclasses.replace(started, layers=names, total_steps=total)]
    for number in range(1, steps + 1):
        events.append(scripted.step(number))
        if is_measured(number):
            gradients = pack(gradient(number, layer) for layer in range(len(names)))
            events.append(NormsMeasured(number, gradients, pack([10.0] * len(names))))
    return events


def jobs(*events: Event) -> ScriptedJobs:
    return ScriptedJobs(ScriptedConnection(events))


async def press(pilot: Pilot[int], *keys: str) -> str:
    await pilot.press(*keys)
    await settle(pilot)
    return screen_text(pilot)


def strips(seen: str) -> dict[str, str]:
    """The cells of each row by its label."""
    rows = re.findall(r"│ [ ›]([\w.–…]+) +([▁▂▃▄▅▆▇█▲▼✗·]*) *│", seen)
    return {label: cells for label, cells in rows if cells}


@pytest.mark.parametrize(
    ("size", "labels"),
    [
        ((120, 40), list(LAYERS)),
        ((80, 24), ["conv1.0", "layer1.0.left", "layer1.1.left", "layer2.0.left", "layer2.0.shortcut"]),
        ((60, 20), ["conv1.0", *BLOCKS, "fc"]),
        ((40, 12), ["…"]),
    ],
)
async def test_all_layers_are_in_view_grouped_to_fit(size: tuple[int, int], labels: list[str]) -> None:
    async with screen(jobs(*trained()), size) as pilot:
        seen = await press(pilot, "L")
        assert "─ Network health · update / weight ─" in seen
        found = list(strips(seen))
        if size == (40, 12):
            assert len(found) == 4, "stretches of layers, for not even the stages fit"
        else:
            assert found[: len(labels)] == labels
            assert found[-1] == "fc"
        assert max(map(len, seen.splitlines())) <= size[0]


@AT_EVERY_SIZE
@pytest.mark.parametrize("count", [1, 5, 300])
async def test_networks_of_ones_own_fit_whatever_their_names(count: int, size: tuple[int, int]) -> None:
    names = tuple(f"{number}" if count > 5 else f"网络[{number}]{'x' * 80}" for number in range(count))
    async with screen(jobs(*trained(names=names)), size) as pilot:
        seen = await press(pilot, "L")
        rows = re.findall(r"│ [ ›].*[▁▂▃▄▅▆▇█]{10,} *│", seen)
        assert len(rows) == count if count <= 5 else 5 < len(rows) <= size[1] - 8
        assert f"1 of {count}" in seen or size[0] == 60
        assert await press(pilot, "comma")
        assert f"{count} of {count}" in screen_text(pilot) or size[0] == 60


@pytest.mark.slow
async def test_keys_go_through_layers_and_what_is_shown() -> None:
    async with screen(jobs(*trained()), (120, 40)) as pilot:
        seen = await press(pilot, "L")
        rate = scripted.step(600).learning_rate
        assert f"conv1.0  update {rate * 0.1 / 10:.2g}  gradient 0.1  weight 10  1 of 21" in seen
        assert "›conv1.0" in seen
        seen = await press(pilot, "full_stop", "full_stop")
        assert "layer1.0.left.3  update " in seen
        assert "gradient 0.3  weight 10  3 of 21" in seen
        assert "›layer1.0.left.3" in seen
        assert "fc  update" in await press(pilot, "comma", "comma", "comma")
        seen = await press(pilot, "L")
        assert "─ Network health · gradient norm ─" in seen
        assert "fc  gradient 2.1  update" in seen
        assert strips(seen)["conv1.0"][0] < strips(seen)["fc"][0], "a taller bar"
        seen = await press(pilot, "L")
        assert "─ Network health · weight norm ─" in seen
        assert len(set("".join(strips(seen).values()))) == 1
        assert "update / weight" in await press(pilot, "L")


@pytest.mark.slow
async def test_a_click_puts_the_cursor_on_a_layer_and_a_double_one_fills_the_screen() -> None:
    async with screen(jobs(*trained()), (200, 50)) as pilot:
        row = next(number for number, line in enumerate(screen_text(pilot).splitlines()) if " layer2.0 " in line)
        await pilot.click(offset=(20, row))
        await settle(pilot)
        assert "layer2.0.left.0  update" in screen_text(pilot)
    async with screen(jobs(*trained()), (200, 50)) as pilot:
        await pilot.click("#health", offset=(20, 3), times=2)
        await settle(pilot)
        assert "─ Loss ─" not in screen_text(pilot)


async def test_a_large_screen_has_it_beside_the_others_and_a_smaller_one_for_the_asking() -> None:
    async with screen(jobs(*trained()), (200, 50)) as pilot:
        seen = screen_text(pilot)
        for title in ("─ Loss ─", "─ Epochs ─", "─ CPU, 2 threads ─", "─ Network health · update / weight ─"):
            assert title in seen
        assert list(strips(seen)) == ["conv1.0", *BLOCKS, "fc"]
        await pilot.resize_terminal(120, 40)
        assert "Network health" not in await press(pilot, "0")
        await press(pilot, "h", "down", "down", "down", "space", "enter")
        seen = screen_text(pilot)
        assert "─ Learning rate ─" not in seen
        assert "─ Network health · update / weight ─" in seen, "in the place of another panel"


async def test_it_is_one_of_the_views() -> None:
    async with screen(jobs(*trained()), (60, 20)) as pilot:
        assert "─ Network health" in await press(pilot, "V")
        assert "─ Loss" in await press(pilot, "v")


def spoiled(step: int, layer: int) -> float:
    if layer == 2 and step > 300:
        return 0.0 if step > 500 else 1e-5
    if layer == 8:
        return 0.0
    return 50.0 if (layer, step) == (5, 400) else usual(step, layer)


async def test_a_layer_that_explodes_or_dies_is_marked_and_named_in_the_feed() -> None:
    dies = "Layer layer1.0.left.3 dies at step 340: the gradient norm is below a thousandth of its recent median."
    async with screen(jobs(*trained(gradient=spoiled), Noted(dies)), (120, 40)) as pilot:
        seen = await press(pilot, "L", "L")
        assert dies in seen
        rows = strips(seen)
        assert re.fullmatch(r"[▁-█]+▼+▁+▼+", rows["layer1.0.left.3"]), "a new level is usual in the end"
        assert set(rows["layer2.1.left.0"]) == {"·"}
        assert rows["layer2.0.left.0"].count("▲") in (2, 3, 4)
        assert not set("▲▼✗·") & set(rows["conv1.0"])
        assert "▲ × 10  ▼ / 1,000  ✗ not finite  · zero" in seen


async def test_an_update_that_was_skipped_shows_in_every_layer() -> None:
    events = trained(300)
    events += [scripted.step(301, float("nan")), LossNotFinite(301, float("nan"), waiting=False)]
    async with screen(jobs(*events), (120, 40)) as pilot:
        seen = await press(pilot, "L")
        assert {cells[-1] for cells in strips(seen).values()} == {"✗"}
        await press(pilot, "L", "L")
        assert "✗" not in "".join(strips(screen_text(pilot)).values()), "the weights are what they were"


@pytest.mark.slow
async def test_going_back_takes_the_cells_of_later_steps_away() -> None:
    connection = ScriptedConnection(trained(600, lambda step, _layer: step / 100))
    async with screen(ScriptedJobs(connection), (120, 40)) as pilot:
        assert "gradient 6  " in await press(pilot, "L")
        connection.emit(RolledBack(600, 200, 0.05, ()), Paused(200))
        await settle(pilot)
        assert "gradient 2  " in screen_text(pilot)


@pytest.mark.slow
async def test_it_follows_the_zoom_and_the_cursor_of_the_charts() -> None:
    async with screen(
        jobs(*trained(gradient=lambda step, layer: step / 100), RunFinished(600, 0.5)), (120, 40)
    ) as pilot:
        assert "gradient 6" in await press(pilot, "L", "L")
        seen = await press(pilot, *["shift+left"] * 5)
        assert "gradient norm · step 300 ─" in seen
        assert re.search(r"conv1.0  gradient (3|2.9)  ", seen)
        seen = await press(pilot, "plus", "plus", "escape")
        assert "gradient norm · zoomed (0 resets) ─" in seen
        labels = [int(one) for one in re.findall(r"\b\d{3}\b", seen.splitlines()[27])]
        assert all(200 <= one <= 400 for one in labels), labels


@pytest.mark.parametrize("names", [(), LAYERS])
async def test_before_the_first_measurement_and_for_old_runs_it_says_so(names: tuple[str, ...]) -> None:
    events = [one for one in trained(EVERY * 3, names=names or LAYERS) if not isinstance(one, NormsMeasured)]
    if not names:
        events = [dataclasses.replace(one, layers=()) if isinstance(one, TrainingStarted) else one for one in events]
    async with screen(jobs(*events), (80, 24)) as pilot:
        seen = await press(pilot, "L")
        assert ("Waiting for the first" if names else "An earlier version trained this run") in seen
        assert await press(pilot, "full_stop", "comma", "L"), "keys do no harm"


async def test_what_a_person_has_chosen_is_remembered(tmp_path: object) -> None:
    file = PreferencesFile(tmp_path / "screen.json")  # type: ignore[operator]
    async with screen(jobs(*trained()), (80, 24), file=file) as pilot:
        await press(pilot, "L")
    async with screen(jobs(*trained()), (80, 24), file=file) as pilot:
        assert "─ Network health" in screen_text(pilot)


async def test_help_and_palette_have_its_keys() -> None:
    async with screen(jobs(*trained()), (120, 40)) as pilot:
        seen = await press(pilot, "question_mark", *"layer")
        assert re.search(r"L +Show the network's health", seen)
        assert re.search(r"\. +Read out the next layer", seen)
        assert re.search(r", +Read out the layer before", seen)


@pytest.mark.parametrize("rows", [1, 2, 5, 9, 13, 20, 21, 40, 300])
@pytest.mark.parametrize(
    "names",
    [
        LAYERS,
        tuple(map(str, range(300))),
        (*(f"features.{number}" for number in range(300)), "classifier"),
        tuple(f"blocks.{block}.{part}" for block in range(12) for part in ("attn.qkv", "attn.proj", "mlp.0", "mlp.3")),
        ("one",),
    ],
    ids=["resnet", "flat", "features", "blocks", "one"],
)
def test_groups_hold_every_layer_once_in_order(names: tuple[str, ...], rows: int) -> None:
    groups = grouped(names, rows)
    assert 1 <= len(groups) <= rows
    assert [place for group in groups for place in range(group.start, group.stop)] == list(range(len(names)))
    assert len({group.label for group in groups}) == len(groups)
    assert len(groups) >= min(rows, len(names)) / 3, "not coarser than there is need for"
    if len(names) <= rows:
        assert tuple(group.label for group in groups) == names


def test_groups_are_named_by_what_they_share() -> None:
    assert [group.label for group in grouped(LAYERS, 6)] == ["conv1", "layer1", "layer2", "layer3", "layer4", "fc"]
    assert [group.label for group in grouped([f"net.{number}" for number in range(9)], 3)] == [
        "net.0–2",
        "net.3–5",
        "net.6–8",
    ]
