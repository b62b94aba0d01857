"""What napari's *Open*, *Save* and *Open Sample* call."""
