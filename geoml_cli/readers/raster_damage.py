"""Errors of GDAL as errors of the file that is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geoml_cli.errors import DataError
from geoml_cli.work.reasons import reason

DAMAGED = "is damaged or not a raster"


@contextmanager
def raster_damage(path: Path, doing: str = "") -> Iterator[None]:
    """Name the file in an error of rasterio, which raises some of GDAL's own as they are.

    Raises:
        DataError: In place of such an error.
    """
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import RasterioError

    try:
        yield
    except (RasterioError, CPLE_BaseError, OSError, ValueError) as error:
        why = "it is empty" if path.is_file() and not path.stat().st_size else reason(error)
        told = f"{doing}: {why}" if doing else why
        raise DataError(f"{DAMAGED} ({told})", where=str(path), fix="Get the file again.") from error
