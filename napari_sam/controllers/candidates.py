"""The three answers: look at one after the other, accept one or none, go on."""

from __future__ import annotations

from psygnal import Signal

from napari_sam.controllers.messages import message_of
from napari_sam.state.annotation import AnnotationState
from tilesam.annotation.edits import Edit
from tilesam.annotation.history import EditHistory
from tilesam.annotation.objects import Clock, ObjectLabels, utc_now
from tilesam.annotation.overlaps import OverlapQuestion, Policy
from tilesam.errors import TilesamError
from tilesam.session import Session
from tilesam.types import MaskCandidate


class CandidatesController:
    """What keys and buttons beside the candidates do.

    Parameters
    ----------
    session
        Whose answers they are.
    state
        Has the candidates.
    objects
        Where an accepted candidate is painted; None while no labels were chosen.
    history
        Of these objects.
    clock
        Returns the time, for records.

    Attributes
    ----------
    accepted
        Emits the `Edit` of each candidate that was accepted, once it is painted.
    """

    accepted = Signal(Edit)

    def __init__(
        self,
        session: Session,
        state: AnnotationState,
        objects: ObjectLabels | None = None,
        history: EditHistory | None = None,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self.session = session
        self.state = state
        self._objects, self._history = objects, history
        self._clock = clock
        self._accepts_next = False
        state.events.generation.connect(self._forget_wish)
        state.events.is_busy.connect(self._on_busy)

    def close(self) -> None:
        """Listen to the state no more."""
        self.state.events.generation.disconnect(self._forget_wish)
        self.state.events.is_busy.disconnect(self._on_busy)
        self._forget_wish()

    def paint_into(
        self, objects: ObjectLabels | None, history: EditHistory | None
    ) -> None:
        """Choose other labels; None for both if they were removed."""
        self._objects, self._history = objects, history
        self.state.question = None

    def cycle(self, step: int = 1) -> None:
        """Show the next candidate, after the last one the first."""
        if self.state.candidates:
            self.choose((self.state.chosen + step) % len(self.state.candidates))

    def choose(self, rank: int) -> None:
        """Show one candidate; nothing happens where there is none of this rank."""
        if 0 <= rank < len(self.state.candidates):
            self.state.question = None
            self.state.message = ""
            self.state.chosen = rank

    def accept(
        self, policy: Policy | None = None, *, label: int | None = None
    ) -> Edit | None:
        """Paint the chosen candidate and begin the next object.

        While an answer is awaited, its best candidate is accepted as soon as it is
        there, unless the prompts are changed before.

        Parameters
        ----------
        policy
            What becomes of pixels that other objects have; by default that of the
            objects. If that is to ask, the state has a `question` afterwards, and this
            is to be called again with the answer.
        label
            Of an object to add the mask to; by default a new one.

        Returns
        -------
        Edit or None
            None if nothing was painted; then the state says why.
        """
        if self.state.is_busy:
            self._accepts_next = True
            return None
        candidate = self.state.chosen_candidate
        if candidate is None:
            self.state.message = "there is nothing to accept; click on an object first"
            return None
        edit = self._paint(candidate, policy, label)
        if edit is not None:
            self.state.begin_object()
            self.accepted.emit(edit)
        return edit

    def leave_question(self) -> None:
        """Do not accept the candidate after all; it stays as it is."""
        self.state.question = None

    def reject(self) -> None:
        """Drop all candidates; the prompts stay, to be mended."""
        self.state.drop_request()
        self.state.clear_candidates()
        self.state.base = None

    def next_object(self) -> None:
        """Drop prompts and candidates, to begin with another object."""
        self.state.begin_object()

    def _paint(
        self, candidate: MaskCandidate, policy: Policy | None, label: int | None
    ) -> Edit | None:
        state = self.state
        state.question = None
        if self._objects is None or self._history is None:
            state.message = "there are no labels to paint into; choose a labels layer"
            return None
        try:
            edit = self._objects.accept(
                candidate,
                state.answered.to_engine(self.session.image_hw),
                label=label,
                policy=policy,
                model_name=self.session.model.name,
                clock=self._clock,
            )
            self._history.do(edit)
        except OverlapQuestion as question:
            state.question = question
            return None
        except TilesamError as error:
            state.message = message_of(error)
            return None
        return edit

    def _on_busy(self, is_busy: bool) -> None:
        if self._accepts_next and self.state.candidates and not is_busy:
            self.accept()

    def _forget_wish(self) -> None:
        self._accepts_next = False
