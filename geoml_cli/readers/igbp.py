"""Land cover classes of the International Geosphere-Biosphere Programme, as MODIS MCD12Q1 numbers them."""

from __future__ import annotations

IGBP = (
    "water", "evergreen needleleaf forest", "evergreen broadleaf forest", "deciduous needleleaf forest",
    "deciduous broadleaf forest", "mixed forest", "closed shrubland", "open shrubland", "woody savanna", "savanna",
    "grassland", "permanent wetland", "cropland", "urban", "cropland and natural vegetation", "snow and ice", "barren",
)  # fmt: skip
"""MODIS IGBP classes; the code is the position."""
