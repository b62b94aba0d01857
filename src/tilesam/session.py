"""One image and one model: open, prompt, refine."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from tilesam.image import open_image
from tilesam.model.upsampling import crop_mask
from tilesam.predictor import choose_recent_window, choose_window, predict
from tilesam.prompts import build_prompts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from numpy.typing import ArrayLike
    from torch import Tensor

    from tilesam.image import ImageSource
    from tilesam.image.normalization import Limits
    from tilesam.model.runtime import SamModel
    from tilesam.predictor import Bounds
    from tilesam.types import MaskCandidate, MaskInput, Prompts, Window

RECENT_WINDOWS = 8
"""Embeddings that are kept; one of a 1024-pixel input takes 4 MiB."""


class Session:
    """An image that can be asked about; build it with `Session.open`.

    Parameters
    ----------
    source
        The image.
    model
        The network.
    """

    def __init__(self, source: ImageSource, model: SamModel) -> None:
        self.source = source
        self.model = model
        self._embeddings: OrderedDict[Window, Tensor] = OrderedDict()

    @classmethod
    def open(
        cls,
        image: Any,
        *,
        model: SamModel | str | PathLike[str] | None = None,
        channels: Sequence[int] | int | None = None,
        channel_axis: int | None = None,
        contrast_limits: Limits | Sequence[Limits] | None = None,
    ) -> Session:
        """Open an image for prompts; nothing is computed before the first one.

        Parameters
        ----------
        image
            An array or the path of an image file, see `tilesam.image.open_image`.
        model
            What `load_model` returned, or what it takes: a registry name or the path
            of a checkpoint. By default the embedded `tiny`.
        channels, channel_axis, contrast_limits
            How to see the image, see `tilesam.image.open_image`.

        Raises
        ------
        ImageError, ImageReadError
            If the image does not fit or cannot be read.
        UnknownModelError, CheckpointError, DeviceError
            If the model cannot be loaded.
        """
        source = open_image(
            image,
            channels=channels,
            channel_axis=channel_axis,
            contrast_limits=contrast_limits,
        )
        return cls(source, _loaded(model))

    @property
    def image_hw(self) -> tuple[int, int]:
        """Height and width of the image in pixels."""
        return self.source.hw

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
        An image larger than the model's input is answered from a window around the
        prompts. Windows seen lately are used again while the prompts lie well inside
        of them, so that further clicks on an object cost only the decoder.
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
        window = self._window_for(prompts)
        return predict(self.model, self.embedding(window), prompts, window)

    def embedding(self, window: Window) -> Tensor:
        """Return the (256, g, g) embedding of a window, new or kept from before."""
        if window not in self._embeddings:
            pixels = self.source.read_window(window)
            self._embeddings[window] = self.model.embed([pixels])[0]
        self._embeddings.move_to_end(window)
        if len(self._embeddings) > RECENT_WINDOWS:
            self._embeddings.popitem(last=False)
        return self._embeddings[window]

    def _window_for(self, prompts: Prompts) -> Window:
        earlier = prompts.mask_input
        has_place = len(prompts.points_yx) + len(prompts.boxes_yxyx) > 0
        if earlier is not None and (
            not has_place or earlier.window.contains(prompts.bounds_yxyx)
        ):
            return earlier.window
        bounds = prompts.bounds_yxyx
        if earlier is not None:
            bounds = _joined(bounds, self._bounds_of(earlier))
        best = choose_window(bounds, self.image_hw, self.model.input_size)
        recent = choose_recent_window(bounds, best, self._embeddings, self.image_hw)
        return recent or best

    def _bounds_of(self, earlier: MaskInput) -> Bounds | None:
        """Return the box around an earlier mask, or None if it is empty."""
        window = earlier.window
        crop = crop_mask(
            earlier.low_res_logits,
            window_hw=(window.height, window.width),
            input_size=self.model.input_size,
        )
        if crop.mask.size == 0:
            return None
        y0, x0 = window.y0 + crop.offset_yx[0], window.x0 + crop.offset_yx[1]
        return y0, x0, y0 + crop.mask.shape[0] - 1, x0 + crop.mask.shape[1] - 1


def _loaded(model: SamModel | str | PathLike[str] | None) -> SamModel:
    from tilesam.model.runtime import SamModel

    if isinstance(model, SamModel):
        return model
    from tilesam.model.checkpoints.loading import load_model

    return load_model("tiny" if model is None else model)


def _joined(first: Bounds, second: Bounds | None) -> Bounds:
    if second is None:
        return first
    return (
        min(first[0], second[0]),
        min(first[1], second[1]),
        max(first[2], second[2]),
        max(first[3], second[3]),
    )
