"""An image that can be asked about: by points, boxes, masks and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from tilesam.predictor import answer_prompts
from tilesam.prompts import build_prompts
from tilesam.text.asking import TextAsking
from tilesam.tiled_image import TiledImage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

    from tilesam.text.backends import TextBackend
    from tilesam.text.scored import ScoredMasks, TextSegmentation
    from tilesam.types import MaskCandidate, MaskInput, Prompts, Window


class PromptedImage(TiledImage):
    """An image that answers prompts; see `TiledImage` for its parameters."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._asked: WeakKeyDictionary[MaskCandidate, Prompts] = WeakKeyDictionary()
        self._texts = TextAsking(self)

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
            predicted IoU first; else the decoder's single mask, then the two best,
            unless the model's refiner thinks one of these better by far.

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
            source=self.source,
        )
        # Whichever of them is accepted, and however late, its object says what for.
        self._asked.update(dict.fromkeys(candidates, prompts))
        return candidates

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
