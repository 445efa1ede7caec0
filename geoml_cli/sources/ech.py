"""Geomagnetic indices with orbits and wave amplitudes, or the paper's released rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geoml_cli.dataset.source import Source, Written
from geoml_cli.errors import DataError
from geoml_cli.sources.geomagnetic.options import EchOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geoml_cli.dataset.manifest import Funnel
    from geoml_cli.dataset.source import TableBlock
    from geoml_cli.dataset.store import Dataset, DatasetWriter
    from geoml_cli.reporting import Reporter
    from geoml_cli.sources.geomagnetic.writing import Content
    from geoml_cli.sources.readers.timed import Timed


def inputs(raw: Path, options: EchOptions) -> list[Path]:
    """Find the raw files that are read, told by their content.

    Raises:
        DataError: There is none, or one is damaged.
    """
    from geoml_cli.sources.geomagnetic.files import find

    return find(raw)


def write(raw: Path, options: EchOptions, writer: DatasetWriter, reporter: Reporter) -> Written:
    """Write the series and the samples; windows are cut when they are needed, and never stored.

    Raises:
        DataError: An index or the ephemeris is missing, a file is damaged, or no sample is left.
    """
    from geoml_cli.dataset.manifest import Funnel
    from geoml_cli.sources.geomagnetic import writing
    from geoml_cli.sources.geomagnetic.files import PICKLES, find, read

    paths, funnel = find(raw), Funnel()
    pickles = [path for path in paths if path.suffix.lower() in PICKLES]
    texts = [path for path in paths if path not in pickles]
    with reporter.task("files", len(texts)) as advance:
        held = []
        for path in texts:
            held.append(read(path))
            advance(1)
    content = _released(pickles, held, options, funnel) if pickles else _measured(held, options, funnel)
    funnel.kept = len(content.index_N)
    if not funnel.kept:
        reasons = ", ".join(f"{count} {reason}" for reason, count in funnel.dropped.items())
        raise DataError(f"no sample is left ({reasons})", where=str(raw), fix="Windows need 48 hours of both indices.")
    return Written("series", funnel, writing.write(writer, content))


def _measured(held: list[Timed], options: EchOptions, funnel: Funnel) -> Content:
    """Merge the series, join the orbit, keep the rows whose windows are whole."""
    from geoml_cli.sources.geomagnetic.indices import merge
    from geoml_cli.sources.geomagnetic.orbit import Orbit, join
    from geoml_cli.sources.geomagnetic.samples import place
    from geoml_cli.sources.geomagnetic.writing import Content

    series, orbit = merge(held, options, funnel), join(held, funnel)
    index, kept = place(series, orbit, funnel)
    rows = Orbit(
        orbit.time[kept],
        {name: values[kept] for name, values in orbit.position.items()},
        {name: values[kept] for name, values in orbit.wave.items()},
    )
    return Content(series, rows, index[kept], True, options.storm_nt)


def _released(pickles: list[Path], held: list[Timed], options: EchOptions, funnel: Funnel) -> Content:
    """Rebuild the series from released rows; amplitudes beside them are joined by time."""
    from geoml_cli.sources.geomagnetic import labels, released
    from geoml_cli.sources.geomagnetic.writing import Content

    found = released.read(pickles, options.start, funnel)
    orbit = labels.joined(found.orbit, held, funnel)
    return Content(found.series, orbit, found.index_N, False, options.storm_nt)


def synthesise(folder: Path, seed: int) -> EchOptions:
    """Write made-up storms and orbits; see `sources/synthetic/ech.py`."""
    from geoml_cli.sources.synthetic import ech

    return ech.synthesise(folder, seed)


def rows(path: Path, dataset: Dataset, size: int) -> Iterator[TableBlock]:
    """Read times and positions to predict, some rows at a time."""
    from geoml_cli.sources.geomagnetic.rows import rows as read_rows

    return read_rows(path, dataset, size)


SOURCE = Source(
    summary="Geomagnetic indices (SME, SYM-H) with orbits and wave amplitudes, or the paper's released rows",
    options=EchOptions,
    inputs=inputs,
    write=write,
    synthesise=synthesise,
    rows=rows,
)
