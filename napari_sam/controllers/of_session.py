"""All controllers of one session, which begin and end with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_sam.controllers.candidates import CandidatesController
from napari_sam.controllers.embedding import EmbeddingController
from napari_sam.controllers.everything import EverythingController
from napari_sam.controllers.prompting import Later, PromptingController
from napari_sam.controllers.texting import TextingController
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.embedding import EmbeddingState
from napari_sam.state.everything import EverythingState
from napari_sam.state.text import TextState
from napari_sam.threads.engine_thread import EngineThread
from tilesam.session import Session


@dataclass(frozen=True, eq=False)
class SessionControllers:
    """What stands between the states of an image and its session."""

    prompting: PromptingController
    candidates: CandidatesController
    embedding: EmbeddingController
    everything: EverythingController
    texting: TextingController

    @classmethod
    def open(
        cls,
        session: Session,
        annotation: AnnotationState,
        tiles: EmbeddingState,
        everything: EverythingState,
        text: TextState,
        thread: EngineThread,
        *,
        later: Later,
        image_name: str,
    ) -> SessionControllers:
        """Return controllers that listen to these states from now on."""
        shared: dict[str, Any] = {"later": later, "tiles": tiles}
        return cls(
            PromptingController(session, annotation, thread, **shared),
            CandidatesController(session, annotation),
            EmbeddingController(session, tiles, thread),
            EverythingController(
                session, everything, thread, image_name=image_name, **shared
            ),
            TextingController(session, text, thread, image_name=image_name, **shared),
        )

    def of_kind(self, kind: type[Any]) -> Any:
        """Return the controller of a kind; None if there is none."""
        return next((c for c in vars(self).values() if isinstance(c, kind)), None)

    def close(self) -> None:
        """End all work, and listen to the states no more."""
        for controller in vars(self).values():
            controller.close()
