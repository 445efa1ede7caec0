"""What `--nodata` says of values that mean "no data": NAME=VALUE, or NAME=none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from geoml_cli.errors import SettingsError

VALID = "none"
"""Given in place of a value: nothing of this name is a fill unless it is declared."""


class Declared(NamedTuple):
    """What the user says of the fills of one raster, variable or column.

    Attributes:
        fills: Values that mean "no data" in addition to the file's own.
        valid: Whether all others are values, whatever they look like.
    """

    fills: tuple[float, ...] = ()
    valid: bool = False


def written(value: float) -> str:
    """Write a fill as `--nodata` reads it back."""
    short = f"{value:g}"
    if float(short) == value:
        return short
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def parse_nodata(pairs: Sequence[str]) -> dict[str, Declared]:
    """Read `NAME=VALUE` and `NAME=none`.

    Raises:
        ValueError: Text is of neither form.
    """
    found: dict[str, Declared] = {}
    for pair in pairs:
        name, _, text = pair.rpartition("=")
        known = found.get(name, Declared())
        if text.strip().lower() == VALID:
            declared = known._replace(valid=True)
        else:
            try:
                declared = known._replace(fills=(*known.fills, float(text)))
            except ValueError:
                name = ""
        if not name:
            raise ValueError(f"{pair!r} is not of the form NAME=VALUE or NAME={VALID}")
        found[name] = declared
    return found


def checked_nodata(pairs: tuple[str, ...]) -> tuple[str, ...]:
    """Return what options say, as it is.

    Raises:
        ValueError: Text is of neither form.
    """
    parse_nodata(pairs)
    return pairs


Nodata = Annotated[tuple[str, ...], AfterValidator(checked_nodata)]
"""Type of the option."""


def refuse_unknown(declared: Iterable[str], known: Collection[str]) -> None:
    """Refuse fills of what is not read.

    Raises:
        SettingsError: A name is not known.
    """
    for name in declared:
        if name not in known:
            raise SettingsError(f"{name} is not read", where="--nodata", fix=f"It can name: {', '.join(known)}.")


def declared_fills(pairs: Sequence[str]) -> dict[str, Declared]:
    """Read what `--nodata` says.

    Raises:
        SettingsError: Text is of neither form.
    """
    try:
        return parse_nodata(pairs)
    except ValueError as error:
        raise SettingsError(str(error), where="--nodata", fix="Give it such as dem=-9999.") from error
