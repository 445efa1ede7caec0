"""Stored numbers of pixel stacks to values: packing, and fills, declared or not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.grid_files import check_chunks
from geoml_cli.readers.grid_values import Decoding, decoding
from geoml_cli.readers.nodata import Declared

Floats = NDArray[np.float32]
_FILLS = np.array([-999.0, -9999.0, -32768.0, -99999.0], dtype=np.float32)
_LEAST = np.array([-32768.0], dtype=np.float32)
_HUGE = 1e19
"""Fills that no band's values come near, whether or not a file declares them."""


def filled(stored: NDArray[Any], *, is_packed: bool, is_declared: bool) -> NDArray[np.bool_]:
    """Return which stored numbers are fills that nobody declared.

    Args:
        stored: Numbers, unsigned where they are meant so.
        is_packed: Whether they have a scale: -999 may well be a value then, such as -9.99 dB.
        is_declared: Whether a file names a fill: packed numbers then pass through all others but their least.
    """
    fills = _FILLS if not is_packed else _LEAST if is_declared else _FILLS[1:]
    return np.asarray(np.isin(stored, fills) | (np.abs(stored.astype(np.float64)) > _HUGE))


def decoding_of(path: Path, name: str, attributes: Mapping[str, Any], kind: np.dtype[Any]) -> Decoding:
    """Read how a band of a NetCDF file or Zarr store is stored.

    Raises:
        DataError: An attribute is damaged, or chunks of a store are missing and would be read as a value.
    """
    try:
        how = decoding(attributes, kind, name, Declared(valid=True))
    except DataError as error:
        raise DataError(error.what, where=f"{path}, {name}", fix=error.fix) from error
    if path.is_dir():
        try:
            check_chunks(path, name, how.fills)
        except DataError as error:
            raise DataError(
                error.what,
                where=error.where,
                fix="Copy the store again. If its writer leaves out chunks that hold this number alone, write it anew "
                "with xarray's to_zarr(..., write_empty_chunks=True).",
            ) from error
    return how


def decoded(stored: NDArray[Any], how: Decoding) -> Floats:
    """Return values of stored numbers, NaN where there is none."""
    numbers = stored.view(f"u{stored.dtype.itemsize}") if how.unsigned else stored
    is_fill = filled(numbers, is_packed=(how.scale, how.offset) != (1.0, 0.0), is_declared=bool(how.fills))
    known = np.where(is_fill, stored.dtype.type(0), stored)
    return np.where(is_fill, np.float32(np.nan), how.decode(known))
