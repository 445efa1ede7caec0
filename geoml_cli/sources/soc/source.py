"""The source `soc`: which functions find, read and make its files."""

from __future__ import annotations

from pathlib import Path

from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.places import read_points
from geoml_cli.source import PreparedInfo, Source
from geoml_cli.sources.soc import released, stacked, synthetic
from geoml_cli.sources.soc.options import SocOptions
from geoml_cli.sources.soc.scene import open_scene
from geoml_cli.work.reporting import Reporter


def files(raw: Path, options: SocOptions) -> list[Path]:
    """Find the raw files that are read.

    Raises:
        DataError: They are missing, or it is not clear which are meant.
    """
    return released.inputs(raw, options) if _is_released(raw) else stacked.inputs(raw, options)


def prepare(raw: Path, options: SocOptions, writer: DatasetWriter, reporter: Reporter) -> PreparedInfo:
    """Write the samples in physical values; scaling belongs to training, which alone knows its rows.

    Raises:
        DataError: A file is missing, damaged or unclear, or no sample is left.
        SettingsError: An option does not go with the files.
    """
    if _is_released(raw):
        if options.label:
            raise SettingsError("the paper's files bring their own splits.", where="--label", fix="Leave it out.")
        return released.write(raw, options, writer, reporter)
    return stacked.write(raw, options, writer, reporter)


def _is_released(raw: Path) -> bool:
    if not raw.is_dir():
        kind = "is a file, not a folder" if raw.exists() else "there is no such folder"
        raise DataError(kind, where=str(raw), fix="Give the folder that holds the raw files.")
    return released.is_released(raw)


SOURCE = Source(
    files=files,
    prepare=prepare,
    synthetic=synthetic.write_synthetic,
    stack=open_scene,
    points=read_points,
)
