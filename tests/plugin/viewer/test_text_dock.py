"""Text prompts in a real viewer, by the embedded model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_sam.menu import show_dock, show_text
from napari_sam.views.records import TextChoices
from tests.plugin.viewer.canvas import Person

pytestmark = pytest.mark.gui

NUCLEI = [(y, x) for y in (30, 80, 140, 200) for x in (40, 110, 190)]
BACKGROUND = (110.0, 75.0)


def fluorescent_nuclei() -> np.ndarray:
    """Return bright ellipses on a dark ground, with noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:240, :240]
    light = np.full((240, 240), 12.0)
    for cy, cx in NUCLEI:
        light[((y - cy) / 14) ** 2 + ((x - cx) / 11) ** 2 <= 1] = 110
    light += rng.normal(scale=3, size=light.shape)
    return np.clip(light, 0, 255).astype(np.uint8)


@pytest.fixture
def few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask at a quarter of the points: seconds instead of many."""
    monkeypatch.setattr("tilesam.text.proposals.POINTS_PER_SIDE", 12)


def open_text(viewer: Any, **options: Any) -> tuple[Any, Person, Any]:
    viewer.add_image(fluorescent_nuclei(), name="stained", **options)
    dock = show_dock(viewer, "Text prompts")
    person = Person(viewer)
    person.wait(lambda: dock.annotator.session is not None)
    return dock, person, dock.annotator


def ask(dock: Any, person: Person, phrase: str, **options: Any) -> Any:
    """Find a phrase in the whole image, and return what was found."""
    dock.text.set_ask(TextChoices(phrase, where="image", **options))
    dock.text.find.click()
    assert dock.text.progress.is_running
    settle(dock, person)
    return dock.annotator.text.found


def settle(dock: Any, person: Person) -> None:
    state = dock.annotator.text
    person.wait(lambda: not (state.is_running or state.is_resolving), seconds=120)


def count_hits(labels: np.ndarray) -> int:
    """Return on how many nuclei one object lies, and no other nucleus."""
    at = [int(labels[place]) for place in NUCLEI]
    return sum(label != 0 and at.count(label) == 1 for label in at)


def test_nuclei_are_found_thresholded_accepted_and_taken_back(
    viewer: Any, few_points: None
) -> None:
    dock, person, annotator = open_text(viewer, scale=(0.5, 0.5))
    found = ask(dock, person, "nuclei")
    panel, layer = dock.text, viewer.layers["text: nuclei"]
    assert count_hits(layer.data) >= 10
    assert found.count <= 14
    assert f"{found.count} objects" in panel.count.text()
    assert {"text_score", "score", "predicted_iou"} <= set(layer.features)
    assert set(layer.features["prompt_kind"]) == {"text"}
    assert layer.features["score"].min() >= panel.threshold.value() - 1e-6
    world = layer.data_to_world((30, 40))
    np.testing.assert_allclose(world, (15, 20))

    # The count moves with the slider, and objects follow: nothing is decoded again.
    median = float(np.median(layer.features["score"]))
    decoded = annotator.text.progress
    panel.threshold.setValue(round(median, 2))
    assert f"{annotator.text.count} objects" in panel.count.text()
    person.wait(lambda: annotator.text.found is not found)
    fewer = annotator.text.found
    assert 0 < fewer.count == annotator.text.count < found.count
    assert annotator.text.progress is decoded
    assert viewer.layers["text: nuclei"] is layer

    # The one that is picked in the layer, then all others, and back.
    layer.selected_label = fewer.count
    assert f"object {fewer.count}" in panel.picked.text()
    panel.accept_picked.click()
    objects = annotator.objects.current
    np.testing.assert_array_equal(objects.layer.data != 0, layer.data == fewer.count)
    assert layer.visible
    panel.accept.click()
    np.testing.assert_array_equal(objects.layer.data != 0, layer.data != 0)
    assert len(objects) == fewer.count
    assert {row.prompt_kind for row in objects.rows} == {"text"}
    assert not layer.visible
    annotator.undo()
    assert len(objects) == 1
    annotator.undo()
    assert not objects.layer.data.any()
    annotator.redo()
    assert len(objects) == 1
    assert panel.accept_picked.isEnabled()
    viewer.layers.remove(layer)
    assert not panel.accept_picked.isEnabled()


def test_points_correct_an_answer_at_once(viewer: Any, few_points: None) -> None:
    dock, person, annotator = open_text(viewer)
    before = ask(dock, person, "nuclei")
    shown = before.text_scores()
    nucleus = NUCLEI[4]
    label = int(before.labels[nucleus])
    dock.text.ask_box.corrects.click()
    assert viewer.layers.selection.active is annotator.prompt_layers.points
    annotator.prompt_layers.polarity.current = "negative"
    person.rest()
    person.click(nucleus)
    person.wait(lambda: len(annotator.annotation.prompts))
    person.wait(lambda: annotator.text.found is not before, seconds=60)
    settle(dock, person)
    after = annotator.text.found
    assert "1 point (+0" in dock.text.ask_box.prompts.text()
    assert label in shown
    assert after.labels[nucleus] == 0
    dock.text.ask_box.corrects.click()
    person.wait(lambda: annotator.text.found is not after)
    np.testing.assert_array_equal(annotator.text.found.labels, before.labels)


def test_what_cannot_be_asked_is_said_in_the_dock(viewer: Any) -> None:
    image = viewer.add_image(fluorescent_nuclei(), name="stained")
    viewer.layers.selection.active = image
    show_text(viewer)
    dock = show_dock(viewer, "Text prompts")
    assert dock.annotator.image is image
    person = Person(viewer)
    person.wait(lambda: dock.annotator.session is not None)
    ask(dock, person, " ")
    assert "the phrase is empty" in dock.text.message.text()
    ask(dock, person, "mitochondria")
    assert "not known to the embedded model" in dock.text.message.text()
    assert 'pip install "napari-sam-tiles[text]"' in dock.text.message.text()
    assert dock.text.count.text().startswith("0 objects")
    assert not dock.text.accept.isEnabled()
    assert not any(layer.name.startswith("text") for layer in viewer.layers)
    ask(dock, person, "leaf", backend="clip:/nowhere/at/all")
    assert "there is no folder '/nowhere/at/all'" in dock.text.message.text()
    dock.text.set_ask(TextChoices("nuclei", where="region"))
    dock.text.find.click()
    assert "Draw a region first" in dock.text.message.text()
    viewer.layers.remove(image)
    assert not dock.text.find.isEnabled()
