"""Options of `geoml prepare clcd`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from geoml_cli.source import Options
from geoml_cli.sources.clcd.legends import Legend


class ClcdOptions(Options):
    """Options of `prepare clcd`."""

    classes: str | None = None
    """Class rasters, as a pattern relative to RAW such as "maps/*.tif"; by default classes/*, else CLCD*."""

    year: int | None = Field(default=None, ge=1900, le=2100)
    """Year of the class raster, where its name holds none."""

    covariates: str = "covariates"
    """Folder of the covariate rasters, relative to RAW: NAME.tif, or NAME_YYYY.tif for one that changes by year."""

    legend: Legend = "auto"
    """What the codes mean: clcd or nlcd; none for "class 7"; by default told by the names of the files."""

    nodata: tuple[int, ...] = (0,)
    """Codes that mean no data, in addition to the rasters' own."""

    samples: int = Field(default=20000, ge=2)
    """Number of pixels that are drawn."""

    strategy: Literal["balanced", "proportional"] = "balanced"
    """As many pixels of each class, or as many as its share of the rasters."""

    seed: int = Field(default=1, ge=0)
    """Decides which pixels are drawn."""

    map_year: int | None = Field(default=None, ge=1900, le=2100)
    """Year of the maps that are predicted later; by default the latest that all yearly covariates have."""
