"""Objects that are like one of them: found, made to stand out, deleted as one step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from napari.components import LayerList
from napari.layers import Labels, Layer

from napari_sam.chosen_objects import ChosenObjects
from napari_sam.controllers.generation import Generation
from napari_sam.controllers.similarity import SimilarityController
from napari_sam.layers.coordinates import Plane
from napari_sam.layers.highlight_layer import HighlightLayer
from napari_sam.layers.layer_keys import bind_keys, unbind_keys
from napari_sam.state.embedding import EmbeddingState
from napari_sam.state.similarity import SimilarityState
from napari_sam.threads.engine_thread import EngineThread
from tilesam.annotation.many_objects import delete_all
from tilesam.annotation.targets import ArrayTarget
from tilesam.errors import SimilarityError

if TYPE_CHECKING:
    from napari_sam.controllers.prompting import Later
    from tilesam.session import Session

DEBOUNCE_SECONDS = 0.05
"""Colours of thousands of labels take a moment; a slider tells more often."""

LEAVE_KEY = "Escape"


class SimilarSelection:
    """Selects objects of the objects layer by their likeness; on the GUI thread.

    Parameters
    ----------
    layers
        `viewer.layers`.
    objects
        The layer whose objects are compared.
    thread, tiles
        See `SimilarityController`.
    later
        Where time comes from.
    below
        Returns layers that are not covered: those of prompts and candidates.

    Attributes
    ----------
    state
        What is selected, and how far a comparison is.
    """

    def __init__(
        self,
        layers: LayerList,
        objects: ChosenObjects,
        thread: EngineThread,
        tiles: EmbeddingState,
        *,
        later: Later,
        below: Callable[[], Iterable[Layer]],
    ) -> None:
        self.state = SimilarityState()
        self._objects, self._thread, self._tiles = objects, thread, tiles
        self._later = later
        self._controller: SimilarityController | None = None
        self._plane: Plane = ()
        self._pictures = Generation()
        self._bound: Labels | None = None
        self._highlight = HighlightLayer(layers, below=below)
        self._highlight.removed.connect(self.clear)
        self.state.events.comparison.connect(self._show)
        self.state.events.threshold.connect(self._show_soon)
        objects.changed.connect(self._compare_in)

    @property
    def layer(self) -> Labels | None:
        """The layer that makes objects stand out; None while nothing is selected."""
        return self._highlight.layer

    @property
    def labels(self) -> tuple[int, ...]:
        """The labels that are selected."""
        comparison = self.state.comparison
        if comparison is None:
            return ()
        return comparison.selected(self.state.threshold)

    def follow(self, session: Session | None, plane: Plane = ()) -> None:
        """Ask another session, or none while one is being opened."""
        if self._controller is not None:
            self._controller.close()
            self._controller = None
        self._plane = plane
        if session is not None:
            self._controller = SimilarityController(
                *(session, self.state, self._thread), tiles=self._tiles
            )
            self._compare_in()

    def select(self, label: int | None = None) -> None:
        """Select what is like an object.

        Parameters
        ----------
        label
            Of the object; by default the one that is selected in the objects layer,
            by napari's picker for example.

        Raises
        ------
        SimilarityError
            If there is no objects layer, or the image is still being opened.
        """
        chosen = self._objects.current
        if chosen is None or self._controller is None:
            raise SimilarityError(
                "there are no objects to compare yet; expected a labels layer with "
                "objects, and a model that is loaded; accept some first"
            )
        self._controller.select(chosen.layer.selected_label if label is None else label)

    def clear(self) -> None:
        """Select nothing, and end the comparison that is going on."""
        if self._controller is not None:
            self._controller.clear()

    def delete(self) -> None:
        """Remove what is selected, as one step of undo.

        Raises
        ------
        AnnotationError, SessionFileError
            If nothing is selected, or it cannot be removed.
        """
        chosen, comparison = self._objects.current, self.state.comparison
        if chosen is None or comparison is None:
            return
        boxes = comparison.boxes
        planes = tuple((at, at + 1) for at in self._plane)
        extents = {
            label: (*planes, (y0, y1), (x0, x1))
            for label, (y0, x0, y1, x1) in zip(
                boxes.labels.tolist(), boxes.extents_yxyx.tolist(), strict=True
            )
        }
        chosen.history.do(delete_all(chosen.objects, self.labels, extents))

    def close(self) -> None:
        """Select nothing, and let go of layers."""
        self._objects.changed.disconnect(self._compare_in)
        self.follow(None)
        self._pictures.advance()
        self._hide()
        self._highlight.close()

    def _compare_in(self) -> None:
        if self._controller is None:
            return
        chosen = self._objects.current
        if chosen is None:
            self._controller.compare_in(None)
        else:
            # Not through the layer: this is read on the engine's thread.
            target = ArrayTarget(chosen.finest)
            self._controller.compare_in(chosen.history, target, self._plane)

    def _show_soon(self) -> None:
        is_late = self._pictures.advance()
        self._later(DEBOUNCE_SECONDS, partial(self._show_if, is_late))

    def _show_if(self, is_late: Callable[[], bool]) -> None:
        if not is_late():
            self._show()

    def _show(self) -> None:
        self._pictures.advance()
        chosen = self._objects.current
        if chosen is None or not self.labels:
            self._hide()
            return
        picked, *others = self.labels
        self._highlight.show(chosen.layer, picked, others)
        if self._bound is not chosen.layer:
            self._bound = chosen.layer
            bind_keys(self._bound, {LEAVE_KEY: self.clear})

    def _hide(self) -> None:
        self._highlight.hide()
        if self._bound is not None:
            unbind_keys(self._bound, (LEAVE_KEY,))
            self._bound = None
