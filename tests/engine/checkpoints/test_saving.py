from __future__ import annotations

from pathlib import Path

import pytest
import safetensors
import torch

from tilesam.errors import OutputError
from tilesam.model.checkpoints.saving import save_weights
from tilesam.model.configs import PyramidConfig, SamConfig, build_sam
from tilesam.model.sam import Sam


@pytest.fixture
def network() -> Sam:
    return build_sam(SamConfig("tiny", 256, PyramidConfig((8,) * 4, (1,) * 4)))


def test_the_file_says_what_it_is(network: Sam, tmp_path: Path) -> None:
    path = tmp_path / "new" / "tiny.safetensors"
    save_weights(network, path, metadata={"licence": "MIT", "architecture": "vit_b"})
    with safetensors.safe_open(path, framework="pt") as file:
        metadata, keys = file.metadata(), set(file.keys())
    assert metadata == {"licence": "MIT", "architecture": "tiny", "input_size": "256"}
    assert keys == set(network.state_dict())


def test_half_precision_halves_the_file(network: Sam, tmp_path: Path) -> None:
    save_weights(network, tmp_path / "whole.safetensors")
    save_weights(network, tmp_path / "half.safetensors", dtype=torch.float16)
    whole, half = (
        (tmp_path / f"{name}.safetensors").stat().st_size for name in ("whole", "half")
    )
    assert half == pytest.approx(whole / 2, rel=0.01)


def test_weights_too_large_for_the_precision(network: Sam, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    with torch.no_grad():
        network.mask_decoder.iou_token.weight.fill_(1e6)
    with pytest.raises(OutputError, match=r"iou_token\.weight has values"):
        save_weights(network, path, dtype=torch.float16)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to(network: Sam, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*tiny\.safetensors"):
        save_weights(network, tmp_path / "file" / "tiny.safetensors")


def test_an_old_file_stays_where_writing_fails(
    network: Sam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tiny.safetensors"
    path.write_bytes(b"precious")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", fail)
    with pytest.raises(OutputError, match="No space left"):
        save_weights(network, path)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]
