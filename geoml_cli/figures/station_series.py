"""A station in time: observations as dots, predictions as lines, and rain as bars from above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import BLACK, BLUE, ORANGE, SKY, panels, plain, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROOM = 3.0
"""Height of the axis of rain in largest rains: bars stay in its upper third."""


@dataclass(frozen=True)
class StationSeries:
    """What is drawn of a station; all [T], in the order of time.

    Attributes:
        time: Of the observations.
        observed: In the target's unit.
        predicted: By model; the first is the network and drawn as a line, the others dashed.
        bars: Name, unit and values of what hangs from above; None for nothing.
    """

    time: NDArray[np.datetime64]
    observed: NDArray[np.float64]
    predicted: Mapping[str, NDArray[np.float64]]
    bars: tuple[str, str, NDArray[np.float64]] | None = None


def station_series(name: str, series: StationSeries, quantity: tuple[str, str]) -> Figure:
    """Draw a station.

    Args:
        name: Of the station.
        series: What is drawn.
        quantity: Name and unit of the target.
    """
    figure, [axis] = panels(8.0, 3.0)
    axis.plot(series.time, series.observed, ".", color=BLACK, markersize=2.5, label="observed")
    for place, (model, values) in enumerate(series.predicted.items()):
        style, colour = ("-", BLUE) if place == 0 else ("--", ORANGE)
        axis.plot(series.time, values, style, color=colour, linewidth=0.9, label=plain(model))
    axis.set_ylabel(with_unit(*quantity))
    axis.set_title(plain(name))
    axis.legend(loc="upper left", ncols=3, frameon=False)
    if series.bars is not None:
        label, unit, values = series.bars
        above = axis.twinx()
        above.bar(series.time, values, width=1.0, color=SKY, alpha=0.7)
        above.set_ylim(_ROOM * max(float(np.nanmax(values, initial=0.0)), 1.0), 0.0)
        above.set_ylabel(with_unit(label, unit))
    return figure
