"""The source `smap`: which functions find, read and make its files."""

from __future__ import annotations

from pathlib import Path

from geoml_cli.readers.tables import read_through
from geoml_cli.source import Source
from geoml_cli.sources.smap import preparing, synthetic
from geoml_cli.sources.smap.discovery import find
from geoml_cli.sources.smap.options import SmapOptions
from geoml_cli.sources.smap.pixels import pixels
from geoml_cli.sources.smap.predicting import rows


def files(raw: Path, options: SmapOptions) -> list[Path]:
    """Find the raw files that are read.

    Raises:
        DataError: One is missing, or it is unclear which are meant.
    """
    return find(raw, options).paths()


SOURCE = Source(
    files=files,
    prepare=preparing.prepare,
    synthetic=synthetic.write_synthetic,
    rows=rows,
    pixels=pixels,
    read_through=read_through,
)
