"""The source `fluxnet`: which functions find, read and make its files."""

from __future__ import annotations

from pathlib import Path

from geoml_cli.readers.tables import read_through
from geoml_cli.source import Source
from geoml_cli.sources.fluxnet import preparing, synthetic
from geoml_cli.sources.fluxnet.discovery import find
from geoml_cli.sources.fluxnet.options import FluxnetOptions


def files(raw: Path, options: FluxnetOptions) -> list[Path]:
    """Find the raw files that are read, and the table of sites.

    Raises:
        DataError: There is none, or it is unclear which are meant.
    """
    return find(raw, options).paths()


SOURCE = Source(files=files, prepare=preparing.prepare, synthetic=synthetic.write_synthetic, read_through=read_through)
