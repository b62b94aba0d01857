"""Many masks at once, as runs of pixels: nothing is as large as the image."""
