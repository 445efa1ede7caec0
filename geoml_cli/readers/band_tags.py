"""What a raster's file says of its bands: units, and which band is a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


def band_unit(file: DatasetReader, index: int) -> str:
    """Return the unit that the file names, or nothing."""
    tags = {key.lower(): value for key, value in file.tags(index).items()}
    return str(file.units[index - 1] or tags.get("units") or tags.get("unit") or "").strip()


def alpha_band(file: DatasetReader) -> int | None:
    """Return the number of the band that is a mask, if one is."""
    kinds = [kind.name for kind in file.colorinterp]
    return kinds.index("alpha") + 1 if "alpha" in kinds and len(kinds) > 1 else None
