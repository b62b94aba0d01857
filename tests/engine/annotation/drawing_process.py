"""A process that accepts objects until it is killed; run as a script.

It goes on with a session whose labels are a zarr array, and prints the number of each
object after it was accepted. What each object is follows from its number.
"""

from __future__ import annotations

import sys

import numpy as np

from tests.engine.annotation.making import build_candidate, noon
from tilesam.annotation import (
    ArrayTarget,
    ObjectLabels,
    SessionFile,
    objects_without_masks,
    open_label_array,
    replay,
)
from tilesam.annotation.document import LabelsRecord, SessionDocument

SHAPE = (64, 64)
SAVED_EVERY = 7


def mask_of(number: int):
    """Return the mask of an object, and where it is."""
    chance = np.random.default_rng(number)
    offset_yx = tuple(chance.integers(0, 40, 2).tolist())
    return chance.random((20, 20)) < 0.5, offset_yx


def meant(count: int) -> np.ndarray:
    """Return labels with so many objects, each over all before it."""
    labels = np.zeros(SHAPE, np.uint32)
    for number in range(1, count + 1):
        mask, (y, x) = mask_of(number)
        labels[y : y + 20, x : x + 20][mask] = number
    return labels


def draw(path: str) -> None:
    """Accept object after object, and save every now and then."""
    with SessionFile.open(path) as file:
        document = file.loaded.document
        target = ArrayTarget(open_label_array(document.labels))
        history = replay(file.loaded, target).history
        history.record = file.record
        objects = ObjectLabels(target, history.rows, policy="overwrite")
        while True:
            number = history.rows.next_label
            history.do(objects.accept(build_candidate(*mask_of(number)), clock=noon))
            print(number, flush=True)  # noqa: T201
            if number % SAVED_EVERY == 0:
                file.save(saved(document, history.rows))


def saved(document: SessionDocument, rows) -> SessionDocument:
    """Return the document of now."""
    from dataclasses import replace

    labels = LabelsRecord(SHAPE, path=document.labels.path)
    return replace(document, objects=objects_without_masks(rows), labels=labels)


if __name__ == "__main__":
    draw(sys.argv[1])
