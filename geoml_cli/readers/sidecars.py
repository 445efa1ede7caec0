"""Files next to a raster that decide what is read from it."""

from __future__ import annotations

from pathlib import Path

SIDECARS = (".aux.xml", ".ovr", ".msk")
"""Next to NAME.tif as NAME.tif.aux.xml: scales, fills and names; overviews; a mask."""
_WORLDS = (".prj", ".tfw", ".wld", ".hdr")
"""Next to NAME.tif as NAME.prj: where it lies."""


def sidecars(path: Path) -> list[Path]:
    """Name the files next to a raster that are there."""
    named = [path.with_name(path.name + suffix) for suffix in SIDECARS]
    return [one for one in (*named, *(path.with_suffix(suffix) for suffix in _WORLDS)) if one.is_file() and one != path]
