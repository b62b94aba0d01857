"""One image and the objects in it: accept, undo, save, export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tilesam.annotation import (
    ModelRecord,
    ObjectRows,
    SessionDocument,
    open_label_target,
    replay,
)
from tilesam.annotation.exporting import write_objects
from tilesam.embedding.on_demand import DEFAULT_CACHE_BYTES
from tilesam.errors import AnnotationError
from tilesam.prompted_image import PromptedImage
from tilesam.reopening import ImageOrigin
from tilesam.session_objects import SessionObjects, open_objects, plane_of_labels
from tilesam.similarity.session_similarity import SessionSimilarity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike
    from pathlib import Path
    from types import TracebackType

    from tilesam.annotation import Edit, Policy, SessionFile
    from tilesam.image import ImageSource
    from tilesam.model.runtime import SamModel
    from tilesam.similarity.progress import SimilarityProgress
    from tilesam.similarity.ranking import SimilarObjects
    from tilesam.store import EmbeddingStore
    from tilesam.types import MaskCandidate, Prompts


class AnnotatedImage(PromptedImage):
    """An image that can be asked about, and the objects that were accepted in it.

    Parameters
    ----------
    source, model, store, object_diameter, cache_bytes
        See `TiledImage`.
    labels
        Where objects are painted, see `Session.open`.
    origin
        Where the image came from, for the session's file.

    Raises
    ------
    TilingError
        If the diameter is not a positive number.
    AnnotationError, SessionFileError
        If the labels do not fit, or cannot be opened or made.
    """

    def __init__(
        self,
        source: ImageSource,
        model: SamModel,
        store: EmbeddingStore | None = None,
        *,
        object_diameter: float | None = None,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        labels: Any = None,
        origin: ImageOrigin | None = None,
    ) -> None:
        super().__init__(
            source,
            model,
            store,
            object_diameter=object_diameter,
            cache_bytes=cache_bytes,
        )
        self._origin = origin or ImageOrigin(object_diameter=object_diameter)
        self._objects = open_objects(labels, source.hw, source.plane)
        self._settings: Mapping[str, Any] = self._origin.settings(source)
        self._pending: Prompts | None = None
        self._similarity = SessionSimilarity(self)

    @property
    def labels(self) -> Any:
        """The label image, NumPy or zarr; None if it is too large to be in memory."""
        return None if self._objects is None else self._objects.labels

    @property
    def objects(self) -> ObjectRows:
        """What is known of each object: its prompts, scores, model and time."""
        return ObjectRows() if self._objects is None else self._objects.rows

    def accept(
        self,
        candidate: MaskCandidate,
        *,
        label: int | None = None,
        policy: Policy | None = None,
    ) -> int:
        """Paint a candidate as an object and return its label.

        Parameters
        ----------
        candidate
            What a prompt was answered with, now or earlier.
        label
            Of an object to add the mask to, or of a new one; by default the next one.
        policy
            What becomes of pixels that other objects have: they `"keep"` them (the
            default), `"overwrite"` takes them, `"ask"` raises.

        Raises
        ------
        OverlapQuestion
            If the mask lies on other objects and the policy is to ask.
        AnnotationError
            If there is nothing to paint, or there are no labels to paint into.
        SessionFileError
            If it cannot be saved; then nothing has changed. So with every step below.
        """
        return self._require_objects().accept(
            candidate,
            self._asked.get(candidate),
            label=label,
            policy=policy,
            model_name=self.model.name,
        )

    def delete(self, label: int) -> None:
        """Remove an object.

        Raises
        ------
        AnnotationError
            If there is no such object.
        """
        self._require_objects().delete(label)

    def similar(
        self,
        label: int,
        k: int | None = 10,
        *,
        progress: Callable[[SimilarityProgress], None] | None = None,
    ) -> SimilarObjects:
        """Return the objects that look most like one of them.

        Parameters
        ----------
        label
            Of the object, accepted or foreign.
        k
            How many at most; None for all others.
        progress
            Called after every few objects. What raises here ends the run; what is known
            of objects by then stays.

        Returns
        -------
        SimilarObjects
            Labels and similarities, the most similar first. All objects of the plane
            are compared, foreign ones too.

        Raises
        ------
        SimilarityError
            If there is no such object, no other one, or k is not positive.
        AnnotationError
            If there are no labels.
        ImageReadError, EmbeddingError, DeviceError
            If a tile that objects lie in cannot be embedded.

        Notes
        -----
        What the network makes of an object is kept until a step changes its pixels.
        Whatever else writes into `labels` is not seen.
        """
        objects = self._require_objects()
        return self._similarity.find(
            objects.history, objects.plane, label, k, progress=progress
        )

    def undo(self) -> Edit | None:
        """Take the latest step back and return it; None if there is none."""
        return None if self._objects is None else self._objects.undo()

    def redo(self) -> Edit | None:
        """Make the step again that was undone last; None if none was."""
        return None if self._objects is None else self._objects.redo()

    def save(
        self, path: str | PathLike[str] | None = None, *, replacing: bool = False
    ) -> Path:
        """Save the session; from then on every step is on the disk as it is made.

        Parameters
        ----------
        path
            By convention something.sam.json; by default where it was saved before.
            Labels in zarr stay where they are, and the file says where that is.
        replacing
            Whether another session may be there, which is lost.

        Returns
        -------
        Path
            Where it is.

        Raises
        ------
        SessionFileError
            If it cannot be written, another session is there, or it has no path yet.
        AnnotationError
            If there are no labels.
        """
        objects = self._require_objects()
        return objects.save(path, self._describe, replacing=replacing)

    def export(self, path: str | PathLike[str]) -> Path:
        """Write all objects for other programs; the suffix says how.

        Parameters
        ----------
        path
            See `tilesam.export.segmentations.write_segmentation`.

        Returns
        -------
        Path
            What was written.

        Raises
        ------
        OutputError
            If the suffix is unknown or the place cannot be written.
        AnnotationError
            If there are no labels.
        """
        objects = self._require_objects()
        return write_objects(
            path,
            objects.history.target,
            objects.rows,
            plane=objects.plane,
            image=self._origin.location,
            source=self.source,
            image_name=self._origin.name,
        )

    def close(self) -> None:
        """Let others open the session's file; what is done from now on is not in it."""
        if self._objects is not None:
            self._objects.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _require_objects(self) -> SessionObjects:
        if self._objects is None:
            height, width = self.image_hw
            raise AnnotationError(
                f"labels of {height} x {width} pixels are not kept in memory; expected "
                'a place on the disk; open the session with labels="objects.zarr", or '
                "with an array"
            )
        return self._objects

    def _describe(self) -> SessionDocument:
        objects = self._require_objects()
        return SessionDocument(
            image=self._origin.record(self.source),
            model=ModelRecord.of(self.model),
            labels=objects.record(),
            plane=self.source.plane,
            settings=self._settings,
            prompts=self._pending,
            objects=objects.stored(),
        )

    def go_on(self, file: SessionFile) -> None:
        """Make the objects of a saved session those of this image, and save there."""
        target = open_label_target(file.loaded.document.labels)
        again = replay(file.loaded, target)
        plane = plane_of_labels(target.shape, self.source.plane)
        self._objects = SessionObjects(again.history, plane=plane)
        # What the plugin keeps is kept for it.
        self._settings = {**again.settings, **self._settings}
        self._pending = again.prompts
        self._objects.go_on(file, self._describe)
