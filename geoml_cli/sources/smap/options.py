"""Options of `geoml prepare smap`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from geoml_cli.readers.nodata import Nodata
from geoml_cli.source import Options


class SmapOptions(Options):
    """Options of `prepare smap`; defaults are the paper's unless the text says otherwise."""

    footprint: str | None = None
    """Folder of RAW that holds the exports of one footprint, such as 0.1, 0.5 or 1; needed where there are several."""

    years: tuple[int, ...] = ()
    """Only these years; by default all that gridMET exports are there for."""

    stations: str | None = None
    """Table of stations (CSV): ID, Network, Latitude, Longitude, Domain; by default the one in RAW, else the stations
    of constant_SSM.csv, without regions."""

    truth: str | None = None
    """Ground truth: a CSV with ID, Date and VWC_5, or an ISMN archive (folder or zip); by default the one in RAW.
    `none` prepares the days of stations without it, to be predicted."""

    depth_from: float = Field(default=0.0, ge=0)
    """ISMN: least depth of a sensor [m]."""

    depth_to: float = Field(default=0.0508, ge=0)
    """ISMN: greatest depth of a sensor [m]."""

    sensors: Literal["mean", "first", "all"] = "mean"
    """ISMN, several sensors at a station: `mean` of their daily means, the `first` by name, or the mean of `all`
    hourly values together."""

    flags: tuple[str, ...] = ("G", "U")
    """ISMN: quality flags of values that are kept; archives before 2013 write U for G."""

    hours: int = Field(default=1, ge=1, le=24)
    """ISMN: fewest hours with a good value of a daily mean (UTC); the stricter choice is 12."""

    missing: float = Field(default=0.2, gt=0, le=1)
    """Stations are excluded whose ground truth is missing on this share of the exported days or more."""

    s1_share: float = Field(default=0.05, ge=0, lt=1)
    """Stations are excluded where Sentinel-1 is valid on this share of the exported days or less."""

    hls_share: float = Field(default=0.03, ge=0, lt=1)
    """The same for HLS."""

    lst_share: float = Field(default=0.03, ge=0, lt=1)
    """The same for land-surface temperature."""

    nodata: Nodata = ()
    """NAME=VALUE: a value that means "no data" in the weather, backscatter, terrain or soil column NAME, besides
    -9999; NAME=none: none does."""

    fill: Literal["linear", "previous"] = "linear"
    """Gaps of SMAP, Sentinel-1, HLS and LST: `linear` in time (SMAP forwards, then backwards), which uses later values;
    `previous` repeats the last value and uses none (the stricter choice)."""

    window: Literal["rows", "days"] = "rows"
    """Antecedent weather: the `rows` before, which step over days that the exports lack, or calendar `days` (the
    stricter choice)."""

    antecedent: int = Field(default=10, ge=0)
    """Days of weather before its own that a sample must have."""

    scenes: Literal["first", "mean"] = "first"
    """Several Sentinel-1 or HLS scenes on one day: the first in time, or their mean."""

    nlcd: Literal["nearest", "previous"] = "nearest"
    """Land cover of a year: the release of NLCD `nearest` in time, of two as near the later one, or the `previous` one,
    its own year included, which uses no later image (the stricter choice)."""

    hls_scale: Literal["auto", "1", "100", "10000"] = "auto"
    """Number that stands for a reflectance of 1 in the HLS exports; `auto` tells it from the range of the values, a
    number refuses exports whose range is another's."""

    lst: Literal["raw", "kelvin"] = "raw"
    """Unit of land-surface temperature: the product's number (x 0.02 K), or kelvin."""

    @model_validator(mode="after")
    def _ordered(self) -> SmapOptions:
        if self.depth_from > self.depth_to:
            raise ValueError(f"--depth-from {self.depth_from:g} is deeper than --depth-to {self.depth_to:g}")
        return self
