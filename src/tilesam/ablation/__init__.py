"""What each part of training is worth: the same small training with one part less."""
