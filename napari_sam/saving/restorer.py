"""Goes on with a session that was saved: objects, undo, prompts, candidates."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_sam.controllers.messages import message_of
from napari_sam.layers.layer_origin import origin_of
from napari_sam.layers.new_objects_layer import labels_shape
from napari_sam.layers.shown_plane import show_plane
from napari_sam.saving.describing import image_record
from napari_sam.saving.keeper import SessionKeeper
from napari_sam.saving.places import EarlierSession, find_earlier
from napari_sam.saving.restoring import RestoredSession, restore_session
from napari_sam.state.models import is_here
from napari_sam.state.prompts import PromptSet
from tilesam.annotation.overlaps import require_policy
from tilesam.errors import AnnotationError, SessionFileError

if TYPE_CHECKING:
    from napari_sam.annotator import Annotator


class SessionRestorer:
    """Restores sessions of the image of an annotator; on the GUI thread.

    When the image is opened first, the session that its layer comes from is restored;
    else earlier work is looked for, and offered.

    Parameters
    ----------
    annotator
        Gets objects, prompts, plane and model of the session.
    keeper
        Goes on to save it.

    Attributes
    ----------
    offer
        Earlier work with the image; None if there is none, or nobody wants it.
    message
        Why a session could not be restored, or only in part.
    changed
        Emitted when the offer or the message is another one.
    restored
        Emitted when all of a session is back, but for the candidates, which the network
        finds again.
    """

    changed = Signal()
    restored = Signal()

    def __init__(self, annotator: Annotator, keeper: SessionKeeper) -> None:
        self.offer: EarlierSession | None = None
        self.message = ""
        self._annotator, self._keeper = annotator, keeper
        self._wanted: Path | None = None
        self._current: RestoredSession | None = None
        self._rank = 0
        self._has_looked = False
        annotator.opened.connect(self._on_opened)
        annotator.annotation.events.candidates.connect(self._choose_rank)
        keeper.changed.connect(self._on_kept)

    def restore(self, path: Path | None = None) -> None:
        """Go on with a session; `restored` tells when it is back.

        Parameters
        ----------
        path
            Of its file; by default that of the offer.
        """
        chosen = path or (None if self.offer is None else self.offer.path)
        if chosen is None:
            return
        session = self._annotator.session
        self._tell("")
        if session is None:
            self._wanted = chosen
            return
        self._annotator.in_background(
            partial(restore_session, chosen, session.source.identity),
            on_result=self._on_restored,
            on_error=lambda error: self._tell(message_of(error)),
        )

    def dismiss(self) -> None:
        """Offer it no more; the earlier session stays where it is."""
        self.offer = None
        self.changed.emit()

    def close(self) -> None:
        """Restore nothing any more."""
        self._annotator.opened.disconnect(self._on_opened)
        self._annotator.annotation.events.candidates.disconnect(self._choose_rank)
        self._keeper.changed.disconnect(self._on_kept)
        self._current = None

    def _on_kept(self) -> None:
        """Offer nothing any more once somebody has begun anew."""
        if self.offer is not None and self._keeper.path is not None:
            self.dismiss()

    def _on_opened(self) -> None:
        if self._current is not None:
            self._finish()
        elif self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            self.restore(wanted)
        elif not self._has_looked:
            self._look()

    def _look(self) -> None:
        self._has_looked = True
        image, session = self._annotator.image, self._annotator.session
        origin = origin_of(image).get("session")
        if origin is not None:
            self.restore(Path(origin))
        elif self._keeper.is_automatic:
            self._annotator.in_background(
                partial(
                    find_earlier, self._keeper.folder, image_record(image, session)
                ),
                on_result=self._on_found,
                on_error=lambda error: self._tell(message_of(error)),
            )

    def _on_found(self, earlier: EarlierSession | None) -> None:
        has_begun = self._keeper.path is not None
        self.offer = None if has_begun else earlier
        self.changed.emit()

    def _on_restored(self, restored: RestoredSession) -> None:
        """Take over objects and settings; what is on another plane has to be opened."""
        annotator = self._annotator
        try:
            self._require_fit(restored)
        except SessionFileError as error:
            restored.file.close()
            self._tell(message_of(error))
            return
        self.offer = None
        self._keeper.pause()
        annotator.annotation.begin_object()
        settings = restored.replayed.settings
        if restored.has_objects:
            annotator.objects.add(
                restored.labels,
                name=settings.get("objects"),
                history=restored.replayed.history,
            )
        # From here on: should another plane or model not open, steps are kept still.
        self._keeper.go_on(restored.file)
        self._current = restored
        self._apply(settings)
        if annotator.session is not None and self._current is not None:
            self._finish()

    def _require_fit(self, restored: RestoredSession) -> None:
        """Make sure that the labels are of as many planes as the image."""
        shape = restored.file.loaded.document.labels.shape
        expected = labels_shape(self._annotator.image)
        if shape != expected:
            raise SessionFileError(
                f"the session has labels of shape {shape}, and this image takes "
                f"{expected}; open the image that it is of, as it was opened then"
            )

    def _apply(self, settings: Any) -> None:
        annotator = self._annotator
        try:
            annotator.objects.policy = require_policy(settings.get("policy", "keep"))
        except AnnotationError as error:
            self._tell(message_of(error))
        annotator.annotation.refines = bool(settings.get("refines", True))
        plane = tuple(settings.get("plane", ()))
        if len(plane) == len(annotator.plane) and plane != annotator.plane:
            show_plane(annotator.image, annotator.viewer.dims, plane)
        annotator.use_object_diameter(settings.get("object_diameter"))
        model = str(settings.get("model", annotator.model))
        if model != annotator.model and is_here(model):
            annotator.use_model(model, annotator.device)

    def _finish(self) -> None:
        current, self._current = self._current, None
        self._warn_of_other_weights(current)
        state, prompts = self._annotator.annotation, current.replayed.prompts
        if prompts is not None:
            self._rank = int(current.replayed.settings.get("chosen", 0))
            state.base = prompts.mask_input
            state.prompts = PromptSet.of(
                prompts.points_yx, prompts.point_labels, prompts.boxes_yxyx
            )
        self.changed.emit()
        self.restored.emit()

    def _warn_of_other_weights(self, current: RestoredSession) -> None:
        recorded = current.file.loaded.document.model
        model = self._annotator.session.model
        difference = recorded.differs_from(model)
        if difference is not None:
            self._tell(
                f"the session was made with {recorded.name}, and {model.name} with "
                f"other {difference} answers now; objects are as they were"
            )

    def _choose_rank(self, candidates: Any) -> None:
        rank, self._rank = self._rank, 0
        if candidates and rank:
            self._annotator.choose(rank)
        elif not candidates:
            self._rank = rank

    def _tell(self, message: str) -> None:
        self.message = message
        self.changed.emit()
