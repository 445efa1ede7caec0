"""Predictions to files, by suffix."""
