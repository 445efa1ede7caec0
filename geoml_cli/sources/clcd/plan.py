"""What a data set remembers of its rasters, so that others of the same names make the same samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from geoml_cli.readers.nodata import Declared, parse_nodata


class Plan(BaseModel):
    """How samples are made.

    Attributes:
        dynamic: Names of covariates that the network takes as changing.
        static: Names of the others.
        yearly: Names of those that have a raster a year.
        covariates: Folder of the covariates, relative to the raw folder.
        classes: Pattern of the class rasters, where one was given.
        codes: Codes of the classes, in the order of their numbers.
        names: Names of the classes.
        nodata: What was said of codes and values that mean no data.
        units: Units of covariates, by name, as their files name them.
        years: Years of the class rasters.
        map_year: Year of maps, where one was given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["rasters"] = "rasters"
    dynamic: tuple[str, ...]
    static: tuple[str, ...]
    yearly: tuple[str, ...]
    covariates: str
    classes: str | None
    codes: tuple[int, ...]
    names: tuple[str, ...]
    nodata: tuple[str, ...]
    units: dict[str, str] = {}
    years: tuple[int, ...]
    map_year: int | None

    @field_validator("nodata", mode="before")
    @classmethod
    def _texts(cls, given: Sequence[object]) -> tuple[str, ...]:
        return tuple(str(one) for one in given)  # once they were numbers

    def fills(self) -> dict[str, Declared]:
        """Return what was said of the fills of covariates."""
        return parse_nodata([text for text in self.nodata if "=" in text])

    @property
    def factors(self) -> tuple[str, ...]:
        """Names of all covariates: dynamic ones, then static ones."""
        return (*self.dynamic, *self.static)
