"""What a data set remembers of its rasters, so that others of the same names make the same samples."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from geoml_cli.samples.input import Grid


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Layer(_Record):
    """One raster band: a static covariate, or one year of a feature.

    Attributes:
        name: Name of the covariate; `FEATURE_YYYY` for a year of a feature.
        file: Name of the file.
        band: Band number, from 1.
        kind: Whether values are quantities or classes.
        classes: Codes of the classes, each of which is a channel.
        nodata: Values that mean "no data" in addition to the file's own.
        valid: Whether values that look like "no data" are values.
        description: What the file calls the band; empty where it does not.
        unit: As the file names it; empty where it does not.
        resampling: How it was brought onto the reference's grid; None where it lies on it.
    """

    name: str
    file: str
    band: int = 1
    kind: Literal["continuous", "class"] = "continuous"
    classes: tuple[int, ...] = ()
    nodata: tuple[float, ...] = ()
    valid: bool = False
    description: str = ""
    unit: str = ""
    resampling: str | None = None

    def channels(self) -> list[str]:
        """Name the channels it makes: itself, or one a class."""
        return [f"{self.name}={code}" for code in self.classes] if self.kind == "class" else [self.name]


class GridRecord(_Record):
    """A grid: CRS as WKT, affine transform, size in pixels."""

    crs: str
    transform: tuple[float, float, float, float, float, float]
    height: int
    width: int

    def grid(self) -> Grid:
        """Return it as the data set's contract has it."""
        return Grid(self.crs, self.transform, self.height, self.width)


class Plan(_Record):
    """How samples are cut from rasters.

    Attributes:
        target: Name of the target's column in the table of points.
        covariates: Static rasters, in the order of the channels.
        yearly: Rasters of `years` x `features`, year by year.
        window: Side of the square window of static covariates [pixels].
        reference: Name of the raster whose grid all are brought onto; None where they share one.
    """

    kind: Literal["rasters"] = "rasters"
    target: str = ""
    window: int
    reference: str | None
    covariates: tuple[Layer, ...]
    features: tuple[str, ...] = ()
    years: tuple[int, ...] = ()
    yearly: tuple[Layer, ...] = ()
    grid: GridRecord

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All rasters: static ones, then yearly ones."""
        return self.covariates + self.yearly

    @property
    def half(self) -> int:
        """Pixels of a window to each side of its centre; none without static covariates."""
        return self.window // 2 if self.covariates else 0

    @property
    def static_units(self) -> dict[str, str]:
        """Units of static covariates by name, as files name them; empty where they name none."""
        return {layer.name: layer.unit for layer in self.covariates}

    @property
    def series_units(self) -> dict[str, str]:
        """Units of yearly features by name, likewise; years that name one name the same."""
        units = [layer.unit for layer in self.yearly]
        count = len(self.features)
        return {name: next(filter(None, units[place::count]), "") for place, name in enumerate(self.features)}

    @property
    def channels(self) -> list[str]:
        """Names along the covariate axis."""
        return [name for layer in self.covariates for name in layer.channels()]
