"""The factors of the published tables: names, order, units and meaning.

Units are those of the yearly tables; sums [mm yr-1] of a monthly table are [mm month-1].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from geoml_cli.dataset.variables import Variable

DYNAMIC = (
    "E", "Eb", "Ei", "Ep", "Et", "p", "Ew", "H", "LST", "NDVI", "rf", "S", "LAI", "EVI", "SMrz", "SMs", "tmp",
)  # fmt: skip
STATIC = ("DEM", "aspect", "slope")
_MEANINGS = {
    "E": ("mm yr-1", "evaporation (GLEAM)"),
    "Eb": ("mm yr-1", "bare-soil evaporation (GLEAM)"),
    "Ei": ("mm yr-1", "interception loss (GLEAM)"),
    "Ep": ("mm yr-1", "potential evaporation (GLEAM)"),
    "Et": ("mm yr-1", "transpiration (GLEAM)"),
    "p": ("", "p of the published table; neither its meaning nor its unit is documented"),
    "Ew": ("mm yr-1", "open-water evaporation (GLEAM)"),
    "H": ("W m-2", "sensible heat flux"),
    "LST": ("K", "land surface temperature"),
    "NDVI": ("1", "normalised difference vegetation index"),
    "rf": ("mm yr-1", "rainfall"),
    "S": ("1", "evaporative stress (GLEAM)"),
    "LAI": ("m2 m-2", "leaf area index"),
    "EVI": ("1", "enhanced vegetation index"),
    "SMrz": ("m3 m-3", "root-zone soil moisture (GLEAM)"),
    "SMs": ("m3 m-3", "surface soil moisture (GLEAM)"),
    "tmp": ("0.1 degC", "air temperature"),
    "DEM": ("m", "height above sea level"),
    "aspect": ("degree", "aspect of the slope, clockwise from north"),
    "slope": ("degree", "slope"),
    "GWS": ("cm", "groundwater storage anomaly, equivalent water height"),
}
LIKELY = {
    "LST": (180, 360), "NDVI": (-1, 1), "EVI": (-1.5, 1.5), "LAI": (0, 20), "S": (0, 1.1), "SMrz": (0, 1),
    "SMs": (0, 1), "tmp": (-700, 600), "E": (-500, 5000), "Ep": (-500, 10000), "rf": (0, 20000), "H": (-500, 1000),
    "DEM": (-500, 9000), "aspect": (-1, 360), "slope": (0, 90), "GWS": (-1000, 1000),
}  # fmt: skip
"""Where values lie in the unit of the published tables; others are likely to have another unit, or a scale factor."""


def described(name: str, monthly: bool, given: Mapping[str, str]) -> Variable:
    """Describe a factor or the target as a variable of the data set.

    Args:
        name: Its name.
        monthly: Rows are months.
        given: Units given by the user or by the files.
    """
    unit, meaning = _MEANINGS.get(name, ("", f"{name}; its unit is not documented"))
    if monthly:
        unit = unit.replace("yr-1", "month-1")
    unit = given.get(name, unit)
    return Variable(name, unit or "1", meaning, ("sample",), file_units={} if unit else {name: ""})


def is_sum(name: str) -> bool:
    """Return whether a factor of the published tables is a sum over a year."""
    return _MEANINGS.get(name, ("", ""))[0].endswith("yr-1")


def units_given(pairs: Sequence[str]) -> dict[str, str]:
    """Read pairs NAME=UNIT."""
    return {name: unit for name, _, unit in (pair.partition("=") for pair in pairs)}
