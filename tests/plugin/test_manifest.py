"""The manifest that napari finds is the one at the repository's root."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import pytest
from npe2 import PluginManifest

DISTRIBUTION = "napari-sam-tiles"
ROOT_MANIFEST = Path(__file__).parents[2] / "napari.yaml"


@pytest.fixture
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution(DISTRIBUTION)


def test_the_installed_manifest_equals_the_root_file():
    # A checkout without symlinks turns the link into a stub of one line.
    installed = files("napari_sam").joinpath("napari.yaml").read_text(encoding="utf-8")

    assert installed == ROOT_MANIFEST.read_text(encoding="utf-8")


def test_the_entry_point_names_the_manifest():
    (entry_point,) = entry_points(group="napari.manifest", name=DISTRIBUTION)

    assert entry_point.value == "napari_sam:napari.yaml"


def test_the_manifest_is_valid_and_all_its_python_names_import(manifest):
    manifest.validate_imports()

    assert manifest.name == DISTRIBUTION


def test_every_command_is_contributed_somewhere(manifest):
    contributions = manifest.contributions
    commands = {command.id for command in contributions.commands}
    used = {sample.command for sample in contributions.sample_data}
    used |= {widget.command for widget in contributions.widgets}
    used |= {reader.command for reader in contributions.readers}
    used |= {writer.command for writer in contributions.writers}
    used |= {item.command for items in contributions.menus.values() for item in items}

    assert used == commands


def test_every_command_is_a_documented_callable(manifest):
    for command in manifest.contributions.commands:
        module, name = command.python_name.split(":")
        target = getattr(import_module(module), name)
        assert callable(target)
        assert target.__doc__, command.id
