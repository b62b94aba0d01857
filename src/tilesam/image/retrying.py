"""Reads that are tried again: networks fail for moments."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeVar

from tilesam.errors import ImageReadError, TilesamError

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSES = (0.1, 0.5)
"""Seconds to wait before the second and the third try."""

T = TypeVar("T")

_logger = logging.getLogger(__name__)


def read_with_retries(read: Callable[[], T], what: str) -> T:
    """Return what `read` returns, at the third try at the latest.

    Parameters
    ----------
    read
        Called with nothing.
    what
        Name of what is read, for people.

    Raises
    ------
    ImageReadError
        If it fails three times, whatever the reason.
    """
    pauses = iter(PAUSES)
    while True:
        try:
            return read()
        except (TilesamError, MemoryError):
            raise
        except Exception as error:  # stores raise whatever they trip over
            pause = next(pauses, None)
            if pause is None:
                raise _unreadable(what, error) from error
            _logger.info("%s could not be read (%s); trying again", what, error)
            time.sleep(pause)


def _unreadable(what: str, error: Exception) -> ImageReadError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ImageReadError(
        f"{what} cannot be read, {len(PAUSES) + 1} times over ({reason}); expected "
        "pixels; check the connection, and that the file is complete"
    )
