"""Models that cannot be loaded: each error says what to do."""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.engine.text.blocks import open_blocks
from tilesam.errors import TextError
from tilesam.text.backends import INSTALL, load_backend
from tilesam.text.clip import ClipBackend
from tilesam.text.grounding import GroundingBackend

transformers = pytest.importorskip("transformers")

from tests.engine.text.tiny_pretrained import save_model  # noqa: E402

BACKENDS = [ClipBackend, GroundingBackend]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model("clip", tmp_path_factory.mktemp("models") / "clip")


@pytest.mark.parametrize("name", ["clip", "grounding"])
def test_without_the_package_the_command_is_named(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "transformers", None)
    load_backend.cache_clear()
    with pytest.raises(TextError) as caught:
        load_backend(name)
    assert INSTALL in str(caught.value)
    load_backend.cache_clear()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("place", ["/no/such/folder", "./models", "a/b/c", " "])
def test_a_folder_that_is_not_there(backend, place):
    with pytest.raises(TextError, match="there is no folder"):
        open_blocks().text("nuclei", backend=backend(place))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("ours", [True, False])
def test_without_the_hub_it_is_said_where_to_put_the_files(monkeypatch, backend, ours):
    if ours:
        monkeypatch.setenv("NAPARI_SAM_OFFLINE", "1")
    else:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    session = open_blocks()
    with pytest.raises(TextError) as caught:
        session.text("nuclei", backend=backend("nobody/no-such-model"))
    assert "--local-dir FOLDER" in str(caught.value)
    assert "give its path instead" in str(caught.value)
    assert ("NAPARI_SAM_OFFLINE" in str(caught.value)) == ours
    assert "\n" not in str(caught.value)
    # Found out before anything is embedded.
    assert session.embeddings.embedded_count == 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_folder_that_lacks_files(tmp_path, backend):
    with pytest.raises(TextError, match=r"expected config\.json, model\.safetensors"):
        open_blocks().text("nuclei", backend=backend(tmp_path))


def test_weights_are_never_unpickled(folder, tmp_path):
    import torch

    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "model.safetensors").unlink()
    network = transformers.AutoModel.from_pretrained(folder)
    torch.save(network.state_dict(), copy / "pytorch_model.bin")
    with pytest.raises(TextError, match="safetensors"):
        open_blocks().text("nuclei", backend=ClipBackend(copy))


def test_missing_weights_are_not_made_up(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    copy = shutil.copytree(folder, tmp_path / "copy")
    weights = load_file(copy / "model.safetensors")
    del weights["visual_projection.weight"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TextError, match=r"lacks 1 weights .* visual_projection"):
        open_blocks().text("nuclei", backend=ClipBackend(copy))


def test_a_damaged_file(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(TextError, match="copy"):
        open_blocks().text("nuclei", backend=ClipBackend(copy))
    (copy / "config.json").write_text("{")
    with pytest.raises(TextError, match="copy"):
        open_blocks().text("nuclei", backend=ClipBackend(copy))


def test_models_of_another_kind(folder, tmp_path):
    with pytest.raises(
        TextError, match="expected a zero-shot detector: grounding-dino"
    ):
        open_blocks().text("nuclei", backend=GroundingBackend(folder))
    other = save_model("grounding-dino", tmp_path / "other")
    with pytest.raises(TextError, match="as CLIP and SigLIP do"):
        open_blocks().text("nuclei", backend=ClipBackend(other))


def test_a_backend_with_its_model_in_one_name(folder):
    backend = load_backend(f"clip:{folder}")
    assert isinstance(backend, ClipBackend)
    assert backend is load_backend(f"clip:{folder}")
    assert backend.model == str(folder)
    assert backend.concepts() == ()
    assert load_backend("grounding:owner/model").model == "owner/model"
    with pytest.raises(TextError, match="has its own"):
        load_backend("embedded:model")
    load_backend.cache_clear()
