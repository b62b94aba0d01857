from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tilesam.errors import CheckpointError
from tilesam.model.checkpoints.files import CONTAINER_KEYS, first_few, read_tensors

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4, dtype=torch.half)}


class RunsCode:
    """Unpickled, it makes a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.system, (f"touch {self.trace}",)


def save(path: Path, content: object, *, is_legacy: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not is_legacy)
    return path


def complaint(path: Path) -> str:
    """Return the one line that a file is refused with."""
    with pytest.raises(CheckpointError) as caught:
        read_tensors(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def assert_same(found: dict[str, Tensor]) -> None:
    assert found.keys() == TENSORS.keys()
    for key, tensor in TENSORS.items():
        torch.testing.assert_close(found[key], tensor, rtol=0, atol=0)


def test_safetensors_with_what_they_say_of_themselves(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"  # the content counts, not the suffix
    safetensors.torch.save_file(TENSORS, path, metadata={"architecture": "tiny"})
    content = read_tensors(path)
    assert_same(content.tensors)
    assert content.metadata == {"architecture": "tiny"}
    assert content.path == path


@pytest.mark.parametrize("length", range(8))
def test_safetensors_whose_header_is_as_long_as_a_pickle_begins(
    length: int, tmp_path: Path
) -> None:
    # Headers are padded to eights: one of these in 32 begins with 0x80.
    path = tmp_path / "weights.safetensors"
    starts = set()
    for more in range(32):
        note = "x" * (8 * more + length)
        safetensors.torch.save_file(TENSORS, path, metadata={"note": note})
        starts.add(path.read_bytes()[0])
        assert_same(read_tensors(path).tensors)
    assert 0x80 in starts


@pytest.mark.parametrize("is_legacy", [False, True])
def test_what_torch_saves(is_legacy: bool, tmp_path: Path) -> None:
    path = save(tmp_path / "weights.safetensors", TENSORS, is_legacy=is_legacy)
    content = read_tensors(path)
    assert_same(content.tensors)
    assert content.metadata == {}


@pytest.mark.parametrize("key", CONTAINER_KEYS)
def test_weights_among_other_things(key: str, tmp_path: Path) -> None:
    path = save(
        tmp_path / "best.pt",
        {key: TENSORS, "epoch": 7, "optimizer": {"lr": 0.1}, "note": "done"},
    )
    assert_same(read_tensors(path).tensors)


@pytest.mark.parametrize("is_legacy", [False, True])
def test_code_is_refused_and_not_run(is_legacy: bool, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    evil = {"model": TENSORS, "extra": RunsCode(trace)}
    path = save(tmp_path / "evil.pth", evil, is_legacy=is_legacy)
    message = complaint(path)
    assert "system" in message
    assert "never loaded" in message
    assert "weights_only" not in message
    assert not trace.exists()


def test_the_trap_of_the_test_before_does_work(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    pickle.loads(pickle.dumps(RunsCode(trace)))
    assert trace.exists()


def test_a_bare_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(RunsCode(trace)))
    complaint(path)
    assert not trace.exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["safetensors", "archive", "legacy"])
def test_a_truncated_file(kind: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    if kind == "safetensors":
        safetensors.torch.save_file(TENSORS, path)
    else:
        save(path, TENSORS, is_legacy=kind == "legacy")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "again" in complaint(path)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"weights", "no weights file"),
        (b"\xff" * 99, "no weights file"),
    ],
)
def test_another_kind_of_file(start: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(start)
    assert words in complaint(path)


def test_no_file_and_no_permission(tmp_path: Path) -> None:
    assert "No such file" in complaint(tmp_path / "absent.pt")
    assert "cannot be read" in complaint(tmp_path)


def test_a_header_that_promises_too_much(tmp_path: Path) -> None:
    header = b'{"a":{"dtype":"F32","shape":[99999999],"data_offsets":[0,399999996]}}'
    path = tmp_path / "bomb.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 8)
    assert "damaged" in complaint(path)


def test_an_archive_that_would_fill_the_memory(tmp_path: Path) -> None:
    plain = save(tmp_path / "plain.pt", {"a": torch.zeros(1_000_000)})
    path = tmp_path / "bomb.pt"
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in source.namelist():
            packed.writestr(name, source.read(name))
    assert path.stat().st_size < 100_000
    assert "would unpack to 4," in complaint(path)


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "readme.txt").write_text("weights")
    shutil.make_archive(str(tmp_path / "download"), "zip", tmp_path / "folder")
    assert "unpack it" in complaint(tmp_path / "download.zip")


def test_a_program_is_not_weights(tmp_path: Path) -> None:
    path = tmp_path / "program.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("program/data.pkl", b"")
        archive.writestr("program/code/__torch__.py", b"")
    assert "TorchScript" in complaint(path)


def test_content_that_is_not_named_tensors(tmp_path: Path) -> None:
    assert "holds a list" in complaint(save(tmp_path / "a.pt", [torch.zeros(1)]))
    assert "holds a dict" in complaint(save(tmp_path / "b.pt", {}))
    mixed = {**TENSORS, "epoch": 3, "lr": 0.1, "note": "x", "best": 1}
    message = complaint(save(tmp_path / "c.pt", mixed))
    assert "4 entries that are no tensors (epoch, lr, note, ...)" in message


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the bytes of a good file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    safetensors.torch.save_file(TENSORS, folder / "safetensors", {"name": "x"})
    save(folder / "archive", {"model": TENSORS})
    save(folder / "legacy", {"model": TENSORS}, is_legacy=True)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@settings(max_examples=150)
@given(data=st.data())
def test_any_damage_is_an_error_of_ours_or_harmless(
    data: st.DataObject, whole_files: dict[str, bytes], tmp_path_factory: Any
) -> None:
    kind = data.draw(st.sampled_from(sorted(whole_files)))
    content = bytearray(whole_files[kind])
    places = st.integers(0, len(content) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content)
    with contextlib.suppress(CheckpointError):
        tensors = read_tensors(path).tensors
        assert all(isinstance(tensor, Tensor) for tensor in tensors.values())


def test_first_few() -> None:
    assert first_few([]) == ""
    assert first_few(["a", "b", "c"]) == "a, b, c"
    assert first_few(["a", "b", "c", "d"]) == "a, b, c, ..."
