from __future__ import annotations

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image

from tilesam import ImageError, Window
from tilesam.image import Normalization, open_image

FINITE = st.floats(allow_nan=False, allow_infinity=False)
PAIRS = st.tuples(FINITE, FINITE).filter(lambda pair: pair[0] < pair[1])


@given(st.none() | st.lists(PAIRS, min_size=1, max_size=3).map(tuple))
def test_a_normalisation_survives_json(limits):
    normalization = Normalization(limits)
    read_back = Normalization.from_plain(
        json.loads(json.dumps(normalization.to_plain()))
    )
    assert read_back == normalization


@pytest.mark.parametrize(
    "plain",
    [
        None,
        {},
        [],
        {"limits": []},
        {"limits": [0, 1]},
        {"limits": 3},
        {"limits": [[1, 0]]},
    ],
)
def test_other_records_are_no_normalisation(plain):
    with pytest.raises(ImageError):
        Normalization.from_plain(plain)


def test_limits_fixed_earlier_are_used_as_they_are():
    image = np.arange(100, dtype=np.uint16).reshape(10, 10)
    fixed = Normalization(((0.0, 510.0),))
    source = open_image(image, normalization=fixed)
    assert source.normalization == fixed
    assert source.read_window(Window(9, 9, 1, 1)).max() == 50


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalization": Normalization(((0, 1), (0, 1)))}, "expected"),
        ({"normalization": Normalization(None)}, "not of 8 bits"),
        (
            {"normalization": Normalization(((0, 1),)), "contrast_limits": (0, 1)},
            "both contrast_limits and normalization",
        ),
        ({"cache_bytes": -1}, "cache_bytes is -1"),
        ({"cache_bytes": 1.5}, "cache_bytes is 1.5"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ImageError, match=message):
        open_image(np.zeros((5, 5), np.uint16), **options)


def test_the_identity_tells_images_apart():
    image = np.zeros((5, 6, 4), ">u2")
    identity = open_image(image, channels=(3, 1)).identity
    assert (identity.hw, identity.dtype, identity.channel_count) == (
        (5, 6),
        "uint16",
        4,
    )
    assert open_image(np.zeros((5, 6), bool)).identity.channel_count == 1


@pytest.mark.parametrize("kind", ["array", "levels", "chunks", "dask"])
def test_arrays_travel_with_their_options_and_limits(kind, record, whole):
    image = np.random.default_rng(0).normal(size=(3, 5, 60, 50))
    options = {"plane": 4, "channel_axis": 0, "channels": (2, 0)}
    given_image = image
    if kind == "levels":
        given_image = [image, image[..., ::2, ::2]]
    elif kind == "chunks":
        given_image = record(image, (1, 1, 32, 32))
    elif kind == "dask":
        given_image = pytest.importorskip("dask.array").from_array(image, chunks=20)
    source = open_image(given_image, **options)
    whole(source)
    pickler = pytest.importorskip("cloudpickle") if kind == "chunks" else pickle
    copy = pickle.loads(pickler.dumps(source))
    assert copy.normalization == source.normalization
    assert len(copy.levels) == len(source.levels)
    assert_array_equal(whole(copy), whole(source))


def test_pictures_travel_as_paths(tmp_path, whole):
    rgb = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    Image.fromarray(rgb).save(tmp_path / "a.png")
    travelling = pickle.dumps(open_image(tmp_path / "a.png"))
    assert len(travelling) < 2000
    assert_array_equal(whole(pickle.loads(travelling)), rgb)


def test_transparent_pixels_are_not_valid(tmp_path):
    rgba = np.full((40, 50, 4), 255, np.uint8)
    rgba[:10, :, 3], rgba[10:20, :, 3] = 0, 1
    Image.fromarray(rgba).save(tmp_path / "a.png")
    for image in (rgba, tmp_path / "a.png"):
        source = open_image(image)
        assert source.valid_fraction(Window(0, 0, 20, 50)) == 0.5
        assert source.valid_fraction(Window(0, 0, 50, 60)) == 0.75
        assert source.read_window(Window(0, 0, 20, 50)).shape == (20, 50, 3)


def test_four_channels_of_which_the_user_chose_have_no_alpha():
    source = open_image(np.zeros((40, 50, 4), np.uint8), channels=(0, 1, 2))
    assert source.valid_fraction(Window(0, 0, 40, 50)) == 1


def test_what_is_valid_is_judged_on_a_level_that_shows_enough(record):
    rgba = np.full((4096, 4096, 4), 255, np.uint8)
    rgba[:1024, :, 3] = 0
    levels = [record(rgba[::n, ::n]) for n in (1, 2, 4, 8)]
    source = open_image(levels)
    assert source.valid_fraction(Window(0, 0, 4096, 4096)) == 0.75
    assert [len(level.keys) > 0 for level in levels] == [False, False, True, False]
    assert source.valid_fraction(Window(0, 0, 1025, 10)) == 1 / 1025


def test_a_window_elsewhere_has_no_valid_fraction():
    with pytest.raises(ImageError, match="not inside"):
        open_image(np.zeros((4, 5))).valid_fraction(Window(4, 0, 2, 2))


def test_an_array_on_a_cluster_is_asked_of_it(whole):
    distributed = pytest.importorskip("distributed")
    import dask.array as da

    image = np.random.default_rng(0).integers(0, 256, (60, 50, 3), np.uint8)
    lazy = da.from_array(image, chunks=(20, 20, 3))
    with distributed.Client(processes=False, dashboard_address=None) as client:
        assert_array_equal(whole(open_image(client.persist(lazy))), image)


def test_a_local_array_is_computed_here_though_there_is_a_cluster(whole):
    distributed = pytest.importorskip("distributed")
    import dask.array as da

    def make(block):
        try:
            distributed.get_worker()
        except ValueError:
            return block
        return block * 0

    image = np.random.default_rng(0).integers(0, 256, (60, 50, 3), np.uint8)
    lazy = da.from_array(image, chunks=(20, 20, 3)).map_blocks(make, dtype=np.uint8)
    with distributed.Client(processes=False, dashboard_address=None):
        assert_array_equal(whole(open_image(lazy)), image)


def test_opening_an_array_loads_neither_torch_nor_zarr():
    code = (
        "import sys, numpy; from tilesam.image import open_image; "
        "open_image(numpy.zeros((9, 9))); "
        "print({'torch', 'zarr', 'dask', 'tifffile', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
