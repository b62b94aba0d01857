from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import platformdirs
import pytest

from tilesam.cli import main
from tilesam.model import configs
from tilesam.model.checkpoints import registry
from tilesam.model.checkpoints.explanations import PROXY_VARIABLES
from tilesam.model.checkpoints.locations import FOLDER_VARIABLE, OFFLINE_VARIABLE
from tilesam.model.checkpoints.registry import REGISTRY, ModelEntry
from tilesam.model.checkpoints.saving import save_weights
from tilesam.model.configs import PyramidConfig, SamConfig, build_sam
from tilesam.testing.serving import PoliteServer, serving

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Return a function that runs `napari-sam models` with an empty cache."""
    for variable in (*PROXY_VARIABLES, FOLDER_VARIABLE, OFFLINE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda _: tmp_path / "cache")

    def run_models(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            main(["models", *arguments])
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return run_models


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    small = SamConfig("small", 64, PyramidConfig((8,) * 4, (1,) * 4))
    monkeypatch.setitem(configs.CONFIGS, "small", small)
    path = tmp_path / "mine.safetensors"
    save_weights(build_sam(small), path)
    return path


@pytest.fixture
def served(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[ModelEntry, PoliteServer]]:
    """Yield a named model and the server that has it."""
    with serving() as server:
        server.manners.content = content = weights.read_bytes()
        entry = ModelEntry(
            "small_cells", "small", server.url,
            f"sha256:{hashlib.sha256(content).hexdigest()}", len(content),
            "MIT", "tests", "https://example.org",
        )  # fmt: skip
        monkeypatch.setitem(registry.REGISTRY, entry.name, entry)
        yield entry, server


def test_every_model_is_listed(run: Run) -> None:
    code, out, _ = run("list")
    assert code == 0
    lines = out.splitlines()
    for entry in REGISTRY.values():
        (line,) = [line for line in lines if line.split()[:1] == [entry.name]]
        assert entry.licence in line
    assert any("vit_b " in line and " 375 MB" in line for line in lines)
    assert any("vit_b_lm " in line and "~375 MB" in line for line in lines)


def test_the_list_says_what_is_here(run: Run, tmp_path: Path) -> None:
    (tmp_path / "vit_b_lm.pt").write_bytes(b"12345")
    code, out, _ = run("list", "--folder", str(tmp_path), "--json")
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)}
    assert list(rows) == list(REGISTRY)
    assert rows["vit_b_lm"]["path"] == str(tmp_path / "vit_b_lm.pt")
    assert rows["vit_b_lm"]["size_bytes"] == 5
    assert rows["vit_b_lm"]["digest"] == "xxh128:fe9252a29f3f4ea53c15a06de471e186"
    assert rows["vit_b"]["path"] is None
    assert rows["vit_b"]["size_bytes"] == 375_042_383
    assert rows["vit_b"]["licence"] == "Apache-2.0"
    text = run("list", "--folder", str(tmp_path))[1]
    assert [line.split()[0] for line in text.splitlines() if " yes " in line] == [
        row for row in rows if rows[row]["path"]
    ]


def test_fetching(
    run: Run, served: tuple[ModelEntry, PoliteServer], tmp_path: Path
) -> None:
    entry, _ = served
    code, out, _ = run("fetch", "small_cells", "--json")
    assert code == 0
    document = json.loads(out)
    path = tmp_path / "cache" / "models" / entry.file_name
    assert document == {
        "name": "small_cells",
        "path": str(path),
        "size_bytes": path.stat().st_size,
        "sha256": entry.sha256,
        "checked": "has the published sha256",
    }
    code, out, _ = run("fetch", "small_cells", "--into", str(tmp_path / "stick"))
    assert code == 0
    assert (tmp_path / "stick" / entry.file_name).exists()
    assert str(entry.sha256) in out


def test_fetching_what_cannot_be_had(
    run: Run, served: tuple[ModelEntry, PoliteServer]
) -> None:
    _, server = served
    server.manners.status = 404
    code, out, err = run("fetch", "small_cells")
    assert (code, out) == (1, "")
    assert err.startswith("Error: cannot fetch small_cells from http://127.0.0.1")
    assert len(err.splitlines()) == 1


def test_an_unknown_name(run: Run) -> None:
    for command in ("fetch", "verify"):
        code, out, err = run(command, "vitb")
        assert (code, out) == (1, "")
        assert "did you mean 'vit_b'?" in err


def test_verifying_a_file(run: Run, weights: Path) -> None:
    code, out, _ = run("verify", str(weights), "--json")
    assert code == 0
    document = json.loads(out)
    assert document["architecture"] == "small"
    assert document["input_size"] == 64
    assert document["parameters"] > 4_000_000
    assert document["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert document["checked"].startswith("no published digest")
    code, out, _ = run("verify", str(weights))
    assert code == 0
    assert "loads as small" in out


def test_verifying_a_damaged_file(run: Run, weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:-100])
    code, out, err = run("verify", str(weights), "--json")
    assert (code, out) == (1, "")
    assert "damaged or truncated" in err


def test_verifying_a_named_model_reads_it_again(
    run: Run, served: tuple[ModelEntry, PoliteServer]
) -> None:
    code, _, err = run("verify", "small_cells")
    assert code == 1
    assert "run `napari-sam models fetch small_cells`" in err
    path = Path(json.loads(run("fetch", "small_cells", "--json")[1])["path"])
    assert run("verify", "small_cells")[0] == 0
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    with path.open("r+b") as file:  # a bit flips, as on a failing disk
        file.write(content)
    code, _, err = run("verify", "small_cells")
    assert code == 1
    assert "damaged" in err


def test_what_is_compared_is_said(
    run: Run,
    served: tuple[ModelEntry, PoliteServer],
    weights: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import xxhash

    entry, _ = served
    digest = f"xxh128:{xxhash.xxh128(weights.read_bytes()).hexdigest()}"
    monkeypatch.setitem(registry.REGISTRY, "small_cells", replace(entry, digest=digest))
    out = run("fetch", "small_cells")[1]
    assert "published xxh128 (safe against accidents, not against forgery)" in out
