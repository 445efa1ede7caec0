"""The name that may have been meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, choices: Iterable[str], likeness: float = 0.6) -> str:
    """Return the choice that is closest to a name, capitals aside; empty where none is alike enough.

    Args:
        name: As it was given.
        choices: Of which one may be meant; of several that differ in capitals alone the first.
        likeness: From 0 to 1, as `difflib` measures it.
    """
    spelled: dict[str, str] = {}
    for choice in choices:
        spelled.setdefault(choice.lower(), choice)
    near = get_close_matches(name.lower(), spelled, 1, likeness)
    return spelled[near[0]] if near else ""
