"""Layers of a viewer: what the user sees and draws in, and where it lies."""
