"""Networks to files other programs run."""
