"""Waves that may be in another unit, or whose presence may be written the other way round."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from geoml_cli.readers.time_series import Values

_SEVERAL = 30
"""Waves from which on their distribution tells something."""
_MOST = 0.9
"""Share of samples without a wave that have an amplitude, and share of those with one that have none."""
_SMALL = 1.5
"""Median of fields [mV m-1]; that of waves in decibels above nothing is larger."""
_SKEWED = 8.0
"""How many times the median the largest is: of decibels above zero it is two to four times, of a field far more."""


def unlikely_waves(waves: Mapping[str, Values]) -> list[str]:
    """Tell of amplitudes that look like a linear field, and of a presence that they contradict.

    Args:
        waves: `amplitude` [dB] and `presence` [0 or 1] of samples, as far as they are there; NaN where unknown.
    """
    notes = list[str]()
    if "amplitude" not in waves:
        return notes
    amplitude = waves["amplitude"]
    known = amplitude[np.isfinite(amplitude)]
    some = known[known > 0]
    half = float(np.median(some)) if len(some) >= _SEVERAL else np.inf
    if half < _SMALL and known.min() >= 0 and some.max() > _SKEWED * half:
        notes.append(
            f"amplitudes run from {known.min():g} to {known.max():g}, half of them below {half:.3g}, as of "
            "a field in mV m-1: they are taken as dB. Are they? Else give 20 log10 of them."
        )
    return [*notes, *_other_way_round(amplitude, waves["presence"])] if "presence" in waves else notes


def _other_way_round(amplitude: Values, presence: Values) -> list[str]:
    """Tell of a presence of 0 where amplitudes are larger, or alone known; of a presence of 1 they are NaN or lower."""
    levels = [amplitude[(presence == flag) & ~np.isnan(amplitude)] for flag in (0, 1)]
    rows = [int((presence == flag).sum()) for flag in (0, 1)]
    if min(map(len, levels)) >= _SEVERAL and np.median(levels[0]) > np.median(levels[1]):
        return [
            f"amplitudes where presence is 0 (median {np.median(levels[0]):.3g} dB) are larger than where it is 1 "
            f"({np.median(levels[1]):.3g} dB): is 1 a wave?"
        ]
    known = [len(level) / max(count, 1) for level, count in zip(levels, rows, strict=True)]
    if min(rows) >= _SEVERAL and known[0] > _MOST and known[1] < 1 - _MOST:
        return [
            f"amplitudes where presence is 0 are known in {len(levels[0])} of {rows[0]} samples, and where it is 1 in "
            f"{len(levels[1])} of {rows[1]}: is 1 a wave?"
        ]
    return []
