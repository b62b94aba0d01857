from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
import zarr
from numpy.testing import assert_array_equal

from tests.engine.export.segmentations import disks, from_crops
from tilesam import OutputError, Window
from tilesam.export.segmentations import require_output, write_segmentation
from tilesam.image import open_image
from tilesam.testing.image_files import write_ome_zarr

WHOLE = Window(0, 0, 300, 400)
NAMES = ("a.ome.zarr", "a.ZARR", "a.geojson", "a.json", "a.tif", "a.TIFF", "a.csv")


@pytest.mark.parametrize("name", NAMES)
def test_the_suffix_chooses_the_format(tmp_path, name):
    path = write_segmentation(str(tmp_path / "new" / name), disks(7))
    assert path == tmp_path / "new" / name
    assert [p.name for p in path.parent.iterdir()] == [name]
    if path.suffix.lower() == ".zarr":
        assert open_image(path).hw == (300, 400)
    elif path.suffix.lower() in (".tif", ".tiff"):
        assert_array_equal(tifffile.imread(path), disks(7).labels())
    elif path.suffix == ".csv":
        assert len(path.read_text().splitlines()) == 8
    else:
        members = {".geojson": "features", ".json": "annotations"}
        assert len(json.loads(path.read_text())[members[path.suffix]]) == 7


@pytest.mark.parametrize("name", NAMES)
def test_nothing_found_is_written_too_and_takes_the_place_of_more(tmp_path, name):
    path = tmp_path / name
    write_segmentation(path, disks(50))
    write_segmentation(path, from_crops([], [], (300, 400)))
    assert [p.name for p in tmp_path.iterdir()] == [name]
    if path.suffix.lower() in (".zarr", ".tif", ".tiff"):
        assert not open_image(path).read_resampled(WHOLE, (30, 40)).any()
    else:
        assert "50" not in path.read_text()


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.json.gz", ".csv"])
def test_an_unknown_suffix_is_told_the_known_ones(tmp_path, name):
    with pytest.raises(OutputError, match=r"suffix .* expected \.ome\.zarr .*\.csv"):
        write_segmentation(tmp_path / name, disks(1))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_the_old_file_stays_when_writing_fails(tmp_path, name):
    path = tmp_path / name
    write_segmentation(path, disks(5))
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    class Failing:
        """Has no more to say as soon as the first lines are written."""

        def __init__(self, segmentation):
            self.segmentation, self.asked = segmentation, set()

        def __getattr__(self, attribute):
            if attribute in self.asked & {"table"} | {"masks", "labels"}:
                raise OSError(28, "No space left on device")
            self.asked.add(attribute)
            return getattr(self.segmentation, attribute)

    with pytest.raises(OutputError, match="No space left on device"):
        write_segmentation(path, Failing(disks(6)))
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("name", NAMES)
def test_a_file_in_the_place_of_a_folder_is_told_before_work_begins(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write into .*file is a file"):
        require_output(tmp_path / "file" / name)


def test_a_folder_in_the_place_of_a_file_and_the_reverse(tmp_path):
    (tmp_path / "a.csv").mkdir()
    (tmp_path / "a.zarr").write_text("")
    with pytest.raises(OutputError, match=r"a\.csv: it is a folder"):
        require_output(tmp_path / "a.csv")
    with pytest.raises(OutputError, match=r"a\.zarr: it is a file"):
        require_output(tmp_path / "a.zarr")


def test_an_image_or_other_data_are_never_replaced(tmp_path):
    write_ome_zarr(tmp_path / "image.zarr", np.zeros((300, 400), np.uint8))
    zarr.create_array(tmp_path / "array.zarr", shape=(3,), dtype="u1")
    (tmp_path / "notes.zarr").mkdir()
    (tmp_path / "notes.zarr" / "text").write_text("precious")
    for name in ("image", "array", "notes"):
        with pytest.raises(OutputError, match=f"{name}.zarr: .* holds no label image"):
            write_segmentation(tmp_path / f"{name}.zarr", disks(1))
    (tmp_path / "empty.zarr").mkdir()
    write_segmentation(tmp_path / "empty.zarr", disks(1))


@pytest.mark.parametrize("name", ["image.tif", "image.zarr"])
def test_the_image_itself_is_never_written_over(tmp_path, name):
    path = tmp_path / name
    write_segmentation(path, disks(1))
    with pytest.raises(OutputError, match="is the image itself"):
        require_output(tmp_path / "." / name, image=str(path))


def test_a_name_without_suffix_among_the_labels_of_an_image(tmp_path):
    image = tmp_path / "i.ome.zarr"
    write_ome_zarr(image, np.zeros((300, 400), np.uint8))
    path = write_segmentation(image / "labels" / "nuclei", disks(3), image=image)
    group = zarr.open_group(image / "labels", mode="r")
    assert group.attrs["ome"]["labels"] == ["nuclei"]
    assert open_image(path).hw == (300, 400)
    with pytest.raises(OutputError, match=r"has \(300, 400\) pixels"):
        require_output(image / "labels" / "b", image_hw=(300, 401))
    with pytest.raises(OutputError, match="suffix ''"):
        require_output(tmp_path / "labels" / "nuclei")
