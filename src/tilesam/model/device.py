"""Which device computes, in which precision, and what it says when memory runs out."""

from __future__ import annotations

import torch

from tilesam.errors import DeviceError

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
        is_native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if is_native else torch.float16
    chosen = DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if chosen is None or chosen not in DTYPES.values():
        raise DeviceError(
            f"the precision is {str(dtype)!r}; expected {', '.join(DTYPES)}; "
            "leave it out to have the best one for the device"
        )
    return chosen


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
