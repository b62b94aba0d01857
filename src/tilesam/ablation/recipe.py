"""The full training of a study: all parts of the long one, in minutes."""

from __future__ import annotations

from tilesam.ablation.variants import resize
from tilesam.errors import TrainingError
from tilesam.model.configs import CONFIGS
from tilesam.training.recipes import (
    LARGE_OBJECTS,
    ROBUST,
    SHARP,
    WHOLE_IMAGES,
    Phase,
    Recipe,
)

STEPS = 300
"""About two and a half minutes on two CPU cores, see docs/explanation/ablations.md."""

FEWEST_STEPS = 3

WARMUP_SHARE = 0.07


def ablation_recipe(
    architecture: str,
    *,
    steps: int = STEPS,
    input_size: int | None = None,
    from_random: bool = True,
) -> Recipe:
    """Return what the full variant trains.

    Parameters
    ----------
    architecture
        A name in `tilesam.model.configs.CONFIGS`.
    steps
        Optimiser steps in all.
    input_size
        Side of the input in pixels; None is that of the architecture.
    from_random
        Whether it begins with random weights: dense targets and large objects come
        first then. Else whole images are all there is.

    Raises
    ------
    TrainingError
        If there are too few steps, no such architecture, or the size cannot be.
    """
    if architecture not in CONFIGS:
        raise TrainingError(
            f"there is no architecture {architecture!r}; there are {', '.join(CONFIGS)}"
        )
    if steps < FEWEST_STEPS:
        raise TrainingError(
            f"{steps} steps are asked for; expected at least {FEWEST_STEPS}, one for "
            "each phase of training"
        )
    size = CONFIGS[architecture].input_size
    recipe = Recipe(
        architecture,
        _from_random(steps, size) if from_random else _from_weights(steps, size),
        learning_rate=8e-4 if from_random else 4e-4,
        warmup_steps=round(steps * WARMUP_SHARE),
        weight_decay=0.05,
        ema_decay=0.98,
        # Measured afterwards, by the protocols; the quick look would only cost time.
        validate_every=steps + 1,
        bfloat16=True,
        input_size=size,
    )
    return resize(recipe, input_size or size)


def _from_random(steps: int, size: int) -> tuple[Phase, ...]:
    """Show half the pixels first: what matters then is to find anything at all."""
    first = max(1, steps // 5)
    second = max(1, 2 * steps // 5)
    small = size // 2
    return (
        Phase(first, small, 8, 0, 0, 0, LARGE_OBJECTS, ROBUST, 1.0, 0.15),
        Phase(second, small, 4, 8, 0, 0, LARGE_OBJECTS, ROBUST, 0.5, 0.15),
        Phase(
            *(steps - first - second, size, 2, 8, 1, 0, WHOLE_IMAGES, ROBUST),
            *(0.2, 0.15),
        ),
    )


def _from_weights(steps: int, size: int) -> tuple[Phase, ...]:
    return (Phase(steps, size, 2, 8, 1, 0, WHOLE_IMAGES, SHARP, 0.3, 0.15),)
