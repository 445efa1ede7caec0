"""A forecast at single cells: what was observed and forecast at each lead time, with the interval as a band.

Legend: L lead times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import BLACK, BLUE, band, panels, plain, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_LABELS = 6


@dataclass(frozen=True)
class CellForecast:
    """What is drawn of a cell; all [L].

    Attributes:
        name: Where it is.
        observed: NaN where missing.
        forecast: Likewise.
    """

    name: str
    observed: NDArray[np.float64]
    forecast: NDArray[np.float64]


class Interval(NamedTuple):
    """A prediction interval about the forecast.

    Attributes:
        label: In the legend.
        half_width_L: At every lead time.
    """

    label: str
    half_width_L: NDArray[np.float64]


def cell_series(
    cells: Sequence[CellForecast],
    labels: Sequence[str],
    interval: Interval | None,
    quantity: tuple[str, str],
) -> Figure:
    """Draw a panel for each cell.

    Args:
        cells: What is drawn.
        labels: Name of every forecast time step.
        interval: None for none.
        quantity: Name and unit of the target.
    """
    figure, axes = panels(3.2 * len(cells), 3.4, len(cells))
    steps = np.arange(len(labels))
    every = -(-len(labels) // _MOST_LABELS)
    for axis, cell in zip(axes, cells, strict=True):
        if interval is not None:
            low, high = cell.forecast - interval.half_width_L, cell.forecast + interval.half_width_L
            band(axis, steps, (low, high), interval.label)
        axis.plot(steps, cell.forecast, color=BLUE, marker="o", markersize=3, label="forecast")
        axis.plot(steps, cell.observed, "s", color=BLACK, markersize=4, label="observed")
        axis.set_title(plain(cell.name), fontsize="small")
        axis.set_xticks(steps[::every], [plain(label) for label in labels[::every]], rotation=30, ha="right")
    axes[0].set_ylabel(with_unit(*quantity))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=3, frameon=False)
    return figure
