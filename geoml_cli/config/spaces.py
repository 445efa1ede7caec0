"""Spaces of settings that a sweep searches: `log:1e-4..1e-2`, `0.1..0.5`, `1..4` and `choice:16,32`."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from geoml_cli.errors import SettingsError

_LOG = re.compile(r"log:\s*[\d.+-]", re.IGNORECASE)
_RANGE = re.compile(r"(log:)?([^.,:\s]+(?:\.\d+)?(?:e[+-]?\d+)?)\.\.([^,:\s]+)", re.IGNORECASE)
_CHOICE = "choice:"
_COMPARED = ("target", "loss", "split", "data", "inputs", "frames", "wave", "scores", "evaluate", "predict")
"""Tables that change what a validation score is of, or have no part in training."""
_COMPARED_KEYS = ("network.part", "network.frames_in", "network.frames_out", "train.restore")
"""Settings of other tables that do."""


@dataclass(frozen=True)
class Space:
    """Values of one setting.

    Attributes:
        key: The setting, such as train.lr.
        text: As it was given.
        low: Least value; of a range.
        high: Greatest value.
        log: Whether values are drawn evenly over their logarithms.
        whole: Whether values are whole numbers.
        choices: Values as TOML; empty of a range.
    """

    key: str
    text: str
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    whole: bool = False
    choices: tuple[str, ...] = ()


def divided(assignments: Iterable[str]) -> tuple[list[Space], list[str]]:
    """Part spaces from settings that have one value.

    Raises:
        SettingsError: A space is empty, or of a setting under which validation scores cannot be compared.
    """
    spaces, fixed = [], []
    for text in assignments:
        key, sign, value = (part.strip() for part in text.partition("="))
        found = space(key, value) if sign else None
        if found is None:
            fixed.append(text)
        elif key.partition(".")[0] in _COMPARED or key in _COMPARED_KEYS:
            raise SettingsError(
                f"{key} changes what the validation score is of, so that trials cannot be compared.",
                where=f"--set {text}",
                fix="Search other settings of [train] and [network]; give this one a single value.",
            )
        else:
            spaces.append(found)
    return spaces, fixed


def ends(of: Space) -> list[str]:
    """Return assignments of what a space may give, to see whether settings take it: its ends, or all its choices."""
    values = of.choices or tuple(f"{int(end) if of.whole else end}" for end in (of.low, of.high))
    return [f"{of.key}={value}" for value in values]


def space(key: str, text: str) -> Space | None:
    """Read a space; None where the text is a single value.

    Raises:
        SettingsError: It is empty.
    """
    if text.startswith(_CHOICE):
        choices = tuple(item.strip() for item in next(csv.reader([text.removeprefix(_CHOICE)]), []) if item.strip())
        if len(set(choices)) < 2:
            raise SettingsError("holds fewer than two values.", where=f"{key}={text}", fix="Write choice:16,32.")
        return Space(key, text, choices=choices)
    match = _RANGE.fullmatch(text)
    if match is None:
        if _LOG.match(text):
            raise _no_range("is no range.", key, text)
        return None
    try:
        low, high = float(match[2]), float(match[3])
    except ValueError:
        return None
    log = match[1] is not None
    if not low < high or (log and low <= 0) or not math.isfinite(high):
        wrong = "is no range from a lesser to a greater number" + (", both above 0." if log else ".")
        raise _no_range(wrong, key, text)
    whole = all(re.fullmatch(r"[+-]?\d+", part) for part in (match[2], match[3]))
    return Space(key, text, low=low, high=high, log=log, whole=whole)


def _no_range(wrong: str, key: str, text: str) -> SettingsError:
    return SettingsError(
        wrong, where=f"{key}={text}", fix="Write 1e-4..1e-2, or log:1e-4..1e-2 for even steps of its logarithm."
    )
