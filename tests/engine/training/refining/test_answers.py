from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.engine.training.refining.squares import (
    HW,
    SQUARES,
    answers,
    model,
    names,
    sample,
)
from tilesam.errors import OutputError
from tilesam.training.augmentation import SMALLEST_PROMPTABLE_AREA
from tilesam.training.datasets import Sample
from tilesam.training.refining import answers as module
from tilesam.training.refining.answers import (
    DecoderAnswers,
    box_of,
    choose_objects,
    read_answers,
    unpack,
    write_answers,
)


def assert_same(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        for field in fields(one):
            assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def by_object(found):
    return {int(answer.object_id): answer for answer in found}


@pytest.fixture
def asked(monkeypatch):
    """Count the images that models embed."""
    count = []
    embed = type(model()).embed

    def counting(self, windows):
        count.append(len(windows))
        return embed(self, windows)

    monkeypatch.setattr(type(model()), "embed", counting)
    return count


def test_every_object_is_asked_about_on_itself():
    found = by_object(answers().of(0))
    assert sorted(found) == [1, 2]
    for number, answer in found.items():
        y0, x0, y1, x1 = SQUARES[number - 1]
        y, x = answer.point_yx
        assert y0 <= y < y1
        assert x0 <= x < x1
        assert answer.layer == 0


def test_masks_and_their_iou_by_counting():
    # In cells: 4 x 4; wider by one cell 4 x 4 + 4 * 4; narrower 2 x 2.
    first = by_object(answers().of(0))[1]
    assert [int((mask > 0).sum()) for mask in first.masks] == [32, 16, 4]
    assert_allclose(first.iou, [16 / 32, 1, 4 / 16])
    assert_array_equal(np.argwhere(first.masks[1] > 0).min(axis=0), [2, 2])
    assert_array_equal(unpack(first.masks[1]).unique(), [-4, 4])
    assert int((first.box_mask > 0).sum()) == 16


def test_padding_of_a_flat_image_does_not_count():
    # 32 x 64: the lower half of the logits is padding, where a wide mask has a row.
    flat = sample([(20, 8, 32, 24)], (32, 64))
    (answer,) = answers([flat]).of(0)
    # 3 x 4 cells; wider: 3 to either side, 4 above and 4 below, which are not seen.
    assert int((answer.masks[0] > 0).sum()) == 12 + 6 + 8
    assert answer.iou[0] == pytest.approx(12 / (12 + 6 + 4))


def test_a_click_beside_what_is_seen_finds_something_else():
    # The second square is dark in the image: what is answered there is the ground.
    picture = sample()
    image = picture.image.copy()
    image[36:56, 28:60] = image[0, 0]
    found = by_object(answers([replace(picture, image=image)]).of(0))
    assert found[2].iou[1] < 0.25
    assert found[1].iou[1] == 1


def test_equal_questions_have_equal_answers_whatever_was_asked_before():
    many = [sample(), sample([(4, 4, 24, 32)]), sample()]
    first, second = answers(many), answers(many)
    for index in (0, 1, 2):
        first.of(index)
    assert_same(second.of(2), first.of(2))
    assert first.of(1) is first.of(1)


def test_an_image_without_large_objects_has_no_answers(tmp_path, asked):
    small = int(SMALLEST_PROMPTABLE_AREA**0.5) - 1
    specks = sample([(8, 8, 8 + small, 8 + small)])
    for _ in range(2):
        assert answers([specks, sample([])], folder=tmp_path / "kept").of(0) == []
        assert answers([specks, sample([])], folder=tmp_path / "kept").of(1) == []
    assert not asked


def test_not_more_objects_are_asked_about_than_allowed():
    grid = [(y, x, y + 8, x + 8) for y in range(0, 64, 12) for x in range(0, 64, 12)]
    crowd = sample([square for square in grid if max(square) <= 64])
    assert len(answers([crowd], objects_per_image=7).of(0)) == 7
    everyone = answers([crowd], objects_per_image=100).of(0)
    assert len({int(a.object_id) for a in everyone}) == len(everyone) == 25


def test_answers_are_asked_once_and_then_kept(tmp_path, asked):
    folder = tmp_path / "new" / "kept"
    first = answers(folder=folder)
    fresh = first.of(0)
    assert asked == [1]
    first.of(0)
    kept = answers(folder=folder).of(0)
    assert asked == [1]
    assert_same(kept, fresh)
    assert_same(answers().of(0), fresh)
    assert len(names(folder)) == 1


def brighter(picture: Sample) -> Sample:
    return replace(picture, image=picture.image + np.uint8(1))


def relabelled(picture: Sample) -> Sample:
    layers = picture.label_layers.copy()
    layers[0, 40, 30] = 0
    return replace(picture, label_layers=layers)


def with_layer(picture: Sample) -> Sample:
    return replace(picture, label_layers=np.repeat(picture.label_layers, 2, axis=0))


@pytest.mark.parametrize("change", [brighter, relabelled, with_layer])
def test_another_image_or_other_labels_are_asked_about_again(change, tmp_path, asked):
    answers(folder=tmp_path).of(0)
    answers([change(sample())], folder=tmp_path).of(0)
    assert asked == [1, 1]
    assert len(names(tmp_path)) == 2


def test_other_weights_are_asked_again(tmp_path, asked):
    answers(folder=tmp_path).of(0)
    DecoderAnswers(model("1"), [sample()], folder=tmp_path).of(0)
    answers(folder=tmp_path, objects_per_image=1).of(0)
    assert asked == [1, 1, 1]
    answers(folder=tmp_path).of(0)
    assert asked == [1, 1, 1]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left")])
def test_a_killed_writing_leaves_nothing_half(error, tmp_path, monkeypatch, asked):
    def half(file, **_):
        file.write(b"PK\x03\x04 half")
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(module.np, "savez_compressed", half)
        expected = OutputError if isinstance(error, OSError) else error
        with pytest.raises(expected):
            answers(folder=tmp_path).of(0)
    assert names(tmp_path) == []
    assert len(answers(folder=tmp_path).of(0)) == 2
    assert asked == [1, 1]


def test_what_a_killed_process_left_is_not_read(tmp_path):
    answers(folder=tmp_path).of(0)
    (name,) = names(tmp_path)
    (tmp_path / name).rename(tmp_path / f"{name}.123.part")
    assert len(answers(folder=tmp_path).of(0)) == 2
    assert name in names(tmp_path)


def test_files_give_back_what_they_were_given(tmp_path):
    path = tmp_path / "a.npz"
    for given in (answers().of(0), []):
        write_answers(path, given)
        assert_same(read_answers(path), given)


def test_logits_are_kept_in_eighths_within_limits():
    import torch

    logits = torch.tensor([-100.0, -15.0, -0.06, 0.0, 0.3, 1.0, 7.77, 100.0])
    found = unpack(module._pack(logits))
    assert (found - logits).abs()[1:-1].max() <= 1 / 16
    assert found[0] == -found[-1] == pytest.approx(-15.9, abs=0.1)


def test_objects_are_chosen_from_all_layers_and_not_the_ground():
    layers = np.zeros((2, *HW), np.int32)
    layers[0, :8, :8], layers[0, 20:28, :8], layers[1, :4, :4] = 5, 9, 5
    layers[1, 60:62, 60:62] = 3  # too small
    several = Sample(sample().image, layers, "d", "n")
    found = choose_objects(several, 10, np.random.default_rng(0))
    assert sorted(found) == [(0, 5), (0, 9), (1, 5)]
    orders = {
        tuple(choose_objects(several, 2, np.random.default_rng(seed)))
        for seed in range(60)
    }
    assert len(orders) == 6


def test_a_box_is_around_its_pixels():
    box = box_of(np.argwhere(sample().label_layers[0] == 2))
    assert_array_equal(box, [36, 28, 55, 59])
