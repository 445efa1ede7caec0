"""What a raster's file says of its bands: units, and which band is a mask."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_MASKS = {"alpha", "mask"}
_FULL = 255  # where a mask has data, whatever its type


def band_unit(file: DatasetReader, index: int) -> str:
    """Return the unit that the file names, or nothing."""
    tags = {key.lower(): value for key, value in file.tags(index).items()}
    return str(file.units[index - 1] or tags.get("units") or tags.get("unit") or "").strip()


def colour_table(file: DatasetReader, index: int) -> dict[int, tuple[int, ...]]:
    """Return the colours of a band's numbers; empty where the file has no table, whatever it says of the band."""
    try:
        return dict(file.colormap(index))
    except ValueError:
        return {}


def alpha_band(file: DatasetReader) -> int | None:
    """Return the number of the band that is a mask, if one is: marked as alpha, and not described as something else.

    GDAL itself marks the last of four bands of bytes as alpha, unless a file says otherwise.
    """
    kinds = [kind.name for kind in file.colorinterp]
    marked = [number for number, kind in enumerate(kinds, start=1) if kind == "alpha"] if len(kinds) > 1 else []
    return next((number for number in marked if not _described(file, number) or says_mask(file, number)), None)


def says_mask(file: DatasetReader, index: int) -> bool:
    """Return whether a band is described as a mask."""
    return bool(_MASKS & set(re.split(r"[\W\d_]+", _described(file, index).lower())))


def check_mask(values: NDArray[Any], index: int, path: Path) -> None:
    """Refuse a band that nothing but its mark calls a mask, and that holds other values than one.

    Raises:
        DataError: Names the first value that is neither 0 nor the full one.
    """
    full = {np.iinfo(values.dtype).max, _FULL} if np.issubdtype(values.dtype, np.integer) else {1, _FULL}
    strange = values[~np.isin(values, [0, *full])]
    if strange.size:
        raise DataError(
            f"band {index} is marked as alpha, which makes it a mask, and holds {strange.flat[0]:g}, neither 0 nor "
            f"{max(full)}",
            where=str(path),
            fix=f"If it is a covariate, mark it as one (gdal_edit.py -colorinterp_{index} undefined FILE) or describe "
            "it; if it is a mask, describe it as mask.",
        )


def _described(file: DatasetReader, index: int) -> str:
    return (file.descriptions[index - 1] or "").strip()
