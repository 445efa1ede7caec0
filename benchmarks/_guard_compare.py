"""What two sides of `benchmarks.guard` have written, read as named arrays and compared."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._guard_cases import EXPECTED, RENAMED, SEEDS, Case

Values = dict[str, NDArray[Any]]

_ABSENT = "missing"
NEW = "the base does not write it"
"""Why a result that only the new side has is expected."""
_NEAR_ZERO = 1e-12
"""Absolute difference that is none, in kinds that are not compared exactly: a mean of 0 has no relative one."""


@dataclass(frozen=True)
class Kind:
    """A kind of result: how a side's folder is read, and how much numbers may differ.

    Attributes:
        rtol: Largest relative difference; 0 asks for the same bits, but for the bits of a NaN.
    """

    name: str
    read: Callable[[Path, Case], Iterator[tuple[str, NDArray[Any]]]]
    rtol: float


@dataclass(frozen=True)
class Difference:
    """One value, or one array, that differs; `reason` is that of `EXPECTED`."""

    case: str
    seed: str
    kind: str
    name: str
    old: str
    new: str
    reason: str = ""


@dataclass(frozen=True)
class Comparison:
    """Number of values compared, and what differs."""

    case: str
    kind: str
    values: int
    differences: tuple[Difference, ...]

    @property
    def unexpected(self) -> int:
        """Count the differences that nothing explains."""
        return sum(not difference.reason for difference in self.differences)


def compare(kind: Kind, case: Case, folders: tuple[Path, Path], *, after: bool = False) -> Comparison:
    """Compare a kind of result of the base, first, and of the new side.

    Args:
        kind: Of result.
        case: What was run.
        folders: Of both sides.
        after: The base is of after the refactoring, so that no difference is expected.
    """
    old, new = (dict(kind.read(folder, case)) for folder in folders)
    old = {_renamed(name): value for name, value in old.items()}
    found = [
        _difference(kind, case, name, values)
        for name in sorted({*old, *new})
        if (values := _told(old.get(name), new.get(name), kind.rtol))
    ]
    if not old:  # a layout that neither reader knows must not look like agreement
        found.append(_difference(kind, case, "nothing of this kind was found", (_ABSENT, "")))
    if after:
        found = [replace(difference, reason="") for difference in found]
    return Comparison(case.name, kind.name, sum(value.size for value in old.values()), tuple(found))


def _difference(kind: Kind, case: Case, name: str, values: tuple[str, str]) -> Difference:
    label = f"{case.name}: {kind.name}: {name}"
    reason = next((why for pattern, why in EXPECTED.items() if re.search(pattern, label)), "")
    reason = reason or (NEW if values[0] == _ABSENT and values[1] else "")
    seed = re.search(r"seed-(\d+)", name)
    return Difference(case.name, seed[1] if seed else SEEDS, kind.name, name, *values, reason)


def _renamed(name: str) -> str:
    for pattern, replacement in RENAMED.items():
        name = re.sub(pattern, replacement, name)
    return name


def _told(old: NDArray[Any] | None, new: NDArray[Any] | None, rtol: float) -> tuple[str, str] | None:
    """Describe how two arrays differ, or return None where they do not."""
    if old is None or new is None:
        return _brief(old), _brief(new)
    if old.shape != new.shape or old.dtype.kind != new.dtype.kind or (not rtol and old.dtype != new.dtype):
        return _brief(old), _brief(new)
    differ = np.atleast_1d(_differ(old, new, rtol))
    if not differ.any():
        return None
    first = tuple(np.argwhere(differ)[0])
    one, other = (str(np.atleast_1d(array)[first]) for array in (old, new))
    if old.size == 1:
        return one, other
    place = f"[{', '.join(map(str, first))}]"
    return f"{place} {one}", f"{place} {other}; {differ.sum()} of {old.size} differ"


def _differ(old: NDArray[Any], new: NDArray[Any], rtol: float) -> NDArray[np.bool_]:
    """Tell for each value whether it differs."""
    if old.dtype.kind != "f":
        return np.asarray(old != new, dtype=np.bool_)
    missing = np.isnan(old) & np.isnan(new)
    if rtol:
        return np.asarray(~(missing | np.isclose(new, old, rtol=rtol, atol=_NEAR_ZERO)), dtype=np.bool_)
    return np.asarray(~missing & ((old != new) | (np.signbit(old) != np.signbit(new))), dtype=np.bool_)


def _brief(array: NDArray[Any] | None) -> str:
    if array is None:
        return _ABSENT
    return str(array.reshape(-1)[0]) if array.size == 1 else f"{array.dtype} {list(array.shape)}"


def read_variables(path: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    """Read a NetCDF file as it is stored: fill values stay numbers."""
    import netCDF4

    if not path.is_file():
        return
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        for name, variable in file.variables.items():
            yield name, np.asarray(variable[...])


def read_weights(folder: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    """Read the weights of the best and the last checkpoint of all members of a run."""
    from safetensors.numpy import load_file

    for path in sorted(folder.glob("members/*/checkpoints/*/weights.safetensors")):
        member, _, which = path.relative_to(folder / "members").parts[:3]
        for name, value in load_file(path).items():
            yield f"{member}/{which}: {name}", value


def read_numbers(folder: Path, pattern: str) -> Iterator[tuple[str, NDArray[Any]]]:
    """Read the numbers of JSON files, lists of numbers as arrays, null as NaN."""
    for path in sorted(folder.glob(pattern)):
        for name, value in flat(json.loads(path.read_text(encoding="utf-8"))):
            yield f"{path.relative_to(folder)}: {name}", value


def flat(value: object, above: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    """Name the numbers of a JSON document by their keys; records of a list by their texts, whatever their order."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{above}.{key}" if above else str(key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for label, record in _labelled([_texts(record) for record in value], value):
            yield from flat(record, f"{above}[{label}]")
    elif value != [] and _is_numeric(value):
        yield above, np.asarray(value, dtype=np.float64)


def _texts(record: Mapping[str, object]) -> str:
    return "|".join(text for text in record.values() if isinstance(text, str))


def _labelled(labels: list[str], records: list[Any]) -> Iterator[tuple[str, Any]]:
    """Pair records with their labels, which get a number where they are not distinct."""
    distinct = len(set(labels)) == len(labels)
    for number, (label, record) in enumerate(zip(labels, records, strict=True)):
        yield (label if distinct else f"{label}#{number}"), record


def _is_numeric(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_numeric(inner) for inner in value)
    return value is None or isinstance(value, int | float)


def read_scores(path: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    """Read a table of scores: a value's name has the texts of its line, and its column."""
    lines = _lines(path)
    if not lines:
        return
    texts = [column for column in lines[0] if not all(_is_number(line[column]) for line in lines)]
    for label, line in _labelled(["|".join(line[column] for column in texts) for line in lines], lines):
        for column in [name for name in line if name not in texts]:
            yield f"{path.name}: [{label}].{column}", np.asarray(float(line[column] or "nan"))


def read_columns(path: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    """Read a table of predictions: an array a column, of numbers where all are."""
    lines = _lines(path)
    for column in lines[0] if lines else ():
        cells = [line[column] for line in lines]
        numeric = all(map(_is_number, cells))
        yield column, np.array([float(cell or "nan") for cell in cells]) if numeric else np.array(cells)


def read_bands(path: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    """Read the bands of a GeoTIFF."""
    import rasterio

    with rasterio.open(path) as file:
        for number in file.indexes:
            yield f"band {number}", file.read(number)


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True
