"""The upper part of the dock for tiles: which model answers, and its download."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sam.controllers.downloading import DownloadController
from napari_sam.docks.model_rows import device_rows, model_rows
from napari_sam.state.models import Download, ModelsState
from napari_sam.threads.gui_thread import GuiThread
from napari_sam.views.model_panel import ModelPanel

if TYPE_CHECKING:
    from napari_sam.annotator import Annotator
    from napari_sam.docks.image_dock import ImageDock


class ModelPart:
    """Joins the panel for models to downloads and to the annotator of the dock.

    Parameters
    ----------
    dock
        It is a part of.
    """

    def __init__(self, dock: ImageDock) -> None:
        self._dock = dock
        self.state = ModelsState()
        self._gui = GuiThread()
        self.downloads = DownloadController(self.state, self._gui.deliver)
        self.downloads.refresh()
        self.panel = ModelPanel()
        self.panel.set_models(model_rows(self.state.choices, self.state.chosen))
        self.panel.model_chosen.connect(self._choose_model)
        self.panel.device_chosen.connect(self._choose_device)
        self.panel.download_requested.connect(self.downloads.start)
        self.panel.download_cancelled.connect(self.downloads.cancel)
        self.panel.set_devices(device_rows())
        events = self.state.events
        events.choices.connect(self._list_models)
        events.download.connect(self._show_download)
        events.message.connect(self.show_message)
        self.downloads.finished.connect(self._on_downloaded)

    @property
    def _annotator(self) -> Annotator | None:
        return self._dock.annotator

    def wire(self, annotator: Annotator) -> None:
        """Show which model an annotator has."""
        self._dock.listen(annotator.opened, self.show_message)
        self._dock.listen(annotator.annotation.events.message, self.show_message)
        rows = model_rows(self.state.choices, annotator.model)
        self.panel.set_models(rows, annotator.model)
        self.panel.set_devices(device_rows(), annotator.device)
        self.show_message()

    def show_message(self, *_: object) -> None:
        """Say what goes on with the model, or what went wrong."""
        annotator = self._annotator
        if self.state.message:
            self.panel.set_message(self.state.message, "error")
        elif self._is_to_be_downloaded:
            answers = f": until then {annotator.model} answers" if annotator else ""
            self.panel.set_message(f"Download it first{answers}.")
        elif annotator is None or annotator.session is not None:
            self.panel.set_message("")
        elif annotator.annotation.message:
            self.panel.set_message(annotator.annotation.message, "error")
        else:
            self.panel.set_message(f"Loading {annotator.model} ...", "busy")

    def close(self) -> None:
        """End the download; nothing is told any more."""
        self.downloads.cancel()
        self._gui.close()

    @property
    def _is_to_be_downloaded(self) -> bool:
        choices = {choice.name: choice for choice in self.state.choices}
        choice = choices.get(self.panel.model or "")
        is_on_its_way = self.state.download is not None
        return choice is not None and not choice.is_present and not is_on_its_way

    def _list_models(self) -> None:
        annotator = self._annotator
        current = self.state.chosen if annotator is None else annotator.model
        rows = model_rows(self.state.choices, current)
        self.panel.set_models(rows, self.panel.model or current)

    def _choose_model(self, name: str) -> None:
        self.state.message = ""
        annotator = self._annotator
        if annotator is not None and not self._is_to_be_downloaded:
            self._use(annotator, name)
        self.show_message()

    def _choose_device(self, device: str) -> None:
        annotator = self._annotator
        if annotator is not None and device != annotator.device:
            annotator.use_model(annotator.model, device)
        self.show_message()

    def _use(self, annotator: Annotator, name: str) -> None:
        # One that could not be loaded is tried again.
        if name != annotator.model or annotator.session is None:
            annotator.use_model(name, annotator.device)

    def _show_download(self, download: Download | None) -> None:
        if download is None:
            self.panel.end_download()
        else:
            self.panel.set_download(download.nbytes, download.total)
        self.show_message()

    def _on_downloaded(self, name: str) -> None:
        if self._annotator is not None and self.panel.model == name:
            self._use(self._annotator, name)
        self.show_message()
