"""From raw files to the data set: find, count, settle, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.source import PreparedInfo
from geoml_cli.sources.fluxnet import plan as planning
from geoml_cli.sources.fluxnet import report, sites
from geoml_cli.sources.fluxnet.carbon import refuse_other_parts, uptake_by_night
from geoml_cli.sources.fluxnet.discovery import RawFiles, find
from geoml_cli.sources.fluxnet.options import FluxnetOptions
from geoml_cli.sources.fluxnet.plausible import refuse_other_scales, refuse_other_size
from geoml_cli.sources.fluxnet.quality import DropCounts, Rule, rule
from geoml_cli.sources.fluxnet.series import RequestedColumns, Series, read_site
from geoml_cli.sources.fluxnet.site_summary import SiteSummary, complete, summarise_site, targets
from geoml_cli.sources.fluxnet.units import of_one_measurement, quantity
from geoml_cli.sources.fluxnet.writing import Content, declare, write_site
from geoml_cli.work.reporting import Reporter

_KEPT_BYTES = 1 << 28
"""Series that are kept for the second reading: days of all towers, half-hours of some."""


class _Series:
    """Series of the sites; those read first are kept for the second reading, as far as they fit."""

    def __init__(self, raw_files: RawFiles, wanted: RequestedColumns) -> None:
        self.raw_files, self.wanted = raw_files, wanted
        self._kept: dict[str, Series] = {}
        self._left = _KEPT_BYTES

    def read(self, site: str) -> Series:
        """Read a site, or take it as it was read before."""
        if site in self._kept:
            return self._kept.pop(site)
        series = read_site(self.raw_files.files[site], self.wanted, self.raw_files.step)
        size = sum(values.nbytes for values in series.values.values())
        if size <= self._left:
            self._kept[site] = series
            self._left -= size
        return series


def prepare(raw: Path, options: FluxnetOptions, writer: DatasetWriter, reporter: Reporter) -> PreparedInfo:
    """Prepare all sites.

    Raises:
        DataError: A file is damaged or lacks a column, a site's position is not known, or no target is left.
        SettingsError: A column or the quality is none.
    """
    wanted = RequestedColumns(options.dynamic, options.further, options.target, options.quality_column, options.nodata)
    for name in (*wanted.needed, *wanted.extra, wanted.target):
        quantity(name)
    if same := of_one_measurement(wanted.target, (*wanted.needed, *wanted.extra)):
        reporter.warn(
            f"{', '.join(same)} and the target {wanted.target} are computed from the same measurements: scores will "
            "say how one follows from the other, not what weather tells of it."
        )
    raw_files = find(raw, options)
    applied = rule(options, raw_files.step)
    places = sites.read(raw_files.tables, set(raw_files.files))
    series = _Series(raw_files, wanted)
    counted, lost = _counted(series, applied, compared=options.target not in options.any_scale, reporter=reporter)
    report.require_column(counted, applied.target, str(raw))
    report.refuse_other_quality(lost, counted, applied, raw_files.step)
    if any(counts.samples(()) for counts in counted.values()):  # without drivers, that is the message
        columns = {counts.quality for counts in counted.values()}
        report.require_target(_summed(lost, applied), columns, applied, raw_files.step)
    planning.require_places(counted, places, str(raw_files.tables[0] if raw_files.tables else raw))
    funnel = _funnel(raw_files, counted)
    plan = planning.choose_drivers(counted, places, wanted, options.optional, funnel)
    planning.note_classes(plan, places, funnel)
    report.note_climate(funnel, plan, counted, raw_files.step)
    content = Content(plan, counted, places, applied, raw_files.step, series.read)
    _write(content, writer, funnel, reporter)
    return PreparedInfo("series", funnel, report.describe(raw_files.step, plan, counted, applied))


def _counted(
    series: _Series, applied: Rule, *, compared: bool, reporter: Reporter
) -> tuple[dict[str, SiteSummary], dict[str, DropCounts]]:
    """Read every site a first time."""
    counted, lost = {}, {}
    raw_files, wanted = series.raw_files, series.wanted
    with reporter.task("count records", len(raw_files.files)) as advance:
        for site in raw_files.files:
            read = series.read(site)
            counted[site] = summarise_site(site, read, wanted, raw_files.step)
            whole = complete(read, wanted.needed)
            found, lost[site] = targets(read, whole, applied)
            report.warn_of_large(site, lost[site], applied, reporter)
            if compared:
                however_large, _ = targets(read, whole, replace(applied, limit=None))
                refuse_other_size(site, read.first, however_large, applied, raw_files.step)
                refuse_other_scales(site, read.first, found, applied.target, raw_files.step)
                refuse_other_parts(site, read, found, applied.target, raw_files.step)
                by_night = uptake_by_night(site, read, found, applied.target, raw_files.step)
                counted[site] = replace(counted[site], notes=(*counted[site].notes, *by_night))
                _warn(by_night, reporter)
            advance(1)
    return counted, lost


def _warn(notes: Sequence[str], reporter: Reporter) -> None:
    for note in notes:
        reporter.warn(note)


def _summed(lost: dict[str, DropCounts], applied: Rule) -> DropCounts:
    every = DropCounts()
    for loss in lost.values():
        every.add(loss, applied.subdaily)
    return every


def _funnel(raw_files: RawFiles, counted: dict[str, SiteSummary]) -> Funnel:
    funnel = Funnel(read=sum(counts.rows for counts in counted.values()), notes=list(raw_files.notes))
    funnel.notes += [note for counts in counted.values() for note in counts.notes]
    funnel.drop("a second row of the same time", sum(counts.repeated for counts in counted.values()))
    return funnel


def _write(content: Content, writer: DatasetWriter, funnel: Funnel, reporter: Reporter) -> None:
    """Read every site again and write it; then take down what was lost."""
    plan, counted, applied = content.plan, content.counted, content.rule
    samples = {site: counted[site].samples(plan.taken) for site in plan.sites}
    handles = declare(writer, content, sum(samples.values()))
    lost: dict[str, DropCounts] = {}
    record = sample = 0
    with reporter.task("write sites", len(plan.sites)) as advance:
        for site in plan.sites:
            lost[site] = write_site(handles, content, site, (record, sample))
            record, sample = record + counted[site].length, sample + samples[site]
            advance(1)
    every = _summed(lost, applied)
    report.require_target(every, {counted[site].quality for site in plan.sites}, applied, content.step)
    report.take_down(funnel, plan, counted, lost)
    report.note_targets(funnel, applied, every, content.step)
    report.warn_of_absent(funnel, plan, counted, applied, reporter)
    report.note_columns(funnel, plan, counted, applied)
