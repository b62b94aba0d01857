from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.ablation.squares import ARCHITECTURE, SMALL, write_squares
from tilesam.model import configs


@pytest.fixture(autouse=True)
def small_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(configs.CONFIGS, ARCHITECTURE, SMALL)


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    return write_squares(tmp_path_factory.mktemp("squares"))
