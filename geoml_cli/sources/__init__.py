"""Raw files of one provider to a prepared data set; knows files and units, not models."""
