"""The stages, each a story read from top to bottom and a function that a notebook can call."""
