"""Freed memory comes back without the kernel, in a process that asked for it."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from tilesam.model import memory

# Page faults of the second of two allocations of 64 MiB, in a process of its own.
PROGRAM = """
import ctypes, resource
from tilesam.model.memory import keep_freed_memory

took_effect = keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = libc.malloc(64 * 2**20)
    ctypes.memset(block, 1, 64 * 2**20)
    libc.free(block)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(took_effect, faults)
"""

needs_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another C library"
)


def run(monkeypatch: pytest.MonkeyPatch, value: str) -> tuple[bool, int]:
    monkeypatch.setenv(memory.VARIABLE, value)
    command = [sys.executable, "-c", PROGRAM]
    took_effect, faults = subprocess.check_output(command, text=True).split()
    return took_effect == "True", int(faults)


@needs_glibc
def test_a_freed_block_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    took_effect, faults = run(monkeypatch, "1")
    assert took_effect
    assert faults < 100  # of 16,384 pages


@needs_glibc
def test_the_environment_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    took_effect, _ = run(monkeypatch, "0")
    assert not took_effect


def test_without_glibc_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _name: object())
    assert not memory.keep_freed_memory()
