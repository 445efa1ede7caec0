"""The prepared data set: store, splits, scaling, batches; knows neither sources nor models."""
