from __future__ import annotations

import functools
import http.server
import pickle
import shutil
import threading

import numpy as np
import pytest
import zarr
from numpy.testing import assert_array_equal

from tilesam import ImageError, ImageReadError, Window
from tilesam.image import open_image
from tilesam.testing.image_files import write_ome_zarr

LIMITS = (0, 255)
VERSIONS = pytest.mark.parametrize("version", ["0.4", "0.5"])


def random_image(shape, dtype=np.uint8):
    return np.random.default_rng(5).integers(0, 256, shape).astype(dtype)


@VERSIONS
@pytest.mark.parametrize(
    ("axes", "plane", "index"),
    [
        ("yx", None, ...),
        ("cyx", None, ...),
        ("zyx", 2, np.s_[2]),
        ("tyx", {"t": 1}, np.s_[1]),
        ("tczyx", None, np.s_[0, :, 0]),
        ("tczyx", {"z": 1, "t": 2}, np.s_[2, :, 1]),
        ("tczyx", (2, 1), np.s_[2, :, 1]),
    ],
)
def test_an_ome_zarr_is_read(tmp_path, version, axes, plane, index, whole):
    image = random_image((3,) * (len(axes) - 2) + (130, 100))
    levels = write_ome_zarr(tmp_path / "a.zarr", image, axes=axes, version=version)
    source = open_image(tmp_path / "a.zarr", plane=plane, contrast_limits=LIMITS)
    expected, coarse = image[index], levels[1][index]
    if "c" in axes:
        expected, coarse = (np.moveaxis(x, 0, -1) for x in (expected, coarse))
    else:
        expected, coarse = (x[..., None].repeat(3, -1) for x in (expected, coarse))
    assert_array_equal(whole(source), expected)
    half = source.read_resampled(Window(0, 0, 130, 100), (65, 50))
    assert_array_equal(half, coarse)


def test_the_identity_is_that_of_the_array(tmp_path):
    write_ome_zarr(
        tmp_path / "a.zarr", random_image((2, 90, 70), np.uint16), axes="cyx"
    )
    identity = open_image(tmp_path / "a.zarr").identity
    assert (identity.hw, identity.dtype, identity.channel_count) == (
        (90, 70),
        "uint16",
        2,
    )


def test_more_channels_than_can_be_shown_have_to_be_chosen(tmp_path, whole):
    image = random_image((5, 60, 70))
    write_ome_zarr(tmp_path / "a.zarr", image, axes="cyx")
    with pytest.raises(ImageError, match=r"5 channels.*choose"):
        open_image(tmp_path / "a.zarr")
    seen = whole(open_image(tmp_path / "a.zarr", channels=(4, 0, 2)))
    assert_array_equal(seen, np.moveaxis(image[[4, 0, 2]], 0, -1))


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_plain_array_is_read(tmp_path, zarr_format, whole):
    image = random_image((90, 70, 3))
    array = zarr.create_array(
        str(tmp_path / "a.zarr"),
        shape=image.shape,
        chunks=(32, 32, 3),
        dtype=image.dtype,
        zarr_format=zarr_format,
    )
    array[...] = image
    assert_array_equal(whole(open_image(tmp_path / "a.zarr")), image)
    assert_array_equal(whole(open_image(array)), image)


def test_names_of_dimensions_are_used(tmp_path, whole):
    image = random_image((6, 90, 70))
    array = zarr.create_array(
        str(tmp_path / "a.zarr"),
        shape=image.shape,
        chunks=(1, 32, 32),
        dtype=image.dtype,
        dimension_names=["z", "y", "x"],
    )
    array[...] = image
    seen = whole(
        open_image(tmp_path / "a.zarr", plane={"z": 4}, contrast_limits=LIMITS)
    )
    assert_array_equal(seen[..., 0], image[4])


def test_shards_are_read_by_their_chunks(tmp_path, whole):
    image = random_image((128, 128, 3))
    array = zarr.create_array(
        str(tmp_path / "a.zarr"),
        shape=image.shape,
        chunks=(16, 16, 3),
        shards=(64, 64, 3),
        dtype=image.dtype,
    )
    array[...] = image
    source = open_image(tmp_path / "a.zarr")
    assert_array_equal(source.read_window(Window(3, 5, 8, 8)), image[3:11, 5:13])
    assert source.levels[0].plane._cache.nbytes == 16 * 16 * 3


def test_the_first_image_of_a_converted_file_is_used(tmp_path, whole):
    image = random_image((60, 70))
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    group.attrs["bioformats2raw.layout"] = 3
    write_ome_zarr(tmp_path / "a.zarr" / "0", image, version="0.4")
    seen = whole(open_image(tmp_path / "a.zarr", contrast_limits=LIMITS))
    assert_array_equal(seen[..., 0], image)


def test_axes_of_old_versions_are_understood(tmp_path):
    write_ome_zarr(
        tmp_path / "a.zarr", random_image((2, 3, 60, 70)), axes="zcyx", version="0.4"
    )
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="r+")
    multiscale = dict(group.attrs["multiscales"][0])
    group.attrs["multiscales"] = [{**multiscale, "axes": ["z", "c", "y", "x"]}]
    assert open_image(tmp_path / "a.zarr").channels == (0, 1, 2)
    del multiscale["axes"]
    group.attrs["multiscales"] = [multiscale]
    # Without names they are the last of t, c, z, y, x.
    source = open_image(tmp_path / "a.zarr", plane={"z": 1})
    assert source.channels == (0, 1)


