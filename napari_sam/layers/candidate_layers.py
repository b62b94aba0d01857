"""The three answers to a prompt as Labels layers: small crops, never whole images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from napari.components import LayerList
from napari.layers import Image, Labels, Layer

from napari_sam.layers.coordinates import Plane, crop_offset, crop_to_layer
from napari_sam.layers.geometry import apply_geometry, crop_geometry, follow_geometry
from napari_sam.layers.layer_keys import KeyActions, bind_keys
from napari_sam.layers.layer_list import add_quietly, discard
from napari_sam.layers.shown_only import shown_only
from tilesam.types import MaskCandidate, UInt8Array

COLORS = ("#ffb000", "#56b4e9", "#cc79a7")
"""Of the candidates by rank: told apart by the colour-blind, and unlike the points."""

OPACITY = 0.6


@dataclass(eq=False)
class _Shown:
    """One layer, what it holds, and the name that it was given."""

    layer: Labels
    offset: Plane
    given_name: str


class CandidateLayers:
    """The layers of the candidates for one image layer; on the GUI thread.

    They are known by themselves, not by their names, so the user may rename them. One
    that the user deletes comes back with the next answer.

    Parameters
    ----------
    layers
        `viewer.layers`.
    image
        The layer of which the candidates are parts.
    below
        Layers that stay above the candidates: those of the prompts.
    """

    def __init__(
        self, layers: LayerList, image: Image, *, below: Sequence[Layer] = ()
    ) -> None:
        self._layers, self._image, self._below = layers, image, tuple(below)
        self._shown: dict[int, _Shown] = {}
        self._actions: KeyActions = {}
        self._end_following = follow_geometry(image, self._follow)

    def prepare(self, count: int = 3) -> None:
        """Make the layers now, hidden, so that the first answer is shown faster.

        A viewer takes about a tenth of a second for each new layer.
        """
        for rank in reversed(range(count)):
            self._ensure(rank)

    def show(
        self, candidates: Sequence[MaskCandidate], plane: Plane, *, chosen: int = 0
    ) -> None:
        """Show an answer instead of the one before.

        Parameters
        ----------
        candidates
            By rank.
        plane
            On which they lie.
        chosen
            Rank of the one that is visible.
        """
        for rank in [rank for rank in self._shown if rank >= len(candidates)]:
            discard(self._layers, self._shown.pop(rank).layer)
        # From the last to the first, so that a higher rank lies above a lower one.
        for rank, candidate in reversed(list(enumerate(candidates))):
            shown = self._ensure(rank)
            self._put(shown, candidate, plane)
            self._rename(shown, candidate_name(rank, candidate))
            _set_visible(shown.layer, rank == chosen)

    def choose(self, rank: int) -> None:
        """Make one candidate visible and hide the others."""
        for other, shown in self._shown.items():
            _set_visible(shown.layer, other == rank)

    def hide(self) -> None:
        """Hide all, as after an accept; they are kept for the next answer."""
        for rank, shown in self._shown.items():
            _set_visible(shown.layer, False)
            self._rename(shown, _plain_name(rank))

    def bind_keys(self, actions: KeyActions) -> None:
        """Have keys call functions while a candidate is active, also a later one."""
        self._actions = {**self._actions, **actions}
        for shown in self._shown.values():
            bind_keys(shown.layer, actions)

    def layer(self, rank: int) -> Labels | None:
        """Return the layer of a candidate; None if there is none, or no longer."""
        shown = self._shown.get(rank)
        is_there = shown is not None and shown.layer in self._layers
        return shown.layer if is_there else None

    def remove(self) -> None:
        """Remove the layers; `show` brings new ones."""
        while self._shown:
            _, shown = self._shown.popitem()
            discard(self._layers, shown.layer)

    def close(self) -> None:
        """Remove the layers and let go of the image."""
        self._end_following()
        self.remove()

    def _ensure(self, rank: int) -> _Shown:
        """Return what is known of a layer, which is made if it is missing."""
        if self.layer(rank) is None:
            offset = (0,) * self._image.ndim
            layer = Labels(
                np.zeros((1,) * self._image.ndim, np.uint8),
                name=_plain_name(rank),
                colormap=_colors(rank),
                opacity=OPACITY,
                visible=False,
                metadata=shown_only("candidate"),
                **crop_geometry(self._image, offset),
            )
            add_quietly(self._layers, layer, below=self._below)
            self._shown[rank] = _Shown(layer, offset, layer.name)
            layer.editable = False
            bind_keys(layer, self._actions)
        return self._shown[rank]

    def _put(self, shown: _Shown, candidate: MaskCandidate, plane: Plane) -> None:
        layer = shown.layer
        shown.offset = crop_offset(candidate.offset_yx, plane)
        layer.data = crop_to_layer(_crop_of(candidate), plane)
        apply_geometry(layer, crop_geometry(self._image, shown.offset))
        layer.features = _features(candidate)
        # Nobody paints into an answer; napari makes layers editable with new data.
        layer.editable = False

    def _rename(self, shown: _Shown, name: str) -> None:
        # A name that the user has given stays.
        if shown.layer.name == shown.given_name:
            shown.layer.name = name
            # In a list with another such name napari appends a number.
            shown.given_name = shown.layer.name

    def _follow(self) -> None:
        for shown in self._shown.values():
            apply_geometry(shown.layer, crop_geometry(self._image, shown.offset))


def candidate_name(rank: int, candidate: MaskCandidate) -> str:
    """Return what to call a candidate: its rank, from 1 on, and its scores."""
    return (
        f"{_plain_name(rank)} · IoU {candidate.predicted_iou:.2f} · "
        f"stability {candidate.stability_score:.2f}"
    )


def _plain_name(rank: int) -> str:
    return f"candidate {rank + 1}"


def _set_visible(layer: Labels, is_visible: bool) -> None:
    # napari draws anew even if nothing changes.
    if layer.visible != is_visible:
        layer.visible = is_visible


def _crop_of(candidate: MaskCandidate) -> UInt8Array:
    # napari has no layers without pixels.
    mask = candidate.mask if candidate.mask.size else np.zeros((1, 1), bool)
    return mask.astype(np.uint8)


def _colors(rank: int) -> dict[int | None, str]:
    return {None: "transparent", 1: COLORS[rank % len(COLORS)]}


def _features(candidate: MaskCandidate) -> dict[str, list[float]]:
    """Return the row that napari shows under the mouse, of label 1."""
    return {
        "index": [1],
        "predicted_iou": [candidate.predicted_iou],
        "stability_score": [candidate.stability_score],
        "area": [candidate.area],
    }
