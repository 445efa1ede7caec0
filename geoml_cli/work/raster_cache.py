"""How much memory GDAL keeps for blocks of rasters."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

_CACHE_BYTES = 64 << 20  # GDAL would keep 5 % of the machine's memory in blocks read before


def small_cache() -> AbstractContextManager[Any]:
    """Bound GDAL's cache of blocks, which takes effect at a process's first read; the user's own bound stands."""
    from rasterio import Env

    return nullcontext() if "GDAL_CACHEMAX" in os.environ else Env(GDAL_CACHEMAX=_CACHE_BYTES)
