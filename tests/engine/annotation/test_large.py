"""Labels of 100,000 x 100,000 pixels: no edit reads or writes beyond its box."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import zarr

from tests.engine.annotation.making import box, build_candidate, build_prompts
from tilesam.annotation import (
    ArrayTarget,
    Edit,
    EditHistory,
    ObjectLabels,
    ObjectRows,
    PixelChange,
    highest_label,
    location_of_array,
    new_label_array,
)
from tilesam.annotation.scanning import is_blank
from tilesam.errors import AnnotationError

SIDE = 100_000
BOX = (slice(70_000, 70_300), slice(20_000, 20_200))


@dataclass
class Spy:
    """Labels of which only one box may be touched."""

    shape: tuple[int, int] = (SIDE, SIDE)
    dtype: type = np.uint32
    box: np.ndarray = field(default_factory=lambda: np.zeros((300, 200), np.uint32))
    reads: int = 0
    written: int = 0

    def read(self, slices):
        places = tuple(
            slice(part.start - of.start, part.stop - of.start)
            for part, of in zip(slices, BOX, strict=True)
        )
        for place, length in zip(places, self.box.shape, strict=True):
            assert 0 <= place.start <= place.stop <= length
        self.reads += 1
        return self.box[places].copy()

    def write(self, indices, values):
        places = tuple(i - of.start for i, of in zip(indices, BOX, strict=True))
        for place, length in zip(places, self.box.shape, strict=True):
            assert place.min() >= 0
            assert place.max() < length
        self.written += len(values)
        self.box[places] = values


def test_edits_touch_nothing_but_their_box():
    spy, rows = Spy(), ObjectRows()
    objects, history = ObjectLabels(spy, rows), EditHistory(spy, rows)
    mask = np.zeros((300, 200), bool)
    mask[10:290, 10:190] = True
    candidate = build_candidate(mask, (BOX[0].start, BOX[1].start))
    history.do(objects.accept(candidate, build_prompts()))
    assert spy.reads == 1
    assert spy.written == mask.sum()
    history.do(objects.accept(box(300, 200, (BOX[0].start, BOX[1].start))))
    history.undo()
    history.redo()
    history.do(objects.relabel(1, 7))
    history.do(objects.delete(7))
    assert spy.reads == 4
    assert np.count_nonzero(spy.box) == 300 * 200 - mask.sum()
    while history.can_undo:
        history.undo()
    assert not spy.box.any()


@pytest.fixture
def labels(tmp_path):
    return new_label_array((SIDE, SIDE), path=tmp_path / "labels.zarr")


def test_a_huge_zarr_holds_only_the_chunks_of_its_objects(labels, tmp_path):
    assert highest_label(labels) == 0  # in no time, for it is blank
    rows = ObjectRows()
    target = ArrayTarget(labels)
    objects, history = ObjectLabels(target, rows), EditHistory(target, rows)
    history.do(objects.accept(box(100, 100, (90_000, 90_000)), build_prompts()))
    assert not is_blank(labels)
    assert labels.nchunks_initialized == 1
    assert (labels[90_000:90_100, 90_000:90_100] == 1).all()
    # A stroke from corner to corner is in few chunks, and so is its box in the history.
    line = np.linspace(0, SIDE - 1, 50).astype(np.int64)
    labels.set_coordinate_selection((line, line), 2)
    stroke = PixelChange((line, line), np.zeros(50, np.uint32), np.asarray(2))
    history.note(objects.drawn([stroke]))
    assert labels.nchunks_initialized <= 51
    with pytest.raises(AnnotationError, match="scan_labels in the background"):
        highest_label(labels)
    history.undo()
    assert labels.nchunks_initialized == 1
    history.undo()
    assert is_blank(labels)
    assert location_of_array(labels) == tmp_path / "labels.zarr"


def test_a_stroke_across_leaves_other_objects_to_find(labels):
    rows = ObjectRows()
    target = ArrayTarget(labels)
    history = EditHistory(target, rows)
    history.do(Edit((PixelChange(([5], [SIDE - 1]), np.zeros(1, np.uint32), 9),)))
    assert rows.next_label == 10


def test_labels_that_are_read_only_are_refused(labels, tmp_path):
    with pytest.raises(AnnotationError, match="opened for writing"):
        ArrayTarget(zarr.open_array(tmp_path / "labels.zarr", mode="r"))
