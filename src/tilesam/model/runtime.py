"""A network with weights on a device: arrays in, embeddings and masks out."""

from __future__ import annotations

import copy
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor

from tilesam.errors import DeviceError
from tilesam.model import preprocessing
from tilesam.model.configs import EMBED_DIM, PATCH_SIZE
from tilesam.model.device import (
    choose_device,
    choose_dtype,
    choose_refiner_dtype,
    is_out_of_memory,
    release_cached_memory,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tilesam.model.refining.refiner import MaskRefiner
    from tilesam.model.sam import Sam
    from tilesam.types import UInt8Array

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

Recipe: TypeAlias = "tuple[Callable[..., SamModel], tuple[Any, ...]]"
"""A function that returns a model, found by its name, and its arguments."""


CPU = torch.device("cpu")


class Decoded(NamedTuple):
    """All four answers to each of N prompts.

    Parameters
    ----------
    low_res_logits
        (N, 4, 4g, 4g) float32 on the model's device, unthresholded.
    predicted_iou
        (N, 4) float32, not clipped.
    """

    low_res_logits: Tensor
    predicted_iou: Tensor


class DecodedPoints(NamedTuple):
    """What is worth keeping of the answers to N single points.

    Parameters
    ----------
    low_res_logits
        (M, 4g, 4g) float32 on the model's device, unthresholded, in the order of points
        and tokens.
    points
        (M,) int64, which of the points each answers.
    tokens
        (M,) int64: 1 the whole, 2 the part, 3 the subpart.
    predicted_iou
        (N, 3) float32, not clipped, of all answers.
    """

    low_res_logits: Tensor
    points: Tensor
    tokens: Tensor
    predicted_iou: Tensor


class SamModel:
    """A network ready to answer, whichever device it is on.

    Parameters
    ----------
    network
        Is moved to the device, set to evaluation and used from here on.
    name
        Registry name or file name, for people.
    weights_sha256
        Of the weights file, in hexadecimal; tells embeddings of different weights
        apart.
    device, dtype
        See `choose_device` and `choose_dtype`. `dtype` is the autocast precision of
        the image encoder; prompts are always decoded in float32, because half
        precision cannot tell neighbouring pixels of a large input apart. That of the
        refiner: see `choose_refiner_dtype`.
    recipe
        How another process gets the same model without being sent the weights.
    refiner
        Looks at masks again, where prompts about single objects are answered.

    Raises
    ------
    DeviceError
        If device or dtype do not exist here.

    Notes
    -----
    A pickled model is its recipe, or else its network. Where it is unpickled it takes
    the device and the precision that were asked for here; if none were, the best there.
    """

    def __init__(
        self,
        network: Sam,
        *,
        name: str,
        weights_sha256: str,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        recipe: Recipe | None = None,
        refiner: MaskRefiner | None = None,
    ) -> None:
        self.device = choose_device(device)
        self.dtype = choose_dtype(self.device, dtype)
        self.network = network.to(self.device).eval()
        self.name = name
        self.weights_sha256 = weights_sha256
        self.input_size = network.config.input_size
        self._has_warned_of_memory = False
        self._wanted_device, self._wanted_dtype = device, dtype
        self._recipe = recipe
        self.refiner = None
        if refiner is not None:
            precision = choose_refiner_dtype(self.device, dtype)
            self.refiner = refiner.on(self.device, precision)

    def __reduce__(self) -> Recipe:
        """Return how to build the model again, see the notes of the class."""
        if self._recipe is not None:
            return self._recipe
        network = self.network
        if self.device.type != "cpu":
            # Its tensors would insist on a device that may not exist elsewhere.
            network = copy.deepcopy(network).cpu()
        build = partial(
            SamModel,
            name=self.name,
            weights_sha256=self.weights_sha256,
            device=self._wanted_device,
            dtype=self._wanted_dtype,
            refiner=None if self.refiner is None else self.refiner.on(CPU),
        )
        return build, (network,)

    def __repr__(self) -> str:
        return (
            f"SamModel({self.name!r}, input_size={self.input_size}, "
            f"device={str(self.device)!r}, dtype={self.dtype})"
        )

    @property
    def embedding_shape(self) -> tuple[int, int, int]:
        """(256, g, g) of the embedding of one window."""
        side = self.input_size // PATCH_SIZE
        return EMBED_DIM, side, side

    def embed(self, windows: Sequence[UInt8Array]) -> Tensor:
        """Embed windows of any sizes, each resized to the input size.

        Parameters
        ----------
        windows
            B arrays of (h, w, 3) uint8 RGB.

        Returns
        -------
        Tensor
            (B, 256, g, g) float32 on the model's device, g = input size / 16.

        Raises
        ------
        DeviceError
            If not even one window fits into the memory of the device.
        """
        parts = self._in_fitting_batches(
            lambda start, stop: self._embed_batch(windows[start:stop]), len(windows)
        )
        return torch.cat(parts)

    def decode(
        self,
        image_embedding: Tensor,
        *,
        points_xy: NDArray[Any] | None = None,
        point_labels: NDArray[Any] | None = None,
        boxes_xyxy: NDArray[Any] | None = None,
        mask_input: NDArray[Any] | None = None,
    ) -> Decoded:
        """Answer N prompts about one embedded window.

        Parameters
        ----------
        image_embedding
            (256, g, g), one of those that `embed` returns.
        points_xy, point_labels
            (N, P, 2) pixel indices of the input and (N, P) of 1 foreground, 0
            background, -1 padding. Both or neither.
        boxes_xyxy
            (N, K, 4) pixel indices of the input.
        mask_input
            (N, 4g, 4g) logits of an earlier answer.

        Raises
        ------
        ValueError
            If no prompt was given.
        DeviceError
            If not even one prompt fits into the memory of the device.
        """
        given = {
            "points_xy": points_xy,
            "point_labels": point_labels,
            "boxes_xyxy": boxes_xyxy,
            "mask_input": mask_input,
        }
        prompts = {key: self._to_tensor(x) for key, x in given.items() if x is not None}
        if not prompts:
            raise ValueError("no prompt was given; expected points, boxes or masks")
        count = next(iter(prompts.values())).shape[1]
        embedding = image_embedding.to(self.device, torch.float32).unsqueeze(0)
        parts = self._in_fitting_batches(
            lambda start, stop: self._decode_batch(
                embedding, {key: x[:, start:stop] for key, x in prompts.items()}
            ),
            count,
        )
        logits, iou = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
        return Decoded(logits, iou)

    def decode_points(
        self, image_embedding: Tensor, points_xy: NDArray[Any], *, lowest_iou: float
    ) -> DecodedPoints:
        """Answer N single points about one embedded window, if the answers are good.

        Parameters
        ----------
        image_embedding
            (256, g, g), one of those that `embed` returns.
        points_xy
            (N, 2) pixel indices of the input, each on an object of its own.
        lowest_iou
            Logits are made only of masks with a higher predicted IoU, which saves a
            good part of the time and most of the memory.

        Raises
        ------
        DeviceError
            If not even one point fits into the memory of the device.
        """
        embedding = image_embedding.to(self.device, torch.float32).unsqueeze(0)
        points = self._to_tensor(points_xy[:, np.newaxis])  # (1, N, 1, 2)
        parts = self._in_fitting_batches(
            lambda start, stop: self._decode_points_batch(
                embedding, points[:, start:stop], start, lowest_iou
            ),
            len(points_xy),
        )
        return DecodedPoints(*(torch.cat(x) for x in zip(*parts, strict=True)))

    def logits_to_window(
        self, low_res_logits: Tensor, window_hw: tuple[int, int]
    ) -> Tensor:
        """Upsample (..., 4g, 4g) logits to the (..., H, W) pixels of a window."""
        return preprocessing.logits_to_window(
            low_res_logits, window_hw, self.input_size
        )

    def _to_tensor(self, prompt: NDArray[Any]) -> Tensor:
        """Return an array (N, ...) as a tensor (1, N, ...) on the device."""
        dtype = np.int64 if np.issubdtype(prompt.dtype, np.integer) else np.float32
        tensor = torch.from_numpy(np.array(prompt, dtype))
        return tensor.unsqueeze(0).to(self.device)

    def _embed_batch(self, windows: Sequence[UInt8Array]) -> Tensor:
        images = [
            preprocessing.window_to_input(window, self.input_size) for window in windows
        ]
        is_mixed = self.dtype != torch.float32
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, self.dtype, enabled=is_mixed),
        ):
            embedding = self.network.encode(torch.stack(images).to(self.device))
        return embedding.float()

    def _decode_batch(self, embedding: Tensor, prompts: dict[str, Tensor]) -> Decoded:
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, enabled=False),
        ):
            output = self.network.decode(embedding, **prompts)
        return Decoded(output.low_res_logits[0], output.predicted_iou[0])

    def _decode_points_batch(
        self, embedding: Tensor, points_xy: Tensor, start: int, lowest_iou: float
    ) -> DecodedPoints:
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, enabled=False),
        ):
            found = self.network.decode_points(
                embedding, points_xy, lowest_iou=lowest_iou
            )
        return DecodedPoints(
            found.low_res_logits,
            found.prompts + start,
            found.tokens,
            found.predicted_iou,
        )

    def _in_fitting_batches(
        self, work: Callable[[int, int], Result], count: int
    ) -> list[Result]:
        """Return the results of `work(start, stop)` over 0..count, halved as needed."""
        results: list[Result] = []
        start, size = 0, count
        while start < count:
            stop = min(start + size, count)
            try:
                results.append(work(start, stop))
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                size = self._smaller_batch(stop - start, error)
            else:
                start = stop
            if size < count:
                release_cached_memory(self.device)
        return results

    def _smaller_batch(self, size: int, error: RuntimeError) -> int:
        if size == 1:
            raise DeviceError(
                f"{self.device} has not enough memory for {self.name} with an input of "
                f"{self.input_size} pixels; free memory, or choose a smaller model or "
                "device='cpu'"
            ) from error
        if not self._has_warned_of_memory:
            self._has_warned_of_memory = True
            logger.warning(
                "%s ran out of memory with a batch of %d; going on with smaller ones",
                self.device, size,
            )  # fmt: skip
        return size // 2
