"""The run folder: every file name in it is spelled here, once."""
