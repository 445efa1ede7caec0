"""Fixtures of the sources' tests."""

from raw_files import coast, prepared, raster, raw, release, table

__all__ = ["coast", "prepared", "raster", "raw", "release", "table"]
