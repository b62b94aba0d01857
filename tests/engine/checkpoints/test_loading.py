from __future__ import annotations

import hashlib
import logging
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import tilesam
from tilesam.errors import (
    CheckpointError,
    DeviceError,
    DownloadError,
    UnknownModelError,
)
from tilesam.model import configs
from tilesam.model.checkpoints import locations, registry
from tilesam.model.checkpoints.loading import find_weights, load_model, load_network
from tilesam.model.checkpoints.locations import FOLDER_VARIABLE, OFFLINE_VARIABLE
from tilesam.model.checkpoints.registry import ModelEntry
from tilesam.model.checkpoints.saving import save_weights
from tilesam.model.configs import PyramidConfig, SamConfig, TinyViTConfig, build_sam
from tilesam.model.sam import Sam
from tilesam.testing.serving import PoliteServer

SMALL = SamConfig("small", 64, PyramidConfig((8, 8, 8, 8), (1, 1, 1, 1)))
OTHER = SamConfig("other", 64, TinyViTConfig((8, 8, 16, 32), (1,) * 4, (1, 1, 2, 2)))


@pytest.fixture(autouse=True)
def _small_architectures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(configs.CONFIGS, "small", SMALL)
    monkeypatch.setitem(configs.CONFIGS, "other", OTHER)


@pytest.fixture
def network() -> Sam:
    torch.manual_seed(3)
    return build_sam(SMALL)


@pytest.fixture
def weights(network: Sam, tmp_path: Path) -> Path:
    save_weights(network, tmp_path / "mine.safetensors")
    return tmp_path / "mine.safetensors"


@pytest.fixture
def named(
    weights: Path, server: PoliteServer, monkeypatch: pytest.MonkeyPatch
) -> ModelEntry:
    """Return a named model that the server has."""
    content = weights.read_bytes()
    server.manners.content = content
    entry = ModelEntry(
        "small_cells", "small", server.url,
        f"sha256:{hashlib.sha256(content).hexdigest()}", len(content),
        "MIT", "tests", "https://example.org",
    )  # fmt: skip
    monkeypatch.setitem(registry.REGISTRY, entry.name, entry)
    return entry


def assert_same_weights(found: Sam, expected: Sam) -> None:
    for key, tensor in expected.state_dict().items():
        torch.testing.assert_close(found.state_dict()[key], tensor, rtol=0, atol=0)


def test_a_path_gives_a_model(weights: Path, network: Sam) -> None:
    for path in (weights, str(weights)):
        model = load_model(path, device="cpu")
        assert_same_weights(model.network, network)
        assert model.name == "mine.safetensors"
        assert model.input_size == 64
        sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        assert model.weights_sha256 == sha256
        assert not model.network.training


