"""The dock widgets: panels that are wired to the annotator of the chosen image."""
