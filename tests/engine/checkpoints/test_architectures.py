from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tilesam.errors import CheckpointError
from tilesam.model.checkpoints.architectures import (
    describe_encoder,
    detect_config,
    expected_encoder,
    with_released_names,
)
from tilesam.model.checkpoints.files import FileContent
from tilesam.model.configs import (
    CONFIGS,
    PyramidConfig,
    SamConfig,
    TinyViTConfig,
    ViTConfig,
    build_sam,
)
from tilesam.model.preprocessing import PIXEL_MEAN, PIXEL_STD

SMALL_CONFIGS = {
    "vit": SamConfig("vit", 128, ViTConfig(32, 2, 2, (1,), image_grid=8)),
    "tiny_vit": SamConfig(
        "tiny_vit", 128, TinyViTConfig((8, 8, 16, 32), (1, 1, 2, 1), (1, 1, 2, 2))
    ),
    "pyramid": SamConfig("pyramid", 64, PyramidConfig((8, 8, 8, 8), (1, 1, 2, 1))),
}


def content_of(
    tensors: dict[str, Tensor], metadata: dict[str, str] | None = None
) -> FileContent:
    return FileContent(Path("weights.pt"), tensors, metadata or {})


def names_after(*names: str) -> set[str]:
    tensors = {name: torch.zeros(1) for name in names}
    return set(with_released_names(content_of(tensors)).tensors)


@pytest.mark.parametrize("prefix", ["module.", "sam.", "_orig_mod.", "model.module."])
def test_wrapping_prefixes_are_taken_off(prefix: str) -> None:
    assert names_after(f"{prefix}a", f"{prefix}b.c") == {"a", "b.c"}


def test_a_prefix_that_not_all_names_have_is_a_name() -> None:
    assert names_after("sam.a", "decoder.b") == {"sam.a", "decoder.b"}
    assert names_after() == set()


def test_the_unused_head_of_mobile_sam_is_left_out() -> None:
    head = [
        f"image_encoder.{layer}.{kind}"
        for layer in ("norm_head", "head")
        for kind in ("weight", "bias")
    ]
    assert names_after("image_encoder.a", *head) == {"image_encoder.a"}
    assert names_after("mask_decoder.head.weight") == {"mask_decoder.head.weight"}


def test_the_usual_pixel_constants_are_left_out() -> None:
    content = content_of(
        {
            "a": torch.zeros(1),
            "pixel_mean": torch.tensor(PIXEL_MEAN).reshape(3, 1, 1),
            "pixel_std": torch.tensor(PIXEL_STD).reshape(3, 1, 1).half(),
        }
    )
    assert set(with_released_names(content).tensors) == {"a"}


@pytest.mark.parametrize("wrong", [torch.zeros(3, 1, 1), torch.tensor(123.675)])
def test_other_pixel_constants_are_an_error(wrong: Tensor) -> None:
    with pytest.raises(CheckpointError, match="another pixel_mean than SAM's"):
        with_released_names(content_of({"pixel_mean": wrong}))


@pytest.mark.parametrize("name", ["vit_b", "vit_l", "vit_h"])
def test_the_transformers_are_told_apart(name: str) -> None:
    with torch.device("meta"):
        network = build_sam(CONFIGS[name])
    assert detect_config(content_of(network.state_dict())) == CONFIGS[name]


@pytest.mark.parametrize("name", ["vit_t", "tiny"])
def test_the_small_networks_are_told_apart(name: str) -> None:
    network = build_sam(CONFIGS[name])
    assert detect_config(content_of(network.state_dict())) == CONFIGS[name]


@pytest.mark.parametrize("name", SMALL_CONFIGS)
def test_every_kind_is_described_by_width_and_depth(name: str) -> None:
    config = SMALL_CONFIGS[name]
    tensors = build_sam(config).state_dict()
    assert describe_encoder(tensors) == expected_encoder(config.encoder)
    assert detect_config(content_of(tensors), SMALL_CONFIGS) == config


def test_descriptions_by_hand() -> None:
    assert expected_encoder(ViTConfig(32, 2, 2, (1,))) == "ViT of width 32 and depth 2"
    assert expected_encoder(TinyViTConfig()) == "TinyViT of width 64 and depths 2-2-6-2"
    assert describe_encoder({}) == ""
    assert describe_encoder({"image_encoder.stem.weight": torch.tensor(1.0)}) == (
        "pyramid of width 0 and depths "
    )


def test_the_metadata_comes_first() -> None:
    metadata = {"architecture": "tiny", "input_size": "256"}
    config = detect_config(content_of({}, metadata))
    assert (config.name, config.input_size) == ("tiny", 256)
    assert config.encoder == CONFIGS["tiny"].encoder


def test_metadata_of_the_future() -> None:
    with pytest.raises(CheckpointError, match="says it is a 'sam3'; expected vit_b"):
        detect_config(content_of({}, {"architecture": "sam3"}))


@pytest.mark.parametrize("size", ["0", "100", "-64", "64.0", "x", "8192", "²"])
def test_an_impossible_input_size(size: str) -> None:
    metadata = {"architecture": "tiny", "input_size": size}
    with pytest.raises(CheckpointError, match="expected a multiple of 64"):
        detect_config(content_of({}, metadata))


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("image_encoder.patch_embed.proj.weight", "holds a ViT of width 7 and depth 0"),
        ("vision_encoder.layers.0.attn.qkv.weight", "transformers library"),
        ("image_encoder.trunk.blocks.0.norm1.weight", "SAM 2"),
        (
            "features.0.weight",
            r"belong to no SAM \(features",
        ),
    ],
)
def test_another_network_is_named(key: str, words: str) -> None:
    with pytest.raises(CheckpointError, match=words) as caught:
        detect_config(content_of({key: torch.zeros(7, 3)}))
    assert "vit_b (ViT of width 768 and depth 12)" in str(caught.value)
