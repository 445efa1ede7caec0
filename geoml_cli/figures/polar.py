"""The magnetosphere from above: L outward, magnetic local time around, noon at the top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_EARTH = 1.0
Floats = NDArray[np.float32]


class Panel(NamedTuple):
    """A quantity (name, unit), its values [L, MLT], and the bounds of its colours."""

    quantity: tuple[str, str]
    values: Floats
    limits: tuple[float, float]


def polar_map(axes: tuple[NDArray[np.float64], NDArray[np.float64]], panels: Sequence[Panel], title: str) -> Figure:
    """Draw quantities side by side over L and magnetic local time [h]; missing cells stay empty."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shells, hours = axes
    figure = Figure(figsize=(4.6 * len(panels), 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    angles, radii = _edges(hours) * np.pi / 12, _edges(shells)
    for place, panel in enumerate(panels):
        axis = figure.add_subplot(1, len(panels), place + 1, projection="polar")
        axis.set_theta_zero_location("S")  # type: ignore[attr-defined]  # midnight at the bottom, the sun at the top
        low, high = panel.limits
        mesh = axis.pcolormesh(angles, radii, np.ma.masked_invalid(panel.values), vmin=low, vmax=high, cmap="viridis")
        axis.set_ylim(0, float(radii[-1]))
        axis.fill_between(np.linspace(0, 2 * np.pi, 60), 0, _EARTH, color="0.6")
        axis.set_xticks(np.arange(0, 24, 3) * np.pi / 12, [str(hour) for hour in range(0, 24, 3)])
        axis.grid(alpha=0.4)
        figure.colorbar(mesh, ax=axis, orientation="horizontal", shrink=0.8, label=with_unit(*panel.quantity))
    return figure


def _edges(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])
