"""What a person is told of an error."""

from __future__ import annotations

import logging

from tilesam.errors import TilesamError

logger = logging.getLogger(__name__)


def message_of(error: Exception) -> str:
    """Return one sentence for the screen; what nobody foresaw goes to the log as well.

    Parameters
    ----------
    error
        Those of the engine say what was given, what was expected and what to do.
    """
    if isinstance(error, TilesamError):
        return str(error)
    logger.error("an error that nobody foresaw", exc_info=error)
    return f"unexpected {type(error).__name__}: {error}; the log has the details"
