"""Compiled loops: what PyTorch has no operator for, on CPU arrays."""
