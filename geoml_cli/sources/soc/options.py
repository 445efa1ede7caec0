"""Options of `geoml prepare soc`."""

from __future__ import annotations

from pydantic import Field, field_validator

from geoml_cli.dataset.variables import STRUCTURAL
from geoml_cli.readers.nodata import Declared, Nodata, parse_nodata
from geoml_cli.source import Options
from geoml_cli.sources.soc.units import is_unit

_TAKEN = STRUCTURAL | {"soc", "row", "col"}
"""Names that the data set uses itself."""


class SocOptions(Options):
    """Options of `prepare soc`; most of it is found out where nothing is said."""

    points: str | None = None
    """Table of samples (CSV), relative to RAW; needed where RAW holds several."""

    covariates: str | None = None
    """Folder of the covariate rasters, relative to RAW; by default RAW or its only folder with some."""

    x: str | None = None
    """Column of the longitude or easting."""

    y: str | None = None
    """Column of the latitude or northing."""

    target: str | None = None
    """Column of the soil organic carbon content."""

    sample_id: str | None = None
    """Column that names the samples; by default one called id or the like, else the rows are numbered."""

    label: tuple[str, ...] = ()
    """Columns of the table that are kept as text, such as a region or a fold to split by."""

    crs: str = "EPSG:4326"
    """Coordinate reference system of the points."""

    unit: str | None = None
    """Unit of the target as it stands in the table, such as "%"; values are not converted [the column's, or g kg-1]."""

    window: int = Field(default=5, ge=1, le=99)
    """Side of the square of pixels around each sample [pixels], odd."""

    reference: str | None = None
    """Name of the raster whose grid all others are aligned to; needed where their grids differ."""

    classes: tuple[str, ...] = ()
    """Names of rasters whose values are classes; each class becomes a channel of 0 and 1."""

    nodata: Nodata = ()
    """NAME=VALUE: another value that means "no data" in the raster, the yearly feature or the target's column
    NAME; NAME=none: none does."""

    any_scale: tuple[str, ...] = ()
    """Names of yearly covariates whose scale differs from year to year by nature, such as burnt area; not compared."""

    @field_validator("window")
    @classmethod
    def _odd(cls, window: int) -> int:
        if window % 2 == 0:
            raise ValueError(f"must be odd, so that the sample lies in the middle; {window} is even")
        return window

    @field_validator("unit")
    @classmethod
    def _known(cls, unit: str | None) -> str | None:
        if unit is not None and not is_unit(unit):
            raise ValueError(f"{unit!r} is not a known unit; write it such as g kg-1, %, mg g-1, kg m-2 or t ha-1")
        return unit

    @field_validator("label")
    @classmethod
    def _free(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name in _TAKEN or "/" in name or name.strip() != name or not name:
                raise ValueError(f"{name!r} cannot name a further variable of the data set; rename the column")
        return tuple(dict.fromkeys(names))

    def fills(self) -> dict[str, Declared]:
        """Return further no-data values by raster."""
        return parse_nodata(self.nodata)
