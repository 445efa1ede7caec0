"""Settings that make a training quick."""

QUICK = (
    "--set",
    "network.variant=cnn",
    "--set",
    "train.epochs=3",
    "--set",
    "split.seeds=[1]",
    "--set",
    "split.folds=2",
)
"""A training of `map` that takes a second."""
