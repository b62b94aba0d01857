"""Whether tensors can be the weights of a network, said before any is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tilesam.errors import CheckpointError
from tilesam.model.checkpoints.files import first_few

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from tilesam.model.checkpoints.files import FileContent

FLOAT_TYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""In which weights may be stored; they are loaded as float32."""


def check_fits(content: FileContent, network: nn.Module) -> None:
    """Make sure that a file has exactly the tensors of a network.

    Parameters
    ----------
    content
        The file, its tensors under released names.
    network
        Is only looked at.

    Raises
    ------
    CheckpointError
        If keys are missing or unknown, if sizes or types differ, or if values are NaN
        or infinite; the message names the first few and says how many there are.
    """
    expected = network.state_dict()
    faults = _wrong_keys(content.tensors, expected)
    # In this order: what has the right size cannot fill the memory when looked at.
    faults = faults or _wrong_values(content.tensors)
    if faults:
        raise CheckpointError(
            f"{content.path} does not fit: {'; '.join(faults)}; nothing was loaded; "
            "give a complete file of the right model"
        )


def _wrong_keys(
    found: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> list[str]:
    shared = [key for key in expected if key in found]
    sizes = [
        f"{key} {tuple(found[key].shape)} instead of {tuple(expected[key].shape)}"
        for key in shared
        if found[key].shape != expected[key].shape
    ]
    types = [
        f"{key} {found[key].dtype}".replace("torch.", "")
        for key in shared
        if not _has_usable_type(found[key], expected[key])
    ]
    complaints = {
        "missing": [key for key in expected if key not in found],
        "unknown": [key for key in found if key not in expected],
        "of another size": sizes,
        "of another type": types,
    }
    return _sentences(complaints)


def _has_usable_type(found: Tensor, expected: Tensor) -> bool:
    if found.layout != torch.strided:
        return False
    if expected.is_floating_point():
        return found.dtype in FLOAT_TYPES
    return found.dtype == expected.dtype


def _wrong_values(found: Mapping[str, Tensor]) -> list[str]:
    # A sum is infinite or NaN where a term is, and needs no memory of its own.
    broken = [
        key
        for key, tensor in found.items()
        if tensor.is_floating_point()
        and not torch.isfinite(tensor.sum(dtype=torch.float32))
    ]
    return _sentences({"with NaN or infinite values": broken})


def _sentences(complaints: Mapping[str, list[str]]) -> list[str]:
    return [
        f"{len(keys)} {'key' if len(keys) == 1 else 'keys'} {what} ({first_few(keys)})"
        for what, keys in complaints.items()
        if keys
    ]
