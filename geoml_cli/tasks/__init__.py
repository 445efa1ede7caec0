"""What is predicted, as a value: output variables, pooling of members, scores and figures follow from it."""
