"""MMNet: soil moisture from snapshots of satellites and terrain, and ten days of antecedent weather."""
