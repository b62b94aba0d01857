"""How many threads of the CPU torch computes with."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


@contextmanager
def limited_torch_threads(count: int | None) -> Iterator[None]:
    """Have torch compute with so many threads of the CPU while the block runs."""
    before = torch.get_num_threads()
    if count is None or count == before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def sparing_a_core() -> AbstractContextManager[None]:
    """Have torch leave one core to others while the block runs, if it has several.

    The threads of one computation wait for each other many times in a mask. Where a
    window is drawn at the same time one of them stands still, and all the others with
    it: with two cores, two threads took 1.6 times as long for an answer as one.
    """
    return limited_torch_threads(max(1, torch.get_num_threads() - 1))
