from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from tilesam.errors import DatasetError
from tilesam.testing.images import bright_rectangles
from tilesam.testing.models import bright_region_model
from tilesam.training.datasets import Sample
from tilesam.training.validation import QuickValidation

CPU = torch.device("cpu")
SQUARES = [(8, 8, 24, 24), (40, 32, 56, 60)]


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


def squares(domain: str, *, are_bright: bool = True) -> Sample:
    labels = np.zeros((1, 64, 64), np.int32)
    for number, (y0, x0, y1, x1) in enumerate(SQUARES, start=1):
        labels[0, y0:y1, x0:x1] = number
    image = bright_rectangles((64, 64), SQUARES if are_bright else [])
    return Sample(image, labels, domain, domain)


def empty(domain: str) -> Sample:
    sample = squares(domain)
    return Sample(sample.image, sample.label_layers * 0, domain, domain)


def test_a_perfect_network_has_the_best_scores():
    score = QuickValidation(Samples([squares("a")]), size=64).score(
        bright_region_model().network, CPU
    )
    assert score.box == 1.0
    assert score.point == score.point_oracle == 1.0


def test_domains_count_alike_however_many_images_they_have():
    samples = [squares("a"), squares("a"), squares("b", are_bright=False)]
    score = QuickValidation(Samples(samples), size=64).score(
        bright_region_model().network, CPU
    )
    # Nothing is found in the boxes of the dark image.
    assert score.box == 0.5


def test_only_some_images_of_a_domain_are_looked_at():
    samples = Samples([squares("a") for _ in range(5)] + [empty("b")])
    views = QuickValidation(samples, size=64, images_per_domain=3).views
    assert {domain: len(found) for domain, found in views.items()} == {"a": 3, "b": 0}


def test_without_any_object_it_is_said():
    with pytest.raises(DatasetError, match="none of the 2 validation images"):
        QuickValidation(Samples([empty("a"), empty("b")]), size=64)
