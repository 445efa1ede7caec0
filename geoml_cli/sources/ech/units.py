"""Units of indices, positions and waves: files may state others, which are refused."""

from __future__ import annotations

from pathlib import Path

from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError

_OF_INDICES = ("nT", ("uT", "mT", "T", "G"))
_UNITS = {
    "sme": _OF_INDICES,
    "ae": _OF_INDICES,
    "symh": _OF_INDICES,
    "dst": _OF_INDICES,
    "l": ("Earth radii", ("km", "m")),
    "mlt": ("hours", ("degrees", "rad", "radians", "min", "s")),
    "mlat": ("degrees", ("rad", "radians", "hours")),
    "amplitude": ("dB", ("mV/m", "V/m", "uV/m", "nT", "pT", "V2/m2/Hz", "mV2/m2/Hz")),
}
"""Unit of each quantity, and others in which it occurs; of what else a file says nothing is known."""


def refuse_other_unit(name: str, column: str, said: str, path: Path) -> None:
    """Refuse a column that is said to be in another unit.

    Args:
        name: Our name of the quantity.
        column: The file's.
        said: What the file says of its unit.
        path: The file.

    Raises:
        DataError: It is one of the others in which the quantity occurs.
    """
    expected, others = _UNITS.get(name, ("", ()))
    if any(same_unit(said.lower(), other.lower()) for other in others):
        raise DataError(f"{column} is in {said}, not in {expected}", where=str(path), fix=f"Give it in {expected}.")
