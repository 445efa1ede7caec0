"""Archives of the International Soil Moisture Network, a folder or the zip as downloaded; nothing is written into them.

Three layouts: `header-values` and `ceop-sep` (one sensor a file) are read by the package `ismn`, whose own search for
files is not used: it finds nothing below a lone network folder, and keeps its index inside the archive. CEOP (all
depths of a station in one file, 16 columns) is read here, since `ismn` 1.5 refuses it.
"""

from __future__ import annotations

import re
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.raw_files import files_below, is_hidden
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.ismn_readings import Readings
from geoml_cli.work.reasons import reason

if TYPE_CHECKING:
    import pandas as pd

Layout = Literal["header-values", "ceop-sep", "ceop"]
SUFFIX = ".stm"
_LEAST = -9.0
"""Values at or below are fill values: -9999 with flag M in archives since about 2019, -999.99 in CEOP, -99."""
_CEOP_SEP, _CEOP = 15, 16
_HEADER = 8
_PEEK = 1 << 16
_DATE = re.compile(r"\d{4}/\d{2}/\d{2}$")
_DATES = re.compile(r"_\d{8}_\d{8}$")
_VARIABLE = re.compile(r"_[a-z]+_-?\d+(\.\d+)?_-?\d+(\.\d+)?_")
_SOIL_MOISTURE = re.compile(r"_sm_-?\d")
_FIX = "Get it again from the ISMN: https://ismn.earth."
Head = list[list[str]]


@dataclass(frozen=True)
class SensorFile:
    """A file of an archive with what its first lines say.

    Attributes:
        archive: The folder or zip.
        member: The file's path inside.
        layout: How it is written.
        network: Second word of the header, or of a row.
        station: Third word. File names may write it otherwise (`-` for `_`).
        latitude: Degrees north.
        longitude: Degrees east.
        depth: From and to [m]; NaN for CEOP, which holds several.
        has_rows: Whether anything follows the header.
    """

    archive: Path
    member: str
    layout: Layout
    network: str
    station: str
    latitude: float
    longitude: float
    depth: tuple[float, float]
    has_rows: bool = True

    @property
    def where(self) -> str:
        """Name the file in messages."""
        return f"{self.archive}, {self.member}" if self.archive.is_file() else str(self.archive / self.member)

    @property
    def name(self) -> str:
        """Name the sensor, whatever years a file holds: two downloads of it are one sensor."""
        return f"{_DATES.sub('', PurePosixPath(self.member).stem)} {self.depth[0]:g} {self.depth[1]:g} {self.layout}"


def is_archive(path: Path) -> bool:
    """Return whether a folder or zip holds files of soil moisture of the ISMN."""
    return path.exists() and bool(_members(path))


def find_sensors(path: Path) -> list[SensorFile]:
    """Find the files of soil moisture in an archive, by path.

    Raises:
        DataError: There are none, one is not in a known layout, or all are without a reading.
    """
    members = _members(path)
    if not members:
        raise DataError(f"holds no file of soil moisture ({SUFFIX})", where=str(path), fix=_FIX)
    sensors = [_described(path, member) for member in members]
    if not any(sensor.has_rows for sensor in sensors):
        raise DataError("its files of soil moisture hold headers and no reading", where=str(path), fix=_FIX)
    return sensors


def read(sensor: SensorFile, depth: tuple[float, float]) -> Readings:
    """Read a file; of CEOP the depths within `depth` [m].

    Raises:
        DataError: It is damaged.
        SettingsError: The package `ismn` is not installed.
    """
    frame = _ceop(sensor, depth) if sensor.layout == "ceop" else _by_package(sensor)
    value = _numbers(frame["value"], sensor)
    flag = np.array(["" if cell != cell else str(cell) for cell in frame["flag"].tolist()], dtype=np.str_)
    missing = (value <= _LEAST) | np.char.startswith(flag, "M")
    time = frame["time"].to_numpy().astype("datetime64[m]")
    lies = np.zeros(len(value)) if sensor.layout != "ceop" else frame["depth"].to_numpy(dtype=np.float64)
    return Readings(time, np.where(missing, np.nan, value), flag, lies)


def within(sensor: SensorFile, depth: tuple[float, float]) -> bool:
    """Return whether a sensor lies between two depths [m]; of CEOP its rows tell."""
    tolerance = 1e-4  # headers round 0.0508 m to 0.05, file names do not
    low, high = sensor.depth
    return sensor.layout == "ceop" or (low >= depth[0] - tolerance and high <= depth[1] + tolerance)


def _members(path: Path) -> list[str]:
    if path.is_dir():
        names = [file.relative_to(path).as_posix() for file in files_below(path) if file.name.endswith(SUFFIX)]
    elif path.suffix.lower() == ".zip":
        with _zip(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(SUFFIX)]
            names = [name for name in names if not is_hidden(PurePosixPath(name).name)]
        for name in names:
            if name.startswith("/") or ".." in PurePosixPath(name).parts:
                raise DataError(f"{name!r} points outside of the archive", where=str(path), fix=_FIX)
    else:
        names = []
    # Other variables (soil temperature, precipitation) bear their own code; files of CEOP bear none.
    return sorted(name for name in names if _SOIL_MOISTURE.search(name) or _is_ceop_name(name))


def _is_ceop_name(name: str) -> bool:
    """Return whether a name ends with two dates and names no variable with its depths; stations may hold `_`."""
    stem = PurePosixPath(name).stem
    return _DATES.search(stem) is not None and _VARIABLE.search(stem) is None


