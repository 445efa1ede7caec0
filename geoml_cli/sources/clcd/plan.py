"""What a data set remembers of its rasters, so that others of the same names make the same samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
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
        pixels: Their pixels in the class rasters, of all years, whatever share of them is drawn; those that lack a
            covariate, which no map predicts, are left out by their share of those drawn.
        categorical: Codes of covariates whose values are classes, by name; each code is a factor of 0 and 1.
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
    pixels: tuple[int, ...] = ()
    categorical: dict[str, tuple[int, ...]] = {}
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
    def rasters(self) -> tuple[str, ...]:
        """Names of all covariates: dynamic ones, then static ones."""
        return (*self.dynamic, *self.static)

    @property
    def factors(self) -> tuple[str, ...]:
        """Names of what the network is given, in the order of the covariates."""
        return self.factors_of(self.rasters)

    def factors_of(self, rasters: Sequence[str]) -> tuple[str, ...]:
        """Name the factors that covariates make: themselves, or one a class."""
        return tuple(factor for name in rasters for factor in factors_of(name, self.categorical.get(name)))

    def expanded(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the factors, [F, N], of covariates, [K, N]; NaN where a covariate is, or has an unknown class."""
        found: list[NDArray[np.float32]] = []
        for name, row in zip(self.rasters, values, strict=True):
            codes = self.categorical.get(name)
            found += [row] if codes is None else _indicators(row, codes)
        return np.stack(found)

    def unknown(self, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return by categorical covariate which values are classes that the data set lacks, [C, N] of [K, N]."""
        found = np.zeros((len(self.categorical), values.shape[1]), dtype=np.bool_)
        for place, (name, codes) in enumerate(self.categorical.items()):
            row = values[self.rasters.index(name)]
            found[place] = np.isfinite(row) & ~np.isin(row, codes)
        return found

    def meaning(self, factor: str) -> str:
        """Say in words what a factor is."""
        classes = {made: (name, code) for name in self.categorical for made, code in self._made(name)}
        if factor not in classes:
            return f"{factor}, in the unit of its raster"
        name, code = classes[factor]
        return f"1 where {name} is of class {code}, else 0"

    def _made(self, name: str) -> list[tuple[str, int]]:
        codes = self.categorical[name]
        return list(zip(factors_of(name, codes), codes, strict=True))


def factors_of(name: str, codes: Sequence[int] | None) -> list[str]:
    """Name the factors of a covariate: its own, or one for each of its classes."""
    return [name] if codes is None else [f"{name}={code}" for code in codes]


def _indicators(row: NDArray[np.float32], codes: Sequence[int]) -> list[NDArray[np.float32]]:
    known = np.isin(row, codes)
    return [np.where(known, row == code, np.nan).astype(np.float32) for code in codes]
