"""Least and largest value that may be, as `--range LOW,HIGH` gives them."""

from __future__ import annotations


def limits(text: str) -> str:
    """Return the text of two rising numbers, or an empty one.

    Raises:
        ValueError: It is neither.
    """
    pair(text)
    return text


def pair(text: str) -> tuple[float, float] | None:
    """Return the two numbers; None of an empty text.

    Raises:
        ValueError: It is neither.
    """
    if not text:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError("give 2 numbers, such as -2,40") from None
    if not low < high:
        raise ValueError("the first number must be below the second")
    return low, high


LARGEST_CODE = 2**24
"""From here on numbers are rounded in float32, as which rasters are read: codes of classes would be merged."""
