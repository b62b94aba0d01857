"""Tables, plots and pictures of results, for people."""
