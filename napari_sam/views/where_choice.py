"""What part of the image a run is about: the view, all of it, or a drawn region."""

from __future__ import annotations

from typing import get_args

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QRadioButton, QWidget

from napari_sam.views.building import SPACING, build_button, build_column, build_text
from napari_sam.views.numbers import in_extent
from napari_sam.views.records import Where

_CHOICES: dict[Where, tuple[str, str]] = {
    "view": ("View", "Only what the viewer shows now"),
    "image": ("Image", "The whole image"),
    "region": ("Region", "A rectangle that you draw"),
}


class WhereChoice(QWidget):
    """Three radio buttons, and below them what to know about the region."""

    changed = Signal(str)
    draw_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self.buttons: dict[Where, QRadioButton] = {}
        column = build_column(self, margin=0)
        row = QHBoxLayout()
        row.setSpacing(2 * SPACING)
        for index, (where, (text, tooltip)) in enumerate(_CHOICES.items()):
            button = QRadioButton(text)
            button.setToolTip(tooltip)
            self._group.addButton(button, index)
            self.buttons[where] = button
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        self._region = QWidget()
        line = QHBoxLayout(self._region)
        line.setContentsMargins(0, 0, 0, 0)
        self.region_text = build_text()
        self.draw = build_button(
            "Draw", "Draw the region as a rectangle in the viewer", self.draw_requested
        )
        line.addWidget(self.region_text, 3)
        line.addWidget(self.draw, 2)
        column.addWidget(self._region)
        self.set_region(None)
        self.set_where("view")
        self._group.idClicked.connect(self._on_click)

    @property
    def where(self) -> Where:
        """Which of them is chosen."""
        return get_args(Where)[self._group.checkedId()]

    def set_where(self, where: Where) -> None:
        """Choose one of them."""
        self.buttons[where].setChecked(True)
        self._region.setVisible(where == "region")

    def set_region(self, hw: tuple[int, int] | None) -> None:
        """Say how large the drawn region is.

        Parameters
        ----------
        hw
            Height and width in pixels; None if nothing is drawn.
        """
        self.region_text.setText("Nothing drawn yet" if hw is None else in_extent(hw))
        self.draw.setText("Draw" if hw is None else "Draw again")

    def _on_click(self) -> None:
        self._region.setVisible(self.where == "region")
        self.changed.emit(self.where)
