"""Notes on class rasters and covariates: what a user reads, and what is kept with the data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.readers.mosaics import RasterFile
from geoml_cli.readers.nodata import VALID
from geoml_cli.readers.rasters import Band, mask_notes
from geoml_cli.readers.stacks import open_bands
from geoml_cli.sources.clcd.changes import odd_changes
from geoml_cli.sources.clcd.folders import Covariates, class_band
from geoml_cli.sources.clcd.legends import Named
from geoml_cli.work.reporting import Reporter


def note_bands(
    classes: dict[int, RasterFile],
    covariates: Covariates,
    categorical: Collection[str],
    log: tuple[Funnel, Reporter],
) -> None:
    """Say which bands are taken as masks, and which covariates hold classes and are not said to."""
    funnel, reporter = log
    bands = {name: [covariates.of([name], year)[0] for year in classes] for name in covariates.names()}
    factors = dict.fromkeys(band for years in bands.values() for band in years)
    rasters = open_bands([*(class_band(file) for file in classes.values()), *factors])
    for note in mask_notes(rasters):
        reporter.info(note)
        funnel.notes.append(note)
    coded = {raster.band for raster in rasters if raster.named_classes}
    names = [name for name, years in bands.items() if name not in categorical and coded.intersection(years)]
    if names:
        reporter.warn(_coded(names))
        funnel.notes.append(_coded(names))
    for raster in rasters:
        raster.close()


def _coded(names: Sequence[str]) -> str:
    """Name covariates whose values are classes: the network has a place for quantities, and none for codes."""
    given = " ".join(f"--categorical {name}" for name in names)
    return (
        f"{', '.join(names)}: the file names or colours classes, whose codes the network takes as quantities. "
        f"If they are classes, give {given}."
    )


def note_codes(counts: Counter[int], removed: Counter[int], legend: Named, funnel: Funnel, reporter: Reporter) -> None:
    """Say which codes are no data, and which no legend has."""
    for code, number in sorted(removed.items()):
        funnel.notes.append(f"{number} pixels of code {code} are taken as no data, which the files do not say")
        if legend.title == "none":
            reporter.warn(f"{funnel.notes[-1]}. If {code} is a class, give --nodata {VALID}.")
    for code in legend.strange:
        funnel.notes.append(f"{counts[code]} pixels of code {code} are no class of the legend {legend.title}; kept")
        given = " ".join(f"--nodata {one}" for one in dict.fromkeys((0, code)))
        reporter.warn(f"{funnel.notes[-1]}. If it means no data, give {given} in addition to what you gave.")


def note_years(
    bands: Mapping[int, Band],
    counts: Mapping[int, Counter[int]],
    named: Mapping[int, str],
    log: tuple[Funnel, Reporter],
) -> None:
    """Warn of a year that may be in another legend: most of its pixels are of classes that no other year has.

    Or they change class as land does not.
    """
    funnel, reporter = log
    strange = False
    for year, own in counts.items() if len(counts) > 1 else ():
        elsewhere = set().union(*(other for one, other in counts.items() if one != year))
        alone = sorted(set(own) - elsewhere)
        if sum(own[code] for code in alone) <= own.total() / 2:
            continue
        listed = ", ".join(f"{code} {named[code]}" for code in alone)
        message = f"most pixels of {year} are of classes that no other year has ({listed})"
        funnel.notes.append(message)
        reporter.warn(f"{message}: are all years in one legend? If not, prepare {year} apart, or recode it.")
        strange = True
    for message in () if strange else odd_changes(bands, counts, named):
        funnel.notes.append(message)
        reporter.warn(message)
