"""What a network sees of a prepared data set: samples, windows, scaling, batches."""
