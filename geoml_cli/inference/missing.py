"""Why cells of a prediction carry none: counts by reason, which add up to the number of missing cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from geoml_cli.writers.chunk_store import ChunkStore

Counts = NDArray[np.int64]
PIXELS_MISSING = "pixels_without_prediction"
"""Attribute of a map that lists them."""


def count_missing(values: NDArray[np.float32], reason: NDArray[np.int16], reasons: int) -> Counts:
    """Count the cells without a value, [reasons + 1]; the last count is that of cells without a reason.

    Args:
        values: Of one output, in the shape of the cells.
        reason: Place among the reasons, -1 where there is none of them.
        reasons: How many there are.
    """
    missing = reason[~np.isfinite(values)]
    return np.bincount(np.where(missing < 0, reasons, missing), minlength=reasons + 1).astype(np.int64)


def missing_by_reason(reasons: Sequence[str], undefined: str, store: ChunkStore, count: int) -> dict[str, int]:
    """Return the counts over all chunks of the reasons that occur; none where no reasons are known.

    Args:
        reasons: Why cells carry no sample.
        undefined: Why cells that carry one have no prediction.
        store: The chunks.
        count: How many.
    """
    if not reasons:
        return {}
    total = np.sum([store.missing(number) for number in range(count)], axis=0)
    return {name: int(number) for name, number in zip((*reasons, undefined), total, strict=True) if number}


def as_text(counts: Mapping[str, int]) -> str:
    """List counts in one line."""
    return ", ".join(f"{reason}: {number}" for reason, number in counts.items()) or "none"
