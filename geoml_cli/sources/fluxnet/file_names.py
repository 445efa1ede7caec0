"""What a file's name tells: site, product and resolution, as FLUXNET2015, ONEFlux and AmeriFlux write them.

`FLX_DE-Hai_FLUXNET2015_SUBSET_DD_2000-2012_1-4.csv`, `AMF_US-Ha1_FLUXNET_FULLSET_HH_1991-2020_3-5.csv`,
`AMF_US-CRT_BASE_HH_2-5.csv`, with any words before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

RESOLUTIONS = ("HH", "HR", "DD", "WW", "MM", "YY")
OTHER = ""
"""A product that the name does not tell, or one of other columns: ICOS' METEO, FLUXES and METEOSENS."""
PRODUCTS = ("FULLSET", "FLUXMET", "SUBSET", "FLUXNET", "BASE", OTHER)
"""Of two products of one site the first is read: it holds the same series and more."""
_AUXILIARY = ("ERAI", "ERA5", "AUX", "BIF", "BADM", "VARINFO")
_YEARS = re.compile(r"((?:19|20)\d\d)-((?:19|20)\d\d)")
_SITE = re.compile(r"[A-Z]{2}-[A-Za-z0-9]{3}")


@dataclass(frozen=True)
class FluxnetFileName:
    """What a file's name tells.

    Attributes:
        site: Such as DE-Hai; empty where the name holds none.
        product: One of PRODUCTS.
        resolution: One of RESOLUTIONS; empty where the name holds none.
        years: The first and the last; None where the name holds none.
        auxiliary: Whether it holds reanalysis or particulars of the processing, and no fluxes.
    """

    site: str
    product: str
    resolution: str
    years: tuple[int, int] | None
    auxiliary: bool


def parse(name: str) -> FluxnetFileName:
    """Read a file's name."""
    words = re.split(r"[_\s.()]+", name)
    place = next((number for number, word in enumerate(words) if _SITE.fullmatch(word)), None)
    after = words if place is None else words[place + 1 :]
    span = next((match for word in after if (match := _YEARS.fullmatch(word))), None)
    return FluxnetFileName(
        site="" if place is None else words[place],
        product=next((product for product in PRODUCTS if product in after), OTHER),
        resolution=next((word for word in after if word in RESOLUTIONS), ""),
        years=(int(span[1]), int(span[2])) if span else None,
        auxiliary=any(word.startswith(_AUXILIARY) for word in after),
    )
