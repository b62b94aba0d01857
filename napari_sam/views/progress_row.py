"""How far a run is, how long it still takes, and a button to stop it."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QWidget

from napari_sam.views.building import (
    SPACING,
    build_button,
    build_column,
    build_text,
)
from napari_sam.views.records import Progress
from napari_sam.views.sentences import steps_done, time_left


class ProgressRow(QWidget):
    """A bar with its figures in words; hidden while nothing runs."""

    cancel_requested = Signal()

    def __init__(
        self,
        unit: str = "tile",
        *,
        name: str = "Progress",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._unit = unit
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(name)
        self.cancel = build_button(
            "Cancel", "Stop after the present step; what is done is kept", self._stop
        )
        self.cancel.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.text = build_text()
        self.setVisible(False)

        column = build_column(self, margin=0)
        row = QHBoxLayout()
        row.setSpacing(SPACING)
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel)
        column.addLayout(row)
        column.addWidget(self.text)

    @property
    def is_running(self) -> bool:
        """Whether a run is shown."""
        return not self.isHidden()

    def start(self, text: str = "Starting") -> None:
        """Show a bar that says nothing of the end yet."""
        self.bar.setRange(0, 0)
        self.text.setText(text)
        self.cancel.setEnabled(True)
        self.setVisible(True)

    def set_progress(self, progress: Progress) -> None:
        """Show how many steps are done and how long the others take."""
        steps = steps_done(progress, self._unit)
        self.set_share(progress.done, progress.total, steps, time_left(progress))

    def set_share(self, done: float, total: float, steps: str, left: str) -> None:
        """Show a share of anything, with the words for it.

        Parameters
        ----------
        done, total
            A total of 0 is an unknown one.
        steps, left
            How much is done, and what comes.
        """
        if not self.is_running:
            self.start()
        # In permille: bytes of large files do not fit into Qt's integers.
        self.bar.setRange(0, 1000 if total else 0)
        if total:
            self.bar.setValue(round(1000 * min(done / total, 1)))
        if self.cancel.isEnabled():
            self.text.setText(f"{steps}. {left}." if left else f"{steps}.")

    def stop(self) -> None:
        """Hide it: the run is over."""
        self.setVisible(False)

    def _stop(self) -> None:
        self.cancel.setEnabled(False)
        self.text.setText("Stopping after the present step")
        self.cancel_requested.emit()
