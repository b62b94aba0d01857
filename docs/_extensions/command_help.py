"""Sphinx directive `command-help`: the help of every command, as it is today.

Written at build time from the application itself, so that it cannot fall behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import typer
from docutils import nodes
from docutils.parsers.rst import Directive

if TYPE_CHECKING:
    from collections.abc import Iterator


class CommandHelp(Directive):
    """One section for each command, with what `COMMAND --help` prints."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        from tilesam.cli import app

        root = typer.main.get_command(app)
        return [_section(*found) for found in _walk(root, name="napari-sam")]


def _walk(command: Any, *, name: str, parent: Any = None) -> Iterator[tuple[str, str]]:
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    yield context.command_path, command.get_help(context)
    for child_name, child in getattr(command, "commands", {}).items():
        yield from _walk(child, name=child_name, parent=context)


def _section(title: str, text: str) -> nodes.section:
    section = nodes.section(ids=[nodes.make_id(title)])
    section += nodes.title(text=title)
    section += nodes.literal_block(text, text, language="text")
    return section


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
