"""What is taken away, as data: each variant is the full training with one change."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tilesam.errors import TrainingError
from tilesam.training.recipes import Prompting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tilesam.training.recipes import Phase, Recipe

SIZE_STEP = 64
"""Sides of inputs are multiples of this many pixels."""


@dataclass(frozen=True)
class Variant:
    """One change to the recipe, the data or the prompts.

    Parameters
    ----------
    name
        For tables, files and options.
    change
        The same in words.
    left_out
        Domains that are not trained on.
    has_scenes
        Whether a share of the crops is rendered.
    input_size
        Side of the input in pixels; None is that of the full training.
    prompting
        In training and when it is measured.
    """

    name: str
    change: str
    left_out: tuple[str, ...] = ()
    has_scenes: bool = True
    input_size: int | None = None
    prompting: Prompting = field(default=Prompting())

    def change_recipe(self, full: Recipe) -> Recipe:
        """Return the recipe of this variant."""
        recipe = replace(full, prompting=self.prompting)
        if not self.has_scenes:
            recipe = _with_phases(recipe, lambda p: replace(p, scene_share=0.0))
        return recipe if self.input_size is None else resize(recipe, self.input_size)


FULL = Variant("full", "nothing")

BUILT_IN = (
    Variant(
        "one-output",
        "the single mask answers a point, not the best of three",
        prompting=Prompting(multimask_output=False),
    ),
    Variant(
        "no-feedback",
        "further prompts come without the mask that they correct",
        prompting=Prompting(mask_feedback=False),
    ),
    Variant("no-scenes", "no rendered scenes", has_scenes=False),
)


def resize(recipe: Recipe, input_size: int) -> Recipe:
    """Return a recipe for another input size; crops shrink or grow with it.

    Zoom is in shares of a crop, so that the same is seen with fewer or more pixels.

    Raises
    ------
    TrainingError
        If the size is no positive multiple of 64.
    """
    if input_size < SIZE_STEP or input_size % SIZE_STEP:
        raise TrainingError(
            f"the input size is {input_size}; expected a multiple of {SIZE_STEP} "
            f"pixels, for example {4 * SIZE_STEP}"
        )
    before = recipe.input_size or max(phase.size for phase in recipe.phases)

    def resized(phase: Phase) -> Phase:
        side = phase.size * input_size / before
        return replace(phase, size=max(1, round(side / SIZE_STEP)) * SIZE_STEP)

    return replace(_with_phases(recipe, resized), input_size=input_size)


def _with_phases(recipe: Recipe, change: Callable[[Phase], Phase]) -> Recipe:
    return replace(recipe, phases=tuple(change(phase) for phase in recipe.phases))


def list_variants(
    *,
    leave_out: Sequence[Sequence[str]] = (),
    sizes: Sequence[int] = (),
    full_size: int | None = None,
) -> list[Variant]:
    """Return all variants, the full training first.

    Parameters
    ----------
    leave_out
        Groups of domains; each is left out by a variant of its own.
    sizes
        Sides of the input in pixels.
    full_size
        That of the full training, which needs no variant.
    """
    groups = dict.fromkeys(tuple(dict.fromkeys(group)) for group in leave_out)
    without = [
        Variant(
            f"without-{'+'.join(group)}",
            f"not trained on {', '.join(group)}",
            left_out=group,
        )
        for group in groups
    ]
    sized = [
        Variant(f"size-{size}", f"an input of {size} pixels", input_size=size)
        for size in dict.fromkeys(sizes)
        if size != full_size
    ]
    return [FULL, *BUILT_IN, *without, *sized]


def choose_variants(variants: Sequence[Variant], only: Sequence[str]) -> list[Variant]:
    """Return the variants of these names, with the full one that all are compared to.

    Parameters
    ----------
    variants
        From `list_variants`.
    only
        Names; none chooses all.

    Raises
    ------
    TrainingError
        If there is no variant of a name.
    """
    known = [variant.name for variant in variants]
    for name in only:
        if name not in known:
            raise TrainingError(
                f"there is no variant {name!r}; there are {', '.join(known)}; name "
                "domains with --leave-out and sizes with --sizes to have others"
            )
    wanted = {FULL.name, *(only or known)}
    return [variant for variant in variants if variant.name in wanted]
