"""Detectors of `transformers`: boxes and scores as its own processors have them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tilesam.text.detectors import load_detector

transformers = pytest.importorskip("transformers")

from tests.engine.text.tiny_pretrained import (  # noqa: E402
    DETECTORS,
    QUERIES,
    save_model,
)

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("models")
    return {kind: save_model(kind, place / kind) for kind in DETECTORS}


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 255, (48, 80, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", DETECTORS)
def test_what_detectors_return(folders, kind, picture):
    detector = load_detector(folders[kind], CPU)
    found = detector.detect(picture, ["cell nuclei", "a red roof", "leaf"])
    phrases = 3 if kind == "sam3" else 1  # that one looks for each by itself
    assert found.boxes_yxyx.shape == (phrases * detector.capacity, 4)
    assert found.scores.shape == (len(found.boxes_yxyx), 3)
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    assert detector.capacity == (16 if kind.startswith("owl") else QUERIES)


def _expected(processor, outputs, picture, **options):
    """Return boxes (y0, x0, y1, x1) and scores as the library's own processor does."""
    found = processor.post_process_grounded_object_detection(
        outputs, threshold=0.0, target_sizes=[picture.shape[:2]], **options
    )[0]
    return found["boxes"].numpy()[:, [1, 0, 3, 2]], found["scores"].numpy()


def test_boxes_of_grounding_dino_are_those_of_its_processor(folders, picture):
    folder = folders["grounding-dino"]
    detector = load_detector(folder, CPU)
    processor = transformers.GroundingDinoProcessor(
        detector.processor, detector.tokenizer
    )
    inputs = processor(
        images=picture, text=[["cell nuclei", "red roof"]], return_tensors="pt"
    )
    with torch.inference_mode():
        outputs = detector.network(**inputs)
    boxes, scores = _expected(processor, outputs, picture)
    found = detector.detect(picture, ["Cell nuclei", "red roof"])
    np.testing.assert_allclose(
        found.boxes_yxyx * np.tile(picture.shape[:2], 2), boxes, atol=1e-3
    )
    # The library takes the best of all tokens, those of no phrase among them.
    of_tokens = outputs.logits[0].sigmoid().numpy()
    names = detector.tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
    stop = names.index(".")
    np.testing.assert_allclose(
        found.scores[:, 0], of_tokens[:, 1:stop].max(axis=1), rtol=1e-4
    )
    np.testing.assert_allclose(
        found.scores[:, 1],
        of_tokens[:, stop + 1 : len(names) - 2].max(axis=1),
        rtol=1e-4,
    )
    assert (found.scores.max(axis=1) <= scores + 1e-6).all()


@pytest.mark.parametrize(
    ("kind", "name"), [("owlv2", "Owlv2Processor"), ("owlvit", "OwlViTProcessor")]
)
def test_boxes_of_owls_are_those_of_their_processors(folders, picture, kind, name):
    detector = load_detector(folders[kind], CPU)
    processor = getattr(transformers, name)(detector.processor, detector.tokenizer)
    inputs = processor(
        images=picture, text=[["cell nuclei", "red roof"]], return_tensors="pt"
    )
    with torch.inference_mode():
        outputs = detector.network(**inputs)
    boxes, scores = _expected(processor, outputs, picture)
    found = detector.detect(picture, ["cell nuclei", "red roof"])
    # Owlv2 looks at a square; its boxes may reach into the padding.
    expected = np.minimum(boxes, np.tile(picture.shape[:2], 2))
    np.testing.assert_allclose(
        np.minimum(found.boxes_yxyx, 1) * np.tile(picture.shape[:2], 2),
        expected,
        atol=1e-3,
    )
    np.testing.assert_allclose(found.scores.max(axis=1), scores, rtol=1e-4)
