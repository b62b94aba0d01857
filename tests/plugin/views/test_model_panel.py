"""Models, devices, downloads."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_sam.views.model_panel import ModelPanel
from napari_sam.views.numbers import NO_BREAK
from napari_sam.views.records import ModelRow

pytestmark = pytest.mark.gui

ROWS = [
    ModelRow("tiny", 0, "BSD-3-Clause", "in the package", "simple scenes"),
    ModelRow("vit_b", 375_042_383, "Apache-2.0", "to be downloaded"),
]


@pytest.fixture
def panel(qtbot):
    widget = ModelPanel()
    qtbot.addWidget(widget)
    widget.set_models(ROWS)
    widget.set_devices([("cuda:0", "GPU"), ("cpu", "Processor")])
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def choose(qtbot, box, key=Qt.Key.Key_Down):
    box.setFocus()
    qtbot.keyClick(box, key)


def test_a_chosen_model_is_told_and_described(panel, qtbot):
    with qtbot.waitSignal(panel.model_chosen) as chosen:
        choose(qtbot, panel.models)

    assert chosen.args == ["vit_b"] == [panel.model]
    assert panel.facts.text() == f"375{NO_BREAK}MB · Apache-2.0 · to be downloaded"
    assert not panel.good_for.isVisible()
    assert panel.models.closed_text == "vit_b"


def test_only_what_is_missing_can_be_downloaded(panel, qtbot):
    assert not panel.download.isVisible()

    panel.set_model("vit_b")
    with qtbot.waitSignal(panel.download_requested) as requested:
        panel.download.click()

    assert requested.args == ["vit_b"]


def test_a_download_shows_bytes_and_can_be_cancelled(panel, qtbot):
    panel.set_model("vit_b")
    # More bytes than a 32-bit integer holds.
    panel.set_download(1_200_000_000, 4_800_000_000, 90.0)

    assert panel.progress.bar.value() == panel.progress.bar.maximum() // 4
    assert panel.progress.text.text().replace(NO_BREAK, " ") == (
        "1.2 GB of 4.8 GB. About 2 min left."
    )
    assert not panel.models.isEnabled()
    assert not panel.download.isVisible()
    with qtbot.waitSignal(panel.download_cancelled):
        panel.progress.cancel.click()

    panel.end_download()
    assert panel.models.isEnabled()
    assert panel.download.isVisible()


def test_a_download_of_unknown_size_has_a_bar_without_an_end(panel):
    panel.set_download(5_000_000)

    assert panel.progress.bar.maximum() == 0
    assert panel.progress.text.text() == f"5.0{NO_BREAK}MB so far."


def test_a_new_list_keeps_what_was_chosen(panel, qtbot):
    panel.set_model("vit_b")
    panel.set_devices([("cuda:0", "GPU"), ("cpu", "Processor")], "cpu")

    with qtbot.assertNotEmitted(panel.model_chosen):
        panel.set_models([ModelRow("new", 1, "MIT", "downloaded"), *ROWS])
        panel.set_devices([("mps", "Apple"), ("cpu", "Processor")])

    assert panel.model == "vit_b"
    assert panel.device == "cpu"


def test_a_new_list_during_a_download_does_not_unlock_the_choice(panel):
    panel.set_download(1, 2)

    panel.set_models(ROWS)

    assert not panel.models.isEnabled()


def test_a_device_is_told_by_its_name(panel, qtbot):
    with qtbot.waitSignal(panel.device_chosen) as chosen:
        choose(qtbot, panel.devices)

    assert chosen.args == ["cpu"]


def test_without_models_and_with_one_device_there_is_no_choice(panel):
    panel.set_models([])
    panel.set_devices([("cpu", "Processor")])

    assert panel.model is None
    assert panel.facts.text() == "No models"
    assert not panel.models.isEnabled()
    assert not panel.devices.isEnabled()
    assert panel.device == "cpu"


def test_the_popup_shows_whole_items_in_a_narrow_panel(panel, qtbot):
    panel.resize(200, 300)
    panel.models.showPopup()
    view = panel.models.view()

    try:
        assert view.width() > view.sizeHintForColumn(0)
    finally:
        panel.models.hidePopup()
