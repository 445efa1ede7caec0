"""Scores of a run: rows, metrics, baselines, importance, files, report."""
