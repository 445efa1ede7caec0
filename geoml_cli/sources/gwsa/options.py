"""Options of `geoml prepare gwsa`."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from geoml_cli.dataset.variables import STRUCTURAL
from geoml_cli.readers.nodata import Nodata
from geoml_cli.source import Options
from geoml_cli.sources.gwsa.factors import DYNAMIC, STATIC

_SIZES = {"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
_LEAST = 64 << 20


class GwsaOptions(Options):
    """Options of `prepare gwsa`."""

    kind: Literal["auto", "tables", "products"] = "auto"
    """What RAW holds: `tables` of cells and years, or the `products` (GRACE, GLDAS, factor grids) they are made
    from."""

    tables: str = "*"
    """Tables only: pattern of the files that are read, where RAW holds others as well."""

    dynamic: tuple[str, ...] = DYNAMIC
    """Factors that change with time, in the order the network gets them."""

    static: tuple[str, ...] = STATIC
    """Factors that do not change."""

    category: str = "LC"
    """Column or grid of the land cover (MODIS IGBP classes 0 to 16)."""

    target: str = "GWS"
    """Column of the groundwater storage anomaly [cm]; a table for prediction has none."""

    units: tuple[str, ...] = ()
    """NAME=UNIT: unit of a factor, where it is not the one of the published tables."""

    nodata: Nodata = ()
    """NAME=VALUE: a value that means "no data" in the column or gridded variable NAME; NAME=none: none does. In tables,
    all that is not above -9998 means so anyway."""

    memory: str = "1GB"
    """How much of the tables is in memory at once, such as 512MB; more is read faster."""

    period: Literal["year", "month"] = "year"
    """Products only: annual means, or months."""

    months: int = Field(default=9, ge=1, le=12)
    """Products only, annual means: months of mascons and GLDAS that a year needs, or it is left out; the mean of a year
    that lacks some leans to the others."""

    baseline: str = "2004-2009"
    """Products only: years whose mean the GLDAS storage is an anomaly from; that of the mascons is 2004-2009."""

    bounds: str | None = None
    """Products only: WEST,SOUTH,EAST,NORTH [degrees]; by default all cells that have every factor."""

    @field_validator("dynamic", "static")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError("needs one factor at least")
        if taken := [name for name in names if name in STRUCTURAL]:
            raise ValueError(f"{taken[0]} is what the data set calls something else; rename the column")
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"{twice[0]} is named twice")
        return names

    @field_validator("static")
    @classmethod
    def _apart(cls, names: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
        if both := [name for name in names if name in others.data.get("dynamic", ())]:
            raise ValueError(f"{both[0]} is both dynamic and static")
        return names

    @field_validator("target")
    @classmethod
    def _new(cls, name: str, others: ValidationInfo) -> str:
        if name in STRUCTURAL:
            raise ValueError(f"{name} is what the data set calls something else; rename the column")
        if name in (*others.data.get("dynamic", ()), *others.data.get("static", ())):
            raise ValueError(f"{name} is a factor already")
        return name

    @field_validator("units")
    @classmethod
    def _pairs(cls, pairs: tuple[str, ...]) -> tuple[str, ...]:
        for pair in pairs:
            name, _, unit = pair.partition("=")
            if not name or not unit:
                raise ValueError(f"{pair!r} is not of the form NAME=UNIT")
        return pairs

    @field_validator("memory")
    @classmethod
    def _size(cls, text: str) -> str:
        if read_size(text) < _LEAST:
            raise ValueError(f"{text} is not enough; give 64MB at least")
        return text

    @field_validator("baseline")
    @classmethod
    def _years(cls, text: str) -> str:
        first, last = read_years(text)
        if first > last:
            raise ValueError(f"{text} ends before it begins")
        return text

    @field_validator("bounds")
    @classmethod
    def _box(cls, text: str | None) -> str | None:
        if text is not None:
            read_box(text)
        return text


def read_size(text: str) -> int:
    """Read a size such as 512MB as bytes.

    Raises:
        ValueError: It is none.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG])I?B\s*", text.upper())
    if match is None:
        raise ValueError(f"{text!r} is no size; write it as 512MB or 2GB")
    return int(float(match[1]) * _SIZES[f"{match[2]}B"])


def read_years(text: str) -> tuple[int, int]:
    """Read a span of years such as 2004-2009.

    Raises:
        ValueError: It is none.
    """
    match = re.fullmatch(r"\s*(\d{4})\s*-\s*(\d{4})\s*", text)
    if match is None:
        raise ValueError(f"{text!r} is no span of years; write it as 2004-2009")
    return int(match[1]), int(match[2])


def read_box(text: str) -> tuple[float, float, float, float]:
    """Read WEST,SOUTH,EAST,NORTH [degrees]; longitudes from -180 to 180, west above east across the date line.

    Raises:
        ValueError: It is no box.
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{text!r} is not WEST,SOUTH,EAST,NORTH, such as 73,18,135,54") from None
    is_box = all(-180 <= degree <= 360 for degree in (west, east)) and west != east and -90 <= south < north <= 90
    if is_box and east - west >= 360:
        return -180.0, south, 180.0, north
    # Of 0 to 360 degrees 359 is as far west of Greenwich as -1.
    west, east = (degree - 360 if degree > 180 else degree for degree in (west, east))
    if not is_box or (west >= east and not west > 0 > east):
        raise ValueError(
            f"{text} is no box of longitudes -180 to 360 and latitudes -90 to 90; across the date line write it as "
            "175,-20,-175,-10"
        )
    return west, south, east, north
