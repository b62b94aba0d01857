"""Errors for people: each says what was given, what was expected and what to do.

Every one is also the built-in exception a caller would expect, so that code which
knows nothing of this package still catches it.
"""

from __future__ import annotations


class TilesamError(Exception):
    """Base of all errors that a user of this package can cause and can mend."""


class ImageError(TilesamError, ValueError):
    """The image cannot be segmented: its shape, type or values do not fit."""


class ImageReadError(TilesamError, OSError):
    """The image file is missing, unreadable or in an unknown format."""


class PromptError(TilesamError, ValueError):
    """The prompt cannot be answered: it is empty, malformed or outside the image."""


class UnknownModelError(TilesamError, LookupError):
    """No model has this name, and no file has this path."""


class CheckpointError(TilesamError, ValueError):
    """The weights file is not what it claims to be; nothing was loaded."""


class DownloadError(TilesamError, OSError):
    """The weights could not be fetched; no partial file takes their place."""


class DeviceError(TilesamError, RuntimeError):
    """The compute device is unknown, absent or out of memory at batch size one."""


class DatasetError(TilesamError, ValueError):
    """The training or validation data cannot be read."""


class TrainingError(TilesamError, RuntimeError):
    """Training cannot start or go on, or cannot be resumed from what is there."""


class OutputError(TilesamError, OSError):
    """A result cannot be written where it was asked for."""


class TilingError(TilesamError, ValueError):
    """There is no such tile or level in the lattice of the image."""


class StoreError(TilesamError, OSError):
    """The embedding store cannot be opened or read, or is no such store."""


class StoreFormatError(StoreError):
    """The embedding store was written in a format that this version does not read."""


class StoreMismatchError(StoreError):
    """The embedding store belongs to another image."""


class StoreWriteError(StoreError):
    """An embedding cannot be written: the folder is read-only or the disk full."""


class EmbeddingError(TilesamError, RuntimeError):
    """Embedding cannot start or go on; what was stored so far stays valid."""


class EverythingError(TilesamError, ValueError):
    """Everything cannot be segmented: a setting, a folder or a count is off."""


class AnnotationError(TilesamError, ValueError):
    """The objects cannot be changed like this: a label, a mask or an answer is off."""


class SimilarityError(TilesamError, ValueError):
    """Objects cannot be compared: there is no such object, or no other one."""


class SessionFileError(TilesamError, OSError):
    """The file of a session cannot be read or written, or belongs to another image."""


class TextError(TilesamError, ValueError):
    """The phrase cannot be asked: it is empty, too long, or its backend is not here."""
