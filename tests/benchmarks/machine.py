"""What figures depend on: the processor, and the memory of this process."""

from __future__ import annotations

import platform
from contextlib import suppress
from pathlib import Path

import torch


def describe_machine(threads: int) -> dict[str, str | int]:
    """Return what the figures depend on."""
    processor = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        models = [line.split(":")[1] for line in lines if line.startswith("model name")]
        processor = models[0].strip() if models else processor
    return {
        "processor": processor,
        "threads": threads,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def reset_peak() -> None:
    """Forget the peak of resident memory so far, where Linux can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def resident_mib() -> float | None:
    """Return the resident memory in MiB, where Linux tells."""
    return _status_mib("VmRSS")


def peak_mib() -> float | None:
    """Return the peak of resident memory since `reset_peak` in MiB."""
    return _status_mib("VmHWM")


def _status_mib(field: str) -> float | None:
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        line = next(line for line in lines if line.startswith(field))
        return int(line.split()[1]) / 1024
    return None
