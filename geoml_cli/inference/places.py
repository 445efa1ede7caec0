"""Where and when samples are, for tables of predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.metrics.metric import Values
from geoml_cli.models.spec import Spec
from geoml_cli.samples.coordinates import LATITUDE, LONGITUDE

Rows = NDArray[np.int64]


def coordinates_of(spec: Spec[Any], dataset: Dataset, rows: Rows) -> list[tuple[Variable, Values]]:
    """Return where and when samples are: as the model says, or longitude and latitude."""
    if spec.coordinates is not None:
        return spec.coordinates(dataset, rows)
    present = [variable for variable in (LONGITUDE, LATITUDE) if dataset.has(variable.name)]
    return [(variable, np.asarray(dataset.array(variable.name)[rows])) for variable in present]
