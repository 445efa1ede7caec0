"""Land masks of gridded files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import GridAxes
from geoml_cli.errors import DataError
from geoml_cli.readers.grid_axes import find_layout
from geoml_cli.readers.grid_files import open_file

_HALF = 0.5


def land_of(path: Path, name: str, axes: GridAxes) -> NDArray[np.bool_]:
    """Read a land mask or fraction of land on the whole grid, [Y, X]; land is above one half.

    Raises:
        DataError: There is none, it is of another grid, or it is not a mask.
    """
    with open_file(path) as file:
        if name not in file.variables:
            raise DataError(f"has no variable {name}", where=str(path), fix="Correct --land.")
        mask = file[name].squeeze()
        if mask.ndim == 2:
            layout = find_layout(file, name, str(path))
            mask = mask.transpose(layout.y_dim, layout.x_dim)
        values = np.asarray(mask.values, dtype=np.float64)
    where = f"{path}, variable {name}"
    if values.shape != axes.shape:
        raise DataError(
            f"has shape {list(values.shape)}, the grid {list(axes.shape)}", where=where, fix="Correct --land."
        )
    if not ((values >= 0) & (values <= 1) | np.isnan(values)).all():
        raise DataError("holds other values than 0 to 1", where=where, fix="Give a mask that is 1 on land.")
    return np.asarray(values > _HALF)
