"""Products that Earth Engine exports: their columns, and what of a row's name is its date."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from geoml_cli.sources.smap.calendar import Texts, first_word, three_words, word

INDEX = "system:index"
WEATHER = ("eto", "etr", "pr", "sph", "srad", "vpd", "vs")
OPTICAL = ("B2", "B3", "B4", "B5", "B6", "B7")
RADAR = ("VV", "VH")
CONSTANTS = {
    "elevation": "elevation", "slope": "slope", "aspect": "aspect", "clay": "clay_5", "bd": "bd_5", "sand": "sand_5",
}  # fmt: skip
UNLIMITED = (*WEATHER, *RADAR, *CONSTANTS)
"""Variables without a range beyond which values are missing."""


class Product(NamedTuple):
    """How the rows of a product are read.

    Attributes:
        columns: By our name, what the column may be called.
        date: Cuts the date out of the row's name.
        stamp: Cuts out date and time, where several scenes a day are possible.
        scaled: Whether exports of it come in several scales.
        head: Letters of a row's name that hold its date; 0 where any may.
        unlimited: Whether there is no range beyond which its values are missing.
    """

    columns: dict[str, tuple[str, ...]]
    date: Callable[[Texts], Texts]
    stamp: Callable[[Texts], Texts] | None = None
    scaled: bool = False
    head: int = 0
    unlimited: bool = False


GRIDMET = Product({name: (name,) for name in WEATHER}, first_word, head=8, unlimited=True)
LST = Product({"LST": ("mean", "first", "LST_Day_1km", "LST")}, three_words, head=10)
S1 = Product({name: (name,) for name in RADAR}, word(4), word(4), scaled=True, unlimited=True)
HLS = Product({name: (name,) for name in OPTICAL}, word(1), word(1), scaled=True)
