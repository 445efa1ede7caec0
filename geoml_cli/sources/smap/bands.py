"""Bands of a pixel stack: what they are called, and in which units they are."""

from __future__ import annotations

from pathlib import Path

from geoml_cli.dataset.manifest import Manifest
from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError
from geoml_cli.readers.raster_units import other_unit
from geoml_cli.sources.smap.cubes import Cube
from geoml_cli.sources.smap.products import OPTICAL, RADAR, WEATHER

DAILY = (*WEATHER, "LST", *RADAR, *OPTICAL)
FIXED = {name: (name, f"{name}_5") for name in ("elevation", "slope", "aspect", "clay", "bd", "sand")}
_SMAP = ("SMAP", "sm_surface")
COVER = ("land_cover", "LC", "mode")
_ASPECT = "degree"
"""The data set holds what is derived from it."""
_A_DAYS_SUM = ("mm", "kg m-2", "kg m-2 d-1")
_SAME_NUMBERS = {
    "eto": _A_DAYS_SUM,
    "etr": _A_DAYS_SUM,
    "pr": _A_DAYS_SUM,
    "sph": ("1",),
    "SMAP": ("cm3 cm-3", "1"),
    # Their scales follow from their values.
    "LST": ("K", "0.02 K", "1"),
    "VV": ("1",),
    "VH": ("1",),
    # As Earth Engine describes them.
    "clay": ("% (kg / kg)",),
    "sand": ("% (kg / kg)",),
    "bd": ("cg cm-3", "10 x kg / m-cubed"),
}
"""Units in which values are the same numbers as in the data set's, or are distinguished from them."""


def check_units(cube: Cube, path: Path, manifest: Manifest) -> None:
    """Refuse a band that names another unit than the data set has for it; one that names none is taken as it is.

    Raises:
        DataError: One does.
    """
    units = {**manifest.units(), "aspect": _ASPECT}
    for name, called in named(cube, path).items():
        found, expected = cube.unit(called), units.get(name, "")
        if found and expected and not any(same_unit(found, one) for one in (expected, *_SAME_NUMBERS.get(name, ()))):
            raise other_unit(called, found, expected, path)


def named(cube: Cube, path: Path) -> dict[str, str]:
    """Return how the stack calls our bands.

    Raises:
        DataError: One is missing.
    """
    found: dict[str, str] = {}
    for name in (*DAILY, "SMAP"):
        called = _SMAP if name == "SMAP" else (name,)
        found[name] = _first(called, cube, path, is_daily=True)
    for name, called in FIXED.items():
        found[name] = _first(called, cube, path, is_daily=False)
    if not any(name in COVER or name[:-5] in COVER for name in cube.fixed_names):
        _first(COVER, cube, path, is_daily=False)
    return found


def _first(called: tuple[str, ...], cube: Cube, path: Path, *, is_daily: bool) -> str:
    kinds = (("a value a day", cube.daily_names), ("one value", cube.fixed_names))
    (kind, names), (_, others) = kinds if is_daily else kinds[::-1]
    for name in called:
        if name in names:
            return name
    has = f"It has: {', '.join(sorted(names)) or 'none'}."
    if other := next((name for name in called if name in others), ""):
        one_step = f"take one step of it, in xarray stack.assign({other}=stack[{other!r}].isel(time=0))"
        has = f"Its {other} has {'one value' if is_daily else f'a value a day: {one_step}'}."
    raise DataError(
        f"there is no band {' or '.join(called)} with {kind} a pixel",
        where=str(path),
        fix=has,
    )
