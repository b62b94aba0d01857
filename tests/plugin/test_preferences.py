"""What napari's Preferences say of the plugin, and what becomes of wrong values."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from npe2 import PluginManifest

from napari_sam.preferences import Preferences, default_cache_folder, read_preferences
from tilesam.model.checkpoints.registry import REGISTRY

PLUGIN = "napari-sam-tiles"


@pytest.fixture
def settings(plugin_settings, npe2pm):
    """Return napari's settings of this plugin alone, kept in a folder of the test."""
    from napari.settings import get_plugin_settings

    npe2pm.register(PluginManifest.from_distribution(PLUGIN))
    return get_plugin_settings(PLUGIN)


def test_what_the_manifest_offers_are_the_defaults(settings):
    assert read_preferences() == Preferences()


def test_every_named_model_can_be_chosen():
    groups = PluginManifest.from_distribution(PLUGIN).contributions.configurations

    assert groups["models"].properties["default_model"].enum == list(REGISTRY)


def test_choices_are_read(settings, tmp_path):
    settings.models.device = "cpu"
    settings.cache.folder = f" {tmp_path / 'cache'} "
    settings.cache.size_gb = 0
    settings.sessions.autosave = False
    settings.sessions.folder = "~/sessions"

    assert read_preferences() == Preferences(
        device="cpu",
        cache_folder=tmp_path / "cache",
        cache_bytes=0,
        autosaves=False,
        session_folder=Path.home() / "sessions",
    )


def test_they_are_kept_from_one_start_to_the_next(settings):
    settings.cache.size_gb = 3

    again = type(settings)(config_path=settings.config_path)

    assert again.cache.size_gb == 3


def test_a_model_whose_weights_are_elsewhere_is_not_answered_with(
    settings, tmp_path, monkeypatch
):
    monkeypatch.setenv("NAPARI_SAM_MODELS_DIR", str(tmp_path))
    settings.models.default_model = "vit_l_lm"

    preferences = read_preferences()

    assert preferences.model == "tiny"
    (problem,) = preferences.problems
    assert "vit_l_lm" in problem
    assert "download" in problem

    entry = REGISTRY["vit_l_lm"]
    (tmp_path / entry.accepted_names[0]).touch()
    assert read_preferences() == Preferences(model="vit_l_lm")


@pytest.mark.parametrize("folder", ["relative/folder", "~nobody-of-this-name/cache"])
def test_a_folder_that_means_nothing_is_replaced_and_named(settings, folder):
    settings.cache.folder = folder

    preferences = read_preferences()

    assert preferences.cache_folder == default_cache_folder()
    assert repr(folder) in preferences.problems[0]


def test_a_file_is_no_folder(settings, tmp_path):
    file = tmp_path / "notes.txt"
    file.touch()
    settings.sessions.folder = str(file)

    preferences = read_preferences()

    assert preferences == replace(Preferences(), problems=preferences.problems)
    assert "folder of sessions" in preferences.problems[0]


def test_a_folder_that_another_program_makes_meanwhile_is_used(
    settings, tmp_path, monkeypatch
):
    folder = tmp_path / "cache"

    question = Path.is_dir

    def is_dir(path):
        before = question(path)
        if path == folder and not before:
            os.mkdir(folder)  # noqa: PTH102 - asks no question of its own
        return before

    monkeypatch.setattr(Path, "is_dir", is_dir)
    settings.cache.folder = str(folder)
    preferences = read_preferences()
    assert preferences.cache_folder == folder
    assert preferences.problems == ()


def test_a_device_that_is_not_there_is_replaced(settings, monkeypatch):
    monkeypatch.setattr("tilesam.model.device.available_devices", lambda: ["cpu"])
    settings.models.device = "mps"

    preferences = read_preferences()

    assert preferences.device is None
    assert "mps" in preferences.problems[0]


@pytest.mark.parametrize(
    ("group", "name", "value"),
    [
        ("models", "default_model", "vit_x"),
        ("models", "device", "toaster"),
        ("cache", "size_gb", -1),
        ("sessions", "autosave", "sometimes"),
    ],
)
def test_napari_itself_refuses_what_is_not_offered(settings, group, name, value):
    with pytest.raises(ValueError, match=name):
        setattr(getattr(settings, group), name, value)


def test_where_napari_does_not_know_the_plugin_there_are_defaults(plugin_settings):
    assert read_preferences() == Preferences()
