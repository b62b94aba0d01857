"""Writing weights so that `load_model` takes them: safetensors, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import safetensors.torch
import torch

from tilesam.errors import OutputError
from tilesam.model.checkpoints.architectures import ARCHITECTURE_KEY, INPUT_SIZE_KEY
from tilesam.writing import written_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from tilesam.model.sam import Sam


def save_weights(
    network: Sam,
    path: Path,
    *,
    dtype: torch.dtype = torch.float32,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a network's weights, its architecture and its input size.

    Parameters
    ----------
    network
        Its configuration's name should be one of `CONFIGS`.
    path
        Ends in `.safetensors`; replaced only once everything is written.
    dtype
        Precision of the floating-point tensors in the file.
    metadata
        Further entries, for example licence and training data.

    Raises
    ------
    OutputError
        If the file cannot be written, or if values are not finite in `dtype`.
    """
    about = {
        **(metadata or {}),
        ARCHITECTURE_KEY: network.config.name,
        INPUT_SIZE_KEY: str(network.config.input_size),
    }
    save_tensors(network.state_dict(), path, dtype=dtype, metadata=about)


def save_tensors(
    state: Mapping[str, Tensor],
    path: Path,
    *,
    dtype: torch.dtype = torch.float16,
    metadata: Mapping[str, str],
) -> None:
    """Write the state of any network, whole or not at all.

    Parameters
    ----------
    state
        Tensors by name.
    path
        Ends in `.safetensors`.
    dtype
        Precision of the floating-point tensors in the file.
    metadata
        What is written about them.

    Raises
    ------
    OutputError
        If the file cannot be written, or if values are not finite in `dtype`.
    """
    tensors = {key: _stored(key, tensor, dtype) for key, tensor in state.items()}
    with written_whole(path) as partial:
        try:
            safetensors.torch.save_file(tensors, partial, metadata=dict(metadata))
        except safetensors.SafetensorError as error:
            raise OSError(str(error)) from error


def _stored(key: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    stored = tensor.detach().cpu().contiguous()
    if not stored.is_floating_point():
        return stored
    stored = stored.to(dtype)
    if not torch.isfinite(stored).all():
        raise OutputError(
            f"{key} has values that are NaN, infinite or too large for {dtype}; "
            "expected finite weights; choose another dtype or train again"
        )
    return stored
