"""Points, candidates and what can be done with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_sam.views.candidate_list import CandidateList
from napari_sam.views.prompt_panel import PromptPanel
from napari_sam.views.records import CandidateRow, PromptCounts
from tests.plugin.fake_window import PATIENCE_MS

pytestmark = pytest.mark.gui


@pytest.fixture
def panel(qtbot):
    widget = PromptPanel(keys={"accept": "H", "next_candidate": "N"})
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget, timeout=PATIENCE_MS):
        widget.show()
    return widget


def test_without_candidates_it_says_what_to_do(panel, qtbot):
    boxes = PromptPanel("boxes")
    qtbot.addWidget(boxes)

    assert panel.candidates.empty_text.isVisible()
    assert panel.candidates.empty_text.text() == "Click on an object"
    assert boxes.candidates.empty_text.text() == "Drag a box around an object"
    assert not panel.accept.isEnabled()
    assert not panel.reject.isEnabled()
    assert not panel.clear.isEnabled()


def test_the_panel_keeps_its_height_when_answers_come_and_go(panel, candidate_rows):
    heights = [panel.candidates.sizeHint().height()]
    for rows in (candidate_rows, candidate_rows[:1], ()):
        panel.set_candidates(rows)
        heights.append(panel.candidates.sizeHint().height())

    assert len(set(heights)) == 1


def test_rows_show_rank_scores_and_area(panel, candidate_rows):
    rows = [replace(candidate_rows[0], physical_area=(12.34, "µm²")), CandidateRow(
        None, None, 0
    )]  # fmt: skip

    panel.set_candidates(rows, chosen=1)

    first, second, third = panel.candidates.cards
    assert first.radio.text() == "1"
    assert first.headline.text() == "IoU 0.93"
    assert first.stability.text() == "stability 0.97"
    assert first.area.text().endswith("µm²")
    assert "✓" in second.headline.text()
    assert second.area.text() == "empty mask"
    assert not third.isVisible()


def test_the_thumbnail_is_the_picture_that_was_given(panel, candidate_rows):
    panel.set_candidates(candidate_rows)

    image = panel.candidates.cards[0].picture.pixmap().toImage()
    color = image.pixelColor(20, 30).getRgb()[:3]

    np.testing.assert_array_equal(color, candidate_rows[0].thumbnail[30, 20])


@pytest.mark.parametrize("part", ["picture", "headline", "area", "radio"])
def test_a_click_anywhere_on_a_row_chooses_it(panel, candidate_rows, qtbot, part):
    panel.set_candidates(candidate_rows)
    card = panel.candidates.cards[2]

    with qtbot.waitSignal(panel.candidate_chosen, timeout=PATIENCE_MS) as chosen:
        qtbot.mouseClick(getattr(card, part), Qt.MouseButton.LeftButton)

    assert chosen.args == [2]
    assert [card.radio.isChecked() for card in panel.candidates.cards] == [0, 0, 1]
    assert "chosen" in card.radio.accessibleName()


def test_choosing_the_chosen_one_again_changes_nothing(panel, candidate_rows, qtbot):
    panel.set_candidates(candidate_rows, chosen=1)
    card = panel.candidates.cards[1]

    with qtbot.assertNotEmitted(panel.candidate_chosen):
        qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
        qtbot.mouseClick(card.radio, Qt.MouseButton.LeftButton)

    assert card.radio.isChecked()


def test_arrow_keys_go_through_the_candidates(panel, candidate_rows, qtbot):
    panel.set_candidates(candidate_rows)
    panel.activateWindow()
    panel.candidates.cards[0].radio.setFocus()
    qtbot.waitUntil(panel.candidates.cards[0].radio.hasFocus, timeout=PATIENCE_MS)

    with qtbot.waitSignal(panel.candidate_chosen, timeout=PATIENCE_MS) as chosen:
        qtbot.keyClick(panel.candidates.cards[0].radio, Qt.Key.Key_Down)

    assert chosen.args == [1]
    assert panel.candidates.chosen_rank == 1


def test_an_empty_mask_cannot_be_accepted_or_refined(panel, candidate_rows, qtbot):
    panel.set_candidates([candidate_rows[0], CandidateRow(0.2, 0.0, 0)])
    assert panel.accept.isEnabled()

    qtbot.mouseClick(panel.candidates.cards[1], Qt.MouseButton.LeftButton)

    assert not panel.accept.isEnabled()
    assert not panel.refine.isEnabled()
    assert panel.reject.isEnabled()


@pytest.mark.parametrize("button", ["accept", "reject", "next_object", "clear"])
def test_buttons_ask_for_what_they_say(panel, candidate_rows, qtbot, button):
    panel.set_candidates(candidate_rows)
    panel.set_prompts(PromptCounts(1))

    with qtbot.waitSignal(getattr(panel, f"{button}_requested"), timeout=PATIENCE_MS):
        qtbot.mouseClick(getattr(panel, button), Qt.MouseButton.LeftButton)


def test_polarity_and_switches_tell_what_a_person_chose(panel, candidate_rows, qtbot):
    panel.set_candidates(candidate_rows)

    with qtbot.waitSignal(panel.polarity_changed, timeout=PATIENCE_MS) as polarity:
        panel.polarity_buttons["negative"].click()
    with qtbot.waitSignal(panel.refine_changed, timeout=PATIENCE_MS) as refine:
        panel.refine.click()
    with qtbot.waitSignal(panel.preview_changed, timeout=PATIENCE_MS) as preview:
        panel.preview.click()

    assert polarity.args == ["negative"]
    assert panel.polarity == "negative"
    assert refine.args == preview.args == [True]


def test_setters_are_silent(panel, candidate_rows, qtbot):
    with (
        qtbot.assertNotEmitted(panel.polarity_changed),
        qtbot.assertNotEmitted(panel.candidate_chosen),
        qtbot.assertNotEmitted(panel.refine_changed),
        qtbot.assertNotEmitted(panel.preview_changed),
    ):
        panel.set_polarity("negative")
        panel.set_candidates(candidate_rows)
        panel.set_chosen(2)
        panel.set_refine(True)
        panel.set_preview(True)
        panel.set_candidates(())


def test_tooltips_name_the_keys(panel, candidate_rows):
    panel.set_candidates(candidate_rows)

    assert panel.accept.toolTip().endswith("(key: H)")
    assert panel.candidates.cards[0].toolTip().endswith("(key: N)")
    assert "key" not in panel.reject.toolTip()


def test_a_rank_that_is_not_there_is_no_choice(qtbot, candidate_rows):
    widget = CandidateList()
    qtbot.addWidget(widget)

    widget.set_rows(candidate_rows[:1], chosen=2)

    assert widget.chosen_rank is None
    assert not any(card.radio.isChecked() for card in widget.cards)


def test_a_message_takes_no_room_without_words(panel):
    panel.set_message("Out of memory", "error")
    assert panel.message.isVisible()

    panel.set_message("")

    assert not panel.message.isVisible()


def test_the_size_of_objects_is_told_by_hand_only(panel, qtbot):
    assert panel.diameter.diameter is None
    assert panel.diameter.text() == "automatic"
    with qtbot.assertNotEmitted(panel.diameter_changed):
        panel.set_diameter(24)
    assert panel.diameter.text() == "24 px"
    with qtbot.waitSignal(panel.diameter_changed, timeout=PATIENCE_MS) as changed:
        panel.diameter.setValue(0)
    assert changed.args == [None]
