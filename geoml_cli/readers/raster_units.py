"""Units that rasters name themselves: kept by name, and compared where others take their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError
from geoml_cli.readers.rasters import Raster


def check_units(rasters: Sequence[Raster], known: Mapping[str, str]) -> None:
    """Refuse rasters that name another unit than the data set's of the same name.

    Raises:
        DataError: One does; a raster without a unit is taken as it is.
    """
    for raster in rasters:
        expected, found = known.get(raster.band.name, ""), raster.unit
        if expected and found and not same_unit(expected, found):
            raise other_unit(raster.band.name, found, expected, raster.band.path)


def other_unit(name: str, found: str, expected: str, path: Path) -> DataError:
    """Say that a file names another unit of a variable than the data set's."""
    return DataError(
        f"{name} is in {found}, and the data set's in {expected}",
        where=str(path),
        fix=f"Convert its values to {expected} and write this unit into it.",
    )
