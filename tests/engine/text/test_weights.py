"""The weights' file: small, complete, and of these words."""

from __future__ import annotations

import pytest
import safetensors.torch
import torch

from tilesam.errors import CheckpointError
from tilesam.text.network import TextNetwork
from tilesam.text.vocabulary import vocabulary
from tilesam.text.weights import (
    EMBEDDED_WEIGHTS,
    VOCABULARY_KEY,
    load_text_network,
    save_text_network,
)


def test_what_was_saved_is_loaded(tmp_path):
    torch.manual_seed(0)
    network = TextNetwork(len(vocabulary())).eval()
    save_text_network(network, tmp_path / "a.safetensors")
    loaded = load_text_network(tmp_path / "a.safetensors")
    words = torch.tensor([[1, 2, 0]])
    torch.testing.assert_close(
        loaded.text(words), network.text(words), atol=2e-3, rtol=0
    )


def test_weights_of_other_words_are_refused(tmp_path):
    network = TextNetwork(len(vocabulary()))
    tensors = {name: value.clone() for name, value in network.state_dict().items()}
    about = {VOCABULARY_KEY: "some other words"}
    safetensors.torch.save_file(tensors, tmp_path / "a.safetensors", metadata=about)
    with pytest.raises(CheckpointError, match="other words"):
        load_text_network(tmp_path / "a.safetensors")


def test_missing_weights_say_how_to_get_them(tmp_path):
    with pytest.raises(CheckpointError, match="napari-sam train text"):
        load_text_network(tmp_path / "none.safetensors")


def test_the_embedded_weights_are_small_and_fit():
    assert EMBEDDED_WEIGHTS.stat().st_size <= 12_000_000
    network = load_text_network()
    assert torch.isfinite(network.scale)
