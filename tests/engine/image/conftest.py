from __future__ import annotations

import numpy as np
import pytest

from tilesam import Window


class RecordingArray:
    """An array that remembers which part was asked for, and can fail."""

    def __init__(self, array, chunks=None):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        if chunks is not None:
            self.chunks = chunks
        self.keys = []
        self.failures = 0

    def __getitem__(self, key):
        self.keys.append(key)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the line is dead")
        return self.array[key]

    def sizes(self):
        return [self.array[key].size for key in self.keys]

    def touched(self):
        mask = np.zeros(self.shape, bool)
        for key in self.keys:
            mask[key] = True
        return mask


@pytest.fixture(scope="session")
def record():
    return RecordingArray


@pytest.fixture(scope="session")
def whole():
    def read(source):
        return source.read_window(Window(0, 0, *source.hw))

    return read


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("tilesam.image.retrying.PAUSES", (0, 0))
