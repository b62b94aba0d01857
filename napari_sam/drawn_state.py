"""Prompts and candidates of the state as layers, and layers as prompts of the state."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_sam.layers.candidate_layers import CandidateLayers
from napari_sam.layers.coordinates import Plane
from napari_sam.layers.plane_prompts import PlanePrompts
from napari_sam.layers.prompt_layers import PromptLayers
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.prompts import PromptSet
from tilesam.types import MaskCandidate

OUTSIDE = "There is no image where you clicked; click on it."


class DrawnState:
    """Keeps the state of an object and the layers that show it the same.

    Parameters
    ----------
    state
        Its prompts follow what is drawn, and are drawn when they are set otherwise.
    prompts
        Layers that somebody draws into.
    candidates
        Layers that show the answers.
    plane
        Returns on which plane all of it lies.
    image_hw
        Returns height and width of the image; points beside it are taken away.
    """

    def __init__(
        self,
        state: AnnotationState,
        prompts: PromptLayers,
        candidates: CandidateLayers,
        *,
        plane: Callable[[], Plane],
        image_hw: Callable[[], tuple[int, int]],
    ) -> None:
        self._state, self._plane, self._image_hw = state, plane, image_hw
        self._prompts, self._candidates = prompts, candidates
        prompts.changed.connect(self.read)
        state.events.prompts.connect(self._draw)
        state.events.candidates.connect(self._show)
        state.events.chosen.connect(candidates.choose)

    def read(self) -> None:
        """Take what is drawn into the state."""
        drawn = self._drawn()
        inside = drawn.within(self._image_hw())
        if inside != self._state.prompts:
            self._state.prompts = inside
        elif inside != drawn:
            self._draw(inside)
        if inside != drawn:
            self._state.message = OUTSIDE

    def close(self) -> None:
        """Leave both alone from now on."""
        self._prompts.changed.disconnect(self.read)
        self._state.events.prompts.disconnect(self._draw)
        self._state.events.candidates.disconnect(self._show)
        self._state.events.chosen.disconnect(self._candidates.choose)

    def _drawn(self) -> PromptSet:
        drawn = self._prompts.read(self._plane())
        return PromptSet.of(drawn.points_yx, drawn.point_labels, drawn.boxes_yxyx)

    def _draw(self, prompts: PromptSet) -> None:
        """Draw prompts that came from elsewhere, or were cleared."""
        if prompts == self._drawn():
            return
        arrays = PlanePrompts(
            np.array(prompts.points_yx, np.float64).reshape(-1, 2),
            np.array(prompts.point_labels, np.int64),
            np.array(prompts.boxes_yxyx, np.float64).reshape(-1, 4),
        )
        self._prompts.write(arrays, self._plane())

    def _show(self, candidates: tuple[MaskCandidate, ...]) -> None:
        if candidates:
            self._candidates.show(candidates, self._plane())
        else:
            self._candidates.hide()
