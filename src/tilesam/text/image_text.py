"""Networks that put pictures and phrases into one space: CLIP, SigLIP and their kin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from tilesam.errors import TextError
from tilesam.text.pretrained import (
    load_image_processor,
    load_network,
    load_pretrained,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from tilesam.types import FloatArray, UInt8Array


class ImageText(Protocol):
    """What a ranking of pictures by phrases takes."""

    @property
    def scale(self) -> float:
        """What makes logits of cosines."""

    @property
    def fill(self) -> tuple[int, int, int]:
        """RGB that the network sees as nothing: its mean."""

    def embed_pictures(self, pictures: Sequence[UInt8Array]) -> FloatArray:
        """Return (N, D) unit vectors of (h, w, 3) RGB."""

    def embed_phrases(self, phrases: Sequence[str]) -> FloatArray:
        """Return (K, D) unit vectors."""


class PretrainedImageText:
    """A network of `transformers`, see `ImageText`.

    Parameters
    ----------
    place
        Name on the hub, or the path of a folder.
    device
        Where it works.

    Raises
    ------
    TextError
        If it cannot be loaded, or is of another kind.
    """

    def __init__(self, place: str | PathLike[str], device: torch.device) -> None:
        network = load_network("AutoModel", place)
        if not _is_contrastive(network):
            raise TextError(
                f"{place} is a {type(network).__name__}; expected a model that "
                "compares pictures and phrases, as CLIP and SigLIP do"
            )
        self._network = network.to(device)
        self._device = device
        self._tokenizer = load_pretrained("AutoTokenizer", place)
        self._processor = load_image_processor(place)

    @property
    def scale(self) -> float:
        """What makes logits of cosines."""
        return float(self._network.logit_scale.detach().exp())

    @property
    def fill(self) -> tuple[int, int, int]:
        """RGB that the network sees as nothing: its mean."""
        red, green, blue = (round(255 * mean) for mean in self._processor.image_mean)
        return red, green, blue

    def embed_pictures(self, pictures: Sequence[UInt8Array]) -> FloatArray:
        """Return (N, D) unit vectors of (h, w, 3) RGB."""
        inputs = self._processor(
            list(pictures), return_tensors="pt", input_data_format="channels_last"
        )
        return self._embed(self._network.get_image_features, inputs)

    def embed_phrases(self, phrases: Sequence[str]) -> FloatArray:
        """Return (K, D) unit vectors; what is too long for the network is cut."""
        config = self._network.config
        is_siglip = config.model_type.startswith("siglip")
        inputs = self._tokenizer(
            list(phrases),
            padding="max_length" if is_siglip else True,
            max_length=config.text_config.max_position_embeddings,
            truncation=True,
            return_tensors="pt",
        )
        if is_siglip:
            # It was trained with phrases of one length, and looks at the padding too.
            inputs.pop("attention_mask", None)
        return self._embed(self._network.get_text_features, inputs)

    def _embed(self, encode: Any, inputs: Any) -> FloatArray:
        moved = {name: tensor.to(self._device) for name, tensor in inputs.items()}
        with torch.inference_mode():
            found = encode(**moved)
        vectors: Tensor = found if isinstance(found, Tensor) else found.pooler_output
        unit = F.normalize(vectors.float(), dim=-1)
        return unit.cpu().numpy().astype(np.float64)


def _is_contrastive(network: Any) -> bool:
    needed = ("get_image_features", "get_text_features", "logit_scale")
    return all(hasattr(network, name) for name in needed)
