"""Colours of a map: perceptually even ones of quantities, and of classes those that all can tell apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, YELLOW

Values = NDArray[np.float64]
_SHOWN = (0.02, 0.98)
"""Quantiles of the values inside the colour range; a few outliers would leave the rest in one colour."""
_EVEN = 1e-3
"""Range of values relative to their size below which they are shown in one colour: it is rounding."""
_COVER = (
    (r"wetland|marsh|swamp|peat", "#289BE8"),
    (r"water|lake|river|sea|ocean", "#1E69B4"),
    (r"snow|ice|glacier", "#A6CEE3"),
    (r"crop|cropland|farmland|cultivated|agriculture", "#FAE39C"),
    (r"forest|tree|trees|woodland", "#446F33"),
    (r"shrub|shrubland|bush", "#33A02C"),
    (r"grass|grassland|meadow|pasture", "#ABD37B"),
    (r"barren|bare|desert|rock|sand", "#CFBDA3"),
    (r"impervious|urban|built|built-up|artificial", "#E24290"),
)
"""Colours that readers expect of land cover: those of CLCD. Yang and Huang 2021, doi:10.5194/essd-13-3907-2021."""
_CLASSES = (GREEN, YELLOW, ORANGE, BLUE, PURPLE, SKY, VERMILION, "#4D4D4D", "#B3B3B3")
_MANY = "turbo"
"""Where there are more classes than these: as many colours as are asked for."""


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
    least = _EVEN * max(abs(low), abs(high))
    if high - low <= least:
        low, high = low - (least or 1.0), high + (least or 1.0)
    return ColourScale(name, low, high)


def class_colours(names: Mapping[int, str]) -> ClassColours:
    """Give every class a colour, the same in every map of them: of land cover the usual one."""
    usual = {code: _cover_colour(name) for code, name in names.items()}
    if all(usual.values()) and len(set(usual.values())) == len(usual):
        return ClassColours(usual, names)
    if len(names) <= len(_CLASSES):
        return ClassColours(dict(zip(names, _CLASSES, strict=False)), names)
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    places = np.linspace(0.02, 0.98, len(names))
    return ClassColours({code: to_hex(colormaps[_MANY](at)) for code, at in zip(names, places, strict=True)}, names)


def _cover_colour(name: str) -> str:
    """Return the usual colour of a land cover, empty where its name is none."""
    found = (colour for words, colour in _COVER if re.search(rf"\b({words})s?\b", name, re.IGNORECASE))
    return next(found, "")
