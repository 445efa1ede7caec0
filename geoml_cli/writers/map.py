"""What a map is, besides its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.variables import Variable
from geoml_cli.samples.input import Grid

Floats = NDArray[np.float32]
Part = tuple[slice, slice, Floats]
"""Rows, columns, and values of shape [bands, rows, columns]."""


@dataclass(frozen=True)
class Map:
    """Grid, bands and description of a map.

    Attributes:
        tile: Side of the blocks it comes in [pixels].
        attributes: Title, run and the like, written into the file.
    """

    grid: Grid
    bands: tuple[Variable, ...]
    tile: int
    attributes: dict[str, str]
