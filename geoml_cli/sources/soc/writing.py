"""The prepared data set of soil samples: its variables, units and attributes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.dataset.variables import PLAUSIBLE_MAXIMUM, Variable
from geoml_cli.sources.soc.units import most_carbon

STATIC_UNIT = SERIES_UNIT = "1"
REFERENCES = "Zhang et al. 2022, Remote Sensing 14, 4441, https://doi.org/10.3390/rs14184441"
STATIC = Variable(
    "static",
    STATIC_UNIT,
    "static covariates around the sample, each in the unit of its raster",
    ("sample", "covariate", "row", "col"),
)
SERIES = Variable(
    "series", SERIES_UNIT, "yearly features at the sample, each in its own unit", ("sample", "year", "feature")
)
SPLIT = Variable(
    "split",
    "1",
    "use of the sample in each given split",
    ("split", "sample"),
    dtype="i1",
    attributes={"flag_meanings": "unused train test"},
)


@dataclass(frozen=True)
class Shape:
    """Names along the axes of a data set; empty where it has no such variable."""

    samples: int
    window: int
    channels: list[str]
    features: list[str]
    years: list[int]


def declare_axes(writer: DatasetWriter, shape: Shape) -> None:
    """Declare dimensions and write the names along them."""
    writer.dimension("sample", shape.samples)
    if shape.channels:
        for name, size in (("covariate", len(shape.channels)), ("row", shape.window), ("col", shape.window)):
            writer.dimension(name, size)
        writer.put(Variable("covariate", "", "name of the covariate", ("covariate",), dtype="str"), shape.channels)
    if shape.features:
        writer.dimension("year", len(shape.years))
        writer.dimension("feature", len(shape.features))
        writer.put(Variable("feature", "", "name of the yearly feature", ("feature",), dtype="str"), shape.features)
        writer.put(Variable("year", "1", "calendar year", ("year",), dtype="i4"), np.array(shape.years))


def put_samples(
    writer: DatasetWriter,
    identity: list[str],
    soc: NDArray[np.float64],
    unit: str,
    degrees: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Write what is known of the samples in addition to their predictors.

    Args:
        writer: The data set.
        identity: Names.
        soc: Content; NaN where unknown.
        unit: Of the content.
        degrees: Longitude and latitude [degrees east, north]; NaN where unknown.
    """
    east = Variable(
        "lon", "degrees_east", "longitude", ("sample",), dtype="f8", attributes={"standard_name": "longitude"}
    )
    north = Variable(
        "lat", "degrees_north", "latitude", ("sample",), dtype="f8", attributes={"standard_name": "latitude"}
    )
    attributes = {"coordinates": "lon lat id"}
    if limit := most_carbon(unit):
        attributes[PLAUSIBLE_MAXIMUM] = f"{limit:g}"
    target = Variable("soc", unit, "soil organic carbon content", ("sample",), attributes=attributes)
    writer.put(Variable("id", "", "name of the sample", ("sample",), dtype="str"), identity)
    writer.put(east, degrees[0])
    writer.put(north, degrees[1])
    writer.put(target, soc)


def put_origin(writer: DatasetWriter, source: str) -> None:
    """Write the global attributes."""
    writer.attributes(title="Soil organic carbon samples with covariates", source=source, references=REFERENCES)
