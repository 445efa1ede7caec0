"""Units of soil organic carbon: which there are, and which a table names itself."""

from __future__ import annotations

import re
import unicodedata

from geoml_cli.dataset.units import same_unit, whole
from geoml_cli.errors import DataError
from geoml_cli.sources.soc.log import PrepareLog

DEFAULT = "g kg-1"
_PART = re.compile(r"(?:%|‰|percent|permille|ppm|1|100 ?g|[kdcmuµM]?g ?C?|t ?C?|C|ha|[kcd]?m|[lL])(?:\^?-?[1-3])?")
_OF_KG = r"[ _./]*kg(?:[_\-^]*1)?(?![a-z])"
_BEGIN = r"(?:(?<![a-z])|(?<=oc)|(?<=corg)|(?<=carbon))"
"""No letter, but of a quantity that is glued to its unit: the C of `SOCgkg` is no centi."""
_CARBON = r"(?:[ _]?(?:(?-i:C(?!M))|c(?!m)))?"
"""The C of kg C m-2, and not that of kg cm-2."""
_PER = rf"{_CARBON}[ _./]*(?:per[ _])?"
_POWER = r"[_\-^ ]*(?:minus)?[_\-^ ]*"
_NO_RATE = r"(?!.*(?:yr|year|annum))"
_NAMED = {
    "t ha-1": re.compile(
        rf"{_BEGIN}(?:t|Mg|tons?|tonnes?){_PER}(?:ha(?:{_POWER}1)?(?![a-z])|hectare|hm{_POWER}[2²]){_NO_RATE}",
        re.IGNORECASE,
    ),
    "kg m-2": re.compile(rf"{_BEGIN}kg{_PER}m{_POWER}[2²]{_NO_RATE}", re.IGNORECASE),
    "g m-2": re.compile(rf"{_BEGIN}g{_PER}m{_POWER}[2²]{_NO_RATE}", re.IGNORECASE),
    "kg m-3": re.compile(
        rf"{_BEGIN}kg{_PER}m{_POWER}[3³]|{_BEGIN}g{_PER}(?:dm{_POWER}[3³]|l(?:{_POWER}1)?(?![a-z]))", re.IGNORECASE
    ),
    "%": re.compile(
        rf"%(?!o)|percent|perc\b|pct|pro[sz]ent|pour[ _]?cent|{_BEGIN}dag{_OF_KG}"
        rf"|{_BEGIN}g{_PER}\(?100[ _]?g(?![a-z])",
        re.IGNORECASE,
    ),
    "g kg-1": re.compile(
        rf"{_BEGIN}g{_PER}kg(?:[_\-^]*1)?(?![a-z])|{_BEGIN}mg{_PER}g(?:[_\-^]*1)?(?![a-z])"
        r"|‰|%o|per[ _]?mill?e|promill?e?(?![a-z])|pour[ _]?mille",
        re.IGNORECASE,
    ),
    "kg kg-1": re.compile(rf"{_BEGIN}kg{_PER}kg(?:[_\-^]*1)?(?![a-z])", re.IGNORECASE),
    "dg kg-1": re.compile(rf"{_BEGIN}dg{_OF_KG}", re.IGNORECASE),
    "cg kg-1": re.compile(rf"{_BEGIN}cg{_OF_KG}", re.IGNORECASE),
    "mg kg-1": re.compile(rf"{_BEGIN}mg{_OF_KG}|(?<![a-z])ppm(?![a-z])", re.IGNORECASE),
}
"""What a column's name says of its unit."""

_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "·": ".", "*": "."})
"""Minus signs and products, as raised digits and theirs are written after NFKC."""
_LIKE_UNIT = re.compile(r"[\[/]|(?:ha|[ckd]?m)[_\-^ ]*[123](?!\d)|\((?!\d)", re.IGNORECASE)
"""Brackets, a line, or a power of a length: what looks like a unit."""
_LOGARITHM = re.compile(
    r"(?<![a-z])(?:log(?:10|1p|2)?|ln|lg)(?=t?oc|soc|c?org|carbon|[^a-z]|$)"
    r"|(?:oc|org|carbon)(?:log(?:10|1p|2)?|ln)(?![a-z])",
    re.IGNORECASE,
)


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

    Raises:
        DataError: The column holds logarithms.
    """
    name = unicodedata.normalize("NFKC", column).translate(_SIGNS)
    if _LOGARITHM.search(name):
        raise DataError(
            f"the target is a logarithm by the name of its column, {column}",
            fix="Give the contents themselves: [target] transform takes their logarithm. If it is none, rename it.",
        )
    reporter, funnel = log
    named = next((unit for unit, pattern in _NAMED.items() if pattern.search(name)), None)
    if given is not None:
        if named is not None and not same_unit(named, given):
            reporter.warn(f"the column {column} names the unit {named}, and --unit {given} is taken.")
        return given
    origin = f"as the column {column} says" if named else "by default: its name tells none that is known"
    text = f"the unit of {column} is taken as {named or DEFAULT}, {origin}"
    # A unit that is not understood is likely another one.
    tell = reporter.warn if named is None and _LIKE_UNIT.search(name) else reporter.info
    tell(f"{text}; --unit names another.")
    funnel.notes.append(text)
    return named or DEFAULT


def most_carbon(unit: str) -> float | None:
    """Return the carbon content of pure organic matter in a unit; None where the unit is another."""
    return None if (all_of_it := whole(unit)) is None else all_of_it * 58 / 100
