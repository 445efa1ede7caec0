"""Wave amplitudes for released rows, which hold none themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.errors import DataError
from geoml_cli.readers.time_series import TimeSeries
from geoml_cli.sources.ech.orbit import Orbit
from geoml_cli.sources.ech.quantities import WAVE
from geoml_cli.sources.ech.waves import unlikely_waves


def joined(orbit: Orbit, files: Sequence[TimeSeries], funnel: Funnel) -> Orbit:
    """Add the amplitudes of files to rows by time.

    Raises:
        DataError: The rows' times are not known, or no amplitude belongs to one of them.
    """
    waves = [file for file in files if any(name in file.values for name in WAVE)]
    if not waves:
        funnel.notes.append("No file holds a wave amplitude: the samples can be predicted, not trained on.")
        return orbit
    if np.isnat(orbit.time).any():
        raise DataError(
            "the released rows hold no times, so amplitudes cannot be joined to them",
            where=str(waves[0].path),
            fix="Give the time of the first row with --start.",
        )
    found = {name: np.full(len(orbit.time), np.nan) for name in WAVE if any(name in file.values for file in waves)}
    for file in reversed(waves):  # the first file counts
        order = np.argsort(file.time, kind="stable")
        place = np.searchsorted(file.time[order], orbit.time).clip(max=len(order) - 1)
        same = file.time[order][place] == orbit.time
        for name in found:
            if name in file.values:
                found[name][same] = file.values[name][order][place][same]
    if not any(np.isfinite(values).any() for values in found.values()):
        raise DataError("no amplitude belongs to a time of the rows", where=str(waves[0].path), fix="Check --start.")
    funnel.notes += unlikely_waves(found)
    return replace(orbit, wave=found)
