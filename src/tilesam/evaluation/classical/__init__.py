"""Interactive segmentation without a network: models should be better than that."""
