"""Forecast maps: all lead times of a start side by side, and one after another; land is grey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import panels, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float32]
_SHOWN = 0.02
"""Share of cells beyond the colours at either end: a few cells would leave the rest pale."""
_MOST = 6
"""Maps side by side that a page has room for."""


def limits(maps: Floats) -> tuple[float, float]:
    """Return the bounds of the colours; symmetric about 0 where both signs occur, as of a flux."""
    known = maps[np.isfinite(maps)]
    if not len(known):
        return 0.0, 1.0
    low, high = (float(value) for value in np.quantile(known, [_SHOWN, 1 - _SHOWN]))
    if low < 0 < high:
        low, high = -max(-low, high), max(-low, high)
    return low, high if high > low else low + 1.0


def lead_times(
    maps_L: Floats, names: Sequence[str], label: str, *, bounds: tuple[float, float], upright: bool
) -> Figure:
    """Draw maps [L, y, x] side by side, the first `_MOST` of them.

    Args:
        maps_L: NaN on land.
        names: Title of each.
        label: Name and unit of the quantity.
        bounds: Of the colours.
        upright: Whether the first row is the northernmost.
    """
    shown = min(len(maps_L), _MOST)
    figure, axes = panels(1.6 + 3.0 * shown, 3.4, shown)
    low, high = bounds
    image = None
    for axis, values, name in zip(axes, maps_L, names, strict=False):
        axis.set_facecolor("0.8")
        image = axis.imshow(
            values,
            vmin=low,
            vmax=high,
            cmap="RdBu_r" if low == -high else "viridis",
            aspect="auto",
            interpolation="nearest",
            origin="upper" if upright else "lower",
        )
        axis.set_title(plain(name))
        axis.set_xticks([])
        axis.set_yticks([])
    assert image is not None, "at least one map"
    figure.colorbar(image, ax=axes, label=label, extend="both")
    return figure
