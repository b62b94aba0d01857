"""Objects of a layer selected by their likeness in a real viewer."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from skimage.draw import disk

from napari_sam.docks.prompt_docks import PointPrompts
from napari_sam.layers.shown_only import is_shown_only
from tests.plugin.viewer.annotating import discs, hold_encoder, open_dock
from tests.plugin.viewer.canvas import Person

pytestmark = pytest.mark.gui

BRIGHT = {2: (40, 40), 3: (40, 120), 5: (120, 40), 8: (120, 200)}
DARK = {4: (40, 200), 6: (200, 60), 7: (200, 160)}
"""Labels of discs on the ground between both, and their middles."""

RADIUS = 22


def scene() -> tuple[np.ndarray, np.ndarray]:
    image = discs(*BRIGHT.values(), radius=RADIUS) // 2 + 60
    labels = np.zeros(image.shape, np.uint16)
    for label, centre in (BRIGHT | DARK).items():
        labels[disk(centre, RADIUS)] = label
        if label in DARK:
            image[disk(centre, RADIUS)] = 5
    return image, labels


def open_objects(viewer: Any, labels: Any = None, **options: Any) -> tuple[Any, Person]:
    """Open a dock, and choose labels of somebody else as the objects layer."""
    image, own = scene()
    if labels is not None:
        image, own = np.stack([image, image]), labels
    dock, person = open_dock(viewer, PointPrompts, image, name="discs", **options)
    layer = viewer.add_labels(own, name="mine", **options)
    dock.annotator.choose_objects(layer)
    person.wait(lambda: dock.annotator.objects.current is not None)
    return dock, person


def select(dock: Any, person: Person, label: int) -> Any:
    """Press the button for an object, and return the selection."""
    similar = dock.annotator.similar
    dock.annotator.objects.current.layer.selected_label = label
    dock.similar.panel.select.click()
    person.wait(lambda: not similar.state.is_running)
    return similar


def colors(layer: Any) -> dict[int, tuple[float, ...] | None]:
    """Return the colour in which napari draws each label; None if it does not."""
    drawn = {}
    for label in BRIGHT | DARK:
        color = layer.get_color(label)
        is_drawn = color is not None and color[3] > 0
        drawn[label] = tuple(np.round(color, 2).tolist()) if is_drawn else None
    return drawn


def drawn(layer: Any) -> set[int]:
    return {label for label, color in colors(layer).items() if color is not None}


def test_what_is_like_the_picked_one_stands_out(viewer: Any) -> None:
    dock, person = open_objects(viewer, scale=(2.0, 2.0))
    panel, annotator = dock.similar.panel, dock.annotator
    assert panel.select.isEnabled()
    assert not panel.details.isVisible()
    mine = annotator.objects.current.layer
    active = viewer.layers.selection.active
    similar = select(dock, person, 3)
    assert set(similar.state.comparison.ranked.labels[:3].tolist()) == {2, 5, 8}
    layer = similar.layer
    assert is_shown_only(layer)
    assert layer.data is mine.data
    np.testing.assert_array_equal(layer.scale, mine.scale)
    assert drawn(layer) == set(similar.labels) > {3}
    own, *others = (colors(layer)[label] for label in similar.labels)
    assert own not in others
    assert len(set(others)) == 1
    assert panel.count.text() == f"{len(similar.labels)} of 7 objects"
    assert viewer.layers.selection.active is active
    assert layer not in [key for _, key in _layers_offered(dock)]


def _layers_offered(dock: Any) -> list[tuple[str, Any]]:
    box = dock.objects.panel.layers
    return [(box.itemText(i), box.itemData(i)) for i in range(box.count())]


def test_the_slider_moves_without_asking_again(viewer: Any) -> None:
    dock, person = open_objects(viewer)
    panel = dock.similar.panel
    similar = select(dock, person, 3)
    gate = hold_encoder(dock)
    layer = similar.layer
    ranked = similar.state.comparison.ranked
    for threshold in (-1.0, 0.99, float(np.round(ranked.similarities[2] - 0.01, 2))):
        panel.threshold.setValue(threshold)
        count = 1 + int((ranked.similarities >= threshold).sum())
        assert panel.count.text() == f"{count} of 7 objects"
        expected = {3, *ranked.labels[: count - 1].tolist()}
        person.wait(lambda expected=expected: drawn(layer) == expected)
    assert similar.layer is layer
    assert gate.calls == 0
    gate.open(times=10)


def test_what_is_selected_is_deleted_as_one_step(viewer: Any) -> None:
    dock, person = open_objects(viewer)
    similar = select(dock, person, 3)
    mine = dock.annotator.objects.current.layer
    before = mine.data.copy()
    dock.similar.panel.threshold.setValue(
        float(similar.state.comparison.ranked.similarities[2]) - 0.01
    )
    gone = similar.labels
    assert set(gone) == set(BRIGHT)
    dock.similar.panel.delete.click()
    np.testing.assert_array_equal(mine.data, np.where(np.isin(before, gone), 0, before))
    assert dock.annotator.objects.current.history.undo_names == ["delete 4 objects"]
    assert similar.layer is None
    assert not dock.similar.panel.details.isVisible()
    assert "Deleted 4 objects" in dock.similar.panel.message.text()
    dock.annotator.undo()
    np.testing.assert_array_equal(mine.data, before)
    assert select(dock, person, 4).state.comparison.total == 7


def test_what_is_selected_is_exported_alone(viewer: Any, tmp_path: Any) -> None:
    dock, person = open_objects(viewer)
    similar = select(dock, person, 3)
    dock.similar.panel.threshold.setValue(
        float(similar.state.comparison.ranked.similarities[2]) - 0.01
    )
    file = tmp_path / "bright.geojson"
    dock.similar.panel.export_requested.emit(str(file))
    person.wait(lambda: "Written" in dock.similar.panel.message.text())
    features = json.loads(file.read_text())["features"]
    assert len(features) == len(BRIGHT)
    assert similar.layer is not None


@pytest.mark.parametrize("way", ["button", "key", "layer", "stroke", "image"])
def test_ways_out(viewer: Any, way: str) -> None:
    dock, person = open_objects(viewer)
    similar = select(dock, person, 3)
    mine = dock.annotator.objects.current.layer
    keys = set(mine.keymap)
    if way == "button":
        dock.similar.panel.clear.click()
    elif way == "key":
        viewer.layers.selection.active = mine
        person.press(Qt.Key.Key_Escape)
    elif way == "layer":
        viewer.layers.remove(similar.layer)
    elif way == "stroke":
        mine.paint((10, 10), 3)
    else:
        dock.annotator.close()
    assert similar.state.comparison is None
    assert similar.layer is None
    assert not [layer for layer in viewer.layers if layer.name.startswith("similar")]
    assert "Escape" in {str(key) for key in keys}
    assert "Escape" not in {str(key) for key in mine.keymap}
    assert not dock.similar.panel.details.isVisible()


def test_a_label_without_pixels_is_told(viewer: Any) -> None:
    dock, person = open_objects(viewer)
    similar = select(dock, person, 60_000)
    assert similar.layer is None
    assert "there is no object 60000" in dock.similar.panel.message.text()
    assert select(dock, person, 3).layer is not None
    assert dock.similar.panel.message.text() == ""


def test_without_objects_there_is_nothing_to_press(viewer: Any) -> None:
    dock, _ = open_dock(viewer, PointPrompts, scene()[0], name="discs")
    assert not dock.similar.panel.select.isEnabled()
    dock.annotator.choose_objects("new")
    assert dock.similar.panel.select.isEnabled()
    viewer.layers.remove(dock.annotator.objects.current.layer)
    assert not dock.similar.panel.select.isEnabled()


def test_objects_of_the_plane_that_is_shown_are_compared(viewer: Any) -> None:
    labels = np.stack([np.where(scene()[1] > 0, 30, 0).astype(np.uint16), scene()[1]])
    dock, person = open_objects(viewer, labels)
    viewer.dims.set_current_step(0, 1)
    person.wait(lambda: dock.annotator.plane == (1,))
    person.wait(lambda: dock.annotator.session is not None)
    person.rest()
    similar = select(dock, person, 3)
    assert sorted([*similar.state.comparison.ranked.labels, 3]) == sorted(BRIGHT | DARK)
    viewer.dims.set_current_step(0, 0)
    person.wait(lambda: similar.layer is None)
