"""Tables of figures, as Markdown and as plain data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tilesam.evaluation.measures.bootstrap import Interval

Cell: TypeAlias = "str | int | float"


@dataclass(frozen=True)
class Table:
    """Some figures with a title.

    Parameters
    ----------
    title
        What they are.
    header
        Of each column.
    rows
        As many cells each. Text stays, whole numbers too, others get three digits.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    @property
    def texts(self) -> list[list[str]]:
        """The cells as they are shown."""
        return [[shown(cell) for cell in row] for row in self.rows]

    def to_markdown(self) -> str:
        """Return the table as Markdown, without its title."""
        alignment = ["---", *["---:"] * (len(self.header) - 1)]
        lines = [
            f"| {' | '.join(cells)} |"
            for cells in (self.header, alignment, *self.texts)
        ]
        return "\n".join(lines) + "\n"

    def to_plain(self) -> dict[str, Any]:
        """Return the table for JSON; what is not a number there becomes None."""
        rows = [[_plain(cell) for cell in row] for row in self.rows]
        return {"title": self.title, "header": list(self.header), "rows": rows}


def table_of(plain: Mapping[str, Any]) -> Table:
    """Return what `Table.to_plain` wrote."""
    rows = [[math.nan if cell is None else cell for cell in row]
            for row in plain["rows"]]  # fmt: skip
    return Table(plain["title"], plain["header"], rows)


def shown(cell: Cell) -> str:
    """Return a cell as text; "-" for what is not known."""
    if isinstance(cell, float):
        return "-" if math.isnan(cell) else f"{cell:.3f}"
    return str(cell)


def shown_interval(interval: Interval, *, signed: bool = False) -> str:
    """Return the ends of an interval as text."""
    if math.isnan(interval.low):
        return "-"
    form = "+.3f" if signed else ".3f"
    return f"{interval.low:{form}} to {interval.high:{form}}"


def _plain(cell: Cell) -> Cell | None:
    return None if isinstance(cell, float) and math.isnan(cell) else cell
