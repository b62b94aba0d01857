"""Finding out what network some tensors belong to, from their names and shapes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from tilesam.errors import CheckpointError
from tilesam.model.checkpoints.files import first_few
from tilesam.model.configs import CONFIGS, PyramidConfig, TinyViTConfig, ViTConfig
from tilesam.model.preprocessing import PIXEL_MEAN, PIXEL_STD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from tilesam.model.checkpoints.files import FileContent
    from tilesam.model.configs import EncoderConfig, SamConfig

ARCHITECTURE_KEY = "architecture"
"""Entry of a safetensors file's metadata: a name in `CONFIGS`."""

INPUT_SIZE_KEY = "input_size"
"""Entry of the metadata: the side of the input in pixels that was trained for."""

WRAPPER_PREFIXES = ("module.", "_orig_mod.", "sam.", "model.")
"""What data-parallel training, compilation and fine-tuning put before every name."""

UNUSED_KEYS = frozenset(
    f"image_encoder.{layer}.{tensor}"
    for layer in ("norm_head", "head")
    for tensor in ("weight", "bias")
)
"""MobileSAM's file has the head that TinyViT classified ImageNet with."""

_PIXEL_CONSTANTS = {"pixel_mean": PIXEL_MEAN, "pixel_std": PIXEL_STD}

_ELSEWHERE = {
    "vision_encoder.": "the names of the transformers library",
    "image_encoder.trunk.": "SAM 2, which is not supported yet",
    "detector.": "SAM 3, which is not supported yet",
    "image_encoder.neck.convs.": "SAM 2, which is not supported yet",
}


def with_released_names(content: FileContent) -> FileContent:
    """Return a file's tensors under the names of the released checkpoints.

    Wrapping prefixes are taken off; a head that nothing uses and the constants of the
    normalisation are left out.

    Raises
    ------
    CheckpointError
        If the constants are others than SAM's, so that masks would be subtly wrong.
    """
    names = dict(content.tensors)
    while prefix := _common_prefix(names):
        names = {key.removeprefix(prefix): value for key, value in names.items()}
    for key, constants in _PIXEL_CONSTANTS.items():
        if key in names and not _is_close(names.pop(key), constants):
            raise CheckpointError(
                f"{content.path} was trained with another {key} than SAM's "
                f"{constants}; such weights are not supported"
            )
    used = {key: value for key, value in names.items() if key not in UNUSED_KEYS}
    return replace(content, tensors=used)


def _common_prefix(names: Mapping[str, Tensor]) -> str | None:
    shared = (
        prefix
        for prefix in WRAPPER_PREFIXES
        if names and all(name.startswith(prefix) for name in names)
    )
    return next(shared, None)


def _is_close(found: Tensor, constants: tuple[float, ...]) -> bool:
    if found.numel() != len(constants):
        return False
    expected = torch.tensor(constants)
    return torch.allclose(found.flatten().float(), expected, rtol=1e-3)


def detect_config(
    content: FileContent, configs: Mapping[str, SamConfig] = CONFIGS
) -> SamConfig:
    """Return the configuration of the network that a file holds.

    Parameters
    ----------
    content
        The file, its tensors under released names.
    configs
        The architectures that come into question.

    Returns
    -------
    SamConfig
        The one that the metadata names, else the one whose encoder has the file's
        width and depth; with the metadata's input size, if it has one.

    Raises
    ------
    CheckpointError
        If it is none of them.
    """
    claimed = content.metadata.get(ARCHITECTURE_KEY)
    if claimed is not None:
        if claimed not in configs:
            raise CheckpointError(
                f"{content.path} says it is a {claimed!r}; expected "
                f"{', '.join(configs)}; a newer napari-sam-tiles may know it"
            )
        return _with_input_size(configs[claimed], content)
    found = describe_encoder(content.tensors)
    for config in configs.values():
        if found == expected_encoder(config.encoder):
            return _with_input_size(config, content)
    raise CheckpointError(_unknown_network(content, found, configs))


def _with_input_size(config: SamConfig, content: FileContent) -> SamConfig:
    text = content.metadata.get(INPUT_SIZE_KEY, str(config.input_size))
    if not text.isdecimal() or int(text) % 64 or not 64 <= int(text) <= 4096:
        raise CheckpointError(
            f"{content.path} has the input size {text!r}; expected a multiple of 64 up "
            "to 4096"
        )
    return replace(config, input_size=int(text))


def describe_encoder(tensors: Mapping[str, Tensor]) -> str:
    """Return the kind, width and depth of the image encoder among some tensors.

    Returns
    -------
    str
        As `expected_encoder` has it; empty if there is no encoder of a known kind.
    """
    encoder = {
        key.removeprefix("image_encoder."): tensor
        for key, tensor in tensors.items()
        if key.startswith("image_encoder.")
    }
    if (patches := encoder.get("patch_embed.proj.weight")) is not None:
        return _vit(_length(patches), _count(encoder, r"blocks\.(\d+)\."))
    if (stem := encoder.get("patch_embed.seq.2.c.weight")) is not None:
        stages = range(_count(encoder, r"layers\.(\d+)\."))
        depths = [_count(encoder, rf"layers\.{i}\.blocks\.(\d+)\.") for i in stages]
        return _tiny_vit(_length(stem), depths)
    if (stem := encoder.get("stem.weight")) is not None:
        # Each stage begins with a convolution and ends with a norm.
        stages = range(_count(encoder, r"stages\.(\d+)\."))
        depths = [_count(encoder, rf"stages\.{i}\.(\d+)\.") - 2 for i in stages]
        return _pyramid(_length(stem) * 2, depths)
    return ""


def expected_encoder(config: EncoderConfig) -> str:
    """Return what `describe_encoder` says of a network of this configuration."""
    match config:
        case ViTConfig():
            return _vit(config.embed_dim, config.depth)
        case TinyViTConfig():
            return _tiny_vit(config.embed_dims[0], config.depths)
        case PyramidConfig():
            return _pyramid(config.dims[0], config.depths)


def _vit(width: int, depth: int) -> str:
    return f"ViT of width {width} and depth {depth}"


def _tiny_vit(width: int, depths: list[int] | tuple[int, ...]) -> str:
    return f"TinyViT of width {width} and depths {'-'.join(map(str, depths))}"


def _pyramid(width: int, depths: list[int] | tuple[int, ...]) -> str:
    return f"pyramid of width {width} and depths {'-'.join(map(str, depths))}"


def _length(tensor: Tensor) -> int:
    return tensor.shape[0] if tensor.ndim else 0


def _count(names: Mapping[str, Tensor], pattern: str) -> int:
    """Return how many numbers appear in names that begin with a pattern."""
    matches = (re.match(pattern, name) for name in names)
    return len({match.group(1) for match in matches if match})


def _unknown_network(
    content: FileContent, found: str, configs: Mapping[str, SamConfig]
) -> str:
    known = ", ".join(
        f"{name} ({expected_encoder(config.encoder)})"
        for name, config in configs.items()
    )
    if found:
        return f"{content.path} holds a {found}; expected one of {known}"
    names = list(content.tensors)
    for prefix, what in _ELSEWHERE.items():
        if any(name.startswith(prefix) for name in names):
            return f"{content.path} has {what}; expected one of {known}"
    return (
        f"the {len(names)} tensors of {content.path} belong to no SAM "
        f"({first_few(names)}); expected one of {known}"
    )
