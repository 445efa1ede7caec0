"""Units as people and files spell them: which are the same."""

from __future__ import annotations

_SPELLINGS = {
    "metre": "m", "meter": "m", "metres": "m", "meters": "m", "celsius": "degC", "degreescelsius": "degC",
    "degree_celsius": "degC", "degrees_celsius": "degC", "degc": "degC", "°c": "degC", "c": "degC", "kelvin": "K",
    "kelvins": "K", "degk": "K", "degree_kelvin": "K", "k": "K", "percent": "%", "degrees": "degree", "unitless": "1",
    "dimensionless": "1", "mmyear-1": "mmyr-1", "mm/year": "mmyr-1", "mm/yr": "mmyr-1",
}  # fmt: skip


def same_unit(one: str, other: str) -> bool:
    """Return whether two texts spell one unit; of what is not known by name, letters must agree, capitals included."""
    return _plain(one) == _plain(other)


def whole(unit: str) -> float | None:
    """Return the number that is all of something, of a share in this unit; None where it is no share."""
    return {"%": 100.0, "gkg-1": 1000.0, "g/kg": 1000.0, "mgg-1": 1000.0}.get(_plain(unit))


def _plain(unit: str) -> str:
    text = "".join(unit.split()).replace("^", "").replace("**", "")
    return _SPELLINGS.get(text.lower(), text)
