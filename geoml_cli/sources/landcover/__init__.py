"""Land cover: a sample of the pixels of class rasters, with the covariates there."""
