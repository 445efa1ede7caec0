"""Progress and signals of long work."""
