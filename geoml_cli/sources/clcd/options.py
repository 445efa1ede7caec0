"""Options of `geoml prepare clcd`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, field_validator

from geoml_cli.readers.nodata import VALID, Declared, parse_nodata
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

    categorical: tuple[str, ...] = ()
    """Names of covariates whose values are classes, such as soil types; each class becomes a factor of 0 and 1."""

    legend: Legend = "auto"
    """What the codes mean: clcd or nlcd; none for "class 7"; by default from the names of the files."""

    nodata: tuple[str, ...] = ("0",)
    """Code that means no data in class rasters ("none": no other does), or NAME=VALUE, NAME=none for a covariate."""

    any_scale: tuple[str, ...] = ()
    """Names of yearly covariates whose scale differs from year to year by nature, such as burnt area; not compared."""

    samples: int = Field(default=20000, ge=2)
    """Number of pixels that are drawn."""

    strategy: Literal["balanced", "proportional"] = "balanced"
    """As many pixels of each class, or as many as its share of the rasters."""

    seed: int = Field(default=1, ge=0)
    """Decides which pixels are drawn."""

    map_year: int | None = Field(default=None, ge=1900, le=2100)
    """Year of the maps that are predicted later; by default the latest that all yearly covariates have."""

    @field_validator("nodata", mode="before")
    @classmethod
    def _texts(cls, given: Sequence[object]) -> tuple[str, ...]:
        return tuple(str(one) for one in given)

    @field_validator("nodata")
    @classmethod
    def _codes(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for text in given:
            if "=" in text:
                parse_nodata((text,))
            elif text.lower() != VALID and not text.removeprefix("-").isdecimal():
                raise ValueError(f"{text!r} is no code, and not of the form NAME=VALUE or NAME={VALID}")
        return given

    def class_fills(self) -> Declared:
        """Return what is said of the class rasters; 0 means no data where nothing is said."""
        said = [text for text in self.nodata if "=" not in text] or ["0"]
        valid = any(text.lower() == VALID for text in said)
        return Declared(tuple(float(text) for text in said if text.lower() != VALID), valid)

    def covariate_fills(self) -> dict[str, Declared]:
        """Return what is said of the covariates."""
        return parse_nodata([text for text in self.nodata if "=" in text])
