"""The prepared data set: one sample a pixel, each covariate a variable of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Array, Block, DatasetWriter
from geoml_cli.dataset.variables import STRUCTURAL, Kind, Variable
from geoml_cli.readers.locating import Pair
from geoml_cli.sources.clcd.plan import Plan

TITLE = "Pixels of land-cover rasters with their covariates"
TARGET = "class"
_UNNAMED = "1"
"""Written for the unit of a covariate whose rasters name none."""
_TIME = {"standard_name": "time", "calendar": "proleptic_gregorian"}
PLACE = (
    Variable("lat", "degrees_north", "latitude", ("sample",), dtype="f8", attributes={"standard_name": "latitude"}),
    Variable("lon", "degrees_east", "longitude", ("sample",), dtype="f8", attributes={"standard_name": "longitude"}),
    Variable(
        "time", "minutes since 1970-01-01 00:00:00", "1 January of the year", ("sample",), dtype="i8", attributes=_TIME
    ),
    Variable("year", "1", "calendar year of the land cover", ("sample",), dtype="i4"),
    Variable("cell", "1", "number of the pixel; the same place has the same", ("sample",), dtype="i4"),
    Variable("category", "1", "land cover among the inputs: none", ("sample",), dtype="i2"),
)


def factor(plan: Plan, name: str) -> Variable:
    """Describe what the network is given of a covariate."""
    named = plan.units.get(name, "")
    return Variable(name, named or _UNNAMED, plan.meaning(name), ("sample",), file_units={name: named})


def put_roles(writer: DatasetWriter, plan: Plan) -> None:
    """Write the text variables and the legend."""
    writer.attributes(title=TITLE)
    described = {
        "dynamic": ("dynamic", "covariates that the network takes as changing"),
        "static": ("static", "covariates that do not change"),
        "target": ("one", "variable that is predicted"),
        "category_name": ("land_cover", "land cover among the inputs; there is none"),
        # Not `class`: netCDF hides a variable that has a dimension's name and not its length.
        "class_name": ("legend", "name of the class; its number is its place"),
    }
    named = texts(plan)
    for variable, (dimension, meaning) in described.items():
        writer.dimension(dimension, len(named[variable]))
        writer.put(Variable(variable, "", meaning, (dimension,), dtype="str"), named[variable])
    kind: Kind = "i2" if max(plan.codes) < 1 << 15 else "i4"
    codes = Variable("class_code", "1", "the class rasters' own code of the class", ("legend",), dtype=kind)
    writer.put(codes, np.array(plan.codes))


def texts(plan: Plan) -> dict[str, list[str]]:
    """Return the text variables, which say what the others are."""
    return {
        "dynamic": list(plan.factors_of(plan.dynamic)),
        "static": list(plan.factors_of(plan.static)),
        "target": [TARGET],
        "category_name": ["none"],
        "class_name": list(plan.names),
    }


def block(plan: Plan, values: NDArray[np.float32], degrees: Pair, year: int | NDArray[np.int64]) -> Block:
    """Return pixels as a prepared data set has them, with its legend; they carry no class and no number.

    Args:
        plan: How samples are made.
        values: Factors, shape [F, N], in the plan's order.
        degrees: Longitude and latitude, shape [N].
        year: Calendar year, one of all or of each, shape [N].
    """
    count = values.shape[1]
    years = np.broadcast_to(year, count)
    arrays: dict[str, Array] = {
        "lon": degrees[0],
        "lat": degrees[1],
        "time": minutes(years),
        "year": years.astype(np.int32),
        "cell": np.full(count, -1, dtype=np.int32),
        "category": np.zeros(count, dtype=np.int16),
        "class_code": np.array(plan.codes),
    }
    arrays |= dict(zip(plan.factors, values, strict=True))
    described = (*PLACE, *(factor(plan, name) for name in plan.factors))
    units = {"class_code": "1"} | {variable.name: variable.unit for variable in described}
    return Block(arrays, texts(plan), units)


def minutes(years: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the minutes from 1970-01-01 to 1 January of each year."""
    return (years - 1970).astype("datetime64[Y]").astype("datetime64[m]").astype(np.int64)


def reserved(names: Sequence[str]) -> list[str]:
    """Return names of covariates that the data set needs for something else."""
    taken = STRUCTURAL | {variable.name for variable in PLACE} | {TARGET, "legend"}
    return [name for name in names if name in taken]
