"""Units, meaning and possible range of FLUXNET's columns, by resolution; columns of AmeriFlux BASE that equal them.

Sources: ONEFlux var_info_definitions_{hh,dd,ww,mm,yy}.txt; AmeriFlux BASE variables; limits of fluxes as in FluxnetLSM
(Ukkola et al. 2017, 10.5194/gmd-10-3379-2017).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import NamedTuple

from geoml_cli.errors import SettingsError
from geoml_cli.sources.fluxnet.times import Step, is_subdaily


class Quantity(NamedTuple):
    """What a column holds.

    Attributes:
        prefix: The first word or words of its name.
        unit: A unit; or `carbon`, `water`: one that differs by resolution.
        meaning: Long name.
        least: The median of a site is not less in this unit, nor more than `most`.
        limit: A flux of a larger size is not a flux; None where nobody says so.
    """

    prefix: str
    unit: str
    meaning: str
    least: float = -1e30
    most: float = 1e30
    limit: float | None = None


_QUANTITIES = (
    Quantity("SW_IN", "W m-2", "incoming shortwave radiation", -20, 1000),
    Quantity("SW_OUT", "W m-2", "outgoing shortwave radiation", -20, 1000),
    Quantity("SW_DIF", "W m-2", "diffuse incoming shortwave radiation", -20, 1000),
    Quantity("LW_IN", "W m-2", "incoming longwave radiation", 50, 700),
    Quantity("LW_OUT", "W m-2", "outgoing longwave radiation", 50, 900),
    Quantity("NETRAD", "W m-2", "net radiation", -300, 1000),
    Quantity("PPFD", "umol m-2 s-1", "photosynthetic photon flux density", -50, 2500),
    Quantity("TA", "degC", "air temperature", -70, 60),
    Quantity("TS", "degC", "soil temperature", -60, 70),
    Quantity("SWC", "%", "soil water content", 0, 100),
    Quantity("VPD", "hPa", "vapour pressure deficit", 0, 100),
    Quantity("PA", "kPa", "air pressure", 40, 115),
    Quantity("P", "water", "precipitation", 0, 1e30),
    Quantity("WS", "m s-1", "wind speed", 0, 60),
    Quantity("WD", "degree", "wind direction", 0, 360),
    Quantity("USTAR", "m s-1", "friction velocity", 0, 10),
    Quantity("RH", "%", "relative humidity", 0, 105),
    Quantity("CO2", "umol mol-1", "CO2 mole fraction", 200, 1500),
    Quantity("NEE", "carbon", "net ecosystem exchange of CO2, positive upward", limit=100),
    Quantity("FC", "carbon", "turbulent flux of CO2, without storage, positive upward", limit=100),
    Quantity("GPP", "carbon", "gross primary production", limit=200),
    Quantity("RECO", "carbon", "ecosystem respiration"),
    Quantity("LE", "W m-2", "latent heat flux", limit=1000),
    Quantity("H", "W m-2", "sensible heat flux", limit=1000),
    Quantity("G", "W m-2", "ground heat flux"),
)
_CARBON = {"YY": "gC m-2 yr-1"}
_WATER = {"HH": "mm (30 min)-1", "HR": "mm h-1", "YY": "mm yr-1"}
_DAYS_OF_YEAR = 365


@cache
def quantity(column: str) -> Quantity:
    """Tell what a column holds.

    Raises:
        SettingsError: Its name begins with none that is known.
    """
    words = column.split("_")
    for count in (2, 1):
        for known in _QUANTITIES:
            if known.prefix == "_".join(words[:count]):
                return known
    names = ", ".join(known.prefix for known in _QUANTITIES)
    raise SettingsError(
        f"{column} is no column whose unit is known", fix=f"Name one that begins with one of these: {names}."
    )


def unit(column: str, step: Step) -> str:
    """Return a column's unit at a resolution."""
    given = quantity(column).unit
    if given == "carbon":
        return "umol CO2 m-2 s-1" if is_subdaily(step) else _CARBON.get(step.code, "gC m-2 d-1")
    return _WATER.get(step.code, "mm d-1") if given == "water" else given


