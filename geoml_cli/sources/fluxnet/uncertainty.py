"""What files tell of a target's uncertainty: random errors of measured records, percentiles over u* thresholds.

Source: Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3, sections on NEE and on energy fluxes.
"""

from __future__ import annotations

from collections.abc import Collection

from geoml_cli.dataset.variables import PERCENTILES, RANDOM, percentile

_VERSIONS = ("REF", "USTAR50", "MEAN")
"""Last words of the versions of a flux that are chosen from, or averaged over, the u* thresholds."""
_ENERGY = ("LE_F_MDS", "H_F_MDS")
"""Fluxes whose random error is called by the first word alone; what is corrected for closure has another."""


def columns(target: str, known: Collection[str]) -> dict[str, str]:
    """Return the columns that tell of a target's uncertainty, by the variable that holds them.

    Args:
        target: Its column.
        known: Columns of a file. Of percentiles the widest pair is taken.
    """
    random = f"{target.split('_')[0] if target in _ENERGY else target}_RANDUNC"
    found = {f"{target}{RANDOM}": random} if random in known else {}
    stem, _, version = target.rpartition("_")
    for pair in PERCENTILES if version in _VERSIONS else ():
        named = {percentile(target, share): f"{stem}_{share:02d}" for share in pair}
        if all(column in known for column in named.values()):
            return found | named
    return found


def meanings(target: str) -> dict[str, str]:
    """Return what every variable is that may tell of a target's uncertainty, by name."""
    found = {f"{target}{RANDOM}": "standard deviation of the random error of a measured record"}
    for share in (share for pair in PERCENTILES for share in pair):
        found[percentile(target, share)] = f"percentile {share} over thresholds of friction velocity (u*)"
    return found
