"""What becomes of pixels that other objects have already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from tilesam.errors import AnnotationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tilesam.types import BoolArray

Policy: TypeAlias = Literal["keep", "overwrite", "ask"]
"""Existing objects keep their pixels, lose them, or `OverlapQuestion` is raised."""


class OverlapQuestion(AnnotationError):  # noqa: N818 - it asks, nothing is wrong
    """The mask lies on other objects, and the policy is to ask what to do about it.

    Parameters
    ----------
    labels
        Of these objects.
    pixels
        How many pixels of theirs the mask would take.
    """

    def __init__(self, labels: tuple[int, ...], pixels: int) -> None:
        super().__init__(labels, pixels)
        self.labels = labels
        self.pixels = pixels

    def __str__(self) -> str:
        names = ", ".join(map(str, self.labels[:5]))
        more = ", ..." if len(self.labels) > 5 else ""
        return (
            f"the mask lies on {self.pixels} pixel(s) of object(s) {names}{more}; "
            'accept it again with policy="keep" or policy="overwrite"'
        )


def require_policy(policy: str) -> Policy:
    """Return a policy.

    Raises
    ------
    AnnotationError
        If there is none of this name.
    """
    for known in get_args(Policy):
        if policy == known:
            checked: Policy = known
            return checked
    raise AnnotationError(
        f"the policy is {policy!r}; expected one of {', '.join(get_args(Policy))}"
    )


def pixels_to_paint(
    mask: BoolArray, existing: NDArray[Any], label: int, policy: Policy
) -> BoolArray:
    """Return which pixels of a mask change when it is painted.

    Parameters
    ----------
    mask
        (h, w) bool.
    existing
        (h, w) labels under it; 0 is background, anything else an object.
    label
        What is painted; pixels that have it already do not change.
    policy
        What to do about other objects.

    Raises
    ------
    OverlapQuestion
        If the policy is to ask and there are others.
    AnnotationError
        If nothing is left to paint.
    """
    is_others = mask & (existing != 0) & (existing != label)
    if policy == "ask" and is_others.any():
        labels = np.unique(existing[is_others]).tolist()
        raise OverlapQuestion(tuple(labels), int(np.count_nonzero(is_others)))
    paint: BoolArray = mask & (existing != label)
    if policy == "keep":
        paint &= ~is_others
    if not paint.any():
        raise AnnotationError(_why_nothing(mask, is_others, label))
    return paint


def _why_nothing(mask: BoolArray, is_others: BoolArray, label: int) -> str:
    if not mask.any():
        return "the mask is empty; expected an object; choose another candidate"
    if is_others.any():
        return (
            "other objects have all pixels of the mask; expected some that are free; "
            'choose another candidate, or accept it with policy="overwrite"'
        )
    return f"object {label} has all pixels of the mask already; nothing is to be done"
