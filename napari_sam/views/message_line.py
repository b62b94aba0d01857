"""One message at a time, below everything else of a panel."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

from napari_sam.views.records import Tone
from napari_sam.views.sentences import message


class MessageLine(QLabel):
    """A wrapping text that can be copied; takes no room while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setIndent(0)
        # People paste errors into reports.
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.set_message("")

    def set_message(self, text: str, tone: Tone = "info") -> None:
        """Show a sentence instead of the last one.

        Parameters
        ----------
        text
            Empty to show none.
        tone
            Is told in words and a sign, not by colour.
        """
        self.setText(message(text, tone))
        self.setAccessibleDescription(self.text())
        self.setVisible(bool(text))