def limit(column: str, step: Step) -> float | None:
    """Return the size above which a flux is not plausible, in its unit at this resolution; None for no limit."""
    known = quantity(column)
    yearly = known.unit == "carbon" and step.code == "YY"  # a sum over the year
    return known.limit if known.limit is None or not yearly else known.limit * _DAYS_OF_YEAR


def of_one_measurement(target: str, drivers: Sequence[str]) -> list[str]:
    """Name the drivers that are computed from what the target is computed from.

    GPP and respiration are parts of NEE; of fluxes corrected for the balance of energy, one is made from the other and
    from what they are balanced with.
    """
    own = quantity(target)
    balanced = {"LE", "H", "NETRAD", "G"} if own.prefix in ("LE", "H") and "CORR" in target.split("_") else {own.prefix}
    return [
        name
        for name in drivers
        if quantity(name).prefix in balanced or (own.unit == "carbon" and quantity(name).unit == "carbon")
    ]


_BASE = {
    "TA_F": ("TA",), "SW_IN_F": ("SW_IN",), "LW_IN_F": ("LW_IN",), "VPD_F": ("VPD", "VPD_PI"), "PA_F": ("PA",),
    "P_F": ("P",), "WS_F": ("WS",), "TS_F_MDS_1": ("TS",), "SWC_F_MDS_1": ("SWC",), "CO2_F_MDS": ("CO2",),
    "NEE_VUT_REF": ("NEE_PI", "NEE", "FC"), "NEE_CUT_REF": ("NEE_PI", "NEE", "FC"), "LE_F_MDS": ("LE",),
    "H_F_MDS": ("H",), "G_F_MDS": ("G",), "GPP_NT_VUT_REF": ("GPP_PI",), "RECO_NT_VUT_REF": ("RECO_PI",),
}  # fmt: skip
"""Quantity and unit are the same; gaps are not filled (names with _F next to _PI are, and unmarked: not taken)."""
_POSITIONS = ("", "_1_1_1", "_1", "_1_1_A")
"""A bare name, or the first of several sensors (horizontal_vertical_replicate)."""


def base_names(column: str) -> list[str]:
    """Return what a column of FLUXNET is called in AmeriFlux BASE, the best first."""
    return positions(_BASE.get(column, ()))


def positions(names: Sequence[str]) -> list[str]:
    """Return names bare and with the position of a first sensor, the best first."""
    return [name + position for name in names for position in _POSITIONS]


NO_COLUMN = "none"
"""What the user says for no column."""


def quality_column(target: str, given: str | None, columns: Sequence[str]) -> str | None:
    """Name the column of a target's quality; None where it has none.

    Args:
        target: Its column.
        given: What the user said; `none` for none.
        columns: Those of a file.
    """
    if given is not None:
        return None if given == NO_COLUMN else given
    words = target.split("_")
    if words[0] in ("GPP", "RECO"):
        return f"NEE_{'CUT' if 'CUT' in words else 'VUT'}_REF_QC"
    if words[0] in ("LE", "H") and words[1:2] == ["CORR"]:
        return f"{words[0]}_F_MDS_QC"
    own = f"{target}_QC"
    return own if own in columns or words[0] in ("NEE", "LE", "H", "G") else None


def carbon_parts(target: str, known: Collection[str]) -> tuple[str, ...]:
    """Return the columns of respiration and of photosynthesis that a net exchange is made of; empty without both.

    Args:
        target: Column of the net exchange.
        known: Columns of a file.
    """
    word, _, rest = target.partition("_")
    pair = (f"RECO_NT_{rest}", f"GPP_NT_{rest}")
    return pair if word == "NEE" and all(name in known for name in pair) else ()
