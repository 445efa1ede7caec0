"""Units as people and files spell them: which are the same."""

from __future__ import annotations

import re
import unicodedata

_SPELLINGS = {
    "metre": "m", "meter": "m", "metres": "m", "meters": "m", "millimetre": "mm", "millimeter": "mm",
    "millimetres": "mm", "millimeters": "mm", "kilometre": "km", "kilometer": "km", "kilometres": "km",
    "kilometers": "km", "inch": "in", "inches": "in", "celsius": "degC",
    "degreescelsius": "degC", "degreecelsius": "degC", "degreesc": "degC", "degreec": "degC", "degree_celsius": "degC",
    "degrees_celsius": "degC", "degc": "degC", "deg_c": "degC", "degree_c": "degC", "degrees_c": "degC", "°c": "degC",
    "kelvin": "K", "kelvins": "K", "degk": "K", "degree_kelvin": "K", "k": "K", "percent": "%", "pct": "%",
    "degrees": "degree", "deg": "degree", "°": "degree", "day": "d", "days": "d", "hour": "h", "hours": "h", "hr": "h",
    "second": "s", "seconds": "s", "sec": "s", "year": "yr", "years": "yr", "y": "yr", "annum": "yr",
    "months": "month", "mo": "month", "pascal": "Pa", "kilopascal": "kPa", "hectopascal": "hPa", "micromol": "umol",
    "psu": "psu", "tonne": "t", "tonnes": "t", "ton": "t", "tons": "t",
}  # fmt: skip
_EXACT = {"a": "yr", "Mg": "t"}
"""Letters whose case counts: UDUNITS' year, where it is a rate, and not an ampere; a tonne, and not a milligram."""
_ALONE = {"c": "degC", "unitless": "1", "dimensionless": "1", "fraction": "1", "none": "1", "-": "1"} | _SPELLINGS
"""Spellings of a whole unit: within a product `C` is carbon."""
_FACTOR = re.compile(r"([^\W\d]+|[%°][^\W\d]*)(?:\^|\*\*)?([+-]?\d+)?")
"""A unit with its power, such as m-2."""
_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?")
_POWER_OF_TEN = re.compile(r"\b10(?:\^|\*\*)?(-\d+)\b")
_BELOW = re.compile(r"/\s*\(([^()]*)\)")
"""What stands in brackets below a line: each of its factors does."""
_PRODUCT = re.compile(r"\s*(?:(?<!\*)\*(?!\*)|[·.\s])\s*")
_BETWEEN = re.compile(r"(/)|\s+|(?<!\*)\*(?!\*)|·|\.(?=[^\W\d])(?![eE][+-]?\d)")
"""Between factors; powers are written with two stars, products with one."""
_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u03bc": "u", "{": None, "}": None})
"""Minus signs that are none in ASCII, and the Greek letter, as which NFKC writes the sign of a millionth as well."""

_SHARES = {
    "%": 100.0, "g/100g": 100.0, "g/100 g": 100.0, "dag kg-1": 100.0, "g kg-1": 1e3, "mg g-1": 1e3, "‰": 1e3,
    "permille": 1e3, "promille": 1e3, "per mille": 1e3, "dg kg-1": 1e4, "cg kg-1": 1e5, "mg kg-1": 1e6, "ug g-1": 1e6,
}  # fmt: skip
"""Number that is all of something, by unit."""


def same_unit(one: str, other: str) -> bool:
    """Return whether two texts spell one unit; of what is not known by name, letters must agree, capitals included.

    Order and notation of a product do not count: `W/m^2` is `W m-2`. Of shares the number that is all counts: 1 mg g-1
    is 1 g kg-1. 1 Mg is 1 t.
    """
    one, other = _signs(one), _signs(other)
    if _letters(one) == _letters(other) or _plain(one) == _plain(other):
        return True
    share = whole(one)
    return share is not None and share == whole(other)


def same_water(one: str, other: str) -> bool:
    """Return whether two texts spell one unit, if they are of water: 1 kg m-2 of it is 1 mm."""
    return same_unit(one, other) or _of_water(one) == _of_water(other)


def _of_water(unit: str) -> str:
    factors = _plain(_signs(unit)).split(" ")
    if not {"kg", "m-2"} <= set(factors):
        return " ".join(factors)
    return " ".join(sorted(["mm", *(factor for factor in factors if factor not in ("kg", "m-2"))]))


def whole(unit: str) -> float | None:
    """Return the number that is all of something, of a share in this unit; None where it is no share."""
    return {_plain(share): number for share, number in _SHARES.items()}.get(_plain(_signs(unit)))


def _signs(unit: str) -> str:
    """Write raised digits, ligatures and signs that look alike in one way."""
    one_degree = unit.replace("º", "°")  # before NFKC, which makes a letter of it
    found = unicodedata.normalize("NFKC", one_degree).translate(_SIGNS)
    found = _POWER_OF_TEN.sub(lambda match: f"1e{match[1]}", found)
    return _BELOW.sub(lambda match: "".join(f"/{factor}" for factor in _PRODUCT.split(match[1].strip())), found)


def _letters(unit: str) -> str:
    return "".join(unit.split()).replace("^", "").replace("**", "")


def _plain(unit: str) -> str:
    """Return one spelling of a unit: its factors with their powers in order, or its letters where it is no product."""
    letters = _letters(unit)
    known = _ALONE.get(letters.lower())
    return known or " ".join(sorted(_factors(unit))) or letters


def _factors(unit: str) -> list[str]:
    """Return the factors of a product or quotient; none where the text is neither."""
    found, sign = [], 1
    for word in filter(None, _BETWEEN.split(unit.strip())):
        number, factor = _NUMBER.fullmatch(word), _FACTOR.fullmatch(word)
        if word == "/":
            sign = -1
            continue
        if number and sign > 0:
            found += [f"{float(word):g}"] * (float(word) != 1)  # 1/d is d-1
        elif factor:
            known = _EXACT.get(factor[1]) or _SPELLINGS.get(factor[1].lower(), factor[1])
            name, power = known, sign * int(factor[2] or 1)
            found.append(f"{name}{power}" if power != 1 else name)
        else:
            return []
        sign = 1
    return found
