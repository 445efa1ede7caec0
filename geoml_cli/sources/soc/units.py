"""Units of soil organic carbon: which there are, and which a table names itself."""

from __future__ import annotations

import re

from geoml_cli.dataset.units import same_unit, whole
from geoml_cli.sources.soc.log import PrepareLog

DEFAULT = "g kg-1"
_PART = re.compile(r"(?:%|‰|percent|permille|ppm|1|100 ?g|[kdcmuµM]?g ?C?|t ?C?|C|ha|[kcd]?m|[lL])(?:\^?-?[1-3])?")
_OF_KG = r"[ _./]*kg(?:[_\-^]*1)?(?![a-z])"
_BEGIN = r"(?:(?<![a-z])|(?<=oc)|(?<=corg)|(?<=carbon))"
"""No letter, but of a quantity that is glued to its unit: the C of `SOCgkg` is no centi."""
_PER = r"[ _]?C?[ _./]*(?:per[ _])?"
_POWER = r"[_\-^ ]*(?:minus)?[_\-^ ]*"
_NAMED = {
    "t ha-1": re.compile(rf"{_BEGIN}(?:t|Mg|tons?|tonnes?){_PER}ha{_POWER}1?(?![a-z])", re.IGNORECASE),
    "kg m-2": re.compile(rf"{_BEGIN}kg{_PER}m{_POWER}[2²]", re.IGNORECASE),
    "g m-2": re.compile(rf"{_BEGIN}g{_PER}m{_POWER}[2²]", re.IGNORECASE),
    "kg m-3": re.compile(
        rf"{_BEGIN}kg{_PER}m{_POWER}[3³]|{_BEGIN}g{_PER}(?:dm{_POWER}[3³]|l(?:{_POWER}1)?(?![a-z]))", re.IGNORECASE
    ),
    "%": re.compile(rf"%|percent|perc\b|pct|{_BEGIN}dag{_OF_KG}|{_BEGIN}g[ _./]*100[ _]?g(?![a-z])", re.IGNORECASE),
    "g kg-1": re.compile(
        rf"{_BEGIN}gC?[ _./]*(?:per[ _])?kg(?:[_\-^]*1)?(?![a-z])|{_BEGIN}mg[ _./]*(?:per[ _])?g(?:[_\-^]*1)?(?![a-z])"
        r"|‰|per[ _]?mill?e|promill?e",
        re.IGNORECASE,
    ),
    "dg kg-1": re.compile(rf"{_BEGIN}dg{_OF_KG}", re.IGNORECASE),
    "cg kg-1": re.compile(rf"{_BEGIN}cg{_OF_KG}", re.IGNORECASE),
    "mg kg-1": re.compile(rf"{_BEGIN}mg{_OF_KG}|(?<![a-z])ppm(?![a-z])", re.IGNORECASE),
}
"""What a column's name says of its unit."""


def is_unit(text: str) -> bool:
    """Return whether a text is a unit of a content or a stock, such as g kg-1 or t/ha."""
    parts = [part for part in re.split(r"[\s/*·]+", text.strip()) if part]
    return bool(parts) and all(_PART.fullmatch(part) for part in parts)


def chosen_unit(given: str | None, column: str, log: PrepareLog) -> str:
    """Return the unit of the target: the one given, that of the column's name, or the default, which is said.

    Args:
        given: By the user.
        column: Name of the target's column.
        log: Receives what is found out.
    """
    reporter, funnel = log
    named = next((unit for unit, pattern in _NAMED.items() if pattern.search(column)), None)
    if given is not None:
        if named is not None and not same_unit(named, given):
            reporter.warn(f"the column {column} names the unit {named}, and --unit {given} is taken.")
        return given
    origin = f"as the column {column} says" if named else "by default: its name tells none that is known"
    text = f"the unit of {column} is taken as {named or DEFAULT}, {origin}"
    reporter.info(f"{text}; --unit names another.")
    funnel.notes.append(text)
    return named or DEFAULT


def most_carbon(unit: str) -> float | None:
    """Return the carbon content of pure organic matter in a unit; None where the unit is another."""
    return None if (all_of_it := whole(unit)) is None else all_of_it * 58 / 100
