"""Fixtures for whatever meets other threads and processes at the same place."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

QUESTIONS = [
    (Path, "is_dir", os.path.isdir),
    (Path, "exists", os.path.exists),
    (Path, "stat", os.stat),
    (os.path, "lexists", os.path.lexists),
    (os.path, "islink", os.path.islink),
    (os, "access", os.access),
]
LISTINGS = [(os, "listdir", os.listdir), (os, "scandir", os.scandir)]


@pytest.fixture
def made_meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Return what makes a folder appear right after each question about a path."""

    def make_after_questions(folder: Path) -> None:
        def make() -> None:
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder)  # noqa: PTH102 - asks no question of its own

        for holder, name, question in QUESTIONS:
            monkeypatch.setattr(holder, name, followed_by(make, question))

    return make_after_questions


@pytest.fixture
def removed_meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Return what takes a folder away after the first question, before any listing."""

    def remove_after_questions(folder: Path) -> None:
        def remove() -> None:
            with contextlib.suppress(FileNotFoundError):
                # Removing it bit by bit would ask and list itself.
                os.rename(folder, folder.with_name("taken away"))  # noqa: PTH104

        for holder, name, question in QUESTIONS:
            monkeypatch.setattr(holder, name, followed_by(remove, question))
        for holder, name, listing in LISTINGS:
            monkeypatch.setattr(holder, name, preceded_by(remove, listing))

    return remove_after_questions


def followed_by(event: Callable[[], None], call: Callable[..., Any]) -> Any:
    """Return a call after which something happens, whatever it answers."""

    def answer(*args: Any, **options: Any) -> Any:
        try:
            return call(*args, **options)
        finally:
            event()

    return answer


def preceded_by(event: Callable[[], None], call: Callable[..., Any]) -> Any:
    """Return a call before which something happens."""

    def answer(*args: Any, **options: Any) -> Any:
        event()
        return call(*args, **options)

    return answer
