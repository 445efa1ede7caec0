"""Samples of a map at one moment: a grid of L by magnetic local time, all under the same indices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geoml_cli.dataset.store import Block, Variables
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError
from geoml_cli.models.ech.settings import EchTables, GridSettings
from geoml_cli.models.ech.task import HOURS, NAMES, POSITION_NAMES, position, step_minutes, window
from geoml_cli.models.spec import FixedTimeGrid, Values
from geoml_cli.samples.samples import Input, Samples, Target

_L = Variable("L", "1", "L-shell, in Earth radii")
_MLT = Variable("MLT", "h", "magnetic local time")


def grid(tables: EchTables, variables: Variables, time: np.datetime64, mlat: float) -> FixedTimeGrid:
    """Make the samples of a map.

    All cells share their windows, which are therefore cut once.

    Args:
        tables: The model's.
        variables: The data set whose index series are used.
        time: UTC.
        mlat: Magnetic latitude of all cells [degrees].

    Raises:
        DataError: The series do not know their time, or do not reach back 48 hours from this one.
    """
    shells, hours = axes(tables.grid)
    place = ends_at(variables, time)
    l_C, mlt_C = (grid.ravel() for grid in np.meshgrid(shells, hours, indexing="ij"))
    cells = Block({"l": l_C, "mlt": mlt_C, "mlat": np.full(len(l_C), mlat)}, {}, {})
    inputs = {"position": Input(position(cells), axis=1, names=POSITION_NAMES)}
    # The classifier alone may run on series that are coarser than the five minutes of the fine windows.
    names = NAMES if tables.network.part in ("both", "regressor") and step_minutes(variables) <= 5 else NAMES[:2]
    missing = []
    for name in names:
        item = window(variables, name, np.array([place]))
        values = item.values[np.array([0])]
        inputs[name] = replace(item, values=values, shared=True)
        if count := int(np.isnan(values).sum()):
            missing.append(f"{count} of {name}")
    samples = Samples(inputs, Target("presence", "1"))
    return FixedTimeGrid(((_L, shells), (_MLT, hours)), samples, ("probability", "amplitude"), ", ".join(missing))


def axes(grid: GridSettings) -> tuple[Values, Values]:
    """Return the centres of the cells: L, and magnetic local time [h]."""
    # L with both ends; local time at the middle of cells, since its circle has no end.
    shells = np.linspace(grid.l_low, grid.l_high, grid.l_cells)
    hours = (np.arange(grid.mlt_cells) + 0.5) * 24 / grid.mlt_cells
    return shells, hours


def ends_at(variables: Variables, time: np.datetime64) -> int:
    """Return the place of a time in the series.

    Raises:
        DataError: It is not in the series, not 48 hours from its begin, or the series have no times.
    """
    unit = variables.unit("time")
    begin = unit.partition(" since ")[2]
    if not begin:
        raise DataError("the index series do not know their time", where="time", fix="Prepare again with --start.")
    step, first = step_minutes(variables), np.datetime64(begin.replace(" ", "T"), "s")
    seconds = int((time.astype("datetime64[s]") - first).astype(np.int64))
    place, last = seconds // (60 * step), len(variables.array("time")) - 1
    earliest = (HOURS - 1) * 60 // step
    if seconds % (60 * step) or not earliest <= place <= last:
        low, high = (first + np.timedelta64(int(k) * step, "m") for k in (earliest, last))
        raise DataError(
            f"{time} is not on the series", where="--map", fix=f"Give a time from {low} to {high}, every {step} min."
        )
    return place
