"""One image and one model: ask, refine, accept, undo, save, export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

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
from tilesam.predictor import answer_prompts
from tilesam.prompts import build_prompts
from tilesam.reopening import ImageOrigin
from tilesam.session_objects import SessionObjects, open_objects, plane_of_labels
from tilesam.text.asking import TextAsking
from tilesam.tiled_image import TiledImage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import ArrayLike

    from tilesam.annotation import Edit, Policy, SessionFile
    from tilesam.image import ImageSource
    from tilesam.model.runtime import SamModel
    from tilesam.store import EmbeddingStore
    from tilesam.text.backends import TextBackend
    from tilesam.text.scored import ScoredMasks, TextSegmentation
    from tilesam.types import MaskCandidate, MaskInput, Prompts, Window


class AnnotatedImage(TiledImage):
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
        self._asked: WeakKeyDictionary[MaskCandidate, Prompts] = WeakKeyDictionary()
        self._settings: Mapping[str, Any] = self._origin.settings(source)
        self._pending: Prompts | None = None
        self._texts = TextAsking(self)

    @property
    def labels(self) -> Any:
        """The label image, NumPy or zarr; None if it is too large to be in memory."""
        return None if self._objects is None else self._objects.labels

    @property
    def objects(self) -> ObjectRows:
        """What is known of each object: its prompts, scores, model and time."""
        return ObjectRows() if self._objects is None else self._objects.rows

    def prompt(
        self,
        *,
        points_yx: ArrayLike | None = None,
        point_labels: ArrayLike | None = None,
        boxes_yxyx: ArrayLike | None = None,
        mask_input: MaskInput | None = None,
    ) -> list[MaskCandidate]:
        """Ask about one object and return three candidates, best first.

        Parameters
        ----------
        points_yx
            (P, 2) in pixels of the image, the centre of the first pixel at (0, 0).
        point_labels
            (P,) of 1 foreground and 0 background; by default all foreground.
        boxes_yxyx
            (K, 4) around the object.
        mask_input
            `mask_input` of an earlier candidate, to refine it; give it together with
            all points so far and the new one.

        Returns
        -------
        list of MaskCandidate
            For one point alone the whole, the part and the subpart, the highest
            predicted IoU first; else the decoder's single mask, then the two best.

        Raises
        ------
        PromptError
            See `tilesam.prompts.build_prompts`.

        Notes
        -----
        An image larger than the model's input is answered from a tile around the
        prompts, see `tilesam.predictor.answer_prompts`. A tile is embedded when it
        is asked first; further prompts there cost only the decoder.
        """
        prompts = build_prompts(
            points_yx,
            point_labels,
            boxes_yxyx,
            mask_input,
            image_hw=self.image_hw,
        )
        return self.answer(prompts)

    def answer(self, prompts: Prompts) -> list[MaskCandidate]:
        """Return three candidates for prompts that `build_prompts` has checked."""
        candidates = answer_prompts(
            *(self.model, self.grid, self.embeddings.get, prompts),
            finest_level=self.finest_level,
        )
        # Whichever of them is accepted, and however late, its object says what for.
        self._asked.update(dict.fromkeys(candidates, prompts))
        return candidates

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

    def text(
        self, phrase: str, *, threshold: float | None = None, **options: Any
    ) -> TextSegmentation:
        """Find all objects that a phrase means.

        Parameters
        ----------
        phrase
            In plain words, for example "dark round nuclei".
        threshold
            The lowest score, from 0 to 1; by default what the backend recommends.
        **options
            See `find_text`, which raises what this raises.

        Returns
        -------
        TextSegmentation
            As `everything` returns it, with the columns `text_score` and `score` in
            `table.more`, and a `notice` if something of the phrase is not known.
        """
        return self.find_text(phrase, **options).resolve(threshold)

    def find_text(
        self,
        phrase: str,
        *,
        negative_phrases: Iterable[str] = (),
        region: Window | None = None,
        points_yx: ArrayLike | None = None,
        point_labels: ArrayLike | None = None,
        exemplar_boxes: ArrayLike | None = None,
        redecode: bool = False,
        backend: str | TextBackend = "embedded",
        **options: Any,
    ) -> ScoredMasks:
        """Do the costly part of `text`; the threshold can be moved afterwards.

        What may be meant is decoded once: other phrases, points and boxes about the
        same region are answered from it at once.

        Parameters
        ----------
        phrase
            In plain words.
        negative_phrases
            What is not meant.
        region
            Part of the image; by default all of it.
        points_yx, point_labels
            (P, 2) places that correct the answer, and (P,) of 1 and 0: the mask there,
            and masks like it, get a higher or a lower score.
        exemplar_boxes
            (K, 4) of (y0, x0, y1, x1), each around one thing that is meant.
        redecode
            Ask the decoder again for the best masks, with a token for the phrase.
        backend
            One of `tilesam.text.backends.BACKENDS`, with a model if need be, see
            `load_backend`; or a backend.
        **options
            `settings`, `progress`, `object_diameter`, `levels` and others, see
            `decode_everything`.

        Raises
        ------
        TextError
            If the phrase is empty or too long, or the backend is not installed.
        PromptError
            If a point or a box is malformed or outside of the image.
        TilingError, ImageReadError, StoreError, DeviceError, EmbeddingError,
        EverythingError
            As `decode_everything`.
        """
        return self._texts.find(
            phrase,
            negative_phrases=negative_phrases,
            region=region,
            points_yx=points_yx,
            point_labels=point_labels,
            exemplar_boxes=exemplar_boxes,
            redecode=redecode,
            backend=backend,
            **options,
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
            model=ModelRecord(self.model.name, self.model.weights_sha256),
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
