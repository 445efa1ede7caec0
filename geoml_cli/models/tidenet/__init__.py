"""TIDE-Net: forecasts of gridded fields from amplitude and phase of their spectra."""
