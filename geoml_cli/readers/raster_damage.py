"""Errors of GDAL as errors of the file that is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geoml_cli.errors import DataError
from geoml_cli.work.reasons import reason

_REMOTE = re.compile(rb"/vsi(curl|s3|gs|az|adls|oss|swift|hdfs|webhdfs)\b|https?://")
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
        described = f"{doing}: {why}" if doing else why
        fix = "See that its server answers, or get the file." if _is_remote(path) else "Get the file again."
        raise DataError(f"{DAMAGED} ({described})", where=str(path), fix=fix) from error


def _is_remote(path: Path) -> bool:
    """Return whether a virtual raster reads from a server."""
    try:
        return path.suffix.lower() == ".vrt" and _REMOTE.search(path.read_bytes()) is not None
    except OSError:
        return False
