"""The prepared data set on disk: store, manifest, files; knows neither sources nor models."""
