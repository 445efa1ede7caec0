"""Units that rasters name themselves: kept by name, and compared where others take their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from geoml_cli.errors import DataError
from geoml_cli.readers.rasters import Raster

_SPELLINGS = {
    "metre": "m", "meter": "m", "metres": "m", "meters": "m", "celsius": "degc", "degreescelsius": "degc",
    "degree_celsius": "degc", "°c": "degc", "c": "degc", "kelvin": "k", "percent": "%", "degrees": "degree",
    "unitless": "1", "dimensionless": "1", "mmyear-1": "mmyr-1", "mm/year": "mmyr-1", "mm/yr": "mmyr-1",
}  # fmt: skip


def check_units(rasters: Sequence[Raster], known: Mapping[str, str]) -> None:
    """Refuse rasters that name another unit than the data set's of the same name.

    Raises:
        DataError: One does; a raster without a unit is taken as it is.
    """
    for raster in rasters:
        expected, found = known.get(raster.band.name, ""), raster.unit
        if expected and found and _plain(expected) != _plain(found):
            raise DataError(
                f"{raster.band.name} is in {found}, and the data set's in {expected}",
                where=str(raster.band.path),
                fix=f"Convert its values to {expected} and write this unit into it.",
            )


def _plain(unit: str) -> str:
    text = "".join(unit.lower().split()).replace("^", "").replace("**", "")
    return _SPELLINGS.get(text, text)
