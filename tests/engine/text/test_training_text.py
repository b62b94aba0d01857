"""What training says of masks, and a run that can be killed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tilesam.errors import TrainingError
from tilesam.masks.run_masks import RunMasks
from tilesam.text.vocabulary import read_phrase
from tilesam.text.weights import load_text_network
from tilesam.text.words import TAGS
from tilesam.training.datasets import Sample
from tilesam.training.scenes import render_scene
from tilesam.training.text.aligning import class_captions, draw_pairs, mask_weights
from tilesam.training.text.captions import Caption, caption_for, fits
from tilesam.training.text.judging import judge
from tilesam.training.text.run import TextTrainer, TextTrainingOptions, text_recipe
from tilesam.training.text.samples import MaskSamples, from_sample
from tilesam.training.text.truths import FALSE, TRUE, UNKNOWN


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    scenes = [render_scene(kind, size=128, rng=rng) for kind in ("rods", "roofs")]
    return MaskSamples.join([from_sample(scene, rng) for scene in scenes])


def one_thing(color, ground=(20, 20, 20), *, box=(30, 30, 50, 50)):
    image = np.full((96, 96, 3), ground, np.uint8)
    labels = np.zeros((1, 96, 96), np.int32)
    y, x = np.mgrid[:96, :96]
    middle_y, middle_x = (box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2
    inside = ((y - middle_y) / (box[2] - box[0])) ** 2 + (
        (x - middle_x) / (box[3] - box[1])
    ) ** 2 <= 0.25
    image[inside] = color
    labels[0, inside] = 1
    return Sample(image, labels, "nuclei_he", "one")


def looks(sample):
    found = from_sample(sample, np.random.default_rng(1))
    row = found.truths[list(found.domains).index("nuclei_he")]
    return {tag for tag, value in zip(TAGS, row, strict=True) if value == TRUE}


def test_colors_sizes_and_shapes_are_seen():
    red = looks(one_thing((200, 20, 20)))
    assert {"nucleus", "histology", "red", "bright", "round"} <= red
    assert not {"blue", "green", "dark", "elongated", "cell"} & red
    dark = looks(one_thing((10, 10, 60), ground=(230, 230, 230), box=(10, 10, 80, 80)))
    assert {"dark", "blue", "large"} <= dark
    assert "small" not in dark
    assert "elongated" in looks(one_thing((90, 90, 90), box=(44, 10, 52, 80)))


def test_masks_are_judged_by_the_objects():
    square = np.ones((10, 10), np.bool_)
    objects = RunMasks.from_crops([square, square], [(0, 0), (0, 12)])
    masks = RunMasks.from_crops(
        [square, np.ones((10, 22), np.bool_), square[:3], square, square],
        [(1, 0), (0, 0), (2, 0), (40, 40), (0, 3)],
    )
    judged = judge(masks, objects)
    assert judged.what == ("good", "group", "piece", "background", "between")
    assert judged.best[[0, 2, 3, 4]].tolist() == [0, 0, -1, 0]
    assert judged.iou[0] == pytest.approx(90 / 110)


def test_a_caption_is_true_of_its_mask_and_all_its_words_are_known(samples):
    rng = np.random.default_rng(3)
    for _ in range(3):
        for row in samples.truths:
            caption = caption_for(row, rng)
            if caption is None:
                continue
            assert fits(row[None], [caption])[0, 0] == TRUE
            assert read_phrase(caption.phrase).unknown == ()


def test_a_caption_is_false_if_any_of_it_is_and_else_unknown_if_any_is():
    row = np.full((1, len(TAGS)), UNKNOWN, np.int8)
    row[0, TAGS.index("nucleus")] = TRUE
    row[0, TAGS.index("red")] = FALSE
    captions = [
        Caption("nucleus", frozenset({"nucleus"})),
        Caption("round nucleus", frozenset({"nucleus", "round"})),
        Caption("round red nucleus", frozenset({"nucleus", "round", "red"})),
    ]
    assert fits(row, captions).tolist() == [[TRUE, UNKNOWN, FALSE]]


def test_all_classes_are_named_in_every_step(samples):
    rng = np.random.default_rng(0)
    phrases = [caption.phrase for caption in class_captions(rng)]
    assert len(phrases) >= 12
    assert all(read_phrase(phrase).has_thing for phrase in phrases)
    pairs = draw_pairs(samples, mask_weights(samples), 8, rng)
    assert pairs.views.shape[0] == pairs.truth.shape[0] == 8
    assert pairs.words.shape[0] == pairs.truth.shape[1] >= len(phrases)
    assert float(pairs.views.abs().max()) <= 1.5


def test_a_killed_run_goes_on_to_the_same_weights(samples, tmp_path):
    recipe = text_recipe(steps=4, batch_size=6)
    whole = TextTrainer(samples, tmp_path / "a.safetensors", recipe, options())
    whole.run()
    killed = TextTrainer(samples, tmp_path / "b.safetensors", recipe, options(2))
    killed.run()
    resumed = TextTrainer(samples, tmp_path / "b.safetensors", recipe, options())
    resumed.resume()
    assert resumed.step == 2
    resumed.run()
    first, second = (load_text_network(tmp_path / f"{x}.safetensors") for x in "ab")
    for name, value in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], value)


def test_a_checkpoint_of_another_run_is_refused(samples, tmp_path):
    recipe = text_recipe(steps=2, batch_size=6)
    TextTrainer(samples, tmp_path / "a.safetensors", recipe, options()).run()
    other = TextTrainingOptions(seed=5)
    with pytest.raises(TrainingError, match="another recipe"):
        TextTrainer(samples, tmp_path / "a.safetensors", recipe, other).resume()


def options(stop_after=None):
    return TextTrainingOptions(stop_after=stop_after)
