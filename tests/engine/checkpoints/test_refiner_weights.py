"""A refiner's file: beside whose weights it lies, and what it says of itself."""

from __future__ import annotations

import json
import logging
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from tests.engine.model.refining.scripted import TINY, question, tiny_network
from tilesam import Window
from tilesam.errors import CheckpointError, OutputError
from tilesam.image import open_image
from tilesam.model import configs
from tilesam.model.checkpoints.digests import hash_file
from tilesam.model.checkpoints.loading import load_model
from tilesam.model.checkpoints.refiner_weights import (
    CONFIG_KEY,
    REFINES_KEY,
    find_refiner,
    load_refiner,
    refiner_path,
    save_refiner,
)
from tilesam.model.checkpoints.saving import save_weights
from tilesam.model.configs import SamConfig
from tilesam.model.refining.inputs import CHANNELS
from tilesam.model.refining.network import RefinerConfig
from tilesam.testing.models import SMALLEST_ENCODER, tiny_random_model

NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
ASKED = [question(Window(0, 0, 64, 64), points=[(20, 30)])]


def digest(path: Path) -> str:
    return hash_file(path, "sha256")["sha256"].value


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a model that can be loaded."""
    config = SamConfig("small-test", 64, SMALLEST_ENCODER)
    monkeypatch.setitem(configs.CONFIGS, "small-test", config)
    network = tiny_random_model(0).network
    network.config = config
    path = tmp_path / "mine.v2.safetensors"
    save_weights(network, path)
    return path


@pytest.fixture
def refined(weights: Path) -> Path:
    """Return the same file, with a refiner beside it."""
    about = {REFINES_KEY: digest(weights), "steps": "7"}
    save_refiner(tiny_network(), refiner_path(weights), metadata=about)
    return weights


def answer_of(model):
    source = open_image(NOISE, channel_axis=2)
    return model.refiner.refine(ASKED, source)[0]


def test_the_file_lies_beside_the_weights() -> None:
    path = refiner_path(Path("folder/mine.v2.safetensors"))
    assert path == Path("folder/mine.v2-refiner.safetensors")


@pytest.mark.parametrize(
    "config", [TINY, RefinerConfig(48, (4, 6, 8, 10), (1, 0, 2, 1))]
)
def test_a_network_comes_back_as_it_went(config: RefinerConfig, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    network = tiny_network(config=config)
    network.half().float()  # what a file in half precision can hold
    save_refiner(network, path)
    found = load_refiner(path)
    assert found.config == config
    assert not found.training
    for name, value in network.state_dict().items():
        assert torch.equal(found.state_dict()[name], value)
        assert found.state_dict()[name].dtype == value.dtype
    shown = torch.randn(1, CHANNELS, config.size, config.size)
    assert torch.equal(found(shown).logits, network(shown).logits)


def test_the_file_says_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.safetensors"
    save_refiner(tiny_network(), path, metadata={"licence": "MIT", CONFIG_KEY: "?"})
    with safetensors.safe_open(path, framework="pt") as file:
        about = file.metadata()
        assert file.get_tensor("to_logits.weight").dtype == torch.float16
    assert json.loads(about.pop(CONFIG_KEY)) == {
        "size": TINY.size,
        "dims": list(TINY.dims),
        "depths": list(TINY.depths),
    }
    assert about == {"licence": "MIT"}


def test_weights_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    network = tiny_network()
    with torch.no_grad():
        network.to_logits.weight.fill_(torch.nan)
    with pytest.raises(OutputError, match=r"to_logits\.weight has values"):
        save_refiner(network, tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_model_finds_the_refiner_beside_it(refined: Path) -> None:
    model = load_model(refined, device="cpu")
    assert model.refiner is not None
    assert model.refiner.weights_sha256 == digest(refiner_path(refined))
    assert model.refiner.input_size == model.input_size == 64
    assert model.refiner.size == TINY.size
    assert answer_of(model) is not None


@pytest.mark.parametrize(
    ("able", "wanted", "expected"),
    [
        ({"avx512_bf16": True}, None, torch.bfloat16),
        ({"avx512_bf16": True}, "float32", torch.float32),
        ({}, None, torch.float32),
    ],
)
def test_it_computes_as_its_model_is_asked_to(
    able: dict[str, bool],
    wanted: str | None,
    expected: torch.dtype,
    refined: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    model = load_model(refined, device="cpu", dtype=wanted)
    assert model.refiner is not None
    assert model.refiner.dtype == expected
    again = pickle.loads(pickle.dumps(model))
    assert again.refiner.dtype == expected


def test_a_model_may_be_wanted_without_it(refined: Path) -> None:
    assert load_model(refined, device="cpu", refined=False).refiner is None


def test_a_model_without_one_has_none(
    weights: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert load_model(weights, device="cpu").refiner is None
    assert not caplog.records


@pytest.mark.parametrize("refines", ["f" * 64, None])
def test_another_models_refiner_is_left_alone_with_a_warning(
    refines: str | None, weights: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = refiner_path(weights)
    about = {} if refines is None else {REFINES_KEY: refines}
    save_refiner(tiny_network(), path, metadata=about)
    with caplog.at_level(logging.WARNING):
        assert load_model(weights, device="cpu").refiner is None
    (record,) = caplog.records
    message = record.getMessage()
    assert str(path) in message
    assert digest(weights)[:12] in message
    assert (refines or "unknown")[:12] in message
    assert "train refiner" in message


def test_weights_that_were_trained_on_have_outgrown_their_refiner(
    refined: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_weights(
        load_model(refined, device="cpu").network, refined, metadata={"v": "2"}
    )
    assert load_model(refined, device="cpu").refiner is None
    assert len(caplog.records) == 1


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_a_damaged_file_is_said_by_name(share: float, refined: Path) -> None:
    path = refiner_path(refined)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CheckpointError, match=r"mine\.v2-refiner\.safetensors"):
        load_model(refined, device="cpu")
    with pytest.raises(CheckpointError, match=r"mine\.v2-refiner\.safetensors"):
        load_refiner(path)


def write(path: Path, *, about: dict[str, str], tensors=None) -> None:
    tensors = tiny_network().state_dict() if tensors is None else tensors
    safetensors.torch.save_file(
        {name: value.contiguous() for name, value in tensors.items()}, path, about
    )


GOOD = {"size": TINY.size, "dims": [*TINY.dims], "depths": [*TINY.depths]}


@pytest.mark.parametrize(
    "sizes",
    [
        "",
        "{}",
        "5",
        "[1, 2]",
        "not json",
        json.dumps({"size": 32}),
        json.dumps(GOOD | {"dims": 4}),
        json.dumps(GOOD | {"dims": [4, 4]}),
        json.dumps(GOOD | {"dims": [4, 4, 4, -4]}),
        json.dumps(GOOD | {"dims": [4, 4, 4, "4"]}),
        json.dumps(GOOD | {"depths": [1, 1, 1, None]}),
        json.dumps(GOOD | {"depths": [1, 1]}),
        json.dumps(GOOD | {"size": "large"}),
        json.dumps(GOOD | {"size": 0}),
        json.dumps(GOOD | {"size": 33}),
    ],
)
def test_sizes_that_are_none_are_said(sizes: str, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write(path, about={CONFIG_KEY: sizes})
    with pytest.raises(CheckpointError, match=r"a\.safetensors does not say what"):
        load_refiner(path)


def test_the_weights_of_a_model_are_no_refiner(weights: Path) -> None:
    with pytest.raises(CheckpointError, match="does not say what refiner"):
        load_refiner(weights)


def test_tensors_that_do_not_fit_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write(path, about={CONFIG_KEY: json.dumps(GOOD | {"dims": [4, 4, 4, 8]})})
    with pytest.raises(CheckpointError, match=r"a\.safetensors does not fit"):
        load_refiner(path)
    state = tiny_network().state_dict()
    state.pop("to_logits.bias")
    write(path, about={CONFIG_KEY: json.dumps(GOOD)}, tensors=state)
    with pytest.raises(CheckpointError, match=r"1 key missing \(to_logits\.bias\)"):
        load_refiner(path)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"there is no file .*a\.safetensors"):
        load_refiner(tmp_path / "a.safetensors")
    weights = tmp_path / "b.safetensors"
    assert find_refiner(weights, "0" * 64, input_size=64) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_said(refined: Path) -> None:
    refiner_path(refined).chmod(0)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_model(refined, device="cpu")


@pytest.mark.parametrize("is_refined", [True, False])
def test_a_loaded_model_is_pickled_with_or_without_it(
    is_refined: bool, refined: Path
) -> None:
    model = load_model(refined, device="cpu", refined=is_refined)
    pickled = pickle.dumps(model)
    assert len(pickled) < 2_000  # where to find it, not the weights
    copy = pickle.loads(pickled)
    assert (copy.refiner is not None) == is_refined
    if is_refined:
        assert np.array_equal(answer_of(copy).logits, answer_of(model).logits)


def test_a_model_that_was_not_loaded_is_pickled_with_its_refiner(
    refined: Path,
) -> None:
    model = tiny_random_model(0)
    model.refiner = load_model(refined, device="cpu").refiner
    copy = pickle.loads(pickle.dumps(model))
    assert copy.refiner.weights_sha256 == model.refiner.weights_sha256
    assert np.array_equal(answer_of(copy).logits, answer_of(model).logits)
