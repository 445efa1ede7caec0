"""What a network has to beat, trained on the same rows."""
