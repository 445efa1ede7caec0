"""Colours of a map: perceptually even ones of quantities, and of classes those that all can tell apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, YELLOW

Values = NDArray[np.float64]
_SHOWN = (0.02, 0.98)
"""Quantiles of the values inside the colour range; a few outliers would leave the rest in one colour."""
_CLASSES = (GREEN, YELLOW, ORANGE, BLUE, PURPLE, SKY, VERMILION, "#4D4D4D", "#B3B3B3")
_MANY = "turbo"
"""Colours of more classes than these."""


@dataclass(frozen=True)
class ColourScale:
    """Colours of a quantity.

    Attributes:
        name: Matplotlib's, of a perceptually uniform scale.
        low: Value of the first colour.
        high: Value of the last.
    """

    name: str
    low: float
    high: float

    def stops(self, count: int) -> list[tuple[float, str]]:
        """Return values from low to high with their colours, as #rrggbb."""
        from matplotlib import colormaps
        from matplotlib.colors import to_hex

        places = np.linspace(0, 1, count)
        return [
            (self.low + (self.high - self.low) * float(place), to_hex(colormaps[self.name](place))) for place in places
        ]


@dataclass(frozen=True)
class ClassColours:
    """Colours (#rrggbb) and names of classes, by code."""

    colours: Mapping[int, str]
    names: Mapping[int, str]


def scale_of(values: Values, name: str) -> ColourScale:
    """Return a scale from nearly the least to nearly the largest value; from 0 to 1 where there is none."""
    known = values[np.isfinite(values)]
    if not len(known):
        return ColourScale(name, 0.0, 1.0)
    low, high = (float(value) for value in np.quantile(known, _SHOWN))
    return ColourScale(name, low, high if high > low else low + (abs(low) or 1.0) * 0.01)


def class_colours(names: Mapping[int, str]) -> ClassColours:
    """Give every class a colour, the same in every map of them."""
    if len(names) <= len(_CLASSES):
        return ClassColours(dict(zip(names, _CLASSES, strict=False)), names)
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    places = np.linspace(0.02, 0.98, len(names))
    return ClassColours({code: to_hex(colormaps[_MANY](at)) for code, at in zip(names, places, strict=True)}, names)
