"""Geomagnetic index series, orbits and wave amplitudes: the parts of source `ech`."""
