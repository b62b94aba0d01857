"""How good a model is: the paper's protocols on labelled images."""
