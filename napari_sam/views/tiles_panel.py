"""Embed tiles in advance: what it takes, how far it is, where they are kept."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_sam.views.building import (
    build_button,
    build_column,
    build_heading,
    build_text,
    finish_panel,
)
from napari_sam.views.message_line import MessageLine
from napari_sam.views.progress_row import ProgressRow
from napari_sam.views.questions import ask_folder, ask_yes_no
from napari_sam.views.records import Estimate, Progress, TileCounts, Tone, Where
from napari_sam.views.sentences import estimated, tile_map
from napari_sam.views.store_box import StoreBox
from napari_sam.views.where_choice import WhereChoice


class TilesPanel(QWidget):
    """Where to embed, the estimate, the run, the map and the store.

    Parameters
    ----------
    confirm, choose_folder
        See `StoreBox`.
    """

    where_changed = Signal(str)
    draw_region_requested = Signal()
    embed_requested = Signal(str)
    cancel_requested = Signal()
    map_changed = Signal(bool)
    folder_chosen = Signal(str)
    clear_requested = Signal()

    def __init__(
        self,
        *,
        confirm: Callable[[QWidget, str, str], bool] = ask_yes_no,
        choose_folder: Callable[[QWidget, str, str], str | None] = ask_folder,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._missing: int | None = None
        self.where_choice = WhereChoice()
        self.estimate = build_text()
        self.embed = build_button(
            "Embed",
            "Prepare these tiles now, so that every click there is answered at once",
            self._on_embed,
        )
        self.progress = ProgressRow("tile", name="Embedding")
        self.map = QCheckBox("Show the map of tiles")
        self.map.setToolTip("Draw in the viewer which tiles are stored or missing")
        self.map_counts = build_text()
        self.store = StoreBox(confirm=confirm, choose_folder=choose_folder)
        self.message = MessageLine()
        self._connect()
        self._lay_out()
        self.set_estimate(None)
        self.set_map(False, TileCounts())

    def _connect(self) -> None:
        self.where_choice.changed.connect(self.where_changed)
        self.where_choice.draw_requested.connect(self.draw_region_requested)
        self.progress.cancel_requested.connect(self.cancel_requested)
        self.map.clicked.connect(self.map_changed)
        self.store.folder_chosen.connect(self.folder_chosen)
        self.store.clear_requested.connect(self.clear_requested)

    def _lay_out(self) -> None:
        column = build_column(self)
        column.addWidget(build_heading("Embed in advance"))
        for widget in (self.where_choice, self.estimate, self.embed, self.progress):
            column.addWidget(widget)
        column.addWidget(build_heading("Tiles"))
        for widget in (self.map, self.map_counts, self.store, self.message):
            column.addWidget(widget)
        finish_panel(self, column)

    @property
    def where(self) -> Where:
        """What is to be embedded."""
        return self.where_choice.where

    def set_where(self, where: Where) -> None:
        """Choose what is to be embedded."""
        self.where_choice.set_where(where)

    def set_region(self, hw: tuple[int, int] | None) -> None:
        """Say how many pixels the drawn region has; None if there is none."""
        self.where_choice.set_region(hw)

    def set_estimate(self, estimate: Estimate | None, *, why_not: str = "") -> None:
        """Say what embedding will take.

        Parameters
        ----------
        estimate
            None if there is nothing to embed, or nobody knows yet.
        why_not
            The sentence for that.
        """
        self._missing = None if estimate is None else estimate.missing
        text = why_not or "No image chosen."
        self.estimate.setText(text if estimate is None else estimated(estimate))
        self._enable()

    def start(self) -> None:
        """Show that a run begins."""
        self.progress.start()
        self._enable()

    def set_progress(self, progress: Progress) -> None:
        """Show how far the run is."""
        self.progress.set_progress(progress)
        self._enable()

    def stop(self) -> None:
        """Show that no run is going on."""
        self.progress.stop()
        self._enable()

    def set_map(self, is_shown: bool, counts: TileCounts) -> None:
        """Say whether the map is drawn, and how many tiles are in which state."""
        self.map.setChecked(is_shown)
        self.map_counts.setText(tile_map(counts))

    def set_store(self, path: str | None, *, tiles: int, nbytes: int) -> None:
        """Say where the store lies and what it holds, see `StoreBox`."""
        self.store.set_store(path, tiles=tiles, nbytes=nbytes)
        self._enable()

    def set_message(self, text: str, tone: Tone = "info") -> None:
        """Show one sentence below all, see `MessageLine`."""
        self.message.set_message(text, tone)

    def _enable(self) -> None:
        is_running = self.progress.is_running
        self.embed.setEnabled(bool(self._missing) and not is_running)
        self.where_choice.setEnabled(not is_running)
        self.store.set_locked(is_running)

    def _on_embed(self) -> None:
        self.embed_requested.emit(self.where)
