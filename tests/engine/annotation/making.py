"""What the tests of annotation are made of: candidates, labels, scripts of actions."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tilesam.annotation import (
    ArrayTarget,
    EditHistory,
    ImageRecord,
    LabelsRecord,
    ModelRecord,
    ObjectLabels,
    ObjectRows,
    PixelChange,
    SessionDocument,
    highest_label,
)
from tilesam.errors import AnnotationError
from tilesam.types import ImageIdentity, MaskCandidate, Prompts, TileKey, Window

SHAPE = (2, 9, 11)
"""Two planes, small enough for overlaps to be the rule."""

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def noon() -> datetime:
    return NOON


def build_candidate(mask: Any, offset_yx: tuple[int, int] = (0, 0)) -> MaskCandidate:
    mask = np.array(mask, np.bool_)
    return MaskCandidate(
        mask=mask,
        offset_yx=offset_yx,
        predicted_iou=0.9,
        stability_score=0.8,
        low_res_logits=np.zeros((4, 4), np.float32),
        tile=TileKey(0, 0, 0),
        window=Window(0, 0, 16, 16),
        token=1,
    )


def box(height: int, width: int, offset_yx: tuple[int, int]) -> MaskCandidate:
    return build_candidate(np.ones((height, width)), offset_yx)


def build_prompts(points: Any = ((3.0, 4.5),), boxes: Any = ()) -> Prompts:
    return Prompts(
        np.array(points, np.float64).reshape(-1, 2),
        np.ones(len(points), np.int64),
        np.array(boxes, np.float64).reshape(-1, 4),
    )


def build_document(shape: tuple[int, ...] = SHAPE, **changes: Any) -> SessionDocument:
    document = SessionDocument(
        image=ImageRecord("cells", None, ImageIdentity(shape[-2:], "uint8", 3)),
        model=ModelRecord("tiny", "ab" * 32),
        labels=LabelsRecord(shape),
    )
    return replace(document, **changes)


@dataclass
class Bench:
    """Labels and everything that changes them."""

    labels: np.ndarray
    rows: ObjectRows
    objects: ObjectLabels
    history: EditHistory

    def act(self, action: tuple[Any, ...]) -> None:
        """Do one of `actions`; what cannot be done changes nothing."""
        with contextlib.suppress(AnnotationError):
            getattr(self, f"_{action[0]}")(*action[1:])

    def _accept(self, plane, offset_yx, hw, policy, label) -> None:
        self.objects.plane = (plane,)
        candidate = box(*hw, offset_yx)
        edit = self.objects.accept(
            candidate, build_prompts(), policy=policy, label=label, clock=noon
        )
        self.history.do(edit)

    def _draw(self, plane, offset_yx, hw, label) -> None:
        """Paint as a viewer does: first the array, then the word."""
        parts = zip(offset_yx, hw, strict=True)
        place = (plane, *(slice(start, start + side) for start, side in parts))
        grid = np.mgrid[place[1:]].reshape(2, -1)
        indices = (np.full(grid.shape[1], plane), *grid)
        before = self.labels[indices].copy()
        self.labels[indices] = label
        changes = [PixelChange(indices, before, np.asarray(label))]
        self.history.note(self.objects.drawn(changes, clock=noon))

    def _delete(self, label) -> None:
        self.history.do(self.objects.delete(label))

    def _relabel(self, label, new_label) -> None:
        self.history.do(self.objects.relabel(label, new_label))

    def _undo(self) -> None:
        self.history.undo()

    def _redo(self) -> None:
        self.history.redo()

    @property
    def state(self) -> tuple[Any, ...]:
        """All that has to be equal when two are equal."""
        history = self.history
        names = history.undo_names, history.redo_names
        return self.labels.tolist(), list(self.rows), names


def build_bench(labels: np.ndarray | None = None, **options: Any) -> Bench:
    labels = np.zeros(SHAPE, np.uint16) if labels is None else labels
    rows = ObjectRows(foreign_highest=highest_label(labels))
    target = ArrayTarget(labels)
    objects = ObjectLabels(target, rows, plane=(0,) * (labels.ndim - 2))
    return Bench(labels, rows, objects, EditHistory(target, rows, **options))


def _offsets() -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(0, 5), st.integers(0, 6))


_hw = st.tuples(st.integers(1, 4), st.integers(1, 5))
_policies = st.sampled_from(["keep", "overwrite", "ask"])
_labels = st.integers(1, 6)

actions = st.one_of(
    st.tuples(
        st.just("accept"), st.integers(0, 1), _offsets(), _hw, _policies,
        st.none() | _labels,
    ),
    st.tuples(
        st.just("draw"), st.integers(0, 1), _offsets(), _hw, st.integers(0, 6)
    ),
    st.tuples(st.just("delete"), _labels),
    st.tuples(st.just("relabel"), _labels, st.none() | _labels),
    st.tuples(st.just("undo")),
    st.tuples(st.just("undo")),
    st.tuples(st.just("redo")),
)  # fmt: skip

foreign_labels = st.lists(
    st.tuples(st.integers(0, 1), _offsets(), _hw, st.integers(1, 3)), max_size=3
)


def paint_foreign(boxes: Any) -> np.ndarray:
    """Return labels with objects of somebody else."""
    labels = np.zeros(SHAPE, np.uint16)
    for plane, (y, x), (height, width), label in boxes:
        labels[plane, y : y + height, x : x + width] = label
    return labels
