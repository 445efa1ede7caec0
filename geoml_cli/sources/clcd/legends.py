"""What the codes of class rasters mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from geoml_cli.errors import DataError

Legend = Literal["auto", "clcd", "nlcd", "none"]
NAMES: dict[str, dict[int, str]] = {
    "clcd": {
        1: "cropland", 2: "forest", 3: "shrub", 4: "grassland", 5: "water", 6: "snow and ice", 7: "barren",
        8: "impervious", 9: "wetland",
    },
    "nlcd": {
        11: "open water", 12: "perennial ice and snow", 21: "developed, open space", 22: "developed, low intensity",
        23: "developed, medium intensity", 24: "developed, high intensity", 31: "barren", 41: "deciduous forest",
        42: "evergreen forest", 43: "mixed forest", 51: "dwarf scrub", 52: "shrub", 71: "grassland", 72: "sedge",
        73: "lichens", 74: "moss", 81: "pasture and hay", 82: "cultivated crops", 90: "woody wetlands",
        95: "emergent herbaceous wetlands",
    },
}  # fmt: skip


class Named(NamedTuple):
    """Classes with their names.

    Attributes:
        names: In the order of the codes.
        title: Legend that they are of; none where there is no.
        strange: Codes that the legend has not.
    """

    names: list[str]
    title: str
    strange: list[int]


def class_names(codes: Sequence[int], legend: Legend, files: Sequence[str]) -> Named:
    """Name classes.

    Args:
        codes: The rasters' own.
        legend: Whose they are; `auto` goes by the names of the files.
        files: Names of the rasters.

    Raises:
        DataError: The legend given has not all of the codes.
    """
    title = _guessed(files) if legend == "auto" else legend
    known = NAMES.get(title, {})
    strange = [code for code in codes if code not in known]
    if strange and legend in NAMES:
        raise DataError(
            f"there is no class {', '.join(map(str, strange))} in the legend {legend}",
            where=", ".join(files),
            fix="Give --legend none for other class rasters, or name codes that mean no data with --nodata.",
        )
    if len(strange) > len(codes) / 2:  # the name says one thing, and the raster another
        return Named([f"class {code}" for code in codes], "none", [])
    return Named([known.get(code, f"class {code}") for code in codes], title, strange)


def _guessed(files: Sequence[str]) -> str:
    return next((legend for legend in NAMES if all(legend in file.lower() for file in files)), "none")