def test_a_pickled_model_is_where_its_weights_are(
    weights: Path, network: Sam, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(weights.parent)
    pickled = pickle.dumps(load_model(weights.name, device="cpu", dtype="bfloat16"))
    assert len(pickled) < 1000
    monkeypatch.chdir("/")
    model = pickle.loads(pickled)
    assert_same_weights(model.network, network)
    assert (model.device.type, model.dtype) == ("cpu", torch.bfloat16)


def test_a_pickled_name_is_looked_up_again(
    named: ModelEntry, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    weights.rename(folder / f"{named.name}.safetensors")
    pickled = pickle.dumps(load_model(named.name, folder=folder))
    monkeypatch.setenv(OFFLINE_VARIABLE, "1")
    model = pickle.loads(pickled)
    assert model.name == named.name


def test_other_weights_under_the_same_path_are_no_pickled_model(weights: Path) -> None:
    pickled = pickle.dumps(load_model(weights))
    torch.manual_seed(4)
    save_weights(build_sam(SMALL), weights)
    with pytest.raises(CheckpointError, match="where the model was sent from"):
        pickle.loads(pickled)


def test_it_is_the_public_function() -> None:
    assert tilesam.load_model is load_model


@pytest.mark.parametrize("is_legacy", [False, True])
@pytest.mark.parametrize("prefix", ["", "sam.", "module."])
@pytest.mark.parametrize("container", [None, "model_state"])
def test_checkpoints_as_training_programs_leave_them(
    is_legacy: bool, prefix: str, container: str | None, network: Sam, tmp_path: Path
) -> None:
    tensors: object = {f"{prefix}{k}": v for k, v in network.state_dict().items()}
    content = {container: tensors, "epoch": 3} if container else tensors
    path = tmp_path / "best.pt"
    torch.save(content, path, _use_new_zipfile_serialization=not is_legacy)
    assert_same_weights(load_network(path), network)


def test_loaded_weights_do_not_lean_on_the_file(weights: Path, network: Sam) -> None:
    loaded = load_network(weights)
    weights.write_bytes(b"\0" * weights.stat().st_size)
    assert_same_weights(loaded, network)


def test_half_precision_is_loaded_as_float32(network: Sam, tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    save_weights(network, path, dtype=torch.float16)
    loaded = load_network(path)
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    for key, tensor in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[key], tensor.half().float())


def test_mobile_sam_with_its_unused_head(tmp_path: Path) -> None:
    network = build_sam(OTHER)
    tensors = dict(network.state_dict())
    tensors["image_encoder.norm_head.weight"] = torch.ones(32)
    tensors["image_encoder.norm_head.bias"] = torch.ones(32)
    tensors["image_encoder.head.weight"] = torch.ones(1000, 32)
    tensors["image_encoder.head.bias"] = torch.ones(1000)
    torch.save(tensors, tmp_path / "mobile.pt")
    assert_same_weights(load_network(tmp_path / "mobile.pt"), network)


def test_an_incomplete_file_names_what_is_missing(network: Sam, tmp_path: Path) -> None:
    tensors = dict(network.state_dict())
    del tensors["mask_decoder.iou_token.weight"]
    torch.save(tensors, tmp_path / "broken.pt")
    with pytest.raises(CheckpointError, match=r"1 key missing.*iou_token\.weight"):
        load_model(tmp_path / "broken.pt")


def test_a_file_that_claims_another_architecture(network: Sam, tmp_path: Path) -> None:
    network.config = OTHER
    save_weights(network, tmp_path / "wrong.safetensors")
    with pytest.raises(CheckpointError, match=r"missing.*unknown.*nothing was loaded"):
        load_model(tmp_path / "wrong.safetensors")


def test_an_architecture_that_was_not_expected(weights: Path) -> None:
    with pytest.raises(CheckpointError, match="architecture small; expected other"):
        load_network(weights, architecture="other")


def test_a_named_model_is_fetched_once(
    named: ModelEntry,
    network: Sam,
    server: PoliteServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, logger="tilesam"):
        model = load_model("small_cells", device="cpu")
    assert "10 of 10 parts fetched" in caplog.text
    assert_same_weights(model.network, network)
    assert (model.name, model.weights_sha256) == ("small_cells", named.sha256)
    load_model("small_cells", device="cpu")
    assert len(server.requests) == 1


def test_a_damaged_cache_is_mended(named: ModelEntry, cache: Path) -> None:
    load_model("small_cells", device="cpu")
    (cache / "small_cells.pt").write_bytes(b"damaged")
    assert load_model("small_cells", device="cpu").weights_sha256 == named.sha256


def test_an_offline_folder_needs_no_network(
    named: ModelEntry,
    weights: Path,
    server: PoliteServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights.rename(weights.with_name("small_cells.pt"))
    monkeypatch.setenv(OFFLINE_VARIABLE, "1")
    with pytest.raises(DownloadError, match=OFFLINE_VARIABLE):
        load_model("small_cells", device="cpu")
    load_model("small_cells", device="cpu", folder=weights.parent)
    monkeypatch.setenv(FOLDER_VARIABLE, str(weights.parent))
    load_model("small_cells", device="cpu")
    assert server.requests == []
    assert not weights.with_name("small_cells.pt.json").exists()


def test_a_wrong_file_in_an_offline_folder_is_an_error_not_a_download(
    named: ModelEntry, server: PoliteServer, tmp_path: Path
) -> None:
    (tmp_path / "small_cells.pt").write_bytes(b"something else")
    with pytest.raises(CheckpointError, match="has 14 bytes, small_cells has"):
        load_model("small_cells", folder=tmp_path)
    assert server.requests == []


def test_the_right_name_with_other_content(
    named: ModelEntry, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = replace(named, architecture="other")
    monkeypatch.setitem(registry.REGISTRY, "small_cells", entry)
    with pytest.raises(CheckpointError, match="architecture small; expected other"):
        load_model("small_cells")


def test_embedded_weights(
    weights: Path, network: Sam, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locations, "EMBEDDED_FOLDER", weights.parent)
    entry = replace(registry.REGISTRY["tiny"], architecture="small")
    monkeypatch.setitem(registry.REGISTRY, "tiny", entry)
    with pytest.raises(CheckpointError, match="missing from this installation"):
        load_model()
    weights.rename(weights.with_name("tiny.safetensors"))
    model = load_model(device="cpu")
    assert model.name == "tiny"
    assert_same_weights(model.network, network)


def test_a_name_comes_before_a_file_of_that_name(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(weights.parent)
    weights.rename("vit_b")
    with pytest.raises(CheckpointError, match="vit_b is not on this machine"):
        find_weights("vit_b")
    assert find_weights("./vit_b").architecture is None


@pytest.mark.parametrize(
    "wish", ["vit_x", "weights/absent.pt", "", "vit_b.pth", "x" * 5000]
)
def test_neither_a_name_nor_a_file(wish: str) -> None:
    with pytest.raises(UnknownModelError, match=r"expected one of tiny, vit_b.*path"):
        load_model(wish)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is a folder; expected a weights file"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", [None, "small_cells"])
def test_a_file_that_cannot_be_read_is_named(
    name: str | None,
    named: ModelEntry,
    weights: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = weights.rename(weights.with_name("small_cells.pt"))
    for module in ("loading", "receipts"):
        monkeypatch.setattr(f"tilesam.model.checkpoints.{module}.hash_file", refuse)
    with pytest.raises(CheckpointError, match=r"cells\.pt cannot be read: Permission"):
        load_model(name or path, folder=path.parent)


def test_the_device_is_looked_at_before_anything_is_fetched(
    named: ModelEntry, server: PoliteServer
) -> None:
    with pytest.raises(DeviceError, match="abacus"):
        load_model("small_cells", device="abacus")
    assert server.requests == []


def test_a_precision_can_be_chosen(weights: Path) -> None:
    model = load_model(weights, device="cpu", dtype="bfloat16")
    assert model.dtype == torch.bfloat16
