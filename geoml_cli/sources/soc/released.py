"""The arrays that came with the paper: windows, series and splits as pickles, and perhaps a table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.dataset.raw_files import visible
from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.errors import DataError
from geoml_cli.readers.pickles import read_array, read_pickle
from geoml_cli.readers.points import Points, find_table, read_points
from geoml_cli.source import PreparedInfo
from geoml_cli.sources.soc import writing
from geoml_cli.sources.soc.log import PrepareLog
from geoml_cli.sources.soc.options import SocOptions
from geoml_cli.sources.soc.stacked import wanted
from geoml_cli.sources.soc.units import chosen_unit
from geoml_cli.work.reporting import Reporter

STATIC, EVI, PHENOLOGY = "samples_window_common.pkl", "samples_ts_evi.pkl", "samples_ts_lsp.pkl"
SPLITS = "train_test_idx"
YEARS = tuple(range(2002, 2012))  # MODIS years of the paper, section 2.3
TRAIN, TEST = 1, 2
_SPLIT = re.compile(r"^(train|test)_(\w+)\.pkl$")
_NOT_PUBLIC = "the SOC values of the released samples are not public; without --points they are missing"


@dataclass(frozen=True)
class _Arrays:
    """Released arrays: static [N, C, W, W], series [N, Y, F], splits [K, N] (0 unused, 1 train, 2 test)."""

    static: NDArray[np.float32]
    series: NDArray[np.float32]
    features: list[str]
    splits: NDArray[np.int8]


def is_released(raw: Path) -> bool:
    """Return whether a folder holds the paper's arrays."""
    return any((raw / name).exists() for name in (STATIC, EVI, PHENOLOGY))


def inputs(raw: Path, options: SocOptions) -> list[Path]:
    """Find the arrays, the splits and the table, if there is one.

    Raises:
        DataError: One is missing.
    """
    arrays = [raw / name for name in (STATIC, EVI, PHENOLOGY)]
    for path in arrays:
        if not path.is_file():
            raise DataError(
                f"{path.name} is missing next to the other released arrays",
                where=str(raw),
                fix=f"Put {STATIC}, {EVI} and {PHENOLOGY} into one folder.",
            )
    table = find_table(raw, options.points)
    return [*arrays, *([table] if table else []), *(path for pair in _pairs(raw).values() for path in pair)]


def _pairs(raw: Path) -> dict[str, tuple[Path, Path]]:
    """Return (train, test) files by the name of the split, in order."""
    folder = raw / SPLITS
    found = visible(folder) if folder.is_dir() else []
    names = {match[2] for path in found if (match := _SPLIT.match(path.name))}
    pairs = {}
    for name in sorted(names, key=lambda text: (len(text), text)):
        pairs[name] = (folder / f"train_{name}.pkl", folder / f"test_{name}.pkl")
        for path in pairs[name]:
            if not path.is_file():
                raise DataError(f"{path.name} is missing", where=str(folder), fix="A split needs both its files.")
    return pairs


def write(raw: Path, options: SocOptions, writer: DatasetWriter, reporter: Reporter) -> PreparedInfo:
    """Write the released arrays, unscaled as they are, and the given splits."""
    arrays = _read(raw)
    samples = len(arrays.static)
    funnel = Funnel(read=samples, kept=samples)
    points = _points(raw, options, samples)
    log = PrepareLog(reporter, funnel)
    _tell(arrays, points, log)
    shape = writing.Shape(
        samples,
        arrays.static.shape[-1],
        [f"covariate_{number}" for number in range(1, arrays.static.shape[1] + 1)],
        arrays.features,
        list(YEARS),
    )
    writing.put_origin(writer, "arrays released with the paper, scaled by its authors")
    writing.declare_axes(writer, shape)
    unknown = np.full(samples, np.nan)
    soc, degrees = (points.target, (points.x, points.y)) if points else (unknown, (unknown, unknown))
    identity = points.identity if points else [str(number) for number in range(samples)]
    writing.put_samples(writer, identity, soc, chosen_unit(options.unit, "soc", log), degrees)
    writer.put(writing.STATIC, arrays.static)
    writer.put(writing.SERIES, arrays.series)
    _put_splits(writer, arrays.splits)
    return PreparedInfo("samples", funnel, _facts(shape))


