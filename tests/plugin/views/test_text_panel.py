"""Text prompts: the phrase, who knows it, the threshold, what is accepted."""

from __future__ import annotations

import pytest

from napari_sam.views.phrases import (
    backend_name,
    completed,
    split_backend,
    split_phrases,
    word_begun,
)
from napari_sam.views.records import PromptCounts, RunProgress, TextChoices
from napari_sam.views.text_panel import TextPanel
from tilesam.text.backends import BACKENDS
from tilesam.text.vocabulary import concepts


@pytest.fixture
def panel(qtbot):
    widget = TextPanel()
    qtbot.addWidget(widget)
    widget.set_ready(True)
    widget.set_nouns(concepts())
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


@pytest.mark.parametrize(
    ("written", "noun", "expected"),
    [("nuc", "nucleus", "nucleus"),
     ("dark round nuc", "nucleus", "dark round nucleus"),
     ("brown leaf le", "leaf lesion", "brown leaf lesion"),
     ("les", "leaf lesion", "leaf lesion"),
     ("LEAF", "leaf", "leaf"),
     ("", "leaf", "leaf")],
)  # fmt: skip
def test_a_noun_takes_the_place_of_its_beginning(written, noun, expected):
    assert completed(written, noun) == expected


def test_words_are_taken_apart():
    assert split_phrases(" leaf,, brown  spot ,") == ("leaf", "brown spot")
    assert split_phrases("") == ()
    assert [word_begun(text) for text in ("", "dark nu", "dark ")] == ["", "nu", ""]
    for name in ("embedded", "clip", "clip:owner/model", "grounding:C:/models"):
        assert backend_name(*split_backend(name)) == name


@pytest.mark.gui
def test_choices_go_in_and_come_out(panel, qtbot):
    asked = TextChoices(
        *("nuclei", ("leaf", "red roof"), "clip:models/siglip", "image"), corrects=True
    )
    panel.set_ask(asked)
    assert panel.ask == asked
    with qtbot.waitSignal(panel.find_requested) as requested:
        panel.find.click()
    assert requested.args == [asked]


@pytest.mark.gui
def test_every_backend_of_the_engine_can_be_chosen(panel):
    box = panel.ask_box
    kinds = [box.backend.itemData(index) for index in range(box.backend.count())]
    assert tuple(kinds) == BACKENDS
    for index, kind in enumerate(kinds):
        box.backend.setCurrentIndex(index)
        assert panel.ask.backend == kind
        assert box.model.isVisibleTo(panel) == (kind != "embedded")


@pytest.mark.gui
def test_a_model_is_no_part_of_the_embedded_backend(panel):
    panel.set_ask(TextChoices(backend="clip:models/siglip"))
    panel.ask_box.backend.setCurrentIndex(0)
    assert panel.ask.backend == "embedded"


@pytest.mark.gui
def test_known_nouns_are_offered_behind_adjectives(panel, qtbot):
    field = panel.ask_box.phrase
    field.setFocus()
    qtbot.keyClicks(field, "dark round nucl")
    completer = field.completer()
    offered = [
        completer.completionModel().index(row, 0).data()
        for row in range(completer.completionCount())
    ]
    assert "nucleus" in offered
    assert all("nucl" in noun for noun in offered)
    index = completer.completionModel().index(offered.index("nucleus"), 0)
    assert completer.pathFromIndex(index) == "dark round nucleus"
    qtbot.keyClicks(field, " ")
    assert completer.completionCount() == 0
    completer.popup().hide()


@pytest.mark.gui
def test_return_asks_too_but_not_twice(panel, qtbot):
    field = panel.ask_box.phrase
    qtbot.keyClicks(field, "leaf")
    with qtbot.waitSignal(panel.find_requested) as requested:
        field.returnPressed.emit()
    assert requested.args[0].phrase == "leaf"
    panel.start()
    with qtbot.assertNotEmitted(panel.find_requested):
        field.returnPressed.emit()


@pytest.mark.gui
def test_during_a_search_the_threshold_still_moves(panel, qtbot):
    panel.set_counts(3, 40)
    panel.start()
    panel.set_progress(RunProgress(1, 4))
    assert not panel.find.isEnabled()
    assert panel.threshold.isEnabled()
    with qtbot.waitSignal(panel.cancel_requested):
        panel.progress.cancel.click()
    panel.stop()
    assert panel.find.isEnabled()


@pytest.mark.gui
def test_a_threshold_is_told_while_it_moves_and_shown_silently(panel, qtbot):
    with qtbot.waitSignal(panel.threshold_changed) as changed:
        panel.threshold.setValue(0.634)
    assert changed.args == [0.63]
    with qtbot.assertNotEmitted(panel.threshold_changed):
        panel.set_threshold(0.35)
    assert panel.threshold.value() == 0.35
    panel.set_threshold(None)
    assert panel.threshold.value() == 0.35


@pytest.mark.gui
def test_only_what_was_found_and_picked_can_be_accepted(panel, qtbot):
    assert not panel.threshold.isEnabled()
    assert not panel.accept.isEnabled()
    assert not panel.accept_picked.isEnabled()
    panel.set_counts(0, 40)
    assert panel.threshold.isEnabled()
    assert not panel.accept.isEnabled()
    panel.set_counts(3, 0)
    assert panel.count.text() == "3 objects"
    assert not panel.threshold.isEnabled()
    assert panel.accept.isEnabled()
    panel.set_counts(1234, 5678)
    assert panel.count.text() == "1,234 objects of 5,678 masks"
    panel.set_picked(7, 0.5)
    assert "object 7, score 0.50" in panel.picked.text()
    with qtbot.waitSignals([panel.accept_requested, panel.accept_picked_requested]):
        panel.accept.click()
        panel.accept_picked.click()
    panel.set_picked(None)
    assert not panel.accept_picked.isEnabled()


@pytest.mark.gui
def test_the_switch_says_what_would_correct(panel, qtbot):
    panel.set_prompts(PromptCounts(positive=2, negative=1, boxes=1))
    assert not panel.ask_box.prompts.isVisible()
    with qtbot.waitSignal(panel.corrects_changed) as changed:
        panel.ask_box.corrects.click()
    assert changed.args == [True]
    assert panel.ask.corrects
    assert panel.ask_box.prompts.isVisible()
    assert "3 points (+2" in panel.ask_box.prompts.text()


@pytest.mark.gui
def test_without_an_image_nothing_can_be_asked(panel):
    panel.set_ready(False)
    assert not panel.find.isEnabled()
