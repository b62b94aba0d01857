from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tilesam.errors import CheckpointError
from tilesam.model.checkpoints.files import FileContent
from tilesam.model.checkpoints.fitting import check_fits


@pytest.fixture
def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


@pytest.fixture
def tensors(network: nn.Module) -> dict[str, Tensor]:
    return {key: tensor.clone() for key, tensor in network.state_dict().items()}


def complaint(tensors: dict[str, Tensor], network: nn.Module) -> str:
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    with pytest.raises(CheckpointError) as caught:
        check_fits(FileContent(Path("w.pt"), tensors, {}), network)
    for key, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[key], rtol=0, atol=0)
    message = str(caught.value)
    assert message.startswith("w.pt does not fit: ")
    assert "nothing was loaded" in message
    return message


def test_its_own_weights_fit(tensors: dict[str, Tensor], network: nn.Module) -> None:
    check_fits(FileContent(Path("w.pt"), tensors, {}), network)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_floating_precision_fits(
    dtype: torch.dtype, tensors: dict[str, Tensor], network: nn.Module
) -> None:
    cast = {k: t.to(dtype) if t.is_floating_point() else t for k, t in tensors.items()}
    check_fits(FileContent(Path("w.pt"), cast, {}), network)


def test_missing_and_unknown_keys_are_named_and_counted(
    tensors: dict[str, Tensor], network: nn.Module
) -> None:
    tensors["0.scale"] = tensors.pop("0.weight")
    for key in list(tensors):
        if key.startswith("1."):
            del tensors[key]
    message = complaint(tensors, network)
    assert "6 keys missing (0.weight, 1.weight, 1.bias, ...)" in message
    assert "1 key unknown (0.scale)" in message


def test_a_wrong_size_is_told_with_the_right_one(
    tensors: dict[str, Tensor], network: nn.Module
) -> None:
    tensors["0.weight"] = torch.zeros(3, 5)
    message = complaint(tensors, network)
    assert "1 key of another size (0.weight (3, 5) instead of (3, 2))" in message


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("0.bias", torch.zeros(3, dtype=torch.int64)),
        ("0.bias", torch.zeros(3, dtype=torch.complex64)),
        ("0.bias", torch.zeros(3).to_sparse()),
        ("0.bias", torch.zeros(3, dtype=torch.bool)),
        ("1.num_batches_tracked", torch.tensor(0.0)),
    ],
)
def test_a_wrong_type(
    key: str, wrong: Tensor, tensors: dict[str, Tensor], network: nn.Module
) -> None:
    tensors[key] = wrong
    assert f"1 key of another type ({key} " in complaint(tensors, network)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_no_network_has(
    value: float, tensors: dict[str, Tensor], network: nn.Module
) -> None:
    tensors["0.weight"][1, 1] = value
    message = complaint(tensors, network)
    assert "1 key with NaN or infinite values (0.weight)" in message


def test_infinities_do_not_cancel(
    tensors: dict[str, Tensor], network: nn.Module
) -> None:
    tensors["0.bias"] = torch.tensor([math.inf, -math.inf, 0.0])
    assert "infinite" in complaint(tensors, network)


def test_what_float32_cannot_hold(
    tensors: dict[str, Tensor], network: nn.Module
) -> None:
    tensors["0.bias"] = torch.full((3,), 1e300, dtype=torch.float64)
    assert "infinite" in complaint(tensors, network)


def test_large_half_precision_weights_are_finite(
    tensors: dict[str, Tensor], network: nn.Module
) -> None:
    tensors["0.weight"] = torch.full((3, 2), 6e4, dtype=torch.float16)
    check_fits(FileContent(Path("w.pt"), tensors, {}), network)


def test_values_are_looked_at_only_where_sizes_are_right(
    tensors: dict[str, Tensor], network: nn.Module
) -> None:
    # One value can claim to be 10**15 values, whose sum would take days.
    tensors["0.weight"] = torch.tensor([math.nan]).expand(5)
    message = complaint(tensors, network)
    assert "another size" in message
    assert "infinite" not in message
