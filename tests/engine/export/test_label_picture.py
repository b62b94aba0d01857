from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.engine.everything.scenes import LENIENT, discs, tile_masks
from tilesam.errors import OutputError
from tilesam.everything.resolve import resolve
from tilesam.everything.segmentation import Segmentation
from tilesam.export.colors import color_of
from tilesam.export.label_picture import draw_segmentation
from tilesam.export.segmentations import write_segmentation
from tilesam.image import open_image
from tilesam.tiling import Grid
from tilesam.types import Window

HW = (60, 90)
LABELS = discs(HW, [(20, 20, 12), (40, 65, 15)])
GREY = np.full((*HW, 3), 100, np.uint8)


@pytest.fixture
def found() -> Segmentation:
    grid = Grid(HW, 128)
    return resolve([tile_masks([LABELS], grid, grid.coverage(0)[0])], HW, LENIENT)


def test_every_object_has_its_color_and_an_outline(found: Segmentation) -> None:
    picture = np.asarray(draw_segmentation(found, open_image(GREY)))
    factor = 1024 // 90
    assert picture.shape == (60 * factor, 90 * factor, 3)
    middle = factor // 2
    for y, x in ((20, 20), (40, 65)):
        label = int(found.labels()[y, x])
        color = np.array(color_of(label)[:3])
        tinted = picture[y * factor + middle, x * factor + middle]
        np.testing.assert_array_equal(tinted, np.rint(100 + (color - 100) * 0.35))
        on_edge = (picture == color).all(axis=-1)
        assert 50 < on_edge.sum() < (LABELS > 0).sum() * factor**2 / 4
    assert picture[0, -1].tolist() == [100, 100, 100]


def test_a_large_region_is_made_smaller(
    found: Segmentation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tilesam.export.overlay.LARGEST_SIDE", 30)
    monkeypatch.setattr("tilesam.export.label_picture.SMALLEST_SIDE", 30)
    monkeypatch.setattr("tilesam.export.label_picture.ROWS_AT_ONCE", 7)
    picture = np.asarray(draw_segmentation(found, open_image(GREY)))
    assert picture.shape == (20, 30, 3)
    is_object = (picture != 100).any(axis=-1)
    np.testing.assert_array_equal(is_object, LABELS[1::3, 1::3] > 0)


def test_a_part_of_the_image(found: Segmentation) -> None:
    region = Window(25, 50, 30, 30)
    picture = draw_segmentation(found, open_image(GREY), region)
    assert picture.size == (30 * 34, 30 * 34)
    assert (np.asarray(picture)[510, 510] != 100).any()


def test_as_a_file(found: Segmentation, tmp_path: Path) -> None:
    path = tmp_path / "objects.png"
    with pytest.raises(OutputError, match="source="):
        write_segmentation(path, found)
    assert list(tmp_path.iterdir()) == []
    write_segmentation(path, found, source=open_image(GREY))
    with Image.open(path) as picture:
        assert picture.size == (990, 660)
