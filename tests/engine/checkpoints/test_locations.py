from __future__ import annotations

from pathlib import Path

import pytest

from tilesam.model.checkpoints import locations
from tilesam.model.checkpoints.locations import (
    FOLDER_VARIABLE,
    OFFLINE_VARIABLE,
    cache_folder,
    find_local,
    is_offline,
    search_folders,
)
from tilesam.model.checkpoints.registry import REGISTRY


def place(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"weights")
    return folder / name


def test_argument_before_environment_before_cache(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = REGISTRY["vit_b"]
    assert find_local(entry) is None
    in_cache = place(cache, "vit_b.pth")
    assert find_local(entry) == in_cache
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "offline"))
    assert find_local(entry) == in_cache
    in_environment = place(tmp_path / "offline", "sam_vit_b_01ec64.pth")
    assert find_local(entry) == in_environment
    assert find_local(entry, tmp_path / "given") == in_environment
    in_argument = place(tmp_path / "given", "vit_b")
    assert find_local(entry, tmp_path / "given") == in_argument


def test_the_folder_may_be_in_the_home_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv(FOLDER_VARIABLE, "~/weights")
    assert search_folders() == [tmp_path / "weights", cache_folder()]


def test_a_folder_of_the_right_name_is_no_file(cache: Path) -> None:
    (cache / "vit_b.pth").mkdir(parents=True)
    assert find_local(REGISTRY["vit_b"]) is None


def test_an_ambiguous_name_is_not_taken(cache: Path) -> None:
    place(cache, "vit_b.pt")
    assert find_local(REGISTRY["vit_b_lm"]) is None


def test_embedded_weights_lie_in_the_package_only(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(cache, "tiny.safetensors")
    monkeypatch.setattr(locations, "EMBEDDED_FOLDER", tmp_path / "package")
    assert find_local(REGISTRY["tiny"]) is None
    embedded = place(tmp_path / "package", "tiny.safetensors")
    assert find_local(REGISTRY["tiny"], cache) == embedded


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("yes", True), ("0", False), ("", False)]
)
def test_offline(value: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_offline()
    monkeypatch.setenv(OFFLINE_VARIABLE, value)
    assert is_offline() is expected
