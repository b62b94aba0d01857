from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tilesam.errors import DatasetError
from tilesam.evaluation.asking import ask_with_boxes, ask_with_points
from tilesam.evaluation.runs import Limits, choose_images, evaluate
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
    batches = []

    def ask(asked):
        batches.append(len(asked.truth))
        return {"share": asked.truth.mean(axis=(1, 2))}

    rows = evaluate(
        bright_region_model(), Samples([sample_of(labels)]), ask,
        limits=Limits(prompts_at_once=2),
    )  # fmt: skip
    assert [(row.layer, row.object_id) for row in rows] == [(0, 2), (0, 9), (1, 9)]
    assert [row.scores["share"] for row in rows] == [0.5, 0.5, 0.25]
    assert [row.area for row in rows] == [32, 32, 16]
    assert batches == [2, 1]


def test_an_image_is_embedded_once(monkeypatch):
    model, embedded = bright_region_model(), []
    embed = model.embed
    monkeypatch.setattr(
        model, "embed", lambda windows: embedded.append(len(windows)) or embed(windows)
    )
    samples = Samples([squares_sample(), squares_sample()])
    evaluate(model, samples, ask_with_boxes, limits=Limits(prompts_at_once=1))
    assert embedded == [1, 1]


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
