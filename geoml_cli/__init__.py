"""Geoscience deep-learning papers as presets of one command."""
