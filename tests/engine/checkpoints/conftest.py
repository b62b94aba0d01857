"""A server, an empty cache and a model whose weights the server has."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest

from tilesam.model.checkpoints.explanations import PROXY_VARIABLES
from tilesam.model.checkpoints.locations import FOLDER_VARIABLE, OFFLINE_VARIABLE
from tilesam.model.checkpoints.registry import ModelEntry
from tilesam.testing.serving import CONTENT, PoliteServer, serving


@pytest.fixture
def server() -> Iterator[PoliteServer]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache folder, in an environment without settings of its own."""
    for variable in PROXY_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.delenv(OFFLINE_VARIABLE, raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda _: tmp_path / "cache")
    return tmp_path / "cache" / "models"


@pytest.fixture
def entry(server: PoliteServer) -> ModelEntry:
    """Return a model whose weights are what the server serves."""
    return ModelEntry(
        name="served",
        architecture="vit_t",
        url=server.url,
        digest=f"sha256:{hashlib.sha256(CONTENT).hexdigest()}",
        size_bytes=len(CONTENT),
        licence="BSD-3-Clause",
        good_for="tests",
        source="https://example.org",
    )


@pytest.fixture
def sizeless(entry: ModelEntry) -> ModelEntry:
    """Return the same model, its size unpublished."""
    return dataclasses.replace(entry, size_bytes=None)
