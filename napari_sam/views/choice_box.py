"""A combo box for items that are longer than a dock is wide."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QPaintEvent
from qtpy.QtWidgets import (
    QComboBox,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

_SHORT_ROLE = Qt.ItemDataRole.UserRole + 1
_POPUP_PADDING = 24
_LEAST_CHARACTERS = 6


class ChoiceBox(QComboBox):
    """Ends in an ellipsis where it has to; its popup is as wide as its items.

    Parameters
    ----------
    name
        For screen readers.
    tooltip
        A sentence about what is chosen.
    """

    def __init__(self, name: str, tooltip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setToolTip(tooltip)
        self.setMinimumContentsLength(_LEAST_CHARACTERS)
        self.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def add(
        self, text: str, data: object, *, short: str = "", tooltip: str = ""
    ) -> None:
        """Add an item.

        Parameters
        ----------
        text
            In the popup, which has room.
        data
            What `currentData` gives.
        short
            In the closed box; by default the same text.
        tooltip
            In the popup.
        """
        self.addItem(text, data)
        index = self.count() - 1
        self.setItemData(index, short or text, _SHORT_ROLE)
        self.setItemData(index, tooltip or text, Qt.ItemDataRole.ToolTipRole)

    @property
    def closed_text(self) -> str:
        """What the closed box says, before anything is left out."""
        return self.currentData(_SHORT_ROLE) or self.placeholderText()

    def showPopup(self) -> None:  # noqa: N802, D102
        view = self.view()
        view.setMinimumWidth(view.sizeHintForColumn(0) + _POPUP_PADDING)
        super().showPopup()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002, D102
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        control, part = QStyle.ComplexControl, QStyle.SubControl
        room = self.style().subControlRect(
            control.CC_ComboBox, option, part.SC_ComboBoxEditField, self
        )
        option.currentText = self.fontMetrics().elidedText(
            self.closed_text, Qt.TextElideMode.ElideRight, room.width()
        )
        painter.drawComplexControl(control.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()
