"""Results as files that other programs read, written whole or not at all."""

from __future__ import annotations
