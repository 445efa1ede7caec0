"""One folder a model, found by scanning; the contract they fill is in `spec.py`."""
