"""Numbers by which samples are recognised, within a data set and in another one.

Legend: N samples of the data set, R rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.samples.coordinates import SAME_PLACE, lon_lat_of_samples
from geoml_cli.samples.samples import Samples
from geoml_cli.samples.times import begin_of

Digests = NDArray[np.uint64]
_ROWS_AT_ONCE = 8192


def recognised_by(dataset: Dataset) -> tuple[str, ...]:
    """Name by what a sample is recognised in another data set; nothing where it is not, as windows of maps.

    Where place and time are known they are enough: values may have been rounded or filled otherwise.
    """
    if dataset.manifest.layout == "grid":
        return ()
    described = dataset.manifest.variables.items()
    samples = len(dataset.array(next(name for name, of in described if of.dims == ("sample",) and of.dtype != "str")))
    has_place = bool(np.isfinite(lon_lat_of_samples(dataset, samples)).all())
    time = ("time",) if _times(dataset, samples) is not None else ()
    if has_place:
        return ("place", *(time or ("target",)))
    return (*time, "inputs", "target")  # two satellites may be of one time and target


def identities(dataset: Dataset, samples: Samples) -> Digests:
    """Digest each sample by what `recognised_by` names, [N]: samples of one place and time have the same."""
    known = recognised_by(dataset)
    columns: list[NDArray[Any]] = []
    if "place" in known:
        lon_lat_N2 = lon_lat_of_samples(dataset, len(samples)) % (360.0, np.inf)
        columns.append(lon_lat_N2.round(SAME_PLACE))
    if (time_N := _times(dataset, len(samples))) is not None:
        columns.append(time_N)
    if "target" in known:
        columns.append(np.asarray(samples.target.rows, dtype=np.float32))
    inputs = [item.values for item in samples.inputs.values() if not item.shared] if "inputs" in known else []
    found = np.empty(len(samples), dtype=np.uint64)
    for rows in in_blocks(len(samples)):
        found[rows] = row_digests([*(column[rows] for column in columns), *(values[rows] for values in inputs)])
    return found


def in_blocks(samples: int) -> Iterator[NDArray[np.int64]]:
    """Give the rows of all samples, a bounded number at a time."""
    for start in range(0, samples, _ROWS_AT_ONCE):
        yield np.arange(start, min(start + _ROWS_AT_ONCE, samples))


def row_digests(blocks: Sequence[NDArray[Any]]) -> Digests:
    """Hash rows of all blocks together, [R]: the sum of their words, each mixed with a key of its column."""
    rows = [np.ascontiguousarray(block).reshape(len(block), -1) for block in blocks]
    content = np.concatenate([block.view(np.uint8) for block in rows], axis=1)
    content = np.pad(content, ((0, 0), (0, -content.shape[1] % 8)))
    words = content.view(np.uint64)
    words ^= np.random.default_rng(1).integers(0, 2**64, words.shape[1], dtype=np.uint64)
    # The mixing of splitmix64: Steele, Lea and Flood 2014, doi:10.1145/2714064.2660195.
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        words ^= words >> np.uint64(shift)
        words *= np.uint64(factor)
    return np.asarray(words.sum(axis=1, dtype=np.uint64))


def _times(dataset: Dataset, samples: int) -> NDArray[np.int64] | None:
    """Return the time of every sample [min since 1970], or its year, [N]; None where there is neither."""
    if dataset.has("time"):
        time = np.asarray(dataset.array("time"), dtype=np.int64)
        time_N = time[np.asarray(dataset.array("index"))] if dataset.has("index") else time
        if time_N.shape == (samples,):
            return time_N + begin_of(dataset.unit("time")).astype(np.int64)
    year = np.asarray(dataset.array("year")) if dataset.has("year") else np.empty(0)
    return year.astype(np.int64) if year.shape == (samples,) else None
