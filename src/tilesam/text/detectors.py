"""The zero-shot detectors of `transformers`, each as its makers run it.

Only networks, tokenizers and image processors of Pillow are taken from there: the ready
processors of some of them insist on torchvision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F

from tilesam.errors import TextError
from tilesam.text.detections import (
    Detections,
    from_centres,
    from_corners,
    to_array,
)
from tilesam.text.pretrained import (
    load_image_processor,
    load_network,
    load_pretrained,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from torch import Tensor

    from tilesam.text.detections import Detector
    from tilesam.types import UInt8Array


def load_detector(place: str | PathLike[str], device: torch.device) -> Detector:
    """Return the detector of a folder, or of a name on the hub.

    Raises
    ------
    TextError
        If it cannot be loaded, or is of a kind that is not known here.
    """
    kind = load_pretrained("AutoConfig", place).model_type
    if kind not in _KINDS:
        raise TextError(
            f"{place} is a model of the kind {kind!r}; expected a zero-shot detector: "
            f"{', '.join(_KINDS)}"
        )
    detector: Detector = _KINDS[kind](place, device)
    return detector


class _Loaded:
    """Network, tokenizer and image processor of one model."""

    network_class = "AutoModelForZeroShotObjectDetection"

    def __init__(self, place: str | PathLike[str], device: torch.device) -> None:
        self.device = device
        self.network = load_network(self.network_class, place).to(device)
        self.tokenizer = load_pretrained("AutoTokenizer", place)
        self.processor = self.load_processor(place)

    def load_processor(self, place: str | PathLike[str]) -> Any:
        return load_image_processor(place)

    @property
    def capacity(self) -> int:
        """Number of queries."""
        return int(self.network.config.num_queries)

    def prepare(self, picture: UInt8Array) -> dict[str, Tensor]:
        inputs = self.processor(
            picture, return_tensors="pt", input_data_format="channels_last"
        )
        return self.moved(inputs)

    def moved(self, inputs: Any) -> dict[str, Tensor]:
        return {name: tensor.to(self.device) for name, tensor in inputs.items()}

    def run(self, **inputs: Tensor) -> Any:
        with torch.inference_mode():
            return self.network(**inputs)


class GroundingDino(_Loaded):
    """Grounding DINO and MM Grounding DINO.

    Notes
    -----
    Liu et al. 2023, "Grounding DINO", section 3.4: all phrases are one text, and a
    phrase fits a box as well as its best token does.
    """

    threshold = 0.25

    def detect(self, picture: UInt8Array, phrases: Sequence[str]) -> Detections:
        """See `Detector.detect`."""
        # A full stop ends a phrase, so that there can be none within one.
        named = [" ".join(text.lower().replace(".", " ").split()) for text in phrases]
        tokens = self.tokenizer(
            "".join(f"{text}. " for text in named).strip(),
            max_length=self.network.config.max_text_len,
            truncation=True,
            return_offsets_mapping=True,
            return_token_type_ids=True,
            return_tensors="pt",
        )
        begins = tokens.pop("offset_mapping")[0].numpy()
        found = self.run(**self.prepare(picture), **self.moved(tokens))
        of_tokens = to_array(found.logits[0].sigmoid())[:, : len(begins)]
        scores = np.zeros((len(of_tokens), len(named)))
        start = 0
        for number, text in enumerate(named):
            stop = start + len(text)
            # Tokens without letters, which begin and end a text, are (0, 0).
            inside = (begins[:, 0] >= start) & (begins[:, 1] <= stop)
            inside &= begins[:, 1] > begins[:, 0]
            scores[:, number] = of_tokens[:, inside].max(axis=1, initial=0.0)
            start = stop + 2
        return Detections(from_centres(found.pred_boxes[0]), scores)


class Owl(_Loaded):
    """OWL-ViT and OWLv2.

    Notes
    -----
    Minderer et al. 2022, "Simple Open-Vocabulary Object Detection with Vision
    Transformers"; 2023, "Scaling Open-Vocabulary Object Detection".
    """

    threshold = 0.1

    @property
    def capacity(self) -> int:
        """Number of patches."""
        vision = self.network.config.vision_config
        return int(vision.image_size // vision.patch_size) ** 2

    def detect(self, picture: UInt8Array, phrases: Sequence[str]) -> Detections:
        """See `Detector.detect`."""
        tokens = self.tokenizer(
            list(phrases),
            padding="max_length",
            max_length=self.network.config.text_config.max_position_embeddings,
            truncation=True,
            return_tensors="pt",
        )
        found = self.run(**self.prepare(picture), **self.moved(tokens))
        boxes = from_centres(found.pred_boxes[0])
        if self.network.config.model_type == "owlv2":
            # Its pictures are padded to squares, and its boxes are shares of those.
            height, width = picture.shape[:2]
            hw = np.array([height, width] * 2)
            boxes = np.minimum(boxes * max(height, width) / hw, 1.0)
        return Detections(boxes, to_array(found.logits[0].sigmoid()))


class OmDetTurbo(_Loaded):
    """OmDet-Turbo.

    Notes
    -----
    Zhao et al. 2024, "Real-time Transformer-based Open-Vocabulary Detection with
    Efficient Fusion Head".
    """

    threshold = 0.3

    def detect(self, picture: UInt8Array, phrases: Sequence[str]) -> Detections:
        """See `Detector.detect`."""
        task = self._tokens([f"Detect {', '.join(phrases)}."])
        classes = self._tokens(list(phrases))
        found = self.run(
            pixel_values=self.prepare(picture)["pixel_values"],
            tasks_input_ids=task["input_ids"],
            tasks_attention_mask=task["attention_mask"],
            classes_input_ids=classes["input_ids"],
            classes_attention_mask=classes["attention_mask"],
            classes_structure=torch.tensor([len(phrases)], device=self.device),
        )
        scores = to_array(found.decoder_class_logits[0].sigmoid())[:, : len(phrases)]
        return Detections(from_centres(found.decoder_coord_logits[0]), scores)

    def _tokens(self, texts: list[str]) -> dict[str, Tensor]:
        # The task and the classes, one after the other, have to have one length.
        config = self.network.config.text_config
        return self.moved(
            self.tokenizer(
                texts,
                padding="max_length",
                max_length=config.max_position_embeddings,
                truncation=True,
                return_tensors="pt",
            )
        )


class Sam3(_Loaded):
    """SAM 3, whose boxes are taken; its masks are those of the session's own model.

    Notes
    -----
    Carion et al. 2025, "SAM 3: Segment Anything with Concepts".
    """

    network_class = "Sam3Model"
    threshold = 0.5

    def load_processor(self, place: str | PathLike[str]) -> Any:  # noqa: ARG002
        """Return nothing: that of `transformers` needs torchvision."""
        return None

    @property
    def capacity(self) -> int:
        """Number of queries."""
        return int(self.network.config.detr_decoder_config.num_queries)

    def prepare(self, picture: UInt8Array) -> dict[str, Tensor]:
        """Return the picture as a square, with values from -1 to 1."""
        side = self.network.config.vision_config.image_size
        pixels = torch.from_numpy(np.require(picture, requirements=["C", "W"]))
        pixels = pixels.permute(2, 0, 1).unsqueeze(0)
        square = F.interpolate(pixels, (side, side), mode="bilinear", antialias=True)
        return {"pixel_values": square.float().to(self.device) / 127.5 - 1}

    def detect(self, picture: UInt8Array, phrases: Sequence[str]) -> Detections:
        """Look for one phrase after the other; the picture is encoded once.

        Each phrase has boxes of its own, which fit the others not at all.
        """
        with torch.inference_mode():
            seen = self.network.get_vision_features(**self.prepare(picture))
        boxes, scores = [], []
        for number, phrase in enumerate(phrases):
            tokens = self.tokenizer(
                phrase,
                padding="max_length",
                max_length=self.network.config.text_config.max_position_embeddings,
                truncation=True,
                return_tensors="pt",
            )
            found = self.run(vision_embeds=seen, **self.moved(tokens))
            likely = found.pred_logits[0].sigmoid() * found.presence_logits[0].sigmoid()
            fits = np.zeros((len(likely), len(phrases)))
            fits[:, number] = to_array(likely)
            boxes.append(from_corners(found.pred_boxes[0]))
            scores.append(fits)
        return Detections(np.concatenate(boxes), np.concatenate(scores))


_KINDS: dict[str, Any] = {
    "grounding-dino": GroundingDino,
    "mm-grounding-dino": GroundingDino,
    "owlvit": Owl,
    "owlv2": Owl,
    "omdet-turbo": OmDetTurbo,
    "sam3": Sam3,
    "sam3_video": Sam3,
}
"""By the `model_type` of their configurations."""
