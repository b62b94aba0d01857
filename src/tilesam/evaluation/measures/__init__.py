"""Pure functions from masks, labels and scores to figures."""
