"""The source `ech`: which functions find, read and make its files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.errors import DataError
from geoml_cli.readers.column_fills import ColumnFills
from geoml_cli.readers.dates import refuse_stray
from geoml_cli.readers.time_series import TimeSeries
from geoml_cli.source import PreparedInfo, Source
from geoml_cli.sources.ech import labels, released, synthetic, writing
from geoml_cli.sources.ech.files import PICKLES, find, read, sort
from geoml_cli.sources.ech.indices import merge
from geoml_cli.sources.ech.options import EchOptions
from geoml_cli.sources.ech.orbit import Orbit, join
from geoml_cli.sources.ech.quantities import INDICES, POSITION, WAVE
from geoml_cli.sources.ech.rows import REASONS, rows
from geoml_cli.sources.ech.samples import OFF_STEPS, few_storms, place
from geoml_cli.sources.ech.writing import Content
from geoml_cli.work.reporting import Reporter


def files(raw: Path, options: EchOptions) -> list[Path]:
    """Find the raw files that are read, known by their content.

    Raises:
        DataError: There is none, or one is damaged.
    """
    return find(raw)


def prepare(raw: Path, options: EchOptions, writer: DatasetWriter, reporter: Reporter) -> PreparedInfo:
    """Write the series and the samples; windows are cut when they are needed, and never stored.

    Raises:
        DataError: An index or the ephemeris is missing, a file is damaged, or no sample is left.
    """
    found, funnel = sort(raw), Funnel()
    pickles = [path for path in found.files if path.suffix.lower() in PICKLES]
    texts = [path for path in found.files if path not in pickles and path.suffix.lower() != ".fmt"]
    with reporter.task("files", len(texts)) as advance:
        series, fills = [], ColumnFills(options.nodata, (*INDICES, *POSITION, *WAVE))
        for path in texts:
            series.append(_counted(read(path, fills), fills))
            refuse_stray(series[-1].time, series[-1].line, str(path))
            advance(1)
    fills.refuse()
    try:
        content = _released(pickles, series, options, funnel) if pickles else _measured(series, options, funnel)
    except DataError as error:
        raise DataError(error.what, where=error.where, fix=f"{error.fix} {found.left_unread()}".strip()) from error
    if found.passed_over:
        funnel.notes.append(found.left_unread())
    for note in (note for note in funnel.notes if note.startswith(_WARNED)):
        reporter.warn(" ".join([note, found.left_unread()]).strip())
    funnel.kept = len(content.index_N)
    if not funnel.kept:
        reasons = ", ".join(f"{count} {reason}" for reason, count in funnel.dropped.items())
        fix = "Windows need 48 hours of both indices."
        if any(reason.startswith(OFF_STEPS) for reason, _ in Counter(funnel.dropped).most_common(1)):
            fix = "Give the position at the times of the indices."
        raise DataError(f"no sample is left ({reasons})", where=str(raw), fix=fix)
    if note := few_storms(content.series, content.index_N, options.storm_nt):
        funnel.notes.append(note)
    return PreparedInfo("series", funnel, writing.write(writer, content))


def _counted(timed: TimeSeries, fills: ColumnFills) -> TimeSeries:
    """Count what looks like a fill and is not declared."""
    for name, values in timed.values.items():
        fills.count(name, str(timed.path), values)
    return timed


def _measured(timed: list[TimeSeries], options: EchOptions, funnel: Funnel) -> Content:
    """Merge the series, join the orbit, keep the rows whose windows are whole."""
    series, orbit = merge(timed, options, funnel), join(timed, funnel)
    index, kept = place(series, orbit, funnel)
    rows = Orbit(
        orbit.time[kept],
        {name: values[kept] for name, values in orbit.position.items()},
        {name: values[kept] for name, values in orbit.wave.items()},
    )
    return Content(series, rows, index[kept], True, options.storm_nt)


def _released(pickles: list[Path], timed: list[TimeSeries], options: EchOptions, funnel: Funnel) -> Content:
    """Rebuild the series from released rows; amplitudes next to them are joined by time."""
    found = released.read(pickles, options.start, funnel)
    orbit = labels.joined(found.orbit, timed, funnel)
    return Content(found.series, orbit, found.index_N, False, options.storm_nt)


_WARNED = (
    "No file holds",
    "Two files hold",
    "MLAT lies within",
    "MLT lies within",
    "amplitudes run",
    "amplitudes where",
)
"""How notes begin that a user must see with --quiet too."""
SOURCE = Source(files=files, prepare=prepare, synthetic=synthetic.write_synthetic, rows=rows, row_reasons=REASONS)
