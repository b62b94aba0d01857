"""Work of a person as a file: where it lies, what it says, and how it comes back."""
