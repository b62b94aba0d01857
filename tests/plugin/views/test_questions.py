"""Dialogs, answered as people would."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_sam.views.questions import ask_overlap, ask_yes_no

pytestmark = pytest.mark.gui


def answer_with(text: str) -> None:
    """Click on a button of the next dialog."""

    def click() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(10, click)
            return
        buttons = {b.text().replace("&", ""): b for b in box.buttons()}
        buttons[text].click()

    QTimer.singleShot(0, click)


@pytest.mark.parametrize(
    ("button", "answer"),
    [
        ("Keep theirs", "keep"),
        ("Give to the new one", "overwrite"),
        ("Cancel", None),
    ],
)
def test_an_overlap_has_three_answers(qapp, button, answer):
    answer_with(button)

    assert ask_overlap(None, [7], 3) == answer


@pytest.mark.parametrize(("button", "answer"), [("Yes", True), ("No", False)])
def test_yes_and_no(qapp, button, answer):
    answer_with(button)

    assert ask_yes_no(None, "Clear", "Sure?") is answer
