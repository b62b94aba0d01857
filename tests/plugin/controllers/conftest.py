from __future__ import annotations

import pytest

from napari_sam.threads.engine_thread import EngineThread
from tests.plugin.fake_window import FakeWindow


@pytest.fixture
def window():
    return FakeWindow()


@pytest.fixture
def engine(window):
    engine = EngineThread(window.deliver)
    yield engine
    assert engine.stop()
