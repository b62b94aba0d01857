"""The backend that ranks proposals: whole path offline, probabilities, corrections."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.engine.text.blocks import GREEN, RED, SMALL, ColorNetwork, draw, open_blocks
from tilesam.errors import TextError
from tilesam.everything.settings import EverythingSettings
from tilesam.image import open_image
from tilesam.masks.run_masks import RunMasks
from tilesam.text.clip import ClipBackend
from tilesam.text.clip_settings import ClipSettings
from tilesam.text.mask_pictures import take_pictures

transformers = pytest.importorskip("transformers")
pytest.importorskip("sentencepiece")

from tests.engine.text.tiny_pretrained import save_model  # noqa: E402

FEW = EverythingSettings(points_per_side=8)
KINDS = ("clip", "siglip", "siglip2")
PLAIN = ClipSettings(templates=("{}",), background_phrases=("nothing",))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("models")
    return {kind: save_model(kind, place / kind) for kind in KINDS}


def _middles(found):
    return {tuple(np.round(yx).astype(int).tolist()) for yx in found.masks.centroids_yx}


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_path_with_a_model_from_a_folder(folders, kind):
    session = open_blocks()
    backend = ClipBackend(folders[kind])
    found = session.find_text("cell nuclei", backend=backend, settings=FEW)
    assert len(found) >= 4
    assert np.isfinite(found.text_score).all()
    assert ((found.text_score >= 0) & (found.text_score <= 1)).all()
    assert found.notice is None
    assert len(found.resolve(0.0)) == found.count(0.0) > 0
    # Any script, and phrases that are longer than the network reads.
    for phrase in ("细胞核", "🧬 ядро клетки", "nuclei " * 28):
        assert len(session.find_text(phrase, backend=backend, settings=FEW)) == len(
            found
        )


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_scores_are_the_softmax_of_the_networks_own_logits(folders, kind):
    session = open_blocks()
    settings = ClipSettings(
        background="kept",
        templates=("a photo of {}",),
        background_phrases=("noise", "soil"),
    )
    backend = ClipBackend(folders[kind], settings)
    found = session.find_text(
        "red block", negative_phrases=["roof"], backend=backend, settings=FEW
    )

    prepare = transformers.AutoImageProcessor.from_pretrained(
        folders[kind], backend="pil"
    )
    pictures = [
        take_pictures(
            *(session.source, found.masks, row),
            context=settings.context,
            background="kept",
            fill=tuple(round(255 * mean) for mean in prepare.image_mean),
        )[0]
        for row in range(len(found))
    ]
    network = transformers.AutoModel.from_pretrained(folders[kind])
    tokenizer = transformers.AutoTokenizer.from_pretrained(folders[kind])
    texts = [f"a photo of {text}" for text in ("red block", "roof", "noise", "soil")]
    padding = "max_length" if kind == "siglip" else True
    tokens = tokenizer(
        texts, padding=padding, max_length=16, truncation=True, return_tensors="pt"
    )
    with torch.inference_mode():
        logits = network(
            input_ids=tokens["input_ids"],
            attention_mask=None if kind == "siglip" else tokens["attention_mask"],
            pixel_values=prepare(pictures, return_tensors="pt")["pixel_values"],
        ).logits_per_image
    expected = logits.double().softmax(dim=1)[:, 0].numpy()
    np.testing.assert_allclose(found.text_score, expected, rtol=1e-4)


def test_a_phrase_finds_what_it_means():
    session = open_blocks()
    backend = ClipBackend(settings=PLAIN, network=ColorNetwork())
    _, labels = draw((64, 64), [block for block in SMALL if block[3] == RED])
    found = session.text("red block", backend=backend, settings=FEW)
    assert len(found) == 2
    assert ((found.labels() > 0) == (labels > 0)).mean() > 0.99
    assert (found.table.more["text_score"] > 0.9).all()
    assert not len(session.text("something blue", backend=backend, settings=FEW))


def test_other_phrases_decode_nothing_and_look_at_nothing_again():
    session, network = open_blocks(), ColorNetwork()
    backend = ClipBackend(settings=PLAIN, network=network)
    session.find_text("red block", backend=backend, settings=FEW)
    seen, embedded = network.seen, session.embeddings.embedded_count
    found = session.text("green block", backend=backend, settings=FEW)
    assert len(found) == 2
    assert network.seen == seen
    assert session.embeddings.embedded_count == embedded


def test_what_is_not_meant_takes_probability_away():
    session = open_blocks()
    backend = ClipBackend(settings=PLAIN, network=ColorNetwork())
    plain = session.find_text("red block", backend=backend, settings=FEW)
    rival = session.find_text(
        "red block", negative_phrases=["the red block"], backend=backend, settings=FEW
    )
    assert (rival.text_score <= plain.text_score).all()
    assert rival.text_score.max() == pytest.approx(0.5, abs=0.01)


def test_a_background_phrase_may_be_what_is_looked_for():
    session = open_blocks()
    backend = ClipBackend(settings=PLAIN, network=ColorNetwork())
    found = session.find_text("Nothing", backend=backend, settings=FEW)
    # It does not compete with itself, but with "something else".
    assert found.text_score.max() == pytest.approx(0.5, abs=0.01)


def test_points_move_masks_and_those_alike():
    session = open_blocks()
    backend = ClipBackend(settings=PLAIN, network=ColorNetwork())
    asked = {"phrase": "something blue", "backend": backend, "settings": FEW}
    assert not len(session.text(**asked))
    found = session.text(**asked, points_yx=[(12, 12)])
    assert _middles(found) == {(12, 12), (44, 12)}  # both red ones
    without = session.text(
        "red block",
        backend=backend,
        settings=FEW,
        points_yx=[(12, 12)],
        point_labels=[0],
    )
    assert (12, 12) not in _middles(without)


def test_an_exemplar_pulls_masks_like_it():
    session = open_blocks()
    backend = ClipBackend(settings=PLAIN, network=ColorNetwork())
    plain = session.find_text("something blue", backend=backend, settings=FEW)
    pulled = session.find_text(
        "something blue",
        backend=backend,
        settings=FEW,
        exemplar_boxes=[(3, 35, 20, 52)],
    )
    change = pulled.text_score.astype(float) - plain.text_score
    x = plain.masks.centroids_yx[:, 1]
    assert change[x > 40].min() > 0.1
    assert change[x < 40].max() <= 0


def test_no_masks_at_all_are_no_error():
    session = open_blocks(blocks=[])
    nothing = EverythingSettings(points_per_side=1, pred_iou_thresh=2.0)
    backend = ClipBackend(settings=PLAIN, network=ColorNetwork())
    found = session.text("red block", backend=backend, settings=nothing)
    assert not len(found)
    assert "pred_iou_thresh" in (found.hint or "")


def test_pictures_show_the_mask_in_its_middle():
    image, labels = draw((64, 64), [(5, 40, 5, RED), (30, 40, 9, GREEN)])
    masks, _ = RunMasks.from_labels(labels)
    source = open_image(image)
    kept, blank = take_pictures(
        *(source, masks, 1), context=2.0, background="both", fill=(1, 2, 3)
    )
    assert kept.shape == blank.shape == (36, 36, 3)
    np.testing.assert_array_equal(kept, image[12:48, 22:58])
    is_mask = labels[12:48, 22:58] == 2
    np.testing.assert_array_equal(blank[is_mask], kept[is_mask])
    assert (blank[~is_mask] == (1, 2, 3)).all()
    # The other block lies at the edge; 5 rows of its picture are above the image.
    (cut,) = take_pictures(
        *(source, masks, 0), context=2.0, background="kept", fill=(1, 2, 3)
    )
    assert cut.shape == (20, 20, 3)
    assert (cut[:5] == (1, 2, 3)).all()
    np.testing.assert_array_equal(cut[5:], image[:15, 30:50])


def test_large_masks_have_small_pictures():
    labels = np.zeros((1000, 900), np.int32)
    labels[100:900, 100:800] = 1
    masks, _ = RunMasks.from_labels(labels)
    source = open_image(np.full((1000, 900, 3), 200, np.uint8))
    (blank,) = take_pictures(
        *(source, masks, 0), context=1.0, background="blank", fill=(0, 0, 0)
    )
    assert blank.shape == (384, 384, 3)
    share = (blank == 200).all(axis=2).mean()
    assert share == pytest.approx(7 / 8, abs=0.01)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"context": 0.5}, "from 1 to 10"),
        ({"background": "black"}, "kept, blank, both"),
        ({"templates": ("a photo",)}, "where the phrase belongs"),
        ({"background_phrases": ()}, "one or more"),
        ({"threshold": 2.0}, "from 0 to 1"),
    ],
)
def test_settings_out_of_range(wrong, message):
    with pytest.raises(TextError, match=message):
        ClipSettings(**wrong)
