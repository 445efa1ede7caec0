"""Scores of predictions against observations, and their uncertainty."""
