"""A frame in the colour of the theme's own text, whatever theme that is."""

from __future__ import annotations

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

_FAINT = 0.35


class Framed(QWidget):
    """A widget with a thin line around it, a thick one or a dashed one."""

    def __init__(self, parent: QWidget | None = None, *, dashed: bool = False) -> None:
        super().__init__(parent)
        self._is_dashed = dashed
        self._is_strong = False

    def set_strong(self, strong: bool) -> None:
        """Draw a thick line, as for what is chosen."""
        self._is_strong = strong
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, D102
        super().paintEvent(event)
        color = self.palette().color(self.foregroundRole())
        color.setAlphaF(1.0 if self._is_strong else _FAINT)
        pen = QPen(color, 2.0 if self._is_strong else 1.0)
        if self._is_dashed:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen)
        painter.drawRoundedRect(
            QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5), 4, 4
        )
        painter.end()
