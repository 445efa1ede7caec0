"""`prepare`: raw files as the provider ships them to a prepared data set."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoml_cli import registry
from geoml_cli.dataset.files import folder_lock, recover_folder, replace_folder, sha256, sync
from geoml_cli.dataset.manifest import Manifest, RawFile, read_manifest
from geoml_cli.dataset.raw_files import require_content, require_names, require_readable
from geoml_cli.dataset.remote import origin_of
from geoml_cli.dataset.store import NAME, Dataset, DatasetWriter, check_content, content_digest
from geoml_cli.errors import DataError, escaped
from geoml_cli.source import Options
from geoml_cli.version import __version__
from geoml_cli.work.locking import locked
from geoml_cli.work.reporting import Reporter


@dataclass(frozen=True)
class Raw:
    """What is prepared.

    Attributes:
        source: The source's name.
        path: Folder or file of raw data.
        options: The source's options.
    """

    source: str
    path: Path
    options: Options


@dataclass(frozen=True)
class Prepared:
    """The outcome of `prepare`."""

    folder: Path
    manifest: Manifest
    fresh: bool


def prepare(raw: Raw, folder: Path, reporter: Reporter, *, force: bool = False, keep: bool = False) -> Prepared:
    """Prepare a data set, unless the same raw files and options made the one that stands there.

    Args:
        raw: What is prepared.
        folder: Where the data set goes; replaced whole, at the end.
        reporter: Receives progress and messages.
        force: Prepare in any case.
        keep: Do not replace a data set: take one that the same files and options made, by another version as well.

    Raises:
        DataError: Raw data are missing, damaged or not what the source reads; or a data set is to be kept, and other
            files or options made it.
    """
    digests = _digests(raw, raw_files(raw), reporter)
    if keep and (kept := _made(folder)) is not None:
        _require_same(kept, folder, raw, digests)
        if _is_whole(folder, reporter):
            return Prepared(folder, kept, fresh=False)
    elif not force and (standing := _standing(folder, raw, digests)) is not None and _is_whole(folder, reporter):
        return Prepared(folder, standing, fresh=False)
    before = _made(folder)
    manifest = _write(raw, folder, digests, reporter)
    if before is not None and (differing := _differing(before, raw, digests)):
        reporter.info(f"{folder} had a data set made from others ({_first(differing)}): it is replaced.")
    return Prepared(folder, manifest, fresh=True)


def raw_files(raw: Raw) -> list[Path]:
    """Name the raw files that would be read.

    Raises:
        DataError: There is nothing there, or nothing the source reads.
    """
    if not raw.path.exists():
        raise DataError("there is no such file or folder.", where=str(raw.path), fix="Check the path.")
    require_readable(raw.path)
    files = registry.source(raw.source).files(raw.path, raw.options)
    require_names(files)
    require_content(files)
    return files


def _write(raw: Raw, folder: Path, files: tuple[RawFile, ...], reporter: Reporter) -> Manifest:
    with _replacing(folder, reporter) as partial:
        with DatasetWriter(partial) as writer:
            written = registry.source(raw.source).prepare(raw.path, raw.options, writer, reporter)
        manifest = Manifest(
            source=raw.source,
            layout=written.layout,
            options=_plain(raw.options),
            geoml_version=__version__,
            raw=escaped(str(raw.path.resolve())),
            files=files,
            variables=writer.records,
            funnel=written.funnel,
            facts=written.facts,
            content=content_digest(partial, writer.records),
            origin=escaped(origin_of(raw.path)),
        )
        manifest.write(partial)
    return manifest


@contextmanager
def _replacing(folder: Path, reporter: Reporter) -> Iterator[Path]:
    """Give an empty folder that takes `folder`'s place on success and goes on failure."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.partial")

    def wait(holder: str) -> None:
        reporter.warn(f"{holder} is preparing this data set ({folder}); waiting for it.")

    with locked(folder_lock(folder), wait):
        recover_folder(folder)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            yield partial
            sync(partial)
            replace_folder(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _digests(raw: Raw, files: list[Path], reporter: Reporter) -> tuple[RawFile, ...]:
    root, read_through = raw.path if raw.path.is_dir() else raw.path.parent, registry.source(raw.source).read_through
    found = []
    with reporter.task("raw files", len(files)) as advance:
        for path in files:
            name = path.relative_to(root).as_posix() if path.is_relative_to(root) else os.path.relpath(path, root)
            if read_through:
                read_through(path)
            found.append(RawFile(name=escaped(name), size=path.stat().st_size, sha256=sha256(path)))
            advance(1)
    return tuple(found)


def _standing(folder: Path, raw: Raw, files: tuple[RawFile, ...]) -> Manifest | None:
    """Return the manifest of the data set in place, where it was made from the same."""
    manifest = _made(folder)
    if manifest is None or manifest.geoml_version != __version__:
        return None
    return manifest if not _differing(manifest, raw, files) else None


def _made(folder: Path) -> Manifest | None:
    """Return the manifest of the data set in place; None where there is none that can be read."""
    try:
        return read_manifest(folder)
    except DataError:
        return None


def _is_whole(folder: Path, reporter: Reporter) -> bool:
    """Return whether the values of a data set are those that were prepared; say where they are not."""
    try:
        check_content(Dataset(folder))
    except DataError as error:
        reporter.warn(f"{folder / NAME}: {error.what}. The data set is made again.")
        return False
    return True


def _differing(manifest: Manifest, raw: Raw, files: tuple[RawFile, ...]) -> list[str]:
    """Name the files and options that are others than those of a data set."""
    given = _plain(raw.options)
    options = [name for name in {**given, **manifest.options} if given.get(name) != manifest.options.get(name)]
    others = sorted({file.name for file in set(files) ^ set(manifest.files)})
    source = [] if manifest.source == raw.source else [f"source {manifest.source}"]
    return [*source, *(f"--{name.replace('_', '-')}" for name in options), *others]


def _require_same(manifest: Manifest, folder: Path, raw: Raw, files: tuple[RawFile, ...]) -> None:
    if differing := _differing(manifest, raw, files):
        raise DataError(
            f"its data set is to be kept, and was made from others ({_first(differing)}).",
            where=str(folder),
            fix="Give the files and options that made it, or another folder.",
        )


def _first(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _plain(options: Options) -> dict[str, Any]:
    return options.model_dump(mode="json")
