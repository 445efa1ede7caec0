"""Compiled loops as PyTorch functions with gradients, for the CPU; imported only where that backend is used."""
