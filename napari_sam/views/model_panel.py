"""Which model answers, on which device, and how far its download is."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_sam.views.building import (
    Rows,
    build_button,
    build_column,
    build_text,
    finish_panel,
)
from napari_sam.views.choice_box import ChoiceBox
from napari_sam.views.message_line import MessageLine
from napari_sam.views.numbers import in_time
from napari_sam.views.progress_row import ProgressRow
from napari_sam.views.records import ModelRow, Tone
from napari_sam.views.sentences import downloading, model_facts, model_item


class ModelPanel(QWidget):
    """Two lists to choose from, what is known of the model, its download."""

    model_chosen = Signal(str)
    device_chosen = Signal(str)
    download_requested = Signal(str)
    download_cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[ModelRow, ...] = ()
        self._is_busy = False
        self.models = ChoiceBox("Model", "The network that answers your prompts")
        self.models.activated.connect(self._on_model)
        self.devices = ChoiceBox("Device", "What computes: a GPU is much faster")
        self.devices.activated.connect(self._on_device)
        self.facts, self.good_for = build_text(), build_text()
        self.download = build_button(
            "Download",
            "Fetch the weights of this model; an interrupted download goes on",
            self._on_download,
        )
        self.progress = ProgressRow(name="Download of the weights")
        self.progress.cancel.setToolTip("Stop; what is there is kept for the next time")
        self.progress.cancel_requested.connect(self.download_cancelled)
        self.message = MessageLine()
        self._lay_out()
        self.set_models(())

    def _lay_out(self) -> None:
        column = build_column(self)
        top, bottom = Rows(), Rows()
        top.add("Model", self.models)
        bottom.add("Device", self.devices)
        column.addLayout(top)
        for widget in (self.facts, self.good_for, self.download, self.progress):
            column.addWidget(widget)
        column.addLayout(bottom)
        column.addWidget(self.message)
        finish_panel(self, column)

    @property
    def model(self) -> str | None:
        """Name of the model that is chosen; None while there are none."""
        row = self._row
        return None if row is None else row.name

    @property
    def device(self) -> str | None:
        """Name of the device that is chosen; None while there are none."""
        return self.devices.currentData()

    @property
    def _row(self) -> ModelRow | None:
        index = self.models.currentIndex()
        return self._rows[index] if 0 <= index < len(self._rows) else None

    def set_models(self, rows: Sequence[ModelRow], chosen: str | None = None) -> None:
        """Offer models.

        Parameters
        ----------
        rows
            In the order of the list.
        chosen
            Its name; by default the one that was chosen, or the first.
        """
        wanted = chosen or self.model
        self._rows = tuple(rows)
        self.models.clear()
        for row in self._rows:
            tooltip = f"{model_item(row)}\n{row.good_for}".strip()
            self.models.add(model_item(row), row.name, short=row.name, tooltip=tooltip)
        self.models.setEnabled(bool(self._rows) and not self._is_busy)
        self.set_model(wanted)

    def set_model(self, name: str | None) -> None:
        """Choose a model; the first one if there is none of that name."""
        index = self.models.findData(name)
        self.models.setCurrentIndex(max(index, 0) if self._rows else -1)
        self._show_facts()

    def set_devices(
        self, devices: Sequence[tuple[str, str]], chosen: str | None = None
    ) -> None:
        """Offer devices.

        Parameters
        ----------
        devices
            Their names for the engine and for people, the best one first, for example
            ("cuda:0", "GPU 0 (cuda:0)").
        chosen
            By default the one that was chosen, or the first.
        """
        wanted = chosen or self.device
        self.devices.clear()
        for name, text in devices:
            self.devices.add(text, name)
        self.devices.setEnabled(len(devices) > 1)
        self.devices.setCurrentIndex(
            max(self.devices.findData(wanted), 0) if devices else -1
        )

    def set_download(
        self, done: int, total: int | None = None, seconds_left: float | None = None
    ) -> None:
        """Show how many bytes of a download are there.

        Parameters
        ----------
        done, total
            In bytes; the total may be unknown.
        seconds_left
            None while nobody can tell.
        """
        left = "" if seconds_left is None else f"About {in_time(seconds_left)} left"
        self.progress.set_share(done, total or 0, downloading(done, total), left)
        self._set_busy(True)

    def end_download(self) -> None:
        """Hide the bar: the download is over, well or not."""
        self.progress.stop()
        self._set_busy(False)

    def set_message(self, text: str, tone: Tone = "info") -> None:
        """Show one sentence below all, see `MessageLine`."""
        self.message.set_message(text, tone)

    def _set_busy(self, busy: bool) -> None:
        # Another model would be another download: one at a time.
        self.models.setEnabled(bool(self._rows) and not busy)
        self._is_busy = busy
        self._show_facts()

    def _show_facts(self) -> None:
        row = self._row
        self.facts.setText(model_facts(row) if row else "No models")
        self.good_for.setText(f"Good for {row.good_for}" if row else "")
        self.good_for.setVisible(bool(row and row.good_for))
        is_missing = row is not None and row.place == "to be downloaded"
        self.download.setVisible(is_missing and not self._is_busy)
        self.models.setToolTip(model_item(row) if row else "")

    def _on_model(self) -> None:
        self._show_facts()
        self.model_chosen.emit(self.model)

    def _on_device(self) -> None:
        self.device_chosen.emit(self.device)

    def _on_download(self) -> None:
        self.download_requested.emit(self.model)
