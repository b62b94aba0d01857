"""Fixtures for whatever meets other threads and processes at the same place."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def made_meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Return what makes a folder appear right after each question about a path."""

    def make_after_questions(folder: Path) -> None:
        def made_after(question: Callable[[Path], bool]) -> Callable[[Path], bool]:
            def answer(path: Path) -> bool:
                before = question(path)
                with contextlib.suppress(FileExistsError):
                    os.mkdir(folder)  # noqa: PTH102 - asks no question of its own
                return before

            return answer

        monkeypatch.setattr(Path, "is_dir", made_after(os.path.isdir))
        monkeypatch.setattr(Path, "exists", made_after(os.path.exists))
        monkeypatch.setattr(os.path, "lexists", made_after(os.path.lexists))

    return make_after_questions
