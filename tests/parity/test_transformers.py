"""Our network and that of `transformers` agree at random weights.

Where the two frameworks ask for prompts differently, the reference is the behaviour of
the released predictor; see `docs/reference/benchmarks.md` for the peer's own habits.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from tilesam.model.configs import CONFIGS, SamConfig
from tilesam.model.preprocessing import logits_to_window, resized_hw
from tilesam.model.sam import Sam

transformers = pytest.importorskip("transformers")
processing = pytest.importorskip("transformers.models.sam.image_processing_pil_sam")

from tests.parity.peer import REDUCED, build_ours, build_peer  # noqa: E402

TOLERANCE = {"atol": 1e-4, "rtol": 1e-4}
SINGLE, MULTI = slice(0, 1), slice(1, 4)
B, N = 2, 3


@dataclass(frozen=True)
class Pair:
    config: SamConfig
    peer: transformers.SamModel
    ours: Sam

    @property
    def size(self) -> int:
        return self.config.input_size


def build_pair(config: SamConfig) -> Pair:
    peer = build_peer(config, seed=0)
    return Pair(config, peer, build_ours(config, peer))


@pytest.fixture(scope="module")
def pair() -> Pair:
    return build_pair(REDUCED)


@pytest.fixture(scope="module")
def embedding(pair: Pair) -> Tensor:
    with torch.inference_mode():
        return pair.ours.encode(random(B, 3, pair.size, pair.size))


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def prompts(names: str, size: int) -> dict[str, Tensor]:
    """Return the prompts that `names` lists, in our form."""
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(B, N, 4, 2, generator=generator) * size
    corners = torch.rand(B, N, 2, 2, generator=generator) * size
    all_prompts = {
        "points_xy": points,
        "point_labels": torch.tensor([1, 0, 1, 0]).expand(B, N, 4),
        "boxes_xyxy": torch.cat([corners.amin(2), corners.amax(2)], -1).unsqueeze(2),
        "mask_input": 4 * random(B, N, size // 4, size // 4),
    }
    kept = {"point": 1, "points": 4}
    chosen = {}
    for name in names.split("+"):
        if name in kept:
            for key in ("points_xy", "point_labels"):
                chosen[key] = all_prompts[key][:, :, : kept[name]]
        else:
            key = {"box": "boxes_xyxy", "mask": "mask_input"}[name]
            chosen[key] = all_prompts[key]
    return chosen


def ask_peer(
    peer: transformers.SamModel,
    embedding: Tensor,
    given: dict[str, Tensor],
    tokens: slice,
) -> tuple[Tensor, Tensor]:
    """Return the peer's logits and IoU for all prompts, whichever it takes at once."""
    boxes, masks = given.get("boxes_xyxy"), given.get("mask_input")
    form = {
        "input_points": given.get("points_xy"),
        "input_labels": given.get("point_labels"),
        "input_boxes": None if boxes is None else boxes[:, :, 0],
    }
    # It takes one mask for each image, not for each prompt.
    rounds = [slice(None)] if masks is None else [slice(n, n + 1) for n in range(N)]
    answers = [
        peer(
            image_embeddings=embedding,
            input_masks=None if masks is None else masks[:, which],
            multimask_output=tokens == MULTI,
            **{name: None if x is None else x[:, which] for name, x in form.items()},
        )
        for which in rounds
    ]
    return (
        torch.cat([answer.pred_masks for answer in answers], dim=1),
        torch.cat([answer.iou_scores for answer in answers], dim=1),
    )


def test_image_embeddings_agree(pair: Pair) -> None:
    images = random(B, 3, pair.size, pair.size)
    with torch.inference_mode():
        expected = pair.peer.get_image_embeddings(images)
        embedding = pair.ours.encode(images)
    assert expected.std() > 0.1
    torch.testing.assert_close(embedding, expected, **TOLERANCE)


@pytest.mark.parametrize("tokens", [SINGLE, MULTI], ids=["single", "multimask"])
@pytest.mark.parametrize(
    "names",
    [
        "point",
        "points",
        "box",
        "point+box",
        "points+box",
        "mask",
        "points+mask",
        "points+box+mask",
    ],
)
def test_logits_and_iou_agree(
    pair: Pair, embedding: Tensor, names: str, tokens: slice
) -> None:
    given = prompts(names, pair.size)
    with torch.inference_mode():
        logits, iou = ask_peer(pair.peer, embedding, given, tokens)
        output = pair.ours.decode(embedding, **given)
    # The prompts matter: no two are answered alike.
    assert (logits[:, 0] - logits[:, 1]).abs().max() > 0.05
    torch.testing.assert_close(output.low_res_logits[:, :, tokens], logits, **TOLERANCE)
    torch.testing.assert_close(output.predicted_iou[:, :, tokens], iou, **TOLERANCE)


def test_padding_points_agree(pair: Pair, embedding: Tensor) -> None:
    given = prompts("points+box", pair.size)
    given["point_labels"] = torch.tensor([1, 0, -1, -1]).expand(B, N, 4)
    with torch.inference_mode():
        logits, iou = ask_peer(pair.peer, embedding, given, MULTI)
        output = pair.ours.decode(embedding, **given)
    torch.testing.assert_close(output.low_res_logits[:, :, MULTI], logits, **TOLERANCE)
    torch.testing.assert_close(output.predicted_iou[:, :, MULTI], iou, **TOLERANCE)


@pytest.mark.parametrize("window_hw", [(256, 256), (300, 200), (97, 256)])
def test_masks_at_the_size_of_the_window_agree(
    pair: Pair, embedding: Tensor, window_hw: tuple[int, int]
) -> None:
    given = prompts("points", pair.size)
    with torch.inference_mode():
        peer_logits, _ = ask_peer(pair.peer, embedding, given, MULTI)
        output = pair.ours.decode(embedding, **given)
    expected = processing.SamImageProcessorPil().post_process_masks(
        list(peer_logits),
        original_sizes=[window_hw] * B,
        reshaped_input_sizes=[resized_hw(window_hw, pair.size)] * B,
        pad_size={"height": pair.size, "width": pair.size},
        binarize=False,
    )
    logits = logits_to_window(output.low_res_logits, window_hw, pair.size)
    result, wanted = logits[:, :, MULTI], torch.stack(expected)
    torch.testing.assert_close(result, wanted, **TOLERANCE)
    certain = wanted.abs() > TOLERANCE["atol"]
    assert torch.equal((result > 0)[certain], (wanted > 0)[certain])


@pytest.mark.slow
def test_vit_b_at_full_size_agrees() -> None:
    full = build_pair(CONFIGS["vit_b"])
    images = random(B, 3, full.size, full.size)
    with torch.inference_mode():
        embedding = full.peer.get_image_embeddings(images)
        torch.testing.assert_close(full.ours.encode(images), embedding, **TOLERANCE)
        for names in ("point", "points", "box", "points+box", "points+mask"):
            given = prompts(names, full.size)
            output = full.ours.decode(embedding, **given)
            for tokens in (SINGLE, MULTI):
                logits, iou = ask_peer(full.peer, embedding, given, tokens)
                torch.testing.assert_close(
                    output.low_res_logits[:, :, tokens], logits, **TOLERANCE
                )
                torch.testing.assert_close(
                    output.predicted_iou[:, :, tokens], iou, **TOLERANCE
                )
