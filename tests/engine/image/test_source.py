from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tilesam import ImageError, Window
from tilesam.image import open_image

RNG_SEED = 7


def whole(image, **options):
    source = open_image(image, **options)
    height, width = source.hw
    return source.read_window(Window(0, 0, height, width))


@pytest.fixture
def rgb():
    return np.random.default_rng(RNG_SEED).integers(0, 256, (30, 40, 3), np.uint8)


def test_8_bit_rgb_is_taken_as_it_is(rgb):
    assert_array_equal(whole(rgb), rgb)


def test_a_window_is_a_view_of_8_bit_rgb_and_never_a_copy(rgb):
    window = open_image(rgb).read_window(Window(3, 5, 10, 12))
    assert_array_equal(window, rgb[3:13, 5:17])
    assert np.shares_memory(window, rgb)


def test_alpha_of_8_bit_rgba_is_left_out(rgb):
    rgba = np.concatenate([rgb, np.full((30, 40, 1), 9, np.uint8)], axis=-1)
    assert_array_equal(whole(rgba), rgb)


def test_grey_is_repeated_in_three_channels():
    image = np.array([[0, 100], [200, 50]], np.uint8)
    seen = whole(image, contrast_limits=(0, 200))
    assert_array_equal(seen[..., 0], [[0, 128], [255, 64]])
    assert_array_equal(seen[..., 1], seen[..., 0])
    assert_array_equal(seen[..., 2], seen[..., 0])


def test_a_last_axis_of_one_is_a_grey_image(rgb):
    assert_array_equal(whole(rgb[..., :1]), whole(rgb[..., 0]))


def test_two_channels_are_red_and_green():
    image = np.zeros((4, 5, 2), np.uint16)
    image[..., 0], image[2:, :, 1] = 7, 1000
    seen = whole(image, contrast_limits=[(0, 7), (0, 1000)])
    assert_array_equal(seen[0, 0], [255, 0, 0])
    assert_array_equal(seen[3, 0], [255, 255, 0])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_channels_are_chosen_from_many_along_any_axis(axis):
    image = np.zeros((6, 8, 7), np.uint8)
    image[..., 5], image[..., 1] = 50, 10
    moved = np.moveaxis(image, -1, axis)
    seen = whole(moved, channel_axis=axis, channels=(5, 0, 1))
    assert seen.shape == (6, 8, 3)
    assert_array_equal(seen[0, 0], [50, 0, 10])


def test_one_channel_of_a_colour_image_may_be_given_as_a_number(rgb):
    assert_array_equal(whole(rgb, channels=1), whole(rgb[..., 1]))


def test_limits_are_those_of_the_whole_image_in_every_window():
    image = np.linspace(0, 1000, 200 * 300).reshape(200, 300).astype(np.float32)
    source = open_image(image)
    all_at_once = source.read_window(Window(0, 0, 200, 300))
    part = source.read_window(Window(50, 60, 17, 23))
    assert_array_equal(part, all_at_once[50:67, 60:83])


@pytest.mark.parametrize("image_hw", [(100, 100), (1500, 1300)])
def test_limits_are_the_percentiles_of_the_values(image_hw):
    height, width = image_hw
    ramp = np.linspace(0, 1000, height * width).reshape(image_hw)
    ((low, high),) = open_image(ramp).normalization.limits
    assert low == pytest.approx(1, abs=0.5)
    assert high == pytest.approx(999, abs=0.5)


def test_opening_a_large_lazy_image_reads_only_a_bounded_sample():
    class Counting:
        shape, dtype, read = (100_000, 80_000), np.dtype(np.uint16), 0

        def __getitem__(self, key):
            rows, columns = (range(*part.indices(10**9)) for part in key)
            self.read += len(rows) * len(columns)
            return np.full((len(rows), len(columns)), rows[0] % 251, self.dtype)

    image = Counting()
    source = open_image(image)
    assert image.read <= 1024**2
    source.read_window(Window(5000, 6000, 64, 32))
    assert image.read <= 1024**2 + 64 * 32


@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 4, 5), (1, 2, 3, 4, 5)])
def test_other_than_two_or_three_dimensions_are_refused(shape):
    with pytest.raises(ImageError, match=rf"has {len(shape)} dimensions"):
        open_image(np.zeros(shape))


def test_a_stack_without_a_channel_axis_is_refused_with_advice():
    with pytest.raises(ImageError, match="one plane of a stack, or say channel_axis="):
        open_image(np.zeros((5, 60, 70), np.uint8))


def test_seven_channels_are_refused_until_some_are_chosen():
    image = np.zeros((20, 30, 7), np.uint8)
    with pytest.raises(ImageError, match=r"7 channels.*channels="):
        open_image(image, channel_axis=-1)
    assert whole(image, channel_axis=-1, channels=(6, 0)).shape == (20, 30, 3)


def test_four_channels_that_are_not_8_bit_are_no_rgba():
    with pytest.raises(ImageError, match="4 channels of type uint16"):
        open_image(np.zeros((20, 30, 4), np.uint16))


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (5, 5, 0)])
def test_an_image_without_pixels_is_refused(shape):
    with pytest.raises(ImageError, match="at least one pixel"):
        open_image(np.zeros(shape))


