from __future__ import annotations

import pytest
import torch

from tilesam import DeviceError
from tilesam.model import device as device_module
from tilesam.model.device import (
    available_devices,
    choose_device,
    choose_dtype,
    choose_refiner_dtype,
    is_out_of_memory,
)


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.fixture
def only_cpu(monkeypatch):
    monkeypatch.setattr(device_module, "available_devices", lambda: ["cpu"])


def test_the_cpu_is_always_there_and_comes_last():
    assert available_devices()[-1] == "cpu"


def test_a_gpu_is_preferred(two_gpus):
    assert choose_device() == torch.device("cuda:0")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("cuda", "cuda:0"),
        ("cuda:1", "cuda:1"),
        (torch.device("cuda"), "cuda:0"),
        ("cpu", "cpu"),
        (torch.device("cpu"), "cpu"),
    ],
)
def test_the_choice_can_be_overridden(two_gpus, given, expected):
    assert choose_device(given) == torch.device(expected)


def test_the_cpu_is_chosen_where_there_is_nothing_else(only_cpu):
    assert choose_device() == torch.device("cpu")


@pytest.mark.parametrize("given", ["cuda", "cuda:3", "mps", "gpu", "meta", "", 7])
def test_an_absent_device_is_refused_with_those_that_exist(only_cpu, given):
    with pytest.raises(DeviceError, match="this machine has cpu; choose one of these"):
        choose_device(given)


def test_an_absent_gpu_is_refused_with_those_that_exist(two_gpus):
    with pytest.raises(DeviceError, match=r"cuda:2.*has cuda:0, cuda:1.*cpu"):
        choose_device("cuda:2")


@pytest.mark.parametrize(
    ("is_native", "expected"), [(True, torch.bfloat16), (False, torch.float16)]
)
def test_gpus_compute_in_the_half_precision_they_know(monkeypatch, is_native, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: is_native)
    assert choose_dtype(torch.device("cuda:0")) == expected


@pytest.mark.parametrize("name", ["cpu", "mps"])
def test_other_devices_compute_in_full_precision(name):
    assert choose_dtype(torch.device(name)) == torch.float32


@pytest.mark.parametrize("given", ["bfloat16", torch.bfloat16])
def test_the_precision_can_be_overridden(given):
    assert choose_dtype(torch.device("cpu"), given) == torch.bfloat16


@pytest.mark.parametrize("given", ["int8", "half", torch.int64])
def test_an_unknown_precision_is_refused(given):
    with pytest.raises(DeviceError, match="expected float32, bfloat16, float16"):
        choose_dtype(torch.device("cpu"), given)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated 5 GB)"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), True),
        (MemoryError(), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_full_memory_is_told_from_other_errors(error, expected):
    assert is_out_of_memory(error) is expected


@pytest.mark.parametrize(
    ("able", "expected"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True, "avx512_bf16": False}, torch.bfloat16),
        ({"avx512_f": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_a_refiner_computes_in_bfloat16_where_the_processor_can(
    able, expected, monkeypatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    assert choose_refiner_dtype(torch.device("cpu")) == expected
    assert choose_refiner_dtype(torch.device("cpu"), "float32") == torch.float32
    assert choose_refiner_dtype(torch.device("mps")) == torch.float32


def test_a_torch_that_does_not_tell_its_processor_computes_in_float32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert choose_refiner_dtype(torch.device("cpu")) == torch.float32
