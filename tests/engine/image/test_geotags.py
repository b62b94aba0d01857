from __future__ import annotations

import numpy as np
import pytest
import tifffile

from tilesam.image import GeoReference, open_image
from tilesam.image.georeference import georeference_of
from tilesam.image.geotags import geotiff_tags
from tilesam.testing.image_files import write_geotiff

STRAIGHT = (0.5, 0.0, 400_000.25, 0.0, -0.5, 5_650_000.75)
TURNED = (0.3, 0.1, 400_000.0, 0.1, -0.3, 5_650_000.0)
SOUTH_UP = (2.0, 0.0, -100.0, 0.0, 2.0, 50.0)

# A transverse Mercator with numbers and a name of its own, as surveyors write it.
OWN_SYSTEM = {
    34735: (
        *(1, 1, 0, 5),
        *(1024, 0, 1, 1),
        *(1025, 0, 1, 2),
        *(1026, 34737, 9, 0),
        *(3072, 0, 1, 32767),
        *(3080, 34736, 1, 0),
    ),
    34736: (10.5,),
    34737: "our grid|",
}


def copied(folder, georeference, **options):
    path = folder / "copy.tif"
    tags = geotiff_tags(georeference, **options)
    tifffile.imwrite(path, np.ones((5, 6), np.uint32), extratags=tags, metadata=None)
    return path


@pytest.mark.parametrize("transform", [STRAIGHT, TURNED, SOUTH_UP])
@pytest.mark.parametrize("crs", ["EPSG:25832", "EPSG:3857", "EPSG:4326", None])
def test_a_georeference_made_by_hand_is_read_as_it_was(tmp_path, transform, crs):
    place = GeoReference(transform, crs)
    assert open_image(copied(tmp_path, place)).georeference == place


def test_no_data_is_that_of_the_new_image(tmp_path):
    path = copied(tmp_path, GeoReference(STRAIGHT, nodata=-9999.0), nodata=0)
    assert open_image(path).georeference.nodata == 0
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].tags[42113].value == "0"


@pytest.mark.parametrize("is_point", [False, True])
def test_the_place_of_a_file_goes_on_to_the_next(tmp_path, is_point):
    write_geotiff(
        tmp_path / "a.tif",
        np.zeros((40, 50), np.uint8),
        transform=STRAIGHT,
        epsg=25832,
        is_point=is_point,
    )
    place = open_image(tmp_path / "a.tif").georeference
    found = open_image(copied(tmp_path, place)).georeference
    assert found.transform == pytest.approx(STRAIGHT, abs=1e-9)
    assert found.crs == "EPSG:25832"


@pytest.mark.parametrize(("key", "model"), [(2048, 2), (3072, 1)])
def test_degrees_stay_degrees_whatever_the_code(tmp_path, key, model):
    directory = (1, 1, 0, 2, 1024, 0, 1, model, key, 0, 1, 7844)
    tags = {33550: (1, 1, 0), 33922: (0,) * 6, 34735: directory}
    with tifffile.TiffFile(copied(tmp_path, georeference_of(tags))) as file:
        found = file.pages[0].tags[34735].value
    assert found == (1, 1, 0, 3, 1024, 0, 1, model, 1025, 0, 1, 1, key, 0, 1, 7844)


def test_a_system_without_a_code_is_handed_on_in_full(tmp_path):
    place = georeference_of({33550: (2, 2, 0), 33922: (0,) * 6, **OWN_SYSTEM})
    assert place.crs is None
    path = copied(tmp_path, place)
    with tifffile.TiffFile(path) as file:
        tags = {tag.code: tag.value for tag in file.pages[0].tags.values()}
    assert tags[34737].rstrip("\0") == "our grid|"
    expected = list(OWN_SYSTEM[34735])
    expected[11] = 1  # places are of corners now
    assert tags[34735] == tuple(expected)
    again = open_image(path).georeference
    assert (again.keys.doubles, again.keys.text) == ((10.5,), "our grid|")
    assert again.transform == place.transform == (2, 0, -1, 0, -2, 1)
