"""Tiny models of the real classes with random weights, saved as the hub has them."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import torch
import transformers

SIDE = 64
"""Of the pictures that the detectors see."""

QUERIES = 6

DETECTORS = ("grounding-dino", "owlvit", "owlv2", "omdet-turbo", "sam3")

_TEXT = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}
_PICTURE = {**_TEXT, "image_size": 32, "patch_size": 16}
_SWIN = {
    "model_type": "swin",
    "image_size": SIDE,
    "patch_size": 4,
    "embed_dim": 8,
    "depths": [1, 1, 1, 1],
    "num_heads": [1, 1, 2, 2],
    "window_size": 2,
    "out_indices": [2, 3, 4],
}


def save_model(kind: str, folder: Path) -> Path:
    """Save a model with its tokenizer and image processor."""
    transformers.utils.logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        parts = _BUILDERS[kind]()
    for part in parts:
        part.save_pretrained(folder)
    return folder


def _clip_tokenizer(length: int = 16) -> Any:
    """Return a tokenizer with a token for each byte, within words and at their ends."""
    byte_level = tokens_of_bytes()
    words = [*byte_level, *(f"{token}</w>" for token in byte_level)]
    words += ["<|startoftext|>", "<|endoftext|>"]
    return transformers.CLIPTokenizer(
        vocab={word: number for number, word in enumerate(words)},
        merges=[],
        model_max_length=length,
    )


def tokens_of_bytes() -> list[str]:
    """Return the signs that stand for the 256 bytes."""
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())


def _clip_text(tokenizer: Any, length: int = 16, width: int = 16) -> dict[str, Any]:
    size = len(tokenizer)
    return {
        **_TEXT,
        "hidden_size": width,
        "vocab_size": size,
        "max_position_embeddings": length,
        "projection_dim": width,
        "bos_token_id": size - 2,
        "eos_token_id": size - 1,
        "pad_token_id": size - 1,
    }


def _build_clip() -> tuple[Any, ...]:
    tokenizer = _clip_tokenizer()
    config = transformers.CLIPConfig(
        text_config=_clip_text(tokenizer), vision_config=_PICTURE, projection_dim=8
    )
    processor = transformers.CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    return transformers.CLIPModel(config), tokenizer, processor


def _build_siglip() -> tuple[Any, ...]:
    tokenizer = _siglip_tokenizer()
    text = {
        **_TEXT,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 16,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = transformers.SiglipConfig(text_config=text, vision_config=_PICTURE)
    processor = transformers.SiglipImageProcessorPil(size={"height": 32, "width": 32})
    return transformers.SiglipModel(config), tokenizer, processor


def _build_siglip2() -> tuple[Any, ...]:
    """Return the one that takes pictures of any proportions, as patches."""
    tokenizer = _clip_tokenizer()
    picture = {**_TEXT, "patch_size": 16, "num_patches": 16}
    config = transformers.Siglip2Config(
        text_config=_clip_text(tokenizer), vision_config=picture
    )
    processor = transformers.Siglip2ImageProcessorPil(patch_size=16, max_num_patches=16)
    return transformers.Siglip2Model(config), tokenizer, processor


def _siglip_tokenizer() -> Any:
    import sentencepiece

    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(
            ["the cell nuclei of a leaf", "red building roofs"] * 20
        ),
        model_writer=written,
        vocab_size=40,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "spiece.model")
        place.write_bytes(written.getvalue())
        return transformers.SiglipTokenizer(str(place), model_max_length=16)


def _build_grounding_dino() -> tuple[Any, ...]:
    # The network knows the numbers of [CLS], [SEP], "." and "?".
    named = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
    named |= {1012: ".", 1029: "?"}
    for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz"):
        named |= {200 + number: letter, 300 + number: f"##{letter}"}
    words = [named.get(number, f"[unused{number}]") for number in range(1100)]
    tokenizer = transformers.BertTokenizer(
        vocab={word: number for number, word in enumerate(words)}, do_lower_case=True
    )
    text = {**_TEXT, "vocab_size": 1100, "max_position_embeddings": 64}
    config = transformers.GroundingDinoConfig(
        backbone_config=_SWIN,
        text_config={"model_type": "bert", **text},
        num_queries=QUERIES,
        d_model=32,
        encoder_layers=1,
        encoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_layers=2,
        decoder_ffn_dim=16,
        decoder_attention_heads=2,
        max_text_len=64,
    )
    processor = transformers.GroundingDinoImageProcessorPil(
        size={"shortest_edge": 2 * SIDE, "longest_edge": 4 * SIDE}
    )
    return transformers.GroundingDinoForObjectDetection(config), tokenizer, processor


def _build_owl(name: str) -> tuple[Any, ...]:
    tokenizer = _clip_tokenizer()
    config = getattr(transformers, f"{name}Config")(
        text_config=_clip_text(tokenizer),
        vision_config={**_PICTURE, "image_size": SIDE},
        projection_dim=16,
    )
    network = getattr(transformers, f"{name}ForObjectDetection")(config)
    size = {"height": SIDE, "width": SIDE}
    processor = getattr(transformers, f"{name}ImageProcessorPil")(size=size)
    return network, tokenizer, processor


def _build_omdet() -> tuple[Any, ...]:
    tokenizer = _clip_tokenizer(77)
    text = {"model_type": "clip_text_model", **_clip_text(tokenizer, 77, 24)}
    config = transformers.OmDetTurboConfig(
        backbone_config=_SWIN,
        text_config=text,
        # Only backbones of another library return what that layer takes.
        apply_layernorm_after_vision_backbone=False,
        image_size=SIDE,
        text_projection_in_dim=24,
        text_projection_out_dim=24,
        class_embed_dim=24,
        task_encoder_hidden_dim=16,
        num_queries=QUERIES,
        vision_features_channels=[16, 16, 16],
        encoder_in_channels=[16, 32, 64],
        encoder_hidden_dim=16,
        encoder_dim_feedforward=16,
        encoder_attention_heads=2,
        encoder_layers=1,
        decoder_hidden_dim=16,
        decoder_dim_feedforward=16,
        decoder_num_heads=2,
        decoder_num_layers=1,
    )
    network = transformers.OmDetTurboForObjectDetection(config)
    size = {"height": SIDE, "width": SIDE}
    return network, tokenizer, transformers.DetrImageProcessorPil(size=size)


def _build_sam3() -> tuple[Any, ...]:
    tokenizer = _clip_tokenizer(32)
    part = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 16}
    backbone = {
        "model_type": "sam3_vit_model",
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 112,
        "window_size": 4,
        "global_attn_indexes": [0],
        "pretrain_image_size": 56,
    }
    config = transformers.Sam3Config(
        vision_config={
            "backbone_config": backbone,
            "fpn_hidden_size": 32,
            "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
        },
        text_config={"model_type": "clip_text_model", **_clip_text(tokenizer, 32)},
        geometry_encoder_config={**part, "num_layers": 1},
        detr_encoder_config={**part, "num_layers": 1},
        detr_decoder_config={**part, "num_layers": 1, "num_queries": QUERIES},
        mask_decoder_config={"hidden_size": 32, "num_attention_heads": 2},
    )
    return transformers.Sam3Model(config), tokenizer


_BUILDERS = {
    "clip": _build_clip,
    "siglip": _build_siglip,
    "siglip2": _build_siglip2,
    "grounding-dino": _build_grounding_dino,
    "owlvit": lambda: _build_owl("OwlViT"),
    "owlv2": lambda: _build_owl("Owlv2"),
    "omdet-turbo": _build_omdet,
    "sam3": _build_sam3,
}
