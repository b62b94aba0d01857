"""One object on its way: what was asked, what was answered, which answer is chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from psygnal import SignalGroupDescriptor

from napari_sam.state.prompts import PromptSet
from tilesam.annotation.overlaps import OverlapQuestion
from tilesam.types import MaskCandidate, MaskInput


@dataclass(eq=False)
class AnnotationState:
    """What the docks for points and boxes show.

    Parameters
    ----------
    prompts
        What was clicked and drawn; setting it asks for an answer.
    candidates
        Three answers, best first, or none.
    answered
        The prompts that the candidates answer; others while a new answer is awaited.
    chosen
        Rank of the candidate that is shown and will be accepted, from 0.
    refines
        Whether further prompts refine the chosen candidate: its logits are handed to
        the network together with all prompts.
    base
        The logits that are handed to it now.
    question
        What has to be said before the chosen candidate can be accepted; None if there
        is nothing.
    is_busy
        Whether an answer is awaited.
    message
        What a person has to be told; empty if there is nothing.
    generation
        Number of the latest request; answers to earlier ones are dropped.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    prompts: PromptSet = field(default_factory=PromptSet)
    candidates: tuple[MaskCandidate, ...] = ()
    answered: PromptSet = field(default_factory=PromptSet)
    chosen: int = 0
    refines: bool = True
    base: MaskInput | None = None
    question: OverlapQuestion | None = None
    is_busy: bool = False
    message: str = ""
    generation: int = 0

    @property
    def chosen_candidate(self) -> MaskCandidate | None:
        """The candidate that is shown; None if there is none."""
        return self.candidates[self.chosen] if self.candidates else None

    def begin_request(self) -> int:
        """Await a new answer, which makes all others late; return its number."""
        self.generation += 1
        self.question = None
        self.message = ""
        self.is_busy = True
        return self.generation

    def drop_request(self) -> None:
        """Await no answer any more."""
        self.generation += 1
        self.question = None
        self.is_busy = False

    def show(self, candidates: tuple[MaskCandidate, ...], answered: PromptSet) -> None:
        """Take the answer that was awaited; the best one is chosen."""
        # The rank first: at no moment does it point at another candidate than the best.
        self.chosen = 0
        self.answered = answered
        self.candidates = candidates
        self.is_busy = False

    def fail(self, message: str) -> None:
        """Have no answer, and say why."""
        self.clear_candidates()
        self.is_busy = False
        self.message = message

    def clear_candidates(self) -> None:
        """Show no answer."""
        self.chosen = 0
        self.candidates = ()
        self.answered = PromptSet()

    def leave_answers(self) -> None:
        """Forget all but the prompts, for another image plane or model to answer."""
        self.drop_request()
        self.clear_candidates()
        self.base = None
        self.message = ""

    def begin_object(self) -> None:
        """Forget all of this object, to begin with the next."""
        self.leave_answers()
        self.prompts = PromptSet()
