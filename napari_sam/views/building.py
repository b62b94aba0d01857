"""The same look for all panels: margins, headings, buttons, labelled rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from qtpy.QtCore import QObject, QSignalBlocker, Qt, SignalInstance
from qtpy.QtWidgets import (
    QGridLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_sam.views.sentences import with_key

SPACING = 6
_MARGIN = 8


def build_column(widget: QWidget, *, margin: int = _MARGIN) -> QVBoxLayout:
    """Give a widget a column to put things into, packed from the top.

    Parameters
    ----------
    widget
        Takes the height that its content needs; napari's docks leave it alone then.
    margin
        Around all; 0 for a part of a panel.
    """
    column = QVBoxLayout(widget)
    column.setContentsMargins(margin, margin, margin, margin)
    column.setSpacing(SPACING)
    return column


def finish_panel(widget: QWidget, column: QVBoxLayout) -> None:
    """Let the space that a dock has too much of be below the content."""
    column.addStretch(1)
    # napari squeezes docked widgets whose vertical policy does not expand.
    widget.setSizePolicy(
        QSizePolicy.Policy.Preferred, QSizePolicy.Policy.MinimumExpanding
    )


@contextmanager
def silenced(*senders: QObject) -> Iterator[None]:
    """Keep widgets from telling what a setter does to them."""
    blockers = [QSignalBlocker(sender) for sender in senders]
    try:
        yield
    finally:
        for blocker in blockers:
            blocker.unblock()


def build_heading(text: str) -> QLabel:
    """Return a bold line above a group of controls."""
    label = QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    label.setIndent(0)
    return label


def build_text(text: str = "") -> QLabel:
    """Return a label that wraps, so that no sentence is cut in a narrow dock."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setIndent(0)  # in line with buttons, also under style sheets
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def build_button(
    text: str,
    tooltip: str,
    on_click: Callable[[], object] | SignalInstance,
    *,
    key: str | None = None,
) -> QPushButton:
    """Return a button; its tooltip names the key that does the same.

    Parameters
    ----------
    text
        On the button.
    tooltip
        A sentence about what it does.
    on_click
        A signal or something to call, without arguments.
    key
        For example "Ctrl+Z"; None if there is none.
    """
    button = QPushButton(text)
    button.setToolTip(with_key(tooltip, key))
    button.clicked.connect(on_click)
    # Two of them stand side by side in 260 pixels, in equal halves.
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return button


class Rows(QGridLayout):
    """Lines of a label and a control, one below the other."""

    def __init__(self) -> None:
        super().__init__()
        self.setContentsMargins(0, 0, 0, 0)
        self.setHorizontalSpacing(SPACING)
        self.setVerticalSpacing(SPACING)
        self.setColumnStretch(1, 1)

    def add(self, text: str, control: QWidget, beside: QWidget | None = None) -> None:
        """Add a line; the label stands for the control, for keys and screen readers.

        Parameters
        ----------
        text, control
            The label and what it is about.
        beside
            Something small to the right of it.
        """
        label = QLabel(text)
        label.setIndent(0)
        label.setBuddy(control)
        if not control.accessibleName():
            control.setAccessibleName(text)
        label.setToolTip(control.toolTip())
        row = self.rowCount()
        self.addWidget(label, row, 0)
        self.addWidget(control, row, 1, 1, 1 if beside else 2)
        if beside:
            self.addWidget(beside, row, 2)
