"""Segment everything: what takes a run, and what acts at once."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from napari_sam.views.everything_panel import EverythingPanel
from napari_sam.views.records import AskChoices, KeepChoices, RunProgress
from tilesam.everything.settings import EverythingSettings

pytestmark = pytest.mark.gui


@pytest.fixture
def panel(qtbot):
    widget = EverythingPanel()
    qtbot.addWidget(widget)
    widget.set_ready(True)
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def test_choices_go_in_and_come_out_silently(panel, qtbot):
    ask = AskChoices("region", 16, 40.0)
    keep = KeepChoices(0.7, 0.81, 25, "most_confident")

    with qtbot.assertNotEmitted(panel.ask_changed):
        panel.set_ask(ask)
    with qtbot.assertNotEmitted(panel.keep_changed):
        panel.set_keep(keep)

    assert panel.ask == ask
    assert panel.keep == keep


def test_every_choice_is_one_that_the_engine_takes(panel):
    for index in range(panel.keep_box.overlap.count()):
        panel.keep_box.overlap.setCurrentIndex(index)
        settings = EverythingSettings(
            points_per_side=panel.ask.points_per_side, **asdict(panel.keep)
        )

        assert settings.overlap == panel.keep.overlap


def test_an_automatic_diameter_is_none(panel):
    assert panel.ask.object_diameter is None
    assert panel.diameter.text() == "automatic"

    panel.diameter.setValue(30)

    assert panel.ask.object_diameter == 30


@pytest.mark.parametrize(
    ("slider", "field"),
    [("iou", "pred_iou_thresh"), ("stability", "stability_score_thresh")],
)
def test_thresholds_are_told_while_they_move(panel, qtbot, slider, field):
    with qtbot.waitSignal(panel.keep_changed) as changed:
        getattr(panel.keep_box, slider).setValue(0.634)

    assert getattr(changed.args[0], field) == 0.63


def test_thresholds_stop_where_masks_were_dropped(panel, qtbot):
    panel.set_keep(KeepChoices(0.3, 0.4))

    with qtbot.assertNotEmitted(panel.keep_changed):
        panel.set_lowest(0.58, 0.65)

    assert panel.keep.pred_iou_thresh == 0.58
    assert panel.keep.stability_score_thresh == 0.65


def test_a_network_may_promise_more_than_one(panel):
    panel.set_lowest(-0.2, 0.0)

    panel.set_keep(KeepChoices(pred_iou_thresh=-0.1))

    assert panel.keep.pred_iou_thresh == -0.1


def test_a_run_is_asked_for_with_all_it_asks(panel, qtbot):
    panel.set_ask(AskChoices("image", 24, 12.0))

    with qtbot.waitSignal(panel.run_requested) as requested:
        panel.run.click()

    assert requested.args == [AskChoices("image", 24, 12.0)]


def test_what_would_take_another_run_is_told_apart(panel, qtbot):
    with (
        qtbot.assertNotEmitted(panel.keep_changed),
        qtbot.waitSignal(panel.ask_changed) as changed,
    ):
        panel.points.setValue(8)

    assert changed.args[0].points_per_side == 8


def test_during_a_run_thresholds_still_move(panel, qtbot):
    panel.start()
    panel.set_progress(RunProgress(1, 4))

    assert not panel.run.isEnabled()
    assert not panel.points.isEnabled()
    assert panel.keep_box.isEnabled()
    with qtbot.waitSignal(panel.cancel_requested):
        panel.progress.cancel.click()

    panel.stop()
    assert panel.run.isEnabled()
    assert panel.points.isEnabled()


def test_without_an_image_nothing_can_be_asked(panel):
    panel.set_ready(False)

    assert not panel.run.isEnabled()


def test_the_count_says_when_there_is_none(panel):
    panel.set_counts(213, 1024)
    assert panel.count.text() == "213 objects of 1,024 masks"

    panel.set_counts(None)
    assert panel.count.text() == "Nothing decoded yet"


def test_only_what_was_found_can_be_accepted(panel, qtbot):
    assert not panel.accept.isEnabled()
    panel.set_counts(0, 12)
    assert not panel.accept.isEnabled()
    panel.set_counts(3, 12)
    with qtbot.waitSignal(panel.accept_requested):
        panel.accept.click()
