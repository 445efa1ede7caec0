"""`dataset.nc`: written once by a source, then read by index through the page cache.

NetCDF-4 with CF-1.11 attributes. Numbers are stored contiguously and uncompressed, so that a batch is gathered
straight from the file's pages and a data set larger than memory trains like a small one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import require_space, sync
from geoml_cli.dataset.manifest import Manifest, read_manifest
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError, DiskError
from geoml_cli.work.reasons import reason

NAME = "dataset.nc"
CONVENTIONS = "CF-1.11"
_DIGEST_BYTES = 1 << 20
"""Values read at once for a digest."""
Array = NDArray[Any]


class Variables(Protocol):
    """Named arrays with their units: a prepared data set, or a block of one made on the fly."""

    def has(self, name: str) -> bool:
        """Return whether there is such a variable."""

    def is_text(self, name: str) -> bool:
        """Return whether a variable holds text, to be read with `labels`."""

    def array(self, name: str) -> Array:
        """Return a numeric variable, missing values as NaN."""

    def labels(self, name: str) -> list[str]:
        """Return a text variable."""

    def unit(self, name: str) -> str:
        """Return a variable's unit."""


class DatasetWriter:
    """Writes `dataset.nc` into a folder; dimensions first, then variables, in slices where they are large."""

    def __init__(self, folder: Path) -> None:
        import netCDF4

        self._path = folder / NAME
        self._file = netCDF4.Dataset(self._path, "w", format="NETCDF4")
        self._file.Conventions = CONVENTIONS
        self.records: dict[str, Variable] = {}
        self._declared = 0

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        try:
            self._file.close()
        except RuntimeError as error:
            raise DiskError(self._path, error) from error
        if isinstance(value, RuntimeError) and "NetCDF" in str(value):  # netCDF4's way to say that the disk is full
            raise DiskError(self._path, value) from value
        if kind is None:
            sync(self._path)

    def dimension(self, name: str, size: int) -> None:
        """Declare a dimension."""
        if name in self.records:
            _refuse_hidden(name, self.records[name].dims)
        self._file.createDimension(name, size)

    def declare(self, variable: Variable) -> Any:  # noqa: ANN401  netCDF4.Variable is untyped
        """Create a variable and return its handle; assign slices to it: `handle[0:100] = values`.

        Raises:
            DiskError: The disk has no room for what is declared so far and is not yet written.
        """
        if variable.name in self._file.dimensions:
            _refuse_hidden(variable.name, variable.dims)
        options: dict[str, Any] = {}
        # CF: a coordinate has no missing values, and no fill value.
        if variable.dtype in ("f4", "f8") and variable.dims != (variable.name,):
            options["fill_value"] = np.nan
        if variable.dtype != "str":
            options["contiguous"] = True
            sizes = [len(self._file.dimensions[name]) for name in variable.dims]
            self._declared += math.prod(sizes) * np.dtype(variable.dtype).itemsize
            require_space(self._path, self._declared - self._path.stat().st_size)
        kind: Any = str if variable.dtype == "str" else variable.dtype
        handle = self._file.createVariable(variable.name, kind, variable.dims, **options)
        described = {"long_name": variable.long_name, "units": variable.unit}
        handle.setncatts(described | _units_by_name(variable) | dict(variable.attributes))
        self.records[variable.name] = variable
        return handle

    def put(self, variable: Variable, values: Array | list[str]) -> None:
        """Create a variable and fill it at once."""
        self.declare(variable)[:] = np.asarray(values, dtype=object if variable.dtype == "str" else variable.dtype)

    def attributes(self, **values: str | float) -> None:
        """Set global attributes (title, institution, source, references ...)."""
        self._file.setncatts(values)


def _units_by_name(variable: Variable) -> dict[str, str]:
    """Return the attribute that names the units of several quantities in one variable; none where `units` says it."""
    named = [f"{name}: {unit}" for name, unit in variable.file_units.items() if unit and name != variable.name]
    return {"units_by_name": ", ".join(named)} if named else {}


def _refuse_hidden(name: str, dims: tuple[str, ...]) -> None:
    """Stop a source that calls a variable like a dimension it does not lie on.

    HDF5 keeps the dimension's own scale under that name, and h5py would read its zeros in place of the variable.
    """
    assert dims[:1] == (name,), f"{name} has the name of a dimension and lies on {dims}"


