"""What keys, buttons and scripts do with candidates and objects."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from napari.layers import Image, Labels

from napari_sam.chosen_objects import ChosenObjects
from napari_sam.controllers.messages import message_of
from napari_sam.controllers.of_session import SessionControllers
from napari_sam.layers.label_features import read_rows
from napari_sam.layers.new_objects_layer import labels_shape
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.everything import EverythingState
from napari_sam.state.text import TextState
from tilesam.annotation.many_objects import accept_all
from tilesam.annotation.overlaps import Policy
from tilesam.errors import AnnotationError, TilesamError

NEW: Literal["new"] = "new"
"""Stands for an objects layer that is to be made."""

KEYS = {
    "polarity": "T",
    "next_candidate": "C",
    "accept": "Q",
    "reject": "W",
    "next_object": "N",
    "clear": "Shift-C",
    "undo": "Control-Z",
    "redo": "Control-Shift-Z",
}
"""What each key does while a prompt layer, or the objects layer, is active."""


class AnnotatorActions:
    """The part of an `Annotator` that does one thing at a time for a person.

    Attributes
    ----------
    image
        The layer that is annotated.
    annotation, everything, text
        What was asked and answered; its message says what could not be done.
    objects
        Where masks are accepted.
    controllers
        Of the session; None while none is open.
    """

    image: Image
    annotation: AnnotationState
    everything: EverythingState
    text: TextState
    objects: ChosenObjects
    controllers: SessionControllers | None

    @property
    def plane(self) -> tuple[int, ...]:
        """Position along the axes before rows and columns that is annotated."""
        raise NotImplementedError

    def in_background(
        self,
        work: Callable[[], Any],
        *,
        on_result: Callable[[Any], None],
        on_error: Callable[[Exception], None],
        is_late: Callable[[], bool] = bool,
    ) -> None:
        """Have something done on the engine's thread."""
        raise NotImplementedError

    def accept(self, policy: Policy | None = None) -> None:
        """Paint the chosen candidate, into a new layer if none was chosen.

        Parameters
        ----------
        policy
            What becomes of pixels that other objects have; by default what was chosen
            for the layer. The answer to a `question` of the state.
        """
        if self.controllers is None:
            return
        is_wanted = self.annotation.candidates or self.annotation.is_busy
        if self.objects.current is None and is_wanted:
            self.choose_objects(NEW)
            if self.objects.current is None:
                return
        self.controllers.candidates.accept(policy)

    def accept_found(self, policy: Policy | None = None) -> None:
        """Paint everything that was found, as one step.

        Parameters
        ----------
        policy
            See `accept`.

        Raises
        ------
        OverlapQuestion
            If it lies on other objects and the policy is to ask.
        AnnotationError, SessionFileError
            If it cannot be painted.
        """
        self._accept_objects(self.everything, policy)

    def accept_text(
        self, policy: Policy | None = None, *, label: int | None = None
    ) -> None:
        """Paint what a phrase has found, as one step.

        Parameters
        ----------
        policy
            See `accept`.
        label
            Of the only object to paint; by default all are.

        Raises
        ------
        OverlapQuestion, AnnotationError, SessionFileError
            See `accept_found`.
        """
        self._accept_objects(self.text, policy, label)

    def _accept_objects(
        self,
        state: EverythingState | TextState,
        policy: Policy | None,
        label: int | None = None,
    ) -> None:
        found = state.found
        if state.plane != self.plane and found is not None:
            raise AnnotationError(
                f"the objects are of plane {state.plane}, and {self.plane} "
                "is shown; move the slider back to accept them"
            )
        if found is not None and label is not None:
            found = found.alone(label)
        if found is None or found.labels is None:
            raise AnnotationError(
                "there is nothing small enough to accept; expected objects of a region "
                "of which the labels fit into memory; look for them in a smaller one"
            )
        if not found.count:
            raise AnnotationError(
                "there is nothing to accept; expected objects; move the thresholds"
            )
        if self.objects.current is None:
            self.objects.add_new()
        chosen = self.objects.current
        edit = accept_all(
            *(chosen.objects, found.labels, found.offset_yx),
            scores=found.scores(),
            policy=policy,
            prompt_kind=found.prompt_kind,
            model_name=found.segmentation.model_name,
        )
        chosen.history.do(edit)

    def choose_objects(self, layer: Labels | Literal["new"]) -> None:
        """Accept masks into another layer or a new one; the state says why not.

        A layer is looked through for objects in the background first.
        """
        if layer == NEW:
            self._choose(self.objects.add_new)
            return
        if not self._fits(layer):
            return
        self._tell(f"Looking for objects in '{layer.name}' ...")
        finest = layer.data[0] if layer.multiscale else layer.data
        known = layer.features.copy(), self.objects.remembered_rows(layer)
        self.in_background(
            partial(read_rows, finest, *known),
            on_result=lambda rows: self._choose(
                partial(self.objects.choose, layer, rows=rows)
            ),
            on_error=lambda error: self._tell(message_of(error)),
        )

    def cycle(self) -> None:
        """Show the next candidate."""
        if self.controllers is not None:
            self.controllers.candidates.cycle()

    def choose(self, rank: int) -> None:
        """Show one of the candidates."""
        if self.controllers is not None:
            self.controllers.candidates.choose(rank)

    def leave_question(self) -> None:
        """Do not accept the candidate after all."""
        if self.controllers is not None:
            self.controllers.candidates.leave_question()

    def reject(self) -> None:
        """Drop the candidates; the prompts stay."""
        if self.controllers is not None:
            self.controllers.candidates.reject()

    def next_object(self) -> None:
        """Drop prompts and candidates."""
        if self.controllers is not None:
            self.controllers.candidates.next_object()

    def undo(self) -> None:
        """Take the latest step back, accepted or drawn."""
        self.objects.undo()

    def redo(self) -> None:
        """Make it again."""
        self.objects.redo()

    def _fits(self, layer: Labels) -> bool:
        """Return whether a layer is of the image's shape; say so if it is not."""
        finest = layer.data[0] if layer.multiscale else layer.data
        shape, expected = tuple(finest.shape), labels_shape(self.image)
        if shape == expected:
            return True
        self._tell(
            f"the labels layer '{layer.name}' has shape {shape}; expected {expected}, "
            f"as '{self.image.name}' has; choose another one, or accept its objects "
            "into one of that shape"
        )
        return False

    def _choose(self, choose: Callable[[], None]) -> None:
        try:
            choose()
        except TilesamError as error:
            self._tell(message_of(error))
        else:
            self._tell("")

    def _tell(self, message: str) -> None:
        self.annotation.message = message
