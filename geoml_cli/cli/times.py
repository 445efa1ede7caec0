"""Times behind `geoml predict --map`: single ones, or START/END/STEP."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

from geoml_cli.errors import SettingsError

_STEP = re.compile(r"^(\d+)\s*(min|h|d)$")
_MINUTES = {"min": 1, "h": 60, "d": 1440}
_MOST = 10_000
"""Maps that one command makes; more is most likely a mistyped step."""


def read_times(words: Sequence[str]) -> list[datetime.datetime]:
    """Read times in UTC: `2013-03-17T06:00`, or `2013-03-17/2013-03-18/30min` for one every half hour.

    Raises:
        SettingsError: A word is neither.
    """
    found: list[datetime.datetime] = []
    for word in words:
        found += _range(word) if "/" in word else [_time(word)]
    if len(found) > _MOST:
        raise SettingsError(f"{len(found)} maps are asked for.", where="--map", fix=f"Ask for {_MOST} at most.")
    return sorted(set(found))


def _range(word: str) -> list[datetime.datetime]:
    parts = word.split("/")
    step = _STEP.match(parts[2]) if len(parts) == 3 else None
    if step is None or not int(step[1]):
        raise SettingsError(
            f"{word!r} is no range of times.", where="--map", fix="Write START/END/STEP, STEP as 30min, 1h or 1d."
        )
    moment, end = _time(parts[0]), _time(parts[1])
    between = datetime.timedelta(minutes=int(step[1]) * _MINUTES[step[2]])
    if (end - moment) / between > _MOST:
        raise SettingsError(f"{word!r} are more than {_MOST} maps.", where="--map", fix="Use a longer step.")
    found = []
    while moment <= end:
        found.append(moment)
        moment += between
    if not found:
        raise SettingsError(f"{word!r} ends before it begins.", where="--map", fix="Write the earlier time first.")
    return found


def _time(word: str) -> datetime.datetime:
    try:
        read = datetime.datetime.fromisoformat(word.replace("Z", "+00:00"))
    except ValueError:
        raise SettingsError(
            f"{word!r} is no time.", where="--map", fix="Write it as 2013-03-17T06:00, in UTC."
        ) from None
    return read.astimezone(datetime.UTC).replace(tzinfo=None) if read.tzinfo else read
