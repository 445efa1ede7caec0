"""How many rows intervals hold, compared with how many they were made for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from geoml_cli.figures.style import BLACK, BLUE, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def calibration_curve(nominal: Sequence[float], observed: Sequence[float], label: str = "Coverage") -> Figure:
    """Draw the share found over the share promised, with the diagonal.

    Args:
        nominal: Shares promised, 0 to 1.
        observed: Shares of rows.
        label: Of what: "Coverage" of intervals.
    """
    figure, [axis] = panels(4.6, 4.4)
    axis.plot([0, 1], [0, 1], color=BLACK, linewidth=1, linestyle="--")
    axis.plot(nominal, observed, color=BLUE, marker="o", markersize=4)
    axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axis.set_xlabel(f"{label}, nominal")
    axis.set_ylabel(f"{label}, found")
    return figure
