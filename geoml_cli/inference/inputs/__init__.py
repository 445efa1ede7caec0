"""The kinds of input of a prediction, one file a kind; each makes a job for the engine."""
