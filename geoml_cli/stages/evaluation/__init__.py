"""The parts of the story that `evaluate` tells: rows, scores, baselines, importance, files, report."""
