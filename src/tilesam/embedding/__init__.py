"""Embedding all tiles of an image: which, in which order, here or on a cluster."""
