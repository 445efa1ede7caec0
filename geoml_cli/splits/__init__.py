"""Division of rows into training, validation and test rows."""
