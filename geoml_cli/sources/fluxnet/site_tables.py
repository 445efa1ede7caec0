"""Which files tell where the towers stand: of the user, or as ICOS and AmeriFlux give them with their archives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.tables import require_file
from geoml_cli.readers.workbooks import WORKBOOKS
from geoml_cli.sources.fluxnet import sites
from geoml_cli.sources.fluxnet.file_names import FluxnetFileName
from geoml_cli.sources.fluxnet.text_files import TextFile

_NAMES = ("siteinfo", "site_info")
"""In the names of tables that lie next to a single file."""
_SHOWN = 6


def is_one(text: TextFile) -> bool:
    """Return whether a file is a table of sites, by its columns."""
    try:
        # Members are large as a rule, and tables of sites are read as a whole.
        may_be = not text.member or _is_book(text) or sites.is_table(_header(text))
        return may_be and sites.is_table(sites.open_sites(text).columns)
    except (DataError, SettingsError):  # also of a workbook without the package that reads it
        return False


def has_places(text: TextFile) -> bool:
    """Return whether a file is a table of sites that tells a position; of variables there are tables like it."""
    return is_one(text) and (not sites.is_badm(text) or sites.has_position(text))


def _header(text: TextFile) -> list[str]:
    with text.open() as stream:
        return stream.readline().split(",")


def is_workbook(text: TextFile, name: FluxnetFileName) -> bool:
    """Return whether a file is a workbook with BADM or ICOS' SITEINFO, as its name and its columns tell."""
    may_be = name.auxiliary or any(word in text.name.lower() for word in _NAMES)
    return may_be and _is_book(text) and is_one(text)


def _is_book(text: TextFile) -> bool:
    return text.name.lower().endswith(WORKBOOKS)


def chosen(raw: Path, tables: Sequence[TextFile], given: str | None) -> tuple[TextFile, ...]:
    """Choose the tables of sites to read.

    Args:
        raw: The user's folder or file.
        tables: That were found there.
        given: By the user.

    Raises:
        DataError: There is no such file, or it is unclear which is meant.
    """
    if given is not None:
        inside = raw / given
        path = inside if raw.is_dir() and not Path(given).is_file() and inside.exists() else Path(given)
        require_file(path, fix="Check --sites.")
        return (TextFile(path),)
    if raw.is_file():
        near = (path for path in sorted(raw.parent.glob("*.csv")) if any(word in path.name.lower() for word in _NAMES))
        tables = [*tables, *(TextFile(path) for path in near if path.is_file() and is_one(TextFile(path)))]
    plain = [table for table in tables if not sites.is_badm(table)]
    if len(plain) > 1:  # ICOS gives a file of BADM with each tower
        fix = next((f"Choose one: --sites {table.name}" for table in plain if not table.member), "Keep one of them.")
        raise DataError(
            f"there are several tables of sites: {few([table.name for table in tables])}", where=str(raw), fix=fix
        )
    return tuple(tables)


def few(shown: Sequence[str]) -> str:
    """Name the first of some files, and say how many more there are."""
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
