"""An annotator without a window, and what it holds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from napari.components import ViewerModel
from skimage import data

from napari_sam.annotator import Annotator
from napari_sam.preferences import Preferences
from napari_sam.state.prompts import PromptSet
from tilesam.types import FOREGROUND

COIN, OTHER_COIN, THIRD_COIN = (124.0, 45.0), (56.0, 100.0), (126.0, 103.0)


class Desk:
    """A viewer with one image that is annotated."""

    def __init__(self, qtbot: Any, folder: Path, pixels: Any = None, **options: Any):
        self.qtbot, self.folder = qtbot, folder
        self.viewer = ViewerModel()
        options.setdefault("name", "coins")
        self.image = self.viewer.add_image(
            data.coins() if pixels is None else pixels, **options
        )
        self.annotator: Annotator = None
        self.sit_down()

    def sit_down(self, **preferences: Any) -> Annotator:
        """Begin to annotate, again if somebody did before."""
        chosen = Preferences(session_folder=self.folder, **preferences)
        self.annotator = Annotator(self.viewer, self.image, preferences=chosen)
        self.wait(lambda: self.annotator.session is not None)
        return self.annotator

    def wait(self, condition: Any) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=20_000)

    def click(self, *places: tuple[float, float], label: int = FOREGROUND) -> None:
        """Add points and wait for the answer to all of them."""
        for yx in places:
            state = self.annotator.annotation
            state.prompts = state.prompts.with_point(yx, label)
        self.wait(self.is_answered)

    def accept(self, *places: tuple[float, float]) -> None:
        for yx in places:
            self.click(yx)
            self.annotator.accept()

    def choose(self, layer: Any) -> None:
        """Choose an objects layer and wait until it was looked through."""
        self.annotator.choose_objects(layer)
        self.wait(lambda: self.annotator.objects.is_chosen(layer))

    def settle(self) -> None:
        """Wait until all that was begun in the background is done."""
        done = []
        self.annotator.in_background(
            lambda: None, on_result=done.append, on_error=done.append
        )
        self.wait(lambda: done)

    def is_answered(self) -> bool:
        state = self.annotator.annotation
        return bool(state.candidates) and not state.is_busy

    def paint(self, label: int, y: slice, x: slice) -> None:
        """Paint by hand as napari's brush does."""
        layer = self.annotator.objects.current.layer
        indices = tuple(axis.ravel() for axis in np.mgrid[y, x])
        layer.data_setitem(indices, label)

    @property
    def labels(self) -> np.ndarray:
        return np.asarray(self.annotator.objects.current.finest[...])

    @property
    def belongings(self) -> dict[str, Any]:
        """All that has to be there again."""
        state, chosen = self.annotator.annotation, self.annotator.objects.current
        return {
            "labels": self.labels.tolist(),
            "rows": list(chosen.rows),
            "prompts": state.prompts,
            "chosen": state.chosen,
            "masks": [np.nonzero(c.mask)[0].tolist() for c in state.candidates],
            "offsets": [c.offset_yx for c in state.candidates],
            "policy": self.annotator.objects.policy,
            "plane": self.annotator.plane,
        }

    def restore(self, path: Path | None = None) -> None:
        """Restore a session and wait until nothing is awaited any more."""
        restorer, seen = self.annotator.restorer, []
        restorer.restored.connect(lambda: seen.append("restored"))
        restorer.restore(path)
        self.wait(lambda: seen or restorer.message)
        if len(self.annotator.annotation.prompts):
            self.wait(self.is_answered)


def crash(annotator: Annotator, into: Path) -> Path:
    """Return what would be on the disk if the program ended now."""
    path = annotator.keeper.path
    into.mkdir()
    for beside in path.parent.glob(f"{path.name}*"):
        if not beside.name.endswith(".lock"):
            shutil.copy(beside, into)
    return into / path.name


def prompts_at(*places: tuple[float, float]) -> PromptSet:
    return PromptSet.of(places)
