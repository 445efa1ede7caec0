"""A run's networks, loaded and ready to predict."""
