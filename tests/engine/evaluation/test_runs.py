from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from tilesam.errors import DatasetError
from tilesam.evaluation.runs import (
    Limits,
    ask_with_boxes,
    ask_with_points,
    choose_images,
    evaluate,
)
from tilesam.model.runtime import Decoded
from tilesam.testing.images import bright_rectangles
from tilesam.testing.models import bright_region_model
from tilesam.training.datasets import Sample

SQUARES = [(8, 8, 24, 24), (40, 32, 56, 60)]


def sample_of(labels: np.ndarray, *, domain: str = "d", name: str = "n") -> Sample:
    layers = labels if labels.ndim == 3 else labels[None]
    image = np.zeros((*layers.shape[1:], 3), dtype=np.uint8)
    return Sample(image, layers.astype(np.int32), domain, name)


def squares_sample(scale: int = 1, domain: str = "squares") -> Sample:
    boxes = [tuple(scale * side for side in box) for box in SQUARES]
    image = bright_rectangles((64 * scale, 64 * scale), boxes)
    labels = np.zeros((1, 64 * scale, 64 * scale), dtype=np.int32)
    for number, (y0, x0, y1, x1) in enumerate(boxes, start=1):
        labels[0, y0:y1, x0:x1] = number
    return Sample(image, labels, domain, f"{domain}/1")


@dataclass
class Samples:
    samples: list[Sample]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]

    @property
    def domains(self) -> list[str]:
        return [sample.domain for sample in self.samples]


@dataclass
class ScriptedModel:
    """Gives prepared answers, cell by cell, and remembers what it was asked.

    Input size is 8; each of 2 x 2 low-resolution cells stands for 4 x 4 pixels.
    """

    answers: list[tuple[list[list[list[int]]], list[float]]]
    input_size: int = 8
    calls: list[dict[str, np.ndarray | None]] = field(default_factory=list)
    embedded: int = 0

    def embed(self, windows):
        self.embedded += len(windows)
        return torch.zeros(len(windows), 256, 1, 1)

    def decode(self, _image_embedding, **prompts) -> Decoded:
        masks, iou = self.answers[len(self.calls)]
        self.calls.append(prompts)
        count = len(next(x for x in prompts.values() if x is not None))
        logits = torch.tensor(masks).float().reshape(1, 4, 2, 2) * 2 - 1
        return Decoded(
            logits.expand(count, 4, 2, 2), torch.tensor([iou]).expand(count, 4)
        )

    def logits_to_window(self, low_res_logits, window_hw):
        assert window_hw == (8, 8)
        fine = low_res_logits.repeat_interleave(4, dim=-1)
        return fine.repeat_interleave(4, dim=-2)


NONE = [[0, 0], [0, 0]]
LEFT = [[1, 0], [1, 0]]
TOP_LEFT = [[1, 0], [0, 0]]
TOP = [[1, 1], [0, 0]]
ALL = [[1, 1], [1, 1]]


def left_half() -> Sample:
    labels = np.zeros((8, 8), dtype=np.int32)
    labels[:, :4] = 3
    return sample_of(labels)


def test_points_by_hand():
    model = ScriptedModel(
        [
            # The third mask is trusted most (4 of 8 pixels each way), the second is
            # best. Token 0 is not among the answers to a single point.
            ([LEFT, TOP_LEFT, LEFT, TOP], [0.99, 0.1, 0.2, 0.9]),
            ([ALL, NONE, NONE, NONE], [0.1, 0.9, 0.9, 0.9]),
            ([TOP_LEFT, LEFT, LEFT, LEFT], [0.1, 0.9, 0.9, 0.9]),
        ]
    )
    (row,) = evaluate(model, Samples([left_half()]), ask_with_points)
    # TOP shares 16 pixels with the truth, of 48 in either.
    assert row.scores["point"] == pytest.approx(1 / 3)
    assert row.scores["oracle"] == 1.0
    assert row.scores["three_points"] == 0.5
    assert (row.layer, row.object_id, row.area) == (0, 3, 32)


