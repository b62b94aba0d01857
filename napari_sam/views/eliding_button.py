"""A button whose text may be longer than the dock is wide."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QPushButton, QSizePolicy

_PADDING = 16
"""What style sheets add to the text on both sides together, generously."""


class ElidingButton(QPushButton):
    """Ends in an ellipsis where it has to; screen readers get all of it."""

    def __init__(self) -> None:
        super().__init__()
        self._full_text = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def full_text(self) -> str:
        """The text before anything was left out."""
        return self._full_text

    def set_full_text(self, text: str) -> None:
        """Show another text, as far as there is room."""
        self._full_text = text
        self.setAccessibleName(text)
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802, D102
        super().resizeEvent(event)
        self._elide()

    def minimumSizeHint(self) -> QSize:  # noqa: N802, D102
        return self.sizeHint()

    def sizeHint(self) -> QSize:  # noqa: N802, D102
        return QSize(5 * _PADDING, super().sizeHint().height())

    def _elide(self) -> None:
        room = self.width() - _PADDING
        mode = Qt.TextElideMode.ElideRight
        self.setText(self.fontMetrics().elidedText(self._full_text, mode, room))
