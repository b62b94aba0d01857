from __future__ import annotations

import pytest

from tilesam.store import open_store
from tilesam.testing.store_suite import CONTENTS


@pytest.fixture
def path(tmp_path):
    return tmp_path / "slide.sam.zarr"


@pytest.fixture
def store(path):
    return open_store(path, CONTENTS)
