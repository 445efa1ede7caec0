"""Where and when samples are, for tables of predictions, and windows of a map that hold places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.metrics.metric import Values
from geoml_cli.models.spec import Spec
from geoml_cli.samples.coordinates import LATITUDE, LONGITUDE

Rows = NDArray[np.int64]
_WINDOW = 512
"""Side of windows of a map [pixels]."""


def coordinates_of(spec: Spec[Any], dataset: Dataset, rows: Rows) -> list[tuple[Variable, Values]]:
    """Return where and when samples are: as the model says, or longitude and latitude."""
    if spec.coordinates is not None:
        return spec.coordinates(dataset, rows)
    present = [variable for variable in (LONGITUDE, LATITUDE) if dataset.has(variable.name)]
    return [(variable, np.asarray(dataset.array(variable.name)[rows])) for variable in present]


def windows(places: NDArray[np.float64], length: int) -> Iterator[slice]:
    """Yield windows of pixels, one after another, from the first of the places to the last, inside a side of a map.

    Args:
        places: In pixels from the map's corner.
        length: Of the side [pixels].
    """
    for first in range(max(int(places.min()), 0), min(int(places.max()) + 1, length), _WINDOW):
        yield slice(first, min(first + _WINDOW, length))
