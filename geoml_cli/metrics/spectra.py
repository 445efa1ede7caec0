"""Power spectra of maps: how much of a field's detail a forecast keeps.

Legend: B maps, H, W rows and columns, F wavenumbers.
"""

from __future__ import annotations

import numpy as np

from geoml_cli.metrics.metric import Values


def radial_power(maps_BHW: Values) -> Values:
    """Return the power of each map by whole radial wavenumber, [B, F], the mean of the map (wavenumber 0) left out.

    Wavenumbers count waves over the longer side of the map; rows and columns are scaled to it. Ends at the Nyquist
    wavenumber of the shorter side. A map has no missing cells: the caller fills land, and says so.
    """
    height, width = maps_BHW.shape[-2:]
    longer = max(height, width)
    power = np.abs(np.fft.rfft2(maps_BHW)) ** 2 / (height * width) ** 2
    # rfft2 keeps one of each pair of conjugate columns.
    twice = np.full(power.shape[-1], 2.0)
    twice[0] = 1.0
    if width % 2 == 0:
        twice[-1] = 1.0
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]) * longer
    number = np.rint(radius).astype(np.int64).reshape(-1)
    flat = (power * twice).reshape(len(maps_BHW), -1)
    most = min(height, width) // 2 * longer // min(height, width)
    found = np.stack([np.bincount(number, weights=row, minlength=most + 1) for row in flat])
    return np.asarray(found[:, 1 : most + 1])
