"""Numbers and units as people read them; files keep all digits."""

from __future__ import annotations

import math
from collections.abc import Iterable

_DIGITS = 3
_LEAST, _MOST = 1e-4, 1e6
"""Sizes between which a number is written without an exponent."""


def format_number(value: float) -> str:
    """Write a number with three significant digits, a whole one in full, `n/a` where undefined."""
    if not math.isfinite(value):
        return "n/a"
    if value == int(value) and abs(value) < _MOST:
        return str(int(value))
    rounded = float(f"{value:.{_DIGITS}g}")
    if not _LEAST <= abs(rounded) < _MOST:
        return f"{value:.{_DIGITS}g}"
    decimals = _DIGITS - 1 - math.floor(math.log10(abs(rounded)))
    return f"{rounded:.{max(decimals, 0)}f}"


def texts(values: Iterable[float], digits: int = 9) -> list[str]:
    """Write a column of numbers for a file, with so many digits; empty where undefined."""
    form = f"%.{digits}g"
    return [form % value if math.isfinite(value) else "" for value in values]


def format_share(value: float) -> str:
    """Write a share, 0 to 1, in percent: `90 %`, `88.4 %`."""
    return f"{format_number(round(100 * value, 9))} %"


def bounded(value: float, low: float, high: float) -> str:
    """Write a value with the bounds of its interval, where there are any."""
    if not (math.isfinite(low) or math.isfinite(high)):
        return format_number(value)
    return f"{format_number(value)} [{format_number(low)}, {format_number(high)}]"


def unit_text(unit: str, quantity: str) -> str:
    """Name what a bare unit is of, where it says nothing by itself: `% SOC`, not `%`."""
    return f"% {quantity}" if unit == "%" else unit