def test_points_correct_the_mask_that_was_shown():
    model = ScriptedModel(
        [
            ([NONE, NONE, NONE, TOP], [0.0, 0.1, 0.2, 0.9]),
            ([ALL, NONE, NONE, NONE], [0.1, 0.9, 0.9, 0.9]),
            ([LEFT, NONE, NONE, NONE], [0.1, 0.9, 0.9, 0.9]),
        ]
    )
    evaluate(model, Samples([left_half()]), ask_with_points)
    first, second, third = model.calls
    # The deepest pixel of the left half, as (x, y); rows 1 to 6 tie.
    np.testing.assert_array_equal(first["points_xy"], [[[1, 1]]])
    np.testing.assert_array_equal(first["point_labels"], [[1]])
    assert first["mask_input"] is None
    # TOP lacks the lower left and has the upper right too much: equally deep.
    np.testing.assert_array_equal(second["points_xy"], [[[1, 1], [1, 5]]])
    np.testing.assert_array_equal(second["point_labels"], [[1, 1]])
    np.testing.assert_array_equal(second["mask_input"], [[[1, 1], [-1, -1]]])
    # ALL has the right half too much.
    np.testing.assert_array_equal(third["points_xy"], [[[1, 1], [1, 5], [5, 1]]])
    np.testing.assert_array_equal(third["point_labels"], [[1, 1, 0]])
    np.testing.assert_array_equal(third["mask_input"], [[[1, 1], [1, 1]]])


def test_perfect_answers_need_no_correction():
    perfect = ([LEFT, LEFT, LEFT, LEFT], [0.1, 0.9, 0.9, 0.9])
    model = ScriptedModel([perfect] * 3)
    (row,) = evaluate(model, Samples([left_half()]), ask_with_points)
    assert set(row.scores.values()) == {1.0}
    np.testing.assert_array_equal(model.calls[2]["point_labels"], [[1, -1, -1]])


def test_box_by_hand():
    model = ScriptedModel([([TOP, LEFT, LEFT, LEFT], [0.1, 0.9, 0.9, 0.9])])
    (row,) = evaluate(model, Samples([left_half()]), ask_with_boxes)
    assert row.scores == {"box": pytest.approx(1 / 3)}
    np.testing.assert_array_equal(model.calls[0]["boxes_xyxy"], [[[0, 0, 3, 7]]])


@pytest.mark.parametrize("scale", [1, 2])
def test_a_perfect_model_is_called_perfect(scale):
    """Also where the image is larger than the input and prompts must be scaled."""
    model = bright_region_model()
    samples = Samples([squares_sample(scale)])
    boxed = evaluate(model, samples, ask_with_boxes)
    pointed = evaluate(model, samples, ask_with_points)
    # Bilinear interpolation rounds off the corners of the squares.
    for row in (*boxed, *pointed):
        assert min(row.scores.values()) > 0.97
    assert boxed[0].scores["box"] == pytest.approx(252 / 256, abs=0.01)


def test_layers_and_ids_in_order():
    labels = np.zeros((2, 8, 8), dtype=np.int32)
    labels[0, :, :4], labels[0, :, 4:] = 9, 2
    labels[1, :4, :4] = 9
    answer = ([LEFT] * 4, [0.1] * 4)
    model = ScriptedModel([answer] * 2)
    rows = evaluate(
        model, Samples([sample_of(labels)]), ask_with_boxes,
        limits=Limits(prompts_at_once=2),
    )  # fmt: skip
    assert [(row.layer, row.object_id) for row in rows] == [(0, 2), (0, 9), (1, 9)]
    assert [row.scores["box"] for row in rows] == [0.0, 1.0, 0.5]
    assert [len(call["boxes_xyxy"]) for call in model.calls] == [2, 1]
    assert model.embedded == 1


def test_the_batch_size_changes_nothing():
    model, samples = bright_region_model(), Samples([squares_sample()])
    together = evaluate(model, samples, ask_with_points)
    alone = evaluate(model, samples, ask_with_points, limits=Limits(prompts_at_once=1))
    assert together == alone


def test_limits_on_images_and_objects():
    samples = Samples([squares_sample(domain=name) for name in "aabab"])
    rows = evaluate(
        bright_region_model(), samples, ask_with_boxes,
        limits=Limits(images_per_domain=2, objects_per_image=1),
    )  # fmt: skip
    assert [row.domain for row in rows] == ["a", "a", "b", "b"]
    assert {row.object_id for row in rows} == {1}


def test_images_are_taken_evenly():
    domains = ["a"] * 6 + ["b"]
    assert choose_images(domains, 3) == [0, 2, 4, 6]
    assert choose_images(domains, None) == list(range(7))


def test_progress_counts_images():
    seen = []
    samples = Samples([squares_sample(), sample_of(np.zeros((8, 8)))])
    evaluate(
        bright_region_model(), samples, ask_with_boxes,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert seen == [(1, 2), (2, 2)]


def test_nothing_labelled():
    samples = Samples([sample_of(np.zeros((8, 8)))])
    with pytest.raises(DatasetError, match="none of the 1 images has a labelled"):
        evaluate(bright_region_model(), samples, ask_with_boxes)
