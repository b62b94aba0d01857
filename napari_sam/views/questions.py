"""Dialogs that panels open; each is a plain function that tests replace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from napari_sam.views.sentences import overlap_question


def ask_yes_no(parent: QWidget, title: str, question: str) -> bool:
    """Return whether somebody agrees; closing the question is a no."""
    box = QMessageBox.StandardButton
    answer = QMessageBox.question(parent, title, question, box.Yes | box.No, box.No)
    return answer == box.Yes


def ask_folder(parent: QWidget, title: str, start: str) -> str | None:
    """Return the folder that somebody chose, None if nobody did."""
    return QFileDialog.getExistingDirectory(parent, title, start) or None


def ask_file(parent: QWidget, title: str, start: str, kinds: str) -> str | None:
    """Return the file to write that somebody chose, None if nobody did.

    Parameters
    ----------
    parent, title
        Of the dialog.
    start
        Name that is offered.
    kinds
        Qt's filter, for example "GeoJSON (*.geojson)".
    """
    path, _ = QFileDialog.getSaveFileName(parent, title, start, kinds)
    return path or None


def ask_file_to_open(parent: QWidget, title: str, start: str, kinds: str) -> str | None:
    """Return the file to read that somebody chose, None if nobody did.

    Parameters
    ----------
    parent, title
        Of the dialog.
    start
        Folder, or file, that is shown first.
    kinds
        See `ask_file`.
    """
    path, _ = QFileDialog.getOpenFileName(parent, title, start, kinds)
    return path or None


def ask_overlap(
    parent: QWidget | None, labels: Sequence[int], pixels: int
) -> Literal["keep", "overwrite"] | None:
    """Return what to do with pixels that other objects have; None to accept nothing.

    Parameters
    ----------
    parent
        Window that waits.
    labels
        Of the objects below the mask.
    pixels
        That both want.
    """
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Objects overlap")
    box.setText(overlap_question(labels, pixels))
    roles = QMessageBox.ButtonRole
    keep = box.addButton("Keep theirs", roles.AcceptRole)
    overwrite = box.addButton("Give to the new one", roles.DestructiveRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(keep)
    box.exec()
    if box.clickedButton() is keep:
        return "keep"
    return "overwrite" if box.clickedButton() is overwrite else None
