"""The objects layer, its history and its export."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_sam.views.objects_panel import ObjectsPanel
from napari_sam.views.records import ExportFormat
from tests.plugin.fake_window import PATIENCE_MS

pytestmark = pytest.mark.gui

FORMATS = [ExportFormat("GeoJSON", ".geojson"), ExportFormat("OME-Zarr", ".ome.zarr")]


@pytest.fixture
def dialog() -> dict:
    return {"answer": None, "asked": []}


@pytest.fixture
def panel(qtbot, dialog):
    def choose_file(_parent, title, start, kinds):
        dialog["asked"].append((title, start, kinds))
        return dialog["answer"]

    widget = ObjectsPanel(keys={"undo": "Ctrl+Z"}, choose_file=choose_file)
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget, timeout=PATIENCE_MS):
        widget.show()
    return widget


def test_layers_are_told_by_key_even_if_their_names_are_equal(panel, qtbot):
    first, second = object(), object()
    panel.set_layers([("objects", first), ("objects", second)], first)

    panel.layers.setFocus()
    with qtbot.waitSignal(panel.layer_chosen, timeout=PATIENCE_MS) as chosen:
        qtbot.keyClick(panel.layers, Qt.Key.Key_Down)

    assert chosen.args == [second]


def test_only_what_was_chosen_is_shown_as_chosen(panel, qtbot):
    panel.set_layers([("a", 1), ("b", 2)], 2)

    with qtbot.assertNotEmitted(panel.layer_chosen):
        panel.set_layers([("renamed", 2), ("c", 3)], 2)
    assert panel.layer == 2
    assert panel.layers.closed_text == "renamed"

    panel.set_layers([("c", 3)])
    assert panel.layer is None
    assert panel.layers.closed_text == "none yet"
    assert panel.layers.isEnabled()

    panel.set_layers([])
    assert panel.layer is None
    assert panel.layers.closed_text == "none yet"
    assert not panel.layers.isEnabled()


def test_the_policy_is_told_by_choice_only(panel, qtbot):
    assert panel.policy == "keep"

    with qtbot.assertNotEmitted(panel.policy_changed):
        panel.set_policy("overwrite")
    panel.policies.setFocus()
    with qtbot.waitSignal(panel.policy_changed, timeout=PATIENCE_MS) as changed:
        qtbot.keyClick(panel.policies, Qt.Key.Key_Down)

    assert changed.args == ["ask"] == [panel.policy]


def test_steps_are_named_and_only_existing_ones_can_be_taken(panel, qtbot):
    panel.set_steps("accept object 12", None)

    assert panel.undo.full_text == "Undo: accept object 12"
    assert panel.undo.toolTip() == "Undo: accept object 12 (key: Ctrl+Z)"
    assert not panel.redo.isEnabled()
    with qtbot.waitSignal(panel.undo_requested, timeout=PATIENCE_MS):
        panel.undo.click()

    panel.set_steps(None, "erase")
    assert not panel.undo.isEnabled()
    with qtbot.waitSignal(panel.redo_requested, timeout=PATIENCE_MS):
        panel.redo.click()


def test_a_long_step_is_elided_and_whole_again_when_there_is_room(panel, qtbot):
    step = "accept object 1,234 with two boxes and one negative point"
    panel.set_steps(step, None)

    panel.resize(260, panel.height())
    qtbot.waitUntil(lambda: panel.undo.text().endswith("…"), timeout=PATIENCE_MS)
    assert panel.undo.accessibleName() == f"Undo: {step}"

    panel.resize(900, panel.height())
    qtbot.waitUntil(lambda: panel.undo.text() == f"Undo: {step}", timeout=PATIENCE_MS)


def test_there_is_nothing_to_export_without_objects_or_formats(panel):
    panel.set_formats(FORMATS)
    assert not panel.export.isEnabled()

    panel.set_count(1)
    assert panel.count.text() == "1 object"
    assert panel.export.isEnabled()

    panel.set_formats([])
    assert not panel.export.isEnabled()


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        ("/tmp/cells", "/tmp/cells.ome.zarr"),
        ("/tmp/cells.OME.zarr", "/tmp/cells.OME.zarr"),
    ],
)
def test_an_export_has_the_suffix_of_its_format(panel, dialog, qtbot, answer, path):
    panel.set_formats(FORMATS, "slide")
    panel.set_count(3)
    dialog["answer"] = answer

    with qtbot.waitSignal(panel.export_requested, timeout=PATIENCE_MS) as requested:
        panel.export.menu().actions()[1].trigger()

    assert requested.args == [path]
    assert dialog["asked"] == [
        ("Export objects as OME-Zarr", "slide.ome.zarr", "OME-Zarr (*.ome.zarr)")
    ]


def test_a_closed_dialog_exports_nothing(panel, qtbot):
    panel.set_formats(FORMATS)
    panel.set_count(3)

    with qtbot.assertNotEmitted(panel.export_requested):
        panel.export.menu().actions()[0].trigger()


def test_a_new_layer_can_be_asked_for(panel, qtbot):
    with qtbot.waitSignal(panel.new_layer_requested, timeout=PATIENCE_MS):
        panel.new_layer.click()