@contextmanager
def _zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise DataError(f"cannot be read as a zip archive ({reason(error)})", where=str(path), fix=_FIX) from error


@contextmanager
def _opened(archive: Path, member: str) -> Iterator[IO[bytes]]:
    if archive.is_dir():
        with (archive / member).open("rb") as stream:
            yield stream
    else:
        with _zip(archive) as packed, packed.open(member) as stream:
            yield stream


def _described(archive: Path, member: str) -> SensorFile:
    """Tell layout, names and place by position; names in the header and in the path may differ."""
    with _opened(archive, member) as stream:
        lines = stream.read(_PEEK).decode("utf-8", errors="replace").splitlines()
    head: Head = [line.split() for line in lines if line.strip()][:2]
    sensor = _from_words(archive, member, head)
    if sensor is None:
        raise DataError(
            "is in none of the layouts header+values, CEOP-sep and CEOP",
            where=str(archive / member),
            fix=_FIX,
        )
    return sensor


def _from_words(archive: Path, member: str, head: Head) -> SensorFile | None:
    if not head:
        return None
    first, second = head[0], head[-1]
    dated = [bool(_DATE.match(line[0])) for line in head]
    try:
        if all(dated) and len(first) == _CEOP_SEP:
            return SensorFile(archive, member, "ceop-sep", *_place(first[4:]))
        if all(dated) and len(first) == _CEOP:
            network, station, latitude, longitude, _ = _place([*first[4:10], "nan", "nan"])
            return SensorFile(archive, member, "ceop", network, station, latitude, longitude, (np.nan, np.nan))
        if len(head) == 1 and not dated[0] and len(first) >= _HEADER:
            return SensorFile(archive, member, "header-values", *_place(first), has_rows=False)
        if not dated[0] and dated[-1] and len(first) >= _HEADER and len(second) >= 3:
            return SensorFile(archive, member, "header-values", *_place(first))
    except ValueError:
        return None
    return None


def _place(words: list[str]) -> tuple[str, str, float, float, tuple[float, float]]:
    """Read CSE, network, station, latitude, longitude, elevation and the two depths."""
    latitude, longitude, _, low, high = (float(word) for word in words[3:_HEADER])
    return words[1], words[2], latitude, longitude, (low, high)


def _by_package(sensor: SensorFile) -> pd.DataFrame:
    try:
        from ismn.filehandlers import DataFile
    except ImportError as error:
        raise SettingsError(
            "ISMN archives are read with the package ismn, which is not installed",
            where=sensor.where,
            fix='Install it: pip install "geoml[soil]".',
        ) from error
    import pandas as pd

    try:
        with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="geoml-ismn") as scratch:
            warnings.simplefilter("ignore")  # of pandas, about how ismn calls it
            file: Any = DataFile(sensor.archive, sensor.member, temp_root=scratch)
            frame = file.read_data()
            file.close()
    except Exception as error:  # a damaged file makes the package fail in whatever way its bytes lead to
        if _follows_from(error, UnicodeDecodeError):
            raise DataError(
                "its header holds letters that are not ASCII, which the package ismn does not read",
                where=sensor.where,
                fix="Write the header in plain letters, or give the measurements as a table.",
            ) from error
        if sensor.layout == "ceop-sep" and _SOIL_MOISTURE.split(PurePosixPath(sensor.member).stem)[0].count("_") > 1:
            raise DataError(
                "its name holds more _ than those between its parts, at which the package ismn cuts it",
                where=sensor.where,
                fix="Rename the file: write - for _ within names of networks and stations.",
            ) from error
        raise DataError(f"cannot be read ({reason(error)})", where=sensor.where, fix=_FIX) from error
    value, flag = (frame.iloc[:, place].to_numpy() for place in (0, 1))
    return pd.DataFrame({"time": frame.index, "value": value, "flag": flag})


def _follows_from(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Return whether an error or what led to it is of a kind."""
    return error is not None and (isinstance(error, kind) or _follows_from(error.__cause__ or error.__context__, kind))


def _ceop(sensor: SensorFile, depth: tuple[float, float]) -> pd.DataFrame:
    """Read the rows of some depths: two times, place, a dash, depth, temperature, its flag, moisture, its flag."""
    import pandas as pd

    used = {0: "date", 1: "clock", 11: "depth", 14: "value", 15: "flag"}
    try:
        with _opened(sensor.archive, sensor.member) as stream:
            frame = pd.read_csv(
                stream, sep=r"\s+", header=None, usecols=list(used), names=range(_CEOP), dtype={0: str, 1: str}
            )
        frame = frame.rename(columns=used)
        lies = pd.to_numeric(frame["depth"])
        frame = frame[(lies >= depth[0] - 1e-4) & (lies <= depth[1] + 1e-4)]
        time = pd.to_datetime(frame["date"] + " " + frame["clock"], format="%Y/%m/%d %H:%M")
    except (ValueError, pd.errors.ParserError, UnicodeError, EOFError) as error:
        raise DataError(f"cannot be read ({reason(error)})", where=sensor.where, fix=_FIX) from error
    return pd.DataFrame({"time": time, "value": frame["value"], "flag": frame["flag"], "depth": lies[frame.index]})


def _numbers(values: pd.Series[Any], sensor: SensorFile) -> NDArray[np.float64]:
    try:
        return np.asarray(values.to_numpy(), dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise DataError("a value is not a number", where=sensor.where, fix=_FIX) from error
