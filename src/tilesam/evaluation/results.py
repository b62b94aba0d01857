"""Results of single images, kept so that a run which was stopped goes on.

A result is known by the pixels, the labels, who was asked and how: change any of them
and it is made again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.writing import written_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tilesam.training.datasets import Sample

VERSION = 3
"""Of what is measured; raise it when equal settings come to other figures."""


def key_of(sample: Sample, settings: Mapping[str, Any]) -> str:
    """Return the name of a result.

    Parameters
    ----------
    sample
        The image, its labels, its name and its domain.
    settings
        Plain values: the protocol, its settings, and who is asked.
    """
    digest = hashlib.sha256()
    plain = {"version": VERSION, **settings, "domain": sample.domain}
    plain["name"] = sample.name
    digest.update(json.dumps(plain, sort_keys=True).encode())
    for array in (sample.image, sample.label_layers):
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class KeptResults:
    """A folder with a file for each result; without a folder nothing is kept."""

    folder: Path | None = None

    def read(self, key: str) -> dict[str, Any] | None:
        """Return a result, or None if it is not there or damaged."""
        if self.folder is None:
            return None
        try:
            text = self._file(self.folder, key).read_text(encoding="utf-8")
            result = json.loads(text)
        except (OSError, ValueError):
            return None
        return result if isinstance(result, dict) else None

    def write(self, key: str, result: Mapping[str, Any]) -> None:
        """Keep a result.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        if self.folder is None:
            return
        with written_whole(self._file(self.folder, key)) as partial:
            partial.write_text(json.dumps(result), encoding="utf-8")

    @staticmethod
    def _file(folder: Path, key: str) -> Path:
        return folder / f"{key[:32]}.json"
