"""Options that take several numbers and may be repeated: `--point 1 2 --point 3 4`.

Typer has either, but not both in one. So the numbers of each occurrence are put into
one argument before Typer sees them, and the option is declared as a list of texts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand

VALUE_NAMES = {
    "--point": ("Y", "X"),
    "--negative": ("Y", "X"),
    "--box": ("Y0", "X0", "Y1", "X1"),
}
"""The options and what their numbers mean."""


class SeveralValuesCommand(TyperCommand):
    """A command with the options of `VALUE_NAMES`; register it with `cls=`."""

    value_names: ClassVar[dict[str, tuple[str, ...]]] = VALUE_NAMES

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments as usual after joining the numbers of each occurrence."""
        return super().parse_args(ctx, list(self._joined(ctx, iter(args))))

    def _joined(self, ctx: Any, arguments: Iterator[str]) -> Iterator[str]:
        for argument in arguments:
            if argument == "--":
                yield argument
                yield from arguments
                return
            # Both `--point 1 2` and `--point=1 2` are written.
            option, sign, first = argument.partition("=")
            names = self.value_names.get(option, ())
            if not names:
                yield argument
                continue
            given = itertools.chain([first] if sign else [], arguments)
            values = [next(given, "") for _ in names]
            _require_numbers(ctx, option, values, names)
            yield option
            yield " ".join(values)


def _require_numbers(
    ctx: Any, option: str, values: list[str], names: tuple[str, ...]
) -> None:
    if not all(_is_number(value) for value in values):
        given = " ".join(values).strip() or "nothing"
        raise typer.BadParameter(
            f"{option} is followed by {given}; expected {len(names)} numbers, "
            f"{option} {' '.join(names)}.",
            ctx=ctx,
        )


def split_values(texts: list[str] | None) -> list[tuple[float, ...]]:
    """Return the numbers of each occurrence of an option."""
    return [tuple(float(value) for value in text.split()) for text in texts or []]


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
