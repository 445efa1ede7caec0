"""Private parts of the `soc` source: covariates, samples, released arrays, scenes."""
