"""Which raw files are read: known by their names, one resolution and one product a site."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from geoml_cli.dataset.raw_files import paths_below
from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet import file_names, layout, reddyproc, site_tables, text_files
from geoml_cli.sources.fluxnet.file_names import FluxnetFileName
from geoml_cli.sources.fluxnet.options import FluxnetOptions
from geoml_cli.sources.fluxnet.site_tables import few
from geoml_cli.sources.fluxnet.text_files import TextFile
from geoml_cli.sources.fluxnet.times import STEPS, Step

_ZIP = ".zip"
_CLEAR = 2
"""A resolution is chosen unasked where it has this many times the sites of any other."""


@dataclass(frozen=True)
class FluxFile:
    """A file of one site, product and resolution.

    Attributes:
        text: The file.
        name: What its name tells.
        is_text: Whether it is in REddyProc's layout, of a single tower as a rule: it has no say in what a folder is of.
    """

    text: TextFile
    name: FluxnetFileName
    is_text: bool = False


@dataclass
class RawFiles:
    """What a folder holds.

    Attributes:
        files: To be read, by site.
        step: Their resolution.
        tables: Tables of sites.
        notes: What was left out, and why.
    """

    files: dict[str, list[FluxFile]]
    step: Step
    tables: tuple[TextFile, ...]
    notes: list[str] = field(default_factory=list)

    def paths(self) -> list[Path]:
        """Return the files on disk, each once, in order."""
        used = {file.text.path for files in self.files.values() for file in files}
        return sorted(used | {table.path for table in self.tables})


@dataclass
class _Sorted:
    """All files of a folder by what they are."""

    flux: list[FluxFile] = field(default_factory=list)
    tables: list[TextFile] = field(default_factory=list)
    auxiliary: list[str] = field(default_factory=list)
    nameless: list[str] = field(default_factory=list)
    other: list[TextFile] = field(default_factory=list)


def find(raw: Path, options: FluxnetOptions) -> RawFiles:
    """Choose the files to read.

    Args:
        raw: A folder, a zip archive, or a file.
        options: Which resolution and sites are wanted.

    Raises:
        DataError: There is no file of FLUXNET, or it is unclear which are meant; with the option that decides.
    """
    candidates = _sorted(_candidates(raw))
    wanted = [file for file in candidates.flux if not options.only or file.name.site in options.only]
    if not wanted:
        raise _nothing(raw, candidates, options)
    if missing := sorted(set(options.only) - {file.name.site for file in wanted}):
        raise DataError(f"there is no file of {missing[0]}", where=str(raw), fix="Take it out of --only.")
    code = _resolution(raw, wanted, options.resolution)
    chosen = [file for file in wanted if file.name.resolution == code]
    files = _products(chosen)
    found = RawFiles(files, STEPS[code], site_tables.chosen(raw, candidates.tables, options.sites))
    found.notes = [*_left_out(wanted, code), *_second_products(chosen, files), *_unread(candidates)]
    return found


def _candidates(raw: Path) -> list[TextFile]:
    """Name all text files, in archives as well."""
    if raw.is_file():
        return text_files.members(raw) if raw.suffix.lower() == _ZIP else [TextFile(raw)]
    found: list[TextFile] = []
    for path in paths_below(raw):
        if path.is_dir():
            _refuse_folder(path)
        elif path.suffix.lower() == _ZIP:
            found += text_files.members(path)
        else:
            found.append(TextFile(path))
    return found


def _refuse_folder(path: Path) -> None:
    if path.name.lower().endswith(text_files.SUFFIXES) and file_names.parse(path.name).site:
        raise DataError("is a folder, not a file", where=str(path), fix="Give the CSV file itself.")


def _sorted(candidates: Iterable[TextFile]) -> _Sorted:
    sorted_files = _Sorted()
    for text in candidates:
        name = file_names.parse(text.name)
        if site_tables.is_workbook(text, name):
            sorted_files.tables.append(text)
        elif not text.name.lower().endswith(text_files.SUFFIXES):
            sorted_files.other.append(text)
        elif name.auxiliary and not site_tables.has_places(text):
            sorted_files.auxiliary.append(text.name)
        elif name.auxiliary:
            sorted_files.tables.append(text)
        elif name.site and name.resolution:
            sorted_files.flux.append(FluxFile(text, name))
        else:
            _sort_by_content(text, name, sorted_files)
    return sorted_files


def _sort_by_content(text: TextFile, name: FluxnetFileName, sorted_files: _Sorted) -> None:
    """Sort a file whose name does not tell what it is."""
    if site_tables.is_one(text):
        sorted_files.tables.append(text)
    elif not _has_times(text, name):
        sorted_files.other.append(text)
    elif site := _site_of_reddyproc(text):
        _sort_flux(text, replace(name, site=site, product="BASE"), sorted_files, is_text=True)
    elif not name.site:
        sorted_files.nameless.append(text.name)
    else:
        _sort_flux(text, name, sorted_files)


def _site_of_reddyproc(text: TextFile) -> str:
    with text.open() as stream:
        return reddyproc.site_of(text.name) if stream.readline().startswith(reddyproc.MARK) else ""


def _sort_flux(text: TextFile, name: FluxnetFileName, sorted_files: _Sorted, *, is_text: bool = False) -> None:
    code = layout.resolution(layout.open_layout(text))
    if not code:
        raise DataError(
            "neither its name nor its times tell its resolution",
            where=str(text),
            fix="Name it as FLUXNET does, such as FLX_DE-Hai_FLUXNET2015_SUBSET_DD_2000-2012_1-4.csv.",
        )
    sorted_files.flux.append(FluxFile(text, replace(name, resolution=code), is_text))


def _has_times(text: TextFile, name: FluxnetFileName) -> bool:
    try:
        return layout.has_times(text)
    except DataError:
        if name.site:
            raise
        return False  # no text at all


def _nothing(raw: Path, sorted_files: _Sorted, options: FluxnetOptions) -> DataError:
    if sorted_files.flux:
        there = ", ".join(sorted({file.name.site for file in sorted_files.flux}))
        return DataError(f"there is no file of {', '.join(options.only)}", where=str(raw), fix=f"There are: {there}.")
    if sorted_files.nameless:
        return DataError(
            f"the name of {sorted_files.nameless[0]} holds no site code, such as DE-Hai",
            where=str(raw),
            fix="Name it as FLUXNET does, such as FLX_DE-Hai_FLUXNET2015_SUBSET_DD_2000-2012_1-4.csv.",
        )
    if raw.is_file() and len(sorted_files.other) == 1 and raw.name.lower().endswith(text_files.SUFFIXES):
        layout.open_layout(sorted_files.other[0])  # says what is wrong with it
    seen = [
        *sorted_files.auxiliary,
        *(text.name for text in sorted_files.other),
        *(table.name for table in sorted_files.tables),
    ]
    return DataError(
        f"holds no file of FLUXNET or AmeriFlux BASE (it holds {few(seen) or 'nothing'})",
        where=str(raw),
        fix="Give files such as FLX_DE-Hai_FLUXNET2015_SUBSET_DD_2000-2012_1-4.csv, or the archives they come in.",
    )


def _resolution(raw: Path, wanted: Sequence[FluxFile], given: str) -> str:
    """Choose a resolution: the one asked for, the only one, or the one that is far more common."""
    resolutions = Counter(code for _, code in sorted({_place(file) for file in wanted}))
    listed = ", ".join(f"{code} at {count}" for code, count in sorted(resolutions.items()))
    if given != "auto":
        if given not in resolutions:
            raise DataError(
                f"there are no {STEPS[given].word} files (there are {listed} sites)",
                where=str(raw),
                fix=f"Choose another with --resolution {min(resolutions)}.",
            )
        return given
    counted = Counter(code for _, code in sorted({_place(file) for file in wanted if not file.is_text}))
    (best, most), *others = (counted or resolutions).most_common()
    hourly = {"HH", "HR"} <= set(resolutions) and best in ("HH", "HR")
    if hourly or (others and most < _CLEAR * others[0][1]):
        raise DataError(
            f"files of several resolutions lie here ({listed} sites), whose units differ",
            where=str(raw),
            fix=f"Choose one with --resolution {best}.",
        )
    return best


def _place(file: FluxFile) -> tuple[str, str]:
    return file.name.site, file.name.resolution


def _products(chosen: Iterable[FluxFile]) -> dict[str, list[FluxFile]]:
    """Keep one product a site, by site and name."""
    found: dict[str, list[FluxFile]] = {}
    for file in sorted(
        chosen, key=lambda file: (file.name.site, file_names.PRODUCTS.index(file.name.product), file.text)
    ):
        site_files = found.setdefault(file.name.site, [])
        if not site_files or site_files[0].name.product == file.name.product:
            site_files.append(file)
    return found


def _left_out(wanted: Sequence[FluxFile], code: str) -> list[str]:
    others = [file for file in wanted if file.name.resolution != code]
    if not others:
        return []
    shown = few(sorted(file.text.name for file in others))
    codes = sorted({file.name.resolution for file in others})
    return [
        f"{STEPS[code].word} files ({code}) were read; {len(others)} of other resolutions were left out ({shown}); "
        f"read them with {' or '.join(f'--resolution {other}' for other in codes)}"
    ]


def _second_products(chosen: Sequence[FluxFile], files: dict[str, list[FluxFile]]) -> list[str]:
    read = {file.text for site_files in files.values() for file in site_files}
    left = [file for file in chosen if file.text not in read]
    return [
        f"{file.text.name} was left out, with the years that it alone may hold: {file.name.site} has "
        f"{files[file.name.site][0].text.name}, and products are not joined; take that out of the folder to read this"
        for file in left
    ]


def _unread(sorted_files: _Sorted) -> list[str]:
    notes = []
    if sorted_files.auxiliary:
        notes.append(f"{len(sorted_files.auxiliary)} auxiliary files were left out: {few(sorted_files.auxiliary)}")
    if sorted_files.other:
        shown = few([text.name for text in sorted_files.other])
        notes.append(f"{len(sorted_files.other)} files were left out, as they are not in FLUXNET's format: {shown}")
    if sorted_files.nameless:
        shown = few(sorted_files.nameless)
        notes.append(f"{len(sorted_files.nameless)} files were left out, as their names hold no site code: {shown}")
    return notes