class Dataset:
    """A prepared data set, opened for reading.

    Raises:
        DataError: There is none in `folder`, or its file is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)

    def has(self, name: str) -> bool:
        """Return whether there is such a variable."""
        return name in self.manifest.variables

    def unit(self, name: str) -> str:
        """Return a variable's unit."""
        return self._record(name).unit

    def is_text(self, name: str) -> bool:
        """Return whether a variable holds text, to be read with `labels`."""
        return self._record(name).dtype == "str"

    def array(self, name: str) -> Array:
        """Return a numeric variable as a read-only view of the file, missing values as NaN."""
        # A map of text would hold addresses of another process: reading them ends this one.
        assert not self.is_text(name), f"{name} holds text"
        import h5py

        with _opened(self.folder) as file:
            variable: h5py.Dataset = file[name]
            offset = variable.id.get_offset()
            if offset is None or variable.size == 0:
                return np.asarray(variable[...])
            shape, kind = variable.shape, variable.dtype
        return np.memmap(self.folder / NAME, dtype=kind, mode="r", offset=offset, shape=shape)

    def labels(self, name: str) -> list[str]:
        """Return a text variable."""
        self._record(name)
        with _opened(self.folder) as file:
            return [str(text) for text in file[name].asstr()[...]]

    def _record(self, name: str) -> Variable:
        record = self.manifest.variables.get(name)
        if record is None:
            names = ", ".join(sorted(self.manifest.variables))
            raise DataError(f"there is no variable {name!r}", where=str(self.folder), fix=f"It holds: {names}.")
        return record


@contextmanager
def _opened(folder: Path) -> Iterator[Any]:  # h5py is untyped
    """Open a data set's file; what h5py says of damage comes when a part is read, and in many ways.

    Raises:
        DataError: It is missing or damaged.
    """
    import h5py

    path = folder / NAME
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError, ValueError, UnicodeDecodeError) as error:
        raise DataError(
            f"cannot be read as NetCDF-4 ({reason(error)})" if path.exists() else "is missing",
            where=str(path),
            fix="Prepare the data set again with --force.",
        ) from error


def check_content(dataset: Dataset) -> None:
    """Refuse a data set whose values are not those that were prepared: disks and copies lose bits.

    Raises:
        DataError: They differ, or there is no such file.
    """
    if content_digest(dataset.folder, dataset.manifest.variables) != dataset.manifest.content:
        raise DataError(
            "its values are not those that were prepared (their checksum differs)",
            where=str(dataset.folder / NAME),
            fix="Prepare the data set again with --force, or copy it again.",
        )


def content_digest(folder: Path, records: Mapping[str, Variable]) -> str:
    """Return the SHA-256 of all values of a data set's file, variable by variable in the order of their names.

    The file's own bytes will not do: its format leaves room for what means nothing.
    """
    found = hashlib.sha256()
    with _opened(folder) as file:
        for name in sorted(records):
            found.update(f"{name} {records[name].dims} {records[name].dtype}\n".encode())
            for part in _parts(file[name]) if name in file else ():
                found.update(part)
    return found.hexdigest()


def _parts(variable: Any) -> Iterator[bytes]:  # noqa: ANN401  h5py is untyped
    """Yield the values of a variable some rows at a time."""
    if variable.dtype.kind == "O":
        yield from (f"{len(text)} {text}".encode() for text in np.atleast_1d(variable.asstr()[...]).tolist())
        return
    if not variable.shape:
        yield np.ascontiguousarray(variable[...]).tobytes()
        return
    rows = max(_DIGEST_BYTES // max(variable.dtype.itemsize * math.prod(variable.shape[1:]), 1), 1)
    for start in range(0, variable.shape[0], rows):
        yield np.ascontiguousarray(variable[start : start + rows]).tobytes()


@dataclass(frozen=True)
class Block:
    """Variables in memory: a block of pixels, or a table of samples, prepared like a data set."""

    arrays: dict[str, Array]
    texts: dict[str, list[str]]
    units: dict[str, str]

    def has(self, name: str) -> bool:
        """Return whether there is such a variable."""
        return name in self.arrays or name in self.texts

    def is_text(self, name: str) -> bool:
        """Return whether a variable holds text."""
        return name in self.texts

    def array(self, name: str) -> Array:
        """Return a numeric variable."""
        return self.arrays[name]

    def labels(self, name: str) -> list[str]:
        """Return a text variable."""
        return self.texts[name]

    def unit(self, name: str) -> str:
        """Return a variable's unit."""
        return self.units[name]
