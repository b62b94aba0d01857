"""Small networks and synthetic images for tests: ours, and those of users."""

from __future__ import annotations
