"""What is promised about the installation: tested versions, no Qt binding, no pins."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = "napari-sam-tiles"
QT_BINDINGS = {"pyqt5", "pyqt6", "pyside2", "pyside6"}


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower()


def requirements() -> list[str]:
    optional = PROJECT["optional-dependencies"].values()
    every = [*PROJECT["dependencies"], *(one for group in optional for one in group)]
    return [requirement for requirement in every if name_of(requirement) != OURS]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.lower().split("==") for line in lines if not line.startswith("#"))


def test_a_tested_version_is_named_of_everything_that_is_asked_for():
    missing = {name_of(requirement) for requirement in requirements()} - set(pins())
    assert missing == set()


@pytest.mark.parametrize("requirement", requirements())
def test_the_package_itself_states_lower_bounds_only(requirement):
    assert re.fullmatch(r"[\w.-]+(\[[\w,]+\])?>=[\d.]+", requirement)


def test_a_qt_binding_comes_with_an_extra_only():
    core = {name_of(requirement) for requirement in PROJECT["dependencies"]}
    assert not core & QT_BINDINGS
    assert QT_BINDINGS & {name_of(r) for r in PROJECT["optional-dependencies"]["all"]}


def test_citation_and_package_have_one_version():
    citation = (ROOT / "CITATION.cff").read_text()
    assert (
        re.search(r"^version: (.+)$", citation, re.MULTILINE).group(1)
        == (PROJECT["version"])
    )
    assert version(OURS) == PROJECT["version"]
