"""Eddy-covariance towers in the formats of FLUXNET and AmeriFlux: the parts of source `fluxnet`."""