@pytest.mark.parametrize(
    "dtype", [np.complex64, "U3", "M8[s]", object, [("a", np.uint8)]]
)
def test_types_that_are_no_real_numbers_are_refused(dtype):
    with pytest.raises(ImageError, match="expected booleans, integers or real numbers"):
        open_image(np.zeros((4, 4), dtype))


def test_a_complex_image_is_refused_with_advice():
    with pytest.raises(ImageError, match=r"complex128.*np\.abs"):
        open_image(np.zeros((4, 4), complex))


@pytest.mark.parametrize(
    "image",
    [None, 3, [[1, 2], [3]], "a" * 10],
    ids=["none", "number", "ragged", "path"],
)
def test_what_is_no_image_at_all_is_refused(image):
    with pytest.raises((ImageError, OSError)):
        open_image(image)


def test_boolean_is_black_and_white():
    image = np.eye(5, dtype=bool)
    assert_array_equal(whole(image)[..., 0], np.eye(5) * 255)


@pytest.mark.parametrize(
    "dtype",
    ["<i8", ">i8", "<u2", ">u2", ">f4", "<f8", "f2", ">i2", "u8", "i1", "g"],
)
def test_every_number_type_and_byte_order_maps_alike(dtype):
    values = np.arange(100, dtype=np.float64).reshape(10, 10)
    expected = whole(values, contrast_limits=(0, 99))
    assert_array_equal(whole(values.astype(dtype), contrast_limits=(0, 99)), expected)


def test_large_int64_keep_their_differences():
    image = np.array([[0, 1], [2, 3]], np.int64) * 2 + 2**52
    assert_array_equal(np.unique(whole(image)), [0, 85, 170, 255])


def test_negative_floats_are_stretched_like_others():
    ramp = np.linspace(0, 1, 2500).reshape(50, 50)
    assert_array_equal(whole(ramp * 8 - 5), whole(ramp))


@pytest.mark.parametrize("value", [0, 7, -3.5, 1e30, True])
def test_a_constant_image_is_black(value):
    constant = np.full((5, 6), value)
    expected = 255 if value is True else 0
    assert_array_equal(whole(constant), np.full((5, 6, 3), expected))


def test_one_pixel_is_an_image():
    assert_array_equal(whole(np.full((1, 1), 3.0)), np.zeros((1, 1, 3)))


def test_nan_is_black_and_infinity_is_the_nearest_limit():
    image = np.linspace(0, 1, 10_000).reshape(100, 100)
    image[0, :3] = np.nan, np.inf, -np.inf
    seen = whole(image)[..., 0]
    assert_array_equal(seen[0, :3], [0, 255, 0])
    assert seen[-1, -1] == 255


def test_an_image_of_nan_alone_is_refused():
    with pytest.raises(ImageError, match="holds no finite value"):
        open_image(np.full((9, 9), np.nan))


def test_a_few_hot_pixels_do_not_darken_the_rest():
    image = np.linspace(0, 100, 250_000).reshape(500, 500)
    image[3, 3] = 1e9
    assert whole(image)[-1, -1, 0] >= 254


def test_the_smallest_differences_of_float64_do_not_warn():
    image = np.array([[0.0, 5e-324], [5e-324, 0.0]])
    assert_array_equal(whole(image)[..., 0], [[0, 255], [255, 0]])


@pytest.mark.parametrize(
    "limits",
    [(1, 1), (2, 1), (0, np.nan), (0, np.inf), (1,), [(0, 1), (0, 1)], "ab", 5],
)
def test_contrast_limits_must_be_increasing_pairs(limits):
    with pytest.raises(ImageError, match="contrast_limits are"):
        open_image(np.zeros((4, 4)), contrast_limits=limits)


@pytest.mark.parametrize(
    "channels", [(), (0, 1, 2, 0), (3,), (-1,), 3, (0.5,), 0.5, "ab"]
)
def test_channels_must_be_one_to_three_that_exist(channels, rgb):
    with pytest.raises(ImageError, match="expected one to three numbers from 0 to 2"):
        open_image(rgb, channels=channels)


@pytest.mark.parametrize("axis", [3, -4, 1.5, "x"])
def test_the_channel_axis_must_exist(axis, rgb):
    with pytest.raises(ImageError, match="channel_axis is"):
        open_image(rgb, channel_axis=axis)


def test_a_grey_image_has_no_channel_axis():
    with pytest.raises(ImageError, match="channel_axis is 0"):
        open_image(np.zeros((4, 4)), channel_axis=0)


@pytest.mark.parametrize(
    "window",
    [
        Window(-1, 0, 5, 5),
        Window(0, 0, 31, 5),
        Window(0, 36, 5, 5),
        Window(2, 2, 0, 4),
    ],
)
def test_a_window_outside_of_the_image_is_refused(window, rgb):
    with pytest.raises(ImageError, match="not inside the image of 30 x 40"):
        open_image(rgb).read_window(window)


def test_a_dask_array_is_read_window_by_window():
    dask_array = pytest.importorskip("dask.array")
    image = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    lazy = dask_array.from_array(image, chunks=16)
    window = Window(10, 20, 30, 40)
    assert_array_equal(
        open_image(lazy).read_window(window), open_image(image).read_window(window)
    )
