"""The prepared data set: one sample a cell and time, each factor a variable of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Array, Block, DatasetWriter
from geoml_cli.dataset.variables import Variable
from geoml_cli.readers.cells import degrees_east
from geoml_cli.readers.igbp import IGBP
from geoml_cli.sources.gwsa.cell_rows import CellRows
from geoml_cli.sources.gwsa.filtering import DropCounts, Mask, categories, usable
from geoml_cli.sources.gwsa.layout import Months, Roles
from geoml_cli.sources.gwsa.row_summary import Census, RowSummary
from geoml_cli.work.reporting import Reporter

TITLE = "Groundwater storage anomalies and their factors, one sample a cell and time"
TIME_UNIT = "minutes since 1970-01-01 00:00:00"
_TIME = {"standard_name": "time", "calendar": "proleptic_gregorian"}
PLACE = (
    Variable("lat", "degrees_north", "latitude", ("sample",), dtype="f8", attributes={"standard_name": "latitude"}),
    Variable("lon", "degrees_east", "longitude", ("sample",), dtype="f8", attributes={"standard_name": "longitude"}),
    Variable("time", TIME_UNIT, "first day of the year or month", ("sample",), dtype="i8", attributes=_TIME),
    Variable("year", "1", "calendar year", ("sample",), dtype="i4"),
    Variable("cell", "1", "number of the cell; the same place has the same", ("sample",), dtype="i4"),
    Variable("category", "1", "land-cover class, its place in category_name", ("sample",), dtype="i2"),
)


@dataclass(frozen=True)
class Plan:
    """What is written.

    Attributes:
        roles: Names of the factors.
        variables: Every factor and the target, described.
        labelled: Whether the rows carry the target.
    """

    roles: Roles
    variables: dict[str, Variable]
    labelled: bool


def write_samples(
    panels: Iterable[CellRows], plan: Plan, census: Census, writer: DatasetWriter, reporter: Reporter
) -> None:
    """Write all samples, some rows at a time.

    Args:
        panels: The rows, as the census read them.
        plan: What is written.
        census: The first reading.
        writer: The data set.
        reporter: Receives progress and messages.
    """
    writer.attributes(title=TITLE)
    _put_roles(writer, plan)
    handles = {variable.name: writer.declare(variable) for variable in (*PLACE, *plan.variables.values())}
    seen, at = (RowSummary() if census.repeated else None), 0
    with reporter.task("write samples", census.kept) as advance:
        for panel in panels:
            rows = usable(panel, plan.roles.used(plan.labelled), DropCounts())
            if seen is not None:
                rows &= ~seen.repeats(panel, rows)
            count = int(rows.sum())
            for name, values in arrays(panel, rows, plan, census.cells).items():
                handles[name][at : at + count] = values
            at += count
            advance(count)


def arrays(panel: CellRows, rows: Mask, plan: Plan, cells: NDArray[np.int64] | None) -> dict[str, Array]:
    """Turn some rows into samples.

    Args:
        panel: The rows.
        rows: Which of them, shape [rows]; all usable.
        plan: What is made of them.
        cells: Keys of all cells, ascending; None where they are not known: their number is then -1.

    Raises:
        DataError: A land cover is none.
    """
    time = panel.time[rows]
    keys = panel.cells()[rows]
    values: dict[str, Array] = {
        "lat": panel.latitude[rows],
        "lon": degrees_east(panel.longitude[rows]),
        "time": minutes(time),
        "year": time.astype("datetime64[Y]").astype(np.int32) + 1970,
        "cell": np.full(len(keys), -1) if cells is None else np.searchsorted(cells, keys),
        "category": categories(panel, plan.roles.category, rows),
    }
    nothing = np.full(len(panel), np.nan)
    for name in plan.variables:
        values[name] = panel.values.get(name, nothing)[rows].astype(np.float32)
    return values


def minutes(time: Months) -> NDArray[np.int64]:
    """Return the minutes from 1970-01-01 to the first day of each year or month."""
    return time.astype("datetime64[m]").astype(np.int64)


def texts(roles: Roles) -> dict[str, list[str]]:
    """Return the text variables, which say what the others are."""
    return {
        "dynamic": list(roles.dynamic),
        "static": list(roles.static),
        "target": [roles.target],
        "category_name": list(IGBP),
    }


def block(values: dict[str, Array], plan: Plan) -> Block:
    """Return samples as a prepared data set has them."""
    units = {variable.name: variable.unit for variable in (*PLACE, *plan.variables.values())}
    return Block(values, texts(plan.roles), units)


def _put_roles(writer: DatasetWriter, plan: Plan) -> None:
    described = {
        "dynamic": ("dynamic", "variables that change with time"),
        "static": ("static", "variables that do not change"),
        "target": ("one", "variable that is predicted"),
        # Not `category`: netCDF hides a variable that has a dimension's name and not its length.
        "category_name": ("land_cover", "land-cover class (MODIS IGBP); its code is its place"),
    }
    names = texts(plan.roles)
    for variable, (dimension, meaning) in described.items():
        writer.dimension(dimension, len(names[variable]))
        writer.put(Variable(variable, "", meaning, (dimension,), dtype="str"), names[variable])


def facts(plan: Plan, kind: str, census: Census) -> dict[str, Any]:
    """Return what is needed to read more of the same later."""
    roles = plan.roles
    stamps = sorted(census.times)
    return {
        "kind": kind,
        "dynamic": list(roles.dynamic),
        "static": list(roles.static),
        "category": roles.category,
        "target": roles.target,
        "units": {name: variable.unit for name, variable in plan.variables.items()},
        "step": "month" if census.monthly else "year",
        "cells": len(census.cells),
        "first": str(stamps[0]),
        "last": str(stamps[-1]),
    }
