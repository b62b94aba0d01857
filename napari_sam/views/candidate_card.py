"""One of the three candidates: its picture, rank and scores; a click chooses it."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QRadioButton, QVBoxLayout, QWidget

from napari_sam.views.building import SPACING, build_heading
from napari_sam.views.framed import Framed
from napari_sam.views.numbers import in_area, in_score
from napari_sam.views.pixmaps import to_pixmap
from napari_sam.views.records import CandidateRow
from napari_sam.views.sentences import candidate_sentence, with_key
from napari_sam.views.thumbnails import SIDE


class CandidateCard(Framed):
    """A radio button with a picture and three short lines.

    Parameters
    ----------
    rank
        Counted from 0.
    key
        That goes from one candidate to the next.
    """

    clicked = Signal(int)

    def __init__(
        self, rank: int, *, key: str | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._rank, self._key = rank, key
        self._row = CandidateRow(None, None, 0)
        self.radio = QRadioButton(str(rank + 1))
        self.radio.clicked.connect(self._choose)
        self.picture = QLabel()
        self.picture.setFixedSize(SIDE, SIDE)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.headline = build_heading("")
        self.stability, self.area = QLabel(), QLabel()
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._lay_out()

    def _lay_out(self) -> None:
        lines = QVBoxLayout()
        lines.setSpacing(1)
        for label in (self.headline, self.stability, self.area):
            label.setIndent(0)
            lines.addWidget(label)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACING, SPACING, SPACING, SPACING)
        row.setSpacing(SPACING)
        row.addWidget(self.radio)
        row.addWidget(self.picture)
        row.addLayout(lines, 1)

    def set_row(self, row: CandidateRow) -> None:
        """Show another candidate."""
        self._row = row
        self.stability.setText(f"stability {in_score(row.stability_score)}")
        area = in_area(row.area, row.physical_area) if row.area else "empty mask"
        self.area.setText(area)
        if row.thumbnail is None:
            self.picture.setText("…")
        else:
            self.picture.setPixmap(to_pixmap(row.thumbnail))
        self.set_chosen(self.radio.isChecked())

    def set_chosen(self, chosen: bool) -> None:
        """Mark it as the one that would be accepted, or not."""
        self.radio.setChecked(chosen)
        self.set_strong(chosen)
        mark = "  ✓" if chosen else ""
        self.headline.setText(f"IoU {in_score(self._row.predicted_iou)}{mark}")
        sentence = candidate_sentence(self._rank, self._row, is_chosen=chosen)
        self.radio.setAccessibleName(sentence)
        for widget in (self, self.radio):
            widget.setToolTip(with_key(sentence, self._key))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802, D102
        if event.button() == Qt.MouseButton.LeftButton:
            self.radio.setFocus(Qt.FocusReason.MouseFocusReason)
            self._choose()

    def _choose(self) -> None:
        self.clicked.emit(self._rank)
