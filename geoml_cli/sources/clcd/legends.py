"""What the codes of class rasters mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

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


def class_names(codes: Sequence[int], legend: Legend, files: Sequence[str]) -> list[str]:
    """Name classes.

    Args:
        codes: The rasters' own.
        legend: Whose they are; `auto` goes by the names of the files, and takes a legend only if it has all codes.
        files: Names of the rasters.

    Raises:
        DataError: The legend given has not all of the codes.
    """
    known = NAMES.get(_guessed(codes, files) if legend == "auto" else legend)
    if known is None:
        return [f"class {code}" for code in codes]
    strange = [str(code) for code in codes if code not in known]
    if strange:
        raise DataError(
            f"there is no class {', '.join(strange)} in the legend {legend}",
            where=", ".join(files),
            fix="Give --legend none for other class rasters, or name codes that mean no data with --nodata.",
        )
    return [known[code] for code in codes]


def _guessed(codes: Sequence[int], files: Sequence[str]) -> str:
    for legend, names in NAMES.items():
        if all(legend in file.lower() for file in files) and set(codes) <= set(names):
            return legend
    return "none"
