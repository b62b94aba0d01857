"""Similar objects: the wish, the threshold, the count, what is done with them."""

from __future__ import annotations

import pytest

from napari_sam.views.records import ExportFormat, RunProgress
from napari_sam.views.sentences import selected_objects
from napari_sam.views.similar_panel import SimilarPanel

FORMATS = (ExportFormat("GeoJSON", ".geojson"),)


@pytest.fixture
def panel(qtbot):
    widget = SimilarPanel(choose_file=lambda *_: "few")
    qtbot.addWidget(widget)
    widget.set_ready(True)
    widget.set_formats(FORMATS, "coins-similar")
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def test_counts_are_sentences():
    assert selected_objects(12, 87) == "12 of 87 objects"
    assert selected_objects(1, 1) == "1 of 1 object"
    assert selected_objects(1_200, 12_345) == "1,200 of 12,345 objects"


@pytest.mark.gui
def test_there_is_nothing_to_choose_before_something_is_selected(panel):
    assert not panel.details.isVisible()
    panel.set_counts(12, 87)
    assert panel.details.isVisible()
    assert panel.count.text() == "12 of 87 objects"
    panel.set_counts(None)
    assert not panel.details.isVisible()


@pytest.mark.gui
def test_buttons_tell_what_is_wanted(panel, qtbot):
    panel.set_counts(2, 3)
    for button, signal in (
        (panel.select, panel.select_requested),
        (panel.delete, panel.delete_requested),
        (panel.clear, panel.clear_requested),
    ):
        with qtbot.waitSignal(signal):
            button.click()
    with qtbot.waitSignal(panel.export_requested) as requested:
        panel.export.menu().actions()[0].trigger()
    assert requested.args == ["few.geojson"]


@pytest.mark.gui
def test_the_slider_tells_a_person_and_not_the_program(panel, qtbot):
    panel.set_counts(2, 3)
    with qtbot.assertNotEmitted(panel.threshold_changed):
        panel.set_threshold(0.25)
    assert panel.threshold.value() == 0.25
    with qtbot.waitSignal(panel.threshold_changed) as changed:
        panel.threshold.setValue(-0.5)
    assert changed.args == [-0.5]


@pytest.mark.gui
def test_progress_is_shown_and_cancelled(panel, qtbot):
    panel.start()
    assert panel.progress.isVisible()
    panel.set_progress(RunProgress(0, 0, None))
    assert panel.progress.text.text() == "Looking for objects"
    panel.set_progress(RunProgress(1_600, 5_000, None))
    assert "1,600 of 5,000 objects" in panel.progress.text.text()
    with qtbot.waitSignal(panel.cancel_requested):
        panel.progress.cancel.click()
    panel.stop()
    assert not panel.progress.isVisible()


@pytest.mark.gui
def test_without_objects_the_button_waits(panel):
    panel.set_ready(False)
    assert not panel.select.isEnabled()
