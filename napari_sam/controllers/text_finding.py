"""The job behind text prompts: masks that may be meant, and their scores."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias

from napari_sam.controllers.decoding import decode_in_steps, fitting_masks
from napari_sam.state.text import TextQuestion
from tilesam.everything.mask_store import MaskStore
from tilesam.everything.progress import EverythingProgress
from tilesam.session import Session
from tilesam.text.backends import AskedImage, load_backend
from tilesam.text.proposals import Proposals, text_settings
from tilesam.text.query import build_query
from tilesam.text.scored import ScoredMasks
from tilesam.types import Window

Tell: TypeAlias = Callable[[EverythingProgress], None]


class TextFinder:
    """Answers questions about one image; on the engine's thread alone.

    It does what `Session.find_text` does, with two differences: more urgent work is let
    through between batches of points, and tiles that were decoded for another region or
    before a run was cancelled are not decoded again.

    Parameters
    ----------
    session
        The image and the model.
    breathe
        Called often, see `EngineThread.breathe`.
    """

    def __init__(self, session: Session, breathe: Callable[[], None]) -> None:
        self._session, self._breathe = session, breathe
        self._masks: MaskStore | None = None
        # Backends keep what they saw in the proposals that they were given last.
        self._latest: tuple[Window | None, Proposals] | None = None

    def find(
        self, question: TextQuestion, region: Window | None, tell: Tell
    ) -> ScoredMasks:
        """Return masks with scores, of which the objects are counted already.

        Parameters
        ----------
        question
            What is looked for.
        region
            Part of the image; None is all of it.
        tell
            Called after each tile.

        Raises
        ------
        TilesamError
            See `tilesam.session.Session.find_text`.
        """
        corrections = question.corrections
        query = build_query(
            question.phrase,
            negative_phrases=question.negative_phrases,
            points_yx=corrections.points_yx or None,
            point_labels=corrections.point_labels or None,
            exemplar_boxes=corrections.boxes_yxyx or None,
            image_hw=self._session.image_hw,
        )

        def proposals() -> Proposals:
            return self._proposals(region, tell)

        asked = AskedImage(self._session, region, proposals, {"progress": tell})
        scored = load_backend(question.backend).find(query, asked)
        scored.count()  # ranks them: the window's thread only looks the number up
        return scored

    def _proposals(self, region: Window | None, tell: Tell) -> Proposals:
        if self._latest is None or self._latest[0] != region:
            session = self._session
            settings = text_settings(session.model.network.config)
            self._masks = fitting_masks(
                session, settings, self._masks, adjustable=False
            )
            steps = decode_in_steps(
                *(session, region, settings, self._masks, self._breathe)
            )
            self._latest = region, Proposals.of(_finished(steps, tell))
        return self._latest[1]


def _finished(steps: Generator[Any, None, Any], tell: Tell) -> Any:
    """Return what a generator returns, having told of what it yields."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        tell(step)
