"""Which device computes, in which precision, and what it says when memory runs out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tilesam.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
"""Precisions in which the image encoder can run."""

_MEMORY_COMPLAINTS = ("out of memory", "can't allocate memory", "not enough memory")


def available_devices() -> list[str]:
    """Return the names of the devices of this machine, the best one first."""
    devices = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]


def choose_device(device: str | torch.device | None = None) -> torch.device:
    """Return the device that was asked for, or the best one there is.

    Parameters
    ----------
    device
        `"cuda"`, `"cuda:1"`, `"mps"`, `"cpu"`; None chooses CUDA before MPS before
        the CPU.

    Raises
    ------
    DeviceError
        If there is no such device; the message names those that exist.
    """
    existing = available_devices()
    if device is None:
        return torch.device(existing[0])
    try:
        wanted = torch.device(device)
    except (RuntimeError, TypeError):
        wanted = None
    name = None if wanted is None else _full_name(wanted)
    if name not in existing:
        raise DeviceError(
            f"the device is {str(device)!r}; this machine has {', '.join(existing)}; "
            "choose one of these, or none to have the first"
        )
    return torch.device(name)


def _full_name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"cuda:{device.index or 0}"
    return device.type


def choose_dtype(
    device: torch.device, dtype: str | torch.dtype | None = None
) -> torch.dtype:
    """Return the precision that was asked for, or the fastest one that is safe.

    Parameters
    ----------
    device
        Where the network runs.
    dtype
        `"float32"`, `"bfloat16"`, `"float16"` or the torch type. None is bfloat16 on
        GPUs that compute in it, float16 on older ones, float32 on MPS and the CPU.

    Raises
    ------
    DeviceError
        If it is none of these.
    """
    if dtype is None:
        if device.type != "cuda":
            return torch.float32
        return torch.bfloat16 if computes_in_bfloat16(device) else torch.float16
    chosen = DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if chosen is None or chosen not in DTYPES.values():
        raise DeviceError(
            f"the precision is {str(dtype)!r}; expected {', '.join(DTYPES)}; "
            "leave it out to have the best one for the device"
        )
    return chosen


def choose_refiner_dtype(
    device: torch.device, dtype: str | torch.dtype | None = None
) -> torch.dtype:
    """Return the precision of the refiner: what was asked for, or the fastest safe one.

    It was trained in bfloat16 and sees regions of a few hundred pixels, so that it
    loses nothing by it; a processor that computes in it takes two thirds of the time.

    Parameters
    ----------
    device, dtype
        See `choose_dtype`; None is bfloat16 on GPUs and processors that compute in it,
        else float32.

    Raises
    ------
    DeviceError
        If it is no precision.
    """
    if dtype is not None:
        return choose_dtype(device, dtype)
    return torch.bfloat16 if computes_in_bfloat16(device) else torch.float32


def computes_in_bfloat16(device: torch.device) -> bool:
    """Return whether a device has instructions for it, and need not emulate it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    # Older versions of torch do not tell.
    tell: Callable[[], Mapping[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
    able = tell()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of torch means that the device's memory is full."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # MPS and the CPU's allocator raise plain RuntimeErrors.
    message = str(error).lower()
    is_complaint = any(complaint in message for complaint in _MEMORY_COMPLAINTS)
    return isinstance(error, RuntimeError) and is_complaint


def release_cached_memory(device: torch.device) -> None:
    """Give memory that torch keeps for later back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