def test_a_group_without_an_image_says_what_is_in_it(tmp_path):
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w")
    group.create_array("inner", shape=(4, 4), dtype="u1")
    with pytest.raises(ImageError, match=r"without an image of its own.*inner"):
        open_image(tmp_path / "a.zarr")
    assert open_image(tmp_path / "a.zarr" / "inner").hw == (4, 4)


def test_a_plate_names_the_images_of_its_wells(tmp_path):
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    group.attrs["plate"] = {"wells": [{"path": f"A/{n}"} for n in range(9)]}
    with pytest.raises(ImageError, match=r"A/0/0, A/1/0, .*\.\.\."):
        open_image(tmp_path / "a.zarr")


@VERSIONS
@pytest.mark.parametrize("damage", ["text", "level", "axes"])
def test_damaged_metadata_are_unreadable(tmp_path, version, damage):
    path = tmp_path / "a.zarr"
    write_ome_zarr(path, random_image((60, 70)), version=version)
    if damage == "text":
        record = path / ("zarr.json" if version == "0.5" else ".zattrs")
        record.write_text("{")
    elif damage == "level":
        shutil.rmtree(path / "1")
    else:
        group = zarr.open_group(str(path), mode="r+")
        attributes = group.attrs.asdict()
        (attributes.get("ome") or attributes)["multiscales"][0]["axes"] = [
            {"unit": "m"}
        ] * 2
        group.attrs.update(attributes)
    with pytest.raises(ImageReadError, match=r"a\.zarr cannot be read") as caught:
        open_image(path)
    assert "\n" not in str(caught.value)


def test_levels_that_are_not_smaller_are_refused(tmp_path):
    write_ome_zarr(tmp_path / "a.zarr", random_image((60, 70)), version="0.4")
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="r+")
    multiscale = dict(group.attrs["multiscales"][0])
    datasets = multiscale["datasets"]
    group.attrs["multiscales"] = [
        {**multiscale, "datasets": [datasets[0], *datasets[::-1]]}
    ]
    with pytest.raises(ImageError, match="level 2 of the image is not smaller"):
        open_image(tmp_path / "a.zarr")


def test_a_damaged_chunk_is_named(tmp_path):
    write_ome_zarr(tmp_path / "a.zarr", random_image((128, 192)))
    (tmp_path / "a.zarr" / "0" / "c" / "1" / "2").write_bytes(b"no pixels")
    source = open_image(tmp_path / "a.zarr", contrast_limits=LIMITS)
    source.read_window(Window(0, 0, 128, 128))
    with pytest.raises(ImageReadError, match=r"a\.zarr: level 0, chunk \(1, 2\)"):
        source.read_window(Window(0, 0, 128, 192))


def test_a_zarr_source_travels_as_its_path(tmp_path, whole):
    write_ome_zarr(tmp_path / "a.zarr", random_image((300, 400), np.uint16))
    source = open_image(tmp_path / "a.zarr")
    travelling = pickle.dumps(source)
    assert len(travelling) < 2000
    assert_array_equal(whole(pickle.loads(travelling)), whole(source))


class _Handler(http.server.SimpleHTTPRequestHandler):
    broken: tuple[str, ...] = ()
    failures = 0

    def do_GET(self):
        if _Handler.failures and self.path.endswith(_Handler.broken):
            _Handler.failures -= 1
            self.send_error(503)
            return
        super().do_GET()

    def log_message(self, *_):
        """Stay silent."""


@pytest.fixture
def remote(tmp_path):
    """Serve a folder, one chunk of which fails as often as a test says."""
    pytest.importorskip("aiohttp")
    handler = functools.partial(_Handler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        _Handler.broken, _Handler.failures = ("/0/c/1/2", "/0/1/2"), 0
        yield f"http://127.0.0.1:{server.server_address[1]}/a.zarr"
        server.shutdown()
        thread.join()


@VERSIONS
def test_an_image_elsewhere_is_read(tmp_path, remote, version, whole):
    image = random_image((128, 192))
    write_ome_zarr(tmp_path / "a.zarr", image, version=version)
    source = open_image(remote, contrast_limits=LIMITS)
    assert_array_equal(whole(source)[..., 0], image)
    assert pickle.loads(pickle.dumps(source)).identity == source.identity


@VERSIONS
def test_an_image_elsewhere_that_fails_in_the_middle(tmp_path, remote, version):
    image = random_image((128, 192))
    write_ome_zarr(tmp_path / "a.zarr", image, version=version)
    source = open_image(remote, contrast_limits=LIMITS)
    _Handler.failures = 2
    assert_array_equal(source.read_window(Window(0, 0, 128, 192))[..., 0], image)
    source = open_image(remote, contrast_limits=LIMITS)
    _Handler.failures = 3
    with pytest.raises(ImageReadError, match=r"a\.zarr: level 0, chunk \(1, 2\)"):
        source.read_window(Window(0, 0, 128, 192))
    assert_array_equal(source.read_window(Window(0, 0, 128, 192))[..., 0], image)
