from __future__ import annotations

import logging
import pickle

import numpy as np
import pytest
import torch

from tilesam import DeviceError
from tilesam.model.runtime import SamModel
from tilesam.testing.models import tiny_random_model


@pytest.fixture(scope="module")
def shared_model():
    return tiny_random_model(0)


@pytest.fixture
def windows():
    rng = np.random.default_rng(1)
    sizes = [(64, 64), (30, 50), (90, 40)]
    return [rng.integers(0, 256, (*size, 3), np.uint8) for size in sizes]


def test_a_batch_of_windows_of_any_size_equals_one_by_one(shared_model, windows):
    together = shared_model.embed(windows)
    assert together.shape == (3, 256, 4, 4)
    assert together.dtype == torch.float32
    for embedding, window in zip(together, windows, strict=True):
        torch.testing.assert_close(embedding, shared_model.embed([window])[0])


def test_prompts_together_equal_one_by_one(shared_model, windows):
    embedding = shared_model.embed(windows[:1])[0]
    points = np.array([[[3.0, 40.0]], [[20.0, 20.0]], [[63.0, 0.0]]])
    labels = np.ones((3, 1), int)
    together = shared_model.decode(embedding, points_xy=points, point_labels=labels)
    assert together.low_res_logits.shape == (3, 4, 16, 16)
    assert together.predicted_iou.shape == (3, 4)
    for n in range(3):
        alone = shared_model.decode(
            embedding, points_xy=points[n : n + 1], point_labels=labels[n : n + 1]
        )
        torch.testing.assert_close(
            together.low_res_logits[n : n + 1], alone.low_res_logits,
            atol=1e-4, rtol=1e-4,
        )  # fmt: skip


def test_boxes_and_mask_inputs_are_answered(shared_model, windows):
    embedding = shared_model.embed(windows[:1])[0]
    boxes = np.array([[[1.0, 2.0, 30.0, 40.0]]])
    mask = np.zeros((1, 16, 16), np.float32)
    only_box = shared_model.decode(embedding, boxes_xyxy=boxes)
    both = shared_model.decode(embedding, boxes_xyxy=boxes, mask_input=mask)
    only_mask = shared_model.decode(embedding, mask_input=mask)
    assert only_mask.low_res_logits.shape == (1, 4, 16, 16)
    assert not torch.allclose(only_box.low_res_logits, both.low_res_logits)


def test_no_prompt_is_refused(shared_model, windows):
    with pytest.raises(ValueError, match="no prompt was given"):
        shared_model.decode(shared_model.embed(windows[:1])[0])


def test_half_precision_encodes_nearly_the_same(windows):
    exact, rough = tiny_random_model(0), tiny_random_model(0)
    rough.dtype = torch.bfloat16
    embedding = rough.embed(windows)
    assert embedding.dtype == torch.float32
    torch.testing.assert_close(embedding, exact.embed(windows), atol=0.1, rtol=0.1)
    assert not torch.equal(embedding, exact.embed(windows))


def test_a_model_that_was_not_loaded_is_pickled_whole(windows):
    model = tiny_random_model(0)
    copy = pickle.loads(pickle.dumps(model))
    assert torch.equal(copy.embed(windows), model.embed(windows))
    assert (copy.name, copy.weights_sha256) == (model.name, model.weights_sha256)


def test_an_unknown_device_is_refused():
    network = tiny_random_model(0).network
    with pytest.raises(DeviceError, match="this machine has"):
        SamModel(network, name="x", weights_sha256="0", device="abacus")


def limit_memory(monkeypatch, network, method, *, at_most, batch_of):
    """Let a method of the network fail as a full GPU does; record batch sizes."""
    sizes = []
    original = getattr(network, method)

    def limited(*arguments, **prompts):
        size = batch_of(*arguments, **prompts)
        sizes.append(size)
        if size > at_most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return original(*arguments, **prompts)

    monkeypatch.setattr(network, method, limited)
    return sizes


def test_full_memory_halves_the_batch_and_says_so_once(monkeypatch, windows, caplog):
    model = tiny_random_model(0)
    expected = model.embed(windows * 3)
    sizes = limit_memory(monkeypatch, model.network, "encode", at_most=2, batch_of=len)
    with caplog.at_level(logging.WARNING):
        torch.testing.assert_close(model.embed(windows * 3), expected)
        model.embed(windows)
    assert sizes[:3] == [9, 4, 2]
    assert sum(sizes[2:7]) == 9
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "ran out of memory with a batch of 9" in caplog.text


def test_prompts_are_halved_too(monkeypatch, windows, caplog):
    model = tiny_random_model(0)
    embedding = model.embed(windows[:1])[0]
    prompts = {
        "points_xy": np.random.default_rng(0).uniform(0, 64, (5, 1, 2)),
        "point_labels": np.ones((5, 1), int),
    }
    expected = model.decode(embedding, **prompts)
    limit_memory(
        monkeypatch, model.network, "decode", at_most=1,
        batch_of=lambda _, **prompts: prompts["points_xy"].shape[1],
    )  # fmt: skip
    halved = model.decode(embedding, **prompts)
    torch.testing.assert_close(
        halved.low_res_logits, expected.low_res_logits, atol=1e-4, rtol=1e-4
    )


def test_memory_too_small_for_one_window_is_a_device_error(
    monkeypatch, windows, caplog
):
    model = tiny_random_model(0)
    limit_memory(monkeypatch, model.network, "encode", at_most=0, batch_of=len)
    with pytest.raises(DeviceError, match="cpu has not enough memory for tiny_random"):
        model.embed(windows)


def test_other_errors_are_not_taken_for_full_memory(monkeypatch, windows):
    model = tiny_random_model(0)

    def broken(_):
        raise RuntimeError("broken")

    monkeypatch.setattr(model.network, "encode", broken)
    with pytest.raises(RuntimeError, match="broken"):
        model.embed(windows)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_network_on_a_gpu_is_pickled_from_the_cpu(windows):
    on_gpu = SamModel(
        tiny_random_model(0).network, name="x", weights_sha256="0", device="cuda"
    )
    pickled = pickle.dumps(on_gpu)
    assert b"cuda:" not in pickled
    copy = pickle.loads(pickled)
    assert copy.device.type == "cuda"
    torch.testing.assert_close(copy.embed(windows), on_gpu.embed(windows))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_answers_like_the_cpu(windows):
    on_cpu = tiny_random_model(0)
    on_gpu = SamModel(
        tiny_random_model(0).network, name="x", weights_sha256="0", device="cuda"
    )
    assert on_gpu.dtype in (torch.bfloat16, torch.float16)
    expected, embedding = on_cpu.embed(windows), on_gpu.embed(windows)
    torch.testing.assert_close(embedding.cpu(), expected, atol=0.1, rtol=0.1)
    prompts = {"boxes_xyxy": np.array([[[1.0, 2.0, 30.0, 40.0]]])}
    decoded = on_gpu.decode(expected[0], **prompts)
    assert decoded.low_res_logits.dtype == torch.float32
    torch.testing.assert_close(
        decoded.low_res_logits.cpu(),
        on_cpu.decode(expected[0], **prompts).low_res_logits,
        atol=1e-2,
        rtol=1e-2,
    )