def _facts(shape: writing.Shape) -> dict[str, object]:
    return {
        "kind": "released",
        "target": "soc",
        "window": shape.window,
        "covariates": shape.channels,
        "features": shape.features,
        "years": shape.years,
    }


def _tell(arrays: _Arrays, points: Points | None, log: PrepareLog) -> None:
    reporter, funnel = log
    if points is None:
        funnel.notes.append(_NOT_PUBLIC)
        reporter.warn(f"{_NOT_PUBLIC}. The samples can be predicted, not trained on or scored.")
    elif unknown := int(np.isnan(points.target).sum()):
        funnel.notes.append(f"{unknown} samples have no target value; kept, for the splits count them")
    if missing := int((~np.isfinite(arrays.static)).sum() + (~np.isfinite(arrays.series)).sum()):
        text = f"{missing} values of the released arrays are missing or infinite"
        funnel.notes.append(text)
        reporter.warn(text)
    if not len(arrays.splits):
        funnel.notes.append(f"no given splits: there is no folder {SPLITS}")


def _read(raw: Path) -> _Arrays:
    static = read_array(raw / STATIC, "sample, covariate, row, column")
    evi = read_array(raw / EVI, "sample, year, feature")
    phenology = read_array(raw / PHENOLOGY, "sample, year, feature")
    if static.shape[2] != static.shape[3]:
        raise DataError(
            f"its windows are not square: {static.shape}", where=str(raw / STATIC), fix="Get the file again."
        )
    for name, array in ((EVI, evi), (PHENOLOGY, phenology)):
        if array.shape[:2] != (len(static), len(YEARS)):
            raise DataError(
                f"has {array.shape[0]} samples x {array.shape[1]} years, not {len(static)} x {len(YEARS)}",
                where=str(raw / name),
                fix=f"The arrays must belong together: samples as in {STATIC}, years {YEARS[0]}-{YEARS[-1]}.",
            )
    evi_names = ["evi"] if evi.shape[2] == 1 else [f"evi_{number}" for number in range(1, evi.shape[2] + 1)]
    features = evi_names + [f"lsp_{number}" for number in range(1, phenology.shape[2] + 1)]
    return _Arrays(static, np.concatenate([evi, phenology], axis=2), features, _splits(raw, len(static)))


def _splits(raw: Path, samples: int) -> NDArray[np.int8]:
    pairs = _pairs(raw)
    splits = np.zeros((len(pairs), samples), dtype=np.int8)
    for row, (train, test) in zip(splits, pairs.values(), strict=True):
        row[_indices(train, samples)] = TRAIN
        held_out = _indices(test, samples)
        if (shared := held_out[row[held_out] == TRAIN]).size:
            raise DataError(
                f"sample {shared[0]} is also in {train.name}",
                where=str(test),
                fix="A test sample must not train.",
            )
        row[held_out] = TEST
    return splits


def _indices(path: Path, samples: int) -> NDArray[np.int64]:
    value = read_pickle(path)
    try:
        found = np.asarray(value)
        whole = found.ndim == 1 and found.size > 0 and found.dtype.kind in "iu"
    except ValueError:  # a list of unequal lists
        whole = False
    if not whole:
        raise DataError("holds no list of sample numbers", where=str(path), fix="Whole numbers from 0 are expected.")
    if found.min() < 0 or found.max() >= samples:
        wrong = found[(found < 0) | (found >= samples)][0]
        raise DataError(
            f"sample {wrong} does not exist",
            where=str(path),
            fix=f"The arrays hold samples 0 to {samples - 1}.",
        )
    return found.astype(np.int64)


def _points(raw: Path, options: SocOptions, samples: int) -> Points | None:
    table = find_table(raw, options.points)
    if table is None:
        return None
    points, _ = read_points(table, wanted(options), geographic=True)
    if len(points) != samples:
        raise DataError(
            f"has {len(points)} rows for {samples} released samples",
            where=str(table),
            fix="The table must name them all, in the order of the arrays.",
        )
    return points


def _put_splits(writer: DatasetWriter, splits: NDArray[np.int8]) -> None:
    if not len(splits):
        return
    writer.dimension("split", len(splits))
    handle = writer.declare(writing.SPLIT)
    handle.flag_values = np.array([0, TRAIN, TEST], dtype=np.int8)
    handle[:] = splits
