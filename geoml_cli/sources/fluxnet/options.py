"""Options of `geoml prepare fluxnet`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from geoml_cli.readers.nodata import Nodata
from geoml_cli.source import Options

DYNAMIC = ("TA_F", "SW_IN_F", "LW_IN_F", "VPD_F", "PA_F", "P_F", "WS_F")
EXTRA = ("TS_F_MDS_1", "SWC_F_MDS_1", "CO2_F_MDS")
_MOST_EXTRA = 12
"""Samples are counted for every choice of them at once, 2 to the power of their number."""


class FluxnetOptions(Options):
    """Options of `prepare fluxnet`."""

    resolution: Literal["auto", "HH", "HR", "DD", "WW", "MM", "YY"] = "auto"
    """Which files are read: half-hourly, hourly, daily, weekly, monthly or yearly ones; needed where several
    resolutions lie together and none is far more common."""

    target: str = "NEE_VUT_REF"
    """Column of the flux that is predicted."""

    dynamic: tuple[str, ...] = DYNAMIC
    """Columns of the drivers that every site must have, in the order the network gets them."""

    extra: tuple[str, ...] = EXTRA
    """Columns of further drivers, taken where every site has them (see --optional); `none` takes none."""

    optional: Literal["variable", "site"] = "variable"
    """What goes where a site lacks one of --extra, its elevation or its climate: the variable for all sites, or the
    site."""

    quality: float | None = Field(default=None, ge=0, le=3)
    """Worst quality of a target that is kept. HH and HR: the highest class (0 measured to 3 poor), by default 1.
    DD and coarser: the lowest fraction of good data, by default 0.75."""

    quality_column: str | None = None
    """Column of the target's quality, where it is not the usual one; `none` keeps every target."""

    nodata: Nodata = ()
    """NAME=VALUE: a value that means "no data" in the column NAME; NAME=none: none does. All that is not above -9998
    means so anyway."""

    any_scale: tuple[str, ...] = ()
    """The target's column, where its size differs from year to year by nature, as of a field that is irrigated in some
    years alone: its years are not compared."""

    sites: str | None = None
    """Table of the sites (CSV): position, elevation, IGBP class; by default the siteinfo table in RAW."""

    only: tuple[str, ...] = ()
    """Only these sites, such as DE-Hai; by default all."""

    @field_validator("dynamic", "extra")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"{twice[0]} is named twice")
        return () if names == ("none",) else names

    @field_validator("extra")
    @classmethod
    def _few(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(names) > _MOST_EXTRA:
            raise ValueError(f"names {len(names)} columns; {_MOST_EXTRA} is the most")
        return names

    @field_validator("dynamic")
    @classmethod
    def _some(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError("needs one column at least")
        return names

    @model_validator(mode="after")
    def _apart(self) -> FluxnetOptions:
        from geoml_cli.errors import SettingsError

        if self.target in (*self.dynamic, *self.extra):
            raise SettingsError(
                f"{self.target} would be predicted from itself",
                where="--target",
                fix="Take it out of --dynamic and --extra.",
            )
        if strange := [name for name in self.any_scale if name != self.target]:
            raise SettingsError(
                f"years of {strange[0]} are not compared anyway",
                where="--any-scale",
                fix=f"Only those of the target are: give {self.target}, or leave it out.",
            )
        return self

    @property
    def further(self) -> tuple[str, ...]:
        """Return `extra` without what every site must have anyway."""
        return tuple(name for name in self.extra if name not in self.dynamic)
