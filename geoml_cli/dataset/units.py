"""Units as people and files spell them: which are the same."""

from __future__ import annotations

import re

_SPELLINGS = {
    "metre": "m", "meter": "m", "metres": "m", "meters": "m", "millimetre": "mm", "millimeter": "mm",
    "millimetres": "mm", "millimeters": "mm", "inch": "in", "inches": "in", "celsius": "degC",
    "degreescelsius": "degC", "degreecelsius": "degC", "degreesc": "degC", "degreec": "degC", "degree_celsius": "degC",
    "degrees_celsius": "degC", "degc": "degC", "°c": "degC", "c": "degC", "kelvin": "K", "kelvins": "K", "degk": "K",
    "degree_kelvin": "K", "k": "K", "percent": "%", "degrees": "degree", "deg": "degree", "°": "degree",
    "unitless": "1", "dimensionless": "1", "day": "d", "days": "d", "hour": "h", "hours": "h", "hr": "h",
    "second": "s", "seconds": "s", "sec": "s", "year": "yr", "years": "yr", "months": "month", "pascal": "Pa",
    "kilopascal": "kPa", "hectopascal": "hPa",
}  # fmt: skip
_FACTOR = re.compile(r"([^\W\d]+|[%°][^\W\d]*)(?:\^|\*\*)?([+-]?\d+)?")
"""A unit with its power, such as m-2."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_BETWEEN = re.compile(r"(/)|\s+|(?<!\*)\*(?!\*)|·|\.(?=[^\W\d])")
"""Between factors; powers are written with two stars, products with one."""
_RAISED = str.maketrans("²³⁻¹", "23-1")

_SHARES = {"%": 100.0, "g kg-1": 1000.0, "mg g-1": 1000.0}
"""Number that is all of something, by unit."""


def same_unit(one: str, other: str) -> bool:
    """Return whether two texts spell one unit; of what is not known by name, letters must agree, capitals included.

    Order and notation of a product do not count: `W/m^2` is `W m-2`.
    """
    return _letters(one) == _letters(other) or _plain(one) == _plain(other)


def whole(unit: str) -> float | None:
    """Return the number that is all of something, of a share in this unit; None where it is no share."""
    return {_plain(share): number for share, number in _SHARES.items()}.get(_plain(unit))


def _letters(unit: str) -> str:
    return "".join(unit.split()).translate(_RAISED).replace("^", "").replace("**", "")


def _plain(unit: str) -> str:
    """Return one spelling of a unit: its factors with their powers in order, or its letters where it is no product."""
    letters = _letters(unit)
    known = _SPELLINGS.get(letters.lower())
    return known or " ".join(sorted(_factors(unit.translate(_RAISED)))) or letters


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
            name, power = _SPELLINGS.get(factor[1].lower(), factor[1]), sign * int(factor[2] or 1)
            found.append(f"{name}{power}" if power != 1 else name)
        else:
            return []
        sign = 1
    return found
