"""Backends by name: what is missing says how to get it."""

from __future__ import annotations

import pytest

from tilesam.errors import TextError
from tilesam.text import backends
from tilesam.text.backends import INSTALL, load_backend


def test_an_unknown_name_lists_those_that_exist():
    with pytest.raises(TextError, match="embedded, clip, grounding"):
        load_backend("nonsense")


def test_what_is_not_installed_says_the_command(monkeypatch):
    place = ("tilesam.text.not_there", "NoBackend")
    monkeypatch.setitem(backends._PLACES, "clip", place)
    load_backend.cache_clear()
    with pytest.raises(TextError) as caught:
        load_backend("clip")
    assert INSTALL in str(caught.value)
    assert 'pip install "napari-sam-tiles[text]"' in str(caught.value)
    load_backend.cache_clear()


def test_backends_are_made_once():
    assert load_backend("embedded") is load_backend("embedded")
