"""Fixtures of the readers' tests."""

from raw_files import prepared, raster, table

__all__ = ["prepared", "raster", "table"]
